mod section8;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::server::ControlSocket;
use super::{Only, Request, Response, What, client, parse_mac};
use crate::node::NodeInput;
use crate::node::tests::Domain;

fn temporary(name: &str) -> std::path::PathBuf {
    let name = format!("pmip-control-{}-{name}.sock", std::process::id());
    std::env::temp_dir().join(name)
}

/// Serves a socket as a node would, with one answer to everything.
async fn serve(socket: &mut ControlSocket) {
    let (sender, mut inbox) = mpsc::channel(4);
    socket.serve(sender);
    tokio::spawn(async move {
        while let Some(input) = inbox.recv().await {
            if let NodeInput::Control(request, answer) = input {
                let request = serde_json::to_value(&request).expect("JSON");
                let _ = answer.send(Response::Ok(json!({ "asked": request })));
            }
        }
    });
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

#[test]
fn a_request_is_one_line_and_gets_one_line() {
    let path = temporary("line");
    let answer: Value = runtime().block_on(async {
        let mut socket = ControlSocket::open(&path).expect("a socket");
        serve(&mut socket).await;
        let path = path.clone();
        let request = Request::show(What::RunningConfig);
        let asking = tokio::task::spawn_blocking(move || client::ask(&path, &request));
        asking.await.expect("a thread").expect("an answer")
    });
    let expected = json!({ "asked": { "command": "show", "what": "running-config" } });
    assert_eq!(answer, expected);
    assert!(!path.exists(), "the socket's file goes with the node");
}

#[test]
fn only_its_owner_may_open_the_socket() {
    use std::os::unix::fs::PermissionsExt;
    let path = temporary("mode");
    let mode = runtime().block_on(async {
        let socket = ControlSocket::open(&path).expect("a socket");
        let mode = std::fs::metadata(&path).expect("a file").permissions();
        drop(socket);
        mode.mode() & 0o777
    });
    assert_eq!(mode, 0o600);
}

#[test]
fn a_second_node_does_not_take_the_socket_of_a_running_one() {
    let path = temporary("second");
    runtime().block_on(async {
        let _first = ControlSocket::open(&path).expect("a socket");
        let second = ControlSocket::open(&path).map(|_| ());
        let error = second.expect_err("taken");
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    });
    // One that a crash left behind is taken over.
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    drop(listener);
    runtime().block_on(async {
        ControlSocket::open(&path).expect("a stale socket is replaced");
    });
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let path = temporary("file");
    std::fs::write(&path, "a configuration").expect("a file");
    let opened = runtime().block_on(async { ControlSocket::open(&path).map(|_| ()) });
    let text = std::fs::read_to_string(&path).expect("still there");
    std::fs::remove_file(&path).expect("clean up");
    assert_eq!(
        opened.map_err(|error| error.kind()),
        Err(std::io::ErrorKind::AlreadyExists)
    );
    assert_eq!(text, "a configuration");
}

#[test]
fn a_directory_that_anybody_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let directory = temporary("directory");
    std::fs::create_dir(&directory).expect("a directory");
    let open = |mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&directory, mode).expect("its mode");
        let path = directory.join("node.sock");
        runtime().block_on(async { ControlSocket::open(&path).map(|_| ()) })
    };
    let (shared, sticky, own) = (open(0o777), open(0o1777), open(0o700));
    std::fs::remove_dir(&directory).expect("clean up");
    let shared = shared.map_err(|error| error.kind());
    assert_eq!(shared, Err(std::io::ErrorKind::PermissionDenied));
    assert!(sticky.is_ok() && own.is_ok());
}

#[test]
fn nonsense_gets_an_error_and_the_conversation_goes_on() {
    use std::io::{BufRead, BufReader, Write};
    let path = temporary("nonsense");
    runtime().block_on(async {
        let mut socket = ControlSocket::open(&path).expect("a socket");
        serve(&mut socket).await;
        let path = path.clone();
        let talk = move || {
            let mut stream = std::os::unix::net::UnixStream::connect(path).expect("a node");
            let patience = Some(Duration::from_secs(10));
            stream.set_read_timeout(patience).expect("a timeout");
            let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
            let mut ask = |text: &str| {
                stream.write_all(text.as_bytes()).expect("written");
                let line = lines.next().expect("a line").expect("a readable one");
                serde_json::from_str::<Response>(&line).expect("a response")
            };
            assert!(matches!(ask("show me\n"), Response::Error(_)));
            let unknown = "{\"command\":\"show\",\"what\":\"paths\",\"how\":1}\n";
            assert!(matches!(ask(unknown), Response::Error(_)));
            let good = "{\"command\":\"show\",\"what\":\"paths\"}\n";
            assert!(matches!(ask(good), Response::Ok(_)));
        };
        tokio::task::spawn_blocking(talk).await.expect("no panic");
    });
}

