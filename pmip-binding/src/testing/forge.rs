//! Messages of somebody who has no right to send them.

use std::net::{IpAddr, SocketAddr};

use pmip_wire::types::IpPrefix;
use pmip_wire::{
    AccessTechnologyType, BindingAckFlags, BindingAcknowledgement, BindingUpdate,
    BindingUpdateFlags, ChecksumContext, HandoffIndicator, Heartbeat, HomeNetworkPrefix, Lifetime,
    LinkLayerIdentifier, Message, MobileNodeIdentifier, MobilityOption, MobilityOptions,
    SequenceNumber, Status, Timestamp,
};

use super::scene::LMA_ADDRESS;
use super::world::control;
use crate::{CONTROL_PORT, Carrier, Datagram};

/// A PBU made by hand.
#[derive(Clone, Debug)]
pub(super) struct Pbu {
    pub(super) nai: Option<String>,
    pub(super) link_layer: [u8; 6],
    pub(super) lifetime: u16,
    pub(super) handoff: u8,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) home: HomeNetworkPrefix,
}

impl Pbu {
    pub(super) fn datagram(&self, source: IpAddr) -> Datagram {
        let nai = self.nai.as_deref();
        let mut list: Vec<MobilityOption> = vec![
            self.home.into(),
            MobilityOption::Ipv4HomeAddressRequest(pmip_wire::Ipv4HomeAddressRequest::ALL_ZERO),
            HandoffIndicator::from_code(self.handoff).into(),
            AccessTechnologyType::from_code(3).into(),
            LinkLayerIdentifier::mac(self.link_layer).into(),
        ];
        list.extend(nai.and_then(|nai| Some(MobileNodeIdentifier::nai(nai).ok()?.into())));
        list.extend(self.timestamp.map(MobilityOption::from));
        let message = Message::BindingUpdate(BindingUpdate {
            sequence: SequenceNumber(9),
            flags: BindingUpdateFlags::PROXY
                | BindingUpdateFlags::HOME_REGISTRATION
                | BindingUpdateFlags::ACKNOWLEDGE
                | BindingUpdateFlags::FORCE_UDP,
            lifetime: Lifetime::from_units(self.lifetime),
            options: options(list),
        });
        to_anchor(control(source), Carrier::Udp, &message)
    }
}

/// What names a home prefix in a PBU; all zero where there is none.
pub(super) fn home(prefix: Option<IpPrefix>) -> HomeNetworkPrefix {
    let named = prefix.and_then(|prefix| match prefix.address() {
        IpAddr::V6(address) => HomeNetworkPrefix::new(address, prefix.length()).ok(),
        IpAddr::V4(_) => None,
    });
    named.unwrap_or(HomeNetworkPrefix::ALL_ZERO)
}

/// An acknowledgement in the anchor's name.
pub(super) fn answer(nai: &str, status: u8, destination: IpAddr) -> Datagram {
    let mut list: Vec<MobilityOption> = vec![HomeNetworkPrefix::ALL_ZERO.into()];
    list.extend(
        MobileNodeIdentifier::nai(nai)
            .ok()
            .map(MobilityOption::from),
    );
    let message = Message::BindingAcknowledgement(BindingAcknowledgement {
        status: Status::from_code(status),
        flags: BindingAckFlags::PROXY,
        sequence: SequenceNumber(0x4242),
        lifetime: Lifetime::from_units(900),
        options: options(list),
    });
    Datagram {
        carrier: Carrier::Udp,
        source: control(LMA_ADDRESS.into()),
        destination: control(destination),
        payload: message.to_bytes(ChecksumContext::Udp),
        vrf: crate::VrfId::DEFAULT,
    }
}

/// A heartbeat that comes to the anchor, over no tunnel that it knows.
pub(super) fn heartbeat(source: SocketAddr, is_answer: bool) -> Datagram {
    let mut beat = if is_answer {
        Heartbeat::response(0x4242_4242)
    } else {
        Heartbeat::request(0x4242_4242)
    };
    if is_answer {
        let _fits = beat.options.push(MobilityOption::RestartCounter(0x4242));
    }
    to_anchor(source, Carrier::UnknownTunnel, &Message::Heartbeat(beat))
}

/// Octets for the anchor.
pub(super) fn octets(octets: Vec<u8>) -> Datagram {
    Datagram {
        carrier: Carrier::Udp,
        source: SocketAddr::new(super::scene::address(99, 1), CONTROL_PORT),
        destination: control(LMA_ADDRESS.into()),
        payload: octets.into(),
        vrf: crate::VrfId::DEFAULT,
    }
}

fn to_anchor(source: SocketAddr, carrier: Carrier, message: &Message) -> Datagram {
    Datagram {
        carrier,
        source,
        destination: control(LMA_ADDRESS.into()),
        payload: message.to_bytes(ChecksumContext::Udp),
        vrf: crate::VrfId::DEFAULT,
    }
}

fn options(list: Vec<MobilityOption>) -> MobilityOptions {
    // What is listed here is far below the longest header.
    MobilityOptions::try_from(list).unwrap_or_default()
}
