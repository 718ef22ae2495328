//! What a PBA says beyond the registration: parameters that the gateway obeys (RFC 8127), another
//! address of this anchor, and its load (RFC 6463).

use std::net::IpAddr;

use pmip_wire::types::Lifetime;
use pmip_wire::{
    BindingReregistrationControl, HeartbeatControl, LcmpSubOption, LmaControlledMagParameters,
    LoadInformation,
};

use crate::message::{Acknowledgement, status};

use super::Lma;
use super::judge::{Objection, Request};

impl Lma {
    /// The anchor's own end of the path that a request asks for: where it came to, or where it is
    /// redirected to.
    pub(super) fn local_of(&self, request: &Request) -> IpAddr {
        self.assigned(request)
            .unwrap_or_else(|| request.datagram.destination.ip())
    }

    /// RFC 6463 section 5.3.1: the anchor's own address of the same family, for a request that
    /// came to an assigning address.
    fn assigned(&self, request: &Request) -> Option<IpAddr> {
        let destination = request.datagram.destination.ip();
        let ours = request.peer.tenant.number == 0;
        if !ours || !self.config.redirect.is_assigning(destination) {
            return None;
        }
        match destination {
            IpAddr::V4(_) => self.config.ipv4_address.map(IpAddr::V4),
            IpAddr::V6(_) => self.config.ipv6_address.map(IpAddr::V6),
        }
    }

    /// RFC 6463 section 5.3: at an assigning address only gateways are served that can be
    /// redirected, and only if the anchoring role is on.
    pub(super) fn check_redirect(&self, request: &Request) -> Result<(), Objection> {
        let destination = request.datagram.destination.ip();
        let ours = request.peer.tenant.number == 0;
        if !ours || !self.config.redirect.is_assigning(destination) {
            return Ok(());
        }
        let can = request.update.redirect_capable && self.config.redirect.accept;
        if can && self.assigned(request).is_some() {
            Ok(())
        } else {
            Err(Objection::Refuse(status::INSUFFICIENT_RESOURCES))
        }
    }

    /// Adds to an acceptance what the gateway is to obey.
    pub(super) fn add_orders(&self, request: &Request, reply: &mut Acknowledgement) {
        reply.redirect = self.assigned(request);
        if request.update.common.lifetime > 0 {
            reply.controlled = self.controlled();
        }
    }

    /// RFC 8127 section 5.1.
    fn controlled(&self) -> Option<LmaControlledMagParameters> {
        let config = &self.config.controlled;
        let seconds = |span: std::time::Duration| u16::try_from(span.as_secs()).unwrap_or(u16::MAX);
        let reregistration = config.reregistration.as_ref().map(|control| {
            let units = control.start_time.as_secs() / 4;
            LcmpSubOption::BindingReregistrationControl(BindingReregistrationControl {
                start_time: Lifetime::from_units(u16::try_from(units).unwrap_or(u16::MAX)),
                initial_retransmission_time: seconds(control.initial_retransmission),
                maximum_retransmission_time: seconds(control.maximum_retransmission),
            })
        });
        let heartbeat = config.heartbeat.as_ref().map(|control| {
            LcmpSubOption::HeartbeatControl(HeartbeatControl {
                interval: seconds(control.interval),
                retransmission_delay: seconds(control.retransmission_delay),
                max_retransmissions: control.max_retransmissions,
            })
        });
        let mut orders = [reregistration, heartbeat].into_iter().flatten();
        let first = LmaControlledMagParameters::new(orders.next()?).ok()?;
        orders.try_fold(first, |all, order| all.with(order).ok())
    }

    /// RFC 6463 section 4.3: in any PBA.
    pub(super) fn load(&self) -> Option<LoadInformation> {
        let config = self.config.load?;
        Some(LoadInformation {
            priority: config.priority,
            sessions_in_use: u32::try_from(self.cache.len()).unwrap_or(u32::MAX),
            maximum_sessions: self.config.limits.bindings,
            used_capacity: 0,
            maximum_capacity: config.maximum_capacity,
        })
    }
}
