use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::vrf::VrfId;
use pmip_wire::types::{Encapsulation, Label};

use super::controlled::ControlledConfig;
use super::customer::{Customer, check_customers};
use super::error::{Checker, ConfigError, ConfigErrors};
use super::heartbeat::HeartbeatConfig;
use super::lenient::Tolerance;
use super::network::{Network, Service};
use super::notification::NotificationConfig;
use super::redirect::{LoadConfig, RedirectConfig};
use super::revocation::RevocationConfig;
use super::security::{SharedKey, check_keys};
use super::{
    DEFAULT_LIFETIME, MAX_DELAY_BEFORE_NEW_BCE_ASSIGN, MAX_LIFETIME, MIN_DELAY_BEFORE_BCE_DELETE,
    TIMESTAMP_VALIDITY_WINDOW,
};

/// Everything a local mobility anchor is told.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct LmaConfig {
    /// Its name, 1 to 125 characters.
    pub identity: String,
    /// Address for IPv4 transport (RFC 5844 section 4).
    pub ipv4_address: Option<Ipv4Addr>,
    /// Address for IPv6 transport (LMAA).
    pub ipv6_address: Option<Ipv6Addr>,
    /// The access gateways known by configuration.
    pub peers: Vec<MagPeer>,
    /// Accept signalling from access gateways that are not configured.
    pub dynamic_mag_learning: bool,
    /// The keys of every access gateway that has none of its own, the learnt ones included
    /// (RFC 4285 section 5). The first protects what is sent, all are accepted.
    pub keys: Vec<SharedKey>,
    /// `auth-option required`: nothing goes unprotected.
    pub authentication_required: bool,
    /// Accept multipath bindings (RFC 8278); off: status 180.
    pub multipath: bool,
    /// The encapsulation on IPv4 transport when a peer has none of its own. UDP also stands for
    /// AcceptForcedIPv4UDPEncapsulationRequest (RFC 5844 section 5).
    pub encapsulation: Encapsulation,
    /// `generate grekey`: a gateway whose encapsulation is one of GRE must ask for it, else status
    /// 163 (RFC 5845 section 5.2); off: it is served without.
    pub gre_required: bool,
    /// ANI Update-Timer given to a gateway that proposes one (RFC 7563 section 4.2), in steps of
    /// 4 s; `None` = what it proposes.
    #[cfg_attr(feature = "serde", serde(with = "super::text::optional_duration"))]
    pub access_network_update_timer: Option<Duration>,
    /// The names of the routing instances besides the default one, 1 to 32 characters each.
    /// [`VrfId`] counts them from 1.
    pub vrfs: Vec<String>,
    /// Tenants with addresses of their own (`mobility-service mobile-local-loop`).
    pub customers: Vec<Customer>,
    /// Networks with their pools.
    pub networks: Vec<Network>,
    /// Who is served and how.
    pub profiles: Vec<Profile>,
    /// The profile (by its NAI) of a mobile node that has none; `None` = status 153.
    pub default_profile: Option<String>,
    /// The longest lifetime granted.
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub lifetime: Duration,
    /// MinDelayBeforeBCEDelete (RFC 5213 section 9.1).
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub delete_wait: Duration,
    /// MaxDelayBeforeNewBCEAssign (RFC 5213 section 9.1).
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub create_wait: Duration,
    /// TimestampValidityWindow (RFC 5213 section 9.1).
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub timestamp_window: Duration,
    /// MobileNodeGeneratedTimestampInUse (RFC 5213 section 9.3): compare order alone, not the
    /// distance to our clock.
    pub mobile_node_timestamps: bool,
    /// Watch the paths.
    pub heartbeat: HeartbeatConfig,
    /// Revoke bindings (RFC 5846).
    pub revocation: RevocationConfig,
    /// Repeat update notifications (RFC 7077).
    pub notification: NotificationConfig,
    /// Set timers on the gateways (RFC 8127).
    pub controlled: ControlledConfig,
    /// Assign gateways to another address (RFC 6463).
    pub redirect: RedirectConfig,
    /// Tell the gateways the load (RFC 6463 section 4.3); `None` = do not.
    pub load: Option<LoadConfig>,
    /// Weight of the paths of a label in our sending direction, 1 to 100; others have what their
    /// gateway tells by `vendor_info`, else 1.
    pub link_weights: Vec<(Label, u32)>,
    /// `vendor-info`: learn label names, interface names and weights from the vendor options of
    /// this private enterprise number (RFC 5094).
    pub vendor_info: Option<u32>,
    /// Names of labels. A path that is registered without a number, but with a name, has the
    /// label of that name here.
    pub label_names: Vec<(Label, String)>,
    /// The same mobile node gets the same prefixes again for this long after its session ended.
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub prefix_memory: Duration,
    /// Restart Counter (RFC 5847 section 3.4): raise it whenever state was lost.
    pub restart_counter: u32,
    /// The link-local address given to a gateway that asks for one (option 26); `None` = one is
    /// drawn for each session (RFC 5213 section 5.3.6).
    pub link_local_address: Option<Ipv6Addr>,
    /// What bounds memory.
    pub limits: LmaLimits,
}

