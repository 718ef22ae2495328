//! `ADDR[:PORT]`.

use std::net::{IpAddr, SocketAddr};

/// The address and port of `text`; the port is 0 where it has none.
pub(super) fn parse(text: &str) -> Result<SocketAddr, String> {
    if let Ok(whole) = text.parse() {
        return Ok(whole);
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let address: IpAddr = bare.parse().map_err(|_| {
        "give an address and, if it is not the usual one, a port: 192.0.2.1, 192.0.2.1:8620, \
         2001:db8::1 or [2001:db8::1]:8620"
            .to_owned()
    })?;
    Ok(SocketAddr::new(address, 0))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn addresses_with_and_without_a_port() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1:0"),
            ("192.0.2.1:862", "192.0.2.1:862"),
            ("2001:db8::1", "[2001:db8::1]:0"),
            ("[2001:db8::1]", "[2001:db8::1]:0"),
            ("[2001:db8::1]:862", "[2001:db8::1]:862"),
        ] {
            assert_eq!(parse(text).map(|a| a.to_string()), Ok(address.to_owned()));
        }
        for text in ["", "host", "192.0.2.1:x", "192.0.2.1:70000"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
