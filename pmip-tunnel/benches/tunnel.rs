//! What the packet path costs without system calls, against copying the same octets.
//!
//! `cargo bench -p pmip-tunnel`

#![allow(clippy::unwrap_used, reason = "a bench that cannot set up may fail")]

use std::hint::black_box;
use std::net::{IpAddr, SocketAddr};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pmip_tunnel::encap::{Carrier, PacketBuf, Tunnel, decapsulate, encapsulate};
use pmip_tunnel::{
    Arrival, Coalescer, Ecn, Forwarder, ForwarderConfig, ForwardingTable, Inbound, PacketOffload,
    PartialChecksum, PathKeys, Role, SegmentArena, Segmentation, SegmentationKind, SessionKey,
    TunnelPath, TunnelSession,
};
use pmip_wire::types::{Encapsulation, Instant, IpPrefix, PathId};

const LENGTHS: [usize; 2] = [64, 1_400];

const ALL: [(&str, Encapsulation); 6] = [
    ("ipv6", Encapsulation::Ipv6),
    ("ipv4", Encapsulation::Ipv4),
    ("ipv4-udp", Encapsulation::Ipv4Udp),
    ("ipv4-udp-tlv", Encapsulation::Ipv4UdpTlv),
    ("gre-ipv4", Encapsulation::GreIpv4),
    ("gre-ipv6", Encapsulation::GreIpv6),
];

/// A table of `sessions` sessions besides that of the test packets, over two paths.
fn table(role: Role, sessions: u32) -> ForwardingTable {
    table_of(role, sessions, Encapsulation::Ipv4Udp)
}

fn is_gre(encapsulation: Encapsulation) -> bool {
    encapsulation == Encapsulation::Ipv4UdpTlv || Carrier::of(encapsulation) == Some(Carrier::Gre)
}

fn table_of(role: Role, sessions: u32, encapsulation: Encapsulation) -> ForwardingTable {
    let mut table = ForwardingTable::new(role);
    let lma: IpAddr = "203.0.113.1".parse().unwrap();
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
            encapsulation,
        ));
    }
    let paths = vec![PathId(1), PathId(2)];
    for key in 0..sessions {
        let prefix = IpPrefix::host(IpAddr::from((0x0b00_0000u32 + key).to_be_bytes()));
        table.set_session(TunnelSession::new(
            SessionKey(key),
            vec![prefix],
            paths.clone(),
        ));
    }
    let own = vec!["10.1.0.0/24".parse().unwrap()];
    let keys = paths.iter().map(|path| PathKeys::new(*path, 1, 1));
    let keys = keys.filter(|_| is_gre(encapsulation)).collect();
    table.set_session(TunnelSession::new(SessionKey(u32::MAX), own, paths).with_keys(keys));
    table
}

/// An IPv4 packet of `length` octets, UDP or TCP.
fn packet(length: usize, protocol: u8) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, protocol, 0, 0];
    packet.extend_from_slice(&[10, 1, 0, 2, 192, 0, 2, 80]);
    packet[2..4].copy_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
    let sum: u32 = packet
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let checksum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend_from_slice(&[0x9c, 0x40, 1, 0xbb]);
    match protocol {
        6 => packet.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0x20, 0, 0, 0, 0, 0]),
        _ => {
            let udp = u16::try_from(length - 20).unwrap();
            packet.extend_from_slice(&udp.to_be_bytes());
            packet.extend_from_slice(&[0, 0]);
        }
    }
    packet.resize(length, 7);
    packet
}

fn copying(c: &mut Criterion) {
    let mut group = c.benchmark_group("reference/copy");
    for length in [64, 1_400, 57_960] {
        let (from, mut to) = (vec![7u8; length], vec![0u8; length]);
        group.throughput(Throughput::Bytes(length as u64));
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            b.iter(|| {
                to.copy_from_slice(black_box(&from));
                black_box(&mut to);
            });
        });
    }
    group.finish();
}

/// Headers on and off again, to be set against `reference/copy` of the same length.
fn outer_headers(c: &mut Criterion) {
    let mut group = c.benchmark_group("outer");
    for (name, encapsulation) in ALL {
        let ends = match encapsulation.is_ipv4_transport() {
            true => ["198.51.100.1:5437", "203.0.113.1:5437"],
            false => ["[2001:db8::1]:0", "[2001:db8::2]:0"],
        };
        let [from, to] = ends.map(|end| end.parse().unwrap());
        let mut tunnel = Tunnel::new(encapsulation, from, to).with_key(7);
        // The kernel computes it, or nobody.
        tunnel.options.udp_checksum = false;
        for length in LENGTHS {
            let mut data = vec![0; 64];
            data.extend_from_slice(&packet(length, 17));
            let id = format!("{name}/{length}");
            group.bench_function(BenchmarkId::new("encapsulate", &id), |b| {
                b.iter(|| {
                    let mut buffer = PacketBuf::new(black_box(&mut data), 64).unwrap();
                    encapsulate(&mut buffer, &tunnel).unwrap();
                });
            });
            let mut buffer = PacketBuf::new(&mut data, 64).unwrap();
            encapsulate(&mut buffer, &tunnel).unwrap();
            let whole = buffer.packet().to_vec();
            group.bench_function(BenchmarkId::new("decapsulate", &id), |b| {
                b.iter(|| decapsulate(black_box(&whole)).unwrap());
            });
        }
    }
    group.finish();
}

