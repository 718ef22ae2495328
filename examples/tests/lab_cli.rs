//! The contract of `pmip lab` as a program: what is on standard output, and the exit codes.

use std::process::{Command, Output};

use serde_json::Value;

fn lab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pmip"))
        .arg("lab")
        .args(arguments)
        .output()
        .expect("the program runs")
}

/// Standard output as one JSON value: anything beside it is an error.
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("standard output is one JSON value")
}

#[test]
fn a_run_prints_one_object_and_exits_0() {
    let output = lab(&["--sim", "--json"]);
    let result = json(&output);
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    assert_eq!(result["scenario"], "quickstart");
    assert_eq!(result["topology"], "sim");
    assert_eq!(result["failed_rows"], serde_json::json!([]));
}

#[test]
fn a_fault_names_the_fallen_rows_and_exits_1() {
    let output = lab(&["quickstart", "--sim", "--json", "--break", "no-multipath"]);
    assert_eq!(output.status.code(), Some(1));
    let result = json(&output);
    assert_eq!(result["break"], "no-multipath");
    assert_eq!(result["failed_rows"], serde_json::json!([16]));
}

#[test]
fn the_list_has_name_claim_rows_and_breaks() {
    let output = lab(&["--list", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let list = json(&output);
    let scenarios = list.as_array().expect("the list is an array");
    assert!(!scenarios.is_empty());
    for scenario in scenarios {
        assert!(scenario["name"].is_string() && scenario["claim"].is_string());
        let rows = scenario["rows"].as_array().expect("rows are an array");
        assert!(rows.iter().all(Value::is_u64));
        let breaks = scenario["breaks"].as_array().expect("breaks are an array");
        assert!(breaks.iter().all(Value::is_string));
    }
}

/// Would break: `.ci`, which runs what this list names; a fault that falls on no claim.
#[test]
fn every_listed_fault_falls_on_a_claim_of_its_scenario() {
    let list = json(&lab(&["--list", "--json"]));
    let mut rows: Vec<u64> = Vec::new();
    for scenario in list.as_array().expect("the list is an array") {
        let name = &scenario["name"];
        let strings = |field: &str| -> Vec<String> {
            let values = scenario[field].as_array().expect(field).iter();
            values
                .filter_map(|value| Some(value.as_str()?.to_owned()))
                .collect()
        };
        let (claims, breaks) = (strings("claims"), strings("breaks"));
        assert!(!claims.is_empty() && !breaks.is_empty(), "{name}");
        let faults = scenario["faults"].as_array().expect("faults are an array");
        assert!(
            name == "quickstart" || faults.len() == breaks.len(),
            "{name}"
        );
        for (fault, known) in faults.iter().zip(&breaks) {
            assert_eq!(fault["name"], known.as_str(), "{name}");
            let falls = fault["falls"].as_str().unwrap_or_default();
            assert!(
                claims.iter().any(|claim| claim == falls),
                "{name} {known}: {falls}"
            );
        }
        rows.extend(
            scenario["rows"]
                .as_array()
                .expect("rows")
                .iter()
                .filter_map(Value::as_u64),
        );
    }
    assert!(rows.iter().all(|row| (1..=79).contains(row)), "{rows:?}");
}

#[test]
fn what_needs_the_real_programs_is_not_simulated() {
    let output = lab(&["end-points", "--sim"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--sim"));
    let output = lab(&["quickstart", "--sim", "--breaks"]);
    assert_eq!(output.status.code(), Some(2));
}

/// Would break: the verdict over many runs, and the count of what ran.
#[test]
fn all_faults_that_can_be_simulated_fall() {
    let output = lab(&["all", "--breaks", "--sim", "--json", "--jobs", "2"]);
    let summary = json(&output);
    assert_eq!(output.status.code(), Some(0), "{summary:#}");
    assert_eq!(summary["failed_rows"], serde_json::json!([]));
    let runs = summary["runs"].as_array().expect("runs are an array");
    assert_eq!(runs.len(), 4);
    assert!(runs.iter().all(|run| {
        run["failed_rows"]
            .as_array()
            .is_some_and(|rows| !rows.is_empty())
    }));
}

#[test]
fn wrong_usage_exits_2_and_says_what_would_be_right() {
    let scenario = lab(&["no-such-scenario"]);
    assert_eq!(scenario.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&scenario.stderr).contains("quickstart"));
    let fault = lab(&["--sim", "--break", "no-such-fault"]);
    assert_eq!(fault.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&fault.stderr).contains("no-heartbeat"));
}

#[test]
fn the_report_is_one_page_with_plots() {
    let file = std::env::temp_dir().join(format!("pmip-lab-cli-{}.html", std::process::id()));
    let output = lab(&["--sim", "--report", &file.display().to_string()]);
    assert_eq!(output.status.code(), Some(0));
    let page = std::fs::read_to_string(&file).expect("the page was written");
    std::fs::remove_file(&file).expect("the page can be removed");
    assert_eq!(page.matches("<svg").count(), 3);
    assert!(page.contains("wan1 MAG") && page.contains("wan2 LMA"));
}
