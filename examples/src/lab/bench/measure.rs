//! Traffic between two namespaces: bulk TCP, paced UDP, round trips.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::RcvBufForce;

use crate::platform::netns::Netns;

/// From where, to where, and the address there.
pub(super) type Direction<'a> = (&'a Netns, &'a Netns, IpAddr);

/// What one carrier did in one round.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(super) struct Figures {
    /// Gbit/s of TCP payload from the host to its peer.
    pub(super) tcp_up: f64,
    /// Gbit/s of TCP payload from the peer to the host.
    pub(super) tcp_down: f64,
    /// Gbit/s of TCP payload from the host to its peer, over IPv6.
    pub(super) tcp_ipv6_up: f64,
    /// Processor time of both daemons for each Gbit of TCP.
    pub(super) cpu_seconds_per_gigabit: f64,
    /// 50th and 99th percentile, microseconds, 64 octets.
    pub(super) rtt_idle_us: (f64, f64),
    /// The same beside one bulk TCP transfer.
    pub(super) rtt_loaded_us: (f64, f64),
    /// Packets of 1400 octets.
    pub(super) udp_1400: UdpFigures,
    /// Packets of 64 octets.
    pub(super) udp_64: UdpFigures,
}

impl Figures {
    /// Gbit/s of TCP over IPv4, mean of both directions.
    pub(super) const fn tcp_of(&self) -> f64 {
        f64::midpoint(self.tcp_up, self.tcp_down)
    }
}

const IO_TIMEOUT: Duration = Duration::from_secs(5);

/// Gbit/s of payload over `streams` TCP connections.
pub(super) fn tcp(
    (from, to, address): Direction<'_>,
    streams: usize,
    duration: Duration,
) -> Result<f64> {
    let listener = to.run(|| TcpListener::bind((address, 0)))??;
    let target = listener.local_addr()?;
    let received = AtomicU64::new(0);
    thread::scope(|scope| {
        let receiver = scope.spawn(|| receive_all(&listener, streams, &received));
        let sender = scope.spawn(|| {
            let sockets: std::io::Result<Vec<_>> =
                from.run(|| (0..streams).map(|_| TcpStream::connect(target)).collect())?;
            send_all(&sockets?, duration)
        });
        let sent = join(sender);
        if sent.is_err() {
            // The receiver waits for connections that do not come.
            for _ in 0..streams {
                let _ = to.run(|| TcpStream::connect(target));
            }
        }
        let seconds = join(receiver)?;
        sent?;
        let bits = received.load(Ordering::Relaxed) as f64 * 8.0;
        Ok(bits / seconds.max(1e-6) / 1e9)
    })
}

/// Gbit/s of payload over `streams` TCP connections in `duration`, without the time that they take
/// to start and to end.
pub(super) fn steady_tcp(
    (from, to, address): Direction<'_>,
    streams: usize,
    duration: Duration,
) -> Result<f64> {
    const START: Duration = Duration::from_secs(1);
    let listener = to.run(|| TcpListener::bind((address, 0)))??;
    let target = listener.local_addr()?;
    let received = AtomicU64::new(0);
    let connect = || (0..streams).map(|_| TcpStream::connect(target)).collect();
    let sockets: std::io::Result<Vec<_>> = from.run(connect)?;
    let sockets = sockets?;
    thread::scope(|scope| {
        let receiver = scope.spawn(|| receive_all(&listener, streams, &received));
        let sender = scope.spawn(|| send_all(&sockets, START + duration));
        thread::sleep(START);
        let (begin, before) = (Instant::now(), received.load(Ordering::Relaxed));
        thread::sleep(duration.saturating_sub(Duration::from_millis(100)));
        let octets = received.load(Ordering::Relaxed).saturating_sub(before);
        let seconds = begin.elapsed().as_secs_f64();
        join(sender)?;
        join(receiver)?;
        Ok(octets as f64 * 8.0 / seconds.max(1e-6) / 1e9)
    })
}

