//! Fragments: put together, or reported.

use serde_json::{Value, json};

use crate::capture::{
    ETHERNET, LMA6, MAG6, Order, RAW, Record, binding_update, control, ethernet, fragment,
    heartbeat, ipv4, ipv4_fragment, of_packets, pcap, record, summed, udp,
};
use crate::json;

/// The binding update over IPv6 in fragments of 24, 24 and 16 octets.
fn pieces() -> [Vec<u8>; 3] {
    let message = summed(&binding_update(), MAG6, LMA6);
    [
        fragment(135, 0, true, &message[..24]),
        fragment(135, 24, true, &message[24..48]),
        fragment(135, 48, false, &message[48..]),
    ]
}

#[test]
fn fragments_in_any_order_make_a_whole() {
    let [a, b, c] = pieces();
    for order in [[&a, &b, &c], [&c, &b, &a], [&b, &c, &a]] {
        let packets: Vec<Vec<u8>> = order.into_iter().cloned().collect();
        let object = json(&of_packets(&packets)).only();
        assert_eq!(object["frame"], 3, "the one that made it whole");
        assert_eq!(object["fragments"], json!([1, 2, 3]));
        assert_eq!(object["sequence_number"], 7);
        assert_eq!(object["options"].as_array().map(Vec::len), Some(4));
    }
}

#[test]
fn an_exact_copy_does_no_harm() {
    let [a, b, c] = pieces();
    let object = json(&of_packets(&[a.clone(), a, b, c])).only();
    assert_eq!(object["frame"], 4);
}

#[test]
fn ipv4_fragments_make_a_whole() {
    let datagram = udp(5436, 5436, &binding_update());
    let (first, second) = datagram.split_at(32);
    // More fragments, then an offset of 4 units.
    let packets = [
        ipv4_fragment(17, 9, 4, second),
        ipv4_fragment(17, 9, 0x2000, first),
    ];
    let object = json(&of_packets(&packets)).only();
    assert_eq!(object["fragments"], json!([1, 2]));
    assert_eq!(object["sequence_number"], 7);
}

/// Customers may use the same private addresses, each in a VLAN or behind a GRE key: their fragments
/// must not make a message that nobody sent.
#[test]
fn fragments_of_different_customers_are_kept_apart() {
    let parts = |sequence| {
        let datagram = udp(5436, 5436, &heartbeat(sequence));
        let (first, second) = datagram.split_at(16);
        [
            ipv4_fragment(17, 9, 0x2000, first),
            ipv4_fragment(17, 9, 2, second),
        ]
    };
    let ([a, a_end], [b, b_end]) = (parts(1), parts(2));
    let sequences = |file: &[u8]| -> Vec<Value> {
        let all = json(file).json();
        let sequences = all.iter().map(|object| object["sequence_number"].clone());
        sequences.collect()
    };

    let keyed = |key: u8, packet: &[u8]| {
        let header = [0x20, 0, 0x08, 0, 0, 0, 0, key];
        ipv4(47, &[&header[..], packet].concat())
    };
    let packets = [
        keyed(1, &a),
        keyed(2, &b),
        keyed(2, &b_end),
        keyed(1, &a_end),
    ];
    assert_eq!(sequences(&of_packets(&packets)), [2, 1]);

    let tagged = |vlan: u16, packet: &[u8]| record(ethernet(&[(0x8100, vlan)], 0x0800, packet));
    let frames = [
        tagged(1, &a),
        tagged(2, &b),
        tagged(2, &b_end),
        tagged(1, &a_end),
    ];
    let file = pcap(Order::Little, false, ETHERNET, &frames);
    assert_eq!(sequences(&file), [2, 1]);

    // One that stays incomplete tells its VLAN.
    let lone = pcap(Order::Little, false, ETHERNET, &[tagged(7, &a)]);
    assert_eq!(json(&lone).json()[0]["vlan"], json!([7]));
}

