//! Options that hold sub-options, written by hand from the figures of the RFCs: the encoder must
//! produce these octets and the decoder must read them. Then what hostile or cut octets do.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;
use pmip_wire::traffic_selector::{
    Dscp, FlowLabel, Ipv4TrafficSelector, Ipv6TrafficSelector, TrafficSelector, ValueRange,
};
use pmip_wire::{
    AccessNetworkIdentifier, AllocationRetentionPriority, AniSubOption, BindingReference,
    BindingReregistrationControl, BindingUpdate, ChecksumContext, CivicLocation,
    CivicLocationFormat, DecodeError, DecodeErrorKind, ExpectedLength, Field, FlowBindingAction,
    FlowIdentification, FlowIdentificationStatus, FlowSubOption, GeoLocation, HeartbeatControl,
    Ipv4TrafficOffloadSelector, Layer, LcmpSubOption, Lifetime, LmaControlledMagParameters,
    Message, MobilityOption, MobilityOptions, NetworkIdentifier, OperatorIdentifier,
    OperatorIdentifierType, OptionType, Preemption, QosAttribute, QosOperation, QosVendorSpecific,
    QualityOfService, SessionBitRate, SubOptionError, SubOptionSpace, SubOptions,
    TrafficSelectorFormat, UnknownSubOption,
};
use proptest::prelude::*;

const UDP: ChecksumContext = ChecksumContext::Udp;
const OPTIONS: [u8; 5] = [45, 52, 53, 58, 62];
const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// Padding as RFC 6275 sections 6.2.2 and 6.2.3 draw it.
fn padding(octets: usize) -> &'static [u8] {
    [
        &[][..],
        &[0],
        &[1, 0],
        &[1, 1, 0],
        &[1, 2, 0, 0],
        &[1, 3, 0, 0, 0],
        &[1, 4, 0, 0, 0, 0],
        &[1, 5, 0, 0, 0, 0, 0],
    ][octets]
}

/// A Binding Update that holds these octets behind its fixed part and `leading` octets of padding.
fn update(leading: usize, option: &[u8]) -> Vec<u8> {
    let end = (12 + leading + option.len()).next_multiple_of(8);
    let header = [59, (end / 8 - 1) as u8, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let trailing = padding(end - 12 - leading - option.len());
    [&header, padding(leading), option, trailing].concat()
}

/// `option` is `octets`, both ways, and stands behind `leading` octets of padding where it comes
/// first in a message.
#[track_caller]
fn same(option: impl Into<MobilityOption>, leading: usize, octets: &[u8]) {
    let message = Message::from(BindingUpdate {
        options: MobilityOptions::new().with(option).expect("fits"),
        ..BindingUpdate::default()
    });
    let wire = update(leading, octets);
    assert_eq!(message.to_bytes(UDP), wire);
    assert_eq!(message.encoded_len(), wire.len());
    assert_eq!(Message::decode_slice(&wire, UDP), Ok(message));
}

fn decode(octets: &[u8]) -> Result<MobilityOption, DecodeError> {
    Message::decode_slice(&update(0, octets), UDP).map(|message| {
        let options = message.options().expect("it has options").as_slice();
        options.first().expect("it has one").clone()
    })
}

/// An option of this type with `data`.
fn option(option_type: u8, data: &[u8]) -> Vec<u8> {
    [&[option_type, data.len() as u8], data].concat()
}

fn number(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("not zero")
}

fn range<T: Copy + Ord>(start: T, end: T) -> ValueRange<T> {
    ValueRange::new(start, end).expect("in order")
}

fn flow() -> FlowIdentification {
    FlowIdentification::new(number(0x0102), number(0x0304))
}

/// The fixed part of [`flow`] in an option with `length` octets of data.
const fn flow_head(length: u8) -> [u8; 8] {
    [45, length, 1, 2, 3, 4, 0, 0]
}

fn dscp(number: u8) -> Dscp {
    Dscp::new(number).expect("six bits")
}

fn full_ipv4() -> Ipv4TrafficSelector {
    Ipv4TrafficSelector::new()
        .with_source_address(range([192, 0, 2, 1].into(), [192, 0, 2, 9].into()))
        .with_destination_address(range([10, 0, 0, 1].into(), [10, 0, 0, 2].into()))
        .with_spi(range(0x0100_0000, 0x0100_00ff))
        .with_source_port(range(0x1000, 0x1fff))
        .with_destination_port(range(0x2000, 0x2fff))
        .with_dscp(range(dscp(10), dscp(46)))
        .with_protocol(range(6, 17))
}

/// RFC 6088 figure 1 with all fields.
#[rustfmt::skip]
const FULL_IPV4: [u8; 40] = [
    0xff, 0xfc, 0, 0,
    192, 0, 2, 1, 192, 0, 2, 9,
    10, 0, 0, 1, 10, 0, 0, 2,
    1, 0, 0, 0, 1, 0, 0, 0xff,
    0x10, 0, 0x1f, 0xff,
    0x20, 0, 0x2f, 0xff,
    0x28, 0xb8, 6, 17,
];

fn full_ipv6() -> Ipv6TrafficSelector {
    let label = |number| FlowLabel::new(number).expect("twenty bits");
    let last = |octet: u16| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, octet);
    Ipv6TrafficSelector::new()
        .with_source_address(range(last(1), last(2)))
        .with_destination_address(range(last(3), last(4)))
        .with_spi(range(5, 6))
        .with_flow_label(range(label(7), label(0xf_ffff)))
        .with_source_port(range(0x1000, 0x1fff))
        .with_destination_port(range(0x2000, 0x2fff))
        .with_dscp(range(dscp(0), dscp(63)))
        .with_next_header(range(6, 17))
}

