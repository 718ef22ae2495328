//! What must be true of a world whatever happens to it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use bytes::Bytes;
use pmip_wire::types::{Instant, IpPrefix, PathId};
use pmip_wire::{BindingAcknowledgement, BindingUpdate, ChecksumContext, Message};

use super::forge;
use super::play::{Played, nai};
use super::tables::Tables;
use super::world::{Node, Taped};
use crate::message::status;
use crate::snapshot::LmaSnapshot;
use crate::{
    BindingState, BindingStatus, Datagram, Input, Lma, Output, PathRoute, SessionId, Transmit,
};

const ANCHOR: &str = "anchor";
const GATEWAY: &str = "gateway";

/// What is remembered from one check to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    /// The anchor's state, kept up to date by its change records.
    pub(super) kept: Option<LmaSnapshot>,
    /// Who had which session, with which home prefixes.
    sessions: BTreeMap<SessionId, (String, Vec<IpPrefix>)>,
    /// The latest Timestamp accepted for a mobile node, prefix and Binding ID.
    accepted: BTreeMap<(String, Option<IpPrefix>, u8), u64>,
    /// PBUs that were accepted while no session came.
    taken: BTreeSet<Bytes>,
    created: u64,
}

impl Model {
    /// The anchor forgot everything.
    pub(super) fn forget(&mut self) {
        self.sessions.clear();
        self.accepted.clear();
        self.taken.clear();
        self.created = 0;
    }

    /// Whether the anchor accepted exactly this, and no session came or went since.
    pub(super) fn was_accepted(&self, datagram: &Datagram) -> bool {
        self.taken.contains(&datagram.payload)
    }
}

impl Played {
    /// What must be true at every moment.
    pub(super) fn check(&mut self) {
        self.note_new_sessions();
        self.check_addresses();
        self.check_limits();
        self.check_lives();
        self.check_anchor_forwarding();
        for mag in 0..self.world.mags.len() {
            self.check_gateway_forwarding(mag);
        }
        self.check_kept();
        self.check_sessions();
        self.check_tape();
        if self.topology.scarce {
            self.check_pools();
        }
    }

    /// Which sessions ended when others came is not to be seen from outside, so that nothing is
    /// known of them.
    fn note_new_sessions(&mut self) {
        let created = self.world.lma.stats().sessions_created;
        if created != self.model.created {
            self.model.forget();
            self.model.created = created;
            self.world.take_tape();
        }
    }

    fn fail(&self, what: &str) -> ! {
        panic!("{what}\nat {}\n{}", self.world.now, self.world.tail())
    }

    fn ensure(&self, fine: bool, what: impl FnOnce() -> String) {
        if !fine {
            self.fail(&what());
        }
    }

    fn lma_bindings(&self) -> Vec<BindingStatus> {
        self.world.lma.bindings(self.world.now).collect()
    }

    /// No address twice, and none that is not from a pool.
    fn check_addresses(&self) {
        let bindings = self.lma_bindings();
        let held: Vec<IpPrefix> = bindings.iter().flat_map(prefixes).collect();
        for (place, first) in held.iter().enumerate() {
            let twin = held[place + 1..].iter().find(|other| first.overlaps(other));
            self.ensure(twin.is_none(), || {
                format!("{first} and {twin:?}: {bindings:#?}")
            });
        }
        let network = &self.lma_config.networks[0];
        for binding in &bindings {
            for prefix in &binding.home_prefixes {
                let pool = network.ipv6_pool;
                let fine = pool.is_some_and(|pool| {
                    pool.prefix.contains(prefix.address()) && pool.prefix_length == prefix.length()
                });
                self.ensure(fine, || format!("{prefix} is from no pool"));
            }
            for prefix in &binding.delegated {
                let mut pools = network.mobile_network_pools.iter();
                let fine = pools.any(|pool| pool.prefix.contains(prefix.address()));
                self.ensure(fine, || format!("{prefix} is from no pool"));
            }
            if let (Some((address, _, _)), Some(pool)) = (binding.ipv4_home, network.ipv4_pool) {
                let fine = (pool.first..=pool.last).contains(&address) && address != pool.router();
                self.ensure(fine, || format!("{address} is from no pool"));
            }
        }
    }

