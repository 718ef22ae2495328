//! The objects of the contract, field by field, and the tree that people read.

use serde_json::{Value, json};

use crate::capture::{
    LMA4, LMA6, MAG4, MAG6, Order, RAW, binding_update, control, heartbeat, ipv6, of_packets, pcap,
    record, summed,
};
use crate::{json, run};

#[test]
fn a_proxy_binding_update_has_every_field_of_the_contract() {
    let records = [record(control(&binding_update())).at(1_700_000_000, 250)];
    let object = json(&pcap(Order::Little, false, RAW, &records)).only();
    let expected = json!({
        "frame": 1,
        "time": "2023-11-14T22:13:20.000250000Z",
        "transport": "udp",
        "src": MAG4,
        "dst": LMA4,
        "src_port": 5436,
        "dst_port": 5436,
        "udp_checksum": "left-out",
        "type": 5,
        "name": "ProxyBindingUpdate",
        "sequence_number": 7,
        "flags": ["A", "P"],
        "lifetime_seconds": 3600,
        "options": [
            {
                "type": 22, "name": "HomeNetworkPrefix", "offset": 12, "length": 18,
                "off_link": false, "prefix": "2001:db8:7::", "prefix_length": 64,
            },
            {
                "type": 8, "name": "MobileNodeIdentifier", "offset": 32, "length": 15,
                "subtype": 1, "subtype_name": "Nai", "identifier": "mn@example.net",
            },
            {
                "type": 23, "name": "HandoffIndicator", "offset": 49, "length": 2,
                "handoff_indicator": 1,
                "handoff_indicator_name": "AttachmentOverNewInterface",
            },
            {
                "type": 24, "name": "AccessTechnologyType", "offset": 53, "length": 2,
                "access_technology_type": 3, "access_technology_type_name": "Ethernet",
            },
        ],
    });
    assert_eq!(object, expected);
}

#[test]
fn padding_raw_octets_and_encoding_again_come_on_demand() {
    let file = of_packets(&[control(&binding_update())]);
    let object = run(&["-", "--json", "--padding", "--raw", "--verify"], &file).only();
    let padding = &object["options"][4];
    let expected = json!({
        "type": 1, "name": "PadN", "offset": 57, "length": 5, "data": "0000000000",
    });
    assert_eq!(*padding, expected);
    assert_eq!(object["options"][2]["data"], "0001");
    assert!(
        object["mh"]
            .as_str()
            .is_some_and(|mh| mh.starts_with("3b070500"))
    );
    // The home network prefix stands where it must, so nothing else moves.
    assert_eq!(object["reencode"], "same");
}

#[test]
fn other_padding_is_canonical() {
    let mut message = heartbeat(1);
    message.splice(12.., [0, 0, 0, 0]);
    let object = run(
        &["-", "--json", "--verify"],
        &of_packets(&[control(&message)]),
    )
    .only();
    assert_eq!(object["reencode"], "canonical");
}

#[test]
fn a_bad_checksum_stands_beside_the_fields() {
    let mut message = summed(&binding_update(), MAG6, LMA6);
    message[5] ^= 1;
    let run = json(&of_packets(&[ipv6(135, &message)]));
    assert_eq!(run.code, 3);
    let object = &run.json()[0];
    assert_eq!(object["transport"], "ipv6");
    assert_eq!(object["src"], json!(MAG6));
    assert_eq!(object["error"]["kind"], "BadChecksum");
    assert_eq!(object["error"]["offset"], 4);
    assert_eq!(object["sequence_number"], 7);
    assert_eq!(object["options"].as_array().map(Vec::len), Some(4));
}

