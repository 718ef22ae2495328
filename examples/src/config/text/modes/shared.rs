//! Commands that several modes have alike.

use std::net::{Ipv4Addr, Ipv6Addr};

use pmip_binding::config::Tolerance;

use super::super::context::upsert;
use super::{Args, Command, Context, Mode};
use crate::config::model::{
    AuthOption, Dscp, Heartbeat, HybridAccess, Key, MobilityRole, ReplayProtection, TOLERANCES,
    TunnelAcl, TunnelEncap, TunnelNat,
};
use crate::config::report::Problem;

pub(super) const ADDRESS: &str = "address {ipv4 <ipv4:ipv4> | ipv6 <ipv6:ipv6>}";
pub(super) const ENCAP: &str = "encap {gre-ipv4 | gre-ipv6 | ipv6-in-ipv6 | udptunnel}";
pub(super) const REPLAY: &str = "replay-protection timestamp [window <window:timestamp-window>]";
pub(super) const AUTH: &str =
    "auth-option spi {decimal <decimal:spi-decimal> | <spi:spi>} key {ascii | hex} <key:word>";
pub(super) const LENIENT: &str = "lenient <tolerances:tolerance...>";
pub(super) const HEARTBEAT: &str = "heartbeat [enforce] [interval <interval:heartbeat-interval>] \
    [interval-ms <milliseconds:heartbeat-interval-ms>] [timeout <timeout:heartbeat-timeout>] \
    [retries <retries:heartbeat-retries>] [label <label:name>] [natreboot]";
pub(super) const TUNNEL: &str =
    "tunnel {mtu <mtu:tunnel-mtu> | acl {auto-pools | <acl:name>} | nat {inside | outside}}";
pub(super) const BRI: &str =
    "bri {delay {min <min:bri-delay> | max <max:bri-delay>} | retries=retry <retries:bri-retries>}";
pub(super) const DSCP: &str = "dscp control-plane <dscp:dscp> [force]";
pub(super) const MOBILE_MAP: &str = "mobile-map <name:name> [<sequence:map-sequence>]";

/// Commands of both nodes with the same effect.
pub(super) const HYBRID: Command =
    Command::new("mobility-service hybrid-access", hybrid_access).opens(Mode::HybridAccess);

pub(super) fn address(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let list = if c.mode == Mode::Lma {
        &mut c.lma()?.address
    } else {
        &mut c.mag()?.address
    };
    let (ipv4, ipv6) = (args.get::<Ipv4Addr>("ipv4"), args.get::<Ipv6Addr>("ipv6"));
    list.ipv4.retain(|known| Some(*known) != ipv4);
    list.ipv6.retain(|known| Some(*known) != ipv6);
    if !args.no {
        list.ipv4.extend(ipv4);
        list.ipv6.extend(ipv6);
    }
    c.mark("address", args.span.clone());
    Some(())
}

pub(super) fn encap(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let encap = [
        TunnelEncap::GreIpv4,
        TunnelEncap::GreIpv6,
        TunnelEncap::Ipv6InIpv6,
        TunnelEncap::Udptunnel,
    ];
    let encap = encap.into_iter().find(|encap| args.has(encap.word()));
    let encap = encap.filter(|_| !args.no);
    if c.mode == Mode::Domain {
        c.domain()?.encap = encap;
    } else if c.mode == Mode::Lma {
        c.lma()?.encap = encap;
    } else if c.mode == Mode::Mag {
        c.mag()?.encap = encap;
    } else if c.mode == Mode::MagLma {
        c.anchor()?.encap = encap;
    } else {
        c.peer()?.encap = encap;
    }
    Some(())
}

pub(super) fn replay_protection(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let protection = ReplayProtection {
        window: args.get("window"),
    };
    let protection = (!args.no).then_some(protection);
    if c.mode == Mode::Domain {
        c.domain()?.replay_protection = protection;
    } else if c.mode == Mode::Lma {
        c.lma()?.replay_protection = protection;
    } else {
        c.mag()?.replay_protection = protection;
    }
    Some(())
}