#[test]
fn a_fragment_that_is_the_whole_packet_waits_for_nothing() {
    let message = summed(&heartbeat(8), MAG6, LMA6);
    let object = json(&of_packets(&[fragment(135, 0, false, &message)])).only();
    assert_eq!(object["sequence_number"], 8);
    assert_eq!(object.get("fragments"), None);
}

#[test]
fn a_missing_fragment_is_reported_with_the_frames_that_are_there() {
    let [a, _, c] = pieces();
    let run = json(&of_packets(&[control(&heartbeat(1)), a, c]));
    assert_eq!(run.code, 3);
    let object = &run.json()[1];
    assert_eq!(
        (&object["frame"], &object["fragments"]),
        (&json!(2), &json!([2, 3]))
    );
    assert_eq!(object["transport"], "ipv6");
    assert_eq!(object["src"], json!(MAG6));
    assert_eq!(object["error"]["kind"], "IncompleteFragments");
    let message = object["error"]["message"].as_str().expect("a message");
    assert!(
        message.contains("40 of 64 octets, from frames 2, 3"),
        "{message}"
    );
    assert_eq!(object.get("options"), None);
}

#[test]
fn overlapping_fragments_are_dropped_as_rfc_8200_asks() {
    let [a, b, c] = pieces();
    let message = summed(&binding_update(), MAG6, LMA6);
    let over = fragment(135, 16, true, &message[16..32]);
    let run = json(&of_packets(&[a, over, b, c]));
    assert_eq!(run.code, 3);
    let all = run.json();
    assert_eq!(all.len(), 1, "what comes later is dropped too: {all:?}");
    assert_eq!(all[0]["error"]["kind"], "OverlappingFragments");
}

#[test]
fn fragments_that_come_too_late_are_given_up_by_the_clock_of_the_capture() {
    let [a, b, c] = pieces();
    let at = |seconds: u32, packet: Vec<u8>| record(packet).at(1_700_000_000 + seconds, 0);
    let file = |records: &[Record]| pcap(Order::Little, false, RAW, records);
    let soon = json(&file(&[
        at(0, a.clone()),
        at(30, b.clone()),
        at(60, c.clone()),
    ]));
    assert_eq!(soon.code, 0, "{}", soon.stdout);
    let late = json(&file(&[at(0, a), at(30, b), at(61, c)]));
    let kinds: Vec<Value> = late
        .json()
        .iter()
        .map(|object| object["error"]["kind"].clone())
        .collect();
    assert_eq!(kinds, ["IncompleteFragments", "IncompleteFragments"]);
    let message = late.json()[0]["error"]["message"].clone();
    assert!(
        message
            .as_str()
            .is_some_and(|message| message.contains("60 s")),
        "{message}"
    );
}

#[test]
fn a_snapped_fragment_is_truncated() {
    let [a, b, c] = pieces();
    let cut = record(b.clone()).snapped(b.len() - 10);
    let file = pcap(Order::Little, false, RAW, &[record(a), cut, record(c)]);
    let run = json(&file);
    assert_eq!(run.code, 3);
    assert_eq!(run.json()[0]["error"]["kind"], "Truncated");
}

#[test]
fn fragments_that_need_not_be_ours_are_a_remark() {
    let run = json(&of_packets(&[ipv4_fragment(17, 9, 0x2004, &[0; 32])]));
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    assert!(run.stderr.contains("frame 1"), "{}", run.stderr);
}

#[test]
fn a_flood_of_fragments_stays_within_bounds() {
    // 20,000 packets that each claim 64 KiB by their last fragment.
    let mut packets = Vec::new();
    for number in 0..20_000u32 {
        let mut packet = fragment(135, 65_520, false, &[0; 8]);
        packet[44..48].copy_from_slice(&number.to_be_bytes());
        packets.push(packet);
    }
    let run = json(&of_packets(&packets));
    assert_eq!(run.code, 3);
    assert_eq!(run.json().len(), 20_000);
}
