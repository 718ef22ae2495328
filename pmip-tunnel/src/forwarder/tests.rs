use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use pmip_wire::types::{Encapsulation, Instant};
use proptest::prelude::*;

use super::*;
use crate::offload::PacketOffload;
use crate::segment::SegmentArena;
use crate::table::{ForwardingTable, Role, SessionKey, TunnelPath, TunnelSession};
use crate::testing::{Build, V4_HOST, V4_PEER, V6_HOST, V6_PEER, assert_valid, ip, naive_sum};

const LMA: &str = "203.0.113.1";
const CARE_OF: [&str; 3] = ["198.51.100.1", "198.51.100.2", "198.51.100.3"];
const NOW: Instant = Instant::from_secs(5);

fn path(role: Role, number: u32) -> TunnelPath {
    let care_of = ip(CARE_OF[number as usize - 1]);
    let (local, remote) = match role {
        Role::Mag => (care_of, ip(LMA)),
        Role::Lma => (ip(LMA), care_of),
    };
    let remote = SocketAddr::new(remote, 5437);
    TunnelPath::new(PathId(number), role, local, remote, Encapsulation::Ipv4Udp)
}

/// Paths 1 and 2 carry session 1, which has the hosts of the test packets; path 3 carries
/// session 2, a stranger.
fn table(role: Role) -> ForwardingTable {
    let mut table = ForwardingTable::new(role);
    for number in 1..=3 {
        table.set_path(path(role, number));
    }
    let prefix = |text: &str| text.parse().expect("a prefix");
    table.set_session(TunnelSession::new(
        SessionKey(1),
        vec![prefix("10.1.0.0/24"), prefix("2001:db8:7::/48")],
        vec![PathId(1), PathId(2)],
    ));
    table.set_session(TunnelSession::new(
        SessionKey(2),
        vec![prefix("10.9.0.0/24"), prefix("2001:db8:9::/48")],
        vec![PathId(3)],
    ));
    table
}

pub(super) fn forwarder() -> Forwarder {
    Forwarder::new(ForwarderConfig {
        icmp_source_v4: Some("10.1.0.1".parse().expect("v4")),
        icmp_source_v6: Some("2001:db8:7::1".parse().expect("v6")),
        flows: FlowTableConfig::default().with_max_flows(64),
        ..ForwarderConfig::default()
    })
}

/// The verdict and, where the packet goes somewhere, the octets that go.
fn outbound(
    forwarder: &mut Forwarder,
    table: &ForwardingTable,
    data: &[u8],
    offload: PacketOffload,
) -> (Outbound, Vec<Vec<u8>>) {
    let mut arena = SegmentArena::new();
    let verdict = forwarder.outbound(NOW, table, data, offload, &mut arena);
    let octets = arena
        .segments()
        .iter()
        .map(|segment| {
            let mut out = Vec::new();
            arena.copy_to(segment, data, &mut out);
            out
        })
        .collect();
    (verdict, octets)
}

fn plain(forwarder: &mut Forwarder, table: &ForwardingTable, build: &Build) -> Outbound {
    outbound(forwarder, table, &build.packet(), PacketOffload::NONE).0
}

fn inbound(role: Role, through: u32, outer: Ecn, data: &mut [u8]) -> Inbound {
    let arrival = Arrival::udp(PathId(through), outer);
    forwarder().inbound(&table(role), arrival, data)
}

fn is_local(verdict: &Inbound) -> bool {
    matches!(verdict, Inbound::Local(local) if (local.path, local.start) == (PathId(1), 0))
}

fn tunnel_path(outbound: &Outbound) -> Option<PathId> {
    match outbound {
        Outbound::Tunnel(send) => Some(send.path),
        Outbound::Reply(_) | Outbound::Drop(_) => None,
    }
}

#[test]
fn a_mag_lets_only_sources_of_its_sessions_into_tunnels() {
    let (mut forwarder, table) = (forwarder(), table(Role::Mag));
    for (source, destination) in [(V4_HOST, V4_PEER), (V6_HOST, V6_PEER)] {
        let sent = plain(&mut forwarder, &table, &Build::udp(source, destination, 9));
        assert!(matches!(tunnel_path(&sent), Some(PathId(1 | 2))));
        let spoofed = plain(&mut forwarder, &table, &Build::udp(destination, source, 9));
        assert_eq!(spoofed, Outbound::Drop(DropReason::SpoofedSource));
    }
    assert_eq!(forwarder.counters().drops(DropReason::SpoofedSource), 2);
}

