//! Values with a text form of their own.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a value could not be read; says what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError {
    /// In plain words, with an example.
    pub expected: &'static str,
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl std::error::Error for ValueError {}

/// Implements serde by the type's own text.
macro_rules! serde_as_text {
    ($kind:ty) => {
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // A visitor, so that what is wrong is placed at the value itself.
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $kind;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("text")
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$kind, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}
pub(super) use serde_as_text;

/// An access technology type (RFC 5213 section 8.5 and its registry), 1 to 255.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessTechnology(pub u8);

/// Number, the name we print, and other names we read.
const TECHNOLOGIES: [(u8, &str, &[&str]); 12] = [
    (1, "VIRTUAL", &[]),
    (2, "PPP", &[]),
    (3, "ETHERNET", &[]),
    (4, "WLAN", &["WIFI"]),
    (5, "WIMAX", &[]),
    (6, "GERAN", &["2G"]),
    (7, "3G", &["UTRAN"]),
    (8, "LTE", &["EUTRAN"]),
    (9, "EHRPD", &[]),
    (10, "HRPD", &[]),
    (11, "1XRTT", &[]),
    (12, "UMB", &[]),
];

impl AccessTechnology {
    /// A logical interface.
    pub const VIRTUAL: Self = Self(1);
    /// PPP.
    pub const PPP: Self = Self(2);
    /// 3GPP E-UTRAN.
    pub const LTE: Self = Self(8);
    /// IEEE 802.3.
    pub const ETHERNET: Self = Self(3);
    /// IEEE 802.11.
    pub const WLAN: Self = Self(4);

    /// Every name that is read, for suggestions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TECHNOLOGIES
            .iter()
            .flat_map(|(_, name, aliases)| std::iter::once(*name).chain(aliases.iter().copied()))
    }
}

impl fmt::Display for AccessTechnology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match TECHNOLOGIES.iter().find(|(number, ..)| *number == self.0) {
            Some((_, name, _)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for AccessTechnology {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let named = TECHNOLOGIES.iter().find(|(_, name, aliases)| {
            name.eq_ignore_ascii_case(text)
                || aliases.iter().any(|alias| alias.eq_ignore_ascii_case(text))
        });
        let number = named.map(|(number, ..)| *number);
        let number = number.or_else(|| text.parse().ok().filter(|number| *number != 0));
        number.map(Self).ok_or(ValueError {
            expected: "an access technology such as LTE, 3G, WLAN or ETHERNET, or its number 1 to 255",
        })
    }
}
serde_as_text!(AccessTechnology);

/// A link-layer address of six octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for MacAddress {
    type Err = ValueError;

    /// Reads `00:00:5e:00:53:01`, with dashes too, and `0000.5e00.5301`.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let expected = ValueError {
            expected: "a link-layer address such as 00:00:5e:00:53:01 or 0000.5e00.5301",
        };
        let group = match text.len() {
            17 => 3,
            14 => 5,
            _ => return Err(expected),
        };
        let mut digits = Vec::with_capacity(12);
        for (position, character) in text.chars().enumerate() {
            let separator = position % group == group - 1;
            match character.to_digit(16) {
                Some(digit) if !separator => digits.push(digit as u8),
                None if separator && matches!(character, ':' | '-' | '.') => {}
                _ => return Err(expected),
            }
        }
        let mut octets = [0; 6];
        for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
            *octet = pair[0] << 4 | pair[1];
        }
        Ok(Self(octets))
    }
}
serde_as_text!(MacAddress);

/// An interface's address with its prefix length; unlike a prefix it keeps the host bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceAddress {
    /// The address.
    pub address: IpAddr,
    /// 0 to 32 or 128.
    pub length: u8,
}

impl InterfaceAddress {
    /// `None` when `length` is above the family's width.
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        let width = if address.is_ipv4() { 32 } else { 128 };
        (length <= width).then_some(Self { address, length })
    }
}

impl fmt::Display for InterfaceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl FromStr for InterfaceAddress {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let parse = || {
            let (address, length) = text.split_once('/')?;
            Self::new(address.parse().ok()?, length.parse().ok()?)
        };
        parse().ok_or(ValueError {
            expected: "an address and its prefix length, such as 192.0.2.1/24",
        })
    }
}
serde_as_text!(InterfaceAddress);

