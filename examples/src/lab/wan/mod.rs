//! The WAN emulator: two interfaces in two namespaces, and between them a link that delays, loses,
//! repeats and reorders frames, each direction as it is told and to be changed at any time.
//!
//! It is a bridge in this process between two TAP devices, driven by the simulator's
//! [`Link`](pmip_binding::testing::Link): one model of a link for both worlds. TAP devices without
//! offloads make the kernel cut super-packets and fill in checksums before frames come here, so that a
//! frame is what would be on a wire. Sizes (`mtu`, `rate`) count octets of the frame's payload, the IP
//! packet.
//!
//! What it does is recorded: [`Wan::watch`] counts the frames that a [`Filter`] takes, with their true
//! delays. Checks compare with that rather than with what was asked, since a loaded machine adds to it.
//!
//! ```no_run
//! use std::time::Duration;
//! use pmip_binding::testing::LinkConfig;
//! use pmip_examples::lab::traffic::Direction;
//! use pmip_examples::lab::wan::Wan;
//! use pmip_examples::platform::netns::Netns;
//!
//! let (mag, lma) = (Netns::create("mag")?, Netns::create("lma")?);
//! let wan = Wan::join((&mag, "wan1"), (&lma, "wan1"), &LinkConfig::new())?;
//! mag.add_address("wan1", "198.51.100.2".parse()?, 24)?;
//! wan.change(Direction::Up, |link| link.latency = Duration::from_millis(30));
//! # Ok::<(), anyhow::Error>(())
//! ```

mod bridge;
mod frame;
mod line;
mod operation;
mod record;

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use pmip_binding::testing::{LinkConfig, LinkStats};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

pub use frame::{Flow, Frame};
pub use operation::{IPSLA, Operations, is_measurement, is_request, is_stray};
pub use record::{Record, Spread};

use super::traffic::Direction;
use crate::platform::netns::Netns;
use bridge::Bridge;
use line::Line;

/// Says which frames are watched.
pub type Filter = Box<dyn Fn(&Frame<'_>) -> bool + Send>;

/// Frames that may wait in a device when we are late. Beyond it the kernel drops, unrecorded.
const QUEUE_LENGTH: u32 = 2000;

/// An emulated WAN between two interfaces; dropping it removes both.
#[derive(Debug)]
pub struct Wan {
    lines: Arc<Lines>,
    stop: UnixStream,
    thread: Option<JoinHandle<()>>,
}

/// Frames that are counted apart, by [`Wan::watch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch(usize);

/// Both directions, as the bridge and the checks share them.
#[derive(Debug)]
struct Lines {
    up: Mutex<Line>,
    down: Mutex<Line>,
}

impl Lines {
    fn lock(&self, direction: Direction) -> MutexGuard<'_, Line> {
        let line = match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        };
        line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wan {
    /// Joins two new interfaces, the MAG's side first, as
    /// [`veth_pair`](crate::platform::netns::veth_pair) would; both are up.
    ///
    /// # Errors
    /// Without `CAP_NET_ADMIN` or `/dev/net/tun`, or when a name is taken in its namespace.
    pub fn join(mag: (&Netns, &str), lma: (&Netns, &str), link: &LinkConfig) -> Result<Self> {
        let devices = [tap(mag)?, tap(lma)?];
        let mut back = link.clone();
        // Chance must not strike both directions alike.
        back.seed = !link.seed;
        let lines = Arc::new(Lines {
            up: Mutex::new(Line::new(link.clone())),
            down: Mutex::new(Line::new(back)),
        });
        let (stop, stopped) = UnixStream::pair().context("making a socket pair")?;
        let bridge = Bridge::new(devices, lines.clone(), stopped);
        let thread = thread::Builder::new()
            .name("wan".into())
            .spawn(move || bridge.run())?;
        Ok(Self {
            lines,
            stop,
            thread: Some(thread),
        })
    }

    /// Changes a direction from the next frame on; what is under way arrives as it would have.
    pub fn change(&self, direction: Direction, change: impl FnOnce(&mut LinkConfig)) {
        change(self.lines.lock(direction).link.config_mut());
    }

    /// Cuts a direction, with the loss of what is under way, or mends it.
    pub fn set_cut(&self, direction: Direction, cut: bool) {
        self.lines.lock(direction).link.set_cut(cut);
    }

    /// What became of all frames of a direction.
    pub fn stats(&self, direction: Direction) -> LinkStats {
        self.lines.lock(direction).link.stats()
    }

    /// Counts the frames that `filter` takes, in both directions, from now on.
    pub fn watch(&self, filter: impl Fn(&Frame<'_>) -> bool + Send + Clone + 'static) -> Watch {
        let mut up = self.lines.lock(Direction::Up);
        let mut down = self.lines.lock(Direction::Down);
        down.watch(Box::new(filter.clone()));
        Watch(up.watch(Box::new(filter)))
    }

    /// Begins the count anew; frames under way are not in it.
    pub fn reset(&self, watch: Watch) {
        for direction in Direction::BOTH {
            self.lines.lock(direction).reset(watch.0);
        }
    }

    /// What was counted so far.
    pub fn record(&self, watch: Watch, direction: Direction) -> Record {
        self.lines.lock(direction).record(watch.0)
    }
}

impl Drop for Wan {
    fn drop(&mut self) {
        // A bridge that ended by itself has said why.
        let _ = self.stop.write_all(&[0]);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A TAP device in a namespace, up.
fn tap((namespace, name): (&Netns, &str)) -> Result<SyncDevice> {
    let open = || -> std::io::Result<SyncDevice> {
        let device = DeviceBuilder::new()
            .name(name)
            .layer(Layer::L2)
            .mtu(1500)
            .tx_queue_len(QUEUE_LENGTH)
            .offload(false)
            .build_sync()?;
        device.set_nonblocking(true)?;
        Ok(device)
    };
    namespace
        .run(open)?
        .with_context(|| format!("{}: making the TAP device {name}", namespace.name()))
}
