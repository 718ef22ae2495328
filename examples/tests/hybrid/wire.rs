//! The settings of the service as they are seen on the wire.

use std::process::Command;
use std::thread;
use std::time::Duration;

use pmip_binding::testing::LinkConfig;
use pmip_examples::lab::traffic::Direction;
use pmip_examples::lab::wan::{Operations, Watch, is_request, is_stray};
use pmip_examples::platform::netns::Netns;

use super::domain::{CARE_OF, Domain, LMA_MODE, Node, Settings};
use super::{Checked, say, text};

const MAG: Operations = Operations {
    packets: 8,
    interval: Duration::from_millis(50),
    frequency: Duration::from_secs(6),
};
const LMA: Operations = Operations {
    packets: 12,
    interval: Duration::from_millis(30),
    frequency: Duration::from_secs(7),
};
/// `enable-sla mag MAG1`, which wins over `sla`.
const OF_MAG: Operations = Operations {
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
    let strangers = [0, 1].map(|wan| {
        let own = CARE_OF[wan].into();
        domain.wans[wan].watch(move |frame| is_stray(frame, own))
    });
    let asked = [0, 1].map(|wan| domain.wans[wan].watch(is_request));
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

/// Compares what is seen in both WANs with what each direction was told.
fn seen(domain: &Domain, asked: [Watch; 2], shapes: &[(Direction, Operations)]) -> Checked {
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
            // Settings differ by far more than a tenth, and a loaded machine by less.
            let seen = shape.compare(&arrivals, 10);
            let seen = seen.map_err(|why| format!("WAN {} {direction}: {why}", wan + 1))?;
            say(&format!("  {seen}"));
        }
    }
    Ok(())
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
