//! The operator's tool.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use pmip_examples::config::cli::Outcome;
use pmip_examples::config::node::Role;
use pmip_examples::config::{self, Format};
use pmip_examples::control::client::Wrong;
use pmip_examples::control::commands::{
    self, AttachArgs, ClearArgs, ConfigureArgs, DebugArgs, DetachArgs, HintArgs, MonitorArgs,
    ShowArgs,
};
use pmip_examples::host::doctor::{self, DoctorArgs};
use pmip_examples::host::init::{self, InitArgs};
use pmip_examples::lab::{self, LabArgs};
use pmip_examples::node::cli::{self, NodeArgs};
use pmip_examples::sla::{self, SlaCommand};
use pmip_examples::top::{self, TopArgs};
use pmip_examples::view::decode::{self, DecodeArgs};

/// Operator's tool of multipath Proxy Mobile IPv6
///
/// New here? `pmip lab` builds a whole domain on this machine and shows a mobile network keep its
/// connections while a link dies; `pmip lab --sim` does so without any rights.
///
/// Exit codes: 0 done, 1 the thing checked is not so, 2 wrong usage or configuration, 3 some input
/// could not be decoded.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a whole domain on this machine and check what it claims
    Lab(LabArgs),
    /// Write a matching pair of LMA and MAG configurations with fresh keys
    Init(InitArgs),
    /// Check whether this host is fit for a node, and say what to do
    Doctor(DoctorArgs),
    /// Show what a running node knows
    Show(ShowArgs),
    /// Remove what a running node knows
    Clear(ClearArgs),
    /// Show more or less in the log of a running node
    Debug(DebugArgs),
    /// Tell what happens to a running node as it does
    Monitor(MonitorArgs),
    /// Watch a running node on a live screen
    Top(TopArgs),
    /// Enter configuration lines on a running node
    Configure(ConfigureArgs),
    /// Say what another program knows of a path: a modem manager, a portal
    Hint(HintArgs),
    /// Tell a running MAG that a mobile node came
    Attach(AttachArgs),
    /// Tell a running MAG that a mobile node left
    Detach(DetachArgs),
    /// Check a configuration file, or convert it between its two texts
    #[command(subcommand)]
    Config(ConfigCommand),
    Decode(DecodeArgs),
    /// Measure the quality of a path, or answer who measures it
    #[command(subcommand)]
    Sla(SlaCommand),
    /// What the program `mag` does: `pmip lab` starts its nodes from the one file it has
    #[command(hide = true)]
    Mag(NodeArgs),
    /// What the program `lma` does
    #[command(hide = true)]
    Lma(NodeArgs),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Say everything that is wrong with a file, and which nodes it holds
    Check {
        /// A name ending in .toml is TOML, anything else the configuration language
        file: PathBuf,
        /// Print JSON and nothing else on standard output
        #[arg(long)]
        json: bool,
    },
    /// Print a file in the other text
    Convert {
        /// A name ending in .toml is TOML, anything else the configuration language
        file: PathBuf,
        /// The text to print
        #[arg(long)]
        to: Text,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Text {
    /// The configuration language
    Text,
    /// TOML
    Toml,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Lab(args) => {
            let code = lab::main(args);
            return ExitCode::from(u8::try_from(code).unwrap_or(1));
        }
        Command::Init(args) => init::init(&args),
        Command::Doctor(args) => match doctor::doctor(&args) {
            Ok(false) => return ExitCode::FAILURE,
            result => result.map(drop),
        },
        Command::Show(args) => commands::show(&args),
        Command::Clear(args) => commands::clear(&args),
        Command::Debug(args) => commands::debug(&args),
        Command::Monitor(args) => commands::monitor(&args),
        Command::Top(args) => top::top(&args),
        Command::Configure(args) => commands::configure(args),
        Command::Hint(args) => commands::hint(&args),
        Command::Attach(args) => commands::attach(args),
        Command::Detach(args) => commands::detach(args),
        Command::Config(command) => return print(&config(&command)),
        Command::Decode(args) => return ExitCode::from(decode::main(&args)),
        Command::Sla(command) => return ExitCode::from(sla::main(&command)),
        Command::Mag(args) => return cli::main("mag", Role::Mag, &args),
        Command::Lma(args) => return cli::main("lma", Role::Lma, &args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "pmip: {error:#}");
            match error.downcast_ref::<Wrong>() {
                Some(_) => ExitCode::from(2),
                None => ExitCode::FAILURE,
            }
        }
    }
}

fn config(command: &ConfigCommand) -> Outcome {
    match command {
        ConfigCommand::Check { file, json } => {
            config::cli::check(file, *json, std::io::stdout().is_terminal())
        }
        ConfigCommand::Convert { file, to } => {
            let format = match to {
                Text::Text => Format::Text,
                Text::Toml => Format::Toml,
            };
            config::cli::convert(file, format, std::io::stderr().is_terminal())
        }
    }
}

/// A pipe that was closed early, as by `head`, is no failure.
fn print(outcome: &Outcome) -> ExitCode {
    let _ = std::io::stdout().write_all(outcome.stdout.as_bytes());
    let _ = std::io::stderr().write_all(outcome.stderr.as_bytes());
    ExitCode::from(outcome.code)
}
