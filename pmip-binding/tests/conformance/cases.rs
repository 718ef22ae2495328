//! The procedures that are recorded. Each function plays one and gives its recorder.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use pmip_binding::config::{Customer, MobileNetwork, PrefixRequest, Service};
use pmip_binding::testing::{Node, UNIX_START, address, lma_config, mag_config};
use pmip_binding::{Attachment, ClockAnchor, Command, Input, LmaConfig, MagConfig, MobileNode};
use pmip_wire::types::Instant;
use pmip_wire::{
    AccessTechnologyType, DelegatedMobileNetworkPrefix, HomeNetworkPrefix, Ipv4HomeAddressRequest,
    MagIdentifier, MagMultipathBinding, OptionType, Timestamp,
};

use crate::common::{Pbu, SECOND, sent_to};
use crate::recorder::Recorder;

/// Plays one procedure.
pub(crate) type Case = fn() -> Recorder;

/// Every procedure by the name of its folder.
pub(crate) const CASES: &[(&str, Case)] = &[
    ("registration", registration),
    ("refresh", refresh),
    ("deregistration", deregistration),
    ("reattached-within-the-delete-wait", reattached),
    ("expiry", expiry),
    ("handoff-1-new-interface", || handoff(1)),
    ("handoff-2-between-interfaces", || handoff(2)),
    ("handoff-3-between-gateways", || handoff(3)),
    ("handoff-4-unknown", || handoff(4)),
    ("handoff-5-not-changed", || handoff(5)),
    ("handoff-4-old-gateway-deregisters", create_wait_ends),
    ("handoff-4-create-wait-passes", create_wait_passes),
    ("multipath-join", || multipath(3)),
    ("multipath-leave", multipath_leave),
    ("multipath-bulk", multipath_bulk),
    ("multipath-overwrite", multipath_overwrite),
    ("multipath-refused", multipath_refused),
    ("single-path-fails-over", single_path),
    ("refused-by-status", refused),
    ("sequence-mode", sequence_mode),
    ("clock-of-1970", clock_of_1970),
    ("heartbeat", heartbeat),
    ("heartbeat-path-dies", path_dies),
    ("restart-of-the-anchor", restart_of_the_anchor),
    ("restart-of-the-anchor-with-state", restart_with_state),
    ("restart-of-a-gateway", restart_of_a_gateway),
    ("nat", nat),
    ("nat-rebinds", nat_rebinds),
    ("nat-reboot", nat_reboot),
    ("nat-without-multipath", nat_without_multipath),
    ("care-of-address-in-use", care_of_in_use),
    ("customers", customers),
    ("link-local-address-of-the-anchor", link_local_address),
    ("delegated-prefixes", delegated),
    ("delegated-prefix-asserted-in-use", asserted_in_use),
    ("home-address-ipv4-only", || service(Service::Ipv4)),
    ("home-prefix-ipv6-only", || service(Service::Ipv6)),
    ("pool-exhausted", pool_exhausted),
    ("retransmission", retransmission),
    ("shutdown", shutdown),
    ("cleared-at-the-anchor", cleared),
];

/// An anchor without heartbeats.
fn quiet_lma() -> LmaConfig {
    let mut config = lma_config();
    config.heartbeat.rules.clear();
    config
}

/// A gateway without heartbeats.
fn quiet_mag(index: u8, interfaces: u8) -> MagConfig {
    let mut config = mag_config(index, interfaces);
    config.heartbeat.rules.clear();
    config
}

/// A gateway for mobile nodes alone, one path.
fn plain_mag(index: u8) -> MagConfig {
    let mut config = quiet_mag(index, 1);
    config.multipath = false;
    config.logical_mobile_nodes.clear();
    config
}

fn addresses(mag: u8, interfaces: u8) -> Vec<IpAddr> {
    (1..=interfaces).map(|n| address(mag, n)).collect()
}

/// One gateway, its interfaces down.
fn one(lma: LmaConfig, mag: MagConfig) -> Recorder {
    let mut recorder = Recorder::new(lma);
    let interfaces = u8::try_from(mag.roaming_interfaces.len()).unwrap();
    recorder.add_mag(mag, &addresses(1, interfaces));
    recorder
}

/// Two gateways that are up, and nobody attached.
fn two() -> Recorder {
    let mut recorder = Recorder::new(quiet_lma());
    for index in 1..=2 {
        recorder.add_mag(plain_mag(index), &addresses(index, 1));
    }
    recorder.world.all_up();
    recorder
}

