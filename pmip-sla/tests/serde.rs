//! What is configured and measured can be written and read back; what is wrong is refused.
#![cfg(feature = "serde")]

use std::time::Duration;

use pmip_sla::{Hysteresis, Limits, ProbeConfig, RttTracker, Window};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    let text = serde_json::to_string(value).expect("writes");
    let read: T = serde_json::from_str(&text).expect(&text);
    assert_eq!(&read, value, "{text}");
}

#[test]
fn configuration_and_measurements_survive() {
    round_trip(&ProbeConfig::default());
    round_trip(&Limits::default().with_rtt(Duration::from_millis(100)));
    round_trip(&Hysteresis::for_frequency(Duration::from_secs(60)));
    round_trip(&Window::default());
    let mut rtt = RttTracker::default();
    rtt.add(Duration::from_millis(40));
    rtt.add(Duration::from_millis(45));
    round_trip(&rtt);
}

#[test]
fn an_inconsistent_operation_is_refused_on_reading() {
    let text = serde_json::to_string(&ProbeConfig::default()).expect("writes");
    let text = text.replace("\"packets\":10", "\"packets\":0");
    assert!(
        serde_json::from_str::<ProbeConfig>(&text).is_err(),
        "{text}"
    );
}