/// Takes `streams` connections and reads them to their ends; returns the seconds it took.
fn receive_all(listener: &TcpListener, streams: usize, received: &AtomicU64) -> Result<f64> {
    let sockets: std::io::Result<Vec<_>> = (0..streams)
        .map(|_| listener.accept().map(|(socket, _)| socket))
        .collect();
    let sockets = sockets?;
    let start = Instant::now();
    thread::scope(|scope| {
        let readers: Vec<_> = sockets
            .iter()
            .map(|socket| scope.spawn(move || read_all(socket, received)))
            .collect();
        readers.into_iter().try_for_each(join)
    })?;
    Ok(start.elapsed().as_secs_f64())
}

fn read_all(mut socket: &TcpStream, received: &AtomicU64) -> Result<()> {
    socket.set_read_timeout(Some(IO_TIMEOUT))?;
    let mut buffer = vec![0; 256 << 10];
    loop {
        match socket.read(&mut buffer).context("a TCP stream stalled")? {
            0 => return Ok(()),
            length => received.fetch_add(length as u64, Ordering::Relaxed),
        };
    }
}

fn send_all(sockets: &[TcpStream], duration: Duration) -> Result<()> {
    let end = Instant::now() + duration;
    thread::scope(|scope| {
        let writers: Vec<_> = sockets
            .iter()
            .map(|socket| scope.spawn(move || write_until(socket, end)))
            .collect();
        writers.into_iter().try_for_each(join)
    })
}

fn write_until(mut socket: &TcpStream, end: Instant) -> Result<()> {
    socket.set_write_timeout(Some(IO_TIMEOUT))?;
    let buffer = vec![0x5a; 256 << 10];
    while Instant::now() < end {
        socket.write_all(&buffer).context("a TCP stream stalled")?;
    }
    socket.shutdown(Shutdown::Write)?;
    Ok(())
}

/// 50th and 99th percentile of `count` round trips, in microseconds.
pub(super) fn round_trips((from, to, address): Direction<'_>, count: usize) -> Result<(f64, f64)> {
    let server = to.run(|| UdpSocket::bind((address, 0)))??;
    let client = from.run(|| UdpSocket::bind((any(address), 0)))??;
    client.connect(server.local_addr()?)?;
    server.set_read_timeout(Some(Duration::from_millis(100)))?;
    client.set_read_timeout(Some(Duration::from_millis(500)))?;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| echo(&server, &done));
        let times = ping(&client, count);
        done.store(true, Ordering::Relaxed);
        percentiles(times?)
    })
}

/// The unspecified address of the family of `like`.
const fn any(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

fn echo(server: &UdpSocket, done: &AtomicBool) {
    let mut buffer = [0; 2_048];
    while !done.load(Ordering::Relaxed) {
        if let Ok((length, from)) = server.recv_from(&mut buffer) {
            // A lost answer is a lost round trip; the client goes on.
            let _ = server.send_to(&buffer[..length], from);
        }
    }
}

fn ping(client: &UdpSocket, count: usize) -> Result<Vec<f64>> {
    let mut buffer = [0; 64];
    let mut times = Vec::with_capacity(count);
    let mut lost = 0;
    for sequence in 0..count as u64 {
        buffer[..8].copy_from_slice(&sequence.to_be_bytes());
        let start = Instant::now();
        client.send(&buffer)?;
        match client.recv(&mut buffer) {
            // An answer that was thought lost does not count.
            Ok(_) if buffer[..8] == sequence.to_be_bytes() => {
                times.push(start.elapsed().as_secs_f64() * 1e6);
            }
            Ok(_) => {}
            Err(_) => lost += 1,
        }
        if lost > 10 {
            return Err(anyhow!("no answers: {} of {count}", times.len()));
        }
    }
    Ok(times)
}

fn percentiles(mut times: Vec<f64>) -> Result<(f64, f64)> {
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times.get(times.len() * share / 100).copied();
    let both = at(50).zip(at(99));
    both.context("no round trip was measured")
}

/// Round trips beside one bulk TCP transfer.
pub(super) fn round_trips_under_load(
    direction: Direction<'_>,
    duration: Duration,
) -> Result<(f64, f64)> {
    thread::scope(|scope| {
        let load = scope.spawn(|| tcp(direction, 1, duration + Duration::from_millis(300)));
        thread::sleep(Duration::from_millis(200));
        let mut all = Vec::new();
        let end = Instant::now() + duration;
        while Instant::now() < end {
            all.push(round_trips(direction, 100)?);
        }
        join(load)?;
        let middle = |pick: fn(&(f64, f64)) -> f64| median(all.iter().map(pick).collect());
        Ok((middle(|both| both.0), middle(|both| both.1)))
    })
}

/// What UDP of one size reached, in packets a second.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(super) struct UdpFigures {
    /// With at most 1 % loss.
    pub(super) pps: f64,
    /// Delivered when more are sent than fit.
    pub(super) flood_pps: f64,
    /// Sent in that flood.
    pub(super) flood_offered_pps: f64,
}

