//! What the oracles are asked about: boundary values of every message and option, and drawn
//! messages from a fixed seed.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;
use pmip_wire::{
    BindingUpdate, BindingUpdateFlags, ChecksumContext, Lifetime, Message, MobilityHeader,
    MobilityOption, MobilityOptions, RawOption, SequenceNumber,
};

/// The ends of the IPv6 carrier; that over IPv4 takes their last 32 bits.
pub(crate) const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0xc000, 0x0201);
pub(crate) const DESTINATION: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 2, 0, 0, 0xc000, 0x0202);

const IPV6: ChecksumContext = ChecksumContext::Ipv6 {
    source: SOURCE,
    destination: DESTINATION,
};

/// Drawn messages.
const DRAWN: usize = 300;
/// Up to which length each is tried.
const LONGEST: usize = 26;

pub(crate) struct Case {
    pub message: Message,
    pub context: ChecksumContext,
    pub wire: Bytes,
}

impl Case {
    pub(crate) fn new(message: Message, context: ChecksumContext) -> Self {
        let wire = message.to_bytes(context);
        Self {
            message,
            context,
            wire,
        }
    }

    pub(crate) fn transport(&self) -> &'static str {
        if self.context == ChecksumContext::Udp {
            "udp"
        } else {
            "ipv6"
        }
    }
}

/// What carries the messages.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Carriers {
    Both,
    Ipv6,
    Udp,
}

/// All messages, each once for each carrier. `joins` tells which options may share a message with
/// others: one that the oracle gives up on would hide them.
pub(crate) fn cases(
    carriers: Carriers,
    wanted: impl Fn(&Message) -> bool,
    joins: impl Fn(&MobilityOption) -> bool,
) -> Vec<Case> {
    let drawn = drawn_messages();
    let options = drawn
        .iter()
        .flat_map(|message| message.options().into_iter().flatten())
        .map(|option| option.to_bytes());
    let alone = boundary_options()
        .into_iter()
        .chain(options)
        .filter(comparable_option);
    let mut messages: Vec<Message> = boundary_messages();
    messages.extend(alone.map(update_with));
    messages.extend(
        drawn
            .iter()
            .map(|message| joined(message, |option| comparable_option(option) && joins(option))),
    );
    let mut seen = BTreeSet::new();
    messages.retain(|message| {
        comparable(message) && wanted(message) && seen.insert(message.to_bytes(IPV6))
    });
    let contexts: &[ChecksumContext] = match carriers {
        Carriers::Both => &[IPV6, ChecksumContext::Udp],
        Carriers::Ipv6 => &[IPV6],
        Carriers::Udp => &[ChecksumContext::Udp],
    };
    let both = |message: Message| {
        contexts
            .iter()
            .map(move |context| Case::new(message.clone(), *context))
    };
    messages.into_iter().flat_map(both).collect()
}

/// What we keep as it came can be compared only where nobody knows the type.
fn comparable(message: &Message) -> bool {
    if let Message::Unknown(unknown) = message {
        return unknown.mh_type().name().is_none();
    }
    message
        .options()
        .into_iter()
        .flatten()
        .all(|option| comparable_option(&option))
}

/// The same for an option.
fn comparable_option<B>(option: &MobilityOption<B>) -> bool {
    if let MobilityOption::Unknown(unknown) = option {
        return unknown.option_type().name().is_none();
    }
    true
}

/// A registration with `option` alone.
fn update_with(option: MobilityOption) -> Message {
    let options = MobilityOptions::new().with(option);
    Message::from(BindingUpdate {
        sequence: SequenceNumber(0x0102),
        flags: BindingUpdateFlags::ACKNOWLEDGE | BindingUpdateFlags::PROXY,
        lifetime: Lifetime::from_units(0x0304),
        options: options.expect("one option fits"),
    })
}

/// Every body with octets of zeros, of ones and of a count: as many as the fixed part has, fewer
/// and more, for the decoder decides which are messages.
fn boundary_messages() -> Vec<Message> {
    let types = || (0..=24).chain([200]);
    let bodies = (0..=LONGEST).flat_map(|length| {
        // A body often ends where the header does: there, each octet of its own too.
        let fills = if length % 8 == 2 {
            fills(length)
        } else {
            uniform(length)
        };
        fills
            .into_iter()
            .flat_map(move |fill| types().map(move |mh_type| (mh_type, fill.clone())))
    });
    let messages = bodies.filter_map(|(mh_type, fill)| {
        let length = (6 + fill.len()).next_multiple_of(8);
        let mut wire = vec![59, (length / 8 - 1) as u8, mh_type, 0, 0, 0];
        wire.extend(fill);
        wire.resize(length, 0);
        Message::decode_slice(&wire, ChecksumContext::Udp).ok()
    });
    messages.collect()
}

