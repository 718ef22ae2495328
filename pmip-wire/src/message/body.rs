//! What the table of messages asks of each body.

use bytes::Bytes;

use crate::error::Field;
use crate::option::MobilityOptions;

/// The fields of a fixed part behind the checksum, in wire order, with their widths in octets.
pub(super) type Layout = &'static [(Field, u16)];

/// The body of one kind of message: its fixed part, behind which its options stand.
pub(super) trait Body: Sized {
    /// The octets of the fixed part behind the checksum.
    type Fixed: FixedPart;

    /// The same octets by field, so that an error can name where a message was cut.
    const LAYOUT: Layout;

    /// The body that starts with `fixed` and has these options.
    fn from_wire(fixed: &Self::Fixed, options: MobilityOptions) -> Self;

    /// The fixed part.
    fn to_wire(&self) -> Self::Fixed;

    /// Octets of the list between fixed part and options that `fixed` announces.
    #[inline]
    fn list_len(_fixed: &Self::Fixed) -> usize {
        0
    }

    /// Takes over that list.
    #[inline]
    fn set_list(&mut self, _octets: impl FnOnce() -> Bytes) {}

    /// That list.
    #[inline]
    fn list(&self) -> &[u8] {
        &[]
    }
}

/// An array of octets.
pub(super) trait FixedPart {
    /// How many.
    const LEN: usize;

    /// The octets that `data` starts with; `None` where it is shorter.
    fn split(data: &[u8]) -> Option<(&Self, &[u8])>;

    /// The octets.
    fn as_octets(&self) -> &[u8];
}

impl<const N: usize> FixedPart for [u8; N] {
    const LEN: usize = N;

    #[inline]
    fn split(data: &[u8]) -> Option<(&Self, &[u8])> {
        data.split_first_chunk()
    }

    #[inline]
    fn as_octets(&self) -> &[u8] {
        self
    }
}

/// Octets that the fields of `layout` take.
pub(super) const fn layout_len(mut layout: Layout) -> usize {
    let mut octets = 0usize;
    while let [(_, width), rest @ ..] = layout {
        octets = octets.saturating_add(*width as usize);
        layout = rest;
    }
    octets
}