#[test]
fn an_lma_finds_sessions_by_destination() {
    let (mut forwarder, table) = (forwarder(), table(Role::Lma));
    let sent = plain(&mut forwarder, &table, &Build::udp(V4_PEER, V4_HOST, 9));
    assert!(matches!(tunnel_path(&sent), Some(PathId(1 | 2))));
    let lost = plain(&mut forwarder, &table, &Build::udp(V4_HOST, V4_PEER, 9));
    assert_eq!(lost, Outbound::Drop(DropReason::NoSession));
}

#[test]
fn link_local_and_multicast_stay_on_their_link() {
    let (mut forwarder, table) = (forwarder(), table(Role::Mag));
    for (source, destination) in [("fe80::1", "ff02::2"), ("10.1.0.2", "224.0.0.251")] {
        let kept = plain(&mut forwarder, &table, &Build::udp(source, destination, 9));
        assert_eq!(kept, Outbound::Drop(DropReason::LinkScope));
    }
}

#[test]
fn a_tunnel_is_no_way_onto_the_anchors_links() {
    for (source, destination) in [
        (V4_HOST, "224.0.0.5"),
        (V4_HOST, "169.254.0.1"),
        (V6_HOST, "ff02::5"),
        (V6_HOST, "fe80::1"),
    ] {
        let mut data = Build::udp(source, destination, 9).packet();
        let verdict = inbound(Role::Lma, 1, Ecn::NotEct, &mut data);
        assert_eq!(verdict, Inbound::Drop(DropReason::LinkScope));
    }
}

#[test]
fn a_flow_keeps_its_path_and_moves_only_when_that_dies() {
    let (mut forwarder, mut table) = (forwarder(), table(Role::Mag));
    let flow = |port| Build {
        ports: (port, 80),
        ..Build::udp(V4_HOST, V4_PEER, 9)
    };
    let place = |forwarder: &mut Forwarder, table: &ForwardingTable| -> Vec<PathId> {
        (1..40)
            .map(|port| tunnel_path(&plain(forwarder, table, &flow(port))).expect("a path"))
            .collect()
    };
    let before = place(&mut forwarder, &table);
    assert!(before.contains(&PathId(1)) && before.contains(&PathId(2)));
    let mut dead = path(Role::Mag, 1);
    dead.usable = false;
    table.set_path(dead);
    let during = place(&mut forwarder, &table);
    assert!(during.iter().all(|path| *path == PathId(2)));
    // A change of a path that the session does not use moves nothing.
    table.set_path(path(Role::Mag, 3));
    assert_eq!(place(&mut forwarder, &table), during);
    table.remove_path(PathId(2));
    let gone = plain(&mut forwarder, &table, &flow(1));
    assert_eq!(gone, Outbound::Drop(DropReason::NoUsablePath));
}

/// Path 1 changes under both groups at once; then the session loses path 2 to the group that has
/// path 1 alone. Flows on path 2 have to leave it although both groups are as old.
#[test]
fn flows_leave_a_path_that_their_session_lost() {
    let (mut forwarder, mut table) = (forwarder(), table(Role::Mag));
    let prefix = |text: &str| text.parse().expect("a prefix");
    let other = vec![prefix("10.9.0.0/24")];
    table.set_session(TunnelSession::new(SessionKey(2), other, vec![PathId(1)]));
    table.set_path(path(Role::Mag, 1));
    let place = |forwarder: &mut Forwarder, table: &ForwardingTable| -> Vec<Option<PathId>> {
        let flow = |port| Build {
            ports: (port, 80),
            ..Build::udp(V4_HOST, V4_PEER, 9)
        };
        (1..40)
            .map(|port| tunnel_path(&plain(forwarder, table, &flow(port))))
            .collect()
    };
    assert!(place(&mut forwarder, &table).contains(&Some(PathId(2))));
    let own = vec![prefix("10.1.0.0/24")];
    table.set_session(TunnelSession::new(SessionKey(1), own, vec![PathId(1)]));
    table.remove_path(PathId(2));
    let after = place(&mut forwarder, &table);
    assert!(after.iter().all(|path| *path == Some(PathId(1))));
}

