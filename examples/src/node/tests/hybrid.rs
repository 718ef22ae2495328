//! The hybrid-access service of a MAG and an LMA, measuring each other in memory.

use pmip_policy::ProfileState;
use pmip_wire::types::PathId;

use super::*;
use crate::platform::dataplane::{DataPlaneEvent, DataPlaneStats, PathStats};

const SERVICE: [&str; 5] = [
    "mobility-service hybrid-access",
    "sla num-packets 10 interval 20 frequency 10",
    "profile-definition voice",
    "rtt 100",
    "packet-loss 2",
];

fn configure(seat: &mut Seat, now: Instant, node: &str, lines: &[&str]) {
    let lines = [&[node], lines].concat();
    let lines = lines.iter().map(|line| (*line).to_owned()).collect();
    let done = seat.ask(now, Request::Configure { lines });
    assert!(matches!(done, Response::Ok(_)), "{done:?}");
}

const LMA: &str = "ipv6 mobile pmipv6-lma LMA1 domain D";
const MAG: &str = "ipv6 mobile pmipv6-mag MAG1 domain D";

/// A registered domain whose nodes measure its paths.
fn measuring() -> Domain {
    let mut domain = Domain::registered();
    configure(&mut domain.lma, domain.now, LMA, &SERVICE);
    configure(&mut domain.mag, domain.now, MAG, &SERVICE);
    domain
}

/// The path of the other node with the same care-of address.
fn twin(from: &Node, to: &Node, path: PathId) -> PathId {
    let care_of = from.engine().path_status(path).expect("a path").care_of;
    let paths = to.engine().paths();
    let twin = paths.iter().find(|path| path.care_of == care_of);
    twin.expect("the same path").path
}

/// Delivers what was sent, probes over the MAG's paths in `broken` excepted.
fn carry(domain: &mut Domain, broken: &[PathId]) -> bool {
    let now = domain.now;
    let mut carried = false;
    for up in [true, false] {
        let (from, to) = match up {
            true => (&mut domain.mag, &mut domain.lma),
            false => (&mut domain.lma, &mut domain.mag),
        };
        for action in from.memory.take_actions() {
            let input = if let Action::Local(path, packet) = &action {
                let there = twin(&from.node, &to.node, *path);
                let of_mag = if up { *path } else { there };
                if broken.contains(&of_mag) {
                    continue;
                }
                let tunnel = to.node.table().path(there);
                NodeInput::DataPlane(DataPlaneEvent::Local {
                    path: there,
                    from: tunnel.expect("a path of the receiver").remote,
                    received: now,
                    packet: packet.clone(),
                })
            } else if let Some(datagram) = sent(action) {
                NodeInput::Datagram(datagram)
            } else {
                continue;
            };
            carried = true;
            to.turn(now, input);
        }
    }
    carried
}

/// Lets time pass; before each step `traffic` is what the MAG's data plane has counted.
fn run(domain: &mut Domain, span: Duration, broken: &[PathId], traffic: bool) {
    let end = domain.now + span;
    let mut packets = 0;
    loop {
        while carry(domain, broken) {}
        let deadlines = [domain.mag.deadline, domain.lma.deadline];
        let next = deadlines.into_iter().flatten().min();
        match next.filter(|next| *next <= end) {
            None => break,
            Some(next) => domain.now = domain.now.max(next),
        }
        packets += u64::from(traffic);
        domain
            .mag
            .memory
            .set_stats(sending(&domain.mag.node, packets));
        for seat in [&mut domain.mag, &mut domain.lma] {
            if seat.deadline.is_some_and(|deadline| deadline <= domain.now) {
                seat.turn(domain.now, NodeInput::Timeout);
            }
        }
    }
    domain.now = end;
}

fn sending(node: &Node, packets: u64) -> DataPlaneStats {
    let mut stats = DataPlaneStats::default();
    for path in node.engine().paths() {
        let counted = PathStats {
            tx_packets: packets,
            ..PathStats::default()
        };
        stats.paths.push((path.path, counted));
    }
    stats
}

fn first_path(seat: &Seat) -> PathId {
    seat.node.engine().paths().first().expect("a path").path
}

/// Paths that the published table lets carry traffic.
fn carrying(seat: &Seat) -> usize {
    let table = seat.memory.table().expect("a published table");
    let paths = seat.node.engine().paths();
    let tunnels = paths.iter().filter_map(|path| table.path(path.path));
    tunnels.filter(|tunnel| tunnel.usable).count()
}

