//! Giving up one address family of a mobile node, and taking it up again (RFC 5844 section
//! 3.2.3.3).

use crate::config::Service;
use crate::event::SessionId;
use crate::message::handoff;

use super::Mag;
use super::list::{Entry, Life, Purpose};

impl Mag {
    /// A mobile node that is attached may use these families from now on. What it held of another
    /// one is de-registered alone, and the session goes on.
    pub(super) fn set_service(&mut self, id: SessionId, service: Service) {
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        if entry.logical || entry.configured_service == service {
            return;
        }
        entry.configured_service = service;
        entry.service = service;
        entry.wish = entry.wish.wrapping_add(1);
        entry.releasing = entry.surplus();
        let closing = matches!(entry.life, Life::Closing { .. });
        let about: Vec<u8> = entry.registrations.keys().copied().collect();
        if closing {
            return;
        }
        // What was asked for meanwhile is not what is wanted.
        for about in about {
            self.forget_request(id, about);
            if let Some(entry) = self.entry_mut(id) {
                entry.doubt(about);
            }
        }
        self.drive(id);
    }

    /// Starts the de-registration of a family, if one waits for it; the other registrations go on
    /// once it is done, for they leave the family out. True while it is under way.
    pub(super) fn release_family(&mut self, id: SessionId) -> bool {
        let Some(entry) = self.entry_mut(id) else {
            return false;
        };
        if entry.releasing.is_none() {
            return false;
        }
        if entry.is_releasing() {
            return true;
        }
        // The anchor may have ended it by itself.
        entry.releasing = entry.surplus();
        let Some(entry) = self.entry(id) else {
            return false;
        };
        let over = self.living_path(entry);
        let Some(over) = over.filter(|_| entry.releasing.is_some()) else {
            return false;
        };
        self.forget_request(id, over);
        self.ask(id, over, Purpose::Release, over, handoff::UNKNOWN);
        true
    }

    /// A family is de-registered, or as good as: registrations leave it out, which releases it.
    pub(super) fn family_released(&mut self, id: SessionId) {
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        match entry.releasing.take() {
            Some(Service::Ipv4) => entry.ipv4_home = None,
            Some(Service::Ipv6) => entry.home_prefixes.clear(),
            Some(Service::Dual) | None => return,
        }
        entry.wish = entry.wish.wrapping_add(1);
        self.sync_session(id);
        self.emit_session_up(id);
        self.advertise_changes(id, true);
        self.drive(id);
    }
}

impl Entry {
    /// The family that is held beside another one and not wanted any more.
    fn surplus(&self) -> Option<Service> {
        let holds_both = self.ipv4_home.is_some() && !self.home_prefixes.is_empty();
        match self.service {
            Service::Ipv6 if holds_both => Some(Service::Ipv4),
            Service::Ipv4 if holds_both => Some(Service::Ipv6),
            Service::Ipv4 | Service::Ipv6 | Service::Dual => None,
        }
    }

    fn is_releasing(&self) -> bool {
        self.has_request_to(Purpose::Release)
    }

    /// The families that a request names.
    pub(super) const fn named_families(&self, purpose: Purpose) -> Service {
        match (purpose, self.releasing) {
            (Purpose::Release, Some(family)) => family,
            // What names one of two families ends that one alone.
            (Purpose::Leave | Purpose::Close, Some(_)) => Service::Dual,
            (Purpose::Register | Purpose::Leave | Purpose::Close | Purpose::Release, _) => {
                self.service
            }
        }
    }
}
