//! The local mobility anchor.

use std::process::ExitCode;

use clap::Parser;
use pmip_examples::config::node::Role;
use pmip_examples::node::cli::{self, NodeArgs};

/// Local mobility anchor of multipath Proxy Mobile IPv6
///
/// Gives mobile nodes their addresses and mobile networks their prefixes, and reaches them through
/// tunnels to the access gateways, over all paths of each. Runs in the foreground; prints
/// `ready ID` when its sockets are bound. SIGTERM ends it.
///
/// Needs CAP_NET_ADMIN and CAP_NET_RAW. To see a domain at work without: pmip lab --sim
#[derive(Parser)]
#[command(version, after_help = "Watch it with: pmip show bindings")]
struct Arguments {
    #[command(flatten)]
    node: NodeArgs,
}

fn main() -> ExitCode {
    cli::main("lma", Role::Lma, &Arguments::parse().node)
}
