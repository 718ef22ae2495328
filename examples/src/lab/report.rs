//! One self-contained page: what happened, with plots on one time axis.

use std::fmt::Write as _;
use std::time::Duration;

use super::domain::Node;
use super::result::{PathSample, RunResult};
use super::screen::{bits, octets};
use super::spec::DomainSpec;
use super::traffic::{BUCKET, Direction, Traffic};

/// The page as HTML.
pub(super) fn page(
    result: &RunResult,
    spec: &DomainSpec,
    samples: &[PathSample],
    traffic: &Traffic,
) -> String {
    let axis = Axis::new(result);
    let mut body = String::new();
    heading(&mut body, result);
    section(&mut body, "Throughput", &throughput_plot(&axis, traffic));
    section(
        &mut body,
        "Round-trip time of pings",
        &rtt_plot(&axis, traffic),
    );
    section(&mut body, "Path states", &state_bands(&axis, spec, samples));
    outages(&mut body, result);
    claims(&mut body, result);
    steps(&mut body, result);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>pmip lab {scenario}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n{body}</body>\n</html>\n",
        scenario = escape(result.scenario),
    )
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#222;--faint:#8886;--up:#0b6;--down:#27c}\
body{font:15px/1.45 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em}\
svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:currentColor}\
table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:left;border-bottom:1px solid \
#8884}.legend{font-size:12px;margin:0}.legend span{display:inline-block;width:.8em;\
height:.8em;margin:0 .3em 0 .8em}.holds{color:#0a7d3c}.fell{color:#c22;font-weight:bold}.at{color:#888;\
font-variant-numeric:tabular-nums}";

const WIDTH: f64 = 900.0;
const LEFT: f64 = 92.0;
const PLOT_HEIGHT: f64 = 150.0;
const BAND_HEIGHT: f64 = 22.0;

/// The time axis that all plots share, with a mark where each step begins.
struct Axis {
    seconds: f64,
    /// Where each begins, and its title.
    steps: Vec<(f64, String)>,
}

impl Axis {
    fn new(result: &RunResult) -> Self {
        Self {
            seconds: result.duration_s.max(0.1),
            steps: result
                .steps
                .iter()
                .map(|step| (step.at_s, step.title.clone()))
                .collect(),
        }
    }

    fn x(&self, seconds: f64) -> f64 {
        LEFT + seconds / self.seconds * (WIDTH - LEFT)
    }

    fn x_at(&self, moment: Duration) -> f64 {
        self.x(moment.as_secs_f64())
    }

    /// An SVG of `height` with the axis below and step marks behind `content`.
    fn frame(&self, height: f64, content: &str) -> String {
        let mut svg = String::new();
        let total = height + 30.0;
        let _ = write!(
            svg,
            "<svg viewBox=\"0 0 {WIDTH} {total}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">"
        );
        svg.push_str(&self.step_marks(height));
        svg.push_str(content);
        let _ = write!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{height}\" x2=\"{WIDTH}\" y2=\"{height}\" \
             stroke=\"currentColor\"/>"
        );
        let step = tick_step(self.seconds);
        let mut tick = 0.0;
        while tick <= self.seconds {
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{tick:.0} s</text>",
                self.x(tick),
                height + 16.0
            );
            tick += step;
        }
        svg.push_str("</svg>");
        svg
    }

    /// A dashed line where each step begins; its number only where it does not cover the last one.
    fn step_marks(&self, height: f64) -> String {
        let mut marks = String::new();
        let mut free = LEFT;
        for (number, (at, title)) in (1..).zip(&self.steps) {
            let x = self.x(*at);
            let _ = write!(
                marks,
                "<line x1=\"{x:.1}\" y1=\"0\" x2=\"{x:.1}\" y2=\"{height}\" \
                 stroke=\"var(--faint)\" stroke-dasharray=\"3 3\"><title>{}</title></line>",
                escape(title)
            );
            if x >= free && x + 12.0 <= WIDTH {
                let _ = write!(
                    marks,
                    "<text x=\"{:.1}\" y=\"10\"><title>{}</title>{number}</text>",
                    x + 2.0,
                    escape(title)
                );
                free = x + 16.0;
            }
        }
        marks
    }
}

fn tick_step(seconds: f64) -> f64 {
    let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];
    let fits = |step: &&f64| seconds / **step <= 15.0;
    steps.iter().find(fits).copied().unwrap_or(200.0)
}

