//! What stands around a Mobility Header: the UDP checksum in front of it and octets behind it.

use serde_json::{Value, json};

use crate::capture::{
    LMA4, MAG4, binding_update, checksum, control, heartbeat, ipv4, ipv6, of_packets, record,
    summed, udp,
};
use crate::capture::{LMA6, MAG6, Order, RAW, pcap};
use crate::{json, run};

/// The pseudo header of a datagram (RFC 768).
fn pseudo_header(length: usize) -> Vec<u8> {
    let length = (length as u16).to_be_bytes();
    [&MAG4.octets()[..], &LMA4.octets(), &[0, 17], &length].concat()
}

/// A heartbeat in a datagram with this checksum field, made from what it should be and the sum of
/// the pseudo header.
fn datagram(field: impl Fn(u16, u16) -> u16) -> Vec<u8> {
    let mut datagram = udp(5436, 5436, &heartbeat(7));
    let head = pseudo_header(datagram.len());
    let right = u16::from_be_bytes(checksum(&[&head[..], &datagram].concat()));
    let unfilled = !u16::from_be_bytes(checksum(&head));
    assert_ne!(right, unfilled);
    datagram[6..8].copy_from_slice(&field(right, unfilled).to_be_bytes());
    ipv4(17, &datagram)
}

#[test]
fn the_udp_checksum_is_told() {
    let cases: [(Vec<u8>, &str, &str); 4] = [
        // RFC 5844 section 4.1.3.2: signalling must have one, so its receiver discards this.
        (datagram(|_, _| 0), "left-out", "UDP checksum left out"),
        (datagram(|right, _| right), "correct", ""),
        (
            datagram(|_, unfilled| unfilled),
            "offloaded",
            "UDP checksum not filled in yet",
        ),
        (
            datagram(|right, _| right ^ 0x0100),
            "wrong",
            "would be right: discarded",
        ),
    ];
    for (packet, name, said) in cases {
        let file = of_packets(&[packet]);
        // The message is shown all the same.
        let object = json(&file).only();
        assert_eq!(object["udp_checksum"], name);
        assert_eq!(object["sequence_number"], 7);
        assert_eq!(object.get("error"), None);
        let tree = run(&["-"], &file).stdout;
        assert!(tree.contains("sequence 7") && tree.contains(said), "{tree}");
        assert_eq!(tree.contains("UDP checksum"), !said.is_empty(), "{tree}");
    }
    // What is cut cannot be summed up.
    let whole = datagram(|right, _| right);
    let length = whole.len() - 1;
    let cut = pcap(Order::Big, false, RAW, &[record(whole).snapped(length)]);
    assert_eq!(json(&cut).json()[0].get("udp_checksum"), None);
}

/// RFC 8200 section 4.7 has receivers ignore what follows "no next header"; whoever looks for what
/// a sender does wrong wants to know of it.
#[test]
fn octets_behind_the_header_are_reported() {
    let over_udp = |behind: usize| {
        let mut message = binding_update();
        message.resize(message.len() + behind, 0xee);
        control(&message)
    };
    let object = json(&of_packets(&[over_udp(0)])).only();
    assert_eq!(object.get("trailing_octets"), None);
    // 3000 are more than the longest Mobility Header and so more than is looked at.
    for behind in [1, 8, 3000] {
        let file = of_packets(&[over_udp(behind)]);
        let object = json(&file).only();
        assert_eq!(object["trailing_octets"], behind);
        assert_eq!(object["options"].as_array().map(Vec::len), Some(4));
        let tree = run(&["-"], &file).stdout;
        let plural = if behind == 1 { "octet" } else { "octets" };
        let said = format!("{behind} {plural} behind the Mobility Header, ignored");
        assert!(tree.contains(&said), "{tree}");
    }
    let mut message = summed(&binding_update(), MAG6, LMA6);
    message.extend([0; 5]);
    let run6 = json(&of_packets(&[ipv6(135, &message)]));
    // The checksum covers the payload of the packet or the header: RFC 6275 section 6.1.1 and
    // RFC 8200 section 4.7 leave it to the header.
    assert_eq!(run6.only()["trailing_octets"], json!(5));

    // Of what the snap length cut off, the lengths tell.
    let mut message = heartbeat(1);
    message.extend([0; 20]);
    let packets = [
        control(&message),
        ipv6(135, &summed(&heartbeat(1), MAG6, LMA6))
            .into_iter()
            .chain([0; 20])
            .collect(),
    ];
    for mut packet in packets {
        if packet[0] >> 4 == 6 {
            packet[5] += 20;
        }
        let length = packet.len();
        for cut in [15, 20] {
            let frame = record(packet.clone()).snapped(length - cut);
            let object = json(&pcap(Order::Little, false, RAW, &[frame])).only();
            assert_eq!(object["trailing_octets"], 20, "{object}");
        }
    }

    // A length that nothing stands behind invents none.
    let mut lying = control(&heartbeat(1));
    lying[24..26].copy_from_slice(&600u16.to_be_bytes());
    let object = json(&of_packets(&[lying])).only();
    assert_eq!(object.get("trailing_octets"), None);

    let hex: String = heartbeat(1)
        .iter()
        .chain(&[0xaa, 0xbb])
        .map(|octet| format!("{octet:02x}"))
        .collect();
    let object: Value = run(&["--hex", &hex, "--json"], &[]).only();
    assert_eq!(object["trailing_octets"], 2);
}

/// Where the header is not whole, its end is not known, and nothing is behind it.
#[test]
fn a_header_without_an_end_has_nothing_behind_it() {
    let mut message = heartbeat(1);
    message[0] = 58;
    message.extend([0; 9]);
    let run = json(&of_packets(&[control(&message)]));
    let object = &run.json()[0];
    assert_eq!(object["error"]["kind"], "BadPayloadProto");
    assert_eq!(object.get("trailing_octets"), None);
}