/// The packet path of a worker, encapsulation by encapsulation.
fn encapsulations(c: &mut Criterion) {
    let mut group = c.benchmark_group("forwarder");
    let now = Instant::from_secs(1);
    let data = packet(1_400, 17);
    for (name, encapsulation) in ALL {
        let mag = table_of(Role::Mag, 1, encapsulation);
        let lma = table_of(Role::Lma, 1, encapsulation);
        let mut forwarder = Forwarder::new(ForwarderConfig::default());
        let mut arena = SegmentArena::new();
        group.bench_function(BenchmarkId::new("outbound", name), |b| {
            b.iter(|| {
                arena.clear();
                forwarder.outbound(now, &mag, black_box(&data), PacketOffload::NONE, &mut arena)
            });
        });
        let mut area = Vec::new();
        arena.copy_to(&arena.segments()[0], &data, &mut area);
        let carrier = Carrier::of(encapsulation).unwrap();
        let arrival = Arrival::new(PathId(1), carrier, Ecn::NotEct);
        group.bench_function(BenchmarkId::new("inbound", name), |b| {
            b.iter(|| {
                let verdict = forwarder.inbound(&lma, arrival, black_box(&mut area));
                assert!(matches!(verdict, Inbound::Deliver(_)));
            });
        });
    }
    group.finish();
}

fn forwarder(c: &mut Criterion) {
    let mut group = c.benchmark_group("forwarder");
    let now = Instant::from_secs(1);
    for (sessions, length) in [(1, 1_400), (128_000, 1_400), (1, 64)] {
        let (mag, lma) = (table(Role::Mag, sessions), table(Role::Lma, sessions));
        let mut data = packet(length, 17);
        let mut forwarder = Forwarder::new(ForwarderConfig::default());
        let mut arena = SegmentArena::new();
        let id = format!("{length}/{sessions}-sessions");
        group.bench_function(BenchmarkId::new("outbound", &id), |b| {
            b.iter(|| {
                arena.clear();
                forwarder.outbound(now, &mag, black_box(&data), PacketOffload::NONE, &mut arena)
            });
        });
        group.bench_function(BenchmarkId::new("inbound", &id), |b| {
            let arrival = Arrival::udp(PathId(1), Ecn::NotEct);
            b.iter(|| forwarder.inbound(&lma, arrival, black_box(&mut data)));
        });
    }
    group.finish();
}

/// A TCP super-packet of 42 segments out and in again, without the copy between.
fn super_packets(c: &mut Criterion) {
    let mut group = c.benchmark_group("super-packet");
    let now = Instant::from_secs(1);
    let (mag, lma) = (table(Role::Mag, 1), table(Role::Lma, 1));
    let data = packet(40 + 42 * 1_380, 6);
    group.throughput(Throughput::Bytes(data.len() as u64));
    let offload = PacketOffload::new(
        Some(PartialChecksum {
            start: 20,
            offset: 16,
        }),
        Some(Segmentation {
            kind: SegmentationKind::TcpIpv4,
            size: 1_380,
            header_length: 40,
        }),
    );
    let mut forwarder = Forwarder::new(ForwarderConfig::default());
    let mut arena = SegmentArena::new();
    group.bench_function("outbound and cut", |b| {
        b.iter(|| {
            arena.clear();
            forwarder.outbound(now, &mag, black_box(&data), offload, &mut arena)
        });
    });
    let mut area = Vec::new();
    for segment in arena.segments() {
        arena.copy_to(segment, &data, &mut area);
    }
    let mut coalescer = Coalescer::new();
    group.bench_function("inbound and join", |b| {
        b.iter(|| {
            coalescer.clear();
            for start in (0..area.len()).step_by(1_420) {
                let datagram = &mut area[start..start + 1_420];
                let arrival = Arrival::udp(PathId(1), Ecn::NotEct);
                let verdict = forwarder.inbound(&lma, arrival, datagram);
                let Inbound::Deliver(delivery) = verdict else {
                    panic!("not delivered: {verdict:?}");
                };
                coalescer.push(&area, start, &delivery.packet);
            }
            coalescer.finish(&area);
            assert_eq!(coalescer.outputs().len(), 1);
        });
    });
    group.finish();
}

/// What publishing costs: a clone, and the first edit after it.
fn publishing(c: &mut Criterion) {
    let mut group = c.benchmark_group("publish");
    for sessions in [1_000, 128_000] {
        let mut table = table(Role::Lma, sessions);
        let paths = vec![PathId(1), PathId(2)];
        let mut key = 0u32;
        group.bench_function(BenchmarkId::new("one session", sessions), |b| {
            b.iter(|| {
                key = key.wrapping_add(1) % sessions;
                let prefix = IpPrefix::host(IpAddr::from((0x0b00_0000u32 + key).to_be_bytes()));
                let session = TunnelSession::new(SessionKey(key), vec![prefix], paths.clone());
                table.set_session(session);
                table.clone()
            });
        });
    }
    group.finish();
}

criterion_group!(
    benches,
    copying,
    outer_headers,
    encapsulations,
    forwarder,
    super_packets,
    publishing
);
criterion_main!(benches);
