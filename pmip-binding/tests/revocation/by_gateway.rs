//! A gateway revokes.

use std::time::Duration;

use super::{answered, path, revocations, revoke, session};
use crate::common::{self, SECOND, downlink, registered, uplink};
use pmip_binding::testing::{Node, World, address, lma_config, mag_config};
use pmip_binding::{Command, RevocationEvent, Revoke};
use pmip_wire::{BindingRevocationStatus as Status, RevocationTrigger as Trigger};

#[test]
fn a_gateway_revokes_a_session_for_good() {
    let mut world = registered(2);
    let why = session(Trigger::AccessNetworkSessionTermination);
    revoke(&mut world, Node::Mag(0), why);
    world.run_for(Duration::from_millis(30));
    assert_eq!(answered(&world, Node::Mag(0)), [Status::Success]);
    assert!(world.lma_tables.sessions.is_empty());
    assert_eq!(world.lma.bindings(world.now).count(), 0);
    world.run_for(60 * SECOND);
    assert!(
        world.mag_tables[0].sessions.is_empty(),
        "until it is cleared"
    );
    world.command(Node::Mag(0), Command::ClearBindings);
    world.run_for(2 * SECOND);
    assert_eq!(uplink(&world), [1, 2]);
}

#[test]
fn a_gateway_revokes_a_path() {
    let mut world = registered(2);
    revoke(&mut world, Node::Mag(0), path(1));
    world.run_for(Duration::from_millis(30));
    assert_eq!(answered(&world, Node::Mag(0)), [Status::Success]);
    assert_eq!((downlink(&world), uplink(&world)), (vec![2], vec![2]));
}

#[test]
fn a_gateway_revokes_everything_only_where_the_anchor_allows_it() {
    for allowed in [false, true] {
        let mut config = lma_config();
        config.revocation.accept_global = allowed;
        let mut world = World::new(config, 1);
        let addresses = [address(1, 1), address(1, 2)];
        world.add_mag(mag_config(1, 2), &addresses, &common::link(10));
        world.all_up();
        world.run_until_idle(SECOND);
        let peer = || Revoke::Peer {
            peer: "lma1".into(),
        };
        revoke(&mut world, Node::Mag(0), peer());
        world.run_for(Duration::from_millis(30));
        let sessions = world.lma.bindings(world.now).count();
        if allowed {
            assert_eq!(answered(&world, Node::Mag(0)), [Status::Success; 2]);
            assert_eq!(sessions, 0, "both care-of addresses were named");
            assert!(world.mag_tables[0].sessions.is_empty());
        } else {
            let refused = [Status::GlobalRevocationNotAuthorized; 2];
            assert_eq!(answered(&world, Node::Mag(0)), refused);
            assert_eq!(sessions, 1);
            assert_eq!(uplink(&world), [1, 2], "nothing is lost");
            revoke(&mut world, Node::Mag(0), peer());
            let last = revocations(&world, Node::Mag(0)).pop();
            let again = matches!(last, Some(RevocationEvent::Impossible { .. }));
            assert!(again, "RFC 5846 section 9.2: not asked again");
        }
    }
}
