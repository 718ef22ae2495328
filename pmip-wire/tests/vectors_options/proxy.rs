//! Options of Proxy Mobile IPv6 and its extensions: types 40 to 70.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pmip_wire::{
    ActiveMulticastSubscription, ContextRequest, DecodeErrorKind, DlifLinkLayerAddress,
    DynamicIpMulticastSelector, Field, FlowSummary, InvalidOption, Ipv6Prefix, Layer,
    LoadInformation, MobileNodeGroupIdentifier, MobilityOption, MulticastAcknowledgement,
    MulticastAcknowledgementStatus, MulticastMobility, MulticastPayload, MulticastReportType,
    OptionType, PreviousMaar, TransientBinding,
};

use crate::{ADDRESS, address, decode, golden};

/// RFC 5949 section 6.2.1: the example of the RFC.
#[test]
fn context_request() {
    let wanted = [
        (OptionType::HomeNetworkPrefix, &[][..]),
        (OptionType::LinkLayerIdentifier, &[][..]),
        (OptionType::VendorSpecific, &[0, 0, 0, 9, 7][..]),
    ];
    let request = ContextRequest::new(wanted).expect("short");
    assert!(request.requests().eq(wanted));
    golden(
        request,
        &[],
        &[40, 13, 0, 0, 22, 0, 25, 0, 19, 5, 0, 0, 0, 9, 7],
        &[1, 3, 0, 0, 0],
    );
}

/// A request that runs past its option is found, and its place told.
#[test]
fn a_cut_context_request_is_named() {
    let cut = |region: &[u8]| {
        let error = decode(region).expect_err("it is cut");
        let DecodeErrorKind::Truncated {
            field,
            needed,
            available,
        } = error.kind
        else {
            panic!("{error}");
        };
        (error.layer, error.offset, field, needed, available)
    };
    let layer = Layer::SubOption(OptionType::ContextRequest, 19);
    assert_eq!(
        cut(&[40, 8, 0, 0, 22, 0, 19, 5, 1, 2]),
        (layer, 18, Field::OptionData, 5, 2)
    );
    assert_eq!(
        cut(&[40, 5, 0, 0, 22, 0, 19]),
        (layer, 18, Field::OptionLength, 1, 0)
    );
    let long = vec![0; 252];
    let error = ContextRequest::new([(OptionType::VendorSpecific, &long[..])]);
    assert_eq!(
        error,
        Err(InvalidOption::TooLong {
            length: 254,
            limit: 253
        })
    );
}

/// RFC 5949 section 6.2.2: the code tells the family.
#[test]
fn local_mobility_anchor_address() {
    golden(
        MobilityOption::LocalMobilityAnchorAddress(address().into()),
        &[],
        &[&[41, 18, 1, 0][..], &ADDRESS].concat(),
        &[],
    );
    golden(
        MobilityOption::LocalMobilityAnchorAddress([192, 0, 2, 1].into()),
        &[],
        &[41, 6, 2, 0, 192, 0, 2, 1],
        &[1, 2, 0, 0],
    );
}

/// RFC 5949 section 6.2.3.
#[test]
fn interface_identifier() {
    golden(
        MobilityOption::MobileNodeLinkLocalAddressInterfaceIdentifier([1, 2, 3, 4, 5, 6, 7, 8]),
        &[],
        &[42, 10, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8],
        &[],
    );
}

/// RFC 6058 section 5.1: L is the last bit; 20 units are two seconds.
#[test]
fn transient_binding() {
    let late = TransientBinding {
        late_path_switch: true,
        lifetime: 20,
    };
    assert_eq!(late.duration().as_secs(), 2);
    golden(late, &[], &[43, 2, 1, 20], &[]);
}

/// RFC 6089 section 4.2.2.
#[test]
fn flow_summary() {
    let flows = FlowSummary::new(&[1, 0x0102]).expect("two");
    assert!(flows.flow_ids().eq([1, 0x0102]));
    golden(flows, &[], &[44, 4, 0, 1, 1, 2], &[1, 4, 0, 0, 0, 0]);
    assert!(FlowSummary::new(&[]).is_err());
    assert!(FlowSummary::new(&[1; 127]).is_ok());
    assert!(FlowSummary::new(&[1; 128]).is_err());
    let reserved = InvalidOption::Reserved { number: 0 };
    assert_eq!(FlowSummary::new(&[1, 0]), Err(reserved));
}

/// RFC 6463 sections 4.1 and 4.2: K for IPv6, N for IPv4.
#[test]
fn redirect() {
    golden(
        MobilityOption::RedirectCapability(()),
        &[],
        &[46, 2, 0, 0],
        &[],
    );
    golden(
        MobilityOption::Redirect(address().into()),
        &[],
        &[&[47, 18, 0x80, 0][..], &ADDRESS].concat(),
        &[],
    );
    golden(
        MobilityOption::Redirect([192, 0, 2, 1].into()),
        &[],
        &[47, 6, 0x40, 0, 192, 0, 2, 1],
        &[1, 2, 0, 0],
    );
}

/// RFC 6463 section 4.3.
#[test]
fn load_information() {
    let load = LoadInformation {
        priority: 0x0102,
        sessions_in_use: 3,
        maximum_sessions: 4,
        used_capacity: 5,
        maximum_capacity: 0x0600_0000,
    };
    golden(
        load,
        &[],
        &[48, 18, 1, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 6, 0, 0, 0],
        &[],
    );
}

