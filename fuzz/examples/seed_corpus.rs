//! Writes the seeds of the corpora anew: `cargo run -p pmip-fuzz --example seed_corpus`.

use std::error::Error;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;
use std::path::Path;
use std::time::Duration;

use pmip_wire::carrier::{GreHeader, HomeAddress, Ipv4Header, Ipv6Header, UdpHeader};
use pmip_wire::checksum::Checksum;
use pmip_wire::sla::{
    Authentication, AuthenticationMode, ControlHeader, ControlMessage, Csld, CsldCommand,
    MeasurementAddresses, MeasurementHeader, SlaAddresses, SlaRole, SlaStatus, UdpMeasurement,
    UnknownCsld, Version1Control,
};
use pmip_wire::stamp::{ReflectorPacket, SenderPacket, StampKey, StampMode};
use pmip_wire::traffic_selector::{
    Dscp, FlowLabel, Ipv4TrafficSelector, Ipv6TrafficSelector, TrafficSelector, ValueRange,
};
use pmip_wire::{
    AccessNetworkIdentifier, AccessTechnologyType, AllocationRetentionPriority, AniSubOption,
    BindingAckFlags, BindingAcknowledgement, BindingError, BindingReference, BindingUpdate,
    BindingUpdateFlags, ChecksumContext, DelegatedMobileNetworkPrefix, FlowBindingAction,
    FlowIdentification, FlowSubOption, GeoLocation, HandoffIndicator, Heartbeat, HeartbeatControl,
    HomeNetworkPrefix, Ipv4DhcpSupportMode, Ipv4HomeAddressReply, Ipv4HomeAddressRequest,
    Ipv4HomeAddressStatus, Ipv4TrafficOffloadSelector, LcmpSubOption, Lifetime,
    LinkLayerIdentifier, LmaControlledMagParameters, MagIdentifier, MagMultipathBinding, Message,
    MhType, MobileNodeIdentifier, MobilityHeader, MobilityOption, MobilityOptions,
    MulticastMobility, MulticastPayload, NatDetection, NetworkIdentifier, OperatorIdentifier,
    OptionType, Preemption, QosAttribute, QosOperation, QualityOfService, RawOptions,
    SequenceNumber, Status, Timestamp, UnknownMessage, UnknownOption, VendorSpecific,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    scenarios()?;
    for (name, message) in messages()? {
        let wire = message.to_bytes(ChecksumContext::Udp);
        seed("message_decode", name, &wire)?;
        let header = MobilityHeader::parse(&wire, ChecksumContext::Udp)?;
        let options = wire.get(12..).unwrap_or_default();
        if header
            .options()
            .is_some_and(|mut options| options.next().is_some())
        {
            seed("options_iter", name, options)?;
        }
    }
    for (name, octets) in empty_messages() {
        seed("message_decode", &name, &octets)?;
    }
    for (name, octets) in shortest_options() {
        seed("options_iter", &name, &octets)?;
    }
    for (name, input) in selectors()? {
        seed("traffic_selector", name, &input)?;
    }
    for (name, packet) in packets() {
        // Both roles, outer ECN field clear.
        seed(
            "decap",
            &format!("{name}-lma"),
            &[&[0, 0], &packet[..]].concat(),
        )?;
        seed(
            "decap",
            &format!("{name}-mag"),
            &[&[1, 0], &packet[..]].concat(),
        )?;
    }
    tunnels()?;
    carriers()?;
    measurements()?;
    access_lists()?;
    // The least options with the most padding, more than fit once they are aligned.
    let mut crowded = vec![59, 100, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    crowded.extend([69, 0].iter().cycle().take(796));
    seed("message_decode", "crowded", &crowded)?;
    // 32 octets of addresses, then whatever message these octets draw.
    for (name, stride) in [
        ("draw-1", 1u8),
        ("draw-7", 7),
        ("draw-31", 31),
        ("draw-97", 97),
    ] {
        let octets: Vec<u8> = (0..=255u8).map(|n| n.wrapping_mul(stride)).collect();
        seed("message_encode", name, &octets.repeat(2))?;
        seed("lma_datagrams", name, &octets.repeat(4))?;
        seed("mag_datagrams", name, &octets.repeat(4))?;
    }
    Ok(())
}

/// Lists of few and of many rules, each of one stride through all octets.
fn access_lists() -> Outcome<()> {
    for (name, sizes, stride) in [
        ("short", [0, 5, 40], 7u8),
        ("two-lists", [1, 12, 40], 29),
        ("tables", [0, 90, 60], 53),
        ("four-lists", [3, 70, 60], 101),
    ] {
        let octets = (0..=255u8).cycle().take(3_000);
        let mut state = stride;
        let filling = octets.map(|n| {
            state = state.wrapping_mul(5).wrapping_add(n ^ stride);
            state
        });
        let input: Vec<u8> = sizes.into_iter().chain(filling).collect();
        seed("classify", name, &input)?;
    }
    Ok(())
}

/// Every encapsulation, bare and with all that it can have, and super-packets to cut.
fn tunnels() -> Outcome<()> {
    for (name, packet) in packets() {
        for kind in 0..6u8 {
            for flags in [0, 0x1f] {
                // Which encapsulation, what it has, key, limit, MTU in units of 8.
                let choice = [kind, flags, 7, 4, 12, 0, 0, 0];
                let name = format!("{name}-{kind}-{flags}");
                seed("encap_decap", &name, &[&choice, &packet[..]].concat())?;
            }
        }
    }
    for (name, kind, protocol, offset) in [("tcp", 1u8, 6u8, 16u16), ("udp", 5, 17, 6)] {
        let mut upper = vec![0x9c, 0x40, 1, 0xbb];
        match protocol {
            6 => upper.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 1, 0, 0, 0, 0, 0]),
            _ => upper.extend_from_slice(&[0, 108, 0, 0]),
        }
        upper.extend((0..100u8).map(|n| n.wrapping_mul(7)));
        let packet = ipv4(protocol, [10, 1, 0, 2], [192, 0, 2, 80], &upper);
        for size in [1u16, 30, 33, 50] {
            let mut input = vec![1, kind, 0, 0];
            for field in [size, 20, offset] {
                input.extend_from_slice(&field.to_ne_bytes());
            }
            input.extend_from_slice(&packet);
            seed("segment_coalesce", &format!("{name}-{size}"), &input)?;
        }
    }
    Ok(())
}

