//! What the programs `mag`, `lma` and `pmip` are made of.
//!
//! Everything that touches Linux, text or a screen lives here; protocol, path-choice and packet
//! logic never does.

pub mod access;
pub mod config;
pub mod control;
pub mod host;
pub mod lab;
pub mod node;
pub mod platform;
pub mod sla;
pub mod top;
pub mod view;

/// The README's example compiles and runs with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct ReadmeExamples;
