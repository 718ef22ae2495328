//! Paths come and go under a session that lives on (RFC 8278, signalling rules sections 1 and 2).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
mod gateway;

use std::time::Duration;

use common::{
    Bench, Pbu, SECOND, downlink, lma_binding, lma_path, mag_binding, registered, uplink,
};
use pmip_binding::testing::{Node, address, lma_config, mag_config};
use pmip_binding::{BindingState, Event, Forwarding, PathState};
use pmip_wire::{AccessTechnologyType, MagMultipathBinding, Status};

#[test]
fn a_lost_interface_is_deregistered_over_the_living_one_at_once() {
    let mut world = registered(2);
    let prefixes = lma_binding(&world).delegated;
    world.interface_down(0, 1);
    assert_eq!(uplink(&world), [2], "the uplink moves in the same moment");
    world.run_for(Duration::from_millis(20));
    let binding = lma_binding(&world);
    assert_eq!(binding.paths.len(), 1);
    assert_eq!(binding.paths[0].binding_id, 2);
    assert_eq!(binding.state, BindingState::Active);
    assert_eq!(binding.delegated, prefixes);
    assert_eq!(downlink(&world), [2], "and the downlink one way later");
}

#[test]
fn the_path_is_used_again_when_its_interface_returns() {
    let mut world = registered(2);
    world.interface_down(0, 1);
    world.run_until_idle(SECOND);
    world.interface_up(0, 1);
    world.run_until_idle(SECOND);
    assert_eq!(lma_binding(&world).paths.len(), 2);
    assert_eq!(mag_binding(&world).paths.len(), 2);
    assert_eq!(downlink(&world).len(), 2);
}

#[test]
fn a_lost_deregistration_is_sent_three_times_more_and_then_left_to_expiry() {
    let mut world = registered(2);
    world.black_hole(0, 2, true);
    let before = world.mags[0].stats().retransmissions;
    world.interface_down(0, 1);
    world.run_for(Duration::from_millis(1500 + 15_000));
    world.black_hole(0, 2, false);
    world.run_for(20 * SECOND);
    let sent = world.mags[0].stats().retransmissions - before;
    assert!(sent >= 3, "{}", world.tail());
    assert!(uplink(&world).contains(&2), "{}", world.tail());
    let leaving = mag_binding(&world);
    assert!(
        leaving
            .paths
            .iter()
            .all(|path| path.state != BindingState::Disconnecting),
        "{leaving:?}"
    );
}

#[test]
fn a_deregistration_that_comes_too_late_is_sent_again() {
    let mut world = registered(2);
    // 156: the timestamp window is narrower than this.
    world.set_links(|link| link.latency = Duration::from_millis(450));
    world.interface_down(0, 1);
    world.run_for(SECOND / 2);
    world.set_links(|link| link.latency = Duration::from_millis(10));
    world.run_for(5 * SECOND);
    assert!(world.lma.stats().acknowledgements.contains_key(&156));
    assert_eq!(lma_binding(&world).paths.len(), 1, "{}", world.tail());
}

#[test]
fn the_last_path_is_never_deregistered_because_its_interface_is_down() {
    let mut world = registered(1);
    world.interface_down(0, 1);
    world.run_for(5 * SECOND);
    assert_eq!(lma_binding(&world).state, BindingState::Active);
    world.interface_up(0, 1);
    world.run_until_idle(SECOND);
    assert_eq!(downlink(&world), [1]);
}

#[test]
fn both_interfaces_lost_and_one_back_keeps_the_prefixes() {
    let mut world = registered(2);
    let before = lma_binding(&world);
    world.interface_down(0, 1);
    world.interface_down(0, 2);
    world.run_for(5 * SECOND);
    assert_eq!(uplink(&world), []);
    world.interface_up(0, 2);
    // The anchor has no path 1 any more and ignores what names it: three retransmissions.
    world.run_until_idle(20 * SECOND);
    let after = lma_binding(&world);
    assert_eq!(before.delegated, after.delegated);
    assert_eq!(after.session, before.session);
    assert_eq!(uplink(&world), [2]);
}