/// RFC 6088 figure 2 with all fields.
#[rustfmt::skip]
const FULL_IPV6: [u8; 96] = [
    0xff, 0xff, 0, 0,
    0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
    0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
    0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3,
    0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4,
    0, 0, 0, 5, 0, 0, 0, 6,
    0, 0, 0, 7, 0, 0x0f, 0xff, 0xff,
    0x10, 0, 0x1f, 0xff,
    0x20, 0, 0x2f, 0xff,
    0, 0xfc, 6, 17,
];

/// RFC 6089 figure 2: alignment 2n leaves it right behind the fixed part.
#[test]
fn flow_identification() {
    let status = FlowIdentificationStatus::TrafficSelectorFormatNotSupported;
    same(flow().with_status(status), 0, &[45, 6, 1, 2, 3, 4, 0, 133]);
}

/// RFC 6089 figure 4.
#[test]
fn binding_reference() {
    let reference = FlowSubOption::BindingReference(BindingReference::new([1, 0x0203]));
    let octets = [&flow_head(12)[..], &[2, 4, 0, 1, 2, 3]].concat();
    let built = flow().with(reference).expect("fits");
    assert_eq!(built.binding_ids().collect::<Vec<_>>(), [1, 0x0203]);
    same(built, 0, &octets);
}

/// RFC 6089 figure 5 with RFC 6088 figure 1: addresses ask for 4n, which octet 12 is.
#[test]
fn flow_with_ipv4_selector() {
    let selector = TrafficSelector::from(full_ipv4());
    let built = flow()
        .with(FlowSubOption::TrafficSelector(selector))
        .expect("fits");
    assert_eq!(
        built.traffic_selector(),
        Some(TrafficSelector::Ipv4(full_ipv4()))
    );
    let octets = [&flow_head(50)[..], &[3, 42, 1, 0], &FULL_IPV4].concat();
    same(built, 0, &octets);
}

/// RFC 6089 figure 5 with RFC 6088 figure 2: addresses ask for 8n, so the option moves to 16.
#[test]
fn flow_with_ipv6_selector() {
    let selector = TrafficSelector::from(full_ipv6());
    let built = flow()
        .with(FlowSubOption::TrafficSelector(selector))
        .expect("fits");
    let octets = [&flow_head(106)[..], &[3, 98, 2, 0], &FULL_IPV6].concat();
    same(built, 4, &octets);
}

/// A format without a name here is kept.
#[test]
fn flow_with_a_selector_of_another_format() {
    let selector = TrafficSelector::Other {
        format: TrafficSelectorFormat::Unknown(7),
        selector: Bytes::from_static(&[0xaa]),
    };
    let built = flow()
        .with(FlowSubOption::TrafficSelector(selector))
        .expect("fits");
    same(
        built,
        0,
        &[&flow_head(11)[..], &[3, 3, 7, 0, 0xaa]].concat(),
    );
}

/// RFC 7109 figures 5 and 6. An IPv4 address asks for 4n, an IPv6 address for 8n+4 (RFC 6089
/// section 4.2.1: natural boundaries).
#[test]
fn flow_binding_action_and_target() {
    let action = || {
        let action = FlowSubOption::FlowBindingAction(FlowBindingAction::Move);
        flow().with(action).expect("fits")
    };
    let to_ipv4 = FlowSubOption::TargetCareOfAddress(IpAddr::from([192, 0, 2, 1]));
    let octets = [&flow_head(18)[..], &[4, 2, 0, 15, 5, 6, 0, 0, 192, 0, 2, 1]].concat();
    same(action().with(to_ipv4).expect("fits"), 0, &octets);

    let to_ipv6 = FlowSubOption::TargetCareOfAddress(V6.into());
    let target = [&[5, 18, 0, 0][..], &V6.octets()].concat();
    let octets = [&flow_head(30)[..], &[4, 2, 0, 15], &target].concat();
    same(action().with(to_ipv6).expect("fits"), 4, &octets);
}

/// RFC 6089 sections 4.2.1.1 and 4.2.1.2: PadN of four octets before a selector at 8n, Pad1 before
/// a reference at 2n, and none of them is a sub-option to its reader.
#[test]
fn sub_options_are_aligned() {
    let source = Ipv6TrafficSelector::new().with_source_address(V6);
    let reference = || FlowSubOption::BindingReference(BindingReference::new([7]));
    let selector = FlowSubOption::TrafficSelector(source.into());
    let built = flow()
        .with(reference())
        .and_then(|flow| flow.with(selector));
    let built = built.expect("fits");
    assert_eq!(built.sub_options().iter().count(), 2);
    let octets = [
        &flow_head(38)[..],
        &[2, 2, 0, 7, 1, 2, 0, 0, 3, 22, 2, 0, 0x80, 0, 0, 0],
        &V6.octets(),
    ];
    same(built, 4, &octets.concat());

    let odd = FlowSubOption::Unknown(UnknownSubOption {
        number: 200,
        data: Bytes::from_static(&[9]),
    });
    let built = flow().with(odd).and_then(|flow| flow.with(reference()));
    let octets = [&flow_head(14)[..], &[200, 1, 9, 0, 2, 2, 0, 7]].concat();
    same(built.expect("fits"), 0, &octets);
}

