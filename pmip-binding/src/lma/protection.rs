//! Which access gateway may say what: RFC 4285 section 5, signalling rules section 6.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use pmip_wire::Message;
use pmip_wire::auth::SecurityAssociation;
use pmip_wire::types::PathId;
use smallvec::SmallVec;

use crate::config::{LmaConfig, Tolerance};
use crate::event::DropReason;
use crate::io::{Carrier, Datagram, Transmit};
use crate::message::status;
use crate::security::{self, Proof, Protection};
use crate::wire::{self, Beat, Incoming, Received};

use super::Lma;
use super::cache::PeerKey;
use super::judge::{Objection, Request};
use super::liveness::{carrier_of, port_of};
use super::revocation::{Origin, Way};
use super::tenants::Tenant;

/// The keys by their SPI, and whose they are.
#[derive(Clone, Debug)]
pub(super) struct Keyring {
    associations: BTreeMap<u32, Holder>,
    /// What protects messages to each configured peer that has keys of its own, by its place.
    own: Vec<Option<u32>>,
    /// What protects messages to all others of each tenant, by its number.
    shared: Vec<Option<u32>>,
    required: bool,
    /// Some peer may cut its last option off.
    lax: bool,
}

/// A key and who holds it.
#[derive(Clone, Debug)]
struct Holder {
    association: SecurityAssociation,
    owner: Owner,
}

/// Who may use a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// The configured peer in this place.
    Peer(usize),
    /// Everybody of the tenant with this number who has no keys of his own.
    Tenant(u16),
}

impl Keyring {
    pub(super) fn new(config: &LmaConfig) -> Self {
        let mut associations = BTreeMap::new();
        let mut add = |keys, owner| {
            let mut first = None;
            for association in security::associations(keys) {
                let spi = association.spi();
                first = first.or(Some(spi));
                associations.insert(spi, Holder { association, owner });
            }
            first
        };
        let peers = config.peers.iter().enumerate();
        Self {
            shared: std::iter::once(&config.keys)
                .chain(config.customers.iter().map(|customer| &customer.keys))
                .zip(0u16..)
                .map(|(keys, number)| add(keys, Owner::Tenant(number)))
                .collect(),
            own: peers
                .map(|(place, peer)| add(&peer.keys, Owner::Peer(place)))
                .collect(),
            associations,
            required: config.authentication_required,
            lax: config
                .peers
                .iter()
                .any(|peer| peer.lenient.contains(&Tolerance::LastOptionCut)),
        }
    }

    fn association(&self, spi: u32) -> Option<&SecurityAssociation> {
        Some(&self.associations.get(&spi)?.association)
    }

    /// The key that messages to a tenant's peer are protected with.
    fn sender(&self, tenant: Tenant, peer: Option<usize>) -> Option<&SecurityAssociation> {
        let own = peer.and_then(|place| *self.own.get(place)?);
        self.association(own.or_else(|| self.shared(tenant))?)
    }

    fn shared(&self, tenant: Tenant) -> Option<u32> {
        *self.shared.get(usize::from(tenant.number))?
    }

    fn has_own(&self, peer: Option<usize>) -> bool {
        peer.is_some_and(|place| self.own.get(place).is_some_and(Option::is_some))
    }

    /// The peer whose key this is; `None` where several hold it.
    pub(super) fn holder(&self, proof: Proof) -> Option<usize> {
        match self.associations.get(&proof.valid()?)?.owner {
            Owner::Peer(place) => Some(place),
            Owner::Tenant(_) => None,
        }
    }

    /// Whether a tenant's peer, `None` for one that is not configured, must authenticate what it
    /// sends. Where any key is configured, strangers must.
    fn demands(&self, tenant: Tenant, peer: Option<usize>) -> bool {
        self.required
            || self.shared(tenant).is_some()
            || self.has_own(peer)
            || (peer.is_none() && !self.associations.is_empty())
    }

    /// Whether a message with this proof may speak for a tenant's peer.
    fn speaks_for(&self, proof: Proof, tenant: Tenant, peer: Option<usize>) -> bool {
        let Some(spi) = proof.valid() else {
            return !self.demands(tenant, peer);
        };
        match self.associations.get(&spi).map(|holder| holder.owner) {
            Some(Owner::Peer(place)) => peer == Some(place),
            Some(Owner::Tenant(number)) => number == tenant.number && !self.has_own(peer),
            None => false,
        }
    }
}

impl Lma {
    /// Decodes a datagram and checks what can be checked before it is known what it is about.
    pub(super) fn understand(&self, datagram: &Datagram) -> Result<Incoming, DropReason> {
        let association = |spi| self.keyring.association(spi);
        wire::receive(
            datagram,
            datagram.source.ip(),
            association,
            self.keyring.lax,
        )
    }