#[test]
fn everything_that_can_be_shown_is_shown_and_printed() {
    let mut domain = Domain::registered();
    for what in [
        What::Bindings,
        What::Paths,
        What::Heartbeat,
        What::Flows,
        What::Tunnels,
        What::MobileMap,
        What::Stats,
        What::Globals,
        What::RunningConfig,
    ] {
        for seat in [&mut domain.mag, &mut domain.lma] {
            let Response::Ok(value) = seat.ask(domain.now, Request::show(what)) else {
                panic!("{what:?} is refused");
            };
            let text = crate::view::render(what, value).expect("rows that the view knows");
            assert!(!text.trim().is_empty(), "{what:?} prints nothing");
        }
    }
}

#[test]
fn a_path_of_a_binding_has_the_fields_of_the_contract() {
    let mut domain = Domain::registered();
    let what = What::Bindings;
    let Response::Ok(value) = domain.mag.ask(domain.now, Request::show(what)) else {
        panic!("a gateway shows its bindings");
    };
    let binding = value.pointer("/0").expect("one binding");
    for field in [
        "mn_id",
        "lmn",
        "state",
        "peer",
        "hnp",
        "ipv4_hoa",
        "dmnp",
        "lifetime_s",
        "remaining_s",
    ] {
        assert!(binding.get(field).is_some(), "{field} is missing");
    }
    let path = binding.pointer("/paths/0").expect("one path");
    for field in [
        "bid",
        "label",
        "att",
        "care_of",
        "observed",
        "encap",
        "state",
        "weight",
        "heartbeat",
        "rtt_ms",
        "jitter_ms",
        "loss_pct",
        "tx_packets",
        "tx_bytes",
        "rx_packets",
        "rx_bytes",
        "flows",
    ] {
        assert!(path.get(field).is_some(), "{field} is missing");
    }
}

#[test]
fn clearing_a_binding_registers_it_anew() {
    let mut domain = Domain::registered();
    let nobody = Request::ClearBinding {
        nai: Some("nobody@example.org".into()),
    };
    assert!(matches!(
        domain.mag.ask(domain.now, nobody),
        Response::Error(_)
    ));
    let updates = |domain: &Domain| domain.mag.node.engine().stats().binding_updates;
    let before = updates(&domain);
    let all = Request::ClearBinding { nai: None };
    assert_eq!(domain.mag.ask(domain.now, all), Response::Ok(Value::Null));
    domain.run(Duration::from_secs(20));
    assert!(updates(&domain) > before);
    let bindings = domain.mag.node.engine().bindings(domain.now);
    assert_eq!(bindings.len(), 1, "registered again");
}

#[test]
fn clearing_at_the_anchor_reaches_the_gateway_at_once() {
    let mut domain = Domain::registered();
    let created = |domain: &Domain| domain.mag.node.engine().stats().sessions_created;
    let before = created(&domain);
    let all = Request::ClearBinding { nai: None };
    assert_eq!(domain.lma.ask(domain.now, all), Response::Ok(Value::Null));
    domain.run(Duration::from_secs(5));
    assert_eq!(created(&domain), before + 1, "let go, and registered anew");
    for seat in [&domain.mag, &domain.lma] {
        assert_eq!(seat.node.engine().bindings(domain.now).len(), 1);
    }
}

#[test]
fn an_attachment_names_an_access_interface_of_a_gateway() {
    let mut domain = Domain::registered();
    let attach = || Request::Attach {
        nai: "host@example.org".into(),
        interface: "eth9".into(),
        ll_addr: None,
        att: None,
    };
    for seat in [&mut domain.mag, &mut domain.lma] {
        let refused = seat.ask(domain.now, attach());
        assert!(matches!(refused, Response::Error(_)), "{refused:?}");
    }
}

