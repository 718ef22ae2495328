//! The LMA's mobile local loop: tenants, their transports and networks.

use super::super::context::upsert;
use super::{Args, Command, Context, Mode, lma, shared};
use crate::config::model::{Customer, CustomerNetwork, LmaLocalLoop, PrefixLimits, Transport};

pub(super) static LOOP_COMMANDS: &[Command] = &[
    Command::new("customer <name:short-name> vrf <vrf:short-name>", customer).opens(Mode::Customer),
    Command::new("ignore home-address", |c, args| {
        c.local_loop()?.ignore_home_address = !args.no;
        Some(())
    }),
    Command::new(LIMITS, |c, args| {
        prefix_limits(&mut c.local_loop()?.limits, args)
    }),
];

pub(super) static COMMANDS: &[Command] = &[
    Command::new(shared::AUTH, shared::auth_option),
    Command::new(shared::HEARTBEAT, shared::heartbeat),
    Command::new("transport [vrf <vrf:short-name>]", transport).opens(Mode::Transport),
    Command::new("network {unauthorized | <name:name>}", network).opens(Mode::CustomerNetwork),
    Command::new("gre-key symmetric <key:gre-key>", |c, args| {
        c.customer()?.gre_key_symmetric = args.get("key").filter(|_| !args.no);
        Some(())
    }),
    Command::new(
        "bce {lifetime <lifetime:bce-lifetime> | maximum <maximum:bce-maximum>}",
        shared::binding_times,
    ),
    Command::new(LIMITS, |c, args| {
        prefix_limits(&mut c.customer()?.limits, args)
    }),
    Command::new("mobile-route ad <distance:route-distance>", |c, args| {
        c.customer()?.mobile_route_ad = args.get("distance").filter(|_| !args.no);
        Some(())
    }),
    Command::new("bandwidth aggregate <rate:kbps>", |c, args| {
        c.customer()?.bandwidth_aggregate = args.get("rate").filter(|_| !args.no);
        c.mark("bandwidth-aggregate", args.span.clone());
        Some(())
    }),
];

pub(super) static TRANSPORT_COMMANDS: &[Command] = &[Command::new(
    "address {ipv4 <ipv4:ipv4> | ipv6 <ipv6:ipv6>}",
    |c, args| {
        let transport = c.transport()?;
        if args.has("ipv4") {
            transport.ipv4 = args.get("ipv4").filter(|_| !args.no);
        }
        if args.has("ipv6") {
            transport.ipv6 = args.get("ipv6").filter(|_| !args.no);
        }
        Some(())
    },
)];

pub(super) static NETWORK_COMMANDS: &[Command] = &[
    Command::new(lma::POOL, |c, args| {
        lma::pool(c, args, |c| {
            let network = c.customer()?.network.as_mut()?;
            Some((&mut network.ipv4_pool, &mut network.ipv6_pool))
        })
    }),
    Command::new(lma::MOBILE_NETWORK, |c, args| {
        lma::mobile_network(c, args, |c| {
            Some(&mut c.customer()?.network.as_mut()?.mobile_networks)
        })
    }),
];

const LIMITS: &str = "mobile-network maximum {lmn [{ipv4 | ipv6}] <lmn:prefixes-lmn> | \
    customer [{ipv4 | ipv6}] <customer:prefixes-customer>}";

pub(super) fn local_loop(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let slot = &mut c.lma()?.mobile_local_loop;
    if args.no {
        *slot = None;
    } else {
        slot.get_or_insert_with(LmaLocalLoop::default);
        c.enter_table("mobile-local-loop");
    }
    Some(())
}

fn prefix_limits(limits: &mut PrefixLimits, args: &Args<'_>) -> Option<()> {
    let slot = match (args.has("lmn"), args.has("ipv4"), args.has("ipv6")) {
        (true, true, _) => &mut limits.lmn_ipv4,
        (true, _, true) => &mut limits.lmn_ipv6,
        (true, ..) => &mut limits.lmn,
        (false, true, _) => &mut limits.customer_ipv4,
        (false, _, true) => &mut limits.customer_ipv6,
        (false, ..) => &mut limits.customer,
    };
    let value = args.get("lmn").or_else(|| args.get("customer"));
    *slot = value.filter(|_| !args.no);
    Some(())
}

fn customer(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let name = args.string("name")?;
    let customers = &mut c.local_loop()?.customer;
    if args.no {
        customers.retain(|customer| customer.name != name);
        return Some(());
    }
    let index = upsert(
        customers,
        |customer| customer.name == name,
        || Customer {
            name: name.clone(),
            ..Customer::default()
        },
    );
    customers.get_mut(index)?.vrf = args.string("vrf")?;
    c.at.customer = index;
    c.enter("customer", index);
    Some(())
}

fn transport(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let vrf = args.string("vrf");
    let transports = &mut c.customer()?.transport;
    if args.no {
        transports.retain(|transport| transport.vrf != vrf);
        return Some(());
    }
    let index = upsert(
        transports,
        |transport| transport.vrf == vrf,
        || Transport {
            vrf: vrf.clone(),
            ..Transport::default()
        },
    );
    c.at.transport = index;
    c.enter("transport", index);
    Some(())
}

fn network(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let slot = &mut c.customer()?.network;
    if args.no {
        *slot = None;
        return Some(());
    }
    let network = slot.get_or_insert_with(CustomerNetwork::default);
    network.unauthorized = args.has("unauthorized");
    network.name = args.string("name").unwrap_or_default();
    c.enter_table("network");
    Some(())
}
