//! Open enums: registries whose unknown numbers are kept.

/// Declares open enums: `Variant = number, "REGISTRY NAME", rfc;` with RFC 0 for entries that only
/// the registry defines.
macro_rules! code_points {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident: $repr:ident {
            $( $variant:ident = $code:literal, $text:literal, $rfc:literal; )+
        }
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy)]
        #[non_exhaustive]
        pub enum $name {
            $(
                #[doc = concat!("`", $text, "`, number ", stringify!($code), ", RFC ", stringify!($rfc), ".")]
                $variant,
            )+
            /// A number without a name here.
            Unknown($repr),
        }

        impl $name {
            /// The value with this number.
            #[inline]
            pub const fn from_code(code: $repr) -> Self {
                match code {
                    $( $code => Self::$variant, )+
                    unknown => Self::Unknown(unknown),
                }
            }

            /// The number on the wire.
            #[inline]
            pub const fn code(self) -> $repr {
                match self {
                    $( Self::$variant => $code, )+
                    Self::Unknown(code) => code,
                }
            }

            /// The name in UpperCamel, `None` where the number has no name here.
            pub const fn name(self) -> Option<&'static str> {
                match Self::from_code(self.code()) {
                    $( Self::$variant => Some(stringify!($variant)), )+
                    Self::Unknown(_) => None,
                }
            }

            /// The RFC that defines it, `None` where only the registry does.
            pub const fn rfc(self) -> Option<u16> {
                match Self::from_code(self.code()) {
                    $( Self::$variant => if $rfc == 0 { None } else { Some($rfc) }, )+
                    Self::Unknown(_) => None,
                }
            }
        }

        impl From<$repr> for $name {
            #[inline]
            fn from(code: $repr) -> Self {
                Self::from_code(code)
            }
        }

        impl From<$name> for $repr {
            #[inline]
            fn from(value: $name) -> Self {
                value.code()
            }
        }

        impl PartialEq for $name {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                self.code() == other.code()
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> core::cmp::Ordering {
                self.code().cmp(&other.code())
            }
        }

        impl core::hash::Hash for $name {
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
                self.code().hash(state);
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "Unknown({})", self.code()),
                }
            }
        }

        impl core::fmt::Display for $name {
            /// The registry's name and the number.
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match Self::from_code(self.code()) {
                    $( Self::$variant => f.write_str(concat!($text, " (", stringify!($code), ")")), )+
                    Self::Unknown(code) => write!(f, "unknown ({code})"),
                }
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                // The name tells a describing serializer what the number stands for.
                serializer.serialize_newtype_struct(stringify!($name), &self.code())
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <$repr>::deserialize(deserializer).map(Self::from_code)
            }
        }

        #[cfg(feature = "arbitrary")]
        impl<'a> arbitrary::Arbitrary<'a> for $name {
            fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
                u.arbitrary().map(Self::from_code)
            }
        }
    )+};
}
