//! The largest outer packet that a path takes, found by probing (RFC 8899) and by what networks say
//! (RFC 1191, RFC 8201).
//!
//! [`PathMtu`] is one path's search, without sockets or clocks: [`PathMtu::handle`] takes what
//! happened, [`PathMtu::poll`] says what to send, what was found, and when to ask again. Probes are
//! heartbeats between the ends of the tunnel, filled up to the size in question
//! ([`write_probe`]); the answer is an ordinary, short heartbeat response
//! ([`answered`]).
//!
//! # Loss is no size
//! A path that loses packets at random must not look like one that swallows big ones. When a probe
//! is lost, the search sends pairs of it and a small one. Only what small probes survive and big
//! ones do not is a matter of size: a size is given up when, by the loss that small probes see, the
//! run of big ones lost would come by chance less than once in 100,000 times. At 5 % loss in each
//! direction that takes 6 to 9 pairs. When the small ones are lost too, nothing is concluded:
//! heartbeats judge whether the path lives.
//!
//! # Choices
//! - A path starts with the MTU of its link and confirms it at once, rather than start from
//!   BASE_PLPMTU (RFC 8899 section 5.2): TCP says its MSS once, in its first segment.
//! - While the path carries traffic its MTU is confirmed every second, else every 30; RFC 8899
//!   section 5.1.1 leaves that to the application.
//! - The time to wait for an answer follows the round-trip time.

mod loss;
mod probe;

use alloc::collections::VecDeque;
use core::time::Duration;

use pmip_wire::types::Instant;

use crate::time::later;
use loss::{Doubt, Verdict};

pub use probe::{answered, write_probe};

/// Two sizes that differ by less are one.
const GRANULARITY: u16 = 4;
/// Probes that may be under way: what is older is forgotten.
const OUTSTANDING: usize = 64;

/// How a [`PathMtu`] searches. Sizes are octets of outer IP packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathMtuConfig {
    /// Whether probes are sent: `true` by default, as UDP carriers want it. Otherwise only what
    /// networks say counts.
    pub probing: bool,
    /// BASE_PLPMTU (RFC 8899 section 5.1.2): fallen back to when big packets vanish. 1200; 1280
    /// over IPv6.
    pub base: u16,
    /// MIN_PLPMTU: nothing smaller is believed. 576 (RFC 1122 section 3.3.3); 1280 over IPv6.
    pub minimum: u16,
    /// How often the MTU is confirmed while the path carries traffic.
    pub confirm: Duration,
    /// How often it is confirmed while it carries none.
    pub confirm_idle: Duration,
    /// PMTU_RAISE_TIMER: how long after a search a larger size is tried again: 600 s.
    pub raise: Duration,
    /// How long at least and at most the answer to a probe is waited for.
    pub patience: (Duration, Duration),
    /// Between the pairs of probes of a doubted size.
    pub spacing: Duration,
}

impl PathMtuConfig {
    /// Over IPv4.
    pub const fn ipv4() -> Self {
        Self {
            probing: true,
            base: 1_200,
            minimum: 576,
            confirm: Duration::from_secs(1),
            confirm_idle: Duration::from_secs(30),
            raise: Duration::from_secs(600),
            patience: (Duration::from_millis(200), Duration::from_secs(1)),
            spacing: Duration::from_millis(100),
        }
    }

    /// Over IPv6, where no link takes less than 1280 octets (RFC 8200 section 5).
    pub const fn ipv6() -> Self {
        Self {
            base: 1_280,
            minimum: 1_280,
            ..Self::ipv4()
        }
    }

    /// With or without probes.
    #[must_use]
    pub const fn with_probing(mut self, probing: bool) -> Self {
        self.probing = probing;
        self
    }
}

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathMtuInput {
    /// The probe with this number was answered.
    Answered(u32),
    /// A network said, or the socket did, that packets must not be larger
    /// ([`Underlay::mtu`](crate::Underlay)).
    TooBig(u16),
    /// The MTU of the link that the path leaves by; it may be another link.
    LinkMtu(u16),
    /// The path carried traffic since this was last said.
    Active,
    /// Time passed.
    Timeout,
}

