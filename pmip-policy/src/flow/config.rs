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
    /// An established TCP flow silent for this long is forgotten (default 300 s). It is established
    /// when it carried two packets.
    pub tcp_idle: Duration,
    /// Any other flow silent for this long is forgotten (default 60 s).
    pub idle: Duration,
    /// What is kept together on one path (default whole flows).
    pub spread: Spread,
    /// Whether new flows look at what paths carry (default yes): a flow whose hash wins a path that
    /// carries more than its weight goes to its second draw where that carries less. Flows that are
    /// on their way never move for it.
    pub byte_aware: bool,
    /// `flow-mirror` (default no): answers go by the path on which the flow last
    /// [arrived](crate::FlowTable::arrived). Flows are then told apart by addresses, protocol and
    /// ports alone, since the other end chooses its own code points and flow labels.
    pub mirror: bool,
}

/// What is kept together on one path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Spread {
    /// A flow, for its life.
    #[default]
    Flows,
    /// A flowlet: after a pause of at least this long a flow may go on by another path, if that
    /// carries less. The pause has to exceed this *and* what the new path is faster by, so packets
    /// keep their order as far as the delays are known.
    Flowlets {
        /// The least pause; what the delay of a path wanders by.
        gap: Duration,
    },
    /// Nothing: every packet draws its path. Packets overtake each other, which TCP takes for loss:
    /// an explicit choice for equal paths.
    Packets,
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

    /// With this kept together.
    #[must_use]
    pub const fn with_spread(mut self, spread: Spread) -> Self {
        self.spread = spread;
        self
    }

    /// With or without a look at what paths carry.
    #[must_use]
    pub const fn with_byte_aware(mut self, byte_aware: bool) -> Self {
        self.byte_aware = byte_aware;
        self
    }

    /// With or without `flow-mirror`.
    #[must_use]
    pub const fn with_mirror(mut self, mirror: bool) -> Self {
        self.mirror = mirror;
        self
    }

    /// The idle time of an established flow of a protocol.
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
            spread: Spread::Flows,
            byte_aware: true,
            mirror: false,
        }
    }
}
