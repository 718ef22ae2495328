//! An anchor that restarts with its state goes on as if nothing had happened; what it keeps on
//! the way is what it would write now.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
#[path = "common/state.rs"]
mod state;

use std::net::Ipv4Addr;
use std::time::Duration;

use common::{Bench, Pbu, SECOND, downlink, lma_binding, registered, uplink};
use pmip_binding::config::{Network, Profile};
use pmip_binding::snapshot::{
    ChangeRecord, LmaSnapshot, Refusal, RefusalReason, RefusedRecord, RestoreError,
};
use pmip_binding::testing::{UNIX_START, address, lma_config};
use pmip_binding::{
    BindingState, ClockAnchor, Event, Input, Lma, LmaConfig, Output, PathEvent, SessionId,
};
use pmip_wire::Status;
use pmip_wire::types::{Instant, PathId};
use state::{kept, session_of};

/// The bench goes on with a restored anchor; gives what was left out.
fn restart(bench: &mut Bench, config: LmaConfig, snapshot: &LmaSnapshot) -> Vec<Refusal> {
    let clock = ClockAnchor {
        instant: Instant::ZERO,
        unix: UNIX_START,
    };
    let (lma, refusals) = Lma::restore(config, snapshot, [8; 32], clock, bench.now).unwrap();
    bench.lma = lma;
    refusals
}

fn pairs(refusals: &[Refusal]) -> Vec<(RefusedRecord, RefusalReason)> {
    let refusals = refusals.iter();
    refusals
        .map(|refusal| (refusal.record.clone(), refusal.reason))
        .collect()
}

fn reasons(refusals: &[Refusal]) -> Vec<RefusalReason> {
    refusals.iter().map(|refusal| refusal.reason).collect()
}

#[test]
fn a_restart_with_state_goes_unnoticed() {
    let mut world = registered(2);
    world.run_for(3 * SECOND);
    let before = lma_binding(&world);
    let sent = world.mags[0].stats().binding_updates;
    let (snapshot, tables) = (kept(&world.lma), world.lma_tables.clone());
    let refusals = world.resume_lma(lma_config(), &snapshot, 9);
    assert_eq!(refusals, []);
    assert_eq!(lma_binding(&world), before);
    assert_eq!(world.lma_tables, tables, "installed as before");
    world.run_for(5 * SECOND);
    assert_eq!(downlink(&world).len(), 2, "{}", world.tail());
    assert_eq!(uplink(&world).len(), 2);
    assert_eq!(
        world.mags[0].stats().binding_updates,
        sent,
        "nothing to register anew"
    );
    let restarts = world
        .events
        .iter()
        .filter(|(_, _, event)| matches!(event, Event::Path(PathEvent::PeerRestarted { .. })));
    assert_eq!(restarts.count(), 0);
    world.run_until(Instant::from_secs(4 * 3600));
    assert_eq!(world.lma.stats().expired, 0, "refreshes go on");
    assert_eq!(lma_binding(&world).delegated, before.delegated);
}

#[test]
fn a_path_that_was_dead_stays_dead_until_it_answers() {
    let mut world = registered(2);
    world.black_hole(0, 1, true);
    world.run_for(8 * SECOND);
    assert_eq!(downlink(&world), [2]);
    let snapshot = kept(&world.lma);
    world.resume_lma(lma_config(), &snapshot, 9);
    assert_eq!(downlink(&world), [2]);
    world.black_hole(0, 1, false);
    world.run_for(3 * SECOND);
    assert_eq!(downlink(&world).len(), 2, "{}", world.tail());
}

#[test]
fn a_gateway_that_restarted_meanwhile_is_found_out() {
    let mut world = registered(2);
    world.run_for(3 * SECOND);
    let snapshot = kept(&world.lma);
    let mut config = pmip_binding::testing::mag_config(1, 2);
    config.restart_counter = 2;
    config.logical_mobile_nodes.clear();
    world.restart_mag(0, config, 77);
    world.resume_lma(lma_config(), &snapshot, 9);
    world.interface_up(0, 1);
    world.interface_up(0, 2);
    world.run_for(3 * SECOND);
    let restarts = world
        .events
        .iter()
        .filter(|(_, _, event)| matches!(event, Event::Path(PathEvent::PeerRestarted { .. })));
    assert_eq!(restarts.count(), 1, "the counter from before is known");
}

