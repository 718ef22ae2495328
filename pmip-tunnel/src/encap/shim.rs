//! What stands between the outer IP or UDP header and the inner packet: the TLV header and GRE.

use pmip_wire::carrier::{DataFrame, GreHeader, GrePacket, TlvPacket, ether_type, protocol};
use pmip_wire::types::Encapsulation;

use crate::octets::u8_at;

/// The longest: TLV, GRE, Key, Sequence Number.
pub(crate) const MAX_SHIM: usize = 16;

/// What a tunnel puts right before an inner packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shim {
    /// A TLV header (RFC 5845 section 7.2).
    pub(crate) tlv: bool,
    /// A GRE header (RFC 2784), with what RFC 2890 adds.
    pub(crate) gre: Option<Gre>,
}

/// The optional fields of a GRE header that we send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gre {
    pub(crate) key: Option<u32>,
    pub(crate) sequence: Option<u32>,
}

impl Shim {
    /// What `encapsulation` needs. In UDP with the TLV header, GRE is there because it was agreed on
    /// (RFC 5845 section 7.1), or is not (`gre_in_tlv` false; "TLV carries plain IP").
    #[inline]
    pub(crate) const fn of(encapsulation: Encapsulation, gre_in_tlv: bool, gre: Gre) -> Self {
        match encapsulation {
            Encapsulation::GreIpv4 | Encapsulation::GreIpv6 => Self {
                tlv: false,
                gre: Some(gre),
            },
            Encapsulation::Ipv4UdpTlv => Self {
                tlv: true,
                gre: if gre_in_tlv { Some(gre) } else { None },
            },
            Encapsulation::Ipv6 | Encapsulation::Ipv4 | Encapsulation::Ipv4Udp | _ => Self {
                tlv: false,
                gre: None,
            },
        }
    }

    /// How many octets it is.
    #[inline]
    pub(crate) const fn length(self) -> usize {
        let tlv = if self.tlv { TlvPacket::HEADER_LEN } else { 0 };
        let Some(gre) = self.gre else {
            return tlv;
        };
        let key = if gre.key.is_some() { 4 } else { 0usize };
        let sequence = if gre.sequence.is_some() { 4 } else { 0usize };
        tlv.saturating_add(4)
            .saturating_add(key)
            .saturating_add(sequence)
    }

    /// Its octets in front of an inner packet of `protocol` (4 or 41) and `inner_length` octets,
    /// and how many they are. `None` where the TLV header cannot hold the length.
    #[inline]
    pub(crate) fn octets(
        self,
        protocol: u8,
        inner_length: usize,
    ) -> Option<([u8; MAX_SHIM], usize)> {
        let mut octets = [0; MAX_SHIM];
        let mut rest = &mut octets[..];
        let header = self.gre.map(|gre| GreHeader {
            protocol_type: match protocol {
                protocol::IPV4 => ether_type::IPV4,
                _ => ether_type::IPV6,
            },
            checksum: false,
            key: gre.key,
            sequence: gre.sequence,
        });
        if self.tlv {
            let own = header.map_or(0, |header| header.encoded_len());
            let next = header.map_or(protocol, |_| protocol::GRE);
            TlvPacket::encode_header(next, own.saturating_add(inner_length), &mut rest)?;
        }
        if let Some(header) = header {
            header.encode(&[], &mut rest);
        }
        let left = rest.len();
        Some((octets, MAX_SHIM.saturating_sub(left)))
    }
}

/// How a packet was carried, by what its outer header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Carrier {
    /// UDP on port 5437, plain or with the TLV header: its first four bits tell.
    Udp,
    /// Protocol 4 or 41: an inner packet follows at once.
    Ip,
    /// Protocol 47.
    Gre,
}

impl Carrier {
    /// What carries packets of `encapsulation`; `None` for a kind that this version knows not.
    pub const fn of(encapsulation: Encapsulation) -> Option<Self> {
        match encapsulation {
            Encapsulation::Ipv4Udp | Encapsulation::Ipv4UdpTlv => Some(Self::Udp),
            Encapsulation::Ipv4 | Encapsulation::Ipv6 => Some(Self::Ip),
            Encapsulation::GreIpv4 | Encapsulation::GreIpv6 => Some(Self::Gre),
            _ => None,
        }
    }

    /// What the protocol number of an outer header stands for; `None` = no inner packet follows.
    ///
    /// ```
    /// use pmip_tunnel::encap::Carrier;
    ///
    /// assert_eq!(Carrier::from_protocol(41), Some(Carrier::Ip));
    /// assert_eq!(Carrier::from_protocol(6), None);
    /// ```
    pub const fn from_protocol(number: u8) -> Option<Self> {
        match number {
            protocol::UDP => Some(Self::Udp),
            protocol::IPV4 | protocol::IPV6 => Some(Self::Ip),
            protocol::GRE => Some(Self::Gre),
            _ => None,
        }
    }

    /// The protocol number of the outer header of an inner packet of protocol `inner`, 4 or 41.
    pub const fn protocol(self, inner: u8) -> u8 {
        match self {
            Self::Udp => protocol::UDP,
            Self::Ip => inner,
            Self::Gre => protocol::GRE,
        }
    }
}

/// An opened shim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Where the inner packet starts.
    pub(crate) start: usize,
    /// A TLV header was there.
    pub(crate) tlv: bool,
    /// A GRE header was there, with these fields.
    pub(crate) gre: Option<Gre>,
}