fn attach(recorder: &mut Recorder, mag: usize, handoff: u8, link_layer: u8) {
    let mut node = MobileNode::new("walker@example.com");
    node.handoff_indicator = handoff;
    let octets = [2, 0, 0, 0, 0, link_layer];
    node.link_layer_identifier = Some(Bytes::copy_from_slice(&octets));
    let input = Input::Attachment(Attachment::Attach(node));
    recorder.world.input(Node::Mag(mag), input);
}

fn detach(recorder: &mut Recorder, mag: usize) {
    let nai = "walker@example.com".to_owned();
    let input = Input::Attachment(Attachment::Detach { nai });
    recorder.world.input(Node::Mag(mag), input);
}

fn registration() -> Recorder {
    let mut recorder = one(quiet_lma(), quiet_mag(1, 1));
    recorder.world.all_up();
    recorder.world.run_for(SECOND);
    recorder
}

fn refresh() -> Recorder {
    let mut mag = quiet_mag(1, 1);
    mag.lifetime = 40 * SECOND;
    mag.refresh_time = 10 * SECOND;
    let mut recorder = one(quiet_lma(), mag);
    recorder.world.all_up();
    recorder.world.run_for(70 * SECOND);
    recorder
}

fn deregistration() -> Recorder {
    let mut recorder = two();
    attach(&mut recorder, 0, 1, 5);
    recorder.world.run_for(SECOND);
    detach(&mut recorder, 0);
    recorder.world.run_for(20 * SECOND);
    recorder
}

fn reattached() -> Recorder {
    let mut recorder = two();
    attach(&mut recorder, 0, 1, 5);
    recorder.world.run_for(SECOND);
    detach(&mut recorder, 0);
    recorder.world.run_for(2 * SECOND);
    attach(&mut recorder, 0, 4, 5);
    recorder.world.run_for(20 * SECOND);
    recorder
}

fn expiry() -> Recorder {
    let mut mag = quiet_mag(1, 1);
    mag.lifetime = 20 * SECOND;
    let mut recorder = one(quiet_lma(), mag);
    recorder.world.all_up();
    recorder.world.run_for(SECOND);
    recorder.world.black_hole(0, 1, true);
    recorder.world.run_for(30 * SECOND);
    recorder
}

fn handoff(indicator: u8) -> Recorder {
    let mut recorder = two();
    attach(&mut recorder, 0, 1, 5);
    recorder.world.run_for(SECOND);
    attach(&mut recorder, 1, indicator, 5);
    recorder.world.run_for(SECOND);
    detach(&mut recorder, 0);
    recorder.world.run_for(15 * SECOND);
    recorder
}

fn create_wait_ends() -> Recorder {
    let mut recorder = two();
    attach(&mut recorder, 0, 1, 5);
    recorder.world.run_for(SECOND);
    attach(&mut recorder, 1, 4, 6);
    recorder.world.run_for(SECOND / 2);
    detach(&mut recorder, 0);
    recorder.world.run_for(5 * SECOND);
    recorder
}

fn create_wait_passes() -> Recorder {
    let mut recorder = two();
    attach(&mut recorder, 0, 1, 5);
    recorder.world.run_for(SECOND);
    attach(&mut recorder, 1, 4, 6);
    recorder.world.run_for(5 * SECOND);
    recorder
}

fn multipath(interfaces: u8) -> Recorder {
    let mut recorder = one(quiet_lma(), quiet_mag(1, interfaces));
    recorder.world.all_up();
    recorder.world.run_for(SECOND);
    recorder
}

fn multipath_leave() -> Recorder {
    let mut recorder = multipath(2);
    recorder.world.interface_down(0, 1);
    recorder.world.run_for(5 * SECOND);
    recorder.world.interface_up(0, 1);
    recorder.world.run_for(5 * SECOND);
    recorder
}

fn by_hand(binding_id: u8, bulk: bool, overwrite: bool, sequence: u16) -> Pbu {
    Pbu::new("walker@example.com", sequence)
        .handoff(5)
        .from(address(9, binding_id))
        .with(MagMultipathBinding {
            access_technology: AccessTechnologyType::from_code(8),
            label: binding_id + 10,
            binding_id,
            bulk,
            overwrite,
        })
        .with(MagIdentifier::nai("mag9").unwrap())
}

fn give(recorder: &mut Recorder, pbu: &Pbu) {
    let input = Input::Signalling(pbu.datagram());
    recorder.world.input(Node::Lma, input);
    recorder.world.run_for(Duration::from_millis(100));
}

