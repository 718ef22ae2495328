//! Heartbeats and Binding Errors count for whose key they are under.

use bytes::Bytes;
use pmip_binding::config::MagPeer;
use pmip_binding::testing::{LMA_ADDRESS, Node, address, control, lma_config};
use pmip_binding::{DropReason, Input};
use pmip_wire::types::Encapsulation;
use pmip_wire::{BindingError, ChecksumContext, Heartbeat, Message};

use super::{behind_nat, world};
use crate::common::messages::beat_of;
use crate::common::{Bench, Pbu, SECOND, datagram, mag_path};
use crate::keys::{
    KEY, MN, OTHER, SPI, assert_forgeries_dropped, dropped, exchange, key, protected, sign, signed,
    with_session,
};

#[test]
fn the_gateway_takes_nothing_unprotected_from_its_anchor() {
    let mut world = world(1, Encapsulation::Ipv4Udp);
    let error = Message::BindingError(BindingError::unrecognized_mh_type());
    let beat = Message::from(Heartbeat::request(1));
    let mut at_mag = |payload: Bytes| {
        let mut datagram = datagram(control(LMA_ADDRESS.into()), payload);
        datagram.destination = control(address(1, 1));
        world.input(Node::Mag(0), Input::Signalling(datagram));
    };
    for message in [&error, &beat] {
        at_mag(message.to_bytes(ChecksumContext::Udp));
        at_mag(sign(message, SPI, OTHER));
        at_mag(sign(message, SPI + 1, KEY));
    }
    let stats = world.mags[0].stats();
    for reason in [
        DropReason::Unauthenticated,
        DropReason::AuthenticationFailed,
        DropReason::UnknownSpi,
    ] {
        assert_eq!(dropped(stats, reason), 2, "{reason:?}");
    }
    world.run_for(3 * SECOND);
    assert!(mag_path(&world, 1).heartbeat.unwrap().received >= 12);
}

/// An unprotected Binding Error would end the heartbeats of a path whose first one is out.
#[test]
fn the_anchor_takes_no_unprotected_binding_error() {
    let mut lma = lma_config();
    lma.keys = vec![key(SPI, KEY)];
    let mut bench = Bench::new(lma);
    let registration = signed(&Pbu::new(MN, 1).multipath("mag9", 1), SPI, KEY);
    exchange(&mut bench, registration, SPI, KEY);
    bench.wait(SECOND);
    let asked = bench.lma.stats().heartbeats_sent;
    assert!(asked > 0);
    let error = Message::BindingError(BindingError::unrecognized_mh_type());
    let bare = error.to_bytes(ChecksumContext::Udp);
    exchange(&mut bench, bare, SPI, KEY);
    assert_eq!(dropped(bench.lma.stats(), DropReason::Unauthenticated), 1);
    bench.wait(SECOND);
    bench.wait(SECOND);
    let more = bench.lma.stats().heartbeats_sent;
    assert!(more > asked, "it still asks");
    exchange(&mut bench, sign(&error, SPI, KEY), SPI, KEY);
    bench.wait(30 * SECOND);
    assert_eq!(
        bench.lma.stats().heartbeats_sent,
        more,
        "the real one counts"
    );
}

/// A gateway with a key can't end or answer the heartbeats of another one from its address.
#[test]
fn a_gateway_does_not_speak_for_another_ones_path() {
    let mut bench = Bench::new(protected());
    let registration = signed(&Pbu::new(MN, 1).multipath("mag9", 1), SPI, KEY);
    exchange(&mut bench, registration, SPI, KEY);
    bench.wait(SECOND);
    let error = Message::BindingError(BindingError::unrecognized_mh_type());
    for message in [&error, &Message::from(Heartbeat::request(4))] {
        let forged = sign(message, SPI + 1, OTHER);
        assert!(exchange(&mut bench, forged, SPI, KEY).is_empty());
    }
    assert_eq!(dropped(bench.lma.stats(), DropReason::KeyOfAnotherPeer), 2);
    let own = sign(&Message::from(Heartbeat::request(5)), SPI, KEY);
    let answers = exchange(&mut bench, own, SPI, KEY);
    assert!(matches!(&answers[..], [Message::Heartbeat(beat)] if beat.sequence == 5));
}

/// A heartbeat from nowhere makes the anchor ask for a registration only if it is of whom it names.
#[test]
fn a_gateway_is_reminded_under_its_own_key() {
    let beat = |name: &str| beat_of(name, 1, 1, []);
    let mut config = protected();
    config.peers.push(MagPeer::new("mag5"));
    let mut bench = Bench::new(config);
    assert_forgeries_dropped(&mut bench, &beat("mag9"));
    let answers = exchange(&mut bench, sign(&beat("mag9"), SPI, KEY), SPI, KEY);
    assert!(
        matches!(
            &answers[..],
            [Message::Heartbeat(_), Message::UpdateNotification(_)]
        ),
        "{answers:?}"
    );
    bench.now += 2 * SECOND;
    let bare = beat("mag5").to_bytes(ChecksumContext::Udp);
    let from = control(address(9, 1));
    let answers = bench.give(Input::Signalling(datagram(from, bare)));
    assert_eq!(answers.len(), 2, "one without a key goes unprotected");
}

/// A gateway that knows no heartbeats says so for itself.
#[test]
fn behind_one_address_each_gateway_refuses_heartbeats_for_itself() {
    let mut bench = with_session();
    let other = "mn2@example.com";
    let registration = signed(&behind_nat(other), SPI + 1, OTHER);
    exchange(&mut bench, registration, SPI + 1, OTHER);
    bench.wait(SECOND);
    let error = Message::BindingError(BindingError::unrecognized_mh_type());
    exchange(&mut bench, sign(&error, SPI + 1, OTHER), SPI + 1, OTHER);
    let watched = |peer: &str| {
        let mut paths = bench.lma.paths();
        let path = paths.find(|path| path.peer == peer).unwrap();
        path.heartbeat.is_some()
    };
    assert_eq!((watched("mag9"), watched("mag8")), (true, false));
}
