//! Commands that are accepted and kept, but do nothing in this build: each is said once.

use super::Checker;
use crate::config::model::{Lma, Mag};

pub(super) fn check(checker: &mut Checker<'_>) {
    let config = checker.config;
    for (index, lma) in config.lmas.iter().enumerate() {
        for (key, set) in lma_keys(lma) {
            report(checker, set, &format!("lma[{index}].{key}"), key);
        }
        let customers = lma
            .mobile_local_loop
            .iter()
            .flat_map(|service| &service.customer);
        for (place, customer) in customers.enumerate() {
            let path =
                format!("lma[{index}].mobile-local-loop.customer[{place}].bandwidth-aggregate");
            report(
                checker,
                customer.bandwidth_aggregate.is_some(),
                &path,
                "bandwidth aggregate",
            );
        }
    }
    for (index, mag) in config.mags.iter().enumerate() {
        for (key, set) in mag_keys(mag) {
            report(checker, set, &format!("mag[{index}].{key}"), key);
        }
    }
}

fn lma_keys(lma: &Lma) -> [(&'static str, bool); 8] {
    [
        ("ani", lma.ani),
        ("role", lma.role.is_some()),
        ("rat", !lma.rat.is_empty()),
        ("aaa-accounting", lma.aaa_accounting),
        (
            "aaa-accounting-interim",
            lma.aaa_accounting_interim.is_some(),
        ),
        ("tunnel.nat", lma.tunnel.nat.is_some()),
        ("tunnel.template", lma.tunnel.template.is_some()),
        (
            "mag.tunnel",
            lma.mag.iter().any(|peer| peer.tunnel.is_some()),
        ),
    ]
}

fn mag_keys(mag: &Mag) -> [(&'static str, bool); 5] {
    [
        ("role", mag.role.is_some()),
        ("apn", mag.apn.is_some()),
        ("tunnel.nat", mag.tunnel.nat.is_some()),
        ("tunnel.template", mag.tunnel.template.is_some()),
        (
            "lma.tunnel-template",
            mag.lma.iter().any(|peer| peer.tunnel_template.is_some()),
        ),
    ]
}

fn report(checker: &mut Checker<'_>, set: bool, path: &str, key: &str) {
    if set {
        let words = key.replace(['.', '-'], " ");
        checker.warning(path, format!("`{words}`: accepted, no effect"), "");
    }
}
