//! What the two engine targets share: who sends, over what, and what must hold of every output.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use arbitrary::Arbitrary;
use bytes::Bytes;
use pmip_binding::{Carrier, Datagram, Transmit};
use pmip_wire::types::{Instant, PathId};
use pmip_wire::udp::CONTROL_PORT;
use pmip_wire::{ChecksumContext, Message};

pub(crate) const LMA_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const LMA_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// More outputs than one input may cause.
pub(crate) const OUTPUTS: usize = 10_000;

/// Where a datagram seems to come from: few values, so that inputs meet each other.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) struct Sender {
    host: Host,
    /// Behind a NAT the port is not 5436.
    translated: bool,
    carrier: Via,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Host {
    First,
    Second,
    Third,
    Any(u8),
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Via {
    Direct,
    OverIpv6,
    InTunnel(u8),
    InUnknownTunnel,
}

impl Sender {
    /// A datagram from here to the anchor or, `to_mag`, from the anchor to here, with `message`
    /// and the checksum its carrier asks for.
    pub(crate) fn datagram(self, message: &Message, to_mag: bool) -> Datagram {
        let mut datagram = self.raw(Vec::new(), to_mag);
        let context = context(datagram.carrier, datagram.source, datagram.destination);
        datagram.payload = message.to_bytes(context);
        datagram
    }

    /// The same with whatever octets.
    pub(crate) fn raw(self, octets: Vec<u8>, to_mag: bool) -> Datagram {
        let number = match self.host {
            Host::First => 1,
            Host::Second => 2,
            Host::Third => 3,
            Host::Any(number) => number,
        };
        let (carrier, here, anchor): (_, IpAddr, IpAddr) = match self.carrier {
            Via::Direct => (Carrier::Udp, care_of_v4(number).into(), LMA_V4.into()),
            Via::OverIpv6 => (Carrier::Ipv6, care_of_v6(number).into(), LMA_V6.into()),
            Via::InTunnel(path) => (
                Carrier::Tunnel(PathId(path.into())),
                care_of_v4(number).into(),
                LMA_V4.into(),
            ),
            Via::InUnknownTunnel => (
                Carrier::UnknownTunnel,
                care_of_v4(number).into(),
                LMA_V4.into(),
            ),
        };
        let port = if carrier == Carrier::Ipv6 {
            0
        } else {
            CONTROL_PORT
        };
        let here_port = if self.translated && port != 0 {
            40_000
        } else {
            port
        };
        let here = SocketAddr::new(here, here_port);
        let anchor = SocketAddr::new(anchor, port);
        let (source, destination) = if to_mag {
            (anchor, here)
        } else {
            (here, anchor)
        };
        Datagram {
            carrier,
            source,
            destination,
            payload: Bytes::from(octets),
            vrf: pmip_binding::VrfId::DEFAULT,
        }
    }
}

pub(crate) fn care_of_v4(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(198, 51, 100, number)
}

pub(crate) fn care_of_v6(number: u8) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, number.into())
}

/// Whether the octets are a message at all, for the carrier they came by.
pub(crate) fn is_message(datagram: &Datagram) -> bool {
    let context = context(datagram.carrier, datagram.source, datagram.destination);
    Message::decode(&datagram.payload, context).is_ok()
}

/// What an engine sends must be well-formed for its carrier.
pub(crate) fn check_transmit(transmit: &Transmit) -> Message {
    let context = context(transmit.carrier, transmit.source, transmit.destination);
    Message::decode(&transmit.payload, context).expect("an engine sends well-formed messages")
}

/// An engine never asks to be woken in the past.
pub(crate) fn check_timeout(timeout: Option<Instant>, now: Instant) {
    assert!(
        timeout.is_none_or(|at| at >= now),
        "{timeout:?} before {now}"
    );
}

fn context(carrier: Carrier, source: SocketAddr, destination: SocketAddr) -> ChecksumContext {
    match (carrier, source.ip(), destination.ip()) {
        (Carrier::Ipv6, IpAddr::V6(source), IpAddr::V6(destination)) => ChecksumContext::Ipv6 {
            source,
            destination,
        },
        _ => ChecksumContext::Udp,
    }
}

/// `message` on the way back from where `sent` went.
pub(crate) fn answer(sent: &Transmit, message: &Message) -> Datagram {
    let (source, destination) = (sent.destination, sent.source);
    Datagram {
        carrier: sent.carrier,
        source,
        destination,
        payload: message.to_bytes(context(sent.carrier, source, destination)),
        vrf: pmip_binding::VrfId::DEFAULT,
    }
}
