//! Asks the node from time to time, and listens to its events.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::control::{
    BindingRow, FlowTableRow, MobileMapRow, Only, PathRow, Request, SlaRow, What, client,
};

/// Bindings that are asked for one by one; of more there are numbers alone.
const MOST_BINDINGS: u64 = 200;
/// Flows that are asked for: the busiest.
const MOST_FLOWS: usize = 200;
/// How long a node that went is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// A node at one moment.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Look {
    /// When, for differences alone.
    #[serde(skip)]
    pub at: Instant,
    pub globals: Value,
    pub summary: Value,
    pub bindings: Vec<BindingRow>,
    pub paths: Vec<PathRow>,
    pub sla: Vec<SlaRow>,
    pub flows: Vec<FlowTableRow>,
    pub mobile_maps: Vec<MobileMapRow>,
}

/// Something new of the node.
#[derive(Debug)]
pub(super) enum News {
    Look(Box<Look>),
    /// One line of `pmip monitor`.
    Event(Value),
    /// It does not answer; why.
    Gone(String),
}

/// Looks at the node once.
pub(super) fn look(socket: &Path) -> Result<Look> {
    let summary = ask(socket, What::Bindings, Some(Only::Summary))?;
    let few = summary.get("bindings").and_then(Value::as_u64);
    let few = few.is_some_and(|count| count <= MOST_BINDINGS);
    let bindings = match few {
        true => rows(socket, What::Bindings, None)?,
        false => Vec::new(),
    };
    Ok(Look {
        globals: ask(socket, What::Globals, None)?,
        summary,
        bindings,
        paths: rows(socket, What::Paths, None)?,
        sla: rows(socket, What::Sla, None)?,
        flows: rows(socket, What::Flows, Some(Only::Busiest(MOST_FLOWS)))?,
        mobile_maps: rows(socket, What::MobileMap, None)?,
        at: Instant::now(),
    })
}

/// Looks and listens until the receiver goes.
pub(super) fn start(socket: PathBuf, interval: Duration) -> Receiver<News> {
    let (sender, receiver) = channel();
    let (listener, place) = (sender.clone(), socket.clone());
    std::thread::spawn(move || look_on(&socket, interval, &sender));
    std::thread::spawn(move || listen_on(&place, &listener));
    receiver
}

fn look_on(socket: &Path, interval: Duration, sender: &Sender<News>) {
    loop {
        std::thread::sleep(interval);
        let news = match look(socket) {
            Ok(look) => News::Look(Box::new(look)),
            Err(error) => News::Gone(format!("{error:#}")),
        };
        if sender.send(news).is_err() {
            return;
        }
    }
}

fn listen_on(socket: &Path, sender: &Sender<News>) {
    let mut wanted = true;
    while wanted {
        // What is wrong is said by who looks.
        let _ = client::watch(socket, &Request::Monitor { changes: false }, |event| {
            wanted = sender.send(News::Event(event.clone())).is_ok();
            wanted
        });
        std::thread::sleep(PAUSE);
    }
}

fn ask(socket: &Path, what: What, only: Option<Only>) -> Result<Value> {
    client::ask(socket, &Request::Show { what, only })
}

fn rows<T: DeserializeOwned>(socket: &Path, what: What, only: Option<Only>) -> Result<Vec<T>> {
    Ok(serde_json::from_value(ask(socket, what, only)?)?)
}