fn multipath_bulk() -> Recorder {
    let mut recorder = Recorder::new(quiet_lma());
    give(
        &mut recorder,
        &by_hand(1, false, false, 1).handoff(1).lifetime(10),
    );
    give(&mut recorder, &by_hand(2, false, false, 2).lifetime(10));
    give(&mut recorder, &by_hand(2, true, false, 3).lifetime(20));
    recorder.world.run_for(90 * SECOND);
    recorder
}

fn multipath_overwrite() -> Recorder {
    let mut recorder = Recorder::new(quiet_lma());
    give(&mut recorder, &by_hand(1, false, false, 1).handoff(1));
    give(&mut recorder, &by_hand(2, false, false, 2));
    give(&mut recorder, &by_hand(3, false, true, 3));
    recorder
}

fn multipath_refused() -> Recorder {
    let mut lma = quiet_lma();
    lma.multipath = false;
    let mut recorder = one(lma, quiet_mag(1, 2));
    recorder.world.all_up();
    recorder.world.run_for(SECOND);
    recorder
}

fn single_path() -> Recorder {
    let mut mag = quiet_mag(1, 2);
    mag.multipath = false;
    let mut recorder = one(quiet_lma(), mag);
    recorder.world.all_up();
    recorder.world.run_for(SECOND);
    recorder.world.interface_down(0, 1);
    recorder.world.run_for(5 * SECOND);
    recorder.world.interface_up(0, 1);
    recorder.world.run_for(60 * SECOND);
    recorder
}

/// One PBU for each status that the anchor refuses with.
fn refused() -> Recorder {
    let mut lma = quiet_lma();
    lma.limits.bindings = 2;
    lma.profiles[0].delegation = false;
    let mut closed = lma.profiles[0].clone();
    closed.nai = "closed@example.com".into();
    closed.enabled = false;
    let mut ipv6 = lma.profiles[0].clone();
    ipv6.nai = "six@example.com".into();
    ipv6.service = Service::Ipv6;
    lma.profiles.extend([closed, ipv6]);
    let mut recorder = Recorder::new(lma);
    let name = "walker@example.com";
    let fine = |sequence| Pbu::new(name, sequence).handoff(5);
    let day = Timestamp::from_unix(UNIX_START + 86_400 * SECOND);
    let home = |last| HomeNetworkPrefix::new([0x2001, 0xdb8, 0x100, last, 0, 0, 0, 0].into(), 64);
    let refusals = [
        Pbu::new("nobody@example.net", 1),
        Pbu::new("closed@example.com", 1),
        fine(1).without(OptionType::MobileNodeIdentifier),
        fine(1).without(OptionType::HomeNetworkPrefix),
        fine(1).without(OptionType::HandoffIndicator),
        fine(1).without(OptionType::AccessTechnologyType),
        fine(1).with(day),
        fine(10),
        fine(10),
        fine(9),
        fine(11).replacing(home(7).unwrap()).with(home(8).unwrap()),
        Pbu::new("other@example.com", 1).replacing(home(0).unwrap()),
        Pbu::new("six@example.com", 1).with(Ipv4HomeAddressRequest::ALL_ZERO),
        fine(12).with(DelegatedMobileNetworkPrefix::ALL_ZERO_IPV4),
        Pbu::new("second@example.com", 1),
        Pbu::new("third@example.com", 1),
        fine(13).lifetime(0).from(address(8, 8)),
    ];
    for pbu in &refusals {
        give(&mut recorder, pbu);
    }
    recorder
}

fn sequence_mode() -> Recorder {
    let mut mag = quiet_mag(1, 1);
    mag.timestamps = false;
    let mut recorder = one(quiet_lma(), mag.clone());
    recorder.world.all_up();
    recorder.world.run_for(SECOND);
    mag.restart_counter = 2;
    recorder.restart_mag(0, mag);
    recorder.world.interface_up(0, 1);
    recorder.world.run_for(10 * SECOND);
    recorder
}

fn clock_of_1970() -> Recorder {
    let mut recorder = one(quiet_lma(), quiet_mag(1, 1));
    let wrong = ClockAnchor {
        instant: Instant::ZERO,
        unix: Duration::from_secs(100),
    };
    recorder.world.input(Node::Mag(0), Input::ClockStep(wrong));
    recorder.world.all_up();
    recorder.world.run_for(30 * SECOND);
    let right = recorder.world.clock();
    recorder.world.input(Node::Mag(0), Input::ClockStep(right));
    recorder.world.run_for(SECOND);
    recorder
}

