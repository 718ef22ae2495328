//! Traffic tools: what hosts and correspondents send, and whether it arrives.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use crate::platform::netns::Netns;

/// How long an answer to a ping may take.
const PING_PATIENCE: Duration = Duration::from_millis(500);
/// How long after the last datagram another may come.
const QUIET: Duration = Duration::from_millis(300);
/// Datagrams sent at a time, and the pause after them: queues are not what is tested.
const BATCH: u16 = 50;
const BREATH: Duration = Duration::from_millis(4);
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
const PING_IDENTIFIER: u16 = 0x706d;
/// Octets of a transfer written at a time, and how often: 6.4 Mbit/s.
const CHUNK: usize = 16 * 1024;
const PACE: Duration = Duration::from_millis(20);

/// One end of traffic.
#[derive(Clone, Copy)]
pub(in crate::lab) struct End<'a> {
    pub(in crate::lab) space: &'a Netns,
    pub(in crate::lab) address: IpAddr,
}

/// Sends `count` echo requests, each after the answer to the last; returns how many were answered.
pub(in crate::lab) fn ping(from: End<'_>, to: IpAddr, count: u16) -> io::Result<u16> {
    let socket: UdpSocket = open(from, |source| {
        let (domain, protocol) = match source {
            IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
            IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
        };
        let socket = Socket::new(domain, Type::RAW, Some(protocol))?;
        socket.bind(&SocketAddr::new(source, 0).into())?;
        Ok(socket.into())
    })?;
    let mut answered = 0;
    for sequence in 0..count {
        // A request that cannot leave is a lost one.
        let _ = socket.send_to(&echo_request(to, sequence), (to, 0));
        answered += u16::from(is_answered(&socket, to, sequence)?);
    }
    Ok(answered)
}

/// Sends one IPv4 packet of `length` octets with DF set; it is an echo request.
pub(in crate::lab) fn send_unfragmentable(
    from: End<'_>,
    to: IpAddr,
    length: u16,
) -> io::Result<()> {
    let (IpAddr::V4(source), IpAddr::V4(destination)) = (from.address, to) else {
        return Err(io::Error::other("only IPv4 has DF"));
    };
    let socket: UdpSocket = open(from, |_| {
        let raw = Some(Protocol::from(255));
        let socket = Socket::new(Domain::IPV4, Type::RAW, raw)?;
        socket.set_header_included_v4(true)?;
        Ok(socket.into())
    })?;
    let mut packet = vec![0; length.into()];
    packet[..2].copy_from_slice(&[0x45, 0]);
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet[6..10].copy_from_slice(&[0x40, 0, 64, 1]);
    packet[12..16].copy_from_slice(&source.octets());
    packet[16..20].copy_from_slice(&destination.octets());
    packet[20] = 8;
    let checksum = internet_checksum(&packet[20..]);
    packet[22..24].copy_from_slice(&checksum.to_be_bytes());
    socket.send_to(&packet, (to, 0)).map(drop)
}

/// Sends one UDP datagram from each of `ports` to `port`, with this code point; returns the source
/// ports whose datagram arrived.
pub(in crate::lab) fn udp(
    from: End<'_>,
    to: End<'_>,
    ports: Range<u16>,
    port: u16,
    dscp: u8,
) -> io::Result<Vec<u16>> {
    let receiver = open(to, |address| UdpSocket::bind((address, port)))?;
    receiver.set_nonblocking(true)?;
    let expected = ports.len();
    let target = SocketAddr::new(to.address, port);
    let mut arrived = Vec::new();
    for (number, source) in (1..).zip(ports) {
        let sender: UdpSocket = open(from, |address| {
            let socket = Socket::new(Domain::for_address(target), Type::DGRAM, None)?;
            match address {
                IpAddr::V4(_) => socket.set_tos_v4(u32::from(dscp) << 2)?,
                IpAddr::V6(_) => socket.set_tclass_v6(u32::from(dscp) << 2)?,
            }
            socket.set_reuse_address(true)?;
            socket.bind(&SocketAddr::new(address, source).into())?;
            Ok(socket.into())
        })?;
        // What cannot leave does not arrive.
        let _ = sender.send_to(b"pmip lab", target);
        if number % BATCH == 0 {
            thread::sleep(BREATH);
            drain(&receiver, expected, &mut arrived)?;
        }
    }
    receiver.set_nonblocking(false)?;
    receiver.set_read_timeout(Some(QUIET))?;
    drain(&receiver, expected, &mut arrived)?;
    Ok(arrived)
}

