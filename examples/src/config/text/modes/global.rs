//! Commands of the outermost mode.

use super::super::context::{Node, upsert};
use super::{Args, Command, Context, Mode};
use crate::config::model::{
    AccessList, DhcpPool, Domain, Interface, IpFamily, Ipv4Pool, Ipv4Range, Ipv6Pool, Lma, Mag,
};
use crate::config::report::Problem;

pub(super) static COMMANDS: &[Command] = &[
    Command::new("enable", nothing),
    Command::new("disable", nothing),
    Command::new("configure=configuration [terminal]", nothing),
    Command::new(
        "ipv6 mobile pmipv6-domain <name:name> [load-aaa] [terminal]",
        domain,
    )
    .opens(Mode::Domain),
    Command::new(
        "ipv6 mobile pmipv6-lma <id:name> domain <domain:name> [force]",
        lma,
    )
    .opens(Mode::Lma),
    Command::new(
        "ipv6 mobile pmipv6-mag <id:name> domain <domain:name> [force]",
        mag,
    )
    .opens(Mode::Mag),
    Command::new("ip access-list extended <name:name>", ipv4_access_list).opens(Mode::AccessList),
    Command::new("ipv6 access-list <name:name>", ipv6_access_list).opens(Mode::AccessList),
    Command::new(
        "ip local pool <name:name> <first:ipv4> [<last:ipv4>]",
        ipv4_pool,
    ),
    Command::new(
        "ipv6 local pool <name:name> <prefix:prefix6> <length:prefix-length>",
        ipv6_pool,
    ),
    Command::new("ip dhcp pool <name:name>", dhcp_pool).opens(Mode::DhcpPool),
    Command::new("interface <name:interface>", interface).opens(Mode::Interface),
];

fn nothing(_: &mut Context, _: &Args<'_>) -> Option<()> {
    Some(())
}

fn domain(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let name = args.string("name")?;
    if args.no {
        c.config.domains.retain(|domain| domain.name != name);
        c.nais.clear();
        return Some(());
    }
    if args.has("load-aaa") {
        let span = args.span_of_word("load-aaa");
        let problem = Problem::error(span, "a domain cannot be loaded from AAA")
            .label("not supported")
            .help("write the domain's profiles here and leave `load-aaa` out");
        c.problems.push(problem);
    }
    if args.has("terminal") {
        let span = args.span_of_word("terminal");
        c.problems
            .push(Problem::warning(span, "`terminal` means nothing here").label("ignored"));
    }
    let index = upsert(
        &mut c.config.domains,
        |domain| domain.name == name,
        || Domain {
            name: name.clone(),
            ..Domain::default()
        },
    );
    c.at.domain = index;
    c.enter("domain", index);
    Some(())
}

fn lma(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let id = args.string("id")?;
    if args.no {
        c.config.lmas.retain(|lma| lma.id != id);
        return Some(());
    }
    let domain = args.string("domain")?;
    let index = upsert(
        &mut c.config.lmas,
        |lma| lma.id == id,
        || Lma {
            id: id.clone(),
            domain: domain.clone(),
            ..Lma::default()
        },
    );
    let known = c.config.lmas.get(index).map(|lma| lma.domain.clone());
    same_domain(c, args, known, &domain);
    c.at.node = Node::Lma(index);
    c.enter("lma", index);
    c.mark("domain", args.span_of("domain"));
    Some(())
}

fn mag(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let id = args.string("id")?;
    if args.no {
        c.config.mags.retain(|mag| mag.id != id);
        return Some(());
    }
    let domain = args.string("domain")?;
    let index = upsert(
        &mut c.config.mags,
        |mag| mag.id == id,
        || Mag {
            id: id.clone(),
            domain: domain.clone(),
            ..Mag::default()
        },
    );
    let known = c.config.mags.get(index).map(|mag| mag.domain.clone());
    same_domain(c, args, known, &domain);
    c.at.node = Node::Mag(index);
    c.enter("mag", index);
    c.mark("domain", args.span_of("domain"));
    Some(())
}

