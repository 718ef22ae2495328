//! The node's side of the control socket.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot};

use super::{Request, Response};
use crate::node::{NodeInput, Watch};

/// Octets of a request at most.
const LONGEST_REQUEST: u64 = 64 * 1024;
/// Operators served at once.
const MOST_CLIENTS: usize = 16;
/// Operators that may wait to be served.
const BACKLOG: i32 = 16;
/// An operator that says nothing, or takes no answer, for this long is disconnected.
const PATIENCE: Duration = Duration::from_secs(60);

/// A control socket in the file system; dropping it removes the file.
pub struct ControlSocket {
    path: PathBuf,
    listener: Option<UnixListener>,
}

impl ControlSocket {
    /// Opens the socket at `path` with mode 0600, its directory, when it is not there, with 0700.
    ///
    /// # Errors
    /// When another program answers there, something else has the name, strangers may write to the
    /// directory, or the file system refuses.
    pub fn open(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent().filter(|path| !path.as_os_str().is_empty()) {
            if !directory.exists() {
                let mut builder = fs::DirBuilder::new();
                builder.recursive(true).mode(0o700).create(directory)?;
            }
            check_owner(directory)?;
        }
        make_way(path)?;
        let listener = bind(path)?;
        Ok(Self {
            path: path.to_owned(),
            listener: Some(listener),
        })
    }

    /// Serves operators until the node is gone; requests go to `inbox`.
    pub fn serve(&mut self, inbox: mpsc::Sender<NodeInput>) {
        if let Some(listener) = self.listener.take() {
            tokio::spawn(accept(listener, inbox));
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // Gone already is just as well.
        let _ = fs::remove_file(&self.path);
    }
}

/// Refuses a directory in which somebody else could put a socket of their own in our place.
fn check_owner(directory: &Path) -> io::Result<()> {
    let facts = fs::metadata(directory)?;
    let ours = [0, nix::unistd::geteuid().as_raw()].contains(&facts.uid());
    let (shared, sticky) = (facts.mode() & 0o002 != 0, facts.mode() & 0o1000 != 0);
    if ours && (!shared || sticky) {
        return Ok(());
    }
    let directory = directory.display();
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("others may write to {directory}; choose another place with --control"),
    ))
}

/// Removes what a node that crashed left behind, and nothing else.
fn make_way(path: &Path) -> io::Result<()> {
    let there = match fs::symlink_metadata(path) {
        Ok(there) => there.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !there.is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "there is a file that is no socket; choose another place with --control",
        ));
    }
    match StdUnixStream::connect(path) {
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another running node has it; choose another with --control or --id",
        )),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

/// The mode is the socket's before it has a name: at no moment can others connect.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
    let descriptor = fs::File::from(OwnedFd::from(socket.try_clone()?));
    descriptor.set_permissions(fs::Permissions::from_mode(0o600))?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    UnixListener::from_std(StdUnixListener::from(OwnedFd::from(socket)))
}

async fn accept(listener: UnixListener, inbox: mpsc::Sender<NodeInput>) {
    let places = Arc::new(Semaphore::new(MOST_CLIENTS));
    while let Ok(place) = places.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let inbox = inbox.clone();
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, inbox).await {
                        tracing::debug!("control socket: {error}");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!("control socket: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn converse(stream: UnixStream, inbox: mpsc::Sender<NodeInput>) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut read).take(LONGEST_REQUEST);
        let reading = limited.read_until(b'\n', &mut line);
        let length = tokio::time::timeout(PATIENCE, reading).await??;
        if length == 0 {
            return Ok(());
        }
        let complete = line.ends_with(b"\n");
        if let Ok(Request::Monitor { changes }) = serde_json::from_slice(&line) {
            return monitor(changes, &mut read, &mut write, &inbox).await;
        }
        let response = answer(&line, &inbox).await;
        send(&mut write, &response).await?;
        if !complete {
            return Ok(());
        }
    }
}

async fn send(write: &mut OwnedWriteHalf, response: &Response) -> io::Result<()> {
    let mut text = serde_json::to_vec(response)?;
    text.push(b'\n');
    tokio::time::timeout(PATIENCE, write.write_all(&text)).await?
}

/// Tells of everything until the watcher goes.
async fn monitor(
    changes: bool,
    read: &mut BufReader<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
    inbox: &mpsc::Sender<NodeInput>,
) -> io::Result<()> {
    let (first, mut lines) = match watch(changes, inbox).await {
        Ok(watched) => watched,
        Err(why) => return send(write, &Response::Error(why)).await,
    };
    send(write, &Response::Ok(first)).await?;
    let mut octet = [0];
    loop {
        let line = tokio::select! {
            line = lines.recv() => line,
            // Whatever it says or that it goes: the watching is over.
            _ = read.read(&mut octet) => return Ok(()),
        };
        let text = match line {
            Ok(line) => format!("{line}\n"),
            Err(RecvError::Lagged(count)) => {
                let lost = serde_json::json!({ "event": "lost", "count": count });
                format!("{lost}\n")
            }
            Err(RecvError::Closed) => return Ok(()),
        };
        tokio::time::timeout(PATIENCE, write.write_all(text.as_bytes())).await??;
    }
}

async fn watch(
    changes: bool,
    inbox: &mpsc::Sender<NodeInput>,
) -> Result<(Value, broadcast::Receiver<Arc<str>>), String> {
    let stopping = || "the node is stopping".to_owned();
    let ask = async |watch| {
        let sent = inbox.send(NodeInput::Watch(watch)).await;
        sent.map_err(|_| stopping())
    };
    if !changes {
        let (sender, receiver) = oneshot::channel();
        ask(Watch::Events(sender)).await?;
        let lines = receiver.await.map_err(|_| stopping())?;
        return Ok((Value::Null, lines));
    }
    let (sender, receiver) = oneshot::channel();
    ask(Watch::Changes(sender)).await?;
    let state = receiver.await;
    let (snapshot, lines) = state.map_err(|_| "only an LMA keeps bindings".to_owned())?;
    let snapshot = serde_json::to_value(snapshot).map_err(|error| error.to_string())?;
    Ok((serde_json::json!({ "snapshot": snapshot }), lines))
}

async fn answer(line: &[u8], inbox: &mpsc::Sender<NodeInput>) -> Response {
    let request: Request = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(error) => return Response::Error(format!("not a request: {error}")),
    };
    let stopping = || Response::Error("the node is stopping".into());
    let (sender, receiver) = oneshot::channel();
    if inbox
        .send(NodeInput::Control(request, sender))
        .await
        .is_err()
    {
        return stopping();
    }
    receiver.await.unwrap_or_else(|_| stopping())
}
