//! Settings that are kept and printed, but change nothing: each is said once in a block, so that
//! nobody who wrote a filter or a map believes that it works.

use super::Checker;
use crate::config::model::{Config, Domain, Lma, Mag, NaiProfile};

/// One setting.
struct Row {
    /// Where it stands in its block, in the keys of TOML.
    key: String,
    /// What people call it.
    words: &'static str,
    effect: Effect,
}

/// Why it changes nothing.
enum Effect {
    /// It has no meaning here (feature semantics section 11).
    Never,
    /// It has none yet; what to do meanwhile.
    NotYet(&'static str),
}

pub(super) fn check(checker: &mut Checker<'_>) {
    let config = checker.config;
    report(checker, "", outside(config));
    for (index, domain) in config.domains.iter().enumerate() {
        report(checker, &format!("domain[{index}]."), of_domain(domain));
    }
    for (index, lma) in config.lmas.iter().enumerate() {
        report(checker, &format!("lma[{index}]."), of_lma(lma));
    }
    for (index, mag) in config.mags.iter().enumerate() {
        report(checker, &format!("mag[{index}]."), of_mag(mag));
    }
}

fn report(checker: &mut Checker<'_>, block: &str, rows: Rows) {
    for Row { key, words, effect } in rows.0 {
        let (what, help) = match effect {
            Effect::Never => ("accepted, no effect", ""),
            Effect::NotYet(help) => ("not in effect in this version", help),
        };
        checker.warning(&format!("{block}{key}"), format!("`{words}`: {what}"), help);
    }
}

/// The settings of one block that were written.
#[derive(Default)]
struct Rows(Vec<Row>);

impl Rows {
    fn never(&mut self, key: &str, words: &'static str, set: bool) {
        self.add(set.then(|| key.to_owned()), words, Effect::Never);
    }

    fn later(&mut self, key: &str, words: &'static str, set: bool) {
        self.add(set.then(|| key.to_owned()), words, Effect::NotYet(""));
    }

    /// A setting of the elements of the list `list`: said of the first that has it.
    fn first<T>(
        &mut self,
        (list, key): (&str, &str),
        elements: &[T],
        words: &'static str,
        effect: Effect,
        set: impl Fn(&T) -> bool,
    ) {
        let place = elements.iter().position(set);
        let key = place.map(|place| format!("{list}[{place}].{key}"));
        self.add(key, words, effect);
    }

