//! A capture of everything that passes the interfaces of one namespace.

use std::collections::BTreeMap;
use std::io::IoSliceMut;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::TryStreamExt;
use nix::sys::socket::sockopt::{RcvBufForce, ReceiveTimeout};
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, recvmsg, setsockopt,
    socket,
};
use nix::sys::time::{TimeVal, TimeValLike};
use rtnetlink::packet_route::link::LinkAttribute;

use super::packet::Packet;
use crate::platform::netns::Netns;

/// Octets kept of each packet.
const SNAP: usize = 1 << 16;
/// Octets that may wait in the kernel.
const QUEUE: usize = 32 << 20;
/// How often it looks whether it should stop.
const LOOK_MS: i64 = 50;
/// `PACKET_OUTGOING`: the packet left by the interface.
const OUTGOING: u8 = 4;

/// A running capture; dropping it stops it.
pub(in crate::lab) struct Capture {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// The namespace's name in the lab.
    pub(in crate::lab) space: String,
}

/// What the capturing thread and its owner share.
#[derive(Default)]
struct Shared {
    packets: Mutex<Vec<Seen>>,
    stop: AtomicBool,
    /// When it had read everything last, since the domain started.
    caught_up: Mutex<Duration>,
}

/// A packet whose interface is known by its number.
struct Seen {
    at: Duration,
    interface: usize,
    outgoing: bool,
    octets: Vec<u8>,
}

impl Capture {
    /// Starts one in `space`; times count from `epoch`.
    pub(in crate::lab) fn start(space: &Netns, name: &str, epoch: Instant) -> Result<Self> {
        let socket = space
            .run(open)?
            .context("opening a packet socket (needs CAP_NET_RAW)")?;
        let shared = Arc::new(Shared::default());
        let kept = shared.clone();
        let thread = thread::Builder::new()
            .name("capture".to_owned())
            .spawn(move || read(&socket, &kept, epoch))?;
        Ok(Self {
            shared,
            thread: Some(thread),
            space: name.to_owned(),
        })
    }

    /// Whether it has read everything that passed before `moment`, since the domain started.
    pub(in crate::lab) fn has_read(&self, moment: Duration) -> bool {
        *lock(&self.shared.caught_up) >= moment
    }

    /// What was seen so far, on interfaces that exist now.
    pub(in crate::lab) fn packets(&self, space: &Netns) -> Result<Vec<Packet>> {
        let names = interfaces(space)?;
        let seen = lock(&self.shared.packets);
        let known = seen.iter().filter_map(|seen| {
            Some(Packet {
                at: seen.at,
                interface: names.get(&seen.interface)?.clone(),
                outgoing: seen.outgoing,
                octets: seen.octets.clone(),
            })
        });
        Ok(known.collect())
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // One that panicked has said so on standard error.
            let _ = thread.join();
        }
    }
}

fn open() -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let protocol = SockProtocol::EthAll;
    let socket = socket(AddressFamily::Packet, SockType::Datagram, flags, protocol)?;
    // A smaller queue does as well, as long as it is not full.
    let _ = setsockopt(&socket, RcvBufForce, &QUEUE);
    setsockopt(&socket, ReceiveTimeout, &TimeVal::milliseconds(LOOK_MS))?;
    Ok(socket)
}

fn read(socket: &OwnedFd, shared: &Shared, epoch: Instant) {
    let mut buffer = vec![0; SNAP];
    while !shared.stop.load(Ordering::Relaxed) {
        let mut seen = receive(socket, &mut buffer, MsgFlags::MSG_DONTWAIT, epoch);
        if seen.is_none() {
            // Nothing waits: what was sent before now is here.
            *lock(&shared.caught_up) = epoch.elapsed();
            seen = receive(socket, &mut buffer, MsgFlags::empty(), epoch);
        }
        lock(&shared.packets).extend(seen);
    }
}

fn receive(socket: &OwnedFd, buffer: &mut [u8], flags: MsgFlags, epoch: Instant) -> Option<Seen> {
    let mut parts = [IoSliceMut::new(buffer)];
    let received = recvmsg::<LinkAddr>(socket.as_raw_fd(), &mut parts, None, flags).ok()?;
    let (length, from) = (received.bytes, received.address?);
    Some(Seen {
        at: epoch.elapsed(),
        interface: from.ifindex(),
        outgoing: from.pkttype() == OUTGOING,
        octets: buffer.get(..length).unwrap_or_default().to_vec(),
    })
}

/// Names of the interfaces by number.
fn interfaces(space: &Netns) -> Result<BTreeMap<usize, String>> {
    space.netlink(async |handle| {
        let mut links = handle.link().get().execute();
        let mut names = BTreeMap::new();
        while let Some(link) = links.try_next().await? {
            let mut attributes = link.attributes.iter();
            let name = attributes.find_map(|attribute| {
                if let LinkAttribute::IfName(name) = attribute {
                    return Some(name.clone());
                }
                None
            });
            if let Some(name) = name {
                names.insert(link.header.index.try_into()?, name);
            }
        }
        Ok(names)
    })
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
