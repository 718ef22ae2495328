//! Every order in which a small handoff can go: two gateways, one mobile node, datagrams that are
//! late, lost or doubled, and timers that fire in between. The engines are cloned at every choice.
//!
//! `PMIP_MORE=1` allows one more loss and one more timer in each, which takes a hundred times as
//! long.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect, and says how much it looked at"
)]

mod common;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use common::SECOND;
use pmip_binding::testing::{
    LMA_ADDRESS, Tables, UNIX_START, address, control, describe, lma_config, mag_config,
};
use pmip_binding::{
    Attachment, BindingState, BindingStatus, ClockAnchor, Datagram, Event, Input, InterfaceChange,
    InterfaceState, Lma, Mag, MobileNode, Output, Transmit,
};
use pmip_wire::types::{Instant, IpPrefix};

const NAI: &str = "walker@example.com";

/// Who a datagram goes to, and who has timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Node {
    Lma,
    Mag(usize),
}

/// What the outside does, in this order: but when, between all else, is a choice.
#[derive(Clone, Copy, Debug, Hash)]
enum Act {
    Attach { mag: usize, handoff: u8 },
    Detach { mag: usize },
}

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    losses: u8,
    doublings: u8,
    timeouts: u8,
}

/// A world between two choices.
#[derive(Clone)]
struct State {
    now: Instant,
    lma: Lma,
    mags: [Mag; 2],
    lma_tables: Tables,
    mag_tables: [Tables; 2],
    timeouts: [Option<Instant>; 3],
    /// In the order of sending.
    under_way: Vec<(Node, Datagram)>,
    acts: &'static [Act],
    left: Bounds,
    /// What was chosen, to be shown.
    path: Vec<String>,
}

/// One way on.
#[derive(Clone, Copy, Debug)]
enum Choice {
    Deliver(usize),
    Lose(usize),
    Double(usize),
    Act,
    Timeout,
}

/// What a search saw.
#[derive(Debug, Default)]
struct Seen {
    states: BTreeSet<u64>,
    choices: u64,
    leaves: u64,
    /// Home prefixes with which the mobile node ended.
    kept: u64,
}

#[test]
fn a_handoff_in_every_order_with_two_losses() {
    const ACTS: &[Act] = &[Act::Attach { mag: 1, handoff: 3 }, Act::Detach { mag: 0 }];
    let bounds = Bounds {
        losses: 2,
        doublings: 0,
        timeouts: 1,
    };
    let seen = explore(ACTS, bounds, 1);
    assert_eq!(
        seen.kept, seen.leaves,
        "the address is kept however it goes"
    );
}

#[test]
fn a_handoff_announced_late_in_every_order() {
    const ACTS: &[Act] = &[Act::Detach { mag: 0 }, Act::Attach { mag: 1, handoff: 3 }];
    let bounds = Bounds {
        losses: 0,
        doublings: 1,
        timeouts: 0,
    };
    explore(ACTS, bounds, 1);
}

#[test]
fn a_handoff_of_unknown_kind_in_every_order() {
    const ACTS: &[Act] = &[Act::Attach { mag: 1, handoff: 4 }, Act::Detach { mag: 0 }];
    let bounds = Bounds {
        losses: 1,
        doublings: 0,
        timeouts: 1,
    };
    explore(ACTS, bounds, 1);
}

#[test]
fn there_and_back_in_every_order() {
    // It has left a gateway before it is seen at the next: a gateway that learns of that later than
    // its own retransmission takes the session back, and no order mark tells that it is wrong.
    const ACTS: &[Act] = &[
        Act::Attach { mag: 1, handoff: 3 },
        Act::Detach { mag: 0 },
        Act::Detach { mag: 1 },
        Act::Attach { mag: 0, handoff: 3 },
    ];
    let bounds = Bounds {
        losses: 0,
        doublings: 0,
        timeouts: 0,
    };
    explore(ACTS, bounds, 0);
}

/// Looks at every order; `last` is the gateway that has the node in the end.
fn explore(acts: &'static [Act], mut bounds: Bounds, last: usize) -> Seen {
    if let Ok(more) = std::env::var("PMIP_MORE") {
        let more: u8 = more.parse().unwrap();
        bounds.losses += more;
        bounds.timeouts += more;
    }
    let start = State::start(acts, bounds);
    let prefix = start.lma.bindings(start.now).next().unwrap().home_prefixes;
    let mut seen = Seen::default();
    let mut open = vec![start];
    while let Some(state) = open.pop() {
        if !seen.states.insert(state.fingerprint()) {
            continue;
        }
        state.check();
        let choices = state.choices();
        if choices.is_empty() {
            seen.leaves += 1;
            let homes = state.clone().finish(last);
            seen.kept += u64::from(homes == prefix);
        }
        for choice in choices {
            seen.choices += 1;
            let mut next = state.clone();
            next.choose(choice);
            open.push(next);
        }
    }
    println!(
        "{acts:?}, {bounds:?}: {} states, {} choices, {} ends, {} with the first prefix",
        seen.states.len(),
        seen.choices,
        seen.leaves,
        seen.kept,
    );
    seen
}

