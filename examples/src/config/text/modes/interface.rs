//! `interface` blocks and DHCP pools.

use std::net::IpAddr;

use pmip_wire::types::IpPrefix;

use super::super::matcher::mask_length;
use super::{Args, Command, Context};
use crate::config::model::InterfaceAddress;
use crate::config::report::Problem;

pub(super) static COMMANDS: &[Command] = &[
    Command::new("device <device:word>", device),
    Command::new("description <text:word...>", description),
    Command::new(
        "ip address {<prefix:interface-address> | <address:ipv4> <mask:mask>}",
        ipv4_address,
    ),
    Command::new("ipv6 address <prefix:interface-address>", ipv6_address),
    Command::new("vrf forwarding <vrf:short-name>", vrf),
    Command::new("shutdown", shutdown),
];

pub(super) static DHCP_COMMANDS: &[Command] = &[
    Command::new(
        "network {from mobile-network <nai:nai> | <prefix:interface-address> | <address:ipv4> <mask:mask>}",
        network,
    ),
    Command::new("default-router <router:ipv4...>", default_router),
    Command::new("dns-server <server:ipv4...>", dns_server),
    Command::new("domain-name <name:name>", domain_name),
    Command::new(
        "lease <days:lease-part> [<hours:lease-part> [<minutes:lease-part>]]",
        lease,
    ),
];

fn device(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let device = args.string("device").filter(|_| !args.no);
    c.interface()?.device = device;
    c.mark("device", args.span_of("device"));
    Some(())
}

fn description(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let words: Vec<&str> = args.all("text").map(|(word, _)| word).collect();
    let text = words.join(" ");
    c.interface()?.description = (!args.no && !text.is_empty()).then_some(text);
    Some(())
}

fn ipv4_address(c: &mut Context, args: &Args<'_>) -> Option<()> {
    address(c, args, true)
}

fn ipv6_address(c: &mut Context, args: &Args<'_>) -> Option<()> {
    address(c, args, false)
}

fn address(c: &mut Context, args: &Args<'_>, ipv4: bool) -> Option<()> {
    let Some(address) = written(args) else {
        // `no ip address` takes away all of the family.
        c.interface()?
            .address
            .retain(|known| known.address.is_ipv4() != ipv4);
        return Some(());
    };
    if address.address.is_ipv4() != ipv4 {
        let family = if ipv4 { "an IPv4" } else { "an IPv6" };
        let message = format!("`{address}` is not {family} address");
        let problem = Problem::error(args.span_of("prefix"), message).label("other family");
        c.problems.push(problem);
        return None;
    }
    let addresses = &mut c.interface()?.address;
    addresses.retain(|known| *known != address);
    if !args.no {
        addresses.push(address);
    }
    Some(())
}

/// An address with its length, written as prefix or with a mask.
fn written(args: &Args<'_>) -> Option<InterfaceAddress> {
    if let Some(prefix) = args.get("prefix") {
        return Some(prefix);
    }
    let address: IpAddr = args.get("address")?;
    InterfaceAddress::new(address, mask_length(args.text("mask")?)?)
}

fn vrf(c: &mut Context, args: &Args<'_>) -> Option<()> {
    c.interface()?.vrf = args.string("vrf").filter(|_| !args.no);
    Some(())
}

fn shutdown(c: &mut Context, args: &Args<'_>) -> Option<()> {
    c.interface()?.shutdown = !args.no;
    Some(())
}

fn network(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let nai = args.string("nai").filter(|_| !args.no);
    let address = written(args).filter(|_| !args.no);
    let pool = c.dhcp_pool()?;
    pool.from_mobile_network = nai;
    pool.network = address.and_then(|it| IpPrefix::new(it.address, it.length).ok());
    c.mark("from-mobile-network", args.span_of("nai"));
    Some(())
}

fn default_router(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let routers = args.all("router").filter_map(|(text, _)| text.parse().ok());
    let routers = if args.no {
        Vec::new()
    } else {
        routers.collect()
    };
    c.dhcp_pool()?.default_router = routers;
    Some(())
}

fn dns_server(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let servers = args.all("server").filter_map(|(text, _)| text.parse().ok());
    let servers = if args.no {
        Vec::new()
    } else {
        servers.collect()
    };
    c.dhcp_pool()?.dns_server = servers;
    Some(())
}

fn domain_name(c: &mut Context, args: &Args<'_>) -> Option<()> {
    c.dhcp_pool()?.domain_name = args.string("name").filter(|_| !args.no);
    Some(())
}

fn lease(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let part = |name: &str| args.get::<u32>(name).unwrap_or(0);
    let minutes = (part("days") * 24 + part("hours")) * 60 + part("minutes");
    c.dhcp_pool()?.lease_minutes = (!args.no).then_some(minutes);
    Some(())
}
