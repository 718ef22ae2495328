//! How the values of options stand on the wire.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{RawOption, raw};
use crate::code::{AccessTechnologyType, HandoffIndicator};
use crate::error::DecodeError;
use crate::types::{Lifetime, Timestamp};

/// The data of one kind of option. A value type with a layout of its own implements it for itself;
/// values that several options share go by the marker types below.
pub(super) trait Layout<B: AsRef<[u8]>> {
    /// What the data stands for.
    type Value;
    /// The value with its variable parts in memory of its own.
    type Owned;

    /// Octets of the data where they are always the same number.
    const LENGTH: Option<usize> = None;

    /// Reads the data of `raw`; what has variable length goes through `own`.
    fn decode<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self::Value, DecodeError>;

    /// Hands the data, in two pieces, to `f`.
    fn with_data<R>(value: &Self::Value, f: impl FnOnce(&[u8], &[u8]) -> R) -> R;

    /// The value over memory of its own.
    fn to_bytes(value: &Self::Value) -> Self::Owned;
}

/// The option that `octets` starts with, which is of this layout, and what stands behind it; `None`
/// where it does not fit.
///
/// For the processor a length that is known is more than a check: it steps on by it, and need not
/// wait for the octet to learn where the next option starts.
#[inline(always)]
pub(super) fn take<'a, B: AsRef<[u8]>, L: Layout<B>>(
    octets: &'a [u8],
    own: impl FnOnce(&'a [u8]) -> B,
) -> Option<(L::Value, &'a [u8])> {
    let (code, data, rest) = match L::LENGTH {
        // Asked for as a whole, its octets need no further look at where they end.
        Some(expected) => {
            let (option, rest) = octets.split_at_checked(expected.wrapping_add(2))?;
            let ([code, length], data) = option.split_first_chunk()?;
            if usize::from(*length) != expected {
                return None;
            }
            (*code, data, rest)
        }
        None => {
            let (data, rest) = raw::split(octets)?;
            (*octets.first()?, data, rest)
        }
    };
    let value = L::decode(RawOption::unplaced(code, data), own).ok()?;
    Some((value, rest))
}

/// Implements [`Layout`] for values of fixed size: `from_raw` reads them, `data` writes them.
macro_rules! fixed_layout {
    ($($value:ty),+) => {$(
        impl<B: AsRef<[u8]>> crate::option::layout::Layout<B> for $value {
            type Value = Self;
            type Owned = Self;

            const LENGTH: Option<usize> = Some(crate::option::layout::octets(Self::data));

            #[inline]
            fn decode<'a>(
                raw: RawOption<'a>,
                _own: impl FnOnce(&'a [u8]) -> B,
            ) -> Result<Self, DecodeError> {
                Self::from_raw(raw)
            }

            #[inline]
            fn with_data<R>(value: &Self, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
                f(&value.data(), &[])
            }

            #[inline]
            fn to_bytes(value: &Self) -> Self {
                *value
            }
        }
    )+};
}

/// Octets that `data` writes.
pub(super) const fn octets<T, const N: usize>(_data: fn(&T) -> [u8; N]) -> usize {
    N
}

/// Implements [`Layout`] for values without octets of their own: `from_raw` reads them, `with_parts`
/// hands their data to a function in two pieces. `A for B` makes `A` a marker type whose functions
/// do that for `B`; a length behind it is that of all such data.
macro_rules! split_layout {
    ($($layout:ident for $value:ty $(, $octets:literal octets)?;)+) => {$(
        impl<B: AsRef<[u8]>> crate::option::layout::Layout<B> for $layout {
            type Value = $value;
            type Owned = $value;

            $( const LENGTH: Option<usize> = Some($octets); )?

            #[inline]
            fn decode<'a>(
                raw: RawOption<'a>,
                _own: impl FnOnce(&'a [u8]) -> B,
            ) -> Result<$value, DecodeError> {
                Self::from_raw(raw)
            }

            #[inline]
            fn with_data<R>(value: &$value, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
                Self::with_parts(value, f)
            }

            #[inline]
            fn to_bytes(value: &$value) -> $value {
                *value
            }
        }
    )+};
}

/// Derives for a value over the octets `B` what every option has.
macro_rules! over_octets {
    ($($(#[$meta:meta])* pub struct $name:ident<B = Bytes> { $($field:tt)* })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(
            feature = "serde",
            serde(bound(deserialize = "B: serde::Deserialize<'de> + AsRef<[u8]>"))
        )]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        #[cfg_attr(
            feature = "arbitrary",
            arbitrary(bound = "B: From<alloc::vec::Vec<u8>>")
        )]
        pub struct $name<B = Bytes> { $($field)* }
    )+};
}

