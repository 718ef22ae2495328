//! A MAG's and an LMA's whole loop on the platform's twins, joined in memory, in virtual time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pmip_binding::snapshot::LmaSnapshot;
use pmip_binding::{Carrier, ClockAnchor, Datagram, PathState};
use pmip_wire::types::Instant;
use pmip_wire::udp::CONTROL_PORT;
use tokio::sync::{broadcast, oneshot};

use super::{Node, NodeInput, Start, Watch};
use crate::config::node::{Role, select};
use crate::config::{Format, parse};
use crate::control::{Request, Response, What};
use crate::platform::memory::{Action, Memory};
use crate::platform::network::{Address, Link, NetworkEvent, Route};
use crate::platform::ports::{KernelItem, Signalling, SocketKey};
use crate::platform::state_dir::Restart;

/// Both nodes' configuration, as their operators would write it.
pub(crate) const CONFIG: &str = r#"
[[ipv4-pool]]
name = "home4"
ranges = [{ first = "10.65.0.10", last = "10.65.0.250" }]
[[ipv6-pool]]
name = "home6"
prefix = "2001:db8:6500::/40"
assigned-length = 64
[[domain]]
name = "D"
encap = "udptunnel"
[[domain.link-label]]
name = "LTE"
id = 7
[[domain.nai]]
nai = "van@example.org"
lma = "LMA1"
network = "vehicles"
[[lma]]
id = "LMA1"
domain = "D"
multipath = true
dynamic-mag-learning = true
[lma.address]
ipv4 = ["198.51.100.1"]
[[lma.network]]
name = "vehicles"
ipv4-pool = { name = "home4", pfxlen = 24 }
ipv6-pool = { name = "home6", pfxlen = 64 }
mobile-network = [
  { pool = "10.60.0.0", pool-prefix = 16, network-prefix = 24 },
  { pool = "2001:db8:6400::", pool-prefix = 40, network-prefix = 56 },
]
[[mag]]
id = "MAG1"
domain = "D"
multipath = true
address-dynamic = true
[[mag.heartbeat]]
interval-ms = 1000
retries = 1
[[mag.roaming-interface]]
name = "wan1"
label = "LTE"
priority = 1
[[mag.roaming-interface]]
name = "wan2"
label = "DSL"
priority = 2
[[mag.lma]]
id = "LMA1"
domain = "D"
ipv4-address = "198.51.100.1"
[[mag.logical-mn]]
nai = "van@example.org"
mobile-network = [{ interface = "lan", learn-prefix = true }]
"#;

/// One node with the memory that it acts on.
pub(crate) struct Seat {
    pub(crate) node: Node,
    pub(crate) memory: Memory,
    deadline: Option<Instant>,
}

/// A MAG with two uplinks and an LMA.
pub(crate) struct Domain {
    pub(crate) now: Instant,
    pub(crate) mag: Seat,
    pub(crate) lma: Seat,
    nat: bool,
}

impl Seat {
    fn resuming(role: Role, now: Instant, snapshot: Option<LmaSnapshot>) -> Self {
        Self::with(CONFIG, role, now, snapshot)
    }

    fn with(config: &str, role: Role, now: Instant, snapshot: Option<LmaSnapshot>) -> Self {
        let loaded = parse("test.toml", config, Format::Toml).expect("a valid configuration");
        let config = select(&loaded.config, role, None).expect("one node of each role");
        let mut memory = Memory::default();
        if role == Role::Lma {
            let local = "198.51.100.1".parse().expect("an address");
            let key = SocketKey {
                device: None,
                local,
            };
            memory.open(&key).expect("a socket in memory");
        }
        let start = Start {
            seed: [u8::from(role == Role::Mag); 32],
            anchor: ClockAnchor {
                instant: Instant::ZERO,
                unix: Duration::from_secs(1_700_000_000),
            },
            restart: Restart {
                counter: 3,
                restarted: false,
            },
            snapshot,
        };
        let mut node = Node::new(config, start, now, memory.ports(), "pmip0", 118_005)
            .expect("a configuration that the engine takes");
        let deadline = node.finish_turn(now);
        Self {
            node,
            memory,
            deadline,
        }
    }

    pub(crate) fn turn(&mut self, now: Instant, input: NodeInput) {
        self.node.handle(now, input);
        self.deadline = self.node.finish_turn(now);
    }

