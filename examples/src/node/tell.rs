//! What happens to a node, told to its log and to whoever watches.

use std::sync::Arc;

use pmip_wire::types::Instant;
use serde::Serialize;
use tokio::sync::broadcast;

use super::Node;

/// What a watcher may be behind with before it loses some.
const BACKLOG: usize = 1024;

/// How much an operator should care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Info,
    /// Somebody should look.
    Warn,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Happening {
    /// Its kind, in kebab-case, for programs.
    pub event: &'static str,
    /// How much an operator should care.
    pub level: Level,
    /// The mobile node's identifier, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<String>,
    /// The path's number, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<u32>,
    /// The peer's name, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// In plain words.
    pub message: String,
}

impl Happening {
    /// Something as it should be.
    pub fn info(event: &'static str, message: String) -> Self {
        Self {
            event,
            level: Level::Info,
            binding: None,
            path: None,
            peer: None,
            message,
        }
    }

    /// Something that somebody should look at.
    pub fn warn(event: &'static str, message: String) -> Self {
        Self {
            level: Level::Warn,
            ..Self::info(event, message)
        }
    }

    /// It is about this mobile node.
    #[must_use]
    pub fn binding(mut self, mn_id: &str) -> Self {
        self.binding = Some(mn_id.to_owned());
        self
    }

    /// It is about this path.
    #[must_use]
    pub fn path(mut self, path: pmip_wire::types::PathId) -> Self {
        self.path = Some(path.0);
        self
    }

    /// It is about this peer.
    #[must_use]
    pub fn peer(mut self, peer: &str) -> Self {
        self.peer = Some(peer.to_owned());
        self
    }

    fn log(&self) {
        let (event, message) = (self.event, self.message.as_str());
        let (binding, path) = (self.binding.as_deref(), self.path);
        let peer = self.peer.as_deref();
        // A field that is `None` is left out of the line.
        match self.level {
            Level::Info => {
                tracing::info!(target: "pmip::events", event, binding, path, peer, "{message}");
            }
            Level::Warn => {
                tracing::warn!(target: "pmip::events", event, binding, path, peer, "{message}");
            }
        }
    }
}

/// Lines for everybody who watches: JSON, one object each.
#[derive(Debug)]
pub struct Watchers(broadcast::Sender<Arc<str>>);

impl Default for Watchers {
    fn default() -> Self {
        Self(broadcast::channel(BACKLOG).0)
    }
}

impl Watchers {
    /// One more watcher.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<str>> {
        self.0.subscribe()
    }

    /// Whether anybody watches.
    pub fn is_watched(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Sends `value` to everybody.
    pub fn send(&self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            // The last one may have gone meanwhile.
            Ok(line) => drop(self.0.send(line.into())),
            Err(error) => tracing::error!("cannot tell watchers: {error}"),
        }
    }
}

/// A happening with its time.
#[derive(Serialize)]
struct Told<'a> {
    /// Seconds since 1970-01-01 00:00 UTC.
    time: f64,
    #[serde(flatten)]
    happening: &'a Happening,
}

impl Node {
    /// Tells of something, unless it only repeats what was known before.
    pub(super) fn tell(&self, now: Instant, happening: &Happening) {
        if self.quiet {
            return;
        }
        happening.log();
        if self.events.is_watched() {
            let time = self.clock.unix_at(now).as_secs_f64();
            self.events.send(&Told { time, happening });
        }
    }

    /// Tells the changes of an anchor's state to those who want them. They come before what they
    /// lead to is carried out.
    pub(super) fn tell_changes(&mut self) {
        if !self.changes.is_watched() {
            return self.engine.record_changes(false);
        }
        while let Some(change) = self.engine.poll_change() {
            self.changes.send(&change);
        }
    }
}
