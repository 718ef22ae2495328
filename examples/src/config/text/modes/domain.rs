//! Domain mode, NAI mode and mobile-map mode.

use super::super::context::upsert;
use super::{Args, Command, Context, Mode, peer, shared};
use crate::config::model::{
    LinkLabel, MapEntry, MnInterface, MobileMap, NaiProfile, Service, VendorInfo,
};
use crate::config::report::Problem;

pub(super) static COMMANDS: &[Command] = &[
    Command::new(shared::ENCAP, shared::encap),
    Command::new(shared::REPLAY, shared::replay_protection),
    Command::new(shared::AUTH, shared::auth_option),
    Command::new("auth-option required", auth_required),
    Command::new("link-label <name:name> id <id:label-id>", link_label),
    Command::new("vendor-info [enterprise <number:enterprise>]", vendor_info),
    Command::new(
        "fixed-link-layer-address <mac:mac>",
        shared::fixed_link_layer,
    ),
    Command::new(
        "fixed-link-local-address <address:ipv6>",
        shared::fixed_link_local,
    ),
    Command::new("local-routing-mag", shared::local_routing),
    Command::new("mn-profile-load-aaa", load_aaa),
    Command::new("nai <nai:nai>", nai).opens(Mode::Nai),
    Command::new("mobile-map <name:name> <sequence:map-sequence>", mobile_map)
        .opens(Mode::MobileMap),
    Command::new("mag <id:name> [<domain:name>]", peer::domain_mag).opens(Mode::DomainMag),
    Command::new("lma <id:name> [<domain:name>]", peer::domain_lma).opens(Mode::DomainLma),
];

pub(super) static NAI_COMMANDS: &[Command] = &[
    Command::new("lma <name:name>", |c, args| {
        c.nai()?.lma = args.string("name").filter(|_| !args.no);
        c.mark("lma", args.span_of("name"));
        Some(())
    }),
    Command::new("network <name:name>", |c, args| {
        c.nai()?.network = args.string("name").filter(|_| !args.no);
        c.mark("network", args.span_of("name"));
        Some(())
    }),
    Command::new("apn <name:name>", |c, args| {
        c.nai()?.apn = args.string("name").filter(|_| !args.no);
        Some(())
    }),
    Command::new("customer <name:short-name>", |c, args| {
        c.nai()?.customer = args.string("name").filter(|_| !args.no);
        c.mark("customer", args.span_of("name"));
        Some(())
    }),
    Command::new("service {dual | ipv4 | ipv6}", service),
    Command::new("int att <type:technology> l2-addr <mac:mac>", mn_interface),
    Command::new("gre-encap-key {down | up} <key:gre-key>", gre_key),
    Command::new("multi-homed", |c, args| {
        c.nai()?.multi_homed = !args.no;
        Some(())
    }),
    Command::new("mobility-service mobile-local-loop", |c, args| {
        c.nai()?.mobile_local_loop = !args.no;
        Some(())
    }),
];

pub(super) static MAP_COMMANDS: &[Command] = &[
    Command::new("match access-list <name:name>", |c, args| {
        c.entry()?.access_list = args.string("name").filter(|_| !args.no);
        c.mark("access-list", args.span_of("name"));
        Some(())
    }),
    Command::new("set link-type <labels:name...>", set_link_type),
    Command::new("traffic-profile <name:name>", |c, args| {
        c.entry()?.traffic_profile = args.string("name").filter(|_| !args.no);
        c.mark("traffic-profile", args.span_of("name"));
        Some(())
    }),
    Command::new("strict", |c, args| {
        c.entry()?.strict = !args.no;
        Some(())
    }),
];

fn auth_required(c: &mut Context, args: &Args<'_>) -> Option<()> {
    c.domain()?.auth_required = !args.no;
    c.mark("auth-required", args.span.clone());
    Some(())
}

fn link_label(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let name = args.string("name")?;
    let labels = &mut c.domain()?.link_labels;
    if args.no {
        labels.retain(|label| label.name != name);
        return Some(());
    }
    let id = args.get("id")?;
    let index = upsert(
        labels,
        |label| label.name == name,
        || LinkLabel {
            name: name.clone(),
            id,
        },
    );
    labels.get_mut(index)?.id = id;
    c.mark(&format!("link-label[{index}]"), args.span_of("id"));
    Some(())
}

fn vendor_info(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let info = VendorInfo {
        enterprise: args.get("number"),
    };
    c.domain()?.vendor_info = (!args.no).then_some(info);
    Some(())
}

