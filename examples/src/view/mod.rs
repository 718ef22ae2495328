//! Tables, decode trees and text for people.

pub mod decode;
mod sla;
mod tables;

use serde_json::Value;

use crate::config::Config;
use crate::control::{
    BindingRow, FlowTableRow, HeartbeatRow, MobileMapRow, PathRow, SlaRow, TunnelRow, What,
};

pub use self::tables::outline;

/// What a node showed, for a person.
///
/// # Errors
/// When the answer is not what this program knows: the node is of another version.
pub fn render(what: What, answer: Value) -> serde_json::Result<String> {
    Ok(match what {
        What::Bindings => tables::bindings(&serde_json::from_value::<Vec<BindingRow>>(answer)?),
        What::Paths => tables::paths(&serde_json::from_value::<Vec<PathRow>>(answer)?),
        What::Heartbeat => {
            tables::heartbeats(&serde_json::from_value::<Vec<HeartbeatRow>>(answer)?)
        }
        What::Flows => tables::flows(&serde_json::from_value::<Vec<FlowTableRow>>(answer)?),
        What::MobileMap => {
            tables::mobile_maps(&serde_json::from_value::<Vec<MobileMapRow>>(answer)?)
        }
        What::Tunnels => tables::tunnels(&serde_json::from_value::<Vec<TunnelRow>>(answer)?),
        What::Sla => sla::text(&serde_json::from_value::<Vec<SlaRow>>(answer)?),
        What::PathDecision => tables::path_decision(&serde_json::from_value(answer)?),
        What::Stats | What::Globals => tables::outline(&answer),
        What::Customers => match answer.as_array() {
            Some(customers) if customers.is_empty() => "no customers\n".into(),
            _ => tables::outline(&answer),
        },
        What::RunningConfig => crate::config::to_text(&serde_json::from_value::<Config>(answer)?),
    })
}
