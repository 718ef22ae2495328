//! LMA mode and its network mode.

use super::super::context::upsert;
use super::{Args, Command, Context, Mode, customer, peer, shared};
use crate::config::model::{MobileNetworkPool, MobileRoutes, Network, NetworkPool, RatPriority};
use crate::config::report::Problem;

pub(super) static COMMANDS: &[Command] = &[
    Command::new(shared::ADDRESS, shared::address),
    Command::new("dynamic mag learning", |c, args| {
        c.lma()?.dynamic_mag_learning = !args.no;
        c.mark("dynamic-mag-learning", args.span.clone());
        Some(())
    }),
    Command::new("mag <id:name> [<domain:name>]", peer::lma_mag).opens(Mode::LmaMag),
    Command::new("multipath", |c, args| {
        c.lma()?.multipath = !args.no;
        Some(())
    }),
    Command::new(shared::MOBILE_MAP, shared::mobile_map),
    Command::new("interface <name:interface>", shared::interface),
    Command::new(shared::TUNNEL, shared::tunnel),
    Command::new(
        "bce {maximum <maximum:bce-maximum> | lifetime <lifetime:bce-lifetime> | \
         refresh-time <refresh-time:bce-refresh> | delete-wait-time <delete-wait-time:bce-wait> | \
         create-wait-time <create-wait-time:bce-wait>}",
        shared::binding_times,
    ),
    Command::new("default profile <name:name>", |c, args| {
        c.lma()?.default_profile = args.string("name").filter(|_| !args.no);
        c.mark("default-profile", args.span_of("name"));
        Some(())
    }),
    Command::new(shared::HEARTBEAT, shared::heartbeat),
    Command::new(shared::ENCAP, shared::encap),
    Command::new(shared::REPLAY, shared::replay_protection),
    Command::new("network <name:name>", network).opens(Mode::Network),
    Command::new(shared::BRI, shared::revocation),
    Command::new("hnp maximum <number:hnp-maximum>", |c, args| {
        c.lma()?.hnp_maximum = args.get("number").filter(|_| !args.no);
        c.mark("hnp-maximum", args.span.clone());
        Some(())
    }),
    Command::new(shared::DSCP, shared::dscp),
    Command::new("generate grekey", |c, args| {
        c.lma()?.generate_grekey = !args.no;
        c.mark("generate-grekey", args.span.clone());
        Some(())
    }),
    Command::new("flow-mirror", |c, args| {
        c.lma()?.flow_mirror = !args.no;
        Some(())
    }),
    Command::new(
        "redistribute home-address {host-prefix | disable}",
        redistribute,
    ),
    Command::new("mobile-route ad <distance:route-distance>", |c, args| {
        c.lma()?.mobile_route_ad = args.get("distance").filter(|_| !args.no);
        c.mark("mobile-route-ad", args.span.clone());
        Some(())
    }),
    Command::new("ani", |c, args| {
        c.lma()?.ani = !args.no;
        c.mark("ani", args.span.clone());
        Some(())
    }),
    Command::new("role 3gma", shared::role),
    Command::new(
        "rat <type:technology> priority <priority:rat-priority>",
        rat,
    ),
    Command::new("enable aaa accounting", |c, args| {
        c.lma()?.aaa_accounting = !args.no;
        c.mark("aaa-accounting", args.span.clone());
        Some(())
    }),
    Command::new(
        "aaa accounting interim <minutes:accounting-interim>",
        |c, args| {
            c.lma()?.aaa_accounting_interim = args.get("minutes").filter(|_| !args.no);
            c.mark("aaa-accounting-interim", args.span.clone());
            Some(())
        },
    ),
    shared::HYBRID,
    Command::new("mobility-service mobile-local-loop", customer::local_loop).opens(Mode::LocalLoop),
];

pub(super) static NETWORK_COMMANDS: &[Command] = &[
    Command::new(POOL, |c, args| {
        pool(c, args, |c| {
            let network = network_at(c)?;
            Some((&mut network.ipv4_pool, &mut network.ipv6_pool))
        })
    }),
    Command::new(MOBILE_NETWORK, |c, args| {
        mobile_network(c, args, |c| Some(&mut network_at(c)?.mobile_networks))
    }),
];