impl State {
    /// The node registered at the first gateway, nothing under way.
    fn start(acts: &'static [Act], left: Bounds) -> Self {
        let now = Instant::ZERO;
        let clock = ClockAnchor {
            instant: now,
            unix: UNIX_START,
        };
        let mut config = lma_config();
        config.heartbeat.rules.clear();
        let lma = Lma::new(config, [1; 32], clock, now).unwrap();
        let mags = [1, 2].map(|index| {
            let mut config = mag_config(index, 1);
            config.logical_mobile_nodes.clear();
            config.multipath = false;
            config.heartbeat.rules.clear();
            Mag::new(config, [index; 32], clock, now).unwrap()
        });
        let mut state = Self {
            now,
            lma,
            mags,
            lma_tables: Tables::default(),
            mag_tables: [Tables::default(), Tables::default()],
            timeouts: [None; 3],
            under_way: Vec::new(),
            acts: &[],
            left,
            path: Vec::new(),
        };
        for mag in 0..2 {
            let change = InterfaceChange {
                binding_id: 1,
                state: InterfaceState::Up(address(number(mag), 1)),
            };
            state.give(Node::Mag(mag), Input::Interface(change));
        }
        state.act(Act::Attach { mag: 0, handoff: 1 });
        state.run_well(SECOND);
        state.acts = acts;
        state
    }

    /// Every way on; none once nothing is under way and nothing more will happen outside.
    fn choices(&self) -> Vec<Choice> {
        let mut choices = Vec::new();
        for (place, packet) in self.under_way.iter().enumerate() {
            // Which of two equal ones goes first makes no difference.
            if self.under_way[..place].contains(packet) {
                continue;
            }
            choices.push(Choice::Deliver(place));
            choices.extend((self.left.losses > 0).then_some(Choice::Lose(place)));
            choices.extend((self.left.doublings > 0).then_some(Choice::Double(place)));
        }
        choices.extend((!self.acts.is_empty()).then_some(Choice::Act));
        let busy = !self.under_way.is_empty() || !self.acts.is_empty() || self.is_asking();
        let timer = self.next_timeout().is_some() && self.left.timeouts > 0;
        choices.extend((busy && timer).then_some(Choice::Timeout));
        choices
    }

    fn is_asking(&self) -> bool {
        let mut bindings = self.mags.iter().flat_map(|mag| mag.bindings(self.now));
        bindings.any(|binding| binding.state != BindingState::Active)
    }

    fn choose(&mut self, choice: Choice) {
        let what = |place: usize, state: &Self| {
            let (node, datagram) = &state.under_way[place];
            format!("to {node:?}: {}", describe(&datagram.payload))
        };
        match choice {
            Choice::Deliver(place) => {
                self.path.push(format!("deliver {}", what(place, self)));
                let (node, datagram) = self.under_way.remove(place);
                self.give(node, Input::Signalling(datagram));
            }
            Choice::Lose(place) => {
                self.path.push(format!("lose {}", what(place, self)));
                self.left.losses -= 1;
                self.under_way.remove(place);
            }
            Choice::Double(place) => {
                self.path.push(format!("double {}", what(place, self)));
                self.left.doublings -= 1;
                let copy = self.under_way[place].clone();
                self.under_way.push(copy);
            }
            Choice::Act => {
                let (act, rest) = self.acts.split_first().unwrap();
                self.path.push(format!("{act:?}"));
                self.acts = rest;
                self.act(*act);
            }
            Choice::Timeout => {
                self.left.timeouts -= 1;
                self.wake();
                self.path.push(format!("time passes until {}", self.now));
            }
        }
    }

    fn act(&mut self, act: Act) {
        let (mag, attachment) = match act {
            Act::Attach { mag, handoff } => {
                let mut node = MobileNode::new(NAI);
                node.handoff_indicator = handoff;
                node.link_layer_identifier = Some(Bytes::from_static(&[2, 0, 0, 0, 0, 5]));
                (mag, Attachment::Attach(node))
            }
            Act::Detach { mag } => {
                let nai = NAI.to_owned();
                (mag, Attachment::Detach { nai })
            }
        };
        self.give(Node::Mag(mag), Input::Attachment(attachment));
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.timeouts.iter().flatten().min().copied()
    }

    fn wake(&mut self) {
        let Some(next) = self.next_timeout() else {
            return;
        };
        self.now = self.now.max(next);
        for node in [Node::Lma, Node::Mag(0), Node::Mag(1)] {
            if self.timeouts[slot(node)].is_some_and(|at| at <= self.now) {
                self.give(node, Input::Timeout);
            }
        }
    }

    fn give(&mut self, node: Node, input: Input) {
        match node {
            Node::Lma => self.lma.handle_input(self.now, input),
            Node::Mag(mag) => self.mags[mag].handle_input(self.now, input),
        }
        loop {
            let output = match node {
                Node::Lma => self.lma.poll_output(),
                Node::Mag(mag) => self.mags[mag].poll_output(),
            };
            match output {
                Output::Transmit(transmit) => self.send(transmit),
                Output::Event(Event::Forwarding(forwarding)) => match node {
                    Node::Lma => self.lma_tables.apply(&forwarding),
                    Node::Mag(mag) => self.mag_tables[mag].apply(&forwarding),
                },
                Output::Event(_) => {}
                Output::Timeout(at) => {
                    self.timeouts[slot(node)] = at;
                    return;
                }
                _ => unreachable!("outputs are known"),
            }
        }
    }

