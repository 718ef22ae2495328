//! The Internet checksum (RFC 1071), and the pseudo headers it is taken over.
//!
//! The one's complement sum does not depend on the byte order (RFC 1071 section 2), so the sum is
//! taken over native words and swapped once at the end.

use core::net::{Ipv4Addr, Ipv6Addr};

/// IPv6 next header of the Mobility Header (RFC 6275 section 6.1.1).
pub const MOBILITY_HEADER_PROTOCOL: u8 = 135;

/// What carries a Mobility Header, as far as its checksum cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
pub enum ChecksumContext {
    /// IPv6 next header 135: the checksum covers a pseudo header and is verified
    /// (RFC 6275 section 6.1.1).
    Ipv6 {
        /// Source of the IPv6 packet.
        source: Ipv6Addr,
        /// Destination of the IPv6 packet.
        destination: Ipv6Addr,
    },
    /// IPv4 and UDP: sent as zero and ignored on receipt; UDP's own checksum protects
    /// (RFC 5844 section 4.1.3).
    Udp,
}

/// The part of a checksum that does not depend on the message: the sum of its pseudo header without
/// the length. `None` where no checksum is asked for.
#[derive(Clone, Copy)]
pub(crate) struct PseudoHeader(Option<u64>);

impl ChecksumContext {
    /// Summed where the addresses are at hand: to pass them on takes longer.
    #[inline(always)]
    pub(crate) fn pseudo_header(&self) -> PseudoHeader {
        PseudoHeader(match self {
            Self::Ipv6 {
                source,
                destination,
            } => {
                let protocol = MOBILITY_HEADER_PROTOCOL;
                Some(Checksum::ipv6_pseudo_header(*source, *destination, 0, protocol).sum)
            }
            Self::Udp => None,
        })
    }
}

impl PseudoHeader {
    /// The sum over the pseudo header and `message`; `None` where no checksum is asked for.
    #[inline]
    pub(crate) fn checksum(self, message: &[u8]) -> Option<Checksum> {
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be();
        // No carry is lost: each of these is far below 2^64.
        let sum = self.0?.wrapping_add(length.into());
        Some(Checksum {
            sum: sum.wrapping_add(self::sum(message)),
            odd: message.len() % 2 == 1,
        })
    }
}

/// A running one's complement sum.
///
/// Slices of odd length may come anywhere: what follows them is added at the odd position that it
/// really has.
///
/// ```
/// use pmip_wire::checksum::Checksum;
///
/// let mut whole = Checksum::new();
/// whole.add(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
/// assert_eq!(whole.finish(), !0xddf2); // The example of RFC 1071 section 3.
///
/// let mut parts = Checksum::new();
/// parts.add(&[0x00, 0x01, 0xf2]);
/// parts.add(&[0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
/// assert_eq!(parts.finish(), whole.finish());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Checksum {
    /// Native words; carries above 16 bits are folded at the end.
    sum: u64,
    odd: bool,
}

impl Checksum {
    /// Zero.
    #[inline]
    pub const fn new() -> Self {
        Self { sum: 0, odd: false }
    }

    /// The sum of an IPv6 pseudo header (RFC 8200 section 8.1).
    #[inline]
    pub fn ipv6_pseudo_header(
        source: Ipv6Addr,
        destination: Ipv6Addr,
        length: u32,
        next_header: u8,
    ) -> Self {
        let mut checksum = Self::new();
        checksum.add_words(&source.octets());
        checksum.add_words(&destination.octets());
        checksum.add_words(&length.to_be_bytes());
        checksum.add_words(&[0, next_header]);
        checksum
    }

    /// The sum of an IPv4 pseudo header, as TCP (RFC 9293 section 3.1) and UDP (RFC 768) have it.
    #[inline]
    pub fn ipv4_pseudo_header(
        source: Ipv4Addr,
        destination: Ipv4Addr,
        length: u16,
        protocol: u8,
    ) -> Self {
        let mut checksum = Self::new();
        checksum.add_words(&source.octets());
        checksum.add_words(&destination.octets());
        checksum.add_words(&[0, protocol]);
        checksum.add_words(&length.to_be_bytes());
        checksum
    }

    /// Adds `data`.
    #[inline]
    pub fn add(&mut self, data: &[u8]) {
        let sum = sum(data);
        let sum = if self.odd {
            u64::from(fold(sum).swap_bytes())
        } else {
            sum
        };
        self.sum = end_around_add(self.sum, sum);
        self.odd ^= data.len() % 2 == 1;
    }

    /// The checksum field: the complement of the folded sum, in host order.
    #[inline]
    pub const fn finish(self) -> u16 {
        !u16::from_be(fold(self.sum))
    }

