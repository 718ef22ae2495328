//! Which path of a session carries a flow: the mobile map, weights and verdicts over its paths.

use alloc::sync::Arc;
use alloc::vec::Vec;

use pmip_policy::{
    Candidate, FlowKey, MapPolicy, NoPath, PathDecision, PathSet, PlacedFlow, ProfileId, Review,
    Selection, Steering, SteeringTable, Verdict, Verdicts,
};
use pmip_wire::types::PathId;

use super::group::GroupId;
use super::{ForwardingTable, Group, Role, SessionKey, VrfId};

/// What holds for the choice of a path in all sessions.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    policy: Option<Arc<MapPolicy>>,
    preempt: bool,
    /// Which policy this is: flows that another one placed are placed anew.
    epoch: u32,
}

impl Rules {
    /// The steering of a group whose paths are `paths`, brought up to date from what it was. `None`:
    /// any usable path by weight, which the paths answer by themselves.
    pub(super) fn steer(
        &self,
        former: Option<Arc<SteeringTable>>,
        paths: &PathSet,
        verdicts: &Verdicts,
    ) -> Option<Arc<SteeringTable>> {
        if self.policy.is_none() && !self.preempt {
            return None;
        }
        let Some(mut steering) = former else {
            let steering = SteeringTable::new(self.policy.clone(), paths, verdicts);
            return Some(Arc::new(steering.with_preempt(self.preempt)));
        };
        Arc::make_mut(&mut steering).update(paths, verdicts);
        Some(steering)
    }
}

impl ForwardingTable {
    /// Puts a mobile map over the paths of all sessions, or takes it off: packets on their way into
    /// tunnels go as its entries say. Flows are placed anew, in every [`Forwarder`](crate::Forwarder)
    /// that sees the table; what the map counts, it counts itself.
    ///
    /// This rebuilds every group of sessions with the same paths: it is for changes of the
    /// configuration.
    pub fn set_policy(&mut self, policy: Option<Arc<MapPolicy>>) {
        self.rules.policy = policy;
        self.rules.epoch = self.rules.epoch.wrapping_add(1);
        self.rebuild_all();
    }

    /// The mobile map in force, with its counters.
    pub const fn policy(&self) -> Option<&Arc<MapPolicy>> {
        self.rules.policy.as_ref()
    }

    /// Says whether flows that had to leave a path, or that a lower preference got, go back when
    /// they can (`preempt`; default no).
    pub fn set_preempt(&mut self, preempt: bool) {
        if self.rules.preempt == preempt {
            return;
        }
        self.rules.preempt = preempt;
        self.rebuild_all();
    }

    /// Gives a path another share of new flows than its tunnel says, such as a
    /// [`Balancer`](pmip_policy::Balancer) works out; 0 counts as 1. `None` takes it back. All paths
    /// of a session are to have weights of the same unit. It goes with the tunnel of the path.
    pub fn set_path_weight(&mut self, path: PathId, weight: Option<u32>) {
        let known = self.paths.get(&path).and_then(|entry| entry.weight);
        if known == weight {
            return;
        }
        self.edit_path(path, |entry| entry.weight = weight);
        self.rebuild_groups_of(path);
    }

    /// Notes what measurements say of a path and a traffic profile; a pair of which nothing was said
    /// counts as conforming. It goes with the tunnel of the path.
    pub fn set_verdict(&mut self, path: PathId, profile: ProfileId, verdict: Verdict) {
        let mut state_changed = true;
        self.edit_path(path, |entry| {
            let mut known = entry.verdicts.iter_mut();
            match known.find(|(of, _)| *of == profile) {
                Some((_, former)) => {
                    state_changed = former.state != verdict.state;
                    *former = verdict;
                }
                None => entry.verdicts.push((profile, verdict)),
            }
        });
        if state_changed {
            self.rebuild_groups_of(path);
        }
    }

    /// Where a flow of this `key` and [hash](pmip_policy::FlowTable::hash_of) that nobody knows yet
    /// would go, and why; counts nothing. `None` where it belongs to no session.
    pub fn explain(
        &self,
        vrf: VrfId,
        key: &FlowKey,
        hash: u64,
    ) -> Option<(SessionKey, PathDecision)> {
        let ours = match self.role {
            Role::Mag => key.source(),
            Role::Lma => key.destination(),
        };
        let routed = self.route(vrf, ours)?;
        let decision = match &routed.group.steering {
            Some(steering) => steering.explain(key, hash),
            None => {
                SteeringTable::new(None, &routed.group.paths, &Verdicts::new()).explain(key, hash)
            }
        };
        Some((routed.session, decision))
    }

    /// Differs whenever another policy is in force.
    pub(crate) const fn policy_epoch(&self) -> u32 {
        self.rules.epoch
    }

    /// The group of a session.
    pub(crate) fn group_of_session(&self, session: SessionKey) -> Option<&Group> {
        self.groups.get(&self.sessions.get(&session)?.group)
    }

    /// What is known of these paths.
    pub(super) fn verdicts_of(&self, paths: &[PathId]) -> Verdicts {
        let mut verdicts = Verdicts::new();
        for path in paths {
            let known = self.paths.get(path).map(|entry| &entry.verdicts);
            for (profile, verdict) in known.into_iter().flatten() {
                verdicts.set(*path, *profile, *verdict);
            }
        }
        verdicts
    }

    fn rebuild_all(&mut self) {
        self.change();
        let mut groups: Vec<GroupId> = self.groups.keys().copied().collect();
        groups.sort_unstable();
        for id in groups {
            if let Some(group) = self.groups.get_mut(&id) {
                group.steering = None;
            }
            self.rebuild(id);
        }
    }
}

/// The map where there is one, else the paths by weight.
impl Steering for Group {
    fn select(&self, key: &FlowKey, hash: u64) -> Result<Selection, NoPath> {
        match &self.steering {
            Some(steering) => steering.select(key, hash),
            None => self.paths.select(key, hash),
        }
    }

    fn draw(&self, rule: u8, hash: u64) -> Option<Selection> {
        match &self.steering {
            Some(steering) => steering.draw(rule, hash),
            None => self.paths.draw(rule, hash),
        }
    }

    fn review(&self, flow: &PlacedFlow) -> Review {
        match &self.steering {
            Some(steering) => steering.review(flow),
            None => self.paths.review(flow),
        }
    }

    fn candidate(&self, path: PathId) -> Option<&Candidate> {
        self.paths.candidate(path)
    }
}