/// Padding that no alignment asks for, and reserved octets that are not zero, change nothing of
/// what is read, and come out as they went in.
#[test]
fn padding_and_reserved_octets_are_kept() {
    let inside = [0, 0, 1, 3, 7, 7, 7, 4, 2, 0xee, 16, 1, 0];
    let octets = [&flow_head(19)[..], &inside].concat();
    let read = decode(&octets).expect("well-formed");
    let MobilityOption::FlowIdentification(flow) = &read else {
        panic!("{read:?}");
    };
    let sub_options: Vec<_> = flow.sub_options().iter().collect();
    assert_eq!(
        sub_options,
        [FlowSubOption::FlowBindingAction(FlowBindingAction::Revoke)]
    );
    same(read, 0, &octets);
}

/// RFC 6909 figure 3: 4n+2.
#[test]
fn ipv4_traffic_offload_selector() {
    same(
        Ipv4TrafficOffloadSelector::new(true),
        2,
        &[53, 4, 0x80, 0, 0, 0],
    );

    let udp = Ipv4TrafficSelector::new().with_protocol(17);
    let octets = [53, 13, 0, 0, 0, 0, 3, 7, 1, 0, 0, 8, 0, 0, 17];
    let built = Ipv4TrafficOffloadSelector::new(false)
        .with(udp)
        .expect("fits");
    assert_eq!(built.traffic_selector(), Some(TrafficSelector::Ipv4(udp)));
    same(built, 2, &octets);
}

fn ani(sub_option: AniSubOption) -> AccessNetworkIdentifier {
    AccessNetworkIdentifier::new(sub_option).expect("fits")
}

/// RFC 6757 figure 4: with and without an access point.
#[test]
fn network_identifier() {
    let named = NetworkIdentifier::utf8("wlan").with_access_point("ap");
    same(
        ani(AniSubOption::NetworkIdentifier(named)),
        0,
        &[52, 11, 1, 9, 0x80, 4, b'w', b'l', b'a', b'n', 2, b'a', b'p'],
    );
    let other = NetworkIdentifier {
        utf8: false,
        ..NetworkIdentifier::utf8(vec![0xff])
    };
    let octets = [52, 6, 1, 4, 0, 1, 0xff, 0];
    same(ani(AniSubOption::NetworkIdentifier(other)), 0, &octets);
}

/// RFC 6757 figure 5: 52.5 degrees north, an eighth of a degree west.
#[test]
fn geo_location() {
    let place = GeoLocation::from_units(1_720_320, -4096).expect("on Earth");
    assert_eq!((place.latitude(), place.longitude()), (52.5, -0.125));
    let octets = [52, 8, 2, 6, 0x1a, 0x40, 0x00, 0xff, 0xf0, 0x00];
    same(ani(AniSubOption::GeoLocation(place)), 0, &octets);
    assert_eq!(GeoLocation::from_units(90 * 32768 + 1, 0), None);
    assert_eq!(GeoLocation::from_units(0, -180 * 32768 - 1), None);
}

/// RFC 6757 figure 6: a private enterprise number in three octets, and a realm.
#[test]
fn operator_identifier() {
    let operator = OperatorIdentifier::private_enterprise_number(0x01_0203);
    assert_eq!(operator.as_private_enterprise_number(), Some(0x01_0203));
    let octets = [52, 6, 3, 4, 1, 1, 2, 3];
    same(ani(AniSubOption::OperatorIdentifier(operator)), 0, &octets);

    let realm = OperatorIdentifier::realm("a.example");
    assert_eq!(realm.as_realm(), Some("a.example"));
    let octets = [&[52, 12, 3, 10, 2][..], b"a.example"].concat();
    same(ani(AniSubOption::OperatorIdentifier(realm)), 0, &octets);

    let zero = OperatorIdentifier::private_enterprise_number(0);
    assert_eq!(zero.identifier, [0u8][..]);
    let long = OperatorIdentifier {
        identifier_type: OperatorIdentifierType::PrivateEnterpriseNumber,
        identifier: &[1, 0, 0, 0, 0][..],
    };
    assert_eq!(long.as_private_enterprise_number(), None);
}

/// RFC 7563 figures 1 to 3. The group identifier is two octets where they hold it, as the Length
/// says, and three where the width that the text gives is needed.
#[test]
fn civic_location_group_and_timer() {
    let location = CivicLocation {
        format: CivicLocationFormat::Binary,
        location: Bytes::from_static(&[b'D', b'E', 3, 1, b'B']),
    };
    assert_eq!(location.country(), Some("DE"));
    let octets = [52, 9, 4, 7, 0, 0, b'D', b'E', 3, 1, b'B'];
    same(ani(AniSubOption::CivicLocation(location)), 0, &octets);

    same(
        ani(AniSubOption::MagGroupIdentifier(0x1234)),
        0,
        &[52, 4, 5, 2, 0x12, 0x34],
    );
    same(
        ani(AniSubOption::MagGroupIdentifier(0x01_0203)),
        0,
        &[52, 5, 5, 3, 1, 2, 3],
    );
    same(
        ani(AniSubOption::UpdateTimer(Lifetime::from_secs(60))),
        0,
        &[52, 4, 6, 2, 0, 15],
    );
}

fn qos() -> QualityOfService {
    QualityOfService::new(7, dscp(46), QosOperation::Allocate)
}

