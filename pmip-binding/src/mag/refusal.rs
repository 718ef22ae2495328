//! What to do about each status that refuses: RFC 5213 section 6.9.1.2 items 7 to 11, RFC 5844
//! section 3.2.3.2, RFC 7148 section 5.1.2, RFC 8278 section 4.4.

use std::time::Duration;

use pmip_wire::{SequenceNumber, Timestamp};

use crate::config::{PrefixRequest, Service};
use crate::event::{Event, SessionEvent, SessionId};
use crate::io::ClockAnchor;
use crate::message::{Acknowledgement, status};

use super::list::{Life, Mode};
use super::{Mag, TimerKind};

/// What follows from a refusal.
enum Next {
    /// Ask again at once: the request is different now.
    AtOnce,
    /// Ask again after the longest retransmission interval.
    Later,
    /// Ask again when the clock is right.
    WhenClockIsRight,
    /// Ask no more until an administrative action.
    Never,
}

impl Mag {
    /// `asked` is the timestamp of the PBU that is refused.
    pub(super) fn refused(
        &mut self,
        id: SessionId,
        binding_id: u8,
        asked: Option<u64>,
        answer: &Acknowledgement,
    ) {
        let asks_gre = answer.status == status::GRE_REQUIRED && self.require_gre(id, binding_id);
        let next = if asks_gre {
            Next::AtOnce
        } else {
            self.learn(id, answer)
        };
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        // What the anchor still holds ends in its time unless asked for again.
        entry.doubt(binding_id);
        let mn_id = entry.nai.clone();
        self.emit(Event::Session(SessionEvent::Refused {
            mn_id,
            status: answer.status,
        }));
        let interval = self.config.initial_retransmission;
        match next {
            Next::AtOnce => self.drive(id),
            Next::Later => {
                let longest = self.config.maximum_retransmission;
                self.ask_again_in(id, binding_id, longest);
            }
            Next::WhenClockIsRight => match answer.common.timestamp {
                Some(theirs) if !self.may_agree(asked, Timestamp::from_bits(theirs)) => {
                    self.wait_for_clock(id, Timestamp::from_bits(theirs));
                }
                // The clocks may agree: the PBU was a duplicate or late.
                Some(_) | None => self.ask_again_in(id, binding_id, interval),
            },
            Next::Never => {
                if answer.status == status::SERVICE_AUTHORIZATION_FAILED {
                    self.lose_binding(id, "service not authorised");
                }
                if let Some(entry) = self.entry_mut(id) {
                    entry.life = Life::Halted;
                }
            }
        }
    }

    /// Status 135: goes on from the anchor's number.
    pub(super) fn learn_order(&mut self, id: SessionId, answer: &Acknowledgement) {
        if answer.status == status::SEQUENCE_OUT_OF_WINDOW {
            self.learn(id, answer);
        }
    }

