//! Access lists, kept as parsed rules; in both texts a rule is one line of the language.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use pmip_wire::types::IpPrefix;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::section;
use super::values::serde_as_text;

/// Whether a list is for IPv4 or IPv6 packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IpFamily {
    /// `ip access-list extended`.
    #[default]
    Ipv4,
    /// `ipv6 access-list`.
    Ipv6,
}

section! {
    /// A named list of rules; what no rule matches is denied.
    pub struct AccessList {
        /// 1 to 125 characters.
        pub name: String,
        /// IPv4 (when not given) or IPv6.
        pub family: IpFamily,
        /// Rules in the order they are tried.
        pub rules: Vec<AclRule>,
    }
}

/// `permit` or `deny`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AclAction {
    /// The packet matches.
    Permit,
    /// The packet does not match, and no later rule is tried.
    Deny,
}

/// What a rule says of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AclProtocol {
    /// `ip` or `ipv6`: any.
    Any,
    /// One protocol number.
    Number(u8),
}

/// What a rule says of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AclAddress {
    /// `any`.
    Any,
    /// `host A`.
    Host(IpAddr),
    /// `A WILDCARD`: set bits of the wildcard are not compared.
    Wildcard(Ipv4Addr, Ipv4Addr),
    /// `P/LENGTH`.
    Prefix(IpPrefix),
}

/// What a rule says of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortMatch {
    /// `eq N`.
    Eq(u16),
    /// `neq N`.
    Neq(u16),
    /// `lt N`.
    Lt(u16),
    /// `gt N`.
    Gt(u16),
    /// `range LOW HIGH`.
    Range(u16, u16),
}

/// One rule: `[SEQ] {permit|deny} PROTO SRC [ports] DST [ports] [dscp N] [established] [log]`.
///
/// ```
/// use pmip_examples::config::model::AclRule;
///
/// let rule: AclRule = "permit udp any range 16384 32767 any".parse()?;
/// assert_eq!(rule.to_string(), "permit udp any range 16384 32767 any");
/// # Ok::<(), pmip_examples::config::model::AclRuleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AclRule {
    /// Its place, where one was given.
    pub sequence: Option<u32>,
    /// Permit or deny.
    pub action: AclAction,
    /// Protocol.
    pub protocol: AclProtocol,
    /// Source address.
    pub source: AclAddress,
    /// Source port, TCP and UDP alone.
    pub source_port: Option<PortMatch>,
    /// Destination address.
    pub destination: AclAddress,
    /// Destination port, TCP and UDP alone.
    pub destination_port: Option<PortMatch>,
    /// DSCP, 0 to 63.
    pub dscp: Option<u8>,
    /// TCP segments of an existing connection.
    pub established: bool,
    /// Log what matches.
    pub log: bool,
}

/// Why a rule could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclRuleError {
    /// Which word is wrong, counted from 0; the number of words when the rule ends too early.
    pub word: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for AclRuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for AclRuleError {}

impl AclRule {
    /// The rule without its place.
    #[must_use]
    pub fn body(&self) -> Self {
        Self {
            sequence: None,
            ..self.clone()
        }
    }

    /// Whether every address of the rule is of `family`.
    pub fn fits(&self, family: IpFamily) -> bool {
        [self.source, self.destination]
            .iter()
            .all(|address| match address {
                AclAddress::Any => true,
                AclAddress::Host(address) => address.is_ipv4() == (family == IpFamily::Ipv4),
                AclAddress::Wildcard(..) => family == IpFamily::Ipv4,
                AclAddress::Prefix(prefix) => prefix.is_ipv4() == (family == IpFamily::Ipv4),
            })
    }
}

/// Protocol names of the language.
const PROTOCOLS: [(u8, &str); 12] = [
    (1, "icmp"),
    (2, "igmp"),
    (6, "tcp"),
    (17, "udp"),
    (41, "ipv6-in-ip"),
    (47, "gre"),
    (50, "esp"),
    (51, "ahp"),
    (58, "icmpv6"),
    (89, "ospf"),
    (103, "pim"),
    (132, "sctp"),
];

/// Port names of the language.
const PORTS: [(u16, &str); 14] = [
    (20, "ftp-data"),
    (21, "ftp"),
    (22, "ssh"),
    (23, "telnet"),
    (25, "smtp"),
    (53, "domain"),
    (67, "bootps"),
    (68, "bootpc"),
    (69, "tftp"),
    (80, "www"),
    (123, "ntp"),
    (161, "snmp"),
    (443, "https"),
    (514, "syslog"),
];

/// DSCP names of the language.
const DSCPS: [(u8, &str); 22] = [
    (0, "default"),
    (8, "cs1"),
    (10, "af11"),
    (12, "af12"),
    (14, "af13"),
    (16, "cs2"),
    (18, "af21"),
    (20, "af22"),
    (22, "af23"),
    (24, "cs3"),
    (26, "af31"),
    (28, "af32"),
    (30, "af33"),
    (32, "cs4"),
    (34, "af41"),
    (36, "af42"),
    (38, "af43"),
    (40, "cs5"),
    (44, "voice-admit"),
    (46, "ef"),
    (48, "cs6"),
    (56, "cs7"),
];

