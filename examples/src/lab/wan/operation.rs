//! The operations of a prober (RFC 6812) among the frames of a WAN: what they are made of, and whether
//! their arrivals are those of the settings.

use std::net::IpAddr;
use std::time::Duration;

use super::frame::{Flow, Frame};

/// The port of IP SLA inside tunnels.
pub const IPSLA: u16 = 1_167;
/// Operations lie seconds apart, their packets less.
const BETWEEN: Duration = Duration::from_secs(2);

/// What a prober is told by `sla`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Operations {
    /// Packets of each.
    pub packets: usize,
    /// Between two packets.
    pub interval: Duration,
    /// Between the beginnings of two.
    pub frequency: Duration,
}

impl Operations {
    /// Compares `arrivals` of measurement requests with this; medians may be off by a share of
    /// 1 / `tolerance`. Returns what was seen.
    ///
    /// # Errors
    /// What differs.
    pub fn compare(&self, arrivals: &[Duration], tolerance: u32) -> Result<String, String> {
        // The first may have been cut by the beginning of the watch, and the last by its end.
        let runs: Vec<&[Duration]> = arrivals.chunk_by(|a, b| *b - *a < BETWEEN).collect();
        let whole = runs.iter().filter(|run| run.len() == self.packets);
        let whole: Vec<&&[Duration]> = whole.collect();
        if whole.len() < 2 || runs.iter().any(|run| run.len() > self.packets) {
            let lengths: Vec<usize> = runs.iter().map(|run| run.len()).collect();
            return Err(format!("operations of {lengths:?} packets, not {self:?}"));
        }
        if runs.len() > whole.len() + 2 {
            let broken = runs.len() - whole.len();
            return Err(format!("{broken} operations are not whole"));
        }
        let spacing = whole.iter().flat_map(|run| run.windows(2));
        let spacing = median(spacing.map(|pair| pair[1] - pair[0]));
        let starts = whole.iter().filter_map(|run| run.first());
        let starts: Vec<Duration> = starts.copied().collect();
        let period = median(starts.windows(2).map(|pair| pair[1] - pair[0]));
        near("spacing", spacing, self.interval, tolerance)?;
        near("period", period, self.frequency, tolerance)?;
        Ok(format!(
            "{} packets {:.1} ms apart every {:.2} s",
            self.packets,
            spacing.as_secs_f64() * 1000.0,
            period.as_secs_f64()
        ))
    }
}

/// Whether a payload is a measurement packet of RFC 6812: these begin with their type, 3 in two
/// octets; control packets with version 2.
pub fn is_measurement(payload: &[u8]) -> bool {
    payload.first() == Some(&0)
}

/// Whether a frame is a tunnelled measurement request.
pub fn is_request(frame: &Frame<'_>) -> bool {
    frame
        .inner()
        .is_some_and(|inner| inner.destination.port() == IPSLA && is_measurement(inner.payload))
}

/// Whether a frame is of the service, but not between the ends of the path of `care_of`, outside or
/// inside.
pub fn is_stray(frame: &Frame<'_>, care_of: IpAddr) -> bool {
    let of_path = |flow: Flow<'_>| flow.source.ip() == care_of || flow.destination.ip() == care_of;
    let bare = frame.outer().is_some_and(|outer| outer.is_of_port(IPSLA));
    let foreign = frame.is_inner_udp(IPSLA)
        && !(frame.outer().is_some_and(of_path) && frame.inner().is_some_and(of_path));
    bare || foreign
}

fn near(what: &str, seen: Duration, told: Duration, tolerance: u32) -> Result<(), String> {
    match seen.abs_diff(told) <= told / tolerance {
        true => Ok(()),
        false => Err(format!("{what} {seen:?}, told {told:?}")),
    }
}

fn median(spans: impl Iterator<Item = Duration>) -> Duration {
    let mut spans: Vec<Duration> = spans.collect();
    spans.sort();
    spans.get(spans.len() / 2).copied().unwrap_or_default()
}
