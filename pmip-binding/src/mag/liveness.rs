//! Heartbeats, restart detection and the mapping of tunnelled packets: RFC 5847, signalling rules
//! sections 7 to 9.

use std::net::SocketAddr;
use std::time::Duration;

use pmip_wire::LoadInformation;
use pmip_wire::types::PathId;

use crate::event::{DropReason, Event, PathEvent, PathState, SessionId};
use crate::heartbeat::Heartbeat;
use crate::io::{Carrier, Datagram};
use crate::message::{Identifier, Multipath};
use crate::wire::Beat;

use super::list::{Life, Mode, path_id, path_parts};
use super::paths::is_udp;
use super::{Mag, TimerKind};

/// Keep-alive time when the anchor names none (NATKATIMEOUT, RFC 5555 section 6).
const KEEP_ALIVE: Duration = Duration::from_secs(110);
/// How often an unanswered request that shows the mapping is sent, one second apart.
const MAPPING_TRIES: u32 = 3;

/// What is known of one anchor as a whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Anchor {
    /// It has answered a heartbeat, on whatever path.
    answered: bool,
    /// It does not know Heartbeat, so it is asked no more on any path (RFC 5847 section 3).
    lacks_heartbeat: bool,
    /// It ignored a request for GRE, so it is not asked again (RFC 5845 section 4.2).
    pub(super) lacks_gre: bool,
    restart_counter: Option<u32>,
    /// It answered a revocation before.
    pub(super) revocation_answered: bool,
    /// It does not know revocation.
    pub(super) revocation_refused: bool,
    /// It refused all global revocation (RFC 5846 section 9.2).
    pub(super) global_refused: bool,
    /// The load that it reported last.
    pub(super) load: Option<LoadInformation>,
    /// Its clock and ours disagree: the wait before its time is asked for next.
    pub(super) clock_wait: Option<Duration>,
}

impl Mag {
    /// An acknowledgement proves that the path lives; from now on heartbeats do.
    pub(super) fn watch_path(&mut self, id: PathId) {
        let (lma, _) = path_parts(id);
        if self.lacks_heartbeat(lma) {
            return;
        }
        let rule = self.heartbeat_rule(id);
        let first = self.random.next_u32();
        let now = self.now;
        let Some(path) = self.paths.get_mut(&id) else {
            return;
        };
        match (&mut path.heartbeat, rule) {
            (Some(heartbeat), rule) => {
                if !heartbeat.is_alive() {
                    path.good_since = now;
                }
                heartbeat.mark_alive();
                if let Some(rule) = rule {
                    heartbeat.set_rule(rule, now);
                    let deadline = heartbeat.deadline();
                    self.timers.set(TimerKind::Heartbeat(id), deadline);
                }
            }
            (None, Some(rule)) => {
                let heartbeat = Heartbeat::new(rule, first, now);
                let deadline = heartbeat.deadline();
                path.heartbeat = Some(heartbeat);
                self.timers.set(TimerKind::Heartbeat(id), deadline);
            }
            (None, None) => {}
        }
    }

    /// RFC 5847 section 3.1: heartbeats only while there is a binding with the peer.
    pub(super) fn stop_idle_heartbeats(&mut self) {
        let ids: Vec<PathId> = self.paths.keys().copied().collect();
        for id in ids {
            let (lma, _) = path_parts(id);
            let mut entries = self.list.iter().map(|(_, entry)| entry);
            if entries.any(|entry| entry.lma == lma && entry.needs_heartbeats()) {
                continue;
            }
            if let Some(path) = self.paths.get_mut(&id) {
                path.heartbeat = None;
                path.mapping_probe = None;
            }
            self.timers.cancel(TimerKind::Heartbeat(id));
            self.timers.cancel(TimerKind::KeepAlive(id));
        }
    }

