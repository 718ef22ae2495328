use core::ops::ControlFlow;

use super::MobilityOption;
use crate::code::OptionType;
use crate::error::{DecodeError, DecodeErrorKind, ExpectedLength, Field, Layer};

/// Iterates over the options of a message without copying or allocating: layer 1.
///
/// It yields options in wire order, padding included, and ends after the first error.
#[derive(Clone, Copy, Debug)]
pub struct RawOptions<'a> {
    rest: &'a [u8],
    /// Where the options end, from the start of the Mobility Header: what is left tells the
    /// offset, so that the walk has one thing to move.
    end: usize,
}

/// One option as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawOption<'a> {
    data: &'a [u8],
    /// Both as wide as registers are: an option without padding is moved in them.
    offset: u32,
    code: u32,
}

/// Iterates over the typed options of a message, whose variable parts borrow. Padding is left out;
/// it ends after the first error.
///
/// ```
/// use pmip_wire::{HandoffIndicator, MobilityOption, RawOptions};
///
/// let octets = [1, 0, 23, 2, 0, 4];
/// let mut options = RawOptions::new(&octets, 12).typed();
/// let handoff = MobilityOption::HandoffIndicator(HandoffIndicator::HandoffStateUnknown);
/// assert_eq!(options.next(), Some(Ok(handoff)));
/// assert_eq!(options.next(), None);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TypedOptions<'a> {
    raw: RawOptions<'a>,
}

impl<'a> RawOptions<'a> {
    /// The options in `octets`, whose first octet stands `offset` octets behind the start of the
    /// Mobility Header.
    #[inline]
    pub const fn new(octets: &'a [u8], offset: u16) -> Self {
        Self {
            rest: octets,
            end: octets.len().saturating_add(offset as usize),
        }
    }

    /// The same options typed, without the padding.
    #[inline]
    pub const fn typed(self) -> TypedOptions<'a> {
        TypedOptions { raw: self }
    }

    /// Hands each option, typed and without the padding, to `visit`: the fastest walk.
    ///
    /// # Errors
    /// [`DecodeError`] of the first option that does not fit; those before it were visited.
    #[inline(always)]
    pub fn visit(self, visit: impl FnMut(MobilityOption<&'a [u8]>)) -> Result<(), DecodeError> {
        visit_octets(self.rest, self.end, visit)
    }

    /// Octets from the start of the Mobility Header to the next option.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an offset within one message"
    )]
    pub(super) const fn offset(&self) -> u32 {
        self.end.wrapping_sub(self.rest.len()) as u32
    }

    /// What is left to walk over.
    #[inline]
    pub(super) const fn as_octets(&self) -> &'a [u8] {
        self.rest
    }

    /// The Type octet of the next option.
    #[inline]
    const fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next option, which is not Pad1; `None` where it is cut short.
    #[inline(always)]
    fn take_next(&mut self) -> Option<RawOption<'a>> {
        let (code, offset) = (self.peek()?, self.offset());
        let (data, rest) = split(self.rest)?;
        self.rest = rest;
        Some(RawOption::new(code, data, offset))
    }

    /// Steps over one octet: Pad1.
    #[inline]
    fn take_octet(&mut self) -> RawOption<'a> {
        let option = RawOption::new(PAD1, &[], self.offset());
        self.rest = self.rest.get(1..).unwrap_or_default();
        option
    }

    /// [`RawOptions::error`] as a result: built apart, so that the good one has nothing to copy.
    #[cold]
    #[inline(never)]
    fn refuse<T>(self) -> Result<T, DecodeError> {
        Err(self.error())
    }

    /// What is wrong with the next option, which does not fit.
    #[cold]
    #[inline(never)]
    fn error(mut self) -> DecodeError {
        let front = self;
        let decoded = self.take_next().map(RawOption::decode);
        decoded
            .and_then(Result::err)
            .unwrap_or_else(|| cut(front.rest, front.offset()))
    }

    /// Ends the walk.
    #[inline]
    const fn stop(&mut self) {
        self.rest = &[];
    }
}

impl<'a> Iterator for RawOptions<'a> {
    type Item = Result<RawOption<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.peek()? == PAD1 {
            return Some(Ok(self.take_octet()));
        }
        if let Some(option) = self.take_next() {
            return Some(Ok(option));
        }
        let error = self.error();
        self.stop();
        Some(Err(error))
    }
}

impl core::iter::FusedIterator for RawOptions<'_> {}

impl<'a> Iterator for TypedOptions<'a> {
    type Item = Result<MobilityOption<&'a [u8]>, DecodeError>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let mut next = None;
        let found = MobilityOption::walk(
            &mut self.raw.rest,
            |data| data,
            |option| {
                next = Some(option);
                ControlFlow::Break(())
            },
        );
        if found {
            return next.map(Ok);
        }
        let error = self.raw.error();
        self.raw.stop();
        Some(Err(error))
    }
}

impl core::iter::FusedIterator for TypedOptions<'_> {}

impl<'a> RawOption<'a> {
    /// Its type.
    #[inline]
    pub const fn option_type(&self) -> OptionType {
        OptionType::from_code(self.code.to_le_bytes()[0])
    }

    /// What follows its Length octet; empty for Pad1, which has none.
    #[inline]
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Octets from the start of the Mobility Header to its Type octet.
    #[inline]
    pub fn offset(&self) -> u16 {
        self.offset.try_into().unwrap_or(u16::MAX)
    }

