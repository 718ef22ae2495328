use std::time::Duration;

/// The shape of a probing operation: a number of packets, an interval apart, every so often.
///
/// The command `sla num-packets N interval MS frequency S` of the hybrid-access service. An
/// operation must end before the next begins: `(packets - 1) * interval + timeout <= frequency`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Unchecked", into = "Unchecked"))]
pub struct ProbeConfig {
    packets: u32,
    interval: Duration,
    frequency: Duration,
    timeout: Duration,
    threshold: Duration,
}

/// Round-trip times above this are counted apart, unless configured otherwise.
const THRESHOLD: Duration = Duration::from_secs(5);

impl ProbeConfig {
    /// The most packets of an operation.
    pub const MAX_PACKETS: u32 = 100;

    /// An operation of `packets` (1 to 100) probes, `interval` (above zero) apart, begun every
    /// `frequency` and each waiting `timeout` (above zero) for its answer.
    ///
    /// Ranges of the configuration language (interval 4 ms to 6 s, frequency 1 s to 7 days) are
    /// narrower than what works here.
    ///
    /// # Errors
    /// [`ProbeConfigError`] says which value is wrong and what would be right.
    pub fn new(
        packets: u32,
        interval: Duration,
        frequency: Duration,
        timeout: Duration,
    ) -> Result<Self, ProbeConfigError> {
        if !(1..=Self::MAX_PACKETS).contains(&packets) {
            return Err(ProbeConfigError::Packets { packets });
        }
        if interval.is_zero() || timeout.is_zero() {
            return Err(ProbeConfigError::Zero);
        }
        let config = Self {
            packets,
            interval,
            frequency,
            timeout,
            threshold: THRESHOLD,
        };
        let needed = config.length();
        if needed > frequency {
            return Err(ProbeConfigError::TooLong { needed, frequency });
        }
        Ok(config)
    }

    /// Counts round-trip times above `threshold` (default 5 s) apart.
    #[must_use]
    pub const fn with_threshold(mut self, threshold: Duration) -> Self {
        self.threshold = threshold;
        self
    }

    /// The round-trip time above which answers are counted apart.
    pub const fn threshold(&self) -> Duration {
        self.threshold
    }

    /// Probes of an operation.
    pub const fn packets(&self) -> u32 {
        self.packets
    }

    /// Time between two probes.
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// Time between the beginnings of two operations.
    pub const fn frequency(&self) -> Duration {
        self.frequency
    }

    /// How long a probe waits for its answer.
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The longest that an operation takes.
    pub fn length(&self) -> Duration {
        let sending = self.interval.saturating_mul(self.packets - 1);
        sending.saturating_add(self.timeout)
    }
}

/// Ten probes, 100 ms apart, every minute, 5 s for an answer.
impl Default for ProbeConfig {
    fn default() -> Self {
        Self {
            packets: 10,
            interval: Duration::from_millis(100),
            frequency: Duration::from_secs(60),
            timeout: Duration::from_secs(5),
            threshold: THRESHOLD,
        }
    }
}

/// Why a [`ProbeConfig`] could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeConfigError {
    /// The number of packets is out of range.
    #[error(
        "{packets} packets in an operation: give 1 to {}",
        ProbeConfig::MAX_PACKETS
    )]
    Packets {
        /// The number given.
        packets: u32,
    },
    /// The interval or the timeout is zero.
    #[error("interval and timeout must be above zero")]
    Zero,
    /// An operation would last beyond the beginning of the next.
    #[error(
        "an operation lasts up to {needed:?} ((packets - 1) * interval + timeout) but the next \
         begins after {frequency:?}: raise the frequency or send fewer packets"
    )]
    TooLong {
        /// What the operation needs.
        needed: Duration,
        /// The frequency given.
        frequency: Duration,
    },
}

/// The serialised form, which still has to pass [`ProbeConfig::new`].
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
struct Unchecked {
    packets: u32,
    interval: Duration,
    frequency: Duration,
    timeout: Duration,
    #[serde(default = "default_threshold")]
    threshold: Duration,
}

#[cfg(feature = "serde")]
const fn default_threshold() -> Duration {
    THRESHOLD
}

#[cfg(feature = "serde")]
impl TryFrom<Unchecked> for ProbeConfig {
    type Error = ProbeConfigError;

    fn try_from(from: Unchecked) -> Result<Self, ProbeConfigError> {
        Self::new(from.packets, from.interval, from.frequency, from.timeout)
            .map(|config| config.with_threshold(from.threshold))
    }
}

#[cfg(feature = "serde")]
impl From<ProbeConfig> for Unchecked {
    fn from(from: ProbeConfig) -> Self {
        Self {
            packets: from.packets,
            interval: from.interval,
            frequency: from.frequency,
            timeout: from.timeout,
            threshold: from.threshold,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both examples of the feature description's consistency rule.
    #[test]
    fn an_operation_must_end_before_the_next_begins() {
        let ms = Duration::from_millis;
        let secs = Duration::from_secs;
        assert!(ProbeConfig::new(10, ms(100), secs(100), secs(5)).is_ok());
        assert_eq!(
            ProbeConfig::new(100, ms(6_000), secs(60), secs(5)),
            Err(ProbeConfigError::TooLong {
                needed: secs(599),
                frequency: secs(60)
            })
        );
        // The border itself is allowed.
        assert!(ProbeConfig::new(2, ms(500), secs(1), ms(500)).is_ok());
        assert!(ProbeConfig::new(2, ms(500), secs(1), ms(501)).is_err());
    }

    #[test]
    fn the_default_is_consistent() {
        let d = ProbeConfig::default();
        assert_eq!(
            ProbeConfig::new(d.packets, d.interval, d.frequency, d.timeout),
            Ok(d)
        );
    }

    #[test]
    fn packets_out_of_range_are_refused() {
        let second = Duration::from_secs(1);
        for packets in [0, 101, u32::MAX] {
            let config = ProbeConfig::new(packets, second, second * 1_000, second);
            assert_eq!(config, Err(ProbeConfigError::Packets { packets }));
        }
    }
}
