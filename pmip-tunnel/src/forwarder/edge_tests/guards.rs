//! What must not pass, and what is for the tunnel's own ends.

use alloc::sync::Arc;

use pmip_policy::{AccessList, Action, AddressMatch, CompiledAccessList, Family, Rule, Selector};

use super::*;
use crate::guard::TunnelAcl;

#[test]
fn the_tunnel_acl_judges_and_counts_every_packet_out_of_tunnels() {
    let mut lma = table(Role::Lma, Encapsulation::Ipv4Udp);
    let peer = AddressMatch::host(ip(V4_PEER));
    let mut list = AccessList::new(Family::Ipv4);
    list.append(Rule::new(
        Action::Deny,
        Selector::any().with_destination(peer),
    ))
    .expect("room");
    list.append(Rule::new(Action::Permit, Selector::any()))
        .expect("room");
    let list = Arc::new(CompiledAccessList::new(&list));
    lma.set_tunnel_acl(Some(Arc::new(
        TunnelAcl::new().with_ipv4(Arc::clone(&list)),
    )));
    let mut worker = forwarder();
    let mut verdict = |destination: &str| {
        let mut data = match destination {
            V6_PEER => Build::udp(V6_HOST, V6_PEER, 9).packet(),
            _ => Build::udp(V4_HOST, destination, 9).packet(),
        };
        let arrival = Arrival::udp(PATH, Ecn::NotEct);
        drop_of(&worker.inbound(&lma, arrival, &mut data))
    };
    assert_eq!(verdict(V4_PEER), Some(DropReason::TunnelAcl));
    assert_eq!(verdict("192.0.2.81"), None);
    assert_eq!(
        verdict(V4_PEER),
        Some(DropReason::TunnelAcl),
        "not remembered"
    );
    assert_eq!(
        verdict(V6_PEER),
        None,
        "a list of the other family says nothing"
    );
    assert_eq!(worker.counters().drops(DropReason::TunnelAcl), 2);
    let hits: Vec<u64> = list.hits().map(|line| line.hits).collect();
    assert_eq!(hits, [2, 1, 0]);
}

#[test]
fn auto_pools_keep_gateways_from_each_other_and_nothing_else() {
    let mut lma = table(Role::Lma, Encapsulation::Ipv4Udp);
    let pools = ["10.1.0.0/16", "10.9.0.0/16", "2001:db8::/36"];
    let pools = pools.map(|pool| pool.parse().expect("a prefix")).into();
    lma.set_tunnel_acl(Some(Arc::new(TunnelAcl::new().with_pools(pools))));
    for (source, destination, expected) in [
        (V4_HOST, "10.1.0.9", Some(DropReason::BetweenPools)),
        (V4_HOST, "10.9.0.9", Some(DropReason::BetweenPools)),
        (V6_HOST, "2001:db8:9::1", Some(DropReason::BetweenPools)),
        (V4_HOST, V4_PEER, None),
        (V6_HOST, V6_PEER, None),
    ] {
        let mut data = Build::udp(source, destination, 9).packet();
        let arrival = Arrival::udp(PATH, Ecn::NotEct);
        let verdict = forwarder().inbound(&lma, arrival, &mut data);
        assert_eq!(drop_of(&verdict), expected, "{destination}");
    }
}

/// RFC 2473 section 4.1.2.
#[test]
fn what_would_come_back_for_ever_does_not_go() {
    let encapsulation = Encapsulation::Ipv4;
    let mut mag = table(Role::Mag, encapsulation);
    mag.set_session(session(1, &["198.51.100.0/24", "10.1.0.0/24"]));
    let own = Build::udp("198.51.100.1", "203.0.113.1", 9).packet();
    let looped = sent(&mag, VrfId::DEFAULT, &own, PacketOffload::NONE);
    assert_eq!(looped.err(), Some(Outbound::Drop(DropReason::Loop)));
    let mut short = tunnel(Role::Mag, encapsulation);
    short.remote.set_ip(short.local);
    mag.set_path(short);
    let data = Build::udp(V4_HOST, V4_PEER, 9).packet();
    let looped = sent(&mag, VrfId::DEFAULT, &data, PacketOffload::NONE);
    assert_eq!(looped.err(), Some(Outbound::Drop(DropReason::Loop)));
}

/// An IPv6 packet with a Tunnel Encapsulation Limit, as another tunnel sends it.
fn limited(limit: u8) -> Vec<u8> {
    let mut packet = Build::udp(V6_HOST, V6_PEER, 9).packet();
    packet[6] = 60;
    let length = u16::from_be_bytes([packet[4], packet[5]]) + 8;
    packet[4..6].copy_from_slice(&length.to_be_bytes());
    packet.splice(40..40, [17, 0, 4, 1, limit, 1, 1, 0]);
    packet
}

