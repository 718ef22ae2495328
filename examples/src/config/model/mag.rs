//! `ipv6 mobile pmipv6-mag`: a mobile access gateway.

use std::net::{Ipv4Addr, Ipv6Addr};

use pmip_binding::config::Tolerance;
use pmip_wire::types::IpPrefix;

use super::{
    AccessTechnology, Addresses, AuthOption, BindingTimes, Dscp, Heartbeat, HybridAccess,
    MacAddress, MobilityRole, ReplayProtection, Revocation, Tunnel, TunnelEncap, section,
};

section! {
    /// A mobile access gateway.
    pub struct Mag {
        /// Its identifier, 1 to 125 characters.
        pub id: String,
        /// Its domain.
        pub domain: String,
        /// Static care-of addresses.
        pub address: Addresses,
        /// `address dynamic`: care-of addresses come from the roaming interfaces.
        pub address_dynamic: bool,
        /// Register every roaming interface; off: the best one, by priority.
        pub multipath: bool,
        /// The active map for MAG-to-LMA traffic.
        pub mobile_map: Option<String>,
        /// Access interfaces, where mobile nodes attach.
        pub interface: Vec<String>,
        /// Encapsulation; none: the domain's.
        pub encap: Option<TunnelEncap>,
        /// Timestamps on or off; none: the domain's.
        pub replay_protection: Option<ReplayProtection>,
        /// Heartbeat values, by label.
        pub heartbeat: Vec<Heartbeat>,
        /// Limits and times of bindings.
        pub binding: BindingTimes,
        /// Revocation timers.
        pub bri: Revocation,
        /// Settings of every tunnel.
        pub tunnel: Tunnel,
        /// DSCP of signalling.
        pub dscp_control_plane: Option<Dscp>,
        /// Negotiate GRE keys.
        pub generate_grekey: bool,
        /// Do not program the key.
        pub ignore_grekey: bool,
        /// Link-layer address shown to mobile nodes; none: the domain's.
        pub fixed_link_layer_address: Option<MacAddress>,
        /// Link-local address shown to mobile nodes; none: the domain's.
        pub fixed_link_local_address: Option<Ipv6Addr>,
        /// Route between mobile nodes of this MAG without the LMA.
        pub local_routing_mag: bool,
        /// Move flows back to a better path when it returns.
        pub preempt: bool,
        /// Attach and detach events come from outside.
        pub sessionmgr: bool,
        /// `discover-mn-detach`.
        pub discover_mn_detach: Option<DetachDiscovery>,
        /// Access point name. Accepted, no effect.
        pub apn: Option<String>,
        /// `role`. Accepted, no effect.
        pub role: Option<MobilityRole>,
        /// One path each.
        pub roaming_interface: Vec<RoamingInterface>,
        /// The anchors to use.
        pub lma: Vec<MagLma>,
        /// Logical mobile nodes.
        pub logical_mn: Vec<LogicalMn>,
        /// `mobility-service mobile-local-loop`.
        pub mobile_local_loop: Option<MagLocalLoop>,
        /// `mobility-service hybrid-access`.
        pub hybrid_access: Option<HybridAccess>,
    }
}

section! {
    /// `roaming interface NAME ...`: one path. Its place in the list is its Binding ID.
    pub struct RoamingInterface {
        /// The interface whose address is the care-of address.
        pub name: String,
        /// For a loopback: the device that packets leave by.
        pub egress: Option<String>,
        /// VRF of the egress device.
        pub vrf: Option<String>,
        /// 1 to 255, lower is preferred; none: 255.
        pub priority: Option<u32>,
        /// Access technology; none: from the device type.
        pub egress_att: Option<AccessTechnology>,
        /// Its label; none: the interface's name.
        pub label: Option<String>,
        /// Share of new flows, 1 to 100; none: the label's.
        pub weight: Option<u32>,
    }
}

impl RoamingInterface {
    /// Its label, which is the interface's name when none was given.
    pub fn label_name(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }
}

section! {
    /// `lma ID DOMAIN`: an anchor of this MAG.
    pub struct MagLma {
        /// Its identifier.
        pub id: String,
        /// Its domain.
        pub domain: String,
        /// Where it is reached over IPv4.
        pub ipv4_address: Option<Ipv4Addr>,
        /// Where it is reached over IPv6.
        pub ipv6_address: Option<Ipv6Addr>,
        /// Encapsulation towards it; none: the domain's.
        pub encap: Option<TunnelEncap>,
        /// Authentication of its signalling, the first key sends; none: the domain's.
        #[serde(with = "crate::config::model::one_or_many")]
        pub auth_option: Vec<AuthOption>,
        /// Bends of the rules that are taken from it; none: the domain's.
        pub lenient: Vec<Tolerance>,
        /// VRF it is reached in.
        pub vrfid: Option<String>,
        /// Template interface. Accepted, no effect.
        pub tunnel_template: Option<String>,
    }
}

section! {
    /// `logical-mn NAI`: a mobile node that is always attached.
    pub struct LogicalMn {
        /// Its identifier, 1 to 125 characters.
        pub nai: String,
        /// Its LMA, when the MAG has several.
        pub lma: Option<String>,
        /// The interface that carries its home address.
        pub home_interface: Option<String>,
        /// Interfaces with mobile networks.
        pub mobile_network: Vec<MobileNetwork>,
        /// Other routes into the tunnel.
        pub reverse_tunnel_route: Vec<ReverseRoute>,
    }
}

section! {
    /// `mobile network NAME ...`.
    pub struct MobileNetwork {
        /// The interface.
        pub interface: String,
        /// Preferred label for packets that no map entry matches.
        pub label: Option<String>,
        /// Keep its prefix out of registrations.
        pub skip_register: bool,
        /// Take its prefix from the LMA.
        pub learn_prefix: bool,
    }
}

/// `reverse-tunnel route`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReverseRoute {
    /// What is reached through the tunnel.
    pub prefix: IpPrefix,
    /// Its metric, 1 to 255.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
}

section! {
    /// `discover-mn-detach poll interval S timeout S retries N`.
    pub struct DetachDiscovery {
        /// Seconds between probes.
        pub interval: u32,
        /// Seconds to wait for an answer.
        pub timeout: u32,
        /// Unanswered probes before the node is taken as gone, 1 to 10.
        pub retries: u32,
    }
}

section! {
    /// `mobility-service mobile-local-loop` on the MAG: PMIPv6 as backup of a primary interface.
    pub struct MagLocalLoop {
        /// The primary interface that is watched.
        pub egress_interface: Option<String>,
    }
}