fn load_aaa(c: &mut Context, args: &Args<'_>) -> Option<()> {
    if !args.no {
        let problem = Problem::error(args.span.clone(), "profiles cannot be loaded from AAA")
            .label("not supported")
            .help("write the profiles here with `nai`");
        c.problems.push(problem);
    }
    Some(())
}

fn nai(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let name = args.string("nai")?;
    let places = c.nais.entry(c.at.domain).or_default();
    let nais = &mut c.config.domains.get_mut(c.at.domain)?.nais;
    if args.no {
        nais.retain(|profile| profile.nai != name);
        places.forget();
        return Some(());
    }
    let index = places.upsert(
        nais,
        &name,
        |profile: &NaiProfile| profile.nai.clone(),
        || NaiProfile {
            nai: name.clone(),
            ..NaiProfile::default()
        },
    );
    c.at.nai = index;
    c.enter("nai", index);
    Some(())
}

fn service(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let service = [Service::Dual, Service::Ipv4, Service::Ipv6]
        .into_iter()
        .find(|service| args.has(service.word()));
    c.nai()?.service = service.filter(|_| !args.no);
    Some(())
}

fn mn_interface(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let interfaces = &mut c.nai()?.interfaces;
    let interface = args.get("mac").map(|l2_addr| MnInterface {
        att: args.get("type").unwrap_or_default(),
        l2_addr,
    });
    if args.no && interface.is_none() {
        interfaces.clear();
        return Some(());
    }
    let interface = interface?;
    interfaces.retain(|known| known.l2_addr != interface.l2_addr);
    if !args.no {
        interfaces.push(interface);
    }
    Some(())
}

fn gre_key(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let key = args.get("key").filter(|_| !args.no);
    let profile = c.nai()?;
    if args.has("down") {
        profile.gre_key_down = key;
    }
    if args.has("up") {
        profile.gre_key_up = key;
    }
    Some(())
}

/// Enters an entry; entries stay in ascending sequence.
fn mobile_map(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let name = args.string("name")?;
    let sequence = args.get::<u32>("sequence");
    let maps = &mut c.domain()?.mobile_maps;
    if args.no {
        for map in maps.iter_mut().filter(|map| map.name == name) {
            map.entries
                .retain(|entry| sequence.is_some_and(|sequence| entry.sequence != sequence));
        }
        maps.retain(|map| map.name != name || !map.entries.is_empty());
        return Some(());
    }
    let sequence = sequence?;
    let index = upsert(
        maps,
        |map| map.name == name,
        || MobileMap {
            name: name.clone(),
            entries: Vec::new(),
        },
    );
    let entries = &mut maps.get_mut(index)?.entries;
    let place = entries.partition_point(|entry| entry.sequence < sequence);
    if entries
        .get(place)
        .is_none_or(|entry| entry.sequence != sequence)
    {
        entries.insert(
            place,
            MapEntry {
                sequence,
                ..MapEntry::default()
            },
        );
    }
    (c.at.map, c.at.entry) = (index, place);
    c.enter("mobile-map", index);
    // Places of later entries move when one is put before them, so entries go by sequence.
    c.enter("entry", usize::try_from(sequence).ok()?);
    Some(())
}

fn set_link_type(c: &mut Context, args: &Args<'_>) -> Option<()> {
    const MOST: usize = 3;
    let mut labels: Vec<(&str, _)> = args.all("labels").collect();
    if args.no {
        let entry = c.entry()?;
        entry.link_type.clear();
        entry.null = false;
        return Some(());
    }
    let null = labels
        .pop_if(|(label, _)| label.eq_ignore_ascii_case("null"))
        .is_some();
    if let Some((_, span)) = labels
        .iter()
        .find(|(label, _)| label.eq_ignore_ascii_case("null"))
    {
        let problem = Problem::error(span.clone(), "`null` must be the last word")
            .label("not the last")
            .help("write the labels in order of preference, then `null`");
        c.problems.push(problem);
        return Some(());
    }
    if let Some((_, span)) = labels.get(MOST) {
        let problem = Problem::error(span.clone(), "at most three labels")
            .label("the fourth")
            .note("syntax: set link-type LABEL [LABEL] [LABEL] [null]");
        c.problems.push(problem);
        return Some(());
    }
    let entry = c.entry()?;
    entry.link_type = labels
        .iter()
        .map(|(label, _)| (*label).to_owned())
        .collect();
    entry.null = null;
    for (index, (_, span)) in labels.into_iter().enumerate() {
        c.mark(&format!("link-type[{index}]"), span);
    }
    Some(())
}
