use core::time::Duration;

use crate::key::FlowKey;

/// Bounds and idle times of a [`FlowTable`](crate::FlowTable).
///
/// ```
/// use core::time::Duration;
/// use pmip_policy::{FlowKey, FlowTableConfig};
///
/// let config = FlowTableConfig::default()
///     .with_max_flows(1_000_000)
///     .with_idle(Duration::from_secs(30));
/// assert_eq!(config.idle_of(FlowKey::UDP), Duration::from_secs(30));
/// assert_eq!(config.idle_of(FlowKey::TCP), Duration::from_secs(300));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, rename_all = "kebab-case"))]
#[non_exhaustive]
pub struct FlowTableConfig {
    /// The most flows held at once, 1 to 16,777,216 (default 262,144). About 105 octets each, taken
    /// from the allocator at construction so that growth never stalls a packet.
    pub max_flows: u32,
    /// A TCP flow silent for this long is forgotten (default 300 s).
    pub tcp_idle: Duration,
    /// Any other flow silent for this long is forgotten (default 60 s).
    pub idle: Duration,
}

impl FlowTableConfig {
    /// The greatest `max_flows`.
    pub const MAX_FLOWS: u32 = 1 << 24;

    /// With this bound on flows; brought into its range.
    #[must_use]
    pub fn with_max_flows(mut self, max_flows: u32) -> Self {
        self.max_flows = max_flows.clamp(1, Self::MAX_FLOWS);
        self
    }

    /// With this idle time for TCP.
    #[must_use]
    pub const fn with_tcp_idle(mut self, tcp_idle: Duration) -> Self {
        self.tcp_idle = tcp_idle;
        self
    }

    /// With this idle time for everything but TCP.
    #[must_use]
    pub const fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// The idle time of a protocol.
    #[inline]
    pub const fn idle_of(&self, protocol: u8) -> Duration {
        match protocol {
            FlowKey::TCP => self.tcp_idle,
            _ => self.idle,
        }
    }
}

impl Default for FlowTableConfig {
    fn default() -> Self {
        Self {
            max_flows: 262_144,
            tcp_idle: Duration::from_secs(300),
            idle: Duration::from_secs(60),
        }
    }
}
