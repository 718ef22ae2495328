//! The node's side of the control socket.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{Request, Response};
use crate::node::NodeInput;

/// Octets of a request at most.
const LONGEST_REQUEST: u64 = 64 * 1024;
/// Operators served at once.
const MOST_CLIENTS: usize = 16;
/// An operator that says nothing for this long is disconnected.
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
    /// When another program answers there, or the file system refuses.
    pub fn open(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent().filter(|directory| !directory.exists()) {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true).mode(0o700).create(directory)?;
        }
        if path.exists() {
            if StdUnixStream::connect(path).is_ok() {
                return Err(io::Error::new(
                    io::ErrorKind::AddrInUse,
                    "another running node has it; choose another with --control or --id",
                ));
            }
            fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
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
        let response = answer(&line, &inbox).await;
        let mut text = serde_json::to_vec(&response)?;
        text.push(b'\n');
        write.write_all(&text).await?;
        if !complete {
            return Ok(());
        }
    }
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
