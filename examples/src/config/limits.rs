//! Ranges of numbers, in one place for both texts.

/// The allowed values of one setting.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Limit {
    /// What commands call it.
    pub(super) name: &'static str,
    /// The least.
    pub(super) least: u32,
    /// The most.
    pub(super) most: u32,
    /// Its unit, empty for a plain number.
    pub(super) unit: &'static str,
}

impl Limit {
    const fn new(name: &'static str, least: u32, most: u32, unit: &'static str) -> Self {
        Self {
            name,
            least,
            most,
            unit,
        }
    }

    /// Whether `value` is allowed.
    pub(super) fn contains(&self, value: u32) -> bool {
        (self.least..=self.most).contains(&value)
    }

    /// The allowed value nearest to `value`.
    pub(super) fn nearest(&self, value: u64) -> u64 {
        value.clamp(self.least.into(), self.most.into())
    }

    /// In words: `10 to 3600 seconds`.
    pub(super) fn words(&self) -> String {
        let space = if self.unit.is_empty() { "" } else { " " };
        format!("{} to {}{space}{}", self.least, self.most, self.unit)
    }
}

/// Names are 1 to 125 characters, those of customers and VRFs 1 to 32.
pub(super) const NAME_CHARACTERS: usize = 125;
/// Characters of a customer's or a VRF's name.
pub(super) const SHORT_NAME_CHARACTERS: usize = 32;

/// Every range of the language.
pub(super) const LIMITS: [Limit; 36] = [
    Limit::new("map-sequence", 1, 255, ""),
    Limit::new("label-id", 1, 255, ""),
    Limit::new("enterprise", 0, u32::MAX, ""),
    Limit::new("timestamp-window", 1, 255, "seconds"),
    Limit::new("gre-key", 1, u32::MAX, ""),
    Limit::new("spi-decimal", 1, u32::MAX, ""),
    Limit::new("dscp", 1, 63, ""),
    Limit::new("tunnel-mtu", 68, 17_916, "octets"),
    Limit::new("bce-maximum", 1, 128_000, "bindings"),
    Limit::new("bce-lifetime", 10, 65_535, "seconds"),
    Limit::new("bce-refresh", 4, 65_000, "seconds"),
    Limit::new("bce-wait", 100, 65_535, "milliseconds"),
    Limit::new("heartbeat-interval", 10, 3600, "seconds"),
    Limit::new("heartbeat-interval-ms", 10, 3_600_000, "milliseconds"),
    Limit::new("heartbeat-timeout", 1, 3600, "seconds"),
    Limit::new("heartbeat-retries", 1, 10, ""),
    Limit::new("bri-delay", 500, 65_535, "milliseconds"),
    Limit::new("bri-retries", 1, 10, ""),
    Limit::new("hnp-maximum", 1, 3, ""),
    Limit::new("rat-priority", 1, 255, ""),
    Limit::new("accounting-interim", 1, 86_400, "minutes"),
    Limit::new("route-distance", 1, 254, ""),
    Limit::new("path-priority", 1, 255, ""),
    Limit::new("weight", 1, 100, ""),
    Limit::new("kbps", 1, u32::MAX, "kbit/s"),
    Limit::new("reaction", 1, 16, "operations"),
    Limit::new("sla-packets", 1, 100, "packets"),
    Limit::new("sla-interval", 4, 6000, "milliseconds"),
    Limit::new("sla-frequency", 1, 604_800, "seconds"),
    Limit::new("profile-ms", 1, 60_000, "milliseconds"),
    Limit::new("prefixes-lmn", 1, 32, "prefixes"),
    Limit::new("prefixes-customer", 1, 4_000_000, "prefixes"),
    Limit::new("metric", 1, 255, ""),
    Limit::new("detach-seconds", 1, 3600, "seconds"),
    Limit::new("prefix-length", 0, 128, ""),
    Limit::new("lease-part", 0, 365, ""),
];

/// The range called `name`.
pub(super) fn limit(name: &str) -> Option<&'static Limit> {
    LIMITS.iter().find(|limit| limit.name == name)
}