#[test]
fn a_new_address_moves_the_path_and_keeps_its_number() {
    let mut world = registered(2);
    let before = lma_path(&world, 1);
    world.renumber(0, 1, address(1, 77));
    world.run_until_idle(SECOND);
    let after = lma_path(&world, 1);
    assert_eq!(after.path, before.path);
    assert_eq!(after.care_of, address(1, 77));
    assert_eq!(lma_binding(&world).paths.len(), 2);
    let endpoint = &world.lma_tables.paths[&after.path];
    assert_eq!(endpoint.remote.ip(), address(1, 77));
}

#[test]
fn losing_a_path_touches_only_that_path() {
    let mut world = registered(3);
    let before = world.events.len();
    world.interface_down(0, 2);
    world.run_until_idle(SECOND);
    let kept = [lma_path(&world, 1).path, lma_path(&world, 3).path];
    for (_, node, event) in &world.events[before..] {
        if let (Node::Lma, Event::Forwarding(Forwarding::InstallPath(endpoint))) = (node, event) {
            assert!(!kept.contains(&endpoint.path));
        }
    }
    assert_eq!(downlink(&world), [1, 3]);
}

#[test]
fn malformed_multipath_options_are_refused_with_128() {
    let mut bench = Bench::new(lma_config());
    let option = |binding_id, bulk, overwrite| MagMultipathBinding {
        access_technology: AccessTechnologyType::from_code(8),
        label: 1,
        binding_id,
        bulk,
        overwrite,
    };
    let mag = pmip_wire::MagIdentifier::nai("mag9").unwrap();
    let pbu = || Pbu::new("mn@example.com", 1);
    let cases = [
        pbu().with(option(1, false, false)),
        pbu().with(option(0, false, false)).with(mag.clone()),
        pbu().with(option(255, false, false)).with(mag.clone()),
        pbu().with(option(1, true, true)).with(mag.clone()),
        pbu()
            .with(option(1, false, true))
            .with(mag.clone())
            .lifetime(0),
    ];
    for (number, case) in cases.iter().enumerate() {
        assert_eq!(
            bench.status(case),
            Status::ReasonUnspecified,
            "case {number}"
        );
    }
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
}

#[test]
fn refused_multipath_echoes_option_63_and_never_64() {
    let mut config = lma_config();
    config.multipath = false;
    let mut bench = Bench::new(config);
    let answer = bench
        .send(&Pbu::new("mn@example.com", 1).multipath("mag9", 3))
        .unwrap();
    assert_eq!(answer.status.code(), 180);
    assert_eq!(
        answer.options.mag_multipath_binding().unwrap().binding_id,
        3
    );
    assert!(answer.options.mag_identifier().is_none());
}

#[test]
fn granted_multipath_has_option_63_and_never_64() {
    let mut bench = Bench::new(lma_config());
    let pbu = Pbu::new("mn@example.com", 1).multipath("mag9", 3);
    let answer = bench.send(&pbu).unwrap();
    assert_eq!(answer.status.code(), 0);
    assert_eq!(
        answer.options.mag_multipath_binding().unwrap().binding_id,
        3
    );
    assert!(answer.options.mag_identifier().is_none());
}

/// RFC 8278 section 4.4: an anchor that knows none of it leaves option 63 out.
#[test]
fn a_gateway_whose_answer_lacks_option_63_uses_one_path() {
    let mut config = mag_config(1, 2);
    config.heartbeat.rules.clear();
    let mut gateway = gateway::Gateway::new(config);
    let first = gateway.last_update();
    assert_eq!(gateway.updates().len(), 1, "asked over one path first");
    assert!(first.options.mag_multipath_binding().is_some());
    assert!(first.options.mag_identifier().is_some());
    gateway.answer(0, []);
    assert_eq!(gateway.updates().len(), 1, "no second path");
    gateway.wait(3400 * SECOND);
    let refresh = gateway.last_update();
    assert!(refresh.options.mag_multipath_binding().is_none());
    assert!(refresh.options.mag_identifier().is_none());
}