#[test]
fn ipv4_too_big_is_answered_with_the_mtu_and_the_packet() {
    let (mut forwarder, table) = (forwarder(), table(Role::Mag));
    let data = Build::udp(V4_HOST, V4_PEER, 1_500).packet();
    let (verdict, octets) = outbound(&mut forwarder, &table, &data, PacketOffload::NONE);
    assert_eq!(verdict, Outbound::Reply(0));
    let [reply] = &octets[..] else {
        panic!("one reply");
    };
    assert_eq!(naive_sum(&reply[..20]), 0xffff, "header checksum");
    assert_eq!(naive_sum(&reply[20..]), 0xffff, "ICMP checksum");
    assert_eq!(
        usize::from(u16::from_be_bytes([reply[2], reply[3]])),
        reply.len()
    );
    assert_eq!(reply.len(), 576, "as much quoted as RFC 1812 allows");
    assert_eq!(reply[12..16], [10, 1, 0, 1], "from our own address");
    assert_eq!(reply[16..20], [10, 1, 0, 2], "to the sender");
    assert_eq!(reply[20..22], [3, 4]);
    assert_eq!(reply[26..28], 1_472u16.to_be_bytes(), "1500 less 28");
    assert_eq!(reply[28..], data[..548]);
    assert_eq!(forwarder.counters().icmp_sent(), 1);
}

#[test]
fn ipv6_too_big_is_answered_and_quotes_up_to_1280() {
    let (mut forwarder, table) = (forwarder(), table(Role::Mag));
    let data = Build::udp(V6_HOST, V6_PEER, 1_460).packet();
    let (verdict, octets) = outbound(&mut forwarder, &table, &data, PacketOffload::NONE);
    assert_eq!(verdict, Outbound::Reply(0));
    let reply = &octets[0];
    assert_eq!(reply.len(), 1_280);
    assert_eq!(reply[40..42], [2, 0]);
    assert_eq!(reply[44..48], 1_472u32.to_be_bytes());
    assert_eq!(reply[48..], data[..1_232]);
    let mut pseudo = reply[8..40].to_vec();
    pseudo.extend_from_slice(&1_240u32.to_be_bytes());
    pseudo.extend_from_slice(&[0, 0, 0, 58]);
    pseudo.extend_from_slice(&reply[40..]);
    assert_eq!(naive_sum(&pseudo), 0xffff, "ICMPv6 checksum");
}

#[test]
fn what_may_be_fragmented_outside_is_not_answered() {
    let (mut forwarder, mut table) = (forwarder(), table(Role::Mag));
    let no_df = Build {
        dont_fragment: false,
        ..Build::udp(V4_HOST, V4_PEER, 1_500)
    };
    let fragment = |outbound: Outbound| match outbound {
        Outbound::Tunnel(send) => send.fragment,
        Outbound::Reply(_) | Outbound::Drop(_) => panic!("not sent: {outbound:?}"),
    };
    assert!(fragment(plain(&mut forwarder, &table, &no_df)));
    // IPv6 of 1280 octets must always pass (RFC 2473 section 7.1 (b)).
    table.set_underlay_mtu(1_280);
    let least = Build::udp(V6_HOST, V6_PEER, 1_280 - 48);
    assert!(fragment(plain(&mut forwarder, &table, &least)));
    let more = Build::udp(V6_HOST, V6_PEER, 1_281 - 48);
    let (verdict, octets) = outbound(&mut forwarder, &table, &more.packet(), PacketOffload::NONE);
    assert_eq!(verdict, Outbound::Reply(0));
    assert_eq!(
        octets[0][44..48],
        1_280u32.to_be_bytes(),
        "never below 1280"
    );
}

#[test]
fn no_error_answers_an_error_and_errors_are_limited() {
    let (mut forwarder, table) = (forwarder(), table(Role::Mag));
    let mut error = Build::udp(V4_HOST, V4_PEER, 1_500).packet();
    error[9] = 1;
    error[20] = 3;
    let (verdict, _) = outbound(&mut forwarder, &table, &error, PacketOffload::NONE);
    assert_eq!(verdict, Outbound::Drop(DropReason::TooBig));
    let big = Build::udp(V4_HOST, V4_PEER, 1_500);
    let answered = (0..1_000)
        .filter(|_| matches!(plain(&mut forwarder, &table, &big), Outbound::Reply(_)))
        .count();
    assert_eq!(answered, 50, "the burst, at one moment");
}

#[test]
fn a_super_packet_is_judged_by_its_segments() {
    let (mut forwarder, table) = (forwarder(), table(Role::Mag));
    let build = Build::tcp(V4_HOST, V4_PEER, 20_000);
    let (data, mut offload) = build.super_packet(1_432);
    // A hint: the kernel says how much lies together, payload included.
    if let Some(cut) = &mut offload.segmentation {
        cut.header_length = 1_000;
    }
    let (verdict, octets) = outbound(&mut forwarder, &table, &data, offload);
    assert!(tunnel_path(&verdict).is_some());
    assert_eq!(octets.len(), 14);
    octets.iter().for_each(|segment| assert_valid(segment));
    let sent: usize = octets.iter().map(Vec::len).sum();
    let path = tunnel_path(&verdict).expect("sent");
    let counters = forwarder.counters().path(path);
    assert_eq!((counters.tx_packets, counters.tx_bytes), (14, sent as u64));
    let (data, offload) = build.super_packet(1_433);
    let (verdict, _) = outbound(&mut forwarder, &table, &data, offload);
    assert_eq!(
        verdict,
        Outbound::Reply(0),
        "segments of 1473 do not fit 1472"
    );
}