    pub(crate) fn up_paths(&self) -> usize {
        let paths = self.node.engine().paths();
        let up = paths.iter().filter(|path| path.state == PathState::Up);
        up.filter(|path| path.usable).count()
    }

    pub(crate) fn ask(&mut self, now: Instant, request: Request) -> Response {
        let (sender, mut receiver) = oneshot::channel();
        self.turn(now, NodeInput::Control(request, sender));
        receiver.try_recv().expect("an answer in the same turn")
    }
}

impl Domain {
    pub(crate) fn new() -> Self {
        Self::with(CONFIG)
    }

    pub(crate) fn with(config: &str) -> Self {
        let now = Instant::from_secs(1);
        Self {
            now,
            mag: Seat::with(config, Role::Mag, now, None),
            lma: Seat::with(config, Role::Lma, now, None),
            nat: false,
        }
    }

    /// A domain whose MAG has registered over both uplinks.
    pub(crate) fn registered() -> Self {
        let mut domain = Self::new();
        domain.register();
        domain
    }

    fn register(&mut self) {
        self.mag.turn(self.now, NodeInput::Network(interfaces()));
        self.run(Duration::from_secs(5));
    }

    /// Lets time pass, datagrams travelling at once.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            while self.carry() {}
            let deadlines = [self.mag.deadline, self.lma.deadline];
            let next = deadlines.into_iter().flatten().min();
            match next.filter(|next| *next <= end) {
                None => break,
                Some(next) => self.now = self.now.max(next),
            }
            for seat in [&mut self.mag, &mut self.lma] {
                if seat.deadline.is_some_and(|deadline| deadline <= self.now) {
                    seat.turn(self.now, NodeInput::Timeout);
                }
            }
        }
        self.now = end;
    }

    /// Delivers what was sent; whether anything was.
    fn carry(&mut self) -> bool {
        let up = self.mag.memory.take_actions();
        let down = self.lma.memory.take_actions();
        let mut carried = false;
        let (now, nat) = (self.now, self.nat);
        for action in up {
            if let Some(input) = nat::carry_up(action, now, nat, &self.mag, &self.lma) {
                self.lma.turn(now, input);
                carried = true;
            }
        }
        for action in down {
            if let Some(input) = nat::carry_down(action, now, nat, &self.mag, &self.lma) {
                self.mag.turn(now, input);
                carried = true;
            }
        }
        carried
    }
}

fn sent(action: Action) -> Option<Datagram> {
    let Action::Sent {
        from,
        destination,
        payload,
    } = action
    else {
        return None;
    };
    Some(Datagram {
        carrier: Carrier::Udp,
        source: (from.local, CONTROL_PORT).into(),
        destination,
        payload,
        vrf: pmip_binding::VrfId::DEFAULT,
    })
}

pub(crate) fn link(index: u32, name: &str, running: bool) -> NetworkEvent {
    NetworkEvent::Link(Link {
        index,
        name: name.into(),
        up: true,
        running,
        mac: Some([2, 0, 0, 0, 0, 1]),
        mtu: 1400,
    })
}

pub(crate) fn interfaces() -> Vec<NetworkEvent> {
    let mut events = vec![link(4, "lan", true)];
    for (index, name, address) in [(2, "wan1", "10.1.0.2"), (3, "wan2", "10.2.0.2")] {
        events.push(link(index, name, true));
        events.push(NetworkEvent::Address(Address {
            index,
            address: address.parse().expect("an address"),
            length: 24,
        }));
        events.push(NetworkEvent::Route(Route {
            destination: "0.0.0.0/0".parse().expect("a prefix"),
            gateway: None,
            index,
            table: 254,
            metric: index,
        }));
    }
    events
}

mod hybrid;
mod nat;

#[test]
fn two_paths_register_and_the_mobile_network_is_configured() {
    let domain = Domain::registered();
    assert_eq!(domain.mag.up_paths(), 2);
    assert_eq!(domain.lma.up_paths(), 2);
    assert_eq!(domain.mag.memory.path_sockets().len(), 2);
    let kernel = domain.mag.memory.kernel();
    let address = |address: &str, length| KernelItem::Address {
        device: "lan".into(),
        address: address.parse().expect("an address"),
        length,
    };
    assert!(kernel.contains(&address("10.60.0.1", 24)), "{kernel:?}");
    assert!(
        kernel.contains(&address("2001:db8:6400::1", 64)),
        "{kernel:?}"
    );
    let rule = KernelItem::Rule {
        device: "lan".into(),
        table: 118_005,
        ipv4: true,
    };
    assert!(kernel.contains(&rule), "{kernel:?}");
    // What the gateway itself sends from its address there enters the tunnel too.
    let own = KernelItem::OwnSourceRule {
        source: "10.60.0.0/24".parse().expect("a prefix"),
        table: 118_005,
    };
    assert!(kernel.contains(&own), "{kernel:?}");
}

