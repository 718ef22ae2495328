//! How fast a realistic registration is read and written, as nanoseconds and beside copying the
//! same octets in the same run.

use std::hint::black_box;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pmip_wire::checksum::Checksum;
use pmip_wire::{
    AccessTechnologyType, BindingUpdate, BindingUpdateFlags, ChecksumContext, HandoffIndicator,
    Heartbeat, HomeNetworkPrefix, Ipv4HomeAddressRequest, Lifetime, LinkLayerIdentifier,
    MagIdentifier, MagMultipathBinding, Message, MobileNodeIdentifier, MobilityHeader,
    MobilityOptions, RawOption, SequenceNumber, Timestamp,
};

const IPV6: ChecksumContext = ChecksumContext::Ipv6 {
    source: Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1),
    destination: Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 2),
};

/// A multipath refresh: nine options, about 150 octets.
fn registration() -> Message {
    let build = || -> Result<MobilityOptions, Box<dyn std::error::Error>> {
        Ok(MobilityOptions::new()
            .with(MobileNodeIdentifier::nai("lmn-0001@branch.example.net")?)?
            .with(HomeNetworkPrefix::new("2001:db8:7::".parse()?, 64)?)?
            .with(HandoffIndicator::HandoffStateNotChanged)?
            .with(AccessTechnologyType::Virtual)?
            .with(LinkLayerIdentifier::mac([2, 0, 0, 0, 0, 1]))?
            .with(Timestamp::from_unix(Duration::from_millis(
                1_700_000_000_123,
            )))?
            .with(Ipv4HomeAddressRequest::new(Ipv4Addr::new(10, 9, 8, 7), 24)?)?
            .with(MagMultipathBinding {
                access_technology: AccessTechnologyType::Ethernet,
                label: 1,
                binding_id: 1,
                bulk: false,
                overwrite: false,
            })?
            .with(MagIdentifier::nai("mag-1@example.net")?)?)
    };
    let flags = BindingUpdateFlags::ACKNOWLEDGE | BindingUpdateFlags::PROXY;
    Message::BindingUpdate(BindingUpdate {
        sequence: SequenceNumber(7),
        flags,
        lifetime: Lifetime::from_secs(3600),
        options: build().expect("the options fit"),
    })
}

fn codec(c: &mut Criterion) {
    let message = registration();
    let wire = message.to_bytes(IPV6);
    let mut group = c.benchmark_group(format!("registration of {} octets", wire.len()));
    group.throughput(Throughput::Bytes(wire.len() as u64));
    let mut copy = vec![0u8; wire.len()];
    group.bench_function("reference: copy the octets", |b| {
        b.iter(|| black_box(&mut copy[..]).copy_from_slice(black_box(&wire)));
    });
    group.bench_function("borrowed, every option typed, checksum verified", |b| {
        b.iter(|| {
            let header = MobilityHeader::parse(black_box(&wire), IPV6).expect("well-formed");
            for raw in header.options().expect("a typed message") {
                black_box(&raw.and_then(RawOption::decode))
                    .as_ref()
                    .expect("well-formed");
            }
        });
    });
    group.bench_function("owned, checksum verified", |b| {
        b.iter(|| Message::decode(black_box(&wire), IPV6).expect("well-formed"));
    });
    let mut out = Vec::with_capacity(2048);
    group.bench_function("encode with checksum into a reused buffer", |b| {
        b.iter(|| {
            out.clear();
            black_box(&message).encode(IPV6, &mut out);
            black_box(&out);
        });
    });
    group.finish();
}

fn heartbeat(c: &mut Criterion) {
    let message = Message::Heartbeat(Heartbeat::request(7));
    let wire = message.to_bytes(ChecksumContext::Udp);
    let mut group = c.benchmark_group("heartbeat");
    group.bench_function("owned", |b| {
        b.iter(|| Message::decode(black_box(&wire), ChecksumContext::Udp).expect("well-formed"));
    });
    let mut out = Vec::with_capacity(2048);
    group.bench_function("encode into a reused buffer", |b| {
        b.iter(|| {
            out.clear();
            black_box(&message).encode(ChecksumContext::Udp, &mut out);
            black_box(&out);
        });
    });
    group.finish();
}

fn checksum(c: &mut Criterion) {
    let packet = Bytes::from(vec![0xa5u8; 1448]);
    let mut copy = vec![0u8; packet.len()];
    let mut group = c.benchmark_group("checksum of 1448 octets");
    group.throughput(Throughput::Bytes(packet.len() as u64));
    group.bench_function("reference: copy the octets", |b| {
        b.iter(|| black_box(&mut copy[..]).copy_from_slice(black_box(&packet)));
    });
    group.bench_function("sum", |b| {
        b.iter(|| {
            let mut checksum = Checksum::new();
            checksum.add(black_box(&packet));
            checksum.finish()
        });
    });
    group.finish();
}

criterion_group!(benches, codec, heartbeat, checksum);
criterion_main!(benches);