    /// Whether a message other than a PBU, whose sender is known by where it comes from, by what
    /// it answers or by how it names itself, is authenticated as that one must.
    pub(super) fn admit(&self, datagram: &Datagram, incoming: &Incoming) -> Result<(), DropReason> {
        if let Received::Update(_) = incoming.content {
            return Ok(());
        }
        let rightful = self.is_rightful(datagram, incoming);
        let tenant = self.tenant_of(datagram).unwrap_or_default();
        match incoming.proof {
            Proof::Valid(_) if rightful == Some(false) => Err(DropReason::KeyOfAnotherPeer),
            Proof::Valid(_) => Ok(()),
            Proof::Failed(_) => Err(DropReason::AuthenticationFailed),
            Proof::Missing if !rightful.unwrap_or_else(|| !self.keyring.demands(tenant, None)) => {
                Err(DropReason::Unauthenticated)
            }
            Proof::Missing => Ok(()),
        }
    }

    /// Whether a message speaks for one of those who may have sent it; `None` if it may be of
    /// anybody.
    fn is_rightful(&self, datagram: &Datagram, incoming: &Incoming) -> Option<bool> {
        let from = self.origin_of(datagram);
        let mut rightful = None;
        let mut look = |peer: &PeerKey| {
            let speaks = rightful == Some(true) || self.speaks_for(incoming.proof, peer);
            rightful = Some(speaks);
        };
        for id in self.paths_of_datagram(datagram) {
            if let Some(path) = self.paths.get(id) {
                look(&path.key.peer);
            }
        }
        // The paths of who was asked may be gone when it answers.
        match &incoming.content {
            Received::RevocationAnswer(answer) => {
                let asked = self.revocations.asked(answer.sequence.0, from);
                asked.into_iter().for_each(|peer| look(peer));
            }
            Received::NotificationAnswer(answer) => {
                let asked = self.notifications.asked(answer.sequence.0, from);
                asked.into_iter().for_each(|peer| look(peer));
            }
            Received::TypeRefused => {
                let asked = self.revocations.asked_at(from);
                let asked = asked.chain(self.notifications.asked_at(from));
                asked.for_each(|(_, peer)| look(peer));
            }
            Received::Heartbeat(Beat {
                mag_id: Some(id), ..
            }) if rightful.is_none() => {
                let tenant = self.tenant_of(datagram).unwrap_or_default();
                let named = PeerKey::identified(tenant, id.clone());
                rightful = Some(self.speaks_for(incoming.proof, &named));
            }
            Received::Update(_)
            | Received::Acknowledgement(_)
            | Received::Heartbeat(_)
            | Received::Revocation(_)
            | Received::Notification(_)
            | Received::UnknownType
            | Received::Unexpected => {}
        }
        rightful
    }

    /// Those of `paths` that a message with this proof may speak for.
    fn of_sender(&self, paths: &[PathId], proof: Proof) -> SmallVec<[PathId; 4]> {
        let speaks = |id: &PathId| {
            let path = self.paths.get(*id);
            path.is_some_and(|path| self.speaks_for(proof, &path.key.peer))
        };
        paths.iter().copied().filter(speaks).collect()
    }

    /// The paths that a message from there may be about, of those that its proof speaks for.
    pub(super) fn spoken_for(&self, datagram: &Datagram, proof: Proof) -> SmallVec<[PathId; 4]> {
        self.of_sender(&self.paths_of_datagram(datagram), proof)
    }

    pub(super) fn speaks_for(&self, proof: Proof, peer: &PeerKey) -> bool {
        let place = self.directory.place(peer);
        self.keyring.speaks_for(proof, peer.tenant, place)
    }

    /// Puts right the bends of the rules that are taken from this peer, and refuses others.
    pub(super) fn relax(&mut self, request: &mut Request, cut: bool) -> Result<(), DropReason> {
        let directory = Arc::clone(&self.directory);
        let peer = directory.peer(&request.peer);
        let allowed = peer.map_or(&[][..], |peer| &peer.lenient);
        let mut used = request.update.relax(allowed);
        if cut {
            used.push(Tolerance::LastOptionCut);
        }
        if cut && !allowed.contains(&Tolerance::LastOptionCut) {
            return Err(DropReason::Malformed);
        }
        let home = request.update.home_registration;
        if !home && !used.contains(&Tolerance::NoHomeRegistration) {
            return Err(DropReason::NoHomeRegistration);
        }
        request.zero_technology = used.contains(&Tolerance::AccessTechnologyZero);
        if let Some(mn) = &request.update.common.mn_id
            && request.mn != *mn
        {
            request.mn = mn.clone();
        }
        self.stats.count_tolerated(&used);
        Ok(())
    }

    /// Whether an authentic PBU exceeds an allowance. One that is acceptable counts against its
    /// gateway's, which nobody else can use up; one that is refused, as a replayed one is, against
    /// its source's like those of strangers.
    pub(super) fn is_over_rate(&mut self, request: &Request, accepted: bool) -> bool {
        if request.held || request.proof.valid().is_none() {
            return false;
        }
        let within = match accepted {
            true => self.peer_rate.admit(self.now, &*request.peer),
            false => self.is_within_rate(&request.datagram),
        };
        !within
    }

