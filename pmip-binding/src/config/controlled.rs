use std::time::Duration;

use super::error::Checker;

/// What an anchor sets on its gateways (RFC 8127 section 4.1); nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct ControlledConfig {
    /// When gateways register again (EnableLCMPSubOptReregControl); `None` = off.
    pub reregistration: Option<ReregistrationControl>,
    /// When gateways send heartbeats (EnableLCMPSubOptHeartbeatControl); `None` = off.
    pub heartbeat: Option<HeartbeatControl>,
}

/// When gateways register again. Zero is a mistake of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct ReregistrationControl {
    /// LCMPReregistrationStartTime: how long before expiry, in whole units of 4 s.
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub start_time: Duration,
    /// LCMPInitialRetransmissionTime, in whole seconds.
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub initial_retransmission: Duration,
    /// LCMPMaximumRetransmissionTime, in whole seconds.
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub maximum_retransmission: Duration,
}

/// When gateways send heartbeats. Zero is a mistake of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct HeartbeatControl {
    /// LCMPHeartbeatInterval, in whole seconds, 30 to 3600.
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub interval: Duration,
    /// LCMPHeartbeatRetransmissionDelay, in whole seconds, less than the interval.
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub retransmission_delay: Duration,
    /// LCMPHeartbeatMaxRetransmissions.
    pub max_retransmissions: u16,
}

impl ControlledConfig {
    pub(super) fn check(&self, checker: &mut Checker) {
        let second = Duration::from_secs(1);
        let most = Duration::from_secs(u16::MAX.into());
        if let Some(control) = &self.reregistration {
            let unit = Duration::from_secs(4);
            checker.duration("lcmp start time", control.start_time, unit, most * 4);
            let (initial, maximum) = (
                control.initial_retransmission,
                control.maximum_retransmission,
            );
            checker.duration("lcmp initial retransmission", initial, second, most);
            checker.duration("lcmp maximum retransmission", maximum, initial, most);
        }
        if let Some(control) = &self.heartbeat {
            let (least, longest) = (Duration::from_secs(30), Duration::from_secs(3600));
            checker.duration("lcmp heartbeat interval", control.interval, least, longest);
            let shorter = control.interval.saturating_sub(second);
            let delay = control.retransmission_delay;
            checker.duration("lcmp heartbeat retransmission", delay, second, shorter);
            let retries = control.max_retransmissions.into();
            checker.number("lcmp heartbeat retries", retries, 1, 1000);
        }
    }
}

impl Default for ReregistrationControl {
    fn default() -> Self {
        Self {
            start_time: Duration::from_secs(40),
            initial_retransmission: Duration::from_secs(1),
            maximum_retransmission: Duration::from_secs(32),
        }
    }
}

impl Default for HeartbeatControl {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            retransmission_delay: Duration::from_secs(5),
            max_retransmissions: 3,
        }
    }
}
