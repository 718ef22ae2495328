//! What networks say of tunnel packets: to the control side, and on to the inner sender.

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::time::Duration;

use pmip_tunnel::{PacketOffload, SegmentArena, UnderlayError, UnderlayProblem, VrfId};
use pmip_wire::types::{Instant, PathId};

use super::DataPlaneEvent;
use super::icmp::IcmpListener;
use super::rx::RxContext;
use crate::platform::raw::control_room;

/// Errors taken at a time: anybody can send them.
const MOST_ERRORS: usize = 64;
/// Errors quote at most as much as fits 1,280 octets (RFC 4443 section 2.4), networks may quote more.
const ROOM: usize = 4096;
/// How often one error of one path is told.
const TELL_INTERVAL: Duration = Duration::from_secs(1);

/// What was told of each path, and when.
pub(super) struct Underlays {
    told: BTreeMap<PathId, (UnderlayProblem, Instant)>,
    room: Vec<u8>,
    control: Vec<u8>,
}

impl Underlays {
    pub(super) fn new() -> Self {
        Self {
            told: BTreeMap::new(),
            room: vec![0; ROOM],
            control: control_room(),
        }
    }

    /// Takes what `socket` has.
    pub(super) fn receive(
        &mut self,
        socket: &IcmpListener,
        context: &mut RxContext<'_>,
        arena: &mut SegmentArena,
    ) {
        for _ in 0..MOST_ERRORS {
            let Ok(packet) = socket.receive(&mut self.room, &mut self.control) else {
                return;
            };
            let error = UnderlayError::parse(packet);
            take_and_tell(&mut self.told, error, packet, context, arena);
        }
    }

    /// Takes what our own kernel said of `packet`, an outer packet that it did not send.
    pub(super) fn refused(
        &mut self,
        problem: UnderlayProblem,
        packet: &[u8],
        context: &mut RxContext<'_>,
        arena: &mut SegmentArena,
    ) {
        let error = UnderlayError::of_socket(problem, packet);
        take_and_tell(&mut self.told, error, packet, context, arena);
    }
}

type Told = (PathId, UnderlayProblem, Option<u16>);

fn take_and_tell(
    told: &mut BTreeMap<PathId, (UnderlayProblem, Instant)>,
    error: Option<UnderlayError>,
    packet: &[u8],
    context: &mut RxContext<'_>,
    arena: &mut SegmentArena,
) {
    let taken = error.and_then(|error| take(&error, packet, context, arena));
    if let Some(taken) = taken {
        tell(told, taken, context);
    }
}

/// Takes one error, which quotes `packet`, and answers the inner sender where it has to know.
fn take(
    error: &UnderlayError,
    packet: &[u8],
    context: &mut RxContext<'_>,
    arena: &mut SegmentArena,
) -> Option<Told> {
    // Errors about other packets of this machine are none of ours, and are not to be counted.
    let vrf = VrfId::DEFAULT;
    context.table.path_from_in(vrf, error.local, error.remote)?;
    arena.clear();
    let (now, table) = (context.now, context.table);
    let forwarder = &mut context.forwarder;
    let underlay = forwarder.underlay_error(now, table, vrf, error, packet, arena);
    let underlay = underlay.ok()?;
    if let Some(segment) = underlay.reply.and_then(|reply| arena.segments().get(reply)) {
        let mut header = [0; PacketOffload::HEADER_LENGTH];
        let mut pieces = [IoSlice::new(&[]), IoSlice::new(arena.header(segment))];
        let _ = context
            .tun
            .write(PacketOffload::NONE, &mut header, &mut pieces);
    }
    Some((underlay.path, underlay.problem, underlay.mtu))
}

fn tell(
    told: &mut BTreeMap<PathId, (UnderlayProblem, Instant)>,
    (path, problem, mtu): Told,
    context: &RxContext<'_>,
) {
    let recent = told.get(&path).is_some_and(|(known, at)| {
        *known == problem && context.now.saturating_since(*at) < TELL_INTERVAL
    });
    // As with strangers: what anybody can send leaves room for what comes through paths.
    let full = context.events.capacity() <= context.events.max_capacity() / 2;
    if recent || full {
        return;
    }
    let event = DataPlaneEvent::Underlay { path, problem, mtu };
    if context.events.try_send(event).is_ok() {
        told.insert(path, (problem, context.now));
    }
}
