//! The authentication of whole messages (RFC 4285 section 5.1).
#![cfg(feature = "auth")]

use std::net::Ipv6Addr;

use bytes::Bytes;
use pmip_wire::auth::{
    Addresses, InvalidAssociation, SecurityAssociation, SignError, VerifyError, spi,
};
use pmip_wire::{
    AuthenticationSubtype, BindingAuthorizationDataForFmip, BindingError, BindingUpdate,
    BindingUpdateFlags, ChecksumContext, Heartbeat, Lifetime, Message, MhType,
    MobileNodeIdentifier, MobilityHeader, MobilityMessageAuthentication, MobilityOption,
    MobilityOptions, OpaqueOctets, OptionType, SequenceNumber, Status, UnknownMessage,
    UnknownOption,
};
use proptest::collection::vec;
use proptest::prelude::*;

const UDP: ChecksumContext = ChecksumContext::Udp;
const KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const GATEWAY: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const ANCHOR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

/// A Binding Update without options, Pad1 up to 8n+5, the option up to its SPI. The rest is the
/// first 96 bits of HMAC-SHA1 under [`KEY`] over 32 octets of addresses and these 20.
const COVERED: [u8; 20] = [
    59, 3, 5, 0, 0, 0, 0x12, 0x34, 0x82, 0, 3, 0x84, 0, 9, 17, 1, 0, 0, 1, 0,
];
const OVER_IPV6: [u8; 12] = [
    0xd2, 0x41, 0xd0, 0x76, 0xa3, 0xcb, 0x54, 0xd6, 0xea, 0x10, 0xd4, 0x09,
];
const OVER_IPV4: [u8; 12] = [
    0x5c, 0x31, 0xb2, 0xa7, 0x93, 0x70, 0x8f, 0xf8, 0x41, 0xf9, 0xaf, 0x3e,
];

fn association() -> SecurityAssociation {
    SecurityAssociation::new(256, &KEY).expect("usable")
}

fn update(options: MobilityOptions) -> Message {
    BindingUpdate {
        sequence: SequenceNumber(0x1234),
        flags: BindingUpdateFlags::ACKNOWLEDGE | BindingUpdateFlags::PROXY,
        lifetime: Lifetime::from_secs(3600),
        options,
    }
    .into()
}

fn verify(wire: &[u8], addresses: Addresses) -> Result<(), VerifyError> {
    let header = MobilityHeader::parse(wire, UDP).expect("well-formed");
    association().verify(&header, addresses)
}

#[test]
fn the_data_is_what_the_rfc_computes() {
    let message = update(MobilityOptions::new());
    let signed = |addresses| {
        association()
            .sign(&message, addresses, UDP)
            .expect("it fits")
    };
    let over_ipv6 = [&COVERED[..], &OVER_IPV6].concat();
    assert_eq!(signed(Addresses::proxy(GATEWAY)), over_ipv6);
    assert_eq!(verify(&over_ipv6, Addresses::proxy(GATEWAY)), Ok(()));
    let over_ipv4 = [&COVERED[..], &OVER_IPV4].concat();
    assert_eq!(signed(Addresses::ZERO), over_ipv4);
    assert_eq!(verify(&over_ipv4, Addresses::ZERO), Ok(()));
    assert_eq!(
        verify(&over_ipv4, Addresses::proxy(GATEWAY)),
        Err(VerifyError::Mismatch)
    );
}

/// The checksum counts as zero, and is right over the signed message.
#[test]
fn the_checksum_is_not_covered_but_right() {
    let context = ChecksumContext::Ipv6 {
        source: GATEWAY,
        destination: ANCHOR,
    };
    let addresses = Addresses::proxy(GATEWAY);
    let message = update(MobilityOptions::new());
    let wire = association()
        .sign(&message, addresses, context)
        .expect("it fits");
    assert_eq!(wire[20..], OVER_IPV6);
    assert_ne!(wire[4..6], [0, 0]);
    let header = MobilityHeader::parse(&wire, context).expect("the checksum is right");
    assert_eq!(association().verify(&header, addresses), Ok(()));
}