#[test]
fn the_anchor_routes_its_pools_and_nothing_for_each_session() {
    let domain = Domain::registered();
    let kernel = domain.lma.memory.kernel();
    assert_eq!(kernel, Domain::new().lma.memory.kernel());
    let pool = KernelItem::Route {
        destination: "10.60.0.0/16".parse().expect("a prefix"),
        device: "pmip0".into(),
        table: 254,
    };
    assert!(kernel.contains(&pool), "{kernel:?}");
}

#[test]
fn forwarding_is_published_before_the_acknowledgement_leaves() {
    let mut domain = Domain::new();
    let now = domain.now;
    domain.mag.turn(now, NodeInput::Network(interfaces()));
    let request = domain.mag.memory.take_actions();
    let request = request.into_iter().find_map(sent).expect("a first PBU");
    domain.lma.memory.take_actions();
    domain.lma.turn(now, NodeInput::Datagram(request));
    let actions = domain.lma.memory.take_actions();
    let published = actions
        .iter()
        .position(|action| matches!(action, Action::Published(_)));
    let answered = actions
        .iter()
        .position(|action| matches!(action, Action::Sent { .. }));
    let (published, answered) = (published.expect("published"), answered.expect("answered"));
    assert!(published < answered, "{actions:?}");
}

#[test]
fn a_lost_carrier_takes_the_path_down_on_both_nodes_at_once() {
    let mut domain = Domain::registered();
    let events = vec![link(2, "wan1", false)];
    domain.mag.turn(domain.now, NodeInput::Network(events));
    assert_eq!(domain.mag.memory.sockets().len(), 1);
    // No timer needs to run for the anchor to know.
    while domain.carry() {}
    assert_eq!((domain.mag.up_paths(), domain.lma.up_paths()), (1, 1));
    domain
        .mag
        .turn(domain.now, NodeInput::Network(vec![link(2, "wan1", true)]));
    domain.run(Duration::from_secs(5));
    assert_eq!((domain.mag.up_paths(), domain.lma.up_paths()), (2, 2));
}

#[test]
fn a_path_leaves_room_for_its_tunnel_header() {
    let domain = Domain::registered();
    for path in domain.mag.node.engine().paths() {
        assert_eq!(domain.mag.node.table().path_mtu(path.path), Some(1400 - 28));
    }
}

#[test]
fn noise_on_the_signalling_port_disturbs_nothing() {
    let mut domain = Domain::registered();
    let before = domain.lma.up_paths();
    for length in 0..64_u8 {
        let noise = Datagram {
            carrier: Carrier::Udp,
            source: "10.1.0.2:5436".parse().expect("an address"),
            destination: "198.51.100.1:5436".parse().expect("an address"),
            payload: Bytes::from(vec![length; length.into()]),
            vrf: pmip_binding::VrfId::DEFAULT,
        };
        domain.lma.turn(domain.now, NodeInput::Datagram(noise));
    }
    domain.run(Duration::from_secs(10));
    assert_eq!((domain.lma.up_paths(), before), (2, 2));
    let dropped = domain.lma.node.engine().stats().dropped.values();
    assert!(dropped.sum::<u64>() >= 60);
}

#[test]
fn a_shutdown_deregisters_and_is_then_complete() {
    let mut domain = Domain::registered();
    domain.mag.turn(domain.now, NodeInput::Shutdown);
    assert!(!domain.mag.node.is_shut_down());
    while domain.carry() {}
    assert!(domain.mag.node.is_shut_down());
    assert_eq!(domain.lma.up_paths(), 0);
}

#[test]
fn show_names_every_path_with_its_label() {
    let mut domain = Domain::registered();
    let (now, what) = (domain.now, What::Bindings);
    let Response::Ok(bindings) = domain.lma.ask(now, Request::show(what)) else {
        panic!("an anchor shows its bindings");
    };
    let paths = bindings.pointer("/0/paths").expect("paths of a binding");
    let labels: Vec<_> = paths
        .as_array()
        .expect("an array")
        .iter()
        .map(|path| (path["bid"].clone(), path["label"].clone()))
        .collect();
    assert_eq!(labels.len(), 2);
    assert_eq!(labels[0], (1.into(), "LTE".into()));
    assert_eq!(
        bindings.pointer("/0/mn_id"),
        Some(&"van@example.org".into())
    );
}

