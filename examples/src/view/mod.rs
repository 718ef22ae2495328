//! Tables, decode trees and text for people.

pub mod decode;
mod plain;
mod sla;
mod tables;

use serde_json::Value;

use crate::config::Config;
use crate::control::{
    BindingRow, FlowTableRow, HeartbeatRow, MobileMapRow, PathRow, SlaRow, TunnelRow, What,
};

pub use self::plain::{Plain, plain, plain_lines};

/// Named values, nested ones indented.
pub fn outline(value: Value) -> String {
    tables::outline(&plain::plain_value(value))
}

/// What a node showed, for a person. What peers chose is escaped where a terminal would obey it.
///
/// # Errors
/// When the answer is not what this program knows: the node is of another version.
pub fn render(what: What, answer: Value) -> serde_json::Result<String> {
    if what == What::RunningConfig {
        let config = serde_json::from_value::<Config>(answer)?;
        return Ok(plain_lines(&crate::config::to_text(&config)));
    }
    let answer = plain::plain_value(answer);
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
        What::Stats | What::Globals | What::RunningConfig => tables::outline(&answer),
        What::Customers => match answer.as_array() {
            Some(customers) if customers.is_empty() => "no customers\n".into(),
            _ => tables::outline(&answer),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Would break: a gateway that clears the operator's screen by the name of a mobile node.
    #[test]
    fn no_answer_of_a_node_writes_control_characters_to_a_terminal() {
        let row = serde_json::json!([{
            "protocol": "udp", "source": "10.0.0.1:1", "destination": "10.0.0.2:2", "path": 0,
            "label": null, "link": "path \u{1b}]0;owned\u{7}\nfree", "packets": 1, "bytes": 1, "idle_s": 0.0,
            "why": "x",
        }]);
        let stats = serde_json::json!({ "MAG\u{1b}[2J": { "pbu": "\u{9b}" } });
        for (what, answer) in [(What::Flows, row), (What::Stats, stats)] {
            let text = render(what, answer).expect("an answer");
            let mut unfit = text.chars().filter(|c| c.is_control() && *c != '\n');
            assert_eq!(unfit.next(), None, "{text:?}");
            assert!(text.contains("\\u{1b}"), "{text:?}");
        }
    }
}
