//! The commands that ask a running node: `pmip show`, `clear`, `debug`, `monitor`, `configure`,
//! `hint`, `attach`, `detach`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::Value;

use super::client::{self, Wrong};
use super::words::{self, Cleared, Shown};
use super::{Only, Request};
use crate::config::model::AccessTechnology;
use crate::config::node::Role;
use crate::view;

/// Which running node is asked, and how the answer is printed.
#[derive(Clone, Debug, clap::Args)]
pub struct Target {
    /// Control socket of the node; not needed where only one runs
    #[arg(long, value_name = "PATH", global = true)]
    pub control: Option<PathBuf>,
    /// Print JSON and nothing else on standard output
    #[arg(long, global = true)]
    pub json: bool,
}

/// Arguments of `pmip show`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = SHOWN)]
pub struct ShowArgs {
    /// What to show; abbreviations that are clear are taken
    #[arg(required = true, value_name = "WHAT")]
    words: Vec<String>,
    /// The flow of `path-decision`: 'udp 10.60.0.2:5060 192.0.2.80:5060 dscp 46'
    #[arg(long, value_name = "FLOW")]
    flow: Option<String>,
    #[command(flatten)]
    target: Target,
}

const SHOWN: &str = "\
What can be shown:
  bindings [nai NAI | peer NAME | summary]   mobility sessions with their paths
  paths [peer NAME]                          state, addresses, round-trip time, traffic
  heartbeat [peer NAME]                      heartbeats of each path
  flows [top NUMBER]                         remembered flows, the path of each and why
  path-decision --flow FLOW                  where one flow goes, and why
  customers [NAME]                           customers of an LMA, their bindings and counters
  mobile-map [counters]                      entries of mobile maps and what they did
  tunnels [peer NAME]                        encapsulation, ends, MTU, packets
  sla [history | peer NAME]                  what probes measured, state of each profile
  stats [global | mag NAME | lma NAME]       counters of signalling and of dropped packets
  globals                                    identity, role, addresses, peers, timers
  running-config                             the configuration in force, without keys

The words of a router are taken too: show ipv6 mobile pmipv6 lma binding nai NAI";

/// Arguments of `pmip clear`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = CLEARED)]
pub struct ClearArgs {
    /// What to clear
    #[arg(required = true, value_name = "WHAT")]
    words: Vec<String>,
    #[command(flatten)]
    target: Target,
}

const CLEARED: &str = "\
What can be cleared:
  binding all       a MAG de-registers, an LMA revokes; both may register anew
  binding nai NAI   the same for one mobile node
  sla               what probes measured is forgotten
  stats             counters count from zero again";

/// Arguments of `pmip debug`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = PARTS)]
pub struct DebugArgs {
    /// Which part of the log, then `off` for no more of it; nothing: which parts are shown
    #[arg(value_name = "PART")]
    words: Vec<String>,
    #[command(flatten)]
    target: Target,
}

const PARTS: &str = "\
Parts of a node's log (on its standard error):
  events    every change of sessions, paths and tables
  errors    what was dropped or could not be sent, and why
  info      decisions of the program: addresses, routes, sockets
  packets   every signalling message
  api       what operators and programs ask

To see events here as they happen: pmip monitor";

/// Arguments of `pmip monitor`.
#[derive(Clone, Debug, clap::Args)]
pub struct MonitorArgs {
    /// The state of an LMA, then every change of it, as JSON: enough for a standby
    #[arg(long)]
    changes: bool,
    #[command(flatten)]
    target: Target,
}

/// Arguments of `pmip configure`.
#[derive(Clone, Debug, clap::Args)]
pub struct ConfigureArgs {
    /// Lines of the configuration language, each one argument, from the outermost mode:
    /// pmip configure 'ipv6 mobile pmipv6-lma LMA1 domain D1' 'bce lifetime 600'
    #[arg(required = true, value_name = "LINE")]
    lines: Vec<String>,
    #[command(flatten)]
    target: Target,
}

/// Arguments of `pmip hint`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HINTS)]
pub struct HintArgs {
    /// `path NAME` and what is said of it; nothing: what was said
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    #[command(flatten)]
    target: Target,
}

const HINTS: &str = "\
NAME is a path's label, interface or number. What can be said:
  path NAME usable no | yes      whether it should carry traffic while another path can
  path NAME cost NUMBER          paths of the least cost carry; default 0
  path NAME capacity KBIT/S      weights follow when it is known of all paths
  path NAME clear                nothing any more

It holds until the node ends, chooses among the paths that are up, and never touches registrations
and heartbeats.";

/// Arguments of `pmip attach`.
#[derive(Clone, Debug, clap::Args)]
pub struct AttachArgs {
    /// The mobile node's identifier, such as host1@example.org
    #[arg(long)]
    nai: String,
    /// The access interface that it came to
    #[arg(long, value_name = "IF")]
    interface: String,
    /// Its link-layer address
    #[arg(long, value_name = "MAC")]
    ll_addr: Option<String>,
    /// Its access technology: a name such as WLAN or a number 1 to 255
    #[arg(long, value_name = "TYPE")]
    att: Option<AccessTechnology>,
    #[command(flatten)]
    target: Target,
}

