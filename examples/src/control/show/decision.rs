//! Why a flow is where it is, or where it would go.

use std::time::Duration;

use pmip_policy::{CandidateStanding, NoPath, PathDecision, Reason, Standing};
use pmip_tunnel::VrfId;
use pmip_wire::types::{Label, PathId};

use super::super::flow_spec::FlowSpec;
use super::super::rows::{CandidateRow, FlowTableRow, PathDecisionRow};
use super::view::View;
use crate::config::model::MapEntry;
use crate::config::node::Role;
use crate::platform::dataplane::FlowRow;

impl View<'_> {
    /// Where a flow goes; `Err`: it has no session here.
    pub(super) fn path_decision(&self, flow: &FlowSpec) -> Result<PathDecisionRow, String> {
        let key = flow.key();
        let table = self.node.table();
        let (ours, what) = match self.node.role() {
            Role::Mag => (flow.source.ip(), "the source"),
            Role::Lma => (flow.destination.ip(), "the destination"),
        };
        let stranger = || {
            let role = self.node.role();
            format!("{what} {ours} belongs to no session: a {role} looks sessions up by {what}")
        };
        let session = table.session_of(ours).ok_or_else(stranger)?;
        let answer = self.node.ports().tunnels.explain(key, session.0);
        let hash = answer.as_ref().map_or(0, |answer| answer.hash);
        let decided = table.explain(VrfId::DEFAULT, &key, hash);
        let (_, decision) = decided.ok_or_else(stranger)?;
        let known = answer.and_then(|answer| answer.known);
        let known = known.map(|known| self.flow_row(&known));
        Ok(self.decision_row(flow, session.0, &decision, known))
    }

    fn decision_row(
        &self,
        flow: &FlowSpec,
        session: u32,
        decision: &PathDecision,
        known: Option<FlowTableRow>,
    ) -> PathDecisionRow {
        let entry = self.map_entry(decision.entry);
        let path = decision.path.ok();
        PathDecisionRow {
            flow: flow.to_string(),
            session,
            mobile_map: self.node.config().active_map().map(str::to_owned),
            entry: (decision.entry > 0).then_some(decision.entry),
            access_list: entry.and_then(|entry| entry.access_list.clone()),
            line: decision.line,
            link_type: entry.map_or_else(Vec::new, |entry| entry.link_type.clone()),
            traffic_profile: entry.and_then(|entry| entry.traffic_profile.clone()),
            path: path.map(|path| path.0),
            link: path.map(|path| self.link_name(path)),
            fallen: decision.fallen,
            profile_fallback: decision.profile_fallback,
            hash: format!("{:016x}", decision.hash),
            bucket: decision.bucket.map(|(bucket, _)| bucket),
            buckets: decision.bucket.map(|(_, buckets)| buckets),
            dropped: decision.path.err().map(|why| why.to_string()),
            why: self.sentences(decision, entry, known.as_ref()),
            candidates: self.candidates(&decision.candidates),
            known,
        }
    }

    fn candidates(&self, candidates: &[CandidateStanding]) -> Vec<CandidateRow> {
        let candidates = candidates.iter();
        candidates
            .map(|candidate| CandidateRow {
                path: candidate.path.0,
                link: self.link_name(candidate.path),
                label: self.label(candidate.label),
                weight: self.weight_of(candidate),
                share_pct: f64::from(candidate.share_per_mille) / 10.0,
                standing: self.standing_of(candidate).into(),
            })
            .collect()
    }

    /// A path that is up for the engine is held back by failure detection or a hint.
    fn standing_of(&self, candidate: &CandidateStanding) -> &'static str {
        let is_up = self
            .status(candidate.path)
            .is_some_and(|status| status.usable);
        if candidate.standing == Standing::Down && is_up {
            return "held-back";
        }
        standing(candidate.standing)
    }

    /// In the unit of the configuration: a balancer's own is finer.
    fn weight_of(&self, candidate: &CandidateStanding) -> f64 {
        let dynamic = self.node.balance().weight(candidate.path);
        dynamic.unwrap_or_else(|| candidate.weight.into())
    }

    fn map_entry(&self, sequence: u8) -> Option<&MapEntry> {
        let config = self.node.config();
        let active = config.active_map()?;
        let mut maps = config.mobile_maps().iter();
        let map = maps.find(|map| map.name == active)?;
        let mut entries = map.entries.iter();
        entries.find(|entry| entry.sequence == u32::from(sequence))
    }

    /// The decision in words, one step a sentence.
    fn sentences(
        &self,
        decision: &PathDecision,
        entry: Option<&MapEntry>,
        known: Option<&FlowTableRow>,
    ) -> Vec<String> {
        let mut why = vec![self.entry_sentence(decision, entry)];
        why.extend(entry.and_then(|entry| links_sentence(entry, decision)));
        if decision.profile_fallback {
            let name = entry.and_then(|entry| entry.traffic_profile.as_deref());
            let name = name.unwrap_or("the profile");
            why.push(format!(
                "no path meets {name}: the one that violates it least is taken"
            ));
        }
        why.push(match (decision.path, decision.bucket) {
            (Err(NoPath::NoneUsable), _) => "no path of the session may carry traffic now".into(),
            (Err(refused), _) => refused.to_string(),
            (Ok(path), Some((_, ..=1)) | None) => {
                format!("{} is the only choice", self.link_name(path))
            }
            (Ok(path), Some((bucket, buckets))) => format!(
                "its hash falls into bucket {bucket} of {buckets}, which is {}'s",
                self.link_name(path)
            ),
        });
        why.push(match known {
            Some(flow) => format!(
                "the flow table has it on {} for {:.0} s: {}",
                flow.link, flow.on_path_s, flow.why
            ),
            None => "the flow table does not know it: so its next packet would go".into(),
        });
        why
    }

    fn entry_sentence(&self, decision: &PathDecision, entry: Option<&MapEntry>) -> String {
        let Some(map) = self.node.config().active_map() else {
            return "no mobile map is in force: every path of the session may carry it".into();
        };
        let Some(entry) = entry else {
            return format!("no entry of mobile map {map} takes it: every path may carry it");
        };
        let place = format!("entry {} of mobile map {map} takes it", decision.entry);
        match (&entry.access_list, decision.line) {
            (Some(list), Some(line)) => format!("{place}, by line {line} of access list {list}"),
            (Some(list), None) => format!("{place}, by access list {list}"),
            (None, _) => format!("{place}, as it takes everything"),
        }
    }

    /// A path as people call it: its label, else its interface or peer, with its number.
    pub(super) fn link_name(&self, path: PathId) -> String {
        let Some(status) = self.status(path) else {
            return path.to_string();
        };
        let label = (status.label != Label::NONE || status.label_name.is_some())
            .then(|| self.label_of(status))
            .flatten();
        let other = || {
            status
                .interface
                .clone()
                .unwrap_or_else(|| status.peer.clone())
        };
        label.unwrap_or_else(other)
    }

    pub(super) fn flow_row(&self, flow: &FlowRow) -> FlowTableRow {
        let entry = (flow.rule > 0).then_some(flow.rule);
        FlowTableRow {
            source: (flow.source, flow.source_port).into(),
            destination: (flow.destination, flow.destination_port).into(),
            protocol: super::super::flow_spec::protocol_name(flow.protocol),
            path: flow.path.0,
            link: self.link_name(flow.path),
            label: self.status(flow.path).and_then(|path| self.label_of(path)),
            packets: flow.packets,
            bytes: flow.bytes,
            idle_s: Duration::from_millis(flow.idle_ms).as_secs_f64(),
            entry,
            reason: reason(flow.reason).into(),
            moves: flow.moves,
            on_path_s: Duration::from_millis(flow.on_path_ms).as_secs_f64(),
            why: self.why(flow),
        }
    }

    fn why(&self, flow: &FlowRow) -> String {
        let place = match self.map_entry(flow.rule) {
            Some(entry) => self.place_of(entry, flow.path),
            None => "by weight".into(),
        };
        let what = match flow.reason {
            Reason::New => return place,
            Reason::Balanced { from } => format!("{} carried too much", self.link_name(from)),
            Reason::Kept => "kept while paths changed".into(),
            Reason::Moved { from } => format!("had to leave {}", self.link_name(from)),
            Reason::Returned { from } => format!("preempt: back from {}", self.link_name(from)),
            Reason::Flowlet { from } => format!("paused, left {}", self.link_name(from)),
            Reason::Mirrored => return "mirrors the other direction".into(),
            _ => return place,
        };
        format!("{place}; {what}")
    }

    /// `entry 20 VOICE, 2nd choice`.
    fn place_of(&self, entry: &MapEntry, path: PathId) -> String {
        let list = entry.access_list.as_deref().unwrap_or("any");
        let name = self.link_name(path);
        let rank = entry.link_type.iter().position(|label| *label == name);
        let choice = match (rank, entry.link_type.len()) {
            (Some(_), 1) => ", its link".to_owned(),
            (Some(0), _) => ", 1st choice".into(),
            (Some(1), _) => ", 2nd choice".into(),
            (Some(_), _) => ", 3rd choice".into(),
            (None, 0) => String::new(),
            (None, _) => ", none of its links".into(),
        };
        let profile = entry.traffic_profile.as_deref();
        let profile = profile.map_or_else(String::new, |name| format!(", profile {name}"));
        format!("entry {} {list}{choice}{profile}", entry.sequence)
    }
}

