//! What stands in revocation messages, and which an anchor takes (RFC 5846 sections 5, 6, 8
//! and 9).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
mod gateway;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use common::{Bench, Pbu, SECOND};
use pmip_binding::testing::{Node, World, address, control, lma_config, mag_config};
use pmip_binding::{
    BindingState, Command, Datagram, Event, Input, LmaConfig, Output, RevocationEvent, Revoke,
    Transmit,
};
use pmip_wire::{
    BindingRevocationAcknowledgement, BindingRevocationFlags as Flags, BindingRevocationIndication,
    BindingRevocationStatus as Status, ChecksumContext, HomeNetworkPrefix, Ipv4HomeAddressRequest,
    MagIdentifier, Message, MobileNodeIdentifier, MobilityOption, MobilityOptions, OptionType,
    RevocationTrigger as Trigger, SequenceNumber,
};

const MN: &str = "a@example.com";
const P: Flags = Flags::PROXY;

fn types(options: &MobilityOptions) -> Vec<OptionType> {
    options.iter().map(|option| option.option_type()).collect()
}

fn indications(sent: &[Bytes]) -> Vec<BindingRevocationIndication> {
    let sent = sent.iter();
    sent.filter_map(
        |octets| match Message::decode(octets, ChecksumContext::Udp).unwrap() {
            Message::BindingRevocationIndication(indication) => Some(indication),
            _ => None,
        },
    )
    .collect()
}

/// An anchor with a dual-stack session of the mobile node at gateway 9.
fn bench(config: LmaConfig) -> Bench {
    let mut bench = Bench::new(config);
    let pbu = Pbu::new(MN, 1).with(Ipv4HomeAddressRequest::ALL_ZERO);
    assert_eq!(bench.status(&pbu).code(), 0);
    bench
}

fn revoke(bench: &mut Bench, what: Revoke) -> BindingRevocationIndication {
    let sent = bench.give(Input::Command(Command::Revoke(what)));
    let [one] = &indications(&sent)[..] else {
        panic!("{sent:?}")
    };
    one.clone()
}

fn session(nai: &str) -> Revoke {
    Revoke::MobileNode {
        nai: nai.into(),
        trigger: Trigger::AdministrativeReason,
    }
}

#[test]
fn a_session_is_named_by_its_node_and_its_prefixes() {
    let mut bench = bench(lma_config());
    let prefix = bench.binding().home_prefixes[0];
    let sent = revoke(&mut bench, session(MN));
    assert_eq!(sent.trigger, Trigger::AdministrativeReason);
    assert_eq!(sent.flags, P);
    let found = [
        OptionType::MobileNodeIdentifier,
        OptionType::HomeNetworkPrefix,
    ];
    assert_eq!(types(&sent.options), found);
    let identifier = sent.options.mn_identifier().unwrap();
    assert_eq!(*identifier.identifier(), MN.as_bytes());
    let named = sent.options.home_network_prefixes().next().unwrap();
    assert_eq!(IpAddr::from(named.prefix()), prefix.address());
}

#[test]
fn everything_of_a_gateway_is_named_by_nothing_and_a_realm_by_its_name() {
    let mut first = bench(lma_config());
    let peer = first.binding().peer;
    let sent = revoke(&mut first, Revoke::Peer { peer });
    assert_eq!(sent.trigger, Trigger::PerPeerPolicy);
    assert_eq!(sent.flags, P | Flags::GLOBAL);
    assert!(sent.options.is_empty());
    let mut second = bench(lma_config());
    let realm = "example.com".to_owned();
    let sent = revoke(&mut second, Revoke::Realm { realm });
    assert_eq!(sent.trigger, Trigger::RevokingMobilityNodeLocalPolicy);
    assert_eq!(sent.flags, P | Flags::GLOBAL);
    assert_eq!(types(&sent.options), [OptionType::MobileNodeIdentifier]);
    let identifier = sent.options.mn_identifier().unwrap();
    assert_eq!(identifier.identifier(), b"@example.com");
}

