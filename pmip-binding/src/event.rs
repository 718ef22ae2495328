//! What an engine tells its driver: forwarding changes, sessions, paths, dropped datagrams.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::vrf::VrfId;
use pmip_wire::AccessNetworkIdentifier;
use pmip_wire::types::{Encapsulation, IpPrefix, Label, PathId};
use pmip_wire::{
    BindingRevocationStatus, MobilityOptions, NotificationReason, RevocationTrigger,
    UpdateNotificationStatus,
};

/// Names one mobility session inside one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SessionId(pub u32);

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Change the forwarding plane, before anything that comes out later is sent.
    Forwarding(Forwarding),
    /// A mobility session came, changed or went.
    Session(SessionEvent),
    /// What an access link's router advertisements must say now (MAG).
    Advertisement(Advertisement),
    /// A path changed or was measured.
    Path(PathEvent),
    /// Bindings were revoked, or were to be (RFC 5846).
    Revocation(RevocationEvent),
    /// An update notification came, or was answered (RFC 7077).
    Notification(NotificationEvent),
    /// An anchor sent a mobile node to another one (RFC 6463, MAG).
    Redirect(RedirectEvent),
    /// A datagram was dropped; no state changed.
    Dropped {
        /// Why.
        reason: DropReason,
        /// Its outer source.
        from: SocketAddr,
    },
}

/// A change of the forwarding plane. Installing what exists replaces it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Forwarding {
    /// Install a path's tunnel, move its endpoint, or change whether it may carry traffic.
    InstallPath(PathEndpoint),
    /// Remove a path's tunnel.
    RemovePath(PathId),
    /// Install a session's prefixes over its paths, or change either.
    InstallSession(SessionRoute),
    /// Remove a session and its prefixes.
    RemoveSession(SessionId),
}

/// One path's tunnel.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PathEndpoint {
    /// Which path.
    pub path: PathId,
    /// Its label.
    pub label: Label,
    /// Our outer address: the care-of address on a MAG, the LMA address on an LMA.
    pub local: IpAddr,
    /// The peer's outer address and, for UDP encapsulations, its data port: the observed mapping
    /// where a NAT stands between.
    pub remote: SocketAddr,
    /// The care-of address as the MAG knows it (differs from `remote` behind a NAT).
    pub care_of: IpAddr,
    /// The encapsulation both ends agreed on.
    pub encapsulation: Encapsulation,
    /// Whether the path may carry traffic now.
    pub usable: bool,
    /// Share of new flows in our sending direction, 1 to 100.
    pub weight: u32,
    /// The routing instance that the outer addresses belong to (LMA: the customer's transport VRF).
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "VrfId::is_default")
    )]
    pub vrf: VrfId,
}

/// Where a session's packets go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SessionRoute {
    /// Which session.
    pub session: SessionId,
    /// Home network prefixes, home address and delegated prefixes: what is reached through it.
    pub prefixes: Vec<IpPrefix>,
    /// The paths that carry it, in order of registration.
    pub paths: Vec<PathRoute>,
    /// Packets between this session and another one that has it too need not pass the anchor (MAG;
    /// RFC 5213 section 6.10.3).
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "std::ops::Not::not")
    )]
    pub local_routing: bool,
    /// The routing instance that the prefixes belong to (LMA: the customer's VRF).
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "VrfId::is_default")
    )]
    pub vrf: VrfId,
}

/// One path of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PathRoute {
    /// Which path.
    pub path: PathId,
    /// GRE keys, where negotiated (RFC 5845).
    pub keys: Option<GreKeys>,
}

/// The pair of GRE keys of one path binding (RFC 5845 section 3). They tell its packets from those
/// of others over the same path, whatever inner addresses both use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GreKeys {
    /// MAG to LMA; assigned by the LMA.
    pub uplink: u32,
    /// LMA to MAG; assigned by the MAG.
    pub downlink: u32,
}

/// What router advertisements to one mobile node must say from now on (RFC 5213 sections 6.7 to
/// 6.9.3); it comes when the session comes or goes, when something changes, when the binding was
/// extended, and when the mobile node solicits. Send it at once.
///
/// What is left out here, such as the flags of RFC 4861, is the program's. Nothing may be
/// advertised for a mobile node without such an event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Advertisement {
    /// Which session.
    pub session: SessionId,
    /// The mobile node's identifier (NAI).
    pub mn_id: String,
    /// The source: the link-local address of the gateway on this link. `None` = the anchor gave
    /// none, and the interface's own serves.
    pub link_local: Option<std::net::Ipv6Addr>,
    /// The link-layer address of the gateway on this link; `None` = the interface's own.
    pub link_layer: Option<[u8; 6]>,
    /// Router Lifetime, at most 9000 s; 0 = the gateway is no default router any more.
    pub router_lifetime: Duration,
    /// The prefixes, those that end included.
    pub prefixes: Vec<AdvertisedPrefix>,
    /// The MTU option; `None` = the tunnels' MTU, which the program knows.
    pub mtu: Option<u32>,
}

