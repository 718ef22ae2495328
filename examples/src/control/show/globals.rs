//! What a node is and how it is set.

use std::collections::BTreeMap;

use pmip_binding::LmaConfig;
use pmip_binding::config::{HeartbeatConfig, RevocationConfig, SharedKey, Tolerance};
use pmip_wire::Status;
use pmip_wire::types::Instant;
use serde_json::{Value, json};

use super::super::Only;
use super::view::{View, millis};
use crate::config::model::tolerance_word;
use crate::config::node::Engine;
use crate::node::uplinks::UplinkState;

impl View<'_> {
    pub(super) fn globals(&self, now: Instant) -> Value {
        let config = self.node.config();
        let mut globals = match &config.engine {
            Engine::Lma(lma) => json!({
                "role": "lma",
                "ipv4_address": lma.ipv4_address,
                "ipv6_address": lma.ipv6_address,
                "peers": lma.peers.iter().map(|peer| &peer.identity).collect::<Vec<_>>(),
                "dynamic_mag_learning": lma.dynamic_mag_learning,
                "authentication": authentication(!lma.keys.is_empty(), lma.peers.iter().map(|peer| &peer.keys)),
                "authentication_required": lma.authentication_required,
                "warnings": open_to_all(lma),
                "multipath": lma.multipath,
                "encap": lma.encapsulation,
                "networks": lma.networks.iter().map(|network| &network.name).collect::<Vec<_>>(),
                "default_profile": lma.default_profile,
                "vendor_info": lma.vendor_info,
                "generate_grekey": lma.gre_required,
                "tolerances": tolerances(lma.peers.iter().map(|peer| (&peer.identity, &peer.lenient))),
                "lifetime_s": lma.lifetime.as_secs_f64(),
                "delete_wait_ms": millis(lma.delete_wait),
                "create_wait_ms": millis(lma.create_wait),
                "timestamp_window_ms": millis(lma.timestamp_window),
                "heartbeat": self.rules(&lma.heartbeat),
                "heartbeat_enforced": lma.controlled.heartbeat.is_some(),
                "bri": revocation(&lma.revocation),
                "maximum_bindings": lma.limits.bindings,
                "restart_counter": lma.restart_counter,
                "customers": self.node.engine().customers(),
            }),
            Engine::Mag(mag) => json!({
                "role": "mag",
                "peers": mag.lmas.iter().map(|lma| json!({
                    "id": lma.identity,
                    "ipv4_address": lma.ipv4_address,
                    "ipv6_address": lma.ipv6_address,
                    "encap": mag.encapsulation_with(lma),
                })).collect::<Vec<_>>(),
                "authentication": authentication(false, mag.lmas.iter().map(|lma| &lma.keys)),
                "authentication_required": mag.authentication_required,
                "tolerances": tolerances(mag.lmas.iter().map(|lma| (&lma.identity, &lma.lenient))),
                "vendor_info": mag.vendor_info,
                "generate_grekey": mag.generate_gre_keys,
                "ignore_grekey": mag.ignore_gre_keys,
                "session_manager": self.node.config().sessionmgr(),
                "multipath": mag.multipath,
                "roaming_interfaces": self.roaming_interfaces(),
                "mobile_networks": config.mobile_networks.iter().map(|network| json!({
                    "lmn": network.nai,
                    "interface": network.device,
                })).collect::<Vec<_>>(),
                "lifetime_s": mag.lifetime.as_secs_f64(),
                "refresh_s": mag.refresh_time.as_secs_f64(),
                "init_retx_ms": millis(mag.initial_retransmission),
                "max_retx_ms": millis(mag.maximum_retransmission),
                "timestamp_window_ms": millis(mag.timestamp_window),
                "heartbeat": self.rules(&mag.heartbeat),
                "bri": revocation(&mag.revocation),
                "maximum_bindings": mag.maximum_bindings,
                "restart_counter": mag.restart_counter,
            }),
        };
        if let Some(fields) = globals.as_object_mut() {
            fields.insert("domain".into(), json!(config.domain));
            fields.insert("id".into(), json!(config.id));
            fields.insert("interfaces".into(), json!(config.interfaces));
            fields.insert("tunnel_mtu".into(), json!(config.tunnel_mtu));
            let uptime = now.saturating_since(self.node.started());
            fields.insert("uptime_s".into(), json!(uptime.as_secs()));
            fields.insert("version".into(), json!(env!("CARGO_PKG_VERSION")));
        }
        globals
    }

    /// The customers of an LMA, or one of them.
    pub(super) fn customers(&self, only: Option<&Only>) -> Value {
        let customers = self.node.engine().customers().into_iter();
        let wanted = customers.filter(|customer| match only {
            Some(Only::Customer(name)) => customer.name == *name,
            _ => true,
        });
        let rows = wanted.map(|customer| {
            let by_status = customer.stats.acknowledgements.iter();
            let by_status: BTreeMap<String, u64> = by_status
                .map(|(status, count)| (Status::from_code(*status).to_string(), *count))
                .collect();
            let paths = self.statuses(None);
            let own = paths.filter(|path| path.customer.as_ref() == Some(&customer.name));
            let (mut count, mut up) = (0_u64, 0_u64);
            for path in own {
                count += 1;
                up += u64::from(path.usable);
            }
            json!({
                "name": customer.name,
                "vrf": customer.vrf,
                "transport_vrf": customer.transport_vrf,
                "addresses": customer.addresses,
                "bindings": customer.bindings,
                "paths": count,
                "paths_up": up,
                "mobile_prefixes_ipv4": customer.delegated_ipv4,
                "mobile_prefixes_ipv6": customer.delegated_ipv6,
                "binding_updates": customer.stats.binding_updates,
                "acknowledgements": by_status,
                "handoffs": customer.stats.handoffs,
                "sessions_created": customer.stats.sessions_created,
                "expired": customer.stats.expired,
            })
        });
        Value::Array(rows.collect())
    }

    fn roaming_interfaces(&self) -> Vec<Value> {
        let uplinks = self.node.uplinks().into_iter().flat_map(|all| all.iter());
        uplinks
            .map(|uplink| {
                let (care_of, why) = match uplink.state() {
                    UplinkState::Up(address) => (Some(address), None),
                    UplinkState::Down(why) => (None, Some(why)),
                };
                json!({
                    "bid": uplink.binding_id(),
                    "interface": uplink.name(),
                    "egress": uplink.egress(),
                    "care_of": care_of,
                    "down_because": why,
                })
            })
            .collect()
    }

    fn rules(&self, heartbeat: &HeartbeatConfig) -> Vec<Value> {
        let rules = heartbeat.rules.iter();
        rules
            .map(|rule| {
                json!({
                    "label": rule.label.and_then(|label| self.label(label)),
                    "interval_s": rule.interval.as_secs_f64(),
                    "retries": rule.retries,
                    "timeout_s": rule.answer_timeout().as_secs_f64(),
                    "natreboot": rule.nat_reboot,
                })
            })
            .collect()
    }
}

