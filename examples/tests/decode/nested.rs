//! Options that hold sub-options, and messages beside registrations.

use serde_json::json;

use crate::capture::{control, of_packets};
use crate::{json, run};

/// A Proxy Binding Update with the option `option`.
fn update(option: &[u8]) -> Vec<u8> {
    let mut message = vec![59, 0, 5, 0, 0, 0, 0, 7, 0x82, 0, 0, 75];
    message.extend(option);
    message.resize(message.len().next_multiple_of(8), 0);
    message[1] = (message.len() / 8 - 1) as u8;
    control(&message)
}

#[test]
fn a_flow_identification_shows_its_bindings_and_its_selector() {
    // RFC 6089 section 4.2: FID 1, priority 2; Binding Reference 1 and 2; IPv4 selector of RFC 6088
    // with the destination's start and end and the destination port's start.
    let mut option = vec![45, 30, 0, 1, 0, 2, 0, 0, 2, 4, 0, 1, 0, 2, 3, 16, 1, 0];
    option.extend([0x30, 0x80, 0, 0, 10, 0, 0, 1, 10, 0, 0, 9, 0x15, 0x3c]);
    let file = of_packets(&[update(&option)]);
    let object = json(&file).only();
    let expected = json!({
        "type": 45, "name": "FlowIdentification", "offset": 12, "length": 30,
        "fid": 1, "priority": 2, "status": 0, "status_name": "Success",
        "sub_options": [
            { "type": 2, "name": "BindingReference", "binding_reference": [1, 2] },
            {
                "type": 3, "name": "TrafficSelector", "kind": "Ipv4",
                "destination_address": { "start": "10.0.0.1", "end": "10.0.0.9" },
                "destination_port": { "start": 5436 },
            },
        ],
    });
    assert_eq!(object["options"][0], expected);
    let text = run(&["-"], &file).stdout;
    let selector = "destination address 10.0.0.1 to 10.0.0.9, destination port 5436\n";
    assert!(text.contains(selector), "{text}");
}

#[test]
fn quality_of_service_shows_its_attributes() {
    // RFC 7222 sections 4.1 and 4.2: SR-ID 1, DSCP 46, ALLOCATE; 1 Mbit/s; priority 1.
    let mut option = vec![58, 18, 1, 0xb8, 1, 0, 0, 0];
    option.extend([6, 6, 0, 0, 0, 0x0f, 0x42, 0x40]);
    option.extend([5, 2, 0, 0x14]);
    let object = json(&of_packets(&[update(&option)])).only();
    let qos = &object["options"][0];
    assert_eq!(
        (&qos["dscp"], &qos["operation_name"]),
        (&json!(46), &json!("Allocate"))
    );
    assert_eq!(qos["attributes"][0]["type"], 6);
    assert_eq!(qos["attributes"][1]["priority_level"], 1);
}

#[test]
fn an_operator_is_named_by_its_realm_or_its_number() {
    // RFC 6757 section 3.1.3: the enterprise number 9, then the realm "a.example".
    let mut option = vec![52, 16, 3, 2, 1, 9, 3, 10, 2];
    option.extend(b"a.example");
    let object = json(&of_packets(&[update(&option)])).only();
    let operators = &object["options"][0]["sub_options"];
    assert_eq!(operators[0]["identifier"], "09");
    assert_eq!(operators[1]["identifier_type_name"], "Realm");
    assert_eq!(operators[1]["identifier"], "a.example");
}

#[test]
fn a_context_request_names_the_options_it_asks_for() {
    // RFC 5949 section 6.2.1.
    let option = [40, 8, 0, 0, 22, 0, 19, 2, 1, 2];
    let object = json(&of_packets(&[update(&option)])).only();
    let expected = json!([
        { "option_type": 22, "option_type_name": "HomeNetworkPrefix" },
        { "option_type": 19, "option_type_name": "VendorSpecific", "content": "0102" },
    ]);
    assert_eq!(object["options"][0]["requests"], expected);
}

#[test]
fn both_binding_revocation_messages_have_their_names() {
    // RFC 5846 section 5: an indication with trigger 1 and flag P, its acknowledgement with 132.
    let indication = [59, 1, 16, 0, 0, 0, 1, 1, 0, 3, 0x80, 0, 1, 2, 0, 0];
    let answer = [59, 1, 16, 0, 0, 0, 2, 132, 0, 3, 0x80, 0, 1, 2, 0, 0];
    let file = of_packets(&[control(&indication), control(&answer)]);
    let all = json(&file).json();
    assert_eq!(all[0]["name"], "BindingRevocationIndication");
    assert_eq!(all[0]["trigger_name"], "AdministrativeReason");
    assert_eq!(all[0]["flags"], json!(["P"]));
    assert_eq!(all[1]["name"], "BindingRevocationAcknowledgement");
    assert_eq!(
        (&all[1]["status"], &all[1]["sequence_number"]),
        (&json!(132), &json!(3))
    );
    let text = run(&["-"], &file).stdout;
    assert!(
        text.contains("Revocation Failed - MN is Attached (132)\n"),
        "{text}"
    );
}

#[test]
fn an_update_notification_has_its_reason_and_flags() {
    // RFC 7077 section 4.1: reason 1, flags A and D.
    let message = [59, 1, 19, 0, 0, 0, 0, 9, 0, 1, 0xc0, 0, 1, 2, 0, 0];
    let object = json(&of_packets(&[control(&message)])).only();
    assert_eq!(object["name"], "UpdateNotification");
    assert_eq!(
        (&object["reason"], &object["reason_name"]),
        (&json!(1), &json!("ForceReregistration"))
    );
    assert_eq!(object["flags"], json!(["A", "D"]));
}