const UDP_TRIAL: Duration = Duration::from_millis(300);
const UDP_TRIALS: u32 = 5;

/// Finds the highest rate of packets of `length` octets, headers included, with at most 1 % loss.
pub(super) fn udp(direction: Direction<'_>, length: usize) -> Result<UdpFigures> {
    let payload = length - 28;
    let flood = udp_trial(direction, payload, None)?;
    let (mut low, mut high) = (0.0, flood.offered);
    let mut best = match flood.loss() <= 0.01 {
        true => flood.delivered,
        false => 0.0,
    };
    // Try what the flood delivered first: it is close.
    let mut rate = flood.delivered.min(high * 0.98);
    for _ in 0..UDP_TRIALS {
        let trial = udp_trial(direction, payload, Some(rate))?;
        match trial.loss() <= 0.01 {
            true => {
                best = f64::max(best, trial.delivered);
                low = rate;
            }
            false => high = rate,
        }
        rate = (low + high) / 2.0;
    }
    Ok(UdpFigures {
        pps: best,
        flood_pps: flood.delivered,
        flood_offered_pps: flood.offered,
    })
}

/// Packets a second sent and received.
struct Trial {
    offered: f64,
    delivered: f64,
}

impl Trial {
    fn loss(&self) -> f64 {
        1.0 - self.delivered / self.offered.max(1.0)
    }
}

fn udp_trial(
    (from, to, address): Direction<'_>,
    payload: usize,
    rate: Option<f64>,
) -> Result<Trial> {
    let receiver = to.run(|| UdpSocket::bind((address, 0)))??;
    // Without the right the default has to do.
    let _ = setsockopt(&receiver, RcvBufForce, &(8 << 20));
    receiver.set_read_timeout(Some(Duration::from_millis(100)))?;
    let target = receiver.local_addr()?;
    let sender = from.run(|| UdpSocket::bind((any(address), 0)))??;
    sender.connect(target)?;
    let (stop, stopped) = mpsc::channel();
    thread::scope(|scope| {
        let counter = scope.spawn(move || count_datagrams(&receiver, &stopped));
        let sent = send_paced(&sender, payload, rate);
        let _ = stop.send(());
        let received = join_plain(counter);
        let seconds = UDP_TRIAL.as_secs_f64();
        Ok(Trial {
            offered: sent? as f64 / seconds,
            delivered: received as f64 / seconds,
        })
    })
}

/// Counts until told to stop and nothing comes any more.
fn count_datagrams(receiver: &UdpSocket, stopped: &mpsc::Receiver<()>) -> u64 {
    let mut buffer = [0; 2_048];
    let mut received = 0;
    loop {
        match receiver.recv(&mut buffer) {
            Ok(_) => received += 1,
            Err(_) if stopped.try_recv().is_ok() => return received,
            Err(_) => {}
        }
    }
}

/// Sends at `rate` in bursts that sleep between, so that the daemons get the processor too.
fn send_paced(sender: &UdpSocket, payload: usize, rate: Option<f64>) -> Result<u64> {
    let buffer = vec![0x5a; payload];
    let start = Instant::now();
    let mut sent = 0u64;
    loop {
        let elapsed = start.elapsed();
        if elapsed >= UDP_TRIAL {
            return Ok(sent);
        }
        let due = match rate {
            Some(rate) => (elapsed.as_secs_f64() * rate) as u64,
            None => sent + 32,
        };
        while sent < due {
            // A full queue on the way is loss like any other.
            let _ = sender.send(&buffer);
            sent += 1;
        }
        if rate.is_some() {
            thread::sleep(Duration::from_micros(50));
        }
    }
}

pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    join_plain(thread)
}

fn join_plain<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
