//! The traffic tools between namespaces: bulk TCP and echo requests.
//!
//! A socket belongs to the namespace of the thread that opened it, whoever uses it later: only
//! opening happens inside.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain as Family, Protocol, Socket, Type};

use crate::lab::domain::LabError;
use crate::lab::traffic::{Connection, Direction, PingFlow, PingSample, Traffic};
use crate::platform::netns::Netns;

/// Octets written at a time.
const CHUNK: usize = 16 * 1024;
/// Bits per second of one transfer. Paced, so that what is measured is the loss of a link and not
/// the load of the machine; `pmip lab bench` measures speed.
pub(super) const TRANSFER_RATE: u64 = 20_000_000;
/// How often a waiting tool looks whether it should stop.
const LOOK: Duration = Duration::from_millis(100);
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
const PING_IDENTIFIER: u16 = 0x706d;

/// All running tools; dropping it stops them.
pub(super) struct Tools {
    epoch: Instant,
    stop: Arc<AtomicBool>,
    connections: Vec<Arc<Mutex<Connection>>>,
    pings: Vec<Arc<Mutex<PingFlow>>>,
    threads: Vec<JoinHandle<()>>,
}

/// One end of the traffic.
pub(super) struct End<'a> {
    pub(super) namespace: &'a Netns,
    pub(super) address: Ipv4Addr,
}

impl Tools {
    /// No tools yet; times count from `epoch`.
    pub(super) fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            stop: Arc::new(AtomicBool::new(false)),
            connections: Vec::new(),
            pings: Vec::new(),
            threads: Vec::new(),
        }
    }

    /// Opens a transfer from `sender` to `receiver`.
    ///
    /// # Errors
    /// What the kernel said, a connection that is not answered included.
    pub(super) fn transfer(
        &mut self,
        direction: Direction,
        sender: &End<'_>,
        receiver: &End<'_>,
    ) -> Result<(), LabError> {
        let opened = self.epoch.elapsed();
        let (outgoing, incoming) = connect(sender, receiver)
            .map_err(|error| LabError::domain("opening a transfer", error))?;
        let ends = outgoing.local_addr().and_then(|source| {
            let destination = outgoing.peer_addr()?;
            Ok((source, destination))
        });
        let (source, destination) =
            ends.map_err(|error| LabError::domain("opening a transfer", error))?;
        let record = Connection::new(direction, source, destination, opened);
        let record = Arc::new(Mutex::new(record));
        self.connections.push(record.clone());
        let (epoch, stop) = (self.epoch, self.stop.clone());
        let (receipts, receiver_stop) = (record.clone(), stop.clone());
        self.spawn(move || send(outgoing, &record, &stop));
        self.spawn(move || receive(incoming, &receipts, &receiver_stop, epoch));
        Ok(())
    }

    /// Starts an echo flow from `asker` to `answerer`.
    ///
    /// # Errors
    /// What the kernel said; raw sockets need `CAP_NET_RAW`.
    pub(super) fn ping(
        &mut self,
        direction: Direction,
        asker: &End<'_>,
        answerer: Ipv4Addr,
        interval: Duration,
    ) -> Result<(), LabError> {
        let source = asker.address;
        let socket = asker
            .namespace
            .run(|| ping_socket(source))
            .map_err(|error| LabError::Domain(format!("{error:#}")))?
            .map_err(|error| LabError::domain("opening a ping socket", error))?;
        let flow = PingFlow {
            direction,
            source,
            destination: answerer,
            interval,
            samples: Vec::new(),
        };
        let flow = Arc::new(Mutex::new(flow));
        self.pings.push(flow.clone());
        let (epoch, stop) = (self.epoch, self.stop.clone());
        self.spawn(move || ping(&socket, &flow, &stop, epoch));
        Ok(())
    }

    /// What was measured so far.
    pub(super) fn traffic(&self) -> Traffic {
        Traffic {
            connections: self
                .connections
                .iter()
                .map(|one| lock(one).clone())
                .collect(),
            pings: self.pings.iter().map(|one| lock(one).clone()).collect(),
        }
    }

    /// Stops all tools and waits for them.
    pub(super) fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A tool that panicked has said so on standard error.
            let _ = thread.join();
        }
    }

    fn spawn(&mut self, work: impl FnOnce() + Send + 'static) {
        self.threads.push(thread::spawn(work));
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(sender: &End<'_>, receiver: &End<'_>) -> io::Result<(TcpStream, TcpStream)> {
    let address = receiver.address;
    let listener = receiver
        .namespace
        .run(|| TcpListener::bind((address, 0)))
        .map_err(io::Error::other)??;
    let destination = listener.local_addr()?;
    let source = sender.address;
    let outgoing = sender
        .namespace
        .run(|| connect_from(source, destination))
        .map_err(io::Error::other)??;
    let (incoming, _) = listener.accept()?;
    Ok((outgoing, incoming))
}

fn connect_from(source: Ipv4Addr, destination: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Family::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&SocketAddr::from((source, 0)).into())?;
    socket.connect_timeout(&destination.into(), CONNECT_PATIENCE)?;
    Ok(socket.into())
}

