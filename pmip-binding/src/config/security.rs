use std::fmt;

use pmip_wire::auth::{FIRST_SPI, SecurityAssociation};

use super::error::Checker;

/// The longest key, in octets.
const MAX_KEY: u64 = 125;

/// A key that this node and its peer share for the authentication of messages (RFC 4285 section
/// 5.1), and the number that names it.
///
/// Neither its `Debug` form nor its serialised one shows the key.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedKey {
    spi: u32,
    key: Box<[u8]>,
}

impl SharedKey {
    /// The key that `spi` names: from 256 on, the values below are reserved. The RFC has keys of
    /// 16 octets; 1 to 125 are taken.
    pub fn new(spi: u32, key: impl Into<Box<[u8]>>) -> Self {
        Self {
            spi,
            key: key.into(),
        }
    }

    /// The Mobility Security Parameter Index.
    pub const fn spi(&self) -> u32 {
        self.spi
    }

    /// What an engine computes with; `None` for what [`SharedKey::check`] finds fault with.
    pub(crate) fn association(&self) -> Option<SecurityAssociation> {
        SecurityAssociation::new(self.spi, &self.key).ok()
    }

    pub(super) fn check(&self, checker: &mut Checker) {
        let most = u32::MAX.into();
        checker.number("auth-option spi", self.spi.into(), FIRST_SPI.into(), most);
        checker.number("auth-option key length", self.key.len() as u64, 1, MAX_KEY);
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedKey")
            .field("spi", &self.spi)
            .finish_non_exhaustive()
    }
}

/// Checks the keys of one peer.
pub(super) fn check_keys(checker: &mut Checker, keys: &[SharedKey]) {
    for key in keys {
        key.check(checker);
    }
}

#[cfg(feature = "serde")]
mod text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::SharedKey;

    /// Stands for a key where one must not be shown; it can't be read back.
    const HIDDEN: &str = "********";

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Written {
        spi: u32,
        /// Hexadecimal digits.
        key: String,
    }

    impl Serialize for SharedKey {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let key = HIDDEN.to_owned();
            Written { spi: self.spi, key }.serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for SharedKey {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let Written { spi, key } = Written::deserialize(deserializer)?;
            let digits: Option<Vec<u32>> = key.chars().map(|digit| digit.to_digit(16)).collect();
            let digits = digits.filter(|digits| digits.len().is_multiple_of(2));
            let digits = digits
                .ok_or_else(|| D::Error::custom("a key is an even number of hexadecimal digits"))?;
            let octets = digits.chunks(2).filter_map(|pair| {
                let octet = pair.iter().fold(0, |octet, digit| octet << 4 | digit);
                u8::try_from(octet).ok()
            });
            Ok(Self::new(spi, octets.collect::<Vec<u8>>()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let key = SharedKey::new(256, *b"secret-of-sixtee");
        let debug = format!("{key:?}");
        assert_eq!(debug, "SharedKey { spi: 256, .. }");
        #[cfg(feature = "serde")]
        {
            let text = serde_json::to_string(&key).unwrap();
            assert_eq!(text, r#"{"spi":256,"key":"********"}"#);
            assert!(serde_json::from_str::<SharedKey>(&text).is_err());
            let read = r#"{"spi":256,"key":"7365637265742d6f662d736978746565"}"#;
            assert_eq!(serde_json::from_str::<SharedKey>(read).unwrap(), key);
        }
    }
}
