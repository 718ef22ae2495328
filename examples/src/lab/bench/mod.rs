//! `pmip lab bench`: what our tunnel costs, against plain routing, a kernel VXLAN tunnel, openvpn and
//! wireguard-go, on one machine in one call, and which of our goals that reaches.
//!
//! Rounds alternate through all carriers, because the speed of a machine swings by half within an
//! hour; what counts are the medians of the ratios within each round.

mod carrier;
mod daemon;
mod goals;
mod measure;
mod node;
mod peers;
mod report;
mod shaped;
mod topology;

use std::io::Write;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use carrier::{Carrier, Carriers};
use measure::Figures;
use report::Report;
use topology::Topology;

/// Arguments of `pmip lab bench`.
#[derive(Clone, Debug, Args)]
pub struct BenchArgs {
    /// Rounds; the medians of their ratios are printed
    #[arg(long, default_value_t = 3)]
    pub rounds: u32,
    /// Seconds of each bulk transfer
    #[arg(long, default_value_t = 1.0)]
    pub seconds: f64,
    /// Worker threads of each of our tunnel ends; without it as many as serve best
    #[arg(long, value_name = "N")]
    pub workers: Option<usize>,
    /// Print one JSON object and nothing else on standard output
    #[arg(long)]
    pub json: bool,
    /// Run as one tunnel end of a bench (used by the bench itself)
    #[arg(long, hide = true, value_name = "JSON")]
    pub node: Option<String>,
}

/// Runs the bench, or one of its tunnel ends; returns the exit code.
pub fn run(args: &BenchArgs) -> i32 {
    let outcome = match &args.node {
        Some(spec) => serde_json::from_str(spec)
            .context("reading --node")
            .and_then(|spec| node::run(&spec)),
        None => bench(args),
    };
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            // Standard output is for figures alone.
            let _ = writeln!(std::io::stderr(), "pmip lab bench: {error:#}");
            1
        }
    }
}

fn bench(args: &BenchArgs) -> Result<()> {
    let topology = Topology::build()?;
    let mut carriers = Carriers::start(&topology, args.workers)?;
    let duration = Duration::from_secs_f64(args.seconds.clamp(0.2, 60.0));
    let absent = carriers.absent();
    for (carrier, why) in &absent {
        progress("");
        let _ = writeln!(std::io::stderr(), "SKIP {}: {why}", carrier.name());
    }
    let mut report = Report::new(absent);
    for round in 1..=args.rounds.max(1) {
        for carrier in carriers.available() {
            progress(&format!(
                "round {round} of {}: {}",
                args.rounds,
                carrier.name()
            ));
            let figures = measure_one(&topology, &mut carriers, carrier, duration)
                .with_context(|| format!("measuring {}", carrier.name()))?;
            report.add(carrier, figures);
        }
    }
    progress("two unequal paths");
    report.shaped = Some(shaped::run(&topology, &mut carriers));
    progress("");
    let text = match args.json {
        true => serde_json::to_string_pretty(&report.json())?,
        false => report.text(),
    };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

fn measure_one(
    topology: &Topology,
    carriers: &mut Carriers<'_>,
    carrier: Carrier,
    duration: Duration,
) -> Result<Figures> {
    carriers.switch_to(carrier)?;
    let streams = carrier.streams();
    let up = (&topology.host, &topology.peer, topology::PEER);
    let down = (&topology.peer, &topology.host, topology::HOST);
    // The first packets find neighbours and warm caches.
    measure::round_trips(up, 20)?;
    let before = carriers.processor_time(carrier)?;
    let tcp_up = measure::tcp(up, streams, duration)?;
    let tcp_down = measure::tcp(down, streams, duration)?;
    let used = carriers.processor_time(carrier)?.saturating_sub(before);
    let gigabits = (tcp_up + tcp_down) * duration.as_secs_f64();
    let up6 = (&topology.host, &topology.peer, topology::PEER6);
    measure::round_trips(up6, 20)?;
    let tcp_ipv6_up = measure::tcp(up6, streams, duration)?;
    let idle = measure::round_trips(up, 2_000)?;
    let loaded = measure::round_trips_under_load(up, duration)?;
    Ok(Figures {
        tcp_up,
        tcp_down,
        tcp_ipv6_up,
        cpu_seconds_per_gigabit: used.as_secs_f64() / gigabits.max(1e-9),
        rtt_idle_us: idle,
        rtt_loaded_us: loaded,
        udp_1400: measure::udp(up, 1_400)?,
        udp_64: measure::udp(up, 64)?,
    })
}

/// Overwrites one line on standard error.
fn progress(text: &str) {
    let _ = write!(std::io::stderr(), "\r\x1b[K{text}");
    let _ = std::io::stderr().flush();
}

/// This program as one tunnel end.
fn node_command(spec: &node::NodeSpec) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("finding this program")?);
    command.args(["lab", "bench", "--node", &serde_json::to_string(spec)?]);
    Ok(command)
}
