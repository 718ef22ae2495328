//! What outside programs say of paths (`pmip hint`): a modem manager knows the signal, a portal the
//! bill. Hints choose among the paths that the engine would use; registrations and heartbeats go on
//! whatever they say, and no hint leaves a peer without a path.

use std::collections::BTreeMap;

use pmip_binding::PathStatus;
use pmip_wire::types::{Instant, PathId};
use serde::{Deserialize, Serialize};

use super::Node;
use super::tell::Happening;
use crate::config::node::Role;

/// The highest weight of a path.
const MOST_WEIGHT: u64 = 100;

/// What is said of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hint {
    /// Whether it should carry traffic. One that should not does so only where no other path of the
    /// peer can.
    Usable(bool),
    /// What it costs, in whatever unit: paths of the least cost that may carry traffic carry it.
    Cost(u32),
    /// What it can take in this node's sending direction, in kbit/s, from 1. Weights follow once this
    /// is known of every path, by hints or by `link ... bandwidth`.
    Capacity(u32),
    /// Nothing any more.
    Clear,
}

/// All that is said of one path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hinted {
    /// [`Hint::Usable`].
    pub usable: Option<bool>,
    /// [`Hint::Cost`].
    pub cost: Option<u32>,
    /// [`Hint::Capacity`], in kbit/s.
    pub capacity_kbps: Option<u32>,
}

impl std::fmt::Display for Hinted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let usable = self.usable.map(|usable| match usable {
            true => "usable yes".to_owned(),
            false => "usable no".to_owned(),
        });
        let cost = self.cost.map(|cost| format!("cost {cost}"));
        let capacity = self.capacity_kbps;
        let capacity = capacity.map(|capacity| format!("capacity {capacity} kbit/s"));
        let all: Vec<String> = [usable, cost, capacity].into_iter().flatten().collect();
        f.write_str(&all.join(", "))
    }
}

/// What is said, by the name of the path: its label, its interface or its number.
#[derive(Clone, Debug, Default)]
pub struct Hints(BTreeMap<String, Hinted>);

impl Hints {
    /// All of it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Hinted)> {
        self.0.iter().map(|(name, hinted)| (name.as_str(), *hinted))
    }

    fn take(&mut self, name: &str, hint: Hint) {
        let hinted = self.0.entry(name.to_owned()).or_default();
        match hint {
            Hint::Usable(usable) => hinted.usable = Some(usable),
            Hint::Cost(cost) => hinted.cost = Some(cost),
            Hint::Capacity(capacity) => hinted.capacity_kbps = Some(capacity),
            Hint::Clear => drop(self.0.remove(name)),
        }
    }
}

impl Node {
    /// What outside programs say of paths.
    pub fn hints(&self) -> &Hints {
        &self.hints
    }

    /// Takes a hint about the paths called `name`.
    ///
    /// # Errors
    /// When no path has that name, or it cannot be so.
    pub fn hint(&mut self, now: Instant, name: &str, hint: Hint) -> Result<(), String> {
        if hint == Hint::Capacity(0) {
            return Err("a capacity of 0 carries nothing: say `usable no`".into());
        }
        let paths = self.engine.paths();
        let known = self.hints.0.contains_key(name);
        if !known && !paths.iter().any(|path| self.is_called(path, name)) {
            let names: Vec<String> = paths.iter().map(|path| self.called(path)).collect();
            let names = match names.join(", ") {
                none if none.is_empty() => "none yet".to_owned(),
                names => names,
            };
            return Err(format!("there is no path {name}; there are: {names}"));
        }
        self.hints.take(name, hint);
        let said = self.hints.0.get(name).map(ToString::to_string);
        let said = said.unwrap_or_else(|| "nothing any more".into());
        let words = format!("path {name}: another program says {said}");
        self.tell(now, &Happening::info("path-hint", words));
        self.follow_hints();
        Ok(())
    }