    /// Whether it is Pad1 or PadN.
    #[inline]
    pub const fn is_padding(&self) -> bool {
        matches!(self.option_type(), OptionType::Pad1 | OptionType::PadN)
    }

    /// The typed option, whose variable parts still borrow; `None` for padding.
    ///
    /// # Errors
    /// [`DecodeError`] where the data does not fit the type.
    #[inline]
    pub fn decode(self) -> Result<Option<MobilityOption<&'a [u8]>>, DecodeError> {
        MobilityOption::from_raw(self, |data| data, |option| option)
    }

    /// An option of this type without data.
    pub(super) const fn probe(option_type: OptionType) -> Self {
        Self::new(option_type.code(), &[], 0)
    }

    /// An option without its place, which only errors tell.
    #[inline]
    pub(super) const fn unplaced(code: u8, data: &'a [u8]) -> Self {
        Self::new(code, data, 0)
    }

    #[inline]
    const fn new(code: u8, data: &'a [u8], offset: u32) -> Self {
        let code = code as u32;
        Self { data, offset, code }
    }

    /// The data as exactly `N` octets.
    #[inline]
    pub(super) fn exactly<const N: usize>(self) -> Result<&'a [u8; N], DecodeError> {
        self.data
            .try_into()
            .map_err(|_| self.bad_length(ExpectedLength::Exactly(N.try_into().unwrap_or(u8::MAX))))
    }

    /// The first `N` octets of the data and the rest of it.
    #[inline]
    pub(super) fn at_least<const N: usize>(self) -> Result<(&'a [u8; N], &'a [u8]), DecodeError> {
        self.data.split_first_chunk().ok_or_else(|| {
            self.bad_length(ExpectedLength::AtLeast(N.try_into().unwrap_or(u8::MAX)))
        })
    }

    /// The length fits none that the RFC allows.
    ///
    /// This and the errors below are inlined, for a walk that only asks whether an option fits
    /// leaves them out.
    #[inline(always)]
    pub(super) fn bad_length(self, expected: ExpectedLength) -> DecodeError {
        let found = self.data.len().try_into().unwrap_or(u16::MAX);
        self.error(DecodeErrorKind::BadOptionLength { expected, found })
    }

    #[inline(always)]
    pub(super) fn prefix_too_long(self, length: u8, limit: u8) -> DecodeError {
        self.error(DecodeErrorKind::PrefixTooLong { length, limit })
    }

    /// A field of the option holds a value that its RFC forbids.
    #[inline(always)]
    pub(super) fn bad_value(self, field: Field, found: u32) -> DecodeError {
        self.error(DecodeErrorKind::BadValue { field, found })
    }

    #[inline(always)]
    fn error(self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError::new(kind, Layer::Option(self.option_type()), self.offset())
    }
}

/// [`RawOptions::visit`] of octets that end at `end`. Neither they nor the result take a detour
/// through memory, where what was just written in small pieces is slow to read as a whole.
#[inline(never)]
fn visit_octets<'a>(
    mut octets: &'a [u8],
    end: usize,
    mut visit: impl FnMut(MobilityOption<&'a [u8]>),
) -> Result<(), DecodeError> {
    let all = MobilityOption::walk(
        &mut octets,
        |data| data,
        |option| {
            visit(option);
            ControlFlow::Continue(())
        },
    );
    if all {
        return Ok(());
    }
    RawOptions { rest: octets, end }.refuse()
}

/// The Type octet of Pad1, the one option without a Length octet.
const PAD1: u8 = OptionType::Pad1.code();

/// The data of the option that `octets` start with, which is not Pad1, and what stands behind it;
/// `None` where it is cut short.
#[inline(always)]
pub(super) fn split(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let ([code, length], rest) = octets.split_first_chunk()?;
    rest.split_at_checked(data_len(*code, *length))
}

/// Octets of data that a Length octet stands for.
#[inline]
const fn data_len(code: u8, length: u8) -> usize {
    if counts_words(code) {
        (length as usize).wrapping_mul(4).wrapping_add(2)
    } else {
        length as usize
    }
}

/// The Length octet for `data_len` octets of data, the inverse of [`data_len`]. The constructors
/// of options leave none that it does not hold for.
#[inline]
pub(crate) fn length_octet(option_type: OptionType, data_len: usize) -> u8 {
    let length = if counts_words(option_type.code()) {
        data_len.saturating_sub(2) >> 2
    } else {
        data_len
    };
    length.try_into().unwrap_or(u8::MAX)
}

/// Whether Length counts 32-bit words behind the option's first four octets, as RFC 7411 section 4
/// has it: a walk that took them for octets would lose its place.
#[inline]
const fn counts_words(code: u8) -> bool {
    code == OptionType::MulticastMobility.code()
        || code == OptionType::MulticastAcknowledgement.code()
}

/// Why no option could be taken from `octets`.
#[cold]
fn cut(octets: &[u8], offset: u32) -> DecodeError {
    let code = octets.first().copied().unwrap_or_default();
    let (field, needed) = match octets.get(1) {
        None => (Field::OptionLength, 1),
        Some(length) => (Field::OptionData, data_len(code, *length)),
    };
    let kind = DecodeErrorKind::Truncated {
        field,
        needed: needed.try_into().unwrap_or(u16::MAX),
        available: octets
            .len()
            .saturating_sub(2)
            .try_into()
            .unwrap_or(u16::MAX),
    };
    let offset = offset.try_into().unwrap_or(u16::MAX);
    DecodeError::new(kind, Layer::Option(OptionType::from_code(code)), offset)
}
