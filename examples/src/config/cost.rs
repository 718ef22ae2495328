//! What a path costs that carries nothing: heartbeats and probes, in octets a month. On a link that is
//! paid by volume that is the bill of a spare path.

use std::time::Duration;

use super::model::{Heartbeat, HybridAccess};
use super::node::{Engine, NodeConfig};

/// A month.
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);
/// Outer IPv4 and UDP headers, and the inner ones of what goes through the tunnel.
const HEADERS: u64 = 28 + 28;
/// A heartbeat with its options (RFC 5847 section 3.3), the larger of request and answer.
const HEARTBEAT: u64 = 32;
/// A probe of the default size (RFC 6812).
const PROBE: u64 = 124;
/// A control message before an operation (RFC 6812 section 3.1), about.
const CONTROL: u64 = 100;

/// What idle paths of one node cost, by what this node sends and the answers to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleCost {
    /// The label of the paths; none: all the others.
    pub label: Option<String>,
    /// Octets of heartbeats a month, in both directions.
    pub heartbeats: u64,
    /// Octets of probes a month, in both directions.
    pub probes: u64,
}

impl IdleCost {
    /// Octets a month.
    pub fn total(&self) -> u64 {
        self.heartbeats.saturating_add(self.probes)
    }
}

impl std::fmt::Display for IdleCost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let label = self.label.as_ref();
        let which = label.map_or_else(String::new, |label| format!(" with label {label}"));
        write!(f, "an idle path{which} costs ")?;
        if self.total() == 0 {
            return f.write_str("nothing but the refreshes of its registration");
        }
        write!(
            f,
            "about {} a month: heartbeats {}, probes {}; the peer's own come on top",
            size(self.total()),
            size(self.heartbeats),
            size(self.probes)
        )
    }
}

/// What idle paths of a node cost: one line for each heartbeat rule.
pub fn idle(node: &NodeConfig) -> Vec<IdleCost> {
    let heartbeats = match &node.engine {
        Engine::Lma(_) => {
            let mut lmas = node.config.lmas.iter();
            let own = lmas.find(|lma| lma.id == node.id);
            own.map_or(&[][..], |lma| &lma.heartbeat)
        }
        Engine::Mag(_) => {
            let mut mags = node.config.mags.iter();
            let own = mags.find(|mag| mag.id == node.id);
            own.map_or(&[][..], |mag| &mag.heartbeat)
        }
    };
    let probes = node.hybrid_access().map_or(0, probes);
    let mut costs: Vec<IdleCost> = heartbeats
        .iter()
        .map(|rule| IdleCost {
            label: rule.label.clone(),
            heartbeats: heartbeat(rule),
            probes,
        })
        .collect();
    if costs.iter().all(|cost| cost.label.is_some()) {
        costs.insert(
            0,
            IdleCost {
                label: None,
                heartbeats: 0,
                probes,
            },
        );
    }
    costs
}

/// A request and its answer each time.
fn heartbeat(rule: &Heartbeat) -> u64 {
    times(rule.period()).saturating_mul(2 * (HEADERS + HEARTBEAT))
}

/// Every packet goes and comes back; so do the control messages.
fn probes(service: &HybridAccess) -> u64 {
    if service.disable_sla {
        return 0;
    }
    let sla = &service.sla;
    let packets = u64::from(sla.packets());
    let operation = 2 * (packets * (HEADERS + PROBE) + HEADERS + CONTROL);
    let period = Duration::from_secs(sla.frequency_s().into());
    times(period).saturating_mul(operation)
}

/// How often something happens in a month.
fn times(period: Duration) -> u64 {
    let period = period.as_millis().max(1);
    u64::try_from(MONTH.as_millis() / period).unwrap_or(u64::MAX)
}

fn size(octets: u64) -> String {
    match octets {
        0..1_000_000 => format!("{} kB", octets.div_ceil(1_000)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", octets as f64 / 1e6),
        _ => format!("{:.1} GB", octets as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::node::{Role, select};
    use crate::config::{Format, parse};

    fn costs(lines: &str) -> Vec<IdleCost> {
        let text = format!(
            "ipv6 mobile pmipv6-domain D\nipv6 mobile pmipv6-lma L domain D\n address ipv4 192.0.2.1\n{lines}"
        );
        let loaded = parse("l.cfg", &text, Format::Text).expect("a valid configuration");
        idle(&select(&loaded.config, Role::Lma, None).expect("one LMA"))
    }

    #[test]
    fn every_heartbeat_rule_has_its_price() {
        let found = costs(
            " heartbeat interval 60 retries 3\n heartbeat interval 600 retries 3 label wifi\n",
        );
        let [usual, wifi] = &found[..] else {
            panic!("{found:?}");
        };
        // 43,200 exchanges of 176 octets.
        assert_eq!((usual.heartbeats, usual.probes), (43_200 * 176, 0));
        assert_eq!(wifi.heartbeats * 10, usual.heartbeats);
        assert_eq!(
            wifi.to_string(),
            "an idle path with label wifi costs about 761 kB a month: heartbeats 761 kB, probes 0 kB; \
             the peer's own come on top"
        );
    }

    #[test]
    fn probes_cost_as_often_as_they_are_sent_and_nothing_when_off() {
        let service = " mobility-service hybrid-access\n  sla num-packets 10 frequency ";
        let minute = costs(&format!("{service}60\n"));
        let hour = costs(&format!("{service}3600\n"));
        assert_eq!(minute[0].probes, hour[0].probes * 60);
        assert_eq!(minute[0].probes, 43_200 * 2 * (10 * 180 + 156));
        let off = costs(&format!("{service}60\n  disable-sla\n"));
        let nothing = "an idle path costs nothing but the refreshes of its registration";
        assert_eq!(off[0].to_string(), nothing);
    }
}
