//! Any message that can be built: it encodes within the limits and survives.

use std::net::Ipv6Addr;

use arbitrary::Unstructured;
use pmip_wire::{ChecksumContext, MAX_MESSAGE_LEN, Message, MobilityHeader};

/// Builds a message from `data` and encodes it.
pub fn run(data: &[u8]) {
    let mut octets = Unstructured::new(data);
    let Ok(addresses) = octets.arbitrary::<[Ipv6Addr; 2]>() else {
        return;
    };
    let Ok(message) = octets.arbitrary::<Message>() else {
        return;
    };
    let [source, destination] = addresses;
    let ipv6 = ChecksumContext::Ipv6 {
        source,
        destination,
    };
    for context in [ChecksumContext::Udp, ipv6] {
        let wire = message.to_bytes(context);
        assert_eq!(wire.len(), message.encoded_len());
        assert!(wire.len() % 8 == 0 && wire.len() <= MAX_MESSAGE_LEN);
        assert_eq!(Message::decode(&wire, context).as_ref(), Ok(&message));
        let header = MobilityHeader::parse(&wire, context).expect("what was encoded decodes");
        for raw in header.options().into_iter().flatten() {
            let raw = raw.expect("what was encoded is whole");
            let alignment = raw.option_type().alignment();
            let place = raw.offset() % u16::from(alignment.multiple());
            assert_eq!(place, u16::from(alignment.remainder()), "{raw:?}");
        }
    }
}