#[test]
fn the_first_outputs_install_paths_and_then_sessions() {
    let world = registered(2);
    let snapshot = kept(&world.lma);
    let clock = world.clock();
    let (mut lma, _) = Lma::restore(lma_config(), &snapshot, [1; 32], clock, world.now).unwrap();
    // An input before the first output: what it leads to comes out later.
    lma.handle_input(world.now, Input::Timeout);
    let mut told = Vec::new();
    while let Output::Event(event) = lma.poll_output() {
        told.push(format!("{event:?}"));
    }
    let position = |needle: &str| told.iter().rposition(|line| line.contains(needle)).unwrap();
    let session = told.iter().position(|line| line.contains("InstallSession"));
    assert!(position("InstallPath") < session.unwrap(), "{told:#?}");
    assert!(session.unwrap() < position("Session(Up"));
}

#[test]
fn the_order_of_updates_outlives_a_restart() {
    let mut bench = Bench::new(lma_config());
    let numbered = Pbu::new("a@example.com", 10);
    let stamped = Pbu::new("b@example.com", 1).with(bench.timestamp());
    assert_eq!(bench.status(&numbered), Status::Accepted);
    assert_eq!(bench.status(&stamped), Status::Accepted);
    let snapshot = kept(&bench.lma);
    assert_eq!(restart(&mut bench, lma_config(), &snapshot), []);
    assert_eq!(bench.status(&numbered), Status::SequenceNumberOutOfWindow);
    assert_ne!(bench.status(&stamped), Status::Accepted, "a replay");
    assert_eq!(
        bench.status(&Pbu::new("a@example.com", 11)),
        Status::Accepted
    );
    bench.now += SECOND;
    let next = stamped.replacing(bench.timestamp());
    assert_eq!(bench.status(&next), Status::Accepted);
    assert_eq!(bench.lma.bindings(bench.now).count(), 2, "no new sessions");
}

#[test]
fn what_is_held_is_not_given_out_and_what_was_held_comes_again() {
    let mut bench = Bench::new(lma_config());
    bench.send(&Pbu::new("a@example.com", 1));
    bench.send(&Pbu::new("gone@example.com", 1));
    let before: Vec<_> = bench.lma.bindings(bench.now).collect();
    bench.send(&Pbu::new("gone@example.com", 2).lifetime(0).handoff(4));
    bench.wait(11 * SECOND);
    let snapshot = kept(&bench.lma);
    assert_eq!(snapshot.remembered().count(), 1);
    restart(&mut bench, lma_config(), &snapshot);
    bench.send(&Pbu::new("gone@example.com", 3));
    bench.send(&Pbu::new("new@example.com", 1));
    let after: Vec<_> = bench.lma.bindings(bench.now).collect();
    assert_eq!(after[0].home_prefixes, before[0].home_prefixes);
    assert_eq!(
        after[1].home_prefixes, before[1].home_prefixes,
        "remembered"
    );
    assert_ne!(after[2].home_prefixes, before[0].home_prefixes);
    assert_ne!(after[2].home_prefixes, before[1].home_prefixes);
}

/// The machine restarted too: its monotonic clock begins anew, the wall clock goes on.
#[test]
fn lifetimes_end_at_their_time_on_another_monotonic_clock() {
    let mut bench = Bench::new(lma_config());
    bench.now = Instant::from_secs(100_000);
    bench.send(&Pbu::new("short@example.com", 1).lifetime(10));
    bench.send(
        &Pbu::new("long@example.com", 1)
            .lifetime(100)
            .from(address(9, 2)),
    );
    bench.send(
        &Pbu::new("late@example.com", 1)
            .lifetime(300)
            .from(address(9, 3)),
    );
    let snapshot = kept(&bench.lma);
    // Down for 60 s: the short one is over.
    let clock = ClockAnchor {
        instant: Instant::from_secs(5),
        unix: UNIX_START + Duration::from_secs(100_060),
    };
    let (lma, refusals) =
        Lma::restore(lma_config(), &snapshot, [8; 32], clock, clock.instant).unwrap();
    let lapsed = (RefusedRecord::Session(SessionId(0)), RefusalReason::Lapsed);
    assert!(pairs(&refusals).contains(&lapsed));
    bench.lma = lma;
    bench.now = clock.instant;
    let remaining: Vec<_> = bench.lma.bindings(bench.now).map(|b| b.remaining).collect();
    assert_eq!(
        remaining,
        [Duration::from_secs(340), Duration::from_secs(1140)]
    );
    bench.wait(Duration::from_secs(340));
    assert_eq!(bench.lma.bindings(bench.now).count(), 1);
    bench.wait(Duration::from_secs(800));
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
}