#[test]
fn the_home_address_alone_is_named_with_flag_v_and_without_prefixes() {
    let mut bench = bench(lma_config());
    let home = bench.binding().ipv4_home.unwrap().0;
    let (nai, trigger) = (MN.to_owned(), Trigger::UserInitiatedSessionTermination);
    let sent = revoke(&mut bench, Revoke::Ipv4Home { nai, trigger });
    assert_eq!(sent.flags, P | Flags::IPV4_HOME_ADDRESS_ONLY);
    assert_eq!(sent.trigger, Trigger::UserInitiatedSessionTermination);
    let found = types(&sent.options);
    assert!(found.contains(&OptionType::MobileNodeIdentifier));
    assert!(!found.contains(&OptionType::HomeNetworkPrefix));
    let named = sent.options.iter().find_map(|option| match option {
        MobilityOption::Ipv4HomeAddressRequest(request) => Some(request.address()),
        _ => None,
    });
    assert_eq!(named, Some(home));
}

#[test]
fn outstanding_indications_have_different_numbers_and_a_repeated_one_is_the_same() {
    let mut bench = bench(lma_config());
    for (host, nai) in [(2, "b@example.com"), (3, "c@example.com")] {
        let pbu = Pbu::new(nai, 1).from(address(9, host));
        assert_eq!(bench.status(&pbu).code(), 0);
    }
    let names = [MN, "b@example.com", "c@example.com"];
    let sent = names.map(|nai| revoke(&mut bench, session(nai)));
    let mut numbers: Vec<u16> = sent.iter().map(|one| one.sequence.0).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 3);
    bench.now += SECOND;
    let again = bench.give(Input::Timeout);
    assert_eq!(indications(&again), sent, "flags, number and options");
}

#[test]
fn retransmissions_are_ever_further_apart_and_then_the_binding_ends() {
    let mut config = lma_config();
    config.heartbeat.rules.clear();
    config.revocation.retries = 3;
    let mut bench = bench(config);
    revoke(&mut bench, session(MN));
    let mut gaps = Vec::new();
    let mut waited = 0;
    for _ in 0..200 {
        bench.now += Duration::from_millis(100);
        waited += 100;
        if !indications(&bench.give(Input::Timeout)).is_empty() {
            gaps.push(std::mem::take(&mut waited));
        }
    }
    // MAX_BRACK_TIMEOUT is 2 s.
    assert_eq!(gaps, [1000, 2000, 2000]);
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
}

#[test]
fn a_matching_answer_ends_the_binding_and_another_number_does_not() {
    let mut bench = bench(lma_config());
    let sent = revoke(&mut bench, session(MN));
    let answer = |sequence: u16| {
        let answer = BindingRevocationAcknowledgement {
            status: Status::Success,
            sequence: SequenceNumber(sequence),
            flags: P,
            options: MobilityOptions::new(),
        };
        Message::BindingRevocationAcknowledgement(answer)
    };
    ask(&mut bench, 1, &answer(sent.sequence.0.wrapping_add(1)));
    assert_eq!(bench.binding().state, BindingState::Disconnecting);
    ask(&mut bench, 1, &answer(sent.sequence.0));
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
    bench.now += SECOND;
    let later = bench.give(Input::Timeout);
    assert_eq!(indications(&later), [], "its timer is over");
}

/// Section 6.1.2: an answer of partial success lists what the gateway did not have.
#[test]
fn what_a_gateway_did_not_have_is_told() {
    let mut bench = bench(lma_config());
    let sent = revoke(&mut bench, session(MN));
    let failed = HomeNetworkPrefix::new("2001:db8:100::".parse().unwrap(), 64).unwrap();
    let listed = MobilityOptions::new().with(MobileNodeIdentifier::nai(MN).unwrap());
    let answer = BindingRevocationAcknowledgement {
        status: Status::PartialSuccess,
        sequence: sent.sequence,
        flags: P,
        options: listed.unwrap().with(failed).unwrap(),
    };
    let answer = Message::BindingRevocationAcknowledgement(answer);
    ask(&mut bench, 1, &answer);
    let told = bench.events.iter().find_map(|event| match event {
        Event::Revocation(event @ RevocationEvent::Failed { .. }) => Some(event.clone()),
        _ => None,
    });
    let expected = RevocationEvent::Failed {
        peer: address(9, 1).to_string(),
        mn_id: Some(MN.to_owned()),
        home_prefixes: vec![failed.to_prefix()],
        binding_ids: Vec::new(),
    };
    assert_eq!(told, Some(expected));
}

