//! The anchor knows where mobile nodes are attached, and from when on (RFC 6757, RFC 7563).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
mod gateway;

use std::time::Duration;

use common::{Bench, Pbu, SECOND, lma_binding};
use gateway::{Gateway, plain_config};
use pmip_binding::snapshot::LmaSnapshot;
use pmip_binding::testing::{Node, UNIX_START, World, address, lma_config, mag_config};
use pmip_binding::{Attachment, ClockAnchor, Command, Event, Input, Lma, SessionEvent};
use pmip_wire::types::{Instant, Lifetime};
use pmip_wire::{
    AccessNetworkIdentifier, AniSubOption, ChecksumContext, GeoLocation, MobilityOptions,
    NetworkIdentifier,
};

const MN: &str = "mn@example.com";

fn network(name: &'static str) -> AccessNetworkIdentifier {
    let name = NetworkIdentifier::utf8(name).with_access_point("ap-1");
    AccessNetworkIdentifier::new(AniSubOption::NetworkIdentifier(name)).unwrap()
}

fn with_timer(network: AccessNetworkIdentifier, seconds: u32) -> AccessNetworkIdentifier {
    let timer = AniSubOption::UpdateTimer(Lifetime::from_secs(seconds));
    network.with(timer).unwrap()
}

fn moved(nai: &str, network: Option<AccessNetworkIdentifier>) -> Input {
    let nai = nai.to_owned();
    Input::Attachment(Attachment::AccessNetwork { nai, network })
}

