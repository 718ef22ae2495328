//! The operator's tool.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pmip_examples::config::node::Role;
use pmip_examples::control::commands::{self, AttachArgs, ClearArgs, DetachArgs, ShowArgs};
use pmip_examples::lab::{self, LabArgs};
use pmip_examples::node::cli::{self, NodeArgs};

/// Operator's tool of multipath Proxy Mobile IPv6
///
/// New here? `pmip lab` builds a whole domain on this machine and shows a mobile network keep its
/// connections while a link dies; `pmip lab --sim` does so without any rights.
///
/// Exit codes: 0 done, 1 the thing checked is not so, 2 wrong usage or configuration.
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
    /// What the program `mag` does: `pmip lab` starts its nodes from the one file it has
    #[command(hide = true)]
    Mag(NodeArgs),
    /// What the program `lma` does
    #[command(hide = true)]
    Lma(NodeArgs),
}

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