/// RFC 2473 section 4.1.1 (b): a parameter problem whose pointer is the option's third octet.
#[test]
fn a_used_up_encapsulation_limit_is_answered() {
    let mag = table(Role::Mag, Encapsulation::Ipv6);
    let outers = sent(&mag, VrfId::DEFAULT, &limited(3), PacketOffload::NONE).expect("sent");
    assert_eq!((outers[0][6], outers[0][44]), (60, 2));
    let data = limited(0);
    let mut arena = SegmentArena::new();
    let verdict = forwarder().outbound(NOW, &mag, &data, PacketOffload::NONE, &mut arena);
    assert_eq!(verdict, Outbound::Reply(0));
    let reply = arena.header(&arena.segments()[0]);
    assert_eq!(reply[40..42], [4, 0]);
    assert_eq!(reply[44..48], 44u32.to_be_bytes());
    assert_eq!(reply[48..], data);
    let over_ipv4 = table(Role::Mag, Encapsulation::Ipv4);
    assert!(sent(&over_ipv4, VrfId::DEFAULT, &data, PacketOffload::NONE).is_ok());
}

#[test]
fn only_packets_between_the_ends_leave_as_local() {
    let mag = table(Role::Mag, Encapsulation::Ipv4Udp);
    let mut worker = forwarder();
    let mut local = |from: &str, to: &str| {
        let data = Build {
            ports: (40_000, 862),
            ..Build::udp(from, to, 44)
        }
        .packet();
        let mut arena = SegmentArena::new();
        worker
            .local(&mag, PATH, &data, &mut arena)
            .map(|send| send.path)
    };
    assert_eq!(local("198.51.100.1", "203.0.113.1"), Ok(PATH));
    assert_eq!(
        local("203.0.113.1", "198.51.100.1"),
        Err(DropReason::NotLocal)
    );
    assert_eq!(local(V4_HOST, "203.0.113.1"), Err(DropReason::NotLocal));
    assert_eq!(worker.counters().drops(DropReason::NotLocal), 2);
}

#[test]
fn a_down_path_still_carries_its_heartbeats() {
    let mut mag = table(Role::Mag, Encapsulation::Ipv4Udp);
    let mut down = tunnel(Role::Mag, Encapsulation::Ipv4Udp);
    down.usable = false;
    mag.set_path(down);
    let data = Build::udp("198.51.100.1", "203.0.113.1", 9).packet();
    let mut arena = SegmentArena::new();
    assert!(forwarder().local(&mag, PATH, &data, &mut arena).is_ok());
}

#[test]
fn a_measurement_port_that_is_configured_is_local() {
    let lma = table(Role::Lma, Encapsulation::Ipv4Udp);
    let mut worker = forwarder();
    let mut data = Build {
        ports: (50_000, 50_001),
        ..Build::udp("198.51.100.1", "203.0.113.1", 44)
    }
    .packet();
    let arrival = Arrival::udp(PATH, Ecn::NotEct);
    let verdict = worker.inbound(&lma, arrival, &mut data);
    assert_eq!(drop_of(&verdict), Some(DropReason::SpoofedSource));
    worker.config.local_ports.push(50_001);
    let verdict = worker.inbound(&lma, arrival, &mut data);
    assert!(matches!(verdict, Inbound::Local(_)));
}

#[test]
fn of_strangers_only_heartbeats_to_us_are_looked_at() {
    let heartbeat = |kind| Build {
        ports: (5436, 5436),
        payload: vec![59, 1, kind, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ..Build::udp("192.168.1.7", "203.0.113.1", 0)
    };
    let local = ip("203.0.113.1");
    let beat = heartbeat(13).packet();
    let found = Forwarder::from_stranger(local, Carrier::Udp, &beat);
    assert_eq!(found, Some(0..beat.len()));
    for (local, packet) in [
        (ip("203.0.113.2"), heartbeat(13).packet()),
        (local, heartbeat(5).packet()),
        (local, Build::udp(V4_HOST, "203.0.113.1", 9).packet()),
    ] {
        let found = Forwarder::from_stranger(local, Carrier::Udp, &packet);
        assert_eq!(found, None);
    }
}

#[test]
fn outer_sources_are_the_paths_own_or_its_mapping() {
    let mut lma = table(Role::Lma, Encapsulation::Ipv4Udp);
    let mag = table(Role::Mag, Encapsulation::Ipv4Udp);
    let data = Build::udp(V4_HOST, V4_PEER, 9).packet();
    let outer = sent(&mag, VrfId::DEFAULT, &data, PacketOffload::NONE).expect("sent");
    assert_eq!(drop_of(&received(&lma, &outer[0]).0), None);
    let mut mapped = tunnel(Role::Lma, Encapsulation::Ipv4Udp);
    mapped.remote.set_port(40_001);
    lma.set_path(mapped);
    let stranger = Some(DropReason::UnknownPeer);
    assert_eq!(drop_of(&received(&lma, &outer[0]).0), stranger);
    let mut other_vrf = tunnel(Role::Lma, Encapsulation::Ipv4Udp);
    other_vrf.transport_vrf = VrfId(9);
    lma.set_path(other_vrf);
    assert_eq!(drop_of(&received(&lma, &outer[0]).0), stranger);
}
