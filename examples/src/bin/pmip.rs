//! The operator's tool.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use pmip_examples::config::cli::Outcome;
use pmip_examples::config::node::Role;
use pmip_examples::config::{self, Format};
use pmip_examples::control::commands::{self, AttachArgs, ClearArgs, DetachArgs, ShowArgs};
use pmip_examples::lab::{self, LabArgs};
use pmip_examples::node::cli::{self, NodeArgs};
use pmip_examples::view::decode::{DecodeOptions, Transport, decode, from_hex};
use pmip_examples::view::outline;

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
    /// Show what a running node knows
    Show(ShowArgs),
    /// Remove what a running node knows
    Clear(ClearArgs),
    /// Tell a running MAG that a mobile node came
    Attach(AttachArgs),
    /// Tell a running MAG that a mobile node left
    Detach(DetachArgs),
    /// Check a configuration file, or convert it between its two texts
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Show a Mobility Header as a tree
    Decode(DecodeArgs),
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

#[derive(Args)]
struct DecodeArgs {
    /// The Mobility Header in hexadecimal, from its Payload Proto octet
    #[arg(long, value_name = "STRING")]
    hex: String,
    /// What carried it
    #[arg(long, default_value = "udp")]
    transport: Transport,
    /// Print JSON, one object a line, and nothing else on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: DecodeOptions,
}

/// Some input could not be decoded.
const UNDECODABLE: u8 = 3;
/// Wrong usage or configuration.
const WRONG: u8 = 2;

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Lab(args) => {
            let code = lab::main(args);
            return ExitCode::from(u8::try_from(code).unwrap_or(1));
        }
        Command::Show(args) => commands::show(&args),
        Command::Clear(args) => commands::clear(&args),
        Command::Attach(args) => commands::attach(args),
        Command::Detach(args) => commands::detach(args),
        Command::Config(command) => return print(&config(&command)),
        Command::Decode(args) => return print(&decoded(&args)),
        Command::Mag(args) => return cli::main("mag", Role::Mag, &args),
        Command::Lma(args) => return cli::main("lma", Role::Lma, &args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "pmip: {error:#}");
            ExitCode::FAILURE
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

fn decoded(args: &DecodeArgs) -> Outcome {
    let wire = match from_hex(&args.hex) {
        Ok(wire) => wire,
        Err(error) => {
            return Outcome {
                stdout: String::new(),
                stderr: format!("pmip: --hex: {error}\n"),
                code: WRONG,
            };
        }
    };
    let decoded = decode(&wire, args.transport, args.options);
    let stdout = if args.json {
        format!("{}\n", decoded.json)
    } else {
        outline(&decoded.json)
    };
    Outcome {
        stdout,
        stderr: String::new(),
        code: if decoded.failed { UNDECODABLE } else { 0 },
    }
}

/// A pipe that was closed early, as by `head`, is no failure.
fn print(outcome: &Outcome) -> ExitCode {
    let _ = std::io::stdout().write_all(outcome.stdout.as_bytes());
    let _ = std::io::stderr().write_all(outcome.stderr.as_bytes());
    ExitCode::from(outcome.code)
}
