//! An end host in virtual time: a small TCP/IP stack on packet queues.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use pmip_wire::types::Instant;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp;
use smoltcp::time::Instant as StackInstant;
use smoltcp::wire::{
    HardwareAddress, Icmpv4Packet, Icmpv4Repr, IpAddress, IpCidr, IpProtocol, Ipv4Packet, Ipv4Repr,
};

/// Below every tunnel's MTU: this stack does no path MTU discovery.
const MTU: usize = 1400;
/// Window of one transfer. Several of them fill the links' queues but do not overflow them.
const WINDOW: usize = 16 * 1024;
const PING_IDENTIFIER: u16 = 0x706d;
const CHUNK: [u8; 4096] = [0x5a; 4096];

/// One host.
pub(super) struct SimHost {
    device: Queues,
    interface: Interface,
    sockets: SocketSet<'static>,
    answered: VecDeque<Echo>,
}

/// One echo request, by what its answer is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Echo {
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    pub(super) sequence: u16,
}

/// What became of a socket that sends or receives bulk data.
pub(super) enum Pumped {
    /// Octets taken or given.
    Octets(usize),
    /// The connection is gone.
    Gone,
}

impl SimHost {
    /// A host without address.
    pub(super) fn new(now: Instant, seed: u64) -> Self {
        let mut device = Queues::default();
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed;
        let interface = Interface::new(config, &mut device, stack_time(now));
        Self {
            device,
            interface,
            sockets: SocketSet::new(Vec::new()),
            answered: VecDeque::new(),
        }
    }

    /// Sets its address and default router.
    pub(super) fn configure(&mut self, address: Ipv4Addr, length: u8, router: Ipv4Addr) {
        let cidr = IpCidr::new(IpAddress::Ipv4(address), length);
        self.interface.update_ip_addrs(|addresses| {
            addresses.clear();
            // The list was just emptied: there is room.
            let _ = addresses.push(cidr);
        });
        let _ = self.interface.routes_mut().add_default_ipv4_route(router);
    }

    /// A packet arrives.
    pub(super) fn receive(&mut self, packet: Vec<u8>) {
        if self.take_echo(&packet).is_none() {
            self.device.received.push_back(packet);
        }
    }

    /// Works off what arrived and what is due.
    pub(super) fn poll(&mut self, now: Instant) {
        self.interface
            .poll(stack_time(now), &mut self.device, &mut self.sockets);
    }

    /// The next packet it sends.
    pub(super) fn sent(&mut self) -> Option<Vec<u8>> {
        self.device.sent.pop_front()
    }

    /// When [`Self::poll`] is next due.
    pub(super) fn due(&mut self, now: Instant) -> Option<Instant> {
        let at = self.interface.poll_at(stack_time(now), &self.sockets)?;
        let micros = u64::try_from(at.total_micros()).unwrap_or(0);
        Some(Instant::from_nanos(micros.saturating_mul(1_000)))
    }

    /// Waits for a connection on `port`.
    pub(super) fn listen(&mut self, port: u16) -> Option<SocketHandle> {
        let mut socket = bulk_socket();
        socket.listen(port).ok()?;
        Some(self.sockets.add(socket))
    }

    /// Opens a connection from `port`.
    pub(super) fn connect(&mut self, port: u16, peer: SocketAddr) -> Option<SocketHandle> {
        let mut socket = bulk_socket();
        socket.connect(self.interface.context(), peer, port).ok()?;
        Some(self.sockets.add(socket))
    }

    /// Sends as much as the window takes.
    pub(super) fn pump_out(&mut self, handle: SocketHandle) -> Pumped {
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(handle);
        let mut octets = 0;
        while socket.can_send() {
            match socket.send_slice(&CHUNK) {
                Ok(sent) => octets += sent,
                Err(_) => break,
            }
        }
        if socket.is_open() {
            Pumped::Octets(octets)
        } else {
            Pumped::Gone
        }
    }

    /// Takes what was received.
    pub(super) fn pump_in(&mut self, handle: SocketHandle) -> Pumped {
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(handle);
        let mut octets = 0;
        while socket.can_recv() {
            match socket.recv(|data| (data.len(), data.len())) {
                Ok(received) => octets += received,
                Err(_) => break,
            }
        }
        if socket.is_open() {
            Pumped::Octets(octets)
        } else {
            Pumped::Gone
        }
    }

