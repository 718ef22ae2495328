//! Settings that are kept for a later version and change nothing in this one: an operator who wrote
//! a filter or a map must not believe that it works.

use super::Checker;
use crate::config::model::{Lma, Mag};

pub(super) fn check(checker: &mut Checker<'_>) {
    let config = checker.config;
    for (index, lma) in config.lmas.iter().enumerate() {
        for (key, set) in lma_keys(lma) {
            report(checker, set, &format!("lma[{index}].{key}"), key);
        }
    }
    for (index, mag) in config.mags.iter().enumerate() {
        for (key, set) in mag_keys(mag) {
            report(checker, set, &format!("mag[{index}].{key}"), key);
        }
    }
}

fn lma_keys(lma: &Lma) -> [(&'static str, bool); 10] {
    [
        ("mobile-map", lma.mobile_map.is_some()),
        ("tunnel.acl", lma.tunnel.acl.is_some()),
        ("heartbeat-enforce", lma.heartbeat_enforce),
        ("hnp-maximum", lma.hnp_maximum.is_some()),
        ("dscp-control-plane", lma.dscp_control_plane.is_some()),
        ("generate-grekey", lma.generate_grekey),
        ("flow-mirror", lma.flow_mirror),
        ("redistribute", lma.redistribute.is_some()),
        ("mobile-local-loop", lma.mobile_local_loop.is_some()),
        ("hybrid-access", lma.hybrid_access.is_some()),
    ]
}

fn mag_keys(mag: &Mag) -> [(&'static str, bool); 9] {
    [
        ("mobile-map", mag.mobile_map.is_some()),
        ("tunnel.acl", mag.tunnel.acl.is_some()),
        ("dscp-control-plane", mag.dscp_control_plane.is_some()),
        ("generate-grekey", mag.generate_grekey),
        ("local-routing-mag", mag.local_routing_mag),
        ("preempt", mag.preempt),
        ("discover-mn-detach", mag.discover_mn_detach.is_some()),
        ("mobile-local-loop", mag.mobile_local_loop.is_some()),
        ("hybrid-access", mag.hybrid_access.is_some()),
    ]
}

fn report(checker: &mut Checker<'_>, set: bool, path: &str, key: &str) {
    if !set {
        return;
    }
    let words = key.replace(['.', '-'], " ");
    let help = match key {
        "tunnel.acl" => "traffic is not filtered: use the host's packet filter until it is",
        "hybrid-access" => "its weights work; it sends no probes and knows no profiles yet",
        _ => "",
    };
    checker.warning(
        path,
        format!("`{words}`: not in effect in this version"),
        help,
    );
}