#[test]
fn syn_is_clamped_in_both_directions() {
    let syn = Build {
        flags: 2,
        options: vec![2, 4, 0x05, 0xb4],
        ..Build::tcp(V4_HOST, V4_PEER, 0)
    };
    let (mut forwarder, mag) = (forwarder(), table(Role::Mag));
    let (_, octets) = outbound(&mut forwarder, &mag, &syn.packet(), PacketOffload::NONE);
    assert_valid(&octets[0]);
    assert_eq!(octets[0][42..44], 1_432u16.to_be_bytes());
    let mut received = syn.packet();
    let verdict = inbound(Role::Lma, 1, Ecn::NotEct, &mut received);
    assert!(matches!(verdict, Inbound::Deliver(_)));
    assert_valid(&received);
    assert_eq!(received[42..44], 1_432u16.to_be_bytes());
}

#[test]
fn an_lma_accepts_only_sources_bound_to_the_path() {
    let mut data = Build::udp(V4_HOST, V4_PEER, 9).packet();
    for bound in [1, 2] {
        let verdict = inbound(Role::Lma, bound, Ecn::NotEct, &mut data);
        assert!(matches!(verdict, Inbound::Deliver(_)));
    }
    let verdict = inbound(Role::Lma, 3, Ecn::NotEct, &mut data);
    assert_eq!(verdict, Inbound::Drop(DropReason::SpoofedSource));
    let mut foreign = Build::udp(V4_PEER, V4_HOST, 9).packet();
    let verdict = inbound(Role::Lma, 1, Ecn::NotEct, &mut foreign);
    assert_eq!(verdict, Inbound::Drop(DropReason::SpoofedSource));
}

#[test]
fn an_answer_is_not_remembered_beyond_its_table_path_and_address() {
    let (mut forwarder, mut table) = (forwarder(), table(Role::Lma));
    let mut ours = Build::udp(V4_HOST, V4_PEER, 9).packet();
    let mut stranger = Build::udp("10.9.0.5", V4_PEER, 9).packet();
    let mut inbound = |table: &ForwardingTable, through, data: &mut [u8]| {
        forwarder.inbound(table, Arrival::udp(PathId(through), Ecn::NotEct), data)
    };
    let spoofed = Inbound::Drop(DropReason::SpoofedSource);
    assert!(matches!(inbound(&table, 1, &mut ours), Inbound::Deliver(_)));
    assert_eq!(inbound(&table, 1, &mut stranger), spoofed);
    assert!(matches!(inbound(&table, 1, &mut ours), Inbound::Deliver(_)));
    assert_eq!(inbound(&table, 3, &mut ours), spoofed);
    assert!(matches!(inbound(&table, 1, &mut ours), Inbound::Deliver(_)));
    table.remove_session(SessionKey(1));
    assert_eq!(inbound(&table, 1, &mut ours), spoofed);
}

#[test]
fn a_mag_accepts_only_destinations_of_its_sessions() {
    let mut data = Build::udp(V6_PEER, V6_HOST, 9).packet();
    let verdict = inbound(Role::Mag, 1, Ecn::NotEct, &mut data);
    assert!(matches!(verdict, Inbound::Deliver(_)));
    let mut foreign = Build::udp(V6_HOST, V6_PEER, 9).packet();
    let verdict = inbound(Role::Mag, 1, Ecn::NotEct, &mut foreign);
    assert_eq!(verdict, Inbound::Drop(DropReason::NoSession));
}

