//! `quickstart`: two paths, traffic over both, each link lost in its own way and used again.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::Scenario;
use super::domain::{Domain, LabError, Node, Topology, WanState, host_address, parse_ipv4_prefix};
use super::run::{Claim, Run, Stop};
use super::spec::{DomainSpec, HeartbeatSpec, LMN_NAI};
use super::traffic::{Connection, Direction, Outage};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "quickstart",
    claim: "a mobile network over two paths keeps its transfers when one link is cut and when one \
            goes silent, and uses the links again when they return",
    claims: &[
        REGISTERS,
        BOTH_PATHS,
        REACHABLE,
        SPREAD,
        CUT_SEEN,
        CUT_SURVIVED,
        CUT_RETURNS,
        HOLE_SEEN,
        HOLE_SURVIVED,
        HOLE_RETURNS,
    ],
    breaks: &[
        "no-heartbeat",
        "no-multipath",
        "no-logical-mobile-node",
        "no-core-route",
    ],
    spec,
    play,
};

const REGISTERS: Claim = Claim {
    name: "registers",
    text: "the logical mobile node registers at start without any attach and gets a mobile network",
    rows: &[63],
};
const BOTH_PATHS: Claim = Claim {
    name: "both-paths",
    text: "both paths register and are up on both nodes",
    rows: &[16],
};
const REACHABLE: Claim = Claim {
    name: "reachable",
    text: "host and correspondent ping each other through the anchor",
    rows: &[8],
};
const SPREAD: Claim = Claim {
    name: "spread",
    text: "transfers in each direction use both paths",
    rows: &[16],
};
const CUT_SEEN: Claim = Claim {
    name: "cut-seen",
    text: "a cut link takes its path down on both nodes, the other path stays",
    rows: &[16],
};
const CUT_SURVIVED: Claim = Claim {
    name: "cut-survived",
    text: "every transfer goes on without a reset, flows of the living path stay where they were",
    rows: &[16],
};
const CUT_RETURNS: Claim = Claim {
    name: "cut-returns",
    text: "the link that was cut returns and new flows use it",
    rows: &[16],
};
const HOLE_SEEN: Claim = Claim {
    name: "black-hole-seen",
    text: "a silent link takes its path down on both nodes within (retries + 1) x interval + \
           answer timeout, the other path stays",
    rows: &[38],
};
const HOLE_SURVIVED: Claim = Claim {
    name: "black-hole-survived",
    text: "every transfer goes on without a reset, flows of the living path stay where they were",
    rows: &[38],
};
const HOLE_RETURNS: Claim = Claim {
    name: "black-hole-returns",
    text: "the link that went silent returns and new flows use it",
    rows: &[38],
};

/// What the claims measure against, whatever `--break` does to the nodes.
const HEARTBEAT: HeartbeatSpec = HeartbeatSpec {
    interval: Duration::from_millis(200),
    retries: 1,
    answer_timeout: Duration::from_millis(200),
};
/// Transfers opened at a time in each direction.
const TRANSFERS: usize = 4;
/// Transfers in each direction until which more are opened to reach both paths: all of this many
/// on one of two equal paths has a chance of one in 8 million.
const MOST_TRANSFERS: usize = 24;
const PING_FLOWS: usize = 4;
const PING_INTERVAL: Duration = Duration::from_millis(20);
/// An echo reply later than this counts as lost.
const PING_PATIENCE: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest silence of a transfer when the loss of the link is seen at once. TCP's own
/// retransmission timer, 200 ms to 1 s, is most of it.
const CUT_STALL: Duration = Duration::from_secs(2);

fn spec(broken: Option<&str>, seed: u64) -> DomainSpec {
    let mut spec = DomainSpec::two_paths(seed);
    spec.heartbeat = Some(HEARTBEAT);
    match broken {
        Some("no-heartbeat") => spec.heartbeat = None,
        Some("no-multipath") => spec.multipath = false,
        Some("no-logical-mobile-node") => spec.logical_mobile_node = false,
        Some("no-core-route") => spec.core_route = false,
        Some(_) | None => {}
    }
    spec
}

fn play(run: &mut Run<'_>) -> Result<(), Stop> {
    registration(run)?;
    let host = attach(run)?;
    pings(run, host)?;
    transfers(run)?;
    lose_link(run, &CUT)?;
    return_link(run, &CUT)?;
    lose_link(run, &BLACK_HOLE)?;
    return_link(run, &BLACK_HOLE)
}

