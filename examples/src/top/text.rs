//! Numbers and small curves as text.

use std::time::Duration;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The last `width` values as a curve of one line, the newest at the right; nothing where there was
/// no value.
pub(super) fn spark(values: impl DoubleEndedIterator<Item = Option<f64>>, width: usize) -> String {
    let mut newest: Vec<Option<f64>> = values.rev().take(width).collect();
    newest.reverse();
    let most = newest.iter().flatten().copied().fold(0.0, f64::max);
    let bar = |value: f64| {
        // The share is 0 to 1, so the place is 0 to 7.
        let place = if most > 0.0 { value / most * 7.0 } else { 0.0 };
        BARS.get(place.round() as usize).copied().unwrap_or('█')
    };
    let bars = newest.iter().map(|value| value.map_or(' ', bar));
    let curve: String = bars.collect();
    format!("{curve:>width$}")
}

/// Bits per second in at most five characters: `1.2M`.
pub(super) fn rate(bits: f64) -> String {
    scaled(bits, 1000.0, &["", "k", "M", "G", "T"])
}

/// Octets in at most five characters.
pub(super) fn octets(count: u64) -> String {
    scaled(count as f64, 1000.0, &["", "k", "M", "G", "T", "P"])
}

fn scaled(value: f64, step: f64, units: &[&str]) -> String {
    let mut value = value;
    let mut units = units.iter().peekable();
    while let Some(unit) = units.next() {
        if value < step - 0.5 || units.peek().is_none() {
            let digits = usize::from(value < 9.95 && !unit.is_empty());
            return format!("{value:.digits$}{unit}");
        }
        value /= step;
    }
    String::new()
}

/// Milliseconds in at most five characters.
pub(super) fn millis(value: Option<f64>) -> String {
    match value {
        None => "-".into(),
        Some(value) if value < 9.95 => format!("{value:.2}"),
        Some(value) if value < 99.5 => format!("{value:.1}"),
        Some(value) => format!("{value:.0}"),
    }
}

/// Per cent in at most four characters.
pub(super) fn percent(value: Option<f64>) -> String {
    match value {
        None => "-".into(),
        Some(value) if value < 9.95 => format!("{value:.1}"),
        Some(value) => format!("{value:.0}"),
    }
}

/// `3d04h`, `2h05m`, `4m09s`, `12s`.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    if days > 0 {
        format!("{days}d{:02}h", hours % 24)
    } else if hours > 0 {
        format!("{hours}h{:02}m", minutes % 60)
    } else if minutes > 0 {
        format!("{minutes}m{:02}s", seconds % 60)
    } else {
        format!("{seconds}s")
    }
}

/// The time of day, UTC, of seconds since 1970.
pub(super) fn clock(unix: f64) -> String {
    // A time before 1970 is 0.
    let seconds = unix as u64 % 86_400;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}