/// A probe to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// Its number, the sequence number of the heartbeat.
    pub number: u32,
    /// Octets of the outer packet; `None` = as short as a heartbeat is.
    pub size: Option<u16>,
}

/// What [`PathMtu::poll`] wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathMtuOutput {
    /// Send this, with Don't Fragment set.
    Probe(Probe),
    /// The path's MTU changed: give it to
    /// [`ForwardingTable::set_path_underlay_mtu`](crate::ForwardingTable::set_path_underlay_mtu).
    Mtu(u16),
    /// Nothing now: say [`PathMtuInput::Timeout`] at this moment, `None` = never.
    Timeout(Option<Instant>),
}

/// Where a search stands (RFC 8899 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PathMtuPhase {
    /// No probes are sent.
    Disabled,
    /// Big packets vanish: the base size is being confirmed.
    Base,
    /// Larger sizes are tried.
    Searching,
    /// The MTU is found, and confirmed from time to time.
    Complete,
    /// Not even the base size gets through, and small packets do.
    Error,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    number: u32,
    size: Option<u16>,
    at: Instant,
    judged: bool,
}

/// One path's search.
///
/// ```
/// use pmip_tunnel::pmtu::{PathMtu, PathMtuConfig, PathMtuInput, PathMtuOutput};
/// use pmip_wire::types::Instant;
///
/// let now = Instant::from_secs(1);
/// let mut search = PathMtu::new(PathMtuConfig::ipv4(), 1_500, 7, now);
/// let PathMtuOutput::Probe(probe) = search.poll(now) else { panic!("it begins at once") };
/// assert_eq!(probe.size, Some(1_500));
/// search.handle(now, PathMtuInput::Answered(probe.number));
/// assert_eq!(search.mtu(), 1_500);
/// ```
#[derive(Clone, Debug)]
pub struct PathMtu {
    config: PathMtuConfig,
    phase: PathMtuPhase,
    mtu: u16,
    told: u16,
    /// The link's MTU: nothing larger can get out.
    ceiling: u16,
    /// The smallest size known not to fit.
    too_big: u16,
    /// The size that probes ask about, while they do.
    asking: Option<u16>,
    doubt: Doubt,
    sent: VecDeque<Sent>,
    next_number: u32,
    next_probe: Option<Instant>,
    /// The big one of a pair went out, the small one is next.
    second_of_pair: bool,
    raise_at: Option<Instant>,
    active: bool,
    rtt: Option<Duration>,
}

impl PathMtu {
    /// The search of a path that leaves by a link of `link_mtu`. Probes are numbered from `first`:
    /// take a random one, as heartbeats of the engine have numbers too.
    pub fn new(config: PathMtuConfig, link_mtu: u16, first: u32, now: Instant) -> Self {
        let mtu = link_mtu.max(config.minimum);
        let mut search = Self {
            config,
            phase: match config.probing {
                true => PathMtuPhase::Searching,
                false => PathMtuPhase::Disabled,
            },
            mtu,
            told: mtu,
            ceiling: mtu,
            too_big: mtu.saturating_add(1),
            asking: None,
            doubt: Doubt::default(),
            sent: VecDeque::with_capacity(OUTSTANDING),
            next_number: first,
            next_probe: None,
            second_of_pair: false,
            raise_at: None,
            active: false,
            rtt: None,
        };
        search.ask(now, mtu);
        search
    }

    /// The largest outer packet that the path is held to take.
    pub const fn mtu(&self) -> u16 {
        self.mtu
    }

    /// Where the search stands.
    pub const fn phase(&self) -> PathMtuPhase {
        self.phase
    }

    /// Whether a heartbeat with this sequence number answers a probe of ours; else it is the
    /// engine's.
    pub fn is_own(&self, number: u32) -> bool {
        self.sent.iter().any(|sent| sent.number == number)
    }

