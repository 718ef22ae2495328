//! The engine of a node, of either role.

use pmip_binding::config::ConfigErrors;
use pmip_binding::snapshot::{ChangeRecord, LmaSnapshot, RestoreError};

use pmip_binding::{
    BindingStatus, CustomerStatus, Input, Lma, LmaConfig, Mag, Output, PathStatus, Stats,
};
use pmip_tunnel::Role as TunnelRole;
use pmip_wire::types::{Instant, PathId};

use super::Start;
use crate::config::node::Engine as EngineConfig;

/// An anchor's or an access gateway's engine.
pub enum NodeEngine {
    /// A local mobility anchor.
    Lma(Box<Lma>),
    /// A mobile access gateway.
    Mag(Box<Mag>),
}

impl NodeEngine {
    /// The engine that `config` asks for; an anchor goes on with the snapshot of `start`.
    ///
    /// # Errors
    /// Every mistake in the configuration.
    pub fn new(config: EngineConfig, start: &Start, now: Instant) -> Result<Self, ConfigErrors> {
        let (seed, anchor) = (start.seed, start.anchor);
        match (config, &start.snapshot) {
            (EngineConfig::Lma(config), Some(snapshot)) => {
                restore(config, snapshot, start, now).map(|lma| Self::Lma(Box::new(lma)))
            }
            (EngineConfig::Lma(config), None) => {
                Lma::new(config, seed, anchor, now).map(|lma| Self::Lma(Box::new(lma)))
            }
            (EngineConfig::Mag(config), _) => {
                Mag::new(config, seed, anchor, now).map(|mag| Self::Mag(Box::new(mag)))
            }
        }
    }

    /// The state to keep over a restart (LMA).
    pub fn snapshot(&self) -> Option<LmaSnapshot> {
        match self {
            Self::Lma(lma) => Some(lma.snapshot()),
            Self::Mag(_) => None,
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

    /// How long the binding of a mobile node still lives (MAG); `None` = it has none.
    pub fn remaining(&self, nai: &str, now: Instant) -> Option<std::time::Duration> {
        match self {
            Self::Lma(_) => None,
            Self::Mag(mag) => Some(mag.binding(nai, now)?.remaining),
        }
    }

    /// The customers of an anchor, in the order of the configuration.
    pub fn customers(&self) -> Vec<CustomerStatus> {
        match self {
            Self::Lma(lma) => lma.customers().collect(),
            Self::Mag(_) => Vec::new(),
        }
    }

    /// The paths, in order of their number.
    pub fn paths(&self) -> Vec<PathStatus> {
        match self {
            Self::Lma(lma) => lma.paths().collect(),
            Self::Mag(mag) => mag.paths().collect(),
        }
    }

    /// One path.
    pub fn path_status(&self, path: PathId) -> Option<PathStatus> {
        match self {
            Self::Lma(lma) => lma.path_status(path),
            Self::Mag(mag) => mag.path_status(path),
        }
    }

    /// Starts or ends the noting of changes (LMA).
    pub fn record_changes(&mut self, wanted: bool) {
        if let Self::Lma(lma) = self {
            lma.record_changes(wanted);
        }
    }

    /// The next change of what is to be kept over a restart (LMA).
    pub fn poll_change(&mut self) -> Option<ChangeRecord> {
        match self {
            Self::Lma(lma) => lma.poll_change(),
            Self::Mag(_) => None,
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

/// Refusals that are logged one by one.
const REFUSALS_TOLD: usize = 20;

/// An anchor that goes on with `snapshot`; what it leaves out is logged.
fn restore(
    config: LmaConfig,
    snapshot: &LmaSnapshot,
    start: &Start,
    now: Instant,
) -> Result<Lma, ConfigErrors> {
    match Lma::restore(config.clone(), snapshot, start.seed, start.anchor, now) {
        Ok((lma, refusals)) => {
            for refusal in refusals.iter().take(REFUSALS_TOLD) {
                tracing::warn!("not restored: {:?}: {}", refusal.record, refusal.reason);
            }
            if refusals.len() > REFUSALS_TOLD {
                tracing::warn!("{} more are not restored", refusals.len() - REFUSALS_TOLD);
            }
            let (there, all) = (lma.bindings(now).count(), snapshot.sessions().count());
            tracing::info!("{there} of {all} bindings restored");
            Ok(lma)
        }
        Err(RestoreError::Config(errors)) => Err(errors),
        Err(error) => {
            tracing::error!("starting without bindings: {error}");
            Lma::new(config, start.seed, start.anchor, now)
        }
    }
}
