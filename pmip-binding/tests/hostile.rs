//! Any bytes on any port: no panic, counted by reason, a binding never disturbed.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use bytes::Bytes;
use common::{SECOND, downlink, lma_binding, registered, uplink};
use pmip_binding::testing::{LMA_ADDRESS, Node, World, address, control};
use pmip_binding::{Carrier, Input};
use pmip_wire::types::PathId;
use proptest::prelude::*;

fn carriers() -> [Carrier; 4] {
    [
        Carrier::Udp,
        Carrier::Ipv6,
        Carrier::Tunnel(PathId(0)),
        Carrier::UnknownTunnel,
    ]
}

fn throw(world: &mut World, bytes: &[u8]) {
    for carrier in carriers() {
        let payload = Bytes::copy_from_slice(bytes);
        let mut at_lma = common::datagram(control(address(1, 1)), payload.clone());
        at_lma.carrier = carrier;
        world.input(Node::Lma, Input::Signalling(at_lma));
        let mut at_mag = common::datagram(control(LMA_ADDRESS.into()), payload);
        at_mag.carrier = carrier;
        at_mag.destination = control(address(1, 1));
        world.input(Node::Mag(0), Input::Signalling(at_mag));
    }
}

fn assert_undisturbed(world: &mut World, prefixes: &[pmip_wire::types::IpPrefix]) {
    world.run_for(3 * SECOND);
    let binding = lma_binding(world);
    assert_eq!(binding.delegated, prefixes);
    assert_eq!(binding.paths.len(), 2);
    assert_eq!(downlink(world).len(), 2);
    assert_eq!(uplink(world).len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_bytes_disturb_nothing(
        datagrams in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..200), 1..20)
    ) {
        let mut world = registered(2);
        let prefixes = lma_binding(&world).delegated;
        for bytes in &datagrams {
            throw(&mut world, bytes);
        }
        assert_undisturbed(&mut world, &prefixes);
    }

    #[test]
    fn mutated_datagrams_never_panic_and_leave_engine_and_forwarding_in_agreement(
        which in any::<proptest::sample::Index>(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<proptest::sample::Index>(),
    ) {
        // Without authentication a datagram changed with luck is a good request, so what it says
        // may be done; it must be done whole.
        let mut world = registered(2);
        let recorded: Vec<_> = world.captured().cloned().collect();
        let mut bytes = recorded[which.index(recorded.len())].payload.to_vec();
        for (index, value) in changes {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        throw(&mut world, &bytes);
        bytes.truncate(cut.index(bytes.len()));
        throw(&mut world, &bytes);
        world.run_for(3 * SECOND);
        let bound = world.lma.bindings(world.now).filter(|b| !b.paths.is_empty()).count();
        prop_assert_eq!(world.lma_tables.sessions.len(), bound);
        prop_assert_eq!(world.lma_tables.paths.len(), world.lma.paths().count());
    }
}

#[test]
fn every_kind_of_rubbish_is_counted_by_its_reason() {
    let mut world = registered(1);
    throw(&mut world, &[]);
    throw(&mut world, &[59, 0, 5, 0]);
    throw(&mut world, &[59, 0, 99, 0, 0, 0, 0, 0]);
    let dropped = &world.lma.stats().dropped;
    for reason in [
        pmip_binding::DropReason::Malformed,
        pmip_binding::DropReason::UnexpectedMessage,
    ] {
        assert!(dropped.contains_key(&reason), "{dropped:?}");
    }
}
