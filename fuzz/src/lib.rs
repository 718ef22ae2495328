//! Fuzz bodies: each takes any octets and panics where a promise of the crates is broken.
//!
//! `fuzz_targets/` runs them under libFuzzer (`cargo +nightly fuzz run TARGET`), `tests/replay.rs`
//! replays the committed corpora and mutations of them in plain `cargo test`. The seeds come from
//! `cargo run -p pmip-fuzz --example seed_corpus` and `--example seed_captures`.
#![forbid(unsafe_code)]

pub mod classify;
pub mod decap;
pub mod encap_decap;
mod engine;
pub mod ipv6_walk;
pub mod lma_datagrams;
pub mod mag_datagrams;
pub mod message_decode;
pub mod message_encode;
pub mod options_iter;
pub mod pcap_reader;
pub mod scenario;
pub mod segment_coalesce;
pub mod sla_engines;
pub mod sla_packets;
pub mod traffic_selector;
pub mod udp_framing;

/// A fuzz body.
pub type Body = fn(&[u8]);

/// Every target by name, for replay.
pub const TARGETS: &[(&str, Body)] = &[
    ("classify", classify::run),
    ("decap", decap::run),
    ("encap_decap", encap_decap::run),
    ("ipv6_walk", ipv6_walk::run),
    ("lma_datagrams", lma_datagrams::run),
    ("mag_datagrams", mag_datagrams::run),
    ("message_decode", message_decode::run),
    ("message_encode", message_encode::run),
    ("options_iter", options_iter::run),
    ("pcap_reader", pcap_reader::run),
    ("scenario", scenario::run),
    ("segment_coalesce", segment_coalesce::run),
    ("sla_engines", sla_engines::run),
    ("sla_packets", sla_packets::run),
    ("udp_framing", udp_framing::run),
    ("traffic_selector", traffic_selector::run),
];