/// Whether signalling is authenticated: with nobody, with some peers or with all.
fn authentication<'a>(
    shared: bool,
    mut peers: impl Iterator<Item = &'a Vec<SharedKey>> + Clone,
) -> &'static str {
    let keyed = peers.clone().any(|keys| !keys.is_empty());
    let keyless = peers.any(Vec::is_empty);
    match (shared, keyed, keyless) {
        (true, _, _) | (false, true, false) => "all",
        (false, true, true) => "some",
        (false, false, _) => "none",
    }
}

fn open_to_all(lma: &LmaConfig) -> Vec<&'static str> {
    let warning = "any host that reaches this LMA can register mobile nodes: it learns MAGs and has \
                   no authentication";
    lma.is_open_to_all()
        .then_some(warning)
        .into_iter()
        .collect()
}

fn revocation(bri: &RevocationConfig) -> Value {
    json!({
        "delay_min_ms": millis(bri.initial_delay),
        "delay_max_ms": millis(bri.maximum_delay),
        "retries": bri.retries,
    })
}

/// The bends of the rules that are taken, by peer.
fn tolerances<'a>(
    peers: impl Iterator<Item = (&'a String, &'a Vec<Tolerance>)>,
) -> BTreeMap<&'a str, Vec<&'static str>> {
    let bending = peers.filter(|(_, lenient)| !lenient.is_empty());
    bending
        .map(|(peer, lenient)| {
            let words = lenient.iter().map(|tolerance| tolerance_word(*tolerance));
            (peer.as_str(), words.collect())
        })
        .collect()
}
