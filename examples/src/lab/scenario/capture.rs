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
    packets: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// The namespace's name in the lab.
    pub(in crate::lab) space: String,
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
        let packets = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (kept, stopped) = (packets.clone(), stop.clone());
        let thread = thread::Builder::new()
            .name("capture".to_owned())
            .spawn(move || read(&socket, &kept, &stopped, epoch))?;
        Ok(Self {
            packets,
            stop,
            thread: Some(thread),
            space: name.to_owned(),
        })
    }

    /// What was seen so far, on interfaces that exist now.
    pub(in crate::lab) fn packets(&self, space: &Netns) -> Result<Vec<Packet>> {
        let names = interfaces(space)?;
        let seen = lock(&self.packets);
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
        self.stop.store(true, Ordering::Relaxed);
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

fn read(socket: &OwnedFd, packets: &Mutex<Vec<Seen>>, stop: &AtomicBool, epoch: Instant) {
    let mut buffer = vec![0; SNAP];
    while !stop.load(Ordering::Relaxed) {
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let received = recvmsg::<LinkAddr>(socket.as_raw_fd(), &mut parts, None, MsgFlags::empty());
        let Ok(received) = received else { continue };
        let (length, from) = (received.bytes, received.address);
        let Some(from) = from else { continue };
        let seen = Seen {
            at: epoch.elapsed(),
            interface: from.ifindex(),
            outgoing: from.pkttype() == OUTGOING,
            octets: buffer.get(..length).unwrap_or_default().to_vec(),
        };
        lock(packets).push(seen);
    }
}

/// Names of the interfaces by number.
fn interfaces(space: &Netns) -> Result<BTreeMap<usize, String>> {
    space.netlink(async |handle| {
        let mut links = handle.link().get().execute();
        let mut names = BTreeMap::new();
        while let Some(link) = links.try_next().await? {
            let name = link
                .attributes
                .iter()
                .find_map(|attribute| match attribute {
                    LinkAttribute::IfName(name) => Some(name.clone()),
                    _ => None,
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
