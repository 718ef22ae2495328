//! The settings of the service as they are seen on the wire.

use std::process::Command;
use std::thread;
use std::time::Duration;

use pmip_binding::testing::LinkConfig;
use pmip_examples::lab::traffic::Direction;
use pmip_examples::lab::wan::{Frame, Watch};
use pmip_examples::platform::netns::Netns;

use super::domain::{CARE_OF, Domain, LMA_MODE, Node, Settings};
use super::quality::is_measurement;
use super::{Checked, say, text};

const IPSLA: u16 = 1_167;

/// What one side is told.
#[derive(Clone, Copy, Debug)]
struct Shape {
    packets: usize,
    interval: Duration,
    frequency: Duration,
}

const MAG: Shape = Shape {
    packets: 8,
    interval: Duration::from_millis(50),
    frequency: Duration::from_secs(6),
};
const LMA: Shape = Shape {
    packets: 12,
    interval: Duration::from_millis(30),
    frequency: Duration::from_secs(7),
};
/// `enable-sla mag MAG1`, which wins over `sla`.
const OF_MAG: Shape = Shape {
    packets: 5,
    interval: Duration::from_millis(100),
    frequency: Duration::from_secs(8),
};

const SETTINGS: Settings = Settings {
    name: "wire",
    lists: "",
    maps: "",
    mag: " mobility-service hybrid-access\n  sla num-packets 8 interval 50 frequency 6",
    lma: " mobility-service hybrid-access\n  sla num-packets 12 interval 30 frequency 7",
};

/// Rows 54 to 58. Would break: a setting that stops at the configuration, probes that follow the routing
/// table or need a rule of their own.
pub(super) fn settings() -> Checked {
    let mut link = LinkConfig::new();
    link.latency = Duration::from_millis(5);
    let domain = Domain::start(&SETTINGS, &link)?;
    let rules = [rules(&domain.mag_namespace)?, rules(&domain.lma_namespace)?];
    let strangers = [0, 1].map(|wan| domain.wans[wan].watch(strange(wan)));
    let asked = [0, 1].map(|wan| domain.wans[wan].watch(request()));
    seen(
        &domain,
        asked,
        &[(Direction::Up, MAG), (Direction::Down, LMA)],
    )?;

    let service = [LMA_MODE, "mobility-service hybrid-access"];
    let lines = |line: &'static str| [service[0], service[1], line];
    let of_mag = "enable-sla mag MAG1 num-packets 5 interval 100 frequency 8";
    domain.configure(Node::Lma, &lines(of_mag))?;
    seen(
        &domain,
        asked,
        &[(Direction::Up, MAG), (Direction::Down, OF_MAG)],
    )?;
    // Also an exception to the switch; and without it nothing is left.
    domain.configure(Node::Lma, &lines("disable-sla"))?;
    seen(&domain, asked, &[(Direction::Down, OF_MAG)])?;
    domain.configure(Node::Lma, &lines("no enable-sla mag MAG1"))?;
    silent(&domain, asked)?;

    for (wan, watch) in strangers.iter().enumerate() {
        for direction in Direction::BOTH {
            let strangers = domain.wans[wan].record(*watch, direction).offered;
            if strangers > 0 {
                return Err(format!(
                    "{strangers} probes of the other path on WAN {}",
                    wan + 1
                ));
            }
        }
    }
    let now = [
        self::rules(&domain.mag_namespace)?,
        self::rules(&domain.lma_namespace)?,
    ];
    match now == rules {
        true => Ok(()),
        false => Err(format!("routing rules were {rules:?} and are {now:?}")),
    }
}

