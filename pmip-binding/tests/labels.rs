//! Names and weights of links reach the anchor in vendor options (RFC 5094): sub-type 1 the name
//! of the label, 2 the roaming interface, 3 the weights up and down.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
mod gateway;

use common::{Bench, Pbu, SECOND, lma_path, mag_path};
use gateway::{Gateway, plain_config};
use pmip_binding::config::{DEFAULT_ENTERPRISE, HeartbeatRule};
use pmip_binding::snapshot::LmaSnapshot;
use pmip_binding::testing::{World, address, lma_config, mag_config};
use pmip_binding::{Event, Forwarding, LmaConfig, MagConfig, PathEvent};
use pmip_wire::VendorSpecific;
use pmip_wire::types::Label;

const MN: &str = "mn@example.com";

fn anchor() -> LmaConfig {
    let mut config = lma_config();
    config.vendor_info = Some(DEFAULT_ENTERPRISE);
    config
}

fn gateway() -> MagConfig {
    let mut config = mag_config(1, 2);
    config.vendor_info = Some(DEFAULT_ENTERPRISE);
    let names = ["lte_intf", "dsl_intf"];
    for (interface, name) in config.roaming_interfaces.iter_mut().zip(names) {
        interface.label_name = Some(name.into());
        interface.weight = 3;
        interface.down_weight = Some(4);
    }
    config.roaming_interfaces[1].down_weight = None;
    config
}

fn world(anchor: LmaConfig, gateway: MagConfig) -> World {
    let mut world = World::new(anchor, 1);
    let addresses = [address(1, 1), address(1, 2)];
    world.add_mag(gateway, &addresses, &common::link(10));
    world.all_up();
    world.run_until_idle(SECOND);
    world
}

fn vendor(sub_type: u8, data: &'static [u8]) -> VendorSpecific {
    VendorSpecific::new(DEFAULT_ENTERPRISE, sub_type, data).unwrap()
}

#[test]
fn the_anchor_learns_names_and_shares_its_downlink_by_the_down_weight() {
    let world = world(anchor(), gateway());
    let (first, second) = (lma_path(&world, 1), lma_path(&world, 2));
    assert_eq!(first.label_name.as_deref(), Some("lte_intf"));
    assert_eq!(first.interface.as_deref(), Some("wan1"));
    assert_eq!(second.label_name.as_deref(), Some("dsl_intf"));
    assert_eq!((first.weight, second.weight), (4, 3));
    let endpoint = &world.lma_tables.paths[&first.path];
    assert_eq!(endpoint.weight, 4, "told to the forwarding plane");
    assert_eq!(mag_path(&world, 1).weight, 3, "the uplink has its own");
    assert_eq!(mag_path(&world, 1).label_name.as_deref(), Some("lte_intf"));
    let names = world.events.iter().filter_map(|(_, _, event)| match event {
        Event::Path(PathEvent::Link { label_name, .. }) => label_name.clone(),
        _ => None,
    });
    assert_eq!(names.collect::<Vec<_>>(), ["lte_intf", "dsl_intf"]);
}

#[test]
fn what_the_anchor_has_configured_wins() {
    let mut config = anchor();
    config.link_weights = vec![(Label(11), 9)];
    let world = world(config, gateway());
    assert_eq!(lma_path(&world, 1).weight, 9);
    assert_eq!(lma_path(&world, 2).weight, 3);
}

#[test]
fn an_anchor_that_does_not_listen_learns_nothing() {
    let world = world(lma_config(), gateway());
    let path = lma_path(&world, 1);
    assert_eq!(
        (path.label_name, path.interface, path.weight),
        (None, None, 1)
    );
    assert_eq!(path.label, Label(11), "If-Label has it all the same");
}