#[test]
fn a_deregistered_session_waits_for_its_end_or_its_revival() {
    let mut bench = Bench::new(lma_config());
    for nai in ["back@example.com", "gone@example.com"] {
        bench.send(&Pbu::new(nai, 1));
        bench.send(&Pbu::new(nai, 2).lifetime(0).handoff(4));
    }
    let before: Vec<_> = bench.lma.bindings(bench.now).collect();
    bench.wait(4 * SECOND);
    let snapshot = kept(&bench.lma);
    restart(&mut bench, lma_config(), &snapshot);
    let states: Vec<_> = bench.lma.bindings(bench.now).map(|b| b.state).collect();
    assert_eq!(states, [BindingState::Disconnecting; 2]);
    assert_eq!(
        bench.status(&Pbu::new("back@example.com", 3)),
        Status::Accepted
    );
    bench.wait(7 * SECOND);
    let after: Vec<_> = bench.lma.bindings(bench.now).collect();
    assert_eq!(after.len(), 1, "its 10 s began before the restart");
    assert_eq!(after[0].home_prefixes, before[0].home_prefixes);
}

#[test]
fn records_that_contradict_each_other_are_left_out_one_by_one() {
    let mut bench = Bench::new(lma_config());
    for (host, nai) in (1..).zip(["a@example.com", "b@example.com", "c@example.com"]) {
        bench.send(&Pbu::new(nai, 1).from(address(9, host)));
    }
    let mut snapshot = kept(&bench.lma);
    let (a, mut b) = (
        session_of(&snapshot, "a@example.com"),
        session_of(&snapshot, "b@example.com"),
    );
    b.home_prefixes = a.home_prefixes.clone();
    snapshot.apply(ChangeRecord::Session(b.clone()));
    let mut c = session_of(&snapshot, "c@example.com");
    c.paths[0].path = PathId(4_000_000_000);
    snapshot.apply(ChangeRecord::Session(c.clone()));
    let mut far = a.clone();
    far.session = SessionId(u32::MAX);
    far.home_prefixes = vec!["2001:db8:ffff::/64".parse().unwrap()];
    snapshot.apply(ChangeRecord::Session(far));
    let refusals = restart(&mut bench, lma_config(), &snapshot);
    let prefix = a.home_prefixes[0];
    assert_eq!(
        pairs(&refusals),
        [
            (
                RefusedRecord::Session(b.session),
                RefusalReason::InUse(prefix)
            ),
            (
                RefusedRecord::Binding(c.session, 0),
                RefusalReason::UnknownPath
            ),
            (
                RefusedRecord::Session(c.session),
                RefusalReason::UnknownPath
            ),
            (
                RefusedRecord::Session(SessionId(u32::MAX)),
                RefusalReason::OutsidePools("2001:db8:ffff::/64".parse().unwrap())
            ),
        ]
    );
    assert_eq!(bench.lma.bindings(bench.now).count(), 1);
    assert_eq!(bench.lma.paths().count(), 1, "paths of nobody go");
    assert_eq!(
        bench.status(&Pbu::new("b@example.com", 9)),
        Status::Accepted
    );
}

