//! The hybrid-access service.

use super::{Page, part, word};
use crate::config::model::{HybridAccess, LinkWeight, LoadBalance, SlaOverride};

pub(super) fn print(page: &mut Page, service: Option<&HybridAccess>) {
    let Some(service) = service else {
        return;
    };
    page.block("mobility-service hybrid-access", |page| {
        page.flag(service.disable_sla, "disable-sla");
        let shape = shape(
            service.sla.num_packets,
            service.sla.interval,
            service.sla.frequency,
        );
        page.flag(!shape.is_empty(), &format!("sla{shape}"));
        for line in &service.enable_sla_mag {
            enable_sla(page, "mag", line);
        }
        for line in &service.enable_sla_customer {
            enable_sla(page, "customer", line);
        }
        page.value("sla-reaction down", service.sla_reaction.down);
        page.value("sla-reaction up", service.sla_reaction.up);
        page.value("load-balance", service.load_balance.map(LoadBalance::word));
        page.flag(service.per_packet, "per-packet");
        page.flag(service.preempt, "preempt");
        for line in &service.link {
            link(page, line);
        }
        for profile in &service.profiles {
            page.block(
                format_args!("profile-definition {}", word(&profile.name)),
                |page| {
                    page.value("jitter", profile.jitter);
                    page.value("rtt", profile.rtt);
                    page.value("packet-loss", profile.packet_loss);
                },
            );
        }
    });
}

fn shape(packets: Option<u32>, interval: Option<u32>, frequency: Option<u32>) -> String {
    let packets = part("num-packets", packets);
    let interval = part("interval", interval);
    format!("{packets}{interval}{}", part("frequency", frequency))
}

fn enable_sla(page: &mut Page, kind: &str, line: &SlaOverride) {
    let shape = shape(line.num_packets, line.interval, line.frequency);
    page.line(format_args!(
        "enable-sla {kind} {}{shape}",
        word(&line.name)
    ));
}

fn link(page: &mut Page, link: &LinkWeight) {
    let label = word(&link.label);
    if let Some(weight) = link.weight {
        let down = part("down-weight", link.down_weight);
        page.line(format_args!("link {label} weight {weight}{down}"));
    }
    if let (Some(up), Some(down)) = (link.bandwidth_up, link.bandwidth_down) {
        page.line(format_args!("link {label} bandwidth up {up} down {down}"));
    }
}
