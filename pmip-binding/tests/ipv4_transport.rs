//! Signalling and tunnels over IPv4 (RFC 5844 section 4).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
mod gateway;

use common::{Bench, Pbu, SECOND, lma_path, mag_path};
use gateway::{Gateway, plain_config};
use pmip_binding::Input;
use pmip_binding::testing::{World, address, lma_config, mag_config};
use pmip_wire::types::Encapsulation;
use pmip_wire::{BindingUpdateFlags, NatDetection};

/// ForceIPv4UDPEncapsulationSupport on and off at the gateway.
#[test]
fn flag_f_decides_between_udp_and_plain_ipv4_at_both_ends() {
    for encapsulation in [Encapsulation::Ipv4Udp, Encapsulation::Ipv4] {
        let mut config = mag_config(1, 1);
        config.encapsulation = encapsulation;
        let mut world = World::new(lma_config(), 1);
        world.add_mag(config.clone(), &[address(1, 1)], &common::link(10));
        world.all_up();
        world.run_until_idle(SECOND);
        for path in [lma_path(&world, 1), mag_path(&world, 1)] {
            assert_eq!(path.encapsulation, encapsulation);
        }
        assert_eq!(lma_path(&world, 1).care_of, address(1, 1));
        let force = BindingUpdateFlags::FORCE_UDP;
        let udp = encapsulation == Encapsulation::Ipv4Udp;
        let first = Gateway::new(config).last_update();
        assert_eq!(first.flags.contains(force), udp);
    }
}

#[test]
fn an_acceptance_of_flag_f_has_a_nat_detection_option_with_it() {
    let mut bench = Bench::new(lma_config());
    let answer = bench.send(&Pbu::new("mn@example.com", 1)).unwrap();
    let nat: NatDetection = answer.options.nat_detection().unwrap();
    assert!(nat.force_udp);
    let mut plain = Pbu::new("mn@example.com", 2).handoff(5);
    plain.force_udp = false;
    let answer = bench.send(&plain).unwrap();
    assert!(answer.options.nat_detection().is_none());
}

#[test]
fn the_checksum_in_the_mobility_header_is_not_looked_at() {
    let mut bench = Bench::new(lma_config());
    let mut datagram = Pbu::new("mn@example.com", 1).datagram();
    let mut octets = datagram.payload.to_vec();
    octets[4..6].copy_from_slice(&[0xab, 0xcd]);
    datagram.payload = octets.into();
    assert!(!bench.give(Input::Signalling(datagram)).is_empty());
    assert_eq!(bench.lma.bindings(bench.now).count(), 1);

    let mut gateway = Gateway::new(plain_config());
    let flags = pmip_wire::BindingAckFlags::PROXY;
    let answer = gateway.answer_to(&gateway.last_update(), 0, flags, []);
    let mut octets = answer.to_bytes(pmip_wire::ChecksumContext::Udp).to_vec();
    octets[4..6].copy_from_slice(&[0xab, 0xcd]);
    gateway.receive_octets(octets.into());
    assert_eq!(gateway.mag.stats().sessions_created, 1);
}
