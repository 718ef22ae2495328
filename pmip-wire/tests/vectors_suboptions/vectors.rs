//! Options as the figures draw them.

use std::net::IpAddr;
use std::net::Ipv4Addr;

use bytes::Bytes;
use pmip_wire::traffic_selector::{
    Ipv4TrafficSelector, Ipv6TrafficSelector, OtherTrafficSelector, TrafficSelector, ValueRange,
};
use pmip_wire::{
    AllocationRetentionPriority, AniSubOption, BindingReference, BindingReregistrationControl,
    CivicLocation, CivicLocationFormat, FlowBindingAction, FlowIdentificationStatus, FlowSubOption,
    GeoLocation, HeartbeatControl, Ipv4TrafficOffloadSelector, LcmpSubOption, Lifetime,
    LmaControlledMagParameters, MobilityOption, NetworkIdentifier, OperatorIdentifier,
    OperatorIdentifierType, Preemption, QosAttribute, QosVendorSpecific, QualityOfService,
    SessionBitRate, TrafficSelectorFormat, UnknownSubOption,
};

use crate::{
    FULL_IPV4, FULL_IPV6, V6, ani, decode, dscp, flow, flow_head, full_ipv4, full_ipv6, qos, range,
    same,
};

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
    let selector = OtherTrafficSelector::new(TrafficSelectorFormat::Unknown(7), vec![0xaa])
        .map(TrafficSelector::from)
        .expect("a format of its own");
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
