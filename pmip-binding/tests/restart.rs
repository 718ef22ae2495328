//! A node that lost its state is found out by its Restart Counter (RFC 5847 section 3.2,
//! signalling rules section 8).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use common::{Bench, Pbu, SECOND, downlink, lma_binding, registered, uplink};
use pmip_binding::testing::{Node, lma_config, mag_config};
use pmip_binding::{Attachment, BindingState, Event, Input, MobileNode, PathEvent};
use pmip_wire::{ChecksumContext, Heartbeat, Message, MobilityOption};

fn restarts(world: &pmip_binding::testing::World) -> usize {
    let events = world.events.iter();
    events
        .filter(|(_, _, event)| matches!(event, Event::Path(PathEvent::PeerRestarted { .. })))
        .count()
}

#[test]
fn an_anchor_that_restarts_gets_its_bindings_back_within_an_interval() {
    let mut world = registered(2);
    world.run_for(3 * SECOND);
    let before = lma_binding(&world);
    let mut config = lma_config();
    config.restart_counter = 2;
    world.restart_lma(config, 9);
    world.run_for(2 * SECOND);
    let after = lma_binding(&world);
    assert_eq!(after.paths.len(), 2, "{}", world.tail());
    assert_eq!(
        before.delegated, after.delegated,
        "asked for again, and free"
    );
    assert_eq!(before.home_prefixes, after.home_prefixes);
    assert_eq!(before.ipv4_home, after.ipv4_home);
    assert_eq!(downlink(&world).len(), 2);
    assert_eq!(uplink(&world).len(), 2);
    assert_eq!(restarts(&world), 1, "seen on one path, it holds for both");
}

#[test]
fn a_gateway_that_restarts_takes_its_old_paths_over() {
    let mut world = registered(2);
    world.run_for(3 * SECOND);
    let before = lma_binding(&world);
    let mut config = mag_config(1, 2);
    config.restart_counter = 2;
    config.restarted = true;
    world.restart_mag(0, config, 77);
    world.interface_up(0, 1);
    world.interface_up(0, 2);
    world.run_for(3 * SECOND);
    let after = lma_binding(&world);
    assert_eq!(after.session, before.session);
    assert_eq!(after.delegated, before.delegated);
    assert_eq!(after.paths.len(), 2, "{}", world.tail());
    assert_eq!(
        after.state,
        BindingState::Active,
        "registered anew before it was noticed"
    );
}

#[test]
fn the_bindings_of_a_gateway_that_came_back_empty_stop_forwarding() {
    let mut world = registered(2);
    world.run_for(3 * SECOND);
    let mut config = mag_config(1, 2);
    config.restart_counter = 2;
    config.logical_mobile_nodes.clear();
    world.restart_mag(0, config, 77);
    world.interface_up(0, 1);
    world.interface_up(0, 2);
    world.run_for(3 * SECOND);
    assert_eq!(lma_binding(&world).state, BindingState::Disconnecting);
    assert!(world.lma_tables.sessions.is_empty());
    world.run_for(15 * SECOND);
    assert_eq!(world.lma.bindings(world.now).count(), 0);
}

/// A gateway answers a heartbeat and restarts. Its first update overtakes that answer, which must
/// not make the update look older than the restart.
#[test]
fn an_answer_from_before_a_restart_that_comes_late_voids_no_binding() {
    let mut bench = Bench::new(lma_config());
    let first = Pbu::new("a@example.com", 1).multipath("mag", 1);
    bench.send(&first);
    let asked = bench.requests(SECOND);
    bench.answer(&first, asked[0], 1);
    let asked = bench.requests(SECOND);
    bench.now += SECOND / 10;
    bench.send(&Pbu::new("a@example.com", 2).multipath("mag", 1));
    bench.now += SECOND / 10;
    bench.answer(&first, asked[0], 1);
    let asked = bench.requests(SECOND);
    bench.answer(&first, asked[0], 2);
    let restarts = bench
        .events
        .iter()
        .filter(|event| matches!(event, Event::Path(PathEvent::PeerRestarted { .. })));
    assert_eq!(restarts.count(), 1);
    assert_eq!(bench.binding().state, BindingState::Active);
}

/// Two questions are under way when a gateway restarts, and the later one is answered first.
#[test]
fn an_answer_from_before_a_restart_that_comes_after_another_is_no_second_restart() {
    let mut config = lma_config();
    config.heartbeat.rules[0].timeout = Some(SECOND / 10);
    let mut bench = Bench::new(config);
    let first = Pbu::new("a@example.com", 1).multipath("mag", 1);
    bench.send(&first);
    let asked = bench.requests(SECOND);
    bench.answer(&first, asked[0], 1);
    let late = bench.requests(SECOND);
    let next = bench.requests(SECOND / 10);
    bench.send(&Pbu::new("a@example.com", 2).multipath("mag", 1));
    bench.answer(&first, next[0], 2);
    bench.answer(&first, late[0], 1);
    let asked = bench.requests(SECOND);
    bench.answer(&first, asked[0], 2);
    let restarts = bench
        .events
        .iter()
        .filter(|event| matches!(event, Event::Path(PathEvent::PeerRestarted { .. })));
    assert_eq!(restarts.count(), 1);
    assert_eq!(bench.binding().state, BindingState::Active);
}

impl Bench {
    /// Time passes; the sequence numbers of the heartbeats asked meanwhile.
    fn requests(&mut self, span: std::time::Duration) -> Vec<u32> {
        self.now += span;
        let sent = self.give(Input::Timeout);
        let messages = sent
            .iter()
            .map(|payload| Message::decode(payload, ChecksumContext::Udp));
        messages
            .filter_map(|message| match message.unwrap() {
                Message::Heartbeat(beat) => Some(beat.sequence),
                _ => None,
            })
            .collect()
    }

    /// The gateway that sent `pbu` answers a heartbeat with a Restart Counter.
    fn answer(&mut self, pbu: &Pbu, sequence: u32, counter: u32) {
        let mut response = Heartbeat::response(sequence);
        let counter = MobilityOption::RestartCounter(counter);
        response.options.push(counter).unwrap();
        let payload = Message::Heartbeat(response).to_bytes(ChecksumContext::Udp);
        self.give(Input::Signalling(common::datagram(pbu.source, payload)));
    }
}

#[test]
fn an_anchor_that_restarts_is_asked_at_once_for_what_it_refused_before() {
    let mut world = common::world(1);
    let mut full = lma_config();
    full.limits.bindings = 1;
    world.restart_lma(full, 9);
    world.all_up();
    world.run_for(3 * SECOND);
    let node = MobileNode::new("second@example.com");
    let input = Input::Attachment(Attachment::Attach(node));
    world.input(Node::Mag(0), input);
    world.run_for(SECOND);
    assert_eq!(world.mags[0].stats().acknowledgements.get(&130), Some(&1));
    let mut config = lma_config();
    config.restart_counter = 2;
    world.restart_lma(config, 9);
    world.run_for(2 * SECOND);
    assert_eq!(restarts(&world), 1);
    let registered = world.lma.bindings(world.now).count();
    assert_eq!(registered, 2, "not after half a minute\n{}", world.tail());
}
