//! Before a node runs: a first pair of configurations, and whether this host is fit for one.

pub mod doctor;
pub mod init;