/// An access gateway known by configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct MagPeer {
    /// Its MAG Identifier (RFC 8278 section 4.2).
    pub identity: String,
    /// Addresses it may signal from; empty = any, named by its identifier alone.
    #[cfg_attr(feature = "serde", serde(default))]
    pub addresses: Vec<IpAddr>,
    /// Its encapsulation, where it differs from the anchor's.
    #[cfg_attr(feature = "serde", serde(default))]
    pub encapsulation: Option<Encapsulation>,
    /// Its own keys (RFC 4285 section 5); empty = the anchor's. The first protects what is sent to
    /// it, all are accepted from it and from nobody else.
    #[cfg_attr(feature = "serde", serde(default))]
    pub keys: Vec<SharedKey>,
    /// The bends of the rules that are taken from it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub lenient: Vec<Tolerance>,
    /// The customer whose gateway it is; `None` = the anchor's own.
    #[cfg_attr(feature = "serde", serde(default))]
    pub customer: Option<String>,
}

/// Who is served and how.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Profile {
    /// `user@realm` for one mobile node, `@realm` for a whole realm.
    pub nai: String,
    /// The network that supplies its addresses.
    #[cfg_attr(feature = "serde", serde(default))]
    pub network: Option<String>,
    /// Address families it may use.
    #[cfg_attr(feature = "serde", serde(default))]
    pub service: Service,
    /// Whether it is authorised for network-based mobility at all; off: status 152.
    #[cfg_attr(feature = "serde", serde(default = "yes"))]
    pub enabled: bool,
    /// Whether it may have several paths (where the anchor has multipath on).
    #[cfg_attr(feature = "serde", serde(default = "yes"))]
    pub multipath: bool,
    /// Whether it may have delegated mobile network prefixes; off: status 177.
    #[cfg_attr(feature = "serde", serde(default = "yes"))]
    pub delegation: bool,
    /// How many IPv4 mobile network prefixes one request to allocate yields.
    #[cfg_attr(feature = "serde", serde(default = "one"))]
    pub delegated_ipv4: u8,
    /// How many IPv6 mobile network prefixes one request to allocate yields.
    #[cfg_attr(feature = "serde", serde(default = "one"))]
    pub delegated_ipv6: u8,
    /// `gre-encap-key up`: the uplink GRE key on every path, at least 1; `None` = one drawn for
    /// each path binding.
    #[cfg_attr(feature = "serde", serde(default))]
    pub gre_uplink_key: Option<u32>,
    /// The services that it may select (RFC 5149 section 4.2), any other is status 151; empty =
    /// every one.
    #[cfg_attr(feature = "serde", serde(default))]
    pub services: Vec<String>,
    /// The customer whose mobile nodes these are: a PBU that comes to anybody else's address is
    /// status 153. `None` = anybody's.
    #[cfg_attr(feature = "serde", serde(default))]
    pub customer: Option<String>,
}

/// What bounds an anchor's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct LmaLimits {
    /// `bce maximum`: mobility sessions; above it status 130.
    pub bindings: u32,
    /// Mobility sessions of one mobile node, 1 to 255; above it status 130. It also bounds the
    /// time that a look-up takes.
    pub sessions_per_node: u8,
    /// Paths of one session, 1 to 254; above it status 130.
    pub paths_per_binding: u8,
    /// `hnp maximum`: home network prefixes of one session, 1 to 32; above it status 130.
    pub home_prefixes_per_binding: u8,
    /// Delegated prefixes of one session; above it status 130.
    pub delegated_per_binding: u8,
    /// PBUs held at once until the old access gateway de-registers (RFC 5213 section 5.4.1.2 item
    /// 4), at most 65,536; one more is decided without waiting.
    pub pending_creates: u32,
    /// Cells of the table that counts signalling per source.
    pub sources: u32,
    /// Binding updates taken from one source address per second, and from one authenticated access
    /// gateway; more are dropped. One binding needs no more than MAX_UPDATE_RATE, which is 3
    /// (RFC 6275 section 12).
    pub updates_per_second: u32,
}