/// RFC 7222 figure 4 and the figures of sections 4.2.1 to 4.2.11, all in one option.
#[test]
fn quality_of_service() {
    same(qos(), 0, &[58, 6, 7, 0xb8, 1, 0, 0, 0]);

    let rate = |service, exclude, bit_rate| SessionBitRate {
        service,
        exclude,
        bit_rate,
    };
    let priority = AllocationRetentionPriority::new(9, Preemption::Disabled, Preemption::Enabled);
    let attributes = [
        QosAttribute::PerMnAggMaxDlBitRate(0x0102_0304),
        QosAttribute::PerMnAggMaxUlBitRate(2),
        QosAttribute::PerSessionAggMaxDlBitRate(rate(true, false, 3)),
        QosAttribute::PerSessionAggMaxUlBitRate(rate(false, true, 4)),
        QosAttribute::AllocationRetentionPriority(priority.expect("defined")),
        QosAttribute::AggregateMaxDlBitRate(6),
        QosAttribute::AggregateMaxUlBitRate(7),
        QosAttribute::GuaranteedDlBitRate(8),
        QosAttribute::GuaranteedUlBitRate(9),
        QosAttribute::QosTrafficSelector(Ipv4TrafficSelector::new().with_protocol(17).into()),
        QosAttribute::QosVendorSpecific(QosVendorSpecific {
            vendor_id: 10_415,
            sub_type: 5,
            data: Bytes::from_static(&[1, 2]),
        }),
    ];
    let option = attributes
        .into_iter()
        .try_fold(qos(), QualityOfService::with)
        .expect("fits");
    #[rustfmt::skip]
    let octets = [
        58, 94, 7, 0xb8, 1, 0, 0, 0,
        1, 6, 0, 0, 1, 2, 3, 4,
        2, 6, 0, 0, 0, 0, 0, 2,
        3, 6, 0x80, 0, 0, 0, 0, 3,
        4, 6, 0x40, 0, 0, 0, 0, 4,
        5, 2, 0, 0x94,
        6, 6, 0, 0, 0, 0, 0, 6,
        7, 6, 0, 0, 0, 0, 0, 7,
        8, 6, 0, 0, 0, 0, 0, 8,
        9, 6, 0, 0, 0, 0, 0, 9,
        10, 7, 0, 1, 0, 8, 0, 0, 17,
        11, 9, 0, 0, 0, 0, 0x28, 0xaf, 5, 1, 2,
    ];
    same(option, 0, &octets);
}

/// RFC 8127 figures 1, 3 and 4: 4n+2.
#[test]
fn lma_controlled_mag_parameters() {
    let reregistration = BindingReregistrationControl {
        start_time: Lifetime::from_units(10),
        initial_retransmission_time: 1,
        maximum_retransmission_time: 32,
    };
    let heartbeat = HeartbeatControl {
        interval: 60,
        retransmission_delay: 0,
        max_retransmissions: 3,
    };
    let option = LcmpSubOption::BindingReregistrationControl(reregistration);
    let option = LmaControlledMagParameters::new(option)
        .and_then(|option| option.with(LcmpSubOption::HeartbeatControl(heartbeat)))
        .expect("fits");
    assert_eq!(
        option.binding_reregistration_control(),
        Some(reregistration)
    );
    assert_eq!(option.heartbeat_control(), Some(heartbeat));
    assert!(option.is_usable(), "only the delay is zero");
    let idle = HeartbeatControl {
        interval: 0,
        ..heartbeat
    };
    assert!(!idle.is_usable());
    #[rustfmt::skip]
    let octets = [62, 16, 1, 6, 0, 10, 0, 1, 0, 32, 2, 6, 0, 60, 0, 0, 0, 3];
    same(option, 2, &octets);
}

/// Unknown sub-options of every space survive, the reserved types 0 and 255 of QoS among them.
#[test]
fn unknown_sub_options_survive() {
    for (head, leading) in [
        (&[45, 6, 0, 1, 0, 1, 0, 0][..], 0),
        (&[52, 0], 0),
        (&[53, 4, 0, 0, 0, 0], 2),
        (&[58, 6, 0, 0, 0, 0, 0, 0], 0),
        (&[62, 0], 2),
    ] {
        let mut octets = [head, &[255, 3, 1, 2, 3, 77, 0]].concat();
        octets[1] += 7;
        same(decode(&octets).expect("well-formed"), leading, &octets);
    }
    let reserved = [58, 9, 0, 0, 0, 0, 0, 0, 0, 1, 5];
    same(decode(&reserved).expect("well-formed"), 0, &reserved);
}

/// What a selector is not given leaves no gap, and reserved bits and ECN bits say nothing.
#[test]
fn selectors_leave_no_gaps() {
    let octets = [
        0x40 | 0x80,
        0x20 | 1,
        0xff,
        0xff,
        1,
        2,
        3,
        4,
        1,
        2,
        3,
        5,
        0xbb,
    ];
    let read = Ipv4TrafficSelector::decode(&octets).expect("well-formed");
    let source = range(Ipv4Addr::new(1, 2, 3, 4), Ipv4Addr::new(1, 2, 3, 5));
    let built = Ipv4TrafficSelector::new()
        .with_source_address(source)
        .with_dscp(dscp(46));
    assert_eq!(read, built);
    let mut again = Vec::new();
    built.encode(&mut again);
    assert_eq!(again, [0xc0, 0x20, 0, 0, 1, 2, 3, 4, 1, 2, 3, 5, 0xb8]);

    // Above the flow label's 20 bits is nothing to compare.
    let octets = [0x02, 0, 0, 0, 0xff, 0xf1, 0x23, 0x45];
    let read = Ipv6TrafficSelector::decode(&octets).expect("well-formed");
    assert_eq!(
        read.flow_label.map(|labels| labels.start().number()),
        Some(0x1_2345)
    );
}

/// Ranges are inclusive, and a start alone is one value.
#[test]
fn ranges_contain_both_ends() {
    let ports = range(80, 90);
    assert!([80, 85, 90].iter().all(|port| ports.contains(*port)));
    assert!(!ports.contains(79) && !ports.contains(91));
    assert!(ValueRange::exactly(80).contains(80) && !ValueRange::exactly(80).contains(81));
    assert_eq!(ValueRange::new(90, 80), None);
}

