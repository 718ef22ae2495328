//! Scenarios of gateways, nodes and everything that may befall them, against the model of the
//! simulator. An input that fails is played and shown by
//! `PMIP_SCENARIO=FILE cargo test -p pmip-binding --test scenario one_file`.

use arbitrary::Unstructured;
use pmip_binding::testing::Scenario;

/// Plays the scenario that `data` stands for.
pub fn run(data: &[u8]) {
    if let Ok(scenario) = Unstructured::new(data).arbitrary::<Scenario>() {
        scenario.play();
    }
}
