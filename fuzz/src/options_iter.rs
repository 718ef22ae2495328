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
    let mut walk = RawOptions::new(data, 12);
    if walk.by_ref().any(|raw| raw.is_err()) {
        assert!(walk.next().is_none(), "nothing comes after an error");
    }
}

fn owned_agrees(borrowed: &MobilityOption<&[u8]>) {
    let owned: MobilityOption<Bytes> = borrowed.to_bytes();
    assert_eq!(owned.option_type(), borrowed.option_type());
    assert_eq!(owned.data_len(), borrowed.data_len());
}
