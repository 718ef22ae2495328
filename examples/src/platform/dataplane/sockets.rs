//! The data sockets of a worker, and what went wrong with them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::errno::Errno;
use pmip_wire::types::{Instant, PathId};
use tokio::sync::mpsc;

use super::icmp::IcmpListener;
use super::raw::{RawReceiver, RawSender};
use super::udp::{DataSocket, Serves};
use super::{DataPlaneEvent, SocketError};

/// How often one kind of error of one path is reported at most.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Sockets {
    sockets: Vec<DataSocket>,
    raw: Vec<RawSender>,
    listeners: Vec<Listener>,
    errors: BTreeMap<(PathId, SocketError), Errors>,
    unreported: bool,
}

/// A socket of no path, open as long as the data plane is.
#[derive(Debug)]
pub(super) enum Listener {
    /// Tunnel packets that are not in UDP.
    Data(RawReceiver),
    /// ICMP errors about tunnel packets.
    Errors(IcmpListener),
}

impl Listener {
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Data(socket) => socket.fd(),
            Self::Errors(socket) => socket.fd(),
        }
    }
}

#[derive(Debug, Default)]
struct Errors {
    total: u64,
    reported: u64,
    last_report: Option<Instant>,
}

impl Sockets {
    pub(super) fn add(&mut self, socket: DataSocket) {
        self.sockets.push(socket);
    }

    pub(super) fn add_raw(&mut self, socket: RawSender) {
        self.raw.push(socket);
    }

    pub(super) fn listen(&mut self, listener: Listener) {
        self.listeners.push(listener);
    }

    pub(super) fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    pub(super) fn remove(&mut self, path: PathId) {
        self.sockets
            .retain(|socket| socket.serves != Serves::Path(path));
        self.raw
            .retain(|socket| socket.serves != Serves::Path(path));
    }

    pub(super) fn remove_shared(&mut self, local: IpAddr) {
        self.sockets
            .retain(|socket| socket.serves != Serves::Shared || socket.local != local);
        self.raw
            .retain(|socket| socket.serves != Serves::Shared || socket.local != local);
    }

    pub(super) fn all(&self) -> &[DataSocket] {
        &self.sockets
    }

    /// The socket that sends for `path`: its own, else the one shared at its local address.
    pub(super) fn of(&mut self, path: PathId, local: Option<IpAddr>) -> Option<&mut DataSocket> {
        let places = self.sockets.iter();
        let at = best(
            path,
            local,
            places.map(|socket| (socket.serves, socket.local)),
        )?;
        self.sockets.get_mut(at)
    }

    /// The same of those that send whole packets.
    pub(super) fn raw_of(&self, path: PathId, local: IpAddr) -> Option<&RawSender> {
        let places = self.raw.iter();
        let places = places.map(|socket| (socket.serves, socket.local));
        self.raw.get(best(path, Some(local), places)?)
    }

    pub(super) fn count_error(&mut self, path: PathId, errno: Errno, datagrams: usize) {
        let errors = self.errors.entry((path, errno.into())).or_default();
        errors.total += datagrams as u64;
        self.unreported = true;
    }

    /// Datagrams that could not be sent, by path and kind of error.
    pub(super) fn errors(&self) -> impl Iterator<Item = (PathId, u64)> {
        self.errors
            .iter()
            .map(|((path, _), errors)| (*path, errors.total))
    }

    /// Reports errors that are new since the last report, each kind at most once a second.
    pub(super) fn report(&mut self, now: Instant, events: &mpsc::Sender<DataPlaneEvent>) {
        if !self.unreported {
            return;
        }
        self.unreported = false;
        for ((path, error), errors) in &mut self.errors {
            let count = errors.total - errors.reported;
            if count == 0 {
                continue;
            }
            let recent = errors
                .last_report
                .is_some_and(|last| now.saturating_since(last) < REPORT_INTERVAL);
            if recent {
                self.unreported = true;
                continue;
            }
            let event = DataPlaneEvent::SocketError {
                path: *path,
                error: *error,
                count,
            };
            if events.try_send(event).is_ok() {
                errors.reported = errors.total;
            }
            errors.last_report = Some(now);
        }
    }
}

/// The place of the path's own socket, else of the one shared at `local`.
fn best(
    path: PathId,
    local: Option<IpAddr>,
    sockets: impl Iterator<Item = (Serves, IpAddr)> + Clone,
) -> Option<usize> {
    let own = |(serves, _)| serves == Serves::Path(path);
    let shared = |(serves, at)| serves == Serves::Shared && Some(at) == local;
    sockets
        .clone()
        .position(own)
        .or_else(|| sockets.clone().position(shared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_reported_once_a_second_with_all_that_came_between() {
        let mut sockets = Sockets::default();
        let (events, mut received) = mpsc::channel(8);
        let at = Instant::from_millis;
        let path = PathId(3);
        sockets.count_error(path, Errno::ENETUNREACH, 2);
        sockets.report(at(1_000), &events);
        sockets.count_error(path, Errno::EHOSTUNREACH, 5);
        sockets.report(at(1_500), &events);
        sockets.report(at(2_000), &events);
        sockets.report(at(9_000), &events);
        let mut counts = Vec::new();
        while let Ok(event) = received.try_recv() {
            let DataPlaneEvent::SocketError { error, count, .. } = event else {
                panic!("another event: {event:?}");
            };
            assert_eq!(error, SocketError::Unreachable);
            counts.push(count);
        }
        assert_eq!(counts, [2, 5]);
        assert_eq!(sockets.errors().collect::<Vec<_>>(), [(path, 7)]);
    }
}