#[test]
fn an_option_that_cannot_be_decoded_takes_the_place_of_the_fields() {
    let mut message = binding_update();
    // The handoff indicator's length.
    message[50] = 3;
    let run = json(&of_packets(&[control(&message)]));
    assert_eq!(run.code, 3);
    let object = &run.json()[0];
    assert_eq!(object["name"], "ProxyBindingUpdate");
    let error = object["error"].as_object().expect("an error");
    assert_eq!(error["kind"], "BadOptionLength");
    assert_eq!(error["offset"], 49);
    assert!(
        error["layer"]
            .as_str()
            .is_some_and(|layer| layer.contains("Handoff"))
    );
    assert!(error["message"].is_string());
    assert_eq!(object.get("options"), None);
    assert_eq!(object.get("sequence_number"), None);
}

#[test]
fn a_snapped_frame_shows_what_is_there_and_says_so() {
    // 20 octets of IPv4, 8 of UDP, and the header up to the middle of the identifier.
    let records = [record(control(&binding_update())).snapped(28 + 40)];
    let run = json(&pcap(Order::Big, false, RAW, &records));
    assert_eq!(run.code, 3);
    let object = &run.json()[0];
    assert_eq!(object["error"]["kind"], "Truncated");
    let message = object["error"]["message"].as_str().expect("a message");
    assert!(message.contains("68 of the frame's 92 octets"), "{message}");
    assert_eq!(object["sequence_number"], 7);
    assert_eq!(object["options"][0]["name"], "HomeNetworkPrefix");
    assert_eq!(
        object["options"].as_array().map(Vec::len),
        Some(1),
        "{object}"
    );
}

#[test]
fn a_frame_cut_in_the_fixed_part_is_truncated() {
    let records = [record(control(&binding_update())).snapped(28 + 9)];
    let run = json(&pcap(Order::Big, false, RAW, &records));
    let object = &run.json()[0];
    assert_eq!(
        (run.code, &object["error"]["kind"]),
        (3, &json!("Truncated"))
    );
    assert_eq!(object["name"], "BindingUpdate");
    assert_eq!(object.get("options"), None);
}

#[test]
fn words_are_not_octets_in_the_length_of_options_60_and_61() {
    // RFC 7411 section 4: Length 1 stands for one word behind the first four octets.
    let mut message = vec![59, 2, 5, 0, 0, 0, 0, 1, 0x80, 0, 0, 1];
    message.extend([60, 1, 1, 0, 0xaa, 0xbb, 0xcc, 0xdd, 1, 2, 0, 0]);
    let object = json(&of_packets(&[control(&message)])).only();
    assert_eq!(object["name"], "BindingUpdate");
    assert_eq!(object["options"][0]["length"], 1);
    assert_eq!(object["options"][0]["offset"], 12);
    assert_eq!(object["options"].as_array().map(Vec::len), Some(1));
}

#[test]
fn unknown_messages_and_options_are_kept() {
    let message = [59, 1, 99, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    let mut options = heartbeat(1);
    options.splice(12.., [200, 2, 0xab, 0xcd]);
    let run = json(&of_packets(&[control(&message), control(&options)]));
    let all = run.json();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        (&all[0]["type"], &all[0]["name"]),
        (&json!(99), &json!("Unknown"))
    );
    assert_eq!(all[0]["data"], "0102030405060708090a");
    let expected = json!({
        "type": 200, "name": "Unknown", "offset": 12, "length": 2, "data": "abcd",
    });
    assert_eq!(all[1]["options"][0], expected);
}

#[test]
fn the_tree_reads_like_a_protocol_engineer_talks() {
    let records = [
        record(control(&heartbeat(1))),
        record(control(&binding_update())).at(1_700_000_002, 500_000),
    ];
    let run = run(&["-"], &pcap(Order::Little, false, RAW, &records));
    assert_eq!(run.code, 0, "{}", run.stderr);
    for expected in [
        "#2  +2.500000 s  198.51.100.7:5436 > 192.0.2.1:5436  IPv4-UDP  ProxyBindingUpdate  \
         sequence 7\n",
        "flags A (acknowledge), P (proxy); lifetime 3600 s\n",
        "   12 Home Network Prefix (22)               2001:db8:7::/64\n",
        "   32 Mobile Node Identifier (8)             mn@example.net (NAI)\n",
        "   49 Handoff Indicator (23)                 Attachment over a new interface (1)\n",
    ] {
        assert!(
            run.stdout.contains(expected),
            "{expected:?} in\n{}",
            run.stdout
        );
    }
    assert!(!run.stdout.contains('\x1b'), "no colour but on a terminal");
    let summary = "2 frames, 2 Mobility Headers: 1 Heartbeat, 1 ProxyBindingUpdate; the capture \
                   starts at 2023-11-14T22:13:20.000000000Z\n";
    assert_eq!(run.stderr, summary);
}

