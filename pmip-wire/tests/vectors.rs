//! Golden vectors, written by hand from the figures of the RFCs: the encoder must produce these
//! octets and the decoder must read them, so a codec that is wrong in both directions fails here.

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use pmip_wire::{
    AccessTechnologyType, BindingAckFlags, BindingAcknowledgement, BindingError, BindingUpdate,
    BindingUpdateFlags, ChecksumContext, DelegatedMobileNetworkPrefix, HandoffIndicator, Heartbeat,
    HomeNetworkPrefix, Ipv4DhcpSupportMode, Ipv4HomeAddressReply, Ipv4HomeAddressRequest,
    Ipv4HomeAddressStatus, Lifetime, LinkLayerIdentifier, MagIdentifier, MagMultipathBinding,
    Message, MhType, MnIdSubtype, MobileNodeIdentifier, MobilityOption, MobilityOptions,
    MulticastMobility, MulticastPayload, NatDetection, OptionType, SequenceNumber, Status,
    Timestamp, UnknownMessage, UnknownOption, VendorSpecific,
};

const UDP: ChecksumContext = ChecksumContext::Udp;

/// `message` and `wire` are the same, both ways, over UDP.
#[track_caller]
fn same(message: impl Into<Message>, wire: &[u8]) {
    let message = message.into();
    assert_eq!(Message::decode_slice(wire, UDP), Ok(message.clone()));
    assert_eq!(message.to_bytes(UDP), wire);
    assert_eq!(message.encoded_len(), wire.len());
}

/// `option`, first in a Binding Update, makes the octets `region` behind the fixed part. Without
/// the leading padding that alignment asks for it reads the same.
#[track_caller]
fn option(option: impl Into<MobilityOption>, leading_padding: usize, region: &[u8]) {
    let option = option.into();
    let update = |option: &MobilityOption| BindingUpdate {
        sequence: SequenceNumber(0x0102),
        flags: BindingUpdateFlags::ACKNOWLEDGE | BindingUpdateFlags::PROXY,
        lifetime: Lifetime::from_units(0x0304),
        options: MobilityOptions::new().with(option.clone()).expect("fits"),
    };
    let octets = 12 + region.len();
    assert_eq!(octets % 8, 0, "the vector itself must end at 8n");
    let header = [59, (octets / 8 - 1) as u8, 5, 0, 0, 0, 1, 2, 0x82, 0, 3, 4];
    same(update(&option), &[&header[..], region].concat());
    assert_eq!(
        Some(option.option_type().code()),
        region.get(leading_padding).copied()
    );

    let misaligned = [
        &header[..],
        &region[leading_padding..],
        &vec![0; leading_padding],
    ]
    .concat();
    assert_eq!(
        Message::decode_slice(&misaligned, UDP),
        Ok(update(&option).into()),
        "receivers take options anywhere"
    );
}

/// RFC 6275 section 6.1.7 and RFC 5213 section 8.1: A and P; PadN(2) fills up to 16 octets.
#[test]
fn proxy_binding_update() {
    same(
        BindingUpdate {
            sequence: SequenceNumber(0x1234),
            flags: BindingUpdateFlags::ACKNOWLEDGE | BindingUpdateFlags::PROXY,
            lifetime: Lifetime::from_secs(3600),
            options: MobilityOptions::new(),
        },
        &[
            59, 1, 5, 0, 0, 0, 0x12, 0x34, // header, sequence
            0x82, 0x00, 0x03, 0x84, 1, 2, 0, 0, // flags, 900 units, PadN
        ],
    );
}

