//! Hybrid-access mode and its profile mode, of either node.

use super::super::context::{Node, upsert};
use super::{Args, Command, Context, Mode};
use crate::config::model::{LinkWeight, LoadBalance, ProfileDefinition, SlaOverride};
use crate::config::report::Problem;

pub(super) static COMMANDS: &[Command] = &[
    Command::new("disable-sla", |c, args| {
        c.hybrid()?.disable_sla = !args.no;
        Some(())
    }),
    Command::new(
        "sla [num-packets=numpackets <packets:sla-packets>] [interval <interval:sla-interval>] \
         [frequency <frequency:sla-frequency>]",
        sla,
    ),
    Command::new(
        "enable-sla {mag <mag:name> | customer <customer:short-name>} \
         [num-packets=numpackets <packets:sla-packets>] [interval <interval:sla-interval>] \
         [frequency <frequency:sla-frequency>]",
        enable_sla,
    ),
    Command::new(
        "sla-reaction {down <down:reaction> | up <up:reaction>}",
        reaction,
    ),
    Command::new("load-balance {equal | weighted | dynamic}", load_balance),
    Command::new("per-packet", |c, args| {
        c.hybrid()?.per_packet = !args.no;
        Some(())
    }),
    Command::new("preempt", |c, args| {
        c.hybrid()?.preempt = !args.no;
        Some(())
    }),
    Command::new(
        "link <label:name> {weight <weight:weight> [down-weight <down:weight>] | \
         bandwidth up <up-kbps:kbps> down <down-kbps:kbps>}",
        link,
    ),
    Command::new("profile-definition <name:name>", profile).opens(Mode::Profile),
];

pub(super) static PROFILE_COMMANDS: &[Command] = &[
    Command::new("jitter <ms:profile-ms>", |c, args| {
        c.profile()?.jitter = args.get("ms").filter(|_| !args.no);
        Some(())
    }),
    Command::new("rtt <ms:profile-ms>", |c, args| {
        c.profile()?.rtt = args.get("ms").filter(|_| !args.no);
        Some(())
    }),
    Command::new("packet-loss <percent:percent>", |c, args| {
        c.profile()?.packet_loss = args.get("percent").filter(|_| !args.no);
        Some(())
    }),
];

fn sla(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let sla = &mut c.hybrid()?.sla;
    let no = args.no;
    let all = no && args.tokens.len() == 1;
    for (word, name, slot) in [
        ("num-packets", "packets", &mut sla.num_packets),
        ("interval", "interval", &mut sla.interval),
        ("frequency", "frequency", &mut sla.frequency),
    ] {
        if args.has(word) || all {
            *slot = args.get(name).filter(|_| !no);
        }
    }
    c.mark("sla", args.span.clone());
    Some(())
}

fn enable_sla(c: &mut Context, args: &Args<'_>) -> Option<()> {
    if matches!(c.at.node, Node::Mag(_)) {
        let problem = Problem::warning(args.span.clone(), "`enable-sla` belongs to an LMA")
            .label("ignored: this is a MAG")
            .help("a MAG probes its own paths with `sla` and `no disable-sla`");
        c.problems.push(problem);
        return Some(());
    }
    let of_mag = args.has("mag");
    let (key, name) = if of_mag {
        ("enable-sla-mag", "mag")
    } else {
        ("enable-sla-customer", "customer")
    };
    let name_span = args.span_of(name);
    let name = args.string(name)?;
    let service = c.hybrid()?;
    let list = if of_mag {
        &mut service.enable_sla_mag
    } else {
        &mut service.enable_sla_customer
    };
    if args.no {
        list.retain(|known| known.name != name);
        return Some(());
    }
    let line = SlaOverride {
        name: name.clone(),
        num_packets: args.get("packets"),
        interval: args.get("interval"),
        frequency: args.get("frequency"),
    };
    let index = upsert(list, |known| known.name == name, || line.clone());
    *list.get_mut(index)? = line;
    c.mark(&format!("{key}[{index}]"), args.span.clone());
    c.mark(&format!("{key}[{index}].name"), name_span);
    Some(())
}

fn reaction(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let reaction = &mut c.hybrid()?.sla_reaction;
    if args.has("down") {
        reaction.down = args.get("down").filter(|_| !args.no);
    }
    if args.has("up") {
        reaction.up = args.get("up").filter(|_| !args.no);
    }
    Some(())
}

fn load_balance(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let kinds = [
        LoadBalance::Equal,
        LoadBalance::Weighted,
        LoadBalance::Dynamic,
    ];
    let kind = kinds.into_iter().find(|kind| args.has(kind.word()));
    c.hybrid()?.load_balance = kind.filter(|_| !args.no);
    c.mark("load-balance", args.span.clone());
    Some(())
}

fn link(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let label = args.string("label")?;
    let list = &mut c.hybrid()?.link;
    if args.no {
        list.retain(|known| known.label != label);
        return Some(());
    }
    let index = upsert(
        list,
        |known| known.label == label,
        || LinkWeight {
            label: label.clone(),
            ..LinkWeight::default()
        },
    );
    let link = list.get_mut(index)?;
    if args.has("weight") {
        link.weight = args.get("weight");
        link.down_weight = args.get("down");
    } else {
        link.bandwidth_up = args.get("up-kbps");
        link.bandwidth_down = args.get("down-kbps");
    }
    c.mark(&format!("link[{index}]"), args.span.clone());
    Some(())
}

fn profile(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let name = args.string("name")?;
    let list = &mut c.hybrid()?.profiles;
    if args.no {
        list.retain(|known| known.name != name);
        return Some(());
    }
    let index = upsert(
        list,
        |known| known.name == name,
        || ProfileDefinition {
            name: name.clone(),
            ..ProfileDefinition::default()
        },
    );
    c.at.profile = index;
    c.enter("profile-definition", index);
    Some(())
}