#[test]
fn a_heartbeat_with_a_bad_checksum_still_says_what_it_is() {
    let mut response = heartbeat(7);
    // RFC 5847 section 3.3: the flag R.
    response[7] = 1;
    let run = run(&["-"], &of_packets(&[ipv6(135, &response)]));
    assert!(
        run.stdout.contains("Heartbeat response  sequence 7\n"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("! BadChecksum"), "{}", run.stdout);
}

#[test]
fn what_is_empty_or_reserved_is_said_in_words() {
    // Flags A, P and the lowest reserved bit; RFC 5568 section 6.4.4: a link-layer address of no octets.
    let message = [59, 1, 5, 0, 0, 0, 0, 7, 0x82, 1, 0, 1, 7, 1, 2, 0];
    let shown = run(&["-"], &of_packets(&[control(&message)])).stdout;
    assert!(shown.contains("P (proxy), 0x1 (reserved);"), "{shown}");
    assert!(shown.contains("(7) (empty), code "), "{shown}");
}

#[test]
fn long_opaque_octets_stand_in_the_tree_by_their_start() {
    // RFC 5094: vendor identifier 9, sub-type 1, and 40 octets of the vendor's own.
    let mut message = vec![59, 7, 5, 0, 0, 0, 0, 7, 0x82, 0, 0, 1];
    message.extend([19, 45, 0, 0, 0, 9, 1]);
    message.extend([0xab; 40]);
    message.extend([1, 3, 0, 0, 0]);
    let file = of_packets(&[control(&message)]);
    let shown = run(&["-"], &file).stdout;
    let start = format!("vendor data {}... (40 octets)\n", "ab".repeat(16));
    assert!(shown.contains(&start), "{start:?} in\n{shown}");
    let object = crate::json(&file).only();
    assert_eq!(object["options"][0]["vendor_data"], "ab".repeat(40));
}

#[test]
fn problems_stand_in_the_tree_where_they_occur() {
    let mut message = binding_update();
    message[50] = 3;
    let run = run(&["-"], &of_packets(&[control(&message)]));
    let lines: Vec<&str> = run.stdout.lines().collect();
    let place = |what: &str| {
        let found = lines.iter().position(|line| line.contains(what));
        found.unwrap_or_else(|| panic!("{what:?} in\n{}", run.stdout))
    };
    let option = place("49 Handoff Indicator (23)");
    assert_eq!(place("! BadOptionLength"), option + 1);
    assert!(
        place("Mobile Node Identifier") < option,
        "what can be read is shown"
    );
    assert!(
        run.stderr.contains("problems: 1 BadOptionLength"),
        "{}",
        run.stderr
    );
}

#[test]
fn hexadecimal_takes_the_same_way() {
    let text = "3b01 0d00 0000 0000 0000 0007 0102 0000";
    let object = run(&["--hex", text, "--json"], &[]).only();
    assert_eq!(object["frame"], 1);
    assert_eq!(object["time"], Value::Null);
    assert_eq!(object["src"], Value::Null);
    assert_eq!(
        (&object["name"], &object["sequence_number"]),
        (&json!("Heartbeat"), &json!(7))
    );
    assert_eq!(object["flags"], json!([]));
    assert_eq!(object["options"], json!([]));
    let two = format!("{text}\n\n0x{}\n", text.replace(' ', ":"));
    let run = run(&["--hex", "-", "--json"], two.as_bytes());
    let frames: Vec<Value> = run
        .json()
        .iter()
        .map(|object| object["frame"].clone())
        .collect();
    assert_eq!(frames, [json!(1), json!(3)], "a line each");
}

#[test]
fn hexadecimal_over_ipv6_is_verified_when_the_addresses_are_known() {
    let message = summed(&heartbeat(7), MAG6, LMA6);
    let text: String = message.iter().map(|octet| format!("{octet:02x}")).collect();
    let (mag, lma) = (MAG6.to_string(), LMA6.to_string());
    let hex = ["--hex", &text, "--transport", "ipv6", "--json"];
    let with = |src: &str, dst: &str| {
        let more = ["--src", src, "--dst", dst];
        run(&[&hex[..], &more[..]].concat(), &[])
    };
    assert_eq!(run(&hex, &[]).only()["transport"], "ipv6");
    let unsaid = ["--hex", &text, "--json", "--src", &mag, "--dst", &lma];
    assert_eq!(run(&unsaid, &[]).only()["transport"], "ipv6");
    assert_eq!(with(&mag, &lma).only()["src"], json!(MAG6));
    let wrong = with(&mag, "2001:db8::2");
    assert_eq!(wrong.code, 3);
    assert_eq!(wrong.json()[0]["error"]["kind"], "BadChecksum");
}

#[test]
fn wrong_usage_is_exit_2_and_says_what_is_wrong() {
    for (arguments, told) in [
        (&["--hex", "3g"][..], "`g` is no hexadecimal digit"),
        (&["--hex", "3b0"], "no whole octets"),
        (&["/nowhere/to/be/found.pcap"], "/nowhere/to/be/found.pcap"),
        (&[], "--hex"),
        (&["a.pcap", "--hex", "3b"], "cannot be used with"),
        (&["a.pcap", "--transport", "udp"], "cannot be used with"),
        (&["--hex", "3b", "--src", "::1"], "--dst"),
        (
            &[
                "--hex",
                "3b",
                "--transport",
                "udp",
                "--src",
                "::1",
                "--dst",
                "::2",
            ],
            "--transport ipv6",
        ),
    ] {
        let run = run(arguments, &[]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(run.stderr.contains(told), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn a_wrong_line_of_hexadecimal_is_named_and_an_endless_one_ends() {
    let lines = "3b010d00000000000000000701020000\n\n3g\n";
    let wrong = run(&["--hex", "-"], lines.as_bytes());
    assert_eq!(wrong.code, 2);
    assert!(wrong.stdout.contains("sequence 7"), "{}", wrong.stdout);
    assert_eq!(
        wrong.stderr,
        "pmip: --hex: line 3: `g` is no hexadecimal digit\n"
    );
    let endless = run(&["--hex", "-"], &vec![b'0'; 1 << 20]);
    assert_eq!((endless.code, endless.stdout.as_str()), (2, ""));
    assert!(
        endless.stderr.contains("line 1: longer"),
        "{}",
        endless.stderr
    );
}

#[test]
fn an_output_that_takes_no_more_is_no_success() {
    let full = std::fs::File::options().write(true).open("/dev/full");
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_pmip"))
        .args(["decode", "--hex", "3b010d00000000000000000701020000"])
        .stdout(full.expect("Linux has it"))
        .output()
        .expect("the program starts");
    let told = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(2), "{told}");
    assert!(told.starts_with("pmip: standard output: "), "{told}");
}

#[test]
fn help_teaches() {
    let run = run(&["--help"], &[]);
    assert_eq!(run.code, 0);
    for taught in [
        "tcpdump",
        "jq ",
        "RFC 3339",
        "BadChecksum",
        "Exit codes",
        "TLV",
        "standard input",
    ] {
        assert!(run.stdout.contains(taught), "{taught} in\n{}", run.stdout);
    }
}
