//! Fast failure detection: how fast, and never wrongly.

use std::thread;
use std::time::{Duration, Instant};

use pmip_binding::testing::{LinkConfig, Loss};
use pmip_examples::lab::traffic::Direction;
use pmip_examples::lab::wan::Frame;
use serde_json::Value;

use super::domain::{CORRESPONDENT, Domain, Node, Settings, WANS};
use super::stream::Stream;
use super::{Checked, attempts, say, wait_until};

/// The longest silence that a black hole may make.
const LEFT_WITHIN: Duration = Duration::from_millis(400);
const UP: u16 = 9_000;
const DOWN: u16 = 9_001;

/// Heartbeats are far slower: what leaves the path is not theirs. The stream up has the first WAN, that
/// down the second, as long as they live.
const SETTINGS: Settings = Settings {
    name: "fail",
    lists: "\
ip access-list extended up
 permit udp any eq 9000 any
ip access-list extended down
 permit udp any eq 9001 any",
    maps: " mobile-map MAP1 10
  match access-list up
  set link-type wan1
 mobile-map MAP1 20
  match access-list down
  set link-type wan2",
    mag: " mobile-map MAP1\n mobility-service hybrid-access\n  preempt",
    lma: " mobile-map MAP1\n mobility-service hybrid-access\n  preempt",
};

fn base() -> LinkConfig {
    let mut link = LinkConfig::new();
    link.latency = Duration::from_millis(5);
    link
}

/// Would break: probes that are not sent while a path is in use, a death that does not reach the
/// forwarding plane of the programs.
pub(super) fn black_hole() -> Checked {
    let domain = Domain::start(&SETTINGS, &base())?;
    let host = (&domain.host_namespace, domain.host);
    let peer = (&domain.core_namespace, CORRESPONDENT);
    let interval = Duration::from_millis(10);
    let up = Stream::start(host, peer, UP, interval, 200)?;
    let down = Stream::start(peer, host, DOWN, interval, 200)?;
    for (wan, stream, way) in [(0, &up, "up"), (1, &down, "down")] {
        attempts(3, || swallow(&domain, wan, stream, way))?;
    }
    for node in Node::BOTH {
        if domain.up_paths(node) != 2 {
            return Err(format!("{node:?} took a path for down by its heartbeats"));
        }
    }
    Ok(())
}

fn swallow(domain: &Domain, wan: usize, stream: &Stream, way: &str) -> Checked {
    let port = if wan == 0 { UP } else { DOWN };
    let watch = domain.wans[wan].watch(move |frame: &Frame<'_>| frame.is_inner_udp(port));
    let direction = [Direction::Up, Direction::Down][wan];
    let patience = Duration::from_secs(70);
    // A path that died before is on trial for a while.
    let offered = || domain.wans[wan].record(watch, direction).offered;
    wait_until(
        "the stream to use its WAN",
        patience,
        || Ok(offered() > 100),
    )?;
    let began = Instant::now();
    for one in Direction::BOTH {
        domain.wans[wan].change(one, |link| link.loss = Loss::All);
    }
    thread::sleep(Duration::from_secs(2));
    let gap = stream.longest_gap(began);
    for one in Direction::BOTH {
        domain.wans[wan].change(one, |link| link.loss = Loss::None);
    }
    let told = format!("{way}: a black hole makes a gap of {} ms", gap.as_millis());
    if gap > LEFT_WITHIN {
        return Err(told);
    }
    say(&format!("  {told}"));
    Ok(())
}

pub(super) fn short_calm() -> Checked {
    calm(Duration::from_secs(20))
}

pub(super) fn long_calm() -> Checked {
    calm(Duration::from_secs(600))
}

/// Bits per second of each WAN, and octets of a packet with its outer and inner headers.
const RATE: u64 = 5_000_000;
const PACKET: usize = 1_000;
const HEADERS: usize = 20 + 8 + 20 + 8;
const LOAD_PERCENT: u64 = 95;

/// Would break: a patience that knows only an idle path, answers that wait behind what fills it.
fn calm(span: Duration) -> Checked {
    let mut link = base();
    link.rate = Some(RATE);
    link.loss = Loss::Random(0.01);
    let domain = Domain::start(&SETTINGS, &link)?;
    let bits = u64::try_from((PACKET + HEADERS) * 8).unwrap_or(0);
    let interval = Duration::from_nanos(bits * 1_000_000_000 * 100 / (RATE * LOAD_PERCENT));
    let host = (&domain.host_namespace, domain.host);
    let peer = (&domain.core_namespace, CORRESPONDENT);
    let _up = Stream::start(host, peer, UP, interval, PACKET)?;
    let _down = Stream::start(peer, host, DOWN, interval, PACKET)?;
    let watches = [0, 1].map(|wan| domain.wans[wan].watch(|_| true));
    let begin = Instant::now();
    while begin.elapsed() < span {
        thread::sleep(Duration::from_secs(1).min(span));
        alive(&domain)?;
    }
    let took = begin.elapsed();
    for (wan, direction) in [(0, Direction::Up), (1, Direction::Down)] {
        let record = domain.wans[wan].record(watches[wan], direction);
        let load = record.octets as f64 * 8.0 / took.as_secs_f64() / RATE as f64;
        say(&format!(
            "  {} {direction}: {:.0} % load, {:.1} % lost, delay {:.1} ms, at most {:.1} ms",
            WANS[wan],
            load * 100.0,
            record.loss() * 100.0,
            record.delay.average().as_secs_f64() * 1000.0,
            record.delay.max.as_secs_f64() * 1000.0
        ));
        // Whatever falls below proves little.
        if load < 0.8 {
            return Err(format!("the machine made only {:.0} % load", load * 100.0));
        }
    }
    Ok(())
}

/// No path has ever been called dead, and failure detection runs.
fn alive(domain: &Domain) -> Checked {
    for node in Node::BOTH {
        for row in domain.sla(node)? {
            if row["deaths"] != 0 || row["alive"] == Value::Bool(false) {
                return Err(format!("{node:?} called a path dead: {row}"));
            }
        }
    }
    Ok(())
}