/// An on-link prefix of a router advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdvertisedPrefix {
    /// The home network prefix.
    pub prefix: IpPrefix,
    /// Valid and preferred lifetime; 0 = it ends now.
    pub lifetime: Duration,
}

/// The life of a mobility session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// Registered for the first time, or its addresses changed: configure access links from this.
    Up {
        /// Which session.
        session: SessionId,
        /// The mobile node's identifier (NAI).
        mn_id: String,
        /// Home network prefixes.
        home_prefixes: Vec<IpPrefix>,
        /// The IPv4 home address with its prefix length, and the default router.
        ipv4_home: Option<(IpPrefix, std::net::Ipv4Addr, std::net::Ipv4Addr)>,
        /// Delegated mobile network prefixes, in the order of the configured interfaces.
        delegated: Vec<IpPrefix>,
    },
    /// Gone: de-registered, revoked or expired.
    Down {
        /// Which session.
        session: SessionId,
        /// The mobile node's identifier (NAI).
        mn_id: String,
        /// In plain words, why.
        reason: &'static str,
    },
    /// What is known of the access network behind a mobile node changed (LMA; RFC 6757).
    AccessNetwork {
        /// Which session.
        session: SessionId,
        /// The mobile node's identifier (NAI).
        mn_id: String,
        /// Where it is attached now; `None` = nothing is known any more.
        network: Option<AccessNetworkIdentifier>,
    },
    /// The anchor does not understand where the mobile node is attached: perhaps a mistake in the
    /// domain's configuration (MAG; RFC 6757 section 4.1). Told once.
    AccessNetworkIgnored {
        /// Which session.
        session: SessionId,
        /// The mobile node's identifier (NAI).
        mn_id: String,
    },
    /// The peer refused a registration.
    Refused {
        /// The mobile node's identifier (NAI).
        mn_id: String,
        /// The Status of the acknowledgement.
        status: u8,
    },
    /// A mobile node attached and is not registered (MAG): it gets the ordinary service of the
    /// access network, if any (RFC 5213 section 6.5).
    NotServed {
        /// The mobile node's identifier (NAI).
        mn_id: String,
        /// Why.
        reason: NotServed,
    },
}

/// Why a gateway does not register a mobile node that attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum NotServed {
    /// Its policy profile does not offer it network-based mobility.
    NoMobilityService,
    /// As many mobile nodes as are allowed are registered.
    Full,
    /// The gateway is shutting down.
    ShuttingDown,
}

/// How a path stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum PathState {
    /// A registration is under way; no traffic yet.
    Registering,
    /// Registered and alive.
    Up,
    /// Interface down, or heartbeats unanswered.
    Down,
    /// The peer's NAT mapping changed and is not confirmed yet.
    NatChanged,
}

/// What happened to a path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathEvent {
    /// Its state changed.
    State {
        /// Which path.
        path: PathId,
        /// The new state.
        state: PathState,
        /// In plain words, why.
        reason: &'static str,
    },
    /// The gateway answered a challenge at a new NAT mapping, which holds until a PBU confirms it
    /// or for 10 s (LMA, `natreboot`).
    Mapping {
        /// Which path.
        path: PathId,
        /// The new mapping of its signalling.
        observed: SocketAddr,
    },
    /// A heartbeat was answered after this long.
    Rtt {
        /// Which path.
        path: PathId,
        /// Round-trip time.
        rtt: Duration,
    },
    /// The gateway told, or tells no more, what it calls the link under a path (LMA).
    Link {
        /// Which path.
        path: PathId,
        /// The name of its label.
        label_name: Option<String>,
        /// The name of the roaming interface.
        interface: Option<String>,
    },
    /// The peer lost its state and restarted (RFC 5847 section 3.2).
    PeerRestarted {
        /// The path that showed it.
        path: PathId,
    },
}

