//! The Tunnel Encapsulation Limit option (RFC 2473 section 4.1.1), which keeps tunnels from being
//! routed into themselves for ever.

use pmip_wire::carrier::{ExtensionHeaders, protocol};

use crate::octets::u8_at;
use crate::packet::IPV6_HEADER;

/// Octets of a destination options header with the option alone.
pub(crate) const LIMIT_HEADER: usize = LIMIT_OVERHEAD as usize;
/// The same, as MTUs count it.
pub(crate) const LIMIT_OVERHEAD: u16 = 8;
const OPTION: u8 = 4;

/// The IPv6 destination options header that states `limit` and is followed by `next_header`. A
/// driver whose kernel writes the outer header gives it to the socket (`IPV6_DSTOPTS`), where the
/// kernel fills in the first octet itself.
///
/// ```
/// use pmip_tunnel::encap::limit_header;
///
/// assert_eq!(limit_header(41, 4), [41, 0, 4, 1, 4, 1, 1, 0]);
/// ```
#[inline]
#[must_use]
pub const fn limit_header(next_header: u8, limit: u8) -> [u8; 8] {
    // The option, then PadN of two octets.
    [next_header, 0, OPTION, 1, limit, 1, 1, 0]
}

/// The limit that an inner packet states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InnerLimit {
    /// How many more encapsulations it permits.
    pub(crate) value: u8,
    /// Where in the packet that is written.
    pub(crate) offset: u16,
}

impl InnerLimit {
    /// Looks for it as section 4.1.1 (a) says: left to right, up to the first header that is not an
    /// extension header.
    #[inline]
    pub(crate) fn of(packet: &[u8]) -> Option<Self> {
        let next = u8_at(packet, 6)?;
        let is_ipv6 = u8_at(packet, 0).is_some_and(|first| first >> 4 == 6);
        // Nearly every packet ends here.
        if !is_ipv6 || protocol::extension_header_len(next, 0).is_none() {
            return None;
        }
        Self::search(packet, next)
    }

    fn search(packet: &[u8], next: u8) -> Option<Self> {
        let start = u16::try_from(IPV6_HEADER).ok()?;
        let headers = ExtensionHeaders::new(next, packet.get(IPV6_HEADER..)?, start);
        let options = headers
            .map_while(Result::ok)
            .filter(|header| header.protocol() == protocol::DESTINATION_OPTIONS)
            .filter_map(|header| header.options())
            .flat_map(|options| options.map_while(Result::ok));
        options
            .filter(|option| option.option_type == OPTION)
            .find_map(|option| match option.data {
                [value] => Some(Self {
                    value: *value,
                    // Behind type and length.
                    offset: option.offset.saturating_add(2),
                }),
                _ => None,
            })
    }
}

/// What the outer header has to state.
#[inline]
pub(crate) fn outer_limit(
    configured: Option<u8>,
    inner: Option<InnerLimit>,
) -> Result<Option<u8>, InnerLimit> {
    match inner {
        None => Ok(configured),
        Some(inner) => match inner.value.checked_sub(1) {
            Some(left) => Ok(Some(left)),
            None => Err(inner),
        },
    }
}
