//! `pmip lab bench`.

mod node;

/// placeholder
pub fn run_node(json: &str) -> i32 {
    match serde_json::from_str(json).map_err(anyhow::Error::from).and_then(|spec| node::run(&spec)) {
        Ok(()) => 0,
        Err(error) => { eprintln!("{error:#}"); 1 }
    }
}
