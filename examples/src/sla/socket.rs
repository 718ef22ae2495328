//! UDP sockets that say when, where and with what TTL a datagram came.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt,
    sockopt,
};
use socket2::{Domain, Protocol, Socket, Type};

/// A UDP socket of one family.
#[derive(Debug)]
pub(super) struct SlaSocket {
    socket: UdpSocket,
    local: SocketAddr,
    control: Vec<u8>,
}

/// A datagram that came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub length: usize,
    pub from: SocketAddr,
    /// Where it was sent to.
    pub to: SocketAddr,
    /// When the kernel got it, by the wall clock.
    pub noted: Option<Duration>,
    pub hop_limit: Option<u8>,
    pub traffic_class: Option<u8>,
}

impl SlaSocket {
    /// Bound to `local`.
    pub(super) fn bind(local: SocketAddr) -> io::Result<Self> {
        let is_v6 = local.is_ipv6();
        let domain = if is_v6 { Domain::IPV6 } else { Domain::IPV4 };
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        if is_v6 {
            socket.set_only_v6(true)?;
            socket.set_unicast_hops_v6(HOP_LIMIT)?;
        } else {
            socket.set_ttl_v4(HOP_LIMIT)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&local.into())?;
        let socket = UdpSocket::from(socket);
        // What a kernel cannot tell is left out.
        let _ = setsockopt(&socket, sockopt::ReceiveTimestampns, &true);
        if is_v6 {
            let _ = setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true);
            let _ = setsockopt(&socket, sockopt::Ipv6RecvHopLimit, &true);
        } else {
            let _ = setsockopt(&socket, sockopt::Ipv4PacketInfo, &true);
            let _ = setsockopt(&socket, sockopt::Ipv4RecvTtl, &true);
            let _ = setsockopt(&socket, sockopt::IpRecvTos, &true);
        }
        let mut control = nix::cmsg_space!([u8; 256]);
        control.resize(control.capacity(), 0);
        Ok(Self {
            local: socket.local_addr()?,
            socket,
            control,
        })
    }

    pub(super) const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Receives into `room`; `None` where nothing is there.
    pub(super) fn receive(&mut self, room: &mut [u8]) -> io::Result<Option<Arrival>> {
        let mut room = [IoSliceMut::new(room)];
        let received = recvmsg::<SockaddrStorage>(
            self.socket.as_raw_fd(),
            &mut room,
            Some(&mut self.control),
            MsgFlags::MSG_DONTWAIT,
        );
        let message = match received {
            Ok(message) => message,
            // An ICMP error to something sent before says nothing that a timeout does not.
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        let Some(from) = message.address.as_ref().and_then(address) else {
            return Ok(None);
        };
        let mut arrival = Arrival {
            length: message.bytes,
            from,
            to: self.local,
            noted: None,
            hop_limit: None,
            traffic_class: None,
        };
        for item in message.cmsgs()? {
            arrival.note(&item);
        }
        Ok(Some(arrival))
    }

    /// Sends from the address that the question went to.
    pub(super) fn send(&self, octets: &[u8], from: IpAddr, to: SocketAddr) -> io::Result<()> {
        let pieces = [IoSlice::new(octets)];
        let fd = self.socket.as_raw_fd();
        let flags = MsgFlags::MSG_DONTWAIT;
        let to = SockaddrStorage::from(to);
        let done = match from {
            IpAddr::V4(from) => {
                let info = libc::in_pktinfo {
                    ipi_ifindex: 0,
                    ipi_spec_dst: libc::in_addr {
                        s_addr: u32::from(from).to_be(),
                    },
                    ipi_addr: libc::in_addr { s_addr: 0 },
                };
                let items = [ControlMessage::Ipv4PacketInfo(&info)];
                sendmsg(fd, &pieces, &items, flags, Some(&to))
            }
            IpAddr::V6(from) => {
                let info = libc::in6_pktinfo {
                    ipi6_addr: libc::in6_addr {
                        s6_addr: from.octets(),
                    },
                    ipi6_ifindex: 0,
                };
                let items = [ControlMessage::Ipv6PacketInfo(&info)];
                sendmsg(fd, &pieces, &items, flags, Some(&to))
            }
        };
        done.map(drop).map_err(io::Error::from)
    }
}

impl AsFd for SlaSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// STAMP asks for it (RFC 8762 section 4.2.1).
const HOP_LIMIT: u32 = 255;

impl Arrival {
    fn note(&mut self, item: &ControlMessageOwned) {
        if let ControlMessageOwned::ScmTimestampns(time) = item {
            self.noted = Some(Duration::from(*time));
        } else if let ControlMessageOwned::Ipv4PacketInfo(info) = item {
            let address = u32::from_be(info.ipi_addr.s_addr);
            self.to.set_ip(IpAddr::V4(address.into()));
        } else if let ControlMessageOwned::Ipv6PacketInfo(info) = item {
            self.to.set_ip(IpAddr::V6(info.ipi6_addr.s6_addr.into()));
        } else if let ControlMessageOwned::Ipv4Ttl(ttl) | ControlMessageOwned::Ipv6HopLimit(ttl) =
            item
        {
            self.hop_limit = u8::try_from(*ttl).ok();
        } else if let ControlMessageOwned::Ipv4Tos(tos) = item {
            self.traffic_class = Some(*tos);
        }
    }
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = storage.as_sockaddr_in() {
        return Some(SocketAddr::V4((*v4).into()));
    }
    let v6 = storage.as_sockaddr_in6()?;
    Some(SocketAddr::V6((*v6).into()))
}

/// Our address towards `remote`, by the routing table.
pub(super) fn source_towards(remote: SocketAddr) -> io::Result<IpAddr> {
    let any: SocketAddr = match remote {
        SocketAddr::V4(_) => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(remote)?;
    Ok(socket.local_addr()?.ip())
}
