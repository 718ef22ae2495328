//! Any octets as a traffic selector, or as the data of an option that holds sub-options: an error
//! or a value that encodes stably and can be built again from what it yields.

use pmip_wire::traffic_selector::TrafficSelector;
use pmip_wire::{
    MobilityOption, RawOptions, SubOptionError, SubOptionSpace, SubOptions, TrafficSelectorFormat,
};

/// Options that hold sub-options.
const OPTIONS: [u8; 5] = [45, 52, 53, 58, 62];

/// The first octet chooses what the others are.
pub fn run(data: &[u8]) {
    let Some((choice, octets)) = data.split_first() else {
        return;
    };
    let choice = usize::from(choice % 8);
    match OPTIONS.get(choice) {
        Some(option_type) => option(*option_type, octets.get(..255).unwrap_or(octets)),
        None => selector((choice - OPTIONS.len()) as u8, octets),
    }
}

/// `octets` as a selector of format 0, 1 or 2.
fn selector(format: u8, octets: &[u8]) {
    let format = TrafficSelectorFormat::from_code(format);
    match TrafficSelector::decode(format, octets) {
        Err(error) => assert!(usize::from(error.offset) <= octets.len(), "{error}"),
        Ok(selector) => {
            let wire = selector.to_vec();
            let again = TrafficSelector::decode(format, &wire).expect("what was encoded decodes");
            assert_eq!(again.to_bytes(), selector.to_bytes());
            assert_eq!(again.to_vec(), wire, "encoding is a fixed point");
        }
    }
}

/// `octets` as the data of an option.
#[allow(clippy::wildcard_enum_match_arm)] // The others hold no sub-options.
fn option(option_type: u8, octets: &[u8]) {
    let length = u8::try_from(octets.len()).expect("at most 255");
    let wire = [&[option_type, length], octets].concat();
    let raw = RawOptions::new(&wire, 12)
        .next()
        .expect("one option")
        .expect("whole");
    let option = match raw.decode() {
        Err(error) => {
            assert!(
                (12..=12 + wire.len()).contains(&usize::from(error.offset)),
                "{error}"
            );
            return;
        }
        Ok(option) => option.expect("no padding").to_bytes(),
    };
    match &option {
        MobilityOption::FlowIdentification(option) => rebuild(option.sub_options()),
        MobilityOption::AccessNetworkIdentifier(option) => rebuild(option.sub_options()),
        MobilityOption::Ipv4TrafficOffloadSelector(option) => rebuild(option.sub_options()),
        MobilityOption::QualityOfService(option) => rebuild(option.attributes()),
        MobilityOption::LmaControlledMagParameters(option) => rebuild(option.sub_options()),
        other => panic!("{other:?} holds no sub-options"),
    }
}

/// Pushing what a list yields gives a list that yields the same, and pushing that, the same octets.
fn rebuild<S: SubOptionSpace>(list: &SubOptions<S>)
where
    for<'a> S::Item<&'a [u8]>: PartialEq + core::fmt::Debug,
{
    let Some(again) = pushed(list) else {
        return;
    };
    assert!(again.iter().eq(list.iter()), "{:?}", list.octets());
    let fixed = pushed(&again).expect("what was built fits");
    assert_eq!(fixed.octets(), again.octets(), "building is a fixed point");
}

/// `None` where padding leaves no room, or more than one came of what is to be single.
fn pushed<S: SubOptionSpace>(list: &SubOptions<S>) -> Option<SubOptions<S>> {
    let mut again = SubOptions::new();
    for item in list.iter() {
        match again.push_borrowed(&item) {
            Ok(()) => {}
            Err(SubOptionError::Full { .. } | SubOptionError::Duplicate { .. }) => return None,
            Err(error) => panic!("what was read is refused: {error}"),
        }
    }
    Some(again)
}
