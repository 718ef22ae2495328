//! What is built survives encoding and decoding, over both carriers, and stands where its
//! alignment asks.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use arbitrary::{Arbitrary, Unstructured};
use pmip_wire::{
    ChecksumContext, MAX_MESSAGE_LEN, Message, MhType, MobilityHeader, MobilityOption,
    MobilityOptions, OptionType, OptionsFull, UnknownOption,
};
use proptest::prelude::*;

const CONTEXTS: [ChecksumContext; 2] = [
    ChecksumContext::Udp,
    ChecksumContext::Ipv6 {
        source: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xffff),
        destination: Ipv6Addr::new(0xfe80, 0, 0, 0, 0xffff, 0xffff, 0xffff, 0xffff),
    },
];

/// Messages drawn through `Arbitrary`, so that a failing case is one for the fuzzer too.
fn messages() -> impl Strategy<Value = Message> {
    proptest::collection::vec(any::<u8>(), 0..2048).prop_filter_map("too few octets", |octets| {
        Message::arbitrary_take_rest(Unstructured::new(&octets)).ok()
    })
}

/// The properties below say nothing about an option that is never drawn.
#[test]
fn every_typed_option_and_message_is_drawn() {
    let mut state = 1u64;
    let mut octet = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    let (mut messages, mut options) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..4_000 {
        let octets: Vec<u8> = (0..512).map(|_| octet()).collect();
        let Ok(message) = Message::arbitrary_take_rest(Unstructured::new(&octets)) else {
            continue;
        };
        messages.insert(message.mh_type());
        let list = message
            .options()
            .map(MobilityOptions::to_vec)
            .unwrap_or_default();
        options.extend(list.iter().map(MobilityOption::option_type));
    }
    let typed = 2..=70;
    for number in typed.map(OptionType::from_code) {
        assert!(options.contains(&number), "{number} is never drawn");
    }
    for number in (0..=23).filter(|number| ![10, 11].contains(number)) {
        let mh_type = MhType::from_code(number);
        assert!(messages.contains(&mh_type), "{mh_type} is never drawn");
    }
    let unknown = MhType::from_code(24)..;
    assert!(messages.range(unknown).count() > 0, "none is unknown");
}

proptest! {
    #[test]
    fn a_message_survives_both_carriers(message in messages()) {
        for context in CONTEXTS {
            let wire = message.to_bytes(context);
            prop_assert_eq!(wire.len(), message.encoded_len());
            prop_assert_eq!(wire.len() % 8, 0);
            prop_assert!(wire.len() <= MAX_MESSAGE_LEN);
            prop_assert_eq!(Message::decode(&wire, context), Ok(message.clone()));
            prop_assert_eq!(Message::decode_slice(&wire, context), Ok(message.clone()));
        }
    }

    #[test]
    fn every_option_stands_where_its_alignment_asks(message in messages()) {
        let wire = message.to_bytes(ChecksumContext::Udp);
        let header = MobilityHeader::parse(&wire, ChecksumContext::Udp).expect("well-formed");
        let mut run = 0;
        for raw in header.options().into_iter().flatten() {
            let raw = raw.expect("well-formed");
            let alignment = raw.option_type().alignment();
            let place = raw.offset() % u16::from(alignment.multiple());
            prop_assert_eq!(place, u16::from(alignment.remainder()), "{:?}", raw);
            // Never more padding than alignment can ask for, and never two in a row.
            run = if raw.is_padding() { run + 1 } else { 0 };
            prop_assert!(run <= 1 && (!raw.is_padding() || raw.data().len() <= 5));
        }
    }

    #[test]
    fn borrowed_and_owned_options_agree(message in messages()) {
        let wire = message.to_bytes(ChecksumContext::Udp);
        let header = MobilityHeader::parse(&wire, ChecksumContext::Udp).expect("well-formed");
        let borrowed: Vec<MobilityOption> = header
            .options()
            .into_iter()
            .flatten()
            .filter_map(|raw| raw.expect("whole").decode().expect("well-formed"))
            .map(|option| option.to_bytes())
            .collect();
        let owned = message.options().map(MobilityOptions::to_vec).unwrap_or_default();
        prop_assert_eq!(borrowed, owned);
    }

    #[test]
    fn one_flipped_bit_breaks_the_checksum(message in messages(), place in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut wire = message.to_bytes(CONTEXTS[1]).to_vec();
        // The length octet decides what is summed, so it is left alone.
        let place = place.index(wire.len());
        prop_assume!(place != 1);
        wire[place] ^= 1 << bit;
        let error = Message::decode_slice(&wire, CONTEXTS[1]).expect_err("a wrong checksum");
        prop_assert!(error.is_bad_checksum(), "{error}");
    }

    #[test]
    fn serde_keeps_every_message(message in messages()) {
        let text = serde_json::to_string(&message).expect("serializable");
        prop_assert_eq!(serde_json::from_str::<Message>(&text).expect("readable"), message);
    }

    #[test]
    fn a_list_is_full_only_when_nothing_more_fits(octets in 0..256usize) {
        let option = UnknownOption::new(OptionType::Unknown(200), vec![0u8; octets].into());
        let option = option.expect("at most 255 octets");
        let mut options = MobilityOptions::new();
        while options.push(option.clone()).is_ok() {}
        let used = options.len() * (octets + 2);
        prop_assert!(used <= MAX_MESSAGE_LEN - 24);
        prop_assert!(used + octets + 2 > MAX_MESSAGE_LEN - 24);
        prop_assert_eq!(options.push(option), Err(OptionsFull));
    }
}