impl FromStr for AclRule {
    type Err = AclRuleError;

    fn from_str(text: &str) -> Result<Self, AclRuleError> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        Self::from_words(&words)
    }
}

impl AclRule {
    /// Reads a rule that is split into words already.
    ///
    /// # Errors
    /// Names the first word that is wrong and says what would be right.
    pub fn from_words(words: &[&str]) -> Result<Self, AclRuleError> {
        let mut reader = Words { words, next: 0 };
        let sequence = reader.sequence()?;
        let action = reader.action()?;
        let protocol = reader.protocol()?;
        let ports = matches!(protocol, AclProtocol::Number(6 | 17 | 132));
        let source = reader.address("source")?;
        let source_port = reader.port(ports)?;
        let destination = reader.address("destination")?;
        let destination_port = reader.port(ports)?;
        let mut rule = Self {
            sequence,
            action,
            protocol,
            source,
            source_port,
            destination,
            destination_port,
            dscp: None,
            established: false,
            log: false,
        };
        reader.trailer(&mut rule)?;
        Ok(rule)
    }
}

/// A cursor over a rule's words.
struct Words<'a> {
    words: &'a [&'a str],
    next: usize,
}

impl<'a> Words<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.next).copied()
    }

    fn is(&self, word: &str) -> bool {
        self.peek()
            .is_some_and(|next| next.eq_ignore_ascii_case(word))
    }

    fn take(&mut self) -> Option<&'a str> {
        let word = self.peek();
        self.next += usize::from(word.is_some());
        word
    }

    /// Takes a word and reads it, or says what was expected in its place.
    fn read<T>(
        &mut self,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, AclRuleError> {
        let value = self
            .peek()
            .and_then(read)
            .ok_or_else(|| self.error(expected))?;
        self.next += 1;
        Ok(value)
    }

    fn error(&self, expected: &str) -> AclRuleError {
        let message = match self.peek() {
            Some(word) => format!("`{word}` is not {expected}"),
            None => format!("the rule ends too early; expected {expected}"),
        };
        AclRuleError {
            word: self.next,
            message,
        }
    }

    fn sequence(&mut self) -> Result<Option<u32>, AclRuleError> {
        match self.peek() {
            Some(word) if word.starts_with(|first: char| first.is_ascii_digit()) => self
                .read("a sequence number from 1 to 2147483647", |word| {
                    word.parse()
                        .ok()
                        .filter(|n| (1..=2_147_483_647).contains(n))
                })
                .map(Some),
            Some(_) | None => Ok(None),
        }
    }

    fn action(&mut self) -> Result<AclAction, AclRuleError> {
        self.read("`permit` or `deny`", |word| {
            match word.to_ascii_lowercase().as_str() {
                "permit" => Some(AclAction::Permit),
                "deny" => Some(AclAction::Deny),
                _ => None,
            }
        })
    }

    fn protocol(&mut self) -> Result<AclProtocol, AclRuleError> {
        self.read(
            "a protocol such as ip, tcp, udp, icmp, or its number 0 to 255",
            |word| {
                let word = word.to_ascii_lowercase();
                if word == "ip" || word == "ipv6" {
                    return Some(AclProtocol::Any);
                }
                number_or_name(&word, &PROTOCOLS).map(AclProtocol::Number)
            },
        )
    }

    fn address(&mut self, side: &str) -> Result<AclAddress, AclRuleError> {
        if self.is("any") {
            self.next += 1;
            return Ok(AclAddress::Any);
        }
        if self.is("host") {
            self.next += 1;
            return self
                .read(
                    &format!("the address of the {side} host, such as 192.0.2.200"),
                    |word| word.parse().ok(),
                )
                .map(AclAddress::Host);
        }
        let expected = format!(
            "a {side} such as `any`, `host 192.0.2.1`, `192.0.2.0 0.0.0.255` or `192.0.2.0/24`"
        );
        let first = self.read(&expected, |word| {
            if word.contains('/') {
                return word.parse().ok().map(AclAddress::Prefix);
            }
            word.parse().ok().map(AclAddress::Host)
        })?;
        let AclAddress::Host(IpAddr::V4(address)) = first else {
            return match first {
                AclAddress::Host(_) => {
                    self.next -= 1;
                    Err(self.error("complete: write `host ADDRESS` or `PREFIX/LENGTH`"))
                }
                AclAddress::Any | AclAddress::Wildcard(..) | AclAddress::Prefix(_) => Ok(first),
            };
        };
        let wildcard = self.read(
            "a wildcard, the bits that are not compared, such as 0.0.0.255 (one host: `host ADDRESS`)",
            |word| word.parse().ok(),
        )?;
        Ok(AclAddress::Wildcard(address, wildcard))
    }

    fn port(&mut self, allowed: bool) -> Result<Option<PortMatch>, AclRuleError> {
        const OPERATORS: [&str; 5] = ["eq", "neq", "lt", "gt", "range"];
        let Some(operator) = OPERATORS.into_iter().find(|operator| self.is(operator)) else {
            return Ok(None);
        };
        if !allowed {
            return Err(self.error("allowed here: only tcp, udp and sctp have ports"));
        }
        self.next += 1;
        let mut number = || {
            self.read("a port number 0 to 65535 or a name such as www", |word| {
                number_or_name(word, &PORTS)
            })
        };
        let first = number()?;
        Ok(Some(match operator {
            "eq" => PortMatch::Eq(first),
            "neq" => PortMatch::Neq(first),
            "lt" => PortMatch::Lt(first),
            "gt" => PortMatch::Gt(first),
            _ => {
                let last = number()?;
                if last < first {
                    self.next -= 1;
                    return Err(self.error("a port that is not below the first of the range"));
                }
                PortMatch::Range(first, last)
            }
        }))
    }

    fn trailer(&mut self, rule: &mut AclRule) -> Result<(), AclRuleError> {
        while self.peek().is_some() {
            if self.is("dscp") {
                self.take();
                let dscp = self.read("a DSCP 0 to 63 or a name such as ef", |word| {
                    number_or_name(word, &DSCPS).filter(|dscp| *dscp <= 63)
                })?;
                rule.dscp = Some(dscp);
            } else if self.is("established") && rule.protocol == AclProtocol::Number(6) {
                self.take();
                rule.established = true;
            } else if self.is("log") {
                self.take();
                rule.log = true;
            } else {
                return Err(self.error(
                    "one of `eq`, `neq`, `lt`, `gt`, `range`, `dscp`, `established` (tcp), `log`, or the end",
                ));
            }
        }
        Ok(())
    }
}

