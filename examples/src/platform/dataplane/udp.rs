//! Data sockets: one for each path, bound to its address and interface, or one for each address.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::sockopt::{
    IpRecvTos, RcvBufForce, SndBufForce, UdpGroSegment, UdpGsoSegment,
};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, getsockopt, recvmsg, sendmsg,
    setsockopt,
};
use pmip_tunnel::Ecn;
use pmip_wire::types::PathId;
use socket2::{Domain, Protocol, Socket, Type};

use super::{Offload, SocketError};

/// Octets that may wait in each direction: a burst of super-packets at 10 Gbit/s for some
/// milliseconds. More would be latency.
pub(super) const BUFFER: usize = 4 << 20;
/// The longest UDP payload over IPv4.
pub(super) const MAX_DATAGRAMS_LENGTH: usize = 65_507;
/// The most datagrams in one send (Linux `UDP_MAX_SEGMENTS` before 6.9).
pub(super) const MAX_DATAGRAMS: usize = 64;

/// Which packets a socket serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serves {
    /// One path.
    Path(PathId),
    /// All paths whose local address it is bound to and that have no socket of their own.
    Shared,
}

/// An open data socket.
#[derive(Debug)]
pub(super) struct DataSocket {
    fd: OwnedFd,
    pub(super) serves: Serves,
    pub(super) local: IpAddr,
    gso: bool,
    gro: bool,
    reads: bool,
}

/// What one receive brought.
pub(super) struct Received {
    pub(super) from: SocketAddr,
    pub(super) length: usize,
    /// Octets of each datagram; the last may be shorter.
    pub(super) datagram: usize,
    pub(super) ecn: Ecn,
}

impl DataSocket {
    /// Opens a socket in the calling thread's network namespace; `shares`: others of ours have the
    /// same address and port.
    pub(super) fn open(
        serves: Serves,
        interface: Option<&str>,
        local: IpAddr,
        port: u16,
        offload: Offload,
        shares: bool,
    ) -> io::Result<Self> {
        let IpAddr::V4(address) = local else {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "data over UDP needs an IPv4 address: no RFC defines IPv6 with UDP",
            ));
        };
        let socket = Socket::new(
            Domain::IPV4,
            Type::DGRAM.nonblocking().cloexec(),
            Some(Protocol::UDP),
        )?;
        if let Some(interface) = interface {
            socket.bind_device(Some(interface.as_bytes()))?;
        }
        // Without the right to force them the kernel's limits have to do.
        if setsockopt(&socket, RcvBufForce, &BUFFER).is_err() {
            socket.set_recv_buffer_size(BUFFER)?;
        }
        if setsockopt(&socket, SndBufForce, &BUFFER).is_err() {
            socket.set_send_buffer_size(BUFFER)?;
        }
        setsockopt(&socket, IpRecvTos, &true)?;
        let gso = offload.gso && getsockopt(&socket, UdpGsoSegment).is_ok();
        let gro = offload.gro && setsockopt(&socket, UdpGroSegment, &true).is_ok();
        if shares && serves == Serves::Shared {
            socket.set_reuse_port(true)?;
        }
        socket.bind(&SocketAddr::from((address, port)).into())?;
        Ok(Self {
            fd: socket.into(),
            serves,
            local,
            gso,
            gro,
            reads: true,
        })
    }

    /// The same socket for another thread, which receives from it or not.
    pub(super) fn try_clone(&self, reads: bool) -> io::Result<Self> {
        Ok(Self {
            fd: self.fd.try_clone()?,
            reads,
            ..*self
        })
    }

    /// Whether its thread receives from it.
    pub(super) const fn reads(&self) -> bool {
        self.reads
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(super) const fn gso(&self) -> bool {
        self.gso
    }

    pub(super) const fn gro(&self) -> bool {
        self.gro
    }

    /// The route's device cannot cut datagrams: send them one by one from now on.
    pub(super) const fn give_up_gso(&mut self) {
        self.gso = false;
    }

    /// Sends `pieces` to `to`, as datagrams of `datagram` octets each where that is given. `tos` is
    /// their type of service octet.
    pub(super) fn send(
        &self,
        to: SocketAddr,
        pieces: &[IoSlice<'_>],
        datagram: Option<u16>,
        tos: u8,
    ) -> Result<(), Errno> {
        let SocketAddr::V4(to) = to else {
            return Err(Errno::EAFNOSUPPORT);
        };
        let to = SockaddrIn::from(to);
        let marked = tos != 0;
        let size = datagram.unwrap_or(0);
        let size = ControlMessage::UdpGsoSegments(&size);
        let tos = ControlMessage::Ipv4Tos(&tos);
        let both = [size, tos];
        let messages = match (datagram.is_some(), marked) {
            (true, true) => &both[..],
            (true, false) => &both[..1],
            (false, true) => &both[1..],
            (false, false) => &[],
        };
        sendmsg(
            self.fd.as_raw_fd(),
            pieces,
            messages,
            MsgFlags::MSG_DONTWAIT,
            Some(&to),
        )
        .map(drop)
    }

    /// Receives into `room`, which holds the longest datagram.
    pub(super) fn receive(&self, room: &mut [u8], control: &mut [u8]) -> Result<Received, Errno> {
        let mut room = [IoSliceMut::new(room)];
        let message = recvmsg::<SockaddrIn>(
            self.fd.as_raw_fd(),
            &mut room,
            Some(control),
            MsgFlags::MSG_DONTWAIT,
        )?;
        let from = message.address.map_or(
            SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
            SocketAddrV4::from,
        );
        let mut received = Received {
            from: from.into(),
            length: message.bytes,
            datagram: message.bytes.max(1),
            ecn: Ecn::NotEct,
        };
        for item in message.cmsgs()? {
            if let ControlMessageOwned::UdpGroSegments(size) = item {
                received.datagram = usize::try_from(size).unwrap_or(0).max(1);
            } else if let ControlMessageOwned::Ipv4Tos(tos) = item {
                received.ecn = Ecn::of(tos);
            }
        }
        Ok(received)
    }
}

impl From<Errno> for SocketError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "errno has 130 values")]
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::ENETUNREACH
            | Errno::EHOSTUNREACH
            | Errno::ENETDOWN
            | Errno::EHOSTDOWN
            | Errno::ENODEV
            | Errno::ENXIO
            | Errno::EADDRNOTAVAIL => Self::Unreachable,
            Errno::EMSGSIZE => Self::TooBig,
            Errno::ENOBUFS | Errno::ENOMEM | Errno::EAGAIN => Self::NoBuffers,
            Errno::EPERM | Errno::EACCES | Errno::ECONNREFUSED => Self::Refused,
            other => Self::Other(other as i32),
        }
    }
}