/// Every cut of a full selector names the field that it falls into, in the sub-option.
#[test]
fn a_cut_selector_names_its_field() {
    use Field as F;
    let ipv4 = [
        (F::Flags, 4),
        (F::StartSourceAddress, 4),
        (F::EndSourceAddress, 4),
        (F::StartDestinationAddress, 4),
        (F::EndDestinationAddress, 4),
        (F::StartSpi, 4),
        (F::EndSpi, 4),
        (F::StartSourcePort, 2),
        (F::EndSourcePort, 2),
        (F::StartDestinationPort, 2),
        (F::EndDestinationPort, 2),
        (F::StartTrafficClass, 1),
        (F::EndTrafficClass, 1),
        (F::StartProtocol, 1),
        (F::EndProtocol, 1),
    ];
    let ipv6 = [
        (F::Flags, 4),
        (F::StartSourceAddress, 16),
        (F::EndSourceAddress, 16),
        (F::StartDestinationAddress, 16),
        (F::EndDestinationAddress, 16),
        (F::StartSpi, 4),
        (F::EndSpi, 4),
        (F::StartFlowLabel, 4),
        (F::EndFlowLabel, 4),
        (F::StartSourcePort, 2),
        (F::EndSourcePort, 2),
        (F::StartDestinationPort, 2),
        (F::EndDestinationPort, 2),
        (F::StartTrafficClass, 1),
        (F::EndTrafficClass, 1),
        (F::StartProtocol, 1),
        (F::EndProtocol, 1),
    ];
    for (format, fields, full) in [
        (1, &ipv4[..], &FULL_IPV4[..]),
        (2, &ipv6[..], &FULL_IPV6[..]),
    ] {
        let mut start = 0;
        for (field, width) in fields {
            for available in 0..*width {
                let selector = &full[..start + available];
                let sub_option = option(3, &[&[format, 0], selector].concat());
                let octets = [&flow_head(6 + sub_option.len() as u8)[..], &sub_option].concat();
                let error = decode(&octets).expect_err("a cut selector");
                let kind = DecodeErrorKind::Truncated {
                    field: *field,
                    needed: *width as u16,
                    available: available as u16,
                };
                assert_eq!(error.kind, kind, "{error}");
                assert_eq!(
                    error.layer,
                    Layer::SubOption(OptionType::FlowIdentification, 3)
                );
                assert_eq!(usize::from(error.offset), 12 + 8 + 4 + start, "{error}");
            }
            start += width;
        }
        assert_eq!(start, full.len());
    }
}

/// All options of the vectors above, with what their fixed part takes.
fn examples() -> Vec<(usize, Vec<u8>)> {
    let mut qos = vec![58, 0, 7, 0xb8, 1, 0, 0, 0];
    for number in [1, 2, 3, 4, 6, 7, 8, 9] {
        qos.extend([number, 6, 0, 0, 0, 0, 0, 1]);
    }
    qos.extend([5, 2, 0, 0x94, 10, 7, 0, 1, 0, 8, 0, 0, 17]);
    qos.extend([11, 7, 0, 0, 0, 0, 0x28, 0xaf, 5]);
    let mut ani = vec![52, 0, 1, 5, 0x80, 1, b'w', 1, b'a', 2, 6, 0, 0, 0, 0, 0, 0];
    ani.extend([3, 2, 1, 9, 4, 2, 0, 0, 5, 2, 0, 1, 6, 2, 0, 1]);
    let mut flow = [&[45, 0, 0, 1, 0, 1, 0, 0][..], &[2, 2, 0, 1, 4, 2, 0, 11]].concat();
    flow.extend([5, 6, 0, 0, 192, 0, 2, 1, 3, 42, 1, 0]);
    flow.extend(FULL_IPV4);
    let offload = vec![53, 0, 0, 0, 0, 0, 3, 7, 1, 0, 0, 8, 0, 0, 17];
    let lcmp = vec![62, 0, 1, 6, 0, 1, 0, 1, 0, 1, 2, 6, 0, 1, 0, 1, 0, 1];
    let mut examples = vec![(8, qos), (2, ani), (8, flow), (6, offload), (2, lcmp)];
    for (_, octets) in &mut examples {
        octets[1] = (octets.len() - 2) as u8;
    }
    examples
}

/// An option that ends early is refused unless it ends between two sub-options, and the error says
/// where and what.
#[test]
fn every_cut_of_an_option_names_the_field() {
    for (first, whole) in examples() {
        decode(&whole).expect("the whole option is well-formed");
        let mut starts = vec![first];
        while let Some(length) = whole.get(starts[starts.len() - 1] + 1) {
            starts.push(starts[starts.len() - 1] + 2 + usize::from(*length));
        }
        assert_eq!(
            starts.last(),
            Some(&whole.len()),
            "the walk of the test itself"
        );
        let needs_one = matches!(whole[0], 52 | 62);
        for length in 2..whole.len() {
            let mut octets = whole[..length].to_vec();
            octets[1] = (length - 2) as u8;
            let at_a_border = starts.contains(&length) && !(needs_one && length == 2);
            let error = match decode(&octets) {
                Ok(_) => {
                    assert!(at_a_border, "cut at {length}: {octets:?}");
                    continue;
                }
                Err(error) => error,
            };
            assert!(!at_a_border, "cut at {length}: {error}");
            let option_type = OptionType::from_code(whole[0]);
            let start = starts.iter().rfind(|start| **start < length);
            match (error.layer, start) {
                (Layer::Option(option), _) => {
                    assert_eq!(option, option_type);
                    assert!(length < first + 2, "{error}");
                    let kind = matches!(error.kind, DecodeErrorKind::BadOptionLength { .. });
                    assert!(kind, "{error}");
                }
                (Layer::SubOption(option, number), Some(start)) => {
                    assert_eq!((option, number), (option_type, whole[*start]));
                    assert_eq!(usize::from(error.offset), 12 + start, "{error}");
                    let field = match error.kind {
                        DecodeErrorKind::Truncated { field, .. } => field,
                        _ => panic!("{error}"),
                    };
                    let cut_length = length == start + 1;
                    let expected = if cut_length {
                        Field::OptionLength
                    } else {
                        Field::OptionData
                    };
                    assert_eq!(field, expected, "{error}");
                }
                _ => panic!("{error}"),
            }
        }
    }
}

