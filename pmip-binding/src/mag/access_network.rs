//! Telling the anchor where mobile nodes are attached: RFC 6757 section 4.1, RFC 7563 section 4.1.

use std::time::Duration;

use pmip_wire::types::Instant;
use pmip_wire::{AccessNetworkIdentifier, AniSubOption};

use crate::event::{Event, SessionEvent, SessionId};
use crate::message::{Acknowledgement, Identifier, Update, handoff, lifetime};

use super::list::Life;
use super::{Mag, TimerKind};

/// The access network of one mobile node.
#[derive(Clone, Debug, Default)]
pub(super) struct AccessNetwork {
    pub(super) current: Option<AccessNetworkIdentifier>,
    /// What the last PBU said, and when that was.
    reported: Option<AccessNetworkIdentifier>,
    sent_at: Instant,
    /// ANI Update-Timer as the anchor has it; `None` = changes wait for the next PBU.
    wait: Option<Duration>,
    /// The driver knows that the anchor does not understand option 52.
    ignored: bool,
}

impl AccessNetwork {
    pub(super) fn new(current: Option<AccessNetworkIdentifier>) -> Self {
        Self {
            current,
            ..Self::default()
        }
    }
}

impl Mag {
    /// Something changed about where a mobile node is attached.
    pub(super) fn on_access_network(
        &mut self,
        nai: &str,
        network: Option<&AccessNetworkIdentifier>,
    ) {
        let found = self.by_mn.get(&Identifier::nai(nai)).copied();
        let Some((id, entry)) = found.and_then(|id| Some((id, self.entry_mut(id)?))) else {
            return;
        };
        entry.access_network.current = network.cloned();
        self.report_change(id);
    }

    /// Puts option 52 into a PBU, whatever that is for. Leaving it out would clear what the
    /// anchor knows.
    pub(super) fn tell_access_network(&mut self, id: SessionId, update: &mut Update) {
        let (now, proposal) = (self.now, self.config.access_network_update_timer);
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        let network = &mut entry.access_network;
        network.reported.clone_from(&network.current);
        network.sent_at = now;
        let told = network.current.clone();
        update.common.access_network = told.map(|told| with_timer(told, proposal));
    }

    /// What an acceptance says about it.
    pub(super) fn take_access_network(&mut self, id: SessionId, answer: &Acknowledgement) {
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        let echo = answer.common.access_network.as_ref();
        let network = &mut entry.access_network;
        network.wait = echo.and_then(timer_of);
        let ignored = network.reported.is_some() && echo.is_none();
        let first = ignored && !std::mem::replace(&mut network.ignored, ignored);
        if first {
            let mn_id = entry.nai.clone();
            let session = id;
            self.emit(Event::Session(SessionEvent::AccessNetworkIgnored {
                session,
                mn_id,
            }));
        }
        self.report_change(id);
    }

    /// Sends a PBU if the anchor should know of a change by now. While one is under way nothing
    /// is done: its acceptance leads here again.
    pub(super) fn report_change(&mut self, id: SessionId) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        let network = &entry.access_network;
        let Some(wait) = network.wait else {
            return;
        };
        let told = network.current == network.reported;
        if told || entry.life != Life::Wanted || self.shutting_down {
            return;
        }
        let due = network.sent_at + wait;
        if due > self.now {
            return self.timers.set(TimerKind::AccessNetwork(id), due);
        }
        let Some(over) = self.living_path(entry) else {
            return;
        };
        let registration = entry.registration(over);
        if registration.is_some_and(|registration| registration.request.is_none()) {
            self.start(id, over, handoff::NOT_CHANGED);
        }
    }
}

fn with_timer(
    network: AccessNetworkIdentifier,
    proposal: Option<Duration>,
) -> AccessNetworkIdentifier {
    let (Some(proposal), None) = (proposal, timer_of(&network)) else {
        return network;
    };
    let timer = AniSubOption::UpdateTimer(lifetime(proposal));
    // What leaves no room for the proposal goes without.
    network.clone().with(timer).unwrap_or(network)
}

fn timer_of(network: &AccessNetworkIdentifier) -> Option<Duration> {
    let mut timers = network.sub_options().iter().filter_map(|sub_option| {
        if let AniSubOption::UpdateTimer(timer) = sub_option {
            Some(timer.as_duration())
        } else {
            None
        }
    });
    timers.next()
}
