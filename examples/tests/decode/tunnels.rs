//! Messages inside tunnels.

use serde_json::{Value, json};

use crate::capture::{
    LMA4, LMA6, MAG4, MAG6, checksum, control, heartbeat, ipv4, ipv4_fragment, ipv6, of_packets,
    summed, udp,
};
use crate::{json, run};

fn six(sequence: u8) -> Vec<u8> {
    ipv6(135, &summed(&heartbeat(sequence), MAG6, LMA6))
}

fn tunnel(packet: Vec<u8>) -> Value {
    json(&of_packets(&[packet])).only()["tunnel"].clone()
}

#[test]
fn ip_in_ip_of_every_pair() {
    let inner = [(control(&heartbeat(1)), 4u8), (six(1), 41)];
    for (packet, protocol) in inner {
        let over4 = json!([{ "kind": "ipv4", "src": MAG4, "dst": LMA4 }]);
        assert_eq!(tunnel(ipv4(protocol, &packet)), over4);
        let over6 = json!([{ "kind": "ipv6", "src": MAG6, "dst": LMA6 }]);
        assert_eq!(tunnel(ipv6(protocol, &packet)), over6);
    }
}

#[test]
fn gre_with_every_field() {
    // RFC 2784 and 2890: checksum with reserved, key, sequence number.
    let mut header = vec![0xb0, 0, 0x86, 0xdd, 0, 0, 0, 0];
    header.extend(0x0102_0304u32.to_be_bytes());
    header.extend(9u32.to_be_bytes());
    header.extend(six(1));
    let sum = checksum(&header);
    header[4..6].copy_from_slice(&sum);
    let expected = json!([{
        "kind": "ipv4-gre", "src": MAG4, "dst": LMA4,
        "gre_key": 0x0102_0304, "gre_sequence": 9,
    }]);
    assert_eq!(tunnel(ipv4(47, &header)), expected);
    let plain = [&[0, 0, 0x08, 0x00][..], &control(&heartbeat(1))].concat();
    let expected = json!([{ "kind": "ipv6-gre", "src": MAG6, "dst": LMA6 }]);
    assert_eq!(tunnel(ipv6(47, &plain)), expected);
}

#[test]
fn gre_of_another_version_is_other_traffic() {
    // RFC 2637 section 4.1: key and sequence number present, version 1, PPP; an empty payload.
    let pptp = [0x30, 0x01, 0x88, 0x0b, 0, 0, 0, 1, 0, 0, 0, 7];
    let run = json(&of_packets(&[ipv4(47, &pptp)]));
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.as_str()),
        (0, "", "")
    );
}

#[test]
fn the_data_port_with_and_without_the_tlv_header() {
    let plain = ipv4(17, &udp(5437, 5437, &six(1)));
    let outer = |kind: &str| json!([{ "kind": kind, "src": MAG4, "dst": LMA4 }]);
    assert_eq!(tunnel(plain), outer("ipv4-udp"));
    // RFC 5845 section 7.2: type 0, next header, length.
    let inner = six(2);
    let tlv = [&[0, 41, 0, inner.len() as u8][..], &inner].concat();
    assert_eq!(
        tunnel(ipv4(17, &udp(5437, 5437, &tlv))),
        outer("ipv4-udp-tlv")
    );
    let gre = [&[0x20, 0, 0x86, 0xdd, 0, 0, 0, 5][..], &inner].concat();
    let tlv = [&[0, 47, 0, gre.len() as u8][..], &gre].concat();
    let mut keyed = outer("ipv4-udp-tlv");
    keyed[0]["gre_key"] = json!(5);
    assert_eq!(tunnel(ipv4(17, &udp(5437, 5437, &tlv))), keyed);
}

#[test]
fn a_tlv_header_of_the_wrong_length_is_discarded_and_told() {
    let inner = six(2);
    let tlv = [&[0, 41, 0, 1][..], &inner].concat();
    let run = json(&of_packets(&[ipv4(17, &udp(5437, 5437, &tlv))]));
    assert_eq!((run.code, run.stdout.as_str()), (3, ""));
    assert!(run.stderr.contains("discards the packet"), "{}", run.stderr);
}

#[test]
fn keep_alives_of_the_data_port_are_nothing() {
    let run = json(&of_packets(&[
        ipv4(17, &udp(5437, 5437, &[])),
        ipv4(17, &udp(5437, 5437, &[0xff])),
    ]));
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn what_esp_protects_is_told_and_no_failure() {
    let run = json(&of_packets(&[ipv4(50, &[0; 40]), ipv6(50, &[0; 40])]));
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    assert!(
        run.stderr.contains("frames 1, 2 (protected by ESP)"),
        "{}",
        run.stderr
    );
}

#[test]
fn tunnels_nest_outermost_first_and_end_somewhere() {
    let packet = ipv6(41, &ipv6(4, &ipv4(17, &udp(5437, 5437, &six(3)))));
    let kinds: Vec<Value> = tunnel(packet.clone())
        .as_array()
        .expect("an array")
        .iter()
        .map(|outer| outer["kind"].clone())
        .collect();
    assert_eq!(kinds, ["ipv6", "ipv6", "ipv4-udp"]);
    let text = run(&["-"], &of_packets(&[packet])).stdout;
    assert!(
        text.contains("in ipv4-udp 198.51.100.7 > 192.0.2.1"),
        "{text}"
    );
    let deep = (0..9).fold(six(1), |packet, _| ipv6(41, &packet));
    let run = json(&of_packets(&[deep]));
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("too many tunnels"), "{}", run.stderr);
}

#[test]
fn a_fragmented_outer_packet_is_put_together_first() {
    let inner = six(1);
    let (first, second) = inner.split_at(32);
    let packets = [
        ipv4_fragment(41, 3, 0x2000, first),
        ipv4_fragment(41, 3, 4, second),
    ];
    let object = json(&of_packets(&packets)).only();
    assert_eq!(object["tunnel"][0]["kind"], "ipv4");
    assert_eq!(object["fragments"], json!([1, 2]));
}