/// Arguments of `pmip detach`.
#[derive(Clone, Debug, clap::Args)]
pub struct DetachArgs {
    /// The mobile node's identifier
    #[arg(long)]
    nai: String,
    /// The access interface that it left; it must be one of the MAG
    #[arg(long, value_name = "IF")]
    interface: Option<String>,
    /// Its link-layer address
    #[arg(long, value_name = "MAC")]
    ll_addr: Option<String>,
    /// Its access technology: a name such as WLAN or a number 1 to 255
    #[arg(long, value_name = "TYPE")]
    att: Option<AccessTechnology>,
    #[command(flatten)]
    target: Target,
}

/// `pmip show WHAT`.
///
/// # Errors
/// When the words are wrong, or no node answers.
pub fn show(args: &ShowArgs) -> Result<()> {
    let mut words = args.words.clone();
    let flow = args.flow.iter().flat_map(|flow| flow.split_whitespace());
    words.extend(flow.map(str::to_owned));
    let Shown { role, what, only } = words::show(&words).map_err(Wrong)?;
    let is_summary = only.is_some() && !matches!(only, Some(Only::Nai(_) | Only::Flow(_)));
    let request = Request::Show { what, only };
    let value = ask(&args.target, role, &request)?;
    if args.target.json {
        print_json(&value)
    } else if is_summary && value.is_object() {
        print(&view::outline(value))
    } else {
        print(&view::render(what, value)?)
    }
}

/// `pmip clear`.
///
/// # Errors
/// When the words are wrong, no node answers, or it has no such binding.
pub fn clear(args: &ClearArgs) -> Result<()> {
    let (role, cleared) = words::clear(&args.words).map_err(Wrong)?;
    let request = match cleared {
        Cleared::Bindings => Request::ClearBinding { nai: None },
        Cleared::Binding(nai) => Request::ClearBinding { nai: Some(nai) },
        Cleared::Sla => Request::ClearSla,
        Cleared::Stats => Request::ClearStats,
    };
    act(&args.target, role, &request)
}

/// `pmip debug`.
///
/// # Errors
/// When the words are wrong, or no node answers.
pub fn debug(args: &DebugArgs) -> Result<()> {
    let (role, wanted) = words::debug(&args.words).map_err(Wrong)?;
    let (part, on) = wanted.unzip();
    let off = on == Some(false);
    let value = ask(&args.target, role, &Request::Debug { part, off })?;
    if args.target.json {
        print_json(&value)
    } else {
        print(&view::outline(value))
    }
}

/// `pmip monitor`: until the node or its reader ends.
///
/// # Errors
/// When no node answers, or it cannot be watched so.
pub fn monitor(args: &MonitorArgs) -> Result<()> {
    let socket = client::find(args.target.control.as_deref(), None)?;
    let changes = args.changes;
    client::watch(&socket, &Request::Monitor { changes }, |value| {
        let text = match value.get("message").and_then(Value::as_str) {
            Some(message) if !args.target.json && !changes => view::plain(message),
            Some(_) | None => value.to_string(),
        };
        // A reader that left, as `head` does, ends it.
        writeln!(std::io::stdout(), "{text}").is_ok()
    })
}

/// `pmip configure`.
///
/// # Errors
/// When no node answers, or the lines are wrong or refused: nothing has changed then.
pub fn configure(args: ConfigureArgs) -> Result<()> {
    let value = ask(
        &args.target,
        None,
        &Request::Configure { lines: args.lines },
    )?;
    if args.target.json {
        return print_json(&value);
    }
    let notes = value.get("notes").and_then(Value::as_array);
    for note in notes.into_iter().flatten().filter_map(Value::as_str) {
        print(&format!("note: {}\n", view::plain(note)))?;
    }
    print("done; write it into the configuration file as well, or it ends with the node\n")
}

/// `pmip hint`.
///
/// # Errors
/// When the words are wrong, no node answers, or it has no such path.
pub fn hint(args: &HintArgs) -> Result<()> {
    let (path, hint) = words::hint(&args.words).map_err(Wrong)?.unzip();
    let value = ask(&args.target, None, &Request::Hint { path, hint })?;
    if args.target.json {
        return print_json(&value);
    }
    match value.as_array() {
        Some(said) if said.is_empty() => print("nothing was said of any path\n"),
        _ => print(&view::outline(value)),
    }
}

/// `pmip attach`.
///
/// # Errors
/// When no node answers, or it is no MAG with such an interface.
pub fn attach(args: AttachArgs) -> Result<()> {
    let request = Request::Attach {
        nai: args.nai,
        interface: args.interface,
        ll_addr: args.ll_addr,
        att: args.att.map(|technology| technology.0),
    };
    act(&args.target, Some(Role::Mag), &request)
}

/// `pmip detach`.
///
/// # Errors
/// When no node answers, or it is no MAG.
pub fn detach(args: DetachArgs) -> Result<()> {
    let request = Request::Detach {
        nai: args.nai,
        interface: args.interface,
        ll_addr: args.ll_addr,
        att: args.att.map(|technology| technology.0),
    };
    act(&args.target, Some(Role::Mag), &request)
}

fn ask(target: &Target, role: Option<Role>, request: &Request) -> Result<Value> {
    let socket = client::find(target.control.as_deref(), role)?;
    client::ask(&socket, request)
}

fn act(target: &Target, role: Option<Role>, request: &Request) -> Result<()> {
    let value = ask(target, role, request)?;
    if target.json {
        print_json(&value)
    } else {
        print("done\n")
    }
}

fn print_json(value: &Value) -> Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// A pipe that was closed early, as by `head`, is no failure.
fn print(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}