    /// Memory is bounded by the configuration.
    fn check_limits(&self) {
        let limits = self.lma_config.limits;
        let bindings = self.lma_bindings();
        let count = bindings.len();
        self.ensure(count <= limits.bindings as usize, || {
            format!("{count} bindings")
        });
        for binding in &bindings {
            let paths = binding.paths.len();
            // A limit that became lower holds for what comes.
            let fine = paths <= usize::from(limits.paths_per_binding);
            self.ensure(fine, || format!("{paths} paths of {}", binding.mn_id));
        }
        let used: BTreeSet<PathId> = bindings.iter().flat_map(paths_of).collect();
        let paths: BTreeSet<PathId> = self.world.lma.paths().map(|path| path.path).collect();
        self.ensure(used == paths, || format!("paths {paths:?}, used {used:?}"));
        let snapshot = self.world.lma.snapshot();
        let remembered = snapshot.remembered.len();
        let fine = remembered <= limits.bindings as usize;
        self.ensure(fine, || format!("{remembered} ended sessions in mind"));
        for path in self.world.lma.paths() {
            let users = bindings.iter().flat_map(paths_of);
            let users = users.filter(|used| *used == path.path).count();
            let fine = path.sessions as usize == users;
            self.ensure(fine, || {
                format!("{} counts {} sessions", path.path, path.sessions)
            });
        }
    }

    /// What is not refreshed ends in time; what is de-registered forwards nothing.
    fn check_lives(&self) {
        for binding in self.lma_bindings() {
            let fine = match binding.state {
                BindingState::Active => {
                    let lives = |path: &crate::PathBindingStatus| {
                        !path.remaining.is_zero() && path.remaining <= path.lifetime
                    };
                    !binding.paths.is_empty() && binding.paths.iter().all(lives)
                }
                BindingState::Disconnecting => binding.paths.is_empty(),
                BindingState::Init | BindingState::RefreshPending => false,
            };
            self.ensure(fine, || format!("{binding:#?}"));
        }
    }

    fn check_anchor_forwarding(&self) {
        let world = &self.world;
        let tables = &world.lma_tables;
        let mut active = BTreeSet::new();
        for binding in self.lma_bindings() {
            if binding.state == BindingState::Active {
                active.insert(binding.session);
                self.check_route(ANCHOR, tables, &binding, &binding.paths);
            }
        }
        let installed: BTreeSet<SessionId> = tables.sessions.keys().copied().collect();
        self.ensure(installed == active, || {
            format!("{installed:?} installed, {active:?} active")
        });
        let known: BTreeSet<PathId> = world.lma.paths().map(|path| path.path).collect();
        let installed: BTreeSet<PathId> = tables.paths.keys().copied().collect();
        self.ensure(installed == known, || {
            format!("{installed:?} installed, {known:?} known")
        });
        for path in world.lma.paths() {
            let fine = tables.paths.get(&path.path).is_some_and(|endpoint| {
                endpoint.remote == path.remote
                    && endpoint.care_of == path.care_of
                    && endpoint.usable == path.usable
                    && endpoint.weight == path.weight
            });
            self.ensure(fine, || {
                format!("{path:#?}\n{:#?}", tables.paths.get(&path.path))
            });
        }
    }

    fn check_gateway_forwarding(&self, mag: usize) {
        let world = &self.world;
        let tables = &world.mag_tables[mag];
        let mut listed = BTreeSet::new();
        for binding in world.mags[mag].bindings(world.now) {
            let carries = |path: &&crate::PathBindingStatus| !path.lifetime.is_zero();
            let paths: Vec<_> = binding.paths.iter().filter(carries).copied().collect();
            listed.insert(binding.session);
            // Without any path it may stay, or not: the anchor may hold it yet.
            if !paths.is_empty() || tables.sessions.contains_key(&binding.session) {
                self.check_route(GATEWAY, tables, &binding, &paths);
            }
        }
        let mut installed = tables.sessions.keys();
        self.ensure(installed.all(|session| listed.contains(session)), || {
            format!("gateway {mag}: more than {listed:?} installed: {tables:#?}")
        });
        for path in world.mags[mag].paths() {
            if let Some(endpoint) = tables.paths.get(&path.path) {
                let fine = endpoint.usable == path.usable && endpoint.remote == path.remote;
                self.ensure(fine, || format!("{path:#?}\n{endpoint:#?}"));
            }
        }
    }