/// Implements [`Layout`], but for `from_raw` and `head`, for a value whose fields are fixed except
/// for the [`BoundedOctets`](crate::bounded::BoundedOctets) or
/// [`SubOptions`](crate::option::SubOptions) at its end.
macro_rules! octets_behind {
    ($($name:ident { $($field:ident,)* } $octets:ident;)+) => {$(
        impl<B: AsRef<[u8]>> $name<B> {
            #[inline]
            fn tail(&self) -> &[u8] {
                self.$octets.octets()
            }

            /// The same with its octets in memory of its own, to outlive the message.
            pub fn to_bytes(&self) -> $name {
                $name {
                    $($field: self.$field,)*
                    $octets: self.$octets.to_bytes(),
                }
            }
        }

        impl<B: AsRef<[u8]>> crate::option::layout::Layout<B> for $name<B> {
            type Value = Self;
            type Owned = $name;

            #[inline]
            fn decode<'a>(
                raw: RawOption<'a>,
                own: impl FnOnce(&'a [u8]) -> B,
            ) -> Result<Self, DecodeError> {
                Self::from_raw(raw, own)
            }

            #[inline]
            fn with_data<R>(value: &Self, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
                f(&value.head(), value.tail())
            }

            #[inline]
            fn to_bytes(value: &Self) -> $name {
                value.to_bytes()
            }
        }
    )+};
}

pub(super) use {fixed_layout, octets_behind, over_octets, split_layout};

/// The address that `octets` are, where they are 4 or 16.
#[inline]
pub(super) fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = octets.try_into().map(|octets: [u8; 4]| octets.into());
    let v6 = octets.try_into().map(|octets: [u8; 16]| octets.into());
    v4.or(v6).ok()
}

/// Hands `head` and the octets of `address` to `f`.
#[inline]
pub(super) fn with_address<R>(
    head: &[u8],
    address: IpAddr,
    f: impl FnOnce(&[u8], &[u8]) -> R,
) -> R {
    match address {
        IpAddr::V4(address) => f(head, &address.octets()),
        IpAddr::V6(address) => f(head, &address.octets()),
    }
}

/// Declares layouts of values that own nothing: how `N` octets become the value, and back.
macro_rules! shared_layouts {
    ($(
        $(#[$doc:meta])+
        $layout:ident for $value:ty, $octets:literal octets:
        $decode:expr, $encode:expr;
    )+) => {$(
        $(#[$doc])+
        pub(super) struct $layout;

        impl<B: AsRef<[u8]>> Layout<B> for $layout {
            type Value = $value;
            type Owned = $value;

            const LENGTH: Option<usize> = Some($octets);

            #[inline]
            fn decode<'a>(
                raw: RawOption<'a>,
                _own: impl FnOnce(&'a [u8]) -> B,
            ) -> Result<$value, DecodeError> {
                let decode: fn([u8; $octets]) -> $value = $decode;
                Ok(decode(*raw.exactly()?))
            }

            #[inline]
            fn with_data<R>(value: &$value, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
                let encode: fn(&$value) -> [u8; $octets] = $encode;
                f(&encode(value), &[])
            }

            #[inline]
            fn to_bytes(value: &$value) -> $value {
                *value
            }
        }
    )+};
}

shared_layouts! {
    /// An IPv6 address.
    Ipv6Address for Ipv6Addr, 16 octets: Ipv6Addr::from, Ipv6Addr::octets;
    /// An IPv4 address.
    Ipv4Address for Ipv4Addr, 4 octets: Ipv4Addr::from, Ipv4Addr::octets;
    /// Two reserved octets and an IPv4 address.
    ReservedAndIpv4Address for Ipv4Addr, 6 octets:
        |[_, _, a, b, c, d]| Ipv4Addr::new(a, b, c, d),
        |address| {
            let [a, b, c, d] = address.octets();
            [0, 0, a, b, c, d]
        };
    /// Nothing.
    Empty for (), 0 octets: |[]| (), |()| [];
    /// Two reserved octets.
    Reserved for (), 2 octets: |_| (), |()| [0, 0];
    /// Two reserved octets and eight of an identifier.
    ReservedAndInterfaceIdentifier for [u8; 8], 10 octets:
        |[_, _, a, b, c, d, e, f, g, h]| [a, b, c, d, e, f, g, h],
        |&[a, b, c, d, e, f, g, h]| [0, 0, a, b, c, d, e, f, g, h];
    /// Eight octets.
    Token for [u8; 8], 8 octets: |token| token, |token| *token;
    /// A number of 64 bits.
    LongNumber for u64, 8 octets: u64::from_be_bytes, |number| number.to_be_bytes();
    /// A lifetime in units of 4 seconds.
    LifetimeUnits for Lifetime, 2 octets:
        |octets| Lifetime::from_units(u16::from_be_bytes(octets)),
        |lifetime| lifetime.as_units().to_be_bytes();
    /// A number of 32 bits.
    Number for u32, 4 octets: u32::from_be_bytes, |number| number.to_be_bytes();
    /// A reserved octet and a handoff indicator.
    ReservedAndHandoffIndicator for HandoffIndicator, 2 octets:
        |[_, code]| HandoffIndicator::from_code(code),
        |indicator| [0, indicator.code()];
    /// A reserved octet and an access technology.
    ReservedAndAccessTechnology for AccessTechnologyType, 2 octets:
        |[_, code]| AccessTechnologyType::from_code(code),
        |technology| [0, technology.code()];
    /// Seconds and fractions of a second.
    TimestampBits for Timestamp, 8 octets:
        |octets| Timestamp::from_bits(u64::from_be_bytes(octets)),
        |timestamp| timestamp.to_bits().to_be_bytes();
}
