//! The MTU of each path, found by probes and by what networks say (RFC 8899): the searches of
//! [`pmip_tunnel::pmtu`], their clock and their effect on the forwarding table.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pmip_tunnel::encap::Carrier;
use pmip_tunnel::pmtu::{PathMtu, PathMtuConfig, PathMtuInput, PathMtuOutput, Probe};
use pmip_wire::types::{Encapsulation, Instant, PathId};

/// How often it is asked which paths carry traffic, and for how many paths at most: their MTU is
/// confirmed more often. With more paths than that idle ones and busy ones are treated alike.
const ACTIVITY: Duration = Duration::from_secs(1);
const MOST_WATCHED: usize = 1024;

/// The searches of all paths that were usable once.
#[derive(Debug, Default)]
pub(super) struct PathMtus {
    searches: BTreeMap<PathId, Search>,
    due: BTreeSet<(Instant, PathId)>,
    /// Makes numbers of probes that nobody guesses.
    seed: u32,
    activity_at: Option<Instant>,
}

#[derive(Debug)]
struct Search {
    mtu: PathMtu,
    encapsulation: Encapsulation,
    at: Option<Instant>,
    /// Inner packets sent when that was last asked.
    sent: u64,
}

/// What a turn of the searches wants.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) probes: Vec<(PathId, Probe)>,
    /// Octets of outer packets.
    pub(super) mtus: Vec<(PathId, u16)>,
}

impl PathMtus {
    pub(super) fn new(seed: &[u8; 32]) -> Self {
        let [a, b, c, d, ..] = *seed;
        Self {
            seed: u32::from_be_bytes([a, b, c, d]).rotate_left(7),
            ..Self::default()
        }
    }

    /// A usable path is there, over a link of `link` octets: begins its search, or goes on with it.
    /// Returns the MTU of outer packets as it is known now.
    pub(super) fn follow(
        &mut self,
        now: Instant,
        path: PathId,
        encapsulation: Encapsulation,
        link: u16,
    ) -> u16 {
        let known = self.searches.get(&path);
        if known.is_none_or(|search| search.encapsulation != encapsulation) {
            self.forget(path);
            // Multiplicative hashing: paths have neighbouring numbers.
            let first = self.seed ^ path.0.wrapping_mul(0x9e37_79b9);
            let search = Search {
                mtu: PathMtu::new(config(encapsulation), link, first, now),
                encapsulation,
                at: None,
                sent: 0,
            };
            self.searches.insert(path, search);
        }
        self.tell(now, path, PathMtuInput::LinkMtu(link));
        self.searches
            .get(&path)
            .map_or(link, |search| search.mtu.mtu())
    }

    /// Whether there is a search of this path.
    pub(super) fn knows(&self, path: PathId) -> bool {
        self.searches.contains_key(&path)
    }

    /// Ends the search of a path that is gone.
    pub(super) fn forget(&mut self, path: PathId) {
        if let Some(at) = self.searches.remove(&path).and_then(|search| search.at) {
            self.due.remove(&(at, path));
        }
    }

    /// Whether `number` answers a probe of ours; it is then taken.
    pub(super) fn answered(&mut self, now: Instant, path: PathId, number: u32) -> bool {
        let search = self.searches.get(&path);
        let own = search.is_some_and(|search| search.mtu.is_own(number));
        if own {
            self.tell(now, path, PathMtuInput::Answered(number));
        }
        own
    }

    /// Tells the search of `path` what happened.
    pub(super) fn tell(&mut self, now: Instant, path: PathId, input: PathMtuInput) {
        if let Some(search) = self.searches.get_mut(&path) {
            search.mtu.handle(now, input);
            self.schedule(path, Some(now));
        }
    }

    /// Whether to say [`Self::sent`] now.
    pub(super) fn wants_activity(&self, now: Instant) -> bool {
        !self.searches.is_empty()
            && self.searches.len() <= MOST_WATCHED
            && self.activity_at.is_none_or(|at| at <= now)
    }

