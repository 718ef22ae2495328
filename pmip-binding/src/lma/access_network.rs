//! Where mobile nodes are attached: RFC 6757 section 4.2, RFC 7563 section 4.2.

use pmip_wire::{AccessNetworkIdentifier, AniSubOption, SubOptions};

use crate::event::{Event, SessionEvent, SessionId};

use super::Lma;
use super::judge::Request;

impl Lma {
    /// What we accept of option 52: every sub-option that we know, unaltered but for the timer.
    pub(super) fn accepted_network(&self, request: &Request) -> Option<AccessNetworkIdentifier> {
        let asked = request.update.common.access_network.as_ref()?;
        let timer = self.config.access_network_update_timer;
        let timer = timer.map(crate::message::lifetime);
        let mut accepted = SubOptions::new();
        let all = asked.sub_options().iter();
        let known = all.filter(|sub_option| !matches!(sub_option, AniSubOption::Unknown(_)));
        for sub_option in known {
            let kept = if let AniSubOption::UpdateTimer(asked) = sub_option {
                AniSubOption::UpdateTimer(timer.unwrap_or(asked))
            } else {
                sub_option
            };
            // A second one of a kind that comes once says nothing.
            let _doubled = accepted.push_borrowed(&kept);
        }
        AccessNetworkIdentifier::of(accepted)
    }

    /// Keeps it with the session; a PBU without option 52 takes away what was known.
    pub(super) fn adopt_access_network(&mut self, request: &Request, id: SessionId) {
        let network = self.accepted_network(request);
        let Some(session) = self.cache.get(id) else {
            return;
        };
        if session.access_network() == network.as_ref() {
            return;
        }
        let mn_id = session.mn_name();
        if let Some(session) = self.cache.get_mut(id) {
            session.extras_mut().access_network.clone_from(&network);
        }
        let session = id;
        self.emit(Event::Session(SessionEvent::AccessNetwork {
            session,
            mn_id,
            network,
        }));
    }
}
