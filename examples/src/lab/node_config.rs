//! The nodes' configuration, written for one run.

use std::fmt::Write as _;

use super::domain::LabError;
use super::spec::{DomainSpec, LMN_NAI, MOBILE_LENGTH, MOBILE_POOL, MOBILE_POOL_LENGTH};
use crate::config::node::{NodeConfig, Role, select};
use crate::config::{Format, parse};

/// Name of the anchor.
pub(super) const LMA_ID: &str = "LMA1";
/// Name of the gateway.
pub(super) const MAG_ID: &str = "MAG1";
/// The MAG's interface towards the host.
pub(super) const LAN: &str = "lan";

/// Both nodes' configuration, from one file.
pub(super) struct NodeConfigs {
    /// The file, as TOML.
    pub(super) text: String,
    pub(super) mag: NodeConfig,
    pub(super) lma: NodeConfig,
}

impl NodeConfigs {
    /// Writes the file and reads it back as the programs do.
    ///
    /// # Errors
    /// When the configuration code refuses it.
    pub(super) fn from_spec(spec: &DomainSpec) -> Result<Self, LabError> {
        let text = toml(spec);
        let refused = |error: &dyn std::fmt::Display| LabError::domain("configuration", error);
        let loaded = parse("lab.toml", &text, Format::Toml).map_err(|error| refused(&error))?;
        let node = |role| select(&loaded.config, role, None).map_err(|error| refused(&error));
        Ok(Self {
            mag: node(Role::Mag)?,
            lma: node(Role::Lma)?,
            text,
        })
    }
}

fn toml(spec: &DomainSpec) -> String {
    let mut text = String::from("# Written by pmip lab for one run.\n");
    domain(&mut text, spec);
    lma(&mut text, spec);
    mag(&mut text, spec);
    text
}

/// Home addresses and prefixes, which every mobile node gets beside its mobile networks.
const POOLS: &str = "
[[ipv4-pool]]
name = \"home4\"
ranges = [{ first = \"10.65.0.10\", last = \"10.65.255.250\" }]

[[ipv6-pool]]
name = \"home6\"
prefix = \"2001:db8:6500::/40\"
assigned-length = 64
";

fn domain(text: &mut String, spec: &DomainSpec) {
    text.push_str(POOLS);
    let _ = write!(
        text,
        "\n[[domain]]\nname = \"LAB\"\nencap = \"{}\"\n",
        spec.carrying.words().0
    );
    for (wan, number) in spec.wans.iter().zip(1..) {
        let _ = write!(
            text,
            "\n[[domain.link-label]]\nname = \"{}\"\nid = {number}\n",
            wan.name
        );
    }
    let _ = write!(
        text,
        "\n[[domain.nai]]\nnai = \"{LMN_NAI}\"\nlma = \"{LMA_ID}\"\nnetwork = \"vehicles\"\n"
    );
}

fn lma(text: &mut String, spec: &DomainSpec) {
    let multipath = spec.multipath;
    let _ = write!(
        text,
        "\n[[lma]]\nid = \"{LMA_ID}\"\ndomain = \"LAB\"\nmultipath = {multipath}\n\
         dynamic-mag-learning = true\ndefault-profile = \"{LMN_NAI}\"\ninterface = [\"core\"]\n\
         \n[lma.address]\n{} = [\"{}\"]\n",
        family(spec),
        spec.carrying.anchor()
    );
    heartbeat(text, spec, "lma");
    let _ = write!(
        text,
        "\n[[lma.network]]\nname = \"vehicles\"\n\
         ipv4-pool = {{ name = \"home4\", pfxlen = 16 }}\n\
         ipv6-pool = {{ name = \"home6\", pfxlen = 64 }}\n\
         mobile-network = [\n  {{ pool = \"{MOBILE_POOL}\", pool-prefix = {MOBILE_POOL_LENGTH}, \
         network-prefix = {MOBILE_LENGTH} }},\n  {{ pool = \"2001:db8:6400::\", \
         pool-prefix = 40, network-prefix = 56 }},\n]\n"
    );
}

fn mag(text: &mut String, spec: &DomainSpec) {
    let multipath = spec.multipath;
    let _ = write!(
        text,
        "\n[[mag]]\nid = \"{MAG_ID}\"\ndomain = \"LAB\"\nmultipath = {multipath}\n\
         address-dynamic = true\n"
    );
    heartbeat(text, spec, "mag");
    for (wan, priority) in spec.wans.iter().zip(1..) {
        let name = wan.name;
        let _ = write!(
            text,
            "\n[[mag.roaming-interface]]\nname = \"{name}\"\nlabel = \"{name}\"\n\
             priority = {priority}\n"
        );
    }
    let _ = write!(
        text,
        "\n[[mag.lma]]\nid = \"{LMA_ID}\"\ndomain = \"LAB\"\n{}-address = \"{}\"\n",
        family(spec),
        spec.carrying.anchor()
    );
    if let Some(encap) = spec.carrying.words().1 {
        let _ = writeln!(text, "encap = \"{encap}\"");
    }
    if spec.logical_mobile_node {
        let _ = write!(
            text,
            "\n[[mag.logical-mn]]\nnai = \"{LMN_NAI}\"\n\
             mobile-network = [{{ interface = \"{LAN}\", learn-prefix = true }}]\n"
        );
    }
}

fn family(spec: &DomainSpec) -> &'static str {
    match spec.carrying.over_ipv6() {
        true => "ipv6",
        false => "ipv4",
    }
}

fn heartbeat(text: &mut String, spec: &DomainSpec, node: &str) {
    let Some(heartbeat) = spec.heartbeat else {
        return;
    };
    let _ = write!(
        text,
        "\n[[{node}.heartbeat]]\ninterval-ms = {}\nretries = {}\n",
        heartbeat.interval.as_millis(),
        heartbeat.retries
    );
}
