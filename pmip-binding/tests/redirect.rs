//! An anchor sends a gateway to another address (RFC 6463) and tells its load.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::net::Ipv4Addr;

use common::{Bench, Pbu, SECOND, downlink, lma_binding, mag_binding, uplink};
use pmip_binding::config::{LmaPeer, LoadConfig};
use pmip_binding::testing::{LMA_ADDRESS, Node, World, address, control, lma_config, mag_config};
use pmip_binding::{BindingState, Event, LmaConfig, MagConfig, RedirectEvent};
use pmip_wire::{MobilityOption, OptionType, Status};

/// The address at which gateways are assigned.
const ANYCAST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);

fn anchor() -> LmaConfig {
    let mut config = lma_config();
    config.redirect.enabled = true;
    config.redirect.accept = true;
    config.redirect.ipv4_address = Some(ANYCAST);
    config
}

/// Registers at the assigning address; knows the anchor's own one too, if `knows`.
fn gateway(knows: bool) -> MagConfig {
    let mut config = mag_config(1, 2);
    config.redirect = true;
    let mut assigning = LmaPeer::new("assigning");
    assigning.ipv4_address = Some(ANYCAST);
    config.lmas.insert(0, assigning);
    config.lmas.truncate(1 + usize::from(knows));
    config.logical_mobile_nodes[0].lma = Some("assigning".into());
    config
}

fn run(anchor: LmaConfig, gateway: MagConfig) -> World {
    let mut world = World::new(anchor, 1);
    let addresses = [address(1, 1), address(1, 2)];
    world.add_mag(gateway, &addresses, &common::link(10));
    world.all_up();
    world.run_for(2 * SECOND);
    world
}

