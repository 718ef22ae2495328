//! The engine of a node, of either role.

use pmip_binding::config::ConfigErrors;
use pmip_binding::{BindingStatus, ClockAnchor, Input, Lma, Mag, Output, PathStatus, Stats};
use pmip_tunnel::Role as TunnelRole;
use pmip_wire::types::{Instant, PathId};

use crate::config::node::Engine as EngineConfig;

/// An anchor's or an access gateway's engine.
pub enum NodeEngine {
    /// A local mobility anchor.
    Lma(Box<Lma>),
    /// A mobile access gateway.
    Mag(Box<Mag>),
}

impl NodeEngine {
    /// The engine that `config` asks for.
    ///
    /// # Errors
    /// Every mistake in the configuration.
    pub fn new(
        config: EngineConfig,
        seed: [u8; 32],
        anchor: ClockAnchor,
        now: Instant,
    ) -> Result<Self, ConfigErrors> {
        match config {
            EngineConfig::Lma(config) => {
                Lma::new(config, seed, anchor, now).map(|lma| Self::Lma(Box::new(lma)))
            }
            EngineConfig::Mag(config) => {
                Mag::new(config, seed, anchor, now).map(|mag| Self::Mag(Box::new(mag)))
            }
        }
    }

    /// Tells the engine what happened.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        match self {
            Self::Lma(lma) => lma.handle_input(now, input),
            Self::Mag(mag) => mag.handle_input(now, input),
        }
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Output {
        match self {
            Self::Lma(lma) => lma.poll_output(),
            Self::Mag(mag) => mag.poll_output(),
        }
    }

    /// Which end of the tunnels it is.
    pub fn tunnel_role(&self) -> TunnelRole {
        match self {
            Self::Lma(_) => TunnelRole::Lma,
            Self::Mag(_) => TunnelRole::Mag,
        }
    }

    /// The roaming interface that carries `path` (MAG).
    pub fn interface_of(&self, path: PathId) -> Option<u8> {
        match self {
            Self::Lma(_) => None,
            Self::Mag(mag) => mag.interface_of(path),
        }
    }

    /// Whether nothing keeps the program from ending after a shutdown.
    pub fn is_shut_down(&self) -> bool {
        match self {
            Self::Lma(_) => true,
            Self::Mag(mag) => mag.is_shut_down(),
        }
    }

    /// The mobility sessions, in order of their number.
    pub fn bindings(&self, now: Instant) -> Vec<BindingStatus> {
        match self {
            Self::Lma(lma) => lma.bindings(now).collect(),
            Self::Mag(mag) => mag.bindings(now).collect(),
        }
    }

    /// The paths, in order of their number.
    pub fn paths(&self) -> Vec<PathStatus> {
        match self {
            Self::Lma(lma) => lma.paths().collect(),
            Self::Mag(mag) => mag.paths().collect(),
        }
    }

    /// Counters since the start.
    pub fn stats(&self) -> &Stats {
        match self {
            Self::Lma(lma) => lma.stats(),
            Self::Mag(mag) => mag.stats(),
        }
    }
}