    /// A path's heartbeat is due or unanswered.
    pub(super) fn beat(&mut self, id: PathId) {
        let now = self.now;
        let path = self.paths.get_mut(&id);
        let Some(heartbeat) = path.and_then(|path| path.heartbeat.as_mut()) else {
            return;
        };
        let beat = heartbeat.on_deadline(now);
        self.timers
            .set(TimerKind::Heartbeat(id), heartbeat.deadline());
        if let Some(sequence) = beat.request {
            self.stats.heartbeats_sent = self.stats.heartbeats_sent.saturating_add(1);
            self.send_beat(id, sequence, false);
        }
        if beat.died {
            self.sync_path(id, "heartbeats unanswered");
            // Its registrations are asked for again, with back-off, until it comes back.
            self.drive_all();
        }
    }

    pub(super) fn on_heartbeat(&mut self, datagram: &Datagram, beat: &Beat) {
        if beat.unsolicited {
            self.hasten_heartbeats(datagram);
        } else if beat.response {
            self.on_beat_answer(datagram, beat);
        } else {
            // RFC 5847 section 3.1: a request is always answered.
            let counter = self.config.restart_counter;
            // Our name, so that an anchor that asks whether somebody else is still at this address
            // does not take us for him (signalling rules section 7).
            let answer = Beat {
                mag_id: Some(Identifier::nai(&self.config.identity)),
                ..Beat::response(beat.sequence, counter)
            };
            self.reply(datagram, &answer.to_message());
        }
    }

    fn on_beat_answer(&mut self, datagram: &Datagram, beat: &Beat) {
        let (now, asked) = (self.now, self.path_at(datagram));
        let Some((id, path)) = asked.and_then(|id| Some((id, self.paths.get_mut(&id)?))) else {
            return self.drop_datagram(DropReason::UnknownPeer, datagram);
        };
        if path
            .mapping_probe
            .is_some_and(|(asked, _)| asked == beat.sequence)
        {
            path.mapping_probe = None;
            return self.arm_keep_alive(id);
        }
        let heartbeat = path.heartbeat.as_mut();
        let answer = heartbeat.and_then(|heartbeat| heartbeat.on_answer(now, beat.sequence));
        let Some(answer) = answer else {
            return self.drop_datagram(DropReason::UnmatchedSequence, datagram);
        };
        if answer.revived {
            path.good_since = now;
        }
        if let Some(anchor) = self.anchors.get_mut(path_parts(id).0) {
            anchor.answered = true;
        }
        self.stats.heartbeats_answered = self.stats.heartbeats_answered.saturating_add(1);
        self.rearm_heartbeat(id);
        let rtt = answer.rtt;
        self.emit(Event::Path(PathEvent::Rtt { path: id, rtt }));
        if answer.revived {
            self.sync_path(id, "heartbeat answered again");
            self.drive_all();
        }
        if let Some(counter) = beat.restart_counter {
            self.on_restart_counter(id, counter);
        }
    }

    /// Signalling rules section 8: the anchor's counter differs from the stored one in an answer
    /// that we asked for. It lost its bindings, so they are registered anew, once.
    fn on_restart_counter(&mut self, id: PathId, counter: u32) {
        let (lma, _) = path_parts(id);
        if let Some(heartbeat) = self.paths.get_mut(&id).and_then(|p| p.heartbeat.as_mut()) {
            heartbeat.set_restart_counter(counter);
        }
        let Some(anchor) = self.anchors.get_mut(lma) else {
            return;
        };
        let before = anchor.restart_counter.replace(counter);
        if before.is_none_or(|before| before == counter) {
            return;
        }
        self.emit(Event::Path(PathEvent::PeerRestarted { path: id }));
        for id in self.ids() {
            self.register_anew(id, lma);
        }
    }

    /// Whatever was registered with the anchor may be void. A registration that came after its
    /// restart is asked for once more too: that does no harm, and nobody can tell them apart.
    pub(super) fn register_anew(&mut self, id: SessionId, lma: usize) {
        let first = self.first_mode();
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        let closing = matches!(entry.life, Life::Closing { .. });
        if entry.lma != lma || closing {
            return;
        }
        let about: Vec<u8> = entry.registrations.keys().copied().collect();
        for registration in entry.registrations.values_mut() {
            registration.to_leave = false;
            // What it refused before says nothing about it now.
            registration.again_at = None;
            if let Some(grant) = &mut registration.granted {
                grant.stale = true;
            }
        }
        entry.mode = first;
        entry.valid_until = None;
        for about in about {
            self.timers.cancel(TimerKind::Again(id, about));
            self.forget_request(id, about);
        }
        self.drive(id);
    }

