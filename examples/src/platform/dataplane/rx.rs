//! Tunnel to TUN: one batch of datagrams received, judged, joined and written.

use std::io::IoSlice;
use std::net::SocketAddr;
use std::ops::Range;

use bytes::Bytes;
use nix::errno::Errno;
use pmip_tunnel::encap::Carrier;
use pmip_tunnel::{
    Arrival, Coalescer, DropReason, Forwarder, ForwardingTable, Inbound, Merged, PacketOffload,
    VrfId,
};
use pmip_wire::types::{Instant, PathId};

use super::DataPlaneEvent;
use super::raw::{RawReceiver, ReceiveRoom};
use super::tun::Tun;
use super::udp::{DataSocket, Received, Serves};
use crate::platform::raw::{RawReceived, control_room};

/// Octets that one receive may bring.
const RECEIVE_ROOM: usize = 65_536;
/// Longest receives in one batch: what fits a core's cache.
const RECEIVES: usize = 4;
/// Receives in one batch, however short: how long the other direction waits. A flood of empty
/// datagrams takes no room at all.
const MOST_RECEIVES: usize = 256;
/// Pieces of one write: offload header, header, and at most 128 pieces of payload.
const PIECES: usize = 130;

pub(super) struct RxBatch {
    area: Vec<u8>,
    control: Vec<u8>,
    raw: ReceiveRoom,
    coalescer: Coalescer,
}

/// What a receive needs of its worker.
pub(super) struct RxContext<'a> {
    pub(super) now: Instant,
    pub(super) table: &'a ForwardingTable,
    pub(super) forwarder: &'a mut Forwarder,
    pub(super) tun: &'a Tun,
    pub(super) events: &'a tokio::sync::mpsc::Sender<DataPlaneEvent>,
}

impl RxBatch {
    pub(super) fn new(join_udp: bool) -> Self {
        let mut coalescer = Coalescer::new();
        coalescer.set_join_udp(join_udp);
        Self {
            area: vec![0; RECEIVES * RECEIVE_ROOM],
            control: control_room(),
            raw: ReceiveRoom::new(),
            coalescer,
        }
    }

    /// Receives until `socket` has nothing more or the batch is full, and delivers. An error other
    /// than "nothing more" comes back.
    pub(super) fn run(
        &mut self,
        socket: &DataSocket,
        context: &mut RxContext<'_>,
    ) -> Result<(), Errno> {
        self.coalescer.clear();
        let mut start = 0;
        let mut outcome = Ok(());
        for _ in 0..MOST_RECEIVES {
            let Some(room) = self.area.get_mut(start..start + RECEIVE_ROOM) else {
                break;
            };
            match socket.receive(room, &mut self.control) {
                Ok(received) => {
                    let end = start + received.length;
                    self.judge(start, socket, &received, context);
                    start = end;
                }
                Err(Errno::EAGAIN) => break,
                Err(errno) => {
                    outcome = Err(errno);
                    break;
                }
            }
        }
        self.coalescer.finish(&self.area);
        self.deliver(context.tun);
        outcome
    }

    /// Judges the datagrams of one receive that starts at `start` of the area.
    fn judge(
        &mut self,
        start: usize,
        socket: &DataSocket,
        received: &Received,
        context: &mut RxContext<'_>,
    ) {
        let Some(path) = path_of(socket, received.from, context) else {
            return self.judge_strange(start, socket, received, context);
        };
        let end = start + received.length;
        for start in (start..end).step_by(received.datagram) {
            let end = (start + received.datagram).min(end);
            let datagram = &mut self.area[start..end];
            let arrival = Arrival::udp(path, received.ecn);
            let verdict = context.forwarder.inbound(context.table, arrival, datagram);
            self.act(start..end, received.from, &verdict, context);
        }
    }

    /// Receives what `socket` has, as much as one call brings, and delivers. An error other than
    /// "nothing there" comes back.
    pub(super) fn run_raw(
        &mut self,
        socket: &RawReceiver,
        context: &mut RxContext<'_>,
    ) -> Result<(), Errno> {
        self.coalescer.clear();
        let received = socket.receive_many(&mut self.area, &mut self.raw);
        let received = match received {
            Ok(received) => received,
            Err(Errno::EAGAIN) => return Ok(()),
            Err(errno) => return Err(errno),
        };
        for (start, received) in received.into_iter().flatten() {
            let place = start..start + received.length;
            self.judge_raw(place, socket, &received, context);
        }
        self.coalescer.finish(&self.area);
        self.deliver(context.tun);
        Ok(())
    }