    fn add(&mut self, key: Option<String>, words: &'static str, effect: Effect) {
        self.0.extend(key.map(|key| Row { key, words, effect }));
    }
}

const LATER: Effect = Effect::NotYet("");
const NO_LINK_LAYER: Effect =
    Effect::NotYet("hosts are told the interface's own: set it on the interface");

fn outside(config: &Config) -> Rows {
    let mut rows = Rows::default();
    let list = ("interface", "vrf");
    rows.first(list, &config.interfaces, "vrf forwarding", LATER, |block| {
        block.vrf.is_some()
    });
    rows
}

fn of_domain(domain: &Domain) -> Rows {
    let mut rows = Rows::default();
    let link = domain.fixed_link_layer_address.is_some();
    rows.add(
        link.then(|| "fixed-link-layer-address".to_owned()),
        "fixed-link-layer-address",
        NO_LINK_LAYER,
    );
    type Setting = (&'static str, &'static str, fn(&NaiProfile) -> bool);
    let settings: [Setting; 2] = [
        ("multi-homed", "multi-homed", |nai| nai.multi_homed),
        ("mobile-local-loop", "mobile-local-loop", |nai| {
            nai.mobile_local_loop
        }),
    ];
    for (key, words, set) in settings {
        rows.first(("nai", key), &domain.nais, words, LATER, set);
    }
    for (list, peers) in [("mag", &domain.mags), ("lma", &domain.lmas)] {
        rows.first((list, "dscp"), peers, "dscp", LATER, |peer| {
            peer.dscp.is_some()
        });
        rows.first((list, "tunnel"), peers, "tunnel", Effect::Never, |peer| {
            peer.tunnel.is_some()
        });
    }
    rows
}

fn of_lma(lma: &Lma) -> Rows {
    let mut rows = Rows::default();
    let more = lma.address.ipv4.len() > 1 || lma.address.ipv6.len() > 1;
    rows.later("address", "address", more);
    rows.never("ani", "ani", lma.ani);
    rows.never("role", "role", lma.role.is_some());
    rows.never("rat", "rat", !lma.rat.is_empty());
    rows.never("aaa-accounting", "aaa accounting", lma.aaa_accounting);
    let interim = lma.aaa_accounting_interim.is_some();
    rows.never("aaa-accounting-interim", "aaa accounting interim", interim);
    let refresh = lma.bce.refresh_time.is_some();
    rows.never("bce.refresh-time", "bce refresh-time", refresh);
    tunnel(&mut rows, &lma.tunnel);
    rows.first(
        ("mag", "tunnel"),
        &lma.mag,
        "tunnel",
        Effect::Never,
        |peer| peer.tunnel.is_some(),
    );
    rows.first(("mag", "dscp"), &lma.mag, "dscp", LATER, |peer| {
        peer.dscp.is_some()
    });
    rows.later("hnp-maximum", "hnp maximum", lma.hnp_maximum.is_some());
    let dscp = lma.dscp_control_plane.is_some();
    rows.later("dscp-control-plane", "dscp control-plane", dscp);
    rows.later("redistribute", "redistribute", lma.redistribute.is_some());
    let distance = lma.mobile_route_ad.is_some();
    rows.later("mobile-route-ad", "mobile-route ad", distance);
    let local_loop = lma.mobile_local_loop.as_ref();
    let customers = local_loop.map_or(&[][..], |service| &service.customer);
    let list = ("mobile-local-loop.customer", "vrf");
    let help = "the LMA does not start with it: write `vrf default`, and `transport` without vrf";
    rows.first(
        list,
        customers,
        "customer ... vrf",
        Effect::NotYet(help),
        |customer| {
            let mut transports = customer.transport.iter();
            let is_other = |vrf: &str| vrf != "default";
            is_other(&customer.vrf)
                || transports.any(|transport| transport.vrf.as_deref().is_some_and(is_other))
        },
    );
    let list = ("mobile-local-loop.customer", "mobile-route-ad");
    rows.first(list, customers, "mobile-route ad", LATER, |customer| {
        customer.mobile_route_ad.is_some()
    });
    let list = ("mobile-local-loop.customer", "bandwidth-aggregate");
    rows.first(
        list,
        customers,
        "bandwidth aggregate",
        Effect::Never,
        |customer| customer.bandwidth_aggregate.is_some(),
    );
    rows
}

fn of_mag(mag: &Mag) -> Rows {
    let mut rows = Rows::default();
    let fixed = !mag.address.ipv4.is_empty() || !mag.address.ipv6.is_empty();
    rows.later("address", "address", fixed);
    rows.never("role", "role", mag.role.is_some());
    tunnel(&mut rows, &mag.tunnel);
    let list = ("lma", "tunnel-template");
    rows.first(list, &mag.lma, "tunnel-template", Effect::Never, |peer| {
        peer.tunnel_template.is_some()
    });
    rows.first(("lma", "vrfid"), &mag.lma, "vrfid", LATER, |peer| {
        peer.vrfid.is_some()
    });
    let list = ("roaming-interface", "vrf");
    rows.first(list, &mag.roaming_interface, "vrf", LATER, |line| {
        line.vrf.is_some()
    });
    let dscp = mag.dscp_control_plane.is_some();
    rows.later("dscp-control-plane", "dscp control-plane", dscp);
    let link = mag.fixed_link_layer_address.is_some();
    rows.add(
        link.then(|| "fixed-link-layer-address".to_owned()),
        "fixed-link-layer-address",
        NO_LINK_LAYER,
    );
    let local_loop = mag.mobile_local_loop.is_some();
    rows.later("mobile-local-loop", "mobile-local-loop", local_loop);
    let nodes = &mag.logical_mn;
    let list = ("logical-mn", "home-interface");
    rows.first(list, nodes, "home interface", LATER, |node| {
        node.home_interface.is_some()
    });
    let list = ("logical-mn", "reverse-tunnel-route");
    rows.first(list, nodes, "reverse-tunnel route", LATER, |node| {
        !node.reverse_tunnel_route.is_empty()
    });
    let list = ("logical-mn", "mobile-network");
    rows.first(list, nodes, "mobile network ... label", LATER, |node| {
        let mut networks = node.mobile_network.iter();
        networks.any(|network| network.label.is_some())
    });
    rows
}

fn tunnel(rows: &mut Rows, tunnel: &crate::config::model::Tunnel) {
    rows.never("tunnel.nat", "tunnel nat", tunnel.nat.is_some());
    let template = tunnel.template.is_some();
    rows.never("tunnel.template", "tunnel-template", template);
}
