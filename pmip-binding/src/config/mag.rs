use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use pmip_wire::AccessNetworkIdentifier;
use pmip_wire::types::{Encapsulation, IpPrefix, Label};

use super::access_link::AccessLinkConfig;
use super::error::{Checker, ConfigError, ConfigErrors};
use super::heartbeat::HeartbeatConfig;
use super::lenient::Tolerance;
use super::network::Service;
use super::revocation::RevocationConfig;
use super::security::{SharedKey, check_keys};
use super::{
    DEFAULT_LIFETIME, DEFAULT_REFRESH_TIME, INITIAL_BINDACK_TIMEOUT, MAX_BINDACK_TIMEOUT,
    MAX_LIFETIME, TIMESTAMP_VALIDITY_WINDOW,
};

/// Everything a mobile access gateway is told.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct MagConfig {
    /// Its name, 1 to 125 characters; also its MAG Identifier (RFC 8278 section 4.2).
    pub identity: String,
    /// The anchors.
    pub lmas: Vec<LmaPeer>,
    /// The uplinks. The Binding ID of each is its position, from 1.
    pub roaming_interfaces: Vec<RoamingInterface>,
    /// `auth-option required`: nothing goes unprotected.
    pub authentication_required: bool,
    /// Register every roaming interface (RFC 8278); off: the best live one.
    pub multipath: bool,
    /// The encapsulation when an anchor has none of its own.
    pub encapsulation: Encapsulation,
    /// `generate grekey`: with an encapsulation of GRE, exchange keys (RFC 5845 section 3.3); off:
    /// negotiate the encapsulation alone (section 3.2).
    pub generate_gre_keys: bool,
    /// `ignore grekey`: exchange keys, but leave them out of the forwarding plane.
    pub ignore_gre_keys: bool,
    /// Where mobile nodes are attached, told to the anchors (RFC 6757 section 4.1); an attachment
    /// may say it for its own.
    pub access_network: Option<AccessNetworkIdentifier>,
    /// ANI Update-Timer proposed along with that (RFC 7563 section 3.3): how long a change may
    /// wait before it is told, in steps of 4 s. `None`: a change is told by the next PBU.
    #[cfg_attr(feature = "serde", serde(with = "super::text::optional_duration"))]
    pub access_network_update_timer: Option<Duration>,
    /// `vendor-info`: tell the anchors label names, interface names and weights in vendor options
    /// of this private enterprise number (RFC 5094).
    pub vendor_info: Option<u32>,
    /// How the gateway shows itself on access links.
    pub access_link: AccessLinkConfig,
    /// `local-routing-mag`, EnableMAGLocalRouting (RFC 5213 section 9.2): packets between two
    /// mobile nodes of this gateway need not pass the anchor, if both may (section 6.10.3). A
    /// mobile node's own policy goes before it.
    pub local_routing: bool,
    /// Logical mobile nodes, registered as soon as an interface is up.
    pub logical_mobile_nodes: Vec<LogicalMobileNode>,
    /// Lifetime asked for.
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub lifetime: Duration,
    /// How long before its end a binding is refreshed. An anchor that grants less than four
    /// times this gets its refreshes at three quarters of the grant.
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub refresh_time: Duration,
    /// First retransmission of an unanswered PBU (INITIAL_BINDACK_TIMEOUT); doubles each time.
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub initial_retransmission: Duration,
    /// Where the doubling stops (MAX_BINDACK_TIMEOUT).
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub maximum_retransmission: Duration,
    /// TimestampBasedApproachInUse (RFC 5213 section 9.3); off: sequence numbers order PBUs.
    pub timestamps: bool,
    /// TimestampValidityWindow (RFC 5213 section 9.1): how far an anchor's clock may be from ours
    /// for ours to count as right.
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub timestamp_window: Duration,
    /// Watch the paths.
    pub heartbeat: HeartbeatConfig,
    /// Revoke bindings (RFC 5846).
    pub revocation: RevocationConfig,
    /// EnableLMARedirectFunction (RFC 6463 section 7): an anchor may send a new mobile node to
    /// another one of [`MagConfig::lmas`].
    pub redirect: bool,
    /// With multipath off: how long a better interface must be up before the MAG returns to it.
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub return_hold: Duration,
    /// Mobile nodes registered at once, logical ones included.
    pub maximum_bindings: u32,
    /// Restart Counter (RFC 5847 section 3.4): raise it whenever state was lost.
    pub restart_counter: u32,
    /// Whether this start follows a loss of state: the first registration then carries the
    /// overwrite flag, so that paths of before are removed (signalling rules section 1).
    pub restarted: bool,
}