    /// What is said of a path.
    pub fn hinted(&self, status: &PathStatus) -> Option<Hinted> {
        let mut hints = self.hints.iter();
        let found = hints.find(|(name, _)| self.is_called(status, name));
        found.map(|(_, hinted)| hinted)
    }

    /// Whether hints let a path carry traffic: none of its peer's that can is better.
    pub(super) fn hints_allow(&self, path: PathId) -> bool {
        if self.hints.0.is_empty() {
            return true;
        }
        let own = self.rank(path);
        let rivals = self.hybrid.rivals_of(path);
        rivals.iter().all(|rival| own <= self.rank(*rival))
    }

    /// The lower, the better.
    fn rank(&self, path: PathId) -> (bool, u32) {
        let status = self.engine.path_status(path);
        let hinted = status.and_then(|status| self.hinted(&status));
        let hinted = hinted.unwrap_or_default();
        (hinted.usable == Some(false), hinted.cost.unwrap_or(0))
    }

    /// Brings the forwarding table in line with the hints.
    pub(super) fn follow_hints(&mut self) {
        self.mask_all();
        self.set_shares();
    }

    /// A path is new: shares by capacity change.
    pub(super) fn follow_capacities(&mut self) {
        if !self.hints.0.is_empty() {
            self.set_shares();
        }
    }

    fn set_shares(&mut self) {
        if self.balance.is_on() {
            return;
        }
        let paths = self.engine.paths();
        let shares = self.shares(&paths);
        for (at, status) in paths.iter().enumerate() {
            let share = shares.as_ref().and_then(|shares| shares.get(at).copied());
            self.table.set_path_weight(status.path, share);
        }
    }

    /// The weight of each path by capacity, 1 to 100; none where no hint tells one, or not all are
    /// known.
    pub(super) fn shares(&self, paths: &[PathStatus]) -> Option<Vec<u32>> {
        let mut hints = self.hints.iter();
        hints.find(|(_, hinted)| hinted.capacity_kbps.is_some())?;
        let capacities = paths.iter().map(|status| self.capacity(status));
        let capacities: Vec<u32> = capacities.collect::<Option<_>>()?;
        let largest = u64::from(capacities.iter().copied().max()?.max(1));
        let share = |capacity: &u32| {
            let share = u64::from(*capacity) * MOST_WEIGHT / largest;
            // At most 100.
            u32::try_from(share.max(1)).unwrap_or(1)
        };
        Some(capacities.iter().map(share).collect())
    }

    fn capacity(&self, status: &PathStatus) -> Option<u32> {
        if let Some(capacity) = self.hinted(status).and_then(|hinted| hinted.capacity_kbps) {
            return Some(capacity);
        }
        let label = self.config.labels.name(status.label);
        let label = label.or(status.label_name.as_deref())?;
        let mut links = self.config.hybrid_access()?.link.iter();
        let link = links.find(|link| link.label == label)?;
        match self.role() {
            Role::Mag => link.bandwidth_up,
            Role::Lma => link.bandwidth_down,
        }
    }

    fn is_called(&self, status: &PathStatus, name: &str) -> bool {
        let label = self.config.labels.name(status.label);
        let label = label.or(status.label_name.as_deref());
        let names = [label, status.interface.as_deref()];
        names.contains(&Some(name)) || status.path.0.to_string() == name
    }

