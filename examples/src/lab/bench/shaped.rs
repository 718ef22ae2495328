//! Many TCP streams over two paths of unequal rates: how much of their sum they reach (goal D7).

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, anyhow};

use super::carrier::{Carrier, Carriers};
use super::measure;
use super::topology::{HOST, INNER_MTU, LINKS, PEER, Topology};
use crate::platform::netns::Netns;

/// Rates of the paths, Mbit/s.
const RATES: [u32; 2] = [150, 50];
const STREAMS: usize = 16;
const DURATION: Duration = Duration::from_secs(3);
/// What IPv4-UDP and Ethernet add to an inner packet, and what of that is no TCP payload: IPv4 and
/// TCP headers with timestamps.
const OUTSIDE: u16 = 28 + 14;
const INSIDE: u16 = 20 + 32;

/// The share of the paths' sum that was reached: up, down.
pub(super) fn run(topology: &Topology, carriers: &mut Carriers<'_>) -> Result<(f64, f64)> {
    carriers.switch_to(Carrier::TwoPaths)?;
    for ((wan, lan), rate) in LINKS.into_iter().zip(RATES) {
        shape(&topology.mag, wan, rate)?;
        shape(&topology.lma, lan, rate)?;
    }
    let payload = f64::from(INNER_MTU - INSIDE) / f64::from(INNER_MTU + OUTSIDE);
    let sum = f64::from(RATES.iter().sum::<u32>()) * payload / 1e3;
    let up = (&topology.host, &topology.peer, PEER);
    let down = (&topology.peer, &topology.host, HOST);
    let [up, down] = [up, down].map(|way| measure::steady_tcp(way, STREAMS, DURATION));
    Ok((up? / sum, down? / sum))
}

fn shape(namespace: &Netns, link: &str, rate: u32) -> Result<()> {
    let rate = format!("{rate}mbit");
    let mut command = Command::new("tc");
    command.args([
        "qdisc", "replace", "dev", link, "root", "tbf", "rate", &rate,
    ]);
    command.args(["burst", "64kb", "latency", "50ms"]);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let status = namespace.spawn(command)?.wait()?;
    match status.success() {
        true => Ok(()),
        false => Err(anyhow!("tc cannot shape {link}: {status}")),
    }
}