/// A node that is entered again must stay in its domain.
fn same_domain(c: &mut Context, args: &Args<'_>, known: Option<String>, domain: &str) {
    if let Some(known) = known.filter(|known| known != domain) {
        let message = format!("this node is in domain `{known}` already");
        let problem = Problem::error(args.span_of("domain"), message)
            .label("another domain")
            .help("remove it with `no` first, or give the second node its own identifier");
        c.problems.push(problem);
    }
}

fn ipv4_access_list(c: &mut Context, args: &Args<'_>) -> Option<()> {
    access_list(c, args, IpFamily::Ipv4)
}

fn ipv6_access_list(c: &mut Context, args: &Args<'_>) -> Option<()> {
    access_list(c, args, IpFamily::Ipv6)
}

fn access_list(c: &mut Context, args: &Args<'_>, family: IpFamily) -> Option<()> {
    let name = args.string("name")?;
    if args.no {
        let is_it = |list: &AccessList| list.name == name && list.family == family;
        c.config.access_lists.retain(|list| !is_it(list));
        c.ipv4_access_lists.forget();
        c.ipv6_access_lists.forget();
        c.at.access_list = None;
        return Some(());
    }
    // The two families have names of their own.
    let places = match family {
        IpFamily::Ipv4 => &mut c.ipv4_access_lists,
        IpFamily::Ipv6 => &mut c.ipv6_access_lists,
    };
    let of_family = |list: &AccessList| match list.family == family {
        true => list.name.clone(),
        // No list has it.
        false => String::new(),
    };
    let index = places.upsert(&mut c.config.access_lists, &name, of_family, || {
        AccessList {
            name: name.clone(),
            family,
            rules: Vec::new(),
        }
    });
    c.at.access_list = Some(index);
    c.enter("access-list", index);
    Some(())
}

fn ipv4_pool(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let name = args.string("name")?;
    if args.no {
        c.config.ipv4_pools.retain(|pool| pool.name != name);
        return Some(());
    }
    let first = args.get("first")?;
    let range = Ipv4Range {
        first,
        last: args.get("last").unwrap_or(first),
    };
    let pools = &mut c.config.ipv4_pools;
    let index = upsert(
        pools,
        |pool| pool.name == name,
        || Ipv4Pool {
            name: name.clone(),
            ranges: Vec::new(),
        },
    );
    let pool = pools.get_mut(index)?;
    if !pool.ranges.contains(&range) {
        pool.ranges.push(range);
    }
    let place = pool.ranges.len() - 1;
    c.enter("ipv4-pool", index);
    c.mark(&format!("ranges[{place}]"), args.span.clone());
    let path = c.path.clone();
    c.origins.entry(path).or_insert_with(|| args.span.clone());
    Some(())
}

fn ipv6_pool(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let name = args.string("name")?;
    c.config
        .ipv6_pools
        .retain(|pool| pool.name != name || !args.no);
    if args.no {
        return Some(());
    }
    let pool = Ipv6Pool {
        name: name.clone(),
        prefix: args.get("prefix")?,
        assigned_length: args.get("length")?,
    };
    let pools = &mut c.config.ipv6_pools;
    let index = upsert(pools, |pool| pool.name == name, || pool.clone());
    *pools.get_mut(index)? = pool;
    c.enter("ipv6-pool", index);
    let path = c.path.clone();
    c.origins.insert(path, args.span.clone());
    c.mark("assigned-length", args.span_of("length"));
    Some(())
}

fn dhcp_pool(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let name = args.string("name")?;
    if args.no {
        c.config.dhcp_pools.retain(|pool| pool.name != name);
        return Some(());
    }
    let index = upsert(
        &mut c.config.dhcp_pools,
        |pool| pool.name == name,
        || DhcpPool {
            name: name.clone(),
            ..DhcpPool::default()
        },
    );
    c.at.dhcp_pool = index;
    c.enter("dhcp-pool", index);
    Some(())
}

fn interface(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let name = args.string("name")?;
    let interfaces = &mut c.config.interfaces;
    if args.no {
        interfaces.retain(|interface| interface.name != name);
        return Some(());
    }
    let index = upsert(
        interfaces,
        |interface| interface.name == name,
        || Interface {
            name: name.clone(),
            ..Interface::default()
        },
    );
    c.at.interface = index;
    c.enter("interface", index);
    Some(())
}