fn heartbeat() -> Recorder {
    let mut recorder = one(lma_config(), mag_config(1, 1));
    recorder.world.all_up();
    recorder.world.run_for(4 * SECOND);
    recorder
}

fn path_dies() -> Recorder {
    let mut recorder = one(lma_config(), mag_config(1, 2));
    recorder.world.all_up();
    recorder.world.run_for(3 * SECOND);
    recorder.world.black_hole(0, 1, true);
    recorder.world.run_for(8 * SECOND);
    recorder.world.black_hole(0, 1, false);
    recorder.world.run_for(8 * SECOND);
    recorder
}

fn restart_of_the_anchor() -> Recorder {
    let mut recorder = one(lma_config(), mag_config(1, 2));
    recorder.world.all_up();
    recorder.world.run_for(3 * SECOND);
    let mut config = lma_config();
    config.restart_counter = 2;
    recorder.restart_lma(config);
    recorder.world.run_for(3 * SECOND);
    recorder
}

fn restart_with_state() -> Recorder {
    let mut recorder = one(lma_config(), mag_config(1, 2));
    recorder.world.all_up();
    recorder.world.run_for(3 * SECOND);
    recorder.resume_lma(lma_config());
    recorder.world.run_for(3 * SECOND);
    recorder
}

fn restart_of_a_gateway() -> Recorder {
    let mut recorder = one(lma_config(), mag_config(1, 2));
    recorder.world.all_up();
    recorder.world.run_for(3 * SECOND);
    let mut config = mag_config(1, 2);
    config.restart_counter = 2;
    config.restarted = true;
    recorder.restart_mag(0, config);
    recorder.world.interface_up(0, 1);
    recorder.world.interface_up(0, 2);
    recorder.world.run_for(3 * SECOND);
    recorder
}

fn behind_nat(nat_reboot: bool) -> Recorder {
    let (mut lma, mut mag) = (lma_config(), mag_config(1, 1));
    for rule in lma
        .heartbeat
        .rules
        .iter_mut()
        .chain(&mut mag.heartbeat.rules)
    {
        rule.nat_reboot = nat_reboot;
    }
    let mut recorder = one(lma, mag);
    let outer = IpAddr::from([203, 0, 113, 9]);
    recorder.world.set_nat(0, 1, outer, 40_000);
    recorder.world.all_up();
    recorder.world.run_for(3 * SECOND);
    recorder
}

fn nat() -> Recorder {
    behind_nat(false)
}

fn nat_rebinds() -> Recorder {
    let mut recorder = behind_nat(true);
    let outer = IpAddr::from([203, 0, 113, 9]);
    recorder.world.set_nat(0, 1, outer, 50_000);
    recorder.world.run_for(10 * SECOND);
    recorder
}

/// The same, and the anchor repairs it.
fn nat_reboot() -> Recorder {
    let mut lma = lma_config();
    lma.heartbeat.rules[0].nat_reboot = true;
    let mut recorder = one(lma, mag_config(1, 2));
    let outer = IpAddr::from([203, 0, 113, 9]);
    recorder.world.set_nat(0, 1, outer, 40_000);
    recorder.world.all_up();
    recorder.world.run_for(2 * SECOND);
    recorder.world.set_nat(0, 1, outer, 50_000);
    recorder.world.run_for(2 * SECOND);
    recorder
}

/// The data mapping of a path without a Binding ID.
fn nat_without_multipath() -> Recorder {
    let mut mag = quiet_mag(1, 1);
    mag.multipath = false;
    let mut recorder = one(quiet_lma(), mag);
    let outer = IpAddr::from([203, 0, 113, 9]);
    recorder.world.set_nat(0, 1, outer, 40_000);
    recorder.world.all_up();
    recorder.world.run_for(SECOND);
    recorder
}

/// A second gateway comes to an address whose gateway is silent.
fn care_of_in_use() -> Recorder {
    let mut recorder = Recorder::new(quiet_lma());
    let pbu = |mag: &str, sequence| {
        let nai = format!("{mag}@example.com");
        Pbu::new(&nai, sequence).multipath(mag, 1).datagram()
    };
    let world = &mut recorder.world;
    world.input(Node::Lma, Input::Signalling(pbu("mag1", 1)));
    for (sequence, wait) in (1..).zip([1, 2, 0]) {
        world.input(Node::Lma, Input::Signalling(pbu("mag2", sequence)));
        world.run_for(wait * SECOND);
    }
    recorder
}