    fn send(&mut self, transmit: Transmit) {
        let node = if transmit.destination == control(LMA_ADDRESS.into()) {
            Node::Lma
        } else {
            let at = |mag: &usize| transmit.destination.ip() == address(number(*mag), 1);
            Node::Mag((0..2).find(at).unwrap())
        };
        let datagram = Datagram {
            carrier: transmit.carrier,
            source: transmit.source,
            destination: transmit.destination,
            payload: transmit.payload,
            vrf: pmip_binding::VrfId::DEFAULT,
        };
        self.under_way.push((node, datagram));
    }

    /// Delivers everything in order, and lets time pass.
    fn run_well(&mut self, span: std::time::Duration) {
        let end = self.now + span;
        loop {
            while !self.under_way.is_empty() {
                let (node, datagram) = self.under_way.remove(0);
                self.give(node, Input::Signalling(datagram));
                self.check();
            }
            if self.next_timeout().is_none_or(|next| next > end) {
                self.now = end;
                return;
            }
            self.wake();
        }
    }

    /// Everything that decides what can follow. Counters don't.
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.lma.fingerprint().hash(&mut hasher);
        for mag in &self.mags {
            let text = format!("{mag:?}");
            let at = text.find("stats: Stats {").unwrap();
            let end = at + closing(&text[at..]);
            (&text[..at], &text[end..]).hash(&mut hasher);
        }
        self.timeouts
            .map(|at| at.map(|at| at.as_nanos()))
            .hash(&mut hasher);
        let mut under_way: Vec<String> = self
            .under_way
            .iter()
            .map(|packet| format!("{packet:?}"))
            .collect();
        under_way.sort();
        under_way.hash(&mut hasher);
        self.now.as_nanos().hash(&mut hasher);
        (self.acts.len(), self.left.losses, self.left.doublings).hash(&mut hasher);
        self.left.timeouts.hash(&mut hasher);
        hasher.finish()
    }

    /// What must be true in every state.
    fn check(&self) {
        let bindings: Vec<BindingStatus> = self.lma.bindings(self.now).collect();
        assert!(bindings.len() <= 2, "{}", self.told());
        let held: Vec<IpPrefix> = bindings
            .iter()
            .flat_map(|binding| binding.home_prefixes.clone())
            .collect();
        let distinct: BTreeSet<&IpPrefix> = held.iter().collect();
        assert_eq!(distinct.len(), held.len(), "{}", self.told());
        let active = bindings.iter().filter(|b| b.state == BindingState::Active);
        let active: Vec<_> = active.map(|binding| binding.session).collect();
        let installed: Vec<_> = self.lma_tables.sessions.keys().copied().collect();
        assert_eq!(installed, active, "{}", self.told());
        assert!(self.under_way.len() < 16, "{}", self.told());
    }

    /// From here on all goes well: the gateway where the node is has it, and nobody else.
    fn finish(mut self, last: usize) -> Vec<IpPrefix> {
        self.run_well(60 * SECOND);
        let bindings: Vec<BindingStatus> = self.lma.bindings(self.now).collect();
        let [theirs] = &bindings[..] else {
            panic!("{bindings:#?}\n{}", self.told());
        };
        let ours: Vec<BindingStatus> = self.mags[last].bindings(self.now).collect();
        let [ours] = &ours[..] else {
            panic!("{ours:#?}\n{}", self.told());
        };
        assert_eq!(theirs.state, BindingState::Active, "{}", self.told());
        assert_eq!(ours.state, BindingState::Active, "{}", self.told());
        assert_eq!(ours.home_prefixes, theirs.home_prefixes, "{}", self.told());
        assert_eq!(ours.ipv4_home, theirs.ipv4_home, "{}", self.told());
        let paths: Vec<_> = self.lma.paths().map(|path| path.care_of).collect();
        assert_eq!(paths, [address(number(last), 1)], "{}", self.told());
        let other = &self.mags[1 - last];
        assert_eq!(other.bindings(self.now).count(), 0, "{}", self.told());
        assert!(
            self.mag_tables[1 - last].sessions.is_empty(),
            "{}",
            self.told()
        );
        assert_eq!(self.mag_tables[last].sessions.len(), 1, "{}", self.told());
        theirs.home_prefixes.clone()
    }

    fn told(&self) -> String {
        self.path.join("\n")
    }
}

const fn slot(node: Node) -> usize {
    match node {
        Node::Lma => 2,
        Node::Mag(mag) => mag,
    }
}

fn number(mag: usize) -> u8 {
    u8::try_from(mag + 1).unwrap()
}

/// The place after the brace that closes the first one.
fn closing(text: &str) -> usize {
    let mut depth = 0;
    for (place, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 1 => return place + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}
