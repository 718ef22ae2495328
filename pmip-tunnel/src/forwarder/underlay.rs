//! Errors of the networks that carry tunnels: to the path they are about, and on to the inner sender
//! where it has to know (RFC 2473 section 8).

use pmip_wire::types::{Instant, PathId};

use super::Forwarder;
use crate::counters::DropReason;
use crate::icmp::{Problem, UnderlayError, UnderlayProblem};
use crate::packet::Packet;
use crate::segment::SegmentArena;
use crate::table::{ForwardingTable, Role, TunnelPath, VrfId};

/// The least MTU of an IPv4 outer packet that is believed (RFC 1191 section 3).
const LEAST_IPV4: u16 = 68;
/// The least of an IPv6 outer packet (RFC 8200 section 5).
const LEAST_IPV6: u16 = 1280;
const IPV6_MINIMUM_MTU: u16 = 1280;

/// What an underlay error means.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Underlay {
    /// The path whose packet it is about.
    pub path: PathId,
    /// What is wrong.
    pub problem: UnderlayProblem,
    /// The largest outer packet, where the error says that: for
    /// [`PathMtu::handle`](crate::pmtu::PathMtu::handle), or without one for
    /// [`ForwardingTable::set_path_underlay_mtu`].
    pub mtu: Option<u16>,
    /// Send this segment of the arena, an ICMP error, to the inner sender, in the routing instance
    /// `vrf`.
    pub reply: Option<usize>,
    /// The routing instance of the reply.
    pub vrf: VrfId,
}

impl Forwarder {
    /// Takes an error that arrived in the transport routing instance `vrf`: `error`, read from
    /// `data`. Only an error about a packet of one of our paths is believed.
    ///
    /// The inner sender is told where its packet was too big, and where it does not get there and
    /// no other path of its session is usable.
    ///
    /// # Errors
    /// [`DropReason::UnknownPeer`], counted, where no path sent such a packet.
    pub fn underlay_error(
        &mut self,
        now: Instant,
        table: &ForwardingTable,
        vrf: VrfId,
        error: &UnderlayError,
        data: &[u8],
        arena: &mut SegmentArena,
    ) -> Result<Underlay, DropReason> {
        let path = self
            .path_from_in(table, vrf, error.local, error.remote)
            .ok_or(DropReason::UnknownPeer)?;
        let tunnel = table.path(path).ok_or(DropReason::NoTunnel)?;
        let mtu = believed(tunnel, error.problem);
        let inner = error.inner(data).and_then(|start| data.get(start..));
        let relayed = inner.and_then(|quoted| {
            let packet = Packet::parse_quoted(quoted).ok()?;
            let (vrf, problem) = translate(table, tunnel, error.problem, mtu, &packet)?;
            let reply = self.answer(now, &packet, quoted, problem, arena)?;
            Some((vrf, reply))
        });
        Ok(Underlay {
            path,
            problem: error.problem,
            mtu,
            reply: relayed.map(|(_, reply)| reply),
            vrf: relayed.map_or(VrfId::DEFAULT, |(vrf, _)| vrf),
        })
    }
}

/// An MTU below what every link has is a mistake or an attack.
fn believed(tunnel: &TunnelPath, problem: UnderlayProblem) -> Option<u16> {
    let least = match tunnel.local.is_ipv4() {
        true => LEAST_IPV4,
        false => LEAST_IPV6,
    };
    let UnderlayProblem::TooBig(Some(mtu)) = problem else {
        return None;
    };
    Some(mtu.max(least))
}

/// What the inner sender is told, and where it is.
fn translate(
    table: &ForwardingTable,
    tunnel: &TunnelPath,
    problem: UnderlayProblem,
    mtu: Option<u16>,
    packet: &Packet,
) -> Option<(VrfId, Problem)> {
    let ours = match table.role() {
        Role::Mag => packet.source,
        Role::Lma => packet.destination,
    };
    let (vrf, routed) = table.route_of_path(tunnel.path, ours)?;
    let problem = match problem {
        UnderlayProblem::TooBig(_) => Problem::TooBig(inner_mtu(tunnel, mtu?, packet)?),
        UnderlayProblem::Unreachable
        | UnderlayProblem::HopLimit
        | UnderlayProblem::EncapsulationLimit => {
            let other = |path| path != tunnel.path;
            let mut usable = routed.group.paths.iter().filter(|known| known.usable);
            match usable.any(|known| other(known.path)) {
                true => return None,
                false => Problem::Unreachable,
            }
        }
        UnderlayProblem::Other => return None,
    };
    Some((vrf, problem))
}

/// RFC 2473 sections 8.2 and 8.3: the MTU less the tunnel headers, told only to those who can do
/// something about it.
fn inner_mtu(tunnel: &TunnelPath, outer: u16, packet: &Packet) -> Option<u16> {
    let inner = outer.saturating_sub(tunnel.overhead());
    let told = match packet.is_ipv4() {
        true => inner.max(LEAST_IPV4),
        false => inner.max(IPV6_MINIMUM_MTU),
    };
    let told_it = packet.dont_fragment && packet.length > usize::from(told);
    told_it.then_some(told)
}
