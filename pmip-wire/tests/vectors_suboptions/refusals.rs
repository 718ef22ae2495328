//! Cut octets, and lengths and values that no RFC allows.

use bytes::Bytes;
use pmip_wire::traffic_selector::OtherTrafficSelector;
use pmip_wire::{
    AccessNetworkIdentifier, AniSubOption, BindingReference, DecodeErrorKind, ExpectedLength,
    Field, FlowSubOption, Layer, Message, MobilityOption, NetworkIdentifier, OptionType,
    QosAttribute, QosVendorSpecific, SubOptionError, TrafficSelectorFormat, UnknownSubOption,
};

use crate::{FULL_IPV4, FULL_IPV6, UDP, decode, flow, flow_head, option, qos, update};

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
            let Err(error) = decode(&octets) else {
                assert!(at_a_border, "cut at {length}: {octets:?}");
                continue;
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
                    let DecodeErrorKind::Truncated { field, .. } = error.kind else {
                        panic!("{error}");
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
    use ExpectedLength::{AtLeast, Exactly, MultipleOf, OneOf};
    let cases: [(u8, u8, &[usize], ExpectedLength); 25] = [
        (45, 2, &[0], AtLeast(2)),
        (45, 2, &[3, 5], MultipleOf(2)),
        (45, 3, &[0, 1], AtLeast(2)),
        (45, 4, &[0, 1, 3], Exactly(2)),
        (45, 5, &[0, 1, 2, 5, 7, 17, 19], OneOf([6, 18, 18])),
        (52, 1, &[0], AtLeast(1)),
        (52, 2, &[0, 5, 7], Exactly(6)),
        (52, 3, &[0], AtLeast(1)),
        (52, 4, &[0, 1], AtLeast(2)),
        (52, 5, &[0, 1, 4], OneOf([2, 3, 3])),
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

/// RFC 7222 section 4.1: receivers ignore an option whose Operational Code is reserved, so that
/// nothing in it may cost the message, and it is kept as it came.
#[test]
fn the_attributes_of_a_reserved_operation_are_not_read() {
    for attributes in [
        &[1][..],
        &[1, 9],
        &[5, 2, 0, 0],
        &[1, 1, 0, 7, 6, 0, 0, 0, 0, 0, 9],
    ] {
        for operation in [1, 6, 255] {
            let fixed = [7, 0xb8, operation, 0, 0, 0];
            let wire = update(0, &option(58, &[&fixed, attributes].concat()));
            let decoded = Message::decode_slice(&wire, UDP);
            if operation < 6 {
                decoded.expect_err("a malformed attribute");
                continue;
            }
            let message = decoded.expect("ignored");
            assert_eq!(message.to_bytes(UDP), wire);
        }
    }
    let fixed = [7, 0xb8, 6, 0, 0, 0];
    let behind = [1, 1, 0, 7, 6, 0, 0, 0, 0, 0, 9];
    let Ok(MobilityOption::QualityOfService(qos)) =
        decode(&option(58, &[&fixed[..], &behind].concat()))
    else {
        panic!("another option");
    };
    let numbers: Vec<u8> = qos.attributes().iter().map(|read| read.number()).collect();
    assert_eq!(numbers, [7], "only what is well-formed is iterated");
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
    // Format 0 is reserved (RFC 6089 section 4.2.1.4), 1 and 2 have forms of their own.
    for format in [0, 1, 2].map(TrafficSelectorFormat::from_code) {
        for format in [format, TrafficSelectorFormat::Unknown(format.code())] {
            assert_eq!(OtherTrafficSelector::new(format, vec![0; 4]), None);
        }
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
