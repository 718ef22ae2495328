//! The operator's side of the control socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Request, Response, What};
use crate::config::node::Role;
use crate::view::plain_lines;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a node called `id` has its control socket when nobody says otherwise:
/// `/run/pmip/ID.sock` as root, `$XDG_RUNTIME_DIR/pmip/ID.sock` without.
pub fn default_path(id: &str) -> PathBuf {
    directory().join(format!("{id}.sock"))
}

/// The socket to ask: the one given, else that of the only running node, or of the only one of
/// this role.
///
/// # Errors
/// When no node runs here, or several do and none was named.
pub fn find(given: Option<&Path>, role: Option<Role>) -> Result<PathBuf> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    let directories = [directory(), PathBuf::from("/run/pmip")];
    let mut running: Vec<PathBuf> = directories.iter().flat_map(|dir| sockets(dir)).collect();
    running.sort();
    running.dedup();
    running.retain(|path| UnixStream::connect(path).is_ok());
    if running.len() > 1
        && let Some(role) = role
    {
        running.retain(|path| is_of(path, role));
    }
    match running.as_slice() {
        [only] => Ok(only.clone()),
        [] => bail!(
            "no running node found in {}; start `lma` or `mag`, or name its socket with --control",
            directory().display()
        ),
        several => {
            let names: Vec<String> = several
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            bail!(
                "several nodes run here; choose one with --control:\n  {}",
                names.join("\n  ")
            )
        }
    }
}

/// Wrong usage or configuration: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(pub String);

/// Asks the node at `socket`.
///
/// # Errors
/// When it does not answer, or says no.
pub fn ask(socket: &Path, request: &Request) -> Result<Value> {
    let place = || format!("asking the node at {}", socket.display());
    let mut stream = UnixStream::connect(socket).with_context(place)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line).with_context(place)?;
    let mut answer = String::new();
    BufReader::new(stream)
        .read_line(&mut answer)
        .with_context(place)?;
    match serde_json::from_str(&answer).with_context(place)? {
        Response::Ok(value) => Ok(value),
        Response::Error(error) => bail!("{}", plain_lines(&error)),
        Response::WrongConfiguration(report) => Err(Wrong(report).into()),
    }
}

/// Asks the node at `socket` to go on telling; `take` gets the answer, then each line, until it
/// returns false or the node ends.
///
/// # Errors
/// When it does not answer, says no, or says what is no JSON.
pub fn watch(socket: &Path, request: &Request, mut take: impl FnMut(&Value) -> bool) -> Result<()> {
    let place = || format!("watching the node at {}", socket.display());
    let mut stream = UnixStream::connect(socket).with_context(place)?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line).with_context(place)?;
    let mut lines = BufReader::new(stream).lines();
    let first = lines
        .next()
        .context("the node ended")?
        .with_context(place)?;
    match serde_json::from_str(&first).with_context(place)? {
        Response::Ok(Value::Null) => {}
        Response::Ok(value) => {
            if !take(&value) {
                return Ok(());
            }
        }
        Response::Error(error) => bail!("{}", plain_lines(&error)),
        Response::WrongConfiguration(report) => return Err(Wrong(report).into()),
    }
    for line in lines {
        let value: Value = serde_json::from_str(&line.with_context(place)?).with_context(place)?;
        if !take(&value) {
            break;
        }
    }
    Ok(())
}

fn is_of(socket: &Path, role: Role) -> bool {
    let globals = ask(socket, &Request::show(What::Globals));
    let found = globals.ok().and_then(|globals| {
        let role = globals.get("role")?.as_str()?;
        Some(role.to_ascii_uppercase())
    });
    found == Some(role.to_string())
}

fn directory() -> PathBuf {
    if nix::unistd::geteuid().is_root() {
        return PathBuf::from("/run/pmip");
    }
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    runtime.unwrap_or_else(std::env::temp_dir).join("pmip")
}

fn sockets(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "sock")
        })
        .collect()
}
