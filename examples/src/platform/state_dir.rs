//! What a node remembers from one start to the next: its Restart Counter (RFC 5847 section 3.4).

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// What this start is told by earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    /// The Restart Counter of this start.
    pub counter: u32,
    /// Whether an earlier start is known: its state is lost, so peers may hold bindings of it.
    pub restarted: bool,
}

/// The file of the Restart Counter.
const COUNTER: &str = "restart-counter";

/// A raised Restart Counter; where the directory does not remember it, one from the wall clock,
/// which is said.
pub fn restart(directory: &Path) -> Restart {
    raise_restart_counter(directory).unwrap_or_else(|error| {
        let directory = directory.display();
        tracing::warn!(
            "cannot remember restarts in {directory}: {error}; using the wall clock. Choose a directory with --state-dir"
        );
        forgetful_restart()
    })
}

/// The Restart Counter of the last start, where `directory` remembers it.
pub fn restart_counter(directory: &Path) -> Option<u32> {
    read_counter(&directory.join(COUNTER)).ok().flatten()
}

/// Raises the Restart Counter in `directory` and returns the new value.
///
/// # Errors
/// When the directory cannot be made or written, or holds something else in that file.
pub fn raise_restart_counter(directory: &Path) -> io::Result<Restart> {
    fs::create_dir_all(directory)?;
    let file = directory.join(COUNTER);
    let before = read_counter(&file)?;
    let counter = before.unwrap_or(0).wrapping_add(1);
    let written = directory.join("restart-counter.new");
    let mut out = fs::File::create(&written)?;
    writeln!(out, "{counter}")?;
    out.sync_all()?;
    fs::rename(&written, &file)?;
    Ok(Restart {
        counter,
        restarted: before.is_some(),
    })
}

/// A Restart Counter for a node that cannot remember: the wall clock's seconds, which grow from
/// start to start as long as the clock does.
pub fn forgetful_restart() -> Restart {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = seconds.map_or(1, |since| since.as_secs());
    Restart {
        counter: (seconds & u64::from(u32::MAX)) as u32,
        restarted: true,
    }
}

/// 32 octets that nobody can guess, from the kernel.
///
/// # Errors
/// When `/dev/urandom` cannot be read.
pub fn random_seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    fs::File::open("/dev/urandom")?.read_exact(&mut seed)?;
    Ok(seed)
}

fn read_counter(file: &Path) -> io::Result<Option<u32>> {
    match fs::read_to_string(file) {
        Ok(text) => parse_counter(&text, file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse_counter(text: &str, file: &Path) -> io::Result<u32> {
    text.trim().parse().map_err(|_| {
        let what = format!(
            "{} holds no number: remove it to start from 1",
            file.display()
        );
        io::Error::new(io::ErrorKind::InvalidData, what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temporary(name: &str) -> std::path::PathBuf {
        let name = format!("pmip-state-{}-{name}", std::process::id());
        std::env::temp_dir().join(name)
    }

    #[test]
    fn the_counter_grows_by_one_with_every_start() {
        let directory = temporary("grows");
        let first = raise_restart_counter(&directory).expect("first start");
        let second = raise_restart_counter(&directory).expect("second start");
        fs::remove_dir_all(&directory).expect("clean up");
        assert_eq!((first.counter, first.restarted), (1, false));
        assert_eq!((second.counter, second.restarted), (2, true));
    }

    #[test]
    fn a_counter_that_is_no_number_is_refused_rather_than_reset() {
        let directory = temporary("broken");
        fs::create_dir_all(&directory).expect("a directory");
        fs::write(directory.join("restart-counter"), "many\n").expect("a file");
        let error = raise_restart_counter(&directory).expect_err("not a number");
        fs::remove_dir_all(&directory).expect("clean up");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
