//! What the hybrid-access service tells.

use pmip_sla::{HybridAccess, PathView, VerdictState};
use pmip_wire::types::PathId;

use super::super::PathRow;
use super::{Page, Sample, path_labels};
use crate::node::Node;

/// A figure of one path; none where it has none yet.
type Value = fn(&PathView<'_>) -> Option<f64>;

/// Figures of the last operation and of failure detection.
const GAUGES: [(&str, &str, Value); 6] = [
    ("pmip_sla_probed", "Whether the path is probed.", |view| {
        Some(f64::from(u8::from(view.probed)))
    }),
    (
        "pmip_sla_rtt_seconds",
        "Mean round-trip time of the last operation.",
        |view| {
            let rtt = view.history.last()?.window.rtt().average()?;
            Some(rtt.as_secs_f64())
        },
    ),
    (
        "pmip_sla_jitter_seconds",
        "Mean jitter of the last operation, of the worse direction.",
        |view| {
            let jitter = view.history.last()?.window.jitter_average()?;
            Some(jitter.as_secs_f64())
        },
    ),
    (
        "pmip_sla_loss_ratio",
        "Share of the last operation's probes that was lost, 0 to 1.",
        |view| {
            let loss = view.history.last()?.window.loss_ppm()?;
            Some(f64::from(loss) / 1e6)
        },
    ),
    (
        "pmip_sla_alive",
        "What failure detection says; none where the peer never answered it.",
        |view| {
            let liveness = view.liveness.filter(|liveness| liveness.is_proven())?;
            Some(f64::from(u8::from(liveness.is_alive())))
        },
    ),
    (
        "pmip_sla_deaths",
        "How often the path died, as far as that is not forgiven.",
        |view| Some(f64::from(view.liveness?.deaths())),
    ),
];

pub(super) fn of_service(page: &mut Page, node: &Node, rows: &[PathRow]) {
    let hybrid = node.hybrid();
    let failed = f64::from(u8::from(hybrid.has_failed()));
    let what = "Whether the hybrid-access service ended by a failure of its own.";
    page.gauge("pmip_sla_failed", what, [(Vec::new(), failed)]);
    let Some(service) = hybrid.service() else {
        return;
    };
    let views: Vec<(&PathRow, PathView<'_>)> = rows
        .iter()
        .filter_map(|row| Some((row, service.path(PathId(row.path))?)))
        .collect();
    for (name, what, value) in GAUGES {
        let samples = views.iter();
        let samples = samples.filter_map(|(row, view)| Some((path_labels(row), value(view)?)));
        page.gauge(name, what, samples);
    }
    let operations = views.iter();
    let operations = operations.map(|(row, view)| (path_labels(row), view.history.count() as f64));
    let what = "Operations that ended since the path came or was cleared.";
    page.gauge("pmip_sla_operations", what, operations);
    let violating = views.iter().flat_map(|(row, view)| profiles(row, view));
    let what = "Whether the path violates the traffic profile.";
    page.gauge("pmip_sla_profile_violating", what, violating);
    answers(page, service);
}

/// Profiles that were judged at least once.
fn profiles(row: &PathRow, view: &PathView<'_>) -> Vec<Sample> {
    let known = view
        .verdicts()
        .filter(|(_, verdict)| verdict.state() != VerdictState::Unknown);
    let sample = |(name, verdict): (&str, &pmip_sla::Verdict)| {
        let mut labels = path_labels(row);
        labels.push(("profile", name.to_owned()));
        let violating = verdict.state() == VerdictState::Violating;
        (labels, f64::from(u8::from(violating)))
    };
    known.map(sample).collect()
}

/// The answering end, and what of its packets came to nothing.
fn answers(page: &mut Page, service: &HybridAccess) {
    let (ipsla, stamp, packets) = (service.responder(), service.reflector(), service.counters());
    let samples = |key: &'static str, counts: &[(&str, u64)]| -> Vec<Sample> {
        let sample = |(word, count): &(&str, u64)| (vec![(key, (*word).to_owned())], *count as f64);
        counts.iter().map(sample).collect()
    };
    let answered = [("ipsla", ipsla.answered), ("stamp", stamp.answered)];
    let what = "Probes of peers that were answered, since the service's settings changed.";
    page.counter(
        "pmip_sla_answered_total",
        what,
        samples("protocol", &answered),
    );
    let refused = [
        ("unauthenticated", ipsla.unauthenticated),
        ("format", ipsla.format_errors),
        ("port", ipsla.port_in_use),
        ("full", ipsla.full),
    ];
    let what = "Measurements of peers that were refused.";
    page.counter("pmip_sla_refused_total", what, samples("reason", &refused));
    let dropped = [
        ("unknown-path", packets.unknown_path),
        ("malformed", packets.malformed + stamp.malformed),
        ("unasked", packets.unasked),
        ("unannounced", ipsla.dropped),
        ("unauthenticated", stamp.unauthenticated),
    ];
    let what = "Packets for the service that it could do nothing with.";
    page.counter("pmip_sla_dropped_total", what, samples("reason", &dropped));
}

#[cfg(test)]
mod tests {
    use crate::control::metrics::text;
    use crate::node::tests::Domain;

    #[test]
    fn a_node_without_the_service_says_only_that_it_did_not_fail() {
        let domain = Domain::registered();
        let text = text(&domain.mag.node, domain.now);
        assert!(text.contains("pmip_sla_failed 0\n"), "{text}");
        assert!(!text.contains("pmip_sla_answered_total"), "{text}");
    }
}