/// Sub-options of a length that their RFC does not give.
#[test]
fn lengths_that_no_rfc_allows_are_refused() {
    use ExpectedLength::{AtLeast, Either, Exactly, MultipleOf};
    let cases: [(u8, u8, &[usize], ExpectedLength); 25] = [
        (45, 2, &[0], AtLeast(2)),
        (45, 2, &[3, 5], MultipleOf(2)),
        (45, 3, &[0, 1], AtLeast(2)),
        (45, 4, &[0, 1, 3], Exactly(2)),
        (45, 5, &[0, 1, 2, 5, 7, 17, 19], Either(6, 18)),
        (52, 1, &[0], AtLeast(1)),
        (52, 2, &[0, 5, 7], Exactly(6)),
        (52, 3, &[0], AtLeast(1)),
        (52, 4, &[0, 1], AtLeast(2)),
        (52, 5, &[0, 1, 4], Either(2, 3)),
        (52, 6, &[0, 1, 3], Exactly(2)),
        (53, 3, &[0, 1], AtLeast(2)),
        (58, 1, &[0, 5, 7], Exactly(6)),
        (58, 2, &[5], Exactly(6)),
        (58, 3, &[5], Exactly(6)),
        (58, 4, &[5], Exactly(6)),
        (58, 5, &[0, 1, 3], Exactly(2)),
        (58, 6, &[5], Exactly(6)),
        (58, 7, &[5], Exactly(6)),
        (58, 8, &[5], Exactly(6)),
        (58, 9, &[5], Exactly(6)),
        (58, 10, &[0, 1], AtLeast(2)),
        (58, 11, &[0, 6], AtLeast(7)),
        (62, 1, &[0, 5, 7], Exactly(6)),
        (62, 2, &[0, 5, 7], Exactly(6)),
    ];
    for (option_type, number, lengths, expected) in cases {
        for length in lengths {
            let sub_option = option(number, &vec![1; *length]);
            let error = decode(&in_option(option_type, &sub_option)).expect_err("a wrong length");
            let found = *length as u16;
            assert_eq!(
                error.kind,
                DecodeErrorKind::BadOptionLength { expected, found }
            );
            let layer = Layer::SubOption(OptionType::from_code(option_type), number);
            assert_eq!(error.layer, layer);
        }
    }
}

/// An option of this type whose fixed part is ones, with this sub-option.
fn in_option(option_type: u8, sub_option: &[u8]) -> Vec<u8> {
    let fixed = match option_type {
        45 | 58 => 6,
        53 => 4,
        _ => 0,
    };
    option(option_type, &[&vec![1; fixed], sub_option].concat())
}

/// Values that their RFC forbids.
#[test]
fn values_that_no_rfc_allows_are_refused() {
    let flags = |high: u8, low: u8| [3, 6, 1, 0, high, low, 0, 0];
    let inverted = [3, 10, 1, 0, 0x03, 0, 0, 0, 0, 2, 0, 1];
    let cases: [(u8, &[u8], &str); 13] = [
        (
            45,
            &flags(0x40, 0),
            "sub-option 3 at octet 24: the end source address has no start",
        ),
        (
            45,
            &flags(0x10, 0),
            "the end destination address has no start",
        ),
        (45, &flags(0x04, 0), "the end IPsec SPI has no start"),
        (45, &flags(0x01, 0), "the end source port has no start"),
        (45, &flags(0, 0x40), "the end destination port has no start"),
        (45, &flags(0, 0x10), "the end traffic class has no start"),
        (45, &flags(0, 0x04), "the end protocol has no start"),
        (
            45,
            &inverted,
            "at octet 30: the end source port lies below its start",
        ),
        (
            45,
            &[3, 7, 1, 0, 0, 0, 0, 0, 9],
            "the length must be 4, found 5",
        ),
        (
            52,
            &[1, 3, 0x80, 0, 0],
            "the network name length must not be 0",
        ),
        (
            52,
            &[2, 6, 0x2d, 0, 1, 0, 0, 0],
            "the latitude must not be 2949121",
        ),
        (52, &[3, 1, 2], "the operator identifier is cut short"),
        (58, &[5, 2, 0, 0x0f], "the priority level must not be 0"),
    ];
    for (option_type, sub_option, said) in cases {
        let error = decode(&in_option(option_type, sub_option)).expect_err("a wrong value");
        assert!(error.to_string().contains(said), "{error} is not {said}");
    }
}

