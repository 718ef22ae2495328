use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use pmip_wire::sla::CONTROL_PORT;
use pmip_wire::stamp::{PORT as STAMP_PORT, ReflectorPacket, SenderPacket, StampMode};
use pmip_wire::types::{Instant, PathId};

use super::inner::{self, Inner};
use super::{PathSpec, PathView, ServiceConfig, ServiceEvent, ServiceOutput, end, source_port};
use crate::clock::Clock;
use crate::config::ProbeConfig;
use crate::history::History;
use crate::liveness::{Liveness, LivenessConfig, LivenessInput, LivenessOutput};
use crate::prober::{Event, Operation};
use crate::reaction::Reaction;
use crate::sender::{IpSlaSession, Sender, SenderInput, SenderOutput};
use crate::verdict::Verdict;
use crate::voice::VoiceScore;

/// One path under watch.
#[derive(Debug)]
pub(super) struct Path {
    spec: PathSpec,
    clock: Clock,
    sender: Option<Sender>,
    pub(super) history: History,
    pub(super) verdicts: BTreeMap<String, Verdict>,
    reactions: Vec<Reaction>,
    pub(super) liveness: Option<Liveness>,
    liveness_config: Option<LivenessConfig>,
    /// Where the service has it noted.
    pub(super) due: Option<Instant>,
}

impl Path {
    pub(super) fn new(
        spec: PathSpec,
        now: Instant,
        config: &ServiceConfig,
        clock: Clock,
        seed: u64,
    ) -> Self {
        let mut path = Self {
            spec,
            clock,
            sender: None,
            history: History::new(config.history),
            verdicts: BTreeMap::new(),
            reactions: Vec::new(),
            liveness: None,
            liveness_config: None,
            due: None,
        };
        path.configure(now, config, clock, seed);
        path
    }

    pub(super) fn has_ends_of(&self, spec: &PathSpec) -> bool {
        let ends = |spec: &PathSpec| (spec.source, spec.destination);
        ends(&self.spec) == ends(spec) && self.spec.vrf == spec.vrf
    }

    /// The same path of somebody else.
    pub(super) fn rename(&mut self, spec: PathSpec) {
        self.spec = spec;
    }

    pub(super) fn configure(
        &mut self,
        now: Instant,
        config: &ServiceConfig,
        clock: Clock,
        seed: u64,
    ) {
        self.clock = clock;
        let probe = config.probe(&self.spec);
        let running = self.sender.as_ref().map(|sender| *sender.config());
        if probe != running {
            self.sender = probe.map(|probe| self.sender(probe, now, config, seed));
        }
        self.configure_verdicts(probe, config);
        let reactions = config.reactions.iter();
        let same = reactions
            .clone()
            .eq(self.reactions.iter().map(Reaction::config));
        if !same {
            // Each was made before, when the configuration was checked.
            self.reactions = reactions.filter_map(|r| Reaction::new(*r).ok()).collect();
        }
        if self.liveness_config != config.liveness {
            self.liveness_config = config.liveness;
            let [.., a, b, c, d] = seed.to_be_bytes();
            let first = u32::from_be_bytes([a, b, c, d]);
            self.liveness = config.liveness.map(|config| Liveness::new(config, first));
        }
    }

    /// Verdicts stay where limits do, and are unknown where nothing probes.
    fn configure_verdicts(&mut self, probe: Option<ProbeConfig>, config: &ServiceConfig) {
        let hysteresis = config.hysteresis(&probe.unwrap_or_default());
        let mut former = std::mem::take(&mut self.verdicts);
        for (name, limits) in &config.profiles {
            let fresh = Verdict::new(*limits, hysteresis);
            let kept = former.remove(name).filter(|verdict| {
                let same = verdict.limits() == limits && verdict.hysteresis() == &hysteresis;
                same && probe.is_some()
            });
            self.verdicts.insert(name.clone(), kept.unwrap_or(fresh));
        }
    }

