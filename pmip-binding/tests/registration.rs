//! A logical mobile node registers over its uplinks, refreshes, and leaves.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::time::Duration;

use common::{SECOND, downlink, lma_binding, mag_binding, registered, uplink, world};
use pmip_binding::testing::{Node, lma_config};
use pmip_binding::{BindingState, Command, Event, Forwarding, PathState, SessionEvent};
use pmip_wire::types::Instant;

#[test]
fn both_paths_register_and_both_ends_agree() {
    let world = registered(2);
    let (lma, mag) = (lma_binding(&world), mag_binding(&world));
    assert_eq!(lma.paths.len(), 2);
    assert_eq!(mag.state, BindingState::Active);
    assert_eq!(lma.home_prefixes, mag.home_prefixes);
    assert_eq!(lma.ipv4_home, mag.ipv4_home);
    assert_eq!(lma.delegated, mag.delegated);
    assert_eq!(lma.delegated.len(), 1);
    assert!(world.lma.paths().all(|path| path.state == PathState::Up));
    assert_eq!(downlink(&world), [1, 2]);
    assert_eq!(uplink(&world), [1, 2]);
}

#[test]
fn one_round_trip_per_path_and_the_second_follows_the_first_answer() {
    let world = registered(2);
    let installs = world.events.iter().filter(|(_, node, event)| {
        let session = matches!(event, Event::Forwarding(Forwarding::InstallSession(_)));
        *node == Node::Mag(0) && session
    });
    let times: Vec<u64> = installs.map(|(at, _, _)| at.as_millis()).collect();
    assert_eq!(times, [20, 40], "links take 10 ms each way");
}

#[test]
fn the_forwarding_plane_knows_before_the_acknowledgement_leaves() {
    let mut world = world(1);
    world.record();
    world.all_up();
    world.run_until_idle(SECOND);
    let at = |needle: &str| {
        let found = world
            .history()
            .iter()
            .position(|line| line.contains(needle));
        found.unwrap_or_else(|| panic!("no {needle}"))
    };
    assert!(at("Lma: Forwarding(InstallPath") < at("Lma: Forwarding(InstallSession"));
    assert!(at("Lma: Forwarding(InstallSession") < at("PBA status"));
}

#[test]
fn an_interface_that_comes_up_later_joins_the_session() {
    let mut world = world(2);
    world.interface_up(0, 2);
    world.run_until_idle(SECOND);
    assert_eq!(downlink(&world), [2]);
    world.run_for(60 * SECOND);
    world.interface_up(0, 1);
    world.run_until_idle(SECOND);
    assert_eq!(lma_binding(&world).paths.len(), 2);
    let mut both = uplink(&world);
    both.sort_unstable();
    assert_eq!(both, [1, 2]);
}

#[test]
fn bindings_live_on_by_refreshes_alone() {
    let mut world = registered(2);
    let before = lma_binding(&world);
    world.run_until(Instant::from_secs(4 * 3600));
    world.run_until_idle(SECOND);
    let after = lma_binding(&world);
    assert_eq!(before.delegated, after.delegated);
    assert_eq!(world.lma.stats().expired, 0);
    let ups = world.events.iter().filter(|(_, node, event)| {
        *node == Node::Lma && matches!(event, Event::Session(SessionEvent::Up { .. }))
    });
    assert_eq!(ups.count(), 1, "a refresh is no new session");
}

#[test]
fn a_refresh_changes_nothing_for_the_forwarding_plane() {
    let mut world = registered(2);
    let before = world.events.len();
    world.run_until(Instant::from_secs(3400));
    world.run_until_idle(SECOND);
    assert!(world.mags[0].stats().binding_updates >= 4, "refreshed");
    let changes = world.events[before..]
        .iter()
        .filter(|(_, _, event)| matches!(event, Event::Forwarding(_)));
    assert_eq!(changes.count(), 0);
}

#[test]
fn shutdown_deregisters_everything_and_the_prefixes_wait_for_ten_seconds() {
    let mut world = registered(2);
    world.command(Node::Mag(0), Command::Shutdown);
    world.run_for(Duration::from_millis(100));
    assert!(world.mags[0].is_shut_down());
    assert!(world.lma_tables.sessions.is_empty());
    assert!(world.lma_tables.paths.is_empty());
    assert!(world.mag_tables[0].sessions.is_empty());
    assert_eq!(lma_binding(&world).state, BindingState::Disconnecting);
    world.run_for(11 * SECOND);
    assert_eq!(world.lma.bindings(world.now).count(), 0);
}

#[test]
fn shutdown_ends_within_five_seconds_even_if_nobody_answers() {
    let mut world = registered(2);
    world.black_hole(0, 1, true);
    world.black_hole(0, 2, true);
    world.command(Node::Mag(0), Command::Shutdown);
    world.run_for(5 * SECOND);
    assert!(world.mags[0].is_shut_down());
}

#[test]
fn a_cleared_binding_registers_anew_with_the_same_prefixes() {
    let mut world = registered(2);
    let before = lma_binding(&world);
    let nai = "lmn1@example.com".to_owned();
    world.command(Node::Mag(0), Command::ClearBinding { nai });
    world.run_until_idle(2 * SECOND);
    let after = lma_binding(&world);
    assert_eq!(before.delegated, after.delegated);
    assert_eq!(before.home_prefixes, after.home_prefixes);
    assert_eq!(after.paths.len(), 2);
}

#[test]
fn the_same_node_gets_the_same_prefixes_again_after_its_session_ended() {
    let mut world = registered(1);
    let before = lma_binding(&world);
    world.command(Node::Mag(0), Command::Shutdown);
    world.run_for(60 * SECOND);
    assert_eq!(world.lma.bindings(world.now).count(), 0);
    let config = pmip_binding::testing::mag_config(1, 1);
    world.restart_mag(0, config, 55);
    world.interface_up(0, 1);
    world.run_until_idle(SECOND);
    let after = lma_binding(&world);
    assert_eq!(before.delegated, after.delegated);
    assert_eq!(before.home_prefixes, after.home_prefixes);
    assert_eq!(before.ipv4_home, after.ipv4_home);
}

#[test]
fn an_anchor_without_multipath_is_used_over_one_path() {
    let mut config = lma_config();
    config.multipath = false;
    let mut world = pmip_binding::testing::World::new(config, 1);
    let addresses = [1, 2].map(|n| pmip_binding::testing::address(1, n));
    world.add_mag(
        pmip_binding::testing::mag_config(1, 2),
        &addresses,
        &common::link(10),
    );
    world.all_up();
    world.run_until_idle(5 * SECOND);
    assert_eq!(world.lma.stats().acknowledgements.get(&180), Some(&1));
    let binding = lma_binding(&world);
    assert_eq!(binding.paths.len(), 1);
    assert_eq!(binding.paths[0].binding_id, 0, "no option 63 any more");
    assert_eq!(uplink(&world), [1]);
}
