//! Worlds whose clocks are wrong for a while.

use std::time::Duration;

use pmip_binding::testing::{Node, World, address, lma_config, mag_config};
use pmip_binding::{ClockAnchor, Input};

use super::{SECOND, link};

/// A gateway with two uplinks that refreshes every 10 s what ends after 60 s, registered.
pub fn hasty() -> World {
    let mut config = mag_config(1, 2);
    config.lifetime = 60 * SECOND;
    config.refresh_time = 10 * SECOND;
    let mut world = World::new(lma_config(), 1);
    world.add_mag(config, &[address(1, 1), address(1, 2)], &link(10));
    world.all_up();
    world.run_for(SECOND);
    world
}

/// The clock of `node` shows this time since 1970 now.
pub fn set_clock(world: &mut World, node: Node, unix: Duration) {
    let instant = world.clock().instant;
    world.input(node, Input::ClockStep(ClockAnchor { instant, unix }));
}

/// The clock of `node` is set and shows so much more than it should.
pub fn set_ahead(world: &mut World, node: Node, ahead: Duration) {
    let right = world.clock().unix;
    set_clock(world, node, right + ahead);
}

pub fn set_right(world: &mut World, node: Node) {
    set_ahead(world, node, Duration::ZERO);
}