fn throughput_plot(axis: &Axis, traffic: &Traffic) -> String {
    let rates = Direction::BOTH.map(|direction| {
        let buckets = traffic.throughput(direction);
        let rate = |octets: &u64| *octets as f64 * 8.0 / BUCKET.as_secs_f64();
        (direction, buckets.iter().map(rate).collect::<Vec<f64>>())
    });
    let all = rates.iter().flat_map(|(_, rates)| rates);
    let top = all.copied().fold(1.0, f64::max);
    let mut content = y_labels(&bits(top), "0");
    for (direction, rates) in &rates {
        let points = rates
            .iter()
            .zip(0_u32..)
            .map(|(rate, bucket)| (axis.x_at(BUCKET * bucket), y(rate / top)));
        polyline(&mut content, points, colour(*direction));
    }
    directions() + &axis.frame(PLOT_HEIGHT, &content)
}

fn rtt_plot(axis: &Axis, traffic: &Traffic) -> String {
    let answered = |flow: &super::traffic::PingFlow| {
        let points = flow.samples.iter().filter_map(|sample| {
            let rtt = sample.rtt?.as_secs_f64() * 1e3;
            Some((sample.sent, rtt, flow.direction))
        });
        points.collect::<Vec<_>>()
    };
    let points: Vec<_> = traffic.pings.iter().flat_map(answered).collect();
    let top = points.iter().map(|point| point.1).fold(1.0, f64::max);
    let mut content = y_labels(&format!("{top:.0} ms"), "0");
    for (sent, rtt, direction) in points {
        let _ = write!(
            content,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"1\" fill=\"{}\"/>",
            axis.x_at(sent),
            y(rtt / top),
            colour(direction)
        );
    }
    directions() + &axis.frame(PLOT_HEIGHT, &content)
}

fn state_bands(axis: &Axis, spec: &DomainSpec, samples: &[PathSample]) -> String {
    let mut content = String::new();
    let mut top = 14.0;
    let bands = spec.wans.iter().enumerate();
    let bands = bands.flat_map(|(wan, spec)| [Node::Mag, Node::Lma].map(|node| (wan, spec, node)));
    for (index, wan, node) in bands {
        let _ = write!(
            content,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{} {node}</text>",
            LEFT - 6.0,
            top + 15.0,
            escape(wan.name)
        );
        for (from, until, state) in runs(samples, node, index) {
            let (x, end) = (axis.x_at(from), axis.x_at(until));
            let _ = write!(
                content,
                "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{}\" \
                 fill=\"{}\"><title>{}</title></rect>",
                (end - x).max(0.5),
                BAND_HEIGHT - 4.0,
                state_colour(state),
                escape(state)
            );
        }
        top += BAND_HEIGHT;
    }
    let states = ["up", "registering", "nat-changed", "down", "absent"];
    legend(&states.map(|state| (state_colour(state), state))) + &axis.frame(top + 4.0, &content)
}

/// Spans of one state of path `wan` at `node`: from, until, state.
fn runs(samples: &[PathSample], node: Node, wan: usize) -> Vec<(Duration, Duration, &str)> {
    let mut runs: Vec<(Duration, Duration, &str)> = Vec::new();
    for sample in samples {
        let rows = match node {
            Node::Mag => &sample.table.mag,
            Node::Lma => &sample.table.lma,
        };
        let Some(row) = rows.get(wan) else {
            continue;
        };
        match runs.last_mut() {
            Some((_, until, state)) if *state == row.state => *until = sample.at,
            Some((_, until, _)) => {
                *until = sample.at;
                runs.push((sample.at, sample.at, &row.state));
            }
            None => runs.push((sample.at, sample.at, &row.state)),
        }
    }
    runs
}

fn heading(body: &mut String, result: &RunResult) {
    let (class, verdict) = if result.ok {
        ("holds", "passed")
    } else {
        ("fell", "failed")
    };
    let traffic = &result.traffic;
    let _ = writeln!(
        body,
        "<h1>pmip lab {}: <span class=\"{class}\">{verdict}</span></h1>\n<p>{} topology, {:.1} s; \
         {} transfers, {} resets; {} up, {} down.</p>",
        escape(result.scenario),
        result.topology,
        result.duration_s,
        traffic.transfers,
        traffic.resets,
        octets(traffic.up_bytes),
        octets(traffic.down_bytes)
    );
    if let Some(fault) = &result.broken {
        let _ = writeln!(body, "<p>Fault applied: {}.</p>", escape(fault));
    }
    if let Some(error) = &result.error {
        let _ = writeln!(body, "<p class=\"fell\">{}</p>", escape(error));
    }
}

fn section(body: &mut String, title: &str, content: &str) {
    let _ = writeln!(body, "<h2>{title}</h2>\n{content}");
}