fn registration(run: &mut Run<'_>) -> Result<(), Stop> {
    run.step("MAG and LMA start; the MAG registers its logical mobile node over both WANs");
    let took = run.until(PATIENCE, |domain| Ok(mobile_network(domain)?.is_some()))?;
    let detail = match took {
        Some(took) => format!("{LMN_NAI} has its mobile network after {}", ms(took)),
        None => format!("the LMA has no session with a mobile network for {LMN_NAI}"),
    };
    run.claim(&REGISTERS, took.is_some(), detail)?;
    let took = run.until(PATIENCE, |domain| both_up(domain))?;
    run.show_paths()?;
    let detail = match took {
        Some(took) => format!("all up after another {}", ms(took)),
        None => "not all paths came up, see the table".to_owned(),
    };
    run.claim(&BOTH_PATHS, took.is_some(), detail)
}

/// Gives the host an address of the delegated network; the MAG is its first host address.
fn attach(run: &mut Run<'_>) -> Result<Ipv4Addr, Stop> {
    run.step("The host behind the MAG gets an address of the delegated mobile network");
    let Some((network, length)) = mobile_network(run.domain())? else {
        let gone = "the mobile network is gone again".to_owned();
        return Err(LabError::Domain(gone).into());
    };
    let (router, host) = (host_address(network, 1), host_address(network, 2));
    run.domain().attach_host(host, router, length)?;
    run.say(format!(
        "the LMA delegated {network}/{length}; the host is {host}, its router {router}"
    ));
    Ok(host)
}

fn pings(run: &mut Run<'_>, host: Ipv4Addr) -> Result<(), Stop> {
    let correspondent = run.domain().spec().correspondent();
    run.step("Host and correspondent ping each other");
    for direction in Direction::BOTH {
        run.domain()
            .start_pings(direction, PING_FLOWS, PING_INTERVAL)?;
    }
    let answered = |domain: &dyn Domain| {
        let flows = domain.traffic().pings;
        let answered = |flow: &super::traffic::PingFlow| flow.counts(Duration::ZERO).1 >= 5;
        !flows.is_empty() && flows.iter().all(answered)
    };
    let took = run.until(PATIENCE, |domain| Ok(answered(domain)))?;
    let detail = if took.is_some() {
        format!("{PING_FLOWS} flows each way between {host} and {correspondent} are answered")
    } else {
        format!("not every flow between {host} and {correspondent} is answered")
    };
    run.claim(&REACHABLE, took.is_some(), detail)
}

fn transfers(run: &mut Run<'_>) -> Result<(), Stop> {
    run.step("Bulk TCP both ways, several transfers at a time");
    if let Some(pace) = run.domain().pace() {
        let pace = super::screen::bits(pace as f64);
        run.say(format!(
            "each transfer is paced to {pace}: the link is tested, not the processor"
        ));
    }
    for direction in Direction::BOTH {
        run.domain().start_transfers(direction, TRANSFERS)?;
    }
    run.pass(Duration::from_secs(1))?;
    let spread = spread_over(run, &[0, 1], 0)?;
    let from = run.now();
    run.pass(Duration::from_secs(1))?;
    for direction in Direction::BOTH {
        let rate = run.traffic().rate(direction, from, run.now());
        run.say(format!("{direction}: {}", super::screen::bits(rate)));
        for (transfer, wan) in placement(run.domain(), direction)? {
            let name = wan_name(run, wan);
            run.say(format!("  {transfer} by {name}"));
        }
    }
    run.show_paths()?;
    let alive = run.traffic().connections.iter().all(|c| c.bytes > 0);
    let detail = match (spread, alive) {
        (true, true) => "every transfer moves, each path carries some each way",
        (true, false) => "a transfer does not move",
        (false, _) => "all transfers of one direction use one path",
    };
    run.claim(&SPREAD, spread && alive, detail)
}

/// A way to lose a link, and what is claimed of it.
struct Loss {
    wan: usize,
    state: WanState,
    fault: &'static str,
    seen: Claim,
    survived: Claim,
    returns: Claim,
    /// Longest until both nodes show the path down, beyond the topology's slack.
    detection: Duration,
    /// Longest silence of a transfer, beyond the topology's slack.
    stall: Duration,
}

const CUT: Loss = Loss {
    wan: 0,
    state: WanState::Cut,
    fault: "is cut: the MAG's interface loses its carrier",
    seen: CUT_SEEN,
    survived: CUT_SURVIVED,
    returns: CUT_RETURNS,
    detection: Duration::from_millis(500),
    stall: CUT_STALL,
};

