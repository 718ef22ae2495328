//! A domain.

use super::{Page, part, shared, switch, word};
use crate::config::model::{Domain, MapEntry, NaiProfile, Service};

pub(super) fn print(page: &mut Page, domain: &Domain) {
    let opener = format!("ipv6 mobile pmipv6-domain {}", word(&domain.name));
    page.block(opener, |page| {
        shared::encap(page, domain.encap);
        shared::replay_protection(page, domain.replay_protection.as_ref());
        shared::auth_options(page, &domain.auth_option);
        page.flag(domain.auth_required, "auth-option required");
        if let Some(info) = &domain.vendor_info {
            page.line(format_args!(
                "vendor-info{}",
                part("enterprise", info.enterprise)
            ));
        }
        page.value("fixed-link-layer-address", domain.fixed_link_layer_address);
        page.value("fixed-link-local-address", domain.fixed_link_local_address);
        page.flag(domain.local_routing_mag, "local-routing-mag");
        for label in &domain.link_labels {
            page.line(format_args!(
                "link-label {} id {}",
                word(&label.name),
                label.id
            ));
        }
        for profile in &domain.nais {
            nai(page, profile);
        }
        for map in &domain.mobile_maps {
            for entry in &map.entries {
                map_entry(page, &map.name, entry);
            }
        }
        for peer in &domain.mags {
            shared::peer(page, "mag", peer);
        }
        for peer in &domain.lmas {
            shared::peer(page, "lma", peer);
        }
    });
}

fn nai(page: &mut Page, profile: &NaiProfile) {
    page.block(format_args!("nai {}", word(&profile.nai)), |page| {
        page.name("lma", profile.lma.as_ref());
        page.name("network", profile.network.as_ref());
        page.value("service", profile.service.map(Service::word));
        page.name("apn", profile.apn.as_ref());
        page.name("customer", profile.customer.as_ref());
        for interface in &profile.interfaces {
            let (att, mac) = (interface.att, interface.l2_addr);
            page.line(format_args!("int att {att} l2-addr {mac}"));
        }
        page.value("gre-encap-key down", profile.gre_key_down);
        page.value("gre-encap-key up", profile.gre_key_up);
        page.flag(profile.multi_homed, "multi-homed");
        page.flag(
            profile.mobile_local_loop,
            "mobility-service mobile-local-loop",
        );
    });
}

fn map_entry(page: &mut Page, name: &str, entry: &MapEntry) {
    let opener = format!("mobile-map {} {}", word(name), entry.sequence);
    page.block(opener, |page| {
        page.name("match access-list", entry.access_list.as_ref());
        page.name("traffic-profile", entry.traffic_profile.as_ref());
        page.flag(entry.strict, "strict");
        if !entry.link_type.is_empty() || entry.null {
            let labels: String = entry
                .link_type
                .iter()
                .map(|label| format!(" {}", word(label)))
                .collect();
            page.line(format_args!(
                "set link-type{labels}{}",
                switch("null", entry.null)
            ));
        }
    });
}
