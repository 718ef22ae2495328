//! Refused registrations: what an operator may do about each status, and those of an anchor in its
//! log, which anybody may provoke.

use pmip_binding::Transmit;
use pmip_wire::types::Instant;
use pmip_wire::{ChecksumContext, Message, MhType, Status};

use super::drops::Seldom;
use super::tell::Happening;
use crate::config::node::Role;

/// What an anchor refused since it was told last.
pub(super) type Refusals = Seldom<Status>;

/// A gateway's registration was refused.
pub(super) fn refused(mn_id: &str, status: u8) -> Happening {
    let status = Status::from_code(status);
    let words = format!("{mn_id} was refused: {status}{}", advice(Role::Mag, status));
    Happening::warn("session-refused", words).binding(mn_id)
}

impl Refusals {
    /// What to tell of an acknowledgement that an anchor sends, when it refuses and it is time to.
    pub(super) fn on_sent(&mut self, now: Instant, transmit: &Transmit) -> Option<Happening> {
        // Almost every answer accepts.
        let [_, _, kind, _, _, _, status, ..] = *transmit.payload else {
            return None;
        };
        if MhType::from_code(kind) != MhType::BindingAcknowledgement || status < 128 {
            return None;
        }
        let status = Status::from_code(status);
        let count = self.add(now, status)?;
        // Whatever carries it, its checksum is right: we made it.
        let message = Message::decode(&transmit.payload, ChecksumContext::Udp).ok()?;
        let Message::BindingAcknowledgement(answer) = message else {
            return None;
        };
        let identifier = answer.options.mn_identifier();
        let mn_id = identifier.as_ref().and_then(|id| id.as_nai());
        let who = mn_id.unwrap_or("a mobile node without a name");
        let (from, advice) = (transmit.destination, advice(Role::Lma, status));
        let more = match count {
            1 => String::new(),
            count => format!(" ({count} such refusals since the last line)"),
        };
        let words = format!("{who} of {from} is refused{more}: {status}{advice}");
        let told = Happening::warn("registration-refused", words);
        Some(match mn_id {
            Some(mn_id) => told.binding(mn_id),
            None => told,
        })
    }
}

/// What to do about it, where we know; it goes on after the status.
fn advice(role: Role, status: Status) -> &'static str {
    use Role::{Lma, Mag};
    match (role, status) {
        (Mag, Status::NotAuthorizedForIpv6MobilityService) => {
            ". The anchor's network has no `pool ipv6`, or the profile there says `service ipv4`: \
             give it one, or write `service ipv4` under the `nai` here. It is asked for IPv4 alone \
             from now on"
        }
        (Lma, Status::NotAuthorizedForIpv6MobilityService) => {
            ". Its network here has no `pool ipv6`, or its profile says `service ipv4`: give the \
             network one, or write `service ipv4` under the `nai` on the gateway"
        }
        (Mag, Status::NotAuthorizedForIpv4MobilityService) => {
            ". The anchor's network has no `pool ipv4`, or the profile there says `service ipv6`: \
             give it one, or write `service ipv6` under the `nai` here. It is asked for IPv6 alone \
             from now on"
        }
        (Lma, Status::NotAuthorizedForIpv4MobilityService) => {
            ". Its network here has no `pool ipv4`, or its profile says `service ipv6`: give the \
             network one, or write `service ipv6` under the `nai` on the gateway"
        }
        (Mag, Status::InsufficientResources) => {
            ". The anchor has no prefix or address left of a family that is asked for, or reached \
             a limit: a `learn-prefix` network asks for one of each family unless `service ipv4` \
             or `service ipv6` stands under the `nai` here; the anchor's log says more"
        }
        (Lma, Status::InsufficientResources) => {
            ". A pool is used up or missing (a `learn-prefix` network asks for one `mobile-network \
             pool` and one `mobile-network v6pool` unless `service ipv4` or `service ipv6` stands \
             under the `nai` on the gateway), `bce maximum` or a customer's limit is reached, or \
             another gateway has its care-of address"
        }
        (Lma, Status::MagNotAuthorizedForProxyRegistration) => {
            ". Name the gateway by `mag ID DOMAIN`, or write `dynamic mag learning`"
        }
        (Mag, Status::MagNotAuthorizedForProxyRegistration) => {
            ". The anchor does not know this gateway: name it there by `mag ID DOMAIN`, or write \
             `dynamic mag learning` there"
        }
        (_, Status::NotLmaForThisMobileNode | Status::ProxyRegistrationNotEnabled) => {
            ". The anchor has no profile for it: write `nai` with its `network` in the domain \
             there, or `default profile`"
        }
        (_, Status::TimestampMismatch | Status::TimestampLowerThanPreviouslyAccepted) => {
            ". The clocks differ: set them by NTP on both nodes, or widen `replay-protection \
             timestamp window`"
        }
        (_, Status::CannotSupportMultipathBinding) => {
            ". `multipath` is off on the anchor: the gateway goes on with one path"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::node::tests::{CONFIG, Domain, interfaces};
    use crate::node::{NodeInput, Watch};

    /// Would break: an operator who is told a status number of an RFC and nothing to do.
    #[test]
    fn an_anchor_without_ipv6_pools_and_its_gateway_both_say_what_to_write() {
        let ipv6_home = "ipv6-pool = { name = \"home6\", pfxlen = 64 }\n";
        let ipv6_networks =
            "  { pool = \"2001:db8:6400::\", pool-prefix = 40, network-prefix = 56 },\n";
        let config = CONFIG.replace(ipv6_home, "").replace(ipv6_networks, "");
        let mut domain = Domain::with(&config);
        let mut told = Vec::new();
        for seat in [&mut domain.lma, &mut domain.mag] {
            let (sender, mut receiver) = tokio::sync::oneshot::channel();
            let watch = NodeInput::Watch(Watch::Events(sender));
            seat.turn(domain.now, watch);
            told.push(receiver.try_recv().expect("somebody to watch"));
        }
        domain
            .mag
            .turn(domain.now, NodeInput::Network(interfaces()));
        domain.run(Duration::from_secs(5));
        let lines = told.into_iter().map(|mut events| {
            let mut lines = String::new();
            while let Ok(line) = events.try_recv() {
                lines.push_str(&line);
            }
            lines
        });
        for lines in lines {
            assert!(lines.contains("`pool ipv6`"), "{lines}");
            assert!(lines.contains("`service ipv4`"), "{lines}");
            assert!(lines.contains("learn-prefix"), "{lines}");
        }
    }
}
