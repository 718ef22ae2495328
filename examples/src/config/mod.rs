//! The typed node configuration and its two texts.
