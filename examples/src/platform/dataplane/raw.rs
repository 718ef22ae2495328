//! Raw sockets: IP-in-IP and GRE, whole outer packets out, what they carry in.
//!
//! Receive sockets belong to nobody: one for each protocol number and family, not bound, open as
//! long as the data plane is. Without one the kernel answers our peers with protocol unreachable
//! or parameter problem. Send sockets belong to a path or an address, are bound to it and receive
//! nothing; outer headers are ours, so that each packet has its own traffic class, its Don't
//! Fragment and its destination options.

use std::cell::Cell;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::sockopt::{
    IpMtu, Ipv6RecvPacketInfo, Ipv6RecvTClass, RcvBufForce, SndBufForce,
};
use nix::sys::socket::{
    ControlMessage, MsgFlags, MultiHeaders, SockaddrIn, SockaddrIn6, SockaddrStorage, getsockopt,
    recvmmsg, sendmmsg, sendmsg, setsockopt,
};
use pmip_tunnel::encap::Carrier;
use socket2::SockRef;

use super::udp::{BUFFER, Serves};
use crate::platform::raw::{DROP_ALL, RawReceived, control_room, open, read};

/// Protocol numbers that carry inner packets without UDP, with what they are.
const CARRIERS: [(i32, Carrier); 3] = [
    (libc::IPPROTO_IPIP, Carrier::Ip),
    (libc::IPPROTO_IPV6, Carrier::Ip),
    (libc::IPPROTO_GRE, Carrier::Gre),
];

/// Most packets in one send or receive of many.
pub(super) const MOST: usize = 64;
/// Octets of a received packet at first: each longer one doubles it.
const SLOT: usize = 4096;
/// The longest packet.
const LONGEST: usize = 65_536;

/// Room for what sends of many need, kept so that no packet allocates.
pub(super) type SendRoom = MultiHeaders<SockaddrStorage>;

/// Such room.
pub(super) fn send_room() -> SendRoom {
    MultiHeaders::preallocate(MOST, None)
}

/// Room for what receives of many need. The kernel writes into it how much it used, so that each
/// family has its own.
pub(super) struct ReceiveRoom {
    ipv4: MultiHeaders<SockaddrStorage>,
    ipv6: MultiHeaders<SockaddrStorage>,
}

impl ReceiveRoom {
    pub(super) fn new() -> Self {
        Self {
            ipv4: MultiHeaders::preallocate(MOST, None),
            ipv6: MultiHeaders::preallocate(MOST, Some(control_room())),
        }
    }
}

/// What one receive of many brought: each packet with where it starts.
pub(super) type ManyReceived = [Option<(usize, RawReceived)>; MOST];

/// A socket that sends whole outer packets of one path, or of one address.
#[derive(Debug)]
pub(super) struct RawSender {
    fd: OwnedFd,
    pub(super) serves: Serves,
    pub(super) local: IpAddr,
}

impl RawSender {
    /// Opens a socket in the calling thread's network namespace.
    pub(super) fn open(serves: Serves, interface: Option<&str>, local: IpAddr) -> io::Result<Self> {
        // The headers are ours with this protocol number, in both families (raw(7)).
        let socket = open(local.is_ipv4(), libc::IPPROTO_RAW)?;
        socket.attach_filter(&DROP_ALL)?;
        if let Some(interface) = interface {
            socket.bind_device(Some(interface.as_bytes()))?;
        }
        if setsockopt(&socket, SndBufForce, &BUFFER).is_err() {
            socket.set_send_buffer_size(BUFFER)?;
        }
        socket.bind(&SocketAddr::new(local, 0).into())?;
        Ok(Self {
            fd: socket.into(),
            serves,
            local,
        })
    }

