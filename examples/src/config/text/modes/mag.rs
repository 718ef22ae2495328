//! MAG mode, its address, LMA and logical-mn modes.

use std::net::IpAddr;

use pmip_wire::types::IpPrefix;

use super::super::context::upsert;
use super::{Args, Command, Context, Mode, shared};
use crate::config::model::{
    DetachDiscovery, LogicalMn, MagLma, MagLocalLoop, MobileNetwork, ReverseRoute, RoamingInterface,
};
use crate::config::report::Problem;

pub(super) static COMMANDS: &[Command] = &[
    Command::new(shared::ADDRESS, shared::address),
    Command::new("address dynamic", dynamic).opens(Mode::Dynamic),
    Command::new("multipath", |c, args| {
        c.mag()?.multipath = !args.no;
        c.mark("multipath", args.span.clone());
        Some(())
    }),
    Command::new(shared::MOBILE_MAP, shared::mobile_map),
    Command::new("interface <name:interface>", shared::interface),
    Command::new("lma <id:name> <domain:name>", lma).opens(Mode::MagLma),
    Command::new(shared::HEARTBEAT, shared::heartbeat),
    Command::new(BINDING, shared::binding_times),
    Command::new("bce {maximum <maximum:bce-maximum>}", shared::binding_times),
    Command::new(shared::BRI, shared::revocation),
    Command::new(shared::TUNNEL, shared::tunnel),
    Command::new("tunnel-template <interface:interface>", |c, args| {
        c.mag()?.tunnel.template = args.string("interface").filter(|_| !args.no);
        c.mark("tunnel.template", args.span.clone());
        Some(())
    }),
    Command::new(shared::ENCAP, shared::encap),
    Command::new(shared::REPLAY, shared::replay_protection),
    Command::new(shared::DSCP, shared::dscp),
    Command::new("logical-mn <nai:nai>", logical_mn).opens(Mode::LogicalMn),
    Command::new(DETACH, detach),
    Command::new("sessionmgr", |c, args| {
        c.mag()?.sessionmgr = !args.no;
        Some(())
    }),
    Command::new("role {3gpp | lte | wimax | wlan}", shared::role),
    Command::new("apn <name:name>", |c, args| {
        c.mag()?.apn = args.string("name").filter(|_| !args.no);
        c.mark("apn", args.span.clone());
        Some(())
    }),
    Command::new("generate grekey", |c, args| {
        c.mag()?.generate_grekey = !args.no;
        c.mark("generate-grekey", args.span.clone());
        Some(())
    }),
    Command::new("ignore grekey", |c, args| {
        c.mag()?.ignore_grekey = !args.no;
        Some(())
    }),
    Command::new("preempt", |c, args| {
        c.mag()?.preempt = !args.no;
        Some(())
    }),
    Command::new(
        "fixed-link-layer-address <mac:mac>",
        shared::fixed_link_layer,
    ),
    Command::new(
        "fixed-link-local-address <address:ipv6>",
        shared::fixed_link_local,
    ),
    Command::new("local-routing-mag", shared::local_routing),
    shared::HYBRID,
    Command::new("mobility-service mobile-local-loop", local_loop).opens(Mode::MagLoop),
];

pub(super) static DYNAMIC_COMMANDS: &[Command] = &[Command::new(
    "roaming interface <name:interface> [egress <egress:interface>] [vrf <vrf:short-name>] \
     [priority <priority:path-priority>] [egress-att <att:technology>] [label <label:name>] \
     [weight <weight:weight>]",
    roaming_interface,
)];

pub(super) static LMA_COMMANDS: &[Command] = &[
    Command::new("ipv4-address <address:ipv4>", |c, args| {
        c.anchor()?.ipv4_address = args.get("address").filter(|_| !args.no);
        Some(())
    }),
    Command::new("ipv6-address <address:ipv6>", |c, args| {
        c.anchor()?.ipv6_address = args.get("address").filter(|_| !args.no);
        Some(())
    }),
    Command::new(shared::ENCAP, shared::encap),
    Command::new(shared::AUTH, shared::auth_option),
    Command::new(shared::LENIENT, shared::lenient),
    Command::new("vrfid <vrf:short-name>", |c, args| {
        c.anchor()?.vrfid = args.string("vrf").filter(|_| !args.no);
        Some(())
    }),
    Command::new("tunnel-template <interface:interface>", |c, args| {
        c.anchor()?.tunnel_template = args.string("interface").filter(|_| !args.no);
        c.mark("tunnel-template", args.span.clone());
        Some(())
    }),
];

pub(super) static LMN_COMMANDS: &[Command] = &[
    Command::new("lma <name:name>", |c, args| {
        c.lmn()?.lma = args.string("name").filter(|_| !args.no);
        c.mark("lma", args.span_of("name"));
        Some(())
    }),
    Command::new(
        "mobile network <interface:interface> [label <label:name>] [skip-register] [learn-prefix]",
        mobile_network,
    ),
    Command::new("home interface <name:interface>", |c, args| {
        c.lmn()?.home_interface = args.string("name").filter(|_| !args.no);
        Some(())
    }),
    Command::new(
        "reverse-tunnel route {ipv4 <ipv4:ipv4> | ipv6 <ipv6:ipv6>} <length:prefix-length> \
         [<metric:metric>]",
        reverse_route,
    ),
];