impl LmaConfig {
    /// An anchor named `identity` with the defaults of the RFCs and no address yet.
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
        checker.name("the local mobility anchor", &self.identity);
        if self.ipv4_address.is_none() && self.ipv6_address.is_none() {
            checker.0.push(ConfigError::NoAddress);
        }
        self.check_names(&mut checker);
        check_customers(&mut checker, self);
        self.check_keys(&mut checker);
        self.check_times(&mut checker);
        self.heartbeat.check(&mut checker);
        self.revocation.check(&mut checker);
        self.notification.check(&mut checker);
        self.controlled.check(&mut checker);
        for network in &self.networks {
            network.check(&mut checker);
        }
        for &(_, weight) in &self.link_weights {
            checker.number("link weight", weight.into(), 1, 100);
        }
        if let Some(address) = self.link_local_address
            && !address.is_unicast_link_local()
        {
            checker.0.push(ConfigError::NotLinkLocal { address });
        }
        let limits = &self.limits;
        checker.number("bce maximum", limits.bindings.into(), 1, 16_000_000);
        checker.number("sessions per node", limits.sessions_per_node.into(), 1, 255);
        checker.number("paths per binding", limits.paths_per_binding.into(), 1, 254);
        let homes = limits.home_prefixes_per_binding.into();
        checker.number("hnp maximum", homes, 1, 32);
        let pending = limits.pending_creates.into();
        checker.number("pending creates", pending, 0, 65_536);
        checker.number(
            "delegated prefixes per binding",
            limits.delegated_per_binding.into(),
            1,
            32,
        );
        ConfigErrors::check(checker.0)
    }

    /// Whether any key is configured. Access gateways that are not known by configuration then
    /// need one as well.
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
            || self.peers.iter().any(|peer| !peer.keys.is_empty())
            || self
                .customers
                .iter()
                .any(|customer| !customer.keys.is_empty())
    }

    /// Whether any host that reaches this anchor can register mobile nodes: it learns access
    /// gateways and has no authentication.
    pub fn is_open_to_all(&self) -> bool {
        self.dynamic_mag_learning && !self.has_keys() && !self.authentication_required
    }

    /// The profile that holds for `nai` at the anchor's own addresses: exact, then its realm, then
    /// the default profile.
    pub fn profile(&self, nai: &str) -> Option<&Profile> {
        self.profile_of(None, nai)
    }

    /// The profile that holds for `nai` at a customer's addresses, `None` = the anchor's own. Of
    /// several with one name the customer's goes before anybody's; where all are other customers',
    /// none holds.
    pub fn profile_of(&self, customer: Option<&str>, nai: &str) -> Option<&Profile> {
        let realm = nai.rfind('@').and_then(|at| nai.get(at..));
        let names = [Some(nai), realm, self.default_profile.as_deref()];
        let named = |name: &str| self.profiles.iter().any(|profile| profile.nai == name);
        let name = names.into_iter().flatten().find(|name| named(name))?;
        let all = || self.profiles.iter().filter(|profile| profile.nai == name);
        let own = all().find(|p| p.customer.is_some() && p.customer.as_deref() == customer);
        own.or_else(|| all().find(|profile| profile.customer.is_none()))
    }

    /// The number of the routing instance called `name`.
    pub fn vrf(&self, name: &str) -> Option<VrfId> {
        let position = self.vrfs.iter().position(|vrf| vrf == name)?;
        Some(VrfId(u16::try_from(position + 1).ok()?))
    }

    /// The name of a routing instance; `None` = the default one, or none of ours.
    pub fn vrf_name(&self, vrf: VrfId) -> Option<&str> {
        let position = usize::from(vrf.0).checked_sub(1)?;
        Some(self.vrfs.get(position)?.as_str())
    }

    /// The customer called `name`.
    pub fn customer(&self, name: &str) -> Option<&Customer> {
        self.customers.iter().find(|customer| customer.name == name)
    }

    /// The network called `name`.
    pub fn network(&self, name: &str) -> Option<&Network> {
        self.networks.iter().find(|network| network.name == name)
    }

    /// The weight of the paths of a label whose gateway tells none.
    pub fn weight(&self, label: Label) -> u32 {
        self.configured_weight(label).unwrap_or(1)
    }

    /// The weight configured for the paths of a label.
    pub fn configured_weight(&self, label: Label) -> Option<u32> {
        let found = self.link_weights.iter().find(|(name, _)| *name == label);
        found.map(|&(_, weight)| weight)
    }

    /// The label of a name.
    pub fn label(&self, name: &str) -> Option<Label> {
        let mut names = self.label_names.iter();
        let found = names.find(|(_, known)| known == name);
        found.map(|&(label, _)| label)
    }

    fn named_default(&self) -> Option<&Profile> {
        let name = self.default_profile.as_deref()?;
        self.profiles.iter().find(|profile| profile.nai == name)
    }

    fn check_names(&self, checker: &mut Checker) {
        checker.unique("network", self.networks.iter().map(|n| n.name.as_str()));
        let customers = self.customers.iter().map(|c| Some(c.name.as_str()));
        for customer in std::iter::once(None).chain(customers) {
            let profiles = self.profiles.iter();
            let profiles = profiles.filter(|p| p.customer.as_deref() == customer);
            checker.unique("profile", profiles.map(|p| p.nai.as_str()));
            let peers = self.peers.iter();
            let peers = peers.filter(|p| p.customer.as_deref() == customer);
            checker.unique("peer", peers.map(|p| p.identity.as_str()));
        }
        for profile in &self.profiles {
            checker.name("a profile", &profile.nai);
            checker.gre_key("gre-encap-key up", profile.gre_uplink_key);
            let counts = [profile.delegated_ipv4, profile.delegated_ipv6];
            for count in counts {
                checker.number("delegated prefixes", count.into(), 1, 16);
            }
            if let Some(name) = &profile.network
                && self.network(name).is_none()
            {
                let (what, name) = ("network", name.clone());
                checker.0.push(ConfigError::Unknown { what, name });
            }
        }
        if let Some(name) = &self.default_profile
            && self.named_default().is_none()
        {
            let (what, name) = ("default profile", name.clone());
            checker.0.push(ConfigError::Unknown { what, name });
        }
    }

    fn check_keys(&self, checker: &mut Checker) {
        check_keys(checker, &self.keys);
        let own = self.peers.iter().flat_map(|peer| &peer.keys);
        let of_customers = self.customers.iter().flat_map(|customer| &customer.keys);
        let own = own.chain(of_customers);
        let mut seen = std::collections::BTreeSet::new();
        for key in self.keys.iter().chain(own) {
            if !seen.insert(key.spi()) {
                let spi = key.spi();
                checker.0.push(ConfigError::SharedSpi { spi });
            }
        }
        for peer in &self.peers {
            check_keys(checker, &peer.keys);
        }
        if !self.authentication_required {
            return;
        }
        let customers = self
            .customers
            .iter()
            .map(|c| (Some(c.name.as_str()), &c.keys));
        for (customer, keys) in std::iter::once((None, &self.keys)).chain(customers) {
            if keys.is_empty() {
                self.check_keyless(checker, customer);
            }
        }
    }

    /// `authentication_required`, and there are no keys for all gateways of a customer: each must
    /// have its own.
    fn check_keyless(&self, checker: &mut Checker, customer: Option<&str>) {
        let peers = self.peers.iter();
        let mut peers = peers
            .filter(|peer| peer.customer.as_deref() == customer)
            .peekable();
        if peers.peek().is_none() && (customer.is_some() || self.customers.is_empty()) {
            let who = customer.unwrap_or("the local mobility anchor").to_owned();
            checker.0.push(ConfigError::NoKey { who });
        }
        for peer in peers.filter(|peer| peer.keys.is_empty()) {
            let who = peer.identity.clone();
            checker.0.push(ConfigError::NoKey { who });
        }
    }

    fn check_times(&self, checker: &mut Checker) {
        let (tick, minute) = (Duration::from_millis(1), Duration::from_secs(60));
        let unit = Duration::from_secs(4);
        let day = Duration::from_secs(86_400);
        checker.duration("bce lifetime", self.lifetime, unit, MAX_LIFETIME);
        checker.duration("bce delete-wait-time", self.delete_wait, tick, 2 * minute);
        checker.duration("bce create-wait-time", self.create_wait, tick, 2 * minute);
        checker.duration("timestamp window", self.timestamp_window, tick, 5 * minute);
        checker.update_timer(self.access_network_update_timer);
        checker.duration(
            "prefix memory",
            self.prefix_memory,
            Duration::ZERO,
            366 * day,
        );
    }
}