/// Also section 4: over UDP from and to where the registration went.
#[test]
fn it_goes_to_the_care_of_address_by_the_ports_of_the_registration() {
    let mut config = lma_config();
    config.heartbeat.rules.clear();
    let mut bench = Bench::new(config);
    let mut pbu = Pbu::new(MN, 1);
    pbu.source.set_port(40_000);
    let datagram = pbu.datagram();
    let (ours, theirs) = (datagram.destination, datagram.source);
    bench.give(Input::Signalling(datagram));
    bench
        .lma
        .handle_input(bench.now, Input::Command(Command::Revoke(session(MN))));
    let sent: Transmit = loop {
        match bench.lma.poll_output() {
            Output::Transmit(transmit) => break transmit,
            Output::Timeout(_) => panic!("nothing sent"),
            _ => {}
        }
    };
    assert_eq!((sent.source, sent.destination), (ours, theirs));
}

/// Section 8.1: the destination is another care-of address of the gateway then.
#[test]
fn a_path_that_is_revoked_over_another_one_is_named_by_its_care_of_address() {
    let mut config = lma_config();
    config.heartbeat = pmip_binding::config::HeartbeatConfig::every(SECOND, 0);
    let mut bench = Bench::new(config);
    for binding_id in [1, 2] {
        let pbu = multipath(binding_id.into(), MN, binding_id);
        assert_eq!(bench.status(&pbu).code(), 0);
    }
    // Only the first path answers its heartbeats.
    for _ in 0..4 {
        bench.now += SECOND;
        for payload in bench.give(Input::Timeout) {
            let asked = Message::decode(&payload, ChecksumContext::Udp).unwrap();
            let Message::Heartbeat(asked) = asked else {
                continue;
            };
            let answer = Message::Heartbeat(pmip_wire::Heartbeat::response(asked.sequence));
            let payload = answer.to_bytes(ChecksumContext::Udp);
            let datagram = common::datagram(control(address(9, 1)), payload);
            bench.give(Input::Signalling(datagram));
        }
    }
    let (nai, trigger) = (MN.to_owned(), Trigger::AdministrativeReason);
    let what = Revoke::Path {
        nai,
        binding_id: 2,
        trigger,
    };
    let sent = revoke(&mut bench, what);
    let IpAddr::V4(gone) = address(9, 2) else {
        unreachable!()
    };
    assert_eq!(sent.options.alternate_ipv4_care_of_address(), Some(gone));
    let named = sent.options.binding_identifiers().next().unwrap();
    assert_eq!(named.binding_id(), 2);
    assert_eq!(sent.options.mag_multipath_binding().unwrap().binding_id, 2);
}

