//! Path quality for multipath Proxy Mobile IPv6: probes, statistics, verdicts.
//!
//! From the inside out, each sans-IO: an input takes what happened, `poll_output` gives what to do.
//!
//! - [`Window`] counts sent, answered, lost (by direction), duplicated, reordered and late probes,
//!   and holds round-trip time, one-way delay and jitter as sums, so that
//!   [windows merge](Window::merge) without error. A [`Collector`] builds them, a [`History`] keeps
//!   them in bounded memory with quantiles, a [`VoiceScore`] says how a call would sound.
//! - [`Verdict`] compares windows with a traffic profile's [`Limits`] and changes its mind with
//!   hysteresis only; a [`Reaction`] watches one value, as routers' reactions do.
//! - [`Prober`] sends numbered probes, matches their answers and closes one window per operation.
//! - [`Sender`] is a prober that speaks IP SLA (RFC 6812 and its predecessor) or STAMP (RFC 8762);
//!   [`Responder`] and [`Reflector`] answer them.
//! - [`Liveness`] finds out within 400 ms that a path in use is dead; [`RttTracker`] follows a
//!   path's round-trip time where only heartbeats measure it.
//! - [`HybridAccess`] does all that for every path of a node, inside the paths' tunnels.
//!
//! Inside, time is integer nanoseconds and there is no floating point, but for a quantile's rank.
//!
//! # Example
//! An operation of two probes, 20 ms apart, on a path of 30 ms; the second probe is lost. Steps are
//! numbered as in the code.
//!
//! 1. Poll until the prober names its next timeout; send what it wants sent.
//! 2. Tell it of every answer, and of the time when that timeout is reached.
//! 3. Judge the window that each operation ends with.
//!
//! ```
//! use std::time::Duration;
//! use pmip_sla::{
//!     Event, Hysteresis, Input, Limits, Output, ProbeConfig, Prober, Reply, Verdict, VerdictState,
//! };
//! use pmip_wire::types::Instant;
//!
//! let ms = Duration::from_millis;
//! let config = ProbeConfig::new(2, ms(20), Duration::from_secs(1), ms(500))?;
//! let mut prober = Prober::new(config, Instant::ZERO, 1_000);
//! let limits = Limits::default().with_loss_ppm(20_000);
//! let mut verdict = Verdict::new(limits, Hysteresis::for_frequency(config.frequency()));
//!
//! let (mut now, mut replies) = (Instant::ZERO, Vec::new());
//! let state = loop {
//!     match prober.poll_output() {
//!         // 1. Send it; here the link answers the first probe 30 ms later.
//!         Output::Transmit(probe) if probe.sequence == 1_000 => {
//!             replies.push((now + ms(30), Reply::new(probe.sequence)));
//!         }
//!         Output::Transmit(_lost) => {}
//!         // 3.
//!         Output::Event(Event::OperationFinished(operation)) => {
//!             let window = &operation.window;
//!             assert_eq!(window.rtt().average(), Some(ms(30)));
//!             assert_eq!(window.loss_ppm(), Some(500_000));
//!             verdict.judge(now, window);
//!             break verdict.state();
//!         }
//!         Output::Event(_) | Output::Prepare => {}
//!         // 2.
//!         Output::Timeout(at) => {
//!             let at = at.expect("it runs");
//!             match replies.first().copied() {
//!                 Some((arrival, reply)) if arrival <= at => {
//!                     replies.clear();
//!                     now = arrival;
//!                     prober.handle_input(now, Input::Reply(reply));
//!                 }
//!                 _ => {
//!                     now = at;
//!                     prober.handle_input(now, Input::Timeout);
//!                 }
//!             }
//!         }
//!     }
//! };
//! assert_eq!(state, VerdictState::Violating);
//! # Ok::<(), pmip_sla::ProbeConfigError>(())
//! ```
//!
//! # Features
//! - `serde`: configuration, windows and verdicts can be written and read.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod clock;
mod config;
mod delay;
mod history;
mod jitter;
mod liveness;
mod loss;
mod prober;
mod reaction;
mod reflector;
mod responder;
mod rtt;
mod sender;
mod service;
mod verdict;
mod voice;
mod window;

pub use clock::Clock;
pub use config::{ProbeConfig, ProbeConfigError};
pub use delay::DelayStatistics;
pub use history::History;
pub use jitter::JitterStatistics;
pub use liveness::{Liveness, LivenessConfig, LivenessEvent, LivenessInput, LivenessOutput};
pub use loss::{LossByDirection, ResponderNumbers};
pub use prober::{Event, Input, Operation, Outcome, Output, Probe, Prober, Reply, Stray};
pub use reaction::{
    Element, Reaction, ReactionConfig, ReactionConfigError, ReactionEvent, Trigger,
};
pub use reflector::{Reflector, ReflectorConfig, ReflectorCounters};
pub use responder::{
    Answer, Received, Responder, ResponderConfig, ResponderCounters, ResponderOutput,
};
pub use rtt::RttTracker;
pub use sender::{
    ControlVersion, Datagram, IpSlaSession, Sender, SenderDrop, SenderInput, SenderOutput, SlaKey,
    StampSession,
};
pub use service::{
    HybridAccess, PathSpec, PathView, ProbeShape, ServiceConfig, ServiceConfigError,
    ServiceCounters, ServiceEvent, ServiceInput, ServiceOutput,
};
pub use verdict::{Hysteresis, Judgement, Limits, Measure, Verdict, VerdictChange, VerdictState};
pub use voice::{Codec, VoiceScore};
pub use window::{Collector, ResponderTimes, Sample, Window};

/// The example of the README, which is to work as it stands.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