fn measured(seat: &Seat, path: PathId) -> (u64, u64) {
    let service = seat.node.hybrid().service().expect("it runs");
    let view = service.path(path).expect("it is watched");
    let last = view.history.last().expect("an operation ended");
    (last.window.sent(), last.window.received())
}

#[test]
fn both_nodes_measure_every_path_through_its_tunnel() {
    let mut domain = measuring();
    run(&mut domain, Duration::from_secs(25), &[], false);
    for seat in [&domain.mag, &domain.lma] {
        for path in seat.node.engine().paths() {
            assert_eq!(measured(seat, path.path), (10, 10));
            let voice = seat.node.config().profile_id("voice").expect("a profile");
            let verdict = seat.node.verdicts().get(path.path, voice);
            assert_eq!(verdict.state, ProfileState::Conforming);
        }
        assert_eq!(
            seat.node
                .hybrid()
                .service()
                .expect("it runs")
                .counters()
                .malformed,
            0
        );
    }
}

#[test]
fn a_lossy_path_violates_its_profile_and_the_other_does_not() {
    let mut domain = measuring();
    let broken = first_path(&domain.mag);
    run(&mut domain, Duration::from_secs(25), &[broken], false);
    let voice = domain.mag.node.config().profile_id("voice");
    let voice = voice.expect("a profile");
    for path in domain.mag.node.engine().paths() {
        let conforms = domain.mag.node.verdicts().get(path.path, voice).conforms();
        assert_eq!(conforms, path.path != broken, "{}", path.path);
    }
}

#[test]
fn a_path_in_use_that_falls_silent_leaves_the_table_alone_and_returns() {
    let mut domain = measuring();
    run(&mut domain, Duration::from_secs(3), &[], true);
    assert_eq!(carrying(&domain.mag), 2);
    let broken = first_path(&domain.mag);
    run(&mut domain, Duration::from_secs(2), &[broken], true);
    let dead = domain.mag.memory.table().expect("a published table");
    assert!(!dead.path(broken).expect("its tunnel").usable);
    assert_eq!(carrying(&domain.mag), 1);
    // The binding is as it was: only where packets go has changed.
    assert_eq!((domain.mag.up_paths(), domain.lma.up_paths()), (2, 2));
    run(&mut domain, Duration::from_secs(20), &[], true);
    assert_eq!(carrying(&domain.mag), 2);
}

/// Row 53: what ends is the service of the peer, not its paths.
#[test]
fn a_peer_that_stops_answering_on_every_path_keeps_its_traffic() {
    let mut domain = measuring();
    run(&mut domain, Duration::from_secs(3), &[], true);
    let off = ["no mobility-service hybrid-access"];
    configure(&mut domain.lma, domain.now, LMA, &off);
    run(&mut domain, Duration::from_secs(5), &[], true);
    assert_eq!(carrying(&domain.mag), 2);
    assert_eq!((domain.mag.up_paths(), domain.lma.up_paths()), (2, 2));
    assert!(domain.lma.node.hybrid().service().is_none());
}

/// Row 53: a service that stops gives back what it took out of the table.
#[test]
fn a_service_that_is_switched_off_leaves_every_path_in_use() {
    let mut domain = measuring();
    run(&mut domain, Duration::from_secs(3), &[], true);
    let broken = first_path(&domain.mag);
    run(&mut domain, Duration::from_secs(2), &[broken], true);
    assert_eq!(carrying(&domain.mag), 1);
    let off = ["no mobility-service hybrid-access"];
    configure(&mut domain.mag, domain.now, MAG, &off);
    assert_eq!(carrying(&domain.mag), 2);
    let voice = domain.lma.node.config().profile_id("voice");
    assert!(
        domain
            .mag
            .node
            .verdicts()
            .get(broken, voice.expect("a profile"))
            .conforms()
    );
}

/// Row 53: a mistake in the service ends the service alone, until it is configured anew.
#[test]
fn a_service_that_fails_takes_nothing_with_it() {
    let mut domain = measuring();
    run(&mut domain, Duration::from_secs(3), &[], true);
    let broken = first_path(&domain.mag);
    run(&mut domain, Duration::from_secs(2), &[broken], true);
    assert_eq!(carrying(&domain.mag), 1);
    let created = domain.mag.node.engine().stats().sessions_created;
    let fail = |_: &mut pmip_sla::HybridAccess| panic!("a mistake");
    domain.mag.node.hybrid.guarded(fail);
    assert!(domain.mag.node.hybrid().has_failed());
    run(&mut domain, Duration::from_secs(10), &[], true);
    assert_eq!(carrying(&domain.mag), 2);
    assert_eq!((domain.mag.up_paths(), domain.lma.up_paths()), (2, 2));
    assert_eq!(domain.mag.node.engine().stats().sessions_created, created);
    configure(&mut domain.mag, domain.now, MAG, &["binding lifetime 3600"]);
    run(&mut domain, Duration::from_secs(15), &[], true);
    assert_eq!(measured(&domain.mag, broken), (10, 10));
}

