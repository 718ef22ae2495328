//! Registrations under keys: right ones, wrong ones, somebody else's, old ones.

use bytes::Bytes;
use pmip_binding::config::MagPeer;
use pmip_binding::testing::{address, control, lma_config};
use pmip_binding::{DropReason, Event, Input};
use pmip_wire::{
    BindingUpdate, ChecksumContext, Message, MobilityOption, OptionType, UnknownOption,
};

use crate::common::{Bench, Pbu, SECOND, datagram};
use crate::keys::{KEY, MN, OTHER, SPI, dropped, exchange, key, protected, signed, status};

#[test]
fn a_wrong_key_is_answered_with_146_and_registers_nothing() {
    let mut bench = Bench::new(protected());
    let pbu = Pbu::new(MN, 1).multipath("mag9", 1);
    let forged = signed(&pbu, SPI, OTHER);
    let answers = exchange(&mut bench, forged, SPI, KEY);
    assert_eq!(status(&answers), Some(146));
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let pbu = Pbu::new(MN, 1).multipath("mag9", 1);
    let payload = signed(&pbu, SPI, KEY);
    for bit in 0..payload.len() * 8 {
        // The checksum counts as zero.
        if (32..48).contains(&bit) {
            continue;
        }
        let mut bench = Bench::new(protected());
        let mut changed = payload.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        let input = Input::Signalling(datagram(control(address(9, 1)), changed.into()));
        bench.give(input);
        assert_eq!(bench.lma.bindings(bench.now).count(), 0, "bit {bit}");
    }
}

#[test]
fn an_unknown_spi_and_no_authentication_are_met_with_silence() {
    let mut bench = Bench::new(protected());
    let pbu = Pbu::new(MN, 1).multipath("mag9", 1);
    let unknown = signed(&pbu, SPI + 77, KEY);
    assert!(exchange(&mut bench, unknown, SPI, KEY).is_empty());
    assert_eq!(dropped(bench.lma.stats(), DropReason::UnknownSpi), 1);
    assert!(bench.send(&pbu).is_none());
    // Nor does leaving out the name help: strangers need a key as well.
    assert!(bench.send(&Pbu::new(MN, 1)).is_none());
    assert_eq!(dropped(bench.lma.stats(), DropReason::Unauthenticated), 2);
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
}

#[test]
fn a_message_under_a_key_that_nobody_configured_is_discarded() {
    let mut bench = Bench::new(lma_config());
    let payload = signed(&Pbu::new(MN, 1), SPI, KEY);
    assert!(exchange(&mut bench, payload, SPI, KEY).is_empty());
    assert_eq!(dropped(bench.lma.stats(), DropReason::UnknownSpi), 1);
}

#[test]
fn a_key_speaks_for_its_own_gateway_alone() {
    let mut bench = Bench::new(protected());
    let own = signed(&Pbu::new(MN, 1).multipath("mag8", 1), SPI + 1, OTHER);
    let answers = exchange(&mut bench, own, SPI + 1, OTHER);
    assert_eq!(status(&answers), Some(0));
    // mag9 has a key, and claims to be mag8, or somebody unknown.
    for name in ["mag8", "mag7"] {
        let stolen = signed(&Pbu::new(MN, 2).multipath(name, 1), SPI, KEY);
        let answers = exchange(&mut bench, stolen, SPI, KEY);
        assert_eq!(status(&answers), Some(154), "{name}");
    }
    assert_eq!(bench.binding().peer, "mag8");
}

/// Without option 64 the key names the gateway, not the address it comes from.
#[test]
fn the_key_names_a_gateway_that_does_not_name_itself() {
    let mut bench = Bench::new(protected());
    let payload = signed(&Pbu::new(MN, 1), SPI, KEY);
    let answers = exchange(&mut bench, payload, SPI, KEY);
    assert_eq!(status(&answers), Some(0));
    assert_eq!(bench.binding().peer, "mag9");
}

/// The key of the domain is for gateways without one of their own.
#[test]
fn the_domains_key_does_not_replace_a_gateways_own() {
    let mut config = protected();
    config.keys = vec![key(SPI + 9, KEY)];
    config.dynamic_mag_learning = true;
    let mut bench = Bench::new(config);
    let stolen = signed(&Pbu::new(MN, 1).multipath("mag9", 1), SPI + 9, KEY);
    let answers = exchange(&mut bench, stolen, SPI + 9, KEY);
    assert_eq!(status(&answers), Some(154));
    let learnt = signed(&Pbu::new(MN, 2).multipath("mag3", 1), SPI + 9, KEY);
    let answers = exchange(&mut bench, learnt, SPI + 9, KEY);
    assert_eq!(status(&answers), Some(0));
    assert_eq!(bench.binding().peer, "mag3");
}