/// Every header that the IPv6 walk knows, and every framing of IPv4.
fn carriers() -> Outcome<()> {
    let (here, there) = ("2001:db8:a::1".parse()?, "2001:db8:b::1".parse()?);
    let home = HomeAddress::new("2001:db8:c::1".parse()?);
    let message = Message::from(Heartbeat::request(7));
    for (name, source, destination) in [
        ("plain", None, None),
        ("home-address-option", home, None),
        ("type-2-routing", None, home),
        ("both", home, home),
    ] {
        let mut header = Ipv6Header::new(here, there);
        header.source_home_address = source;
        header.destination_home_address = destination;
        let mut wire = Vec::new();
        header.encode_message(&message, &mut wire);
        seed("ipv6_walk", name, &wire)?;
    }
    let plain = Ipv6Header::new(here, there);
    let chain = [
        43, 0, 5, 2, 0, 0, 1, 0, // hop-by-hop
        44, 0, 4, 0, 0, 0, 0, 0, // routing
        51, 0, 0, 0, 0, 0, 0, 1, // an atomic fragment
        60, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9, // AH
        59, 0, 1, 4, 0, 0, 0, 0, // destination options
    ];
    for (name, first, octets) in [
        ("chain", 0, &chain[..]),
        (
            "first-fragment",
            44,
            &[135, 0, 0, 1, 0, 0, 0, 1, 59, 1, 13, 0, 0, 0, 0, 0],
        ),
        ("later-fragment", 44, &[60, 0, 0, 8, 0, 0, 0, 1, 1, 2, 3]),
    ] {
        let mut wire = Vec::new();
        let fits = plain.encode(first, octets.len(), &mut wire);
        fits.ok_or("too long")?;
        wire.extend_from_slice(octets);
        seed("ipv6_walk", name, &wire)?;
    }
    seed(
        "ipv6_walk",
        "options",
        &[&[60u8][..], &[60, 0, 1, 4, 0, 0, 0, 0].repeat(20)].concat(),
    )?;

    let ports = UdpHeader {
        source_port: 50_000,
        destination_port: 5436,
    };
    let outer = Ipv4Header::new([192, 0, 2, 1].into(), [198, 51, 100, 7].into(), 17);
    let mut wire = vec![0];
    outer.encode_message(ports, &message, &mut wire);
    seed("udp_framing", "control", &wire)?;
    seed(
        "udp_framing",
        "udp",
        &[&[1], wire.get(21..).unwrap_or_default()].concat(),
    )?;
    let tlv = [1, 0x15, 0x3d, 0x15, 0x3d, 0, 14, 0, 0, 0, 41, 0, 2, 0x60, 0];
    seed("udp_framing", "tlv", &tlv)?;
    seed(
        "udp_framing",
        "frame",
        &[2, 0, 47, 0, 8, 0x20, 0, 8, 0, 0, 0, 0, 7],
    )?;
    let mut gre = vec![3];
    let header = GreHeader {
        protocol_type: 0x0800,
        checksum: true,
        key: Some(7),
        sequence: Some(1),
    };
    header.encode(&[0x45, 0, 0], &mut gre);
    gre.extend_from_slice(&[0x45, 0, 0]);
    seed("udp_framing", "gre", &gre)
}

