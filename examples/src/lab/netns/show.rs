//! What the programs show of themselves, asked over their control sockets.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::control::client::ask;
use crate::control::{BindingRow, FlowTableRow, PathRow as ShownPath, Request, What};
use crate::lab::domain::{FlowRow, LabError, PathRow, SessionRow};
use crate::lab::spec::DomainSpec;

/// The paths, in order of WAN.
///
/// # Errors
/// When the program does not answer.
pub(super) fn paths(control: &Path, spec: &DomainSpec) -> Result<Vec<PathRow>, LabError> {
    let shown: Vec<ShownPath> = show(control, What::Paths)?;
    let row = |wan| {
        let mut of_wan = shown.iter().filter(|path| wan_of(spec, path) == Some(wan));
        of_wan
            .next()
            .map_or_else(|| PathRow::absent(wan), |path| path_row(wan, path))
    };
    Ok((0..spec.wans.len()).map(row).collect())
}

/// The sessions.
///
/// # Errors
/// When the program does not answer.
pub(super) fn sessions(control: &Path) -> Result<Vec<SessionRow>, LabError> {
    let shown: Vec<BindingRow> = show(control, What::Bindings)?;
    let row = |binding: BindingRow| SessionRow {
        mn_id: binding.mn_id,
        delegated: binding.dmnp.iter().map(ToString::to_string).collect(),
    };
    Ok(shown.into_iter().map(row).collect())
}

/// The flows into tunnels.
///
/// # Errors
/// When the program does not answer.
pub(super) fn flows(control: &Path, spec: &DomainSpec) -> Result<Vec<FlowRow>, LabError> {
    let paths: Vec<ShownPath> = show(control, What::Paths)?;
    let shown: Vec<FlowTableRow> = show(control, What::Flows)?;
    let wan = |number: u32| {
        let path = paths.iter().find(|path| path.path == number)?;
        wan_of(spec, path)
    };
    let row = |flow: FlowTableRow| FlowRow {
        protocol: protocol(&flow.protocol),
        source: flow.source,
        destination: flow.destination,
        wan: wan(flow.path),
    };
    Ok(shown.into_iter().map(row).collect())
}

fn show<T: DeserializeOwned>(control: &Path, what: What) -> Result<T, LabError> {
    let shown = ask(control, &Request::show(what))
        .map_err(|error| LabError::Domain(format!("{error:#}")))?;
    serde_json::from_value(shown)
        .map_err(|error| LabError::domain("reading what a program shows", error))
}

fn wan_of(spec: &DomainSpec, path: &ShownPath) -> Option<usize> {
    spec.wan_of(path.care_of)
}

fn path_row(wan: usize, path: &ShownPath) -> PathRow {
    PathRow {
        wan,
        state: path.state.clone(),
        rtt_ms: path.rtt_ms,
        tx_bytes: path.tx_bytes,
        rx_bytes: path.rx_bytes,
        flows: path.flows,
    }
}

/// The number of a protocol that `show flows` names.
fn protocol(shown: &str) -> u8 {
    match shown {
        "icmp" => 1,
        "tcp" => 6,
        "udp" => 17,
        "icmpv6" => 58,
        number => number.parse().unwrap_or(0),
    }
}