fn number_or_name<N: FromStr + Copy>(word: &str, names: &[(N, &str)]) -> Option<N> {
    let named = names
        .iter()
        .find(|(_, name)| name.eq_ignore_ascii_case(word));
    named
        .map(|(number, _)| *number)
        .or_else(|| word.parse().ok())
}

impl fmt::Display for AclRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(sequence) = self.sequence {
            write!(f, "{sequence} ")?;
        }
        f.write_str(match self.action {
            AclAction::Permit => "permit ",
            AclAction::Deny => "deny ",
        })?;
        match self.protocol {
            AclProtocol::Any => f.write_str("ip")?,
            AclProtocol::Number(number) => {
                match PROTOCOLS.iter().find(|(known, _)| *known == number) {
                    Some((_, name)) => f.write_str(name)?,
                    None => write!(f, "{number}")?,
                }
            }
        }
        for (address, port) in [
            (self.source, self.source_port),
            (self.destination, self.destination_port),
        ] {
            write!(f, " {address}")?;
            if let Some(port) = port {
                write!(f, " {port}")?;
            }
        }
        if let Some(dscp) = self.dscp {
            write!(f, " dscp {dscp}")?;
        }
        f.write_str(if self.established { " established" } else { "" })?;
        f.write_str(if self.log { " log" } else { "" })
    }
}

impl fmt::Display for AclAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Host(address) => write!(f, "host {address}"),
            Self::Wildcard(address, wildcard) => write!(f, "{address} {wildcard}"),
            Self::Prefix(prefix) => write!(f, "{prefix}"),
        }
    }
}

impl fmt::Display for PortMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eq(port) => write!(f, "eq {port}"),
            Self::Neq(port) => write!(f, "neq {port}"),
            Self::Lt(port) => write!(f, "lt {port}"),
            Self::Gt(port) => write!(f, "gt {port}"),
            Self::Range(first, last) => write!(f, "range {first} {last}"),
        }
    }
}
serde_as_text!(AclRule);

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> AclRule {
        text.parse().expect("a valid rule")
    }

    #[test]
    fn rules_print_as_they_were_written() {
        for text in [
            "permit ip any any",
            "10 deny ip host 192.0.2.200 any log",
            "deny ip 198.51.100.128 0.0.0.127 10.0.0.0 0.255.255.255",
            "permit udp any any range 16384 32767",
            "permit tcp any eq 22 any neq 80 dscp 46 established",
            "permit 99 2001:db8::/32 host 2001:db8::1",
        ] {
            assert_eq!(rule(text).to_string(), text);
        }
    }

    #[test]
    fn names_stand_for_numbers() {
        assert_eq!(
            rule("permit tcp any any eq www dscp ef"),
            rule("PERMIT 6 any any eq 80 dscp 46")
        );
    }

    #[test]
    fn the_wrong_word_is_named() {
        for (text, word) in [
            ("permit", 1),
            ("permit ip any", 3),
            ("deny ip host any", 3),
            ("permit ip any 192.0.2.1", 4),
            ("permit icmp any any eq 1", 4),
            ("permit udp any range 9 8 any", 5),
            ("allow ip any any", 0),
            ("permit udp any any established", 4),
        ] {
            let error = text.parse::<AclRule>().expect_err(text);
            assert_eq!(error.word, word, "{text}: {error}");
        }
    }
}
