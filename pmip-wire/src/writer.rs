//! Writes messages into a zeroed scratch buffer: lengths, alignment, padding, checksum.

use crate::checksum::{Checksum, ChecksumContext, MOBILITY_HEADER_PROTOCOL};
use crate::code::{MhType, OptionType};
use crate::message::HEADER_LEN;
use crate::option::length_octet;

/// Payload Proto of a Mobility Header: no next header (RFC 6275 section 6.1.1).
pub(crate) const NO_NEXT_HEADER: u8 = 59;

/// Writes one Mobility Header from the start of `buffer`, which must be zeroed and large enough:
/// what does not fit is dropped, never a panic.
pub(crate) struct Writer<'a> {
    buffer: &'a mut [u8],
    position: usize,
}

impl<'a> Writer<'a> {
    /// Starts behind the six octets that [`Writer::finish`] fills in.
    #[inline]
    pub(crate) const fn new(buffer: &'a mut [u8]) -> Self {
        Self {
            buffer,
            position: HEADER_LEN,
        }
    }

    /// Writes `octets`.
    #[inline]
    pub(crate) fn put(&mut self, octets: &[u8]) {
        let end = self.position.saturating_add(octets.len());
        if let Some(slot) = self.buffer.get_mut(self.position..end) {
            slot.copy_from_slice(octets);
        }
        self.position = end;
    }

    /// Writes an option whose data is `head` and then `tail`, behind the padding it needs.
    #[inline]
    pub(crate) fn option(&mut self, option_type: OptionType, head: &[u8], tail: &[u8]) {
        self.pad(option_type.alignment_around(tail).padding(self.position));
        let data_len = head.len().saturating_add(tail.len());
        self.put(&[option_type.code(), length_octet(option_type, data_len)]);
        self.put(head);
        self.put(tail);
    }

    /// Pads to a multiple of eight octets, writes the header in front, and returns the length.
    #[inline]
    pub(crate) fn finish(mut self, mh_type: MhType, context: ChecksumContext) -> usize {
        self.pad(self.position.wrapping_neg() & 7);
        let units = (self.position >> 3).saturating_sub(1);
        let header = [
            NO_NEXT_HEADER,
            units.try_into().unwrap_or(u8::MAX),
            mh_type.code(),
            0,
        ];
        if let Some(slot) = self.buffer.first_chunk_mut() {
            *slot = header;
        }
        if let ChecksumContext::Ipv6 {
            source,
            destination,
        } = context
        {
            let message = self.buffer.get(..self.position).unwrap_or_default();
            let length = message.len().try_into().unwrap_or(u32::MAX);
            let mut checksum =
                Checksum::ipv6_pseudo_header(source, destination, length, MOBILITY_HEADER_PROTOCOL);
            checksum.add(message);
            let field = checksum.finish().to_be_bytes();
            if let Some(slot) = self.buffer.get_mut(4..6) {
                slot.copy_from_slice(&field);
            }
        }
        self.position
    }

    /// Writes `octets` octets of padding (RFC 6275 sections 6.2.2 and 6.2.3). The buffer is zeroed.
    #[inline]
    fn pad(&mut self, octets: usize) {
        if octets >= 2 {
            let length = octets.saturating_sub(2).try_into().unwrap_or(u8::MAX);
            let end = self.position.saturating_add(2);
            if let Some(slot) = self.buffer.get_mut(self.position..end) {
                slot.copy_from_slice(&[OptionType::PadN.code(), length]);
            }
        }
        self.position = self.position.saturating_add(octets);
    }
}