/// The course of a revocation (RFC 5846).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationEvent {
    /// The peer revoked bindings, or wanted to: it was answered with this status.
    Received {
        /// The peer's name: the MAG Identifier or address on an LMA, the anchor's name on a MAG.
        peer: String,
        /// Why, as the peer says.
        trigger: RevocationTrigger,
        /// What it was answered.
        status: BindingRevocationStatus,
    },
    /// Our revocation was answered.
    Answered {
        /// The peer's name, as above.
        peer: String,
        /// Why it was sent.
        trigger: RevocationTrigger,
        /// The answer; from 128 the peer refuses (RFC 5846 section 5.2).
        status: BindingRevocationStatus,
    },
    /// Of what our revocation named the peer had nothing of this: told before the
    /// answer itself, which says partial success and lists it (RFC 5846 section 6.1.2).
    Failed {
        /// The peer's name, as above.
        peer: String,
        /// The mobile node, where named.
        mn_id: Option<String>,
        /// Home network prefixes.
        home_prefixes: Vec<IpPrefix>,
        /// Binding IDs.
        binding_ids: Vec<u16>,
    },
    /// Our revocation was not answered after all its retransmissions, or the peer does not know
    /// it (Binding Error, status 2); our bindings are gone all the same.
    Unanswered {
        /// The peer's name, as above.
        peer: String,
        /// Why it was sent.
        trigger: RevocationTrigger,
    },
    /// A command asked for what can't be revoked: nothing like it is registered, or the anchor
    /// has refused all global revocation before (RFC 5846 section 9.2).
    Impossible {
        /// The mobile node, peer or realm that was named.
        name: String,
    },
}

/// The course of an update notification (RFC 7077).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotificationEvent {
    /// An anchor sent one, and it was handled (MAG).
    Received {
        /// The anchor's name.
        peer: String,
        /// The mobile node it is for; `None` = all.
        mn_id: Option<String>,
        /// What is asked for.
        reason: NotificationReason,
        /// How it went; answered where the anchor asked for an answer.
        status: UpdateNotificationStatus,
        /// Everything it carried: vendor-specific options are the program's.
        options: Box<MobilityOptions>,
    },
    /// A gateway answered ours (LMA).
    Answered {
        /// The MAG Identifier or address.
        peer: String,
        /// What was asked for.
        reason: NotificationReason,
        /// The answer; from 128 it failed (RFC 7077 section 4.2).
        status: UpdateNotificationStatus,
    },
    /// A gateway did not answer after all retransmissions, or knows no notifications (LMA).
    Unanswered {
        /// The MAG Identifier or address.
        peer: String,
        /// What was asked for.
        reason: NotificationReason,
    },
    /// A command named nobody who is registered, or too many are under way (LMA).
    Impossible {
        /// The mobile node or peer.
        name: String,
    },
}

/// An anchor sent a mobile node to another one (RFC 6463 section 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectEvent {
    /// The mobile node is anchored there from now on.
    Followed {
        /// The mobile node's identifier (NAI).
        mn_id: String,
        /// The anchor that sent it away.
        from: String,
        /// The anchor that serves it.
        to: String,
    },
    /// The other anchor is not configured here; the mobile node is registered without the offer
    /// to be redirected.
    NotFollowed {
        /// The mobile node's identifier (NAI).
        mn_id: String,
        /// The anchor that wanted to send it away.
        from: String,
        /// Where to.
        address: IpAddr,
    },
}

/// Why a datagram was dropped without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum DropReason {
    /// The bytes are no Mobility Header message.
    Malformed,
    /// The checksum is wrong.
    BadChecksum,
    /// A message type that this node does not act on.
    UnexpectedMessage,
    /// It came to a routing instance and address that are nobody's (LMA).
    UnknownAddress,
    /// The sender is not a peer of ours.
    UnknownPeer,
    /// An acknowledgement that matches nothing outstanding.
    UnmatchedSequence,
    /// An acknowledgement whose options differ from the request's.
    OptionMismatch,
    /// A de-registration that names no session or no care-of address of it.
    NotTheRegisteredCareOf,
    /// An update for a care-of address that is no routable unicast address (RFC 6275 section 6.1.7).
    UnroutableCareOf,
    /// An acknowledgement that sets a timer to zero (RFC 8127 section 5.2).
    ZeroParameter,
    /// An update for what is being revoked (RFC 5846 section 8.1).
    RevocationInProgress,
    /// An update from an address that another gateway has registered; that one is asked first.
    CareOfInUse,
    /// More signalling than the configured rate.
    RateLimited,
    /// A Binding Update without the Home Registration flag, so not for an anchor (RFC 6275 section
    /// 6.1.7).
    NoHomeRegistration,
    /// An acknowledgement without the Proxy Registration flag (RFC 5213 section 8.2).
    NoProxyFlag,
    /// The message is not authenticated, and must be (RFC 4285 section 5).
    Unauthenticated,
    /// The message is authenticated under an SPI that names no key here.
    UnknownSpi,
    /// The authentication is wrong: another key, or the message was changed on its way.
    AuthenticationFailed,
    /// The authentication is not the last option, or there are two (RFC 4285 section 5).
    AuthenticationMisplaced,
    /// Authentic, but the key is not the one of the peer that the message speaks for.
    KeyOfAnotherPeer,
}
