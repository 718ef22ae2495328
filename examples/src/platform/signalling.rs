//! Signalling sockets of Linux: UDP port 5436 over IPv4, one for each uplink on a MAG; raw sockets
//! of protocol 135 over IPv6.
//!
//! Over IPv6 one unbound socket receives, opened with the first that sends and kept: without it the
//! kernel answers our peers with an ICMPv6 parameter problem. The sockets that send are bound to
//! their address and device and receive nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::Ipv6RecvPacketInfo;
use pmip_binding::{Carrier, Datagram, VrfId};
use pmip_wire::checksum::MOBILITY_HEADER_PROTOCOL;
use pmip_wire::udp::CONTROL_PORT;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::ports::{Signalling, SocketKey};
use super::raw;

/// The largest UDP payload; a Mobility Header is 2,048 octets at most, and whatever is longer
/// must still be seen whole to be counted.
const LARGEST: usize = 65_535;

/// The sockets of one node, in the network namespace of the thread that opens them.
pub struct LinuxSignalling {
    inbox: mpsc::Sender<Datagram>,
    sockets: BTreeMap<SocketKey, Open>,
    /// Our IPv6 addresses: what arrives at others is not for us.
    ours: Arc<ArcSwap<BTreeSet<Ipv6Addr>>>,
    /// Receives over IPv6, once there is such a socket.
    ipv6: Option<JoinHandle<()>>,
}

enum Open {
    Udp {
        socket: Arc<UdpSocket>,
        receiver: JoinHandle<()>,
    },
    /// Sends alone.
    Raw(Socket),
}

impl LinuxSignalling {
    /// Sockets whose datagrams go to `inbox`; when it is full, the kernel's buffers fill and then
    /// drop. Use inside a tokio runtime.
    pub fn new(inbox: mpsc::Sender<Datagram>) -> Self {
        Self {
            inbox,
            sockets: BTreeMap::new(),
            ours: Arc::default(),
            ipv6: None,
        }
    }

    fn open_udp(&self, key: &SocketKey) -> io::Result<Open> {
        let socket = Arc::new(bind_udp(key)?);
        let local = socket.local_addr()?;
        let receiver = tokio::spawn(receive(socket.clone(), local, self.inbox.clone()));
        Ok(Open::Udp { socket, receiver })
    }

    fn open_raw(&mut self, key: &SocketKey) -> io::Result<Open> {
        if self.ipv6.is_none() {
            let socket = open_protocol_135()?;
            setsockopt(&socket, Ipv6RecvPacketInfo, &true)?;
            // A UDP socket by its type alone: it is what tokio can wait for without a promise of ours.
            let socket = UdpSocket::from_std(socket.into())?;
            let (ours, inbox) = (Arc::clone(&self.ours), self.inbox.clone());
            self.ipv6 = Some(tokio::spawn(receive_ipv6(socket, ours, inbox)));
        }
        let socket = open_protocol_135()?;
        socket.attach_filter(&raw::DROP_ALL)?;
        if let Some(device) = &key.device {
            socket.bind_device(Some(device.as_bytes()))?;
        }
        socket.bind(&SocketAddr::new(key.local, 0).into())?;
        Ok(Open::Raw(socket))
    }

    fn note_addresses(&self) {
        let locals = self.sockets.keys().map(|key| key.local);
        let ours = locals.filter_map(|local| match local {
            IpAddr::V4(_) => None,
            IpAddr::V6(local) => Some(local),
        });
        self.ours.store(Arc::new(ours.collect()));
    }
}

impl Signalling for LinuxSignalling {
    fn open(&mut self, key: &SocketKey) -> io::Result<()> {
        if self.sockets.contains_key(key) {
            return Ok(());
        }
        let open = match key.local {
            IpAddr::V4(_) => self.open_udp(key)?,
            IpAddr::V6(_) => self.open_raw(key)?,
        };
        self.sockets.insert(key.clone(), open);
        self.note_addresses();
        Ok(())
    }

    fn close(&mut self, key: &SocketKey) {
        if let Some(Open::Udp { receiver, .. }) = self.sockets.remove(key) {
            receiver.abort();
        }
        self.note_addresses();
    }

    fn send(
        &mut self,
        key: &SocketKey,
        destination: SocketAddr,
        payload: &Bytes,
    ) -> io::Result<()> {
        let open = self.sockets.get(key).ok_or(io::ErrorKind::NotConnected)?;
        // Straight to the kernel: tokio would first wait to hear that the socket is writable.
        let socket = match open {
            Open::Udp { socket, .. } => SockRef::from(&**socket),
            Open::Raw(socket) => SockRef::from(socket),
        };
        socket.send_to(payload, &destination.into()).map(|_| ())
    }
}

impl Drop for LinuxSignalling {
    fn drop(&mut self) {
        for open in self.sockets.values() {
            if let Open::Udp { receiver, .. } = open {
                receiver.abort();
            }
        }
        if let Some(receiver) = &self.ipv6 {
            receiver.abort();
        }
    }
}

fn open_protocol_135() -> io::Result<Socket> {
    raw::open(false, MOBILITY_HEADER_PROTOCOL.into())
}

fn bind_udp(key: &SocketKey) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if let Some(device) = &key.device {
        socket.bind_device(Some(device.as_bytes()))?;
    }
    socket.bind(&SocketAddr::new(key.local, CONTROL_PORT).into())?;
    UdpSocket::from_std(socket.into())
}

async fn receive(socket: Arc<UdpSocket>, local: SocketAddr, inbox: mpsc::Sender<Datagram>) {
    let mut buffer = vec![0; LARGEST];
    loop {
        let (length, source) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            Err(error) => {
                // An ICMP error for something we sent; the next receive goes on.
                tracing::debug!("signalling socket {local}: {error}");
                tokio::task::yield_now().await;
                continue;
            }
        };
        let datagram = Datagram {
            carrier: Carrier::Udp,
            source,
            destination: local,
            payload: Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default()),
            vrf: VrfId::DEFAULT,
        };
        if inbox.send(datagram).await.is_err() {
            return;
        }
    }
}

/// The engine verifies the checksum, with the addresses that are given here.
async fn receive_ipv6(
    socket: UdpSocket,
    ours: Arc<ArcSwap<BTreeSet<Ipv6Addr>>>,
    inbox: mpsc::Sender<Datagram>,
) {
    let mut buffer = vec![0; LARGEST];
    let mut control = raw::control_room();
    loop {
        let received = socket.async_io(Interest::READABLE, || {
            let received = raw::receive(socket.as_fd(), false, &mut buffer, &mut control);
            received.map_err(io::Error::from)
        });
        let received = match received.await {
            Ok(received) => received,
            Err(error) => {
                tracing::debug!("signalling socket of IPv6: {error}");
                tokio::task::yield_now().await;
                continue;
            }
        };
        let Some(local) = received.to.filter(|to| ours.load().contains(to)) else {
            continue;
        };
        let datagram = Datagram {
            carrier: Carrier::Ipv6,
            source: SocketAddr::new(received.from, 0),
            destination: SocketAddr::new(local.into(), 0),
            payload: Bytes::copy_from_slice(buffer.get(..received.length).unwrap_or_default()),
            vrf: VrfId::DEFAULT,
        };
        if inbox.send(datagram).await.is_err() {
            return;
        }
    }
}
