//! Waits for inputs and deadlines, one turn after the other.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pmip_binding::{ClockAnchor, Datagram};
use pmip_wire::types::Instant;
use tokio::sync::mpsc;

use super::supervise::{self, Supervised};
use super::{Node, NodeInput};
use crate::platform::ports::AccessFrame;

/// Inputs taken in one turn at most, so that a flood does not keep answers back.
const TURN: usize = 64;
/// How long a shutdown may take: retransmissions of the de-registration included, with the rest
/// of the five seconds for cleaning up.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(3);
/// A wall clock further off than this was set by somebody.
const CLOCK_STEP: Duration = Duration::from_millis(100);

/// The program's clock: monotonic time since it started, tied to the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: std::time::Instant,
    anchor: ClockAnchor,
}

/// Where a node's inputs come out.
pub struct Inbox {
    /// Signalling, which strangers can send too: apart, so that it fills alone.
    pub datagrams: mpsc::Receiver<Datagram>,
    /// What hosts on access interfaces send, for the same reason.
    pub frames: mpsc::Receiver<AccessFrame>,
    /// Everything else.
    pub events: mpsc::Receiver<NodeInput>,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self {
            epoch: std::time::Instant::now(),
            anchor: ClockAnchor {
                instant: Instant::ZERO,
                unix: unix_time(),
            },
        }
    }

    /// Moment 0.
    pub fn epoch(&self) -> std::time::Instant {
        self.epoch
    }

    /// The present moment.
    pub fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    /// What ties it to the wall clock.
    pub fn anchor(&self) -> ClockAnchor {
        self.anchor
    }

    /// The new anchor, when somebody set the wall clock.
    pub fn stepped(&mut self, now: Instant) -> Option<ClockAnchor> {
        let unix = unix_time();
        if unix.abs_diff(self.anchor.unix_at(now)) < CLOCK_STEP {
            return None;
        }
        self.anchor = ClockAnchor { instant: now, unix };
        Some(self.anchor)
    }

    fn at(&self, moment: Instant) -> tokio::time::Instant {
        let since = moment.saturating_since(Instant::ZERO);
        // A moment that the clock cannot reach is as good as never.
        let far = Duration::from_secs(3600);
        let now = self.epoch.elapsed();
        let since = since.min(now + far);
        tokio::time::Instant::from_std(self.epoch + since)
    }
}

/// Drives `node` until [`NodeInput::Shutdown`] came and was carried out, it cannot go on
/// ([`Node::fault`]), or the inbox closed.
pub async fn run(node: &mut Node, inbox: &mut Inbox, clock: &mut Clock) {
    let mut deadline = node.finish_turn(clock.now());
    let mut give_up: Option<Instant> = None;
    let mut supervised = Supervised::new(clock.now());
    loop {
        let wake = [deadline, give_up, supervised.due()]
            .into_iter()
            .flatten()
            .min();
        let Some(first) = next(inbox, wake.map(|wake| clock.at(wake))).await else {
            return;
        };
        let now = clock.now();
        if let Some(anchor) = clock.stepped(now) {
            tracing::info!("the wall clock was set");
            node.handle(now, NodeInput::ClockStep(anchor));
        }
        let mut input = Some(first);
        for _ in 0..TURN {
            let Some(taken) = input.take().or_else(|| ready(inbox)) else {
                break;
            };
            if matches!(taken, NodeInput::Shutdown) {
                supervise::stopping();
                give_up.get_or_insert(now + SHUTDOWN_PATIENCE);
            }
            node.handle(now, taken);
        }
        // A steady stream of inputs must not starve the timers.
        if deadline.is_some_and(|deadline| deadline <= now) {
            node.handle(now, NodeInput::Timeout);
        }
        deadline = node.finish_turn(now);
        supervised.turned(now, node);
        if node.fault().is_some() {
            give_up.get_or_insert(now + SHUTDOWN_PATIENCE);
        }
        if give_up.is_some_and(|give_up| node.is_shut_down() || give_up <= now) {
            return;
        }
    }
}

/// The next input, or `Timeout` at `wake`; `None` when nothing can come any more.
async fn next(inbox: &mut Inbox, wake: Option<tokio::time::Instant>) -> Option<NodeInput> {
    let asleep = async {
        match wake {
            Some(wake) => tokio::time::sleep_until(wake).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        event = inbox.events.recv() => event,
        datagram = inbox.datagrams.recv() => datagram.map(NodeInput::Datagram),
        Some(frame) = inbox.frames.recv() => Some(NodeInput::Access(frame)),
        () = asleep => Some(NodeInput::Timeout),
    }
}

/// An input that is there already.
fn ready(inbox: &mut Inbox) -> Option<NodeInput> {
    let event = inbox.events.try_recv().ok();
    let event = event.or_else(|| inbox.datagrams.try_recv().ok().map(NodeInput::Datagram));
    event.or_else(|| inbox.frames.try_recv().ok().map(NodeInput::Access))
}

fn unix_time() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO)
}
