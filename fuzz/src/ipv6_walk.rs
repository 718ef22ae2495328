//! Any octets as an IPv6 packet: the walk ends, covers every octet once, and what it read can be
//! written again.

use pmip_wire::carrier::{ExtensionHeaders, Ipv6Packet, MAX_EXTENSION_HEADERS, protocol};
use pmip_wire::{ChecksumContext, Message};

/// Walks `data` as a packet, and what follows its first octet as a chain of headers of that number.
pub fn run(data: &[u8]) {
    if let Some((next_header, chain)) = data.split_first() {
        walk_chain(*next_header, chain);
    }
    let Ok(packet) = Ipv6Packet::parse(data) else {
        return;
    };
    let mut place = 40;
    for header in packet.extension_headers() {
        assert_eq!(usize::from(header.offset()), place, "no octet is skipped");
        place += 2 + header.data().len();
    }
    assert_eq!(usize::from(packet.upper_layer_offset()), place);
    let end = place + packet.upper_layer_octets().len();
    assert!(end <= data.len());
    if let Some(mobility) = packet.mobility_header() {
        // With the checksum right or not, decoding must not panic.
        let _ = Message::decode_slice(mobility, packet.checksum_context());
        if let Ok(message) = Message::decode_slice(mobility, ChecksumContext::Udp) {
            message_survives(&packet, &message);
        }
    }
    headers_survive(&packet);
}

fn walk_chain(next_header: u8, chain: &[u8]) {
    let mut headers = ExtensionHeaders::new(next_header, chain, 0);
    let mut walked = 0;
    while let Some(header) = headers.next() {
        walked += 1;
        let Ok(header) = header else {
            assert!(headers.next().is_none(), "nothing comes after an error");
            return;
        };
        let options = header.options().into_iter().flatten();
        assert!(options.count() <= header.data().len());
    }
    assert!(walked <= MAX_EXTENSION_HEADERS);
    assert_eq!(
        usize::from(headers.offset()) + headers.rest().len(),
        chain.len()
    );
}

/// The headers that we write, in front of the same upper layer.
fn headers_survive(packet: &Ipv6Packet<'_>) {
    let upper_layer = packet.upper_layer();
    if protocol::extension_header_len(upper_layer, 0).is_some() {
        return; // A later fragment.
    }
    let octets = packet.upper_layer_octets();
    let mut wire = Vec::new();
    let fits = packet.header().encode(upper_layer, octets.len(), &mut wire);
    fits.expect("it came with the same headers at least");
    assert_eq!(wire.len(), packet.header().encoded_len());
    wire.extend_from_slice(octets);
    let again = Ipv6Packet::parse(&wire).expect("what we write we read");
    assert_eq!(again.header(), packet.header());
    assert_eq!(again.upper_layer(), upper_layer);
    assert_eq!(again.upper_layer_octets(), octets);
}

fn message_survives(packet: &Ipv6Packet<'_>, message: &Message) {
    let mut wire = Vec::new();
    packet.header().encode_message(message, &mut wire);
    let again = Ipv6Packet::parse(&wire).expect("what we write we read");
    let mobility = again.mobility_header().expect("it is whole");
    let decoded = Message::decode_slice(mobility, again.checksum_context());
    assert_eq!(decoded.as_ref(), Ok(message));
}
