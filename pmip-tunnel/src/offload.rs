//! What a segmentation offload says about a packet: the header that Linux puts before packets of a
//! TUN device opened with `IFF_VNET_HDR` (virtio 1.2 section 5.1.6, legacy layout, host order).

/// A transport checksum that is still to be completed: the field holds the sum of the pseudo
/// header, the rest of the packet from `start` is to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialChecksum {
    /// Where summing starts: the transport header, in octets from the packet's start.
    pub start: u16,
    /// Where the field is, in octets from `start`.
    pub offset: u16,
}

/// Which protocol a super-packet is cut by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SegmentationKind {
    /// TCP over IPv4.
    TcpIpv4,
    /// TCP over IPv6.
    TcpIpv6,
    /// UDP: every segment is a datagram of its own.
    Udp,
}

/// How a super-packet is to be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segmentation {
    /// By which protocol.
    pub kind: SegmentationKind,
    /// Octets of payload in each segment but the last, at least 1.
    pub size: u16,
    /// Octets of headers before the payload. Advisory on the way in: the forwarder reads the
    /// headers itself.
    pub header_length: u16,
}

/// What the kernel left to do in a packet, or may leave to the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PacketOffload {
    /// A checksum to complete.
    pub checksum: Option<PartialChecksum>,
    /// A super-packet to cut.
    pub segmentation: Option<Segmentation>,
}

/// The header names an offload that was not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("segmentation type {gso_type} of size {size} is not one that we enabled")]
pub struct UnknownOffload {
    /// The `gso_type` octet.
    pub gso_type: u8,
    /// The `gso_size` field.
    pub size: u16,
}

const NEEDS_CHECKSUM: u8 = 1;
const GSO_NONE: u8 = 0;
const GSO_TCPV4: u8 = 1;
const GSO_TCPV6: u8 = 4;
const GSO_UDP_L4: u8 = 5;
/// A TCP super-packet with CWR set; the segmenter looks at the flags itself.
const GSO_ECN: u8 = 0x80;

impl PacketOffload {
    /// An ordinary packet with nothing left to do.
    pub const NONE: Self = Self {
        checksum: None,
        segmentation: None,
    };

    /// Length of the header in octets.
    pub const HEADER_LENGTH: usize = 10;

    /// A packet with this checksum to complete and this way to cut it.
    pub const fn new(
        checksum: Option<PartialChecksum>,
        segmentation: Option<Segmentation>,
    ) -> Self {
        Self {
            checksum,
            segmentation,
        }
    }

    /// Reads the header.
    ///
    /// # Errors
    /// [`UnknownOffload`] for segmentation types other than TCP and UDP datagrams, or size 0.
    pub fn from_virtio(header: &[u8; Self::HEADER_LENGTH]) -> Result<Self, UnknownOffload> {
        let [flags, gso_type, h0, h1, s0, s1, c0, c1, o0, o1] = *header;
        let size = u16::from_ne_bytes([s0, s1]);
        let kind = match gso_type & !GSO_ECN {
            GSO_NONE => None,
            GSO_TCPV4 => Some(SegmentationKind::TcpIpv4),
            GSO_TCPV6 => Some(SegmentationKind::TcpIpv6),
            GSO_UDP_L4 => Some(SegmentationKind::Udp),
            _ => return Err(UnknownOffload { gso_type, size }),
        };
        if kind.is_some() && size == 0 {
            return Err(UnknownOffload { gso_type, size });
        }
        Ok(Self {
            checksum: (flags & NEEDS_CHECKSUM != 0).then_some(PartialChecksum {
                start: u16::from_ne_bytes([c0, c1]),
                offset: u16::from_ne_bytes([o0, o1]),
            }),
            segmentation: kind.map(|kind| Segmentation {
                kind,
                size,
                header_length: u16::from_ne_bytes([h0, h1]),
            }),
        })
    }

    /// Writes the header.
    pub fn to_virtio(&self) -> [u8; Self::HEADER_LENGTH] {
        let (gso_type, size, header_length) = match self.segmentation {
            None => (GSO_NONE, 0, 0),
            Some(cut) => (gso_type(cut.kind), cut.size, cut.header_length),
        };
        let (flags, start, offset) = match self.checksum {
            None => (0, 0, 0),
            Some(partial) => (NEEDS_CHECKSUM, partial.start, partial.offset),
        };
        let [h0, h1] = header_length.to_ne_bytes();
        let [s0, s1] = size.to_ne_bytes();
        let [c0, c1] = start.to_ne_bytes();
        let [o0, o1] = offset.to_ne_bytes();
        [flags, gso_type, h0, h1, s0, s1, c0, c1, o0, o1]
    }
}

const fn gso_type(kind: SegmentationKind) -> u8 {
    match kind {
        SegmentationKind::TcpIpv4 => GSO_TCPV4,
        SegmentationKind::TcpIpv6 => GSO_TCPV6,
        SegmentationKind::Udp => GSO_UDP_L4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_round_trips() {
        for kind in [
            SegmentationKind::TcpIpv4,
            SegmentationKind::TcpIpv6,
            SegmentationKind::Udp,
        ] {
            let offload = PacketOffload::new(
                Some(PartialChecksum {
                    start: 20,
                    offset: 16,
                }),
                Some(Segmentation {
                    kind,
                    size: 1448,
                    header_length: 52,
                }),
            );
            assert_eq!(
                PacketOffload::from_virtio(&offload.to_virtio()),
                Ok(offload)
            );
        }
        let none = PacketOffload::NONE;
        assert_eq!(PacketOffload::from_virtio(&none.to_virtio()), Ok(none));
    }

    #[test]
    fn size_zero_and_foreign_types_are_refused() {
        assert!(PacketOffload::from_virtio(&[0, GSO_TCPV4, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(PacketOffload::from_virtio(&[0, 3, 0, 0, 1, 1, 0, 0, 0, 0]).is_err());
    }
}
