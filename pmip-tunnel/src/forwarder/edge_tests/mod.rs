//! Every encapsulation through both forwarders, and what must not pass.

mod guards;
mod underlay;

use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use pmip_wire::types::{Encapsulation, Instant, PathId};
use proptest::prelude::*;

use super::tests::forwarder;
use super::*;
use crate::encap::{Outer, OuterDscp};
use crate::icmp::{UnderlayError, UnderlayProblem};
use crate::offload::PacketOffload;
use crate::segment::SegmentArena;
use crate::table::{ForwardingTable, PathKeys, Role, TunnelPath, TunnelSession};
use crate::testing::{Build, V4_HOST, V4_PEER, V6_HOST, V6_PEER, assert_valid, ip};

const NOW: Instant = Instant::from_secs(5);
const PATH: PathId = PathId(1);
fn tunnel(role: Role, encapsulation: Encapsulation) -> TunnelPath {
    let [mag, lma] = match encapsulation.is_ipv4_transport() {
        true => [ip("198.51.100.1"), ip("203.0.113.1")],
        false => [ip("2001:db8:a::1"), ip("2001:db8:a::2")],
    };
    let (local, remote) = match role {
        Role::Mag => (mag, lma),
        Role::Lma => (lma, mag),
    };
    let port = match Carrier::of(encapsulation) {
        Some(Carrier::Udp) => 5437,
        _ => 0,
    };
    let remote = SocketAddr::new(remote, port);
    TunnelPath::new(PATH, role, local, remote, encapsulation)
}

fn session(key: u32, prefixes: &[&str]) -> TunnelSession {
    let prefixes = prefixes.iter().map(|text| text.parse().expect("a prefix"));
    TunnelSession::new(SessionKey(key), prefixes.collect(), vec![PATH])
}

/// One path that carries one session.
fn table(role: Role, encapsulation: Encapsulation) -> ForwardingTable {
    let mut table = ForwardingTable::new(role);
    table.set_path(tunnel(role, encapsulation));
    table.set_session(session(1, &["10.1.0.0/24", "2001:db8:7::/48"]));
    table
}

/// The outer packets of an inner one of `vrf`.
fn sent(
    table: &ForwardingTable,
    vrf: VrfId,
    data: &[u8],
    offload: PacketOffload,
) -> Result<Vec<Vec<u8>>, Outbound> {
    let mut arena = SegmentArena::new();
    match forwarder().outbound_in(NOW, table, vrf, data, offload, &mut arena) {
        Outbound::Tunnel(send) => Ok(wholes(table, &send, data, &arena)),
        other @ (Outbound::Reply(_) | Outbound::Drop(_)) => Err(other),
    }
}

fn wholes(
    table: &ForwardingTable,
    send: &TunnelSend,
    data: &[u8],
    arena: &SegmentArena,
) -> Vec<Vec<u8>> {
    let outer = Outer::of(table.path(send.path).expect("a path"), 5437, send);
    let segments = &arena.segments()[send.segments.clone()];
    let whole = |segment| {
        let mut packet = vec![0; outer.length()];
        arena.copy_to(segment, data, &mut packet);
        outer.write(&mut packet).expect("fits");
        packet
    };
    segments.iter().map(whole).collect()
}

/// What a whole outer packet is to the other end.
fn received(table: &ForwardingTable, packet: &[u8]) -> (Inbound, Vec<u8>) {
    let mut data = packet.to_vec();
    let verdict = forwarder().inbound_packet(table, VrfId::DEFAULT, &mut data);
    let start = match &verdict {
        Inbound::Deliver(delivery) => delivery.start,
        Inbound::Local(local) => local.start,
        Inbound::Drop(_) => 0,
    };
    (verdict, data.split_off(start))
}

fn drop_of(verdict: &Inbound) -> Option<DropReason> {
    match verdict {
        Inbound::Drop(reason) => Some(*reason),
        Inbound::Deliver(_) | Inbound::Local(_) => None,
    }
}

#[test]
fn super_packets_cross_every_encapsulation_with_right_headers() {
    for encapsulation in Encapsulation::ALL.iter().copied() {
        let (mag, lma) = (
            table(Role::Mag, encapsulation),
            table(Role::Lma, encapsulation),
        );
        for (host, peer) in [(V4_HOST, V4_PEER), (V6_HOST, V6_PEER)] {
            let (data, offload) = Build::tcp(host, peer, 5_000).super_packet(1_300);
            let outers = sent(&mag, VrfId::DEFAULT, &data, offload).expect("sent");
            assert_eq!(outers.len(), 4);
            for outer in outers {
                let (verdict, inner) = received(&lma, &outer);
                let Inbound::Deliver(delivery) = verdict else {
                    panic!("{encapsulation:?}: {verdict:?}");
                };
                assert_eq!(delivery.session, SessionKey(1));
                assert_valid(&inner);
            }
        }
    }
}

