//! Mobile maps and unequal load balance, seen on the outer packets of both directions.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use pmip_binding::testing::{LinkConfig, Loss};
use pmip_examples::lab::traffic::Direction;
use pmip_examples::lab::wan::{Frame, Watch};
use pmip_examples::platform::netns::Netns;
use socket2::{Domain as Family, Protocol, Socket, Type};

use super::domain::{CORRESPONDENT, Domain, Node, Settings, WANS};
use super::stream::Stream;
use super::{Checked, say, text, wait_until};

const PORT: u16 = 9_000;
const PATIENCE: Duration = Duration::from_secs(20);

const MAPS: Settings = Settings {
    name: "maps",
    lists: "\
ip access-list extended icmp
 permit icmp any any
ip access-list extended udp
 permit udp any any",
    maps: " mobile-map MAP1 10
  match access-list icmp
  set link-type wan2 wan1
 mobile-map MAP1 20
  match access-list udp
  set link-type wan1 null",
    mag: " mobile-map MAP1\n mobility-service hybrid-access\n  disable-sla",
    lma: " mobile-map MAP1\n mobility-service hybrid-access\n  disable-sla",
};

fn base() -> LinkConfig {
    let mut link = LinkConfig::new();
    link.latency = Duration::from_millis(5);
    link
}

/// Rows 22, 26 and 27. Would break: a map that only one end follows, `null` that lets packets go by
/// another path.
pub(super) fn links() -> Checked {
    let domain = Domain::start(&MAPS, &base())?;
    let host = (&domain.host_namespace, domain.host);
    let peer = (&domain.core_namespace, CORRESPONDENT);
    let interval = Duration::from_millis(20);
    let _up = Stream::start(host, peer, PORT, interval, 200)?;
    let down = Stream::start(peer, host, PORT + 1, interval, 200)?;
    let pings = AtomicBool::new(true);
    thread::scope(|scope| {
        let socket = ping_socket(&domain)?;
        let pinging = &pings;
        scope.spawn(move || ping(&socket, pinging));
        let checked = steer(&domain, &down);
        pings.store(false, Ordering::Relaxed);
        checked
    })
}

