//! Signalling sockets of Linux: UDP port 5436 over IPv4, one for each uplink on a MAG.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use pmip_binding::{Carrier, Datagram};
use pmip_wire::udp::CONTROL_PORT;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::ports::{Signalling, SocketKey};

/// The largest UDP payload; a Mobility Header is 2,048 octets at most, and whatever is longer
/// must still be seen whole to be counted.
const LARGEST: usize = 65_535;

/// The sockets of one node, in the network namespace of the thread that opens them.
pub struct LinuxSignalling {
    inbox: mpsc::Sender<Datagram>,
    sockets: BTreeMap<SocketKey, Open>,
}

struct Open {
    socket: Arc<UdpSocket>,
    receiver: JoinHandle<()>,
}

impl LinuxSignalling {
    /// Sockets whose datagrams go to `inbox`; when it is full, the kernel's buffers fill and then
    /// drop. Use inside a tokio runtime.
    pub fn new(inbox: mpsc::Sender<Datagram>) -> Self {
        Self {
            inbox,
            sockets: BTreeMap::new(),
        }
    }
}

impl Signalling for LinuxSignalling {
    fn open(&mut self, key: &SocketKey) -> io::Result<()> {
        if self.sockets.contains_key(key) {
            return Ok(());
        }
        let socket = Arc::new(bind(key)?);
        let local = socket.local_addr()?;
        let receiver = tokio::spawn(receive(socket.clone(), local, self.inbox.clone()));
        self.sockets.insert(key.clone(), Open { socket, receiver });
        Ok(())
    }

    fn close(&mut self, key: &SocketKey) {
        if let Some(open) = self.sockets.remove(key) {
            open.receiver.abort();
        }
    }

    fn send(
        &mut self,
        key: &SocketKey,
        destination: SocketAddr,
        payload: &Bytes,
    ) -> io::Result<()> {
        let open = self.sockets.get(key).ok_or(io::ErrorKind::NotConnected)?;
        // Straight to the kernel: tokio would first wait to hear that the socket is writable.
        let socket = SockRef::from(&*open.socket);
        socket.send_to(payload, &destination.into()).map(|_| ())
    }
}

impl Drop for LinuxSignalling {
    fn drop(&mut self) {
        for open in self.sockets.values() {
            open.receiver.abort();
        }
    }
}

fn bind(key: &SocketKey) -> io::Result<UdpSocket> {
    let IpAddr::V4(local) = key.local else {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "signalling over IPv6 (protocol 135) is not there yet: give the LMA an IPv4 address and use encap udptunnel",
        ));
    };
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if let Some(device) = &key.device {
        socket.bind_device(Some(device.as_bytes()))?;
    }
    socket.bind(&SocketAddr::from((local, CONTROL_PORT)).into())?;
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
            vrf: pmip_binding::VrfId::DEFAULT,
        };
        if inbox.send(datagram).await.is_err() {
            return;
        }
    }
}
