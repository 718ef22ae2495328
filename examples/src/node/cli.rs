//! The programs `mag` and `lma`: arguments, configuration, exit codes.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::logging::{self, LogFormat};
use super::run::run;
use super::start::{Places, Source, refuse_unserved, start};
use super::supervise;
use crate::config::Report;
use crate::config::node::{NodeConfig, Role, select};
use crate::control::client::default_path;

/// Arguments of `mag` and `lma`.
#[derive(Clone, Debug, clap::Args)]
pub struct NodeArgs {
    /// Configuration file: a name ending in .toml is TOML, anything else the configuration
    /// language. Check it with `pmip config check FILE`
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Which node of the file to run, where it has several of this role
    #[arg(long, value_name = "NAME")]
    pub id: Option<String>,
    /// Control socket for `pmip show` and its kin [default: /run/pmip/ID.sock, without root
    /// $XDG_RUNTIME_DIR/pmip/ID.sock]
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,
    /// Where the node remembers its restarts [default: /var/lib/pmip/ID]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Name of the TUN device that tunnelled packets go through
    #[arg(long, value_name = "NAME", default_value = "pmip0", value_parser = device_name)]
    pub tun: String,
    /// Serve metrics for Prometheus at http://ADDR/metrics, such as 127.0.0.1:9437; strangers who
    /// reach it can read them
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<SocketAddr>,
    /// How to log, on standard error
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// Log more: once for every decision, twice for every packet of signalling
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// Wrong usage or configuration.
const WRONG: u8 = 2;

/// Runs a node in the foreground until it is told to stop.
pub fn main(program: &str, role: Role, args: &NodeArgs) -> ExitCode {
    logging::start(args.log_format, args.verbose);
    let config = match configuration(role, args) {
        Ok(config) => config,
        Err(complaint) => {
            let _ = write!(std::io::stderr(), "{complaint}");
            return ExitCode::from(WRONG);
        }
    };
    if let Err(error) = refuse_unserved(&config) {
        let _ = writeln!(std::io::stderr(), "{program}: {error:#}");
        return ExitCode::from(WRONG);
    }
    let places = Places {
        control: args
            .control
            .clone()
            .unwrap_or_else(|| default_path(&file_name(&config.id))),
        state: args
            .state_dir
            .clone()
            .unwrap_or_else(|| Path::new("/var/lib/pmip").join(file_name(&config.id))),
        tun: args.tun.clone(),
        metrics: args.metrics,
        source: Source {
            file: args.config.clone(),
            role,
            id: config.id.clone(),
        },
    };
    match serve(program, config, &places) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{program}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the file and picks the node; `Err` is the whole complaint, ready to print.
fn configuration(role: Role, args: &NodeArgs) -> Result<NodeConfig, String> {
    let colours = std::io::stderr().is_terminal();
    let loaded = crate::config::load(&args.config).map_err(|report| report.render(colours))?;
    warn(&loaded.warnings, args.log_format, colours);
    let file = args.config.display();
    select(&loaded.config, role, args.id.as_deref()).map_err(|errors| format!("{file}: {errors}\n"))
}

/// Warnings for people with their places, for programs one line each.
fn warn(warnings: &Report, format: LogFormat, colours: bool) {
    match format {
        LogFormat::Text if warnings.is_empty() => {}
        LogFormat::Text => {
            let _ = write!(std::io::stderr(), "{}", warnings.render(colours));
        }
        LogFormat::Json => {
            for problem in warnings.problems() {
                let line = warnings.place(problem).map(|(line, _)| line);
                tracing::warn!(event = "configuration", line, "{}", problem.message);
            }
        }
    }
}

fn serve(program: &str, config: NodeConfig, places: &Places) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let id = config.id.clone();
    runtime.block_on(async {
        let mut running = start(program, config, places).await?;
        let now = running.clock.now();
        running.node.finish_turn(now);
        if let Err(error) = announce(&id) {
            // Whoever waited for it is gone; the node is not.
            tracing::warn!("cannot say `ready` on standard output: {error}");
        }
        supervise::ready();
        run(&mut running.node, &mut running.inbox, &mut running.clock).await;
        let fault = running.node.fault();
        running.clean_up().await;
        fault.map_or(Ok(()), |fault| Err(anyhow::anyhow!(fault)))
    })
}

/// Tells whoever started us that the sockets are bound.
fn announce(id: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "ready {id}")?;
    out.flush()
}

/// An identifier as a file name: what would leave the directory is replaced.
fn file_name(id: &str) -> String {
    let safe = |character: char| character.is_alphanumeric() || "-_.@".contains(character);
    let name: String = id
        .chars()
        .map(|character| if safe(character) { character } else { '_' })
        .collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "node" } else { name }.to_owned()
}

fn device_name(text: &str) -> Result<String, String> {
    let fits = (1..=15).contains(&text.len()) && !text.contains(['/', ' ', ':']);
    if fits {
        Ok(text.to_owned())
    } else {
        Err("a device name has 1 to 15 octets, without `/`, `:` or spaces".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_never_leaves_its_directory() {
        assert_eq!(file_name("mag1"), "mag1");
        assert_eq!(file_name("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(file_name(".."), "node");
    }

    #[test]
    fn a_tun_name_that_linux_would_cut_is_refused() {
        assert!(device_name("pmip0").is_ok());
        assert!(device_name("a-name-of-sixteen").is_err());
        assert!(device_name("").is_err());
    }
}
