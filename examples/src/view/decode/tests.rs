use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;
use pmip_wire::{
    BindingAckFlags, BindingAcknowledgement, ChecksumContext, Lifetime, Message, MobilityOptions,
    SequenceNumber, Status,
};

use super::carried::{Carried, Carrier};
use super::field::{self, Field, Shown};
use super::node::Node;
use super::tree::{TERMINAL, TreeWriter};
use super::{DecodeOptions, from_hex, reading};

/// Messages with options of every kind, drawn the same way each time.
fn messages() -> Vec<Message> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut octet = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let drawn = (0..3000).filter_map(|_| {
        let octets: Vec<u8> = (0..2048).map(|_| octet()).collect();
        Message::arbitrary(&mut Unstructured::new(&octets)).ok()
    });
    drawn.collect()
}

fn carried(message: &Message) -> Carried {
    let wire = message.to_bytes(ChecksumContext::Udp);
    let reading = reading::read(&wire, ChecksumContext::Udp, None);
    Carried::new(Carrier::bare(1, pmip_capture::Transport::Udp), reading)
}

/// The names of types that wrap a number or flags.
fn wrappers(node: &Node, names: &mut BTreeSet<&'static str>) {
    match node {
        Node::Named(name, inner) => {
            if matches!(**inner, Node::Number(_)) {
                names.insert(name);
            }
            wrappers(inner, names);
        }
        Node::Fields(_, fields) => fields.iter().for_each(|(_, part)| wrappers(part, names)),
        Node::List(items) => items.iter().for_each(|item| wrappers(item, names)),
        Node::Variant(_, inner) => wrappers(inner, names),
        Node::Nothing
        | Node::Bool(_)
        | Node::Number(_)
        | Node::Octet(_)
        | Node::Negative(_)
        | Node::Float(_)
        | Node::Text(_)
        | Node::Octets(_) => {}
    }
}

#[test]
fn every_code_point_has_its_name_and_every_unit_its_words() {
    let mut names = BTreeSet::new();
    for message in messages() {
        wrappers(&Node::of(&message), &mut names);
    }
    assert!(names.contains("Status"), "{names:?}");
    let nameless: Vec<&&str> = names
        .iter()
        .filter(|name| !field::is_known_wrapper(name))
        .collect();
    assert!(nameless.is_empty(), "shown as bare numbers: {nameless:?}");
}

/// The lines that tell what a message is, for a terminal of this width.
fn head(carried: &Carried, color: bool, width: Option<usize>) -> Vec<String> {
    let tree = TreeWriter::new(color, width, DecodeOptions::default());
    let text = tree.render(carried);
    let is_head = |(index, line): &(usize, &str)| {
        let line = line.trim_start();
        *index == 0 || line.starts_with("2001:") || line.starts_with("> ") || line.contains('\x1b')
    };
    let lines = text.lines().enumerate().take_while(is_head);
    lines.map(|(_, line)| line.to_owned()).collect()
}

/// A line of two long addresses and a name would wrap in mid-word, and hide what matters.
#[test]
fn a_head_line_breaks_between_words_on_a_terminal() {
    let message = BindingAcknowledgement {
        status: Status::McoaUnknownCareOfAddress,
        flags: BindingAckFlags::empty(),
        sequence: SequenceNumber(7),
        lifetime: Lifetime::from_secs(0),
        options: MobilityOptions::new(),
    };
    let mut carried = carried(&Message::from(message));
    carried.carrier.transport = pmip_capture::Transport::Ipv6;
    let address = |last: u16| {
        let address = Ipv6Addr::new(0x2001, 0xdb8, 0x1111, 0x2222, 0x3333, 0x4444, 0x5555, last);
        Some(IpAddr::from(address))
    };
    carried.carrier.source = address(0xaaaa);
    carried.carrier.destination = address(0xbbbb);

    let piped = head(&carried, false, None);
    assert_eq!(piped.len(), 1, "{piped:?}");
    let shown = head(&carried, false, Some(TERMINAL));
    assert!(shown.len() > 1, "{shown:?}");
    assert!(
        shown.iter().all(|line| line.chars().count() <= TERMINAL),
        "{shown:?}"
    );
    assert!(
        shown[0].starts_with("#1  IPv6  BindingAcknowledgement"),
        "{shown:?}"
    );
    let words = |lines: &[String]| {
        let mut words: Vec<String> = lines
            .iter()
            .flat_map(|line| line.split_whitespace().map(str::to_owned))
            .collect();
        words.sort();
        words
    };
    assert_eq!(words(&shown), words(&piped), "nothing is lost");

    // Colours take no columns.
    carried.carrier.source = Some(Ipv4Addr::LOCALHOST.into());
    carried.carrier.destination = Some(Ipv4Addr::LOCALHOST.into());
    let plain = head(&carried, false, None);
    let width = plain[0].chars().count();
    let coloured = head(&carried, true, Some(width));
    assert!(
        coloured[0].contains("127.0.0.1 > 127.0.0.1"),
        "{coloured:?}"
    );
    assert!(coloured[0].chars().count() > width, "{coloured:?}");
    assert!(!head(&carried, true, Some(width - 1))[0].contains("127.0.0.1"));
}

#[test]
fn no_field_hides_another() {
    let options = DecodeOptions {
        raw: true,
        verify: true,
        padding: false,
    };
    for message in messages() {
        let carried = carried(&message);
        let reading = carried.reading.as_ref().expect("a reading");
        assert_eq!(reading.problem, None, "{message:?}");
        check_keys(
            &reading.fields,
            &["frame", "time", "src", "dst", "type", "name", "options"],
        );
        let object = carried.to_json(options);
        assert_eq!(object["reencode"], "same", "{message:?}");
        for (index, option) in reading
            .options
            .iter()
            .filter(|option| !option.is_padding)
            .enumerate()
        {
            let fields = option.fields.as_ref().expect("no problem");
            let own = ["type", "name", "offset", "length"];
            check_keys(fields, &own);
            let shown = &object["options"][index];
            assert_eq!(shown["name"], option.name.as_str());
            assert_eq!(shown["length"], option.length);
        }
    }
}

fn check_keys(fields: &[Field], taken: &[&str]) {
    let mut keys: BTreeSet<String> = taken.iter().map(ToString::to_string).collect();
    for field in fields {
        let of_field = match &field.value {
            Shown::Leaf { json, .. } => json.iter().map(|(key, _)| key.clone()).collect(),
            Shown::Group(inner) => {
                check_keys(inner, &[]);
                vec![field.key.clone()]
            }
            Shown::List(groups) => {
                groups.iter().for_each(|group| check_keys(group, &[]));
                vec![field.key.clone()]
            }
        };
        for key in of_field {
            assert!(keys.insert(key.clone()), "{key} twice in {fields:?}");
        }
    }
}

#[test]
fn hexadecimal_is_forgiving_in_form_and_strict_in_digits() {
    assert_eq!(
        from_hex("0x3b:01 0D").expect("hex"),
        Bytes::from_static(&[0x3b, 1, 0xd])
    );
    assert_eq!(
        from_hex("0X3B, 0x01,0x0d\n").expect("the octets of a C array"),
        Bytes::from_static(&[0x3b, 1, 0xd])
    );
    assert!(from_hex("3b0").is_err());
    assert!(from_hex("3b0x01").is_err());
    assert!(
        from_hex("3b, 0, 0").is_err(),
        "two half octets are not one whole"
    );
    assert!(from_hex("3g").is_err());
    assert!(from_hex("").is_err());
}