/// The names inside a network identifier end where their own lengths say.
#[test]
fn cut_names_are_named() {
    let cases: [(&[u8], Field); 4] = [
        (&[1, 1, 0x80], Field::NetworkNameLength),
        (&[1, 3, 0x80, 2, b'a'], Field::NetworkName),
        (&[1, 3, 0x80, 1, b'a'], Field::AccessPointNameLength),
        (&[1, 5, 0x80, 1, b'a', 2, b'b'], Field::AccessPointName),
    ];
    for (sub_option, expected) in cases {
        let error = decode(&in_option(52, sub_option)).expect_err("a cut name");
        let DecodeErrorKind::Truncated { field, .. } = error.kind else {
            panic!("{error}");
        };
        assert_eq!(field, expected);
    }
    let error = decode(&in_option(52, &[1, 5, 0, 1, b'a', 0, 0])).expect_err("an octet too many");
    assert!(
        error.to_string().ends_with("the length must be 4, found 5"),
        "{error}"
    );
}

/// What a receiver would not take is not built, and a refused push changes nothing.
#[test]
fn what_cannot_be_read_cannot_be_built() {
    let reference = |count| FlowSubOption::BindingReference(BindingReference::new(0..count));
    let invalid = flow().with(reference(0));
    assert!(matches!(invalid, Err(SubOptionError::Invalid(_))));
    assert_eq!(
        flow()
            .with(reference(1))
            .and_then(|flow| flow.with(reference(2))),
        Err(SubOptionError::Duplicate { number: 2 })
    );
    // 249 octets are left behind the fixed part: 123 bindings and the sub-option's own two.
    assert!(flow().with(reference(123)).is_ok());
    let full = SubOptionError::Full { limit: 249 };
    assert_eq!(flow().with(reference(124)), Err(full));

    for number in [0, 1, 3] {
        let data = Bytes::from_static(&[0; 7]);
        let unknown = FlowSubOption::Unknown(UnknownSubOption { number, data });
        let refused = flow().with(unknown).expect_err("a form of its own");
        let own_form = matches!(
            refused,
            SubOptionError::Typed { .. } | SubOptionError::Invalid(_)
        );
        assert!(own_form, "{refused}");
    }
    let nameless = AniSubOption::NetworkIdentifier(NetworkIdentifier::utf8(""));
    assert!(AccessNetworkIdentifier::new(nameless).is_err());
    let group = AniSubOption::MagGroupIdentifier(1 << 24);
    assert!(AccessNetworkIdentifier::new(group).is_err());
    let vendor = QosAttribute::QosVendorSpecific(QosVendorSpecific {
        vendor_id: 1,
        sub_type: 1,
        data: vec![0; 300].into(),
    });
    assert_eq!(qos().with(vendor), Err(SubOptionError::Full { limit: 249 }));
}

/// A typed list, and what is read back is checked.
#[test]
fn json_lists_typed_sub_options() {
    let option = flow()
        .with(FlowSubOption::BindingReference(BindingReference::new([
            1, 2,
        ])))
        .and_then(|flow| flow.with(FlowSubOption::FlowBindingAction(FlowBindingAction::Add)))
        .expect("fits");
    let json = serde_json::to_value(&option).expect("serializable");
    let expected = serde_json::json!({
        "fid": 258, "priority": 772, "status": 0,
        "sub_options": [{ "BindingReference": [1, 2] }, { "FlowBindingAction": 11 }],
    });
    assert_eq!(json, expected);
    assert_eq!(
        serde_json::from_value::<FlowIdentification>(json).ok(),
        Some(option)
    );

    let mut hostile = expected;
    hostile["sub_options"] = serde_json::json!([{ "BindingReference": [] }]);
    assert!(serde_json::from_value::<FlowIdentification>(hostile).is_err());
    let ports = serde_json::json!({ "start": 9, "end": 8 });
    assert!(serde_json::from_value::<ValueRange<u16>>(ports).is_err());
}

/// Decoding from `Bytes` shares the memory it reads.
#[test]
fn sub_options_share_the_memory_they_are_read_from() {
    let wire = Bytes::from(update(0, &[52, 6, 3, 4, 1, 1, 2, 3]));
    let message = Message::decode(&wire, UDP).expect("well-formed");
    let options = message.options().expect("it has options");
    let identifier = options.access_network_identifier().expect("it has one");
    assert_eq!(
        identifier.sub_options().octets().as_ptr(),
        wire[14..].as_ptr()
    );
}

/// Rebuilding a list from what it yields gives the same list, unless padding that the new one needs
/// leaves no room, or an option came with more than it may hold.
fn rebuilds<S: SubOptionSpace>(sub_options: &SubOptions<S>)
where
    for<'a> S::Item<&'a [u8]>: PartialEq + std::fmt::Debug,
{
    let mut again = SubOptions::<S>::new();
    for item in sub_options.iter() {
        match again.push_borrowed(&item) {
            Ok(()) => {}
            Err(SubOptionError::Full { .. } | SubOptionError::Duplicate { .. }) => return,
            Err(error) => panic!("{item:?}: {error}"),
        }
    }
    let (old, new): (Vec<_>, Vec<_>) = (sub_options.iter().collect(), again.iter().collect());
    assert_eq!(old, new);
}

fn check(option: &MobilityOption) {
    match option {
        MobilityOption::FlowIdentification(option) => rebuilds(option.sub_options()),
        MobilityOption::AccessNetworkIdentifier(option) => rebuilds(option.sub_options()),
        MobilityOption::Ipv4TrafficOffloadSelector(option) => rebuilds(option.sub_options()),
        MobilityOption::QualityOfService(option) => rebuilds(option.attributes()),
        MobilityOption::LmaControlledMagParameters(option) => rebuilds(option.sub_options()),
        _ => {}
    }
}