/// Control messages in every mode, measurement packets, and test packets with every TLV.
fn measurements() -> Outcome<()> {
    let address = Ipv4Addr::new(192, 0, 2, 1);
    let measurement = UdpMeasurement {
        status: SlaStatus::Success,
        role: SlaRole::Responder,
        session_id: 1,
        addresses: MeasurementAddresses::Ipv4(SlaAddresses {
            control_source: address,
            control_destination: address,
            measurement_source: address,
            measurement_destination: address,
        }),
        control_source_port: 0,
        measurement_source_port: 50_000,
        measurement_destination_port: 50_001,
        duration_ms: 60_000,
    };
    let unknown = UnknownCsld::new(CsldCommand::Unknown(53), SlaStatus::Fail, vec![7; 5].into());
    let unknown = unknown.ok_or("a typed command")?;
    for (name, authentication) in [
        ("control-none", Authentication::NONE),
        ("control-zeros", Authentication::NONE_IN_FULL),
        (
            "control-sha",
            Authentication::new(AuthenticationMode::Sha256, 1, [7; 16]),
        ),
        (
            "control-hmac",
            Authentication::new(AuthenticationMode::HmacSha256, 1, [7; 16]),
        ),
    ] {
        let mut message = ControlMessage::new(ControlHeader::request(1), authentication);
        message.push(Csld::UdpMeasurement(measurement))?;
        message.push(Csld::Unknown(unknown.clone()))?;
        message.sign(b"secret").expect("not empty");
        let mut wire = Vec::new();
        message.encode(&mut wire);
        seed("sla_packets", name, &wire)?;
    }
    seed("sla_packets", "control-1", &[1, 0, 0, 0, 0, 52])?;
    let mut wire = Vec::new();
    MeasurementHeader::default().encode(&[0; 64], &mut wire);
    seed("sla_packets", "measurement", &wire)?;

    let tlvs = [
        &[0x80, 1, 0, 2, 0, 0][..],
        &[
            0x80, 2, 0, 16, 0, 0, 0, 0, 0x80, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
        &[0x80, 3, 0, 4, 0, 0, 0, 0, 0x80, 4, 0, 4, 0xb8, 0, 0, 0],
        &[0x80, 5, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0x80, 6, 0, 4, 0x10, 1, 0, 0, 0x80, 7, 0, 16],
        &[0; 16],
        &[0x80, 8, 0, 16],
        &[9; 16],
    ]
    .concat();
    seed("sla_packets", "tlvs", &tlvs)?;
    let key = StampKey::new(b"key").expect("not empty");
    for (name, mode) in [
        ("plain", StampMode::Unauthenticated),
        ("authenticated", StampMode::Authenticated(&key)),
    ] {
        let mut wire = Vec::new();
        SenderPacket::default().encode(mode, &mut wire);
        wire.extend_from_slice(&tlvs);
        seed("sla_packets", &format!("stamp-sender-{name}"), &wire)?;
        let mut wire = Vec::new();
        ReflectorPacket::default().encode(mode, &mut wire);
        seed("sla_packets", &format!("stamp-reflector-{name}"), &wire)?;
    }
    sla_steps()
}

/// A control request and its measurement for the responder, a test packet for the reflector, and
/// the same as what it is not.
fn sla_steps() -> Outcome<()> {
    let step = |kind: u8, octets: &[u8]| -> Vec<u8> {
        let length = u8::try_from(octets.len()).unwrap_or(u8::MAX);
        [&[kind, 1, length, 0][..], octets].concat()
    };
    let address = "192.0.2.1".parse()?;
    let request = Version1Control {
        sequence: 1,
        address,
        port: 50_505,
        duration_ms: 7_000,
    };
    let mut control = Vec::new();
    request.encode_request(&mut control);
    let mut measurement = Vec::new();
    MeasurementHeader::default().encode(&[0; 64], &mut measurement);
    let mut test = Vec::new();
    SenderPacket::default().encode(StampMode::Unauthenticated, &mut test);
    let mut answer = Vec::new();
    ReflectorPacket::default().encode(StampMode::Unauthenticated, &mut answer);
    let short = [[0, 2].as_slice(), &[0; 30]].concat();
    for (name, steps) in [
        (
            "version-1",
            [step(2, &control), step(0xc2, &short), step(0xc2, &short)].concat(),
        ),
        (
            "strangers",
            [step(3, &measurement), step(0, &measurement)].concat(),
        ),
        (
            "stamp",
            [step(4, &test), step(0x81, &answer), step(4, &test)].concat(),
        ),
        (
            "idle",
            [step(6, &[]), step(5, &test), step(7, &[])].concat(),
        ),
    ] {
        seed("sla_engines", name, &steps)?;
    }
    Ok(())
}

/// Domains of every kind, and what happens to them: the kinds of transitions are numbered from 0.
fn scenarios() -> Outcome<()> {
    let day = |kinds: &[u8]| -> Vec<u8> {
        let steps = kinds.iter().zip(1u8..);
        steps
            .flat_map(|(kind, number)| [*kind, number, number / 2, number.wrapping_mul(37)])
            .collect()
    };
    let good = [1, 10, 2, 0, 0, 0, 6, 0, 1, 1, 2, 0, 0, 0, 0, 0];
    let lossy = [2, 30, 9, 25, 9, 9, 4, 1, 1, 2, 5, 0, 0, 0, 0, 0];
    let scarce = [3, 5, 1, 0, 0, 0, 3, 6, 2, 0, 1, 4, 0, 0, 0, 0];
    let translated = [5, 5, 1, 0, 0, 0, 3, 0, 1, 0x51, 0x29, 0, 0, 0, 0, 0];
    let moves = day(&[26, 0, 35, 1, 36, 2, 33, 3, 27, 4, 37, 5]);
    let paths = day(&[0, 14, 1, 10, 17, 2, 18, 9, 20, 21, 8, 22]);
    let restarts = day(&[26, 0, 42, 1, 43, 2, 44, 3, 45, 4, 47, 5]);
    let hostile = day(&[26, 0, 48, 51, 52, 53, 54, 55, 56, 57, 1, 49]);
    let clocks = day(&[59, 26, 0, 60, 1, 62, 2, 63, 58, 3, 61, 4]);
    for (name, head, steps) in [
        ("moves", good, &moves),
        ("paths", lossy, &paths),
        ("restarts", good, &restarts),
        ("hostile", good, &hostile),
        ("clocks", lossy, &clocks),
        ("scarce", scarce, &moves),
        ("translated", translated, &day(&[0, 24, 1, 25, 2, 17, 3])),
    ] {
        seed("scenario", name, &[&head[..], steps].concat())?;
    }
    Ok(())
}

fn seed(target: &str, name: &str, input: &[u8]) -> Outcome<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), input)?;
    Ok(())
}

