//! One node of a configuration, as the programs and the engines take it.

mod customer;
mod hybrid;
mod labels;
mod lma;
mod mag;
mod steering;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use pmip_binding::config::{
    DEFAULT_ENTERPRISE, HeartbeatConfig, HeartbeatRule, RevocationConfig, SharedKey,
};
use pmip_binding::{LmaConfig, MagConfig, MobileNode};
use pmip_wire::types::Encapsulation;

pub use self::customer::unserved;
pub use self::labels::LabelTable;
pub use self::mag::{AccessNetwork, Uplink};
use super::model::{
    AuthOption, Config, DetachDiscovery, Domain, Heartbeat, InterfaceAddress, Mag, Revocation,
    Service, Tunnel, TunnelEncap,
};

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Local mobility anchor.
    Lma,
    /// Mobile access gateway.
    Mag,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lma => "LMA",
            Self::Mag => "MAG",
        })
    }
}

/// One node of a file, resolved: names of labels, devices and pools are looked up.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Its identifier.
    pub id: String,
    /// Its domain.
    pub domain: String,
    /// What its engine is told.
    pub engine: Engine,
    /// Names of labels.
    pub labels: LabelTable,
    /// `tunnel mtu`; none: what each path leaves.
    pub tunnel_mtu: Option<u16>,
    /// MAG: one for each roaming interface, in the engine's order.
    pub uplinks: Vec<Uplink>,
    /// MAG: interfaces where mobile nodes attach. LMA: the correspondent side. Linux devices.
    pub interfaces: Vec<String>,
    /// MAG: mobile networks of the logical mobile nodes.
    pub mobile_networks: Vec<AccessNetwork>,
    /// Addresses of `interface` blocks, to be added to their device when missing.
    pub addresses: Vec<(String, InterfaceAddress)>,
    /// The file it comes from, for what is not resolved here.
    pub config: Config,
}

impl NodeConfig {
    /// `tunnel` of the node's block.
    pub fn tunnel(&self) -> Option<&Tunnel> {
        let lma = self.config.lmas.iter().find(|lma| lma.id == self.id);
        match &self.engine {
            Engine::Lma(_) => lma.map(|lma| &lma.tunnel),
            Engine::Mag(_) => self.mag().map(|mag| &mag.tunnel),
        }
    }

    /// `sessionmgr` of a MAG.
    pub fn sessionmgr(&self) -> bool {
        self.mag().is_some_and(|mag| mag.sessionmgr)
    }

    /// `discover-mn-detach` of a MAG.
    pub fn detach_discovery(&self) -> Option<&DetachDiscovery> {
        self.mag()?.discover_mn_detach.as_ref()
    }

    /// Hosts that a profile of the domain names by their MAC address, with their access technology.
    pub fn known_hosts(&self) -> BTreeMap<[u8; 6], (String, u8)> {
        let domain = self.config.domain(&self.domain);
        let profiles = domain.into_iter().flat_map(|domain| &domain.nais);
        // A profile of a whole realm says nothing of who a host is.
        let users = profiles.filter(|profile| !profile.nai.starts_with('@'));
        let hosts = users.flat_map(|profile| {
            let interfaces = profile.interfaces.iter();
            interfaces.map(|host| (host.l2_addr.0, (profile.nai.clone(), host.att.0)))
        });
        hosts.collect()
    }

    /// What a MAG's engine is told of a host: its profile's settings, its MAC address and its
    /// access technology.
    pub fn mobile_node(
        &self,
        nai: &str,
        mac: Option<[u8; 6]>,
        technology: Option<u8>,
    ) -> MobileNode {
        let mut host = MobileNode::new(nai);
        let domain = self.config.domain(&self.domain);
        if let Some(profile) = domain.and_then(|domain| domain.profile(nai)) {
            host.lma.clone_from(&profile.lma);
            host.service_selection.clone_from(&profile.apn);
            host.service = service(profile.service);
        }
        if host.service_selection.is_none() {
            host.service_selection = self.mag().and_then(|mag| mag.apn.clone());
        }
        if let Some(technology) = technology {
            host.access_technology = technology;
        }
        host.link_layer_identifier = mac.map(|mac| mac.to_vec().into());
        host
    }

    fn mag(&self) -> Option<&Mag> {
        self.config.mags.iter().find(|mag| mag.id == self.id)
    }
}

/// The configuration of a node's engine.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
pub enum Engine {
    /// For `pmip_binding::Lma`.
    Lma(LmaConfig),
    /// For `pmip_binding::Mag`. The driver fills in each logical mobile node's
    /// `link_layer_identifier` from its first mobile network's device.
    Mag(MagConfig),
}

/// Why a node cannot be run; every reason, each on its own line when shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeErrors(pub Vec<String>);