fn redirects(world: &World) -> Vec<RedirectEvent> {
    let events = world.events.iter();
    events
        .filter_map(|(_, _, event)| match event {
            Event::Redirect(event) => Some(event.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn the_session_lives_at_the_anchors_own_address_from_the_first_answer_on() {
    let mut world = run(anchor(), gateway(true));
    let followed = RedirectEvent::Followed {
        mn_id: "lmn1@example.com".into(),
        from: "assigning".into(),
        to: "lma1".into(),
    };
    assert_eq!(redirects(&world), [followed]);
    assert_eq!(mag_binding(&world).peer, "lma1");
    assert_eq!((downlink(&world).len(), uplink(&world).len()), (2, 2));
    assert!(
        world
            .lma_tables
            .paths
            .values()
            .all(|path| path.local == LMA_ADDRESS)
    );
    let own = control(LMA_ADDRESS.into()).ip();
    assert!(
        world.mag_tables[0]
            .paths
            .values()
            .all(|path| path.remote.ip() == own)
    );
    // Refreshes and de-registration go there too.
    world.run_for(7200 * SECOND);
    assert_eq!(lma_binding(&world).state, BindingState::Active);
    let last = world
        .captured()
        .filter(|datagram| datagram.payload[2] == 5)
        .last();
    assert!(last.is_none_or(|datagram| datagram.destination.ip() == own));
    world.command(Node::Mag(0), pmip_binding::Command::Shutdown);
    world.run_for(20 * SECOND);
    assert_eq!(world.lma.bindings(world.now).count(), 0);
}

#[test]
fn a_gateway_goes_only_to_anchors_that_it_knows() {
    let world = run(anchor(), gateway(false));
    assert!(matches!(
        redirects(&world)[..],
        [RedirectEvent::NotFollowed { .. }]
    ));
    assert_eq!(uplink(&world), []);
    // It then asks without the offer, which an assigning address refuses.
    let refused = &world.mags[0].stats().acknowledgements;
    assert!(refused.contains_key(&Status::InsufficientResources.code()));
}

#[test]
fn the_assigning_address_serves_nobody_who_cannot_be_redirected() {
    let mut bench = Bench::new(anchor());
    let at_anycast = |pbu: &Pbu| {
        let mut datagram = pbu.datagram();
        datagram.destination = control(ANYCAST.into());
        pmip_binding::Input::Signalling(datagram)
    };
    let status = |payload: &bytes::Bytes| payload[6];
    let plain = Pbu::new("a@example.com", 1);
    assert_eq!(status(&bench.give(at_anycast(&plain))[0]), 130);
    let capable = Pbu::new("a@example.com", 2).with(MobilityOption::RedirectCapability(()));
    let answer = bench.give(at_anycast(&capable)).remove(0);
    assert_eq!(status(&answer), 0);
    // RFC 6463 section 4.2: type 47, length 6, flag N, the anchor's own IPv4 address.
    let option = [47, 6, 0x40, 0, 192, 0, 2, 1];
    assert!(
        answer.windows(8).any(|octets| octets == option),
        "{answer:?}"
    );
    // At its own address the same request gets no such option.
    let own = Pbu::new("b@example.com", 1).with(MobilityOption::RedirectCapability(()));
    let answer = bench.send(&own).unwrap();
    assert_eq!(answer.options.redirect(), None);
    let mut config = anchor();
    config.redirect.accept = false;
    let mut bench = Bench::new(config);
    assert_eq!(status(&bench.give(at_anycast(&capable))[0]), 130);
}

#[test]
fn the_offer_goes_with_a_request_for_a_new_session_and_only_if_it_is_on() {
    for on in [true, false] {
        let mut config = mag_config(1, 2);
        config.redirect = on;
        let world = run(lma_config(), config);
        let updates = world.captured().filter(|datagram| datagram.payload[2] == 5);
        let offers = updates.map(|datagram| {
            let message =
                pmip_wire::Message::decode(&datagram.payload, pmip_wire::ChecksumContext::Udp);
            let pmip_wire::Message::BindingUpdate(update) = message.unwrap() else {
                unreachable!()
            };
            let mut options = update.options.iter();
            options.any(|option| option.option_type() == OptionType::RedirectCapability)
        });
        assert_eq!(offers.collect::<Vec<_>>(), [on, false]);
    }
}

#[test]
fn a_redirection_that_was_not_offered_is_not_looked_at() {
    // The anchor redirects whoever says it can; the gateway here never says so, but a request
    // with the option put in on the way gets a redirected answer.
    let mut config = mag_config(1, 1);
    config.lmas[0].ipv4_address = Some(ANYCAST);
    let mut own = LmaPeer::new("own");
    own.ipv4_address = Some(LMA_ADDRESS);
    config.lmas.push(own);
    config.logical_mobile_nodes[0].lma = Some("lma1".into());
    let mut world = World::new(anchor(), 1);
    world.add_mag(config, &[address(1, 1)], &common::link(10));
    world.all_up();
    world.run_for(SECOND / 100);
    let mut pbu = world.captured().next().unwrap().clone();
    let decoded = pmip_wire::Message::decode(&pbu.payload, pmip_wire::ChecksumContext::Udp);
    let pmip_wire::Message::BindingUpdate(mut update) = decoded.unwrap() else {
        unreachable!()
    };
    update
        .options
        .push(MobilityOption::RedirectCapability(()))
        .unwrap();
    let message = pmip_wire::Message::BindingUpdate(update);
    pbu.payload = message.to_bytes(pmip_wire::ChecksumContext::Udp);
    world.input(Node::Lma, pmip_binding::Input::Signalling(pbu));
    world.run_for(SECOND / 50);
    assert_eq!(redirects(&world), []);
    assert_eq!(mag_binding(&world).peer, "lma1");
}

#[test]
fn the_load_is_told_and_kept() {
    let mut config = lma_config();
    let mut load = LoadConfig::default();
    load.priority = 7;
    load.maximum_capacity = 125_000;
    config.load = Some(load);
    config.limits.bindings = 1000;
    let world = run(config, mag_config(1, 1));
    let told = world.mags[0].load_of("lma1").unwrap();
    assert_eq!((told.priority, told.sessions_in_use), (7, 1));
    assert_eq!(
        (told.maximum_sessions, told.maximum_capacity),
        (1000, 125_000)
    );
    assert_eq!(world.mags[0].load_of("lma2"), None);
    assert_eq!(
        run(lma_config(), mag_config(1, 1)).mags[0].load_of("lma1"),
        None
    );
}