/// A message of every type, all zero behind its header but for what tells its bodies apart.
fn empty_messages() -> Vec<(String, Vec<u8>)> {
    let of_type = |mh_type: u8| {
        let bodies = if matches!(mh_type, 16 | 21) {
            0..=3
        } else {
            0..=0
        };
        bodies.map(move |body| {
            let mut octets = vec![59, 3, mh_type, 0, 0, 0];
            octets.resize(32, 0);
            octets[if mh_type == 16 { 6 } else { 7 }] = body;
            (format!("type-{mh_type}-{body}"), octets)
        })
    };
    (0..=24).flat_map(of_type).collect()
}

/// Every option with the least data that fits its type.
fn shortest_options() -> Vec<(String, Vec<u8>)> {
    let shortest = |option_type: u8| {
        (0..=40u8).find_map(|length| {
            let mut octets = vec![option_type, length];
            octets.resize(2 + usize::from(length), 1);
            let mut typed = RawOptions::new(&octets, 12).typed();
            matches!(typed.next(), Some(Ok(_))).then(|| (format!("option-{option_type}"), octets))
        })
    };
    (2..=70).filter_map(shortest).collect()
}

fn messages() -> Outcome<Vec<(&'static str, Message)>> {
    let mut heartbeat = Heartbeat::response(7);
    heartbeat.options.push(MobilityOption::RestartCounter(3))?;
    let unknown = UnknownMessage::new(MhType::Unknown(99), vec![1; 18].into())?;
    Ok(vec![
        ("registration", registration()?.into()),
        ("acknowledgement", acknowledgement()?.into()),
        ("heartbeat-request", Heartbeat::request(7).into()),
        ("heartbeat-response", heartbeat.into()),
        ("binding-error", BindingError::unrecognized_mh_type().into()),
        ("unknown", unknown.into()),
        ("unknown-options", unknown_options()?.into()),
        ("sub-options", sub_options()?.into()),
    ])
}