const BLACK_HOLE: Loss = Loss {
    wan: 1,
    state: WanState::BlackHole,
    fault: "is silently black-holed: interfaces stay up, packets vanish",
    seen: HOLE_SEEN,
    survived: HOLE_SURVIVED,
    returns: HOLE_RETURNS,
    // (retries + 1) x interval + answer timeout.
    detection: Duration::from_millis(600),
    // TCP doubles its timer while it waits for the verdict.
    stall: Duration::from_millis(600 + 2_000),
};

fn lose_link(run: &mut Run<'_>, loss: &Loss) -> Result<(), Stop> {
    let (wan, name) = (loss.wan, wan_name(run, Some(loss.wan)));
    run.step(&format!("{name} {}", loss.fault));
    let before = all_placements(run)?;
    let at = run.now();
    run.domain().set_wan(wan, loss.state)?;
    let slack = slack(run);
    let down = watch_down(run, wan, loss.detection + slack)?;
    let rest = (at + loss.stall + slack).saturating_sub(run.now());
    let settle = Duration::from_millis(500);
    if down.iter().all(Option::is_some) {
        run.pass(rest + settle)?;
    }
    run.show_paths()?;
    tell_outage(run, format!("{name} {}", loss.fault), at, down);
    let other_stays = run.stayed_up(1 - wan, at);
    let seen = down.iter().all(Option::is_some) && other_stays;
    let detail = match (seen, other_stays) {
        (true, _) => "seen on both nodes, the other path was up throughout".to_owned(),
        (false, true) => format!("{name} is still up after {}", ms(loss.detection + slack)),
        (false, false) => "the other path went down too".to_owned(),
    };
    run.claim(&loss.seen, seen, detail)?;
    survived(run, loss, at, &before)
}

fn survived(
    run: &mut Run<'_>,
    loss: &Loss,
    at: Duration,
    before: &[(String, Option<usize>)],
) -> Result<(), Stop> {
    let traffic = run.traffic();
    let (stall, _) = traffic.stalls(at, run.now());
    let limit = loss.stall + slack(run);
    let now = all_placements(run)?;
    let strayed = before.iter().filter(|(transfer, path)| {
        let stays = now
            .iter()
            .any(|(other, now)| other == transfer && now == path);
        *path == Some(1 - loss.wan) && !stays
    });
    let strayed = strayed.count();
    let failure = traffic.connections.iter().find_map(|c| c.failure.clone());
    let detail = match &failure {
        Some(failure) => format!("a transfer ended: {failure}"),
        None if stall > limit => {
            format!(
                "a transfer was silent for {}, limit {}",
                ms(stall),
                ms(limit)
            )
        }
        None if strayed > 0 => format!("{strayed} flows left the living path"),
        None => format!(
            "no reset, longest silence {} (limit {}), no flow left the living path",
            ms(stall),
            ms(limit)
        ),
    };
    let holds = failure.is_none() && stall <= limit && strayed == 0;
    run.claim(&loss.survived, holds, detail)
}

fn return_link(run: &mut Run<'_>, loss: &Loss) -> Result<(), Stop> {
    let (wan, name) = (loss.wan, wan_name(run, Some(loss.wan)));
    run.step(&format!("{name} returns"));
    run.domain().set_wan(wan, WanState::Up)?;
    let took = run.until(PATIENCE, |domain| both_up(domain))?;
    let Some(took) = took else {
        run.show_paths()?;
        let detail = format!("{name} is not up on both nodes after {}", ms(PATIENCE));
        return run.claim(&loss.returns, false, detail);
    };
    run.say(format!(
        "{name} is up again on both nodes after {}",
        ms(took)
    ));
    let opened = run.traffic().connections.len();
    for direction in Direction::BOTH {
        run.domain().start_transfers(direction, TRANSFERS)?;
    }
    run.pass(Duration::from_secs(1))?;
    let used = spread_over(run, &[wan], opened)?;
    run.pass(Duration::from_millis(500))?;
    run.show_paths()?;
    let reset = run.traffic().resets() > 0;
    let detail = match (used, reset) {
        (true, false) => format!("new flows of both directions use {name}, nothing was reset"),
        (true, true) => "a transfer was reset".to_owned(),
        (false, _) => format!("no new flow of one direction uses {name}"),
    };
    run.claim(&loss.returns, used && !reset, detail)
}

