//! A logical mobile node registers over its uplinks and gets its addresses.

use std::time::Duration;

use pmip_binding::testing::{LinkConfig, World, address, lma_config, mag_config};
use pmip_binding::{BindingState, PathState};

fn link(millis: u64) -> LinkConfig {
    let mut config = LinkConfig::new();
    config.latency = Duration::from_millis(millis);
    config
}

fn world(interfaces: u8) -> World {
    let mut world = World::new(lma_config(), 1);
    let addresses: Vec<_> = (1..=interfaces).map(|n| address(1, n)).collect();
    world.add_mag(mag_config(1, interfaces), &addresses, &link(10));
    world
}

#[test]
fn both_paths_register_and_both_ends_agree() {
    let mut world = world(2);
    world.all_up();
    world.run_until_idle(Duration::from_secs(1));
    let lma: Vec<_> = world.lma.bindings(world.now).collect();
    let mag: Vec<_> = world.mags[0].bindings(world.now).collect();
    assert_eq!(lma.len(), 1, "one session per logical mobile node");
    assert_eq!(lma[0].paths.len(), 2);
    assert_eq!(mag[0].state, BindingState::Active);
    assert_eq!(lma[0].home_prefixes, mag[0].home_prefixes);
    assert_eq!(lma[0].ipv4_home, mag[0].ipv4_home);
    assert_eq!(lma[0].delegated, mag[0].delegated);
    assert_eq!(lma[0].delegated.len(), 1);
    assert!(world.lma.paths().all(|path| path.state == PathState::Up));
    let session = world.lma_tables.session_of(lma[0].delegated[0]).unwrap();
    assert_eq!(world.lma_tables.usable_paths(session).len(), 2);
    let session = world.mag_tables[0].session_of(lma[0].delegated[0]).unwrap();
    assert_eq!(world.mag_tables[0].usable_paths(session).len(), 2);
}

#[test]
fn the_second_path_costs_one_more_round_trip_and_no_more() {
    let mut world = world(2);
    world.all_up();
    world.run_until_idle(Duration::from_secs(1));
    assert_eq!(world.now.as_millis(), 60, "{}", world.tail());
}