#[test]
fn what_the_configuration_took_away_is_left_out() {
    let mut bench = Bench::new(lma_config());
    bench.send(&Pbu::new("a@example.com", 1));
    bench.send(&Pbu::new("b@example.com", 1));
    let snapshot = kept(&bench.lma);
    let refused = |change: fn(&mut LmaConfig)| {
        let mut bench = Bench::new(lma_config());
        let mut config = lma_config();
        change(&mut config);
        reasons(&restart(&mut bench, config, &snapshot))
    };
    let held = session_of(&snapshot, "a@example.com").home_prefixes[0];
    let no_profile = refused(|config| config.profiles.clear());
    assert_eq!(no_profile, [RefusalReason::NoProfile; 2]);
    let other = refused(|config| {
        config.networks.push(Network::new("net2"));
        config.profiles = vec![Profile::new("@example.com", "net2")];
    });
    assert_eq!(other[0], RefusalReason::OutsidePools(held));
    let strangers = refused(|config| config.dynamic_mag_learning = false);
    assert_eq!(strangers[0], RefusalReason::UnknownPeer);
    let moved = refused(|config| config.ipv4_address = Some(Ipv4Addr::new(192, 0, 2, 99)));
    assert_eq!(moved[0], RefusalReason::UnknownAddress);
    let full = refused(|config| config.limits.bindings = 1);
    assert_eq!(full, [RefusalReason::TooMany]);
}

#[test]
fn nothing_lives_longer_than_it_was_granted() {
    let mut bench = Bench::new(lma_config());
    bench.send(&Pbu::new("a@example.com", 1).lifetime(10));
    let mut snapshot = kept(&bench.lma);
    let mut forever = session_of(&snapshot, "a@example.com");
    forever.paths[0].expires = Instant::MAX;
    snapshot.apply(ChangeRecord::Session(forever));
    restart(&mut bench, lma_config(), &snapshot);
    assert_eq!(bench.binding().remaining, Duration::from_secs(40));
}

#[test]
fn a_snapshot_of_another_version_is_refused() {
    let bench = Bench::new(lma_config());
    let mut snapshot = bench.lma.snapshot();
    snapshot.version = 77;
    let clock = snapshot.clock;
    let outcome = Lma::restore(lma_config(), &snapshot, [0; 32], clock, bench.now);
    assert_eq!(outcome.unwrap_err(), RestoreError::Version { found: 77 });
}

#[test]
fn nobody_pays_for_changes_that_nobody_wants() {
    let mut bench = Bench::new(lma_config());
    bench.send(&Pbu::new("a@example.com", 1));
    assert_eq!(bench.lma.poll_change(), None);
    bench.lma.record_changes(true);
    assert_eq!(
        bench.lma.poll_change(),
        None,
        "only what changes from now on"
    );
    bench.send(&Pbu::new("a@example.com", 2));
    let mut changed = std::iter::from_fn(|| bench.lma.poll_change());
    assert!(changed.any(|change| matches!(change, ChangeRecord::Session(_))));
}

#[test]
fn a_set_clock_is_a_change() {
    let mut bench = Bench::new(lma_config());
    bench.lma.record_changes(true);
    let mut snapshot = bench.lma.snapshot();
    let clock = ClockAnchor {
        instant: bench.now,
        unix: UNIX_START + Duration::from_secs(86_400),
    };
    bench.give(Input::ClockStep(clock));
    while let Some(change) = bench.lma.poll_change() {
        snapshot.apply(change);
    }
    assert_eq!(snapshot.clock, clock);
    assert_eq!(snapshot, bench.lma.snapshot());
}

#[test]
fn a_restored_anchor_of_the_same_clock_writes_the_same_snapshot() {
    let mut bench = Bench::new(lma_config());
    for (host, nai) in (1..).zip(["a@example.com", "b@example.com", "c@example.com"]) {
        bench.send(&Pbu::new(nai, 1).from(address(9, host)));
    }
    bench.give(Input::Command(pmip_binding::Command::ClearBinding {
        nai: "b@example.com".into(),
    }));
    // Nobody answers the revocation.
    bench.wait(Duration::from_secs(1));
    bench.wait(Duration::from_secs(2));
    let snapshot = kept(&bench.lma);
    assert_eq!(restart(&mut bench, lma_config(), &snapshot), []);
    assert_eq!(bench.lma.snapshot(), snapshot);
    let answer = bench.send(&Pbu::new("d@example.com", 1)).unwrap();
    assert_eq!(answer.status, Status::Accepted);
    let numbers: Vec<_> = bench.lma.bindings(bench.now).map(|b| b.session.0).collect();
    assert_eq!(numbers, [0, 1, 2], "the number between is free");
}