    /// Sends one packet, outer headers included, towards `to`.
    pub(super) fn send(&self, to: IpAddr, pieces: &[IoSlice<'_>]) -> Result<(), Errno> {
        let fd = self.fd.as_raw_fd();
        let flags = MsgFlags::MSG_DONTWAIT;
        match to {
            IpAddr::V4(to) => {
                let to = SockaddrIn::from(SocketAddrV4::new(to, 0));
                sendmsg(fd, pieces, &[], flags, Some(&to)).map(drop)
            }
            IpAddr::V6(to) => {
                let to = SockaddrIn6::from(SocketAddrV6::new(to, 0, 0, 0));
                sendmsg(fd, pieces, &[], flags, Some(&to)).map(drop)
            }
        }
    }
}

impl RawSender {
    /// The same socket for another thread.
    pub(super) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            fd: self.fd.try_clone()?,
            ..*self
        })
    }

    /// Sends `packets`, outer headers included, towards `to`, in as few system calls as they take.
    /// `failed` is told of those that were not sent: the first one's place, how many, and why.
    pub(super) fn send_many(
        &self,
        to: IpAddr,
        packets: &[[IoSlice<'_>; 3]],
        room: &mut SendRoom,
        mut failed: impl FnMut(usize, usize, Errno),
    ) {
        const NOTHING: [ControlMessage<'static>; 0] = [];
        let to = [Some(SockaddrStorage::from(SocketAddr::new(to, 0))); MOST];
        let mut at = 0;
        while let Some(rest @ [_, ..]) = packets.get(at..) {
            let fd = self.fd.as_raw_fd();
            let flags = MsgFlags::MSG_DONTWAIT;
            match sendmmsg(fd, &mut *room, rest, to, NOTHING, flags) {
                Ok(sent) => at += sent.count().max(1),
                // The queue is full: what follows finds it full as well.
                Err(errno @ (Errno::EAGAIN | Errno::ENOBUFS)) => {
                    return failed(at, rest.len(), errno);
                }
                Err(errno) => {
                    failed(at, 1, errno);
                    at += 1;
                }
            }
        }
    }

    /// The largest packet in octets that the kernel sends towards `to` now; none where it does not
    /// say (IPv6).
    pub(super) fn mtu(&self, to: IpAddr) -> Option<u16> {
        // What is sent names its destination all the same.
        let to = SocketAddr::new(to, 0).into();
        SockRef::from(&self.fd).connect(&to).ok()?;
        let mtu = getsockopt(&self.fd, IpMtu).ok()?;
        u16::try_from(mtu).ok()
    }
}

/// A socket that receives all packets of one protocol number and family.
#[derive(Debug)]
pub(super) struct RawReceiver {
    fd: OwnedFd,
    ipv4: bool,
    carrier: Carrier,
    /// Octets that a packet may have: so many fit the area at a time.
    slot: Cell<usize>,
}

impl RawReceiver {
    /// One for each protocol number, in the calling thread's network namespace.
    pub(super) fn open_all(ipv4: bool) -> io::Result<Vec<Self>> {
        let numbers = CARRIERS.into_iter();
        numbers
            .map(|(number, carrier)| {
                let socket = open(ipv4, number)?;
                if setsockopt(&socket, RcvBufForce, &BUFFER).is_err() {
                    socket.set_recv_buffer_size(BUFFER)?;
                }
                if !ipv4 {
                    setsockopt(&socket, Ipv6RecvPacketInfo, &true)?;
                    setsockopt(&socket, Ipv6RecvTClass, &true)?;
                }
                Ok(Self {
                    fd: socket.into(),
                    ipv4,
                    carrier,
                    slot: Cell::new(SLOT),
                })
            })
            .collect()
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(super) const fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// Receives what is there, at most [`MOST`] packets, into `area`, which holds the
    /// longest packet: over IPv4 from the outer
    /// header on, over IPv6 what is behind it.
    pub(super) fn receive_many(
        &self,
        area: &mut [u8],
        room: &mut ReceiveRoom,
    ) -> Result<ManyReceived, Errno> {
        let mut all = [None; MOST];
        let slot = self.slot.get();
        let room = match self.ipv4 {
            true => &mut room.ipv4,
            false => &mut room.ipv6,
        };
        let many = MOST.min(area.len() / slot);
        let mut chunks = area.chunks_exact_mut(slot);
        let mut slots: [_; MOST] =
            std::array::from_fn(|_| [IoSliceMut::new(chunks.next().unwrap_or_default())]);
        let slots = slots.iter_mut().take(many);
        let flags = MsgFlags::MSG_DONTWAIT;
        let received = recvmmsg(self.fd.as_raw_fd(), room, slots, flags, None)?;
        for ((at, place), message) in all.iter_mut().enumerate().zip(received) {
            if message.flags.contains(MsgFlags::MSG_TRUNC) {
                // It is lost, the next like it is not.
                self.slot.set((2 * slot).min(LONGEST));
                continue;
            }
            let from = message.address.as_ref().and_then(address);
            let Some(from) = from else { continue };
            *place = Some((at * slot, read(&message, from)?));
        }
        Ok(all)
    }
}

fn address(from: &SockaddrStorage) -> Option<IpAddr> {
    let ipv4 = from.as_sockaddr_in().map(|from| from.ip().into());
    ipv4.or_else(|| from.as_sockaddr_in6().map(|from| from.ip().into()))
}
