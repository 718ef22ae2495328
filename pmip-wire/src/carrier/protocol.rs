//! Protocol numbers (IANA "Assigned Internet Protocol Numbers") that carriers tell apart, and the
//! length of IPv6 extension headers.

/// IPv6 Hop-by-Hop Options.
pub const HOP_BY_HOP: u8 = 0;
/// ICMP of IPv4.
pub const ICMP: u8 = 1;
/// IPv4 in another packet.
pub const IPV4: u8 = 4;
/// TCP.
pub const TCP: u8 = 6;
/// UDP.
pub const UDP: u8 = 17;
/// DCCP.
pub const DCCP: u8 = 33;
/// IPv6 in another packet.
pub const IPV6: u8 = 41;
/// IPv6 Routing header.
pub const ROUTING: u8 = 43;
/// IPv6 Fragment header.
pub const FRAGMENT: u8 = 44;
/// GRE.
pub const GRE: u8 = 47;
/// Encapsulating Security Payload: nothing behind it can be read.
pub const ESP: u8 = 50;
/// Authentication Header.
pub const AUTHENTICATION: u8 = 51;
/// ICMPv6.
pub const ICMPV6: u8 = 58;
/// No next header.
pub const NO_NEXT_HEADER: u8 = 59;
/// IPv6 Destination Options.
pub const DESTINATION_OPTIONS: u8 = 60;
/// SCTP.
pub const SCTP: u8 = 132;
/// Mobility Header (RFC 6275 section 6.1.1).
pub const MOBILITY: u8 = crate::checksum::MOBILITY_HEADER_PROTOCOL;
/// UDP-Lite.
pub const UDP_LITE: u8 = 136;

/// Octets of the IPv6 extension header of number `protocol` whose second octet is `length`; `None`
/// where that number is no extension header that can be walked over (RFC 8200 section 4, RFC 4302
/// section 2.2).
///
/// ```
/// use pmip_wire::carrier::protocol;
///
/// assert_eq!(protocol::extension_header_len(protocol::ROUTING, 2), Some(24));
/// assert_eq!(protocol::extension_header_len(protocol::AUTHENTICATION, 4), Some(24));
/// assert_eq!(protocol::extension_header_len(protocol::UDP, 2), None);
/// ```
#[inline]
#[must_use]
pub const fn extension_header_len(protocol: u8, length: u8) -> Option<usize> {
    match protocol {
        HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS => {
            Some((length as usize).saturating_add(1).saturating_mul(8))
        }
        FRAGMENT => Some(8),
        AUTHENTICATION => Some((length as usize).saturating_add(2).saturating_mul(4)),
        _ => None,
    }
}