/// A label above 255 travels as If-Label 0: the name alone says which it is.
#[test]
fn a_label_without_number_is_known_by_its_name() {
    let mut gateway = gateway();
    gateway.roaming_interfaces[0].label = Label(300);
    let mut anchor = anchor();
    anchor.label_names = vec![(Label(777), "lte_intf".into())];
    anchor.link_weights = vec![(Label(777), 50)];
    let rule = HeartbeatRule::new(5 * SECOND, 1);
    anchor.heartbeat.rules.push(rule.for_label(Label(777)));
    let world = world(anchor, gateway);
    let path = lma_path(&world, 1);
    assert_eq!((path.label, path.weight), (Label(777), 50));
    assert_eq!(path.heartbeat.unwrap().interval, 5 * SECOND);
    assert_eq!(lma_path(&world, 2).label, Label(12));
}

/// The octets by the figure of RFC 5094 section 3: type, length, enterprise 32473, sub-type.
#[test]
fn the_gateway_sends_three_options() {
    let mut config = plain_config();
    config.vendor_info = Some(DEFAULT_ENTERPRISE);
    config.roaming_interfaces[0].label_name = Some("lte".into());
    config.roaming_interfaces[0].down_weight = Some(7);
    let gateway = Gateway::new(config);
    let octets = gateway.sent.last().unwrap();
    let holds = |option: &[u8]| octets.windows(option.len()).any(|window| window == option);
    assert!(holds(&[19, 8, 0, 0, 0x7e, 0xd9, 1, b'l', b't', b'e']));
    assert!(holds(&[19, 9, 0, 0, 0x7e, 0xd9, 2, b'w', b'a', b'n', b'1']));
    assert!(holds(&[19, 7, 0, 0, 0x7e, 0xd9, 3, 1, 7]));
    let silent = Gateway::new(plain_config());
    assert_eq!(silent.last_update().options.vendor_specific().count(), 0);
}

#[test]
fn what_is_malformed_or_of_others_is_left_out() {
    let mut bench = Bench::new(anchor());
    let foreign = VendorSpecific::new(9, 1, &b"foreign"[..]).unwrap();
    let pbu = Pbu::new(MN, 1)
        .with(vendor(1, b"\x1b[2J"))
        .with(vendor(2, b"wan\xff"))
        .with(vendor(3, &[0, 101]))
        .with(vendor(77, b"?"))
        .with(foreign);
    assert_eq!(bench.status(&pbu).code(), 0);
    let path = bench.lma.paths().next().unwrap();
    assert_eq!(
        (path.label_name, path.interface, path.weight),
        (None, None, 1)
    );
    bench.send(&Pbu::new(MN, 2).handoff(5).with(vendor(1, &[b'n'; 126])));
    assert_eq!(
        bench.lma.paths().next().unwrap().label_name,
        None,
        "too long"
    );
}

#[test]
fn a_change_is_told_and_silence_takes_it_back() {
    let mut bench = Bench::new(anchor());
    bench.send(
        &Pbu::new(MN, 1)
            .with(vendor(1, b"lte"))
            .with(vendor(3, &[1, 5])),
    );
    bench.send(
        &Pbu::new(MN, 2)
            .handoff(5)
            .with(vendor(1, b"lte"))
            .with(vendor(3, &[1, 6])),
    );
    let path = bench.lma.paths().next().unwrap();
    assert_eq!(path.weight, 6);
    bench.send(&Pbu::new(MN, 3).handoff(5));
    let path = bench.lma.paths().next().unwrap();
    assert_eq!((path.label_name, path.weight), (None, 1));
    let installed = bench.events.iter().filter_map(|event| match event {
        Event::Forwarding(Forwarding::InstallPath(endpoint)) => Some(endpoint.weight),
        _ => None,
    });
    assert_eq!(installed.collect::<Vec<_>>(), [5, 6, 1]);
}

#[test]
fn a_restart_with_state_keeps_them() {
    let mut world = world(anchor(), gateway());
    let tables = world.lma_tables.clone();
    let text = serde_json::to_string(&world.lma.snapshot()).unwrap();
    let snapshot: LmaSnapshot = serde_json::from_str(&text).unwrap();
    world.resume_lma(anchor(), &snapshot, 3);
    assert_eq!(world.lma_tables, tables);
    let path = lma_path(&world, 1);
    assert_eq!(path.label_name.as_deref(), Some("lte_intf"));
    assert_eq!(path.interface.as_deref(), Some("wan1"));
}