    /// A PBU's authentication (RFC 5213 section 5.3.1 item 1). Only a wrong one under a key that is
    /// known is answered (RFC 4285 section 5.1.1).
    pub(super) fn check_proof(&self, request: &Request) -> Result<(), Objection> {
        let place = self.directory.place(&request.peer);
        let demanded = self.keyring.demands(request.peer.tenant, place);
        match request.proof {
            Proof::Valid(_) => Ok(()),
            Proof::Failed(_) => Err(Objection::Refuse(status::AUTHENTICATION_FAILED)),
            Proof::Missing if demanded => Err(Objection::Ignore(DropReason::Unauthenticated)),
            Proof::Missing => Ok(()),
        }
    }

    /// Answers a datagram, protected under a key of whoever sent it.
    pub(super) fn reply(
        &mut self,
        datagram: &Datagram,
        proof: Proof,
        path: Option<PathId>,
        message: &Message,
    ) {
        let spi = match proof {
            Proof::Missing => None,
            Proof::Valid(spi) | Proof::Failed(spi) => Some(spi),
        };
        let holder = spi.and_then(|spi| self.keyring.associations.get(&spi));
        let association = holder.and_then(|holder| match holder.owner {
            Owner::Peer(place) => self.keyring.sender(Tenant::default(), Some(place)),
            Owner::Tenant(number) => {
                let shared = *self.keyring.shared.get(usize::from(number))?;
                self.keyring.association(shared?)
            }
        });
        let protection = association.map(|association| Protection {
            association,
            gateway: datagram.source.ip(),
        });
        let (source, destination) = (datagram.destination, datagram.source);
        let carrier = datagram.carrier;
        let Some(payload) = wire::encode(message, carrier, source, destination, protection) else {
            return;
        };
        self.transmit(Transmit {
            path,
            carrier,
            source,
            destination,
            payload,
            vrf: datagram.vrf,
        });
    }

    /// Sends what we start over a path, protected where its peer shares a key.
    pub(super) fn send_over(&mut self, id: PathId, message: &Message) {
        let Some(path) = self.paths.get(id) else {
            return;
        };
        let peer = Arc::clone(&path.key.peer);
        self.initiate(Some(id), &peer, (path.key.local, path.observed), message);
    }

    /// Sends what we start where a peer was reached when it was prepared.
    pub(super) fn send_by(&mut self, way: Way, peer: &PeerKey, message: &Message) {
        let path = self.paths.get(way.path).is_some().then_some(way.path);
        self.initiate(path, peer, (way.local, way.remote), message);
    }

    /// Sends what we start to a peer (signalling rules section 7), protected where it shares a key.
    pub(super) fn initiate(
        &mut self,
        path: Option<PathId>,
        peer: &PeerKey,
        (local, destination): (IpAddr, SocketAddr),
        message: &Message,
    ) {
        let carrier = carrier_of(destination);
        self.send_by_carrier(carrier, path, peer, (local, destination), message);
    }

    /// Sends what we start through a path's tunnel to an outer address that need not be the one
    /// that its packets go to.
    pub(super) fn send_in_tunnel(&mut self, id: PathId, outer: SocketAddr, message: &Message) {
        let Some(path) = self.paths.get(id) else {
            return;
        };
        let (peer, local) = (Arc::clone(&path.key.peer), path.key.local);
        self.send_by_carrier(
            Carrier::Tunnel(id),
            Some(id),
            &peer,
            (local, outer),
            message,
        );
    }

    fn send_by_carrier(
        &mut self,
        carrier: Carrier,
        path: Option<PathId>,
        peer: &PeerKey,
        (local, destination): (IpAddr, SocketAddr),
        message: &Message,
    ) {
        let source = SocketAddr::new(local, port_of(carrier));
        let place = self.directory.place(peer);
        let association = self.keyring.sender(peer.tenant, place);
        let protection = association.map(|association| Protection {
            association,
            gateway: destination.ip(),
        });
        let Some(payload) = wire::encode(message, carrier, source, destination, protection) else {
            return;
        };
        self.transmit(Transmit {
            path,
            carrier,
            source,
            destination,
            payload,
            vrf: peer.tenant.transport,
        });
    }

    /// The paths that a message from there may be about: those of who it was sent to, for two
    /// customers' gateways may have one address.
    pub(super) fn paths_of_datagram(&self, datagram: &Datagram) -> SmallVec<[PathId; 4]> {
        let mut ids: SmallVec<[PathId; 4]> = match datagram.carrier {
            Carrier::Tunnel(id) => std::iter::once(id).collect(),
            Carrier::Udp | Carrier::Ipv6 => self.paths.observed_at(datagram.vrf, datagram.source),
            Carrier::UnknownTunnel => SmallVec::new(),
        };
        let tenant = self.tenant_of(datagram);
        ids.retain(|id| {
            let path = self.paths.get(*id);
            path.is_some_and(|path| Some(path.key.peer.tenant) == tenant)
        });
        ids
    }

    pub(super) fn origin_of(&self, datagram: &Datagram) -> Origin {
        Origin {
            tenant: self.tenant_of(datagram).unwrap_or_default(),
            remote: datagram.source,
        }
    }
}