#[test]
fn a_replayed_registration_changes_nothing() {
    let mut bench = Bench::new(protected());
    let first = Pbu::new(MN, 1).multipath("mag9", 1).with(bench.timestamp());
    let recorded = signed(&first, SPI, KEY);
    let answers = exchange(&mut bench, recorded.clone(), SPI, KEY);
    assert_eq!(status(&answers), Some(0));
    bench.wait(SECOND / 10);
    let leave = Pbu::new(MN, 2)
        .multipath("mag9", 1)
        .lifetime(0)
        .with(bench.timestamp());
    let answers = exchange(&mut bench, signed(&leave, SPI, KEY), SPI, KEY);
    assert_eq!(status(&answers), Some(0));
    let before = bench.binding();
    let answers = exchange(&mut bench, recorded, SPI, KEY);
    assert_eq!(status(&answers), Some(157), "a timestamp of before");
    assert_eq!(bench.binding(), before);
}

#[test]
fn what_stands_behind_the_authentication_spoils_it() {
    let pbu = Pbu::new(MN, 1).multipath("mag9", 1);
    let payload = signed(&pbu, SPI, KEY);
    let Message::BindingUpdate(update) = Message::decode(&payload, ChecksumContext::Udp).unwrap()
    else {
        panic!("a Binding Update");
    };
    let mut options = update.options.clone();
    let extra =
        UnknownOption::new(OptionType::from_code(200), Bytes::from_static(&[0; 4])).unwrap();
    options.push(MobilityOption::Unknown(extra)).unwrap();
    let longer = Message::BindingUpdate(BindingUpdate { options, ..update });
    let mut bench = Bench::new(protected());
    let payload = longer.to_bytes(ChecksumContext::Udp);
    assert!(exchange(&mut bench, payload, SPI, KEY).is_empty());
    let stats = bench.lma.stats();
    assert_eq!(dropped(stats, DropReason::AuthenticationMisplaced), 1);
}

/// A peer without a key next to one with: it stays as it was.
#[test]
fn a_configured_gateway_without_a_key_goes_unprotected() {
    let mut config = protected();
    config.peers.push(MagPeer::new("mag5"));
    let mut bench = Bench::new(config.clone());
    let pbu = Pbu::new(MN, 1).multipath("mag5", 1);
    assert_eq!(bench.status(&pbu).code(), 0);
    config.authentication_required = true;
    assert!(config.validate().is_err(), "unless all must be protected");
}

#[test]
fn drops_name_their_sender() {
    let mut bench = Bench::new(protected());
    bench.send(&Pbu::new(MN, 1));
    let from = control(address(9, 1));
    let reason = DropReason::Unauthenticated;
    assert!(bench.events.contains(&Event::Dropped { reason, from }));
}

/// Strangers and replayed registrations use up their own allowance, not that of the gateway in
/// whose name and from whose address they come.
#[test]
fn a_flood_in_a_gateways_name_does_not_keep_its_refreshes_away() {
    let mut config = protected();
    config.limits.updates_per_second = 5;
    let mut bench = Bench::new(config);
    let update = |bench: &Bench, sequence| {
        let pbu = Pbu::new(MN, sequence).multipath("mag9", 1);
        signed(&pbu.with(bench.timestamp()), SPI, KEY)
    };
    let recorded = update(&bench, 1);
    assert_eq!(
        status(&exchange(&mut bench, recorded.clone(), SPI, KEY)),
        Some(0)
    );
    for round in 0..5 {
        bench.wait(SECOND);
        let forged = signed(&Pbu::new(MN, 7).multipath("mag9", 1), SPI, OTHER);
        for payload in [&forged, &recorded] {
            for _ in 0..50 {
                exchange(&mut bench, payload.clone(), SPI, KEY);
            }
        }
        let refresh = update(&bench, 2 + round);
        let answers = exchange(&mut bench, refresh, SPI, KEY);
        assert_eq!(status(&answers), Some(0), "round {round}");
    }
    assert!(dropped(bench.lma.stats(), DropReason::RateLimited) > 100);
    // Its own eagerness is bounded as well.
    bench.wait(SECOND);
    for sequence in 100..110 {
        bench.now += SECOND / 100;
        let eager = update(&bench, sequence);
        exchange(&mut bench, eager, SPI, KEY);
    }
    let last = update(&bench, 111);
    assert!(exchange(&mut bench, last, SPI, KEY).is_empty());
}