#[test]
fn what_was_measured_is_shown_in_full_and_forgotten_on_demand() {
    let mut domain = measuring();
    let broken = first_path(&domain.mag);
    run(&mut domain, Duration::from_secs(25), &[broken], false);
    let now = domain.now;
    let history = Request::Show {
        what: What::Sla,
        only: Some(crate::control::Only::History),
    };
    let Response::Ok(shown) = domain.mag.ask(now, history) else {
        panic!("a MAG shows what it measured");
    };
    assert_eq!(shown.pointer("/0/label"), Some(&"LTE".into()));
    assert_eq!(shown.pointer("/0/last/lost"), Some(&10.into()));
    assert_eq!(shown.pointer("/1/last/received"), Some(&10.into()));
    assert_eq!(shown.pointer("/1/last/loss/forward"), Some(&0.into()));
    let state = |path: u8| shown.pointer(&format!("/{path}/profiles/0/state"));
    assert_eq!(state(0), Some(&"violating".into()));
    assert_eq!(state(1), Some(&"conforming".into()));
    assert_eq!(
        shown.pointer("/0/profiles/0/violated"),
        Some(&"loss".into())
    );
    let history = shown.pointer("/1/history").and_then(|h| h.as_array());
    let history = history.map_or(0, Vec::len);
    assert!(history >= 2, "{shown}");
    assert_eq!(shown.pointer("/1/operations"), Some(&history.into()));
    let started = shown.pointer("/1/last_started").and_then(|at| at.as_f64());
    assert!(started > Some(1.7e9), "{shown}");
    let text = crate::view::render(What::Sla, shown).expect("rows of ours");
    assert!(
        text.contains("violating") && text.contains("wan1"),
        "{text}"
    );

    let cleared = domain.mag.ask(now, Request::ClearSla);
    assert_eq!(cleared, Response::Ok(serde_json::Value::Null));
    let Response::Ok(shown) = domain.mag.ask(now, Request::show(What::Sla)) else {
        panic!("a MAG shows what it measured");
    };
    assert_eq!(shown.pointer("/1/operations"), Some(&0.into()));
    assert_eq!(shown.pointer("/1/history"), None);
}

/// Names are a contract: dashboards and alarms use them.
#[test]
fn what_was_measured_is_told_to_prometheus() {
    let mut domain = measuring();
    let broken = first_path(&domain.mag);
    run(&mut domain, Duration::from_secs(25), &[broken], true);
    let text = crate::control::metrics::text(&domain.mag.node, domain.now);
    let sample = |name: &str, label: &str, rest: &str| -> Option<f64> {
        let mut lines = text.lines();
        let line = lines.find(|line| {
            let series = line.strip_prefix(name).filter(|rest| rest.starts_with('{'));
            series.is_some_and(|series| series.contains(label) && series.contains(rest))
        })?;
        line.rsplit_once(' ')?.1.parse().ok()
    };
    for (label, loss, violating) in [("LTE", 1.0, 1.0), ("DSL", 0.0, 0.0)] {
        let label = format!("label=\"{label}\"");
        let of = |name: &str, rest: &str| sample(name, &label, rest);
        assert_eq!(of("pmip_sla_loss_ratio", ""), Some(loss), "{text}");
        assert!(of("pmip_sla_operations", "") >= Some(2.0), "{text}");
        let voice = of("pmip_sla_profile_violating", "profile=\"voice\"");
        assert_eq!(voice, Some(violating), "{text}");
    }
    assert!(sample("pmip_sla_answered_total", "ipsla", "") > Some(0.0));
    assert_eq!(sample("pmip_sla_dropped_total", "malformed", ""), Some(0.0));
}

#[test]
fn a_node_without_the_service_shows_nothing_and_clears_nothing() {
    let mut domain = Domain::registered();
    let now = domain.now;
    let shown = domain.mag.ask(now, Request::show(What::Sla));
    assert_eq!(shown, Response::Ok(serde_json::json!([])));
    let cleared = domain.mag.ask(now, Request::ClearSla);
    assert!(matches!(cleared, Response::Error(_)), "{cleared:?}");
}
