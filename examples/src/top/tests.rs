//! Screens as golden text. `PMIP_UPDATE_GOLDEN=1` writes them anew.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ratatui::crossterm::event::KeyCode;
use serde_json::{Value, json};

use super::feed::{Look, News};
use super::screen;
use super::state::{App, Part};

/// The sizes that must look right.
const SIZES: [(u16, u16); 2] = [(80, 24), (200, 50)];

fn path(number: u32, label: &str, state: &str, tx: u64, rx: u64) -> Value {
    json!({
        "path": number, "bid": number + 1, "label": label, "att": "LTE",
        "care_of": format!("203.0.113.{}", 10 + number), "observed": "203.0.113.10:5436",
        "remote": "198.51.100.1:5437", "nat": false, "encap": "ipv4-udp", "state": state,
        "usable": state == "up", "weight": 1 + number * 2, "interface": format!("wan{number}"),
        "peer": "LMA1", "sessions": 1, "heartbeat": null, "rtt_ms": 21.5 + f64::from(number),
        "jitter_ms": 1.25, "loss_pct": 0.0, "tx_packets": 7, "tx_bytes": tx, "rx_packets": 5,
        "rx_bytes": rx, "flows": 2,
    })
}

fn flow(port: u16, link: &str, bytes: u64, why: &str) -> Value {
    json!({
        "source": format!("10.60.0.2:{port}"), "destination": "192.0.2.80:443",
        "protocol": "tcp", "path": 0, "link": link, "label": link, "packets": 3,
        "bytes": bytes, "idle_s": 0.1, "entry": 10, "reason": "new", "moves": 0,
        "on_path_s": 4.0, "why": why,
    })
}

/// What a gateway with three links shows at second `second`; the third link went at second 4.
fn look(began: Instant, second: u64) -> News {
    let carried = |per_second: u64| (0..=second).map(|at| per_second * (at % 5 + 1)).sum();
    let down = if second >= 4 { "down" } else { "up" };
    let paths = json!([
        path(0, "LTE", "up", carried(125_000), carried(1_250_000)),
        path(1, "DSL", "up", carried(50_000), carried(500_000)),
        path(2, "SAT", down, carried(1_000).min(6_000), 0),
    ]);
    let binding = json!({
        "session": 0, "mn_id": "van@example.org", "lmn": true, "state": "active",
        "peer": "LMA1", "hnp": [], "ipv4_hoa": null, "ipv4_prefix_length": null,
        "default_router": null, "dmnp": ["10.60.0.0/24", "2001:db8:6400::/56"],
        "service": null, "access_network": null, "lifetime_s": 3600, "remaining_s": 3000,
        "paths": paths,
    });
    let flows = json!([
        flow(40_000, "LTE", carried(100_000), "entry 10 WEB, 1st choice"),
        flow(
            40_001,
            "DSL",
            64_000,
            "entry 10 WEB, 2nd choice; had to leave SAT"
        ),
        flow(40_002, "DSL", 1_200, "by weight"),
    ]);
    let sla = json!([{
        "path": 1, "peer": "LMA1", "label": "DSL", "interface": "wan1", "customer": null,
        "source": "203.0.113.11", "destination": "198.51.100.1", "probed": true, "alive": true,
        "alive_rtt_ms": 9.5, "deaths": 0, "usable": true, "weight": 3, "flows": 2,
        "operations": 2, "last": {"loss_percent": 2.5, "jitter_ms": {"average": 12.0}},
        "last_started": 0.0, "profiles": [{
            "profile": "voice", "state": "violating", "since_s": 1.0, "transitions": 1,
            "violated": "jitter", "worst": 1.2,
        }],
    }]);
    let maps = json!([{"name": "MAP1", "active": true, "entries": [], "default_hits": 0}]);
    News::Look(Box::new(Look {
        at: began + Duration::from_secs(second),
        globals: json!({"id": "MAG1", "role": "mag", "domain": "D1", "uptime_s": 3700 + second}),
        summary: json!({"bindings": 1}),
        bindings: serde_json::from_value(json!([binding])).expect("a binding"),
        paths: serde_json::from_value(paths).expect("paths"),
        sla: serde_json::from_value(sla).expect("measurements"),
        flows: serde_json::from_value(flows).expect("flows"),
        mobile_maps: serde_json::from_value(maps).expect("maps"),
    }))
}

fn told(time: f64, level: &str, message: &str) -> News {
    News::Event(json!({"time": time, "level": level, "event": "path", "message": message}))
}

fn busy() -> App {
    let mut app = App::new(true);
    let began = Instant::now();
    for second in 0..8 {
        app.take(look(began, second));
    }
    app.take(told(1_700_000_000.0, "info", "path SAT by wan2 is up"));
    let lost = "path SAT by wan2 is down: no answer to 2 heartbeats";
    app.take(told(1_700_000_004.5, "warn", lost));
    app
}

/// Compares with the golden file, or writes it.
fn golden(name: &str, text: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let file = folder.join(name);
    if std::env::var_os("PMIP_UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, text).expect("written");
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        text == expected,
        "{name} shows\n{text}\ninstead of\n{expected}"
    );
}

#[test]
fn a_busy_gateway_looks_right_at_both_sizes() {
    for (width, height) in SIZES {
        let text = screen(&mut busy(), width, height).expect("a screen");
        golden(&format!("top-{width}x{height}.txt"), &text);
    }
}

#[test]
fn help_names_every_key() {
    let mut app = busy();
    app.press(KeyCode::Char('?'));
    let text = screen(&mut app, 80, 24).expect("a screen");
    golden("top-help-80x24.txt", &text);
    app.press(KeyCode::Char('x'));
    let text = screen(&mut app, 80, 24).expect("a screen");
    assert!(!text.contains(" Help "), "{text}");
}

#[test]
fn a_node_that_went_is_said_to_be_gone_and_one_that_came_back_is_shown() {
    let mut app = busy();
    app.take(News::Gone("no such file".into()));
    let first = |app: &mut App| {
        let text = screen(app, 80, 24).expect("a screen");
        text.lines().next().unwrap_or_default().to_owned()
    };
    assert!(first(&mut app).contains("gone: no such file"));
    app.take(look(Instant::now(), 9));
    assert!(first(&mut app).contains("paths 2/3 up"));
}

#[test]
fn a_long_list_scrolls_to_its_end_and_no_further() {
    let mut app = App::new(true);
    for number in 0..30 {
        app.take(told(0.0, "info", &format!("event {number}")));
    }
    app.focus = Part::Events;
    app.press(KeyCode::End);
    let text = screen(&mut app, 80, 24).expect("a screen");
    assert!(text.contains("of 30") && text.contains("event 0"), "{text}");
    app.press(KeyCode::Home);
    let text = screen(&mut app, 80, 24).expect("a screen");
    assert!(text.contains("event 29"), "{text}");
}

#[test]
fn a_paused_screen_keeps_its_figures() {
    let mut app = busy();
    app.press(KeyCode::Char('p'));
    let before = app.json();
    app.take(look(Instant::now(), 20));
    assert_eq!(app.json(), before);
    app.press(KeyCode::Char('p'));
    app.take(look(Instant::now(), 20));
    assert_ne!(app.json(), before);
}

#[test]
fn the_smallest_screens_do_not_end_the_program() {
    for (width, height) in [(1, 1), (20, 3), (3, 40), (500, 5)] {
        let mut app = busy();
        app.help = true;
        screen(&mut app, width, height).expect("a screen");
    }
}
