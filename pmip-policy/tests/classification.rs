//! Access lists and mobile maps: the compiled form against a naive scan, and the rules as stories.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::collections::BTreeMap;
use std::sync::Arc;

use pmip_policy::{
    AccessList, AccessListError, Action, AddressMatch, Candidate, CompiledAccessList, Family,
    FlowKey, FlowTable, FlowTableConfig, Line, LinkPreference, MapEntry, MapPolicy, Missing,
    MobileMap, MobileMapError, NoPath, Outcome, PathSet, PortMatch, Rule, Selector, Steering,
    SteeringTable, Verdicts,
};
use pmip_wire::types::{Instant, IpPrefix, Label, PathId};
use proptest::prelude::*;

const LTE: Label = Label(1);
const DSL: Label = Label(2);
const SAT: Label = Label(3);

fn permit(selector: Selector) -> Rule {
    Rule::new(Action::Permit, selector)
}

fn protocol_list(protocol: u8) -> AccessList {
    let mut list = AccessList::new(Family::Ipv4);
    list.append(permit(Selector::any().with_protocol(protocol)))
        .expect("same family");
    list
}

fn flow(protocol: u8) -> FlowKey {
    FlowKey::new([10, 0, 0, 2].into(), [192, 0, 2, 1].into(), protocol).with_ports(4_000, 53)
}

/// Paths 1 (LTE), 2 and 3 (DSL), all usable.
fn paths() -> PathSet {
    [(1, LTE), (2, DSL), (3, DSL)]
        .map(|(n, label)| Candidate::new(PathId(n), 1).with_label(label))
        .into_iter()
        .collect()
}

fn policy(entries: &[(u8, MapEntry)], lists: &BTreeMap<&str, AccessList>) -> Arc<MapPolicy> {
    let mut map = MobileMap::new();
    for (sequence, entry) in entries {
        map.insert(*sequence, entry.clone()).expect("not 0");
    }
    Arc::new(MapPolicy::compile(&map, |name| lists.get(name), |_| None))
}

/// The policy over these paths, built anew.
fn steer(policy: &Arc<MapPolicy>, paths: &PathSet) -> SteeringTable {
    SteeringTable::new(Some(Arc::clone(policy)), paths, &Verdicts::new())
}

fn prefer(labels: &[Label]) -> MapEntry {
    MapEntry::new().with_links(LinkPreference::new(labels).expect("one to three"))
}

fn prefer_or_drop(labels: &[Label]) -> MapEntry {
    MapEntry::new().with_links(LinkPreference::with_null(labels).expect("at most three"))
}

#[test]
fn the_first_line_that_matches_decides_and_the_end_denies() {
    let mut list = AccessList::new(Family::Ipv4);
    let dns = Selector::any().with_destination_port(PortMatch::Eq(53));
    list.insert(20, permit(Selector::any().with_protocol(FlowKey::UDP)))
        .expect("v4");
    list.insert(10, Rule::new(Action::Deny, dns)).expect("v4");
    list.insert(5, Line::Remark("name service goes elsewhere".into()))
        .expect("v4");
    assert!(!list.permits(&flow(FlowKey::UDP)));
    assert!(list.permits(&flow(FlowKey::UDP).with_ports(4_000, 54)));
    assert!(!list.permits(&flow(FlowKey::TCP).with_ports(4_000, 54)));
    assert_eq!(list.append(Line::Remark("end".into())), Ok(30));
}

#[test]
fn any_means_any_of_the_lists_own_family() {
    let ipv6 = FlowKey::new(Ipv6Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into(), 17);
    for (family, key, other) in [
        (Family::Ipv4, flow(17), ipv6),
        (Family::Ipv6, ipv6, flow(17)),
    ] {
        let mut list = AccessList::new(family);
        list.append(permit(Selector::any())).expect("fits");
        let compiled = CompiledAccessList::new(&list);
        assert!(list.permits(&key) && compiled.permits(&key));
        assert!(!list.permits(&other) && !compiled.permits(&other));
    }
}

