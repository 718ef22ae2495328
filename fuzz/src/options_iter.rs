//! Any octets as options: the walk ends, covers every octet once, and agrees with itself.

use bytes::Bytes;
use pmip_wire::{MobilityOption, OptionType, RawOptions};

/// Walks `data` as the options of a message.
pub fn run(data: &[u8]) {
    let data = data.get(..2048).unwrap_or(data);
    let mut place = 12;
    let mut whole = true;
    for raw in RawOptions::new(data, 12) {
        let Ok(raw) = raw else {
            whole = false;
            continue;
        };
        assert_eq!(
            usize::from(raw.offset()),
            place,
            "no octet is skipped or read twice"
        );
        place += if raw.option_type() == OptionType::Pad1 {
            1
        } else {
            2 + raw.data().len()
        };
        if let Ok(option) = raw.decode() {
            assert_eq!(option.is_none(), raw.is_padding());
            option.as_ref().into_iter().for_each(owned_agrees);
        }
    }
    assert!(
        !whole || place == 12 + data.len(),
        "the walk ends at the end"
    );
    typed_walk_agrees(data);
    let mut walk = RawOptions::new(data, 12);
    if walk.by_ref().any(|raw| raw.is_err()) {
        assert!(walk.next().is_none(), "nothing comes after an error");
    }
}

/// The typed walk, which has a way of its own through the octets, gives what typing each option
/// gives, up to the first that does not fit.
fn typed_walk_agrees(data: &[u8]) {
    let mut one_by_one =
        RawOptions::new(data, 12).filter_map(|raw| raw.and_then(|raw| raw.decode()).transpose());
    let mut typed = RawOptions::new(data, 12).typed();
    loop {
        let (expected, found) = (one_by_one.next(), typed.next());
        assert_eq!(found, expected, "both walks see the same options");
        if !matches!(found, Some(Ok(_))) {
            break;
        }
    }
    assert!(typed.next().is_none(), "nothing comes after the end");
    let mut visited = 0;
    let result = RawOptions::new(data, 12).visit(|_| visited += 1);
    let expected = RawOptions::new(data, 12).typed();
    assert_eq!(visited, expected.filter(Result::is_ok).count());
    assert_eq!(result.err(), expected.filter_map(Result::err).next());
}

fn owned_agrees(borrowed: &MobilityOption<&[u8]>) {
    let owned: MobilityOption<Bytes> = borrowed.to_bytes();
    assert_eq!(owned.option_type(), borrowed.option_type());
    assert_eq!(owned.data_len(), borrowed.data_len());
}