/// Whatever length the options have, the authentication ends the message, and what is decoded
/// encodes to the same octets.
#[test]
fn it_ends_every_message() {
    for length in 0..64 {
        let unknown = UnknownOption::new(OptionType::Unknown(200), Bytes::from(vec![7; length]));
        let options = MobilityOptions::new()
            .with(unknown.expect("short"))
            .expect("it fits");
        let message = update(options);
        let wire = association()
            .sign(&message, Addresses::ZERO, UDP)
            .expect("it fits");
        assert_eq!(wire[wire.len() - 19..wire.len() - 12], COVERED[13..]);
        assert_eq!(verify(&wire, Addresses::ZERO), Ok(()), "{length}");
        let decoded = Message::decode(&wire, UDP).expect("well-formed");
        assert_eq!(decoded.to_bytes(UDP), wire, "{length}");
        assert!(wire.len() <= message.encoded_len() + 24, "{length}");
    }
    for message in [
        Message::from(Heartbeat::request(9)),
        BindingError::unrecognized_mh_type().into(),
    ] {
        let wire = association()
            .sign(&message, Addresses::ZERO, UDP)
            .expect("it fits");
        assert_eq!(verify(&wire, Addresses::ZERO), Ok(()));
    }
}

/// One changed bit is found, wherever it is; only the checksum is free over UDP.
#[test]
fn one_flipped_bit_is_no_longer_authentic() {
    let id = MobileNodeIdentifier::nai("mn@example.net").expect("short");
    let message = update(MobilityOptions::new().with(id).expect("it fits"));
    let wire = association()
        .sign(&message, Addresses::ZERO, UDP)
        .expect("it fits");
    for place in (0..wire.len()).filter(|place| ![4, 5].contains(place)) {
        for bit in 0..8 {
            let mut changed = wire.to_vec();
            changed[place] ^= 1 << bit;
            let Ok(header) = MobilityHeader::parse(&changed, UDP) else {
                continue;
            };
            let verdict = association().verify(&header, Addresses::ZERO);
            assert!(verdict.is_err(), "bit {bit} of octet {place}");
        }
    }
}

/// An option that someone puts behind the authentication is not covered by it.
#[test]
fn nothing_may_follow() {
    let message = update(MobilityOptions::new());
    let wire = association()
        .sign(&message, Addresses::ZERO, UDP)
        .expect("it fits");
    let with = |behind: &[u8]| {
        let mut longer = [&wire[..], behind].concat();
        longer[1] += 1;
        verify(&longer, Addresses::ZERO)
    };
    assert_eq!(
        with(&[23, 2, 0, 1, 1, 2, 0, 0]),
        Err(VerifyError::Misplaced)
    );
    assert_eq!(with(&[9, 6, 1, 0, 0, 1, 0, 1]), Err(VerifyError::Misplaced));
    // An AAA's authentication may follow; here it is the length that no longer matches.
    assert_eq!(with(&[9, 6, 2, 0, 0, 0, 3, 1]), Err(VerifyError::Mismatch));
}

/// RFC 4285 section 5: a receiver discards MN-AAA before MN-HA, so nothing of that order is signed.
#[test]
fn the_order_of_two_kinds_is_kept() {
    let option = |subtype, spi| {
        MobilityMessageAuthentication::new(subtype, spi, vec![0; 12]).expect("short")
    };
    let aaa = option(AuthenticationSubtype::MobileNodeAndAaa, 3);
    let options = MobilityOptions::new().with(aaa).expect("it fits");
    let sign = |message| association().sign(&message, Addresses::ZERO, UDP);
    assert_eq!(sign(update(options.clone())), Err(SignError::Misplaced));

    let home_agent = option(AuthenticationSubtype::MobileNodeAndHomeAgent, 256);
    let wire = update(options.with(home_agent).expect("it fits")).to_bytes(UDP);
    assert_eq!(verify(&wire, Addresses::ZERO), Err(VerifyError::Misplaced));
}

/// An option that must be the last (RFC 6275 section 6.2.7, RFC 5568 section 6.4.5) leaves no place
/// for the authentication.
#[test]
fn nothing_is_signed_behind_an_option_that_must_be_last() {
    let data = OpaqueOctets::new(vec![0; 12]).expect("short");
    let fmip = BindingAuthorizationDataForFmip::new(1, vec![0; 12]).expect("short");
    for last in [MobilityOption::BindingAuthorizationData(data), fmip.into()] {
        let options = MobilityOptions::new().with(last).expect("it fits");
        let signed = association().sign(&update(options), Addresses::ZERO, UDP);
        assert_eq!(signed, Err(SignError::Misplaced));
    }
}

