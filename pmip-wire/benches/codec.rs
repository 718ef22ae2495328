//! How fast messages are read and written, in nanoseconds and beside copying the same octets in the
//! same run; and how long etherparse takes to slice an Ethernet, IPv6 and UDP packet around them.

use std::hint::black_box;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use bytes::Bytes;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use pmip_wire::checksum::Checksum;
use pmip_wire::{
    AccessTechnologyType, BindingAckFlags, BindingAcknowledgement, BindingRevocationFlags,
    BindingRevocationIndication, BindingUpdate, BindingUpdateFlags, ChecksumContext,
    HandoffIndicator, Heartbeat, HomeNetworkPrefix, Ipv4HomeAddressReply, Ipv4HomeAddressRequest,
    Ipv4HomeAddressStatus, Lifetime, LinkLayerIdentifier, MagIdentifier, MagMultipathBinding,
    Message, MobileNodeIdentifier, MobilityHeader, MobilityOption, MobilityOptions, OptionType,
    OptionsFull, RevocationTrigger, SequenceNumber, Status, Timestamp,
};

const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
const DESTINATION: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 2);
const IPV6: ChecksumContext = ChecksumContext::Ipv6 {
    source: SOURCE,
    destination: DESTINATION,
};

fn options(list: impl IntoIterator<Item = MobilityOption>) -> MobilityOptions {
    let fold = |options: MobilityOptions, option| options.with(option);
    let options: Result<_, OptionsFull> = list.into_iter().try_fold(MobilityOptions::new(), fold);
    options.expect("the options fit")
}

fn identity() -> [MobilityOption; 6] {
    let prefix = HomeNetworkPrefix::new(Ipv6Addr::new(0x2001, 0xdb8, 7, 0, 0, 0, 0, 0), 64);
    let identifier = MobileNodeIdentifier::nai("lmn-0001@branch.example.net");
    let now = Timestamp::from_unix(Duration::from_millis(1_700_000_000_123));
    [
        identifier.expect("short").into(),
        prefix.expect("64 bits").into(),
        HandoffIndicator::HandoffStateNotChanged.into(),
        AccessTechnologyType::Virtual.into(),
        LinkLayerIdentifier::mac([2, 0, 0, 0, 0, 1]).into(),
        now.into(),
    ]
}

fn path() -> MobilityOption {
    MobilityOption::from(MagMultipathBinding {
        access_technology: AccessTechnologyType::Ethernet,
        label: 1,
        binding_id: 1,
        bulk: false,
        overwrite: false,
    })
}

/// A multipath refresh: nine options, about 150 octets.
fn update() -> Message {
    let address = Ipv4HomeAddressRequest::new(Ipv4Addr::new(10, 9, 8, 7), 24).expect("24 bits");
    let gateway = MagIdentifier::nai("mag-1@example.net").expect("short");
    let rest = [address.into(), path(), gateway.into()];
    Message::from(BindingUpdate {
        sequence: SequenceNumber(7),
        flags: BindingUpdateFlags::ACKNOWLEDGE | BindingUpdateFlags::PROXY,
        lifetime: Lifetime::from_secs(3600),
        options: options(identity().into_iter().chain(rest)),
    })
}

/// The answer to it.
fn acknowledgement() -> Message {
    let status = Ipv4HomeAddressStatus::Success;
    let address = Ipv4HomeAddressReply::new(status, Ipv4Addr::new(10, 9, 8, 7), 24);
    let router = MobilityOption::Ipv4DefaultRouterAddress(Ipv4Addr::new(10, 9, 8, 1));
    let rest = [address.expect("24 bits").into(), router, path()];
    Message::from(BindingAcknowledgement {
        status: Status::Accepted,
        flags: BindingAckFlags::PROXY,
        sequence: SequenceNumber(7),
        lifetime: Lifetime::from_secs(3600),
        options: options(identity().into_iter().chain(rest)),
    })
}

/// The anchor revokes one path of a mobile node.
fn revocation() -> Message {
    let [identifier, prefix, ..] = identity();
    Message::from(BindingRevocationIndication {
        trigger: RevocationTrigger::AdministrativeReason,
        sequence: SequenceNumber(7),
        flags: BindingRevocationFlags::PROXY,
        options: options([identifier, prefix, path()]),
    })
}

fn codec(c: &mut Criterion) {
    message(c, "update", &update());
    message(c, "acknowledgement", &acknowledgement());
    message(c, "heartbeat", &Heartbeat::request(7).into());
    message(c, "revocation", &revocation());
}

/// One message both ways, and the copy that all figures are read against.
fn message(c: &mut Criterion, name: &str, message: &Message) {
    let wire = message.to_bytes(IPV6);
    let mut group = c.benchmark_group(format!("{name} of {} octets", wire.len()));
    group.throughput(Throughput::Bytes(wire.len() as u64));
    let mut copy = vec![0u8; wire.len()];
    group.bench_function("reference: copy the octets", |b| {
        b.iter(|| black_box(&mut copy[..]).copy_from_slice(black_box(&wire)));
    });
    reading(&mut group, &wire);
    writing(&mut group, message);
    group.finish();
}

fn reading(group: &mut BenchmarkGroup<'_, WallTime>, wire: &Bytes) {
    group.bench_function("borrowed, every option typed, checksum verified", |b| {
        b.iter(|| {
            let header = MobilityHeader::parse(black_box(wire), IPV6).expect("well-formed");
            let options = header.options().expect("a typed message");
            options.visit(|option| {
                black_box(&option);
            })
        });
    });
    group.bench_function("skim: find one option, checksum verified", |b| {
        b.iter(|| {
            let header = MobilityHeader::parse(black_box(wire), IPV6).expect("well-formed");
            let mut options = header.options().expect("a typed message");
            options.find(|raw| {
                raw.is_ok_and(|raw| raw.option_type() == OptionType::MagMultipathBinding)
            })
        });
    });
    group.bench_function("owned, checksum verified", |b| {
        b.iter(|| Message::decode(black_box(wire), IPV6).expect("well-formed"));
    });
}

fn writing(group: &mut BenchmarkGroup<'_, WallTime>, message: &Message) {
    let mut out = Vec::with_capacity(2048);
    group.bench_function("encode with checksum, appended to a reused buffer", |b| {
        b.iter(|| {
            out.clear();
            black_box(message).encode(IPV6, &mut out);
            black_box(&out);
        });
    });
    let mut buffer = [0; 2048];
    group.bench_function("encode with checksum into a reused buffer", |b| {
        b.iter(|| black_box(message).encode_to_slice(IPV6, black_box(&mut buffer)));
    });
}

/// What a widely used parser takes for the headers alone.
fn etherparse(c: &mut Criterion) {
    let wire = update().to_bytes(IPV6);
    let mut packet = Vec::new();
    etherparse::PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
        .ipv6(SOURCE.octets(), DESTINATION.octets(), 64)
        .udp(5436, 5436)
        .write(&mut packet, &wire)
        .expect("into memory");
    let mut group = c.benchmark_group(format!("packet of {} octets", packet.len()));
    group.bench_function("etherparse slices Ethernet, IPv6 and UDP", |b| {
        b.iter(|| etherparse::SlicedPacket::from_ethernet(black_box(&packet)).is_ok());
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

criterion_group!(benches, codec, etherparse, checksum);
criterion_main!(benches);