/// Writes at [`TRANSFER_RATE`]; time lost in an outage is not made up for.
fn send(mut stream: TcpStream, record: &Mutex<Connection>, stop: &AtomicBool) {
    let chunk = vec![0x5a; CHUNK];
    let pause = Duration::from_nanos(CHUNK as u64 * 8 * 1_000_000_000 / TRANSFER_RATE);
    let mut due = Instant::now();
    if stream.set_write_timeout(Some(LOOK)).is_err() {
        return;
    }
    while !stop.load(Ordering::Relaxed) {
        match stream.write(&chunk) {
            Ok(_) => {}
            Err(error) if is_timeout(&error) => due = Instant::now(),
            Err(error) => return fail(record, "sender", &error),
        }
        due += pause;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

fn receive(mut stream: TcpStream, record: &Mutex<Connection>, stop: &AtomicBool, epoch: Instant) {
    let mut buffer = vec![0; 4 * CHUNK];
    if stream.set_read_timeout(Some(LOOK)).is_err() {
        return;
    }
    while !stop.load(Ordering::Relaxed) {
        match stream.read(&mut buffer) {
            // The sender ends only when it was told to stop.
            Ok(0) => return,
            Ok(octets) => lock(record).progress(epoch.elapsed(), octets),
            Err(error) if is_timeout(&error) => {}
            Err(error) => return fail(record, "receiver", &error),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

fn fail(record: &Mutex<Connection>, who: &str, error: &io::Error) {
    let mut record = lock(record);
    record
        .failure
        .get_or_insert_with(|| format!("{who}: {error}"));
}

/// A raw ICMP socket. Sending and receiving are those of any datagram socket.
fn ping_socket(source: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Family::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
    socket.bind(&SocketAddrV4::new(source, 0).into())?;
    Ok(socket.into())
}

/// Sends a request whenever one is due, and takes answers in between.
fn ping(socket: &UdpSocket, flow: &Mutex<PingFlow>, stop: &AtomicBool, epoch: Instant) {
    let (interval, peer) = {
        let flow = lock(flow);
        (flow.interval, flow.destination)
    };
    let mut due = Instant::now();
    let mut sequence: u16 = 0;
    while !stop.load(Ordering::Relaxed) {
        let wait = due.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            due += interval;
            lock(flow).samples.push(PingSample {
                sent: epoch.elapsed(),
                rtt: None,
            });
            // A request that cannot leave is a lost one.
            let _ = socket.send_to(&echo_request(sequence), (peer, 0));
            sequence = sequence.wrapping_add(1);
        } else if let Some(answered) = echo_reply(socket, peer, wait) {
            lock(flow).answer(answered, epoch.elapsed());
        }
    }
}

fn echo_request(sequence: u16) -> [u8; 16] {
    let mut packet = [0; 16];
    packet[0] = 8;
    packet[4..6].copy_from_slice(&PING_IDENTIFIER.to_be_bytes());
    packet[6..8].copy_from_slice(&sequence.to_be_bytes());
    packet[8..].copy_from_slice(b"pmip lab");
    let checksum = internet_checksum(&packet);
    packet[2..4].copy_from_slice(&checksum.to_be_bytes());
    packet
}

/// Waits up to `wait` for a packet: the sequence number when it is an answer of `peer` to us.
fn echo_reply(socket: &UdpSocket, peer: Ipv4Addr, wait: Duration) -> Option<u16> {
    let wait = wait.max(Duration::from_millis(1));
    socket.set_read_timeout(Some(wait)).ok()?;
    let mut packet = [0; 256];
    let (length, from) = socket.recv_from(&mut packet).ok()?;
    if from.ip() != peer {
        return None;
    }
    let header = usize::from(packet[0] & 0x0f) * 4;
    let icmp = packet.get(header..length)?;
    let &[0, _, _, _, id_high, id_low, high, low, ..] = icmp else {
        return None;
    };
    (u16::from_be_bytes([id_high, id_low]) == PING_IDENTIFIER)
        .then_some(u16::from_be_bytes([high, low]))
}

fn internet_checksum(octets: &[u8]) -> u16 {
    let pairs = octets.chunks_exact(2);
    let sum: u32 = pairs
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_over_the_finished_packet_is_zero() {
        assert_eq!(internet_checksum(&echo_request(0xfffe)), 0);
    }
}
