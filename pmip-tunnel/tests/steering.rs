//! A mobile map over the packet path of a MAG: applications on links of their own, what happens when
//! those links fail, and what an operator sees of it.

use std::sync::Arc;

use pmip_policy::{
    AccessList, Action, Family, FlowKey, FlowTable, FlowTableConfig, LinkPreference, MapEntry,
    MapPolicy, MobileMap, ProfileId, ProfileState, Rule, Selector, Verdict,
};
use pmip_tunnel::{
    DropReason, Forwarder, ForwarderConfig, ForwardingTable, Outbound, PacketOffload, Role,
    SegmentArena, SessionKey, TunnelPath, TunnelSession, VrfId,
};
use pmip_wire::types::{Encapsulation, Instant, Label, PathId};

const LTE: (PathId, Label) = (PathId(1), Label(1));
const DSL: (PathId, Label) = (PathId(2), Label(2));
const SAT: (PathId, Label) = (PathId(3), Label(300));
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const VOICE: ProfileId = ProfileId(1);

struct Mag {
    table: ForwardingTable,
    forwarder: Forwarder,
    arena: SegmentArena,
}

impl Mag {
    fn new() -> Self {
        let mut mag = Self {
            table: ForwardingTable::new(Role::Mag),
            forwarder: Forwarder::new(ForwarderConfig::default()),
            arena: SegmentArena::new(),
        };
        for path in [LTE, DSL, SAT] {
            mag.set(path, true);
        }
        mag.table.set_session(TunnelSession::new(
            SessionKey(1),
            vec!["10.1.0.0/24".parse().expect("a prefix")],
            vec![LTE.0, DSL.0, SAT.0],
        ));
        mag
    }

    fn steered(map: &MobileMap) -> (Self, Arc<MapPolicy>) {
        let mut mag = Self::new();
        let policy = compile(map);
        mag.table.set_policy(Some(Arc::clone(&policy)));
        (mag, policy)
    }

    fn set(&mut self, (path, label): (PathId, Label), usable: bool) {
        let local = [198, 51, 100, path.0 as u8].into();
        let remote = ([203, 0, 113, 1], 5437).into();
        let mut tunnel = TunnelPath::new(path, Role::Mag, local, remote, Encapsulation::Ipv4Udp);
        tunnel.label = label;
        tunnel.usable = usable;
        self.table.set_path(tunnel);
    }

    /// Where a packet of this protocol from this port goes.
    fn send(&mut self, protocol: u8, port: u16) -> Result<PathId, DropReason> {
        let now = Instant::from_secs(1);
        let data = packet(protocol, port);
        let none = PacketOffload::NONE;
        self.arena.clear();
        let sent = self
            .forwarder
            .outbound(now, &self.table, &data, none, &mut self.arena);
        match sent {
            Outbound::Tunnel(send) => Ok(send.path),
            Outbound::Drop(reason) => Err(reason),
            Outbound::Reply(_) => panic!("an ICMP error"),
        }
    }

    fn drops(&self, reason: DropReason) -> u64 {
        self.forwarder.counters().drops(reason)
    }
}

/// An IPv4 packet of 10.1.0.2 to 192.0.2.80. What ports are elsewhere, is the identifier in ICMP.
fn packet(protocol: u8, port: u16) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 40, 0, 1, 0x40, 0, 63, protocol, 0, 0];
    packet.extend_from_slice(&[10, 1, 0, 2, 192, 0, 2, 80]);
    let [high, low] = port.to_be_bytes();
    match protocol {
        ICMP => packet.extend_from_slice(&[8, 0, 0, 0, high, low, 0, 1]),
        UDP => packet.extend_from_slice(&[high, low, 0, 53, 0, 20, 0, 0]),
        _ => packet.extend_from_slice(&[high, low, 1, 187, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10]),
    }
    packet.resize(40, 0);
    packet
}

fn permits(protocol: u8) -> AccessList {
    let mut list = AccessList::new(Family::Ipv4);
    let selector = Selector::any().with_protocol(protocol);
    list.append(Rule::new(Action::Permit, selector))
        .expect("room");
    list
}

fn compile(map: &MobileMap) -> Arc<MapPolicy> {
    let lists = [permits(ICMP), permits(UDP)];
    let list = |name: &str| lists.get(["icmp", "udp"].iter().position(|known| *known == name)?);
    let profile = |name: &str| (name == "voice").then_some(VOICE);
    let policy = MapPolicy::compile(map, list, profile);
    assert!(policy.missing().is_empty());
    Arc::new(policy)
}

