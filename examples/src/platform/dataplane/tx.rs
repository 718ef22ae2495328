//! TUN to tunnel: one batch of packets read, placed on paths, cut and sent.

use std::io::IoSlice;

use nix::errno::Errno;
use pmip_tunnel::{
    DropReason, Ecn, Forwarder, ForwardingTable, Outbound, PacketOffload, SegmentArena, TunnelSend,
    UnderlayProblem,
};
use pmip_wire::types::{Instant, PathId};

use super::SocketError;
use super::outer::{Content, Way};
use super::raw::{MOST, SendRoom, send_room};
use super::sockets::Sockets;
use super::standing::Standing;
use super::tun::{READ_ROOM, Tun};
use super::udp::{DataSocket, MAX_DATAGRAMS, MAX_DATAGRAMS_LENGTH};

/// Packets in one batch, and octets read before it ends: what fits a core's cache, and how long the
/// other direction waits.
const PACKETS: usize = 64;
const AREA: usize = 4 * READ_ROOM;
/// Datagrams that are sent before more is read: what a super-packet is cut into, or nearly what one
/// send takes.
const FULL_RUN: usize = 44;
/// Protocol number of UDP.
const UDP: u8 = 17;
/// Pieces of one send: a header and a piece of payload for each datagram.
const PIECES: usize = 2 * MAX_DATAGRAMS;

pub(super) struct TxBatch {
    area: Vec<u8>,
    arena: SegmentArena,
    pending: Vec<Pending>,
    sends: Vec<TunnelSend>,
    /// For outer packets that have to be in one piece.
    room: Vec<u8>,
    raw: SendRoom,
    /// The first of the batch that could not be sent.
    failure: Option<Failure>,
    standing: Standing,
    /// The device's queue stands: the next super-packet's sender is to be told.
    tell: bool,
}

/// One datagram to send.
#[derive(Clone, Copy, Debug)]
struct Pending {
    path: PathId,
    /// Which segment of the arena.
    segment: usize,
    /// Where the packet that it was cut from starts in the area.
    packet: usize,
    length: usize,
    traffic_class: u8,
    /// Which of the batch's sends it belongs to.
    send: usize,
    /// How it leaves.
    kind: Kind,
}

/// Who writes the outer headers, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The kernel, of UDP.
    Udp,
    /// We, by a raw socket.
    Raw,
    /// We, and cut it into fragments.
    Cut,
}

/// A datagram that could not be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    pending: Pending,
    errno: Errno,
}

impl Pending {
    /// Whether `next` may leave in one send with a run of datagrams that began with `self`.
    fn runs_on(&self, next: &Self) -> bool {
        self.path == next.path
            && self.traffic_class == next.traffic_class
            && self.kind == Kind::Udp
            && next.kind == Kind::Udp
            && next.length <= self.length
    }
}

/// What a batch needs of its worker.
pub(super) struct TxContext<'a> {
    pub(super) now: Instant,
    pub(super) table: &'a ForwardingTable,
    pub(super) forwarder: &'a mut Forwarder,
    pub(super) tun: &'a Tun,
    pub(super) sockets: &'a mut Sockets,
    /// Our UDP port.
    pub(super) port: u16,
    /// Tells the pieces of cut packets apart.
    pub(super) identification: &'a mut u32,
}

impl TxBatch {
    pub(super) fn new() -> Self {
        Self {
            area: vec![0; AREA],
            arena: SegmentArena::new(),
            pending: Vec::with_capacity(1024),
            sends: Vec::with_capacity(PACKETS),
            room: Vec::new(),
            raw: send_room(),
            failure: None,
            standing: Standing::default(),
            tell: false,
        }
    }

    /// Reads until the device has nothing more or the batch is full, and sends.
    ///
    /// # Errors
    /// What the device said, when it is broken.
    pub(super) fn run(&mut self, context: &mut TxContext<'_>) -> Result<(), Errno> {
        self.failure = None;
        self.clear();
        let mut start = 0;
        for _ in 0..PACKETS {
            let Some(room) = self.area.get_mut(start..start + READ_ROOM) else {
                self.tell |= self.standing.goes_on(context.now);
                break;
            };
            match context.tun.read(room) {
                Ok(read) => {
                    let packet = start + read.packet_start;
                    let end = start + read.end;
                    self.place(packet, end, read.offload, context);
                    start = end;
                }
                Err(Errno::EAGAIN | Errno::EINTR) => {
                    self.standing.emptied();
                    break;
                }
                Err(errno) => {
                    self.send_all(context);
                    return Err(errno);
                }
            }
            // Nothing is gained by waiting for more: the other end begins with these.
            if self.pending.len() >= FULL_RUN {
                self.send_all(context);
                if self.failure.is_some() {
                    return Ok(());
                }
                self.clear();
            }
        }
        self.send_all(context);
        Ok(())
    }