/// What neither even octets nor drawn values surely hit: option type and data.
const PICKED: &[(u8, &[u8])] = &[
    // No IPv6 address, though it says so (RFC 8371 section 4.1).
    (8, &[2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]),
    // Asks for a link-layer identifier and for vendor's data (RFC 5949 section 6.2.1).
    (40, &[0, 0, 25, 0, 19, 7, 0, 0, 0x28, 0xaf, 1, 2, 3]),
    // Redirects to IPv4 (RFC 6463 section 4.2).
    (47, &[0x40, 0, 10, 0, 0, 1]),
    // All sub-options of an Access Network Identifier, group identifiers of both lengths among
    // them (RFC 6757 section 3.1, RFC 7563 section 3).
    (52, &[1, 8, 0x80, 4, b'w', b'l', b'a', b'n', 1, b'a']),
    (52, &[1, 4, 0, 1, b'w', 0]),
    (52, &[2, 6, 0x2d, 0, 0, 0xa6, 0, 0]),
    (52, &[3, 5, 1, 0, 0, 0x28, 0xaf]),
    (52, &[4, 4, 0, 0, 1, 2]),
    (52, &[5, 2, 0xff, 0xfe]),
    (52, &[5, 3, 1, 2, 3]),
    (52, &[6, 2, 0xff, 0xff]),
    // A Flow Identification that names bindings, an action and an address (RFC 6089 section 4.2,
    // RFC 7109 section 6.2).
    (45, &[0, 1, 0, 2, 0, 0, 2, 4, 0, 1, 0xff, 0xff]),
    (45, &[0, 1, 0, 2, 0, 0, 4, 2, 0, 1, 0, 0]),
    (45, &[0, 1, 0, 2, 0, 0, 5, 6, 0, 0, 10, 0, 0, 1]),
    // The same in an IPv4 Traffic Offload Selector, and one that nobody knows (RFC 6909 section 3.1).
    (53, &[0, 0, 0, 0, 2, 4, 0, 1, 0xff, 0xff, 4, 2, 0, 1]),
    (53, &[0, 0, 0, 0, 9, 2, 1, 2]),
    // Every QoS attribute that has fields of its own (RFC 7222 section 4.2).
    (
        58,
        &[
            1, 0xb8, 1, 0, 0, 0, 3, 6, 0x80, 0, 0xff, 0xff, 0xff, 0xff, 4, 6, 0x40, 0, 0, 0, 0, 1,
        ],
    ),
    (58, &[255, 0xfc, 5, 0, 0, 0, 5, 2, 0, 0xf5]),
    (
        58,
        &[
            1, 0, 1, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 1, 2, 6, 0, 0, 0, 0, 0, 2,
        ],
    ),
    (
        58,
        &[
            1, 0, 1, 0, 0, 0, 6, 6, 0, 0, 0, 0, 0, 6, 7, 6, 0, 0, 0, 0, 0, 7,
        ],
    ),
    (
        58,
        &[
            1, 0, 1, 0, 0, 0, 8, 6, 0, 0, 0, 0, 0, 8, 9, 6, 0, 0, 0, 0, 0, 9,
        ],
    ),
    (
        58,
        &[1, 0, 1, 0, 0, 0, 11, 9, 0, 0, 0, 0, 0x28, 0xaf, 1, 7, 8],
    ),
    // Both sub-options of LMA-Controlled MAG Parameters (RFC 8127 section 3.1).
    (62, &[1, 6, 0, 10, 0, 1, 0, 32, 2, 6, 0, 60, 0, 5, 0, 3]),
];

/// Every option of every length up to [`LONGEST`], of that of the longest layout and of the longest there is, filled in several ways: those
/// that the decoder takes.
fn boundary_options() -> Vec<MobilityOption> {
    let picked = PICKED.iter().map(|(number, data)| (*number, data.to_vec()));
    let picked = picked.chain(selectors());
    let picked = picked.map(|(number, data)| {
        option(number, &data).unwrap_or_else(|| panic!("type {number} has not the data {data:?}"))
    });
    let all = (2..=71).chain([200]).flat_map(boundary_options_of);
    picked.chain(all).collect()
}