    /// Changes the next request by what the status says.
    fn learn(&mut self, id: SessionId, answer: &Acknowledgement) -> Next {
        let Some(entry) = self.entry_mut(id) else {
            return Next::Never;
        };
        match answer.status {
            status::NO_MULTIPATH if entry.mode != Mode::Single => {
                entry.mode = Mode::Single;
                Next::AtOnce
            }
            status::SEQUENCE_OUT_OF_WINDOW => {
                let last = SequenceNumber(answer.common.sequence);
                let behind = !SequenceNumber(entry.sequence).is_newer_than(last);
                entry.sequence = if behind { last.0 } else { entry.sequence };
                if behind { Next::AtOnce } else { Next::Later }
            }
            status::TIMESTAMP_MISMATCH => Next::WhenClockIsRight,
            status::TIMESTAMP_LOWER => Next::WhenClockIsRight,
            status::PROXY_REG_NOT_ENABLED | status::SERVICE_AUTHORIZATION_FAILED => Next::Never,
            status::NOT_AUTHORIZED_FOR_HNP | status::PREFIX_SET_MISMATCH
                if !entry.home_prefixes.is_empty() =>
            {
                entry.home_prefixes.clear();
                Next::AtOnce
            }
            status::NOT_AUTHORIZED_FOR_IPV4_HOA if entry.ipv4_home.is_some() => {
                entry.ipv4_home = None;
                Next::AtOnce
            }
            status::NOT_AUTHORIZED_FOR_IPV4 if entry.service == Service::Dual => {
                entry.service = Service::Ipv6;
                entry.ipv4_home = None;
                Next::AtOnce
            }
            status::NOT_AUTHORIZED_FOR_IPV6 if entry.service == Service::Dual => {
                entry.service = Service::Ipv4;
                entry.home_prefixes.clear();
                Next::AtOnce
            }
            // No family is left to ask for.
            status::NOT_AUTHORIZED_FOR_IPV4 | status::NOT_AUTHORIZED_FOR_IPV6 => Next::Never,
            status::NOT_AUTHORIZED_FOR_DMNP if !entry.wanted.is_empty() => {
                entry.wanted.clear();
                entry.delegated.clear();
                Next::AtOnce
            }
            status::DMNP_IN_USE if entry.forget_learned() => Next::AtOnce,
            _ => Next::Later,
        }
    }

    pub(super) fn ask_again_in(&mut self, id: SessionId, binding_id: u8, span: Duration) {
        let at = self.now + span;
        if let Some(entry) = self.entry_mut(id) {
            let registration = entry.registrations.entry(binding_id).or_default();
            registration.again_at = Some(at);
            self.timers.set(TimerKind::Again(id, binding_id), at);
        }
    }

    /// Item 9: registers again only once the clock is right; it never adopts the anchor's time.
    fn wait_for_clock(&mut self, id: SessionId, theirs: Timestamp) {
        let at = self.now;
        let theirs = theirs.as_unix();
        if let Some(entry) = self.entry_mut(id) {
            entry.life = Life::WrongClock { theirs, at };
        }
    }

    /// The clock was set: mobile nodes that waited for it may register again.
    pub(super) fn on_clock(&mut self, clock: ClockAnchor) {
        self.clock = clock;
        for id in self.ids() {
            let Some(Life::WrongClock { theirs, at }) = self.entry(id).map(|entry| entry.life)
            else {
                continue;
            };
            let theirs = theirs.saturating_add(self.now.saturating_since(at));
            if self.is_clock_right(Timestamp::from_unix(theirs)) {
                if let Some(entry) = self.entry_mut(id) {
                    entry.life = Life::Wanted;
                }
                self.drive(id);
            }
        }
    }

    /// Whether the anchor's clock, read some time between our PBU and now, may agree with ours: a
    /// PBU that was only late is no reason to wait for a clock.
    fn may_agree(&self, asked: Option<u64>, theirs: Timestamp) -> bool {
        let window = self.config.timestamp_window;
        let now = self.clock.unix_at(self.now);
        let asked = asked.map_or(now, |bits| Timestamp::from_bits(bits).as_unix());
        // Later than now only if the clock was set back meanwhile.
        let asked = asked.min(now);
        let theirs = theirs.as_unix();
        asked.saturating_sub(window) <= theirs && theirs <= now.saturating_add(window)
    }

    fn is_clock_right(&self, theirs: Timestamp) -> bool {
        let ours = self.clock.unix_at(self.now);
        ours.abs_diff(theirs.as_unix()) <= self.config.timestamp_window
    }
}

impl super::list::Entry {
    /// A learnt prefix was given to somebody else meanwhile: ask for another one. False when
    /// nothing was learnt, so that the asserted ones are at fault.
    fn forget_learned(&mut self) -> bool {
        let before = self.delegated.len();
        let wanted = std::mem::take(&mut self.wanted);
        self.delegated
            .retain(|prefix| wanted.contains(&PrefixRequest::Assert(*prefix)));
        self.wanted = wanted;
        self.delegated.len() < before
    }
}