fn registration() -> Outcome<BindingUpdate> {
    let options = MobilityOptions::new()
        .with(MobileNodeIdentifier::nai("node@example.net")?)?
        .with(HomeNetworkPrefix::ALL_ZERO)?
        .with(HandoffIndicator::AttachmentOverNewInterface)?
        .with(AccessTechnologyType::Virtual)?
        .with(LinkLayerIdentifier::mac([2, 0, 0, 0, 0, 1]))?
        .with(Timestamp::from_unix(Duration::from_secs(1_700_000_000)))?
        .with(Ipv4HomeAddressRequest::ALL_ZERO)?
        .with(MobilityOption::Ipv4CareOfAddress(Ipv4Addr::new(
            192, 0, 2, 1,
        )))?
        .with(DelegatedMobileNetworkPrefix::ALL_ZERO_IPV4)?
        .with(DelegatedMobileNetworkPrefix::ALL_ZERO_IPV6)?
        .with(MagMultipathBinding {
            access_technology: AccessTechnologyType::Ethernet,
            label: 1,
            binding_id: 1,
            bulk: false,
            overwrite: true,
        })?
        .with(MagIdentifier::nai("mag@example.net")?)?;
    Ok(BindingUpdate {
        sequence: SequenceNumber(1),
        flags: BindingUpdateFlags::ACKNOWLEDGE
            | BindingUpdateFlags::HOME_REGISTRATION
            | BindingUpdateFlags::PROXY,
        lifetime: Lifetime::from_secs(3600),
        options,
    })
}

