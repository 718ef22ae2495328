//! An anchor's bindings on disk, so that they outlive the program.
//!
//! Two files, so that their names tell what they are worth: `bindings.json` was written when the
//! program ended and holds every change; `bindings.running.json` is written from time to time and
//! may lack the last ones.

use std::fs;
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use pmip_binding::snapshot::LmaSnapshot;
use serde::{Deserialize, Serialize};

const COMPLETE: &str = "bindings.json";
const RUNNING: &str = "bindings.running.json";

/// Where the bindings of one node are kept.
#[derive(Clone, Debug)]
pub struct SnapshotStore {
    directory: PathBuf,
    node: String,
}

/// Bindings of an earlier start.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// What was written.
    pub snapshot: LmaSnapshot,
    /// Whether it holds every change: the program ended in order.
    pub complete: bool,
}

#[derive(Serialize)]
struct Written<'a> {
    node: &'a str,
    snapshot: &'a LmaSnapshot,
}

#[derive(Deserialize)]
struct Read {
    node: String,
    snapshot: LmaSnapshot,
}

impl SnapshotStore {
    /// The bindings of the node called `node`, in `directory`.
    pub fn new(directory: &Path, node: &str) -> Self {
        Self {
            directory: directory.to_owned(),
            node: node.to_owned(),
        }
    }

    /// What an earlier start left. From now on the program runs, so a complete file is one of a
    /// running program; one that cannot be used is put aside with the ending `.bad`.
    ///
    /// # Errors
    /// Why the file cannot be used, in plain words.
    pub fn load(&self) -> Result<Option<Kept>, String> {
        let (complete, running) = (self.path(COMPLETE), self.path(RUNNING));
        let is_complete = complete.exists();
        if is_complete {
            let why = |error| format!("cannot rename {}: {error}", complete.display());
            fs::rename(&complete, &running).map_err(why)?;
        }
        let file = match fs::File::open(&running) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.set_aside(&running, &error.to_string())),
        };
        let read: Result<Read, _> = serde_json::from_reader(BufReader::new(file));
        match read {
            Ok(read) if read.node != self.node => {
                let why = format!("it holds the bindings of {}", read.node);
                Err(self.set_aside(&running, &why))
            }
            Ok(read) => Ok(Some(Kept {
                snapshot: read.snapshot,
                complete: is_complete,
            })),
            Err(error) => Err(self.set_aside(&running, &error.to_string())),
        }
    }

    /// Writes the bindings; the file is there whole or not at all. `complete`: nothing changes
    /// any more.
    ///
    /// # Errors
    /// When the directory cannot be made or written.
    pub fn save(&self, snapshot: &LmaSnapshot, complete: bool) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let new = self.path("bindings.new");
        let mut options = fs::OpenOptions::new();
        // GRE keys and identifiers are nobody else's business.
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let mut out = BufWriter::new(options.open(&new)?);
        let node = &self.node;
        serde_json::to_writer(&mut out, &Written { node, snapshot })?;
        out.flush()?;
        out.get_ref().sync_all()?;
        drop(out);
        let name = if complete { COMPLETE } else { RUNNING };
        fs::rename(&new, self.path(name))?;
        fs::File::open(&self.directory)?.sync_all()
    }

    /// Puts the file of a running program aside, for its content is of no use.
    pub fn refuse(&self, why: &str) -> String {
        self.set_aside(&self.path(RUNNING), why)
    }

    fn set_aside(&self, file: &Path, why: &str) -> String {
        let bad = file.with_extension("json.bad");
        match fs::rename(file, &bad) {
            Ok(()) => format!("{}: {why}; it is kept as {}", file.display(), bad.display()),
            Err(error) => format!("{}: {why}; it cannot be renamed: {error}", file.display()),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

#[cfg(test)]
mod tests {
    use pmip_binding::{ClockAnchor, Lma, LmaConfig};
    use pmip_wire::types::Instant;

    use super::*;

    fn temporary(name: &str) -> PathBuf {
        let name = format!("pmip-snapshot-{}-{name}", std::process::id());
        std::env::temp_dir().join(name)
    }

    fn snapshot() -> LmaSnapshot {
        let mut config = LmaConfig::new("LMA1");
        config.ipv4_address = Some("192.0.2.1".parse().expect("an address"));
        config.restart_counter = 7;
        let anchor = ClockAnchor {
            instant: Instant::ZERO,
            unix: std::time::Duration::from_secs(1_700_000_000),
        };
        let lma = Lma::new(config, [1; 32], anchor, Instant::ZERO).expect("a valid configuration");
        lma.snapshot()
    }

    #[test]
    fn only_the_file_of_an_ended_program_is_complete_and_only_once() {
        let directory = temporary("complete");
        let store = SnapshotStore::new(&directory, "LMA1");
        assert_eq!(store.load(), Ok(None));
        let snapshot = snapshot();
        store.save(&snapshot, false).expect("written");
        let kept = store.load().expect("readable").expect("there");
        assert_eq!((kept.snapshot, kept.complete), (snapshot.clone(), false));
        store.save(&snapshot, true).expect("written");
        assert!(store.load().expect("readable").expect("there").complete);
        // A program that crashes now has not written anything since.
        assert!(!store.load().expect("readable").expect("there").complete);
        fs::remove_dir_all(&directory).expect("clean up");
    }

    #[test]
    fn what_cannot_be_used_is_told_and_put_aside() {
        let directory = temporary("bad");
        let store = SnapshotStore::new(&directory, "LMA1");
        let other = SnapshotStore::new(&directory, "LMA2");
        other.save(&snapshot(), true).expect("written");
        let why = store.load().expect_err("another node's");
        assert!(why.contains("LMA2"), "{why}");
        assert_eq!(store.load(), Ok(None));
        fs::write(directory.join(RUNNING), "{\"node\":\"LMA1\",").expect("written");
        let why = store.load().expect_err("cut off");
        assert!(why.contains(".bad"), "{why}");
        assert!(directory.join("bindings.running.json.bad").exists());
        fs::remove_dir_all(&directory).expect("clean up");
    }
}