fn told(events: &[Event]) -> Vec<Option<AccessNetworkIdentifier>> {
    let events = events.iter();
    events
        .filter_map(|event| match event {
            Event::Session(SessionEvent::AccessNetwork { network, .. }) => Some(network.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn the_anchor_keeps_and_echoes_what_it_is_told_and_forgets_what_it_is_not() {
    let mut bench = Bench::new(lma_config());
    let geo = GeoLocation::from_units(0x12_3456, -0x12_3456).unwrap();
    let home = network("home")
        .with(AniSubOption::GeoLocation(geo))
        .unwrap();
    let answer = bench.send(&Pbu::new(MN, 1).with(home.clone())).unwrap();
    assert_eq!(network_of(&answer.options), Some(home.clone()));
    assert_eq!(bench.binding().access_network, Some(home.clone()));

    // Unchanged: nothing to tell.
    bench.send(&Pbu::new(MN, 2).handoff(5).with(home.clone()));
    assert_eq!(told(&bench.events), [Some(home.clone())]);

    let answer = bench.send(&Pbu::new(MN, 3).handoff(5)).unwrap();
    assert_eq!(answer.options.access_network_identifier(), None);
    assert_eq!(bench.binding().access_network, None, "RFC 6757 section 4.2");
    assert_eq!(told(&bench.events), [Some(home), None]);
}

/// The octets by the figures of RFC 6757 sections 3 and 3.1.1: a network name without access
/// point, and a sub-option of type 99.
#[test]
fn sub_options_that_it_does_not_know_are_neither_kept_nor_echoed() {
    let octets = [
        52, 15, 1, 6, 0x80, 3, b'l', b'a', b'b', 0, 99, 5, 1, 2, 3, 4, 5,
    ];
    let mut pbu = Pbu::new(MN, 1);
    let decoded = MobilityOptions::try_from(pbu.options.clone()).unwrap();
    assert_eq!(decoded.access_network_identifier(), None);
    pbu = pbu.with(from_octets(&octets));
    let mut bench = Bench::new(lma_config());
    let answer = bench.send(&pbu).unwrap();
    let echo = answer.options.access_network_identifier().unwrap();
    let only = AccessNetworkIdentifier::new(AniSubOption::NetworkIdentifier(
        NetworkIdentifier::utf8("lab"),
    ));
    assert_eq!(echo.to_bytes(), only.unwrap());
}

/// The access network that `options` name.
fn network_of(options: &MobilityOptions) -> Option<AccessNetworkIdentifier> {
    options
        .access_network_identifier()
        .map(|network| network.to_bytes())
}

fn from_octets(option: &[u8]) -> AccessNetworkIdentifier {
    // A PBU of nothing but this option, padded to a multiple of 8.
    let mut message = vec![59, 0, 5, 0, 0, 0, 0, 1, 0x82, 0, 0, 1];
    message.extend_from_slice(option);
    let missing = (8 - message.len() % 8) % 8;
    message.extend(std::iter::repeat_n(0, missing));
    message[1] = u8::try_from(message.len() / 8 - 1).unwrap();
    match pmip_wire::Message::decode(&message.into(), ChecksumContext::Udp).unwrap() {
        pmip_wire::Message::BindingUpdate(update) => update
            .options
            .access_network_identifier()
            .unwrap()
            .to_bytes(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_anchor_may_change_the_update_timer_and_nothing_else() {
    let mut config = lma_config();
    config.access_network_update_timer = Some(Duration::from_secs(600));
    let mut bench = Bench::new(config);
    let asked = with_timer(network("home"), 8);
    let answer = bench.send(&Pbu::new(MN, 1).with(asked)).unwrap();
    let expected = with_timer(network("home"), 600);
    assert_eq!(network_of(&answer.options), Some(expected.clone()));
    let mut other = Bench::new(lma_config());
    let asked = with_timer(network("home"), 8);
    let answer = other.send(&Pbu::new(MN, 1).with(asked.clone())).unwrap();
    assert_eq!(network_of(&answer.options), Some(asked.clone()));
}

#[test]
fn every_update_tells_it_the_deregistration_too() {
    let mut config = plain_config();
    config.access_network = Some(network("home"));
    let mut gateway = Gateway::new(config);
    gateway.answer(0, [network("home").into()]);
    gateway.wait(Duration::from_secs(3400));
    gateway.answer(0, [network("home").into()]);
    gateway.give(Input::Command(Command::Shutdown));
    let updates = gateway.updates();
    assert_eq!(updates.len(), 3);
    for update in &updates {
        let told = network_of(&update.options);
        assert_eq!(told, Some(network("home")));
    }
}

/// A gateway told "home", with an agreed timer of so many seconds.
fn timed(seconds: u32) -> Gateway {
    let mut config = plain_config();
    config.access_network = Some(network("home"));
    config.access_network_update_timer = Some(Duration::from_secs(100));
    let mut gateway = Gateway::new(config);
    let proposed = with_timer(network("home"), 100);
    let told = gateway.last_update();
    assert_eq!(network_of(&told.options), Some(proposed.clone()));
    gateway.answer(0, [with_timer(network("home"), seconds).into()]);
    gateway
}

const LMN: &str = "lmn1@example.com";

/// RFC 7563 section 3.3: the value 0.
#[test]
fn a_timer_of_zero_asks_for_changes_at_once() {
    let mut gateway = timed(0);
    gateway.give(moved(LMN, Some(network("home"))));
    assert_eq!(gateway.updates().len(), 1, "no change");
    gateway.give(moved(LMN, Some(network("cafe"))));
    let told = gateway.last_update();
    assert_eq!(gateway.updates().len(), 2);
    let cafe = with_timer(network("cafe"), 100);
    assert_eq!(network_of(&told.options), Some(cafe.clone()));
}

/// RFC 7563 section 4.1.
#[test]
fn until_the_timer_of_the_anchor_is_over_changes_wait_and_only_the_last_one_is_told() {
    let mut gateway = timed(60);
    gateway.wait(Duration::from_secs(10));
    gateway.give(moved(LMN, Some(network("cafe"))));
    gateway.give(moved(LMN, Some(network("station"))));
    gateway.wait(Duration::from_secs(49));
    assert_eq!(gateway.updates().len(), 1);
    gateway.wait(SECOND);
    assert_eq!(gateway.updates().len(), 2, "60 s after the last PBU");
    let station = with_timer(network("station"), 100);
    let told = gateway.last_update();
    assert_eq!(network_of(&told.options), Some(station.clone()));
    gateway.answer(0, [with_timer(network("station"), 60).into()]);

    // Over without a change: the next change need not wait.
    gateway.wait(Duration::from_secs(61));
    assert_eq!(gateway.updates().len(), 2);
    gateway.give(moved(LMN, None));
    assert_eq!(gateway.updates().len(), 3);
    let told = gateway.last_update();
    assert_eq!(told.options.access_network_identifier(), None);
}

#[test]
fn a_change_back_in_time_is_not_told() {
    let mut gateway = timed(60);
    gateway.give(moved(LMN, Some(network("cafe"))));
    gateway.give(moved(LMN, Some(network("home"))));
    gateway.wait(Duration::from_secs(120));
    assert_eq!(gateway.updates().len(), 1);
}

#[test]
fn a_change_while_an_update_is_under_way_follows_its_acceptance() {
    let mut gateway = timed(0);
    gateway.give(moved(LMN, Some(network("cafe"))));
    gateway.give(moved(LMN, Some(network("station"))));
    assert_eq!(gateway.updates().len(), 2, "one at a time");
    gateway.answer(0, [with_timer(network("cafe"), 0).into()]);
    assert_eq!(gateway.updates().len(), 3);
    let station = with_timer(network("station"), 100);
    let told = gateway.last_update();
    assert_eq!(network_of(&told.options), Some(station.clone()));
}

#[test]
fn without_a_timer_a_change_is_told_by_the_next_update() {
    let mut config = plain_config();
    config.access_network = Some(network("home"));
    let mut gateway = Gateway::new(config);
    gateway.answer(0, [network("home").into()]);
    gateway.give(moved(LMN, Some(network("cafe"))));
    gateway.wait(Duration::from_secs(1000));
    assert_eq!(gateway.updates().len(), 1);
    gateway.wait(Duration::from_secs(2400));
    let told = gateway.last_update();
    assert_eq!(network_of(&told.options), Some(network("cafe")));
}

/// RFC 6757 section 4.1: to be logged.
#[test]
fn an_anchor_that_does_not_understand_it_is_told_of_once() {
    let mut config = plain_config();
    config.access_network = Some(network("home"));
    let mut gateway = Gateway::new(config);
    gateway.answer(0, []);
    gateway.wait(Duration::from_secs(3400));
    gateway.answer(0, []);
    let ignored = gateway.events.iter().filter(|event| {
        matches!(
            event,
            Event::Session(SessionEvent::AccessNetworkIgnored { .. })
        )
    });
    assert_eq!(ignored.count(), 1);
}

#[test]
fn both_ends_show_it_and_a_restart_keeps_it() {
    let mut gateway = mag_config(1, 2);
    gateway.access_network = Some(network("home"));
    gateway.access_network_update_timer = Some(Duration::ZERO);
    let mut world = World::new(lma_config(), 1);
    let addresses = [address(1, 1), address(1, 2)];
    world.add_mag(gateway, &addresses, &common::link(10));
    world.all_up();
    world.run_until_idle(SECOND);
    let expected = with_timer(network("home"), 0);
    assert_eq!(lma_binding(&world).access_network, Some(expected.clone()));
    let text = serde_json::to_string(&world.lma.snapshot()).unwrap();
    let snapshot: LmaSnapshot = serde_json::from_str(&text).unwrap();
    let clock = ClockAnchor {
        instant: Instant::ZERO,
        unix: UNIX_START,
    };
    let (restored, _) = Lma::restore(lma_config(), &snapshot, [8; 32], clock, world.now).unwrap();
    let binding = restored.bindings(world.now).next().unwrap();
    assert_eq!(binding.access_network, Some(expected));
    world.input(Node::Mag(0), moved(LMN, Some(network("cafe"))));
    world.run_until_idle(SECOND);
    let cafe = with_timer(network("cafe"), 0);
    assert_eq!(lma_binding(&world).access_network, Some(cafe));
    let shown = common::mag_binding(&world).access_network;
    assert_eq!(shown, Some(network("cafe")));
}