pub(super) fn auth_option(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let list = if c.mode == Mode::Domain {
        &mut c.domain()?.auth_option
    } else if c.mode == Mode::Customer {
        &mut c.customer()?.auth_option
    } else if c.mode == Mode::MagLma {
        &mut c.anchor()?.auth_option
    } else {
        &mut c.peer()?.auth_option
    };
    if args.no {
        let spi = written_spi(args);
        list.retain(|known| spi.is_some_and(|spi| known.spi != spi));
        return Some(());
    }
    let option = written_key(args)?;
    // A second key stands beside the first: for as long as a roll-over lasts, both are accepted.
    let place = upsert(list, |known| known.spi == option.spi, || option.clone());
    *list.get_mut(place)? = option;
    c.mark(&format!("auth-option[{place}]"), args.span_of("key"));
    Some(())
}

/// `lenient TOLERANCE...`: adds to what is taken from a peer.
pub(super) fn lenient(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let words = args.all("tolerances").map(|(word, _)| word);
    let known = |word: &str| TOLERANCES.iter().find(|(known, _)| *known == word);
    let wanted: Vec<Tolerance> = words.filter_map(known).map(|(_, value)| *value).collect();
    let list = if c.mode == Mode::MagLma {
        &mut c.anchor()?.lenient
    } else {
        &mut c.peer()?.lenient
    };
    list.retain(|known| !wanted.contains(known));
    if !args.no {
        list.extend(wanted);
    } else if wanted.is_empty() {
        list.clear();
    }
    Some(())
}

fn written_spi(args: &Args<'_>) -> Option<u32> {
    let decimal = args.get::<u32>("decimal");
    decimal.or_else(|| u32::from_str_radix(args.text("spi")?, 16).ok())
}

fn written_key(args: &Args<'_>) -> Option<AuthOption> {
    let spi = written_spi(args)?;
    let key = args.string("key")?;
    let key = if args.has("hex") {
        Key::Hex(key)
    } else {
        Key::Ascii(key)
    };
    Some(AuthOption { spi, key })
}

pub(super) fn heartbeat(c: &mut Context, args: &Args<'_>) -> Option<()> {
    if args.has("enforce") {
        if c.mode == Mode::Lma {
            c.lma()?.heartbeat_enforce = !args.no;
            c.mark("heartbeat-enforce", args.span_of_word("enforce"));
        } else {
            let problem = Problem::error(args.span_of_word("enforce"), "only an LMA enforces")
                .label("not here");
            c.problems.push(problem);
            return Some(());
        }
        if args.text("retries").is_none() {
            return Some(());
        }
    }
    let label = args.string("label");
    if args.no {
        let all = args.tokens.len() == 1;
        c.heartbeats()?.retain(|known| !all && known.label != label);
        return Some(());
    }
    let Some(retries) = args.get("retries") else {
        let problem = Problem::error(args.span.clone(), "the heartbeat needs `retries`")
            .label("how many missed heartbeats are allowed?")
            .note("syntax: heartbeat [interval SECONDS] retries N [label LABEL] [natreboot]")
            .help("write `heartbeat interval 60 retries 3`");
        c.problems.push(problem);
        return Some(());
    };
    let line = Heartbeat {
        interval: args.get("interval"),
        interval_ms: args.get("milliseconds"),
        timeout: args.get("timeout"),
        retries,
        label,
        natreboot: args.has("natreboot"),
    };
    let lines = c.heartbeats()?;
    let place = lines.iter().position(|known| known.label == line.label);
    let place = place.unwrap_or(lines.len());
    match lines.get_mut(place) {
        Some(known) => *known = line,
        None => lines.push(line),
    }
    let path = format!("heartbeat[{place}]");
    c.mark(&path, args.span.clone());
    c.mark(&format!("{path}.interval"), args.span_of("interval"));
    c.mark(&format!("{path}.label"), args.span_of("label"));
    Some(())
}

pub(super) fn tunnel(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let tunnel = c.tunnel()?;
    if args.has("mtu") {
        tunnel.mtu = args.get("mtu").filter(|_| !args.no);
    }
    if args.has("acl") {
        let named = args.string("acl").map(TunnelAcl::List);
        let acl = if args.has("auto-pools") {
            Some(TunnelAcl::AutoPools)
        } else {
            named
        };
        tunnel.acl = acl.filter(|_| !args.no);
        c.mark("tunnel.acl", args.span_of("acl"));
    }
    if args.has("nat") {
        let nat = if args.has("inside") {
            TunnelNat::Inside
        } else {
            TunnelNat::Outside
        };
        c.tunnel()?.nat = (!args.no).then_some(nat);
        c.mark("tunnel.nat", args.span.clone());
    }
    Some(())
}