#[test]
fn a_driver_is_told_what_the_kernel_must_write() {
    for (encapsulation, v4, v6) in [
        (Encapsulation::Ipv6, 4, 41),
        (Encapsulation::Ipv4, 4, 41),
        (Encapsulation::Ipv4Udp, 17, 17),
        (Encapsulation::GreIpv6, 47, 47),
    ] {
        let mut mag = table(Role::Mag, encapsulation);
        let mut own = tunnel(Role::Mag, encapsulation);
        own.outer.dscp = OuterDscp::Copy;
        own.outer.encapsulation_limit = Some(4);
        mag.set_path(own);
        for (host, peer, protocol) in [(V4_HOST, V4_PEER, v4), (V6_HOST, V6_PEER, v6)] {
            let data = Build {
                traffic_class: 0xb9,
                ..Build::udp(host, peer, 9)
            }
            .packet();
            let mut arena = SegmentArena::new();
            let verdict = forwarder().outbound(NOW, &mag, &data, PacketOffload::NONE, &mut arena);
            let Outbound::Tunnel(send) = verdict else {
                panic!("{verdict:?}");
            };
            assert_eq!((send.protocol, send.traffic_class()), (protocol, 0xb9));
            let limit = (!encapsulation.is_ipv4_transport()).then_some(4);
            assert_eq!(send.encapsulation_limit, limit);
        }
    }
}

/// Two sessions of two routing instances with the same addresses over one path.
fn overlapping(role: Role, encapsulation: Encapsulation) -> ForwardingTable {
    let mut table = ForwardingTable::new(role);
    let mut own = tunnel(role, encapsulation);
    own.outer.gre_sequence = true;
    table.set_path(own);
    for number in [1, 2] {
        let keys = vec![PathKeys::new(PATH, 100 + number, 200 + number)];
        let session = session(number, &["10.1.0.0/24"]);
        table.set_session(session.with_vrf(VrfId(number)).with_keys(keys));
    }
    table
}

#[test]
fn keys_tell_equal_addresses_of_two_routing_instances_apart_both_ways() {
    for encapsulation in [
        Encapsulation::GreIpv4,
        Encapsulation::GreIpv6,
        Encapsulation::Ipv4UdpTlv,
    ] {
        let mag = overlapping(Role::Mag, encapsulation);
        let lma = overlapping(Role::Lma, encapsulation);
        for (from, to, host, peer) in [
            (&mag, &lma, V4_HOST, V4_PEER),
            (&lma, &mag, V4_PEER, V4_HOST),
        ] {
            for number in [1, 2] {
                let data = Build::udp(host, peer, 9).packet();
                let outers = sent(from, VrfId(number), &data, PacketOffload::NONE).expect("sent");
                let (verdict, _) = received(to, &outers[0]);
                let Inbound::Deliver(delivery) = verdict else {
                    panic!("{verdict:?}");
                };
                assert_eq!(delivery.session, SessionKey(number));
                assert_eq!(delivery.vrf, VrfId(number));
            }
        }
        let data = Build::udp(V4_HOST, V4_PEER, 9).packet();
        let nowhere = sent(&mag, VrfId(3), &data, PacketOffload::NONE);
        let spoofed = Outbound::Drop(DropReason::SpoofedSource);
        assert_eq!(nowhere.err(), Some(spoofed), "a table for each instance");
    }
}

#[test]
fn a_key_that_is_missing_or_strange_is_refused() {
    let lma = overlapping(Role::Lma, Encapsulation::GreIpv4);
    let inner = Build::udp(V4_HOST, V4_PEER, 9).packet();
    let foreign = Build::udp("10.9.0.1", V4_PEER, 9).packet();
    let own = tunnel(Role::Mag, Encapsulation::GreIpv4);
    let source = SocketAddr::new(own.local, 0);
    let mut raw = crate::encap::Tunnel::new(Encapsulation::GreIpv4, source, own.remote);
    let mut verdict = |key, inner: &[u8]| {
        raw.key = key;
        let mut data = vec![0; 64];
        data.extend_from_slice(inner);
        let mut buffer = crate::encap::PacketBuf::new(&mut data, 64).expect("inside");
        crate::encap::encapsulate(&mut buffer, &raw).expect("fits");
        drop_of(&received(&lma, buffer.packet()).0)
    };
    assert_eq!(verdict(Some(101), &inner), None);
    assert_eq!(verdict(None, &inner), Some(DropReason::WrongKey));
    assert_eq!(
        verdict(Some(201), &inner),
        Some(DropReason::WrongKey),
        "the way down"
    );
    assert_eq!(
        verdict(Some(101), &foreign),
        Some(DropReason::SpoofedSource)
    );
}

