//! A packet with room before it, and why it cannot grow.

/// A packet in a buffer with room before it.
#[derive(Debug)]
pub struct PacketBuf<'a> {
    data: &'a mut [u8],
    start: usize,
}

impl<'a> PacketBuf<'a> {
    /// The packet `data[start..]`; what lies before `start` is headroom.
    ///
    /// # Errors
    /// [`EncapError::Headroom`] when `start` lies behind the end.
    pub fn new(data: &'a mut [u8], start: usize) -> Result<Self, EncapError> {
        match start <= data.len() {
            true => Ok(Self { data, start }),
            false => Err(EncapError::Headroom {
                need: start,
                have: data.len(),
            }),
        }
    }

    /// The packet.
    pub fn packet(&self) -> &[u8] {
        self.data.get(self.start..).unwrap_or(&[])
    }

    /// Octets before the packet.
    pub const fn headroom(&self) -> usize {
        self.start
    }

    /// The packet, `need` octets longer at its front.
    pub(super) fn push_front(&mut self, need: usize) -> Result<&mut [u8], EncapError> {
        let have = self.start;
        let start = have
            .checked_sub(need)
            .ok_or(EncapError::Headroom { need, have })?;
        self.start = start;
        Ok(self.data.get_mut(start..).unwrap_or(&mut []))
    }
}

/// Why a packet could not be encapsulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncapError {
    /// The buffer has less room before the packet than the outer headers need.
    #[error("{need} octets of headroom are needed, {have} are there: leave more before the packet")]
    Headroom {
        /// Octets needed.
        need: usize,
        /// Octets there.
        have: usize,
    },
    /// Inner and outer headers together exceed 65,535 octets.
    #[error("the packet of {0} octets does not fit an outer packet: cut it first")]
    TooLong(usize),
    /// The buffer does not hold an IPv4 or IPv6 packet.
    #[error("the inner packet is neither IPv4 nor IPv6")]
    NotIp,
    /// Source and destination are of two families, or of the family that the encapsulation does
    /// not use.
    #[error("the tunnel's addresses are not of the family of its encapsulation")]
    Family,
    /// The inner packet must not be encapsulated once more (RFC 2473 section 4.1.1 (b)).
    #[error("the inner packet's encapsulation limit is used up")]
    LimitExhausted,
    /// A UDP checksum covers the payload: the packet has to be written whole.
    #[error("UDP headers are written with their payload, which the checksum covers")]
    Udp,
}
