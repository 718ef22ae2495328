//! To which session a PBU belongs (RFC 5213 section 5.4.1), and how long one is held
//! (section 5.3.5).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use common::{Bench, Pbu, SECOND};
use pmip_binding::testing::{address, lma_config};
use pmip_binding::{BindingState, SessionId};
use pmip_wire::{
    AccessTechnologyType, HomeNetworkPrefix, LinkLayerIdentifier, OptionType, types::IpPrefix,
};

const MN: &str = "mn@example.com";

fn interface(pbu: Pbu, last: u8) -> Pbu {
    pbu.replacing(LinkLayerIdentifier::mac([2, 0, 0, 0, 0, last]))
}

fn sessions(bench: &Bench) -> Vec<(SessionId, Vec<IpPrefix>)> {
    let bindings = bench.lma.bindings(bench.now);
    bindings
        .map(|binding| (binding.session, binding.home_prefixes))
        .collect()
}

/// An anchor with one session of the mobile node, and its prefix.
fn held() -> (Bench, HomeNetworkPrefix) {
    let mut bench = Bench::new(lma_config());
    let answer = bench.send(&Pbu::new(MN, 1)).unwrap();
    let prefix = answer.options.home_network_prefixes().next().unwrap();
    (bench, prefix)
}

#[test]
fn every_interface_is_a_session_of_its_own_with_prefixes_of_its_own() {
    let mut bench = Bench::new(lma_config());
    for last in [1, 2] {
        let pbu = interface(Pbu::new(MN, last.into()), last);
        assert_eq!(bench.status(&pbu).code(), 0);
    }
    let all = sessions(&bench);
    assert_eq!(all.len(), 2);
    assert_ne!(all[0].1, all[1].1);
    let route = |bench: &Bench, place: usize| sessions(bench)[place].1.clone();
    let first = route(&bench, 0);
    let leave = interface(Pbu::new(MN, 9), 2).lifetime(0).handoff(4);
    assert_eq!(bench.status(&leave).code(), 0);
    bench.wait(60 * SECOND);
    assert_eq!(sessions(&bench).len(), 1, "the other one stays");
    assert_eq!(route(&bench, 0), first);
}

#[test]
fn a_prefix_in_use_is_handed_off_under_four_conditions_and_refused_otherwise() {
    let elsewhere = address(8, 1);
    let other = AccessTechnologyType::from_code(4);
    let no_link_layer = OptionType::LinkLayerIdentifier;
    let fresh = |sequence| Pbu::new(MN, sequence);
    let same_interface = |prefix| fresh(2).replacing(prefix).handoff(4).from(elsewhere);
    let accepted: [fn(Pbu) -> Pbu; 3] = [
        |pbu| pbu,
        |pbu| interface(pbu, 77).handoff(2),
        |pbu| interface(pbu, 77).handoff(5).from(address(9, 1)),
    ];
    for (case, change) in accepted.into_iter().enumerate() {
        let (mut bench, prefix) = held();
        let before = sessions(&bench);
        assert_eq!(
            bench.status(&change(same_interface(prefix))).code(),
            0,
            "case {case}"
        );
        assert_eq!(sessions(&bench), before, "case {case}");
    }
    let refused: [fn(Pbu) -> Pbu; 2] = [
        |pbu| interface(pbu, 77).handoff(1),
        |pbu| pbu.replacing(AccessTechnologyType::from_code(4)).handoff(3),
    ];
    for (case, change) in refused.into_iter().enumerate() {
        let (mut bench, prefix) = held();
        let pbu = change(same_interface(prefix));
        assert_eq!(bench.status(&pbu).code(), 155, "case {case}");
    }
    // Neither names a link-layer identifier, and the gateway knows that the node moved.
    let mut bench = Bench::new(lma_config());
    let first = fresh(1).without(no_link_layer).replacing(other);
    let answer = bench.send(&first).unwrap();
    let prefix = answer.options.home_network_prefixes().next().unwrap();
    let moved = fresh(2).without(no_link_layer).replacing(other);
    let moved = moved.replacing(prefix).handoff(3).from(elsewhere);
    assert_eq!(bench.status(&moved).code(), 0);
    assert_eq!(sessions(&bench).len(), 1);
}

#[test]
fn a_free_prefix_of_ours_makes_a_new_session_with_it() {
    let mut bench = Bench::new(lma_config());
    let free = HomeNetworkPrefix::new("2001:db8:100:7::".parse().unwrap(), 64).unwrap();
    let pbu = Pbu::new(MN, 1).replacing(free);
    assert_eq!(bench.status(&pbu).code(), 0);
    assert_eq!(
        bench.binding().home_prefixes,
        [IpPrefix::new(free.prefix().into(), 64).unwrap()]
    );
    let foreign = HomeNetworkPrefix::new("2001:db8:f00::".parse().unwrap(), 64).unwrap();
    let pbu = Pbu::new("b@example.com", 1).replacing(foreign);
    assert_eq!(bench.status(&pbu).code(), 155);
}

#[test]
fn several_prefixes_are_one_session() {
    let mut bench = Bench::new(lma_config());
    let prefix = |subnet: u16| {
        HomeNetworkPrefix::new([0x2001, 0xdb8, 0x100, subnet, 0, 0, 0, 0].into(), 64).unwrap()
    };
    let pbu = Pbu::new(MN, 1).replacing(prefix(7)).with(prefix(8));
    let answer = bench.send(&pbu).unwrap();
    assert_eq!(answer.status.code(), 0);
    assert_eq!(answer.options.home_network_prefixes().count(), 2);
    assert_eq!(sessions(&bench).len(), 1);
    let one = Pbu::new(MN, 2).replacing(prefix(7)).handoff(5);
    assert_eq!(bench.status(&one).code(), 159, "they differ in number");
    let all = Pbu::new(MN, 3).replacing(prefix(8)).with(prefix(7));
    assert_eq!(bench.status(&all.handoff(5)).code(), 0);
}

