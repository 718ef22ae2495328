//! What carries signalling and inner packets: IPv6 with its extension headers.
//!
//! Reading borrows and allocates nothing. Writing appends to the caller's buffer, with lengths and
//! checksums computed.

mod ipv6;
pub mod protocol;

pub use ipv6::{
    ExtensionHeader, ExtensionHeaders, FlowLabel, HomeAddress, Ipv6Fragment, Ipv6Header,
    Ipv6Option, Ipv6Options, Ipv6Packet, MAX_EXTENSION_HEADERS, NotRoutable,
};
