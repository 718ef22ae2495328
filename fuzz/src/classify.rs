//! Any octets as access lists, a map over them and flows: the compiled forms answer as the naive
//! scan does, line by line.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pmip_policy::{
    AccessList, Action, AddressMatch, CompiledAccessList, Family, FlowKey, MapEntry, MapPolicy,
    MobileMap, PortMatch, Rule, Selector,
};
use pmip_wire::types::IpPrefix;

/// The first three octets size the lists and the flows, the others fill them: 9 octets a rule, 7 a
/// flow.
pub fn run(data: &[u8]) {
    let mut octets = Octets(data);
    let (lists, rules, flows) = (octets.below(4) + 1, octets.next(), octets.next());
    let lists: Vec<AccessList> = (0..lists).map(|_| list(&mut octets, rules)).collect();
    let keys: Vec<(FlowKey, bool)> = (0..=flows).map(|_| key(&mut octets)).collect();
    for list in &lists {
        check_list(list, &keys);
    }
    check_map(&lists, &keys);
}

fn check_list(list: &AccessList, keys: &[(FlowKey, bool)]) {
    let compiled = CompiledAccessList::new(list);
    for (key, established) in keys {
        assert_eq!(compiled.permits(key), list.permits(key), "{key:?}");
        let naive = list.decide(key, *established);
        let verdict = compiled.check(key, *established);
        let sequence = naive.map(|(sequence, _)| sequence);
        assert_eq!(verdict.sequence, sequence, "{key:?} {established}");
        let action = naive.map_or(Action::Deny, |(_, rule)| rule.action);
        assert_eq!(verdict.action, action, "{key:?} {established}");
    }
    let hits: u64 = compiled.hits().map(|line| line.hits).sum();
    assert_eq!(hits, keys.len() as u64, "every packet counts once");
}

fn check_map(lists: &[AccessList], keys: &[(FlowKey, bool)]) {
    let mut map = MobileMap::new();
    for (sequence, at) in (1..).zip(0..lists.len()) {
        let entry = MapEntry::new().with_access_list(at.to_string());
        map.insert(sequence, entry).expect("not 0");
    }
    let find = |name: &str| lists.get(name.parse::<usize>().ok()?);
    let policy = MapPolicy::compile(&map, find, |_| None);
    for (key, _) in keys {
        let naive = (1..).zip(lists).find(|(_, list)| list.permits(key));
        let naive = naive.map(|(sequence, _)| sequence);
        assert_eq!(policy.classify(key), naive, "{key:?}");
    }
}

fn list(octets: &mut Octets<'_>, rules: u8) -> AccessList {
    let family = match octets.below(2) {
        0 => Family::Ipv4,
        _ => Family::Ipv6,
    };
    let mut list = AccessList::new(family);
    for _ in 0..rules {
        list.append(rule(octets, family))
            .expect("of the family, numbers enough");
    }
    list
}

fn rule(octets: &mut Octets<'_>, family: Family) -> Rule {
    let flags = octets.next();
    let mut selector = Selector::any()
        .with_source(addresses(octets, family))
        .with_destination(addresses(octets, family))
        .with_source_port(ports(octets))
        .with_destination_port(ports(octets));
    selector.protocol = (flags & 3 != 0).then_some(flags & 3);
    selector.dscp = (flags & 12 == 12).then_some(flags >> 4 & 3);
    selector.established = flags & 0x40 != 0;
    let action = if flags & 0x80 == 0 {
        Action::Permit
    } else {
        Action::Deny
    };
    Rule::new(action, selector)
}

/// Few addresses, so that rules and flows meet.
fn address(octet: u8, family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => Ipv4Addr::new(10, octet >> 6, octet >> 3 & 7, octet & 7).into(),
        Family::Ipv6 => {
            let [a, b, c] = [octet >> 6, octet >> 3 & 7, octet & 7].map(u16::from);
            Ipv6Addr::new(0x2001, 0xdb8, a, 0, b, 0, 0, c).into()
        }
    }
}

fn addresses(octets: &mut Octets<'_>, family: Family) -> AddressMatch {
    let (shape, octet) = (octets.next(), octets.next());
    let address = address(octet, family);
    match (shape, address) {
        (0..64, _) => AddressMatch::Any,
        (64..128, IpAddr::V4(address)) => AddressMatch::Wildcard {
            address,
            wildcard: Ipv4Addr::new(0, shape & 3, shape >> 2 & 7, shape >> 3 & 7),
        },
        (_, address) => {
            let width = if address.is_ipv4() { 32 } else { 128 };
            let prefix = IpPrefix::new(address, shape % (width + 1));
            AddressMatch::Prefix(prefix.expect("within the width"))
        }
    }
}

/// The ends of the range, where mistakes live, and a few between.
fn port(octet: u8) -> u16 {
    match octet & 7 {
        low @ 0..=4 => low.into(),
        high => u16::MAX - 7 + u16::from(high),
    }
}

fn ports(octets: &mut Octets<'_>) -> PortMatch {
    let octet = octets.next();
    let (first, second) = (port(octet), port(octet >> 2));
    match octet >> 5 {
        0 => PortMatch::Eq(first),
        1 => PortMatch::Neq(first),
        2 => PortMatch::Lt(first),
        3 => PortMatch::Gt(first),
        4 => PortMatch::Range(first, second),
        _ => PortMatch::Any,
    }
}

fn key(octets: &mut Octets<'_>) -> (FlowKey, bool) {
    let flags = octets.next();
    let family = |bit: u8| match flags & bit {
        0 => Family::Ipv4,
        _ => Family::Ipv6,
    };
    // Now and then of two families, as only a mistake elsewhere would make them.
    let other = if flags & 6 == 6 { 2 } else { 1 };
    let source = address(octets.next(), family(1));
    let destination = address(octets.next(), family(other));
    let key = FlowKey::new(source, destination, octets.below(4))
        .with_ports(port(octets.next()), port(octets.next()))
        .with_dscp(octets.below(4));
    (key, flags & 0x80 != 0)
}

/// Octets, and zeros after the last.
struct Octets<'a>(&'a [u8]);

impl Octets<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn below(&mut self, limit: u8) -> u8 {
        self.next() % limit
    }
}