/// An anchor to register with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct LmaPeer {
    /// Its name.
    pub identity: String,
    /// Its address for IPv4 transport.
    #[cfg_attr(feature = "serde", serde(default))]
    pub ipv4_address: Option<Ipv4Addr>,
    /// Its address for IPv6 transport.
    #[cfg_attr(feature = "serde", serde(default))]
    pub ipv6_address: Option<Ipv6Addr>,
    /// The encapsulation with it, where it differs from the MAG's.
    #[cfg_attr(feature = "serde", serde(default))]
    pub encapsulation: Option<Encapsulation>,
    /// The keys shared with it (RFC 4285 section 5); empty = no authentication. The first protects
    /// what is sent to it, all are accepted from it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub keys: Vec<SharedKey>,
    /// The bends of the rules that are taken from it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub lenient: Vec<Tolerance>,
}

/// One uplink.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct RoamingInterface {
    /// Its name, as the driver knows it.
    pub name: String,
    /// 1 to 255; the lower is preferred. Decides the order of registration, and with multipath
    /// off which interface is used.
    pub priority: u8,
    /// If-ATT: access technology, RFC 5213 section 8.5 registry (1 virtual, 3 Ethernet, 4 WLAN,
    /// 7 UTRAN, 8 E-UTRAN).
    pub access_technology: u8,
    /// Its label.
    #[cfg_attr(feature = "serde", serde(default))]
    pub label: Label,
    /// Share of new flows in our sending direction, 1 to 100.
    #[cfg_attr(feature = "serde", serde(default = "one"))]
    pub weight: u32,
    /// The name of its label, told to the anchors by `vendor_info`; 1 to 125 octets.
    #[cfg_attr(feature = "serde", serde(default))]
    pub label_name: Option<String>,
    /// `down-weight`: share of new flows in the anchor's sending direction, told by
    /// `vendor_info`; `None` = as `weight`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub down_weight: Option<u32>,
}

/// A mobile node that is this router itself, with networks behind it; always on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct LogicalMobileNode {
    /// Its identifier, 1 to 125 characters.
    pub nai: String,
    /// The anchor; `None` = the only one.
    #[cfg_attr(feature = "serde", serde(default))]
    pub lma: Option<String>,
    /// Address families it asks a home address or prefix for.
    #[cfg_attr(feature = "serde", serde(default))]
    pub service: Service,
    /// MAC address of its first mobile network interface. It travels as the MN Link-layer
    /// Identifier: without it a lost acknowledgement would make a second session.
    pub link_layer_identifier: [u8; 6],
    /// `gre-encap-key down`: its downlink GRE key on every path, at least 1; `None` = one drawn
    /// for each path.
    #[cfg_attr(feature = "serde", serde(default))]
    pub gre_downlink_key: Option<u32>,
    /// `apn`: the service that it asks the anchor for (RFC 5149), 1 to 255 octets.
    #[cfg_attr(feature = "serde", serde(default))]
    pub service_selection: Option<String>,
    /// Whether its packets to this gateway's other mobile nodes may go directly; `None` = as the
    /// gateway's `local_routing` says.
    #[cfg_attr(feature = "serde", serde(default))]
    pub local_routing: Option<bool>,
    /// The networks behind it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub mobile_networks: Vec<MobileNetwork>,
}

/// One interface with a network behind a logical mobile node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct MobileNetwork {
    /// The interface, as the driver knows it.
    pub interface: String,
    /// The prefixes it registers; empty = none (`skip-register`).
    #[cfg_attr(feature = "serde", serde(default))]
    pub prefixes: Vec<PrefixRequest>,
}

/// Where a mobile network's prefix comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum PrefixRequest {
    /// Ours, asserted to the anchor.
    Assert(IpPrefix),
    /// An IPv4 prefix that the anchor carves from its pools.
    LearnIpv4,
    /// An IPv6 prefix that the anchor carves from its pools.
    LearnIpv6,
}

impl MagConfig {
    /// A gateway named `identity` with the defaults of the RFCs.
    pub fn new(identity: impl Into<String>) -> Self {
        Self {
            identity: identity.into(),
            ..Self::default()
        }
    }

