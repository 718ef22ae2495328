//! One worker thread: one loop for both directions, woken by its descriptors.

use std::io::{IoSlice, Read};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use arc_swap::{ArcSwap, Cache};
use bytes::Bytes;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pmip_policy::{FlowInfo, FlowKey};
use pmip_tunnel::{DropReason, Forwarder, ForwardingTable, SegmentArena, TunnelSend};
use pmip_wire::types::{Instant, PathId};
use tokio::sync::mpsc;

use super::outer::{Content, Way};
use super::raw::RawSender;
use super::rx::{RxBatch, RxContext};
use super::sockets::{Listener, Sockets};
use super::tun::Tun;
use super::tx::{TxBatch, TxContext};
use super::udp::DataSocket;
use super::underlay::Underlays;
use super::{DataPlaneEvent, DataPlaneStats, FlowAnswer, FlowRow, PathStats, spread};

/// How often idle flows are looked for, and how many table slots are looked at.
const HOUSEKEEPING: Duration = Duration::from_millis(100);
const EXPIRY_BUDGET: usize = 4096;
/// Descriptors that are waited for without allocating.
const FEW_DESCRIPTORS: usize = 32;
/// Protocol number of UDP.
const UDP: u8 = 17;

/// What the handle asks of a worker.
pub(super) enum Command {
    AddSocket(DataSocket),
    AddRaw(RawSender),
    Listen(Listener),
    RemovePathSocket(PathId, SyncSender<()>),
    RemoveSharedSocket(std::net::IpAddr, SyncSender<()>),
    SendLocal(PathId, Option<SocketAddr>, Bytes),
    SendProbe(PathId, Bytes),
    Stats(SyncSender<DataPlaneStats>),
    Sent(SyncSender<Vec<(PathId, u64)>>),
    Flows(usize, SyncSender<Vec<FlowRow>>),
    Explain(FlowKey, u32, SyncSender<FlowAnswer>),
    SetFlowRules { per_packet: bool, mirror: bool },
    ClearFlows,
    Stop,
}

pub(super) struct Worker {
    pub(super) tun: Tun,
    pub(super) wake: UnixStream,
    pub(super) commands: Receiver<Command>,
    pub(super) events: mpsc::Sender<DataPlaneEvent>,
    pub(super) snapshot: Arc<ArcSwap<ForwardingTable>>,
    pub(super) forwarder: Forwarder,
    pub(super) sockets: Sockets,
    /// For one packet between the tunnel's own ends.
    pub(super) arena: SegmentArena,
    /// For an outer packet that has to be in one piece.
    pub(super) room: Vec<u8>,
    /// Tells the pieces of cut packets apart.
    pub(super) identification: u32,
    /// Our UDP port.
    pub(super) port: u16,
    /// What networks said last of each path, and when.
    pub(super) underlay: Underlays,
    pub(super) epoch: std::time::Instant,
}

/// Which descriptors have something.
struct Ready {
    wake: bool,
    tun: bool,
    /// Bit `i`: socket number `i`; a worker with more than 64 looks at the rest every time.
    sockets: u64,
    /// The same for listeners, which are fewer than 64.
    listeners: u64,
}