#[test]
fn an_anchor_that_restarts_goes_on_with_the_bindings_it_kept() {
    let mut domain = Domain::registered();
    let keep = |domain: &mut Domain| {
        let (sender, mut receiver) = oneshot::channel();
        domain.lma.turn(domain.now, NodeInput::Keep(sender));
        receiver.try_recv().ok()
    };
    let snapshot = keep(&mut domain).expect("bindings to keep");
    assert_eq!(keep(&mut domain), None, "nothing came since");
    let created = |domain: &Domain| domain.mag.node.engine().stats().sessions_created;
    let before = created(&domain);
    domain.lma = Seat::resuming(Role::Lma, domain.now, Some(snapshot));
    // Packets flow again before the gateway says a word.
    assert_eq!(domain.lma.up_paths(), 2);
    let published = domain.lma.memory.table().expect("a published table");
    for path in domain.lma.node.engine().paths() {
        assert!(published.path(path.path).is_some(), "{}", path.path);
    }
    domain.run(Duration::from_secs(60));
    assert_eq!(created(&domain), before, "nobody noticed");
    assert_eq!((domain.mag.up_paths(), domain.lma.up_paths()), (2, 2));
}

/// The JSON lines that wait for a watcher.
fn told(lines: &mut broadcast::Receiver<Arc<str>>) -> Vec<serde_json::Value> {
    std::iter::from_fn(|| lines.try_recv().ok())
        .map(|line| serde_json::from_str(&line).expect("JSON"))
        .collect()
}

#[test]
fn a_watcher_hears_which_path_died_and_why() {
    let mut domain = Domain::registered();
    let (sender, mut receiver) = oneshot::channel();
    let watch = NodeInput::Watch(Watch::Events(sender));
    domain.mag.turn(domain.now, watch);
    let mut lines = receiver.try_recv().expect("lines");
    let events = vec![link(2, "wan1", false)];
    domain.mag.turn(domain.now, NodeInput::Network(events));
    let told = told(&mut lines);
    let down = told.iter().find(|told| told["event"] == "path-down");
    let down = down.unwrap_or_else(|| panic!("{told:?}"));
    assert_eq!(down["level"], "warn");
    assert_eq!(down["peer"], "LMA1");
    let message = down["message"].as_str().expect("words");
    assert!(message.contains("wan1 (LTE)"), "{message}");
    assert!(
        down["path"].is_u64() && down["time"].as_f64() > Some(1.7e9),
        "{down}"
    );
}

#[test]
fn the_changes_of_an_anchor_make_its_state() {
    let mut domain = Domain::new();
    let (sender, mut receiver) = oneshot::channel();
    let watch = NodeInput::Watch(Watch::Changes(sender));
    domain.lma.turn(domain.now, watch);
    let (mut state, mut lines) = receiver.try_recv().expect("a state and lines");
    domain
        .mag
        .turn(domain.now, NodeInput::Network(interfaces()));
    domain.run(Duration::from_secs(5));
    for change in told(&mut lines) {
        state.apply(serde_json::from_value(change).expect("a change"));
    }
    let now = domain.lma.node.engine().snapshot().expect("an anchor");
    assert!(now.sessions().count() == 1 && *state == now);
    // A gateway has nothing of the kind.
    let (sender, mut receiver) = oneshot::channel();
    let watch = NodeInput::Watch(Watch::Changes(sender));
    domain.mag.turn(domain.now, watch);
    assert!(receiver.try_recv().is_err());
}

/// Would break: the setting lost on its way to the access side, or always on.
#[test]
fn mobile_networks_reach_each_other_locally_only_where_asked() {
    let local = KernelItem::Route {
        destination: "10.60.0.0/24".parse().expect("a prefix"),
        device: "lan".into(),
        table: 118_005,
    };
    let kernel = Domain::registered().mag.memory.kernel();
    assert!(!kernel.contains(&local), "{kernel:?}");
    let asked = "encap = \"udptunnel\"\nlocal-routing-mag = true";
    let mut domain = Domain::with(&CONFIG.replace("encap = \"udptunnel\"", asked));
    domain.register();
    let kernel = domain.mag.memory.kernel();
    assert!(kernel.contains(&local), "{kernel:?}");
}