#[test]
fn what_cannot_match_is_refused() {
    let mut list = AccessList::new(Family::Ipv6);
    let v4 = Selector::any().with_source(AddressMatch::host(Ipv4Addr::LOCALHOST.into()));
    assert_eq!(list.append(permit(v4)), Err(AccessListError::OtherFamily));
    let dscp = Selector::any().with_dscp(64);
    assert_eq!(
        list.append(permit(dscp)),
        Err(AccessListError::Dscp { dscp: 64 })
    );
    list.insert(u32::MAX, permit(Selector::any()))
        .expect("fits");
    assert_eq!(
        list.append(permit(Selector::any())),
        Err(AccessListError::NumbersUsedUp)
    );
    assert_eq!(
        MobileMap::new().insert(0, MapEntry::new()),
        Err(MobileMapError::Sequence)
    );
    assert_eq!(
        LinkPreference::new(&[]),
        Err(MobileMapError::Labels { given: 0 })
    );
    assert!(LinkPreference::with_null(&[LTE; 4]).is_err());
}

#[test]
fn each_line_counts_what_it_decided() {
    let mut list = protocol_list(FlowKey::TCP);
    list.append(Rule::new(
        Action::Deny,
        Selector::any().with_protocol(FlowKey::UDP),
    ))
    .expect("v4");
    let compiled = CompiledAccessList::new(&list);
    for protocol in [FlowKey::TCP, FlowKey::UDP, FlowKey::TCP, FlowKey::ICMP] {
        compiled.permits_counted(&flow(protocol));
    }
    let hits: Vec<_> = compiled
        .hits()
        .map(|line| (line.sequence, line.hits))
        .collect();
    assert_eq!(hits, [(Some(10), 2), (Some(20), 1), (None, 1)]);
}

#[test]
fn a_denied_packet_goes_on_to_the_next_entry_and_a_match_ends_the_walk() {
    let lists = BTreeMap::from([("tcp", protocol_list(FlowKey::TCP))]);
    let entries = [
        (10, prefer(&[LTE]).with_access_list("tcp")),
        (20, MapEntry::new()),
        (30, prefer_or_drop(&[SAT])),
    ];
    let policy = policy(&entries, &lists);
    assert_eq!(policy.classify(&flow(FlowKey::TCP)), Some(10));
    assert_eq!(policy.classify(&flow(FlowKey::UDP)), Some(20));
}

#[test]
fn an_unknown_access_list_matches_nothing_and_is_reported() {
    let policy = policy(
        &[(10, prefer(&[LTE]).with_access_list("voice"))],
        &BTreeMap::new(),
    );
    assert_eq!(policy.classify(&flow(FlowKey::UDP)), None);
    let missing = Missing::AccessList {
        entry: 10,
        name: "voice".into(),
    };
    assert_eq!(policy.missing(), [missing]);
}

#[test]
fn labels_are_tried_in_order_then_null_drops_or_the_default_class_takes_over() {
    let lists = BTreeMap::from([("tcp", protocol_list(FlowKey::TCP))]);
    let entries = [
        (10, prefer_or_drop(&[LTE, DSL]).with_access_list("tcp")),
        (20, prefer(&[SAT, LTE])),
    ];
    let policy = policy(&entries, &lists);
    let mut paths = paths();
    let select = |paths: &PathSet, protocol, hash| {
        let chosen = steer(&policy, paths).select(&flow(protocol), hash);
        chosen.map(|selection| (selection.path.0, selection.rule))
    };
    for hash in 0..50 {
        assert_eq!(select(&paths, FlowKey::TCP, hash), Ok((1, 10)));
        assert_eq!(select(&paths, FlowKey::UDP, hash), Ok((1, 20)));
    }
    paths.set_usable(PathId(1), false);
    let on_dsl: Vec<_> = (0..50)
        .map(|hash| select(&paths, FlowKey::TCP, hash))
        .collect();
    assert!(on_dsl.contains(&Ok((2, 10))) && on_dsl.contains(&Ok((3, 10))));
    let unlisted = select(&paths, FlowKey::UDP, 1);
    assert!(unlisted == Ok((2, 20)) || unlisted == Ok((3, 20)));

    paths.set_usable(PathId(2), false);
    paths.set_usable(PathId(3), false);
    assert_eq!(
        select(&paths, FlowKey::TCP, 1),
        Err(NoPath::Null { entry: 10 })
    );
    assert_eq!(select(&paths, FlowKey::UDP, 1), Err(NoPath::NoneUsable));
    let counters: Vec<_> = policy
        .counters()
        .map(|entry| (entry.sequence, entry.hits, entry.falls, entry.null_drops))
        .collect();
    assert_eq!(counters, [(10, 101, 50, 1), (20, 52, 51, 0)]);
    assert_eq!(policy.line_hits(10).len(), 2);
}

