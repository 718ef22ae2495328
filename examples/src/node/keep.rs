//! An LMA's bindings over a restart: what is loaded at the start, kept from time to time, and
//! written at the end.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pmip_binding::snapshot::{LmaSnapshot, RefusalReason, RestoreError};
use pmip_binding::{ClockAnchor, Lma, LmaConfig};
use pmip_wire::types::Instant;
use tokio::sync::{mpsc, oneshot};

use super::NodeInput;
use crate::platform::snapshot::{Kept, SnapshotStore};
use crate::platform::state_dir::{Restart, restart, restart_counter};

/// How often the bindings of a running anchor are written, when something came meanwhile. Taking
/// them stops signalling for a moment (about a microsecond a binding); writing them does not.
const INTERVAL: Duration = Duration::from_secs(60);

/// What a start goes on with.
#[derive(Debug)]
pub(super) struct Resumed {
    pub(super) restart: Restart,
    pub(super) snapshot: Option<LmaSnapshot>,
}

/// Goes on with what an earlier start kept. Its Restart Counter is kept too, where no binding can
/// be missing; else it is raised, so that the gateways register anew (RFC 5847 section 3.4).
pub(super) fn resume(
    config: &LmaConfig,
    directory: &Path,
    anchor: ClockAnchor,
    now: Instant,
) -> Resumed {
    let store = SnapshotStore::new(directory, &config.identity);
    let kept = store.load().and_then(|kept| {
        let Some(kept) = kept else { return Ok(None) };
        let intact = is_intact(config, &kept, anchor, now).map_err(|why| store.refuse(&why))?;
        Ok(Some((kept, intact)))
    });
    let (kept, intact) = match kept {
        Ok(Some((kept, intact))) => (kept, intact),
        Ok(None) => return raised(directory, None),
        Err(why) => {
            tracing::error!("starting without bindings: {why}");
            return raised(directory, None);
        }
    };
    let counter = kept.snapshot.restart_counter;
    if !intact || restart_counter(directory) != Some(counter) {
        tracing::warn!("some bindings may be missing: the gateways are asked to register anew");
        return raised(directory, Some(kept.snapshot));
    }
    let restart = Restart {
        counter,
        restarted: true,
    };
    let snapshot = Some(kept.snapshot);
    Resumed { restart, snapshot }
}

fn raised(directory: &Path, snapshot: Option<LmaSnapshot>) -> Resumed {
    let restart = restart(directory);
    Resumed { restart, snapshot }
}

/// Whether everything goes on that gateways may believe in; `Err`: nothing can be used.
fn is_intact(
    config: &LmaConfig,
    kept: &Kept,
    anchor: ClockAnchor,
    now: Instant,
) -> Result<bool, String> {
    match Lma::restore(config.clone(), &kept.snapshot, [0; 32], anchor, now) {
        Ok((_, refusals)) => {
            let mut refusals = refusals.iter();
            let lost = refusals.any(|refusal| refusal.reason != RefusalReason::Lapsed);
            Ok(kept.complete && !lost)
        }
        // The start finds the same mistakes, and says them.
        Err(RestoreError::Config(_)) => Ok(false),
        Err(error) => Err(error.to_string()),
    }
}

/// Writes an anchor's bindings.
#[derive(Clone, Debug)]
pub(super) struct Keeper {
    /// Locked while writing; `None` after the last time.
    store: Arc<Mutex<Option<SnapshotStore>>>,
}

impl Keeper {
    /// Keeps the bindings of the node called `id` in `directory`.
    pub(super) fn new(directory: &Path, id: &str) -> Self {
        let store = SnapshotStore::new(directory, id);
        Self {
            store: Arc::new(Mutex::new(Some(store))),
        }
    }

    /// Asks the node for its bindings from time to time, as long as there is a node.
    pub(super) fn keep_on(&self, inbox: mpsc::Sender<NodeInput>) {
        let keeper = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(INTERVAL).await;
                let (sender, receiver) = oneshot::channel();
                if inbox.send(NodeInput::Keep(sender)).await.is_err() {
                    return;
                }
                // No answer: nothing has changed.
                let Ok(snapshot) = receiver.await else {
                    continue;
                };
                let keeper = keeper.clone();
                let _ = tokio::task::spawn_blocking(move || keeper.write(&snapshot, false)).await;
            }
        });
    }

    /// Writes them for the last time: nothing changes any more.
    pub(super) fn finish(&self, snapshot: &LmaSnapshot) {
        self.write(snapshot, true);
    }

    fn write(&self, snapshot: &LmaSnapshot, last: bool) {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(written) = store.as_ref() else {
            return;
        };
        if let Err(error) = written.save(snapshot, last) {
            tracing::error!("cannot write the bindings, a restart would lose them: {error}");
        }
        if last {
            *store = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::platform::state_dir::raise_restart_counter;

    /// A place where an anchor ran once.
    struct Place {
        directory: PathBuf,
        config: LmaConfig,
    }

    const ANCHOR: ClockAnchor = ClockAnchor {
        instant: Instant::ZERO,
        unix: Duration::from_secs(1_700_000_000),
    };

    impl Place {
        fn new(name: &str) -> Self {
            let name = format!("pmip-keep-{}-{name}", std::process::id());
            let directory = std::env::temp_dir().join(name);
            let first = raise_restart_counter(&directory).expect("a first start");
            let mut config = LmaConfig::new("LMA1");
            config.ipv4_address = Some("192.0.2.1".parse().expect("an address"));
            config.restart_counter = first.counter;
            Self { directory, config }
        }

        fn keep(&self, last: bool) {
            let config = self.config.clone();
            let lma = Lma::new(config, [1; 32], ANCHOR, Instant::ZERO).expect("valid");
            let keeper = Keeper::new(&self.directory, "LMA1");
            keeper.write(&lma.snapshot(), last);
            // What is written late must not take the place of the last word.
            if last {
                keeper.write(&lma.snapshot(), false);
            }
        }

        fn resume(&self) -> (u32, bool) {
            let resumed = resume(&self.config, &self.directory, ANCHOR, Instant::ZERO);
            (resumed.restart.counter, resumed.snapshot.is_some())
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.directory).expect("clean up");
        }
    }

    #[test]
    fn the_counter_is_kept_only_after_an_end_in_order() {
        let place = Place::new("order");
        place.keep(true);
        assert_eq!(place.resume(), (1, true));
        // It crashed without writing again.
        assert_eq!(place.resume(), (2, true));
    }

    #[test]
    fn a_crash_keeps_what_was_written_and_raises_the_counter() {
        let place = Place::new("crash");
        place.keep(false);
        assert_eq!(place.resume(), (2, true));
    }

    #[test]
    fn a_counter_that_went_on_without_the_bindings_is_raised() {
        let place = Place::new("counter");
        place.keep(true);
        raise_restart_counter(&place.directory).expect("another start");
        assert_eq!(place.resume(), (3, true));
    }

    #[test]
    fn a_file_that_is_damaged_means_an_empty_start_with_a_raised_counter() {
        let place = Place::new("damaged");
        fs::write(place.directory.join("bindings.json"), "{}").expect("written");
        assert_eq!(place.resume(), (2, false));
    }
}
