//! Link layers, and IPv6 extension headers.

use std::net::Ipv6Addr;

use serde_json::json;

use crate::capture::{
    ETHERNET, LMA6, MAG6, Order, RAW, control, ethernet, heartbeat, ipv4, ipv6, of_packets, pcap,
    record, summed, udp,
};
use crate::{Run, json};

fn linked(link_type: u32, frame: Vec<u8>) -> Run {
    json(&pcap(Order::Little, false, link_type, &[record(frame)]))
}

#[test]
fn every_link_layer_leads_to_its_packet() {
    let four = control(&heartbeat(4));
    let six = ipv6(135, &summed(&heartbeat(6), MAG6, LMA6));
    for (packet, ether_type, sequence) in [(&four, 0x0800u16, 4), (&six, 0x86dd, 6)] {
        let before = |head: &[u8]| [head, packet].concat();
        let proto = ether_type.to_be_bytes();
        // Packet type, ARPHRD, address length, address, protocol.
        let cooked = [&[0, 0, 0xff, 0xfe, 0, 6][..], &[0; 8], &proto].concat();
        // Protocol, reserved, interface, ARPHRD, packet type, address length, address.
        let cooked_2 = [&proto[..], &[0, 0, 0, 0, 0, 2, 0, 1, 0, 6], &[0; 8]].concat();
        let family: u8 = if ether_type == 0x0800 { 2 } else { 30 };
        for (link_type, frame) in [
            (ETHERNET, ethernet(&[], ether_type, packet)),
            (113, before(&cooked)),
            (276, before(&cooked_2)),
            (RAW, packet.clone()),
            (12, packet.clone()),
            (14, packet.clone()),
            (if sequence == 4 { 228 } else { 229 }, packet.clone()),
            (0, before(&[family, 0, 0, 0])),
            (0, before(&[0, 0, 0, family])),
            (108, before(&[0, 0, 0, family])),
        ] {
            let object = linked(link_type, frame).only();
            assert_eq!(object["sequence_number"], sequence, "link type {link_type}");
            assert_eq!(object.get("vlan"), None);
        }
    }
}

#[test]
fn vlan_tags_are_taken_off_and_told() {
    let packet = control(&heartbeat(4));
    let tagged = ethernet(&[(0x8100, 0x6007)], 0x0800, &packet);
    assert_eq!(linked(ETHERNET, tagged).only()["vlan"], json!([7]));
    let twice = ethernet(&[(0x88a8, 100), (0x8100, 7)], 0x0800, &packet);
    assert_eq!(linked(ETHERNET, twice).only()["vlan"], json!([100, 7]));
}

#[test]
fn trailing_octets_of_a_short_ethernet_frame_are_not_the_message_s() {
    let mut frame = ethernet(&[], 0x86dd, &ipv6(135, &summed(&heartbeat(6), MAG6, LMA6)));
    frame.resize(200, 0xee);
    assert_eq!(linked(ETHERNET, frame).only()["sequence_number"], 6);
}

#[test]
fn an_unknown_link_type_is_named() {
    let run = linked(105, vec![0; 40]);
    assert_eq!((run.code, run.stdout.as_str()), (3, ""));
    let told = "frame 1 (link layer: IEEE 802.11 (105) is not known here)";
    assert!(run.stderr.contains(told), "{}", run.stderr);
    let run = linked(999, vec![0; 40]);
    assert!(
        run.stderr.contains("link type 999 is not known"),
        "{}",
        run.stderr
    );
}

#[test]
fn other_traffic_is_passed_over() {
    let other = [
        ipv4(6, &[0; 20]),
        ipv4(17, &udp(53, 40_000, b"no")),
        ipv6(58, &[128, 0, 0, 0]),
        // Protocol 135 is the Mobility Header of IPv6 alone.
        ipv4(135, &heartbeat(1)),
        // UDP port 5436 is of IPv4 alone (RFC 5844 section 4.1).
        ipv6(17, &udp(5436, 5436, &heartbeat(1))),
    ];
    let run = json(&of_packets(&other));
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.as_str()),
        (0, "", "")
    );
}

#[test]
fn a_datagram_cut_inside_its_header_is_truncated_or_told() {
    let packet = control(&heartbeat(2));
    let cut = |length: usize| {
        let records = [record(packet.clone()).snapped(length)];
        json(&pcap(Order::Little, false, RAW, &records))
    };
    let ports_are_there = cut(26);
    assert_eq!(ports_are_there.json()[0]["error"]["kind"], "Truncated");
    let ports_are_not = cut(22);
    assert_eq!((ports_are_not.code, ports_are_not.stdout.as_str()), (3, ""));
    assert!(
        ports_are_not.stderr.contains("cut inside"),
        "{}",
        ports_are_not.stderr
    );
}

#[test]
fn the_control_port_counts_on_either_side() {
    for ports in [(5436, 40_000), (40_000, 5436)] {
        let packet = ipv4(17, &udp(ports.0, ports.1, &heartbeat(2)));
        let object = json(&of_packets(&[packet])).only();
        assert_eq!(object["src_port"], ports.0);
        assert_eq!(object["dst_port"], ports.1);
    }
}

#[test]
fn home_addresses_take_the_place_of_the_packet_s_in_the_checksum() {
    let home: Ipv6Addr = "2001:db8:9::9".parse().expect("an address");
    // RFC 6275 section 6.3: type 0xc9, length 16, at 8n+6: two octets of header, PadN(4).
    let mut source = vec![135, 2, 1, 2, 0, 0, 0xc9, 16];
    source.extend(home.octets());
    let message = summed(&heartbeat(1), home, LMA6);
    let packet = ipv6(60, &[source.clone(), message].concat());
    let object = json(&of_packets(&[packet])).only();
    assert_eq!(object["src"], json!(MAG6));
    assert_eq!(object["home_address_option"], json!(home));

    // RFC 6275 section 6.4: length 2, routing type 2, one segment left.
    let mut destination = vec![135, 2, 2, 1, 0, 0, 0, 0];
    destination.extend(home.octets());
    let message = summed(&heartbeat(2), MAG6, home);
    let packet = ipv6(43, &[destination.clone(), message].concat());
    let object = json(&of_packets(&[packet])).only();
    assert_eq!(object["type_2_routing_header"], json!(home));

    // Both, behind hop-by-hop options.
    let hop = [43, 0, 1, 4, 0, 0, 0, 0].to_vec();
    destination[0] = 60;
    let message = summed(&heartbeat(3), home, home);
    let packet = ipv6(0, &[hop, destination, source, message].concat());
    assert_eq!(json(&of_packets(&[packet])).only()["sequence_number"], 3);
}
