//! What to do about each status that refuses: RFC 5213 section 6.9.1.2 items 7 to 11, RFC 5844
//! section 3.2.3.2, RFC 7148 section 5.1.2, RFC 8278 section 4.4.

use std::time::Duration;

use pmip_wire::{SequenceNumber, Timestamp};

use crate::config::{PrefixRequest, Service};
use crate::event::{Event, SessionEvent, SessionId};
use crate::message::{Acknowledgement, status};

use super::answer::is_about_time;
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
    /// The anchor holds nothing that was named: register as for the first time.
    Anew,
    /// Ask no more until an administrative action.
    Never,
}

/// The request that is refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// The timestamp of the transmission that is answered.
    pub(super) timestamp: Option<u64>,
    /// What it asked for, see `Entry::wish`.
    pub(super) wish: u32,
}

impl Mag {
    pub(super) fn refused(
        &mut self,
        id: SessionId,
        binding_id: u8,
        asked: Asked,
        answer: &Acknowledgement,
    ) {
        let asks_gre = answer.status == status::GRE_REQUIRED && self.require_gre(id, binding_id);
        let outdated = is_about_wish(answer.status)
            && self.entry(id).is_some_and(|entry| entry.wish != asked.wish);
        // Of several paths refused at once the first shows what is wrong.
        let next = if asks_gre || outdated {
            Next::AtOnce
        } else {
            self.learn(id, answer)
        };
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        if let Life::WrongClock { .. } = entry.life
            && !is_about_time(answer.status)
        {
            entry.life = Life::Wanted;
        }
        // What the anchor still holds ends in its time unless asked for again.
        entry.doubt(binding_id);
        let (mn_id, lma) = (entry.nai.clone(), entry.lma);
        self.emit(Event::Session(SessionEvent::Refused {
            mn_id,
            status: answer.status,
        }));
        let interval = self.config.initial_retransmission;
        match next {
            Next::AtOnce => self.drive(id),
            Next::Anew => self.register_anew(id, lma),
            Next::Later => {
                let longest = self.config.maximum_retransmission;
                self.ask_again_in(id, binding_id, longest);
            }
            Next::WhenClockIsRight => match answer.common.timestamp {
                Some(theirs) if !self.may_agree(asked.timestamp, Timestamp::from_bits(theirs)) => {
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
        let next = entry.learn(answer);
        if matches!(next, Next::AtOnce | Next::Anew) {
            entry.wish = entry.wish.wrapping_add(1);
        }
        next
    }

    pub(super) fn ask_again_in(&mut self, id: SessionId, binding_id: u8, span: Duration) {
        let at = self.now + span;
        if let Some(entry) = self.entry_mut(id) {
            let registration = entry.registrations.entry(binding_id).or_default();
            registration.again_at = Some(at);
            self.timers.set(TimerKind::Again(id, binding_id), at);
        }
    }
}

/// Whether the status refuses what was asked for, so that it says nothing of a request that asks
/// for something else.
const fn is_about_wish(code: u8) -> bool {
    matches!(
        code,
        status::NO_MULTIPATH
            | status::NOT_AUTHORIZED_FOR_HNP
            | status::PREFIX_SET_MISMATCH
            | status::NOT_AUTHORIZED_FOR_IPV4_HOA
            | status::NOT_AUTHORIZED_FOR_IPV4
            | status::NOT_AUTHORIZED_FOR_IPV6
            | status::NOT_AUTHORIZED_FOR_DMNP
            | status::DMNP_IN_USE
    )
}

impl super::list::Entry {
    /// Changes what is asked for by what the status says.
    fn learn(&mut self, answer: &Acknowledgement) -> Next {
        match answer.status {
            status::NO_MULTIPATH if self.mode != Mode::Single => {
                self.mode = Mode::Single;
                Next::AtOnce
            }
            status::SEQUENCE_OUT_OF_WINDOW => {
                let last = SequenceNumber(answer.common.sequence);
                let behind = !SequenceNumber(self.sequence).is_newer_than(last);
                self.sequence = if behind { last.0 } else { self.sequence };
                if behind { Next::AtOnce } else { Next::Later }
            }
            status::TIMESTAMP_MISMATCH => Next::WhenClockIsRight,
            status::TIMESTAMP_LOWER => Next::WhenClockIsRight,
            status::PROXY_REG_NOT_ENABLED | status::SERVICE_AUTHORIZATION_FAILED => Next::Never,
            status::NOT_AUTHORIZED_FOR_HNP | status::PREFIX_SET_MISMATCH
                if !self.home_prefixes.is_empty() =>
            {
                self.home_prefixes.clear();
                Next::Anew
            }
            status::NOT_AUTHORIZED_FOR_IPV4_HOA if self.ipv4_home.is_some() => {
                self.ipv4_home = None;
                Next::AtOnce
            }
            status::NOT_AUTHORIZED_FOR_IPV4 if self.service == Service::Dual => {
                self.service = Service::Ipv6;
                self.ipv4_home = None;
                Next::AtOnce
            }
            status::NOT_AUTHORIZED_FOR_IPV6 if self.service == Service::Dual => {
                self.service = Service::Ipv4;
                self.home_prefixes.clear();
                Next::AtOnce
            }
            // No family is left to ask for.
            status::NOT_AUTHORIZED_FOR_IPV4 | status::NOT_AUTHORIZED_FOR_IPV6 => Next::Never,
            status::NOT_AUTHORIZED_FOR_DMNP if !self.wanted.is_empty() => {
                self.wanted.clear();
                self.delegated.clear();
                Next::AtOnce
            }
            status::DMNP_IN_USE if self.forget_learned() => Next::AtOnce,
            _ => Next::Later,
        }
    }

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
