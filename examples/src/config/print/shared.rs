//! What both nodes print alike.

use pmip_binding::config::Tolerance;

use super::{Page, part, switch, word};
use crate::config::model::{
    AuthOption, BindingTimes, Dscp, Heartbeat, Key, Peer, ReplayProtection, Revocation, Tunnel,
    TunnelAcl, TunnelEncap, TunnelNat, tolerance_word,
};

pub(super) fn encap(page: &mut Page, encap: Option<TunnelEncap>) {
    page.value("encap", encap.map(TunnelEncap::word));
}

pub(super) fn replay_protection(page: &mut Page, protection: Option<&ReplayProtection>) {
    if let Some(protection) = protection {
        let window = part("window", protection.window);
        page.line(format_args!("replay-protection timestamp{window}"));
    }
}

pub(super) fn auth_options(page: &mut Page, options: &[AuthOption]) {
    for AuthOption { spi, key } in options {
        let (kind, key) = match key {
            Key::Ascii(key) => ("ascii", word(key)),
            Key::Hex(key) => ("hex", word(key)),
        };
        page.line(format_args!("auth-option spi {spi:x} key {kind} {key}"));
    }
}

pub(super) fn lenient(page: &mut Page, tolerances: &[Tolerance]) {
    let words = tolerances
        .iter()
        .map(|tolerance| tolerance_word(*tolerance));
    let words: Vec<&str> = words.collect();
    page.flag(!words.is_empty(), &format!("lenient {}", words.join(" ")));
}

pub(super) fn heartbeats(page: &mut Page, lines: &[Heartbeat]) {
    for line in lines {
        page.line(format_args!(
            "heartbeat{}{}{} retries {}{}{}",
            part("interval", line.interval),
            part("interval-ms", line.interval_ms),
            part("timeout", line.timeout),
            line.retries,
            part("label", line.label.as_ref().map(|label| word(label))),
            switch("natreboot", line.natreboot),
        ));
    }
}

pub(super) fn binding_times(page: &mut Page, command: &str, times: &BindingTimes) {
    for (name, value) in [
        ("maximum", times.maximum),
        ("lifetime", times.lifetime),
        ("refresh-time", times.refresh_time),
        ("delete-wait-time", times.delete_wait_time),
        ("create-wait-time", times.create_wait_time),
        ("init-retx-time", times.init_retx_time),
        ("max-retx-time", times.max_retx_time),
    ] {
        page.value(&format!("{command} {name}"), value);
    }
}

pub(super) fn revocation(page: &mut Page, bri: &Revocation) {
    page.value("bri delay min", bri.delay_min);
    page.value("bri delay max", bri.delay_max);
    page.value("bri retries", bri.retries);
}

pub(super) fn tunnel(page: &mut Page, tunnel: &Tunnel) {
    page.value("tunnel mtu", tunnel.mtu);
    match &tunnel.acl {
        Some(TunnelAcl::List(name)) => page.line(format_args!("tunnel acl {}", word(name))),
        Some(TunnelAcl::AutoPools) => page.line("tunnel acl auto-pools"),
        None => {}
    }
    match tunnel.nat {
        Some(TunnelNat::Inside) => page.line("tunnel nat inside"),
        Some(TunnelNat::Outside) => page.line("tunnel nat outside"),
        None => {}
    }
    page.name("tunnel-template", tunnel.template.as_ref());
}

pub(super) fn dscp(page: &mut Page, dscp: Option<&Dscp>) {
    if let Some(dscp) = dscp {
        let force = switch("force", dscp.force);
        page.line(format_args!("dscp control-plane {}{force}", dscp.value));
    }
}

pub(super) fn peer(page: &mut Page, keyword: &str, peer: &Peer) {
    let domain = peer.domain.as_ref();
    let domain = domain.map(|domain| format!(" {}", word(domain)));
    let opener = format!("{keyword} {}{}", word(&peer.id), domain.unwrap_or_default());
    page.block(opener, |page| {
        page.value("ipv4-address", peer.ipv4_address);
        page.value("ipv6-address", peer.ipv6_address);
        encap(page, peer.encap);
        auth_options(page, &peer.auth_option);
        lenient(page, &peer.lenient);
        dscp(page, peer.dscp.as_ref());
        page.name("tunnel", peer.tunnel.as_ref());
    });
}
