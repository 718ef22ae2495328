//! The keys shared with each anchor (RFC 4285 section 5).

use std::net::SocketAddr;
use std::sync::Arc;

use pmip_wire::Message;
use pmip_wire::auth::SecurityAssociation;
use pmip_wire::types::PathId;

use crate::config::{MagConfig, Tolerance};
use crate::event::DropReason;
use crate::io::{Carrier, Datagram, Transmit};
use crate::security::{self, Proof, Protection};
use crate::wire::{self, Received};

use super::Mag;
use super::list::path_parts;

/// The keys of each anchor, in the order of the configuration: the first to send with.
#[derive(Clone, Debug)]
pub(super) struct Keyring(Vec<Vec<SecurityAssociation>>);

impl Keyring {
    pub(super) fn new(config: &MagConfig) -> Self {
        let anchors = config.lmas.iter();
        Self(
            anchors
                .map(|lma| security::associations(&lma.keys))
                .collect(),
        )
    }

    fn of(&self, lma: usize) -> &[SecurityAssociation] {
        self.0.get(lma).map_or(&[], Vec::as_slice)
    }
}

impl Mag {
    /// Decodes a datagram of a configured anchor and checks its authentication.
    pub(super) fn understand(&mut self, datagram: &Datagram) -> Result<Received, DropReason> {
        let config = Arc::clone(&self.config);
        let lma = self.anchor_of(datagram).ok_or(DropReason::UnknownPeer)?;
        let allowed = config.lmas.get(lma).map_or(&[][..], |lma| &lma.lenient);
        let lax = allowed.contains(&Tolerance::LastOptionCut);
        let keys = self.keyring.of(lma);
        let named = |spi| keys.iter().find(|key| key.spi() == spi);
        let incoming = wire::receive(datagram, datagram.destination.ip(), named, lax)?;
        match incoming.proof {
            Proof::Failed(_) => return Err(DropReason::AuthenticationFailed),
            Proof::Missing if !keys.is_empty() => return Err(DropReason::Unauthenticated),
            Proof::Valid(_) | Proof::Missing => {}
        }
        let mut content = incoming.content;
        if let Received::Acknowledgement(answer) = &mut content {
            let mut used = answer.relax(allowed);
            used.extend(incoming.cut.then_some(Tolerance::LastOptionCut));
            if !answer.proxy && !used.contains(&Tolerance::NoProxyFlag) {
                return Err(DropReason::NoProxyFlag);
            }
            self.stats.count_tolerated(&used);
        }
        Ok(content)
    }

    /// Sends back to where `datagram` came from, by the interface it came in. What was sent to an
    /// address of before gets no answer.
    pub(super) fn reply(&mut self, datagram: &Datagram, message: &Message) {
        let Some(path) = self.path_at(datagram) else {
            return self.drop_datagram(DropReason::UnknownPeer, datagram);
        };
        let (source, destination) = (datagram.destination, datagram.source);
        self.send_over(path, datagram.carrier, source, destination, message);
    }

    /// Sends over a path, protected where its anchor shares a key.
    pub(super) fn send_over(
        &mut self,
        path: PathId,
        carrier: Carrier,
        source: SocketAddr,
        destination: SocketAddr,
        message: &Message,
    ) {
        let association = self.keyring.of(path_parts(path).0).first();
        let protection = association.map(|association| Protection {
            association,
            gateway: source.ip(),
        });
        let Some(payload) = wire::encode(message, carrier, source, destination, protection) else {
            return;
        };
        self.transmit(Transmit {
            path: Some(path),
            carrier,
            source,
            destination,
            payload,
            vrf: crate::VrfId::DEFAULT,
        });
    }

    /// The configured anchor that a datagram comes from.
    fn anchor_of(&self, datagram: &Datagram) -> Option<usize> {
        match datagram.carrier {
            Carrier::Tunnel(path) => {
                let known = self.paths.contains_key(&path);
                known.then(|| path_parts(path).0)
            }
            Carrier::UnknownTunnel => None,
            Carrier::Udp | Carrier::Ipv6 => self.anchor_at(datagram.source.ip()),
        }
    }
}
