//! Writes messages into a buffer: lengths, alignment, padding, checksum.

use crate::checksum::PseudoHeader;
use crate::code::{MhType, OptionType};
use crate::message::HEADER_LEN;
use crate::option::length_octet;

/// Payload Proto of a Mobility Header: no next header (RFC 6275 section 6.1.1).
pub(crate) const NO_NEXT_HEADER: u8 = 59;

/// Writes one Mobility Header from the start of `buffer`. What does not fit is dropped, never a
/// panic; the length tells.
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

    /// Goes on at `position`.
    pub(crate) const fn resume(buffer: &'a mut [u8], position: usize) -> Self {
        Self { buffer, position }
    }

    /// Where the next octet goes.
    #[inline]
    pub(crate) const fn position(&self) -> usize {
        self.position
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
    #[inline(always)]
    pub(crate) fn option(&mut self, option_type: OptionType, head: &[u8], tail: &[u8]) {
        self.pad(option_type.alignment_around(tail).padding(self.position));
        let data_len = head.len().wrapping_add(tail.len());
        let start = self.position;
        self.position = start.wrapping_add(2).wrapping_add(data_len);
        let Some(slot) = self.buffer.get_mut(start..self.position) else {
            return;
        };
        let Some(([code, length], data)) = slot.split_first_chunk_mut() else {
            return;
        };
        *code = option_type.code();
        *length = length_octet(option_type, data_len);
        if let Some((front, back)) = data.split_at_mut_checked(head.len()) {
            front.copy_from_slice(head);
            back.copy_from_slice(tail);
        }
    }

    /// Pads to a multiple of eight octets, writes the header in front, and returns the length.
    #[inline]
    pub(crate) fn finish(mut self, mh_type: MhType, pseudo_header: PseudoHeader) -> usize {
        self.pad_end();
        let units = (self.position >> 3).saturating_sub(1);
        let header = [
            NO_NEXT_HEADER,
            units.try_into().unwrap_or(u8::MAX),
            mh_type.code(),
            0,
            0,
            0,
        ];
        if let Some(slot) = self.buffer.first_chunk_mut() {
            *slot = header;
        }
        if let Some(message) = self.buffer.get_mut(..self.position) {
            write_checksum(message, pseudo_header);
        }
        self.position
    }

    /// Writes `octets` octets of padding before an option, at most 7: what is written too far, the
    /// option overwrites.
    #[inline]
    fn pad(&mut self, octets: usize) {
        if octets == 0 {
            return;
        }
        let start = self.position;
        self.position = start.wrapping_add(octets);
        let slot = self.buffer.get_mut(start..).unwrap_or_default();
        if let Some(slot) = slot.first_chunk_mut() {
            *slot = padding(octets);
        } else {
            slot.iter_mut().zip(padding(octets)).for_each(put_octet);
        }
    }

    /// Pads to a multiple of eight octets, and writes nothing behind them.
    #[inline]
    fn pad_end(&mut self) {
        let octets = self.position.wrapping_neg() & 7;
        let start = self.position;
        self.position = start.wrapping_add(octets);
        let slot = self.buffer.get_mut(start..self.position);
        slot.unwrap_or_default()
            .iter_mut()
            .zip(padding(octets))
            .for_each(put_octet);
    }
}

/// Fills in the checksum over `pseudo_header`; its field in `message` must be zero.
#[inline]
pub(crate) fn write_checksum(message: &mut [u8], pseudo_header: PseudoHeader) {
    let Some(checksum) = pseudo_header.checksum(message) else {
        return;
    };
    if let Some(slot) = message.get_mut(4..6) {
        slot.copy_from_slice(&checksum.finish().to_be_bytes());
    }
}

/// `octets` octets of padding and zeros behind: Pad1 or PadN (RFC 6275 sections 6.2.2 and 6.2.3).
#[inline]
fn padding(octets: usize) -> [u8; 8] {
    match octets.checked_sub(2) {
        Some(length) => {
            let length = length.try_into().unwrap_or(u8::MAX);
            [OptionType::PadN.code(), length, 0, 0, 0, 0, 0, 0]
        }
        None => [0; 8],
    }
}

fn put_octet((slot, octet): (&mut u8, u8)) {
    *slot = octet;
}