fn links_sentence(entry: &MapEntry, decision: &PathDecision) -> Option<String> {
    if entry.link_type.is_empty() {
        return None;
    }
    let order = entry.link_type.join(", then ");
    let fallen = usize::from(decision.fallen);
    let gone = entry.link_type.get(..fallen).unwrap_or_default();
    Some(match (decision.path, decision.label) {
        (Err(_), _) => format!("its links are {order}: none can carry it"),
        (Ok(_), None) => format!("its links are {order}: none can carry it, so every path may"),
        (Ok(_), Some(_)) if gone.is_empty() => format!("its links are {order}: the first can"),
        (Ok(_), Some(_)) => format!("its links are {order}: {} cannot now", gone.join(", ")),
    })
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Eligible => "eligible",
        Standing::Down => "down",
        Standing::Violating => "violating",
        Standing::NotNamed => "not-named",
        Standing::LowerPreference => "lower-preference",
        _ => "unknown",
    }
}

const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::New => "new",
        Reason::Balanced { .. } => "balanced",
        Reason::Kept => "kept",
        Reason::Moved { .. } => "moved",
        Reason::Returned { .. } => "returned",
        Reason::Flowlet { .. } => "flowlet",
        Reason::Mirrored => "mirrored",
        _ => "unknown",
    }
}
