//! The standard configurations, in the language that users type.

use super::addresses::{Family, anchor};

/// Realm of all mobile nodes; the logical mobile node of MAG `n` is `van<n>@lab.example`.
pub(super) const REALM: &str = "lab.example";

/// What both nodes share: encapsulation, labels, one profile for the realm.
pub(super) fn domain(wans: u8) -> String {
    let mut text = " encap udptunnel\n".to_owned();
    for wan in 1..=wans {
        text += &format!(" link-label wan{wan} id {wan}\n");
    }
    text + &format!(" nai @{REALM}\n  network vehicles\n  service dual\n")
}

/// Pools of the LMA.
pub(super) const POOLS: &str = "\
ip local pool home4 10.65.0.10 10.65.255.250
ipv6 local pool home6 2001:db8:6500::/40 64
";

/// LMA `number`, after its first line.
pub(super) fn lma(number: u8) -> String {
    let address = anchor(number, Family::V4);
    format!(
        " address ipv4 {address}
 dynamic mag learning
 multipath
 heartbeat interval-ms 200 retries 1
 interface core
 network vehicles
  pool ipv4 home4 pfxlen 16
  pool ipv6 home6 pfxlen 64
  mobile-network pool 10.64.0.0 pool-prefix 16 network-prefix 28
  mobile-network v6pool 2001:db8:6400:: pool-prefix 40 network-prefix 56
  exit
"
    )
}

/// Access technologies of the WANs, in turn.
const TECHNOLOGIES: [&str; 4] = ["LTE", "3G", "WLAN", "ETHERNET"];

/// A MAG with `wans` roaming interfaces, after its first line.
pub(super) fn mag(wans: u8) -> String {
    let address = anchor(1, Family::V4);
    let mut text = " multipath\n heartbeat interval-ms 200 retries 1\n".to_owned();
    text += " address dynamic\n";
    for (wan, technology) in (1..=wans).zip(TECHNOLOGIES.iter().cycle()) {
        text += &format!(
            "  roaming interface wan{wan} priority {wan} egress-att {technology} label wan{wan}\n"
        );
    }
    text + &format!("  exit\n lma LMA1 LAB\n  ipv4-address {address}\n  exit\n")
}

/// The logical mobile node of MAG `number`, whose mobile network is on `lan1`.
pub(super) fn logical(number: u8) -> String {
    format!(
        " logical-mn van{number}@{REALM}\n  lma LMA1\n  mobile network lan1 learn-prefix\n  exit\n"
    )
}