fn entry(list: &str, labels: &[Label], null: bool) -> MapEntry {
    let links = match null {
        true => LinkPreference::with_null(labels),
        false => LinkPreference::new(labels),
    };
    let links = links.expect("one to three labels");
    MapEntry::new().with_access_list(list).with_links(links)
}

/// ICMP by LTE or not at all, UDP by DSL, else SAT; the rest by any path.
fn by_application() -> MobileMap {
    let mut map = MobileMap::new();
    for (sequence, entry) in [
        (10, entry("icmp", &[LTE.1], true)),
        (20, entry("udp", &[DSL.1, SAT.1], false)),
    ] {
        map.insert(sequence, entry).expect("a sequence");
    }
    map
}

#[test]
fn each_application_goes_by_its_link_and_the_rest_by_all() {
    let (mut mag, policy) = Mag::steered(&by_application());
    let mut others = Vec::new();
    for port in 1000..1100 {
        assert_eq!(mag.send(ICMP, port), Ok(LTE.0));
        assert_eq!(mag.send(UDP, port), Ok(DSL.0));
        others.push(mag.send(TCP, port).expect("a path"));
    }
    for (path, _) in [LTE, DSL, SAT] {
        assert!(others.contains(&path), "{path} has no TCP");
    }
    let hits: Vec<_> = policy.counters().map(|entry| entry.hits).collect();
    // ICMP has no ports, so it is one flow.
    assert_eq!((hits, policy.default_hits()), (vec![1, 100], 100));
}

#[test]
fn a_sender_is_told_what_null_forbids_where_that_is_wanted() {
    let (mut mag, _) = Mag::steered(&by_application());
    let mut config = ForwarderConfig::default();
    config.tell_prohibited = true;
    mag.forwarder = Forwarder::new(config);
    mag.set(LTE, false);
    let packet = packet(ICMP, 1);
    let (now, none) = (Instant::from_secs(1), PacketOffload::NONE);
    let (table, arena) = (&mag.table, &mut mag.arena);
    arena.clear();
    let told = mag.forwarder.outbound(now, table, &packet, none, arena);
    let Outbound::Reply(reply) = told else {
        panic!("{told:?}");
    };
    let reply = mag.arena.header(&mag.arena.segments()[reply]);
    // RFC 792 type 3, RFC 1812 section 5.2.7.1 code 13, behind an IPv4 header.
    assert_eq!(reply[20..22], [3, 13]);
    assert_eq!(mag.drops(DropReason::MapNull), 1);
}

#[test]
fn a_lost_link_gives_way_to_the_next_and_null_drops() {
    let (mut mag, policy) = Mag::steered(&by_application());
    assert_eq!(
        (mag.send(ICMP, 1), mag.send(UDP, 1)),
        (Ok(LTE.0), Ok(DSL.0))
    );
    mag.set(LTE, false);
    mag.set(DSL, false);
    assert_eq!(mag.send(ICMP, 1), Err(DropReason::MapNull));
    assert_eq!(mag.send(UDP, 1), Ok(SAT.0), "a flow under way moves");
    assert_eq!(mag.send(UDP, 2), Ok(SAT.0), "a new flow");
    assert_eq!(mag.drops(DropReason::MapNull), 1);
    assert_eq!(mag.drops(DropReason::NoUsablePath), 0);
    let null_drops: Vec<_> = policy.counters().map(|entry| entry.null_drops).collect();
    assert_eq!(null_drops, [1, 0]);

    // Without `null` what no named link can take goes by what is left.
    mag.set(SAT, false);
    mag.set(LTE, true);
    assert_eq!(
        (mag.send(ICMP, 1), mag.send(UDP, 1)),
        (Ok(LTE.0), Ok(LTE.0))
    );

    // Nothing left is another cause.
    mag.set(LTE, false);
    assert_eq!(mag.send(UDP, 1), Err(DropReason::NoUsablePath));
}

#[test]
fn a_returned_link_gets_new_flows_and_with_preempt_the_old_ones_too() {
    let (mut mag, _) = Mag::steered(&by_application());
    mag.set(DSL, false);
    assert_eq!(mag.send(UDP, 1), Ok(SAT.0));
    mag.set(DSL, true);
    assert_eq!((mag.send(UDP, 1), mag.send(UDP, 2)), (Ok(SAT.0), Ok(DSL.0)));
    mag.table.set_preempt(true);
    assert_eq!(mag.send(UDP, 1), Ok(DSL.0));
}

