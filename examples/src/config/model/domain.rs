//! `ipv6 mobile pmipv6-domain`: what MAGs and LMAs share.

use std::net::Ipv6Addr;

use serde::{Deserialize, Serialize};

use super::{
    AccessTechnology, AuthOption, MacAddress, Peer, ReplayProtection, TunnelEncap, section,
};

section! {
    /// A PMIPv6 domain.
    pub struct Domain {
        /// 1 to 125 characters.
        pub name: String,
        /// Default encapsulation; none: IPv6-in-IPv6 on IPv6 transport, else negotiated.
        pub encap: Option<TunnelEncap>,
        /// Timestamp check; none: the engine's own 300 ms.
        pub replay_protection: Option<ReplayProtection>,
        /// Authentication of all signalling in the domain: the first key sends, all are accepted.
        #[serde(with = "crate::config::model::one_or_many")]
        pub auth_option: Vec<AuthOption>,
        /// Refuse to run without authentication.
        pub auth_required: bool,
        /// Signal names and weights in a vendor option.
        pub vendor_info: Option<VendorInfo>,
        /// Link-layer address that every MAG shows to mobile nodes.
        pub fixed_link_layer_address: Option<MacAddress>,
        /// Link-local address that every MAG shows to mobile nodes.
        pub fixed_link_local_address: Option<Ipv6Addr>,
        /// Route between mobile nodes of one MAG without the LMA.
        pub local_routing_mag: bool,
        /// The table that gives label names their number on the wire.
        #[serde(rename = "link-label")]
        pub link_labels: Vec<LinkLabel>,
        /// Mobile node profiles.
        #[serde(rename = "nai")]
        pub nais: Vec<NaiProfile>,
        /// Mobile maps, entries in ascending sequence.
        #[serde(rename = "mobile-map")]
        pub mobile_maps: Vec<MobileMap>,
        /// MAGs of the domain.
        #[serde(rename = "mag")]
        pub mags: Vec<Peer>,
        /// LMAs of the domain.
        #[serde(rename = "lma")]
        pub lmas: Vec<Peer>,
    }
}

impl Domain {
    /// The If-Label number of a label name, 0 when the domain has none for it.
    pub fn label_id(&self, name: &str) -> u8 {
        let label = self.link_labels.iter().find(|label| label.name == name);
        label.map_or(0, |label| u8::try_from(label.id).unwrap_or(0))
    }

    /// The profile of a mobile node: the exact name, else its realm.
    pub fn profile(&self, nai: &str) -> Option<&NaiProfile> {
        let realm = nai.find('@').and_then(|at| nai.get(at..));
        let exact = self.nais.iter().find(|profile| profile.nai == nai);
        exact.or_else(|| {
            self.nais
                .iter()
                .find(|profile| Some(profile.nai.as_str()) == realm)
        })
    }

    /// The mobile map called `name`.
    pub fn mobile_map(&self, name: &str) -> Option<&MobileMap> {
        self.mobile_maps.iter().find(|map| map.name == name)
    }
}

section! {
    /// `link-label NAME id N`: RFC 8278 carries an octet where people write names.
    pub struct LinkLabel {
        /// 1 to 125 characters.
        pub name: String,
        /// If-Label, 1 to 255.
        pub id: u32,
    }
}

section! {
    /// `vendor-info`.
    pub struct VendorInfo {
        /// IANA private enterprise number; none: 32473 (RFC 5612).
        pub enterprise: Option<u32>,
    }
}

section! {
    /// `nai [USER]@REALM`: a mobile node, or every node of a realm when it starts with `@`.
    pub struct NaiProfile {
        /// The identifier.
        pub nai: String,
        /// Its LMA.
        pub lma: Option<String>,
        /// The network of the LMA whose pools serve it.
        pub network: Option<String>,
        /// Address families.
        pub service: Option<Service>,
        /// Access point name.
        pub apn: Option<String>,
        /// Tenant.
        pub customer: Option<String>,
        /// GRE key towards the mobile node.
        pub gre_key_down: Option<u32>,
        /// GRE key from the mobile node.
        pub gre_key_up: Option<u32>,
        /// Several interfaces at once.
        pub multi_homed: bool,
        /// `mobility-service mobile-local-loop`.
        pub mobile_local_loop: bool,
        /// How its interfaces are recognised.
        #[serde(rename = "interface")]
        pub interfaces: Vec<MnInterface>,
    }
}

section! {
    /// `int att TYPE l2-addr MAC`.
    pub struct MnInterface {
        /// Access technology.
        pub att: AccessTechnology,
        /// Link-layer address.
        pub l2_addr: MacAddress,
    }
}

/// Address families of a mobile node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// IPv4 alone.
    Ipv4,
    /// IPv6 alone.
    Ipv6,
    /// Both.
    Dual,
}

impl Service {
    /// The word of the configuration language.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Dual => "dual",
        }
    }
}

section! {
    /// A mobile map: an ordered list of policy entries under one name.
    pub struct MobileMap {
        /// 1 to 125 characters.
        pub name: String,
        /// Entries in ascending sequence.
        #[serde(rename = "entry")]
        pub entries: Vec<MapEntry>,
    }
}

section! {
    /// `mobile-map NAME SEQ`: one entry.
    pub struct MapEntry {
        /// 1 to 255.
        pub sequence: u32,
        /// `match access-list`.
        pub access_list: Option<String>,
        /// `set link-type`: up to three labels in order of preference.
        pub link_type: Vec<String>,
        /// Drop when none of the labels has a live path.
        pub null: bool,
        /// Use only paths that meet this profile.
        pub traffic_profile: Option<String>,
        /// Drop when no path meets the profile.
        pub strict: bool,
    }
}
