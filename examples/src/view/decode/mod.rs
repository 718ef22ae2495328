//! `pmip decode`: Mobility Headers as a tree, for people and as JSON.
//!
//! The JSON is a contract with outside programs: names are the UpperCamel registry names, fields
//! the RFCs' in snake_case, options in wire order. Both outputs show what `node` finds in the values
//! of `pmip-wire` and what `field` calls it.

mod carried;
mod cli;
mod field;
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

/// Octets from hexadecimal text; blanks, colons and commas are skipped, and so is a `0x` in front of
/// what they part.
///
/// # Errors
/// In plain words what is wrong.
pub fn from_hex(text: &str) -> Result<Bytes, String> {
    let words = text.split(|character: char| character.is_whitespace() || ":,".contains(character));
    let digits: Vec<char> = words
        .map(|word| {
            word.strip_prefix("0x")
                .or_else(|| word.strip_prefix("0X"))
                .unwrap_or(word)
        })
        .flat_map(str::chars)
        .collect();
    if let Some(wrong) = digits.iter().find(|digit| !digit.is_ascii_hexdigit()) {
        return Err(format!("`{wrong}` is no hexadecimal digit"));
    }
    if digits.is_empty() || digits.len() % 2 == 1 {
        let count = digits.len();
        return Err(format!("{count} hexadecimal digits are no whole octets"));
    }
    let nibble = |digit: &char| digit.to_digit(16).unwrap_or(0) as u8;
    let octets = digits.chunks(2).map(|pair| {
        let octets = pair.iter().map(nibble);
        octets.fold(0, |octet, nibble| octet << 4 | nibble)
    });
    Ok(octets.collect())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