#[test]
fn with_unknown_handoff_state_the_old_gateway_is_asked_with_the_trigger_for_that() {
    let mut bench = bench(lma_config());
    let other = pmip_wire::LinkLayerIdentifier::mac([2, 0, 0, 0, 0, 77]);
    let pbu = Pbu::new(MN, 2).replacing(other).handoff(4);
    let pbu = pbu.from(address(8, 1));
    let sent = bench.give(Input::Signalling(pbu.datagram()));
    let [asked] = &indications(&sent)[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(asked.trigger, Trigger::InterMagHandoverUnknown);
    assert_eq!(asked.flags, P);
}

// The anchor is asked.

fn ask(bench: &mut Bench, host: u8, message: &Message) -> Option<BindingRevocationAcknowledgement> {
    let payload = message.to_bytes(ChecksumContext::Udp);
    let datagram = common::datagram(control(address(9, host)), payload);
    answer_of(&bench.give(Input::Signalling(datagram)))
}

fn answer_of(sent: &[Bytes]) -> Option<BindingRevocationAcknowledgement> {
    sent.iter().find_map(
        |octets| match Message::decode(octets, ChecksumContext::Udp).unwrap() {
            Message::BindingRevocationAcknowledgement(answer) => Some(answer),
            _ => None,
        },
    )
}

fn indication(trigger: Trigger, flags: Flags, options: Vec<MobilityOption>) -> Message {
    Message::BindingRevocationIndication(BindingRevocationIndication {
        trigger,
        sequence: SequenceNumber(0x1234),
        flags,
        options: MobilityOptions::try_from(options).unwrap(),
    })
}

fn mn(name: &str) -> MobilityOption {
    MobileNodeIdentifier::nai(name).unwrap().into()
}

fn multipath(sequence: u16, nai: &str, binding_id: u8) -> Pbu {
    Pbu::new(nai, sequence)
        .multipath("mag9", binding_id)
        .from(address(9, binding_id))
}

/// An anchor that allows global revocation, with two mobile nodes of gateway 9, one at each of
/// its care-of addresses.
fn global() -> Bench {
    let mut config = lma_config();
    config.revocation.accept_global = true;
    let mut bench = Bench::new(config);
    for (binding_id, nai) in [(1, MN), (2, "b@example.com")] {
        assert_eq!(bench.status(&multipath(1, nai, binding_id)).code(), 0);
    }
    bench
}

fn left(bench: &Bench) -> Vec<String> {
    let bindings = bench.lma.bindings(bench.now);
    bindings.map(|binding| binding.mn_id).collect()
}

#[test]
fn everything_of_a_gateway_needs_flag_p_its_name_and_leave() {
    let everything = |options| indication(Trigger::PerPeerPolicy, P | Flags::GLOBAL, options);
    let mut bench = global();
    let nameless = ask(&mut bench, 1, &everything(vec![])).unwrap();
    assert_eq!(nameless.status, Status::GlobalRevocationNotAuthorized);
    let wrong = ask(&mut bench, 1, &everything(vec![mn("mag8")])).unwrap();
    assert_eq!(wrong.status, Status::GlobalRevocationNotAuthorized);
    let without_p = indication(Trigger::PerPeerPolicy, Flags::GLOBAL, vec![mn("mag9")]);
    let without_p = ask(&mut bench, 1, &without_p).unwrap();
    assert!(without_p.status.code() >= 128);
    assert_eq!(left(&bench).len(), 2);
    let mut closed = Bench::new(lma_config());
    closed.status(&multipath(1, MN, 1));
    let refused = ask(&mut closed, 1, &everything(vec![mn("mag9")])).unwrap();
    assert_eq!(refused.status, Status::GlobalRevocationNotAuthorized);
    assert_eq!(left(&closed).len(), 1);
    assert!(MagIdentifier::nai("mag9").is_ok());
}

#[test]
fn everything_is_what_the_source_or_the_alternate_care_of_address_has() {
    let everything = |options| indication(Trigger::PerPeerPolicy, P | Flags::GLOBAL, options);
    let mut bench = global();
    let answer = ask(&mut bench, 1, &everything(vec![mn("mag9")])).unwrap();
    assert_eq!(answer.status, Status::Success);
    assert_eq!(answer.flags, P | Flags::GLOBAL);
    assert_eq!(left(&bench), ["b@example.com"]);
    let mut bench = global();
    let IpAddr::V4(other) = address(9, 2) else {
        unreachable!()
    };
    let alternate = MobilityOption::AlternateIpv4CareOfAddress(other);
    let answer = ask(&mut bench, 1, &everything(vec![mn("mag9"), alternate])).unwrap();
    assert_eq!(answer.status, Status::Success);
    assert_eq!(left(&bench), [MN]);
}

#[test]
fn an_answer_has_the_number_and_the_flags_of_the_question() {
    let mut bench = bench(lma_config());
    let unknown = indication(Trigger::AdministrativeReason, P, vec![mn("x@example.com")]);
    let answer = ask(&mut bench, 1, &unknown).unwrap();
    assert_eq!(answer.status, Status::BindingDoesNotExist);
    assert_eq!((answer.sequence.0, answer.flags), (0x1234, P));
    let odd = indication(Trigger::from_code(9), P, vec![mn(MN)]);
    assert_eq!(ask(&mut bench, 1, &odd).unwrap().status.code(), 133);
    let per_node = indication(
        Trigger::AdministrativeReason,
        P | Flags::GLOBAL,
        vec![mn(MN)],
    );
    assert_eq!(ask(&mut bench, 1, &per_node).unwrap().status.code(), 134);
    let own = indication(Trigger::AdministrativeReason, Flags::empty(), vec![mn(MN)]);
    assert_eq!(
        ask(&mut bench, 1, &own).unwrap().status.code(),
        128,
        "no proxy"
    );
    assert_eq!(left(&bench), [MN]);
}

#[test]
fn a_home_address_alone_is_revoked_at_the_anchor() {
    let flags = P | Flags::IPV4_HOME_ADDRESS_ONLY;
    let mut bench = bench(lma_config());
    let home = bench.binding().ipv4_home.unwrap().0;
    let about = |address: Ipv4Addr| {
        let request = Ipv4HomeAddressRequest::new(address, 16).unwrap();
        indication(Trigger::Unspecified, flags, vec![mn(MN), request.into()])
    };
    let other = ask(&mut bench, 1, &about(Ipv4Addr::new(10, 1, 9, 9))).unwrap();
    assert_eq!(other.status, Status::BindingDoesNotExist);
    assert!(bench.binding().ipv4_home.is_some());
    let answer = ask(&mut bench, 1, &about(home)).unwrap();
    assert_eq!((answer.status, answer.flags), (Status::Success, flags));
    let binding = bench.binding();
    assert_eq!(binding.ipv4_home, None);
    assert_eq!(binding.home_prefixes.len(), 1);
}

#[test]
fn prefixes_pick_the_sessions_of_a_node() {
    let prefix = |subnet: u16| {
        HomeNetworkPrefix::new([0x2001, 0xdb8, 0x100, subnet, 0, 0, 0, 0].into(), 64).unwrap()
    };
    let registered = || {
        let mut bench = Bench::new(lma_config());
        for subnet in 1..=3 {
            let mac = pmip_wire::LinkLayerIdentifier::mac([2, 0, 0, 0, 0, subnet]);
            let pbu = Pbu::new(MN, subnet.into()).replacing(mac);
            let pbu = pbu.replacing(prefix(subnet.into()));
            assert_eq!(bench.status(&pbu).code(), 0);
        }
        bench
    };
    let about = |subnets: &[u16]| {
        let mut options = vec![mn(MN)];
        options.extend(subnets.iter().map(|subnet| prefix(*subnet).into()));
        indication(Trigger::AdministrativeReason, P, options)
    };
    for (subnets, status, remain) in [
        (&[2][..], Status::Success, 2),
        (&[1, 3], Status::Success, 1),
        (&[], Status::Success, 0),
        (&[1, 9], Status::PartialSuccess, 2),
        (&[9], Status::BindingDoesNotExist, 3),
    ] {
        let mut bench = registered();
        let answer = ask(&mut bench, 1, &about(subnets)).unwrap();
        assert_eq!(answer.status, status, "{subnets:?}");
        assert_eq!(left(&bench).len(), remain, "{subnets:?}");
        if status == Status::PartialSuccess {
            assert!(answer.options.mn_identifier().is_some());
            let failed: Vec<_> = answer.options.home_network_prefixes().collect();
            assert_eq!(failed, [prefix(9)]);
        }
    }
}

#[test]
fn what_has_no_unicast_source_is_not_answered() {
    let mut bench = bench(lma_config());
    let message = indication(Trigger::AdministrativeReason, P, vec![mn(MN)]);
    for source in [[224, 0, 0, 1], [255, 255, 255, 255], [0, 0, 0, 0]] {
        let payload = message.to_bytes(ChecksumContext::Udp);
        let datagram: Datagram = common::datagram(control(source.into()), payload);
        assert_eq!(bench.give(Input::Signalling(datagram)), Vec::<Bytes>::new());
    }
    assert_eq!(left(&bench), [MN]);
}

#[test]
fn a_gateway_names_itself_and_each_care_of_address_once() {
    let mut config = lma_config();
    config.revocation.accept_global = true;
    let mut world = World::new(config, 1);
    let addresses = [address(1, 1), address(1, 2)];
    world.add_mag(mag_config(1, 2), &addresses, &common::link(10));
    world.all_up();
    world.run_until_idle(SECOND);
    let before = world.captured().count();
    let peer = "lma1".to_owned();
    world.command(Node::Mag(0), Command::Revoke(Revoke::Peer { peer }));
    world.run_for(Duration::from_millis(11));
    let sent: Vec<Bytes> = world
        .captured()
        .skip(before)
        .filter(|datagram| datagram.payload[2] == 16)
        .map(|datagram| datagram.payload.clone())
        .collect();
    let sent = indications(&sent);
    assert!(!sent.is_empty());
    for one in &sent {
        assert_eq!(one.trigger, Trigger::PerPeerPolicy);
        assert_eq!(one.flags, P | Flags::GLOBAL);
        let identifier = one.options.mn_identifier().unwrap();
        assert_eq!(identifier.identifier(), b"mag1");
    }
}

#[test]
fn a_gateway_repeats_what_is_unanswered_and_gives_up() {
    let mut gateway = gateway::Gateway::new(gateway::plain_config());
    gateway.answer(0, []);
    let nai = "lmn1@example.com";
    gateway.give(Input::Command(Command::Revoke(session(nai))));
    for _ in 0..10 {
        gateway.wait(SECOND);
    }
    let sent = indications(&gateway.sent);
    assert_eq!(sent.len(), 2, "BRIMaxRetriesNumber is 1");
    assert_eq!(sent[0], sent[1]);
}

// The gateway is asked.

#[test]
fn a_gateway_releases_its_home_address_and_no_other() {
    let home = Ipv4Addr::new(10, 1, 0, 9);
    let accepted = pmip_wire::Ipv4HomeAddressStatus::from_code(0);
    let reply = pmip_wire::Ipv4HomeAddressReply::new(accepted, home, 16).unwrap();
    let flags = P | Flags::IPV4_HOME_ADDRESS_ONLY;
    let about = |address: Ipv4Addr| {
        let request = Ipv4HomeAddressRequest::new(address, 16).unwrap();
        let options = vec![mn("lmn1@example.com"), request.into()];
        indication(Trigger::UserInitiatedSessionTermination, flags, options)
    };
    for (address, status, remains) in [
        (
            Ipv4Addr::new(10, 1, 0, 8),
            Status::BindingDoesNotExist,
            true,
        ),
        (home, Status::Success, false),
    ] {
        let mut gateway = gateway::Gateway::new(gateway::plain_config());
        gateway.answer(0, [reply.into()]);
        gateway.receive(&about(address));
        let answer = answer_of(&gateway.sent[gateway.sent.len() - 1..]).unwrap();
        assert_eq!((answer.status, answer.flags), (status, flags));
        assert_eq!(answer.sequence.0, 0x1234);
        let binding = gateway.mag.bindings(gateway.now).next().unwrap();
        assert_eq!(binding.ipv4_home.is_some(), remains);
        assert_eq!(binding.home_prefixes.len(), 1, "the other family stays");
    }
}
