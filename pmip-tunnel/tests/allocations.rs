//! In steady state the packet path allocates nothing: counted, both directions, for every
//! encapsulation.

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};

use pmip_policy::{AccessList, Action, Family, MapEntry, MapPolicy, MobileMap, Rule, Selector};
use pmip_tunnel::encap::{Carrier, Outer, PacketBuf, Tunnel, decapsulate, encapsulate};
use pmip_tunnel::{
    Arrival, Coalescer, Ecn, Forwarder, ForwarderConfig, ForwardingTable, Inbound, Outbound,
    Packet, PacketOffload, PartialChecksum, PathKeys, Role, SegmentArena, Segmentation,
    SegmentationKind, SessionKey, TunnelAcl, TunnelPath, TunnelSession, VrfId,
};
use pmip_wire::types::{Encapsulation, Instant, PathId};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: passes every call on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc::dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn table(role: Role, encapsulation: Encapsulation) -> ForwardingTable {
    let mut table = ForwardingTable::new(role);
    let over_ipv4 = encapsulation.is_ipv4_transport();
    let address = |number: u8| match over_ipv4 {
        true => IpAddr::from([198, 51, 100, number]),
        false => IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into()]),
    };
    let mut keys = Vec::new();
    for number in 1..=2u8 {
        let (local, remote) = match role {
            Role::Mag => (address(number), address(9)),
            Role::Lma => (address(9), address(number)),
        };
        let path = PathId(number.into());
        let port = match Carrier::of(encapsulation) {
            Some(Carrier::Udp) => 5437,
            _ => 0,
        };
        let remote = SocketAddr::new(remote, port);
        let mut tunnel = TunnelPath::new(path, role, local, remote, encapsulation);
        tunnel.outer.gre_sequence = true;
        table.set_path(tunnel);
        if Carrier::of(encapsulation) == Some(Carrier::Gre)
            || encapsulation == Encapsulation::Ipv4UdpTlv
        {
            keys.push(PathKeys::new(path, 100, 200));
        }
    }
    let prefixes = vec!["10.1.0.0/24".parse().expect("a prefix")];
    let paths = vec![PathId(1), PathId(2)];
    let session = TunnelSession::new(SessionKey(1), prefixes, paths).with_keys(keys);
    table.set_session(session);
    let pools = vec!["10.1.0.0/16".parse().expect("a prefix")];
    table.set_tunnel_acl(Some(TunnelAcl::new().with_pools(pools).into()));
    table.set_policy(Some(policy().into()));
    table
}

/// A mobile map that takes TCP.
fn policy() -> MapPolicy {
    let mut list = AccessList::new(Family::Ipv4);
    let tcp = Rule::new(Action::Permit, Selector::any().with_protocol(6));
    list.append(tcp).expect("room");
    let mut map = MobileMap::new();
    let entry = MapEntry::new().with_access_list("tcp");
    map.insert(10, entry).expect("a sequence");
    MapPolicy::compile(&map, |_| Some(&list), |_| None)
}

/// An IPv4 TCP super-packet with a partial checksum, of `segments` segments of 1400 octets.
fn super_packet(segments: u16) -> (Vec<u8>, PacketOffload) {
    let length = 40 + 1_400 * segments;
    let mut packet = vec![
        0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 1, 0, 2, 192, 0, 2, 80,
    ];
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    let sum: u32 = packet
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let checksum = !((sum & 0xffff) + (sum >> 16)) as u16;
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend_from_slice(&[0x9c, 0x40, 1, 0xbb, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10]);
    packet.extend_from_slice(&[0x20, 0, 0, 0, 0, 0]);
    packet.resize(length.into(), 7);
    let offload = PacketOffload::new(
        Some(PartialChecksum {
            start: 20,
            offset: 16,
        }),
        Some(Segmentation {
            kind: SegmentationKind::TcpIpv4,
            size: 1_400,
            header_length: 40,
        }),
    );
    (packet, offload)
}