/// Measurement requests.
fn request() -> impl Fn(&Frame<'_>) -> bool + Send + Clone + 'static {
    |frame| {
        frame
            .inner()
            .is_some_and(|inner| inner.destination.port() == IPSLA && is_measurement(inner.payload))
    }
}

/// Anything of the service that is not between this path's ends, inside or outside.
fn strange(wan: usize) -> impl Fn(&Frame<'_>) -> bool + Send + Clone + 'static {
    move |frame| {
        let ours = CARE_OF[wan];
        let of_path = |flow: pmip_examples::lab::wan::Flow<'_>| {
            flow.source.ip() == ours || flow.destination.ip() == ours
        };
        let bare = frame.outer().is_some_and(|outer| outer.is_of_port(IPSLA));
        let foreign = frame.is_inner_udp(IPSLA)
            && !(frame.outer().is_some_and(of_path) && frame.inner().is_some_and(of_path));
        bare || foreign
    }
}

/// Compares what is seen in both WANs with what each direction was told.
fn seen(domain: &Domain, asked: [Watch; 2], shapes: &[(Direction, Shape)]) -> Checked {
    let longest = shapes.iter().map(|(_, shape)| shape.frequency).max();
    let longest = longest.unwrap_or_default();
    // What began under other settings ends.
    thread::sleep(Duration::from_secs(2));
    for wan in [0, 1] {
        domain.wans[wan].reset(asked[wan]);
    }
    thread::sleep(longest * 3 + Duration::from_secs(1));
    for wan in [0, 1] {
        for (direction, shape) in shapes {
            let arrivals = domain.wans[wan].record(asked[wan], *direction).arrivals;
            as_told(&arrivals, *shape)
                .map_err(|why| format!("WAN {} {direction}: {why}", wan + 1))?;
        }
    }
    Ok(())
}

fn as_told(arrivals: &[Duration], shape: Shape) -> Checked {
    // Operations lie seconds apart; the first may have been cut by the beginning of the watch, and the
    // last by its end.
    let runs: Vec<&[Duration]> = arrivals
        .chunk_by(|a, b| *b - *a < Duration::from_secs(2))
        .collect();
    let whole: Vec<&&[Duration]> = runs
        .iter()
        .filter(|run| run.len() == shape.packets)
        .collect();
    if whole.len() < 2 || runs.iter().any(|run| run.len() > shape.packets) {
        let lengths: Vec<usize> = runs.iter().map(|run| run.len()).collect();
        return Err(format!("operations of {lengths:?} packets, not {shape:?}"));
    }
    if runs.len() > whole.len() + 2 {
        return Err(format!(
            "{} operations are not whole",
            runs.len() - whole.len()
        ));
    }
    let spacing = whole.iter().flat_map(|run| run.windows(2));
    let spacing = median(spacing.map(|pair| pair[1] - pair[0]));
    let starts = whole.iter().filter_map(|run| run.first());
    let starts: Vec<Duration> = starts.copied().collect();
    let period = median(starts.windows(2).map(|pair| pair[1] - pair[0]));
    say(&format!(
        "  {} packets {:.1} ms apart every {:.2} s",
        shape.packets,
        spacing.as_secs_f64() * 1000.0,
        period.as_secs_f64()
    ));
    near("spacing", spacing, shape.interval)?;
    near("period", period, shape.frequency)
}

/// Within a tenth: settings differ by far more, and a loaded machine by less.
fn near(what: &str, seen: Duration, told: Duration) -> Checked {
    match seen.abs_diff(told) <= told / 10 {
        true => Ok(()),
        false => Err(format!("{what} {seen:?}, told {told:?}")),
    }
}

fn median(spans: impl Iterator<Item = Duration>) -> Duration {
    let mut spans: Vec<Duration> = spans.collect();
    spans.sort();
    spans.get(spans.len() / 2).copied().unwrap_or_default()
}

/// The LMA asks nobody any more.
fn silent(domain: &Domain, asked: [Watch; 2]) -> Checked {
    thread::sleep(Duration::from_secs(2));
    for wan in [0, 1] {
        domain.wans[wan].reset(asked[wan]);
    }
    thread::sleep(OF_MAG.frequency + Duration::from_secs(1));
    for wan in [0, 1] {
        let probes = domain.wans[wan].record(asked[wan], Direction::Down).offered;
        if probes > 0 {
            return Err(format!("{probes} probes although nothing enables them"));
        }
    }
    Ok(())
}

/// How many routing rules a namespace has.
fn rules(namespace: &Netns) -> Result<usize, String> {
    let list = || Command::new("ip").args(["rule", "list"]).output();
    let output = namespace.run(list).map_err(text)?.map_err(text)?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().count())
}