fn acknowledgement() -> Outcome<BindingAcknowledgement> {
    let address = Ipv4Addr::new(10, 0, 0, 2);
    let options = MobilityOptions::new()
        .with(MobileNodeIdentifier::nai("node@example.net")?)?
        .with(HomeNetworkPrefix::new("2001:db8:7::".parse()?, 64)?)?
        .with(MobilityOption::LinkLocalAddress("fe80::1".parse()?))?
        .with(Ipv4HomeAddressReply::new(
            Ipv4HomeAddressStatus::Success,
            address,
            24,
        )?)?
        .with(MobilityOption::Ipv4DefaultRouterAddress(Ipv4Addr::new(
            10, 0, 0, 1,
        )))?
        .with(Ipv4DhcpSupportMode { server: true })?
        .with(NatDetection {
            force_udp: true,
            refresh_time: 110,
        })?
        .with(DelegatedMobileNetworkPrefix::new([10, 1, 0, 0].into(), 24)?)?;
    Ok(BindingAcknowledgement {
        status: Status::Accepted,
        flags: BindingAckFlags::PROXY,
        sequence: SequenceNumber(1),
        lifetime: Lifetime::from_secs(3600),
        options,
    })
}

fn unknown_options() -> Outcome<BindingUpdate> {
    let words = MulticastMobility::new(MulticastPayload::Mldv2, vec![1, 2, 3, 4])?;
    let options = MobilityOptions::new()
        .with(UnknownOption::new(
            OptionType::Unknown(200),
            vec![1, 2, 3].into(),
        )?)?
        .with(words)?
        .with(VendorSpecific::new(9, 1, vec![1, 2, 3])?)?
        .with(MobilityOption::AlternateCareOfAddress(
            "2001:db8::1".parse()?,
        ))?
        .with(MobilityOption::AlternateIpv4CareOfAddress(
            Ipv4Addr::LOCALHOST,
        ))?;
    Ok(BindingUpdate {
        options,
        ..BindingUpdate::default()
    })
}

fn sub_options() -> Outcome<BindingUpdate> {
    let (one, two) = (NonZeroU16::MIN, NonZeroU16::MAX);
    let flow = FlowIdentification::new(one, two)
        .with(FlowSubOption::BindingReference(BindingReference::new([1])))?
        .with(FlowSubOption::TrafficSelector(ipv6_selector()?.into()))?;
    let moved = FlowIdentification::new(two, one)
        .with(FlowSubOption::FlowBindingAction(FlowBindingAction::Move))?
        .with(FlowSubOption::TargetCareOfAddress([192, 0, 2, 1].into()))?
        .with(FlowSubOption::TrafficSelector(ipv4_selector()?.into()))?;
    let network = NetworkIdentifier::utf8("wlan").with_access_point("ap");
    let place = GeoLocation::from_units(1_720_320, -4096).ok_or("on Earth")?;
    let operator = OperatorIdentifier::realm("a.example");
    let access_network = AccessNetworkIdentifier::new(AniSubOption::NetworkIdentifier(network))?
        .with(AniSubOption::GeoLocation(place))?
        .with(AniSubOption::OperatorIdentifier(operator))?
        .with(AniSubOption::MagGroupIdentifier(70_000))?
        .with(AniSubOption::UpdateTimer(Lifetime::from_secs(60)))?;
    let priority = AllocationRetentionPriority::new(9, Preemption::Enabled, Preemption::Disabled);
    let dscp = Dscp::new(46).ok_or("six bits")?;
    let quality = QualityOfService::new(0, dscp, QosOperation::Allocate)
        .with(QosAttribute::GuaranteedDlBitRate(1_000_000))?
        .with(priority.ok_or("defined")?.into())?
        .with(QosAttribute::QosTrafficSelector(ipv4_selector()?.into()))?;
    let heartbeat = LcmpSubOption::HeartbeatControl(HeartbeatControl {
        interval: 60,
        retransmission_delay: 5,
        max_retransmissions: 3,
    });
    let options = MobilityOptions::new()
        .with(flow)?
        .with(moved)?
        .with(access_network)?
        .with(Ipv4TrafficOffloadSelector::new(true).with(ipv4_selector()?)?)?
        .with(quality)?
        .with(LmaControlledMagParameters::new(heartbeat)?)?;
    Ok(BindingUpdate {
        options,
        ..BindingUpdate::default()
    })
}

