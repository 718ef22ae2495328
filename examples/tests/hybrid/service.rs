//! What becomes of bindings, heartbeats and traffic when the service does not work.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use pmip_binding::testing::LinkConfig;
use pmip_wire::carrier::{Ipv4Header, UdpHeader, protocol};
use serde_json::Value;
use socket2::{Domain as Family, Protocol, Socket, Type};

use super::domain::{
    CARE_OF, CORRESPONDENT, Domain, LMA_ADDRESS, LMA_MODE, MAG_MODE, Node, Settings,
};
use super::stream::Stream;
use super::{Checked, say, text, wait_until};

const SETTINGS: Settings = Settings {
    name: "serve",
    lists: "\
ip access-list extended all
 permit udp any any",
    maps: " mobile-map MAP1 10
  match access-list all
  set link-type wan2",
    mag: " mobile-map MAP1\n mobility-service hybrid-access\n  sla num-packets 10 interval 20 frequency 6",
    lma: " mobile-map MAP1\n mobility-service hybrid-access\n  sla num-packets 10 interval 20 frequency 6",
};

const TUNNEL: u16 = 5_437;
const IPSLA: u16 = 1_167;
const STAMP: u16 = 862;
/// How long the service is flooded, longer than a heartbeat interval.
const FLOOD: Duration = Duration::from_secs(12);

/// Would break: anything of a node that depends on its service, or that a flood of what only the service
/// answers keeps from its turn.
pub(super) fn undisturbed() -> Checked {
    let mut link = LinkConfig::new();
    link.latency = Duration::from_millis(5);
    let domain = Domain::start(&SETTINGS, &link)?;
    let host = (&domain.host_namespace, domain.host);
    let peer = (&domain.core_namespace, CORRESPONDENT);
    let interval = Duration::from_millis(10);
    let up = Stream::start(host, peer, 9_000, interval, 200)?;
    let down = Stream::start(peer, host, 9_001, interval, 200)?;
    let streams = [("up", &up), ("down", &down)];
    wait_until("operations", Duration::from_secs(20), || {
        let rows = domain.sla(Node::Lma)?;
        Ok(rows.iter().all(|row| row["operations"].as_u64() > Some(0)))
    })?;
    let quiet = Witness::new(&domain)?;

    flooded(&domain)?;
    quiet.compare("a flood", &domain)?;
    intact("a flood", &streams)?;

    stop(&domain)?;
    let silent =
        domain.wans[0].watch(|frame| frame.is_inner_udp(IPSLA) || frame.is_inner_udp(STAMP));
    let beats = beats(&domain)?;
    wait_until(
        "heartbeats without the service",
        Duration::from_secs(40),
        || Ok(self::beats(&domain)? > beats),
    )?;
    quiet.compare("a stop", &domain)?;
    intact("a stop", &streams)?;
    let probes = domain.wans[0].record(silent, pmip_examples::lab::traffic::Direction::Up);
    match probes.offered {
        0 => Ok(()),
        probes => Err(format!("{probes} probes after the service was stopped")),
    }
}

fn stop(domain: &Domain) -> Checked {
    for (node, mode) in [(Node::Lma, LMA_MODE), (Node::Mag, MAG_MODE)] {
        domain.configure(node, &[mode, "no mobility-service hybrid-access"])?;
        let shown = domain.show(node, "sla")?;
        if shown != Value::Array(Vec::new()) {
            return Err(format!("{node:?} still measures: {shown}"));
        }
    }
    Ok(())
}

/// What must be as it was.
struct Witness {
    bindings: usize,
    down: u64,
}

impl Witness {
    fn new(domain: &Domain) -> Result<Self, String> {
        Ok(Self {
            bindings: bindings(domain)?,
            down: downs(domain),
        })
    }

    fn compare(&self, what: &str, domain: &Domain) -> Checked {
        for node in Node::BOTH {
            if domain.up_paths(node) != 2 {
                return Err(format!("{what}: {node:?} has not both paths up"));
            }
        }
        let now = Self::new(domain)?;
        if (now.bindings, now.down) != (self.bindings, self.down) {
            return Err(format!(
                "{what}: {} bindings were {}; paths went down {} times, before {}",
                now.bindings, self.bindings, now.down, self.down
            ));
        }
        Ok(())
    }
}

fn bindings(domain: &Domain) -> Result<usize, String> {
    let shown = domain.show(Node::Lma, "bindings")?;
    Ok(shown.as_array().map_or(0, Vec::len))
}

