//! A stream of numbered UDP packets between two namespaces.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pmip_examples::platform::netns::Netns;

use super::text;

/// How often a receiver looks whether it should stop.
const LOOK: Duration = Duration::from_millis(100);

/// A running stream; dropping it stops it.
pub(super) struct Stream {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    threads: Vec<JoinHandle<()>>,
}

/// One end.
pub(super) type End<'a> = (&'a Netns, Ipv4Addr);

/// What was sent and what came.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) sent: u64,
    pub(super) received: u64,
    arrivals: Vec<Instant>,
}

impl Stream {
    /// Sends `size` octets every `interval` from `port` to `port`.
    pub(super) fn start(
        from: End<'_>,
        to: End<'_>,
        port: u16,
        interval: Duration,
        size: usize,
    ) -> Result<Self, String> {
        let sender = bind(from, port)?;
        let receiver = bind(to, port)?;
        receiver.set_read_timeout(Some(LOOK)).map_err(text)?;
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let destination = SocketAddr::from((to.1, port));
        let send = {
            let (stop, seen) = (stop.clone(), seen.clone());
            thread::spawn(move || send(&sender, destination, interval, size, &stop, &seen))
        };
        let receive = {
            let (stop, seen) = (stop.clone(), seen.clone());
            thread::spawn(move || receive(&receiver, &stop, &seen))
        };
        Ok(Self {
            stop,
            seen,
            threads: vec![send, receive],
        })
    }

    /// What happened so far.
    pub(super) fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    /// The longest silence at the receiver since `start`.
    pub(super) fn longest_gap(&self, start: Instant) -> Duration {
        let seen = lock(&self.seen);
        let recent = seen.arrivals.iter().filter(|at| **at >= start);
        let before = seen.arrivals.iter().rev().find(|at| **at < start);
        let all: Vec<Instant> = before.into_iter().chain(recent).copied().collect();
        let still = all.last().map(Instant::elapsed);
        let gaps = all.windows(2).map(|pair| pair[1] - pair[0]);
        gaps.chain(still).max().unwrap_or(Duration::MAX)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bind((namespace, address): End<'_>, port: u16) -> Result<UdpSocket, String> {
    let bound = namespace.run(|| UdpSocket::bind((address, port)));
    bound.map_err(text)?.map_err(text)
}

fn send(
    socket: &UdpSocket,
    destination: SocketAddr,
    interval: Duration,
    size: usize,
    stop: &AtomicBool,
    seen: &Mutex<Seen>,
) {
    let payload = vec![0x5a; size];
    let mut due = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        // What cannot leave is lost.
        let _ = socket.send_to(&payload, destination);
        lock(seen).sent += 1;
        due += interval;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

fn receive(socket: &UdpSocket, stop: &AtomicBool, seen: &Mutex<Seen>) {
    let mut room = [0; 2048];
    while !stop.load(Ordering::Relaxed) {
        match socket.recv_from(&mut room) {
            Ok(_) => {
                let mut seen = lock(seen);
                seen.received += 1;
                seen.arrivals.push(Instant::now());
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            // An ICMP error to the other direction is no end of this one.
            Err(_) => {}
        }
    }
}