/// RFC 6602 section 4.3: sub-type 1, group 1 is all sessions.
#[test]
fn mobile_node_group_identifier() {
    let all = MobileNodeGroupIdentifier::ALL_SESSIONS;
    golden(all, &[], &[50, 6, 1, 0, 0, 0, 0, 1], &[1, 2, 0, 0]);
}

/// RFC 6705 section 11.1: the address length is 128.
#[test]
fn mag_ipv6_address() {
    golden(
        MobilityOption::MagIpv6Address(address()),
        &[],
        &[&[51, 18, 0, 128][..], &ADDRESS].concat(),
        &[],
    );
}

/// RFC 7028 section 5.1.2: 143 is MLDv2; M is the upper bit of the second octet.
#[test]
fn dynamic_ip_multicast_selector() {
    let records = vec![4, 0, 0, 1];
    let selector = DynamicIpMulticastSelector::new(MulticastReportType::Mldv2, true, 1, records);
    golden(
        selector.expect("short"),
        &[],
        &[54, 8, 143, 0x80, 0, 1, 4, 0, 0, 1],
        &[1, 0],
    );
}

/// RFC 7161 section 6.1: 0x16 is IGMPv2; 4n+1.
#[test]
fn active_multicast_subscription_ipv4() {
    let group = ActiveMulticastSubscription::new(MulticastReportType::Igmpv2, vec![239, 1, 2, 3]);
    golden(
        MobilityOption::ActiveMulticastSubscriptionIpv4(group.expect("short")),
        &[0],
        &[56, 5, 0x16, 239, 1, 2, 3],
        &[1, 2, 0, 0],
    );
}

/// RFC 7161 section 4.1: 131 is MLDv1; 8n+1.
#[test]
fn active_multicast_subscription_ipv6() {
    let context = [&[0; 4][..], &ADDRESS].concat();
    let group = ActiveMulticastSubscription::new(MulticastReportType::Mldv1, context);
    golden(
        MobilityOption::ActiveMulticastSubscriptionIpv6(group.expect("short")),
        &[1, 3, 0, 0, 0],
        &[&[57, 21, 131, 0, 0, 0, 0][..], &ADDRESS].concat(),
        &[],
    );
}

/// RFC 7389 section 4: three lengths, at 8n+2.
#[test]
fn lma_user_plane_address() {
    let leading = [1, 4, 0, 0, 0, 0];
    let option = MobilityOption::LmaUserPlaneAddress;
    golden(option(None), &leading, &[59, 2, 0, 0], &[1, 0]);
    golden(
        option(Some(IpAddr::from(Ipv4Addr::new(192, 0, 2, 1)))),
        &leading,
        &[59, 6, 0, 0, 192, 0, 2, 1],
        &[1, 4, 0, 0, 0, 0],
    );
    golden(
        option(Some(address().into())),
        &leading,
        &[&[59, 18, 0, 0][..], &ADDRESS].concat(),
        &[1, 0],
    );
}

/// RFC 7411 sections 5.3 and 5.4: Length counts words.
#[test]
fn multicast_mobility_and_acknowledgement() {
    let none = MulticastMobility::new(MulticastPayload::Mldv2, vec![0, 0, 0, 0]);
    golden(
        none.expect("a word"),
        &[],
        &[60, 1, 2, 0, 0, 0, 0, 0],
        &[1, 2, 0, 0],
    );
    let status = MulticastAcknowledgementStatus::GroupServiceProhibited;
    let refused = MulticastAcknowledgement::new(status, vec![0, 0, 0, 1, 4, 0, 0, 0]);
    golden(
        refused.expect("words"),
        &[],
        &[61, 2, 0, 3, 0, 0, 0, 1, 4, 0, 0, 0],
        &[],
    );
    let odd = MulticastMobility::new(MulticastPayload::Mldv2, vec![0; 5]);
    assert_eq!(odd, Err(InvalidOption::NotWords { length: 5 }));
    assert!(MulticastMobility::new(MulticastPayload::Mldv2, vec![0; 1020]).is_ok());
    assert!(MulticastMobility::new(MulticastPayload::Mldv2, vec![0; 1024]).is_err());
}

/// RFC 8885 sections 4.3 to 4.8.
#[test]
fn options_of_distributed_mobility() {
    let prefix = Ipv6Prefix::new(address(), 64).expect("short");
    let anchored = [&[65, 18, 0, 64][..], &ADDRESS].concat();
    golden(MobilityOption::AnchoredPrefix(prefix), &[], &anchored, &[]);
    let local = [&[66, 18, 0, 64][..], &ADDRESS].concat();
    golden(MobilityOption::LocalPrefix(prefix), &[], &local, &[]);
    let router = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 9);
    let previous = PreviousMaar {
        address: router,
        prefix,
    };
    let router_octets = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    let octets = [&[67, 34, 0, 64][..], &router_octets, &ADDRESS].concat();
    golden(previous, &[], &octets, &[]);
    let serving = [&[68, 16][..], &ADDRESS].concat();
    golden(
        MobilityOption::ServingMaar(address()),
        &[1, 0],
        &serving,
        &[],
    );
    let link_local = [&[69, 16][..], &ADDRESS].concat();
    golden(
        MobilityOption::DlifLinkLocalAddress(address()),
        &[1, 0],
        &link_local,
        &[],
    );
    let mac = DlifLinkLayerAddress::new(vec![2, 0, 0, 0, 0, 1]).expect("short");
    golden(mac, &[], &[70, 8, 0, 0, 2, 0, 0, 0, 0, 1], &[1, 0]);
}
