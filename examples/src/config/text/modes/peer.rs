//! Peers of a domain and of an LMA.

use super::super::context::upsert;
use super::{Args, Command, Context, Mode, shared};
use crate::config::model::{Dscp, Peer};

pub(super) static COMMANDS: &[Command] = &[
    Command::new("ipv4-address <address:ipv4>", |c, args| {
        c.peer()?.ipv4_address = args.get("address").filter(|_| !args.no);
        Some(())
    }),
    Command::new("ipv6-address <address:ipv6>", |c, args| {
        c.peer()?.ipv6_address = args.get("address").filter(|_| !args.no);
        Some(())
    }),
    Command::new(shared::ENCAP, shared::encap),
    Command::new(shared::AUTH, shared::auth_option),
    Command::new(shared::LENIENT, shared::lenient),
    Command::new("dscp control-plane <dscp:dscp> [force]", |c, args| {
        let dscp = args.get("dscp").filter(|_| !args.no);
        c.peer()?.dscp = dscp.map(|value| Dscp {
            value,
            force: args.has("force"),
        });
        Some(())
    }),
    Command::new("tunnel <interface:interface>", |c, args| {
        c.peer()?.tunnel = args.string("interface").filter(|_| !args.no);
        c.mark("tunnel", args.span.clone());
        Some(())
    }),
];

pub(super) fn domain_mag(c: &mut Context, args: &Args<'_>) -> Option<()> {
    peer(c, args, Mode::DomainMag)
}

pub(super) fn domain_lma(c: &mut Context, args: &Args<'_>) -> Option<()> {
    peer(c, args, Mode::DomainLma)
}

pub(super) fn lma_mag(c: &mut Context, args: &Args<'_>) -> Option<()> {
    peer(c, args, Mode::LmaMag)
}

fn peer(c: &mut Context, args: &Args<'_>, mode: Mode) -> Option<()> {
    let id = args.string("id")?;
    let domain = args.string("domain");
    let peers = c.peers(mode)?;
    if args.no {
        peers.retain(|peer| peer.id != id);
        return Some(());
    }
    let index = upsert(
        peers,
        |peer| peer.id == id,
        || Peer {
            id: id.clone(),
            ..Peer::default()
        },
    );
    if domain.is_some() {
        peers.get_mut(index)?.domain = domain;
    }
    c.at.peer = index;
    c.enter(
        if mode == Mode::DomainLma {
            "lma"
        } else {
            "mag"
        },
        index,
    );
    Some(())
}
