//! Raw sockets: IP-in-IP and GRE, whole outer packets out, what they carry in.
//!
//! Receive sockets belong to nobody: one for each protocol number and family, not bound, open as
//! long as the data plane is. Without one the kernel answers our peers with protocol unreachable
//! or parameter problem. Send sockets belong to a path or an address, are bound to it and receive
//! nothing; outer headers are ours, so that each packet has its own traffic class, its Don't
//! Fragment and its destination options.

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::sockopt::{Ipv6RecvPacketInfo, Ipv6RecvTClass, RcvBufForce, SndBufForce};
use nix::sys::socket::{MsgFlags, SockaddrIn, SockaddrIn6, sendmsg, setsockopt};
use pmip_tunnel::encap::Carrier;

use super::udp::{BUFFER, Serves};
use crate::platform::raw::{DROP_ALL, RawReceived, open, receive};

/// Protocol numbers that carry inner packets without UDP, with what they are.
const CARRIERS: [(i32, Carrier); 3] = [
    (libc::IPPROTO_IPIP, Carrier::Ip),
    (libc::IPPROTO_IPV6, Carrier::Ip),
    (libc::IPPROTO_GRE, Carrier::Gre),
];

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

/// A socket that receives all packets of one protocol number and family.
#[derive(Debug)]
pub(super) struct RawReceiver {
    fd: OwnedFd,
    ipv4: bool,
    carrier: Carrier,
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

    /// Receives into `room`, which holds the longest packet: over IPv4 from the outer header on,
    /// over IPv6 what is behind it.
    pub(super) fn receive(
        &self,
        room: &mut [u8],
        control: &mut [u8],
    ) -> Result<RawReceived, Errno> {
        receive(self.fd.as_fd(), self.ipv4, room, control)
    }
}
