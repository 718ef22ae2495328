//! Golden vectors of options, written by hand from the figures of the RFCs; each is read and
//! written, cut at every octet, and given every shorter length.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pmip_wire::{
    ActiveMulticastSubscription, AuthenticationSubtype, BindingAuthorizationDataForFmip,
    BindingIdentifier, BindingUpdate, ChecksumContext, ContextRequest, DecodeError,
    DecodeErrorKind, DlifLinkLayerAddress, DnsUpdate, DnsUpdateStatus, DynamicIpMulticastSelector,
    ExpectedLength, Field, FlowSummary, GreKey, HandoverAddressCode, InvalidOption,
    Ipv4AddressAcknowledgement, Ipv4AddressAcknowledgementStatus, Ipv4HomeAddress, Ipv6Prefix,
    Layer, Lifetime, LinkLayerAddressCode, LoadInformation, Message, MobileNodeGroupIdentifier,
    MobilityHeaderIpv6AddressPrefix, MobilityHeaderLinkLayerAddress, MobilityMessageAuthentication,
    MobilityOption, MobilityOptions, MulticastAcknowledgement, MulticastAcknowledgementStatus,
    MulticastMobility, MulticastPayload, MulticastReportType, NonceIndices, OpaqueOctets,
    OptionType, PreviousMaar, ServiceSelection, Status, TransientBinding,
};
use proptest::collection::vec;
use proptest::prelude::*;

const UDP: ChecksumContext = ChecksumContext::Udp;

/// Octets of the fixed part of a Binding Update.
const START: usize = 12;

/// 2001:db8::1
const ADDRESS: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

fn address() -> Ipv6Addr {
    ADDRESS.into()
}

/// A Binding Update whose options are the octets `region`, padded at the end with zeros.
fn wire(region: &[u8]) -> Vec<u8> {
    let octets = (START + region.len()).next_multiple_of(8);
    let mut wire = vec![59, (octets / 8 - 1) as u8, 5, 0, 0, 0, 0, 1, 0, 0, 0, 2];
    wire.extend_from_slice(region);
    wire.resize(octets, 0);
    wire
}

fn update(option: MobilityOption) -> Message {
    let options = MobilityOptions::new().with(option).expect("it fits");
    BindingUpdate {
        sequence: pmip_wire::SequenceNumber(1),
        lifetime: Lifetime::from_units(2),
        options,
        ..BindingUpdate::default()
    }
    .into()
}

fn decode(region: &[u8]) -> Result<MobilityOption, DecodeError> {
    let message = Message::decode_slice(&wire(region), UDP)?;
    let options = message.options().expect("a Binding Update has options");
    Ok(options.as_slice().first().expect("an option").clone())
}

/// `option` makes the octets `leading`, which are padding, `octets`, and `trailing`, which is
/// padding up to a multiple of eight; and it is read from `octets` wherever they stand.
#[track_caller]
fn golden(option: impl Into<MobilityOption>, leading: &[u8], octets: &[u8], trailing: &[u8]) {
    let option = option.into();
    let region = [leading, octets, trailing].concat();
    assert_eq!(
        (START + region.len()) % 8,
        0,
        "the vector itself ends at 8n"
    );
    let message = update(option.clone());
    assert_eq!(message.to_bytes(UDP), wire(&region));
    assert_eq!(message.encoded_len(), START + region.len());
    assert_eq!(decode(&region), Ok(option.clone()));
    assert_eq!(decode(octets), Ok(option.clone()), "without alignment");
    assert_eq!(option.option_type().code(), octets[0]);
    every_cut_names_its_field(&option, octets);
    every_shorter_length_is_an_error_or_a_value(octets);
}

/// The message ends inside the option: the option and the cut field are named.
#[track_caller]
fn every_cut_names_its_field(option: &MobilityOption, octets: &[u8]) {
    let whole = wire(octets);
    for length in 1..octets.len() {
        let error = Message::decode_slice(&whole[..START + length], UDP).expect_err("it is cut");
        let DecodeErrorKind::Truncated {
            field,
            needed,
            available,
        } = error.kind
        else {
            panic!("{length}: {error}");
        };
        let expected = match length {
            1 => Field::OptionLength,
            _ => Field::OptionData,
        };
        assert_eq!(error.layer, Layer::Option(option.option_type()), "{length}");
        assert_eq!((field, error.offset), (expected, 12), "{length}: {error}");
        assert!(available < needed, "{length}: {error}");
    }
}