    fn rearm_heartbeat(&mut self, id: PathId) {
        let path = self.paths.get(&id);
        let heartbeat = path.and_then(|path| path.heartbeat.as_ref());
        if let Some(deadline) = heartbeat.map(Heartbeat::deadline) {
            self.timers.set(TimerKind::Heartbeat(id), deadline);
        }
    }

    /// An unsolicited response proves nothing by itself; it makes us ask at once.
    fn hasten_heartbeats(&mut self, datagram: &Datagram) {
        let now = self.now;
        let Some(id) = self.path_at(datagram) else {
            return self.drop_datagram(DropReason::UnknownPeer, datagram);
        };
        if let Some(heartbeat) = self.paths.get_mut(&id).and_then(|p| p.heartbeat.as_mut()) {
            heartbeat.hasten(now);
        }
        self.rearm_heartbeat(id);
    }

    /// An anchor that does not know Heartbeat is asked no more (signalling rules section 6).
    pub(super) fn on_heartbeat_refused(&mut self, datagram: &Datagram) {
        let id = self.path_at(datagram);
        let path = id.and_then(|id| self.paths.get(&id));
        let heartbeat = path.and_then(|path| path.heartbeat.as_ref());
        let asked = heartbeat.is_some_and(Heartbeat::may_be_refused);
        let lma = id.map_or(usize::MAX, |id| path_parts(id).0);
        match self.anchors.get_mut(lma) {
            Some(anchor) if asked && !anchor.answered => {
                anchor.lacks_heartbeat = true;
                self.stop_heartbeats(lma);
            }
            Some(_) | None => self.drop_datagram(DropReason::UnexpectedMessage, datagram),
        }
    }

    fn lacks_heartbeat(&self, lma: usize) -> bool {
        let anchor = self.anchors.get(lma);
        anchor.is_some_and(|anchor| anchor.lacks_heartbeat)
    }

    /// What no heartbeat watches counts as alive.
    fn stop_heartbeats(&mut self, lma: usize) {
        let ids: Vec<PathId> = self.paths.keys().copied().collect();
        for id in ids.into_iter().filter(|id| path_parts(*id).0 == lma) {
            if let Some(path) = self.paths.get_mut(&id) {
                path.heartbeat = None;
                path.mapping_probe = None;
            }
            self.timers.cancel(TimerKind::Heartbeat(id));
            self.timers.cancel(TimerKind::KeepAlive(id));
            self.sync_path(id, "the anchor does not know heartbeats");
        }
    }

    /// RFC 5847 section 3.2: after a restart without state every anchor hears of it unasked.
    pub(super) fn tell_restart(&mut self, binding_id: u8) {
        let Some(care_of) = self.care_of(binding_id).filter(|_| self.config.restarted) else {
            return;
        };
        for lma in 0..self.config.lmas.len() {
            let id = path_id(lma, binding_id);
            let path = self.paths.get_mut(&id);
            let first = path.is_some_and(|path| !std::mem::replace(&mut path.restart_told, true));
            let Some((carrier, destination)) = self.signalling_to(lma).filter(|_| first) else {
                continue;
            };
            let source = SocketAddr::new(care_of, destination.port());
            let message = Beat::unsolicited(self.config.restart_counter).to_message();
            self.send_over(id, carrier, source, destination, &message);
        }
    }

    /// An administrative action: what the anchors did not know is tried again.
    pub(super) fn forget_refusals(&mut self) {
        for anchor in &mut self.anchors {
            anchor.lacks_gre = false;
            anchor.lacks_heartbeat = false;
        }
    }

