use std::time::Duration;

use super::error::Checker;

/// How bindings are revoked (RFC 5846 section 11), and what a peer may revoke.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct RevocationConfig {
    /// Retransmissions of an unanswered indication (BRIMaxRetriesNumber), 0 to 10.
    pub retries: u32,
    /// Wait before the first one (InitMINDelayBRIs), 0.5 s to 65.535 s; doubles each time.
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub initial_delay: Duration,
    /// Where the doubling stops (MAX_BRACK_TIMEOUT), 0.5 s to 65.535 s.
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub maximum_delay: Duration,
    /// LMA: an access gateway may revoke all its bindings at once; off: status 130 (RFC 5846
    /// section 8.2 asks for an authorisation).
    pub accept_global: bool,
    /// LMA: a gateway that a mobile node left is told at once, and asked when the handoff state
    /// is unknown (RFC 5846 section 8.1).
    pub on_handoff: bool,
}

impl RevocationConfig {
    pub(super) fn check(&self, checker: &mut Checker) {
        let (least, most) = (Duration::from_millis(500), Duration::from_millis(65_535));
        checker.number("bri retries", self.retries.into(), 0, 10);
        checker.duration("bri delay min", self.initial_delay, least, most);
        checker.duration("bri delay max", self.maximum_delay, least, most);
    }
}

impl Default for RevocationConfig {
    fn default() -> Self {
        Self {
            retries: 1,
            initial_delay: Duration::from_secs(1),
            maximum_delay: Duration::from_secs(2),
            accept_global: false,
            on_handoff: true,
        }
    }
}