#[test]
fn other_keys_and_other_lengths_are_refused() {
    let plain = update(MobilityOptions::new());
    let header = plain.to_bytes(UDP);
    assert_eq!(verify(&header, Addresses::ZERO), Err(VerifyError::Missing));

    let other = SecurityAssociation::new(257, &KEY).expect("usable");
    let wire = other.sign(&plain, Addresses::ZERO, UDP).expect("it fits");
    let header = MobilityHeader::parse(&wire, UDP).expect("well-formed");
    assert_eq!(spi(&header), Ok(Some(257)));
    assert_eq!(
        verify(&wire, Addresses::ZERO),
        Err(VerifyError::OtherSpi { found: 257 })
    );

    // A prefix of the right data is not enough: it would be guessed.
    let subtype = AuthenticationSubtype::MobileNodeAndHomeAgent;
    for length in 0..12 {
        let short = MobilityMessageAuthentication::new(subtype, 256, OVER_IPV4[..length].to_vec());
        let message = update(
            MobilityOptions::new()
                .with(short.expect("short"))
                .expect("it fits"),
        );
        let wire = message.to_bytes(UDP);
        assert_eq!(
            verify(&wire, Addresses::ZERO),
            Err(VerifyError::Mismatch),
            "{length}"
        );
    }
}

/// RFC 4285 section 5.1.1: only wrong data is answered, with status 146.
#[test]
fn only_a_mismatch_is_answered() {
    assert_eq!(
        VerifyError::Mismatch.status(),
        Some(Status::AuthenticationFailed)
    );
    assert_eq!(VerifyError::Missing.status(), None);
    assert_eq!(VerifyError::OtherSpi { found: 300 }.status(), None);
}

#[test]
fn what_cannot_be_signed_is_said() {
    let unknown = UnknownMessage::new(MhType::Unknown(99), Bytes::from_static(&[0; 10]));
    let unknown = Message::from(unknown.expect("8n+2 octets"));
    let sign = |message: &Message| association().sign(message, Addresses::ZERO, UDP);
    assert_eq!(sign(&unknown), Err(SignError::Untyped));

    let signed = sign(&update(MobilityOptions::new())).expect("it fits");
    let signed = Message::decode(&signed, UDP).expect("well-formed");
    assert_eq!(sign(&signed), Err(SignError::AlreadySigned));

    let mut options = MobilityOptions::new();
    let long = UnknownOption::new(OptionType::Unknown(200), Bytes::from(vec![0; 255]));
    while options.push(long.clone().expect("short")).is_ok() {}
    let short = UnknownOption::new(OptionType::Unknown(200), Bytes::new()).expect("short");
    while options.push(short.clone()).is_ok() {}
    assert_eq!(sign(&update(options)), Err(SignError::TooLong));

    assert_eq!(
        SecurityAssociation::new(255, &KEY).err(),
        Some(InvalidAssociation::ReservedSpi(255))
    );
    let empty = SecurityAssociation::new(256, &[]).err();
    assert_eq!(empty, Some(InvalidAssociation::EmptyKey));
}

#[test]
fn the_key_stays_out_of_logs() {
    assert_eq!(
        format!("{:?}", association()),
        "SecurityAssociation { spi: 256, .. }"
    );
}

proptest! {
    /// Nobody makes an authentic message without the key, and nothing panics.
    #[test]
    fn any_bytes_are_not_authentic(
        mh_type in 5..14u8,
        body in vec(any::<u8>(), 26..250),
        at in any::<prop::sample::Index>(),
    ) {
        let mut wire = vec![59, (body.len() / 8 - 1) as u8, mh_type, 0, 0, 0];
        wire.extend_from_slice(&body);
        let place = at.index(wire.len() - 12) + 6;
        for (slot, octet) in wire[place..].iter_mut().zip(&COVERED[13..]) {
            *slot = *octet;
        }
        if let Ok(header) = MobilityHeader::parse(&wire, UDP) {
            prop_assert!(association().verify(&header, Addresses::ZERO).is_err());
        }
    }
}
