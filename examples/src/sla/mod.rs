//! `pmip sla`: measure a path towards any IP SLA responder or STAMP reflector, and be one.
//!
//! Protocols, statistics and timers are those of `pmip-sla`; here are sockets, clocks and texts.

mod probe;
mod report;
mod respond;
mod socket;
mod target;
mod time;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

pub use probe::ProbeArgs;
pub use respond::RespondArgs;

pub(crate) use report::{operation as operation_json, percent};

/// Measure a path, or answer who measures one
#[derive(Debug, Subcommand)]
pub enum SlaCommand {
    /// Measure delay, jitter and loss towards a responder
    ///
    /// With `ipsla` the far end must be an IP SLA responder: `pmip sla respond`, or a router's. With
    /// `stamp` any STAMP or TWAMP Light reflector will do.
    ///
    /// Try it on one machine: `pmip sla respond --stamp 8620` in one window, `pmip sla probe --target
    /// 127.0.0.1:8620 --protocol stamp` in another.
    ///
    /// Exit codes: 0 measured, 1 nobody answered, 2 wrong usage or no socket.
    Probe(ProbeArgs),
    /// Answer IP SLA and STAMP measurements until interrupted
    ///
    /// Without options it answers IP SLA on UDP 1167 and 1967 and STAMP on UDP 862, which takes the
    /// right to open ports below 1024; with one of them it answers that protocol alone.
    ///
    /// Standard output has one line when the ports are open, and one with what was done at the end.
    Respond(RespondArgs),
}

/// Protocols of `pmip sla probe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// UDP jitter with the control phase of RFC 6812
    Ipsla,
    /// STAMP (RFC 8762), which TWAMP Light reflectors answer too
    Stamp,
}

/// What both ends must share, where measurements are authenticated.
#[derive(Clone, Debug, Args)]
pub struct KeyArgs {
    /// Authenticate with the secret in this file: STAMP's authenticated mode, HMAC-SHA-256 of IP SLA
    ///
    /// Line ends behind the secret do not count.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Which secret it is, for IP SLA
    #[arg(long, value_name = "ID", default_value_t = 1)]
    key_id: u16,
}

impl KeyArgs {
    /// The secret, where there is to be one.
    fn read(&self) -> Result<Option<Vec<u8>>, Problem> {
        let Some(path) = &self.key_file else {
            return Ok(None);
        };
        let read = std::fs::read(path);
        let mut secret =
            read.map_err(|error| Problem(format!("cannot read {}: {error}", path.display())))?;
        while secret.last().is_some_and(|octet| b"\r\n".contains(octet)) {
            secret.pop();
        }
        if secret.is_empty() {
            return Err(Problem(format!(
                "{} is empty: write the secret that both ends share into it",
                path.display()
            )));
        }
        Ok(Some(secret))
    }
}

/// What keeps a command from doing what it is for, in a sentence for the user.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Problem(String);

/// Runs the command; its exit code.
pub fn main(command: &SlaCommand) -> u8 {
    let done = match command {
        SlaCommand::Probe(args) => probe::run(args),
        SlaCommand::Respond(args) => respond::run(args),
    };
    done.unwrap_or_else(|problem| {
        let _ = writeln!(std::io::stderr(), "pmip: {problem}");
        2
    })
}

/// Prints a line on standard output; who closed it early wants no more.
fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
