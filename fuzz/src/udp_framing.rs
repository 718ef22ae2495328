//! Any octets as IPv4, UDP, TLV and GRE: no panic, no octet outside, and what was read is written
//! again the same.

use std::net::Ipv4Addr;

use pmip_wire::carrier::{
    AddressPair, DataFrame, GrePacket, Ipv4Packet, TlvPacket, UdpDatagram, protocol,
};

const ADDRESSES: AddressPair = AddressPair::V4 {
    source: Ipv4Addr::new(192, 0, 2, 1),
    destination: Ipv4Addr::new(198, 51, 100, 7),
};

/// Reads `data`, behind one octet that chooses the outermost layer.
pub fn run(data: &[u8]) {
    let Some((layer, octets)) = data.split_first() else {
        return;
    };
    match layer % 4 {
        0 => ipv4(octets),
        1 => udp(octets, ADDRESSES),
        2 => frame(octets),
        _ => gre(octets),
    }
}

fn ipv4(octets: &[u8]) {
    let Ok(packet) = Ipv4Packet::parse(octets) else {
        return;
    };
    if !packet.is_fragment() && packet.header.protocol == protocol::UDP {
        udp(packet.payload, packet.header.addresses());
    }
    if packet.header.protocol == protocol::GRE {
        gre(packet.payload);
    }
    let mut wire = Vec::new();
    let fits = packet.header.encode(packet.payload.len(), &mut wire);
    fits.expect("it came with a longer header");
    wire.extend_from_slice(packet.payload);
    let again = Ipv4Packet::parse(&wire).expect("what we write we read");
    assert_eq!(again.header, packet.header);
    assert_eq!(again.payload, packet.payload);
}

fn udp(octets: &[u8], addresses: AddressPair) {
    let Ok(datagram) = UdpDatagram::parse(octets, addresses) else {
        return;
    };
    if let Ok(Some(mobility)) = datagram.mobility_header() {
        assert!(datagram.checksummed, "signalling is protected");
        assert_eq!(mobility, datagram.payload);
    }
    if let Some(payload) = datagram.data() {
        frame(payload);
    }
    let mut wire = Vec::new();
    let fits = datagram
        .header
        .encode(addresses, datagram.payload, &mut wire);
    fits.expect("it came with this length");
    if datagram.checksummed {
        // Zero and all ones are the same sum, and we never write zero.
        assert_eq!(octets.get(..8), Some(&wire[..]));
    }
    wire.extend_from_slice(datagram.payload);
    let again = UdpDatagram::parse(&wire, addresses).expect("what we write we read");
    assert_eq!(again.header, datagram.header);
    assert_eq!(again.payload, datagram.payload);
}

fn frame(payload: &[u8]) {
    match DataFrame::parse(payload) {
        Ok(DataFrame::Tlv(tlv)) => {
            let mut wire = Vec::new();
            let fits = TlvPacket::encode_header(tlv.next_header, tlv.payload.len(), &mut wire);
            fits.expect("it came with this length");
            wire.extend_from_slice(tlv.payload);
            assert_eq!(TlvPacket::parse(&wire), Ok(tlv));
            if tlv.next_header == protocol::GRE {
                gre(tlv.payload);
            }
        }
        Ok(frame) => assert!(matches!(frame, DataFrame::Ipv4(_) | DataFrame::Ipv6(_))),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn gre(octets: &[u8]) {
    let Ok(packet) = GrePacket::parse(octets) else {
        return;
    };
    let mut wire = Vec::new();
    packet.header.encode(packet.payload, &mut wire);
    assert_eq!(wire.len(), packet.header.encoded_len());
    wire.extend_from_slice(packet.payload);
    assert_eq!(wire.len(), octets.len());
    assert_eq!(GrePacket::parse(&wire), Ok(packet));
}
