//! What crosses a network that may translate addresses, and a gateway behind such a one.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use pmip_binding::{Datagram, PathState};
use pmip_tunnel::encap::Carrier;
use pmip_tunnel::{
    Arrival, Ecn, Forwarder, ForwarderConfig, ForwardingTable, Inbound, SegmentArena,
};
use pmip_wire::types::{Instant, PathId};
use pmip_wire::udp::DATA_PORT;

use super::{CONFIG, Domain, NodeInput, Seat, sent};
use crate::platform::dataplane::DataPlaneEvent;
use crate::platform::memory::Action;

/// What the translator adds to a port.
const SHIFT: u16 = 40_000;

/// The gateway's 10.N.0.2 as 203.0.113.N, its ports moved.
fn outward(inside: SocketAddr) -> SocketAddr {
    let IpAddr::V4(address) = inside.ip() else {
        panic!("IPv4 alone")
    };
    let outside = [203, 0, 113, address.octets()[1]];
    SocketAddr::from((outside, inside.port() + SHIFT))
}

/// Where a datagram for the outside goes; nowhere without a mapping.
fn inward(outside: SocketAddr) -> Option<SocketAddr> {
    let IpAddr::V4(address) = outside.ip() else {
        return None;
    };
    let inside = [10, address.octets()[3], 0, 2];
    let port = outside.port().checked_sub(SHIFT)?;
    (address.octets()[0] == 203).then(|| SocketAddr::from((inside, port)))
}

/// What an action of the gateway brings to the anchor.
pub(super) fn carry_up(
    action: Action,
    now: Instant,
    nat: bool,
    mag: &Seat,
    lma: &Seat,
) -> Option<NodeInput> {
    let translated = |inside| if nat { outward(inside) } else { inside };
    let Action::Local(path, packet) = action else {
        let datagram = sent(action)?;
        let source = translated(datagram.source);
        return Some(NodeInput::Datagram(Datagram { source, ..datagram }));
    };
    let (from, to, data) = encapsulate(&mag.memory.table()?, path, &packet);
    let event = arrive(&lma.memory.table()?, to.ip(), translated(from), now, data)?;
    Some(NodeInput::DataPlane(event))
}

/// What an action of the anchor brings to the gateway.
pub(super) fn carry_down(
    action: Action,
    now: Instant,
    nat: bool,
    mag: &Seat,
    lma: &Seat,
) -> Option<NodeInput> {
    let untranslated = |outside| if nat { inward(outside) } else { Some(outside) };
    let Action::Local(path, packet) = action else {
        let datagram = sent(action)?;
        let destination = untranslated(datagram.destination)?;
        return Some(NodeInput::Datagram(Datagram {
            destination,
            ..datagram
        }));
    };
    let (from, to, data) = encapsulate(&lma.memory.table()?, path, &packet);
    let local = untranslated(to)?.ip();
    let event = arrive(&mag.memory.table()?, local, from, now, data)?;
    Some(NodeInput::DataPlane(event))
}

/// What a sending data plane makes of a packet for the other end: outer ends and UDP payload.
fn encapsulate(
    table: &ForwardingTable,
    path: PathId,
    packet: &Bytes,
) -> (SocketAddr, SocketAddr, Vec<u8>) {
    let mut arena = SegmentArena::new();
    let mut forwarder = Forwarder::new(ForwarderConfig::default());
    let send = forwarder
        .local(table, path, packet, &mut arena)
        .expect("a packet between the ends of a published path");
    let segment = &arena.segments()[send.segments.start];
    let mut data = arena.header(segment).to_vec();
    data.extend_from_slice(&packet[segment.payload()]);
    let tunnel = table.path(path).expect("a published path");
    let from = SocketAddr::new(tunnel.local, DATA_PORT);
    (from, tunnel.remote, data)
}

/// What a receiving data plane tells its node.
fn arrive(
    table: &ForwardingTable,
    local: IpAddr,
    from: SocketAddr,
    received: Instant,
    mut data: Vec<u8>,
) -> Option<DataPlaneEvent> {
    let mut forwarder = Forwarder::new(ForwarderConfig::default());
    let Some(path) = forwarder.path_from(table, local, from) else {
        let found = Forwarder::from_stranger(local, Carrier::Udp, &data)?;
        let packet = Bytes::copy_from_slice(&data[found]);
        return Some(DataPlaneEvent::Stranger {
            from,
            received,
            packet,
        });
    };
    match forwarder.inbound(table, Arrival::udp(path, Ecn::NotEct), &mut data) {
        Inbound::Local(inner) => Some(DataPlaneEvent::Local {
            path,
            from,
            received,
            packet: Bytes::from(data).slice(inner.start..),
        }),
        other @ (Inbound::Deliver(_) | Inbound::Drop(_)) => {
            panic!("a heartbeat is for the other end: {other:?}")
        }
    }
}

fn behind_nat(config: &str) -> Domain {
    let mut domain = Domain::with(config);
    domain.nat = true;
    domain.register();
    domain
}

/// Every path of the anchor carries downlink to the mapping of the gateway's data port.
fn check_downlink(domain: &Domain, count: usize) {
    let paths = domain.lma.node.engine().paths();
    let table = domain.lma.memory.table().expect("a published table");
    assert_eq!(paths.len(), count, "{paths:?}");
    for path in paths {
        assert!(path.nat && path.usable, "{path:?}");
        assert_eq!(path.state, PathState::Up);
        let tunnel = table.path(path.path).expect("a published path");
        assert!(tunnel.usable);
        let inside = SocketAddr::new(tunnel.care_of, DATA_PORT);
        assert_eq!(tunnel.remote, outward(inside));
    }
}

/// Would break: the outer source lost on its way to the engine; heartbeats of unknown sources.
#[test]
fn behind_a_nat_downlink_goes_to_the_mapping_of_tunnelled_packets() {
    check_downlink(&behind_nat(CONFIG), 2);
}

#[test]
fn so_it_does_without_multipath() {
    let config = CONFIG.replace("multipath = true", "multipath = false");
    check_downlink(&behind_nat(&config), 1);
}

/// Would break: answers addressed to the mapping inside the tunnel, which the gateway drops.
#[test]
fn the_mapping_is_still_confirmed_after_a_long_time() {
    let mut domain = behind_nat(CONFIG);
    domain.run(Duration::from_secs(1_000));
    check_downlink(&domain, 2);
    assert_eq!(domain.mag.up_paths(), 2);
}
