//! Ports of IPv4-UDP framing, and what a data datagram holds (RFC 5844 section 4). Whole datagrams
//! are read and written by [`carrier`](crate::carrier).

/// UDP port of signalling: the payload is a Mobility Header (RFC 5844 section 4.1.3).
pub const CONTROL_PORT: u16 = 5436;

/// UDP port of tunnelled packets (RFC 5844 section 4.2).
pub const DATA_PORT: u16 = 5437;

/// What a datagram on [`DATA_PORT`] holds, told by its first four bits (RFC 5845 section 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataPayload {
    /// 0: a TLV header in front of the packet (RFC 5845 section 7.2).
    Tlv,
    /// 4: an IPv4 packet.
    Ipv4,
    /// 6: an IPv6 packet.
    Ipv6,
}

impl DataPayload {
    /// What `payload` holds; `None` where it is empty or its first four bits mean nothing.
    ///
    /// ```
    /// use pmip_wire::udp::DataPayload;
    ///
    /// assert_eq!(DataPayload::of(&[0x45, 0]), Some(DataPayload::Ipv4));
    /// assert_eq!(DataPayload::of(&[]), None);
    /// ```
    #[inline]
    pub const fn of(payload: &[u8]) -> Option<Self> {
        let Some(first) = payload.first() else {
            return None;
        };
        match *first >> 4 {
            0 => Some(Self::Tlv),
            4 => Some(Self::Ipv4),
            6 => Some(Self::Ipv6),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DataPayload;

    #[test]
    fn the_first_nibble_decides() {
        for first in 0..=u8::MAX {
            let expected = match first {
                0x00..=0x0f => Some(DataPayload::Tlv),
                0x40..=0x4f => Some(DataPayload::Ipv4),
                0x60..=0x6f => Some(DataPayload::Ipv6),
                _ => None,
            };
            assert_eq!(DataPayload::of(&[first]), expected, "{first:#04x}");
        }
    }
}