/// A domain without a fixed link-local address, and a handoff.
fn link_local_address() -> Recorder {
    let mut recorder = Recorder::new(quiet_lma());
    for index in 1..=2 {
        let mut mag = plain_mag(index);
        mag.access_link.fixed_link_local_address = None;
        recorder.add_mag(mag, &addresses(index, 1));
    }
    recorder.world.all_up();
    attach(&mut recorder, 0, 1, 5);
    recorder.world.run_for(SECOND);
    attach(&mut recorder, 1, 3, 5);
    recorder.world.run_for(SECOND);
    recorder
}

/// Two customers with equal mobile nodes, gateways and prefixes.
fn customers() -> Recorder {
    let mut lma = quiet_lma();
    lma.vrfs = ["red", "green"].map(str::to_owned).to_vec();
    for (last, name) in (2..).zip(&lma.vrfs) {
        let mut customer = Customer::new(name);
        customer.vrf = Some(name.clone());
        customer.ipv4_address = Some(Ipv4Addr::new(192, 0, 2, last));
        customer.networks = vec!["net1".to_owned()];
        lma.customers.push(customer);
    }
    let mut recorder = Recorder::new(lma);
    for (sequence, lifetime, handoff) in [(1, 100, 1), (2, 0, 4)] {
        for last in [2, 3] {
            let pbu = Pbu::new("walker@example.com", sequence).handoff(handoff);
            let pbu = pbu.multipath("mag9", 1).lifetime(lifetime);
            let address = IpAddr::from([192, 0, 2, last]);
            let datagram = sent_to(pbu.datagram(), 0, address);
            recorder.world.input(Node::Lma, Input::Signalling(datagram));
        }
    }
    recorder
}

fn delegated() -> Recorder {
    let mut mag = quiet_mag(1, 1);
    let asserted = "10.20.7.0/24".parse().unwrap();
    mag.logical_mobile_nodes[0].mobile_networks = vec![
        MobileNetwork::new(
            "lan0",
            vec![PrefixRequest::LearnIpv4, PrefixRequest::LearnIpv6],
        ),
        MobileNetwork::new("lan1", vec![PrefixRequest::Assert(asserted)]),
    ];
    let mut recorder = one(quiet_lma(), mag);
    recorder.world.all_up();
    recorder.world.run_for(SECOND);
    let nai = "lmn1@example.com".to_owned();
    let command = Command::ClearBinding { nai };
    recorder.world.command(Node::Mag(0), command);
    recorder.world.run_for(15 * SECOND);
    recorder
}

fn asserted_in_use() -> Recorder {
    let mut recorder = Recorder::new(quiet_lma());
    for index in 1..=2 {
        let mut mag = quiet_mag(index, 1);
        let asserted = "10.20.7.0/24".parse().unwrap();
        let wanted = vec![PrefixRequest::Assert(asserted)];
        mag.logical_mobile_nodes[0].mobile_networks = vec![MobileNetwork::new("lan0", wanted)];
        recorder.add_mag(mag, &addresses(index, 1));
    }
    recorder.world.all_up();
    recorder.world.run_for(2 * SECOND);
    recorder
}

fn service(service: Service) -> Recorder {
    let mut lma = quiet_lma();
    lma.profiles[0].service = service;
    let mut recorder = one(lma, quiet_mag(1, 1));
    recorder.world.all_up();
    recorder.world.run_for(SECOND);
    recorder
}

fn pool_exhausted() -> Recorder {
    let mut lma = quiet_lma();
    let (first, last) = (Ipv4Addr::new(10, 1, 0, 2), Ipv4Addr::new(10, 1, 0, 2));
    lma.networks[0].ipv4_pool = Some(pmip_binding::config::Ipv4Pool::new(first, last, 16));
    let mut recorder = Recorder::new(lma);
    for index in 1..=2 {
        recorder.add_mag(quiet_mag(index, 1), &addresses(index, 1));
    }
    recorder.world.all_up();
    recorder.world.run_for(40 * SECOND);
    recorder
}

fn retransmission() -> Recorder {
    let mut recorder = one(quiet_lma(), quiet_mag(1, 1));
    recorder.world.all_up();
    recorder.world.black_hole(0, 1, true);
    recorder.world.run_for(70 * SECOND);
    recorder
}

fn shutdown() -> Recorder {
    let mut recorder = multipath(2);
    recorder.world.command(Node::Mag(0), Command::Shutdown);
    recorder.world.run_for(15 * SECOND);
    recorder
}

fn cleared() -> Recorder {
    let mut recorder = multipath(2);
    recorder.world.command(Node::Lma, Command::ClearBindings);
    recorder.world.run_for(5 * SECOND);
    recorder
}