    fn check_route(
        &self,
        who: &str,
        tables: &Tables,
        binding: &BindingStatus,
        paths: &[crate::PathBindingStatus],
    ) {
        let Some(route) = tables.sessions.get(&binding.session) else {
            self.fail(&format!("{who}: not installed: {binding:#?}"));
        };
        let installed: BTreeSet<IpPrefix> = route.prefixes.iter().copied().collect();
        let held: BTreeSet<IpPrefix> = prefixes(binding).collect();
        // What a gateway was refused it asks for no more, and takes away with the next grant.
        let asking = who == GATEWAY && installed.is_superset(&held);
        self.ensure(installed == held || asking, || {
            format!("{who}: {route:#?}\n{binding:#?}")
        });
        let over: BTreeSet<PathId> = route
            .paths
            .iter()
            .map(|path: &PathRoute| path.path)
            .collect();
        let bound: BTreeSet<PathId> = paths.iter().map(|path| path.path).collect();
        self.ensure(over == bound, || format!("{who}: {route:#?}\n{binding:#?}"));
    }

    /// The change records tell everything.
    pub(super) fn check_kept(&mut self) {
        let Some(kept) = &mut self.model.kept else {
            return;
        };
        while let Some(change) = self.world.lma.poll_change() {
            kept.apply(change);
        }
        let fine = *kept == self.world.lma.snapshot();
        self.ensure(fine, || {
            let now = self.world.lma.snapshot();
            format!(
                "change records leave something out: {:#?}\n{now:#?}",
                self.model.kept
            )
        });
    }

    /// A session stays its mobile node's, and keeps its home prefixes.
    fn check_sessions(&mut self) {
        let bindings = self.lma_bindings();
        for binding in &bindings {
            let Some((mn_id, homes)) = self.model.sessions.get(&binding.session) else {
                continue;
            };
            let same = homes.is_empty()
                || binding.home_prefixes.is_empty()
                || *homes == binding.home_prefixes;
            let fine = *mn_id == binding.mn_id && same;
            self.ensure(fine, || format!("{mn_id} had {homes:?}: {binding:#?}"));
        }
        let ended = |session: &SessionId| bindings.iter().all(|b| b.session != *session);
        if self.model.sessions.keys().any(ended) {
            // Its marks ended with it: what it took may come again.
            self.model.taken.clear();
            self.model.accepted.clear();
            self.world.take_tape();
        }
        let sessions = bindings.into_iter();
        self.model.sessions = sessions
            .map(|binding| (binding.session, (binding.mn_id, binding.home_prefixes)))
            .collect();
    }

    /// Nothing older is accepted after something newer, and nobody is woken in the past.
    fn check_tape(&mut self) {
        let tape = self.world.take_tape();
        let mut asked: Option<Datagram> = None;
        for (at, node, taped) in tape {
            match (node, taped) {
                (Node::Lma, Taped::Input(Input::Signalling(datagram))) => asked = Some(datagram),
                (Node::Lma, Taped::Output(Output::Transmit(transmit))) => {
                    self.check_answer(asked.as_ref(), &transmit);
                }
                (Node::Lma | Node::Mag(_), Taped::Output(Output::Timeout(Some(wake)))) => {
                    self.ensure(wake >= at, || format!("{node:?} wants to wake in the past"));
                }
                (Node::Lma | Node::Mag(_), Taped::Input(_) | Taped::Output(_)) => {}
            }
        }
    }

    fn check_answer(&mut self, asked: Option<&Datagram>, transmit: &Transmit) {
        let Some(answer) = acknowledgement(&transmit.payload) else {
            return;
        };
        let accepted = answer.status.code() < status::FIRST_REJECTION;
        let Some((datagram, update)) = asked.and_then(|asked| {
            let update = update(&asked.payload)?;
            let same = asked.source == transmit.destination && update.sequence == answer.sequence;
            same.then_some((asked, update))
        }) else {
            return;
        };
        if !accepted || update.lifetime.is_zero() {
            return;
        }
        self.model.taken.insert(datagram.payload.clone());
        let (Some(timestamp), Some(mn)) =
            (update.options.timestamp(), answer.options.mn_identifier())
        else {
            return;
        };
        let mn = String::from_utf8_lossy(mn.identifier()).into_owned();
        let mut homes = answer.options.home_network_prefixes();
        let home = homes.next().map(|home| home.to_prefix());
        let binding_id = update
            .options
            .mag_multipath_binding()
            .map_or(0, |m| m.binding_id);
        let key = (mn, home, binding_id);
        let now = timestamp.to_bits();
        let before = self.model.accepted.insert(key.clone(), now);
        self.ensure(before.is_none_or(|before| before < now), || {
            format!("{key:?} accepted {now:x} after {before:x?}")
        });
    }