fn ipv4_selector() -> Outcome<Ipv4TrafficSelector> {
    Ok(Ipv4TrafficSelector::new()
        .with_source_address(Ipv4Addr::LOCALHOST)
        .with_destination_port(ValueRange::new(5000, 5100).ok_or("in order")?)
        .with_protocol(17))
}

fn ipv6_selector() -> Outcome<Ipv6TrafficSelector> {
    Ok(Ipv6TrafficSelector::new()
        .with_destination_address("2001:db8::1".parse::<Ipv6Addr>()?)
        .with_flow_label(FlowLabel::new(7).ok_or("twenty bits")?)
        .with_next_header(ValueRange::new(6, 17).ok_or("in order")?))
}

/// Selectors of every format, and the data of every option that holds sub-options, behind the octet
/// that tells the target which.
fn selectors() -> Outcome<Vec<(&'static str, Vec<u8>)>> {
    let mut seeds = vec![
        ("selector-other", vec![5, 1, 2, 3]),
        (
            "selector-ipv4",
            [vec![6], TrafficSelector::from(ipv4_selector()?).to_vec()].concat(),
        ),
        (
            "selector-ipv6",
            [vec![7], TrafficSelector::from(ipv6_selector()?).to_vec()].concat(),
        ),
    ];
    let wire = Message::from(sub_options()?).to_bytes(ChecksumContext::Udp);
    let header = MobilityHeader::parse(&wire, ChecksumContext::Udp)?;
    let kinds = [
        (45, "flow-identification"),
        (52, "access-network-identifier"),
        (53, "traffic-offload-selector"),
        (58, "quality-of-service"),
        (62, "mag-parameters"),
    ];
    for raw in header.options().into_iter().flatten() {
        let raw = raw?;
        for (choice, (number, name)) in (0..).zip(kinds) {
            if raw.option_type().code() == number {
                seeds.push((name, [&[choice], raw.data()].concat()));
            }
        }
    }
    Ok(seeds)
}

/// Packets from and to the session that the target knows, and one inside a tunnel.
fn packets() -> Vec<(&'static str, Vec<u8>)> {
    let (inside, outside) = ([10, 1, 0, 2], [192, 0, 2, 80]);
    let datagram = [0x9c, 0x40, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4];
    let up = ipv4(17, inside, outside, &datagram);
    let down = ipv4(17, outside, inside, &datagram);
    let outer = [&[0x15, 0x3d, 0x15, 0x3d, 0, 40, 0, 0], &up[..]].concat();
    let tunnelled = ipv4(17, [198, 51, 100, 7], [192, 0, 2, 1], &outer);
    let mut ipv6 = vec![0x60, 0, 0, 0, 0, 12, 17, 64];
    ipv6.extend_from_slice(&[0x20, 1, 0x0d, 0xb8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    ipv6.extend_from_slice(&[
        0x20, 1, 0x0d, 0xb8, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80,
    ]);
    ipv6.extend_from_slice(&datagram);
    vec![
        ("up", up),
        ("down", down),
        ("tunnelled", tunnelled),
        ("ipv6", ipv6),
    ]
}

fn ipv4(protocol: u8, source: [u8; 4], destination: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(20 + payload.len()).unwrap_or(u8::MAX);
    let mut packet = vec![0x45, 0, 0, length, 0, 0, 0x40, 0, 64, protocol, 0, 0];
    packet.extend_from_slice(&source);
    packet.extend_from_slice(&destination);
    let mut checksum = Checksum::new();
    checksum.add(&packet);
    if let Some(field) = packet.get_mut(10..12) {
        field.copy_from_slice(&checksum.finish().to_be_bytes());
    }
    packet.extend_from_slice(payload);
    packet
}
