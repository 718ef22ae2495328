//! Update notifications: RFC 7077 section 6.

use std::time::Duration;

use pmip_wire::types::Instant;
use pmip_wire::{Message, NotificationReason, UpdateNotification, UpdateNotificationStatus};

use crate::event::{DropReason, Event, NotificationEvent, SessionEvent, SessionId};
use crate::io::Datagram;
use crate::message::is_all_zero;
use crate::notification::Target;

use super::Mag;
use super::list::Life;

/// Notifications that are recognised when they come again.
const REMEMBERED: usize = 64;
/// How long: an anchor has given up by then, whatever its configuration (RFC 7077 section 7).
const MEMORY: Duration = Duration::from_secs(60);

/// A notification that was handled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handled {
    lma: usize,
    sequence: u16,
    reason: NotificationReason,
    status: UpdateNotificationStatus,
    at: Instant,
}

impl Mag {
    pub(super) fn on_notification(
        &mut self,
        datagram: &Datagram,
        notification: &UpdateNotification,
    ) {
        let Some(lma) = self.anchor_at(datagram.source.ip()) else {
            return self.drop_datagram(DropReason::UnknownPeer, datagram);
        };
        let Some(target) = Target::from_wire(&notification.options) else {
            // RFC 7077 section 5: it must say whom it is for.
            return self.drop_datagram(DropReason::Malformed, datagram);
        };
        let before = self.handled_before(lma, notification);
        // Replayed: the anchor gave up long ago.
        if before.is_none()
            && let Some(status) = self.notified.get(self.now, self.digest(lma, datagram))
        {
            return self.answer_notification(datagram, notification, &target, status);
        }
        // Section 6.1: one that comes again is no new request. Without an answer it is done
        // again, for the anchor may not have seen what it asked for.
        let redo = !notification.acknowledgement_requested() && notification.is_retransmission();
        let status = match before {
            Some(status) if !redo => status,
            Some(_) | None => self.obey(lma, &target, notification),
        };
        if before.is_none() {
            self.remember_handled(lma, notification, status);
            self.emit(Event::Notification(NotificationEvent::Received {
                peer: self.anchor_name(lma),
                mn_id: match &target {
                    Target::MobileNode(mn) => Some(mn.name()),
                    Target::All => None,
                },
                reason: notification.reason,
                status,
                options: Box::new(notification.options.clone()),
            }));
        }
        let digest = self.digest(lma, datagram);
        self.notified.note(self.now, digest, status);
        self.answer_notification(datagram, notification, &target, status);
    }

    fn answer_notification(
        &mut self,
        datagram: &Datagram,
        notification: &UpdateNotification,
        target: &Target,
        status: UpdateNotificationStatus,
    ) {
        if notification.acknowledgement_requested() {
            let mut answer = notification.acknowledgement(status);
            answer.options = target.to_wire(&pmip_wire::MobilityOptions::new());
            let message = Message::UpdateNotificationAcknowledgement(answer);
            self.reply(datagram, &message);
        }
    }

    fn handled_before(
        &self,
        lma: usize,
        notification: &UpdateNotification,
    ) -> Option<UpdateNotificationStatus> {
        let mut handled = self.handled.iter().rev();
        let found = handled.find(|handled| {
            handled.lma == lma
                && handled.sequence == notification.sequence.0
                && handled.reason == notification.reason
                && self.now.saturating_since(handled.at) < MEMORY
        });
        found.map(|handled| handled.status)
    }

    fn remember_handled(
        &mut self,
        lma: usize,
        notification: &UpdateNotification,
        status: UpdateNotificationStatus,
    ) {
        if self.handled.len() == REMEMBERED {
            self.handled.pop_front();
        }
        self.handled.push_back(Handled {
            lma,
            sequence: notification.sequence.0,
            reason: notification.reason,
            status,
            at: self.now,
        });
    }

    /// Does what the anchor asks for.
    fn obey(
        &mut self,
        lma: usize,
        target: &Target,
        notification: &UpdateNotification,
    ) -> UpdateNotificationStatus {
        let ids = self.ids_of(lma, target);
        if ids.is_empty() {
            return UpdateNotificationStatus::MobileNodeNotAttached;
        }
        let reason = notification.reason;
        let registers = reason == NotificationReason::ForceReregistration
            || reason == NotificationReason::AniParamsRequested;
        if registers {
            for id in ids {
                self.register_again(id);
            }
            UpdateNotificationStatus::Success
        } else if reason == NotificationReason::UpdateSessionParameters {
            self.update_parameters(&ids, notification)
        } else if reason == NotificationReason::VendorSpecificReason {
            // The program reads the options of the event.
            match notification.options.vendor_specific().next() {
                Some(_) => UpdateNotificationStatus::Success,
                None => UpdateNotificationStatus::MissingVendorSpecificOption,
            }
        } else {
            UpdateNotificationStatus::ReasonUnspecified
        }
    }

    fn ids_of(&self, lma: usize, target: &Target) -> Vec<SessionId> {
        let ids: Vec<SessionId> = match target {
            Target::All => self.ids(),
            Target::MobileNode(mn) => self.by_mn.get(mn).copied().into_iter().collect(),
        };
        let is_meant = |id: &SessionId| {
            let entry = self.entry(*id);
            entry.is_some_and(|entry| entry.lma == lma && entry.life == Life::Wanted)
        };
        ids.into_iter().filter(is_meant).collect()
    }

    /// Every path of the mobile node sends a PBU, unless one is under way.
    pub(super) fn register_again(&mut self, id: SessionId) {
        if let Some(entry) = self.entry_mut(id) {
            let all: Vec<u8> = entry.granted().collect();
            for binding_id in all {
                entry.doubt(binding_id);
            }
        }
        self.drive(id);
    }

    /// The default router of the home address and the home network prefixes as they are: nothing
    /// else of a session can be changed without a registration.
    fn update_parameters(
        &mut self,
        ids: &[SessionId],
        notification: &UpdateNotification,
    ) -> UpdateNotificationStatus {
        let options = &notification.options;
        let failed = UpdateNotificationStatus::FailedToUpdateSessionParameters;
        let (Some(router), &[id]) = (options.ipv4_default_router_address(), ids) else {
            return failed;
        };
        let Some(entry) = self.entry_mut(id) else {
            return failed;
        };
        let prefixes = options.home_network_prefixes().map(|p| p.to_prefix());
        let mut named = prefixes.filter(|prefix| !is_all_zero(*prefix));
        if named.any(|prefix| !entry.home_prefixes.contains(&prefix)) {
            return failed;
        }
        let Some(home) = &mut entry.ipv4_home else {
            return failed;
        };
        home.router = router;
        self.emit_session_up(id);
        UpdateNotificationStatus::Success
    }

    pub(super) fn emit_session_up(&mut self, id: SessionId) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        let ipv4_home = entry.ipv4_home.and_then(super::list::Home::for_event);
        let event = SessionEvent::Up {
            session: id,
            mn_id: entry.nai.clone(),
            home_prefixes: entry.home_prefixes.to_vec(),
            ipv4_home,
            delegated: entry.delegated_in_order(),
        };
        self.emit(Event::Session(event));
    }
}