#[test]
fn link_layer_addresses_have_six_octets() {
    assert_eq!(
        parse_mac("02:00:5e:00:52:13"),
        Some([2, 0, 0x5e, 0, 0x52, 0x13])
    );
    assert_eq!(
        parse_mac("02-00-5e-00-52-13"),
        Some([2, 0, 0x5e, 0, 0x52, 0x13])
    );
    for wrong in [
        "",
        "02:00:5e:00:52",
        "02:00:5e:00:52:13:14",
        "02:00:5e:00:52:xx",
    ] {
        assert_eq!(parse_mac(wrong), None, "{wrong}");
    }
}

fn shown(
    seat: &mut crate::node::tests::Seat,
    now: pmip_wire::types::Instant,
    request: Request,
) -> Value {
    match seat.ask(now, request) {
        Response::Ok(value) => value,
        other @ (Response::Error(_) | Response::WrongConfiguration(_)) => panic!("{other:?}"),
    }
}

#[test]
fn a_part_is_what_was_asked_for_and_nothing_else() {
    let mut domain = Domain::registered();
    let now = domain.now;
    let only = |what, only| Request::Show {
        what,
        only: Some(only),
    };
    let lma = &mut domain.lma;
    let own = only(What::Bindings, Only::Nai("van@example.org".into()));
    let own = shown(lma, now, own);
    assert_eq!(own.as_array().map(Vec::len), Some(1));
    assert!(own.pointer("/0/paths/0/lifetime_s").is_some(), "{own}");
    let other = only(What::Bindings, Only::Nai("nobody@example.org".into()));
    assert_eq!(shown(lma, now, other), json!([]));
    let summary = shown(lma, now, only(What::Bindings, Only::Summary));
    assert_eq!(summary["bindings"], 1);
    assert_eq!(summary["by_peer"], json!({ "MAG1": 1 }));
    let peer = shown(lma, now, only(What::Stats, Only::Peer("MAG1".into())));
    assert_eq!(
        (&peer["paths_up"], &peer["bindings"]),
        (&json!(2), &json!(1))
    );
    let stranger = only(What::Paths, Only::Peer("MAG2".into()));
    assert_eq!(shown(lma, now, stranger), json!([]));
}

#[test]
fn cleared_counters_start_from_zero_and_what_is_there_stays() {
    let mut domain = Domain::registered();
    let stats = |domain: &mut Domain| {
        let now = domain.now;
        shown(&mut domain.lma, now, Request::show(What::Stats))
    };
    let before = stats(&mut domain);
    assert!(
        before["acknowledgements"]
            .as_object()
            .is_some_and(|by| !by.is_empty()),
        "{before}"
    );
    let now = domain.now;
    assert_eq!(
        shown(&mut domain.lma, now, Request::ClearStats),
        Value::Null
    );
    let after = stats(&mut domain);
    assert_eq!(
        after.pointer("/signalling/received"),
        Some(&json!(0)),
        "{after}"
    );
    assert_eq!(after["now"], before["now"]);
    domain.run(Duration::from_secs(3));
    let later = stats(&mut domain);
    let received = later
        .pointer("/signalling/received")
        .and_then(Value::as_u64);
    let total = domain.lma.node.engine().stats().received;
    assert!(received > Some(0) && received < Some(total), "{later}");
}

#[test]
fn a_detachment_that_makes_no_sense_is_refused() {
    let mut domain = Domain::registered();
    let now = domain.now;
    let detach = |nai: &str, interface: Option<&str>, ll_addr: Option<&str>| Request::Detach {
        nai: nai.into(),
        interface: interface.map(str::to_owned),
        ll_addr: ll_addr.map(str::to_owned),
        att: None,
    };
    for request in [
        detach("nobody@example.org", None, None),
        detach("van@example.org", Some("eth9"), None),
        detach("van@example.org", None, Some("02:00")),
    ] {
        let refused = domain.mag.ask(now, request);
        assert!(matches!(refused, Response::Error(_)), "{refused:?}");
    }
    let done = domain.mag.ask(now, detach("van@example.org", None, None));
    assert_eq!(done, Response::Ok(Value::Null));
}
