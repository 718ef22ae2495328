//! The voice profile with each limit broken in turn.

use std::thread;
use std::time::{Duration, Instant};

use pmip_binding::testing::{LinkConfig, Loss};
use pmip_examples::lab::traffic::Direction;
use pmip_examples::lab::wan::{Frame, Watch};

use super::domain::{CORRESPONDENT, Domain, Settings};
use super::stream::Stream;
use super::{Checked, say, wait_until};

const VOICE: u16 = 16_500;
const OTHER: u16 = 9_000;

/// Period of the measurements of these settings.
const PERIOD: Duration = Duration::from_secs(7);
/// A whole operation ends at most so long after it began: 100 packets, and the wait for the last.
const OPERATION: Duration = Duration::from_secs(7);
/// What a loaded machine may add to anything.
const SLACK: Duration = Duration::from_secs(5);

const SETTINGS: Settings = Settings {
    name: "voice",
    lists: "\
ip access-list extended voice
 permit udp any any range 16384 32767
ip access-list extended other
 permit udp any any",
    maps: " mobile-map MAP1 12
  match access-list voice
  traffic-profile haccess-voice
  set link-type wan1 wan2
 mobile-map MAP1 20
  match access-list other
  set link-type wan1 null",
    mag: " mobile-map MAP1
 mobility-service hybrid-access
  sla num-packets 100 interval 20 frequency 7
  preempt
  profile-definition haccess-voice
   jitter 50
   rtt 100
   packet-loss 2",
    lma: " mobile-map MAP1
 mobility-service hybrid-access
  sla num-packets 100 interval 20 frequency 7
  preempt
  profile-definition haccess-voice
   jitter 50
   rtt 100
   packet-loss 2",
};

type Break = (&'static str, &'static str, fn(&mut LinkConfig));

/// What breaks each limit, and no other: the measure, a name for its domain, and the fault.
const BREAKS: [Break; 3] = [
    ("rtt", "rtt", |link| {
        link.latency = Duration::from_millis(130);
    }),
    // Half of the packets 140 ms late: 70 ms of jitter, 70 ms of delay, nothing lost.
    ("jitter", "jit", |link| {
        link.reorder = 0.5;
        link.reorder_delay = Duration::from_millis(140);
    }),
    ("loss", "los", |link| link.loss = Loss::Random(0.15)),
];

/// Would break: a limit that nothing tests, verdicts that do not reach path choice in the programs,
/// traffic moved that no profile asked for, flows that never return.
pub(super) fn limits() -> Checked {
    let done: Vec<Checked> = thread::scope(|scope| {
        let started = BREAKS.map(|one| scope.spawn(move || limit(one)));
        let panicked = |_| Err("the check panicked".to_owned());
        started
            .into_iter()
            .map(|check| check.join().unwrap_or_else(panicked))
            .collect()
    });
    done.into_iter().collect()
}

fn limit((measure, name, make_worse): Break) -> Checked {
    let failed = |why: String| format!("{measure}: {why}");
    let settings = Settings { name, ..SETTINGS };
    let mut base = LinkConfig::new();
    base.latency = Duration::from_millis(2);
    let domain = Domain::start(&settings, &base).map_err(failed)?;
    Calls::start(&domain)
        .and_then(|calls| calls.follow(measure, make_worse))
        .map_err(failed)
}

/// A call each way beside other traffic, and who counts them on each WAN.
struct Calls<'a> {
    domain: &'a Domain,
    voice: [Watch; 2],
    other: [Watch; 2],
    _streams: Vec<Stream>,
}