#[test]
fn null_alone_drops_everything() {
    let policy = policy(&[(1, prefer_or_drop(&[]))], &BTreeMap::new());
    let dropped = steer(&policy, &paths()).select(&flow(FlowKey::UDP), 1);
    assert_eq!(dropped, Err(NoPath::Null { entry: 1 }));
}

/// The table moves a flow along the entry's labels, and leaves it there when the better one returns.
#[test]
fn a_flow_falls_to_the_next_label_and_does_not_return_by_itself() {
    let lists = BTreeMap::new();
    let policy = policy(&[(10, prefer_or_drop(&[LTE, DSL]))], &lists);
    let mut flows = FlowTable::new(FlowTableConfig::default().with_max_flows(8), 5);
    let mut paths = paths();
    let now = Instant::from_secs(1);
    let mut packet = |paths: &PathSet, generation| {
        let chosen = flows.choose(
            now,
            flow(FlowKey::UDP),
            0,
            &steer(&policy, paths),
            generation,
        );
        chosen.map(|choice| (choice.path, choice.outcome))
    };
    assert_eq!(packet(&paths, 1), Ok((PathId(1), Outcome::New)));
    paths.set_usable(PathId(1), false);
    let (fallen, outcome) = packet(&paths, 2).expect("a DSL path");
    assert_eq!(outcome, Outcome::Moved { from: PathId(1) });
    paths.set_usable(PathId(1), true);
    assert_eq!(packet(&paths, 3), Ok((fallen, Outcome::Kept)));

    // A path that lost its label is none that this entry may use.
    let former = paths
        .insert(Candidate::new(fallen, 1).with_label(SAT))
        .expect("known");
    assert!(former.is_some());
    assert_eq!(
        packet(&paths, 4),
        Ok((PathId(1), Outcome::Moved { from: fallen }))
    );
}

fn addresses() -> impl Strategy<Value = (Ipv4Addr, Ipv6Addr)> {
    // Few bits, so that rules and flows meet.
    (0u8..4, 0u8..4).prop_map(|(a, b)| {
        let v6 = Ipv6Addr::new(0x2001, 0xdb8, a.into(), 0, 0, 0, 0, b.into());
        (Ipv4Addr::new(10, a, 0, b), v6)
    })
}

fn address_match(family: Family) -> impl Strategy<Value = AddressMatch> {
    (addresses(), addresses(), 0u8..=128, 0u8..3).prop_map(move |(at, wildcard, length, kind)| {
        let address: IpAddr = match family {
            Family::Ipv4 => at.0.into(),
            Family::Ipv6 => at.1.into(),
        };
        let length = if family == Family::Ipv4 {
            length / 4
        } else {
            length
        };
        match kind {
            0 => AddressMatch::Any,
            1 if family == Family::Ipv4 => AddressMatch::Wildcard {
                address: at.0,
                wildcard: wildcard.0,
            },
            _ => AddressMatch::Prefix(IpPrefix::new(address, length).expect("within the width")),
        }
    })
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(2),
        Just(3),
        Just(65_534),
        Just(65_535)
    ]
}

fn port_match() -> impl Strategy<Value = PortMatch> {
    prop_oneof![
        4 => Just(PortMatch::Any),
        1 => port().prop_map(PortMatch::Eq),
        1 => port().prop_map(PortMatch::Neq),
        1 => port().prop_map(PortMatch::Lt),
        1 => port().prop_map(PortMatch::Gt),
        1 => (port(), port()).prop_map(|(first, last)| PortMatch::Range(first, last)),
    ]
}