impl Worker {
    /// Runs until told to stop or the device goes away.
    pub(super) fn run(mut self) {
        let mut rx = RxBatch::new(self.tun.udp_offload());
        let mut tx = TxBatch::new();
        let mut table = Cache::new(Arc::clone(&self.snapshot));
        let mut next_housekeeping = Instant::ZERO;
        loop {
            let Ok(ready) = self.wait() else { continue };
            let now = Instant::from_nanos(
                u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX),
            );
            let table = table.load();
            if ready.wake && self.obey(now) {
                return;
            }
            self.receive(now, table, &ready, &mut rx);
            if ready.tun && self.transmit(now, table, &mut tx).is_err() {
                let _ = self.events.try_send(DataPlaneEvent::TunClosed);
                return;
            }
            if now >= next_housekeeping {
                next_housekeeping = now + HOUSEKEEPING;
                self.forwarder
                    .flows_mut()
                    .remove_expired(now, EXPIRY_BUDGET);
                self.sockets.report(now, &self.events);
            }
        }
    }

    fn wait(&self) -> Result<Ready, Errno> {
        let sockets = self.sockets.all().len();
        let listeners = self.sockets.listeners().len();
        let count = 2 + sockets + listeners;
        // Nothing is allocated for a gateway's few paths.
        let mut few: [_; FEW_DESCRIPTORS] =
            std::array::from_fn(|_| PollFd::new(self.wake.as_fd(), PollFlags::empty()));
        let mut many = Vec::new();
        let fds = match few.get_mut(..count) {
            Some(few) => {
                few.iter_mut()
                    .zip(self.descriptors())
                    .for_each(|(fd, own)| *fd = own);
                few
            }
            None => {
                many.extend(self.descriptors());
                &mut many[..]
            }
        };
        poll(fds, PollTimeout::from(100u8))?;
        let any = |at: usize| fds.get(at).and_then(PollFd::any).unwrap_or(false);
        let bits = |first: usize, count: usize| {
            (0..count.min(64))
                .filter(|at| any(at + first))
                .fold(0u64, |bits, at| bits | 1 << at)
        };
        Ok(Ready {
            wake: any(0),
            tun: any(1),
            sockets: bits(2, sockets),
            listeners: bits(2 + sockets, listeners),
        })
    }

    /// Everything that may wake it, in the order of [`Ready`].
    fn descriptors(&self) -> impl Iterator<Item = PollFd<'_>> {
        let wanted = |socket: &DataSocket| match socket.reads() {
            true => PollFlags::POLLIN,
            false => PollFlags::empty(),
        };
        let sockets = self.sockets.all().iter();
        let listeners = self.sockets.listeners().iter();
        [self.wake.as_fd(), self.tun.fd()]
            .into_iter()
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .chain(sockets.map(move |socket| PollFd::new(socket.fd(), wanted(socket))))
            .chain(listeners.map(|listener| PollFd::new(listener.fd(), PollFlags::POLLIN)))
    }

    fn receive(&mut self, now: Instant, table: &ForwardingTable, ready: &Ready, rx: &mut RxBatch) {
        let Self {
            sockets,
            forwarder,
            tun,
            events,
            underlay,
            arena,
            ..
        } = self;
        let mut context = RxContext {
            now,
            table,
            forwarder,
            tun,
            events,
        };
        for (at, socket) in sockets.all().iter().enumerate() {
            let is_ready = at >= 64 || ready.sockets & (1 << at) != 0;
            if is_ready && socket.reads() {
                // A pending ICMP error of an earlier send; reading it cleared it.
                let _ = rx.run(socket, &mut context);
            }
        }
        for (at, listener) in sockets.listeners().iter().enumerate() {
            if ready.listeners & (1 << at) == 0 {
                continue;
            }
            match listener {
                Listener::Data(socket) => {
                    // As above: ICMP errors come to their own listener.
                    let _ = rx.run_raw(socket, &mut context);
                }
                Listener::Errors(socket) => underlay.receive(socket, &mut context, arena),
            }
        }
    }

    fn transmit(
        &mut self,
        now: Instant,
        table: &ForwardingTable,
        tx: &mut TxBatch,
    ) -> Result<(), Errno> {
        let mut context = TxContext {
            now,
            table,
            forwarder: &mut self.forwarder,
            tun: &self.tun,
            sockets: &mut self.sockets,
            port: self.port,
            identification: &mut self.identification,
        };
        let outcome = tx.run(&mut context);
        if let Some((problem, packet)) = tx.failed(&context) {
            let mut context = RxContext {
                now,
                table,
                forwarder: &mut self.forwarder,
                tun: &self.tun,
                events: &self.events,
            };
            self.underlay
                .refused(problem, packet, &mut context, &mut self.arena);
        }
        match outcome {
            // The device is down for now; it may come up again.
            Err(Errno::EIO) => Ok(()),
            outcome => outcome,
        }
    }

    /// Does what the handle asked for; returns whether to stop.
    fn obey(&mut self, now: Instant) -> bool {
        let mut octets = [0; 64];
        // Non-blocking: one read empties what a few commands wrote, more wake us again.
        let _ = (&self.wake).read(&mut octets);
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::AddSocket(socket) => self.sockets.add(socket),
                Command::AddRaw(socket) => self.sockets.add_raw(socket),
                Command::Listen(listener) => self.sockets.listen(listener),
                Command::RemovePathSocket(path, done) => {
                    self.sockets.remove(path);
                    let _ = done.try_send(());
                }
                Command::RemoveSharedSocket(local, done) => {
                    self.sockets.remove_shared(local);
                    let _ = done.try_send(());
                }
                Command::SendLocal(path, outer, packet) => {
                    self.send_local(path, outer, &packet, false);
                }
                Command::SendProbe(path, packet) => self.send_local(path, None, &packet, true),
                Command::Stats(reply) => {
                    let _ = reply.try_send(self.stats());
                }
                Command::Sent(reply) => {
                    let paths = self.forwarder.counters().paths().iter();
                    let sent = paths.map(|(path, counted)| (*path, counted.tx_packets));
                    let _ = reply.try_send(sent.collect());
                }
                Command::Flows(limit, reply) => {
                    let _ = reply.try_send(self.flows(now, limit));
                }
                Command::Explain(key, scope, reply) => {
                    let _ = reply.try_send(self.explain(now, &key, scope));
                }
                Command::SetFlowRules { per_packet, mirror } => {
                    self.forwarder.set_flow_rules(spread(per_packet), mirror);
                }
                Command::ClearFlows => self.forwarder.flows_mut().clear(),
                Command::Stop => return true,
            }
        }
        false
    }

    /// Sends a packet between the tunnel's own ends; over UDP to `outer`, where given. A probe always
    /// has Don't Fragment set, which only a raw socket does whatever the kernel believes of the path.
    fn send_local(&mut self, path: PathId, outer: Option<SocketAddr>, packet: &[u8], probe: bool) {
        // What was published before the command came, which may be later than this batch's table.
        let table = self.snapshot.load_full();
        self.arena.clear();
        let sent = self.forwarder.local(&table, path, packet, &mut self.arena);
        let Ok(send) = sent else {
            return; // It is counted.
        };
        let outcome = match send.protocol == UDP && !probe {
            true => self.send_local_by_udp(&table, &send, outer, packet),
            false => self.send_local_whole(&table, &send, packet),
        };
        match outcome {
            Ok(()) => {}
            // What a probe finds out is found out.
            Err(Some(Errno::EMSGSIZE)) if probe => {}
            Err(Some(errno)) => self.sockets.count_error(path, errno, 1),
            Err(None) => self.forwarder.count_drop(DropReason::NoTunnel),
        }
    }

    /// `Err(None)`: there is no socket.
    fn send_local_by_udp(
        &mut self,
        table: &ForwardingTable,
        send: &TunnelSend,
        outer: Option<SocketAddr>,
        packet: &[u8],
    ) -> Result<(), Option<Errno>> {
        let tunnel = table.path(send.path).ok_or(None)?;
        let remote = outer.unwrap_or(tunnel.remote);
        let socket = self.sockets.of(send.path, Some(tunnel.local)).ok_or(None)?;
        for content in contents(&self.arena, send, packet) {
            let pieces = [content.front, content.payload].map(IoSlice::new);
            socket.send(remote, &pieces, None, send.traffic_class())?;
        }
        Ok(())
    }

    fn send_local_whole(
        &mut self,
        table: &ForwardingTable,
        send: &TunnelSend,
        packet: &[u8],
    ) -> Result<(), Option<Errno>> {
        let way = Way::of(table, send.path, self.port).ok_or(None)?;
        let raw = self.sockets.raw_of(send.path, way.local()).ok_or(None)?;
        for content in contents(&self.arena, send, packet) {
            way.send(raw, send, content, &mut self.room, 0)?;
        }
        Ok(())
    }

    fn stats(&self) -> DataPlaneStats {
        let counters = self.forwarder.counters();
        let mut paths: std::collections::BTreeMap<PathId, PathStats> = counters
            .paths()
            .iter()
            .map(|(path, counted)| {
                let stats = PathStats {
                    tx_packets: counted.tx_packets,
                    tx_bytes: counted.tx_bytes,
                    rx_packets: counted.rx_packets,
                    rx_bytes: counted.rx_bytes,
                    flows: 0,
                    tx_errors: 0,
                };
                (*path, stats)
            })
            .collect();
        for (path, errors) in self.sockets.errors() {
            paths.entry(path).or_default().tx_errors += errors;
        }
        for flow in self.forwarder.flows().flows() {
            paths.entry(flow.path).or_default().flows += 1;
        }
        let mut drops: Vec<(String, u64)> = DropReason::ALL
            .into_iter()
            .map(|reason| (reason.name().to_owned(), counters.drops(reason)))
            .filter(|(_, count)| *count > 0)
            .collect();
        drops.sort();
        DataPlaneStats {
            paths: paths.into_iter().collect(),
            drops,
            flows: self.forwarder.flows().len() as u64,
            icmp_sent: counters.icmp_sent(),
        }
    }

    fn flows(&self, now: Instant, limit: usize) -> Vec<FlowRow> {
        self.forwarder
            .flows()
            .flows()
            .take(limit)
            .map(|flow| flow_row(now, &flow))
            .collect()
    }

    fn explain(&self, now: Instant, key: &FlowKey, scope: u32) -> FlowAnswer {
        let flows = self.forwarder.flows();
        FlowAnswer {
            hash: flows.hash_of(key),
            known: flows.explain(key, scope).map(|flow| flow_row(now, &flow)),
        }
    }
}

fn flow_row(now: Instant, flow: &FlowInfo) -> FlowRow {
    let since = |then| u64::try_from(now.saturating_since(then).as_millis()).unwrap_or(u64::MAX);
    FlowRow {
        source: flow.key.source(),
        destination: flow.key.destination(),
        protocol: flow.key.protocol(),
        source_port: flow.key.source_port(),
        destination_port: flow.key.destination_port(),
        path: flow.path,
        packets: flow.packets,
        bytes: flow.bytes,
        idle_ms: since(flow.last_seen),
        reason: flow.reason,
        rule: flow.rule,
        moves: flow.moves,
        on_path_ms: since(flow.since),
    }
}

/// The pieces of one packet between the tunnel's own ends.
fn contents<'a>(
    arena: &'a SegmentArena,
    send: &TunnelSend,
    packet: &'a [u8],
) -> impl Iterator<Item = Content<'a>> {
    let segments = arena.segments().get(send.segments.clone());
    segments
        .unwrap_or_default()
        .iter()
        .map(move |segment| Content {
            front: arena.header(segment),
            payload: packet.get(segment.payload()).unwrap_or_default(),
        })
}
