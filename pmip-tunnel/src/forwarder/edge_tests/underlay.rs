//! Errors of the networks that carry tunnels.

use super::*;
use crate::testing::naive_sum;

/// An ICMP error about `outer`, as a router on the way sends it to our end.
fn icmp_error(outer: &[u8], header: [u8; 8]) -> Vec<u8> {
    let quoted = &outer[..outer.len().min(500)];
    let (router, protocol) = match outer[0] >> 4 {
        4 => ("192.0.2.254", 1u8),
        _ => ("2001:db8:ff::1", 58),
    };
    let source = crate::Packet::parse(outer).expect("ours").source;
    let mut packet = Build::udp(router, &alloc::string::ToString::to_string(&source), 0).packet();
    let start = packet.len() - 8;
    packet.truncate(start);
    packet.extend_from_slice(&header);
    packet.extend_from_slice(quoted);
    let mut summed = Vec::new();
    if start == 20 {
        let length = u16::try_from(packet.len()).expect("short");
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        packet[9] = protocol;
    } else {
        let length = u16::try_from(packet.len() - 40).expect("short");
        packet[4..6].copy_from_slice(&length.to_be_bytes());
        packet[6] = protocol;
        summed.extend_from_slice(&packet[8..40]);
        summed.extend_from_slice(&u32::from(length).to_be_bytes());
        summed.extend_from_slice(&[0, 0, 0, 58]);
    }
    summed.extend_from_slice(&packet[start..]);
    let checksum = !naive_sum(&summed);
    packet[start + 2..start + 4].copy_from_slice(&checksum.to_be_bytes());
    packet
}

fn too_big(encapsulation: Encapsulation, mtu: u16) -> [u8; 8] {
    let [m0, m1] = mtu.to_be_bytes();
    match encapsulation.is_ipv4_transport() {
        true => [3, 4, 0, 0, 0, 0, m0, m1],
        false => [2, 0, 0, 0, 0, 0, m0, m1],
    }
}

/// RFC 2473 sections 8.1 to 8.3.
#[test]
fn underlay_errors_find_their_path_and_reach_the_inner_sender() {
    for encapsulation in Encapsulation::ALL.iter().copied() {
        let mag = table(Role::Mag, encapsulation);
        for (host, peer) in [(V4_HOST, V4_PEER), (V6_HOST, V6_PEER)] {
            let data = Build::udp(host, peer, 1_390).packet();
            let outers = sent(&mag, VrfId::DEFAULT, &data, PacketOffload::NONE).expect("sent");
            let packet = icmp_error(&outers[0], too_big(encapsulation, 1_400));
            let error = UnderlayError::parse(&packet).expect("about a tunnel packet");
            let mut arena = SegmentArena::new();
            let told = forwarder()
                .underlay_error(NOW, &mag, VrfId::DEFAULT, &error, &packet, &mut arena)
                .expect("our path");
            assert_eq!((told.path, told.mtu), (PATH, Some(1_400)));
            assert_eq!(told.reply, Some(0), "{encapsulation:?} {host}");
            let reply = arena.header(&arena.segments()[0]);
            let own = tunnel(Role::Mag, encapsulation).overhead();
            let at = if reply[0] >> 4 == 4 { 26 } else { 46 };
            let mtu = u16::from_be_bytes([reply[at], reply[at + 1]]);
            assert_eq!(mtu, 1_400 - own);
            let quoted = &reply[at + 2..];
            assert_eq!(quoted, &data[..quoted.len()], "the inner packet is quoted");
        }
    }
}

#[test]
fn errors_about_packets_that_we_never_sent_are_not_believed() {
    let encapsulation = Encapsulation::Ipv4Udp;
    let mag = table(Role::Mag, encapsulation);
    let data = Build::udp(V4_HOST, V4_PEER, 1_390).packet();
    let outers = sent(&mag, VrfId::DEFAULT, &data, PacketOffload::NONE).expect("sent");
    let mut elsewhere = outers[0].clone();
    elsewhere[19] ^= 1;
    let packet = icmp_error(&elsewhere, too_big(encapsulation, 600));
    let error = UnderlayError::parse(&packet).expect("of its form");
    let mut arena = SegmentArena::new();
    let told = forwarder().underlay_error(NOW, &mag, VrfId::DEFAULT, &error, &packet, &mut arena);
    assert_eq!(told, Err(DropReason::UnknownPeer));
    let mut damaged = icmp_error(&outers[0], too_big(encapsulation, 600));
    damaged[27] ^= 1;
    assert_eq!(UnderlayError::parse(&damaged), None, "checksum");
}

#[test]
fn unreachable_is_told_only_where_no_other_path_is_left() {
    let encapsulation = Encapsulation::Ipv6;
    let mut mag = table(Role::Mag, encapsulation);
    let data = Build::udp(V6_HOST, V6_PEER, 100).packet();
    let outers = sent(&mag, VrfId::DEFAULT, &data, PacketOffload::NONE).expect("sent");
    let packet = icmp_error(&outers[0], [1, 3, 0, 0, 0, 0, 0, 0]);
    let error = UnderlayError::parse(&packet).expect("about a tunnel packet");
    let told = |mag: &ForwardingTable| {
        let mut arena = SegmentArena::new();
        let mut worker = forwarder();
        let told = worker
            .underlay_error(NOW, mag, VrfId::DEFAULT, &error, &packet, &mut arena)
            .expect("our path");
        assert_eq!(told.problem, UnderlayProblem::Unreachable);
        told.reply
            .map(|at| arena.header(&arena.segments()[at])[40..42].to_vec())
    };
    assert_eq!(told(&mag), Some(vec![1, 3]));
    let mut second = tunnel(Role::Mag, encapsulation);
    second.path = PathId(2);
    second.local = ip("2001:db8:a::3");
    mag.set_path(second);
    let mut both = session(1, &["2001:db8:7::/48"]);
    both.paths.push(PathId(2));
    mag.set_session(both);
    assert_eq!(told(&mag), None);
}
