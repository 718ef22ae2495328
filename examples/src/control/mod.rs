//! The control socket: what an operator asks of a running node, and its answers.
//!
//! One JSON object a line in each direction over a Unix socket; a [`Request`] gets exactly one
//! [`Response`]. [`client`] is the operator's side, [`server`] the node's.

pub mod client;
pub mod commands;
pub mod flow_spec;
pub mod http;
pub mod metrics;
mod rows;
pub mod server;
mod show;
pub mod words;

use pmip_binding::Command;
use pmip_wire::types::Instant;
use serde::{Deserialize, Serialize};

pub use self::rows::{
    BindingRow, CandidateRow, FlowTableRow, HeartbeatRow, HeartbeatSummary, MapEntryRow,
    MobileMapRow, PathDecisionRow, PathRow, PeerRow, SlaOperationRow, SlaProfileRow, SlaRow,
    TunnelRow,
};
use crate::config;
use crate::config::node::Role;
use crate::node::Node;
use crate::node::hints::Hint;
use crate::node::logging::{self, Debug};

/// What an operator may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Show something.
    Show {
        /// What.
        what: What,
        /// Which of it; none = all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only: Option<Only>,
    },
    /// Count from zero again; `show stats` alone.
    ClearStats,
    /// Forget what probes measured.
    ClearSla,
    /// Show more or less in the log.
    Debug {
        /// Which part; none = leave it as it is.
        #[serde(default)]
        part: Option<Debug>,
        /// No more of it.
        #[serde(default)]
        off: bool,
    },
    /// Tell what happens as it does, a line each, after the answer; nothing else can be asked on
    /// this connection any more.
    Monitor {
        /// The changes of an anchor's state instead; its state now is the answer (LMA).
        #[serde(default)]
        changes: bool,
    },
    /// Counters and gauges for Prometheus, as text.
    Metrics,
    /// Remove bindings: a MAG de-registers and registers anew, an LMA revokes (RFC 5846): the MAG
    /// lets go at once and may register anew.
    ClearBinding {
        /// One mobile node's; none = all.
        #[serde(default)]
        nai: Option<String>,
    },
    /// Enter lines of the configuration language; all of them or none.
    Configure {
        /// As they would stand in a file, one after the other from the outermost mode.
        lines: Vec<String>,
    },
    /// Say what an outside program knows of a path, or ask what was said.
    Hint {
        /// The path's label, interface or number; none: what was said of any.
        #[serde(default)]
        path: Option<String>,
        /// What is said of it.
        #[serde(default)]
        hint: Option<Hint>,
    },
    /// A mobile node came to an access interface (MAG).
    Attach {
        /// Its identifier.
        nai: String,
        /// The access interface.
        interface: String,
        /// Its link-layer address, such as `02:00:00:00:00:01`.
        #[serde(default)]
        ll_addr: Option<String>,
        /// Its access technology (RFC 5213 section 8.5).
        #[serde(default)]
        att: Option<u8>,
    },
    /// A mobile node left (MAG).
    Detach {
        /// Its identifier.
        nai: String,
        /// The access interface that it left.
        #[serde(default)]
        interface: Option<String>,
        /// Its link-layer address, as for `attach`.
        #[serde(default)]
        ll_addr: Option<String>,
        /// Its access technology, as for `attach`.
        #[serde(default)]
        att: Option<u8>,
    },
}

/// A part of what can be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Only {
    /// One mobile node.
    Nai(String),
    /// One peer.
    Peer(String),
    /// One customer of an LMA.
    Customer(String),
    /// One flow, as [`flow_spec::FlowSpec`] reads it.
    Flow(String),
    /// At most so many flows: those with most octets among the last to be seen.
    Busiest(usize),
    /// Numbers alone.
    Summary,
    /// With every operation that is remembered.
    History,
}

/// What can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// Mobility sessions with their paths
    Bindings,
    /// Paths: state, addresses, round-trip time, traffic
    Paths,
    /// Heartbeats of each path
    Heartbeat,
    /// Remembered flows, the path of each and why
    Flows,
    /// Where one flow goes, and why
    PathDecision,
    /// Customers of an LMA: addresses, bindings, counters
    Customers,
    /// Mobile maps: entries, and what the active one did
    MobileMap,
    /// Tunnels: encapsulation, ends, MTU, packets
    Tunnels,
    /// What probes measured on each path, and the path against each traffic profile
    Sla,
    /// Counters of signalling and of dropped packets
    Stats,
    /// Identity, role, addresses, peers, timers
    Globals,
    /// The configuration in force
    RunningConfig,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// It was done; what was asked for.
    Ok(serde_json::Value),
    /// It was not done; in plain words why.
    Error(String),
    /// The lines are no configuration; a report of every mistake.
    WrongConfiguration(String),
}

impl Response {
    /// Done, with nothing to tell.
    fn done() -> Self {
        Self::Ok(serde_json::Value::Null)
    }
}

impl Request {
    /// Everything of `what`.
    pub fn show(what: What) -> Self {
        Self::Show { what, only: None }
    }
}

