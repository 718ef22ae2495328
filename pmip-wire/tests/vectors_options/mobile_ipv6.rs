//! Options that Mobile IPv6 has too: types 2 to 35.

use pmip_wire::{
    Answer, AuthenticationSubtype, BindingAuthorizationDataForFmip, BindingIdentifier, DnsUpdate,
    DnsUpdateStatus, GreKey, HandoverAddressCode, InvalidOption, Ipv4AddressAcknowledgement,
    Ipv4AddressAcknowledgementStatus, Ipv4HomeAddress, Ipv6Prefix, Lifetime, LinkLayerAddressCode,
    MobilityHeaderIpv6AddressPrefix, MobilityHeaderLinkLayerAddress, MobilityMessageAuthentication,
    MobilityOption, NonceIndices, OpaqueOctets, ServiceSelection, Status,
};

use crate::{ADDRESS, TWELVE, address, decode, golden, opaque};

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
    assert_eq!(
        malformed.answer(),
        Answer::BindingAcknowledgement(Status::McoaMalformed)
    );
    let reserved = BindingIdentifier::new(7).with_priority(0);
    assert_eq!(reserved, Err(InvalidOption::Reserved { number: 0 }));
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