/// A configured key may be that of many: then the address decides, and after all others left the
/// key is the last one's.
#[test]
fn a_key_of_many_is_told_apart_by_address() {
    let mut lma = ForwardingTable::new(Role::Lma);
    lma.set_path(tunnel(Role::Lma, Encapsulation::GreIpv4));
    let shared =
        |number: u32, prefix| session(number, &[prefix]).with_keys(vec![PathKeys::new(PATH, 7, 8)]);
    lma.set_session(shared(1, "10.1.0.0/24"));
    lma.set_session(shared(2, "10.2.0.0/24"));
    let who = |lma: &ForwardingTable, address| {
        let admitted = lma.admit(PATH, Some(7), ip(address));
        admitted.ok().map(|admitted| admitted.session.0)
    };
    assert_eq!(
        (who(&lma, "10.1.0.2"), who(&lma, "10.2.0.2")),
        (Some(1), Some(2))
    );
    lma.remove_session(SessionKey(1));
    assert_eq!(
        (who(&lma, "10.1.0.2"), who(&lma, "10.2.0.2")),
        (None, Some(2))
    );
    lma.remove_session(SessionKey(2));
    assert_eq!(who(&lma, "10.2.0.2"), None);
}

/// RFC 2890 section 2.2: from 0, one more with each packet, whatever worker and snapshot sends it;
/// each key counts for itself, and goes on when its session is installed again.
#[test]
fn sequence_numbers_count_for_each_key_across_snapshots() {
    let mut mag = overlapping(Role::Mag, Encapsulation::GreIpv4);
    let sequences = |table: &ForwardingTable, vrf| -> Vec<u32> {
        let (data, offload) = Build::tcp(V4_HOST, V4_PEER, 2_000).super_packet(1_000);
        let outers = sent(table, vrf, &data, offload).expect("sent");
        let read = outers.iter().map(|outer| crate::encap::decapsulate(outer));
        read.map(|read| read.expect("ours").sequence.expect("numbered"))
            .collect()
    };
    let snapshot = mag.clone();
    assert_eq!(sequences(&mag, VrfId(1)), [0, 1]);
    assert_eq!(sequences(&snapshot, VrfId(1)), [2, 3]);
    assert_eq!(sequences(&mag, VrfId(2)), [0, 1]);
    let again = session(1, &["10.1.0.0/24"]).with_vrf(VrfId(1));
    mag.set_session(again.with_keys(vec![PathKeys::new(PATH, 101, 201)]));
    assert_eq!(sequences(&mag, VrfId(1)), [4, 5]);
}

#[test]
fn tunnel_mtu_bounds_every_path_and_overheads_count() {
    for (encapsulation, limit, sequence, expected) in [
        (Encapsulation::Ipv6, None, false, 1_460),
        (Encapsulation::Ipv6, Some(4), false, 1_452),
        (Encapsulation::GreIpv6, Some(4), true, 1_440),
        (Encapsulation::GreIpv4, Some(4), true, 1_468),
        (Encapsulation::Ipv4UdpTlv, None, false, 1_460),
        (Encapsulation::Ipv4Udp, Some(4), true, 1_472),
    ] {
        let mut table = table(Role::Mag, encapsulation);
        let mut own = tunnel(Role::Mag, encapsulation);
        own.outer.encapsulation_limit = limit;
        own.outer.gre_sequence = sequence;
        table.set_path(own);
        assert_eq!(table.path_mtu(PATH), Some(expected), "{encapsulation:?}");
        table.set_tunnel_mtu(Some(1_360));
        assert_eq!(table.path_mtu(PATH), Some(1_360));
        let data = Build::udp(V4_HOST, V4_PEER, 1_400).packet();
        let verdict = sent(&table, VrfId::DEFAULT, &data, PacketOffload::NONE);
        assert!(matches!(verdict, Err(Outbound::Reply(_))));
    }
}

