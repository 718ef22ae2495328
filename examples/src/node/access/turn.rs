//! The access side's part in a node's turn.

use pmip_binding::{Attachment, MobileNode};
use pmip_wire::types::Instant;

use super::Access;
use crate::access::{Act, Mac, Surroundings};
use crate::node::{Node, Side};
use crate::platform::ports::AccessFrame;

/// Gives the access side of a MAG what it sees of the rest.
macro_rules! with_access {
    ($node:ident, $now:ident, |$access:ident, $around:ident| $body:expr) => {
        if let Side::Mag {
            access: $access, ..
        } = &mut $node.side
        {
            let engine = &$node.engine;
            let remaining = |nai: &str| engine.remaining(nai, $now);
            let $around = Surroundings {
                now: $now,
                network: &$node.network,
                remaining: &remaining,
                mtu: $node.network.link($access.tun()).map(|link| link.mtu),
            };
            $body;
        }
    };
}

impl Access {
    fn tun(&self) -> &str {
        &self.tun
    }
}

impl Node {
    pub(in crate::node) fn on_access_frame(&mut self, now: Instant, frame: &AccessFrame) {
        with_access!(self, now, |access, around| access.on_frame(around, frame));
    }

    pub(in crate::node) fn on_access_timeout(&mut self, now: Instant) {
        with_access!(self, now, |access, around| access.on_timeout(around));
        if matches!(&self.side, Side::Mag { access, .. } if access.retry_due(now)) {
            self.check_access_links(now);
        }
    }

    pub(in crate::node) fn on_access_session(
        &mut self,
        now: Instant,
        event: &pmip_binding::SessionEvent,
    ) {
        let kernel = self.ports.kernel.as_mut();
        with_access!(self, now, |access, around| access
            .on_session(around, event, kernel));
    }

    pub(in crate::node) fn on_advertisement(
        &mut self,
        now: Instant,
        told: &pmip_binding::Advertisement,
    ) {
        with_access!(self, now, |access, around| access
            .on_advertisement(around, told));
    }

    pub(in crate::node) fn check_access_links(&mut self, now: Instant) {
        if let Side::Mag { access, .. } = &mut self.side {
            access.check_links(now, &self.network, self.ports.access.as_mut());
        }
    }

    /// Does what the access side wants but for sending: those frames go to `frames`, since what
    /// they announce must be in force first. Returns whether the engine was told something.
    pub(in crate::node) fn turn_access(
        &mut self,
        now: Instant,
        frames: &mut Vec<(String, Vec<u8>)>,
    ) -> bool {
        let Side::Mag { access, .. } = &mut self.side else {
            return false;
        };
        let mut told = false;
        for act in access.take_acts() {
            match act {
                Act::Send { device, frame } => frames.push((device, frame)),
                Act::Add(item) => self.ports.kernel.add(item),
                Act::Remove(item) => self.ports.kernel.remove(&item),
                Act::Attach {
                    nai,
                    mac,
                    technology,
                } => {
                    let host = self.config.mobile_node(&nai, mac, technology);
                    self.tell_engine(now, Attachment::Attach(host));
                    told = true;
                }
                Act::Detach(nai) => {
                    self.tell_engine(now, Attachment::Detach { nai });
                    told = true;
                }
                Act::Solicit(nai) => {
                    self.tell_engine(now, Attachment::Solicit { nai });
                    told = true;
                }
            }
        }
        told
    }

    pub(in crate::node) fn send_frames(&mut self, frames: Vec<(String, Vec<u8>)>) {
        for (device, frame) in frames {
            if let Err(error) = self.ports.access.send(&device, &frame) {
                self.send_errors = self.send_errors.saturating_add(1);
                tracing::debug!(target: "pmip::errors", "cannot send on {device}: {error}");
            }
        }
    }

    /// `pmip attach`: a host came to an access interface.
    pub fn attach(&mut self, now: Instant, host: MobileNode, device: &str, mac: Option<Mac>) {
        if let Side::Mag { access, .. } = &mut self.side {
            access.note(now, &host.nai, device, mac);
        }
        self.tell_engine(now, Attachment::Attach(host));
    }

    /// `pmip detach`: a host left.
    pub fn detach(&mut self, now: Instant, nai: String) {
        self.tell_engine(now, Attachment::Detach { nai });
    }

    fn tell_engine(&mut self, now: Instant, attachment: Attachment) {
        let input = pmip_binding::Input::Attachment(attachment);
        self.engine.handle_input(now, input);
    }

    /// Frames of hosts that were not served, by reason.
    pub fn access_drops(&self) -> crate::access::Drops {
        match &self.side {
            Side::Mag { access, .. } => access.drops(),
            Side::Lma { .. } => crate::access::Drops::new(),
        }
    }
}
