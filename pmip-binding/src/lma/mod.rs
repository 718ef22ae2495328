//! The local mobility anchor.

use pmip_wire::types::Instant;

use crate::config::{ConfigErrors, LmaConfig};
use crate::input::Input;
use crate::io::{ClockAnchor, Output};
use crate::status::{BindingStatus, PathStatus, Stats};

/// A local mobility anchor: binding cache, pools, paths.
#[derive(Clone, Debug)]
pub struct Lma {
    config: LmaConfig,
    stats: Stats,
}

impl Lma {
    /// An anchor with an empty binding cache.
    ///
    /// `seed` makes what must not be guessed; `anchor` ties `now` to wall-clock time.
    ///
    /// # Errors
    /// Every mistake of `config`.
    pub fn new(
        config: LmaConfig,
        _seed: [u8; 32],
        _anchor: ClockAnchor,
        _now: Instant,
    ) -> Result<Self, ConfigErrors> {
        config.validate()?;
        Ok(Self {
            config,
            stats: Stats::default(),
        })
    }

    /// Tells the engine what happened at `now`. A clock that goes back counts as standing still.
    pub fn handle_input(&mut self, _now: Instant, _input: Input) {}

    /// What to do next; call until it returns [`Output::Timeout`].
    pub fn poll_output(&mut self) -> Output {
        Output::Timeout(None)
    }

    /// The configuration in force.
    pub fn config(&self) -> &LmaConfig {
        &self.config
    }

    /// The mobility sessions, in order of their number.
    pub fn bindings(&self, _now: Instant) -> impl Iterator<Item = BindingStatus> + '_ {
        std::iter::empty()
    }

    /// The paths, in order of their number.
    pub fn paths(&self) -> impl Iterator<Item = PathStatus> + '_ {
        std::iter::empty()
    }

    /// Counters since the start.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }
}
