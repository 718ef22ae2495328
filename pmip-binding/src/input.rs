//! What a driver tells an engine.

use std::net::IpAddr;

use bytes::Bytes;
use pmip_wire::{AccessNetworkIdentifier, MobilityOptions, NotificationReason, RevocationTrigger};

use crate::io::{ClockAnchor, Datagram};

/// One thing that happened outside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Input {
    /// A signalling datagram arrived.
    Signalling(Datagram),
    /// A roaming interface changed (MAG).
    Interface(InterfaceChange),
    /// A mobile node came to or left an access interface (MAG).
    Attachment(Attachment),
    /// The operator or the program wants something.
    Command(Command),
    /// The wall clock was set: monotonic and wall-clock time belong together like this from now.
    ClockStep(ClockAnchor),
    /// The moment of the last `Output::Timeout` has come. Too early or too often does no harm.
    Timeout,
}

/// A roaming interface changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InterfaceChange {
    /// Which: its position among the roaming interfaces, from 1. It is also the Binding ID.
    pub binding_id: u8,
    /// What it is now.
    pub state: InterfaceState,
}

/// How a roaming interface stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum InterfaceState {
    /// Up, with an address of the transport's family and a route: the care-of address.
    Up(IpAddr),
    /// Down, or without address or route.
    Down,
}

/// A mobile node came or left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Attachment {
    /// It attached; attaching again updates. Without a family that it had, that one alone is
    /// de-registered (RFC 5844 section 3.2.3.3).
    Attach(MobileNode),
    /// The access network behind an attached mobile node changed, or what is known of it
    /// (RFC 6757); `None` = nothing is.
    AccessNetwork {
        /// Its identifier.
        nai: String,
        /// Where it is attached now.
        network: Option<AccessNetworkIdentifier>,
    },
    /// It sent a Router Solicitation (RFC 5213 section 6.9.2).
    Solicit {
        /// Its identifier.
        nai: String,
    },
    /// It has the link-local address that the anchor gave the gateway, so the gateway has this one
    /// on its link now, and the anchor is told (RFC 5213 section 6.9.1.2 item 15).
    LinkLocal {
        /// Its identifier.
        nai: String,
        /// The gateway's address on its link.
        address: std::net::Ipv6Addr,
    },
    /// It left.
    Detach {
        /// Its identifier.
        nai: String,
    },
}

/// A mobile node on an access interface.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MobileNode {
    /// Its identifier.
    pub nai: String,
    /// The anchor; `None` = the only or the first one.
    pub lma: Option<String>,
    /// Its access technology (RFC 5213 section 8.5).
    pub access_technology: u8,
    /// Its link-layer identifier, where known.
    pub link_layer_identifier: Option<Bytes>,
    /// Address families it may use.
    pub service: crate::config::Service,
    /// How it came here, Handoff Indicator of RFC 5213 section 8.4: 1 attachment over a new
    /// interface, 2 handoff between its interfaces, 3 handoff between gateways, 4 unknown.
    pub handoff_indicator: u8,
    /// The service that it asks the anchor for (RFC 5149), 1 to 255 octets.
    #[cfg_attr(feature = "serde", serde(default))]
    pub service_selection: Option<String>,
    /// Whether its packets to this gateway's other mobile nodes may go directly; `None` = as the
    /// gateway's `local_routing` says.
    #[cfg_attr(feature = "serde", serde(default))]
    pub local_routing: Option<bool>,
    /// Where it is attached; `None` = as configured for the gateway.
    #[cfg_attr(feature = "serde", serde(default))]
    pub access_network: Option<AccessNetworkIdentifier>,
    /// Whether its policy profile offers it network-based mobility (RFC 5213 section 6.2). One
    /// that is not offered it is never registered, and de-registered if it was.
    #[cfg_attr(feature = "serde", serde(default = "offered"))]
    pub mobility_service: bool,
}

#[cfg(feature = "serde")]
const fn offered() -> bool {
    true
}

impl MobileNode {
    /// A mobile node that attached by Ethernet (3) and about whose past nothing is known (4).
    pub fn new(nai: impl Into<String>) -> Self {
        Self {
            nai: nai.into(),
            lma: None,
            access_technology: 3,
            link_layer_identifier: None,
            service: crate::config::Service::Dual,
            handoff_indicator: 4,
            service_selection: None,
            local_routing: None,
            access_network: None,
            mobility_service: true,
        }
    }
}

/// What an operator or the program asks of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Command {
    /// MAG: de-register everything and register nothing more; LMA: nothing to say to the peers.
    /// The engine is done when [`Mag::is_shut_down`](crate::Mag::is_shut_down).
    Shutdown,
    /// Remove one mobile node's binding: the MAG de-registers it and registers anew, the LMA
    /// revokes it (RFC 5846, Administrative Reason), after which the MAG may register it anew.
    ClearBinding {
        /// Its identifier.
        nai: String,
    },
    /// The same for all; the LMA revokes per peer.
    ClearBindings,
    /// Revoke bindings (RFC 5846 sections 8.1 and 9.2).
    Revoke(Revoke),
    /// LMA: send an update notification (RFC 7077 section 5).
    Notify(Notify),
}

/// What is revoked, and why where that is not fixed. Only triggers below 128 fit one mobile node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Revoke {
    /// All bindings of a mobile node. A MAG that revokes lets go of it until it attaches again,
    /// or for a logical mobile node until it is cleared.
    MobileNode {
        /// Its identifier.
        nai: String,
        /// Why.
        trigger: RevocationTrigger,
    },
    /// One path of a mobile node, where it has several.
    Path {
        /// Its identifier.
        nai: String,
        /// The path's Binding ID.
        binding_id: u8,
        /// Why.
        trigger: RevocationTrigger,
    },
    /// LMA: the IPv4 home address of a mobile node alone (flag V).
    Ipv4Home {
        /// Its identifier.
        nai: String,
        /// Why.
        trigger: RevocationTrigger,
    },
    /// All bindings shared with a peer (flag G, Per-Peer Policy).
    Peer {
        /// Its name: the MAG Identifier or address on an LMA, the anchor's name on a MAG.
        peer: String,
    },
    /// LMA: all bindings of a realm (flag G, Revoking Mobility Node Local Policy).
    Realm {
        /// What follows the `@`.
        realm: String,
    },
}

/// An update notification to send.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Notify {
    /// Whom it is for.
    pub who: Notified,
    /// What is asked for.
    pub reason: NotificationReason,
    /// Ask for an answer, and send it again without one (flag A).
    pub acknowledge: bool,
    /// What it carries beside the name of whom it is for.
    pub options: Box<MobilityOptions>,
}

/// Whom an update notification is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Notified {
    /// One mobile node.
    MobileNode {
        /// Its identifier.
        nai: String,
    },
    /// All mobile nodes of a MAG (Mobile Node Group Identifier 1).
    Peer {
        /// Its MAG Identifier or address.
        peer: String,
    },
}

impl Notify {
    /// FORCE-REREGISTRATION without flag A, as RFC 7077 section 5.1 recommends.
    pub fn reregister(who: Notified) -> Self {
        Self::new(who, NotificationReason::ForceReregistration, false)
    }

    /// A notification without further options.
    pub fn new(who: Notified, reason: NotificationReason, acknowledge: bool) -> Self {
        Self {
            who,
            reason,
            acknowledge,
            options: Box::default(),
        }
    }
}