fn rule(family: Family) -> impl Strategy<Value = Rule> {
    let ends = (
        address_match(family),
        address_match(family),
        port_match(),
        port_match(),
    );
    let rest = (
        prop::option::of(0u8..3),
        prop::option::of(0u8..3),
        any::<bool>(),
        0u8..8,
    );
    (ends, rest).prop_map(|((source, destination, from, to), rest)| {
        let (protocol, dscp, deny, established) = rest;
        let mut selector = Selector::any()
            .with_source(source)
            .with_destination(destination)
            .with_source_port(from)
            .with_destination_port(to);
        selector.protocol = protocol;
        selector.dscp = dscp;
        selector.established = established == 0;
        Rule::new(if deny { Action::Deny } else { Action::Permit }, selector)
    })
}

fn access_list() -> impl Strategy<Value = AccessList> {
    prop_oneof![Just(Family::Ipv4), Just(Family::Ipv6)].prop_flat_map(|family| {
        prop_oneof![0usize..12, 60usize..140]
            .prop_flat_map(move |count| prop::collection::vec(rule(family), count))
            .prop_map(move |rules| {
                let mut list = AccessList::new(family);
                for rule in rules {
                    list.append(rule).expect("same family");
                }
                list
            })
    })
}

fn key() -> impl Strategy<Value = FlowKey> {
    let ends = (any::<bool>(), addresses(), addresses());
    (ends, 0u8..3, port(), port(), 0u8..3).prop_map(|((v6, from, to), protocol, a, b, dscp)| {
        let (from, to): (IpAddr, IpAddr) = if v6 {
            (from.1.into(), to.1.into())
        } else {
            (from.0.into(), to.0.into())
        };
        FlowKey::new(from, to, protocol)
            .with_ports(a, b)
            .with_dscp(dscp)
    })
}

proptest! {
    #[test]
    fn the_compiled_list_equals_the_naive_scan(
        list in access_list(),
        keys in prop::collection::vec(key(), 1..100),
    ) {
        let compiled = CompiledAccessList::new(&list);
        for key in keys {
            prop_assert_eq!(compiled.permits(&key), list.permits(&key), "{:?}", key);
            prop_assert_eq!(compiled.permits_counted(&key), list.permits(&key), "{:?}", key);
        }
    }

    #[test]
    fn the_compiled_map_equals_the_naive_scan(
        lists in prop::collection::vec(access_list(), 1..6),
        keys in prop::collection::vec(key(), 1..60),
    ) {
        let names: Vec<String> = (0..lists.len()).map(|n| n.to_string()).collect();
        let mut map = MobileMap::new();
        for (sequence, name) in (1..).zip(&names) {
            map.insert(sequence, prefer(&[LTE]).with_access_list(name)).expect("not 0");
        }
        let find = |name: &str| {
            names.iter().position(|known| known == name).map(|at| &lists[at])
        };
        let policy = Arc::new(MapPolicy::compile(&map, find, |_| None));
        let paths = paths();
        for key in keys {
            let naive = (1..).zip(&lists).find(|(_, list)| list.permits(&key));
            let expected = naive.map(|(sequence, _)| sequence);
            prop_assert_eq!(policy.classify(&key), expected);
            let selected = steer(&policy, &paths).select(&key, 7).expect("all usable");
            prop_assert_eq!(selected.rule, expected.unwrap_or(0));
        }
    }
}

/// Found by the property above: IPv4 addresses live inside `::/0` as octets, not as addresses.
#[test]
fn an_ipv6_list_holds_no_ipv4_flow() {
    let everything =
        AddressMatch::Prefix(IpPrefix::new(Ipv6Addr::UNSPECIFIED.into(), 0).expect("0"));
    let mut list = AccessList::new(Family::Ipv6);
    let selector = Selector::any()
        .with_source(everything)
        .with_destination(everything);
    list.append(Rule::new(Action::Permit, selector))
        .expect("same family");
    let compiled = CompiledAccessList::new(&list);
    let key = |from: &str, to: &str| {
        FlowKey::new(
            from.parse().expect("address"),
            to.parse().expect("address"),
            6,
        )
    };
    assert!(compiled.permits(&key("2001:db8::1", "2001:db8::2")));
    assert!(!compiled.permits(&key("10.0.0.1", "10.0.0.2")));
}