impl Default for LmaConfig {
    fn default() -> Self {
        Self {
            identity: String::new(),
            ipv4_address: None,
            ipv6_address: None,
            peers: Vec::new(),
            dynamic_mag_learning: false,
            keys: Vec::new(),
            authentication_required: false,
            multipath: false,
            encapsulation: Encapsulation::Ipv4Udp,
            gre_required: false,
            access_network_update_timer: None,
            vrfs: Vec::new(),
            customers: Vec::new(),
            networks: Vec::new(),
            profiles: Vec::new(),
            default_profile: None,
            lifetime: DEFAULT_LIFETIME,
            delete_wait: MIN_DELAY_BEFORE_BCE_DELETE,
            create_wait: MAX_DELAY_BEFORE_NEW_BCE_ASSIGN,
            timestamp_window: TIMESTAMP_VALIDITY_WINDOW,
            mobile_node_timestamps: false,
            heartbeat: HeartbeatConfig::default(),
            revocation: RevocationConfig::default(),
            notification: NotificationConfig::default(),
            controlled: ControlledConfig::default(),
            redirect: RedirectConfig::default(),
            load: None,
            link_weights: Vec::new(),
            vendor_info: None,
            label_names: Vec::new(),
            prefix_memory: Duration::from_secs(86_400),
            restart_counter: 1,
            link_local_address: None,
            limits: LmaLimits::default(),
        }
    }
}

