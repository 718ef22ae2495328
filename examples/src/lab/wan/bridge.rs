//! The thread that carries frames.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant as SystemInstant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use pmip_wire::types::Instant;
use tun_rs::SyncDevice;

use super::Lines;
use crate::lab::traffic::Direction;

/// Frames taken from one side before the other has its turn.
const BATCH: usize = 64;
/// Longest frame.
const ROOM: usize = 65_536;

/// Both devices and what is between them.
pub(super) struct Bridge {
    /// The MAG's side, then the LMA's.
    devices: [SyncDevice; 2],
    lines: Arc<Lines>,
    stopped: UnixStream,
    epoch: SystemInstant,
}

impl Bridge {
    pub(super) fn new(devices: [SyncDevice; 2], lines: Arc<Lines>, stopped: UnixStream) -> Self {
        Self {
            devices,
            lines,
            stopped,
            epoch: SystemInstant::now(),
        }
    }

    /// Carries frames until told to stop.
    pub(super) fn run(self) {
        // Threads are woken up to 50 us late by default, which would add to every delay.
        let _ = nix::sys::prctl::set_timerslack(1);
        let mut room = vec![0; ROOM];
        loop {
            let next = Direction::BOTH.map(|direction| self.deliver(direction));
            match self.wait(next.into_iter().flatten().min()) {
                Ok(true) => {}
                // What cannot be waited for is nobody's to mend: the interfaces go, and are missed.
                Ok(false) | Err(_) => return,
            }
            for direction in Direction::BOTH {
                self.take(direction, &mut room);
            }
        }
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    fn ends(&self, direction: Direction) -> (&SyncDevice, &SyncDevice) {
        let [mag, lma] = &self.devices;
        match direction {
            Direction::Up => (mag, lma),
            Direction::Down => (lma, mag),
        }
    }

    /// Hands over what has arrived; says when the next frame does.
    fn deliver(&self, direction: Direction) -> Option<Instant> {
        let (_, to) = self.ends(direction);
        let mut line = self.lines.lock(direction);
        while let Some(frame) = line.link.pop(self.now()) {
            // What the far end does not take is lost, as it may be in any interface.
            let _ = to.send(&frame.octets);
            line.delivered(self.now(), &frame);
        }
        line.link.next_arrival()
    }

    /// Waits for a frame, or until `due`; false where there will be none.
    fn wait(&self, due: Option<Instant>) -> Result<bool, Errno> {
        let patience = due.map(|due| due.saturating_since(self.now()));
        let [mag, lma] = &self.devices;
        let mut fds = [mag.as_fd(), lma.as_fd(), self.stopped.as_fd()]
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        match ppoll(&mut fds, patience.map(timespec), None) {
            Ok(_) => Ok(!fds[2].any().unwrap_or(true)),
            Err(Errno::EINTR) => Ok(true),
            Err(errno) => Err(errno),
        }
    }

    fn take(&self, direction: Direction, room: &mut [u8]) {
        let (from, _) = self.ends(direction);
        for _ in 0..BATCH {
            let Ok(length) = read(from, room) else {
                return;
            };
            let octets = room.get(..length).unwrap_or_default();
            self.lines.lock(direction).push(self.now(), octets);
        }
    }
}

fn read(device: &SyncDevice, room: &mut [u8]) -> io::Result<usize> {
    device.recv(room)
}

fn timespec(span: Duration) -> TimeSpec {
    TimeSpec::from_duration(span)
}