    /// Takes what happened.
    pub fn handle(&mut self, now: Instant, input: PathMtuInput) {
        match input {
            PathMtuInput::Answered(number) => self.on_answer(now, number),
            PathMtuInput::TooBig(mtu) => self.on_too_big(now, mtu),
            PathMtuInput::LinkMtu(mtu) => self.on_link(now, mtu),
            PathMtuInput::Active => self.on_active(now),
            PathMtuInput::Timeout => {}
        }
        self.advance(now);
    }

    /// What to do next; ask until it says `Timeout`.
    pub fn poll(&mut self, now: Instant) -> PathMtuOutput {
        self.advance(now);
        if self.told != self.mtu {
            self.told = self.mtu;
            return PathMtuOutput::Mtu(self.mtu);
        }
        if self.next_probe.is_some_and(|at| at <= now)
            && let Some(probe) = self.send(now)
        {
            return PathMtuOutput::Probe(probe);
        }
        PathMtuOutput::Timeout(self.deadline())
    }

    fn deadline(&self) -> Option<Instant> {
        let open = self.sent.iter().find(|sent| !sent.judged);
        let lost = open.map(|sent| later(sent.at, self.patience()));
        [self.next_probe, self.raise_at, lost]
            .into_iter()
            .flatten()
            .min()
    }

    /// Begins to ask whether `size` fits.
    fn ask(&mut self, now: Instant, size: u16) {
        if !self.config.probing {
            return;
        }
        self.asking = Some(size);
        self.doubt = Doubt::default();
        self.second_of_pair = false;
        self.next_probe = Some(now);
        // What is under way says nothing of this question but a late answer.
        self.sent.iter_mut().for_each(|sent| sent.judged = true);
    }

    fn send(&mut self, now: Instant) -> Option<Probe> {
        let Some(size) = self.asking else {
            // Time to confirm what was found.
            self.ask(now, self.mtu);
            return self.send(now).filter(|_| self.asking.is_some());
        };
        let size = (!self.second_of_pair).then_some(size);
        let doubted = self.doubt.began();
        let pair_begins = doubted && !self.second_of_pair;
        self.second_of_pair = pair_begins;
        self.next_probe = match (pair_begins, doubted) {
            (true, _) => Some(now),
            (false, true) => Some(later(now, self.config.spacing)),
            // The first one goes alone: nearly always it is answered.
            (false, false) => None,
        };
        let number = self.next_number;
        self.next_number = number.wrapping_add(1);
        if self.sent.len() >= OUTSTANDING {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent {
            number,
            size,
            at: now,
            judged: false,
        });
        Some(Probe { number, size })
    }

    fn on_answer(&mut self, now: Instant, number: u32) {
        let Some(sent) = self.sent.iter_mut().find(|sent| sent.number == number) else {
            return;
        };
        let (size, at, late) = (sent.size, sent.at, sent.judged);
        sent.judged = true;
        let rtt = now.saturating_since(at);
        // RFC 6298's weights would do; the larger of old and new is the safe side.
        self.rtt = Some(match self.rtt {
            Some(known) => rtt.max(known.mul_f32(0.875)),
            None => rtt,
        });
        match size {
            // However late: what came through fits.
            Some(size) => self.on_fit(now, size),
            None if !late => self.doubt.small_answered(),
            None => {}
        }
    }

    fn on_fit(&mut self, now: Instant, size: u16) {
        if size > self.ceiling {
            return;
        }
        self.too_big = self.too_big.max(size.saturating_add(1));
        self.mtu = self.mtu.max(size);
        if self.asking.is_some_and(|asked| asked <= size) {
            self.go_on(now);
        }
    }

    /// Asks about the next size, or rests.
    fn go_on(&mut self, now: Instant) {
        let gap = self.too_big.saturating_sub(self.mtu);
        if self.mtu >= self.ceiling || gap <= GRANULARITY {
            self.asking = None;
            self.next_probe = Some(later(now, self.pause()));
            self.raise_at = match self.mtu < self.ceiling {
                true => self
                    .raise_at
                    .or_else(|| Some(later(now, self.config.raise))),
                false => None,
            };
            self.phase = PathMtuPhase::Complete;
            return;
        }
        self.phase = PathMtuPhase::Searching;
        self.ask(now, self.mtu.saturating_add(gap / 2));
    }

