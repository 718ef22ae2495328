//! `mobility-service hybrid-access`: profiles, probes and load balancing of either role.

use serde::{Deserialize, Serialize};

use super::{Percent, section};

section! {
    /// The hybrid-access service.
    pub struct HybridAccess {
        /// Probes off, except where `enable-sla` says otherwise.
        pub disable_sla: bool,
        /// Shape of the probes.
        pub sla: SlaProbe,
        /// LMA: probes of one MAG.
        pub enable_sla_mag: Vec<SlaOverride>,
        /// LMA: probes of one customer's paths.
        pub enable_sla_customer: Vec<SlaOverride>,
        /// Operations before a path is judged anew.
        pub sla_reaction: SlaReaction,
        /// How new flows are shared; none: equal.
        pub load_balance: Option<LoadBalance>,
        /// Spread packets, not flows.
        pub per_packet: bool,
        /// Move flows back to a better path when it returns.
        pub preempt: bool,
        /// Weights by label.
        pub link: Vec<LinkWeight>,
        /// Traffic profiles.
        #[serde(rename = "profile-definition")]
        pub profiles: Vec<ProfileDefinition>,
    }
}

impl HybridAccess {
    /// The weight of a label in the MAG's sending direction, 1 to 100.
    pub fn up_weight(&self, label: &str) -> Option<u32> {
        let link = self.link.iter().find(|link| link.label == label)?;
        link.weight
            .or_else(|| self.share(link.bandwidth_up?, |link| link.bandwidth_up))
    }

    /// The weight of a label in the LMA's sending direction, 1 to 100.
    pub fn down_weight(&self, label: &str) -> Option<u32> {
        let link = self.link.iter().find(|link| link.label == label)?;
        link.down_weight
            .or(link.weight)
            .or_else(|| self.share(link.bandwidth_down?, |link| link.bandwidth_down))
    }

    /// A capacity in hundredths of the largest one.
    fn share(&self, capacity: u32, of: impl Fn(&LinkWeight) -> Option<u32>) -> Option<u32> {
        let largest = u64::from(self.link.iter().filter_map(of).max()?);
        let share = (u64::from(capacity) * 100).checked_div(largest)?;
        u32::try_from(share.clamp(1, 100)).ok()
    }
}

section! {
    /// `sla`: the UDP-jitter operation. What is not set keeps its default.
    pub struct SlaProbe {
        /// Packets, 1 to 100; none: 10.
        pub num_packets: Option<u32>,
        /// Milliseconds between packets, 4 to 6000; none: 100.
        pub interval: Option<u32>,
        /// Seconds between operations, 1 to 604800; none: 60.
        pub frequency: Option<u32>,
    }
}

impl SlaProbe {
    /// Packets of one operation.
    pub fn packets(&self) -> u32 {
        self.num_packets.unwrap_or(10)
    }

    /// Milliseconds between packets.
    pub fn interval_ms(&self) -> u32 {
        self.interval.unwrap_or(100)
    }

    /// Seconds between operations.
    pub fn frequency_s(&self) -> u32 {
        self.frequency.unwrap_or(60)
    }
}

section! {
    /// `enable-sla mag|customer NAME ...`.
    pub struct SlaOverride {
        /// The MAG's identifier or the customer's name.
        pub name: String,
        /// Packets, 1 to 100.
        pub num_packets: Option<u32>,
        /// Milliseconds between packets, 4 to 6000.
        pub interval: Option<u32>,
        /// Seconds between operations, 1 to 604800.
        pub frequency: Option<u32>,
    }
}

section! {
    /// `sla-reaction`: hysteresis of verdicts.
    pub struct SlaReaction {
        /// Violating operations before a path leaves, 1 to 16; none: 1.
        pub down: Option<u32>,
        /// Conforming operations before it returns, 1 to 16; none: 3.
        pub up: Option<u32>,
    }
}

/// `load-balance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoadBalance {
    /// Every path alike.
    Equal,
    /// By configured weight.
    Weighted,
    /// By capacity and measured health.
    Dynamic,
}

impl LoadBalance {
    /// The word of the configuration language.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Weighted => "weighted",
            Self::Dynamic => "dynamic",
        }
    }
}

section! {
    /// `link LABEL ...`: weight or capacity of the paths of a label.
    pub struct LinkWeight {
        /// The label.
        pub label: String,
        /// 1 to 100; the MAG's sending direction, and the LMA's unless `down_weight` is set.
        pub weight: Option<u32>,
        /// 1 to 100; the LMA's sending direction.
        pub down_weight: Option<u32>,
        /// Capacity from MAG to LMA, kbit/s.
        pub bandwidth_up: Option<u32>,
        /// Capacity from LMA to MAG, kbit/s.
        pub bandwidth_down: Option<u32>,
    }
}

section! {
    /// `profile-definition NAME`: what a path must meet. A limit that is not set is not tested.
    pub struct ProfileDefinition {
        /// 1 to 125 characters.
        pub name: String,
        /// Milliseconds, 1 to 60000.
        pub jitter: Option<u32>,
        /// Milliseconds, 1 to 60000.
        pub rtt: Option<u32>,
        /// Percent, 0 to 100.
        pub packet_loss: Option<Percent>,
    }
}
