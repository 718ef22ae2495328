//! Roaming interfaces come up, change their address and go down.

use std::net::IpAddr;

use pmip_wire::types::Instant;

use crate::event::SessionId;
use crate::input::{InterfaceChange, InterfaceState};

use super::list::{Life, Mode, Purpose, path_id};
use super::{Mag, TimerKind};

/// One roaming interface.
#[derive(Clone, Debug, Default)]
pub(super) struct Interface {
    /// Its care-of address; `None` = down.
    pub(super) address: Option<IpAddr>,
    pub(super) up_since: Instant,
}

impl Mag {
    pub(super) fn on_interface(&mut self, change: InterfaceChange) {
        let now = self.now;
        let index = usize::from(change.binding_id).checked_sub(1);
        let interface = index.and_then(|index| self.interfaces.get_mut(index));
        let Some(interface) = interface else {
            return;
        };
        let address = match change.state {
            InterfaceState::Up(address) => Some(address),
            InterfaceState::Down => None,
        };
        if interface.address == address {
            return;
        }
        interface.address = address;
        interface.up_since = now;
        match address {
            Some(_) => self.interface_up(change.binding_id),
            None => self.interface_down(change.binding_id),
        }
    }

    /// Up, or up with another address: register its Binding ID (anew).
    fn interface_up(&mut self, binding_id: u8) {
        self.reset_paths(binding_id, "interface up");
        self.tell_restart(binding_id);
        for id in self.ids() {
            self.abandon_request(id, binding_id);
            if let Some(entry) = self.entry_mut(id)
                && let Some(registration) = entry.registrations.get_mut(&binding_id)
            {
                registration.to_leave = false;
                registration.again_at = None;
                if let Some(grant) = &mut registration.granted {
                    // The old care-of address is gone with its grant.
                    grant.stale = true;
                }
            }
            self.drive(id);
        }
    }

    fn interface_down(&mut self, binding_id: u8) {
        self.reset_paths(binding_id, "interface down");
        for id in self.ids() {
            self.abandon_request(id, binding_id);
            self.lose_path(id, binding_id);
            self.drive(id);
        }
    }

    /// A path of another address starts its life anew.
    fn reset_paths(&mut self, binding_id: u8, reason: &'static str) {
        let now = self.now;
        for lma in 0..self.config.lmas.len() {
            let id = path_id(lma, binding_id);
            if let Some(path) = self.paths.get_mut(&id) {
                path.heartbeat = None;
                path.mapping_probe = None;
                path.good_since = now;
            }
            self.timers.cancel(TimerKind::Heartbeat(id));
            self.timers.cancel(TimerKind::KeepAlive(id));
            self.sync_path(id, reason);
        }
    }

    /// A PBU that leaves by this interface, or is about it, is of no use any more.
    fn abandon_request(&mut self, id: SessionId, binding_id: u8) {
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        let closing = matches!(entry.life, Life::Closing { .. });
        let mut dropped = Vec::new();
        for (&about, registration) in &mut entry.registrations {
            let Some(request) = &registration.request else {
                continue;
            };
            let about_it = about == binding_id && request.purpose != Purpose::Close;
            if about_it || (request.over == binding_id && !closing) {
                if request.purpose == Purpose::Leave && about != binding_id {
                    registration.to_leave = true;
                }
                dropped.push(about);
            }
        }
        for about in &dropped {
            entry.end_request(*about);
        }
        for about in dropped {
            self.timers.cancel(TimerKind::Retransmit(id, about));
        }
    }

    /// The path carries no more traffic; the anchor is told over another one, if there is one.
    fn lose_path(&mut self, id: SessionId, binding_id: u8) {
        self.timers.cancel(TimerKind::Refresh(id, binding_id));
        self.timers.cancel(TimerKind::Expiry(id, binding_id));
        self.timers.cancel(TimerKind::Again(id, binding_id));
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        let multipath = entry.mode == Mode::Multipath;
        let Some(registration) = entry.registrations.get_mut(&binding_id) else {
            return;
        };
        registration.again_at = None;
        let carried = registration.granted.take().is_some();
        registration.to_leave |= carried && multipath;
        if !registration.to_leave && registration.request.is_none() {
            entry.registrations.remove(&binding_id);
        }
        if carried {
            self.sync_session(id);
        }
        // Users of the path changed.
        let lma = self.entry(id).map(|entry| entry.lma);
        if let Some(lma) = lma {
            self.sync_path(path_id(lma, binding_id), "interface down");
        }
    }
}
