//! Any octets at both ends of a tunnel: no panic, and nothing that no session asked for passes.

use std::net::{IpAddr, SocketAddr};

use pmip_policy::FlowTableConfig;
use pmip_tunnel::encap::{Carrier, Reassembler, ReassemblerConfig, Whole};
use pmip_tunnel::{
    Arrival, Ecn, Forwarder, ForwarderConfig, ForwardingTable, Inbound, Outbound, Packet,
    PacketOffload, Role, SegmentArena, SessionKey, TunnelPath, TunnelSession, UnderlayError, VrfId,
    encap,
};
use pmip_wire::types::{Encapsulation, Instant, IpPrefix, PathId};

const PATH: PathId = PathId(1);

/// Takes `data`, behind two octets that choose how, out of and into a tunnel.
pub fn run(data: &[u8]) {
    let Some(([choice, outer], packet)) = data.split_first_chunk() else {
        return;
    };
    let role = if choice & 1 == 0 {
        Role::Lma
    } else {
        Role::Mag
    };
    let table = table(role);
    let carrier = match choice >> 1 & 3 {
        1 => Carrier::Gre,
        2 => Carrier::Ip,
        _ => Carrier::Udp,
    };
    let mut config = ForwarderConfig::default();
    config.flows = FlowTableConfig::default().with_max_flows(16);
    let mut forwarder = Forwarder::new(config);
    let arrival = Arrival::new(PATH, carrier, Ecn::of(*outer));
    inbound(&mut forwarder, &table, arrival, packet);
    outbound(&mut forwarder, &table, packet);
    whole(&mut forwarder, &table, packet);
    underlay(&mut forwarder, &table, packet);
    if let Ok(found) = encap::decapsulate(packet) {
        let inner = packet
            .get(found.inner)
            .expect("the inner packet lies inside");
        inbound(&mut forwarder, &table, Arrival::udp(PATH, found.ecn), inner);
    }
}

fn inbound(forwarder: &mut Forwarder, table: &ForwardingTable, arrival: Arrival, packet: &[u8]) {
    let mut octets = packet.to_vec();
    let Inbound::Deliver(delivery) = forwarder.inbound(table, arrival, &mut octets) else {
        return;
    };
    let delivered = delivery.packet;
    let ours: IpAddr = match table.role() {
        Role::Lma => delivered.source,
        Role::Mag => delivered.destination,
    };
    let inside = prefixes().iter().any(|prefix| prefix.contains(ours));
    assert!(inside, "{ours} belongs to no session");
    let inner = octets.get(delivery.start..).expect("inside");
    let again = Packet::parse(inner).expect("what is delivered is a packet");
    assert_eq!(again.source, delivered.source);
    assert_eq!(again.destination, delivered.destination);
}

/// The same with its outer headers, perhaps as a fragment.
fn whole(forwarder: &mut Forwarder, table: &ForwardingTable, packet: &[u8]) {
    let mut octets = packet.to_vec();
    let verdict = forwarder.inbound_packet(table, VrfId::DEFAULT, &mut octets);
    if let Inbound::Deliver(delivery) = verdict {
        let inner = octets.get(delivery.start..).expect("inside");
        Packet::parse(inner).expect("what is delivered is a packet");
    }
    let mut reassembler = Reassembler::new(ReassemblerConfig::default());
    for _ in 0..2 {
        if let Whole::Complete(packet) = reassembler.push(Instant::ZERO, packet) {
            Packet::parse(packet).expect("what is put together is a packet");
        }
    }
}

/// As an ICMP error about a packet of ours.
fn underlay(forwarder: &mut Forwarder, table: &ForwardingTable, packet: &[u8]) {
    let Some(error) = UnderlayError::parse(packet) else {
        return;
    };
    let mut arena = SegmentArena::new();
    let vrf = VrfId::DEFAULT;
    let now = Instant::ZERO;
    let told = forwarder.underlay_error(now, table, vrf, &error, packet, &mut arena);
    if let Ok(told) = told {
        assert_eq!(told.path, PATH);
        assert!(told.reply.is_none_or(|at| at < arena.segments().len()));
    }
}

fn outbound(forwarder: &mut Forwarder, table: &ForwardingTable, packet: &[u8]) {
    let mut offloads = vec![PacketOffload::NONE];
    if let Some(header) = packet.last_chunk::<{ PacketOffload::HEADER_LENGTH }>() {
        offloads.extend(PacketOffload::from_virtio(header));
    }
    for offload in offloads {
        let mut arena = SegmentArena::new();
        let verdict = forwarder.outbound(Instant::ZERO, table, packet, offload, &mut arena);
        let Outbound::Tunnel(send) = verdict else {
            continue;
        };
        assert_eq!(send.path, PATH);
        let segments = arena
            .segments()
            .get(send.segments)
            .expect("segments of the arena");
        for segment in segments {
            let mut whole = Vec::new();
            arena.copy_to(segment, packet, &mut whole);
            assert_eq!(whole.len(), segment.length());
            // The kernel says where a checksum goes and is believed, even inside the IP header.
            if offload.checksum.is_none() {
                Packet::parse(&whole).expect("every segment is a packet");
            }
        }
    }
}

fn prefixes() -> Vec<IpPrefix> {
    ["10.1.0.0/24", "2001:db8:7::/48"]
        .map(|text| text.parse().expect("a prefix"))
        .to_vec()
}

fn table(role: Role) -> ForwardingTable {
    let mut table = ForwardingTable::new(role);
    let local = IpAddr::from([192, 0, 2, 1]);
    let remote = SocketAddr::from(([198, 51, 100, 7], 5437));
    let path = TunnelPath::new(PATH, role, local, remote, Encapsulation::Ipv4Udp);
    table.set_path(path);
    table.set_session(TunnelSession::new(SessionKey(1), prefixes(), vec![PATH]));
    table
}
