//! The log of a program on standard error, and what of it an operator wants to see.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};
use tracing::field::Field;
use tracing_subscriber::Layer as _;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::view::Plain;

/// How logs look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

/// A part of the log that is off unless somebody wants it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Debug {
    /// Every change of sessions, paths and tables
    Events,
    /// What was dropped or could not be sent, and why
    Errors,
    /// Decisions of the program: addresses, routes, sockets
    Info,
    /// Every signalling message
    Packets,
    /// What operators and programs ask over the control socket
    Api,
}

impl Debug {
    const fn directive(self) -> &'static str {
        match self {
            Self::Events => "pmip::events=debug",
            Self::Errors => "pmip::errors=debug",
            Self::Info => "pmip_examples=debug",
            Self::Packets => "pmip::packets=trace",
            Self::Api => "pmip::api=debug",
        }
    }
}

/// What the running log shows.
struct Shown {
    base: String,
    wanted: BTreeSet<Debug>,
    handle: reload::Handle<EnvFilter, Registry>,
}

static SHOWN: OnceLock<Mutex<Shown>> = OnceLock::new();

/// Starts the log. `verbose`: once for decisions and errors, twice for packets too.
pub fn start(format: LogFormat, verbose: u8) {
    use Debug::{Api, Errors, Events, Info, Packets};
    let wanted: &[Debug] = match verbose {
        0 => &[],
        1 => &[Events, Errors, Info],
        _ => &[Events, Errors, Info, Packets, Api],
    };
    let wanted: BTreeSet<Debug> = wanted.iter().copied().collect();
    let base = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_else(|_| "info".into());
    let (filter, handle) = reload::Layer::new(filter(&base, &wanted));
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(|| Lossy)
        // A node outlives the reader of its log: a closed pipe is no reason to panic.
        .log_internal_errors(false)
        .with_target(false);
    let layer = match format {
        LogFormat::Text => {
            let ansi = std::io::stderr().is_terminal();
            // The words say all that the fields do.
            layer.fmt_fields(debug_fn(message)).with_ansi(ansi).boxed()
        }
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .init();
    let shown = Shown {
        base,
        wanted,
        handle,
    };
    // A second log in one process: the first goes on.
    let _ = SHOWN.set(Mutex::new(shown));
}

/// Shows a part of the log from now on, or no more; returns all that are shown.
pub fn debug(change: Option<(Debug, bool)>) -> Vec<Debug> {
    let Some(shown) = SHOWN.get() else {
        return Vec::new();
    };
    let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((part, on)) = change {
        if on {
            shown.wanted.insert(part);
        } else {
            shown.wanted.remove(&part);
        }
        // It fails only when the log is gone.
        let _ = shown.handle.reload(filter(&shown.base, &shown.wanted));
    }
    shown.wanted.iter().copied().collect()
}

fn filter(base: &str, wanted: &BTreeSet<Debug>) -> EnvFilter {
    let parts = wanted.iter().map(|part| part.directive());
    let directives: Vec<&str> = std::iter::once(base).chain(parts).collect();
    EnvFilter::new(directives.join(","))
}

fn message(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    if field.name() == "message" {
        // Peers choose names.
        write!(Plain(writer), "{value:?}")?;
    }
    Ok(())
}

/// Standard error, whoever reads it: what nobody takes is lost, and the node goes on.
struct Lossy;

impl Write for Lossy {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        let _ = std::io::stderr().write_all(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_a_filter_that_the_log_understands() {
        let all = [
            Debug::Events,
            Debug::Errors,
            Debug::Info,
            Debug::Packets,
            Debug::Api,
        ];
        let shown = filter("info", &all.into_iter().collect()).to_string();
        for part in all {
            assert!(shown.contains(part.directive()), "{shown}");
        }
    }
}