    /// How many inner packets each path sent so far.
    pub(super) fn sent(&mut self, now: Instant, sent: &[(PathId, u64)]) {
        self.activity_at = Some(now + ACTIVITY);
        for (path, sent) in sent {
            let Some(search) = self.searches.get_mut(path) else {
                continue;
            };
            if std::mem::replace(&mut search.sent, *sent) != *sent {
                self.tell(now, *path, PathMtuInput::Active);
            }
        }
    }

    /// Asks the searches whose time has come.
    pub(super) fn poll(&mut self, now: Instant) -> Wanted {
        let mut wanted = Wanted::default();
        while let Some((_, path)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            let Some(search) = self.searches.get_mut(&path) else {
                self.due.pop_first();
                continue;
            };
            let next = loop {
                match search.mtu.poll(now) {
                    PathMtuOutput::Probe(probe) => wanted.probes.push((path, probe)),
                    PathMtuOutput::Mtu(mtu) => wanted.mtus.push((path, mtu)),
                    PathMtuOutput::Timeout(at) => break at,
                    _ => break None,
                }
            };
            // A search never asks for the moment that it was just asked at.
            self.schedule(path, next.filter(|at| *at > now));
        }
        wanted
    }

    /// When to poll next.
    pub(super) fn timeout(&self) -> Option<Instant> {
        let due = self.due.first().map(|(at, _)| *at);
        let watched = !self.searches.is_empty() && self.searches.len() <= MOST_WATCHED;
        let activity = self.activity_at.filter(|_| watched);
        [due, activity].into_iter().flatten().min()
    }

    fn schedule(&mut self, path: PathId, at: Option<Instant>) {
        let Some(search) = self.searches.get_mut(&path) else {
            return;
        };
        if let Some(before) = std::mem::replace(&mut search.at, at) {
            self.due.remove(&(before, path));
        }
        if let Some(at) = at {
            self.due.insert((at, path));
        }
    }
}

/// Probing is on by default where UDP carries, as its networks filter ICMP; elsewhere what networks
/// say has to do.
fn config(encapsulation: Encapsulation) -> PathMtuConfig {
    let config = match encapsulation.is_ipv4_transport() {
        true => PathMtuConfig::ipv4(),
        false => PathMtuConfig::ipv6(),
    };
    config.with_probing(Carrier::of(encapsulation) == Some(Carrier::Udp))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: PathId = PathId(3);

    fn searches() -> PathMtus {
        PathMtus::new(&[7; 32])
    }

    /// Would break: a black hole that nobody finds; an answer that the engine takes for its own.
    #[test]
    fn what_probes_find_is_wanted_and_their_answers_are_known() {
        let mut mtus = searches();
        let mut now = Instant::from_secs(1);
        assert_eq!(mtus.follow(now, PATH, Encapsulation::Ipv4Udp, 1500), 1500);
        let mut found = 1500;
        for _ in 0..2_000 {
            let wanted = mtus.poll(now);
            if let Some((_, mtu)) = wanted.mtus.last() {
                found = *mtu;
            }
            for (path, probe) in wanted.probes {
                let fits = probe.size.is_none_or(|size| size <= 1400);
                assert!(!fits || mtus.answered(now, path, probe.number));
            }
            now = mtus.timeout().map_or(now, |at| at.max(now)) + Duration::from_millis(1);
        }
        assert!((1397..=1400).contains(&found), "{found}");
        assert!(!mtus.answered(now, PATH, 1), "a heartbeat of the engine");
    }

    /// Would break: GRE and IP-in-IP paths that keep sending what no network takes.
    #[test]
    fn networks_and_links_are_believed_where_nothing_probes() {
        let mut mtus = searches();
        let now = Instant::from_secs(1);
        mtus.follow(now, PATH, Encapsulation::GreIpv6, 1500);
        assert_eq!(mtus.poll(now).probes, []);
        mtus.tell(now, PATH, PathMtuInput::TooBig(1400));
        assert_eq!(mtus.poll(now).mtus, [(PATH, 1400)]);
        let link = mtus.follow(now, PATH, Encapsulation::GreIpv6, 1300);
        assert_eq!((link, mtus.poll(now).mtus), (1300, vec![(PATH, 1300)]));
        mtus.forget(PATH);
        assert_eq!(mtus.timeout(), None);
    }
}
