//! Golden vectors of options, written by hand from the figures of the RFCs; each is read and
//! written, cut at every octet, and given every shorter length.

mod mobile_ipv6;
mod proxy;
mod refused;

use std::net::Ipv6Addr;

use pmip_wire::{
    BindingUpdate, ChecksumContext, DecodeError, DecodeErrorKind, Field, Layer, Lifetime, Message,
    MobilityOption, MobilityOptions, OpaqueOctets, OptionType,
};

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
    Ok(options.iter().next().expect("an option").to_bytes())
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