/// The properties here and of whole messages say nothing about a sub-option that is never drawn.
#[test]
fn every_sub_option_is_drawn() {
    let mut state = 1u64;
    let mut octet = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    let mut drawn = BTreeSet::new();
    for _ in 0..4_000 {
        let octets: Vec<u8> = (0..512).map(|_| octet()).collect();
        let mut u = Unstructured::new(&octets);
        let options = (
            FlowIdentification::<Bytes>::arbitrary(&mut u),
            AccessNetworkIdentifier::<Bytes>::arbitrary(&mut u),
            QualityOfService::<Bytes>::arbitrary(&mut u),
            LmaControlledMagParameters::<Bytes>::arbitrary(&mut u),
        );
        if let (Ok(flow), Ok(ani), Ok(qos), Ok(lcmp)) = options {
            drawn.extend(flow.sub_options().iter().map(|item| (45, item.number())));
            drawn.extend(ani.sub_options().iter().map(|item| (52, item.number())));
            drawn.extend(qos.attributes().iter().map(|item| (58, item.number())));
            drawn.extend(lcmp.sub_options().iter().map(|item| (62, item.number())));
        }
    }
    let spaces = [(45, 2..=5), (52, 1..=6), (58, 1..=11), (62, 1..=2)];
    for (option, numbers) in spaces {
        for number in numbers {
            assert!(drawn.contains(&(option, number)), "{option}, {number}");
        }
        assert!(
            drawn.range((option, 12)..(option + 1, 0)).next().is_some(),
            "unknown ones too"
        );
    }
}

fn drawn<T: for<'a> Arbitrary<'a> + std::fmt::Debug>() -> impl Strategy<Value = T> {
    proptest::collection::vec(any::<u8>(), 0..600).prop_filter_map("too few octets", |octets| {
        T::arbitrary_take_rest(Unstructured::new(&octets)).ok()
    })
}

proptest! {
    #[test]
    fn drawn_options_survive(
        flow in drawn::<FlowIdentification>(),
        ani in drawn::<AccessNetworkIdentifier>(),
        offload in drawn::<Ipv4TrafficOffloadSelector>(),
        qos in drawn::<QualityOfService>(),
        lcmp in drawn::<LmaControlledMagParameters>(),
    ) {
        let list: [MobilityOption; 5] =
            [flow.into(), ani.into(), offload.into(), qos.into(), lcmp.into()];
        for option in list {
            check(&option);
            let json = serde_json::to_string(&option).expect("serializable");
            prop_assert_eq!(&serde_json::from_str::<MobilityOption>(&json).expect("readable"), &option);
            let message = Message::from(BindingUpdate {
                options: MobilityOptions::new().with(option).expect("fits"),
                ..BindingUpdate::default()
            });
            prop_assert_eq!(Message::decode(&message.to_bytes(UDP), UDP), Ok(message));
        }
    }

    /// Fields of four and eight octets in a flow's selector stand on their natural boundaries in
    /// the message, whatever comes before (RFC 6088 section 3).
    #[test]
    fn selectors_are_aligned_in_the_message(
        before in 0..9usize,
        flow in drawn::<FlowIdentification>(),
    ) {
        let filler = UnknownSubOption { number: 99, data: Bytes::from(vec![0; before]) };
        let selector = Ipv6TrafficSelector::new().with_source_address(V6);
        let aligned = FlowIdentification::new(number(flow.fid()), number(flow.priority()))
            .with(FlowSubOption::Unknown(filler))
            .and_then(|flow| flow.with(FlowSubOption::TrafficSelector(selector.into())))
            .expect("fits");
        let options = MobilityOptions::new().with(flow).and_then(|list| list.with(aligned));
        let update = BindingUpdate { options: options.expect("fits"), ..BindingUpdate::default() };
        let wire = Message::from(update).to_bytes(UDP);
        let needle = [&[3, 22, 2, 0, 0x80, 0, 0, 0][..], &V6.octets()].concat();
        let place = wire.windows(24).position(|window| window == needle);
        prop_assert_eq!(place.map(|place| place % 8), Some(0));
    }

    #[test]
    fn drawn_selectors_survive(selector in drawn::<TrafficSelector>()) {
        let octets = selector.to_vec();
        let again = TrafficSelector::decode(selector.format(), &octets).expect("well-formed");
        prop_assert_eq!(again.to_bytes(), selector);
    }

    /// Hostile octets in every option: an error or an option whose encoding is stable and whose
    /// JSON reads as the same sub-options.
    #[test]
    fn hostile_octets(
        which in 0..OPTIONS.len(),
        octets in proptest::collection::vec(any::<u8>(), 0..255),
    ) {
        hostile(OPTIONS[which], &octets)?;
    }

    /// The same with small numbers, which types and lengths are.
    #[test]
    fn hostile_small_octets(
        which in 0..OPTIONS.len(),
        octets in proptest::collection::vec(0..9u8, 0..255),
    ) {
        hostile(OPTIONS[which], &octets)?;
    }
}

fn hostile(option_type: u8, octets: &[u8]) -> Result<(), TestCaseError> {
    let wire = update(0, &option(option_type, octets));
    let Ok(message) = Message::decode_slice(&wire, UDP) else {
        return Ok(());
    };
    let again = message.to_bytes(UDP);
    prop_assert_eq!(Message::decode(&again, UDP), Ok(message.clone()));
    let list = message.options().expect("it has options").as_slice();
    list.iter().for_each(check);
    let json = serde_json::to_value(list).expect("serializable");
    // Padding that was not needed is not in the list, and what is needed may not fit.
    if let Ok(read) = serde_json::from_value::<Vec<MobilityOption>>(json.clone()) {
        prop_assert_eq!(serde_json::to_value(&read).expect("serializable"), json);
    }
    Ok(())
}
