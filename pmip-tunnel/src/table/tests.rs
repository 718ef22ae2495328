use alloc::collections::BTreeMap;
use alloc::vec;
use core::net::Ipv4Addr;

use alloc::vec::Vec;

use pmip_wire::types::Encapsulation;
use proptest::prelude::*;

use super::*;

fn prefix(text: &str) -> IpPrefix {
    text.parse().expect("a prefix")
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn path(number: u32) -> TunnelPath {
    let remote = SocketAddr::new(Ipv4Addr::from_bits(0xc633_6400 | number).into(), 5437);
    TunnelPath::new(
        PathId(number),
        Role::Lma,
        address("192.0.2.1"),
        remote,
        Encapsulation::Ipv4Udp,
    )
}

fn session(key: u32, prefixes: &[&str], paths: &[u32]) -> TunnelSession {
    TunnelSession::new(
        SessionKey(key),
        prefixes.iter().map(|text| prefix(text)).collect(),
        paths.iter().copied().map(PathId).collect(),
    )
}

fn usable(table: &ForwardingTable, inside: &str) -> Vec<PathId> {
    table
        .route(VrfId::DEFAULT, address(inside))
        .map_or_else(Vec::new, |routed| {
            let usable = routed
                .group
                .paths
                .iter()
                .filter(|candidate| candidate.usable);
            usable.map(|candidate| candidate.path).collect()
        })
}

#[test]
fn the_longest_prefix_wins_and_families_are_apart() {
    let mut table = ForwardingTable::new(Role::Lma);
    table.set_session(session(1, &["10.0.0.0/8", "::/0"], &[]));
    table.set_session(session(2, &["10.1.0.0/16", "2001:db8::/32"], &[]));
    table.set_session(session(3, &["10.1.2.3/32"], &[]));
    let of = |text| table.session_of(address(text)).map(|key| key.0);
    assert_eq!(of("10.9.9.9"), Some(1));
    assert_eq!(of("10.1.9.9"), Some(2));
    assert_eq!(of("10.1.2.3"), Some(3));
    assert_eq!(of("11.0.0.1"), None, "the IPv6 default route holds no IPv4");
    assert_eq!(of("2001:db8::1"), Some(2));
    assert_eq!(of("2001:db9::1"), Some(1));
}

#[test]
fn a_snapshot_is_not_touched_by_later_edits() {
    let mut table = ForwardingTable::new(Role::Lma);
    table.set_path(path(1));
    table.set_session(session(1, &["10.1.0.0/16"], &[1]));
    let snapshot = table.clone();
    table.remove_session(SessionKey(1));
    table.remove_path(PathId(1));
    assert_eq!(
        snapshot.session_of(address("10.1.0.1")),
        Some(SessionKey(1))
    );
    assert_eq!(usable(&snapshot, "10.1.0.1"), [PathId(1)]);
    assert!(snapshot.path(PathId(1)).is_some());
    assert_eq!(table.session_of(address("10.1.0.1")), None);
    assert_ne!(table.generation(), snapshot.generation());
}

#[test]
fn order_of_paths_and_sessions_does_not_matter() {
    let mut table = ForwardingTable::new(Role::Lma);
    table.set_session(session(1, &["10.1.0.0/16"], &[1, 2]));
    assert_eq!(usable(&table, "10.1.0.1"), []);
    table.set_path(path(2));
    assert_eq!(usable(&table, "10.1.0.1"), [PathId(2)]);
    table.set_path(path(1));
    assert_eq!(usable(&table, "10.1.0.1"), [PathId(1), PathId(2)]);
}

#[test]
fn a_path_change_reaches_its_sessions_and_no_others() {
    let mut table = ForwardingTable::new(Role::Lma);
    for number in 1..=3 {
        table.set_path(path(number));
    }
    table.set_session(session(1, &["10.1.0.0/16"], &[1, 2]));
    table.set_session(session(2, &["10.2.0.0/16"], &[3]));
    let generation = |table: &ForwardingTable, inside: &str| {
        table
            .route(VrfId::DEFAULT, address(inside))
            .map(|routed| routed.group.generation)
    };
    let (first, second) = (
        generation(&table, "10.1.0.1"),
        generation(&table, "10.2.0.1"),
    );
    let mut down = path(1);
    down.usable = false;
    table.set_path(down);
    assert_eq!(usable(&table, "10.1.0.1"), [PathId(2)]);
    assert_ne!(generation(&table, "10.1.0.1"), first);
    assert_eq!(generation(&table, "10.2.0.1"), second);
}

#[test]
fn a_prefix_that_moved_survives_its_former_session() {
    let mut table = ForwardingTable::new(Role::Lma);
    table.set_session(session(1, &["10.1.0.0/16", "10.2.0.0/16"], &[]));
    table.set_session(session(2, &["10.1.0.0/16"], &[]));
    table.remove_session(SessionKey(1));
    assert_eq!(table.session_of(address("10.1.0.1")), Some(SessionKey(2)));
    assert_eq!(table.session_of(address("10.2.0.1")), None);
}

#[test]
fn a_moved_endpoint_is_known_by_its_new_address_alone() {
    let mut table = ForwardingTable::new(Role::Lma);
    table.set_path(path(1));
    let former = path(1).remote;
    let mut moved = path(1);
    moved.remote.set_port(40_001);
    table.set_path(moved.clone());
    assert_eq!(table.path_from(moved.local, moved.remote), Some(PathId(1)));
    assert_eq!(table.path_from(moved.local, former), None);
    // Another path takes the address over; removing the first must not take it away.
    let mut heir = path(2);
    heir.remote = moved.remote;
    table.set_path(heir);
    table.remove_path(PathId(1));
    assert_eq!(table.path_from(moved.local, moved.remote), Some(PathId(2)));
}

#[test]
fn the_mtu_is_that_of_the_underlay_less_the_overhead() {
    let mut table = ForwardingTable::new(Role::Lma);
    table.set_path(path(1));
    table.set_path(path(2));
    table.set_session(session(1, &["10.1.0.0/16"], &[1, 2]));
    assert_eq!(table.path_mtu(PathId(1)), Some(1_472));
    table.set_path_underlay_mtu(PathId(2), Some(1_400));
    assert_eq!(table.path_mtu(PathId(2)), Some(1_372));
    let group_mtu = |table: &ForwardingTable| {
        table
            .route(VrfId::DEFAULT, address("10.1.0.1"))
            .map(|routed| table.smallest_mtu(routed.group))
    };
    assert_eq!(
        group_mtu(&table),
        Some(1_372),
        "the smallest of the session's paths"
    );
    table.set_underlay_mtu(1_300);
    assert_eq!(table.path_mtu(PathId(1)), Some(1_272));
    assert_eq!(group_mtu(&table), Some(1_272));
}

/// What a table should answer, by a linear scan.
#[derive(Default)]
struct Model {
    routes: BTreeMap<(u32, u8), u32>,
}

impl Model {
    fn lookup(&self, address: u32) -> Option<u32> {
        self.routes
            .iter()
            .filter(|((first, length), _)| {
                let mask = u32::MAX.checked_shl(32 - u32::from(*length)).unwrap_or(0);
                address & mask == *first
            })
            .max_by_key(|((_, length), _)| *length)
            .map(|(_, session)| *session)
    }
}

proptest! {
    #[test]
    fn lookups_equal_a_linear_scan(
        steps in proptest::collection::vec((0u32..20, 0u8..4, any::<u8>(), any::<bool>()), 1..60),
        probes in proptest::collection::vec(any::<[u8; 2]>(), 1..40),
    ) {
        let mut table = ForwardingTable::with_seed(Role::Lma, 7);
        let mut model = Model::default();
        for (key, coarse, bits, install) in steps {
            model.routes.retain(|_, session| *session != key);
            if !install {
                table.remove_session(SessionKey(key));
                continue;
            }
            let length = 8 + coarse * 8;
            let at = Ipv4Addr::new(10, bits & 3, bits >> 6, bits >> 2 & 3).into();
            let prefix = IpPrefix::new(at, length).expect("short enough");
            table.set_session(TunnelSession::new(SessionKey(key), vec![prefix], Vec::new()));
            let IpAddr::V4(first) = prefix.address() else { unreachable!() };
            model.routes.insert((first.to_bits(), length), key);
        }
        for [a, b] in probes {
            let probe = Ipv4Addr::new(10, a & 3, a >> 6, b & 3);
            let expected = model.lookup(probe.to_bits()).map(SessionKey);
            prop_assert_eq!(table.session_of(probe.into()), expected);
        }
    }

    #[test]
    fn groups_of_paths_leave_nothing_behind(
        steps in proptest::collection::vec((0u32..6, 0u8..8, any::<bool>()), 1..60),
    ) {
        let mut table = ForwardingTable::new(Role::Lma);
        for (key, members, install) in steps {
            let paths: Vec<u32> = (0..3).filter(|bit| members >> bit & 1 == 1).collect();
            match install {
                true => table.set_session(session(key, &[], &paths)),
                false => table.remove_session(SessionKey(key)),
            }
        }
        for key in 0..6 {
            table.remove_session(SessionKey(key));
        }
        let left = (table.groups.len(), table.group_of.len(), table.paths.len());
        prop_assert_eq!(left, (0, 0, 0));
    }
}
