//! ICMP errors of the networks that carry the tunnels, whatever carries them there.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::Ipv6RecvPacketInfo;
use socket2::SockFilter;

use crate::platform::raw::{open, receive};

/// Lets errors pass, Destination Unreachable, Time Exceeded and Parameter Problem (RFC 792), which
/// start behind the IPv4 header: `ldx 4*([0]&0xf)`, `ldb [x+0]`, comparisons, `ret`.
const ERRORS_V4: [SockFilter; 7] = [
    SockFilter::new(0xb1, 0, 0, 0),
    SockFilter::new(0x50, 0, 0, 0),
    SockFilter::new(0x15, 3, 0, 3),
    SockFilter::new(0x15, 2, 0, 11),
    SockFilter::new(0x15, 1, 0, 12),
    SockFilter::new(0x06, 0, 0, 0),
    SockFilter::new(0x06, 0, 0, u32::MAX),
];
/// Lets types below 128 pass, which are errors (RFC 4443 section 2.1): `ldb [0]`, `jset #0x80`.
const ERRORS_V6: [SockFilter; 4] = [
    SockFilter::new(0x30, 0, 0, 0),
    SockFilter::new(0x45, 1, 0, 0x80),
    SockFilter::new(0x06, 0, 0, u32::MAX),
    SockFilter::new(0x06, 0, 0, 0),
];
const IPV6_HEADER: usize = 40;
const ICMPV6: u8 = 58;

/// A socket that receives ICMP errors of one family.
#[derive(Debug)]
pub(super) struct IcmpListener {
    fd: OwnedFd,
    ipv4: bool,
}

impl IcmpListener {
    /// Opens it in the calling thread's network namespace.
    pub(super) fn open(ipv4: bool) -> io::Result<Self> {
        let socket = match ipv4 {
            true => open(ipv4, libc::IPPROTO_ICMP)?,
            false => open(ipv4, libc::IPPROTO_ICMPV6)?,
        };
        match ipv4 {
            true => socket.attach_filter(&ERRORS_V4)?,
            false => {
                socket.attach_filter(&ERRORS_V6)?;
                setsockopt(&socket, Ipv6RecvPacketInfo, &true)?;
            }
        }
        Ok(Self {
            fd: socket.into(),
            ipv4,
        })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Receives one error as a whole IP packet into `room`.
    pub(super) fn receive<'a>(
        &self,
        room: &'a mut [u8],
        control: &mut [u8],
    ) -> Result<&'a mut [u8], Errno> {
        let own = if self.ipv4 { 0 } else { IPV6_HEADER };
        let behind = room.get_mut(own..).unwrap_or_default();
        let received = receive(self.fd.as_fd(), self.ipv4, behind, control)?;
        let packet = room.get_mut(..own + received.length).unwrap_or_default();
        if let (false, IpAddr::V6(from), Some(to)) = (self.ipv4, received.from, received.to) {
            write_header(packet, from, to);
        }
        Ok(packet)
    }
}

/// The header that a raw IPv6 socket keeps to itself.
fn write_header(packet: &mut [u8], from: Ipv6Addr, to: Ipv6Addr) {
    let length = packet.len().saturating_sub(IPV6_HEADER);
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    let mut header = [0; IPV6_HEADER];
    let (fixed, addresses) = header.split_at_mut(8);
    fixed.copy_from_slice(&[0x60, 0, 0, 0, 0, 0, ICMPV6, 64]);
    let (source, destination) = addresses.split_at_mut(16);
    source.copy_from_slice(&from.octets());
    destination.copy_from_slice(&to.octets());
    if let Some(place) = header.get_mut(4..6) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    if let Some(place) = packet.first_chunk_mut() {
        *place = header;
    }
}
