//! Octets from anyone: the program ends by itself, with an exit code of its own.

use crate::capture::{
    ETHERNET, LMA6, MAG6, Order, RAW, binding_update, control, enhanced, ethernet, fragment,
    heartbeat, interface, ipv4, ipv6, pcap, record, section, summed, udp,
};
use crate::run;

/// Knuth's MMIX generator: the same octets on every machine.
struct Lcg(u64);

impl Lcg {
    fn next(&mut self) -> u32 {
        let Self(state) = self;
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 32) as u32
    }

    fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit.max(1)
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let message = summed(&binding_update(), MAG6, LMA6);
    let six = ipv6(135, &message);
    let packets = [
        control(&binding_update()),
        six.clone(),
        fragment(135, 0, true, &message[..32]),
        fragment(135, 32, false, &message[32..]),
        ipv4(17, &udp(5437, 5437, &six)),
        ipv4(47, &[&[0x20, 0, 0x86, 0xdd, 0, 0, 0, 1][..], &six].concat()),
    ];
    let framed: Vec<_> = packets
        .iter()
        .map(|packet| {
            let ether_type = if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd };
            record(ethernet(&[(0x8100, 7)], ether_type, packet))
        })
        .collect();
    let order = Order::Big;
    let mut ng = [section(order), interface(order, 101, 0, &[(9, vec![0x8a])])].concat();
    for packet in &packets {
        ng.extend(enhanced(order, 0, 1_700_000_000 << 10, packet));
    }
    vec![
        pcap(Order::Little, false, ETHERNET, &framed),
        pcap(Order::Big, true, RAW, &packets.map(record)),
        ng,
    ]
}

fn holds(arguments: &[&str], input: &[u8]) {
    let run = run(arguments, input);
    assert!(
        matches!(run.code, 0 | 1 | 3),
        "exit {}: {}\n{input:02x?}",
        run.code,
        run.stderr
    );
    assert!(
        !run.stderr.contains("panicked"),
        "{}\n{input:02x?}",
        run.stderr
    );
}

#[test]
fn mutated_captures_hold() {
    let seeds = seeds();
    let mut random = Lcg(7);
    for round in 0..150 {
        let mut file = seeds[round % seeds.len()].clone();
        for _ in 0..=random.below(6) {
            let place = random.below(file.len());
            match random.below(4) {
                0 => file.truncate(place),
                1 => file[place] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
                2 => file[place] ^= 1 << random.below(8),
                _ => file.insert(place, random.next() as u8),
            }
            if file.is_empty() {
                break;
            }
        }
        let arguments: &[&str] = match round % 2 {
            0 => &["-", "--json", "--raw", "--verify", "--padding"],
            _ => &["-", "--raw", "--verify", "--padding"],
        };
        holds(arguments, &file);
    }
}

#[test]
fn random_messages_hold() {
    let mut random = Lcg(11);
    let packets = (0..20_000).map(|round: usize| {
        let mut message = if round.is_multiple_of(2) {
            binding_update()
        } else {
            heartbeat(1)
        };
        message[2] = random.below(25) as u8;
        for _ in 0..random.below(12) {
            let place = random.below(message.len());
            message[place] = random.next() as u8;
        }
        record(control(&message))
    });
    let file = pcap(Order::Little, false, RAW, &packets.collect::<Vec<_>>());
    holds(&["-"], &file);
    holds(&["-", "--json", "--raw", "--verify", "--padding"], &file);
}

#[test]
fn fragments_within_fragments_end_somewhere() {
    // Each packet made whole is a fragment again; its second part waits already.
    let mut records = Vec::new();
    let mut inner = summed(&heartbeat(1), MAG6, LMA6);
    for level in 0..200u32 {
        let next = if level == 0 { 135 } else { 44 };
        let mut part = vec![next, 0, 0, 1];
        part.extend(level.to_be_bytes());
        part.extend(&inner);
        inner = part;
        let mut last = vec![next, 0];
        last.extend((inner.len() as u16 - 8).to_be_bytes());
        last.extend(level.to_be_bytes());
        last.extend([0; 8]);
        records.push(record(ipv6(44, &last)));
    }
    records.push(record(ipv6(44, &inner)));
    holds(&["-", "--json"], &pcap(Order::Little, false, RAW, &records));
}