pub(super) fn revocation(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let value = |name: &str| args.get(name).filter(|_| !args.no);
    let bri = c.revocation()?;
    if args.has("min") {
        bri.delay_min = value("min");
    }
    if args.has("max") {
        bri.delay_max = value("max");
    }
    if args.has("retries") {
        bri.retries = value("retries");
    }
    c.mark("bri", args.span.clone());
    Some(())
}

/// `bce` and `binding`: the keyword names the time.
pub(super) fn binding_times(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let value = |name: &str| args.get(name).filter(|_| !args.no);
    let key = if matches!(c.mode, Mode::Mag) {
        "binding"
    } else {
        "bce"
    };
    let times = c.times()?;
    let slots = [
        ("maximum", &mut times.maximum),
        ("lifetime", &mut times.lifetime),
        ("refresh-time", &mut times.refresh_time),
        ("delete-wait-time", &mut times.delete_wait_time),
        ("create-wait-time", &mut times.create_wait_time),
        ("init-retx-time", &mut times.init_retx_time),
        ("max-retx-time", &mut times.max_retx_time),
    ];
    let mut written = Vec::new();
    for (name, slot) in slots {
        if args.has(name) {
            *slot = value(name);
            written.push(name);
        }
    }
    for name in written {
        c.mark(&format!("{key}.{name}"), args.span_of(name));
    }
    Some(())
}

pub(super) fn dscp(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let dscp = args.get("dscp").filter(|_| !args.no).map(|value| Dscp {
        value,
        force: args.has("force"),
    });
    if c.mode == Mode::Lma {
        c.lma()?.dscp_control_plane = dscp;
    } else {
        c.mag()?.dscp_control_plane = dscp;
    }
    c.mark("dscp-control-plane", args.span.clone());
    Some(())
}

pub(super) fn mobile_map(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let name = args.string("name").filter(|_| !args.no);
    if c.mode == Mode::Lma {
        c.lma()?.mobile_map = name;
    } else {
        c.mag()?.mobile_map = name;
    }
    c.mark("mobile-map", args.span_of("name"));
    if args.text("sequence").is_some() && !args.no {
        let problem = Problem::warning(args.span_of("sequence"), "a node takes a whole map")
            .label("sequence ignored")
            .help("sequences belong to `mobile-map NAME SEQUENCE` in the domain");
        c.problems.push(problem);
    }
    Some(())
}

pub(super) fn interface(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let name = args.string("name");
    let no = args.no;
    let list = if c.mode == Mode::Lma {
        &mut c.lma()?.interface
    } else {
        &mut c.mag()?.interface
    };
    let Some(name) = name else {
        list.clear();
        return Some(());
    };
    list.retain(|known| *known != name);
    if !no {
        list.push(name);
    }
    let index = list.len().saturating_sub(1);
    c.mark(&format!("interface[{index}]"), args.span_of("name"));
    Some(())
}

fn hybrid_access(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let slot = c.hybrid_slot()?;
    if args.no {
        *slot = None;
    } else {
        slot.get_or_insert_with(HybridAccess::default);
        c.enter_table("hybrid-access");
    }
    Some(())
}

pub(super) fn role(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let roles = [
        MobilityRole::ThreeGma,
        MobilityRole::ThreeGpp,
        MobilityRole::Lte,
        MobilityRole::Wimax,
        MobilityRole::Wlan,
    ];
    let role = roles.into_iter().find(|role| args.has(role.word()));
    let role = role.filter(|_| !args.no);
    if c.mode == Mode::Lma {
        c.lma()?.role = role;
    } else {
        c.mag()?.role = role;
    }
    c.mark("role", args.span.clone());
    Some(())
}

pub(super) fn fixed_link_layer(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let address = args.get("mac").filter(|_| !args.no);
    if c.mode == Mode::Domain {
        c.domain()?.fixed_link_layer_address = address;
    } else {
        c.mag()?.fixed_link_layer_address = address;
    }
    Some(())
}

pub(super) fn fixed_link_local(c: &mut Context, args: &Args<'_>) -> Option<()> {
    let address = args.get("address").filter(|_| !args.no);
    if c.mode == Mode::Domain {
        c.domain()?.fixed_link_local_address = address;
    } else {
        c.mag()?.fixed_link_local_address = address;
    }
    Some(())
}

pub(super) fn local_routing(c: &mut Context, args: &Args<'_>) -> Option<()> {
    if c.mode == Mode::Domain {
        c.domain()?.local_routing_mag = !args.no;
    } else {
        c.mag()?.local_routing_mag = !args.no;
    }
    Some(())
}