fn steer(domain: &Domain, down: &Stream) -> Checked {
    let wans = [&domain.wans[0], &domain.wans[1]];
    let icmp = wans.map(|wan| wan.watch(|frame: &Frame<'_>| frame.is_inner_icmp()));
    let udp = wans.map(|wan| {
        wan.watch(|frame: &Frame<'_>| frame.is_inner_udp(PORT) || frame.is_inner_udp(PORT + 1))
    });
    let offered = |watches: [Watch; 2]| {
        for wan in [0, 1] {
            wans[wan].reset(watches[wan]);
        }
        thread::sleep(Duration::from_millis(500));
        Direction::BOTH
            .map(|direction| [0, 1].map(|wan| wans[wan].record(watches[wan], direction).offered))
    };
    let only = |counts: [[u64; 2]; 2], wan: usize| {
        let mut ways = counts.iter();
        ways.all(|way| way[wan] > 0 && way[1 - wan] == 0)
    };
    wait_until(
        "udp by the first WAN alone, and icmp by the second",
        PATIENCE,
        || Ok(only(offered(udp), 0) && only(offered(icmp), 1)),
    )?;

    all_lost(domain, Loss::All);
    wait_until("udp to be dropped by both nodes", PATIENCE, || {
        Ok(offered(udp) == [[0, 0], [0, 0]])
    })?;
    if !only(offered(icmp), 1) {
        return Err("icmp does not stay while udp has no link".to_owned());
    }
    for node in Node::BOTH {
        let dropped = null_drops(domain, node)?;
        if dropped == 0 {
            return Err(format!("{node:?} counts nothing dropped by null"));
        }
    }

    all_lost(domain, Loss::None);
    let received = down.seen().received;
    wait_until("udp to return", PATIENCE, || {
        Ok(only(offered(udp), 0) && down.seen().received > received)
    })?;
    Ok(())
}

/// A silent hole in the first WAN, or none.
fn all_lost(domain: &Domain, loss: Loss) {
    for direction in Direction::BOTH {
        domain.wans[0].change(direction, |link| link.loss = loss);
    }
}

fn null_drops(domain: &Domain, node: Node) -> Result<u64, String> {
    let shown = domain.show(node, "mobile-map")?;
    let maps = shown.as_array().into_iter().flatten();
    let entries = maps.filter_map(|map| map["entries"].as_array()).flatten();
    Ok(entries
        .filter_map(|entry| entry["null_drops"].as_u64())
        .sum())
}

fn ping_socket(domain: &Domain) -> Result<UdpSocket, String> {
    let open = || -> std::io::Result<UdpSocket> {
        let socket = Socket::new(Family::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
        socket.bind(&SocketAddr::from((domain.host, 0)).into())?;
        Ok(socket.into())
    };
    domain.host_namespace.run(open).map_err(text)?.map_err(text)
}

/// Echo requests; the correspondent's kernel answers.
fn ping(socket: &UdpSocket, goes_on: &AtomicBool) {
    // Type 8, code 0, a checksum over only that and identifier 1.
    let request = [8, 0, 0xf7, 0xfe, 0, 1, 0, 0];
    while goes_on.load(Ordering::Relaxed) {
        let _ = socket.send_to(&request, (CORRESPONDENT, 0));
        thread::sleep(Duration::from_millis(20));
    }
}

const WEIGHTS: Settings = Settings {
    name: "weigh",
    lists: "",
    maps: "",
    mag: " mobility-service hybrid-access
  disable-sla
  load-balance weighted
  link wan1 weight 3
  link wan2 weight 1",
    lma: " mobility-service hybrid-access
  disable-sla
  load-balance weighted
  link wan1 weight 3 down-weight 1
  link wan2 weight 1 down-weight 4",
};

const FLOWS: u16 = 10_000;

/// Row 66. Would break: weights of the other direction, or none at all.
pub(super) fn weights() -> Checked {
    let domain = Domain::start(&WEIGHTS, &base())?;
    let host = (&domain.host_namespace, domain.host);
    let peer = (&domain.core_namespace, CORRESPONDENT);
    for (direction, from, to, share) in [
        (Direction::Up, host, peer, 0.75),
        (Direction::Down, peer, host, 0.2),
    ] {
        // Counted where they leave, on the outside; heartbeats and control have other ports.
        let watches =
            [0, 1].map(|wan| domain.wans[wan].watch(|frame: &Frame<'_>| frame.is_inner_udp(PORT)));
        let sink = to.0.run(|| UdpSocket::bind((to.1, PORT)));
        let _sink = sink.map_err(text)?.map_err(text)?;
        from.0
            .run(|| flows(from, SocketAddr::from((to.1, PORT))))
            .map_err(text)??;
        thread::sleep(Duration::from_millis(300));
        let octets = [0, 1].map(|wan| domain.wans[wan].record(watches[wan], direction).octets);
        let seen = octets[0] as f64 / (octets[0] + octets[1]).max(1) as f64;
        say(&format!(
            "  {direction}: {:.2} % of the octets by {}, {:.0} % by the weights",
            seen * 100.0,
            WANS[0],
            share * 100.0
        ));
        if (seen - share).abs() > 0.02 {
            return Err(format!(
                "{direction}: {octets:?} octets, {share} were to be the first's"
            ));
        }
        let flows = domain.wans[0].record(watches[0], direction).offered
            + domain.wans[1].record(watches[1], direction).offered;
        if flows < u64::from(FLOWS) * 2 * 9 / 10 {
            return Err(format!(
                "{direction}: only {flows} packets came as far as a WAN"
            ));
        }
    }
    Ok(())
}

/// Two packets of each of many flows, as fast as a TUN device of few places takes them.
fn flows((_, address): (&Netns, std::net::Ipv4Addr), to: SocketAddr) -> Checked {
    for number in 0..FLOWS {
        let socket = UdpSocket::bind((address, 20_000 + number)).map_err(text)?;
        for _ in 0..2 {
            socket.send_to(&[0; 300], to).map_err(text)?;
        }
        thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}