impl MagPeer {
    /// A peer known by its identifier.
    pub fn new(identity: impl Into<String>) -> Self {
        Self {
            identity: identity.into(),
            addresses: Vec::new(),
            encapsulation: None,
            keys: Vec::new(),
            lenient: Vec::new(),
            customer: None,
        }
    }
}

impl Profile {
    /// A profile with every service, whose addresses come from `network`.
    pub fn new(nai: impl Into<String>, network: impl Into<String>) -> Self {
        Self {
            nai: nai.into(),
            network: Some(network.into()),
            service: Service::Dual,
            enabled: true,
            multipath: true,
            delegation: true,
            delegated_ipv4: 1,
            delegated_ipv6: 1,
            gre_uplink_key: None,
            services: Vec::new(),
            customer: None,
        }
    }
}

impl Default for LmaLimits {
    fn default() -> Self {
        Self {
            bindings: 128_000,
            sessions_per_node: 64,
            paths_per_binding: 16,
            home_prefixes_per_binding: 8,
            delegated_per_binding: 32,
            pending_creates: 1_024,
            sources: 4_096,
            updates_per_second: 1_000,
        }
    }
}

#[cfg(feature = "serde")]
const fn yes() -> bool {
    true
}

#[cfg(feature = "serde")]
const fn one() -> u8 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_profile_wins() {
        let mut config = LmaConfig::new("lma");
        config.networks = vec![Network::new("net")];
        config.profiles = vec![
            Profile::new("@example.com", "net"),
            Profile::new("a@example.com", "net"),
            Profile::new("rest", "net"),
        ];
        let nai_of = |config: &LmaConfig, nai: &str| config.profile(nai).map(|p| p.nai.clone());
        assert_eq!(
            nai_of(&config, "a@example.com").as_deref(),
            Some("a@example.com")
        );
        assert_eq!(
            nai_of(&config, "b@example.com").as_deref(),
            Some("@example.com")
        );
        assert_eq!(nai_of(&config, "b@example.org"), None);
        config.default_profile = Some("rest".into());
        assert_eq!(nai_of(&config, "b@example.org").as_deref(), Some("rest"));
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let mut config = LmaConfig::new("");
        config.profiles = vec![Profile::new("@example.com", "nowhere")];
        config.default_profile = Some("Nobody".into());
        config.lifetime = Duration::from_secs(1);
        let errors = config.validate().unwrap_err();
        assert_eq!(errors.iter().count(), 5, "{errors}");
        assert!(errors.iter().any(|error| *error == ConfigError::NoAddress));
    }
}
