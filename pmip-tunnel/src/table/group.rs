//! Sessions of one routing instance over the same paths share a group: a path that changes rebuilds
//! one path set for each combination of paths it is in, however many sessions use it.

use alloc::sync::Arc;

use pmip_policy::{Candidate, PathSet, SteeringTable};
use pmip_wire::types::PathId;
use smallvec::SmallVec;

use super::{ForwardingTable, VrfId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GroupId(u32);

pub(super) type GroupPaths = SmallVec<[PathId; 4]>;

/// The paths that some sessions share.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(super) vrf: VrfId,
    pub(super) members: GroupPaths,
    sessions: usize,
    pub(crate) paths: PathSet,
    /// `paths` under the rules in force, where there are any.
    pub(super) steering: Option<Arc<SteeringTable>>,
    /// Differs whenever `paths` or `steering` does, and between groups.
    pub(crate) generation: u32,
}

impl ForwardingTable {
    /// The group of these paths, with one session more.
    pub(super) fn join_group(&mut self, vrf: VrfId, mut members: GroupPaths) -> GroupId {
        members.sort_unstable();
        members.dedup();
        let key = (vrf, members.clone());
        if let Some(&id) = self.group_of.get(&key) {
            if let Some(group) = self.groups.get_mut(&id) {
                group.sessions = group.sessions.saturating_add(1);
            }
            return id;
        }
        let id = GroupId(self.next_group);
        self.next_group = self.next_group.wrapping_add(1);
        for path in &members {
            self.edit_path(*path, |entry| entry.groups.push(id));
        }
        self.change();
        let group = Group {
            sessions: 1,
            paths: PathSet::new(),
            steering: None,
            generation: self.generation,
            vrf,
            members,
        };
        self.groups.insert(id, group);
        self.group_of.insert(key, id);
        self.rebuild(id);
        id
    }

    pub(super) fn leave_group(&mut self, id: GroupId) {
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        group.sessions = group.sessions.saturating_sub(1);
        if group.sessions > 0 {
            return;
        }
        let (vrf, members) = (group.vrf, group.members.clone());
        self.groups.remove(&id);
        self.group_of.remove(&(vrf, members.clone()));
        for path in members {
            if let Some(entry) = self.paths.get_mut(&path) {
                entry.groups.retain(|group| *group != id);
            }
            self.drop_path_if_unused(path);
        }
    }

    pub(super) fn rebuild_groups_of(&mut self, path: PathId) {
        self.change();
        let groups = match self.paths.get(&path) {
            Some(entry) => entry.groups.clone(),
            None => return,
        };
        for id in groups {
            self.rebuild(id);
        }
    }

    /// Every group gets a generation of its own: a session that goes over to another group must not
    /// find there the one that its flows were last judged in.
    pub(super) fn rebuild(&mut self, id: GroupId) {
        self.change();
        let Some(members) = self.groups.get(&id).map(|group| group.members.clone()) else {
            return;
        };
        let candidates = members.iter().filter_map(|path| self.candidate(*path));
        let paths: PathSet = candidates.collect();
        let verdicts = self.verdicts_of(&members);
        let generation = self.generation;
        if let Some(group) = self.groups.get_mut(&id) {
            group.steering = self.rules.steer(group.steering.take(), &paths, &verdicts);
            group.paths = paths;
            group.generation = generation;
        }
    }

    fn candidate(&self, path: PathId) -> Option<Candidate> {
        let entry = self.paths.get(&path)?;
        let tunnel = entry.tunnel.as_deref()?;
        let mut candidate = tunnel.candidate();
        candidate.weight = entry.weight.unwrap_or(candidate.weight);
        Some(candidate)
    }
}
