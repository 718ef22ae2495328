//! One flow as an operator writes it: `udp 10.60.0.2:5060 > 192.0.2.80:5061 dscp 46`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use pmip_policy::FlowKey;

/// How a flow is written.
pub const USAGE: &str = "write PROTOCOL SOURCE[:PORT] DESTINATION[:PORT] [dscp N], such as \
                         `udp 10.60.0.2:5060 192.0.2.80:5060 dscp 46` or \
                         `icmpv6 2001:db8::2 2001:db8:f::80`";

/// The highest code point (RFC 2474 section 3).
const MOST_DSCP: u8 = 63;

const PROTOCOLS: [(&str, u8); 7] = [
    ("icmp", FlowKey::ICMP),
    ("tcp", FlowKey::TCP),
    ("udp", FlowKey::UDP),
    ("gre", 47),
    ("esp", 50),
    ("icmpv6", FlowKey::ICMPV6),
    ("sctp", 132),
];

/// The name of an IP protocol, else its number.
pub fn protocol_name(protocol: u8) -> String {
    let known = PROTOCOLS.iter().find(|(_, number)| *number == protocol);
    known.map_or_else(|| protocol.to_string(), |(name, _)| (*name).to_owned())
}

/// Names one flow, as its packets are inside the tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowSpec {
    /// IP protocol number.
    pub protocol: u8,
    /// Inner source; port 0 where the protocol has none.
    pub source: SocketAddr,
    /// Inner destination; port 0 where the protocol has none.
    pub destination: SocketAddr,
    /// Differentiated Services code point, 0 to 63.
    pub dscp: u8,
}

impl FlowSpec {
    /// As the flow table names it.
    pub fn key(&self) -> FlowKey {
        FlowKey::new(self.source.ip(), self.destination.ip(), self.protocol)
            .with_ports(self.source.port(), self.destination.port())
            .with_dscp(self.dscp)
    }
}

impl FromStr for FlowSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text
            .split_whitespace()
            .filter(|word| *word != ">")
            .collect();
        let (protocol, source, destination, dscp) = match words.as_slice() {
            [protocol, source, destination] => (protocol, source, destination, None),
            [protocol, source, destination, "dscp", dscp] => {
                (protocol, source, destination, Some(*dscp))
            }
            _ => return Err(format!("`{text}` is no flow: {USAGE}")),
        };
        let flow = Self {
            protocol: self::protocol(protocol)?,
            source: end(source)?,
            destination: end(destination)?,
            dscp: dscp.map_or(Ok(0), self::dscp)?,
        };
        if flow.source.is_ipv4() != flow.destination.is_ipv4() {
            return Err("both ends of a flow are of one family, IPv4 or IPv6".into());
        }
        Ok(flow)
    }
}

impl fmt::Display for FlowSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |end: SocketAddr| match end.port() {
            0 => end.ip().to_string(),
            _ => end.to_string(),
        };
        let (source, destination) = (end(self.source), end(self.destination));
        let protocol = protocol_name(self.protocol);
        write!(f, "{protocol} {source} > {destination}")?;
        match self.dscp {
            0 => Ok(()),
            dscp => write!(f, " dscp {dscp}"),
        }
    }
}

fn protocol(text: &str) -> Result<u8, String> {
    let mut named = PROTOCOLS.iter();
    let named = named.find(|(name, _)| *name == text);
    let number = named.map_or_else(|| text.parse().ok(), |(_, number)| Some(*number));
    let names = PROTOCOLS.map(|(name, _)| name).join(", ");
    number.ok_or_else(|| format!("`{text}` is no protocol: one of {names}, or 0 to 255"))
}

fn end(text: &str) -> Result<SocketAddr, String> {
    let bare = || text.parse::<IpAddr>().map(|address| (address, 0).into());
    let end = text.parse::<SocketAddr>().or_else(|_| bare());
    end.map_err(|_| format!("`{text}` is no address, such as 192.0.2.1:53 or [2001:db8::1]:53"))
}

fn dscp(text: &str) -> Result<u8, String> {
    let number = text.parse::<u8>().ok().filter(|dscp| *dscp <= MOST_DSCP);
    number.ok_or_else(|| format!("`{text}` is no code point: dscp 0 to {MOST_DSCP}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back_as_the_same_flow() {
        for (text, printed) in [
            (
                "udp 10.60.0.2:5060 192.0.2.80:5061 dscp 46",
                "udp 10.60.0.2:5060 > 192.0.2.80:5061 dscp 46",
            ),
            ("icmp 10.60.0.2 192.0.2.80", "icmp 10.60.0.2 > 192.0.2.80"),
            (
                "6 [2001:db8::2]:1 > [2001:db8::3]:2",
                "tcp [2001:db8::2]:1 > [2001:db8::3]:2",
            ),
            ("89 10.0.0.1 10.0.0.2", "89 10.0.0.1 > 10.0.0.2"),
        ] {
            let flow: FlowSpec = text.parse().expect(text);
            assert_eq!(flow.to_string(), printed);
            assert_eq!(printed.parse(), Ok(flow));
        }
    }

    #[test]
    fn what_is_no_flow_says_what_would_be() {
        for (text, expected) in [
            ("udp 10.60.0.2:5060", "PROTOCOL SOURCE"),
            ("udpx 10.60.0.2 10.0.0.1", "icmp, tcp, udp"),
            ("udp 10.60.0.2:70000 10.0.0.1", "no address"),
            ("udp 10.60.0.2 2001:db8::1", "one family"),
            ("udp 10.60.0.2 10.0.0.1 dscp 64", "0 to 63"),
        ] {
            let why = text.parse::<FlowSpec>().expect_err(text);
            assert!(why.contains(expected), "{text}: {why}");
        }
    }
}
