//! Domains, profiles and mobile maps.

use super::Checker;
use crate::config::model::{Domain, MapEntry, MobileMap, NaiProfile, Peer};

pub(super) fn check(checker: &mut Checker<'_>) {
    let config = checker.config;
    for (index, domain) in config.domains.iter().enumerate() {
        let path = format!("domain[{index}]");
        checker.name(&format!("{path}.name"), &domain.name);
        if let Some(protection) = &domain.replay_protection {
            let window = format!("{path}.replay-protection.window");
            checker.optional(&window, protection.window, "timestamp-window");
        }
        checker.auth(&path, &domain.auth_option);
        labels(checker, domain, &path);
        for (place, profile) in domain.nais.iter().enumerate() {
            nai(checker, domain, profile, &format!("{path}.nai[{place}]"));
        }
        let names = domain.nais.iter().map(|profile| profile.nai.as_str());
        checker.unique(&format!("{path}.nai"), names);
        for (place, map) in domain.mobile_maps.iter().enumerate() {
            mobile_map(checker, domain, map, &format!("{path}.mobile-map[{place}]"));
        }
        let names = domain.mobile_maps.iter().map(|map| map.name.as_str());
        checker.unique(&format!("{path}.mobile-map"), names);
        peers(checker, &domain.mags, &format!("{path}.mag"));
        peers(checker, &domain.lmas, &format!("{path}.lma"));
        authentication(checker, domain, &path);
    }
}

fn authentication(checker: &mut Checker<'_>, domain: &Domain, path: &str) {
    let peers = domain.mags.iter().chain(&domain.lmas);
    let keys = peers.filter(|peer| !peer.auth_option.is_empty()).count();
    let nodes = checker
        .config
        .lmas
        .iter()
        .filter(|lma| lma.domain == domain.name);
    let node_keys = nodes
        .flat_map(|lma| &lma.mag)
        .filter(|peer| !peer.auth_option.is_empty());
    let anchors = checker
        .config
        .mags
        .iter()
        .filter(|mag| mag.domain == domain.name);
    let anchor_keys = anchors
        .flat_map(|mag| &mag.lma)
        .filter(|peer| !peer.auth_option.is_empty());
    let any = !domain.auth_option.is_empty() || keys + node_keys.count() + anchor_keys.count() > 0;
    if domain.auth_required && !any {
        let help = "write `auth-option spi 100 key ascii ...` in the domain or for each peer";
        let path = format!("{path}.auth-required");
        checker.error(
            &path,
            "authentication is required, but there is no key",
            help,
        );
    }
}

fn labels(checker: &mut Checker<'_>, domain: &Domain, path: &str) {
    let list = format!("{path}.link-label");
    checker.unique(
        &list,
        domain.link_labels.iter().map(|label| label.name.as_str()),
    );
    for (index, label) in domain.link_labels.iter().enumerate() {
        let path = format!("{list}[{index}]");
        checker.name(&format!("{path}.name"), &label.name);
        checker.number(&format!("{path}.id"), label.id, "label-id");
        let earlier = domain.link_labels.iter().take(index);
        if let Some(same) = earlier.into_iter().find(|earlier| earlier.id == label.id) {
            let message = format!(
                "labels `{}` and `{}` share number {}",
                same.name, label.name, label.id
            );
            checker.error(
                &path,
                message,
                "give each label its own number from 1 to 255",
            );
        }
    }
}

fn nai(checker: &mut Checker<'_>, domain: &Domain, profile: &NaiProfile, path: &str) {
    let at = format!("{path}.nai");
    checker.name(&at, &profile.nai);
    if !profile.nai.contains('@') || profile.nai.contains(char::is_whitespace) {
        let help = "write `user@example.com`, or `@example.com` for a whole realm";
        checker.error(&at, format!("`{}` is no identifier", profile.nai), help);
    }
    for (key, name) in [
        ("lma", &profile.lma),
        ("apn", &profile.apn),
        ("network", &profile.network),
    ] {
        checker.optional_name(&format!("{path}.{key}"), name.as_ref());
    }
    checker.optional(
        &format!("{path}.gre-key-down"),
        profile.gre_key_down,
        "gre-key",
    );
    checker.optional(&format!("{path}.gre-key-up"), profile.gre_key_up, "gre-key");
    for (index, interface) in profile.interfaces.iter().enumerate() {
        let number = u32::from(interface.att.0);
        let at = format!("{path}.interface[{index}].att");
        checker.number(&at, number, "label-id");
    }
    network(checker, domain, profile, path);
}