/// The whole outer packet is as long as the path takes, and no longer.
#[test]
fn the_largest_packet_just_fits_every_encapsulation() {
    for encapsulation in Encapsulation::ALL.iter().copied() {
        let mag = table(Role::Mag, encapsulation);
        let mtu = mag.path_mtu(PATH).expect("a path");
        let data = Build::udp(V4_HOST, V4_PEER, usize::from(mtu) - 28).packet();
        let outers = sent(&mag, VrfId::DEFAULT, &data, PacketOffload::NONE).expect("fits");
        // There is no key here, which the MTU counts.
        assert!((1_496..=1_500).contains(&outers[0].len()));
        let data = Build::udp(V4_HOST, V4_PEER, usize::from(mtu) - 27).packet();
        assert!(sent(&mag, VrfId::DEFAULT, &data, PacketOffload::NONE).is_err());
    }
}

#[test]
fn classes_paths_and_hints_tell_what_came_through() {
    let lma = table(Role::Lma, Encapsulation::Ipv4Udp);
    let mut worker = forwarder();
    let mut data = Build {
        traffic_class: 46 << 2,
        ..Build::udp(V4_HOST, V4_PEER, 72)
    }
    .packet();
    let arrival = Arrival::udp(PATH, Ecn::NotEct);
    let Inbound::Deliver(delivery) = worker.inbound(&lma, arrival, &mut data) else {
        panic!("refused");
    };
    assert_eq!(worker.counters().class(46).rx_bytes, 100);
    assert_eq!(worker.counters().class(0).rx_bytes, 0);
    let hint = delivery.hint();
    assert_eq!((hint.path, hint.session), (PATH, SessionKey(1)));
    assert_eq!(hint.flow.source(), ip(V4_HOST));
}

proptest! {
    #[test]
    fn both_ends_agree_in_every_encapsulation(
        encapsulation in proptest::sample::select(Encapsulation::ALL),
        keyed: bool,
        sequence: bool,
        down: bool,
        v6: bool,
        payload in 0usize..1_300,
        class: u8,
    ) {
        let tables = [Role::Mag, Role::Lma].map(|role| {
            let mut table = ForwardingTable::new(role);
            let mut own = tunnel(role, encapsulation);
            own.outer.gre_sequence = sequence;
            table.set_path(own);
            let gre = encapsulation == Encapsulation::Ipv4UdpTlv
                || Carrier::of(encapsulation) == Some(Carrier::Gre);
            let keys = match keyed && gre {
                true => vec![PathKeys::new(PATH, 5, 6)],
                false => vec![],
            };
            let session = session(1, &["10.1.0.0/24", "2001:db8:7::/48"]);
            table.set_session(session.with_keys(keys));
            table
        });
        let [mag, lma] = &tables;
        let (host, peer) = if v6 { (V6_HOST, V6_PEER) } else { (V4_HOST, V4_PEER) };
        let (from, to, source, destination) = match down {
            true => (lma, mag, peer, host),
            false => (mag, lma, host, peer),
        };
        let build = Build { traffic_class: class, ..Build::udp(source, destination, payload) };
        let data = build.packet();
        let outers = sent(from, VrfId::DEFAULT, &data, PacketOffload::NONE).expect("sent");
        prop_assert_eq!(outers.len(), 1);
        let (verdict, inner) = received(to, &outers[0]);
        prop_assert!(matches!(verdict, Inbound::Deliver(_)), "{:?}", verdict);
        prop_assert_eq!(inner, data);
    }

    #[test]
    fn any_octets_from_the_underlay_never_panic(
        data in proptest::collection::vec(any::<u8>(), 0..200),
        carrier in 0u8..3,
        encapsulation in proptest::sample::select(Encapsulation::ALL),
    ) {
        let lma = overlapping(Role::Lma, encapsulation);
        let carrier = [Carrier::Udp, Carrier::Ip, Carrier::Gre][usize::from(carrier)];
        let mut worker = forwarder();
        let arrival = Arrival::new(PATH, carrier, Ecn::Ce);
        worker.inbound(&lma, arrival, &mut data.clone());
        worker.inbound_packet(&lma, VrfId::DEFAULT, &mut data.clone());
        Forwarder::from_stranger(IpAddr::from([203, 0, 113, 1]), carrier, &data);
        let mut arena = SegmentArena::new();
        let read = UnderlayError::of_socket(UnderlayProblem::TooBig(Some(9)), &data);
        for error in [UnderlayError::parse(&data), read].into_iter().flatten() {
            let _ = worker.underlay_error(NOW, &lma, VrfId::DEFAULT, &error, &data, &mut arena);
        }
    }
}
