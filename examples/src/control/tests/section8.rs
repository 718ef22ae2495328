//! Every row of what `show` promises exists, as JSON and as text.

use serde_json::Value;

use crate::control::{Request, Response, What, words};
use crate::node::tests::{Domain, Seat};
use crate::view;

/// Words after `pmip show`, places that its JSON has (of its first row), words that its text has.
type Row = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const ROWS: [Row; 14] = [
    (
        "binding",
        &[
            "/mn_id",
            "/peer",
            "/state",
            "/ipv4_hoa",
            "/default_router",
            "/hnp",
            "/dmnp",
            "/lifetime_s",
            "/remaining_s",
            "/paths/0/care_of",
            "/paths/0/label",
            "/paths/0/weight",
            "/paths/0/interface",
            "/paths/0/att",
            "/paths/0/state",
            "/paths/0/lifetime_s",
            "/paths/0/remaining_s",
            "/paths/0/encap",
        ],
        &[
            "van@example.org",
            "active",
            "s left",
            "mobile networks",
            "care-of",
            "LTE",
        ],
    ),
    ("binding nai van@example.org", &["/mn_id"], &["1 binding"]),
    ("binding customer none", &[], &["no bindings"]),
    (
        "binding summary",
        &["/bindings", "/by_state/active", "/by_peer", "/paths"],
        &["bindings", "by state"],
    ),
    (
        "globals",
        &[
            "/domain",
            "/id",
            "/role",
            "/peers",
            "/interfaces",
            "/lifetime_s",
            "/timestamp_window_ms",
            "/heartbeat",
            "/bri/retries",
            "/bri/delay_min_ms",
            "/maximum_bindings",
        ],
        &["domain", "role", "lifetime s", "bri:", "maximum bindings"],
    ),
    (
        "heartbeat",
        &[
            "/peer",
            "/vrf",
            "/customer",
            "/source",
            "/destination",
            "/status",
            "/ipv6",
            "/label",
            "/heartbeat/interval_s",
            "/heartbeat/retries",
            "/heartbeat/sent",
            "/heartbeat/received",
            "/heartbeat/missed",
            "/rtt_ms",
            "/restart_counter",
            "/nat_changes",
        ],
        &[
            "peer",
            "status",
            "interval s",
            "missed",
            "restarts",
            "nat changes",
        ],
    ),
    (
        "stats global",
        &[
            "/now/bindings",
            "/signalling/handoffs",
            "/signalling/binding_updates",
            "/acknowledgements",
            "/revocations_received",
            "/revocation_answers",
            "/signalling/dropped",
            "/packets/dropped",
        ],
        &[
            "bindings",
            "handoffs",
            "acknowledgements",
            "revocations received",
        ],
    ),
    (
        "stats mag MAG1",
        &[
            "/peer",
            "/bindings",
            "/paths_up",
            "/tx_packets",
            "/rx_bytes",
        ],
        &["heartbeats sent"],
    ),
    (
        "tunnel",
        &[
            "/encap",
            "/local",
            "/remote",
            "/mtu",
            "/acl",
            "/tx_packets",
            "/tx_bytes",
            "/rx_packets",
            "/rx_bytes",
            "/tx_errors",
        ],
        &["encap", "local", "remote", "mtu", "acl"],
    ),
    (
        "hybrid-access path",
        &[
            "/label",
            "/probed",
            "/alive",
            "/weight",
            "/flows",
            "/operations",
            "/last",
            "/profiles/0/profile",
            "/profiles/0/state",
            "/profiles/0/since_s",
            "/profiles/0/transitions",
        ],
        &["voice"],
    ),
    (
        "mobile-map counters",
        &[
            "/name",
            "/active",
            "/entries/0/sequence",
            "/entries/0/access_list",
            "/entries/0/link_type",
            "/entries/0/traffic_profile",
            "/entries/0/hits",
            "/entries/0/null_drops",
            "/entries/0/profile_fallbacks",
            "/default_hits",
        ],
        &["mobile map M, active", "hits", "null", "fallbacks"],
    ),
    ("flow", &[], &["no flows"]),
    ("customers", &[], &["no customers"]),
    (
        "running-config",
        &["/domain/0/name"],
        &["ipv6 mobile pmipv6-domain D"],
    ),
];

/// Both nodes with a map, a traffic profile and heartbeats.
fn equipped() -> Domain {
    let mut domain = Domain::registered();
    let now = domain.now;
    for (seat, node) in [
        (&mut domain.mag, "ipv6 mobile pmipv6-mag MAG1 domain D"),
        (&mut domain.lma, "ipv6 mobile pmipv6-lma LMA1 domain D"),
    ] {
        let service = [
            node,
            "heartbeat interval 10 retries 1",
            "mobility-service hybrid-access",
            "profile-definition voice",
            "rtt 100",
        ];
        let map = [
            "ip access-list extended PING",
            "permit icmp any any",
            "ipv6 mobile pmipv6-domain D",
            "mobile-map M 10",
            "match access-list PING",
            "set link-type LTE null",
        ];
        for lines in [&service[..], &map[..], &[node, "mobile-map M"][..]] {
            let lines = lines.iter().map(|line| (*line).to_owned()).collect();
            let done = seat.ask(now, Request::Configure { lines });
            assert!(matches!(done, Response::Ok(_)), "{done:?}");
        }
    }
    domain.run(std::time::Duration::from_secs(30));
    domain
}

