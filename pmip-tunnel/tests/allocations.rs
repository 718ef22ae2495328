//! In steady state the packet path allocates nothing: counted, both directions.

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};

use pmip_tunnel::{
    Coalescer, Ecn, Forwarder, ForwarderConfig, ForwardingTable, Inbound, Outbound, Packet,
    PacketOffload, PartialChecksum, Role, SegmentArena, Segmentation, SegmentationKind, SessionKey,
    TunnelPath, TunnelSession,
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

fn table(role: Role) -> ForwardingTable {
    let mut table = ForwardingTable::new(role);
    let lma: IpAddr = "203.0.113.1".parse().expect("an address");
    for number in 1..=2u8 {
        let care_of = IpAddr::from([198, 51, 100, number]);
        let (local, remote) = match role {
            Role::Mag => (care_of, lma),
            Role::Lma => (lma, care_of),
        };
        table.set_path(TunnelPath::new(
            PathId(number.into()),
            role,
            local,
            SocketAddr::new(remote, 5437),
            Encapsulation::Ipv4Udp,
        ));
    }
    let prefixes = vec!["10.1.0.0/24".parse().expect("a prefix")];
    table.set_session(TunnelSession::new(
        SessionKey(1),
        prefixes,
        vec![PathId(1), PathId(2)],
    ));
    table
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

/// One batch through a MAG's way out and an LMA's way in; returns what was delivered.
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
    for segment in ends.arena.segments() {
        let start = ends.area.len();
        ends.arena.copy_to(segment, data, &mut ends.area);
        let verdict = ends.lma.inbound(
            &ends.lma_table,
            sent.path,
            Ecn::NotEct,
            &mut ends.area[start..],
        );
        let Inbound::Deliver(packet) = verdict else {
            panic!("not delivered: {verdict:?}");
        };
        ends.coalescer.push(&ends.area, start, &packet);
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

#[test]
fn the_packet_path_allocates_nothing() {
    let mut ends = Ends {
        mag: Forwarder::new(ForwarderConfig::default()),
        lma: Forwarder::new(ForwarderConfig::default()),
        mag_table: table(Role::Mag),
        lma_table: table(Role::Lma),
        arena: SegmentArena::new(),
        area: Vec::with_capacity(1 << 17),
        coalescer: Coalescer::new(),
    };
    let (data, offload) = super_packet(40);
    Packet::parse(&data).expect("valid");
    assert_eq!(batch(&mut ends, &data, offload), 1, "joined into one again");
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..100 {
        batch(&mut ends, &data, offload);
    }
    let during = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert_eq!(during, 0, "allocations in 100 batches of 40 packets");
}