pub(super) static LOOP_COMMANDS: &[Command] = &[Command::new(
    "egress interface <name:interface>",
    |c, args| {
        let name = args.string("name").filter(|_| !args.no);
        c.mag()?.mobile_local_loop.as_mut()?.egress_interface = name;
        Some(())
    },
)];

const BINDING: &str = "binding {init-retx-time <init-retx-time:bce-wait> | \
    max-retx-time <max-retx-time:bce-wait> | lifetime <lifetime:bce-lifetime> | \
    refresh-time <refresh-time:bce-refresh> | maximum <maximum:bce-maximum>}";

const DETACH: &str = "discover-mn-detach {poll interval <interval:detach-seconds> \
    timeout <timeout:detach-seconds> | <interval:detach-seconds> <timeout:detach-seconds>} \
    retries <retries:heartbeat-retries>";

fn dynamic(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let mag = c.mag()?;
    mag.address_dynamic = !args.no;
    if args.no {
        mag.roaming_interface.clear();
    }
    Some(())
}

fn roaming_interface(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let name = args.string("name")?;
    let list = &mut c.mag()?.roaming_interface;
    if args.no {
        list.retain(|known| known.name != name);
        return Some(());
    }
    let line = RoamingInterface {
        name: name.clone(),
        egress: args.string("egress"),
        vrf: args.string("vrf"),
        priority: args.get("priority"),
        egress_att: args.get("att"),
        label: args.string("label"),
        weight: args.get("weight"),
    };
    let index = upsert(list, |known| known.name == name, || line.clone());
    *list.get_mut(index)? = line;
    let path = format!("roaming-interface[{index}]");
    c.mark(&path, args.span.clone());
    c.mark(&format!("{path}.label"), args.span_of("label"));
    Some(())
}

fn lma(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let id = args.string("id")?;
    let list = &mut c.mag()?.lma;
    if args.no {
        list.retain(|known| known.id != id);
        return Some(());
    }
    let index = upsert(
        list,
        |known| known.id == id,
        || MagLma {
            id: id.clone(),
            ..MagLma::default()
        },
    );
    list.get_mut(index)?.domain = args.string("domain")?;
    c.at.anchor = index;
    c.enter("lma", index);
    Some(())
}

fn logical_mn(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let nai = args.string("nai")?;
    let list = &mut c.mag()?.logical_mn;
    if args.no {
        list.retain(|known| known.nai != nai);
        return Some(());
    }
    let index = upsert(
        list,
        |known| known.nai == nai,
        || LogicalMn {
            nai: nai.clone(),
            ..LogicalMn::default()
        },
    );
    c.at.lmn = index;
    c.enter("logical-mn", index);
    Some(())
}

fn mobile_network(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let interface = args.string("interface")?;
    let list = &mut c.lmn()?.mobile_network;
    if args.no {
        list.retain(|known| known.interface != interface);
        return Some(());
    }
    let line = MobileNetwork {
        interface: interface.clone(),
        label: args.string("label"),
        skip_register: args.has("skip-register"),
        learn_prefix: args.has("learn-prefix"),
    };
    let index = upsert(list, |known| known.interface == interface, || line.clone());
    *list.get_mut(index)? = line;
    let path = format!("mobile-network[{index}]");
    c.mark(&path, args.span.clone());
    c.mark(&format!("{path}.label"), args.span_of("label"));
    Some(())
}

fn reverse_route(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let Some(address) = args.get::<IpAddr>("ipv4").or_else(|| args.get("ipv6")) else {
        c.lmn()?.reverse_tunnel_route.clear();
        return Some(());
    };
    let length = args.get("length")?;
    let Ok(prefix) = IpPrefix::new(address, length) else {
        let problem = Problem::error(args.span_of("length"), "the length is above the family's")
            .label("too long")
            .help("IPv4 has 32 bits, IPv6 128");
        c.problems.push(problem);
        return None;
    };
    let routes = &mut c.lmn()?.reverse_tunnel_route;
    routes.retain(|known| known.prefix != prefix);
    if !args.no {
        routes.push(ReverseRoute {
            prefix,
            metric: args.get("metric"),
        });
    }
    Some(())
}

fn detach(c: &mut Context, args: &Args<'_>) -> Option<()> {
    if args.no {
        c.mag()?.discover_mn_detach = None;
        return Some(());
    }
    let discovery = DetachDiscovery {
        interval: args.get("interval")?,
        timeout: args.get("timeout")?,
        retries: args.get("retries")?,
    };
    c.mag()?.discover_mn_detach = Some(discovery);
    c.mark("discover-mn-detach", args.span.clone());
    Some(())
}

fn local_loop(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let slot = &mut c.mag()?.mobile_local_loop;
    if args.no {
        *slot = None;
    } else {
        slot.get_or_insert_with(MagLocalLoop::default);
        c.enter_table("mobile-local-loop");
    }
    Some(())
}