    /// Judges one packet, which lies at `place` of the area.
    fn judge_raw(
        &mut self,
        place: Range<usize>,
        socket: &RawReceiver,
        received: &RawReceived,
        context: &mut RxContext<'_>,
    ) {
        let from = SocketAddr::new(received.from, 0);
        let data = &mut self.area[place.clone()];
        let (forwarder, table) = (&mut *context.forwarder, context.table);
        let verdict = match received.to {
            None => forwarder.inbound_packet(table, VrfId::DEFAULT, data),
            Some(local) => {
                let Some(path) = forwarder.path_from(table, local.into(), from) else {
                    return;
                };
                let arrival = Arrival::new(path, socket.carrier(), received.ecn);
                forwarder.inbound(table, arrival, data)
            }
        };
        self.act(place, from, &verdict, context);
    }

    /// Does with the tunnel packet at `place` of the area what was decided.
    fn act(
        &mut self,
        place: Range<usize>,
        from: SocketAddr,
        verdict: &Inbound,
        context: &mut RxContext<'_>,
    ) {
        match verdict {
            Inbound::Deliver(inner) => {
                let forwarder = &mut context.forwarder;
                forwarder.arrived(context.now, context.table, &inner.hint());
                let at = place.start + inner.start;
                self.coalescer.push(&self.area, at, &inner.packet);
            }
            Inbound::Local(inner) => {
                let start = place.start + inner.start;
                // A full channel means a stuck control side; heartbeats come again.
                let _ = context.events.try_send(DataPlaneEvent::Local {
                    path: inner.path,
                    from,
                    received: context.now,
                    packet: Bytes::copy_from_slice(&self.area[start..place.end]),
                });
            }
            Inbound::Drop(_) => {}
        }
    }

    /// Hands over the heartbeats of a stranger. Strangers may fill half of the channel: what comes
    /// through known paths always finds room.
    fn judge_strange(
        &self,
        start: usize,
        socket: &DataSocket,
        received: &Received,
        context: &RxContext<'_>,
    ) {
        let events = context.events;
        if socket.serves != Serves::Shared {
            return;
        }
        let octets = self.area.get(start..start + received.length);
        for datagram in octets.unwrap_or_default().chunks(received.datagram) {
            let found = Forwarder::from_stranger(socket.local, Carrier::Udp, datagram);
            let packet = found.and_then(|range| datagram.get(range));
            if let Some(packet) = packet.filter(|_| events.capacity() > events.max_capacity() / 2) {
                let _ = events.try_send(DataPlaneEvent::Stranger {
                    from: received.from,
                    received: context.now,
                    packet: Bytes::copy_from_slice(packet),
                });
            }
        }
    }

    fn deliver(&self, tun: &Tun) {
        for merged in self.coalescer.outputs() {
            // A packet that the device refuses is lost as on any full link.
            let _ = self.write(tun, merged);
        }
    }

    fn write(&self, tun: &Tun, merged: &Merged) -> Result<(), Errno> {
        let mut offload_header = [0; PacketOffload::HEADER_LENGTH];
        let mut pieces = [IoSlice::new(&[]); PIECES];
        let mut used = 1;
        let header = self.coalescer.header(merged);
        if !header.is_empty() {
            pieces[used] = IoSlice::new(header);
            used += 1;
        }
        for piece in self.coalescer.pieces(merged) {
            pieces[used] = IoSlice::new(&self.area[piece]);
            used += 1;
        }
        tun.write(merged.offload(), &mut offload_header, &mut pieces[..used])
    }
}

/// The path that a datagram came through. What arrives at a path's own socket from another path's
/// peer is a stranger's.
fn path_of(socket: &DataSocket, from: SocketAddr, context: &mut RxContext<'_>) -> Option<PathId> {
    let path = context
        .forwarder
        .path_from(context.table, socket.local, from)?;
    match socket.serves {
        Serves::Path(own) if own != path => {
            context.forwarder.count_drop(DropReason::UnknownPeer);
            None
        }
        Serves::Path(_) | Serves::Shared => Some(path),
    }
}
