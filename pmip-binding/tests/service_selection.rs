//! A mobile node gets the service that its gateway names, if it may have it (RFC 5149).
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
use pmip_binding::testing::{World, address, lma_config, mag_config};
use pmip_binding::{Attachment, Event, Input, LmaConfig, SessionEvent};
use pmip_wire::{Message, MobilityOption, ServiceSelection};

const MN: &str = "mn@example.com";

fn service(name: &str) -> ServiceSelection {
    ServiceSelection::new(name).unwrap()
}

fn anchor() -> LmaConfig {
    let mut config = lma_config();
    config.profiles[0].services = vec!["ims".into(), "voip".into()];
    config
}

#[test]
fn only_services_of_the_profile_are_served() {
    let mut bench = Bench::new(anchor());
    let foreign = Pbu::new(MN, 1).with(service("internet"));
    assert_eq!(bench.status(&foreign).code(), 151);
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
    assert_eq!(
        bench.status(&Pbu::new(MN, 1).with(service("IMS"))).code(),
        151
    );
    assert_eq!(
        bench.status(&Pbu::new(MN, 1).with(service("ims"))).code(),
        0
    );
    let selected = bench.binding().service_selection;
    assert_eq!(selected.as_deref(), Some("ims"));
}

#[test]
fn without_a_list_every_service_is() {
    let mut bench = Bench::new(lma_config());
    let pbu = Pbu::new(MN, 1).with(service("anything"));
    assert_eq!(bench.status(&pbu).code(), 0);
}

/// The option comes with the first PBU alone (section 4.1).
#[test]
fn a_refresh_that_names_none_goes_on_with_the_one_there_is() {
    let mut bench = Bench::new(anchor());
    bench.send(&Pbu::new(MN, 1).with(service("ims")));
    bench.send(&Pbu::new(MN, 2).handoff(5));
    let selected = bench.binding().service_selection;
    assert_eq!(selected.as_deref(), Some("ims"));
    bench.send(&Pbu::new(MN, 3).handoff(5).with(service("voip")));
    let selected = bench.binding().service_selection;
    assert_eq!(selected.as_deref(), Some("voip"));
}

/// Section 4.2: the binding that should have changed is deleted.
#[test]
fn a_change_to_a_service_that_is_not_allowed_ends_the_binding() {
    let mut bench = Bench::new(anchor());
    bench.send(&Pbu::new(MN, 1).with(service("ims")));
    let change = Pbu::new(MN, 2).handoff(5).with(service("internet"));
    assert_eq!(bench.status(&change).code(), 151);
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
    let down = bench
        .events
        .iter()
        .any(|event| matches!(event, Event::Session(SessionEvent::Down { .. })));
    assert!(down);
}

#[test]
fn a_replayed_change_ends_nothing() {
    let mut bench = Bench::new(anchor());
    let foreign = Pbu::new(MN, 1).with(service("internet"));
    assert_eq!(bench.status(&foreign).code(), 151);
    bench.send(&Pbu::new(MN, 2).with(service("ims")));
    assert_eq!(bench.status(&foreign.handoff(5)).code(), 135);
    assert_eq!(bench.lma.bindings(bench.now).count(), 1);
}

fn apn() -> pmip_binding::MagConfig {
    let mut config = plain_config();
    config.logical_mobile_nodes[0].service_selection = Some("ims".into());
    config
}

/// The octets by the figure of section 3.
#[test]
fn the_gateway_names_it_once_behind_the_mobile_node_identifier() {
    let mut gateway = Gateway::new(apn());
    let octets = gateway.sent.last().unwrap();
    let option = [20, 3, b'i', b'm', b's'];
    assert!(octets.windows(5).any(|window| window == option));
    let first = gateway.last_update();
    let place =
        |wanted: fn(&MobilityOption) -> bool| first.options.to_vec().iter().position(wanted);
    let mn_id = place(|option| matches!(option, MobilityOption::MobileNodeIdentifier(_)));
    let service = place(|option| matches!(option, MobilityOption::ServiceSelection(_)));
    assert!(service.unwrap() > mn_id.unwrap());
    gateway.wait(Duration::from_secs(1));
    let again = gateway.last_update();
    assert!(again.options.service_selection().is_some(), "sent again");
    gateway.answer(0, []);
    gateway.wait(Duration::from_secs(3400));
    let refresh = gateway.last_update();
    assert!(refresh.sequence != again.sequence);
    assert_eq!(refresh.options.service_selection(), None);
}

#[test]
fn a_refused_service_is_not_asked_for_again_until_an_administrative_action() {
    let mut gateway = Gateway::new(apn());
    gateway.answer(151, []);
    gateway.wait(Duration::from_secs(3600));
    assert_eq!(gateway.updates().len(), 1);
    let node = pmip_binding::MobileNode::new("lmn1@example.com");
    gateway.give(Input::Attachment(Attachment::Attach(node)));
    assert_eq!(gateway.updates().len(), 2);
}

/// Section 4.1: the existing binding is deleted.
#[test]
fn a_binding_ends_when_its_refresh_is_refused_for_the_service() {
    let mut gateway = Gateway::new(apn());
    gateway.answer(0, []);
    gateway.wait(Duration::from_secs(3400));
    gateway.answer(151, []);
    let binding = gateway.mag.bindings(gateway.now).next().unwrap();
    assert!(binding.paths.is_empty());
    let down = gateway
        .events
        .iter()
        .any(|event| matches!(event, Event::Session(SessionEvent::Down { .. })));
    assert!(down);
    gateway.wait(Duration::from_secs(7200));
    let sent = gateway.sent.iter().filter(|octets| {
        let message = Message::decode(octets, pmip_wire::ChecksumContext::Udp);
        matches!(message, Ok(Message::BindingUpdate(_)))
    });
    assert_eq!(sent.count(), 2);
}

#[test]
fn both_ends_show_it_and_a_snapshot_has_it() {
    let mut gateway = mag_config(1, 2);
    gateway.logical_mobile_nodes[0].service_selection = Some("voip".into());
    let mut world = World::new(anchor(), 1);
    let addresses = [address(1, 1), address(1, 2)];
    world.add_mag(gateway, &addresses, &common::link(10));
    world.all_up();
    world.run_until_idle(SECOND);
    for binding in [lma_binding(&world), common::mag_binding(&world)] {
        assert_eq!(binding.service_selection.as_deref(), Some("voip"));
        assert_eq!(binding.paths.len(), 2);
    }
    let text = serde_json::to_string(&world.lma.snapshot()).unwrap();
    let snapshot: LmaSnapshot = serde_json::from_str(&text).unwrap();
    world.resume_lma(anchor(), &snapshot, 3);
    let selected = lma_binding(&world).service_selection;
    assert_eq!(selected.as_deref(), Some("voip"));
}