/// Waits until both nodes show the path of `wan` down: how long each took.
fn watch_down(
    run: &mut Run<'_>,
    wan: usize,
    limit: Duration,
) -> Result<[Option<Duration>; 2], LabError> {
    let start = run.now();
    let mut down = [None; 2];
    run.until(limit, |domain| {
        for (node, after) in [Node::Mag, Node::Lma].into_iter().zip(&mut down) {
            let rows = domain.paths(node)?;
            if after.is_none() && !rows.get(wan).is_some_and(super::domain::PathRow::is_up) {
                *after = Some(domain.now().saturating_sub(start));
            }
        }
        Ok(down.iter().all(Option::is_some))
    })?;
    Ok(down)
}

fn tell_outage(run: &mut Run<'_>, fault: String, at: Duration, down: [Option<Duration>; 2]) {
    let (traffic, now) = (run.traffic(), run.now());
    let (stall, stalled_transfers) = traffic.stalls(at, now);
    let gap = traffic.longest_ping_gap(at, now, PING_PATIENCE);
    let [mag, lma] = down.map(|after| after.map(millis));
    run.outage(Outage {
        fault,
        at_s: at.as_secs_f64(),
        mag_down_after_ms: mag,
        lma_down_after_ms: lma,
        longest_stall_ms: millis(stall),
        stalled_transfers,
        longest_ping_gap_ms: millis(gap),
        resets: traffic.resets(),
    });
}

/// Opens more transfers until those from number `first` on use every one of `wans` each way.
fn spread_over(run: &mut Run<'_>, wans: &[usize], first: usize) -> Result<bool, LabError> {
    for direction in Direction::BOTH {
        loop {
            let connections = run.traffic().connections;
            let fresh: Vec<String> = connections
                .iter()
                .skip(first)
                .filter(|connection| connection.direction == direction)
                .map(transfer_label)
                .collect();
            let placed = placement(run.domain(), direction)?;
            let used = |wan: &usize| {
                let on = |(transfer, path): &(String, Option<usize>)| {
                    *path == Some(*wan) && fresh.contains(transfer)
                };
                placed.iter().any(on)
            };
            if wans.iter().all(used) {
                break;
            }
            if fresh.len() >= MOST_TRANSFERS {
                return Ok(false);
            }
            run.domain().start_transfers(direction, TRANSFERS)?;
            run.pass(Duration::from_millis(500))?;
        }
    }
    Ok(true)
}

/// Each transfer of `direction` with the WAN that its payload uses.
fn placement(
    domain: &mut dyn Domain,
    direction: Direction,
) -> Result<Vec<(String, Option<usize>)>, LabError> {
    let sender = match direction {
        Direction::Up => Node::Mag,
        Direction::Down => Node::Lma,
    };
    let flows = domain.flows(sender)?;
    let traffic = domain.traffic();
    let placed = traffic.of(direction).map(|connection| {
        let flow = flows
            .iter()
            .find(|flow| flow.is(TCP, connection.source, connection.destination));
        (transfer_label(connection), flow.and_then(|flow| flow.wan))
    });
    Ok(placed.collect())
}

const TCP: u8 = 6;

fn all_placements(run: &mut Run<'_>) -> Result<Vec<(String, Option<usize>)>, LabError> {
    let mut all = placement(run.domain(), Direction::Up)?;
    all.extend(placement(run.domain(), Direction::Down)?);
    Ok(all)
}

fn transfer_label(connection: &Connection) -> String {
    format!("{} > {}", connection.source, connection.destination)
}

/// The IPv4 network that the LMA delegated to the logical mobile node.
fn mobile_network(domain: &mut dyn Domain) -> Result<Option<(Ipv4Addr, u8)>, LabError> {
    let sessions = domain.sessions(Node::Lma)?;
    let session = sessions.iter().find(|session| session.mn_id == LMN_NAI);
    let mut delegated = session.into_iter().flat_map(|session| &session.delegated);
    Ok(delegated.find_map(|prefix| parse_ipv4_prefix(prefix)))
}

fn both_up(domain: &mut dyn Domain) -> Result<bool, LabError> {
    let wans = domain.spec().wans.len();
    for node in [Node::Mag, Node::Lma] {
        let up = domain.paths(node)?.iter().filter(|row| row.is_up()).count();
        if up < wans {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What a busy machine may add to every limit; virtual time needs no more than one look.
fn slack(run: &mut Run<'_>) -> Duration {
    match run.domain().topology() {
        Topology::Sim => Duration::from_millis(100),
        Topology::Netns => Duration::from_secs(1),
    }
}

fn wan_name(run: &mut Run<'_>, wan: Option<usize>) -> &'static str {
    let spec = run.domain().spec();
    wan.and_then(|wan| spec.wans.get(wan))
        .map_or("no path", |wan| wan.name)
}

fn ms(span: Duration) -> String {
    format!("{:.0} ms", millis(span))
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