    /// Sends an echo request.
    pub(super) fn ping(&mut self, echo: Echo) {
        let Echo {
            source,
            destination,
            sequence,
        } = echo;
        let request = Icmpv4Repr::EchoRequest {
            ident: PING_IDENTIFIER,
            seq_no: sequence,
            data: b"pmip lab",
        };
        self.device
            .sent
            .push_back(icmp_packet(source, destination, &request));
    }

    /// The next answered echo request.
    pub(super) fn pong(&mut self) -> Option<Echo> {
        self.answered.pop_front()
    }

    /// Answers and takes echo packets; all else is the stack's.
    fn take_echo(&mut self, packet: &[u8]) -> Option<()> {
        let ip = Ipv4Packet::new_checked(packet).ok()?;
        if ip.next_header() != IpProtocol::Icmp {
            return None;
        }
        let (peer, own) = (ip.src_addr(), ip.dst_addr());
        let echo = Icmpv4Packet::new_checked(ip.payload()).ok()?;
        let checksums = ChecksumCapabilities::default();
        match Icmpv4Repr::parse(&echo, &checksums).ok()? {
            Icmpv4Repr::EchoRequest {
                ident,
                seq_no,
                data,
            } => {
                let reply = Icmpv4Repr::EchoReply {
                    ident,
                    seq_no,
                    data,
                };
                self.device.sent.push_back(icmp_packet(own, peer, &reply));
                Some(())
            }
            Icmpv4Repr::EchoReply { seq_no, .. } => {
                self.answered.push_back(Echo {
                    source: own,
                    destination: peer,
                    sequence: seq_no,
                });
                Some(())
            }
            Icmpv4Repr::DstUnreachable { .. } | Icmpv4Repr::TimeExceeded { .. } | _ => None,
        }
    }
}

fn icmp_packet(source: Ipv4Addr, destination: Ipv4Addr, icmp: &Icmpv4Repr<'_>) -> Vec<u8> {
    let ip = Ipv4Repr {
        src_addr: source,
        dst_addr: destination,
        next_header: IpProtocol::Icmp,
        payload_len: icmp.buffer_len(),
        hop_limit: 64,
    };
    let checksums = ChecksumCapabilities::default();
    let mut octets = vec![0; ip.buffer_len() + icmp.buffer_len()];
    let mut packet = Ipv4Packet::new_unchecked(octets.as_mut_slice());
    ip.emit(&mut packet, &checksums);
    icmp.emit(
        &mut Icmpv4Packet::new_unchecked(packet.payload_mut()),
        &checksums,
    );
    octets
}

fn bulk_socket() -> tcp::Socket<'static> {
    let buffer = || tcp::SocketBuffer::new(vec![0; WINDOW]);
    let mut socket = tcp::Socket::new(buffer(), buffer());
    socket.set_nagle_enabled(false);
    // A dead peer must show as a silence, not as an error of our own.
    socket.set_timeout(None);
    socket
}

fn stack_time(now: Instant) -> StackInstant {
    let micros = Duration::from_nanos(now.as_nanos()).as_micros();
    StackInstant::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

/// The link of the stack: two queues of IP packets.
#[derive(Default)]
struct Queues {
    received: VecDeque<Vec<u8>>,
    sent: VecDeque<Vec<u8>>,
}

impl Device for Queues {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: StackInstant) -> Option<(Received, Sending<'_>)> {
        let packet = self.received.pop_front()?;
        Some((Received(packet), Sending(&mut self.sent)))
    }

    fn transmit(&mut self, _: StackInstant) -> Option<Sending<'_>> {
        Some(Sending(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU;
        capabilities
    }
}

struct Received(Vec<u8>);

impl RxToken for Received {
    fn consume<R, F>(self, read: F) -> R
    where
        F: FnOnce(&[u8]) -> R,
    {
        read(&self.0)
    }
}

struct Sending<'a>(&'a mut VecDeque<Vec<u8>>);

impl TxToken for Sending<'_> {
    fn consume<R, F>(self, length: usize, write: F) -> R
    where
        F: FnOnce(&mut [u8]) -> R,
    {
        let mut packet = vec![0; length];
        let result = write(&mut packet);
        self.0.push_back(packet);
        result
    }
}