impl NodeErrors {
    fn one(error: String) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for NodeErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for NodeErrors {}

/// Picks the node of `role` to run, `id` or the only one, and resolves it.
///
/// # Errors
/// When no node or several nodes fit (all are listed), or the engine refuses its values.
pub fn select(config: &Config, role: Role, id: Option<&str>) -> Result<NodeConfig, NodeErrors> {
    let index = pick(config, role, id)?;
    match role {
        Role::Lma => lma::resolve(config, &config.lmas[index]),
        Role::Mag => mag::resolve(config, &config.mags[index]),
    }
}

fn pick(config: &Config, role: Role, id: Option<&str>) -> Result<usize, NodeErrors> {
    let ids: Vec<&str> = match role {
        Role::Lma => config.lmas.iter().map(|node| node.id.as_str()).collect(),
        Role::Mag => config.mags.iter().map(|node| node.id.as_str()).collect(),
    };
    let wanted = |index: &usize| id.is_none_or(|id| ids.get(*index) == Some(&id));
    let found: Vec<usize> = (0..ids.len()).filter(wanted).collect();
    match (found.as_slice(), id) {
        ([only], _) => Ok(*only),
        ([], _) if ids.is_empty() => Err(NodeErrors::one(format!(
            "the configuration defines no {role}; it needs `ipv6 mobile pmipv6-{} ID domain NAME`",
            role.to_string().to_lowercase()
        ))),
        ([], id) => Err(NodeErrors::one(format!(
            "the configuration defines no {role} called `{}`; it has: {}",
            id.unwrap_or_default(),
            ids.join(", ")
        ))),
        (_, _) => Err(NodeErrors::one(format!(
            "the configuration defines several {role}s: {}; choose one with --id",
            ids.join(", ")
        ))),
    }
}

/// The keys of the first list that has any, for an engine; without those that cannot be read,
/// which the check of the configuration refuses.
fn keys<'a>(lists: impl IntoIterator<Item = &'a [AuthOption]>) -> Vec<SharedKey> {
    let options = first(lists);
    let key = |option: &AuthOption| Some(SharedKey::new(option.spi, option.key.octets()?));
    options.iter().filter_map(key).collect()
}

/// The first list that holds anything: a peer's own settings, else those of the domain.
fn first<'a, T>(lists: impl IntoIterator<Item = &'a [T]>) -> &'a [T] {
    let mut lists = lists.into_iter();
    lists.find(|list| !list.is_empty()).unwrap_or_default()
}

/// The address families of a profile, as the engines call them; both unless it says one.
pub fn service(service: Option<Service>) -> pmip_binding::config::Service {
    use pmip_binding::config::Service as Engine;
    match service {
        None | Some(Service::Dual) => Engine::Dual,
        Some(Service::Ipv4) => Engine::Ipv4,
        Some(Service::Ipv6) => Engine::Ipv6,
    }
}

/// What the engines call an encapsulation of the language.
fn encapsulation(encap: TunnelEncap) -> Encapsulation {
    match encap {
        TunnelEncap::GreIpv4 => Encapsulation::GreIpv4,
        TunnelEncap::GreIpv6 => Encapsulation::GreIpv6,
        TunnelEncap::Ipv6InIpv6 => Encapsulation::Ipv6,
        TunnelEncap::Udptunnel => Encapsulation::Ipv4Udp,
    }
}

fn revocation(bri: &Revocation) -> RevocationConfig {
    let mut config = RevocationConfig::default();
    let milliseconds = |value: u32| Duration::from_millis(value.into());
    config.initial_delay = bri.delay_min.map_or(config.initial_delay, milliseconds);
    config.maximum_delay = bri.delay_max.map_or(config.maximum_delay, milliseconds);
    config.retries = bri.retries.unwrap_or(config.retries);
    config
}

/// Heartbeat lines as the engines' rules, the plain line last wins among equals.
fn heartbeat(lines: &[Heartbeat], labels: &LabelTable) -> HeartbeatConfig {
    let mut config = HeartbeatConfig::default();
    for line in lines {
        let mut rule = rule(line);
        rule.label = line.label.as_deref().map(|name| labels.label(name));
        config.rules.push(rule);
    }
    config
}

/// A heartbeat line as the engines' rule for every path.
fn rule(line: &Heartbeat) -> HeartbeatRule {
    let mut rule = HeartbeatRule::new(line.period(), line.retries);
    let timeout = line.timeout.map(u64::from);
    rule.timeout = timeout.map(Duration::from_secs);
    rule.nat_reboot = line.natreboot;
    rule
}

/// `vendor-info`: the private enterprise number of vendor options.
fn vendor_info(domain: Option<&Domain>) -> Option<u32> {
    let info = domain?.vendor_info.as_ref()?;
    Some(info.enterprise.unwrap_or(DEFAULT_ENTERPRISE))
}

/// Addresses of every `interface` block that is not shut down, by Linux device.
fn addresses(config: &Config) -> Vec<(String, InterfaceAddress)> {
    let interfaces = config
        .interfaces
        .iter()
        .filter(|interface| !interface.shutdown);
    interfaces
        .flat_map(|interface| {
            let device = config.device(&interface.name).to_owned();
            let addresses = interface.address.iter();
            addresses.map(move |address| (device.clone(), *address))
        })
        .collect()
}

/// The tunnel MTU; the language's range fits in 16 bits.
fn tunnel_mtu(mtu: Option<u32>) -> Option<u16> {
    mtu.and_then(|mtu| u16::try_from(mtu).ok())
}

/// The engine's own objections as ours.
fn refuse(errors: &pmip_binding::config::ConfigErrors) -> NodeErrors {
    NodeErrors(errors.iter().map(ToString::to_string).collect())
}