    /// Checks everything.
    ///
    /// # Errors
    /// Every mistake found, in reading order.
    pub fn validate(&self) -> Result<(), ConfigErrors> {
        let mut checker = Checker::default();
        checker.name("the mobile access gateway", &self.identity);
        self.check_peers(&mut checker);
        self.check_interfaces(&mut checker);
        self.check_mobile_nodes(&mut checker);
        self.check_times(&mut checker);
        self.heartbeat.check(&mut checker);
        self.revocation.check(&mut checker);
        self.access_link.check(&mut checker);
        let most = 1_000_000;
        checker.number("bce maximum", self.maximum_bindings.into(), 1, most);
        ConfigErrors::check(checker.0)
    }

    /// The encapsulation used with `lma`.
    pub fn encapsulation_with(&self, lma: &LmaPeer) -> Encapsulation {
        lma.encapsulation.unwrap_or(self.encapsulation)
    }

    fn check_peers(&self, checker: &mut Checker) {
        if self.lmas.is_empty() {
            checker.0.push(ConfigError::NoLma);
        }
        checker.unique("lma", self.lmas.iter().map(|lma| lma.identity.as_str()));
        for lma in &self.lmas {
            checker.name("a local mobility anchor", &lma.identity);
            check_keys(checker, &lma.keys);
            if self.authentication_required && lma.keys.is_empty() {
                let who = lma.identity.clone();
                checker.0.push(ConfigError::NoKey { who });
            }
            let encapsulation = self.encapsulation_with(lma);
            if lma.address(encapsulation).is_none() {
                checker.0.push(ConfigError::LmaFamily {
                    name: lma.identity.clone(),
                    family: if encapsulation.is_ipv4_transport() {
                        "IPv4"
                    } else {
                        "IPv6"
                    },
                });
            }
        }
    }

    fn check_interfaces(&self, checker: &mut Checker) {
        let interfaces = &self.roaming_interfaces;
        if interfaces.len() > 254 {
            let count = interfaces.len();
            checker.0.push(ConfigError::TooManyInterfaces { count });
        }
        checker.unique(
            "roaming interface",
            interfaces.iter().map(|i| i.name.as_str()),
        );
        for interface in interfaces {
            checker.name("a roaming interface", &interface.name);
            checker.number("priority", interface.priority.into(), 1, 255);
            checker.number("weight", interface.weight.into(), 1, 100);
            if let Some(weight) = interface.down_weight {
                checker.number("down-weight", weight.into(), 1, 100);
            }
            if let Some(name) = &interface.label_name {
                checker.name("a label", name);
            }
            checker.number("egress-att", interface.access_technology.into(), 1, 255);
        }
    }

    fn check_mobile_nodes(&self, checker: &mut Checker) {
        let nodes = &self.logical_mobile_nodes;
        checker.unique("logical-mn", nodes.iter().map(|node| node.nai.as_str()));
        for node in nodes {
            checker.name("a logical mobile node", &node.nai);
            checker.gre_key("gre-encap-key down", node.gre_downlink_key);
            if let Some(service) = &node.service_selection {
                checker.number("length of apn", service.len() as u64, 1, 255);
            }
            match &node.lma {
                Some(name) if self.lmas.iter().all(|lma| lma.identity != *name) => {
                    let (what, name) = ("lma", name.clone());
                    checker.0.push(ConfigError::Unknown { what, name });
                }
                None if self.lmas.len() > 1 => {
                    let nai = node.nai.clone();
                    checker.0.push(ConfigError::AmbiguousLma { nai });
                }
                Some(_) | None => {}
            }
            let prefixes = node.mobile_networks.iter().map(|n| n.prefixes.len()).sum();
            let prefixes: usize = prefixes;
            checker.number("mobile network prefixes", prefixes as u64, 0, 32);
        }
    }

    fn check_times(&self, checker: &mut Checker) {
        let (tick, unit) = (Duration::from_millis(1), Duration::from_secs(4));
        let hour = Duration::from_secs(3600);
        checker.duration("binding lifetime", self.lifetime, unit, MAX_LIFETIME);
        checker.duration("refresh-time", self.refresh_time, tick, MAX_LIFETIME);
        checker.duration("init-retx-time", self.initial_retransmission, tick, hour);
        checker.duration(
            "max-retx-time",
            self.maximum_retransmission,
            self.initial_retransmission,
            hour,
        );
        checker.duration("timestamp window", self.timestamp_window, tick, hour);
        checker.update_timer(self.access_network_update_timer);
        checker.duration("return hold", self.return_hold, Duration::ZERO, hour);
    }
}

