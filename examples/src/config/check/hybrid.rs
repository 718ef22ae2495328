//! The hybrid-access service of a node.

use super::Checker;
use crate::config::model::{HybridAccess, LoadBalance, SlaOverride};

/// How long an answer to a probe may take.
const PROBE_TIMEOUT_MS: u64 = 5000;

pub(super) fn check(
    checker: &mut Checker<'_>,
    service: Option<&HybridAccess>,
    domain: &str,
    path: &str,
) {
    let Some(service) = service else {
        return;
    };
    let path = format!("{path}.hybrid-access");
    let sla = &service.sla;
    let whole = SlaOverride {
        name: String::new(),
        num_packets: sla.num_packets,
        interval: sla.interval,
        frequency: sla.frequency,
    };
    probe(checker, service, &whole, &format!("{path}.sla"));
    for (key, list) in [
        ("enable-sla-mag", &service.enable_sla_mag),
        ("enable-sla-customer", &service.enable_sla_customer),
    ] {
        let list_path = format!("{path}.{key}");
        checker.unique(&list_path, list.iter().map(|line| line.name.as_str()));
        for (index, line) in list.iter().enumerate() {
            let path = format!("{list_path}[{index}]");
            checker.name(&format!("{path}.name"), &line.name);
            probe(checker, service, line, &path);
        }
    }
    for (name, value) in [
        ("down", service.sla_reaction.down),
        ("up", service.sla_reaction.up),
    ] {
        checker.optional(&format!("{path}.sla-reaction.{name}"), value, "reaction");
    }
    links(checker, service, domain, &path);
    profiles(checker, service, &path);
}

/// An operation must end before the next begins.
fn probe(checker: &mut Checker<'_>, service: &HybridAccess, line: &SlaOverride, path: &str) {
    checker.optional(
        &format!("{path}.num-packets"),
        line.num_packets,
        "sla-packets",
    );
    checker.optional(&format!("{path}.interval"), line.interval, "sla-interval");
    checker.optional(
        &format!("{path}.frequency"),
        line.frequency,
        "sla-frequency",
    );
    let packets = u64::from(line.num_packets.unwrap_or_else(|| service.sla.packets()));
    let interval = u64::from(line.interval.unwrap_or_else(|| service.sla.interval_ms()));
    let frequency = u64::from(line.frequency.unwrap_or_else(|| service.sla.frequency_s()));
    let lasts = packets.saturating_sub(1) * interval + PROBE_TIMEOUT_MS;
    if lasts > frequency * 1000 {
        let message = format!(
            "the probe does not end before the next begins: {packets} packets every {interval} ms \
             and the answer timeout of 5 s make {lasts} ms, the frequency is {frequency} s"
        );
        let help = format!(
            "use a frequency of {} seconds or more",
            lasts.div_ceil(1000)
        );
        checker.error(path, message, help);
    }
}

fn links(checker: &mut Checker<'_>, service: &HybridAccess, domain: &str, path: &str) {
    let list = format!("{path}.link");
    checker.unique(&list, service.link.iter().map(|link| link.label.as_str()));
    for (index, link) in service.link.iter().enumerate() {
        let path = format!("{list}[{index}]");
        checker.label(&path, domain, &link.label);
        checker.optional(&format!("{path}.weight"), link.weight, "weight");
        checker.optional(&format!("{path}.down-weight"), link.down_weight, "weight");
        checker.optional(&format!("{path}.bandwidth-up"), link.bandwidth_up, "kbps");
        checker.optional(
            &format!("{path}.bandwidth-down"),
            link.bandwidth_down,
            "kbps",
        );
        if link.down_weight.is_some() && link.weight.is_none() {
            checker.error(&path, "`down-weight` needs `weight`", "");
        }
        if link.bandwidth_up.is_some() != link.bandwidth_down.is_some() {
            checker.error(&path, "a capacity needs both directions", "set up and down");
        }
        if link.weight.is_none() && link.bandwidth_up.is_none() && link.bandwidth_down.is_none() {
            checker.error(&path, "the link has neither a weight nor a capacity", "");
        }
    }
    let equal = matches!(service.load_balance, None | Some(LoadBalance::Equal));
    if equal && !service.link.is_empty() {
        let message = "weights of links have no effect while sharing is equal";
        checker.warning(&list, message, "write `load-balance weighted`");
    }
}

fn profiles(checker: &mut Checker<'_>, service: &HybridAccess, path: &str) {
    let list = format!("{path}.profile-definition");
    checker.unique(
        &list,
        service.profiles.iter().map(|profile| profile.name.as_str()),
    );
    for (index, profile) in service.profiles.iter().enumerate() {
        let path = format!("{list}[{index}]");
        checker.name(&format!("{path}.name"), &profile.name);
        checker.optional(&format!("{path}.jitter"), profile.jitter, "profile-ms");
        checker.optional(&format!("{path}.rtt"), profile.rtt, "profile-ms");
    }
}
