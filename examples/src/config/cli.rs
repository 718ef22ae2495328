//! `pmip config check` and `pmip config convert`, up to what is printed.

use std::path::Path;

use super::cost::{self, IdleCost};
use super::node::{self, Role};
use super::{Config, Format, Loaded, Report, load, to_text, to_toml};

/// What a command prints and exits with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// For standard output.
    pub stdout: String,
    /// For standard error.
    pub stderr: String,
    /// Exit code.
    pub code: u8,
}

/// `pmip config check FILE [--json]`: every problem, then the nodes of the file and whether each
/// could run. Exit code 0 or 2.
pub fn check(file: &Path, json: bool, colours: bool) -> Outcome {
    let (report, config) = match load(file) {
        Ok(Loaded { config, warnings }) => (warnings, Some(config)),
        Err(report) => (report, None),
    };
    let code = if config.is_some() {
        0
    } else {
        Report::EXIT_CODE
    };
    let stdout = if json {
        let nodes = config.as_ref().map(nodes_json);
        let value = serde_json::json!({
            "ok": config.is_some(),
            "problems": report.to_json(),
            "nodes": nodes.unwrap_or_default(),
        });
        format!("{value}\n")
    } else {
        let nodes = config.as_ref().map(nodes_text);
        format!("{}{}", report.render(colours), nodes.unwrap_or_default())
    };
    Outcome {
        stdout,
        stderr: String::new(),
        code,
    }
}

/// `pmip config convert FILE --to text|toml`: the model in the other text; problems go to
/// standard error. Exit code 0 or 2.
pub fn convert(file: &Path, to: Format, colours: bool) -> Outcome {
    let loaded = match load(file) {
        Ok(loaded) => loaded,
        Err(report) => {
            return Outcome {
                stdout: String::new(),
                stderr: report.render(colours),
                code: Report::EXIT_CODE,
            };
        }
    };
    let warnings = if loaded.warnings.is_empty() {
        String::new()
    } else {
        loaded.warnings.render(colours)
    };
    let printed = match to {
        Format::Text => Ok(to_text(&loaded.config)),
        Format::Toml => to_toml(&loaded.config),
    };
    match printed {
        Ok(stdout) => Outcome {
            stdout,
            stderr: warnings,
            code: 0,
        },
        Err(error) => Outcome {
            stdout: String::new(),
            stderr: format!("{warnings}{error}\n"),
            code: Report::EXIT_CODE,
        },
    }
}

/// Role, identifier, domain, why it could not run, and what its idle paths cost.
type NodeOutlook<'a> = (Role, &'a str, &'a str, Vec<String>, Vec<IdleCost>);

/// Every node of a file: role, identifier, domain, and why it could not run.
fn nodes(config: &Config) -> Vec<NodeOutlook<'_>> {
    let lmas = config
        .lmas
        .iter()
        .map(|node| (Role::Lma, &node.id, &node.domain));
    let mags = config
        .mags
        .iter()
        .map(|node| (Role::Mag, &node.id, &node.domain));
    lmas.chain(mags)
        .map(|(role, id, domain)| {
            let (why, costs) = match node::select(config, role, Some(id)) {
                Ok(node) => (Vec::new(), cost::idle(&node)),
                Err(errors) => (errors.0, Vec::new()),
            };
            (role, id.as_str(), domain.as_str(), why, costs)
        })
        .collect()
}

fn nodes_text(config: &Config) -> String {
    let mut text = String::new();
    for (role, id, domain, why, costs) in nodes(config) {
        let state = if why.is_empty() {
            "ready to run".to_owned()
        } else {
            format!("cannot run yet: {}", why.join("; "))
        };
        text.push_str(&format!("{role} {id} in domain {domain}: {state}\n"));
        for cost in costs {
            text.push_str(&format!("  {cost}\n"));
        }
    }
    text
}

fn nodes_json(config: &Config) -> serde_json::Value {
    let nodes = nodes(config)
        .into_iter()
        .map(|(role, id, domain, why, costs)| {
            let role = role.to_string().to_lowercase();
            let costs = costs.iter().map(|cost| {
                serde_json::json!({
                    "label": cost.label,
                    "heartbeat_bytes": cost.heartbeats,
                    "probe_bytes": cost.probes,
                })
            });
            serde_json::json!({
                "role": role, "id": id, "domain": domain, "cannot_run": why,
                "idle_path_month": costs.collect::<Vec<_>>(),
            })
        });
    nodes.collect()
}