/// How often a path was said to be down.
fn downs(domain: &Domain) -> u64 {
    let logs = Node::BOTH.map(|node| domain.log(node));
    let lines = logs.iter().flat_map(|log| log.lines());
    lines.filter(|line| line.contains(" is down")).count() as u64
}

/// Heartbeats answered to the LMA, over all paths.
fn beats(domain: &Domain) -> Result<u64, String> {
    let shown = domain.show(Node::Lma, "heartbeat")?;
    let rows = shown.as_array().into_iter().flatten();
    Ok(rows
        .filter_map(|row| row["heartbeat"]["received"].as_u64())
        .sum())
}

/// The emulator loses nothing: what is missing was lost in the nodes.
fn intact(what: &str, streams: &[(&str, &Stream)]) -> Checked {
    for (way, stream) in streams {
        let seen = stream.seen();
        let lost = seen.sent.saturating_sub(seen.received);
        say(&format!(
            "  {what}: {lost} of {} packets {way} lost",
            seen.sent
        ));
        // A hundredth, and what is under way.
        if lost > seen.sent / 100 + 20 {
            return Err(format!(
                "{what}: {lost} of {} packets {way} are lost",
                seen.sent
            ));
        }
    }
    Ok(())
}

/// Floods the LMA's service by the first path, as the MAG's host could: control requests, garbage and
/// STAMP probes between the path's own ends.
fn flooded(domain: &Domain) -> Checked {
    let beats = beats(domain)?;
    let open = || -> std::io::Result<UdpSocket> {
        let socket = Socket::new(Family::IPV4, Type::RAW, Some(Protocol::UDP))?;
        socket.bind(&SocketAddr::from((CARE_OF[0], 0)).into())?;
        Ok(socket.into())
    };
    let opened = domain.mag_namespace.run(open);
    let socket = opened.map_err(text)?.map_err(text)?;
    let mut packets = Vec::new();
    for (port, payload) in [
        (IPSLA, control()),
        (IPSLA, vec![0xff; 200]),
        (STAMP, vec![0; 44]),
        (IPSLA, vec![0, 3, 0, 0]),
    ] {
        packets.push(tunnelled(port, &payload).ok_or("a packet that fits")?);
    }
    let stop = AtomicBool::new(false);
    let sent = thread::scope(|scope| {
        let flood = scope.spawn(|| {
            let to = SocketAddr::from((LMA_ADDRESS, TUNNEL));
            let mut sent = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                for packet in &packets {
                    sent += u64::from(socket.send_to(packet, to).is_ok());
                }
                // As fast as the emulator carries it, but not for the whole of a small machine.
                thread::sleep(Duration::from_micros(200));
            }
            sent
        });
        thread::sleep(FLOOD);
        stop.store(true, Ordering::Relaxed);
        flood.join().unwrap_or(0)
    });
    say(&format!(
        "  a flood of {} packets a second",
        sent / FLOOD.as_secs()
    ));
    match self::beats(domain)? > beats {
        true => Ok(()),
        false => Err("no heartbeat is answered during a flood".to_owned()),
    }
}

/// The beginning of a control request of RFC 6812, the rest nonsense.
fn control() -> Vec<u8> {
    let mut request = vec![0; 200];
    request[..8].copy_from_slice(&[2, 0, 0, 0, 0, 1, 0, 200]);
    request
}

/// A UDP segment that the MAG's tunnel would send.
fn tunnelled(port: u16, payload: &[u8]) -> Option<Vec<u8>> {
    let (from, to) = (CARE_OF[0], LMA_ADDRESS);
    let inner = inner((from, 50_000), (to, port), payload)?;
    let length = u16::try_from(inner.len() + 8).ok()?;
    let mut segment = Vec::new();
    for field in [TUNNEL, TUNNEL, length, 0] {
        segment.extend(field.to_be_bytes());
    }
    segment.extend(inner);
    Some(segment)
}

/// A UDP packet over IPv4.
pub(super) fn inner(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), payload: &[u8]) -> Option<Vec<u8>> {
    let mut packet = Vec::new();
    let header = Ipv4Header::new(from.0, to.0, protocol::UDP);
    header.encode(payload.len() + 8, &mut packet)?;
    let ports = UdpHeader {
        source_port: from.1,
        destination_port: to.1,
    };
    ports.encode(header.addresses(), payload, &mut packet)?;
    packet.extend_from_slice(payload);
    Some(packet)
}