/// The option itself ends early: an error about this option, or a value that can be sent again.
#[track_caller]
fn every_shorter_length_is_an_error_or_a_value(octets: &[u8]) {
    let option_type = OptionType::from_code(octets[0]);
    let (unit, head) = match octets[0] {
        60 | 61 => (4, 4),
        _ => (1, 2),
    };
    for length in 0..octets[1] {
        let mut shorter = octets[..head + usize::from(length) * unit].to_vec();
        shorter[1] = length;
        match decode(&shorter) {
            Ok(option) => assert_eq!(
                Message::decode(&update(option.clone()).to_bytes(UDP), UDP),
                Ok(update(option))
            ),
            Err(error) => {
                let (Layer::Option(named) | Layer::SubOption(named, _)) = error.layer else {
                    panic!("{length}: {error}");
                };
                assert_eq!(named, option_type, "{length}: {error}");
            }
        }
    }
}

fn opaque(octets: &'static [u8]) -> OpaqueOctets {
    OpaqueOctets::new(octets).expect("short")
}

const TWELVE: [u8; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/// RFC 6275 section 6.2.4.
#[test]
fn binding_refresh_advice() {
    let advice = MobilityOption::BindingRefreshAdvice(Lifetime::from_units(0x0102));
    golden(advice, &[], &[2, 2, 1, 2], &[]);
}

/// RFC 6275 section 6.2.6: the home nonce index comes first.
#[test]
fn nonce_indices() {
    let indices = NonceIndices {
        home: 0x0102,
        care_of: 0x0304,
    };
    golden(indices, &[], &[4, 4, 1, 2, 3, 4], &[1, 4, 0, 0, 0, 0]);
}

/// RFC 6275 section 6.2.7: from 8n+2 it ends the message without padding.
#[test]
fn binding_authorization_data() {
    golden(
        MobilityOption::BindingAuthorizationData(opaque(&TWELVE)),
        &[1, 4, 0, 0, 0, 0],
        &[5, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
        &[],
    );
}

/// RFC 3963 section 4.3.
#[test]
fn mobile_network_prefix() {
    let prefix = Ipv6Prefix::new(address(), 56).expect("short");
    let octets = [&[6, 18, 0, 56][..], &ADDRESS].concat();
    golden(
        MobilityOption::MobileNetworkPrefix(prefix),
        &[],
        &octets,
        &[],
    );
}

/// RFC 5568 section 6.4.4.
#[test]
fn mobility_header_link_layer_address() {
    let lla = MobilityHeaderLinkLayerAddress::new(
        LinkLayerAddressCode::MobileNode,
        vec![2, 0, 0, 0, 0, 1],
    );
    golden(
        lla.expect("short"),
        &[],
        &[7, 7, 2, 2, 0, 0, 0, 0, 1],
        &[1, 1, 0],
    );
}

/// RFC 4285 section 5: from 8n+5, which is 4n+1, it ends the message without padding.
#[test]
fn mobility_message_authentication() {
    let subtype = AuthenticationSubtype::MobileNodeAndHomeAgent;
    let authentication = MobilityMessageAuthentication::new(subtype, 256, &TWELVE[..]);
    golden(
        authentication.expect("short"),
        &[0],
        &[9, 17, 1, 0, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
        &[],
    );
}

/// RFC 4285 section 6: 8n+2.
#[test]
fn replay_protection() {
    golden(
        MobilityOption::ReplayProtection(0x0102_0304_0506_0708),
        &[1, 4, 0, 0, 0, 0],
        &[10, 8, 1, 2, 3, 4, 5, 6, 7, 8],
        &[1, 2, 0, 0],
    );
}

/// RFC 4866 sections 5.1 to 5.6.
#[test]
fn options_of_enhanced_route_optimization() {
    golden(
        MobilityOption::CgaParametersRequest(()),
        &[],
        &[11, 0],
        &[1, 0],
    );
    golden(
        MobilityOption::CgaParameters(opaque(&[1, 2, 3])),
        &[],
        &[12, 3, 1, 2, 3],
        &[1, 5, 0, 0, 0, 0, 0],
    );
    golden(
        MobilityOption::Signature(opaque(&[0xaa, 0xbb])),
        &[],
        &[13, 2, 0xaa, 0xbb],
        &[],
    );
    golden(
        MobilityOption::PermanentHomeKeygenToken(opaque(&[8, 7, 6, 5, 4, 3, 2, 1])),
        &[],
        &[14, 8, 8, 7, 6, 5, 4, 3, 2, 1],
        &[1, 0],
    );
    golden(MobilityOption::CareOfTestInit(()), &[], &[15, 0], &[1, 0]);
    golden(
        MobilityOption::CareOfTest([1, 2, 3, 4, 5, 6, 7, 8]),
        &[],
        &[16, 8, 1, 2, 3, 4, 5, 6, 7, 8],
        &[1, 0],
    );
}

/// RFC 4866 section 5.1: 255 octets of CGA parameters, more to follow, are the longest option.
#[test]
fn the_longest_cga_parameters() {
    let octets = vec![7; 255];
    let region = [&[12, 255][..], &octets, &[1, 1, 0]].concat();
    let parameters = OpaqueOctets::new(octets).expect("short enough");
    assert_eq!(
        decode(&region),
        Ok(MobilityOption::CgaParameters(parameters))
    );
    let error = OpaqueOctets::new(vec![7; 256]).expect_err("too long");
    assert_eq!(
        error,
        InvalidOption::TooLong {
            length: 256,
            limit: 255
        }
    );
}

/// RFC 5026 section 8.1.
#[test]
fn dns_update() {
    let removal = DnsUpdate::new(true, &b"a.org"[..]).expect("short");
    golden(
        removal,
        &[],
        &[17, 7, 0, 0x80, b'a', b'.', b'o', b'r', b'g'],
        &[1, 1, 0],
    );
    let failed = DnsUpdate::new(false, &b"a.org"[..]).expect("short");
    golden(
        failed.with_status(DnsUpdateStatus::Failed),
        &[],
        &[17, 7, 130, 0, b'a', b'.', b'o', b'r', b'g'],
        &[1, 1, 0],
    );
}

/// RFC 5096: whatever the experiment holds.
#[test]
fn experimental() {
    golden(
        MobilityOption::Experimental(opaque(&[9, 8])),
        &[],
        &[18, 2, 9, 8],
        &[],
    );
}

/// RFC 5149 section 3: at least one octet.
#[test]
fn service_selection() {
    let ims = ServiceSelection::new("ims").expect("short");
    golden(ims, &[], &[20, 3, b'i', b'm', b's'], &[1, 5, 0, 0, 0, 0, 0]);
    let none = ServiceSelection::new("").expect_err("empty");
    assert_eq!(
        none,
        InvalidOption::TooShort {
            length: 0,
            least: 1
        }
    );
    let Ok(MobilityOption::ServiceSelection(odd)) = decode(&[20, 2, 0xff, 0xfe]) else {
        panic!("octets that are not UTF-8 are kept");
    };
    assert_eq!(
        (odd.as_str(), &odd.identifier()[..]),
        (None, &[0xff, 0xfe][..])
    );
}

/// RFC 5568 section 6.4.5: the SPI counts into the length; from 8n+6 it ends the message.
#[test]
fn binding_authorization_data_for_fmip() {
    let badf = BindingAuthorizationDataForFmip::new(0x0102_0304, &TWELVE[..]).expect("short");
    golden(
        badf,
        &[1, 0],
        &[21, 16, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
        &[],
    );
}

/// RFC 5555 section 3.1.1: six bits of prefix length, then P.
#[test]
fn ipv4_home_address() {
    let home = Ipv4HomeAddress::new([10, 0, 0, 1].into(), 24).expect("in range");
    golden(home, &[], &[29, 6, 0x60, 0, 10, 0, 0, 1], &[1, 2, 0, 0]);
    golden(
        home.with_prefix_requested(true),
        &[],
        &[29, 6, 0x62, 0, 10, 0, 0, 1],
        &[1, 2, 0, 0],
    );
    assert!(Ipv4HomeAddress::new([10, 0, 0, 1].into(), 0).is_err());
    assert!(Ipv4HomeAddress::new([10, 0, 0, 1].into(), 33).is_err());
}

/// RFC 5555 section 3.2.1: a failure has no prefix length, and one that is there is ignored.
#[test]
fn ipv4_address_acknowledgement() {
    let bound = Ipv4AddressAcknowledgement::accepted([10, 0, 0, 1].into(), 24).expect("short");
    golden(bound, &[], &[30, 6, 0, 0x60, 10, 0, 0, 1], &[1, 2, 0, 0]);
    let status = Ipv4AddressAcknowledgementStatus::PrefixAllocationUnauthorized;
    let refused = Ipv4AddressAcknowledgement::new(status, [10, 0, 0, 1].into());
    golden(refused, &[], &[30, 6, 133, 0, 10, 0, 0, 1], &[1, 2, 0, 0]);
    assert_eq!(decode(&[30, 6, 133, 0xff, 10, 0, 0, 1]), Ok(refused.into()));
}

/// RFC 5845 section 6.1: with a key and without.
#[test]
fn gre_key() {
    golden(GreKey { key: None }, &[], &[33, 2, 0, 0], &[]);
    let key = Some(0xdead_beef);
    golden(
        GreKey { key },
        &[],
        &[33, 6, 0, 0, 0xde, 0xad, 0xbe, 0xef],
        &[1, 2, 0, 0],
    );
}

/// RFC 5568 section 6.4.2, with the type of section 11.
#[test]
fn mobility_header_ipv6_address_prefix() {
    let option = MobilityHeaderIpv6AddressPrefix {
        code: HandoverAddressCode::NewCareOfAddress,
        prefix: Ipv6Prefix::new(address(), 128).expect("short"),
    };
    golden(
        option,
        &[],
        &[&[34, 18, 2, 128][..], &ADDRESS].concat(),
        &[],
    );
}

/// RFC 5648 section 4.3, RFC 6089 section 4.1: three lengths, at 8n+2.
#[test]
fn binding_identifier() {
    let leading = [1, 4, 0, 0, 0, 0];
    let plain = BindingIdentifier::new(0x0102)
        .with_home_and_foreign(true)
        .with_priority(5)
        .expect("in range");
    golden(plain, &leading, &[35, 4, 1, 2, 0, 0x85], &[]);
    golden(
        BindingIdentifier::new(7)
            .with_status(Status::McoaUnknownCareOfAddress)
            .with_care_of_address([192, 0, 2, 1].into()),
        &leading,
        &[35, 8, 0, 7, 167, 0, 192, 0, 2, 1],
        &[1, 2, 0, 0],
    );
    golden(
        BindingIdentifier::new(7).with_care_of_address(address().into()),
        &leading,
        &[&[35, 20, 0, 7, 0, 0][..], &ADDRESS].concat(),
        &[],
    );
    let malformed = decode(&[35, 5, 0, 7, 0, 0, 0]).expect_err("no such length");
    assert_eq!(malformed.status(), Some(Status::McoaMalformed));
    let error = BindingIdentifier::new(7)
        .with_priority(128)
        .expect_err("eight bits");
    assert_eq!(
        error,
        InvalidOption::NumberTooLarge {
            number: 128,
            limit: 127
        }
    );
}

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

#[test]
fn lengths_that_no_rfc_allows_are_refused() {
    use ExpectedLength::{AtLeast, Exactly, MultipleOf, OneOf};
    let cases = [
        (2, 3, Exactly(2)),
        (4, 2, Exactly(4)),
        (6, 17, Exactly(18)),
        (7, 0, AtLeast(1)),
        (9, 4, AtLeast(5)),
        (10, 4, Exactly(8)),
        (11, 1, Exactly(0)),
        (15, 1, Exactly(0)),
        (16, 7, Exactly(8)),
        (17, 1, AtLeast(2)),
        (20, 0, AtLeast(1)),
        (21, 3, AtLeast(4)),
        (29, 4, Exactly(6)),
        (30, 7, Exactly(6)),
        (33, 4, OneOf([2, 6, 6])),
        (33, 0, OneOf([2, 6, 6])),
        (34, 16, Exactly(18)),
        (35, 3, OneOf([4, 8, 20])),
        (35, 5, OneOf([4, 8, 20])),
        (35, 21, OneOf([4, 8, 20])),
        (40, 1, AtLeast(2)),
        (41, 1, OneOf([6, 18, 18])),
        (42, 8, Exactly(10)),
        (43, 1, Exactly(2)),
        (44, 0, MultipleOf(2)),
        (44, 3, MultipleOf(2)),
        (46, 0, Exactly(2)),
        (47, 1, AtLeast(2)),
        (48, 17, Exactly(18)),
        (50, 2, Exactly(6)),
        (51, 16, Exactly(18)),
        (54, 3, AtLeast(4)),
        (56, 0, AtLeast(1)),
        (57, 0, AtLeast(1)),
        (59, 0, OneOf([2, 6, 18])),
        (59, 7, OneOf([2, 6, 18])),
        (65, 17, Exactly(18)),
        (66, 19, Exactly(18)),
        (67, 18, Exactly(34)),
        (68, 18, Exactly(16)),
        (69, 6, Exactly(16)),
        (70, 1, AtLeast(2)),
    ];
    for (option_type, length, expected) in cases {
        let mut region = vec![option_type, length];
        region.resize(2 + usize::from(length), 0);
        let error = decode(&region).expect_err("a wrong length");
        let found = length.into();
        assert_eq!(
            error.kind,
            DecodeErrorKind::BadOptionLength { expected, found }
        );
        let layer = Layer::Option(OptionType::from_code(option_type));
        assert_eq!((error.layer, error.offset), (layer, 12));
    }
    // A report of no words lacks the number of its records: two octets of data, not six.
    for option_type in [60, 61] {
        let error = decode(&[option_type, 0, 1, 0]).expect_err("no report");
        let expected = AtLeast(6);
        assert_eq!(
            error.kind,
            DecodeErrorKind::BadOptionLength { expected, found: 2 }
        );
    }
}

#[test]
fn values_that_their_rfcs_forbid_are_refused() {
    let refused = |start: &[u8]| {
        let mut region = start.to_vec();
        region.resize(2 + usize::from(start[1]), 0);
        decode(&region).expect_err("a forbidden value").kind
    };
    let value = |field, found| DecodeErrorKind::BadValue { field, found };
    let prefix = |length, limit| DecodeErrorKind::PrefixTooLong { length, limit };
    assert_eq!(refused(&[6, 18, 0, 129]), prefix(129, 128));
    assert_eq!(refused(&[29, 6, 0, 0]), value(Field::PrefixLength, 0));
    assert_eq!(refused(&[29, 6, 33 << 2, 0]), prefix(33, 32));
    assert_eq!(refused(&[30, 6, 0, 33 << 2]), prefix(33, 32));
    assert_eq!(refused(&[34, 18, 4, 129]), prefix(129, 128));
    assert_eq!(refused(&[41, 18, 3, 0]), value(Field::OptionCode, 3));
    assert_eq!(refused(&[47, 18, 0xc0, 0]), value(Field::Flags, 0xc0));
    assert_eq!(refused(&[47, 18, 0, 0]), value(Field::Flags, 0));
    assert_eq!(refused(&[51, 18, 0, 64]), value(Field::AddressLength, 64));
    assert_eq!(refused(&[67, 34, 0, 129]), prefix(129, 128));
    // The code says one family, the length the other.
    let expected = ExpectedLength::Exactly(18);
    let kind = DecodeErrorKind::BadOptionLength { expected, found: 6 };
    assert_eq!(refused(&[41, 6, 1, 0]), kind);
    assert_eq!(refused(&[47, 6, 0x80, 0]), kind);
}

/// Reserved bits that are set are ignored, whatever the option.
#[test]
fn reserved_bits_are_ignored() {
    let same: [(&[u8], &[u8]); 5] = [
        (&[33, 2, 0xff, 0xff], &[33, 2, 0, 0]),
        (&[43, 2, 0xff, 9], &[43, 2, 1, 9]),
        (&[46, 2, 1, 2], &[46, 2, 0, 0]),
        (&[50, 6, 1, 9, 0, 0, 0, 1], &[50, 6, 1, 0, 0, 0, 0, 1]),
        (&[59, 2, 7, 7], &[59, 2, 0, 0]),
    ];
    for (set, clear) in same {
        assert_eq!(decode(set), decode(clear));
    }
}

/// A list of options is held in place: one large option would make every message large.
#[test]
fn an_option_is_small() {
    let borrowed = size_of::<MobilityOption<&[u8]>>();
    assert!(borrowed <= 40, "{borrowed}");
    let owned = size_of::<MobilityOption>();
    assert!(owned <= 56, "{owned}");
}

#[test]
fn errors_name_the_lengths_they_ask_for() {
    let text = |region: &[u8]| decode(region).expect_err("a wrong length").to_string();
    assert_eq!(
        text(&[35, 5, 0, 1, 0, 0, 0]),
        "Binding Identifier (35) option at octet 12: the length must be 4, 8 or 20, found 5"
    );
    assert_eq!(
        text(&[33, 3, 0, 0, 0]),
        "GRE Key (33) option at octet 12: the length must be 2 or 6, found 3"
    );
    assert_eq!(
        text(&[44, 1, 0]),
        "Flow Summary (44) option at octet 12: the length must be a multiple of 2, found 1"
    );
}

/// What cannot be encoded cannot be read from text either.
#[test]
fn serde_refuses_what_could_not_be_built() {
    let refused = |option: MobilityOption, from: &str, to: &str| {
        let text = serde_json::to_string(&option).expect("serializable");
        let read = |text: &str| serde_json::from_str::<MobilityOption>(text);
        assert_eq!(read(&text).expect("readable"), option);
        let changed = text.replace(from, to);
        assert_ne!(text, changed, "nothing to change");
        assert!(read(&changed).is_err(), "{changed}");
    };
    let ims = ServiceSelection::new("i").expect("short");
    refused(ims.into(), "[105]", "[]");
    let flows = FlowSummary::new(&[0x0102]).expect("one");
    refused(flows.into(), "[1,2]", "[1,2,3]");
    let home = Ipv4HomeAddress::new([10, 0, 0, 1].into(), 24).expect("in range");
    refused(home.into(), "24", "0");
    refused(home.into(), "24", "33");
    let request = ContextRequest::new([(OptionType::VendorSpecific, &[7][..])]).expect("short");
    refused(request.into(), "[19,1,7]", "[19,2,7]");
    let words = MulticastMobility::new(MulticastPayload::Mldv2, vec![0, 0, 0, 0]).expect("a word");
    refused(words.into(), "[0,0,0,0]", "[0,0,0,0,0]");
    let prioritized = BindingIdentifier::new(1)
        .with_priority(127)
        .expect("in range");
    refused(prioritized.into(), "127", "128");
}

proptest! {
    /// Any data of any type: an error, or a value that can be sent again.
    #[test]
    fn any_data(option_type in 2..=u8::MAX, data in vec(any::<u8>(), 0..64)) {
        let length = match option_type {
            60 | 61 => data.len().saturating_sub(2) / 4,
            _ => data.len(),
        };
        let mut region = vec![option_type, length as u8];
        region.extend_from_slice(&data);
        if let Ok(message) = Message::decode_slice(&wire(&region), UDP) {
            prop_assert_eq!(Message::decode(&message.to_bytes(UDP), UDP), Ok(message));
        }
    }
}
