//! With the same key at both ends everything works over every transport.

use std::net::IpAddr;

use pmip_binding::testing::Taped;
use pmip_binding::{DropReason, Output};
use pmip_wire::types::Encapsulation;
use pmip_wire::{ChecksumContext, Message, MobilityHeader};

use super::world;
use crate::common::{SECOND, lma_binding, lma_path, mag_path, uplink};
use crate::keys::{SPI, decode, dropped};

#[test]
fn with_the_same_key_everything_works_over_every_transport() {
    for transport in [
        Encapsulation::Ipv4Udp,
        Encapsulation::Ipv4,
        Encapsulation::Ipv6,
    ] {
        let world = world(2, transport);
        assert_eq!(lma_binding(&world).paths.len(), 2, "{transport:?}");
        assert_eq!(uplink(&world), [1, 2]);
        for binding_id in [1, 2] {
            let at_lma = lma_path(&world, binding_id).heartbeat.unwrap();
            let at_mag = mag_path(&world, binding_id).heartbeat.unwrap();
            assert!(at_lma.received >= 8 && at_mag.received >= 8);
        }
        assert!(world.lma.stats().dropped.is_empty());
        assert!(world.mags[0].stats().dropped.is_empty());
    }
}

#[test]
fn behind_a_nat_the_gateways_address_does_not_count() {
    let mut world = world(1, Encapsulation::Ipv4Udp);
    world.set_nat(0, 1, IpAddr::from([203, 0, 113, 5]), 40_000);
    world.interface_down(0, 1);
    world.interface_up(0, 1);
    world.run_for(10 * SECOND);
    let path = lma_path(&world, 1);
    assert!(path.nat && path.usable, "{}", world.tail());
}

/// A Binding Update without its authentication, and with one that an option follows.
#[test]
fn every_message_on_the_wire_ends_with_the_option() {
    let mut world = world(2, Encapsulation::Ipv4Udp);
    world.run_for(SECOND);
    let mut seen = 0;
    for datagram in world.captured() {
        let header = MobilityHeader::parse(&datagram.payload, ChecksumContext::Udp).unwrap();
        let last = header.options().unwrap().map(Result::unwrap);
        let last = last.filter(|option| !option.is_padding()).last().unwrap();
        assert_eq!(u8::from(last.option_type()), 9);
        assert_eq!(last.offset() % 8, 5, "at 8n+5, so that nothing follows");
        seen += 1;
    }
    assert!(seen > 0);
}

/// Restarts are told unasked by either end, and strangers reminded.
#[test]
fn what_is_told_about_restarts_is_protected() {
    let mut world = world(2, Encapsulation::Ipv4Udp);
    world.tape();
    let mut lma = world.lma.config().clone();
    lma.restart_counter += 1;
    let snapshot = world.lma.snapshot();
    world.resume_lma(lma.clone(), &snapshot, 9);
    world.run_for(5 * SECOND);
    let mut mag = world.mags[0].config().clone();
    mag.restart_counter += 1;
    mag.restarted = true;
    world.restart_mag(0, mag, 77);
    world.all_up();
    world.run_for(5 * SECOND);
    world.restart_lma(lma, 10);
    world.run_for(5 * SECOND);
    assert_eq!(uplink(&world), [1, 2], "{}", world.tail());
    assert_eq!(lma_binding(&world).paths.len(), 2);
    let unsolicited = |(_, _, taped): &(_, _, Taped)| match taped {
        Taped::Output(Output::Transmit(transmit)) => {
            matches!(decode(&transmit.payload), Message::Heartbeat(beat) if beat.unsolicited)
        }
        _ => false,
    };
    let tape = world.take_tape();
    assert_eq!(tape.iter().filter(|entry| unsolicited(entry)).count(), 4);
    for (_, _, taped) in tape {
        if let Taped::Output(Output::Transmit(transmit)) = taped {
            let header = MobilityHeader::parse(&transmit.payload, ChecksumContext::Udp).unwrap();
            assert_eq!(pmip_wire::auth::spi(&header), Ok(Some(SPI)), "{transmit:?}");
        }
    }
    for stats in [world.lma.stats(), world.mags[0].stats()] {
        for reason in [
            DropReason::Unauthenticated,
            DropReason::AuthenticationFailed,
        ] {
            assert_eq!(dropped(stats, reason), 0);
        }
    }
}
