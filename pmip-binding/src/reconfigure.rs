//! Why a running engine does not take another configuration.

use crate::config::ConfigErrors;
use crate::snapshot::Refusal;

/// Why a running engine did not take another configuration; nothing has changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReconfigureError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Only a new engine can have these settings.
    #[error("only a restart changes: {}", .0.join(", "))]
    Fixed(Vec<&'static str>),
    /// The configuration leaves no place for these (LMA).
    #[error("{} bindings, paths or memories would be lost", .0.len())]
    Lost(Vec<Refusal>),
    /// Revocations or update notifications wait for their answers, for some seconds at most (LMA).
    #[error("answers of gateways are waited for; try again in some seconds")]
    Busy,
}