fn outages(body: &mut String, result: &RunResult) {
    let mut rows = String::new();
    let ms = |after: Option<f64>| after.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0}"));
    for outage in &result.outages {
        let _ = write!(
            rows,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.0}</td><td>{:.0}</td><td>{}</td></tr>",
            escape(&outage.fault),
            ms(outage.mag_down_after_ms),
            ms(outage.lma_down_after_ms),
            outage.longest_stall_ms,
            outage.longest_ping_gap_ms,
            outage.resets
        );
    }
    section(
        body,
        "Outages, milliseconds",
        &format!(
            "<table><tr><th>fault</th><th>down at MAG</th><th>down at LMA</th><th>longest transfer \
             silence</th><th>longest ping gap</th><th>resets</th></tr>{rows}</table>"
        ),
    );
}

fn claims(body: &mut String, result: &RunResult) {
    let mut rows = String::new();
    for claim in &result.claims {
        let (class, verdict) = if claim.holds {
            ("holds", "holds")
        } else {
            ("fell", "fell")
        };
        let _ = write!(
            rows,
            "<tr><td class=\"{class}\">{verdict}</td><td>{}</td><td>{}</td><td>{:?}</td></tr>",
            escape(claim.claim),
            escape(&claim.detail),
            claim.rows
        );
    }
    section(
        body,
        "Claims",
        &format!("<table><tr><th></th><th>claim</th><th>seen</th><th>rows</th></tr>{rows}</table>"),
    );
}

fn steps(body: &mut String, result: &RunResult) {
    let mut list = String::new();
    for step in &result.steps {
        let _ = write!(
            list,
            "<li><span class=\"at\">{:.3} s</span> <b>{}</b>",
            step.at_s,
            escape(&step.title)
        );
        for said in &step.said {
            let _ = write!(list, "<br>{}", escape(said));
        }
        list.push_str("</li>");
    }
    section(body, "What happened", &format!("<ol>{list}</ol>"));
}

fn polyline(content: &mut String, points: impl Iterator<Item = (f64, f64)>, colour: &str) {
    content.push_str("<polyline fill=\"none\" stroke-width=\"1.5\" points=\"");
    for (x, y) in points {
        let _ = write!(content, "{x:.1},{y:.1} ");
    }
    let _ = write!(content, "\" stroke=\"{colour}\"/>");
}

fn y_labels(top: &str, bottom: &str) -> String {
    format!(
        "<text x=\"{x}\" y=\"24\" text-anchor=\"end\">{top}</text>\
         <text x=\"{x}\" y=\"{PLOT_HEIGHT}\" text-anchor=\"end\">{bottom}</text>",
        x = LEFT - 6.0
    )
}

fn directions() -> String {
    legend(&[
        (colour(Direction::Up), "host to correspondent"),
        (colour(Direction::Down), "correspondent to host"),
    ])
}

/// What the colours of a plot stand for.
fn legend(entries: &[(&str, &str)]) -> String {
    let mut legend = "<p class=\"legend\">".to_owned();
    for (colour, text) in entries {
        let _ = write!(legend, "<span style=\"background:{colour}\"></span>{text} ");
    }
    legend + "(numbers: the steps listed below)</p>"
}

/// Height of a share of the plot, 0 at the bottom; the labels have the top.
fn y(share: f64) -> f64 {
    PLOT_HEIGHT - share * (PLOT_HEIGHT - 20.0)
}

fn colour(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "var(--up)",
        Direction::Down => "var(--down)",
    }
}

fn state_colour(state: &str) -> &'static str {
    match state {
        "up" => "#2a9d4a",
        "registering" => "#d9a400",
        "nat-changed" => "#b060c0",
        "down" => "#c8372d",
        _ => "#999",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::domain::{PathRow, Topology};
    use super::super::result::PathTable;
    use super::*;

    fn sample(at: u64, state: &str) -> PathSample {
        let mut row = PathRow::absent(0);
        row.state = state.to_owned();
        PathSample {
            at: Duration::from_millis(at),
            table: PathTable {
                mag: vec![row.clone()],
                lma: vec![row],
            },
        }
    }

    #[test]
    fn bands_follow_the_state_without_holes() {
        let samples = [
            sample(0, "up"),
            sample(50, "up"),
            sample(100, "down"),
            sample(200, "up"),
        ];
        let ms = Duration::from_millis;
        let expected = vec![
            (ms(0), ms(100), "up"),
            (ms(100), ms(200), "down"),
            (ms(200), ms(200), "up"),
        ];
        assert_eq!(runs(&samples, Node::Mag, 0), expected);
    }

    #[test]
    fn the_page_holds_everything_itself_and_escapes_text() {
        let mut result = RunResult::new("quickstart", Topology::Sim, None, 1);
        result.error = Some("<script>".to_owned());
        let spec = DomainSpec::two_paths(1);
        let page = page(&result, &spec, &[sample(0, "up")], &Traffic::default());
        assert!(page.contains("&lt;script&gt;"));
        for outside in ["href=", "src=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
