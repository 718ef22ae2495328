//! What must hold of every option that holds sub-options.

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;
use pmip_wire::traffic_selector::{Ipv6TrafficSelector, TrafficSelector, ValueRange};
use pmip_wire::{
    AccessNetworkIdentifier, BindingReference, BindingUpdate, FlowBindingAction,
    FlowIdentification, FlowSubOption, Ipv4TrafficOffloadSelector, LmaControlledMagParameters,
    Message, MobilityOption, MobilityOptions, QualityOfService, SubOptionError, SubOptionSpace,
    SubOptions, UnknownSubOption,
};
use proptest::prelude::*;

use crate::{OPTIONS, UDP, V6, flow, number, option, update};

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
    // Options that could not be read again where they hold nothing.
    let empty = || serde_json::json!({ "sub_options": [] });
    assert!(serde_json::from_value::<AccessNetworkIdentifier>(empty()).is_err());
    assert!(serde_json::from_value::<LmaControlledMagParameters>(empty()).is_err());
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

#[allow(clippy::wildcard_enum_match_arm)] // The others hold no sub-options.
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
    let list = message.options().expect("it has options").to_vec();
    list.iter().for_each(check);
    let json = serde_json::to_value(list).expect("serializable");
    // Padding that was not needed is not in the list, and what is needed may not fit.
    if let Ok(read) = serde_json::from_value::<Vec<MobilityOption>>(json.clone()) {
        prop_assert_eq!(serde_json::to_value(&read).expect("serializable"), json);
    }
    Ok(())
}
