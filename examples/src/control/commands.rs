//! `pmip show`, `pmip clear`, `pmip attach`, `pmip detach`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::Value;

use super::{Request, What, client};
use crate::config::model::AccessTechnology;
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
pub struct ShowArgs {
    /// What to show
    pub what: What,
    #[command(flatten)]
    target: Target,
}

/// Arguments of `pmip clear`.
#[derive(Clone, Debug, clap::Args)]
pub struct ClearArgs {
    #[command(subcommand)]
    what: Clear,
    #[command(flatten)]
    target: Target,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Clear {
    /// Remove bindings: a MAG de-registers and registers anew, an LMA revokes, after which the MAG
    /// may register anew
    Binding {
        /// `all`, or one mobile node's identifier
        #[arg(value_name = "all|NAI")]
        nai: String,
    },
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
    #[command(flatten)]
    target: Target,
}

/// `pmip show WHAT`.
///
/// # Errors
/// When no node answers.
pub fn show(args: &ShowArgs) -> Result<()> {
    let value = ask(&args.target, &Request::Show { what: args.what })?;
    if args.target.json {
        print_json(&value)
    } else {
        print(&view::render(args.what, value)?)
    }
}

/// `pmip clear binding`.
///
/// # Errors
/// When no node answers, or it has no such binding.
pub fn clear(args: &ClearArgs) -> Result<()> {
    let Clear::Binding { nai } = &args.what;
    let nai = (nai != "all").then(|| nai.clone());
    act(&args.target, &Request::ClearBinding { nai })
}

/// `pmip configure`.
///
/// # Errors
/// When no node answers, or the lines are wrong or refused: nothing has changed then.
pub fn configure(args: ConfigureArgs) -> Result<()> {
    let value = ask(&args.target, &Request::Configure { lines: args.lines })?;
    if args.target.json {
        return print_json(&value);
    }
    let notes = value.get("notes").and_then(Value::as_array);
    for note in notes.into_iter().flatten().filter_map(Value::as_str) {
        print(&format!("note: {note}\n"))?;
    }
    print("done; write it into the configuration file as well, or it ends with the node\n")
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
    act(&args.target, &request)
}

/// `pmip detach`.
///
/// # Errors
/// When no node answers, or it is no MAG.
pub fn detach(args: DetachArgs) -> Result<()> {
    act(&args.target, &Request::Detach { nai: args.nai })
}

fn ask(target: &Target, request: &Request) -> Result<Value> {
    let socket = client::find(target.control.as_deref())?;
    client::ask(&socket, request)
}

fn act(target: &Target, request: &Request) -> Result<()> {
    let value = ask(target, request)?;
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
