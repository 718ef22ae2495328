//! What a service manager is told: ready, how it stands, that it still turns, stopping.
//!
//! Without `NOTIFY_SOCKET` in the environment nothing is told to anybody.

use std::time::Duration;

use pmip_wire::types::Instant;
use sd_notify::NotifyState;

use super::Node;

/// How often a service manager that watches nothing hears how the node stands.
const USUAL: Duration = Duration::from_secs(30);

/// Tells a service manager from time to time.
#[derive(Debug)]
pub(super) struct Supervised {
    is_managed: bool,
    every: Duration,
    next: Instant,
}

impl Supervised {
    /// As the environment says.
    pub(super) fn new(now: Instant) -> Self {
        let watchdog = sd_notify::watchdog_enabled();
        Self {
            is_managed: std::env::var_os("NOTIFY_SOCKET").is_some(),
            every: interval(watchdog),
            next: now,
        }
    }

    /// When it is told next; none where nobody listens.
    pub(super) fn due(&self) -> Option<Instant> {
        self.is_managed.then_some(self.next)
    }

    /// Tells that the node turns and how it stands, when it is time.
    pub(super) fn turned(&mut self, now: Instant, node: &Node) {
        if !self.is_managed || now < self.next {
            return;
        }
        self.next = now + self.every;
        let status = status(node, now);
        tell(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
    }
}

/// The sockets are bound.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The node leaves its domain.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!("cannot tell the service manager: {error}");
    }
}

/// A third of the watchdog's time: one late turn does no harm.
fn interval(watchdog: Option<Duration>) -> Duration {
    watchdog.map_or(USUAL, |watchdog| (watchdog / 3).min(USUAL))
}

/// One line for `systemctl status`.
fn status(node: &Node, now: Instant) -> String {
    let paths = node.engine().paths();
    let up = paths.iter().filter(|path| path.usable).count();
    let bindings = node.engine().bindings(now).len();
    let plural = if bindings == 1 { "" } else { "s" };
    format!(
        "{bindings} binding{plural}, {up} of {} paths up",
        paths.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::tests::Domain;

    #[test]
    fn a_watchdog_hears_three_times_in_its_time_and_a_status_says_how_it_stands() {
        let third = Duration::from_secs(4);
        assert_eq!(interval(Some(third * 3)), third);
        assert_eq!(interval(None), USUAL);
        let domain = Domain::registered();
        let told = status(&domain.mag.node, domain.now);
        assert_eq!(told, "1 binding, 2 of 2 paths up");
    }
}
