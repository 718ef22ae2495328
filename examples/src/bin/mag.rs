//! The mobile access gateway.

use std::process::ExitCode;

use clap::Parser;
use pmip_examples::config::node::Role;
use pmip_examples::node::cli::{self, NodeArgs};

/// Mobile access gateway of multipath Proxy Mobile IPv6
///
/// Registers its mobile nodes and mobile networks with a local mobility anchor over every roaming
/// interface, and tunnels their traffic over all of them. Runs in the foreground; prints
/// `ready ID` when its sockets are bound. SIGTERM de-registers and ends it.
///
/// Needs CAP_NET_ADMIN and CAP_NET_RAW. To see a domain at work without: pmip lab --sim
#[derive(Parser)]
#[command(version, after_help = "Watch it with: pmip show paths")]
struct Arguments {
    #[command(flatten)]
    node: NodeArgs,
}

fn main() -> ExitCode {
    cli::main("mag", Role::Mag, &Arguments::parse().node)
}