/// A heartbeat between two addresses, in UDP.
fn heartbeat(from: &str, to: &str, message_type: u8) -> Vec<u8> {
    Build {
        ports: (5436, 5436),
        payload: vec![59, 1, message_type, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ..Build::udp(from, to, 0)
    }
    .packet()
}

#[test]
fn heartbeats_and_probes_between_the_ends_are_local() {
    let (mag, lma) = (CARE_OF[0], LMA);
    for kind in [13, 7] {
        let verdict = inbound(Role::Lma, 1, Ecn::NotEct, &mut heartbeat(mag, lma, kind));
        assert!(is_local(&verdict));
        let verdict = inbound(Role::Mag, 1, Ecn::NotEct, &mut heartbeat(lma, mag, kind));
        assert!(is_local(&verdict));
    }
    let mut stamp = Build {
        ports: (44_000, 862),
        ..Build::udp(mag, lma, 44)
    }
    .packet();
    let verdict = inbound(Role::Lma, 1, Ecn::NotEct, &mut stamp);
    assert!(is_local(&verdict));
}

#[test]
fn nothing_else_is_local() {
    let (mag, lma) = (CARE_OF[0], LMA);
    // A binding update, another path's end, the wrong way round, an ordinary port.
    let cases = [
        (1, heartbeat(mag, lma, 5)),
        (2, heartbeat(mag, lma, 13)),
        (1, heartbeat(lma, mag, 13)),
        (1, Build::udp(mag, lma, 9).packet()),
    ];
    for (through, mut data) in cases {
        let verdict = inbound(Role::Lma, through, Ecn::NotEct, &mut data);
        assert_eq!(verdict, Inbound::Drop(DropReason::SpoofedSource));
    }
}

#[test]
fn behind_a_nat_local_packets_have_the_care_of_address_as_the_mag_knows_it() {
    let mut table = table(Role::Lma);
    let mut natted = path(Role::Lma, 1);
    natted.care_of = ip("192.168.1.7");
    table.set_path(natted);
    let mut data = heartbeat("192.168.1.7", LMA, 13);
    let verdict = forwarder().inbound(&table, Arrival::udp(PathId(1), Ecn::NotEct), &mut data);
    assert!(is_local(&verdict));
}

#[test]
fn ecn_is_written_by_the_table_of_rfc_6040() {
    for (source, destination) in [(V4_HOST, V4_PEER), (V6_HOST, V6_PEER)] {
        for inner in 0..4u8 {
            for outer in 0..4u8 {
                let build = Build {
                    traffic_class: 0xb8 | inner,
                    ..Build::udp(source, destination, 30)
                };
                let (inner, outer) = (Ecn::of(inner), Ecn::of(outer));
                let mut data = build.packet();
                let verdict = inbound(Role::Lma, 1, outer, &mut data);
                let Some(expected) = inner.at_egress(outer) else {
                    assert_eq!(verdict, Inbound::Drop(DropReason::EcnNotCapable));
                    continue;
                };
                assert_valid(&data);
                let class = Packet::parse(&data).expect("valid").traffic_class;
                assert_eq!(class, 0xb8 | expected.bits(), "{inner:?} in {outer:?}");
            }
        }
    }
}

#[test]
fn strangers_are_counted() {
    let (mut forwarder, table) = (forwarder(), table(Role::Lma));
    let from = |address: &str, port| SocketAddr::new(ip(address), port);
    let local: IpAddr = ip(LMA);
    let known = forwarder.path_from(&table, local, from(CARE_OF[1], 5437));
    assert_eq!(known, Some(PathId(2)));
    for stranger in [from(CARE_OF[1], 5438), from("192.0.2.99", 5437)] {
        assert_eq!(forwarder.path_from(&table, local, stranger), None);
    }
    assert_eq!(forwarder.counters().drops(DropReason::UnknownPeer), 2);
}

proptest! {
    #[test]
    fn no_octets_panic(
        data in proptest::collection::vec(any::<u8>(), 0..300),
        first in prop_oneof![Just(0x45u8), Just(0x60), Just(0x4f), any::<u8>()],
        addresses: bool,
        virtio: [u8; 10],
        outer in 0u8..4,
    ) {
        let mut data = data;
        if let Some(octet) = data.first_mut() {
            *octet = first;
        }
        // Let many pass the guards, or only those would be tested.
        if addresses && data.len() > 40 {
            let length = data.len() as u16;
            let stated = if first == 0x60 { length - 40 } else { length };
            let at = if first == 0x60 { 4 } else { 2 };
            data[at..at + 2].copy_from_slice(&stated.to_be_bytes());
            data[12..16].copy_from_slice(&[10, 1, 0, 2]);
            if first == 0x60 {
                data[8..14].copy_from_slice(&[0x20, 1, 0x0d, 0xb8, 0, 7]);
            }
        }
        let offload = PacketOffload::from_virtio(&virtio).unwrap_or(PacketOffload::NONE);
        for role in [Role::Mag, Role::Lma] {
            let (mut forwarder, table) = (forwarder(), table(role));
            let mut arena = SegmentArena::new();
            forwarder.outbound(NOW, &table, &data, offload, &mut arena);
            forwarder.outbound(NOW, &table, &data, PacketOffload::NONE, &mut arena);
            let arrival = Arrival::udp(PathId(1), Ecn::of(outer));
            forwarder.inbound(&table, arrival, &mut data.clone());
        }
    }
}