#[test]
fn overwrite_removes_the_other_paths_and_bulk_renews_them() {
    let mut bench = Bench::new(lma_config());
    let pbu = |sequence, binding_id| {
        Pbu::new("mn@example.com", sequence)
            .multipath("mag9", binding_id)
            .from(address(9, binding_id))
    };
    for binding_id in 1..=3 {
        let answer = bench.status(&pbu(u16::from(binding_id), binding_id));
        assert_eq!(answer, Status::Accepted);
    }
    bench.wait(100 * SECOND);
    let bulk = MagMultipathBinding {
        access_technology: AccessTechnologyType::from_code(8),
        label: 12,
        binding_id: 2,
        bulk: true,
        overwrite: false,
    };
    assert_eq!(bench.status(&pbu(10, 2).replacing(bulk)), Status::Accepted);
    let remaining: Vec<_> = bench.binding().paths.iter().map(|p| p.remaining).collect();
    assert_eq!(remaining, [400 * SECOND; 3]);
    let overwrite = MagMultipathBinding {
        bulk: false,
        overwrite: true,
        ..bulk
    };
    let pbu = pbu(11, 2).replacing(overwrite);
    assert_eq!(bench.status(&pbu), Status::Accepted);
    let left: Vec<u8> = bench.binding().paths.iter().map(|p| p.binding_id).collect();
    assert_eq!(left, [2]);
    assert_eq!(bench.lma.paths().count(), 1);
}

#[test]
fn each_path_expires_by_its_own_lifetime_and_the_session_with_the_last() {
    let mut bench = Bench::new(lma_config());
    let pbu = |binding_id: u8, units| {
        Pbu::new("mn@example.com", u16::from(binding_id))
            .multipath("mag9", binding_id)
            .from(address(9, binding_id))
            .lifetime(units)
    };
    bench.status(&pbu(1, 5));
    bench.status(&pbu(2, 10));
    bench.wait(20 * SECOND);
    let left: Vec<u8> = bench.binding().paths.iter().map(|p| p.binding_id).collect();
    assert_eq!(left, [2]);
    bench.wait(20 * SECOND);
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
    assert_eq!(bench.lma.paths().count(), 0);
}

#[test]
fn a_stranger_can_not_deregister_a_path() {
    let mut bench = Bench::new(lma_config());
    let pbu = |sequence, binding_id: u8, from: u8| {
        Pbu::new("mn@example.com", sequence)
            .multipath("mag9", binding_id)
            .from(address(9, from))
    };
    bench.status(&pbu(1, 1, 1));
    bench.status(&pbu(2, 2, 2));
    let strangers = pbu(3, 1, 200).lifetime(0).handoff(4);
    assert!(bench.send(&strangers).is_none(), "ignored");
    let unknown = pbu(3, 9, 2).lifetime(0).handoff(4);
    assert!(
        bench.send(&unknown).is_none(),
        "an unknown Binding ID is ignored"
    );
    assert_eq!(bench.binding().paths.len(), 2);
    let own = pbu(3, 1, 2).lifetime(0).handoff(4);
    assert_eq!(bench.status(&own), Status::Accepted);
    assert_eq!(bench.binding().paths.len(), 1);
    assert!(bench.lma.paths().all(|path| path.state == PathState::Up));
}

#[test]
fn a_care_of_address_belongs_to_one_binding_id_at_a_time() {
    let mut bench = Bench::new(lma_config());
    let pbu = |sequence, binding_id: u8| {
        Pbu::new("mn@example.com", sequence).multipath("mag9", binding_id)
    };
    bench.status(&pbu(1, 1));
    bench.status(&pbu(2, 2));
    let left: Vec<u8> = bench.binding().paths.iter().map(|p| p.binding_id).collect();
    assert_eq!(left, [2], "the same care-of address and port moved on");
}