/// Takes the source ports of what is there, until `expected` are or none comes in time.
fn drain(receiver: &UdpSocket, expected: usize, arrived: &mut Vec<u16>) -> io::Result<()> {
    let mut buffer = [0; 64];
    while arrived.len() < expected {
        match receiver.recv_from(&mut buffer) {
            Ok((_, source)) => arrived.push(source.port()),
            Err(error) if is_timeout(&error) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Sends `octets` over one TCP connection from `from` to `port` of `to`; returns how many arrived
/// within `limit`.
pub(in crate::lab) fn tcp(
    from: End<'_>,
    to: End<'_>,
    port: u16,
    octets: usize,
    limit: Duration,
) -> io::Result<usize> {
    let listener = open(to, |address| TcpListener::bind((address, port)))?;
    let target = SocketAddr::new(to.address, port);
    let connected = open(from, |address| connect(address, target));
    let mut sender = match connected {
        Ok(sender) => sender,
        Err(error) if is_unanswered(&error) => return Ok(0),
        Err(error) => return Err(error),
    };
    let (mut receiver, _) = listener.accept()?;
    let sending = thread::spawn(move || sender.write_all(&vec![0x5a; octets]));
    let deadline = Instant::now() + limit;
    receiver.set_read_timeout(Some(QUIET))?;
    let (mut buffer, mut arrived) = (vec![0; CHUNK], 0);
    while arrived < octets && Instant::now() < deadline {
        match receiver.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => arrived += read,
            Err(error) if is_timeout(&error) => {}
            Err(_) => break,
        }
    }
    drop(receiver);
    // Its end is that of the connection.
    let _ = sending.join();
    Ok(arrived)
}

/// A paced TCP transfer that goes on until it is dropped.
pub(in crate::lab) struct Transfer {
    arrived: Arc<AtomicU64>,
    failure: Arc<Mutex<Option<String>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Transfer {
    /// Opens one from `from` to `port` of `to`.
    pub(in crate::lab) fn start(from: End<'_>, to: End<'_>, port: u16) -> io::Result<Self> {
        let listener = open(to, |address| TcpListener::bind((address, port)))?;
        let target = SocketAddr::new(to.address, port);
        let sender = open(from, |address| connect(address, target))?;
        let (receiver, _) = listener.accept()?;
        let mut transfer = Self {
            arrived: Arc::default(),
            failure: Arc::default(),
            stop: Arc::default(),
            threads: Vec::new(),
        };
        sender.set_write_timeout(Some(QUIET))?;
        receiver.set_read_timeout(Some(QUIET))?;
        transfer.run(move |arrived| send_on(&sender, arrived));
        transfer.run(move |arrived| receive_on(&receiver, arrived));
        Ok(transfer)
    }

    /// Octets that arrived so far.
    pub(in crate::lab) fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    /// Why it ended, if it did.
    pub(in crate::lab) fn failure(&self) -> Option<String> {
        lock(&self.failure).clone()
    }

    fn run(&mut self, turn: impl Fn(&AtomicU64) -> io::Result<()> + Send + 'static) {
        let (arrived, failure) = (self.arrived.clone(), self.failure.clone());
        let stop = self.stop.clone();
        self.threads.push(thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                match turn(&arrived) {
                    Ok(()) => {}
                    Err(error) if is_timeout(&error) => {}
                    Err(error) => {
                        lock(&failure).get_or_insert_with(|| error.to_string());
                        return;
                    }
                }
            }
        }));
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // One that panicked has said so on standard error.
            let _ = thread.join();
        }
    }
}

fn send_on(mut stream: &TcpStream, _: &AtomicU64) -> io::Result<()> {
    let written = stream.write(&[0x5a; CHUNK]);
    thread::sleep(PACE);
    written.map(drop)
}

fn receive_on(mut stream: &TcpStream, arrived: &AtomicU64) -> io::Result<()> {
    let mut buffer = [0; CHUNK];
    match stream.read(&mut buffer)? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        read => {
            arrived.fetch_add(read as u64, Ordering::Relaxed);
            Ok(())
        }
    }
}

/// Opens a socket inside the namespace of `end`: it belongs there, whoever uses it later.
fn open<T: Send>(end: End<'_>, work: impl FnOnce(IpAddr) -> io::Result<T> + Send) -> io::Result<T> {
    let address = end.address;
    end.space.run(|| work(address)).map_err(io::Error::other)?
}

fn connect(source: IpAddr, target: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(
        Domain::for_address(target),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.bind(&SocketAddr::new(source, 0).into())?;
    socket.connect_timeout(&target.into(), CONNECT_PATIENCE)?;
    Ok(socket.into())
}

fn is_unanswered(error: &io::Error) -> bool {
    use ErrorKind::{HostUnreachable, NetworkUnreachable};
    is_timeout(error) || matches!(error.kind(), HostUnreachable | NetworkUnreachable)
}

fn is_timeout(error: &io::Error) -> bool {
    use ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

/// An ICMP echo request; the kernel fills in the checksum of ICMPv6.
fn echo_request(to: IpAddr, sequence: u16) -> [u8; 16] {
    let mut packet = [0; 16];
    packet[0] = if to.is_ipv4() { 8 } else { 128 };
    packet[4..6].copy_from_slice(&PING_IDENTIFIER.to_be_bytes());
    packet[6..8].copy_from_slice(&sequence.to_be_bytes());
    packet[8..].copy_from_slice(b"pmip lab");
    if to.is_ipv4() {
        let checksum = internet_checksum(&packet);
        packet[2..4].copy_from_slice(&checksum.to_be_bytes());
    }
    packet
}

fn is_answered(socket: &UdpSocket, by: IpAddr, sequence: u16) -> io::Result<bool> {
    let deadline = Instant::now() + PING_PATIENCE;
    let mut packet = [0; 2048];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        let (length, from) = match socket.recv_from(&mut packet) {
            Ok(received) => received,
            Err(error) if is_timeout(&error) => continue,
            Err(error) => return Err(error),
        };
        // Raw IPv4 sockets give the IP header too.
        let header = if by.is_ipv4() {
            usize::from(packet[0] & 15) * 4
        } else {
            0
        };
        let icmp = packet.get(header..length).unwrap_or_default();
        let Some(&[kind, _, _, _, a, b, c, d]) = icmp.first_chunk::<8>() else {
            continue;
        };
        let is_reply = kind == if by.is_ipv4() { 0 } else { 129 };
        let is_ours = [a, b] == PING_IDENTIFIER.to_be_bytes() && [c, d] == sequence.to_be_bytes();
        if is_reply && is_ours && from.ip() == by {
            return Ok(true);
        }
    }
}

fn internet_checksum(octets: &[u8]) -> u16 {
    let pairs = octets.chunks(2);
    let pair = |pair: &[u8]| {
        let low = pair.get(1).copied().unwrap_or(0);
        u32::from(u16::from_be_bytes([pair[0], low]))
    };
    let sum: u32 = pairs.map(pair).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or(u16::MAX)
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
