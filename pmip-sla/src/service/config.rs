use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::{ProbeConfig, ProbeConfigError};
use crate::history::History;
use crate::liveness::LivenessConfig;
use crate::reaction::{Reaction, ReactionConfig, ReactionConfigError};
use crate::responder::ResponderConfig;
use crate::sender::SlaKey;
use crate::verdict::{Hysteresis, Limits};
use crate::voice::Codec;

use super::PathSpec;

/// The shape of operations as `sla` and `enable-sla` give it: what is not set is inherited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, rename_all = "kebab-case"))]
pub struct ProbeShape {
    /// Probes of an operation, 1 to 100.
    pub packets: Option<u32>,
    /// Time between two probes.
    pub interval: Option<Duration>,
    /// Time between the beginnings of two operations.
    pub frequency: Option<Duration>,
}

impl ProbeShape {
    /// This one, and what it leaves open from `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            packets: self.packets.or(other.packets),
            interval: self.interval.or(other.interval),
            frequency: self.frequency.or(other.frequency),
        }
    }

    /// The whole shape, with the defaults for what is still open.
    ///
    /// # Errors
    /// [`ProbeConfigError`] where the values do not fit each other.
    pub fn build(self, timeout: Duration) -> Result<ProbeConfig, ProbeConfigError> {
        let default = ProbeConfig::default();
        ProbeConfig::new(
            self.packets.unwrap_or_else(|| default.packets()),
            self.interval.unwrap_or_else(|| default.interval()),
            self.frequency.unwrap_or_else(|| default.frequency()),
            timeout,
        )
    }
}

/// The hybrid-access service (`mobility-service hybrid-access`).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServiceConfig {
    /// No probes, except where `mags` or `customers` say otherwise (`disable-sla`).
    pub disable_sla: bool,
    /// The shape of operations (`sla`).
    pub sla: ProbeShape,
    /// Probes on the paths of these MAGs, also where `disable_sla` is set (`enable-sla mag`). Wins
    /// over `customers`.
    pub mags: BTreeMap<String, ProbeShape>,
    /// Probes on the paths of these customers, also where `disable_sla` is set
    /// (`enable-sla customer`).
    pub customers: BTreeMap<String, ProbeShape>,
    /// How long a probe waits for its answer.
    pub timeout: Duration,
    /// Limits by the profile's name (`profile-definition`).
    pub profiles: BTreeMap<String, Limits>,
    /// Violating operations in a row that make a path violating (`sla-reaction down`).
    pub down: u8,
    /// Conforming operations in a row that make it conforming again (`sla-reaction up`).
    pub up: u8,
    /// What operations are watched for besides.
    pub reactions: Vec<ReactionConfig>,
    /// The codec whose calls are rated; none: calls are not rated.
    pub codec: Option<Codec>,
    /// The advantage factor of those calls.
    pub advantage: u8,
    /// Fast failure detection; none: off.
    pub liveness: Option<LivenessConfig>,
    /// What control requests are authenticated with.
    pub key: Option<SlaKey>,
    /// How our responder is guarded. Its ports are set by the service: 1167 alone, for nothing else
    /// passes through tunnels.
    pub responder: ResponderConfig,
    /// Operations of each path that are kept.
    pub history: usize,
}

impl Default for ServiceConfig {
    /// Probes on every path: ten, 100 ms apart, every minute, 5 s for an answer; no profile.
    fn default() -> Self {
        Self {
            disable_sla: false,
            sla: ProbeShape::default(),
            mags: BTreeMap::new(),
            customers: BTreeMap::new(),
            timeout: ProbeConfig::default().timeout(),
            profiles: BTreeMap::new(),
            down: 1,
            up: 3,
            reactions: Vec::new(),
            codec: None,
            advantage: 0,
            liveness: Some(LivenessConfig::default()),
            key: None,
            responder: ResponderConfig::default(),
            history: History::DEFAULT_CAPACITY,
        }
    }
}

/// Why a [`ServiceConfig`] cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceConfigError {
    /// The operations of `whose` do not fit.
    #[error("{whose}: {error}")]
    Probe {
        /// The command that shapes them.
        whose: String,
        /// What is wrong.
        error: ProbeConfigError,
    },
    /// A reaction cannot work.
    #[error("reaction {number}: {error}")]
    Reaction {
        /// Its place, from 1.
        number: usize,
        /// What is wrong.
        error: ReactionConfigError,
    },
}

impl ServiceConfig {
    /// Everything that is wrong.
    ///
    /// # Errors
    /// The list, where it is not empty.
    pub fn check(&self) -> Result<(), Vec<ServiceConfigError>> {
        let mut errors = Vec::new();
        let named = |kind: &'static str| {
            move |(name, shape): (&String, &ProbeShape)| {
                (format!("enable-sla {kind} {name}"), *shape)
            }
        };
        let shapes = std::iter::once(("sla".to_owned(), ProbeShape::default()))
            .chain(self.mags.iter().map(named("mag")))
            .chain(self.customers.iter().map(named("customer")));
        for (whose, shape) in shapes {
            if let Err(error) = shape.or(self.sla).build(self.timeout) {
                errors.push(ServiceConfigError::Probe { whose, error });
            }
        }
        for (number, reaction) in (1..).zip(&self.reactions) {
            if let Err(error) = Reaction::new(*reaction) {
                errors.push(ServiceConfigError::Reaction { number, error });
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }

    /// The operations on a path; `None`: none. What a MAG's line leaves open comes from `sla`, and
    /// so for a customer's.
    pub fn probe(&self, path: &PathSpec) -> Option<ProbeConfig> {
        let named = |lines: &BTreeMap<String, ProbeShape>, name: &Option<String>| {
            name.as_ref().and_then(|name| lines.get(name)).copied()
        };
        let line = named(&self.mags, &path.mag).or_else(|| named(&self.customers, &path.customer));
        if line.is_none() && self.disable_sla {
            return None;
        }
        let shape = line.unwrap_or_default().or(self.sla);
        shape.build(self.timeout).ok()
    }

    /// How slowly verdicts change on a path with these operations.
    pub(super) fn hysteresis(&self, probe: &ProbeConfig) -> Hysteresis {
        Hysteresis::for_frequency(probe.frequency())
            .with_down(self.down)
            .with_up(self.up)
    }
}