impl<'a> Calls<'a> {
    fn start(domain: &'a Domain) -> Result<Self, String> {
        let host = (&domain.host_namespace, domain.host);
        let peer = (&domain.core_namespace, CORRESPONDENT);
        let interval = Duration::from_millis(20);
        let mut streams = Vec::new();
        for port in [VOICE, OTHER] {
            // The way back has a port of its own: each end decides for what it sends.
            streams.push(Stream::start(host, peer, port, interval, 160)?);
            streams.push(Stream::start(peer, host, port + 1, interval, 160)?);
        }
        let watch = |port: u16| {
            let wans = [&domain.wans[0], &domain.wans[1]];
            wans.map(|wan| {
                wan.watch(move |frame: &Frame<'_>| {
                    frame.is_inner_udp(port) || frame.is_inner_udp(port + 1)
                })
            })
        };
        Ok(Self {
            domain,
            voice: watch(VOICE),
            other: watch(OTHER),
            _streams: streams,
        })
    }

    /// Packets of the call that were offered to each WAN within half a second.
    fn offered(&self, watches: [Watch; 2], direction: Direction) -> [u64; 2] {
        let now = || {
            [0, 1].map(|wan| {
                let record = self.domain.wans[wan].record(watches[wan], direction);
                record.offered
            })
        };
        let before = now();
        thread::sleep(Duration::from_millis(500));
        let after = now();
        [after[0] - before[0], after[1] - before[1]]
    }

    /// Whether all of the call, both ways, goes by one WAN.
    fn is_on(&self, wan: usize) -> bool {
        Direction::BOTH.iter().all(|direction| {
            let offered = self.offered(self.voice, *direction);
            offered[wan] > 0 && offered[1 - wan] == 0
        })
    }

    fn follow(&self, measure: &str, make_worse: fn(&mut LinkConfig)) -> Checked {
        let patience = PERIOD + OPERATION + SLACK;
        wait_until("the first operations", patience, || self.all_conform())?;
        wait_until("the call to be on the first WAN", SLACK, || {
            Ok(self.is_on(0))
        })?;
        let wan = &self.domain.wans[0];
        wan.change(Direction::Up, make_worse);
        // An operation that was under way may be only half as bad: the next one is not.
        let moved = wait_until("the call to leave the first WAN", patience, || {
            Ok(self.is_on(1))
        })?;
        self.violates(measure)?;
        self.others_stay()?;
        let mut good = LinkConfig::new();
        good.latency = Duration::from_millis(2);
        wan.change(Direction::Up, |link| *link = good);
        let mended = Instant::now();
        let patience = PERIOD * 4 + OPERATION + SLACK;
        wait_until("the call to return", patience, || Ok(self.is_on(0)))?;
        let returned = mended.elapsed();
        self.others_stay()?;
        say(&format!(
            "  {measure}: moved after {:.1} s, returned {:.1} s after it was mended",
            moved.as_secs_f64(),
            returned.as_secs_f64()
        ));
        // Three operations in a row begin at least two periods apart.
        if returned < PERIOD * 2 {
            return Err("the call returned before three operations conformed".to_owned());
        }
        Ok(())
    }

    fn all_conform(&self) -> Result<bool, String> {
        for node in super::domain::Node::BOTH {
            for row in self.domain.sla(node)? {
                if row["profiles"][0]["state"] != "conforming" {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Both nodes say that this limit is broken on the first WAN, and none on the second.
    fn violates(&self, measure: &str) -> Checked {
        for node in super::domain::Node::BOTH {
            let [first, second] = self.domain.sla(node)?;
            let (bad, good) = (&first["profiles"][0], &second["profiles"][0]);
            if bad["violated"] != measure || good["state"] != "conforming" {
                return Err(format!("{node:?} shows {bad} and {good}"));
            }
        }
        Ok(())
    }

    fn others_stay(&self) -> Checked {
        for direction in Direction::BOTH {
            let record = self.domain.wans[1].record(self.other[1], direction);
            let first = self.domain.wans[0].record(self.other[0], direction);
            if record.offered > 0 || first.offered == 0 {
                let (first, second) = (first.offered, record.offered);
                return Err(format!(
                    "other traffic {direction}: {first} packets on the first WAN, {second} on the \
                     second"
                ));
            }
        }
        Ok(())
    }
}