/// A percentage in hundredths: 0 to 10,000 stands for 0 to 100 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u16);

impl Percent {
    /// `None` above 10,000.
    pub fn from_hundredths(hundredths: u16) -> Option<Self> {
        (hundredths <= 10_000).then_some(Self(hundredths))
    }

    /// In hundredths of a percent.
    pub const fn hundredths(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 100, self.0 % 100);
        match part {
            0 => write!(f, "{whole}"),
            part if part % 10 == 0 => write!(f, "{whole}.{}", part / 10),
            part => write!(f, "{whole}.{part:02}"),
        }
    }
}

impl FromStr for Percent {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let parse = || {
            let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            if !digits(whole) || !digits(part) {
                return None;
            }
            let part = match part.len() {
                1 => part.parse::<u16>().ok()? * 10,
                2 => part.parse().ok()?,
                _ => return None,
            };
            let whole: u16 = whole.parse().ok()?;
            Self::from_hundredths(whole.checked_mul(100)?.checked_add(part)?)
        };
        parse().ok_or(ValueError {
            expected: "a percentage from 0 to 100 with at most two decimals, such as 2 or 0.5",
        })
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(100) {
            serializer.serialize_u16(self.0 / 100)
        } else {
            serializer.serialize_f64(f64::from(self.0) / 100.0)
        }
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl de::Visitor<'_> for Number {
            type Value = Percent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a percentage from 0 to 100 with at most two decimals")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Percent, E> {
                value.to_string().parse().map_err(E::custom)
            }

            // JSON knows no negative whole number as such, TOML no other.
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Percent, E> {
                value.to_string().parse().map_err(E::custom)
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Percent, E> {
                value.to_string().parse().map_err(E::custom)
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Percent, E> {
                value.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Number)
    }
}

/// A shared secret. Its `Debug` form never shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Key {
    /// The characters are the key.
    Ascii(String),
    /// Hexadecimal digits of the key.
    Hex(String),
}

impl Key {
    /// The key's octets; `None` when the digits are not hexadecimal or odd in number.
    pub fn octets(&self) -> Option<Vec<u8>> {
        match self {
            Self::Ascii(text) => Some(text.clone().into_bytes()),
            Self::Hex(digits) => {
                let nibbles: Option<Vec<u8>> = digits
                    .chars()
                    .map(|digit| digit.to_digit(16).map(|digit| digit as u8))
                    .collect();
                let nibbles = nibbles.filter(|nibbles| nibbles.len().is_multiple_of(2))?;
                Some(
                    nibbles
                        .chunks_exact(2)
                        .map(|pair| pair[0] << 4 | pair[1])
                        .collect(),
                )
            }
        }
    }
}

impl Default for Key {
    fn default() -> Self {
        Self::Ascii(String::new())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_layer_addresses_are_read_in_every_common_form() {
        let address = MacAddress([0, 0, 0x5e, 0, 0x53, 1]);
        for text in ["00:00:5e:00:53:01", "00-00-5E-00-53-01", "0000.5e00.5301"] {
            assert_eq!(text.parse(), Ok(address), "{text}");
        }
        for text in [
            "",
            "00:00:5e:00:53",
            "00:00:5e:00:53:0g",
            "0000:5e00:53010",
            "é0:00:5e:00:53:0",
        ] {
            assert!(text.parse::<MacAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn percentages_keep_their_hundredths() {
        for text in ["0", "2", "0.5", "0.05", "99.99", "100"] {
            let value: Percent = text.parse().expect("in range");
            assert_eq!(value.to_string(), text);
        }
        for text in ["100.01", "-1", "1.234", "", ".", "1e1", "NaN"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }

    #[test]
    fn technologies_read_their_aliases() {
        assert_eq!("utran".parse(), Ok(AccessTechnology(7)));
        assert_eq!("3g".parse(), Ok(AccessTechnology(7)));
        assert_eq!("200".parse(), Ok(AccessTechnology(200)));
        assert!("0".parse::<AccessTechnology>().is_err());
    }

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(format!("{:?}", Key::Ascii("hunter2".into())), "Key(..)");
    }
}
