//! IPv6 (RFC 8200) down to the Mobility Header, and back.

mod extension;
mod header;
mod packet;

pub use extension::{
    ExtensionHeader, ExtensionHeaders, Ipv6Option, Ipv6Options, MAX_EXTENSION_HEADERS,
};
pub use header::{FlowLabel, HomeAddress, Ipv6Header, NotRoutable};
pub use packet::{Ipv6Fragment, Ipv6Packet};

/// Octets of the fixed IPv6 header.
const HEADER_LEN: usize = 40;

/// Routing Type of Mobile IPv6 (RFC 6275 section 6.4).
const ROUTING_TYPE_2: u8 = 2;

/// Option Type of the Home Address option (RFC 6275 section 6.3).
const HOME_ADDRESS_OPTION: u8 = 201;
