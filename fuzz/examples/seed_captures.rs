//! Writes the seeds of `pcap_reader` anew: `cargo run -p pmip-fuzz --example seed_captures`.

use std::error::Error;
use std::fs;
use std::net::Ipv6Addr;
use std::path::Path;

use pmip_wire::{ChecksumContext, Heartbeat, Message};

const MAG: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);
const LMA: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/pcap_reader");
    fs::create_dir_all(&folder)?;
    for (name, file) in seeds() {
        fs::write(folder.join(name), file)?;
    }
    Ok(())
}

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let message = message();
    let six = ipv6(135, &message);
    let control = ipv4(17, 0, &udp(5436, &message));
    let (first, second) = message.split_at(8);
    let fragments = vec![
        ipv6(44, &[&[135, 0, 0, 8, 0, 0, 0, 9][..], second].concat()),
        ipv6(44, &[&[135, 0, 0, 1, 0, 0, 0, 9][..], first].concat()),
    ];
    let datagram = udp(5436, &message);
    let (first, second) = datagram.split_at(16);
    let fragments_4 = vec![ipv4(17, 0x2000, first), ipv4(17, 2, second)];
    let tlv = [&[0, 41, 0, 56][..], &six].concat();
    let gre = [&[0x30, 0, 0x86, 0xdd, 0, 0, 0, 1, 0, 0, 0, 2][..], &six].concat();
    let tunnels = vec![
        ipv6(41, &six),
        ipv6(4, &control),
        ipv4(41, 0, &six),
        ipv4(47, 0, &gre),
        ipv4(17, 0, &udp(5437, &control)),
        ipv4(17, 0, &udp(5437, &tlv)),
    ];
    let mut extended = vec![60, 0, 1, 4, 0, 0, 0, 0, 43, 2, 1, 2, 0, 0, 0xc9, 16];
    extended.extend(MAG.octets());
    extended.extend([135, 2, 2, 1, 0, 0, 0, 0]);
    extended.extend(LMA.octets());
    extended.extend(&message);
    let extended = vec![ipv6(0, &extended)];
    let mut tagged = vec![0x88, 0xa8, 0, 100, 0x81, 0, 0, 7, 0x86, 0xdd];
    tagged.extend(&six);
    let tagged = vec![[&[2; 12][..], &tagged].concat()];
    let mut cooked = vec![0; 16];
    cooked[14..].copy_from_slice(&[0x08, 0]);
    cooked.extend(&control);
    let both = [six, control];
    vec![
        ("raw", pcap(false, 101, &both)),
        ("big-endian", pcap(true, 101, &both)),
        ("vlan", pcap(false, 1, &tagged)),
        ("cooked", pcap(false, 113, &[cooked])),
        ("fragments", pcap(false, 101, &fragments)),
        ("fragments-ipv4", pcap(false, 101, &fragments_4)),
        ("tunnels", pcap(false, 101, &tunnels)),
        ("extension-headers", pcap(false, 101, &extended)),
        ("pcapng", pcapng(false, &both)),
        ("pcapng-big-endian", pcapng(true, &both)),
    ]
}

fn message() -> Vec<u8> {
    let context = ChecksumContext::Ipv6 {
        source: MAG,
        destination: LMA,
    };
    Message::from(Heartbeat::request(7))
        .to_bytes(context)
        .to_vec()
}

fn ipv6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, payload.len() as u8, next_header, 64];
    packet.extend(MAG.octets());
    packet.extend(LMA.octets());
    packet.extend(payload);
    packet
}

fn ipv4(protocol: u8, place: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 20 + payload.len() as u8, 0, 9];
    packet.extend(place.to_be_bytes());
    packet.extend([64, protocol, 0, 0, 198, 51, 100, 7, 192, 0, 2, 1]);
    packet.extend(payload);
    packet
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = [port.to_be_bytes(), port.to_be_bytes()].concat();
    datagram.extend([0, 8 + payload.len() as u8, 0, 0]);
    datagram.extend(payload);
    datagram
}

/// Octets of a number in the order asked for.
fn word(big_endian: bool, number: u32) -> [u8; 4] {
    if big_endian {
        number.to_be_bytes()
    } else {
        number.to_le_bytes()
    }
}

fn pcap(big_endian: bool, link_type: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    let version = if big_endian { 0x0002_0004 } else { 0x0004_0002 };
    let head = [0xa1b2_c3d4, version, 0, 0, 65_535, link_type];
    let mut file: Vec<u8> = head
        .iter()
        .flat_map(|number| word(big_endian, *number))
        .collect();
    for frame in frames {
        let length = frame.len() as u32;
        for number in [1_700_000_000, 5, length, length] {
            file.extend(word(big_endian, number));
        }
        file.extend(frame);
    }
    file
}

fn pcapng(big_endian: bool, frames: &[Vec<u8>]) -> Vec<u8> {
    let block = |block_type: u32, words: &[u32], data: &[u8]| {
        let body = 4 * words.len() + data.len().next_multiple_of(4);
        let length = word(big_endian, 12 + body as u32);
        let mut block = [word(big_endian, block_type), length].concat();
        block.extend(words.iter().flat_map(|number| word(big_endian, *number)));
        block.extend(data);
        block.resize(8 + body, 0);
        block.extend(length);
        block
    };
    let (version, link_type) = if big_endian {
        (0x0001_0000, 101 << 16)
    } else {
        (1, 101)
    };
    let mut file = block(
        0x0a0d_0d0a,
        &[0x1a2b_3c4d, version, u32::MAX, u32::MAX],
        &[],
    );
    file.extend(block(1, &[link_type, 0], &[]));
    file.extend(block(5, &[0, 0, 0], &[]));
    for frame in frames {
        let length = frame.len() as u32;
        file.extend(block(6, &[0, 0x0006_0a24, 5, length, length], frame));
        file.extend(block(3, &[length], frame));
        file.extend(block(2, &[0, 0x0006_0a24, 5, length, length], frame));
    }
    file
}