    /// Exactly as many prefixes are left as are not held: new nodes get all of them.
    fn check_pools(&self) {
        let bindings = self.lma_bindings();
        let network = &self.lma_config.networks[0];
        let ipv6 = bindings.iter().map(|b| b.home_prefixes.len()).sum();
        let pool = network.ipv4_pool;
        let holds_ipv4 = |binding: &&BindingStatus| {
            let home = binding.ipv4_home.zip(pool);
            home.is_some_and(|((address, _, _), pool)| (pool.first..=pool.last).contains(&address))
        };
        let ipv4 = bindings.iter().filter(holds_ipv4).count();
        let free = |size: usize, used: usize| size.saturating_sub(used);
        let left = free(4, ipv6)
            .min(free(4, ipv4))
            .min(free(6, bindings.len()));
        let mut lma = self.world.lma.clone();
        let now = self.world.now;
        let served = (0..8).filter(|number| self.is_served(&mut lma, now, *number));
        let served = served.count();
        self.ensure(served == left, || {
            format!("{left} left, {served} served: {bindings:#?}")
        });
    }

    fn is_served(&self, lma: &mut Lma, now: Instant, number: u8) -> bool {
        drain(lma);
        let pbu = forge::Pbu {
            nai: Some(format!("new{number}@example.com")),
            link_layer: [2, 0, 0, 9, 9, number],
            lifetime: 4,
            handoff: 1,
            timestamp: None,
            home: forge::home(None),
        };
        lma.handle_input(
            now,
            Input::Signalling(pbu.datagram([198, 51, 90, 1].into())),
        );
        let answers = drain(lma);
        let mut answers = answers
            .iter()
            .filter_map(|sent| acknowledgement(&sent.payload));
        answers.any(|answer| answer.status.code() < status::FIRST_REJECTION)
    }

    /// A gateway whose clock was set right has registered what it could.
    pub(super) fn check_registered(&self) {
        if self.is_short() {
            return;
        }
        for (mag, expected) in self.expected().into_iter().enumerate() {
            for name in expected {
                let world = &self.world;
                let mut bindings = world.mags[mag].bindings(world.now);
                let binding = bindings.find(|binding| binding.mn_id == name);
                let fine = binding.as_ref().is_some_and(|b| !b.remaining.is_zero());
                self.ensure(fine, || {
                    format!("gateway {mag} has not registered: {binding:#?}")
                });
            }
        }
    }

    /// Names that each gateway is to have registered.
    fn expected(&self) -> Vec<BTreeSet<String>> {
        let gateways = self.topology.gateways.iter().enumerate();
        let of = |(mag, gateway): (usize, &super::scenario::Gateway)| {
            let here = self.places.iter().filter(|(_, place)| place.0 == mag);
            let nodes = here.map(|(node, _)| nai(*node));
            let logical = format!("lmn{}@example.com", mag + 1);
            nodes
                .chain(gateway.logical_node.then_some(logical))
                .collect()
        };
        gateways.map(of).collect()
    }

    /// The anchor can't serve everybody.
    fn is_short(&self) -> bool {
        self.topology.scarce && {
            let logical = self.topology.gateways.iter().filter(|g| g.logical_node);
            self.places.len() + logical.count() > 4
        }
    }

