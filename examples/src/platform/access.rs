//! Access interfaces of Linux: packet sockets that see DHCP, ARP and neighbour discovery of hosts
//! and nothing else, so that what hosts send to the world costs nothing here.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use bytes::Bytes;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{LinkAddr, bind};
use socket2::{Domain, Protocol, SockFilter, SockRef, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::ports::{AccessFrame, AccessLinks, Servers};
use crate::access::frame::{DHCP4_PORTS, DHCP6_PORTS};

/// The largest frame that is looked at: none of these protocols needs more than an Ethernet frame.
const LARGEST: usize = 2048;
const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// All DHCPv6 servers and relay agents on the link (RFC 8415 section 7.1).
const ALL_DHCP6_SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);

/// The access interfaces of one node, in the network namespace of the thread that opens them.
pub struct LinuxAccess {
    inbox: mpsc::Sender<AccessFrame>,
    links: BTreeMap<String, Open>,
}

struct Open {
    sender: Arc<UdpSocket>,
    receivers: Vec<JoinHandle<()>>,
    /// Held so that the kernel does not answer DHCP with "port unreachable", and so that no
    /// other server answers as well.
    _ports: Vec<Socket>,
}

impl LinuxAccess {
    /// Interfaces whose frames go to `inbox`; when it is full, frames are dropped. Use inside a
    /// tokio runtime.
    pub fn new(inbox: mpsc::Sender<AccessFrame>) -> Self {
        Self {
            inbox,
            links: BTreeMap::new(),
        }
    }
}

impl AccessLinks for LinuxAccess {
    fn open(&mut self, device: &str, servers: Servers) -> io::Result<()> {
        if self.links.contains_key(device) {
            return Ok(());
        }
        let dhcp4 = if servers.dhcp4 {
            take_port4(device)?
        } else {
            None
        };
        let dhcp6 = if servers.dhcp6 {
            take_port6(device)?
        } else {
            None
        };
        let address = link_address(device)?;
        let name: Arc<str> = device.into();
        let mut receivers = Vec::new();
        let mut sender = None;
        for (kind, filter) in [
            (ARP, arp_filter()),
            (IPV4, dhcp4_filter(dhcp4.is_some())),
            (IPV6, ipv6_filter(dhcp6.is_some())),
        ] {
            let socket = Arc::new(packet_socket(kind, &filter, &address)?);
            let received = receive(socket.clone(), name.clone(), self.inbox.clone());
            receivers.push(tokio::spawn(received));
            sender.get_or_insert(socket);
        }
        let sender = sender.ok_or(io::ErrorKind::NotConnected)?;
        let open = Open {
            sender,
            receivers,
            _ports: dhcp4.into_iter().chain(dhcp6).collect(),
        };
        self.links.insert(device.to_owned(), open);
        Ok(())
    }

    fn close(&mut self, device: &str) {
        self.links.remove(device);
    }

    fn send(&mut self, device: &str, frame: &[u8]) -> io::Result<()> {
        let open = self.links.get(device).ok_or(io::ErrorKind::NotConnected)?;
        // Straight to the kernel: tokio would first wait to hear that the socket is writable.
        SockRef::from(&*open.sender).send(frame).map(|_| ())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        for receiver in &self.receivers {
            receiver.abort();
        }
    }
}

async fn receive(socket: Arc<UdpSocket>, device: Arc<str>, inbox: mpsc::Sender<AccessFrame>) {
    let mut buffer = vec![0; LARGEST];
    loop {
        let length = match socket.recv(&mut buffer).await {
            Ok(length) => length,
            Err(error) => {
                // The device went down; it may come back.
                tracing::debug!("{device}: {error}");
                tokio::task::yield_now().await;
                continue;
            }
        };
        let octets = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
        let device = device.clone();
        // A flood fills the kernel's buffer meanwhile, which then drops.
        if inbox.send(AccessFrame { device, octets }).await.is_err() {
            return;
        }
    }
}

/// The address to bind to: the kernel's own description of the device.
fn link_address(device: &str) -> io::Result<LinkAddr> {
    let index = if_nametoindex(device)? as usize;
    let addresses = getifaddrs()?;
    let mut links = addresses.filter_map(|found| found.address?.as_link_addr().copied());
    links
        .find(|link| link.ifindex() == index)
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{device}: no link layer")))
}

