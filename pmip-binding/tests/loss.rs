//! What is lost is sent again, ever more slowly, and by another way where there is one.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::time::Duration;

use common::{SECOND, downlink, lma_binding, uplink, world};
use pmip_binding::testing::{Loss, Node, World, address, lma_config, mag_config};
use pmip_binding::{Event, PathState};

fn updates_at(world: &pmip_binding::testing::World, path: u32) -> Vec<u64> {
    let head = format!("Mag(0): Some(PathId({path})) Udp");
    let lines = world.history().iter();
    lines
        .filter(|line| line.contains(&head) && line.contains(" PBU "))
        .map(|line| {
            let (seconds, millis) = line.split(' ').next().unwrap().split_once('.').unwrap();
            seconds.parse::<u64>().unwrap() * 1000 + millis.parse::<u64>().unwrap()
        })
        .collect()
}

#[test]
fn an_unanswered_registration_backs_off_from_one_second_to_thirty_two() {
    let mut world = world(1);
    world.record();
    world.black_hole(0, 1, true);
    world.all_up();
    world.run_for(130 * SECOND);
    let at = updates_at(&world, 1);
    let gaps: Vec<u64> = at
        .windows(2)
        .map(|pair| (pair[1] - pair[0]) / 1000)
        .collect();
    assert_eq!(gaps, [1, 2, 4, 8, 16, 32, 32, 32]);
}

#[test]
fn each_retransmission_has_a_new_sequence_number() {
    let mut world = world(1);
    world.record();
    world.black_hole(0, 1, true);
    world.all_up();
    world.run_for(10 * SECOND);
    let lines = world.history().iter().filter(|line| line.contains(" PBU "));
    let numbers = lines.map(|line| {
        let rest = line.split(" seq ").nth(1).unwrap();
        rest.split(' ').next().unwrap().to_owned()
    });
    let numbers: Vec<String> = numbers.collect();
    let mut unique = numbers.clone();
    unique.dedup();
    assert!(numbers.len() >= 4);
    assert_eq!(numbers, unique);
}

#[test]
fn a_black_holed_first_path_does_not_keep_the_second_from_registering() {
    let mut world = world(2);
    world.black_hole(0, 1, true);
    world.all_up();
    world.run_for(5 * SECOND);
    assert_eq!(uplink(&world), [2], "{}", world.tail());
    assert_eq!(downlink(&world), [2]);
    world.black_hole(0, 1, false);
    world.run_for(40 * SECOND);
    assert_eq!(lma_binding(&world).paths.len(), 2);
    assert_eq!(world.lma.bindings(world.now).count(), 1);
}

#[test]
fn registration_gets_through_heavy_loss() {
    for seed in 0..20 {
        let mut world = world(2);
        world.set_links(|link| {
            link.loss = Loss::Random(0.4);
            link.jitter = Duration::from_millis(seed);
        });
        world.all_up();
        world.run_for(200 * SECOND);
        world.set_links(|link| link.loss = Loss::None);
        world.run_for(200 * SECOND);
        assert_eq!(lma_binding(&world).paths.len(), 2, "{}", world.tail());
        assert_eq!(downlink(&world).len(), 2, "{}", world.tail());
    }
}

#[test]
fn a_lost_acknowledgement_does_not_make_a_second_session() {
    let mut world = world(1);
    world.all_up();
    // The PBU is through after 10 ms; its answer is lost.
    world.run_for(Duration::from_millis(12));
    world.black_hole(0, 1, true);
    world.run_for(Duration::from_millis(500));
    world.black_hole(0, 1, false);
    world.run_until_idle(5 * SECOND);
    assert_eq!(world.lma.stats().sessions_created, 1);
    assert_eq!(uplink(&world), [1]);
}

#[test]
fn a_slow_path_whose_answers_come_late_registers_without_flapping() {
    let mut config = lma_config();
    // The default of 300 ms would take the delay for a wrong clock.
    config.timestamp_window = 7 * SECOND;
    let mut world = World::new(config, 1);
    world.add_mag(mag_config(1, 1), &[address(1, 1)], &common::link(900));
    world.all_up();
    world.run_until_idle(10 * SECOND);
    assert_eq!(uplink(&world), [1]);
    let downs = world.events.iter().filter(|(_, node, event)| {
        let down = matches!(
            event,
            Event::Path(pmip_binding::PathEvent::State {
                state: PathState::Down,
                ..
            })
        );
        *node == Node::Mag(0) && down
    });
    assert_eq!(downs.count(), 0);
}
