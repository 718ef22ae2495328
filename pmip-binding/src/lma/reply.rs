//! Building Proxy Binding Acknowledgements: RFC 5213 section 5.3.6.

use std::net::{IpAddr, Ipv6Addr};

use pmip_wire::Message;
use pmip_wire::types::{Encapsulation, IpPrefix};
use smallvec::SmallVec;

use crate::event::SessionId;
use crate::io::Carrier;
use crate::message::{Acknowledgement, Common, HomeReply, Identifier, LinkLayer, status};

use super::Lma;
use super::allocation::Shortage;
use super::judge::Request;

/// NATKATIMEOUT (RFC 5555 section 6), in seconds.
const NAT_KEEP_ALIVE: u32 = 110;
/// Status of an IPv4 Home Address Reply: reason unspecified.
const HOME_UNSPECIFIED: u8 = 128;
/// The same: administratively prohibited.
const HOME_PROHIBITED: u8 = 129;

impl Lma {
    /// Accepts with what the session now holds.
    pub(super) fn accept(&mut self, request: &Request, id: SessionId) {
        let mut reply = self.echo(request, status::ACCEPTED);
        let Some(session) = self.cache.get(id) else {
            return;
        };
        let deregisters = request.update.common.lifetime == 0;
        let granted = session.path(request.binding_id());
        let lifetime = granted.map_or(0, |binding| binding.lifetime);
        reply.common.lifetime = if deregisters { 0 } else { lifetime };
        reply.common.home_prefixes = SmallVec::from_slice(session.home_prefixes());
        reply.common.delegated = SmallVec::from_slice(session.delegated());
        reply.home_reply = session.ipv4_home.map(|home| HomeReply {
            status: 0,
            address: home.address,
            prefix_length: home.prefix_length,
        });
        reply.default_router = session.ipv4_home.map(|home| home.router);
        // Absent would make the MAG a DHCP relay (RFC 5844 section 3.3.4).
        reply.dhcp_server = Some(true);
        if let Some(wanted) = request.update.common.link_local {
            reply.common.link_local =
                Some(session.link_local.as_deref().copied().unwrap_or(wanted));
        }
        reply.common.access_network = self.accepted_network(request);
        if !deregisters {
            self.answer_gre(request, id, &mut reply);
        }
        let encapsulation = self.encapsulation_of(request);
        let udp = matches!(
            encapsulation,
            Encapsulation::Ipv4Udp | Encapsulation::Ipv4UdpTlv
        );
        if request.datagram.carrier == Carrier::Udp && udp {
            reply.nat_detection = Some((true, NAT_KEEP_ALIVE));
        }
        if let Some(IpAddr::V4(address)) = request.update.alternate_care_of {
            reply.alternate_ipv4_care_of = Some(address);
        }
        self.add_orders(request, &mut reply);
        self.send_reply(request, reply);
    }

    pub(super) fn refuse(&mut self, request: &Request, status: u8) {
        // RFC 5844 section 3.1.2.2.
        let home_status = match status {
            status::NOT_AUTHORIZED_FOR_IPV4_HOA => HOME_PROHIBITED,
            _ => HOME_UNSPECIFIED,
        };
        let reply = self.rejection(request, status, home_status);
        self.send_reply(request, reply);
    }

    pub(super) fn refuse_shortage(&mut self, request: &Request, shortage: Shortage) {
        let reply = self.rejection(request, shortage.status, shortage.home_status);
        self.send_reply(request, reply);
    }

    /// RFC 6275 section 9.5.1: status 135 with the last accepted sequence number.
    pub(super) fn refuse_sequence(&mut self, request: &Request, last: u16) {
        let mut reply = self.rejection(request, status::SEQUENCE_OUT_OF_WINDOW, HOME_UNSPECIFIED);
        reply.common.sequence = last;
        self.send_reply(request, reply);
    }

    fn rejection(&self, request: &Request, status: u8, home_status: u8) -> Acknowledgement {
        let mut reply = self.echo(request, status);
        let common = &request.update.common;
        reply.common.home_prefixes.clone_from(&common.home_prefixes);
        // Signalling rules section 4: without option 22 in an IPv4 request none in the reply.
        if common.home_prefixes.is_empty() && request.update.home_requests.is_empty() {
            reply.common.home_prefixes.push(all_zero_prefix());
        }
        reply.common.link_local = common.link_local;
        reply.common.delegated.clone_from(&common.delegated);
        let asked = request.update.home_requests.first();
        reply.home_reply = asked.map(|&(address, prefix_length)| HomeReply {
            status: home_status,
            address,
            prefix_length,
        });
        let wrong_time = matches!(status, status::TIMESTAMP_LOWER | status::TIMESTAMP_MISMATCH);
        if wrong_time {
            reply.common.timestamp = Some(self.timestamp_now());
        }
        reply
    }

    /// What every reply copies from the request.
    fn echo(&self, request: &Request, status: u8) -> Acknowledgement {
        let common = &request.update.common;
        let mn_id = common.mn_id.clone();
        Acknowledgement {
            status,
            common: Common {
                sequence: common.sequence,
                lifetime: 0,
                mn_id: Some(mn_id.unwrap_or_else(|| Identifier::nai(""))),
                handoff: Some(common.handoff.unwrap_or(0)),
                access_technology: Some(common.access_technology.unwrap_or(0)),
                link_layer: common.link_layer.as_deref().map(LinkLayer::from_slice),
                timestamp: common.timestamp,
                // Option 63 is echoed, also on refusal, so that the MAG can tell an anchor that
                // knows RFC 8278 from one that does not; option 64 never (section 4.3).
                multipath: common.multipath,
                ..Common::default()
            },
            ..Acknowledgement::default()
        }
    }

    fn send_reply(&mut self, request: &Request, mut reply: Acknowledgement) {
        reply.load = self.load();
        self.stats.count_status(reply.status);
        if let Some(stats) = self.count_for(request.peer.tenant) {
            let counter = stats.acknowledgements.entry(reply.status).or_default();
            *counter = counter.saturating_add(1);
        }
        let message = Message::BindingAcknowledgement(reply.to_wire());
        self.reply(&request.datagram, request.proof, None, &message);
    }
}

fn all_zero_prefix() -> IpPrefix {
    IpPrefix::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0)
        .unwrap_or_else(|_| IpPrefix::host(IpAddr::V6(Ipv6Addr::UNSPECIFIED)))
}
