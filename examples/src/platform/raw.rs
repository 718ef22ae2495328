//! Raw sockets of either family, as signalling and tunnels use them.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, RecvMsg, SockaddrIn, SockaddrIn6, recvmsg};
use pmip_tunnel::Ecn;
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

/// A filter that lets nothing through (BPF `ret #0`).
pub(crate) const DROP_ALL: [SockFilter; 1] = [SockFilter::new(0x06, 0, 0, 0)];

/// What one receive brought.
#[derive(Clone, Copy)]
pub(crate) struct RawReceived {
    /// Outer source.
    pub(crate) from: IpAddr,
    /// Outer destination, where the socket asks for it (IPv6).
    pub(crate) to: Option<Ipv6Addr>,
    pub(crate) length: usize,
    /// The outer ECN field, where the socket asks for it (IPv6).
    pub(crate) ecn: Ecn,
}

/// A raw socket that does not block.
pub(crate) fn open(ipv4: bool, protocol: i32) -> io::Result<Socket> {
    let domain = match ipv4 {
        true => Domain::IPV4,
        false => Domain::IPV6,
    };
    let kind = Type::RAW.nonblocking().cloexec();
    Socket::new(domain, kind, Some(Protocol::from(protocol)))
}

/// Receives one packet of a raw socket: over IPv4 from its IP header on, over IPv6 what is behind
/// the headers.
pub(crate) fn receive(
    fd: BorrowedFd<'_>,
    ipv4: bool,
    room: &mut [u8],
    control: &mut [u8],
) -> Result<RawReceived, Errno> {
    match ipv4 {
        true => receive_ipv4(fd, room),
        false => receive_ipv6(fd, room, control),
    }
}

fn receive_ipv4(fd: BorrowedFd<'_>, room: &mut [u8]) -> Result<RawReceived, Errno> {
    let mut room = [IoSliceMut::new(room)];
    let flags = MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<SockaddrIn>(fd.as_raw_fd(), &mut room, None, flags)?;
    let from = message
        .address
        .map_or(Ipv4Addr::UNSPECIFIED, |from| from.ip());
    Ok(RawReceived {
        from: from.into(),
        to: None,
        length: message.bytes,
        ecn: Ecn::NotEct,
    })
}

fn receive_ipv6(
    fd: BorrowedFd<'_>,
    room: &mut [u8],
    control: &mut [u8],
) -> Result<RawReceived, Errno> {
    let mut room = [IoSliceMut::new(room)];
    let flags = MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<SockaddrIn6>(fd.as_raw_fd(), &mut room, Some(control), flags)?;
    let from = message
        .address
        .map_or(Ipv6Addr::UNSPECIFIED, |from| from.ip());
    read(&message, from.into())
}

/// What `message` says of itself; its outer source is `from`.
pub(crate) fn read<S>(message: &RecvMsg<'_, '_, S>, from: IpAddr) -> Result<RawReceived, Errno> {
    let mut received = RawReceived {
        from,
        to: None,
        length: message.bytes,
        ecn: Ecn::NotEct,
    };
    for item in message.cmsgs()? {
        if let ControlMessageOwned::Ipv6PacketInfo(info) = item {
            received.to = Some(info.ipi6_addr.s6_addr.into());
        } else if let ControlMessageOwned::Ipv6TClass(class) = item {
            received.ecn = Ecn::of(u8::try_from(class).unwrap_or(0));
        }
    }
    Ok(received)
}

/// Room for the control messages of one receive.
pub(crate) fn control_room() -> Vec<u8> {
    let mut room = nix::cmsg_space!([u8; 64]);
    room.resize(room.capacity(), 0);
    room
}