/// Each option that holds traffic selectors with the widest of each format (RFC 6088 section 3), and
/// with one of a format that nobody knows.
fn selectors() -> Vec<(u8, Vec<u8>)> {
    let ports_to_protocol = [0, 1, 0xff, 0xff, 0, 2, 0, 3, 44, 48, 6, 17];
    let ipv4 = [
        &[
            0xff, 0xfc, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 10, 0, 0, 3, 10, 0, 0, 4,
        ][..],
        &[0, 0, 0, 5, 0, 0, 0, 6],
        &ports_to_protocol,
    ]
    .concat();
    let addresses: Vec<u8> = (1..=4)
        .flat_map(|last| [[0; 15].as_slice(), &[last]].concat())
        .collect();
    let ipv6 = [
        &[0xff, 0xff, 0, 0][..],
        &addresses,
        &[0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0x0f, 0xff, 0xff],
        &ports_to_protocol,
    ]
    .concat();
    let other = vec![1, 2, 3];
    let formats = [(1, ipv4), (2, ipv6), (3, other)];
    let options = formats.into_iter().flat_map(|(format, selector)| {
        let length = selector.len() as u8 + 2;
        let heads = [
            (45, vec![0, 1, 0, 2, 0, 0, 3, length, format, 0]),
            (53, vec![0x80, 0, 0, 0, 3, length, format, 0]),
            (58, vec![1, 0xb8, 1, 0, 0, 0, 10, length, 0, format]),
        ];
        heads.map(|(number, head)| (number, [&head[..], &selector].concat()))
    });
    options.collect()
}

fn boundary_options_of(number: u8) -> Vec<MobilityOption> {
    let mut options = Vec::new();
    let mut lengths = 0;
    for length in (0..=LONGEST).chain([34, 255]) {
        // Options of few lengths have fixed fields; the others end in octets that are all alike.
        let fills = if lengths < 3 {
            fills(length)
        } else {
            uniform(length)
        };
        let before = options.len();
        options.extend(fills.iter().filter_map(|fill| option(number, fill)));
        lengths += usize::from(options.len() > before);
    }
    options
}

/// The option that these octets are, if any.
fn option(number: u8, data: &[u8]) -> Option<MobilityOption> {
    // The options of RFC 7411 count words behind the first two octets of their data.
    let length = match number {
        60 | 61 if data.len() % 4 == 2 => data.len() / 4,
        60 | 61 => return None,
        _ => data.len(),
    };
    let size = (14 + data.len()).next_multiple_of(8);
    let mut wire = vec![59, (size / 8 - 1) as u8, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    wire.extend([number, length as u8]);
    wire.extend(data);
    wire.resize(size, 0);
    let message = Message::decode_slice(&wire, ChecksumContext::Udp).ok()?;
    Some(message.options()?.iter().next()?.to_bytes())
}

/// Octets at the ends of their ranges, and counted.
fn uniform(length: usize) -> Vec<Vec<u8>> {
    vec![
        vec![0; length],
        vec![0xff; length],
        (1..=length as u8).collect(),
    ]
}

/// These, and all alike but one.
fn fills(length: usize) -> Vec<Vec<u8>> {
    let mut fills = uniform(length);
    let odd_ones = [(0xff, 0), (0xff, 32), (0xff, 128), (0, 1), (0, 2), (0, 128)];
    for place in 0..length.min(8) {
        for (all, one) in odd_ones {
            let mut fill = vec![all; length];
            fill[place] = one;
            fills.push(fill);
        }
    }
    fills
}

/// Messages through `Arbitrary`, always the same.
fn drawn_messages() -> Vec<Message> {
    let mut state = 20_260_101u64;
    let mut octet = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let draws = std::iter::repeat_with(move || -> Vec<u8> { (0..1024).map(|_| octet()).collect() });
    draws
        .filter_map(|octets| Message::arbitrary_take_rest(Unstructured::new(&octets)).ok())
        .take(DRAWN)
        .collect()
}

/// `message` without the options that do not join, put together from its octets, for options come
/// without alignment too.
fn joined(message: &Message, joins: impl Fn(&MobilityOption) -> bool) -> Message {
    let wire = message.to_bytes(ChecksumContext::Udp);
    let header = MobilityHeader::parse(&wire, ChecksumContext::Udp).expect("well-formed");
    let raw: Vec<RawOption<'_>> = header
        .options()
        .into_iter()
        .flatten()
        .map(|raw| raw.expect("whole"))
        .collect();
    let Some(first) = raw.first() else {
        return message.clone();
    };
    let mut short = wire[..usize::from(first.offset())].to_vec();
    let typed = message.options().into_iter().flatten();
    let options = raw.iter().filter(|raw| !raw.is_padding()).zip(typed);
    for (raw, _) in options.filter(|(_, typed)| joins(&typed.to_bytes())) {
        let start = usize::from(raw.offset());
        short.extend(&wire[start..start + 2 + raw.data().len()]);
    }
    short.resize(short.len().next_multiple_of(8), 0);
    short[1] = (short.len() / 8 - 1) as u8;
    Message::decode_slice(&short, ChecksumContext::Udp).expect("well-formed")
}
