//! What the engines tell but do not count.

use std::collections::BTreeMap;

use pmip_binding::{NotificationEvent, RevocationEvent};
use pmip_wire::Status;
use serde::{Deserialize, Serialize};

/// Counters since the start, by what was said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Revocations of the peers, by trigger.
    pub revocations_received: BTreeMap<String, u64>,
    /// Our answers to them, by status.
    pub revocations_acknowledged: BTreeMap<String, u64>,
    /// Answers to our revocations, by status; `unanswered` where there was none.
    pub revocation_answers: BTreeMap<String, u64>,
    /// Update notifications received, or answers to ours, by status.
    pub notifications: BTreeMap<String, u64>,
    /// Registrations that the anchor refused, by status (MAG).
    pub refused: BTreeMap<String, u64>,
}

impl Counters {
    pub(super) fn revocation(&mut self, event: &RevocationEvent) {
        match event {
            RevocationEvent::Received {
                trigger, status, ..
            } => {
                count(&mut self.revocations_received, trigger.to_string());
                count(&mut self.revocations_acknowledged, status.to_string());
            }
            RevocationEvent::Answered { status, .. } => {
                count(&mut self.revocation_answers, status.to_string());
            }
            RevocationEvent::Unanswered { .. } => {
                count(&mut self.revocation_answers, "unanswered".into());
            }
            RevocationEvent::Impossible { .. } | _ => {}
        }
    }

    pub(super) fn notification(&mut self, event: &NotificationEvent) {
        match event {
            NotificationEvent::Received { status, .. }
            | NotificationEvent::Answered { status, .. } => {
                count(&mut self.notifications, status.to_string());
            }
            NotificationEvent::Unanswered { .. } => {
                count(&mut self.notifications, "unanswered".into());
            }
            NotificationEvent::Impossible { .. } | _ => {}
        }
    }

    pub(super) fn refused(&mut self, status: u8) {
        count(&mut self.refused, Status::from_code(status).to_string());
    }
}

fn count(counters: &mut BTreeMap<String, u64>, name: String) {
    let counter = counters.entry(name).or_insert(0);
    *counter = counter.saturating_add(1);
}
