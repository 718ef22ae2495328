//! What goes into a tunnel comes out of it: any inner octets, in every encapsulation, whole and in
//! fragments, through the functions and through both forwarders.

use std::net::{IpAddr, SocketAddr};

use pmip_policy::FlowTableConfig;
use pmip_tunnel::encap::{
    Carrier, Outer, OuterDscp, PacketBuf, Reassembler, ReassemblerConfig, Tunnel, Whole,
    decapsulate, encapsulate, fragments,
};
use pmip_tunnel::{
    Forwarder, ForwarderConfig, ForwardingTable, Inbound, Outbound, PacketOffload, PathKeys, Role,
    SegmentArena, SessionKey, TunnelPath, TunnelSession, VrfId,
};
use pmip_wire::types::{Encapsulation, Instant, PathId};

const PATH: PathId = PathId(1);
const HEADROOM: usize = 64;
/// Takes `data`, behind eight octets that choose how, through tunnels.
pub fn run(data: &[u8]) {
    let Some((choice, inner)) = data.split_first_chunk::<8>() else {
        return;
    };
    let [kind, flags, key, limit, mtu, _, _, _] = *choice;
    let encapsulation = Encapsulation::ALL[usize::from(kind) % Encapsulation::ALL.len()];
    let [from, to] = ends(encapsulation);
    let mut tunnel = Tunnel::new(encapsulation, from, to);
    tunnel.key = (flags & 1 != 0).then_some(key.into());
    tunnel.sequence = (flags & 2 != 0).then_some(u32::from(key) << 20);
    tunnel.options.udp_checksum = flags & 4 != 0;
    tunnel.options.gre_in_tlv = flags & 8 != 0;
    tunnel.options.encapsulation_limit = (flags & 16 != 0).then_some(limit);
    tunnel.options.dscp = OuterDscp::Value(limit);
    if let Some(whole) = whole(&tunnel, inner) {
        in_fragments(&whole, u16::from(mtu) * 8);
    }
    through_forwarders(encapsulation, flags, inner);
}

fn ends(encapsulation: Encapsulation) -> [SocketAddr; 2] {
    let ends = match encapsulation.is_ipv4_transport() {
        true => ["198.51.100.7:5437", "192.0.2.1:5437"],
        false => ["[2001:db8:a::7]:0", "[2001:db8:a::1]:0"],
    };
    ends.map(|end| end.parse().expect("an end"))
}

/// The outer packet, which gives the inner one back.
fn whole(tunnel: &Tunnel, inner: &[u8]) -> Option<Vec<u8>> {
    let mut data = vec![0xa5; HEADROOM];
    data.extend_from_slice(inner);
    let mut buffer = PacketBuf::new(&mut data, HEADROOM).expect("inside");
    if encapsulate(&mut buffer, tunnel).is_err() {
        assert_eq!(buffer.packet(), inner, "as it was");
        return None;
    }
    let packet = buffer.packet();
    let read = decapsulate(packet).expect("our own");
    assert_eq!(read.encapsulation, tunnel.encapsulation);
    assert_eq!(read.source.ip(), tunnel.source.ip());
    assert_eq!(packet.get(read.inner), Some(inner));
    Some(packet.to_vec())
}

fn in_fragments(whole: &[u8], mtu: u16) {
    let Ok(pieces) = fragments(whole, mtu, 7) else {
        return;
    };
    let pieces: Vec<Vec<u8>> = pieces
        .map(|piece| [piece.header(), &whole[piece.payload.clone()]].concat())
        .collect();
    // More is taken for an attack.
    if pieces.len() > 128 {
        return;
    }
    let mut reassembler = Reassembler::new(ReassemblerConfig::default());
    let (last, others) = pieces.split_last().expect("one at least");
    for piece in others {
        assert_eq!(reassembler.push(Instant::ZERO, piece), Whole::Nothing);
    }
    match reassembler.push(Instant::ZERO, last) {
        Whole::AsItIs => assert_eq!(last, whole),
        Whole::Complete(packet) => {
            // The identification is that of the fragments.
            assert_eq!(
                decapsulate(packet).ok().map(|read| read.inner),
                inner_of(whole)
            );
        }
        Whole::Nothing => panic!("{} pieces make no packet", pieces.len()),
    }
}

fn inner_of(whole: &[u8]) -> Option<std::ops::Range<usize>> {
    decapsulate(whole).ok().map(|read| read.inner)
}

fn through_forwarders(encapsulation: Encapsulation, flags: u8, inner: &[u8]) {
    let [mag, lma] = [Role::Mag, Role::Lma].map(|role| table(role, encapsulation, flags));
    let mut config = ForwarderConfig::default();
    config.flows = FlowTableConfig::default().with_max_flows(16);
    config.clamp_mss = false;
    let mut forwarder = Forwarder::new(config);
    let mut arena = SegmentArena::new();
    let offload = PacketOffload::NONE;
    let verdict = forwarder.outbound(Instant::ZERO, &mag, inner, offload, &mut arena);
    let Outbound::Tunnel(send) = verdict else {
        return;
    };
    let outer = Outer::of(mag.path(send.path).expect("a path"), 5437, &send);
    let segment = &arena.segments()[send.segments.start];
    let mut packet = vec![0; outer.length()];
    arena.copy_to(segment, inner, &mut packet);
    if outer.write(&mut packet).is_err() {
        // Longer than a packet can be: nothing for a path of any MTU.
        return;
    }
    match forwarder.inbound_packet(&lma, VrfId::DEFAULT, &mut packet) {
        Inbound::Deliver(delivery) => {
            let out = &packet[delivery.start..][..delivery.packet.length];
            assert_eq!(Some(out), inner.get(..delivery.packet.length));
        }
        Inbound::Local(_) => panic!("a session's packet is not between the ends"),
        Inbound::Drop(reason) => panic!("our own is dropped: {reason}"),
    }
}

fn table(role: Role, encapsulation: Encapsulation, flags: u8) -> ForwardingTable {
    let mut table = ForwardingTable::new(role);
    let [mag, lma] = ends(encapsulation);
    let (local, remote): (IpAddr, SocketAddr) = match role {
        Role::Mag => (mag.ip(), lma),
        Role::Lma => (lma.ip(), mag),
    };
    let mut path = TunnelPath::new(PATH, role, local, remote, encapsulation);
    path.outer.gre_sequence = flags & 2 != 0;
    path.outer.encapsulation_limit = (flags & 16 != 0).then_some(9);
    table.set_path(path);
    let prefixes = ["10.1.0.0/24", "2001:db8:7::/48"];
    let prefixes = prefixes.map(|text| text.parse().expect("a prefix"));
    let is_gre = Carrier::of(encapsulation) == Some(Carrier::Gre)
        || encapsulation == Encapsulation::Ipv4UdpTlv;
    let keys = match is_gre && flags & 1 != 0 {
        true => vec![PathKeys::new(PATH, 1, 2)],
        false => vec![],
    };
    let session = TunnelSession::new(SessionKey(1), prefixes.to_vec(), vec![PATH]);
    table.set_session(session.with_keys(keys));
    table
}
