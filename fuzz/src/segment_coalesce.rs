//! Cutting, joining and cutting again gives the same segments, whatever was cut.

use pmip_tunnel::{Coalescer, Packet, PacketOffload, SegmentArena};

/// Takes `data`: the kernel's offload header, then a packet.
pub fn run(data: &[u8]) {
    let Some((header, packet)) = data.split_first_chunk() else {
        return;
    };
    let Ok(offload) = PacketOffload::from_virtio(header) else {
        return;
    };
    let Some(cut) = segments(packet, offload) else {
        return;
    };
    let again: Vec<Vec<u8>> = joined(&cut)
        .iter()
        .flat_map(|(packet, offload)| {
            segments(packet, *offload).expect("what was joined can be cut")
        })
        .collect();
    assert_eq!(again, cut);
}

/// The segments; `None` where the packet is not what the offload says, or they are no packets: a
/// checksum goes where the kernel says, even into a length.
fn segments(packet: &[u8], offload: PacketOffload) -> Option<Vec<Vec<u8>>> {
    let facts = Packet::parse(packet).ok()?;
    let mut arena = SegmentArena::new();
    pmip_tunnel::cut(packet, &facts, offload, None, &mut arena).ok()?;
    let octets = arena.segments().iter().map(|segment| {
        let mut out = Vec::new();
        arena.copy_to(segment, packet, &mut out);
        let facts = Packet::parse(&out).ok()?;
        (facts.length == out.len()).then_some(out)
    });
    octets.collect()
}

/// What a driver would deliver for these packets.
fn joined(packets: &[Vec<u8>]) -> Vec<(Vec<u8>, PacketOffload)> {
    let area = packets.concat();
    let mut coalescer = Coalescer::new();
    let mut start = 0;
    for packet in packets {
        let facts = Packet::parse(packet).expect("it was read before");
        coalescer.push(&area, start, &facts);
        start += packet.len();
    }
    coalescer.finish(&area);
    let deliver = |merged| {
        let mut out = coalescer.header(merged).to_vec();
        for piece in coalescer.pieces(merged) {
            out.extend_from_slice(&area[piece]);
        }
        (out, merged.offload())
    };
    coalescer.outputs().iter().map(deliver).collect()
}