/// Where this file holds the LMA of a profile, the LMA should hold the profile's network.
fn network(checker: &mut Checker<'_>, domain: &Domain, profile: &NaiProfile, path: &str) {
    let config = checker.config;
    let anchors = config.lmas.iter().filter(|lma| {
        lma.domain == domain.name && profile.lma.as_ref().is_none_or(|name| *name == lma.id)
    });
    let networks: Vec<&str> = anchors
        .clone()
        .flat_map(|lma| lma.network.iter().map(|network| network.name.as_str()))
        .collect();
    if let Some(name) = profile.network.as_ref().filter(|_| anchors.count() > 0) {
        let path = format!("{path}.network");
        let then = "the mobile node gets no address";
        checker.defined(&path, "network", name, networks.into_iter(), then);
    }
}

fn mobile_map(checker: &mut Checker<'_>, domain: &Domain, map: &MobileMap, path: &str) {
    checker.name(&format!("{path}.name"), &map.name);
    if map.entries.is_empty() {
        checker.error(path, "the map has no entries", "give it at least one entry");
    }
    let mut last = 0;
    for entry in &map.entries {
        let path = format!("{path}.entry[{}]", entry.sequence);
        checker.number(&format!("{path}.sequence"), entry.sequence, "map-sequence");
        if entry.sequence <= last {
            let help = "write the entries of a map in ascending sequence";
            checker.error(&path, "the sequence of entries must ascend", help);
        }
        last = entry.sequence;
        map_entry(checker, domain, entry, &path);
    }
}

fn map_entry(checker: &mut Checker<'_>, domain: &Domain, entry: &MapEntry, path: &str) {
    match &entry.access_list {
        Some(name) => checker.acl(
            &format!("{path}.access-list"),
            name,
            "the entry matches nothing",
        ),
        None => checker.warning(
            path,
            "the entry matches nothing: it has no access list",
            "write `match access-list NAME` in it",
        ),
    }
    if entry.link_type.len() > 3 {
        checker.error(&format!("{path}.link-type"), "at most three labels", "");
    }
    let known: Vec<&str> = checker.known_labels(&domain.name);
    for (index, label) in entry.link_type.iter().enumerate() {
        let path = format!("{path}.link-type[{index}]");
        checker.name(&path, label);
        if label.eq_ignore_ascii_case("null") {
            let help = "`null` is no label: write `null = true`";
            checker.error(&path, "`null` among the labels", help);
        } else if !known.is_empty() {
            unknown_label(checker, entry, label, &known, &path);
        }
    }
    if let Some(name) = &entry.traffic_profile {
        profile(checker, domain, name, &format!("{path}.traffic-profile"));
    }
}

fn unknown_label(
    checker: &mut Checker<'_>,
    entry: &MapEntry,
    label: &str,
    known: &[&str],
    path: &str,
) {
    // The guide's own slip: two names that ran together with an underscore.
    let joined = known
        .iter()
        .find_map(|first| {
            let rest = label.strip_prefix(first)?.strip_prefix('_')?;
            known.contains(&rest).then(|| format!("{first} {rest}"))
        })
        .filter(|_| !known.contains(&label));
    let Some(joined) = joined else {
        let then = "no path has it";
        checker.defined(path, "label", label, known.iter().copied(), then);
        return;
    };
    let then = if entry.null && entry.link_type.len() == 1 {
        ", so every matched packet is dropped"
    } else {
        ""
    };
    let message = format!("`{label}` is one label, and no path has it{then}");
    let null = if entry.null { " null" } else { "" };
    checker.warning(
        path,
        message,
        format!("write `set link-type {joined}{null}`"),
    );
}

fn profile(checker: &mut Checker<'_>, domain: &Domain, name: &str, path: &str) {
    checker.name(path, name);
    let config = checker.config;
    let lmas = config.lmas.iter().filter(|lma| lma.domain == domain.name);
    let mags = config.mags.iter().filter(|mag| mag.domain == domain.name);
    if lmas.clone().count() + mags.clone().count() == 0 {
        return;
    }
    let services = lmas
        .filter_map(|lma| lma.hybrid_access.as_ref())
        .chain(mags.filter_map(|mag| mag.hybrid_access.as_ref()));
    let known: Vec<&str> = services
        .flat_map(|service| service.profiles.iter().map(|profile| profile.name.as_str()))
        .collect();
    let then = "every path meets it";
    checker.defined(path, "traffic profile", name, known.into_iter(), then);
}

/// Settings of peers.
pub(super) fn peers(checker: &mut Checker<'_>, peers: &[Peer], path: &str) {
    checker.unique(path, peers.iter().map(|peer| peer.id.as_str()));
    for (index, peer) in peers.iter().enumerate() {
        let path = format!("{path}[{index}]");
        checker.name(&format!("{path}.id"), &peer.id);
        checker.optional_name(&format!("{path}.domain"), peer.domain.as_ref());
        checker.optional_name(&format!("{path}.tunnel"), peer.tunnel.as_ref());
        checker.dscp(&format!("{path}.dscp"), peer.dscp.as_ref());
        checker.auth(&path, &peer.auth_option);
    }
}