fn ask(seat: &mut Seat, now: pmip_wire::types::Instant, text: &str) -> (What, Value) {
    let spoken: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let shown = words::show(&spoken).expect(text);
    let (what, only) = (shown.what, shown.only);
    match seat.ask(now, Request::Show { what, only }) {
        Response::Ok(value) => (what, value),
        other @ (Response::Error(_) | Response::WrongConfiguration(_)) => {
            panic!("{text}: {other:?}")
        }
    }
}

#[test]
fn every_row_of_the_features_is_there_as_json_and_as_text() {
    let mut domain = equipped();
    let now = domain.now;
    for (role, seat) in [("mag", &mut domain.mag), ("lma", &mut domain.lma)] {
        for (text, places, expected) in ROWS {
            let long = format!("ipv6 mobile pmipv6 {role} {text}");
            let (what, value) = ask(seat, now, &long);
            let first = value.get(0).unwrap_or(&value);
            for place in places {
                // Only the one that has interfaces names one of a path.
                assert!(
                    first.pointer(place).is_some(),
                    "{long}: no {place} in {value:#}"
                );
            }
            let printed = match value.is_object() {
                true if what != What::RunningConfig => view::outline(value),
                _ => view::render(what, value).expect("rows that the view knows"),
            };
            for word in expected {
                assert!(printed.contains(word), "{long}: no `{word}` in\n{printed}");
            }
        }
    }
}

#[test]
fn a_decision_says_by_which_entry_and_bucket() {
    let mut domain = equipped();
    let now = domain.now;
    let decision = |seat: &mut Seat, flow: &str| {
        let (what, value) = ask(seat, now, &format!("path-decision {flow}"));
        let text = view::render(what, value.clone()).expect("a decision");
        (value, text)
    };
    let (ping, text) = decision(&mut domain.mag, "icmp 10.60.0.2 192.0.2.80");
    assert_eq!((&ping["entry"], &ping["link"]), (&10.into(), &"LTE".into()));
    assert!(
        text.contains("goes by LTE") && text.contains("access list PING"),
        "{text}"
    );
    assert!(
        text.contains("not-named"),
        "the other link's standing:\n{text}"
    );
    let (other, text) = decision(&mut domain.mag, "udp 10.60.0.2:1 192.0.2.80:2");
    assert_eq!(other["entry"], Value::Null);
    assert!(text.contains("no entry of mobile map M takes it"), "{text}");
    assert_eq!(other["candidates"].as_array().map(Vec::len), Some(2));
    // The anchor looks a session up by the destination.
    let (down, _) = decision(&mut domain.lma, "icmp 192.0.2.80 10.60.0.2");
    assert_eq!(down["link"], "LTE");
    let (what, only) = {
        let flow = "udp 192.0.2.80:1 203.0.113.7:1".to_owned();
        (What::PathDecision, Some(crate::control::Only::Flow(flow)))
    };
    let stranger = domain.lma.ask(now, Request::Show { what, only });
    let Response::Error(why) = stranger else {
        panic!("{stranger:?}");
    };
    assert!(why.contains("belongs to no session"), "{why}");
}

#[test]
fn a_remembered_flow_says_why_it_is_where_it_is() {
    use crate::platform::dataplane::FlowRow;
    use pmip_policy::Reason;

    let mut domain = equipped();
    let paths = domain.mag.node.engine().paths();
    let of = |interface: &str| {
        let mut paths = paths.iter();
        let path = paths.find(|path| path.interface.as_deref() == Some(interface));
        path.expect("a path").path
    };
    let (lte, dsl) = (of("wan1"), of("wan2"));
    domain.mag.memory.set_flows(vec![FlowRow {
        source: [10, 60, 0, 2].into(),
        destination: [192, 0, 2, 80].into(),
        protocol: 1,
        source_port: 0,
        destination_port: 0,
        path: lte,
        packets: 1,
        bytes: 84,
        idle_ms: 10,
        reason: Reason::Moved { from: dsl },
        rule: 10,
        moves: 1,
        on_path_ms: 2_000,
    }]);
    let now = domain.now;
    let (what, value) = ask(&mut domain.mag, now, "flows");
    assert_eq!(value[0]["why"], "entry 10 PING, its link; had to leave DSL");
    let text = view::render(what, value).expect("flows");
    assert!(text.contains("had to leave DSL"), "{text}");
    let (_, value) = ask(
        &mut domain.mag,
        now,
        "path-decision icmp 10.60.0.2 192.0.2.80",
    );
    assert_eq!(value["known"]["reason"], "moved");
}
