//! An anchor restored from a snapshot that somebody spoilt.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
#[path = "common/state.rs"]
mod state;

use std::net::Ipv6Addr;
use std::time::Duration;

use bytes::Bytes;
use common::{Bench, Pbu};
use pmip_binding::snapshot::{ChangeRecord, PeerName, SessionRecord};
use pmip_binding::testing::{address, lma_config};
use pmip_binding::{ClockAnchor, Input, Lma, SessionId};
use pmip_wire::Status;
use pmip_wire::types::{Instant, IpPrefix, PathId};
use proptest::prelude::*;
use state::{kept, session_of};

/// One way to spoil a record.
#[derive(Clone, Debug)]
enum Spoil {
    Number(u32),
    Name(String),
    Prefix(u128, u8),
    Path(u32),
    Expiry(u64),
    Deleted(u64),
    Mark(Option<u64>, Option<u16>),
    PathTwice,
    Refreshed(u64),
    Peer(u8),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        any::<u32>().prop_map(Spoil::Number),
        ".{0,300}".prop_map(Spoil::Name),
        (any::<u128>(), 0u8..=128).prop_map(|(bits, length)| Spoil::Prefix(bits, length)),
        any::<u32>().prop_map(Spoil::Path),
        any::<u64>().prop_map(Spoil::Expiry),
        any::<u64>().prop_map(Spoil::Deleted),
        any::<(Option<u64>, Option<u16>)>().prop_map(|(a, b)| Spoil::Mark(a, b)),
        Just(Spoil::PathTwice),
        any::<u64>().prop_map(Spoil::Refreshed),
        any::<u8>().prop_map(Spoil::Peer),
    ]
}

impl Spoil {
    fn apply(&self, record: &mut SessionRecord) {
        match self {
            Self::Number(number) => record.session = SessionId(*number),
            Self::Name(name) => record.mn_id.clone_from(name),
            Self::Prefix(bits, length) => {
                let prefix = IpPrefix::new(Ipv6Addr::from_bits(*bits).into(), *length).unwrap();
                record.home_prefixes.push(prefix);
                record.delegated.push(prefix);
            }
            Self::Path(path) => record.paths[0].path = PathId(*path),
            Self::Expiry(at) => record.paths[0].expires = Instant::from_nanos(*at),
            Self::Deleted(at) => record.deleted_at = Some(Instant::from_nanos(*at)),
            Self::Mark(timestamp, sequence) => {
                record.marks[0].timestamp = *timestamp;
                record.marks[0].sequence = *sequence;
            }
            Self::PathTwice => record.paths.push(record.paths[0]),
            Self::Refreshed(at) => record.refreshed = Instant::from_nanos(*at),
            Self::Peer(subtype) => {
                record.peer = PeerName::Identifier {
                    subtype: *subtype,
                    octets: Bytes::new(),
                    customer: None,
                };
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever a file says, an anchor comes out that serves, whose state fits together.
    #[test]
    fn a_spoilt_snapshot_does_no_harm(
        spoils in proptest::collection::vec((0u8..4, spoil()), 1..8),
        since in any::<u64>(),
        before in any::<u64>(),
        after in any::<u64>(),
        unix in 0u64..4_000_000_000,
    ) {
        let mut bench = Bench::new(lma_config());
        for host in 0..4 {
            bench.send(&Pbu::new(&format!("n{host}@example.com"), 1).from(address(9, host)));
        }
        let mut snapshot = kept(&bench.lma);
        for (which, spoil) in &spoils {
            let mut record = session_of(&snapshot, &format!("n{which}@example.com"));
            spoil.apply(&mut record);
            if record.mn_id == format!("n{which}@example.com") && record.session.0 < 4 {
                snapshot.apply(ChangeRecord::Session(record));
            } else {
                let number = record.session.0 | 0x8000_0000;
                record.session = SessionId(number);
                snapshot.apply(ChangeRecord::Session(record));
            }
        }
        for record in snapshot.clone().peers() {
            let mut record = record.clone();
            record.since = Instant::from_nanos(since);
            record.restart_counter = Some(7);
            snapshot.apply(ChangeRecord::Peer(record));
        }
        let clock = |nanos| ClockAnchor {
            instant: Instant::from_nanos(nanos),
            unix: Duration::from_secs(unix),
        };
        snapshot.apply(ChangeRecord::Clock(clock(before)));
        let restored = Lma::restore(lma_config(), &snapshot, [3; 32], clock(after), bench.now);
        let (lma, _) = restored.unwrap();
        bench.lma = lma;
        bench.give(Input::Timeout);
        let mut held: Vec<IpPrefix> = Vec::new();
        for binding in bench.lma.bindings(bench.now) {
            held.extend(binding.home_prefixes.iter().chain(&binding.delegated));
        }
        for (index, prefix) in held.iter().enumerate() {
            let mut others = held.iter().skip(index + 1);
            prop_assert!(!others.any(|other| other.overlaps(prefix)), "{held:?}");
        }
        let newcomer = Pbu::new("new@example.com", 1).from(address(9, 77));
        prop_assert_eq!(bench.status(&newcomer), Status::Accepted);
        bench.wait(Duration::from_secs(500));
        prop_assert_eq!(bench.lma.bindings(bench.now).count(), 0, "all end in their time");
        prop_assert_eq!(bench.lma.paths().count(), 0);
    }
}
