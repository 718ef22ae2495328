//! Metrics over HTTP, for Prometheus: `GET /metrics` and nothing else.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{Request, Response};
use crate::node::NodeInput;

/// Octets of a request at most.
const LONGEST_REQUEST: u64 = 8 * 1024;
/// How long a request and its answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Readers served at once; others wait.
static PLACES: Semaphore = Semaphore::const_new(4);

/// Serves metrics at `address` until the node is gone; returns where.
///
/// # Errors
/// When the address is taken or not ours.
pub async fn serve(address: SocketAddr, inbox: mpsc::Sender<NodeInput>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok(place) = PLACES.acquire().await {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let inbox = inbox.clone();
                    tokio::spawn(async move {
                        let _ = tokio::time::timeout(PATIENCE, answer(stream, &inbox)).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!("metrics: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    });
    Ok(address)
}

async fn answer(mut stream: TcpStream, inbox: &mpsc::Sender<NodeInput>) -> io::Result<()> {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read.take(LONGEST_REQUEST)).lines();
    let first = lines.next_line().await?.unwrap_or_default();
    // The headers say nothing that matters; unread, they would reset the connection.
    while lines
        .next_line()
        .await?
        .is_some_and(|line| !line.is_empty())
    {}
    let mut words = first.split(' ');
    let (status, body) = match (words.next(), words.next()) {
        (Some("GET"), Some("/metrics")) => metrics(inbox).await,
        (Some("GET"), Some(_)) => ("404 Not Found", "metrics are at /metrics\n".into()),
        _ => ("405 Method Not Allowed", "only GET\n".into()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    write.write_all(head.as_bytes()).await?;
    write.write_all(body.as_bytes()).await?;
    write.shutdown().await
}

async fn metrics(inbox: &mpsc::Sender<NodeInput>) -> (&'static str, String) {
    let stopping = ("503 Service Unavailable", "the node is stopping\n".into());
    let (sender, receiver) = oneshot::channel();
    let request = NodeInput::Control(Request::Metrics, sender);
    if inbox.send(request).await.is_err() {
        return stopping;
    }
    match receiver.await {
        Ok(Response::Ok(serde_json::Value::String(text))) => ("200 OK", text),
        Ok(_) | Err(_) => stopping,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn get(address: SocketAddr, request: &str) -> String {
        let mut stream = std::net::TcpStream::connect(address).expect("a listener");
        stream.write_all(request.as_bytes()).expect("written");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        text
    }

    #[test]
    fn metrics_are_read_with_get_and_nothing_else_is() {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (sender, mut inbox) = mpsc::channel(1);
            let any = "127.0.0.1:0".parse().expect("an address");
            let address = serve(any, sender).await.expect("a listener");
            tokio::spawn(async move {
                while let Some(NodeInput::Control(Request::Metrics, answer)) = inbox.recv().await {
                    let _ = answer.send(Response::Ok("pmip_bindings 3\n".into()));
                }
            });
            let asking = tokio::task::spawn_blocking(move || {
                let agent = "Host: x\r\nUser-Agent: y\r\n\r\n";
                let good = get(address, &format!("GET /metrics HTTP/1.1\r\n{agent}"));
                assert!(good.starts_with("HTTP/1.1 200"), "{good}");
                assert!(good.ends_with("\r\n\r\npmip_bindings 3\n"), "{good}");
                let other = get(address, &format!("GET / HTTP/1.1\r\n{agent}"));
                assert!(other.starts_with("HTTP/1.1 404"), "{other}");
                let post = get(address, &format!("POST /metrics HTTP/1.1\r\n{agent}"));
                assert!(post.starts_with("HTTP/1.1 405"), "{post}");
            });
            asking.await.expect("no panic");
        });
    }
}