    fn sender(
        &self,
        probe: ProbeConfig,
        now: Instant,
        config: &ServiceConfig,
        seed: u64,
    ) -> Sender {
        let ours = end(self.spec.source, source_port(self.spec.path));
        let responder = end(self.spec.destination, CONTROL_PORT);
        let mut session = IpSlaSession::new(ours, responder).with_measurement_port(CONTROL_PORT);
        if let Some(key) = &config.key {
            session = session.with_key(key.clone());
        }
        let [a, b, c, d, ..] = seed.to_be_bytes();
        let first = u32::from_be_bytes([a, b, c, d]);
        let start = now + spread(self.spec.path, probe.frequency());
        Sender::ip_sla(session, probe, self.clock, start, first)
    }

    pub(super) fn set_clock(&mut self, now: Instant, clock: Clock) {
        self.clock = clock;
        if let Some(sender) = &mut self.sender {
            sender.handle_input(now, SenderInput::Clock(clock));
        }
    }

    pub(super) fn is_between_ends(&self, inner: &Inner<'_>) -> bool {
        inner.source.ip() == self.spec.destination && inner.destination.ip() == self.spec.source
    }

    pub(super) fn view(&self) -> PathView<'_> {
        PathView {
            spec: &self.spec,
            history: &self.history,
            liveness: self.liveness.as_ref(),
            probed: self.sender.is_some(),
            path: self,
        }
    }

    pub(super) fn memory(&self) -> usize {
        let sender = self.sender.as_ref().map_or(0, Sender::memory);
        let verdict = size_of::<Verdict>() + 2 * size_of::<String>();
        size_of::<Self>()
            + self.history.memory().saturating_sub(size_of::<History>())
            + sender.saturating_sub(size_of::<Sender>())
            + self.verdicts.len() * verdict
            + self.reactions.capacity() * size_of::<Reaction>()
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let sender = self.sender.as_ref().and_then(Sender::next_timeout);
        let liveness = self.liveness.as_ref().and_then(Liveness::next_timeout);
        sender.into_iter().chain(liveness).min()
    }

    pub(super) fn timeout(&mut self, now: Instant) {
        if let Some(sender) = &mut self.sender {
            sender.handle_input(now, SenderInput::Timeout);
        }
        if let Some(liveness) = &mut self.liveness {
            liveness.handle_input(now, LivenessInput::Timeout);
        }
    }

    /// Takes an answer to one of our probes; `false` where it is none.
    pub(super) fn answer(&mut self, now: Instant, at: Instant, inner: &Inner<'_>) -> bool {
        if inner.destination.port() != source_port(self.spec.path) {
            return false;
        }
        match inner.source.port() {
            CONTROL_PORT => self.answer_sla(now, at, inner),
            STAMP_PORT => self.answer_liveness(now, inner),
            _ => false,
        }
    }

    fn answer_sla(&mut self, now: Instant, at: Instant, inner: &Inner<'_>) -> bool {
        let Some(sender) = &mut self.sender else {
            return false;
        };
        let before = (sender.dropped(), sender.unmatched());
        let input = SenderInput::Datagram {
            from: inner.source,
            octets: inner.payload,
        };
        sender.handle_input(at.min(now), input);
        let wanted = before == (sender.dropped(), sender.unmatched());
        if wanted && let Some(liveness) = &mut self.liveness {
            liveness.handle_input(now, LivenessInput::Heard);
        }
        wanted
    }

    fn answer_liveness(&mut self, now: Instant, inner: &Inner<'_>) -> bool {
        let Some(liveness) = &mut self.liveness else {
            return false;
        };
        let Ok(packet) = ReflectorPacket::parse(inner.payload, StampMode::Unauthenticated) else {
            return false;
        };
        let number = packet.base.sender_sequence;
        liveness.handle_input(now, LivenessInput::Answered(number));
        true
    }

    /// Takes what the path's parts want.
    pub(super) fn drain(
        &mut self,
        now: Instant,
        config: &ServiceConfig,
        outputs: &mut VecDeque<ServiceOutput>,
    ) {
        self.drain_sender(now, config, outputs);
        self.drain_liveness(now, outputs);
    }

    fn drain_sender(
        &mut self,
        now: Instant,
        config: &ServiceConfig,
        outputs: &mut VecDeque<ServiceOutput>,
    ) {
        let path = self.spec.path;
        loop {
            let Some(sender) = &mut self.sender else {
                return;
            };
            match sender.poll_output() {
                SenderOutput::Transmit(datagram) => {
                    let ours = end(self.spec.source, source_port(path));
                    let packet = inner::build(ours, datagram.to, 0, &datagram.octets);
                    outputs.extend(packet.map(|packet| ServiceOutput::Transmit { path, packet }));
                }
                SenderOutput::Event(Event::Answered(sample)) => self.history.answered(&sample),
                SenderOutput::Event(Event::OperationFinished(operation)) => {
                    self.finish(now, operation, config, outputs);
                }
                SenderOutput::Event(Event::Stray { .. }) | SenderOutput::Dropped(_) => {}
                SenderOutput::Timeout(_) => return,
            }
        }
    }

    fn finish(
        &mut self,
        now: Instant,
        operation: Box<Operation>,
        config: &ServiceConfig,
        outputs: &mut VecDeque<ServiceOutput>,
    ) {
        let path = self.spec.path;
        let rated = |codec| VoiceScore::of(&operation.window, codec, config.advantage);
        let voice = config.codec.and_then(rated);
        self.history.finished(*operation);
        let mut events = Vec::new();
        for (profile, verdict) in &mut self.verdicts {
            if let Some(change) = verdict.judge(now, &operation.window) {
                let profile = profile.clone();
                events.push(ServiceEvent::Verdict {
                    path,
                    profile,
                    change,
                });
            }
        }
        for reaction in &mut self.reactions {
            let event = reaction.observe(now, &operation, voice);
            events.extend(event.map(|event| ServiceEvent::Reaction { path, event }));
        }
        let operation = ServiceEvent::Operation {
            path,
            operation,
            voice,
        };
        let all = std::iter::once(operation).chain(events);
        outputs.extend(all.map(ServiceOutput::Event));
    }

    fn drain_liveness(&mut self, now: Instant, outputs: &mut VecDeque<ServiceOutput>) {
        let path = self.spec.path;
        let Some(liveness) = &mut self.liveness else {
            return;
        };
        loop {
            match liveness.poll_output() {
                LivenessOutput::Probe(number) => {
                    let packet = stamp(&self.spec, number, now, &self.clock);
                    outputs.extend(packet.map(|packet| ServiceOutput::Transmit { path, packet }));
                }
                LivenessOutput::Event(event) => {
                    let event = ServiceEvent::Liveness { path, event };
                    outputs.push_back(ServiceOutput::Event(event));
                }
                LivenessOutput::Timeout(_) => return,
            }
        }
    }
}

/// The probe that asks whether a path lives.
fn stamp(spec: &PathSpec, number: u32, now: Instant, clock: &Clock) -> Option<bytes::Bytes> {
    let mut payload = Vec::new();
    SenderPacket {
        sequence: number,
        timestamp: clock.timestamp(now),
        error_estimate: clock.error_estimate(),
        ssid: 0,
    }
    .encode(StampMode::Unauthenticated, &mut payload);
    let ours = end(spec.source, source_port(spec.path));
    inner::build(
        ours,
        end(spec.destination, STAMP_PORT),
        NETWORK_CONTROL,
        &payload,
    )
}

/// Class selector 6: what says that a path is dead must not be queued behind what fills it.
const NETWORK_CONTROL: u8 = 0xc0;

/// Where in the period a path's operations begin: the fractional part of multiples of the golden
/// ratio, which spreads any number of paths evenly without knowing how many there will be.
fn spread(path: PathId, period: Duration) -> Duration {
    const GOLDEN: u32 = 0x9e37_79b9;
    let fraction = u128::from(path.0.wrapping_mul(GOLDEN));
    let nanos = (period.as_nanos() * fraction) >> 32;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}