/// To tokio all sockets of datagrams are alike: this one's are whole frames.
fn packet_socket(kind: u16, filter: &[SockFilter], address: &LinkAddr) -> io::Result<UdpSocket> {
    let protocol = Protocol::from(i32::from(kind.to_be()));
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol))?;
    socket.set_nonblocking(true)?;
    // Before it is bound it hears every device.
    socket.attach_filter(&[ret(0)])?;
    bind(socket.as_raw_fd(), address)?;
    let mut early = [0];
    while io::Read::read(&mut &socket, &mut early).is_ok() {}
    socket.attach_filter(filter)?;
    UdpSocket::from_std(socket.into())
}

/// A socket on the DHCPv4 server port, which receives nothing; `None` where another server is.
fn take_port4(device: &str) -> io::Result<Option<Socket>> {
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, DHCP4_PORTS.0));
    take_port(Domain::IPV4, device, address)
}

/// The same for DHCPv6; it is in the servers' group, so that the device lets the group's frames in.
fn take_port6(device: &str) -> io::Result<Option<Socket>> {
    let address = SocketAddr::from((Ipv6Addr::UNSPECIFIED, DHCP6_PORTS.0));
    let socket = take_port(Domain::IPV6, device, address)?;
    if let Some(socket) = &socket {
        socket.join_multicast_v6(&ALL_DHCP6_SERVERS, if_nametoindex(device)?)?;
    }
    Ok(socket)
}

fn take_port(domain: Domain, device: &str, address: SocketAddr) -> io::Result<Option<Socket>> {
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.attach_filter(&[ret(0)])?;
    socket.bind_device(Some(device.as_bytes()))?;
    if domain == Domain::IPV6 {
        socket.set_only_v6(true)?;
    }
    match socket.bind(&address.into()) {
        Ok(()) => Ok(Some(socket)),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let port = address.port();
            tracing::warn!("{device}: another program has UDP port {port}: it is the DHCP server");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

// The classic filter machine: see the kernel's Documentation/networking/filter.rst. Jumps are
// relative to the next line.

const LOAD_OCTET: u16 = 0x30;
const LOAD_PAIR: u16 = 0x28;
const LOAD_PAIR_INDEXED: u16 = 0x48;
/// X = 4 * (octet & 15): the length of an IPv4 header.
const INDEX_HEADER: u16 = 0xb1;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_SET: u16 = 0x45;
const RETURN: u16 = 0x06;
/// Where the network header begins in a frame.
const NETWORK: u32 = 14;
const UDP: u32 = 17;
const ICMPV6: u32 = 58;
const ROUTER_SOLICITATION: u32 = 133;
const NEIGHBOUR_ADVERTISEMENT: u32 = 136;

fn ret(octets: u32) -> SockFilter {
    SockFilter::new(RETURN, 0, 0, octets)
}

fn load(code: u16, at: u32) -> SockFilter {
    SockFilter::new(code, 0, 0, at)
}

/// Skips `yes` lines if equal, else `no`.
fn equal(value: u32, yes: u8, no: u8) -> SockFilter {
    SockFilter::new(JUMP_EQUAL, yes, no, value)
}

const WHOLE: u32 = LARGEST as u32;

fn arp_filter() -> Vec<SockFilter> {
    vec![ret(WHOLE)]
}

/// UDP to the server port, not a later fragment.
fn dhcp4_filter(wanted: bool) -> Vec<SockFilter> {
    if !wanted {
        return vec![ret(0)];
    }
    vec![
        load(LOAD_OCTET, NETWORK + 9),
        equal(UDP, 0, 6),
        load(LOAD_PAIR, NETWORK + 6),
        SockFilter::new(JUMP_SET, 4, 0, 0x1fff),
        load(INDEX_HEADER, NETWORK),
        load(LOAD_PAIR_INDEXED, NETWORK + 2),
        equal(DHCP4_PORTS.0.into(), 0, 1),
        ret(WHOLE),
        ret(0),
    ]
}

/// Router Solicitations, Neighbour Advertisements, and UDP to the server port if that is wanted.
fn ipv6_filter(dhcp: bool) -> Vec<SockFilter> {
    let dhcp = if dhcp { WHOLE } else { 0 };
    vec![
        load(LOAD_OCTET, NETWORK + 6),
        equal(ICMPV6, 0, 3),
        load(LOAD_OCTET, NETWORK + 40),
        equal(ROUTER_SOLICITATION, 5, 0),
        equal(NEIGHBOUR_ADVERTISEMENT, 4, 5),
        equal(UDP, 0, 4),
        load(LOAD_PAIR, NETWORK + 42),
        equal(DHCP6_PORTS.0.into(), 0, 2),
        ret(dhcp),
        ret(WHOLE),
        ret(0),
    ]
}
