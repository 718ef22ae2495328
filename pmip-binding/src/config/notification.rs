use std::time::Duration;

use super::error::Checker;

/// How an anchor repeats update notifications (RFC 7077 section 7).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct NotificationConfig {
    /// MAX_UPDATE_NOTIFICATION_RETRANSMIT_COUNT, 0 to 5.
    pub retries: u32,
    /// MIN_DELAY_BETWEEN_UPDATE_NOTIFICATION_REPLAY, 0.5 s to 5 s.
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub delay: Duration,
}

impl NotificationConfig {
    pub(super) fn check(&self, checker: &mut Checker) {
        let (least, most) = (Duration::from_millis(500), Duration::from_secs(5));
        checker.number("update notification retries", self.retries.into(), 0, 5);
        checker.duration("update notification delay", self.delay, least, most);
    }
}

impl Default for NotificationConfig {
    fn default() -> Self {
        Self {
            retries: 1,
            delay: Duration::from_secs(1),
        }
    }
}