    fn on_too_big(&mut self, now: Instant, mtu: u16) {
        let mtu = mtu.max(self.config.minimum);
        if mtu >= self.too_big {
            return; // Nothing new.
        }
        self.too_big = mtu.saturating_add(1);
        self.raise_at = Some(later(now, self.config.raise));
        if mtu < self.mtu {
            self.mtu = mtu;
            // Believed at once, and confirmed (RFC 8899 section 4.6.2).
            self.ask(now, mtu);
        } else if self.asking.is_some_and(|asked| asked > mtu) {
            self.go_on(now);
        }
    }

    fn on_link(&mut self, now: Instant, mtu: u16) {
        let mtu = mtu.max(self.config.minimum);
        if mtu == self.ceiling {
            return;
        }
        self.ceiling = mtu;
        self.mtu = mtu;
        self.too_big = mtu.saturating_add(1);
        self.raise_at = None;
        self.rtt = None;
        self.ask(now, mtu);
    }

    fn on_active(&mut self, now: Instant) {
        self.active = true;
        if self.asking.is_none() {
            let soon = later(now, self.config.confirm);
            self.next_probe = self.next_probe.map(|at| at.min(soon));
        }
    }

    fn advance(&mut self, now: Instant) {
        if self.raise_at.is_some_and(|at| at <= now) && self.asking.is_none() {
            self.raise(now);
        }
        let patience = self.patience();
        let waited = |sent: &Sent| !sent.judged && later(sent.at, patience) <= now;
        while let Some(sent) = self.sent.iter_mut().find(|sent| waited(sent)) {
            sent.judged = true;
            match sent.size {
                Some(_) => self.doubt.big_lost(),
                None => self.doubt.small_lost(),
            }
            self.judge(now);
        }
    }

    /// PMTU_RAISE_TIMER (RFC 8899 section 5.1.1), RFC 1191 section 6.3: paths change, and larger ones
    /// tell nobody.
    fn raise(&mut self, now: Instant) {
        self.raise_at = None;
        self.too_big = self.ceiling.saturating_add(1);
        match self.config.probing {
            true => {
                self.phase = PathMtuPhase::Searching;
                self.ask(now, self.ceiling);
            }
            false => self.mtu = self.ceiling,
        }
    }

    fn judge(&mut self, now: Instant) {
        let Some(size) = self.asking else { return };
        match self.doubt.verdict() {
            Verdict::Open => self.next_probe = self.next_probe.or(Some(now)),
            Verdict::TooBig => self.on_vanished(now, size),
            Verdict::Nothing => {
                self.asking = None;
                self.next_probe = Some(later(now, self.pause()));
            }
        }
    }

    /// Probes of `size` vanish, and it is not chance.
    fn on_vanished(&mut self, now: Instant, size: u16) {
        self.too_big = self.too_big.min(size);
        let raise = later(now, self.config.raise);
        self.raise_at = self.raise_at.or(Some(raise));
        if size > self.mtu {
            return self.go_on(now);
        }
        let (base, minimum) = (self.config.base, self.config.minimum);
        if size > base {
            self.mtu = base;
            self.phase = PathMtuPhase::Base;
            self.ask(now, base);
        } else {
            self.mtu = minimum;
            self.phase = PathMtuPhase::Error;
            // Asked again and again until the base size fits.
            self.too_big = self.ceiling.saturating_add(1);
            self.asking = None;
            self.next_probe = Some(later(now, self.config.confirm));
        }
    }

    /// Until the MTU is confirmed again.
    const fn pause(&mut self) -> Duration {
        let active = core::mem::replace(&mut self.active, false);
        match active {
            true => self.config.confirm,
            false => self.config.confirm_idle,
        }
    }

    /// How long the answer to a probe is waited for.
    fn patience(&self) -> Duration {
        let (least, most) = self.config.patience;
        match self.rtt {
            Some(rtt) => rtt.saturating_mul(3).clamp(least, most.max(least)),
            None => most.max(least),
        }
    }
}

#[cfg(test)]
mod tests;