    /// Whether data that holds its own checksum field sums up as it must.
    #[inline]
    pub const fn is_valid(self) -> bool {
        // Folded it is all ones: nothing is left modulo 2^16 - 1.
        self.sum != 0 && self.sum.is_multiple_of(0xffff)
    }

    /// Adds an even number of octets at an even position.
    #[inline]
    fn add_words<const N: usize>(&mut self, octets: &[u8; N]) {
        self.sum = end_around_add(self.sum, sum(octets));
    }
}

/// The one's complement sum of `data` as 16-bit words in native order, not folded; an odd last
/// octet counts as if a zero followed it.
#[inline]
pub fn sum(data: &[u8]) -> u64 {
    let (words, rest) = data.as_chunks::<8>();
    let mut total = Words::default();
    for word in words {
        total.add(u64::from_ne_bytes(*word));
    }
    total.add(tail(rest));
    total.finish()
}

/// A sum of 64-bit words whose carries are not chased: `sum` loses them, and `highs`, the sum of the
/// upper halves, tells what they were. Compilers vectorise it on every processor.
#[derive(Default)]
struct Words {
    sum: u64,
    highs: u64,
}

impl Words {
    #[inline]
    const fn add(&mut self, word: u64) {
        self.sum = self.sum.wrapping_add(word);
        self.highs = self.highs.wrapping_add(word >> 32);
    }

    /// The sum of all halves; exact below 2^32 words.
    #[inline]
    const fn finish(self) -> u64 {
        let lows = self.sum.wrapping_sub(self.highs << 32);
        lows.wrapping_add(self.highs)
    }
}

/// Up to seven octets with zeros behind.
#[inline]
fn tail(rest: &[u8]) -> u64 {
    let mut word = [0u8; 8];
    for (slot, octet) in word.iter_mut().zip(rest) {
        *slot = *octet;
    }
    u64::from_ne_bytes(word)
}

#[inline]
const fn end_around_add(a: u64, b: u64) -> u64 {
    let (sum, carry) = a.overflowing_add(b);
    sum.wrapping_add(carry as u64)
}

/// Folds the carries into 16 bits.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves are taken apart"
)]
const fn fold(sum: u64) -> u16 {
    let (half, carry) = (sum as u32).overflowing_add((sum >> 32) as u32);
    let half = half.wrapping_add(carry as u32);
    let (quarter, carry) = (half as u16).overflowing_add((half >> 16) as u16);
    quarter.wrapping_add(carry as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// RFC 1071 as it is written: 16-bit words in network order.
    fn reference(data: &[u8]) -> u16 {
        let mut sum = 0u64;
        for word in data.chunks(2) {
            sum += u64::from(word[0]) << 8 | word.get(1).copied().map_or(0, u64::from);
        }
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }

    fn octets(length: usize) -> Vec<u8> {
        let mut state = 7u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn every_length_agrees_with_the_definition() {
        for length in 0..200 {
            let data = octets(length);
            let mut checksum = Checksum::new();
            checksum.add(&data);
            assert_eq!(checksum.finish(), reference(&data), "{length} octets");
        }
    }

    #[test]
    fn carries_are_never_lost() {
        let data = [0xff; 65_535];
        let mut checksum = Checksum::new();
        for _ in 0..100 {
            checksum.add(&data);
        }
        // An even number of odd slices of ones: all ones.
        assert_eq!(checksum.finish(), 0);
        assert!(checksum.is_valid());
    }

    #[test]
    fn slices_may_be_cut_anywhere() {
        let data = octets(61);
        for first in 0..data.len() {
            for second in first..data.len() {
                let mut checksum = Checksum::new();
                checksum.add(&data[..first]);
                checksum.add(&data[first..second]);
                checksum.add(&data[second..]);
                assert_eq!(checksum.finish(), reference(&data), "{first} {second}");
            }
        }
    }

    #[test]
    fn pseudo_headers_are_what_their_rfcs_draw() {
        let source = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        let destination = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0xffff);
        let mut drawn = [0u8; 40];
        drawn[..16].copy_from_slice(&source.octets());
        drawn[16..32].copy_from_slice(&destination.octets());
        drawn[32..36].copy_from_slice(&70_000u32.to_be_bytes());
        drawn[39] = 135;
        let checksum = Checksum::ipv6_pseudo_header(source, destination, 70_000, 135);
        assert_eq!(checksum.finish(), reference(&drawn));

        let drawn = [192, 0, 2, 1, 198, 51, 100, 7, 0, 17, 0x12, 0x34];
        let (source, destination) = ([192, 0, 2, 1].into(), [198, 51, 100, 7].into());
        let checksum = Checksum::ipv4_pseudo_header(source, destination, 0x1234, 17);
        assert_eq!(checksum.finish(), reference(&drawn));
    }
}