/// Reads what stands before the inner packet in `payload`, which is what follows the outer IP
/// header, or the UDP header where `carrier` says so. `None` where that is malformed or the inner
/// packet is not what it was announced as.
#[inline]
pub(crate) fn open(carrier: Carrier, payload: &[u8]) -> Option<Opened> {
    let version = u8_at(payload, 0).unwrap_or(0) >> 4;
    match (carrier, version) {
        (Carrier::Udp | Carrier::Ip, 4 | 6) => Some(Opened::default()),
        (Carrier::Udp, _) => open_tlv(payload),
        (Carrier::Ip, _) => None,
        (Carrier::Gre, _) => open_gre(payload, payload.len(), false),
    }
}

fn open_tlv(payload: &[u8]) -> Option<Opened> {
    let DataFrame::Tlv(tlv) = DataFrame::parse(payload).ok()? else {
        return None;
    };
    match tlv.next_header {
        protocol::GRE => open_gre(tlv.payload, payload.len(), true),
        number => {
            is_version(tlv.payload, number).then_some(())?;
            Some(Opened {
                start: payload.len().saturating_sub(tlv.payload.len()),
                tlv: true,
                gre: None,
            })
        }
    }
}

fn open_gre(octets: &[u8], whole: usize, tlv: bool) -> Option<Opened> {
    let packet = GrePacket::parse(octets).ok()?;
    let number = match packet.header.protocol_type {
        ether_type::IPV4 => protocol::IPV4,
        ether_type::IPV6 => protocol::IPV6,
        _ => return None,
    };
    is_version(packet.payload, number).then_some(())?;
    Some(Opened {
        start: whole.saturating_sub(packet.payload.len()),
        tlv,
        gre: Some(Gre {
            key: packet.header.key,
            sequence: packet.header.sequence,
        }),
    })
}

/// Whether `inner` starts as a packet of protocol `number` does.
pub(crate) fn is_version(inner: &[u8], number: u8) -> bool {
    let version = u8_at(inner, 0).map(|first| first >> 4);
    matches!(
        (number, version),
        (protocol::IPV4, Some(4)) | (protocol::IPV6, Some(6))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const INNER: [u8; 3] = [0x45, 1, 2];

    fn framed(shim: Shim) -> Vec<u8> {
        let (octets, length) = shim.octets(protocol::IPV4, INNER.len()).expect("short");
        assert_eq!(length, shim.length());
        [&octets[..length], &INNER].concat()
    }

    /// wire-formats: `20 00 pp pp kk kk kk kk`; RFC 5845 section 7.2 and figure 5.
    #[test]
    fn octets_are_those_of_the_figures() {
        let key = Gre {
            key: Some(0x0102_0304),
            sequence: None,
        };
        let gre = Shim::of(Encapsulation::GreIpv4, true, key);
        assert_eq!(framed(gre), [0x20, 0, 8, 0, 1, 2, 3, 4, 0x45, 1, 2]);
        let tlv = Shim::of(Encapsulation::Ipv4UdpTlv, true, key);
        let expected = [0, 47, 0, 11, 0x20, 0, 8, 0, 1, 2, 3, 4, 0x45, 1, 2];
        assert_eq!(framed(tlv), expected);
        let plain = Shim::of(Encapsulation::Ipv4UdpTlv, false, key);
        assert_eq!(framed(plain), [0, 4, 0, 3, 0x45, 1, 2]);
        let numbered = Gre {
            key: Some(9),
            sequence: Some(7),
        };
        let numbered = Shim::of(Encapsulation::GreIpv6, true, numbered);
        let expected = [0x30, 0, 8, 0, 0, 0, 0, 9, 0, 0, 0, 7, 0x45, 1, 2];
        assert_eq!(framed(numbered), expected);
    }

    #[test]
    fn what_is_written_is_read() {
        for key in [None, Some(u32::MAX)] {
            for sequence in [None, Some(0)] {
                let gre = Gre { key, sequence };
                for (encapsulation, carrier) in [
                    (Encapsulation::GreIpv4, Carrier::Gre),
                    (Encapsulation::Ipv4UdpTlv, Carrier::Udp),
                ] {
                    let shim = Shim::of(encapsulation, true, gre);
                    let packet = framed(shim);
                    let opened = open(carrier, &packet).expect("our own");
                    assert_eq!((opened.tlv, opened.gre), (shim.tlv, shim.gre));
                    assert_eq!(packet[opened.start..], INNER);
                }
            }
        }
    }

    #[test]
    fn contradictions_are_refused() {
        let cases: [(Carrier, &[u8]); 8] = [
            (Carrier::Ip, &[0x20, 0, 8, 0, 0x45]),
            (Carrier::Gre, &[0x45]),
            (Carrier::Gre, &[0, 0, 8, 0, 0x60]),
            (Carrier::Gre, &[0, 0, 0x88, 0x47, 0x45]),
            (Carrier::Gre, &[0x40, 0, 8, 0, 0, 0, 0, 0, 0x45]),
            (Carrier::Udp, &[0, 4, 0, 2, 0x45]),
            (Carrier::Udp, &[0, 41, 0, 1, 0x45]),
            (Carrier::Udp, &[]),
        ];
        for (carrier, octets) in cases {
            assert_eq!(open(carrier, octets), None, "{carrier:?} {octets:x?}");
        }
    }

    /// A GRE checksum is not sent, but must be understood (RFC 2784 section 2.2).
    #[test]
    fn a_gre_checksum_is_verified() {
        let header = GreHeader {
            checksum: true,
            ..GreHeader::with_key(ether_type::IPV4, 5)
        };
        let mut packet = Vec::new();
        header.encode(&INNER, &mut packet);
        packet.extend_from_slice(&INNER);
        let opened = open(Carrier::Gre, &packet).expect("right");
        assert_eq!(packet[opened.start..], INNER);
        packet[14] ^= 1;
        assert_eq!(open(Carrier::Gre, &packet), None);
    }
}
