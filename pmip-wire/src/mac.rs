//! HMAC-SHA-256 with a key of any length.

use hmac::{Hmac, KeyInit};
use sha2::{Digest, Sha256};

/// An empty secret authenticates nobody: anyone can compute what it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret is empty: anyone could sign with it")]
pub struct EmptySecret;

/// Octets of a block of SHA-256.
const BLOCK: usize = 64;

/// HMAC-SHA-256 keyed with `key`, which is hashed first where it exceeds a block (RFC 2104
/// section 2).
///
/// # Errors
/// [`EmptySecret`] where the key has no octets.
pub(crate) fn hmac_sha256(key: &[u8]) -> Result<Hmac<Sha256>, EmptySecret> {
    if key.is_empty() {
        return Err(EmptySecret);
    }
    let hashed;
    let key = if key.len() > BLOCK {
        hashed = Sha256::digest(key);
        hashed.as_slice()
    } else {
        key
    };
    let mut block = [0; BLOCK];
    for (slot, octet) in block.iter_mut().zip(key) {
        *slot = *octet;
    }
    Ok(Hmac::new(&block.into()))
}

#[cfg(test)]
mod tests {
    use super::{EmptySecret, hmac_sha256};
    use hmac::Mac;

    fn tag(key: &[u8], text: &[u8]) -> [u8; 4] {
        let full: [u8; 32] = hmac_sha256(key)
            .expect("not empty")
            .chain_update(text)
            .finalize()
            .into_bytes()
            .into();
        *full.first_chunk().expect("32 octets")
    }

    #[test]
    fn no_key_is_no_key() {
        assert_eq!(hmac_sha256(b"").err(), Some(EmptySecret));
    }

    /// RFC 4231 sections 4.2, 4.3 and 4.7: a short key, a shorter one, and one above a block.
    #[test]
    fn keys_of_any_length() {
        assert_eq!(tag(&[0x0b; 20], b"Hi There"), [0xb0, 0x34, 0x4c, 0x61]);
        let text = b"what do ya want for nothing?";
        assert_eq!(tag(b"Jefe", text), [0x5b, 0xdc, 0xc1, 0x46]);
        let text = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(tag(&[0xaa; 131], text), [0x60, 0xe4, 0x31, 0x59]);
    }
}