/// Every flag of a Binding Update on its own bit, in the order of the figures.
#[test]
fn binding_update_flags() {
    use BindingUpdateFlags as F;
    let in_order = [
        F::ACKNOWLEDGE,
        F::HOME_REGISTRATION,
        F::LINK_LOCAL_COMPATIBILITY,
        F::KEY_MANAGEMENT,
        F::MAP_REGISTRATION,
        F::MOBILE_ROUTER,
        F::PROXY,
        F::FORCE_UDP,
        F::TLV_HEADER,
        F::BULK,
        F::MULTICAST_SIGNALLING,
        F::DISTRIBUTED,
    ];
    for (bit, flag) in in_order.into_iter().enumerate() {
        let word = (0x8000u16 >> bit).to_be_bytes();
        let update = BindingUpdate {
            flags: flag,
            ..BindingUpdate::default()
        };
        let wire = [59, 1, 5, 0, 0, 0, 0, 0, word[0], word[1], 0, 0, 1, 2, 0, 0];
        same(update, &wire);
    }
}

/// RFC 6275 section 6.1.8, RFC 5213 section 8.2.
#[test]
fn proxy_binding_acknowledgement() {
    same(
        BindingAcknowledgement {
            status: Status::TimestampLowerThanPreviouslyAccepted,
            flags: BindingAckFlags::PROXY,
            sequence: SequenceNumber(0x1234),
            lifetime: Lifetime::ZERO,
            options: MobilityOptions::new(),
        },
        &[59, 1, 6, 0, 0, 0, 157, 0x20, 0x12, 0x34, 0, 0, 1, 2, 0, 0],
    );
}

/// Every flag of a Binding Acknowledgement on its own bit, in the order of the figures.
#[test]
fn binding_acknowledgement_flags() {
    use BindingAckFlags as F;
    let in_order = [
        F::KEY_MANAGEMENT,
        F::MOBILE_ROUTER,
        F::PROXY,
        F::TLV_HEADER,
        F::BULK,
        F::MULTICAST_SIGNALLING,
        F::DISTRIBUTED,
    ];
    for (bit, flags) in in_order.into_iter().enumerate() {
        let ack = BindingAcknowledgement {
            status: Status::Accepted,
            flags,
            sequence: SequenceNumber(0),
            lifetime: Lifetime::ZERO,
            options: MobilityOptions::new(),
        };
        let wire = [59, 1, 6, 0, 0, 0, 0, 0x80 >> bit, 0, 0, 0, 0, 1, 2, 0, 0];
        same(ack, &wire);
    }
}

/// RFC 6275 section 6.1.9: 24 octets without options, so no padding.
#[test]
fn binding_error() {
    same(
        BindingError::unrecognized_mh_type(),
        &[
            59, 2, 7, 0, 0, 0, 2, 0, // header, status 2
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // home address
        ],
    );
}

/// RFC 5847 section 3.3: a request, a response, and an unsolicited response.
#[test]
fn heartbeat() {
    let wire = |flags| {
        [
            59, 1, 13, 0, 0, 0, 0, flags, 0xde, 0xad, 0xbe, 0xef, 1, 2, 0, 0,
        ]
    };
    same(Heartbeat::request(0xdead_beef), &wire(0));
    same(Heartbeat::response(0xdead_beef), &wire(1));
    let unsolicited = Heartbeat {
        unsolicited: true,
        ..Heartbeat::response(0xdead_beef)
    };
    same(unsolicited, &wire(3));
}

/// RFC 5847 section 3.4: the restart counter stands at 4n+2, so PadN(2) comes before it; PadN(4)
/// fills up to 24 octets.
#[test]
fn heartbeat_response_with_restart_counter() {
    let mut response = Heartbeat::response(1);
    let counter = MobilityOption::RestartCounter(0x0102_0304);
    response.options.push(counter).expect("fits");
    same(
        response,
        &[
            59, 2, 13, 0, 0, 0, 0, 1, 0, 0, 0, 1, // header, flags, sequence
            1, 0, 28, 4, 1, 2, 3, 4, 1, 2, 0, 0, // PadN, counter, PadN
        ],
    );
}