    /// What must be true once everything was well for long enough.
    pub(super) fn check_rest(&self) {
        let bindings = self.lma_bindings();
        let expected = self.expected();
        let wanted: usize = expected.iter().map(BTreeSet::len).sum();
        let fine = bindings.len() == wanted || (self.is_short() && bindings.len() < wanted);
        self.ensure(fine, || format!("{expected:?} wanted: {bindings:#?}"));
        if self.is_short() {
            let full = bindings.len() >= 4;
            self.ensure(full, || format!("{} of 4 prefixes in use", bindings.len()));
        }
        for (mag, expected) in expected.iter().enumerate() {
            let world = &self.world;
            let listed = world.mags[mag].bindings(world.now);
            let listed: Vec<BindingStatus> = listed.collect();
            let names: BTreeSet<String> = listed.iter().map(|b| b.mn_id.clone()).collect();
            self.ensure(names == *expected, || format!("gateway {mag}: {listed:#?}"));
            for ours in listed.iter().filter(|b| !b.remaining.is_zero()) {
                self.check_agreement(mag, ours, &bindings);
            }
            let idle = listed.iter().filter(|b| b.remaining.is_zero()).count();
            self.ensure(idle == 0 || self.is_short(), || {
                format!("gateway {mag}: {listed:#?}")
            });
        }
    }

    fn check_agreement(&self, mag: usize, ours: &BindingStatus, anchor: &[BindingStatus]) {
        let mut theirs = anchor.iter().filter(|b| b.mn_id == ours.mn_id);
        let (Some(theirs), None) = (theirs.next(), theirs.next()) else {
            self.fail(&format!("gateway {mag}: {ours:#?}\nanchor: {anchor:#?}"));
        };
        let same = theirs.home_prefixes == ours.home_prefixes
            && theirs.ipv4_home == ours.ipv4_home
            && theirs.delegated == ours.delegated
            && theirs.state == BindingState::Active;
        self.ensure(same, || {
            format!("gateway {mag}: {ours:#?}\nanchor: {theirs:#?}")
        });
        let down = &self.world.lma_tables;
        let up = &self.world.mag_tables[mag];
        let usable = |tables: &Tables, binding: &BindingStatus| {
            let route = tables.sessions.get(&binding.session);
            route.map_or(0, |route| tables.usable_paths(route).len())
        };
        let (up, down) = (usable(up, ours), usable(down, theirs));
        let gateway = &self.topology.gateways[mag];
        let is_up = |path: &u8| self.world.is_interface_up(mag, *path);
        let live = (1..=gateway.paths()).filter(is_up).count();
        let limit = usize::from(self.lma_config.limits.paths_per_binding);
        let multipath = gateway.multipath && self.lma_config.multipath;
        let most = if multipath { live.min(limit) } else { 1 };
        // Without option 63 nothing names the path of a tunnelled heartbeat, so that behind a NAT
        // no mapping is confirmed (signalling rules sections 7 and 9).
        let unconfirmed = gateway.nat && (!multipath || self.wavered);
        let fine = (up == down || (unconfirmed && down == 0))
            && (up == most || (self.wavered && (1..=most).contains(&up)));
        self.ensure(fine, || {
            format!(
                "gateway {mag}: {up} paths up, {down} down, {most} wanted\n{ours:#?}\n{theirs:#?}"
            )
        });
    }
}

fn prefixes(binding: &BindingStatus) -> impl Iterator<Item = IpPrefix> + '_ {
    let home = binding
        .ipv4_home
        .map(|(address, _, _)| IpPrefix::host(IpAddr::V4(address)));
    let homes = binding.home_prefixes.iter().copied().chain(home);
    homes.chain(binding.delegated.iter().copied())
}

fn paths_of(binding: &BindingStatus) -> impl Iterator<Item = PathId> + '_ {
    binding.paths.iter().map(|path| path.path)
}

fn drain(lma: &mut Lma) -> Vec<Transmit> {
    let mut sent = Vec::new();
    loop {
        match lma.poll_output() {
            Output::Transmit(transmit) => sent.push(transmit),
            Output::Event(_) => {}
            Output::Timeout(_) => return sent,
        }
    }
}

fn update(payload: &Bytes) -> Option<BindingUpdate> {
    match Message::decode(payload, ChecksumContext::Udp) {
        Ok(Message::BindingUpdate(update)) if update.is_proxy() => Some(update),
        Ok(_) | Err(_) => None,
    }
}

fn acknowledgement(payload: &Bytes) -> Option<BindingAcknowledgement> {
    match Message::decode(payload, ChecksumContext::Udp) {
        Ok(Message::BindingAcknowledgement(answer)) => Some(answer),
        Ok(_) | Err(_) => None,
    }
}