#[test]
fn another_map_places_the_flows_that_are_under_way_anew() {
    let (mut mag, _) = Mag::steered(&by_application());
    assert_eq!(mag.send(UDP, 1), Ok(DSL.0));
    let mut map = MobileMap::new();
    map.insert(20, entry("udp", &[SAT.1, DSL.1], false))
        .expect("a sequence");
    mag.table.set_policy(Some(compile(&map)));
    assert_eq!(mag.send(UDP, 1), Ok(SAT.0));
    mag.table.set_policy(None);
    assert!(mag.table.policy().is_none());
    let paths: Vec<_> = (0..100).map(|port| mag.send(UDP, 1 + port)).collect();
    assert!(paths.contains(&Ok(LTE.0)), "the map still holds: {paths:?}");
}

#[test]
fn a_path_that_violates_the_profile_is_left_and_strict_drops() {
    let mut map = MobileMap::new();
    let voice = entry("udp", &[DSL.1, SAT.1], false).with_traffic_profile("voice");
    map.insert(10, voice.with_strict()).expect("a sequence");
    let (mut mag, policy) = Mag::steered(&map);
    assert_eq!(mag.send(UDP, 1), Ok(DSL.0));
    let violating = Verdict::new(ProfileState::Violating, 1_500);
    mag.table.set_verdict(DSL.0, VOICE, violating);
    assert_eq!(mag.send(UDP, 1), Ok(SAT.0));
    mag.table.set_verdict(SAT.0, VOICE, violating);
    assert_eq!(mag.send(UDP, 1), Err(DropReason::MapStrict));
    assert_eq!(mag.drops(DropReason::MapStrict), 1);
    let drops: Vec<_> = policy.counters().map(|entry| entry.strict_drops).collect();
    assert_eq!(drops, [1]);
    // Another tunnel of the path knows nothing of it.
    mag.table.remove_path(SAT.0);
    mag.set(SAT, true);
    assert_eq!(mag.send(UDP, 1), Ok(SAT.0));
}

#[test]
fn weights_from_outside_share_new_flows() {
    let mut mag = Mag::new();
    mag.table.set_path_weight(LTE.0, Some(98));
    let by_lte = |mag: &mut Mag, ports: std::ops::Range<u16>| {
        let sent = ports.map(|port| mag.send(UDP, port));
        sent.filter(|path| *path == Ok(LTE.0)).count()
    };
    let heavy = by_lte(&mut mag, 1..201);
    assert!(heavy > 180, "{heavy} of 200 flows");
    mag.table.set_path_weight(LTE.0, None);
    let light = by_lte(&mut mag, 1000..1200);
    assert!(light < 120, "{light} of 200 flows");
}

#[test]
fn a_decision_is_explained_without_being_made() {
    let (mag, policy) = Mag::steered(&by_application());
    let flow = |protocol| {
        FlowKey::new([10, 1, 0, 2].into(), [192, 0, 2, 80].into(), protocol).with_ports(9, 53)
    };
    let hash = FlowTable::new(FlowTableConfig::default().with_max_flows(1), 0).hash_of(&flow(UDP));
    let explained = mag.table.explain(VrfId::DEFAULT, &flow(UDP), hash);
    let (session, decision) = explained.expect("a session's");
    assert_eq!(session, SessionKey(1));
    assert_eq!((decision.entry, decision.label), (20, Some(DSL.1)));
    assert_eq!(decision.path, Ok(DSL.0));
    assert!(policy.counters().all(|entry| entry.hits == 0));
    let stranger = FlowKey::new([10, 9, 0, 2].into(), [192, 0, 2, 80].into(), UDP);
    assert!(mag.table.explain(VrfId::DEFAULT, &stranger, hash).is_none());
}

#[test]
fn answers_go_where_the_flow_arrived() {
    let mut mag = Mag::new();
    let config = FlowTableConfig::default().with_mirror(true);
    mag.forwarder = Forwarder::new({
        let mut forwarder = ForwarderConfig::default();
        forwarder.flows = config;
        forwarder
    });
    let now = Instant::from_secs(1);
    let usual = mag.send(UDP, 7).expect("a path");
    let other = [LTE, DSL, SAT].map(|(path, _)| path);
    let other = *other.iter().find(|path| **path != usual).expect("three");
    let arrived = |mag: &mut Mag, path| {
        let flow = FlowKey::new([192, 0, 2, 80].into(), [10, 1, 0, 2].into(), UDP);
        let flow = flow.with_ports(53, 7);
        let hint = pmip_tunnel::FlowHint::new(flow, SessionKey(1), path);
        mag.forwarder.arrived(now, &mag.table, &hint);
    };
    arrived(&mut mag, other);
    assert_eq!(mag.send(UDP, 7), Ok(other));
}
