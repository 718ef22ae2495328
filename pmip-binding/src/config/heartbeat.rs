use std::time::Duration;

use pmip_wire::types::Label;

use super::error::Checker;

/// How the paths are watched (RFC 5847, one heartbeat per path).
///
/// Without rules no heartbeat is sent; those of a peer are always answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct HeartbeatConfig {
    /// A rule without label is the default; one with a label holds for the paths that carry it.
    pub rules: Vec<HeartbeatRule>,
}

/// One line of heartbeat configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct HeartbeatRule {
    /// The paths it holds for; `None` = all without a rule of their own.
    #[cfg_attr(feature = "serde", serde(default))]
    pub label: Option<Label>,
    /// From request to request (HEARTBEAT_INTERVAL). The engines take 1 ms to 1 day; the 10 s
    /// floor belongs to the configuration language.
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub interval: Duration,
    /// Missed answers allowed (MISSING_HEARTBEATS_ALLOWED): the path is down when the count
    /// exceeds this.
    pub retries: u32,
    /// How long an answer may take; after it the next request goes out. Default: the interval,
    /// 3 s at most.
    #[cfg_attr(
        feature = "serde",
        serde(default, with = "super::text::optional_duration")
    )]
    pub timeout: Option<Duration>,
    /// Detect and repair a NAT that gave the peer a new mapping (feature semantics section 5).
    #[cfg_attr(feature = "serde", serde(default))]
    pub nat_reboot: bool,
}

impl HeartbeatConfig {
    /// One rule for every path.
    pub fn every(interval: Duration, retries: u32) -> Self {
        Self {
            rules: vec![HeartbeatRule::new(interval, retries)],
        }
    }

    /// The rule for a path with this label: its own, else the default one.
    pub fn for_label(&self, label: Label) -> Option<&HeartbeatRule> {
        let own = self.rules.iter().find(|rule| rule.label == Some(label));
        own.or_else(|| self.rules.iter().find(|rule| rule.label.is_none()))
    }

    pub(super) fn check(&self, checker: &mut Checker) {
        for rule in &self.rules {
            let day = Duration::from_secs(86_400);
            let tick = Duration::from_millis(1);
            checker.duration("heartbeat interval", rule.interval, tick, day);
            checker.duration("heartbeat timeout", rule.answer_timeout(), tick, day);
            checker.number("heartbeat retries", rule.retries.into(), 0, 1000);
        }
    }
}

impl HeartbeatRule {
    /// A rule for every path.
    pub const fn new(interval: Duration, retries: u32) -> Self {
        Self {
            label: None,
            interval,
            retries,
            timeout: None,
            nat_reboot: false,
        }
    }

    /// The same rule for the paths of one label alone.
    #[must_use]
    pub const fn for_label(mut self, label: Label) -> Self {
        self.label = Some(label);
        self
    }

    /// How long an answer may take.
    pub fn answer_timeout(&self) -> Duration {
        self.timeout
            .unwrap_or_else(|| self.interval.min(Duration::from_secs(3)))
    }
}