impl Default for MagConfig {
    fn default() -> Self {
        Self {
            identity: String::new(),
            lmas: Vec::new(),
            roaming_interfaces: Vec::new(),
            authentication_required: false,
            multipath: false,
            encapsulation: Encapsulation::Ipv4Udp,
            generate_gre_keys: false,
            ignore_gre_keys: false,
            access_network: None,
            access_network_update_timer: None,
            vendor_info: None,
            access_link: AccessLinkConfig::default(),
            local_routing: false,
            logical_mobile_nodes: Vec::new(),
            lifetime: DEFAULT_LIFETIME,
            refresh_time: DEFAULT_REFRESH_TIME,
            initial_retransmission: INITIAL_BINDACK_TIMEOUT,
            maximum_retransmission: MAX_BINDACK_TIMEOUT,
            timestamps: true,
            timestamp_window: TIMESTAMP_VALIDITY_WINDOW,
            heartbeat: HeartbeatConfig::default(),
            revocation: RevocationConfig::default(),
            redirect: false,
            return_hold: Duration::from_secs(30),
            maximum_bindings: 7_000,
            restart_counter: 1,
            restarted: false,
        }
    }
}

impl LmaPeer {
    /// An anchor without address yet.
    pub fn new(identity: impl Into<String>) -> Self {
        Self {
            identity: identity.into(),
            ipv4_address: None,
            ipv6_address: None,
            encapsulation: None,
            keys: Vec::new(),
            lenient: Vec::new(),
        }
    }

    /// The address that `encapsulation` needs.
    pub fn address(&self, encapsulation: Encapsulation) -> Option<IpAddr> {
        if encapsulation.is_ipv4_transport() {
            self.ipv4_address.map(IpAddr::V4)
        } else {
            self.ipv6_address.map(IpAddr::V6)
        }
    }
}

impl RoamingInterface {
    /// An uplink of weight 1 without label.
    pub fn new(name: impl Into<String>, priority: u8, access_technology: u8) -> Self {
        Self {
            name: name.into(),
            priority,
            access_technology,
            label: Label::NONE,
            weight: 1,
            label_name: None,
            down_weight: None,
        }
    }

    /// The same uplink with a label.
    #[must_use]
    pub const fn with_label(mut self, label: Label) -> Self {
        self.label = label;
        self
    }
}

impl LogicalMobileNode {
    /// A logical mobile node without networks.
    pub fn new(nai: impl Into<String>, link_layer_identifier: [u8; 6]) -> Self {
        Self {
            nai: nai.into(),
            lma: None,
            service: Service::Dual,
            link_layer_identifier,
            gre_downlink_key: None,
            service_selection: None,
            local_routing: None,
            mobile_networks: Vec::new(),
        }
    }
}

impl MobileNetwork {
    /// A network behind `interface` that registers `prefixes`.
    pub fn new(interface: impl Into<String>, prefixes: Vec<PrefixRequest>) -> Self {
        Self {
            interface: interface.into(),
            prefixes,
        }
    }
}

#[cfg(feature = "serde")]
const fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logical_mobile_node_needs_an_anchor_that_exists() {
        let mut config = MagConfig::new("mag");
        let mut node = LogicalMobileNode::new("lmn@example.com", [2, 0, 0, 0, 0, 1]);
        node.lma = Some("lma9".into());
        config.logical_mobile_nodes = vec![node];
        let errors = config.validate().unwrap_err();
        assert!(errors.iter().any(|error| *error == ConfigError::NoLma));
        let unknown = ConfigError::Unknown {
            what: "lma",
            name: "lma9".into(),
        };
        assert!(errors.iter().any(|error| *error == unknown));
    }

    #[test]
    fn an_anchor_needs_the_family_of_its_encapsulation() {
        let mut config = MagConfig::new("mag");
        let mut lma = LmaPeer::new("lma");
        lma.ipv6_address = Some(Ipv6Addr::LOCALHOST);
        config.lmas = vec![lma];
        assert!(config.validate().is_err());
        config.encapsulation = Encapsulation::Ipv6;
        assert_eq!(config.validate(), Ok(()));
    }
}