    fn clear(&mut self) {
        self.arena.clear();
        self.pending.clear();
        self.sends.clear();
    }

    /// Tells the sender of the super-packet whose datagrams are pending from `first` on that it is
    /// too fast: by a mark where it can read that, else by a loss (RFC 3168 section 5).
    fn tell_sender(&mut self, first: usize, context: &mut TxContext<'_>) {
        self.tell = false;
        let Some([.., last]) = self.pending.get_mut(first..) else {
            return;
        };
        if Ecn::of(last.traffic_class) == Ecn::NotEct {
            self.pending.pop();
            context.forwarder.count_drop(DropReason::EcnNotCapable);
            return;
        }
        if let Some(send) = self.sends.last_mut() {
            send.ecn = Ecn::Ce;
        }
        for pending in self.pending.get_mut(first..).unwrap_or_default() {
            pending.traffic_class |= Ecn::Ce.bits();
        }
    }

    fn place(
        &mut self,
        start: usize,
        end: usize,
        offload: Option<PacketOffload>,
        context: &mut TxContext<'_>,
    ) {
        let data = &self.area[start..end];
        let Some(offload) = offload else {
            context.forwarder.count_drop(DropReason::Malformed);
            return;
        };
        let verdict =
            context
                .forwarder
                .outbound(context.now, context.table, data, offload, &mut self.arena);
        match verdict {
            Outbound::Tunnel(send) => {
                let segments = self.arena.segments();
                let kind = match (send.fragment, send.protocol) {
                    (true, _) => Kind::Cut,
                    (false, UDP) => Kind::Udp,
                    (false, _) => Kind::Raw,
                };
                let first = self.pending.len();
                self.pending
                    .extend(send.segments.clone().map(|segment| Pending {
                        path: send.path,
                        segment,
                        packet: start,
                        length: segments[segment].length(),
                        traffic_class: send.traffic_class(),
                        send: self.sends.len(),
                        kind,
                    }));
                self.sends.push(send);
                if self.tell && self.pending.len() > first + 1 {
                    self.tell_sender(first, context);
                }
            }
            Outbound::Reply(segment) => {
                let mut header = [0; PacketOffload::HEADER_LENGTH];
                let reply = self.arena.header(&self.arena.segments()[segment]);
                let mut pieces = [IoSlice::new(&[]), IoSlice::new(reply)];
                let _ = context
                    .tun
                    .write(PacketOffload::NONE, &mut header, &mut pieces);
            }
            Outbound::Drop(_) => {}
        }
    }

    /// Sends all that is pending, path by path, each path's datagrams in order.
    fn send_all(&mut self, context: &mut TxContext<'_>) {
        let one_path = self
            .pending
            .windows(2)
            .all(|pair| pair[0].path == pair[1].path);
        if !one_path {
            self.pending
                .sort_unstable_by_key(|pending| (pending.path, pending.segment));
        }
        let mut room = std::mem::take(&mut self.room);
        let mut raw = std::mem::replace(&mut self.raw, SendRoom::preallocate(0, None));
        let mut failure = None;
        let mut rest = &self.pending[..];
        while let Some(first) = rest.first() {
            let count = match first.kind {
                Kind::Udp => self.send_udp(rest, context, &mut failure),
                Kind::Raw => self.send_raw(rest, &mut raw, context, &mut failure),
                Kind::Cut => self.send_cut(first, &mut room, context, &mut failure),
            };
            rest = rest.get(count..).unwrap_or_default();
        }
        self.room = room;
        self.raw = raw;
        self.failure = failure;
    }

