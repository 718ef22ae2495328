//! The tables of sub-options.

/// Declares the sub-options that options hold: an enum of them from one table, where each says how
/// it is read and written, and the spaces, one for each option that holds them.
macro_rules! sub_options {
    (
        $(#[$meta:meta])+
        $name:ident: $codes:ident, single [$($single:ident),*], padded $padded:literal,
        align $align:expr,
        {
            $( $(#[$doc:meta])+ $variant:ident($value:ty): $read:expr, $write:expr; )+
        }
        $( $(#[$space_doc:meta])+ $space:ident: $option:ident from $first:literal; )+
    ) => {
        $(#[$meta])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(
            feature = "serde",
            serde(bound(serialize = "B: serde::Serialize + AsRef<[u8]>"))
        )]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        #[cfg_attr(
            feature = "arbitrary",
            arbitrary(bound = "B: From<alloc::vec::Vec<u8>>")
        )]
        #[non_exhaustive]
        pub enum $name<B = bytes::Bytes> {
            $( $(#[$doc])+ $variant($value), )+
            /// A type without a variant here, kept as it came.
            Unknown(crate::option::sub::UnknownSubOption<B>),
        }

        impl $name {
            /// What an option holds at most once.
            const SINGLE: &[$codes] = &[$($codes::$single),*];
        }

        impl<B> $name<B> {
            /// Its type.
            pub const fn number(&self) -> u8 {
                match self {
                    $( Self::$variant(_) => $codes::$variant.code(), )+
                    Self::Unknown(sub_option) => sub_option.number,
                }
            }
        }

        impl<B: AsRef<[u8]>> $name<B> {
            fn write(&self, out: &mut alloc::vec::Vec<u8>) {
                match self {
                    $( Self::$variant(value) => ($write)(value, out), )+
                    Self::Unknown(sub_option) => out.extend_from_slice(sub_option.data.as_ref()),
                }
            }
        }

        impl<'a> $name<&'a [u8]> {
            fn read(raw: crate::option::sub::RawSubOption<'a>) -> Result<Self, DecodeError> {
                #[allow(clippy::wildcard_enum_match_arm)] // All without a row are unknown.
                Ok(match $codes::from_code(raw.number()) {
                    $( $codes::$variant => Self::$variant(($read)(raw)?), )+
                    _ => Self::Unknown(crate::option::sub::UnknownSubOption {
                        number: raw.number(),
                        data: raw.data(),
                    }),
                })
            }
        }

        $(
            $(#[$space_doc])+
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            #[non_exhaustive]
            pub struct $space;

            impl crate::option::sub::SubOptionSpace for $space {
                type Item<B> = $name<B>;

                const OPTION: crate::code::OptionType = crate::code::OptionType::$option;
                const FIRST: usize = $first;
                const PADDED: bool = $padded;

                fn read(
                    raw: crate::option::sub::RawSubOption<'_>,
                ) -> Result<$name<&[u8]>, DecodeError> {
                    $name::read(raw)
                }

                fn write<B: AsRef<[u8]>>(item: &$name<B>, out: &mut alloc::vec::Vec<u8>) {
                    item.write(out);
                }

                fn number<B>(item: &$name<B>) -> u8 {
                    item.number()
                }

                fn is_unknown<B>(item: &$name<B>) -> bool {
                    matches!(item, $name::Unknown(_))
                }

                fn is_single(number: u8) -> bool {
                    $name::SINGLE.contains(&$codes::from_code(number))
                }

                fn alignment(number: u8, data: &[u8]) -> crate::option::Alignment {
                    let align: fn($codes, &[u8]) -> crate::option::Alignment = $align;
                    align($codes::from_code(number), data)
                }
            }
        )+
    };
}

pub(in crate::option) use sub_options;