#[test]
fn without_a_prefix_the_same_interface_is_the_same_session_and_handoff_2_joins_the_only_one() {
    let (mut bench, _) = held();
    let before = sessions(&bench);
    let elsewhere = address(8, 1);
    let same = Pbu::new(MN, 2).handoff(1).from(elsewhere);
    assert_eq!(bench.status(&same).code(), 0);
    assert_eq!(sessions(&bench), before, "known by its identifier");
    let other = interface(Pbu::new(MN, 3), 77).handoff(2).from(elsewhere);
    assert_eq!(bench.status(&other).code(), 0);
    assert_eq!(sessions(&bench), before);
    let new = interface(Pbu::new(MN, 4), 78).handoff(3).from(elsewhere);
    assert_eq!(bench.status(&new).code(), 0);
    assert_eq!(sessions(&bench).len(), 2, "another interface of its own");
    let third = interface(Pbu::new(MN, 5), 79).handoff(2).from(elsewhere);
    assert_eq!(bench.status(&third).code(), 0);
    assert_eq!(sessions(&bench).len(), 3, "which of two is not known");
}

#[test]
fn without_prefix_and_identifier_handoffs_2_and_3_join_the_only_one() {
    let anonymous = |sequence: u16| {
        Pbu::new(MN, sequence)
            .without(OptionType::LinkLayerIdentifier)
            .from(address(8, 1))
    };
    for handoff in [2, 3] {
        let (mut bench, _) = held();
        let before = sessions(&bench);
        let pbu = anonymous(2).handoff(handoff);
        assert_eq!(bench.status(&pbu).code(), 0);
        assert_eq!(sessions(&bench), before, "handoff {handoff}");
    }
    let (mut bench, _) = held();
    assert_eq!(bench.status(&anonymous(2).handoff(1)).code(), 0);
    assert_eq!(sessions(&bench).len(), 2);
}

#[test]
fn without_prefix_and_identifier_an_unknown_handoff_waits_for_the_old_gateway() {
    let mut config = lma_config();
    config.revocation.on_handoff = false;
    let anonymous = Pbu::new(MN, 2)
        .without(OptionType::LinkLayerIdentifier)
        .from(address(8, 1))
        .handoff(4);
    let mut bench = Bench::new(config.clone());
    bench.send(&Pbu::new(MN, 1)).unwrap();
    assert!(bench.send(&anonymous).is_none(), "held");
    bench.wait(2 * SECOND);
    assert_eq!(sessions(&bench).len(), 2, "MaxDelayBeforeNewBCEAssign");
    let mut bench = Bench::new(config.clone());
    bench.send(&Pbu::new(MN, 1)).unwrap();
    let before = sessions(&bench);
    assert!(bench.send(&anonymous).is_none());
    let leave = Pbu::new(MN, 3).lifetime(0).handoff(4);
    bench.send(&leave);
    assert_eq!(sessions(&bench), before, "it joined the session");
    assert_eq!(bench.binding().state, BindingState::Active);
    config.create_wait = SECOND / 1000;
    let mut bench = Bench::new(config);
    bench.send(&Pbu::new(MN, 1)).unwrap();
    bench.send(&anonymous);
    bench.wait(SECOND / 1000);
    assert_eq!(
        sessions(&bench).len(),
        2,
        "as good as without waiting, if so configured"
    );
}

#[test]
fn a_deregistration_of_no_session_is_ignored_however_it_looks() {
    let leave = |pbu: Pbu| pbu.lifetime(0).handoff(4);
    let mut bench = Bench::new(lma_config());
    let free = HomeNetworkPrefix::new("2001:db8:100:7::".parse().unwrap(), 64).unwrap();
    let no_link_layer = OptionType::LinkLayerIdentifier;
    for pbu in [
        Pbu::new(MN, 1).replacing(free),
        Pbu::new(MN, 1),
        Pbu::new(MN, 1).without(no_link_layer),
    ] {
        assert!(bench.send(&leave(pbu)).is_none());
    }
    assert_eq!(sessions(&bench), []);
    let (mut bench, prefix) = held();
    let stranger = leave(Pbu::new(MN, 2).replacing(prefix)).from(address(8, 1));
    assert!(bench.send(&stranger).is_none(), "not its care-of address");
    assert_eq!(bench.binding().state, BindingState::Active);
}

#[test]
fn who_comes_back_within_the_delete_wait_keeps_its_session() {
    let (mut bench, prefix) = held();
    let before = sessions(&bench);
    let leave = Pbu::new(MN, 2).replacing(prefix).lifetime(0).handoff(4);
    let answer = bench.send(&leave).unwrap();
    assert_eq!(answer.status.code(), 0);
    assert_eq!(answer.lifetime.as_units(), 0);
    assert_eq!(bench.binding().state, BindingState::Disconnecting);
    bench.wait(9 * SECOND);
    assert_eq!(sessions(&bench), before, "MinDelayBeforeBCEDelete is 10 s");
    assert_eq!(bench.status(&Pbu::new(MN, 3)).code(), 0);
    bench.wait(60 * SECOND);
    assert_eq!(sessions(&bench), before);
    assert_eq!(bench.binding().state, BindingState::Active);
    let leave = Pbu::new(MN, 4).replacing(prefix).lifetime(0).handoff(4);
    assert_eq!(bench.status(&leave).code(), 0);
    bench.wait(11 * SECOND);
    assert_eq!(sessions(&bench), []);
}