    /// Sends the run that `rest` begins with; returns how many datagrams that were.
    fn send_udp(
        &self,
        rest: &[Pending],
        context: &mut TxContext<'_>,
        failure: &mut Option<Failure>,
    ) -> usize {
        let Some(first) = rest.first() else { return 0 };
        let tunnel = context.table.path(first.path);
        let socket = tunnel.and_then(|tunnel| {
            let socket = context.sockets.of(first.path, Some(tunnel.local))?;
            Some((socket, tunnel.remote))
        });
        let Some((socket, remote)) = socket else {
            context.forwarder.count_drop(DropReason::NoTunnel);
            return 1;
        };
        let count = run_length(rest, socket.gso());
        let run = rest.get(..count).unwrap_or_default();
        if let Err(errno) = self.send_run(socket, remote, run) {
            fail(failure, context, first, count, errno);
        }
        count
    }

    /// The same of whole packets by a raw socket.
    fn send_raw(
        &self,
        rest: &[Pending],
        room: &mut SendRoom,
        context: &mut TxContext<'_>,
        failure: &mut Option<Failure>,
    ) -> usize {
        let Some(first) = rest.first() else { return 0 };
        let alike = |next: &&Pending| next.path == first.path && next.kind == Kind::Raw;
        let count = rest.iter().take(MOST).take_while(alike).count();
        let run = rest.get(..count).unwrap_or_default();
        let way = Way::of(context.table, first.path, context.port);
        let raw = way.and_then(|way| context.sockets.raw_of(first.path, way.local()));
        let (Some(way), Some(raw)) = (way, raw) else {
            context.forwarder.count_drop(DropReason::NoTunnel);
            return 1;
        };
        let packets = run
            .iter()
            .map(|pending| (&self.sends[pending.send], self.content(pending)));
        let mut failures = [None; MOST];
        way.send_many(raw, packets, room, |at, many, errno| {
            if let Some(place) = failures.get_mut(at) {
                *place = Some((many, errno));
            }
        });
        for (pending, failed) in run.iter().zip(failures) {
            if let Some((many, errno)) = failed {
                fail(failure, context, pending, many, errno);
            }
        }
        count
    }

    /// Sends one packet in fragments.
    fn send_cut(
        &self,
        pending: &Pending,
        room: &mut Vec<u8>,
        context: &mut TxContext<'_>,
        failure: &mut Option<Failure>,
    ) -> usize {
        let way = Way::of(context.table, pending.path, context.port);
        let raw = way.and_then(|way| context.sockets.raw_of(pending.path, way.local()));
        let (Some(way), Some(raw)) = (way, raw) else {
            context.forwarder.count_drop(DropReason::NoTunnel);
            return 1;
        };
        *context.identification = context.identification.wrapping_add(1);
        let (send, content) = (&self.sends[pending.send], self.content(pending));
        let sent = way.send(raw, send, content, room, *context.identification);
        if let Err(errno) = sent {
            fail(failure, context, pending, 1, errno);
        }
        1
    }

    /// What tunnel headers go in front of.
    fn content(&self, pending: &Pending) -> Content<'_> {
        let segment = &self.arena.segments()[pending.segment];
        let payload = segment.payload();
        Content {
            front: self.arena.header(segment),
            payload: &self.area[pending.packet + payload.start..pending.packet + payload.end],
        }
    }

    /// What the socket said of the first datagram of the batch that could not be sent, and that
    /// datagram as a whole outer packet.
    pub(super) fn failed(&mut self, context: &TxContext<'_>) -> Option<(UnderlayProblem, &[u8])> {
        let Failure { pending, errno } = self.failure.take()?;
        let problem = match SocketError::from(errno) {
            SocketError::Unreachable => UnderlayProblem::Unreachable,
            SocketError::TooBig => UnderlayProblem::TooBig(None),
            SocketError::NoBuffers | SocketError::Refused | SocketError::Other(_) => return None,
        };
        let way = Way::of(context.table, pending.path, context.port)?;
        let raw = context.sockets.raw_of(pending.path, way.local())?;
        let problem = match problem {
            UnderlayProblem::TooBig(_) => UnderlayProblem::TooBig(raw.mtu(way.remote())),
            problem @ (UnderlayProblem::Unreachable | _) => problem,
        };
        let mut room = std::mem::take(&mut self.room);
        let written = way.whole(
            self.sends.get(pending.send)?,
            self.content(&pending),
            &mut room,
        );
        self.room = room;
        written.ok()?;
        Some((problem, &self.room))
    }

    fn send_run(
        &self,
        socket: &mut DataSocket,
        remote: std::net::SocketAddr,
        run: &[Pending],
    ) -> Result<(), Errno> {
        let mut pieces = [IoSlice::new(&[]); PIECES];
        let mut used = 0;
        for pending in run {
            let segment = &self.arena.segments()[pending.segment];
            let header = self.arena.header(segment);
            if !header.is_empty() {
                pieces[used] = IoSlice::new(header);
                used += 1;
            }
            let payload = segment.payload();
            if !payload.is_empty() {
                let payload = pending.packet + payload.start..pending.packet + payload.end;
                pieces[used] = IoSlice::new(&self.area[payload]);
                used += 1;
            }
        }
        let [first, ..] = run else { return Ok(()) };
        if run.len() == 1 {
            return socket.send(remote, &pieces[..used], None, first.traffic_class);
        }
        let size = u16::try_from(first.length).ok();
        match socket.send(remote, &pieces[..used], size, first.traffic_class) {
            // EIO: the device computes no checksums. EINVAL and EMSGSIZE: smaller MTU than thought.
            Err(errno @ (Errno::EIO | Errno::EINVAL | Errno::EMSGSIZE)) => {
                if errno == Errno::EIO {
                    socket.give_up_gso();
                }
                run.chunks(1)
                    .try_for_each(|one| self.send_run(socket, remote, one))
            }
            outcome => outcome,
        }
    }
}