    /// After an acknowledgement a heartbeat goes through the tunnel itself, so that the anchor
    /// sees the mapping of tunnelled packets (design, section 2).
    pub(super) fn start_mapping_probe(&mut self, id: PathId, keep_alive: Option<u32>) {
        if !is_udp(self.encapsulation_of(id)) || self.lacks_heartbeat(path_parts(id).0) {
            return;
        }
        let sequence = self.random.next_u32();
        if let Some(path) = self.paths.get_mut(&id) {
            path.mapping_probe = Some((sequence, 0));
            path.keep_alive = keep_alive;
        }
        self.show_mapping(id);
    }

    /// What the anchor suggested: 0 or nothing for the usual time, all ones for none (RFC 5555
    /// section 3.2.2, signalling rules section 7).
    fn arm_keep_alive(&mut self, id: PathId) {
        let suggested = self.paths.get(&id).and_then(|path| path.keep_alive);
        let span = match suggested {
            None | Some(0) => KEEP_ALIVE,
            Some(u32::MAX) => return self.timers.cancel(TimerKind::KeepAlive(id)),
            Some(seconds) => Duration::from_secs(seconds.into()),
        };
        self.timers.set(TimerKind::KeepAlive(id), self.now + span);
    }

    /// Sends the request that shows the mapping, for the first time, again, or to keep it alive.
    pub(super) fn show_mapping(&mut self, id: PathId) {
        let now = self.now;
        if self.path_state(id) != PathState::Up {
            return;
        }
        let fresh = self.random.next_u32();
        let Some(path) = self.paths.get_mut(&id) else {
            return;
        };
        let (sequence, tries) = path.mapping_probe.unwrap_or((fresh, 0));
        if tries >= MAPPING_TRIES {
            path.mapping_probe = None;
            return self.arm_keep_alive(id);
        }
        path.mapping_probe = Some((sequence, tries + 1));
        self.timers
            .set(TimerKind::KeepAlive(id), now + Duration::from_secs(1));
        self.send_beat(id, sequence, true);
    }

    /// A heartbeat request, by signalling or through the tunnel. It names path and gateway, so
    /// that the anchor knows it behind a NAT too. Through the tunnel it does so without multipath
    /// as well, with the care-of address that the anchor knows the path by: it looks at nothing
    /// else from an unknown source (signalling rules section 9). By signalling it does not, else
    /// an anchor whose mobile node moved on would ask us to take it back.
    fn send_beat(&mut self, id: PathId, sequence: u32, tunnelled: bool) {
        let (lma, binding_id) = path_parts(id);
        let (Some(care_of), Some((carrier, destination))) =
            (self.care_of(binding_id), self.signalling_to(lma))
        else {
            return;
        };
        let carrier = if tunnelled {
            Carrier::Tunnel(id)
        } else {
            carrier
        };
        let mut beat = Beat::request(sequence);
        if tunnelled {
            beat.care_of = self.ipv4_care_of(binding_id);
        }
        if tunnelled || self.is_multipath(lma) {
            beat.multipath = self.multipath_of(binding_id);
            beat.mag_id = Some(Identifier::nai(&self.config.identity));
        }
        let source = SocketAddr::new(care_of, destination.port());
        self.send_over(id, carrier, source, destination, &beat.to_message());
    }

    fn is_multipath(&self, lma: usize) -> bool {
        let mut entries = self.list.iter();
        entries.any(|(_, entry)| entry.lma == lma && entry.mode == Mode::Multipath)
    }

    pub(super) fn multipath_of(&self, binding_id: u8) -> Option<Multipath> {
        let index = usize::from(binding_id).checked_sub(1)?;
        let interface = self.config.roaming_interfaces.get(index)?;
        Some(Multipath {
            access_technology: interface.access_technology,
            label: interface.label.if_label(),
            binding_id,
            bulk: false,
            overwrite: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_number_names_its_anchor_and_interface() {
        for (lma, binding_id) in [(0, 1), (0, 254), (3, 7)] {
            assert_eq!(path_parts(path_id(lma, binding_id)), (lma, binding_id));
        }
    }
}