    fn called(&self, status: &PathStatus) -> String {
        let label = self.config.labels.name(status.label);
        let name = label.or(status.label_name.as_deref());
        let name = name.or(status.interface.as_deref());
        name.map_or_else(|| status.path.0.to_string(), str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::control::{Request, Response};
    use crate::node::NodeInput;
    use crate::node::tests::{Domain, link};

    fn hint(domain: &mut Domain, path: &str, hint: Hint) -> Response {
        let request = Request::Hint {
            path: Some(path.into()),
            hint: Some(hint),
        };
        domain.mag.ask(domain.now, request)
    }

    /// Interfaces of the paths that carry traffic by the published table, with their weights.
    fn carrying(domain: &Domain) -> Vec<(String, u32)> {
        let table = domain.mag.memory.table().expect("a table");
        let paths = domain.mag.node.engine().paths();
        let key = pmip_policy::FlowKey::new([10, 60, 0, 2].into(), [192, 0, 2, 1].into(), 17);
        let vrf = pmip_tunnel::VrfId::DEFAULT;
        let (_, decision) = table.explain(vrf, &key, 0).expect("a session");
        let candidates = decision.candidates.iter();
        let eligible = candidates.filter(|candidate| candidate.share_per_mille > 0);
        let mut carrying: Vec<(String, u32)> = eligible
            .map(|candidate| {
                let mut paths = paths.iter();
                let status = paths.find(|path| path.path == candidate.path);
                let interface = status.and_then(|path| path.interface.clone());
                (interface.expect("an interface"), candidate.weight)
            })
            .collect();
        carrying.sort();
        carrying
    }

    fn names(domain: &Domain) -> Vec<String> {
        carrying(domain).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn an_unusable_path_carries_only_when_no_other_can() {
        let mut domain = Domain::registered();
        assert_eq!(names(&domain), ["wan1", "wan2"]);
        let done = hint(&mut domain, "LTE", Hint::Usable(false));
        assert!(matches!(done, Response::Ok(_)), "{done:?}");
        assert_eq!(names(&domain), ["wan2"]);
        let lost = NodeInput::Network(vec![link(3, "wan2", false)]);
        domain.mag.turn(domain.now, lost);
        assert_eq!(names(&domain), ["wan1"], "better than none");
        let back = NodeInput::Network(vec![link(3, "wan2", true)]);
        domain.mag.turn(domain.now, back);
        domain.run(Duration::from_secs(5));
        assert_eq!(names(&domain), ["wan2"]);
        assert_eq!(domain.mag.up_paths(), 2, "the registrations do not notice");
        hint(&mut domain, "LTE", Hint::Clear);
        assert_eq!(names(&domain), ["wan1", "wan2"]);
    }

    #[test]
    fn the_cheapest_paths_carry() {
        let mut domain = Domain::registered();
        hint(&mut domain, "wan1", Hint::Cost(5));
        assert_eq!(names(&domain), ["wan2"]);
        hint(&mut domain, "DSL", Hint::Cost(5));
        assert_eq!(names(&domain), ["wan1", "wan2"]);
        hint(&mut domain, "DSL", Hint::Cost(6));
        assert_eq!(names(&domain), ["wan1"]);
        let what = crate::control::What::PathDecision;
        let flow = "udp 10.60.0.2:1 192.0.2.1:1".to_owned();
        let only = Some(crate::control::Only::Flow(flow));
        let shown = domain.mag.ask(domain.now, Request::Show { what, only });
        let Response::Ok(shown) = shown else {
            panic!("{shown:?}");
        };
        let standing = |link: &str| {
            let candidates = shown["candidates"].as_array().expect("paths").iter();
            let mut named = candidates.filter(|candidate| candidate["link"] == link);
            named.next().map(|candidate| candidate["standing"].clone())
        };
        assert_eq!(standing("DSL"), Some("held-back".into()));
    }

    #[test]
    fn weights_follow_capacities_once_all_are_known() {
        let mut domain = Domain::registered();
        let before = carrying(&domain);
        hint(&mut domain, "LTE", Hint::Capacity(20_000));
        assert_eq!(carrying(&domain), before);
        hint(&mut domain, "DSL", Hint::Capacity(5_000));
        let shares = [("wan1".to_owned(), 100), ("wan2".to_owned(), 25)];
        assert_eq!(carrying(&domain), shares);
        hint(&mut domain, "DSL", Hint::Clear);
        assert_eq!(carrying(&domain), before);
    }

    #[test]
    fn a_path_that_is_not_there_is_refused_with_those_that_are() {
        let mut domain = Domain::registered();
        let refused = hint(&mut domain, "SAT", Hint::Cost(1));
        let Response::Error(why) = refused else {
            panic!("{refused:?}");
        };
        assert!(why.contains("LTE, DSL"), "{why}");
    }
}
