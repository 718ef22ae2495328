//! The MTU of a path, found by probing (RFC 8899).