/// A type that nobody knows is kept octet for octet.
#[test]
fn unknown_message() {
    let data = Bytes::from_static(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let message = UnknownMessage::new(MhType::Unknown(99), data).expect("8n+2 octets");
    same(
        message,
        &[59, 1, 99, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
}

/// RFC 6275 section 6.1.1: the checksum covers the pseudo header with protocol 135. The sums are
/// done by hand: addresses 2001:db8::1 and 2001:db8::2 give 2001+0db8+1+2001+0db8+2 = 5b75, length
/// 16 and protocol 135 give 0097; the message gives 3b01+0d00+0000+0001+0102+0000 = 4904; in all
/// a510, complement 5aef.
#[test]
fn checksum_over_ipv6() {
    let context = ChecksumContext::Ipv6 {
        source: "2001:db8::1".parse().expect("an address"),
        destination: "2001:db8::2".parse().expect("an address"),
    };
    let message = Message::from(Heartbeat::request(1));
    let wire = [59, 1, 13, 0, 0x5a, 0xef, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0];
    assert_eq!(message.to_bytes(context), &wire[..]);
    assert_eq!(Message::decode_slice(&wire, context), Ok(message));
}

/// RFC 6275 section 6.2.5: 8n+6.
#[test]
fn alternate_care_of_address() {
    let address = "2001:db8::a:b".parse().expect("an address");
    option(
        MobilityOption::AlternateCareOfAddress(address),
        2,
        &[
            1, 0, 3, 16, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0, 0x0b,
        ],
    );
}

/// RFC 4283 section 3: anywhere.
#[test]
fn mobile_node_identifier() {
    option(
        MobileNodeIdentifier::nai("me@x.org").expect("short"),
        0,
        &[8, 9, 1, b'm', b'e', b'@', b'x', b'.', b'o', b'r', b'g', 0],
    );
    let eui48 = MobileNodeIdentifier::new(MnIdSubtype::Eui48, vec![2, 0, 0, 0, 0, 1]);
    option(
        eui48.expect("short"),
        0,
        &[8, 7, 5, 2, 0, 0, 0, 0, 1, 1, 1, 0],
    );
    // RFC 5213 section 5.3.1 item 4: a rejection carries one of no length.
    option(MobileNodeIdentifier::empty(), 0, &[8, 1, 1, 0]);
}

/// RFC 5094 section 3: 4n+2.
#[test]
fn vendor_specific() {
    let cisco = VendorSpecific::new(9, 0x42, &b"xyz"[..]).expect("short");
    option(cisco, 2, &[1, 0, 19, 8, 0, 0, 0, 9, 0x42, b'x', b'y', b'z']);
}

/// RFC 5213 section 8.3 and RFC 7864 section 4.1: 8n+4, which is where options start.
#[test]
fn home_network_prefix() {
    let prefix = "2001:db8:7::".parse().expect("an address");
    let octets = [
        22, 18, 0, 64, 0x20, 1, 0x0d, 0xb8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    let option_64 = HomeNetworkPrefix::new(prefix, 64).expect("short");
    option(option_64, 0, &octets);
    let mut off_link = octets;
    off_link[2] = 0x80;
    option(option_64.with_off_link(true), 0, &off_link);
    let zero = [22, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    option(HomeNetworkPrefix::ALL_ZERO, 0, &zero);
}

/// RFC 5213 sections 8.4 and 8.5: anywhere; the value is the second octet of the data.
#[test]
fn handoff_indicator_and_access_technology_type() {
    option(HandoffIndicator::HandoffStateUnknown, 0, &[23, 2, 0, 4]);
    option(HandoffIndicator::Unknown(77), 0, &[23, 2, 0, 77]);
    option(AccessTechnologyType::Wlan, 0, &[24, 2, 0, 4]);
    option(AccessTechnologyType::NbIot, 0, &[24, 2, 0, 13]);
}

/// RFC 5213 section 8.6: two reserved octets before the identifier.
#[test]
fn link_layer_identifier() {
    let mac = LinkLayerIdentifier::mac([2, 4, 6, 8, 10, 12]);
    option(mac, 0, &[25, 8, 0, 0, 2, 4, 6, 8, 10, 12, 1, 0]);
}

/// RFC 5213 section 8.7: 8n+6.
#[test]
fn link_local_address() {
    let address = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x0200, 0x5eff, 0xfe00, 0x5213);
    option(
        MobilityOption::LinkLocalAddress(address),
        2,
        &[
            1, 0, 26, 16, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0x5e, 0xff, 0xfe, 0, 0x52, 0x13,
        ],
    );
}

/// RFC 5213 section 8.8: 8n+2; 48 bits of seconds, 16 of fraction.
#[test]
fn timestamp() {
    let half_past = Timestamp::from_unix(core::time::Duration::from_millis(1_701_148_792_500));
    assert_eq!(half_past.to_bits(), 0x0000_6565_7878_8000);
    option(
        Timestamp::from_bits(0x0000_6565_7878_8000),
        6,
        &[
            1, 4, 0, 0, 0, 0, 27, 8, 0, 0, 0x65, 0x65, 0x78, 0x78, 0x80, 0, 1, 2, 0, 0,
        ],
    );
}

/// RFC 5847 section 3.4: 4n+2.
#[test]
fn restart_counter() {
    option(
        MobilityOption::RestartCounter(0x0a0b_0c0d),
        2,
        &[1, 0, 28, 4, 10, 11, 12, 13, 1, 2, 0, 0],
    );
}

/// RFC 5555 section 3.2.2: 4n.
#[test]
fn nat_detection() {
    let forced = NatDetection {
        force_udp: true,
        refresh_time: 110,
    };
    option(forced, 0, &[31, 6, 0x80, 0, 0, 0, 0, 110, 1, 2, 0, 0]);
    let none = NatDetection {
        force_udp: false,
        refresh_time: u32::MAX,
    };
    option(none, 0, &[31, 6, 0, 0, 255, 255, 255, 255, 1, 2, 0, 0]);
}

/// RFC 5555 section 3.1.2, RFC 5844 section 3.3.3 and RFC 6463 section 4.4.
#[test]
fn ipv4_addresses() {
    let address = Ipv4Addr::new(192, 0, 2, 1);
    option(
        MobilityOption::Ipv4CareOfAddress(address),
        0,
        &[32, 6, 0, 0, 192, 0, 2, 1, 1, 2, 0, 0],
    );
    option(
        MobilityOption::Ipv4DefaultRouterAddress(address),
        0,
        &[38, 6, 0, 0, 192, 0, 2, 1, 1, 2, 0, 0],
    );
    option(
        MobilityOption::AlternateIpv4CareOfAddress(address),
        2,
        &[1, 0, 49, 4, 192, 0, 2, 1, 1, 2, 0, 0],
    );
}

/// RFC 5844 sections 3.3.1 and 3.3.2: the prefix length fills the upper six bits.
#[test]
fn ipv4_home_address() {
    let address = Ipv4Addr::new(10, 9, 8, 7);
    option(
        Ipv4HomeAddressRequest::new(address, 24).expect("short"),
        0,
        &[36, 6, 24 << 2, 0, 10, 9, 8, 7, 1, 2, 0, 0],
    );
    let refused = Ipv4HomeAddressStatus::AdministrativelyProhibited;
    option(
        Ipv4HomeAddressReply::new(refused, address, 32).expect("short"),
        0,
        &[37, 6, 129, 0x80, 10, 9, 8, 7, 1, 2, 0, 0],
    );
}

/// RFC 5844 section 3.3.4: S is the last bit.
#[test]
fn ipv4_dhcp_support_mode() {
    option(Ipv4DhcpSupportMode { server: true }, 0, &[39, 2, 0, 1]);
    option(Ipv4DhcpSupportMode { server: false }, 0, &[39, 2, 0, 0]);
}

/// RFC 7148 section 4.1: 8n+2; flag V and a short form for IPv4.
#[test]
fn delegated_mobile_network_prefix() {
    let v4 = DelegatedMobileNetworkPrefix::new([10, 1, 0, 0].into(), 16).expect("short");
    option(
        v4,
        6,
        &[
            1, 4, 0, 0, 0, 0, 55, 6, 0x80, 16, 10, 1, 0, 0, 1, 4, 0, 0, 0, 0,
        ],
    );
    let v6 = "2001:db8:9::".parse().expect("an address");
    let v6 = DelegatedMobileNetworkPrefix::new(v6, 48).expect("short");
    option(
        v6,
        6,
        &[
            1, 4, 0, 0, 0, 0, 55, 18, 0, 48, 0x20, 1, 0x0d, 0xb8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 1, 0,
        ],
    );
}

/// RFC 8278 section 4.1: Length 6; B and O are the upper bits of the fourth octet.
#[test]
fn mag_multipath_binding() {
    let lte = MagMultipathBinding {
        access_technology: AccessTechnologyType::Eutran,
        label: 3,
        binding_id: 2,
        bulk: false,
        overwrite: true,
    };
    option(lte, 0, &[63, 6, 8, 3, 2, 0x40, 0, 0, 1, 2, 0, 0]);
    let bulk = MagMultipathBinding {
        bulk: true,
        overwrite: false,
        ..lte
    };
    option(bulk, 0, &[63, 6, 8, 3, 2, 0x80, 0, 0, 1, 2, 0, 0]);
}

/// RFC 8278 section 4.2: a reserved octet stands between subtype and identifier.
#[test]
fn mag_identifier() {
    option(
        MagIdentifier::nai("mag1.org").expect("short"),
        0,
        &[64, 10, 1, 0, b'm', b'a', b'g', b'1', b'.', b'o', b'r', b'g'],
    );
}

/// RFC 6275 section 6.2.1: what is not known is skipped, and here kept.
#[test]
fn unknown_option() {
    let unknown = UnknownOption::new(OptionType::Unknown(200), Bytes::from_static(&[1, 2]));
    option(unknown.expect("short"), 0, &[200, 2, 1, 2]);
}

/// RFC 7411 section 5.3: Length counts words behind the first four octets, so 1 means eight octets
/// in all, and what follows is found.
#[test]
fn multicast_options_count_words() {
    let report = Bytes::from_static(&[1, 2, 3, 4]);
    let multicast = MulticastMobility::new(MulticastPayload::Unknown(7), report).expect("a word");
    let mut update = BindingUpdate::default();
    update.options.push(multicast).expect("fits");
    update
        .options
        .push(HandoffIndicator::HandoffBetweenMags)
        .expect("fits");
    same(
        update,
        &[
            59, 2, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, // header
            60, 1, 7, 0, 1, 2, 3, 4, 23, 2, 0, 3,
        ],
    );
}

/// RFC 6275 sections 6.2.2 and 6.2.3: Pad1 has no Length octet, and what PadN holds is ignored.
#[test]
fn padding_is_skipped_whatever_it_holds() {
    let wire = [
        59, 2, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, // header
        0, 1, 3, 9, 9, 9, 0, 23, 2, 0, 3, 0,
    ];
    let Ok(Message::BindingUpdate(update)) = Message::decode_slice(&wire, UDP) else {
        panic!("a Binding Update");
    };
    let only = MobilityOption::HandoffIndicator(HandoffIndicator::HandoffBetweenMags);
    assert_eq!(update.options.to_vec(), [only]);
}

/// RFC 8200 section 4.7: octets behind "no next header" are ignored.
#[test]
fn octets_behind_the_message_are_ignored() {
    let wire = Message::from(Heartbeat::request(9)).to_bytes(UDP);
    let longer = [&wire[..], &[1, 2, 3]].concat();
    assert_eq!(
        Message::decode_slice(&longer, UDP),
        Message::decode(&wire, UDP)
    );
}