/// One batch through a MAG's way out, whole outer packets, and an LMA's way in; returns what was
/// delivered.
fn batch(ends: &mut Ends, data: &[u8], offload: PacketOffload) -> usize {
    ends.arena.clear();
    ends.area.clear();
    ends.coalescer.clear();
    let now = Instant::from_secs(1);
    let sent = ends
        .mag
        .outbound(now, &ends.mag_table, data, offload, &mut ends.arena);
    let Outbound::Tunnel(sent) = sent else {
        panic!("not sent: {sent:?}");
    };
    let tunnel = ends.mag_table.path(sent.path).expect("a path");
    let outer = Outer::of(tunnel, 5437, &sent);
    for segment in ends.arena.segments() {
        let start = ends.area.len();
        ends.area.resize(start + outer.length(), 0);
        ends.arena.copy_to(segment, data, &mut ends.area);
        outer.write(&mut ends.area[start..]).expect("fits");
        let packet = &mut ends.area[start..];
        let verdict = ends
            .lma
            .inbound_packet(&ends.lma_table, VrfId::DEFAULT, packet);
        let Inbound::Deliver(delivery) = verdict else {
            panic!("not delivered: {verdict:?}");
        };
        let at = start + delivery.start;
        ends.coalescer.push(&ends.area, at, &delivery.packet);
    }
    ends.coalescer.finish(&ends.area);
    ends.coalescer.outputs().len()
}

struct Ends {
    mag: Forwarder,
    lma: Forwarder,
    mag_table: ForwardingTable,
    lma_table: ForwardingTable,
    arena: SegmentArena,
    area: Vec<u8>,
    coalescer: Coalescer,
}

/// A heartbeat of path 1, as its MAG sends it.
fn heartbeat(ends: &Ends) -> Vec<u8> {
    let tunnel = ends.mag_table.path(PathId(1)).expect("a path");
    let mut packet = match (tunnel.local, tunnel.remote.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut packet = vec![0x45, 0, 0, 36, 0, 0, 0, 0, 64, 135, 0, 0];
            packet.extend_from_slice(&from.octets());
            packet.extend_from_slice(&to.octets());
            packet
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let mut packet = vec![0x60, 0, 0, 0, 0, 16, 135, 64];
            packet.extend_from_slice(&from.octets());
            packet.extend_from_slice(&to.octets());
            packet
        }
        ends => panic!("two families: {ends:?}"),
    };
    packet.extend_from_slice(&[59, 1, 13, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    packet
}

fn beat(ends: &mut Ends, packet: &[u8]) {
    ends.arena.clear();
    ends.area.clear();
    let path = PathId(1);
    let sent = ends
        .mag
        .local(&ends.mag_table, path, packet, &mut ends.arena)
        .expect("between the ends");
    let segment = &ends.arena.segments()[sent.segments.start];
    ends.arena.copy_to(segment, packet, &mut ends.area);
    let carrier = Carrier::from_protocol(sent.protocol).expect("ours");
    let arrival = Arrival::new(path, carrier, Ecn::NotEct);
    let verdict = ends.lma.inbound(&ends.lma_table, arrival, &mut ends.area);
    assert!(matches!(verdict, Inbound::Local(_)), "{verdict:?}");
}

fn forwarding(encapsulation: Encapsulation) {
    let mut ends = Ends {
        mag: Forwarder::new(ForwarderConfig::default()),
        lma: Forwarder::new(ForwarderConfig::default()),
        mag_table: table(Role::Mag, encapsulation),
        lma_table: table(Role::Lma, encapsulation),
        arena: SegmentArena::new(),
        area: Vec::with_capacity(1 << 17),
        coalescer: Coalescer::new(),
    };
    let (data, offload) = super_packet(40);
    Packet::parse(&data).expect("valid");
    let heartbeat = heartbeat(&ends);
    assert_eq!(batch(&mut ends, &data, offload), 1, "joined into one again");
    beat(&mut ends, &heartbeat);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..100 {
        batch(&mut ends, &data, offload);
        beat(&mut ends, &heartbeat);
    }
    let during = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert_eq!(during, 0, "{encapsulation:?}: allocations in 100 batches");
}

fn whole_packets(encapsulation: Encapsulation) {
    let (data, _) = super_packet(1);
    let mut buffer = vec![0; 64];
    buffer.extend_from_slice(&data);
    let ends = match encapsulation.is_ipv4_transport() {
        true => ["198.51.100.1:5437", "198.51.100.9:5437"],
        false => ["[2001:db8::1]:0", "[2001:db8::9]:0"],
    };
    let [from, to] = ends.map(|end| end.parse().expect("an end"));
    let tunnel = Tunnel::new(encapsulation, from, to).with_key(7);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..100 {
        let mut buffer = PacketBuf::new(&mut buffer, 64).expect("headroom");
        encapsulate(&mut buffer, &tunnel).expect("fits");
        decapsulate(buffer.packet()).expect("our own");
    }
    let during = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert_eq!(during, 0, "{encapsulation:?}: allocations in 100 packets");
}

/// One test alone: others beside it would be counted too.
#[test]
fn the_packet_path_allocates_nothing() {
    for encapsulation in Encapsulation::ALL.iter().copied() {
        forwarding(encapsulation);
        whole_packets(encapsulation);
    }
}
