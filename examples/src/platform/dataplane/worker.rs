//! One worker thread: one loop for both directions, woken by its descriptors.

use std::io::{IoSlice, Read};
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
use pmip_tunnel::{DropReason, Forwarder, ForwardingTable, SegmentArena};
use pmip_wire::types::{Instant, PathId};
use tokio::sync::mpsc;

use super::rx::{RxBatch, RxContext};
use super::sockets::Sockets;
use super::tun::Tun;
use super::tx::{TxBatch, TxContext};
use super::udp::DataSocket;
use super::{DataPlaneEvent, DataPlaneStats, FlowAnswer, FlowRow, PathStats, spread};

/// How often idle flows are looked for, and how many table slots are looked at.
const HOUSEKEEPING: Duration = Duration::from_millis(100);
const EXPIRY_BUDGET: usize = 4096;

/// What the handle asks of a worker.
pub(super) enum Command {
    AddSocket(DataSocket),
    RemovePathSocket(PathId, SyncSender<()>),
    RemoveSharedSocket(std::net::IpAddr, SyncSender<()>),
    SendLocal(PathId, Bytes),
    Stats(SyncSender<DataPlaneStats>),
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
    pub(super) epoch: std::time::Instant,
}

/// Which descriptors have something.
struct Ready {
    wake: bool,
    tun: bool,
    /// Bit `i`: socket number `i`; a worker with more than 64 looks at the rest every time.
    sockets: u64,
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
        let mut fds = Vec::with_capacity(2 + self.sockets.all().len());
        fds.push(PollFd::new(self.wake.as_fd(), PollFlags::POLLIN));
        fds.push(PollFd::new(self.tun.fd(), PollFlags::POLLIN));
        for socket in self.sockets.all() {
            fds.push(PollFd::new(socket.fd(), PollFlags::POLLIN));
        }
        poll(&mut fds, PollTimeout::from(100u8))?;
        let any = |at: usize| fds.get(at).and_then(PollFd::any).unwrap_or(false);
        let sockets = (0..self.sockets.all().len().min(64))
            .filter(|at| any(at + 2))
            .fold(0u64, |bits, at| bits | 1 << at);
        Ok(Ready {
            wake: any(0),
            tun: any(1),
            sockets,
        })
    }

    fn receive(&mut self, now: Instant, table: &ForwardingTable, ready: &Ready, rx: &mut RxBatch) {
        let Self {
            sockets,
            forwarder,
            tun,
            events,
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
            if is_ready {
                // A pending ICMP error of an earlier send; reading it cleared it.
                let _ = rx.run(socket, &mut context);
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
        };
        match tx.run(&mut context) {
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
                Command::RemovePathSocket(path, done) => {
                    self.sockets.remove(path);
                    let _ = done.try_send(());
                }
                Command::RemoveSharedSocket(local, done) => {
                    self.sockets.remove_shared(local);
                    let _ = done.try_send(());
                }
                Command::SendLocal(path, packet) => self.send_local(path, &packet),
                Command::Stats(reply) => {
                    let _ = reply.try_send(self.stats());
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

    fn send_local(&mut self, path: PathId, packet: &[u8]) {
        // What was published before the command came, which may be later than this batch's table.
        let table = self.snapshot.load();
        self.arena.clear();
        let sent = self.forwarder.local(&table, path, packet, &mut self.arena);
        let Ok(send) = sent else {
            return; // It is counted.
        };
        let tunnel = table.path(path);
        let socket = tunnel.and_then(|tunnel| self.sockets.of(path, Some(tunnel.local)));
        let (Some(tunnel), Some(socket)) = (tunnel, socket) else {
            self.forwarder.count_drop(DropReason::NoTunnel);
            return;
        };
        let segments = self.arena.segments();
        for segment in segments.get(send.segments).unwrap_or_default() {
            let payload = packet.get(segment.payload()).unwrap_or_default();
            let pieces = [self.arena.header(segment), payload].map(IoSlice::new);
            if let Err(errno) = socket.send(tunnel.remote, &pieces, None, send.ecn) {
                self.sockets.count_error(path, errno, 1);
                return;
            }
        }
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
