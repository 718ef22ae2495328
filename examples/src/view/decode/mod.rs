//! `pmip decode`: Mobility Headers as a tree, for people and as JSON.
//!
//! The JSON is a contract with outside programs: names are the UpperCamel registry names, fields
//! the RFCs' in snake_case, options in wire order. Both outputs show what `node` finds in the values
//! of `pmip-wire` and what `field` calls it.

mod carried;
mod cli;
mod field;
mod line;
mod node;
mod progress;
mod reading;
mod summary;
#[cfg(test)]
mod tests;
mod tree;

use bytes::Bytes;

pub use self::cli::{DecodeArgs, main};

/// What else to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct DecodeOptions {
    /// Add the octets of every option and of the message, in hexadecimal
    #[arg(long)]
    pub raw: bool,
    /// Encode every message again and say whether that gives the same octets
    #[arg(long)]
    pub verify: bool,
    /// Show padding options too
    #[arg(long)]
    pub padding: bool,
}

/// Octets from hexadecimal text; blanks, colons and commas part them, alone or several in a word, and a
/// word may begin with `0x`.
///
/// # Errors
/// In plain words what is wrong.
pub fn from_hex(text: &str) -> Result<Bytes, String> {
    let parts = |character: char| character.is_whitespace() || ":,".contains(character);
    let mut octets = Vec::new();
    for word in text.split(parts) {
        let unmarked = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
        let digits = unmarked.unwrap_or(word);
        if let Some(wrong) = digits.chars().find(|digit| !digit.is_ascii_hexdigit()) {
            return Err(format!("`{wrong}` is no hexadecimal digit"));
        }
        if digits.len() % 2 == 1 {
            return Err(format!("the digits `{word}` are no whole octets"));
        }
        let nibble = |digit: &u8| char::from(*digit).to_digit(16).unwrap_or(0) as u8;
        let pairs = digits.as_bytes().chunks(2);
        octets.extend(pairs.map(|pair| {
            pair.iter()
                .fold(0, |octet, digit| octet << 4 | nibble(digit))
        }));
    }
    if octets.is_empty() {
        return Err("no hexadecimal digits".into());
    }
    Ok(octets.into())
}

/// The JSON of one Mobility Header that UDP port 5436 carried.
pub(crate) fn message_json(wire: &[u8]) -> serde_json::Value {
    let wire = Bytes::copy_from_slice(wire);
    let carrier = carried::Carrier::bare(1, pmip_capture::Transport::Udp);
    let reading = reading::read(&wire, carrier.context(), None);
    carried::Carried::new(carrier, reading).to_json(DecodeOptions::default())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
