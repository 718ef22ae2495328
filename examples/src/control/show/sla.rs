//! What the hybrid-access service measured.

use pmip_binding::PathStatus;
use pmip_sla::{Measure, Operation, PathView, Verdict, VerdictState};
use pmip_wire::types::Instant;

use super::super::Only;
use super::super::rows::{SlaOperationRow, SlaProfileRow, SlaRow};
use super::view::{View, millis};
use crate::node::Node;
use crate::sla;

impl View<'_> {
    /// Every path that the service watches; none while it is off.
    pub(super) fn sla(&self, now: Instant, only: Option<&Only>) -> Vec<SlaRow> {
        let Some(service) = self.node.hybrid().service() else {
            return Vec::new();
        };
        let wants_history = only == Some(&Only::History);
        self.statuses(only)
            .filter_map(|status| {
                let view = service.path(status.path)?;
                Some(self.sla_row(now, status, &view, wants_history))
            })
            .collect()
    }

    fn sla_row(
        &self,
        now: Instant,
        status: &PathStatus,
        view: &PathView<'_>,
        wants_history: bool,
    ) -> SlaRow {
        let history = view.history;
        let proven = view.liveness.filter(|liveness| liveness.is_proven());
        let tunnel = self.node.table().path(status.path);
        let operations = history.operations().filter(|_| wants_history);
        SlaRow {
            path: status.path.0,
            peer: status.peer.clone(),
            label: self.label_of(status),
            interface: status.interface.clone(),
            customer: view.spec.customer.clone(),
            source: view.spec.source,
            destination: view.spec.destination,
            probed: view.probed,
            alive: proven.map(|liveness| liveness.is_alive()),
            alive_rtt_ms: proven
                .and_then(|liveness| liveness.rtt().last())
                .map(millis),
            deaths: view.liveness.map_or(0, |liveness| liveness.deaths()),
            usable: tunnel.is_some_and(|tunnel| tunnel.usable),
            weight: status.weight,
            flows: self.traffic(status.path).flows,
            operations: history.count(),
            last: history
                .last()
                .map(|last| sla::operation_json(last, history, None)),
            last_started: history.last().map(|last| self.node.unix_at(last.started)),
            profiles: view
                .verdicts()
                .map(|(name, verdict)| profile(now, name, verdict))
                .collect(),
            history: operations
                .map(|operation| short(self.node, operation))
                .collect(),
        }
    }
}

fn profile(now: Instant, name: &str, verdict: &Verdict) -> SlaProfileRow {
    let state = match verdict.state() {
        VerdictState::Unknown => "unknown",
        VerdictState::Conforming => "conforming",
        VerdictState::Violating => "violating",
    };
    let since = verdict.since();
    let last = verdict.last();
    let violated = last.and_then(|last| last.violated);
    let violated = violated.and_then(|measure| match measure {
        Measure::Jitter => Some("jitter"),
        Measure::Rtt => Some("rtt"),
        Measure::Loss => Some("loss"),
        _ => None,
    });
    SlaProfileRow {
        profile: name.to_owned(),
        state: state.to_owned(),
        since_s: since.map(|since| now.saturating_since(since).as_secs_f64()),
        transitions: verdict.changes(),
        violated: violated.map(str::to_owned),
        worst: last.map(|last| f64::from(last.worst_per_mille) / 1000.0),
    }
}

fn short(node: &Node, operation: &Operation) -> SlaOperationRow {
    let window = &operation.window;
    SlaOperationRow {
        started: node.unix_at(operation.started),
        outcome: operation.outcome.to_string(),
        sent: window.sent(),
        received: window.received(),
        loss_pct: window.loss_ppm().map(sla::percent),
        rtt_ms: window.rtt().average().map(millis),
        jitter_ms: window.jitter_average().map(millis),
    }
}
