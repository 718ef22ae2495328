//! The mobile access gateway.

use pmip_wire::types::{Instant, PathId};

use crate::config::{ConfigErrors, MagConfig};
use crate::input::Input;
use crate::io::{ClockAnchor, Output};
use crate::status::{BindingStatus, PathStatus, Stats};

/// A mobile access gateway: binding update list, paths.
#[derive(Clone, Debug)]
pub struct Mag {
    config: MagConfig,
    stats: Stats,
}

impl Mag {
    /// A gateway whose roaming interfaces are all down: tell it what is up by
    /// [`Input::Interface`].
    ///
    /// `seed` makes what must not be guessed; `anchor` ties `now` to wall-clock time.
    ///
    /// # Errors
    /// Every mistake of `config`.
    pub fn new(
        config: MagConfig,
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
    pub fn config(&self) -> &MagConfig {
        &self.config
    }

    /// The position, from 1, of the roaming interface that carries `path`.
    pub fn interface_of(&self, _path: PathId) -> Option<u8> {
        None
    }

    /// Whether a shutdown is complete: everything is de-registered or given up.
    pub fn is_shut_down(&self) -> bool {
        false
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