/// Counts `many` datagrams from `pending` on that could not be sent.
fn fail(
    failure: &mut Option<Failure>,
    context: &mut TxContext<'_>,
    pending: &Pending,
    many: usize,
    errno: Errno,
) {
    context.sockets.count_error(pending.path, errno, many);
    failure.get_or_insert(Failure {
        pending: *pending,
        errno,
    });
}

/// How many of the first datagrams leave in one send.
fn run_length(pending: &[Pending], gso: bool) -> usize {
    let Some((first, rest)) = pending.split_first() else {
        return 0;
    };
    if !gso {
        return 1;
    }
    let mut octets = first.length;
    let mut count = 1;
    for next in rest {
        octets += next.length;
        let full = count >= MAX_DATAGRAMS || octets > MAX_DATAGRAMS_LENGTH;
        if full || !first.runs_on(next) {
            break;
        }
        count += 1;
        // A shorter one ends the run.
        if next.length < first.length {
            break;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(path: u32, length: usize) -> Pending {
        Pending {
            path: PathId(path),
            segment: 0,
            packet: 0,
            length,
            traffic_class: 0,
            send: 0,
            kind: Kind::Udp,
        }
    }

    #[test]
    fn a_run_is_of_one_size_but_for_a_shorter_last() {
        let run = |lengths: &[usize]| {
            let all: Vec<_> = lengths.iter().map(|length| pending(1, *length)).collect();
            run_length(&all, true)
        };
        assert_eq!(run(&[]), 0);
        assert_eq!(run(&[900]), 1);
        assert_eq!(run(&[900, 900, 900]), 3);
        assert_eq!(
            run(&[900, 900, 100, 900]),
            3,
            "nothing follows a shorter one"
        );
        assert_eq!(run(&[100, 900]), 1, "a longer one starts a run of its own");
    }

    #[test]
    fn a_run_keeps_to_what_one_send_may_carry() {
        let many: Vec<_> = (0..200).map(|_| pending(1, 100)).collect();
        assert_eq!(run_length(&many, true), MAX_DATAGRAMS);
        let long: Vec<_> = (0..200).map(|_| pending(1, 1_500)).collect();
        assert_eq!(run_length(&long, true), MAX_DATAGRAMS_LENGTH / 1_500);
        assert_eq!(
            run_length(&long, false),
            1,
            "without the offload one by one"
        );
    }

    #[test]
    fn paths_traffic_classes_and_whole_packets_are_kept_apart() {
        let first = pending(1, 900);
        let marked = Pending {
            traffic_class: 3,
            ..first
        };
        let whole = Pending {
            kind: Kind::Raw,
            ..first
        };
        for other in [pending(2, 900), marked, whole] {
            assert_eq!(run_length(&[first, other], true), 1);
        }
        assert_eq!(run_length(&[whole, whole], true), 1);
    }
}