/// Answers one request.
pub fn serve(node: &mut Node, now: Instant, request: Request) -> Response {
    tracing::debug!(target: "pmip::api", "asked: {request:?}");
    match request {
        Request::Show { what, only } => {
            show::show(node, now, what, only.as_ref()).map_or_else(Response::Error, Response::Ok)
        }
        Request::ClearStats => answer(show::clear(node).map(|()| serde_json::Value::Null)),
        Request::ClearSla if node.clear_sla(now) => Response::done(),
        Request::ClearSla => Response::Error("the hybrid-access service does not run".into()),
        Request::Debug { part, off } => {
            let shown = logging::debug(part.map(|part| (part, !off)));
            Response::Ok(serde_json::json!({ "debug": shown }))
        }
        Request::Monitor { .. } => Response::Error("this connection cannot be watched on".into()),
        Request::Metrics => Response::Ok(metrics::text(node, now).into()),
        Request::ClearBinding { nai } => clear_binding(node, now, nai),
        Request::Configure { lines } => configure(node, now, &lines),
        Request::Hint { path, hint } => self::hint(node, now, path.as_deref(), hint),
        Request::Attach {
            nai,
            interface,
            ll_addr,
            att,
        } => attach(node, now, &nai, &interface, ll_addr.as_deref(), att),
        Request::Detach {
            nai,
            interface,
            ll_addr,
            ..
        } => detach(node, now, nai, interface.as_deref(), ll_addr.as_deref()),
    }
}

fn answer(result: serde_json::Result<serde_json::Value>) -> Response {
    result.map_or_else(|error| Response::Error(error.to_string()), Response::Ok)
}

fn configure(node: &mut Node, now: Instant, lines: &[String]) -> Response {
    let before = &node.config().config;
    let loaded = match config::amend(before, &lines.join("\n")) {
        Ok(loaded) => loaded,
        Err(report) => return Response::WrongConfiguration(report.to_string()),
    };
    let next = match config::node::select(&loaded.config, node.role(), Some(&node.config().id)) {
        Ok(next) => next,
        Err(errors) => return Response::Error(errors.to_string()),
    };
    let warnings = loaded.warnings.problems().iter();
    let mut notes: Vec<String> = warnings.map(|problem| problem.message.clone()).collect();
    match node.reconfigure(now, next) {
        Ok(more) => {
            notes.extend(more);
            Response::Ok(serde_json::json!({ "notes": notes }))
        }
        Err(refusals) => Response::Error(refusals.join("\n")),
    }
}

fn hint(node: &mut Node, now: Instant, path: Option<&str>, hint: Option<Hint>) -> Response {
    if let (Some(path), Some(hint)) = (path, hint)
        && let Err(why) = node.hint(now, path, hint)
    {
        return Response::Error(why);
    }
    let said = node.hints().iter().map(|(path, said)| {
        serde_json::json!({
            "path": path,
            "usable": said.usable,
            "cost": said.cost,
            "capacity_kbps": said.capacity_kbps,
        })
    });
    Response::Ok(said.collect())
}

fn clear_binding(node: &mut Node, now: Instant, nai: Option<String>) -> Response {
    let command = match nai {
        None => Command::ClearBindings,
        Some(nai) => {
            let bindings = node.engine().bindings(now);
            if bindings.iter().all(|binding| binding.mn_id != nai) {
                return Response::Error(format!("there is no binding of {nai}"));
            }
            Command::ClearBinding { nai }
        }
    };
    node.command(now, command);
    Response::done()
}

fn attach(
    node: &mut Node,
    now: Instant,
    nai: &str,
    interface: &str,
    ll_addr: Option<&str>,
    att: Option<u8>,
) -> Response {
    if let Err(why) = check_interface(node, Some(interface)) {
        return Response::Error(why);
    }
    let mac = match ll_addr.map(|text| parse_mac(text).ok_or_else(|| no_mac(text))) {
        None => None,
        Some(Ok(mac)) => Some(mac),
        Some(Err(why)) => return Response::Error(why),
    };
    let host = node.config().mobile_node(nai, mac, att);
    node.attach(now, host, interface, mac);
    Response::done()
}

/// A mobile node is named by its identifier; what else is said of it must make sense.
fn detach(
    node: &mut Node,
    now: Instant,
    nai: String,
    interface: Option<&str>,
    ll_addr: Option<&str>,
) -> Response {
    if let Err(why) = check_interface(node, interface) {
        return Response::Error(why);
    }
    if let Some(text) = ll_addr.filter(|text| parse_mac(text).is_none()) {
        return Response::Error(no_mac(text));
    }
    let bindings = node.engine().bindings(now);
    if bindings.iter().all(|binding| binding.mn_id != nai) {
        return Response::Error(format!("there is no binding of {nai}"));
    }
    node.detach(now, nai);
    Response::done()
}

fn check_interface(node: &Node, interface: Option<&str>) -> Result<(), String> {
    if node.role() != Role::Mag {
        return Err("only a MAG has access interfaces".into());
    }
    let own = &node.config().interfaces;
    match interface {
        Some(interface) if !own.iter().any(|own| own == interface) => {
            let own = match own.join(", ") {
                own if own.is_empty() => "none".into(),
                own => own,
            };
            let what = "is no access interface of this MAG; it has:";
            Err(format!("{interface} {what} {own}"))
        }
        Some(_) | None => Ok(()),
    }
}

fn no_mac(text: &str) -> String {
    format!("{text} is no link-layer address such as 02:00:00:00:00:01")
}

/// Six octets in hexadecimal, with `:` or `-` between them.
fn parse_mac(text: &str) -> Option<[u8; 6]> {
    let octets: Option<Vec<u8>> = text
        .split([':', '-'])
        .map(|octet| u8::from_str_radix(octet, 16).ok())
        .collect();
    octets?.try_into().ok()
}

#[cfg(test)]
mod tests;