pub(super) const POOL: &str = "pool {ipv4 <ipv4:name> | ipv6 <ipv6:name>} \
    pfxlen <length:prefix-length>";
pub(super) const MOBILE_NETWORK: &str = "mobile-network {pool=v4pool <ipv4:address> | \
    v6pool <ipv6:ipv6>} pool-prefix <pool:prefix-length> network-prefix <network:prefix-length>";

fn network_at(c: &mut Context) -> Option<&mut Network> {
    let index = c.at.network;
    c.lma()?.network.get_mut(index)
}

fn redistribute(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let routes = if args.has("disable") {
        MobileRoutes::Disable
    } else {
        MobileRoutes::HostPrefix
    };
    c.lma()?.redistribute = (!args.no).then_some(routes);
    Some(())
}

fn rat(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let att = args.get("type")?;
    let list = &mut c.lma()?.rat;
    list.retain(|known| known.att != att);
    if !args.no {
        list.push(RatPriority {
            att,
            priority: args.get("priority")?,
        });
    }
    c.mark("rat", args.span.clone());
    Some(())
}

fn network(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let name = args.string("name")?;
    let networks = &mut c.lma()?.network;
    if args.no {
        networks.retain(|network| network.name != name);
        return Some(());
    }
    let index = upsert(
        networks,
        |network| network.name == name,
        || Network {
            name: name.clone(),
            ..Network::default()
        },
    );
    c.at.network = index;
    c.enter("network", index);
    Some(())
}

/// `pool`, of a network or a customer's network.
pub(super) fn pool(
    c: &mut Context,
    args: &Args<'_>,
    slots: impl Fn(&mut Context) -> Option<(&mut Option<NetworkPool>, &mut Option<NetworkPool>)>,
) -> Option<()> {
    for (family, key) in [("ipv4", "ipv4-pool"), ("ipv6", "ipv6-pool")] {
        if !args.has(family) {
            continue;
        }
        let (ipv4, ipv6) = slots(c)?;
        let slot = if family == "ipv4" { ipv4 } else { ipv6 };
        *slot = match args.string(family) {
            Some(name) if !args.no => Some(NetworkPool {
                name,
                pfxlen: args.get("length")?,
            }),
            Some(_) | None => None,
        };
        c.mark(key, args.span_of(family));
        c.mark(&format!("{key}.pfxlen"), args.span_of("length"));
    }
    Some(())
}

/// `mobile-network`, of a network or a customer's network.
pub(super) fn mobile_network(
    c: &mut Context,
    args: &Args<'_>,
    slot: impl Fn(&mut Context) -> Option<&mut Vec<MobileNetworkPool>>,
) -> Option<()> {
    let address = args.get("ipv4").or_else(|| args.get("ipv6"));
    if args.no && args.text("network").is_none() {
        slot(c)?.retain(|known| address.is_some_and(|address| known.pool != address));
        return Some(());
    }
    let pool = MobileNetworkPool {
        pool: address?,
        pool_prefix: args.get("pool")?,
        network_prefix: args.get("network")?,
    };
    if args.has("pool") && pool.pool.is_ipv6() {
        let written: Vec<&str> = args.tokens.iter().map(|token| token.text).skip(2).collect();
        let problem = Problem::error(args.span_of("ipv4"), "`pool` is for IPv4")
            .label("an IPv6 address")
            .help(format!(
                "write `mobile-network v6pool {}`",
                written.join(" ")
            ));
        c.problems.push(problem);
        return None;
    }
    let pools = slot(c)?;
    pools.retain(|known| *known != pool);
    if !args.no {
        pools.push(pool);
    }
    let path = format!("mobile-network[{}]", pools.len().saturating_sub(1));
    c.mark(&path, args.span.clone());
    c.mark(&format!("{path}.pool-prefix"), args.span_of("pool"));
    c.mark(&format!("{path}.network-prefix"), args.span_of("network"));
    Some(())
}
