use dhcproto::v4::{DhcpOption, Message, OptionCode};
use pmip_binding::SessionId;

use super::*;
use crate::access::dhcp4::client;
use crate::access::frame::{BROADCAST, Said, build_icmp6, build_udp6, parse};
use crate::platform::network::{Link, NetworkEvent, NetworkState};

const US: Mac = [2, 0, 0, 0, 0, 1];
const HOST: Mac = [2, 0, 0, 0, 0, 9];
const NAI: &str = "02-00-00-00-00-09@D";
const HOME: Ipv4Addr = Ipv4Addr::new(10, 65, 0, 10);
const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 65, 0, 1);

/// A gateway with the access interface `lan`, at a moment that tests move.
struct Bench {
    hosts: Hosts,
    network: NetworkState,
    now: Instant,
}

impl Bench {
    fn new(change: impl FnOnce(&mut HostsConfig)) -> Self {
        let mut config = HostsConfig {
            devices: vec!["lan".into()],
            realm: "D".into(),
            known: BTreeMap::new(),
            by_events: false,
            probing: None,
            maximum: 100,
            link_local: None,
            local_table: None,
        };
        change(&mut config);
        let mut network = NetworkState::default();
        network.apply(NetworkEvent::Link(Link {
            index: 4,
            name: "lan".into(),
            up: true,
            running: true,
            mac: Some(US),
            mtu: 1500,
        }));
        Self {
            hosts: Hosts::new(config),
            network,
            now: Instant::from_secs(1000),
        }
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Hosts, Surroundings<'_>) -> T) -> T {
        let remaining = |_: &str| Some(Duration::from_secs(600));
        let around = Surroundings {
            now: self.now,
            network: &self.network,
            remaining: &remaining,
            mtu: Some(1400),
        };
        act(&mut self.hosts, around)
    }

    /// A host's frame arrives; what is done about it.
    fn hear(&mut self, frame: &[u8]) -> Vec<Act> {
        let (mac, said) = parse(frame).expect("well-formed").expect("for us");
        self.with(|hosts, around| hosts.on_frame(around, "lan", mac, &said));
        self.hosts.take_acts()
    }

    /// The anchor answers.
    fn session_up(&mut self, nai: &str) -> Vec<Act> {
        let event = SessionEvent::Up {
            session: SessionId(1),
            mn_id: nai.into(),
            home_prefixes: vec!["2001:db8:65::/64".parse().expect("a prefix")],
            ipv4_home: Some(("10.65.0.0/24".parse().expect("a prefix"), HOME, ROUTER)),
            delegated: Vec::new(),
        };
        self.with(|hosts, around| hosts.on_session(around, &event));
        self.hosts.take_acts()
    }

    fn session_down(&mut self, nai: &str) -> Vec<Act> {
        let event = SessionEvent::Down {
            session: SessionId(1),
            mn_id: nai.into(),
            reason: "a test",
        };
        self.with(|hosts, around| hosts.on_session(around, &event));
        self.hosts.take_acts()
    }

    fn wait(&mut self, span: Duration) -> Vec<Act> {
        let end = self.now + span;
        let mut acts = Vec::new();
        while let Some(due) = self.hosts.timeout().filter(|due| *due <= end) {
            self.now = due;
            self.with(|hosts, around| hosts.on_timeout(around));
            acts.extend(self.hosts.take_acts());
        }
        self.now = end;
        acts
    }
}

fn attached(acts: &[Act]) -> Vec<&str> {
    let nais = acts.iter().filter_map(|act| match act {
        Act::Attach { nai, .. } => Some(nai.as_str()),
        _ => None,
    });
    nais.collect()
}

fn detached(acts: &[Act]) -> Vec<&str> {
    let nais = acts.iter().filter_map(|act| match act {
        Act::Detach(nai) => Some(nai.as_str()),
        _ => None,
    });
    nais.collect()
}

fn frames(acts: &[Act]) -> Vec<&[u8]> {
    let frames = acts.iter().filter_map(|act| match act {
        Act::Send { frame, .. } => Some(frame.as_slice()),
        _ => None,
    });
    frames.collect()
}

/// The DHCP messages among what was sent.
fn dhcp(acts: &[Act]) -> Vec<Message> {
    let frames = frames(acts).into_iter();
    let udp = frames.filter(|frame| frame.get(12..14) == Some(&[8, 0]));
    udp.map(client::read).collect()
}

fn kind(message: &Message) -> MessageType {
    message.opts().msg_type().expect("a message type")
}

use dhcproto::v4::MessageType;

fn discover(mac: Mac) -> Vec<u8> {
    client::send(mac, MessageType::Discover, &[])
}

fn request(wanted: Ipv4Addr) -> Vec<u8> {
    let options = [
        DhcpOption::RequestedIpAddress(wanted),
        DhcpOption::ServerIdentifier(ROUTER),
    ];
    client::send(HOST, MessageType::Request, &options)
}

fn solicit() -> Vec<u8> {
    let from = link_local_of(HOST);
    let to = "ff02::2".parse().expect("an address");
    build_icmp6(
        (HOST, [0x33, 0x33, 0, 0, 0, 2]),
        (from, to),
        vec![133, 0, 0, 0, 0, 0, 0, 0],
    )
}

/// A host that has its address.
fn bound(change: impl FnOnce(&mut HostsConfig)) -> Bench {
    let mut bench = Bench::new(change);
    bench.hear(&discover(HOST));
    bench.session_up(NAI);
    let acts = bench.hear(&request(HOME));
    assert_eq!(
        dhcp(&acts).iter().map(kind).collect::<Vec<_>>(),
        [MessageType::Ack]
    );
    bench
}

#[test]
fn an_offer_waits_for_the_anchor_and_is_its_address() {
    let mut bench = Bench::new(|_| {});
    let acts = bench.hear(&discover(HOST));
    assert_eq!(attached(&acts), [NAI]);
    assert_eq!(frames(&acts).len(), 0, "nothing is known yet");
    let acts = bench.session_up(NAI);
    let offers = dhcp(&acts);
    let [offer] = offers.as_slice() else {
        panic!("{acts:?}");
    };
    assert_eq!((kind(offer), offer.yiaddr()), (MessageType::Offer, HOME));
    for wanted in [
        DhcpOption::Router(vec![ROUTER]),
        DhcpOption::ServerIdentifier(ROUTER),
        DhcpOption::SubnetMask(Ipv4Addr::new(255, 255, 255, 0)),
        DhcpOption::AddressLeaseTime(600),
        DhcpOption::InterfaceMtu(1400),
    ] {
        assert_eq!(offer.opts().get(OptionCode::from(&wanted)), Some(&wanted));
    }
    let way = KernelItem::Route {
        destination: "10.65.0.10/32".parse().expect("a prefix"),
        device: "lan".into(),
        table: 254,
    };
    let router = KernelItem::Address {
        device: "lan".into(),
        address: ROUTER.into(),
        length: 32,
    };
    for item in [way, router] {
        assert!(acts.contains(&Act::Add(item.clone())), "{item}: {acts:?}");
    }
}

/// Would break: a host that came from another gateway, or outlived a restart of this one.
#[test]
fn a_request_out_of_the_blue_is_answered_once_the_anchor_said_what_is_right() {
    for (wanted, answer) in [
        (HOME, MessageType::Ack),
        (Ipv4Addr::new(192, 0, 2, 1), MessageType::Nak),
    ] {
        let mut bench = Bench::new(|_| {});
        let renewal = client::from(HOST, MessageType::Request, wanted, &[]);
        assert_eq!(attached(&bench.hear(&renewal)), [NAI]);
        let acts = bench.session_up(NAI);
        assert_eq!(dhcp(&acts).iter().map(kind).collect::<Vec<_>>(), [answer]);
    }
}

#[test]
fn an_impatient_host_is_reported_once() {
    let mut bench = Bench::new(|_| {});
    assert_eq!(attached(&bench.hear(&discover(HOST))).len(), 1);
    for _ in 0..5 {
        assert_eq!(attached(&bench.hear(&discover(HOST))).len(), 0);
        assert_eq!(attached(&bench.hear(&solicit())).len(), 0);
    }
    bench.wait(Duration::from_secs(4));
    assert_eq!(attached(&bench.hear(&discover(HOST))).len(), 1);
}

#[test]
fn a_release_detaches_unless_sessions_come_from_elsewhere() {
    let release = client::from(HOST, MessageType::Release, HOME, &[]);
    let mut bench = bound(|_| {});
    assert_eq!(detached(&bench.hear(&release)), [NAI]);
    let acts = bench.session_down(NAI);
    let removed = acts.iter().filter(|act| matches!(act, Act::Remove(_)));
    assert_eq!(removed.count(), 3, "{acts:?}");
    let mut bench = Bench::new(|config| config.by_events = true);
    bench.hosts.note(bench.now, "van@D", "lan", Some(HOST));
    bench.session_up("van@D");
    bench.hear(&request(HOME));
    assert_eq!(detached(&bench.hear(&release)), Vec::<&str>::new());
}

#[test]
fn with_a_session_manager_strangers_are_not_served() {
    let mut bench = Bench::new(|config| config.by_events = true);
    let acts = bench.hear(&discover(HOST));
    assert_eq!(
        (acts.len(), bench.hosts.drops().get("host-unknown")),
        (0, Some(&1))
    );
}

#[test]
fn a_profile_and_an_event_name_a_host() {
    let known = ("van@example.org".to_owned(), 4);
    let mut bench = Bench::new(|config| {
        config.known.insert(HOST, known);
    });
    let acts = bench.hear(&discover(HOST));
    let wanted = Act::Attach {
        nai: "van@example.org".into(),
        mac: Some(HOST),
        technology: Some(4),
    };
    assert_eq!(acts, [wanted]);
    let mut bench = Bench::new(|_| {});
    bench.hosts.note(bench.now, "bus@example.org", "lan", None);
    bench.session_up("bus@example.org");
    let acts = bench.hear(&discover(HOST));
    assert_eq!(attached(&acts), Vec::<&str>::new());
    assert_eq!(
        dhcp(&acts).len(),
        1,
        "the unnamed host is the one of the event"
    );
}

#[test]
fn a_solicitation_attaches_and_the_advertisement_is_for_that_host_alone() {
    let mut bench = Bench::new(|_| {});
    assert_eq!(attached(&bench.hear(&solicit())), [NAI]);
    bench.session_up(NAI);
    assert_eq!(bench.hear(&solicit()), [Act::Solicit(NAI.into())]);
}

#[test]
fn others_of_the_subnet_are_answered_for_and_the_host_itself_is_not() {
    let mut bench = bound(|_| {});
    let peer = Ipv4Addr::new(10, 65, 0, 11);
    let ask = |sender, target| build_arp(true, (HOST, sender), (BROADCAST, target));
    let acts = bench.hear(&ask(HOME, peer));
    let answers = frames(&acts);
    let answer = answers.first().map(|frame| parse(frame));
    let said = Said::Arp {
        request: false,
        sender: peer,
        target: HOME,
    };
    assert_eq!(answer, Some(Ok(Some((US, said)))));
    let none = Ipv4Addr::UNSPECIFIED;
    for (sender, target) in [
        (none, HOME),
        (none, peer),
        (HOME, HOME),
        (HOME, ROUTER),
        (HOME, Ipv4Addr::new(192, 0, 2, 1)),
    ] {
        let acts = bench.hear(&ask(sender, target));
        assert_eq!(acts, [], "{sender} asks for {target}");
    }
}

#[test]
fn a_silent_host_is_probed_and_then_let_go() {
    let probing = Probing {
        interval: Duration::from_secs(10),
        timeout: Duration::from_secs(2),
        retries: 2,
    };
    let mut bench = bound(|config| config.probing = Some(probing));
    let acts = bench.wait(Duration::from_secs(10));
    assert_eq!((frames(&acts).len(), detached(&acts).len()), (1, 0));
    let answer = build_arp(false, (HOST, HOME), (US, ROUTER));
    bench.hear(&answer);
    let acts = bench.wait(Duration::from_secs(13));
    assert_eq!(
        (frames(&acts).len(), detached(&acts).len()),
        (2, 0),
        "{acts:?}"
    );
    let acts = bench.wait(Duration::from_secs(1));
    assert_eq!(detached(&acts), [NAI]);
}

#[test]
fn a_host_that_never_takes_its_offer_is_let_go() {
    let mut bench = Bench::new(|_| {});
    bench.hear(&discover(HOST));
    bench.session_up(NAI);
    assert_eq!(detached(&bench.wait(Duration::from_secs(61))), [NAI]);
    let mut bench = bound(|_| {});
    assert_eq!(
        detached(&bench.wait(Duration::from_secs(61))),
        Vec::<&str>::new()
    );
}

#[test]
fn a_lost_carrier_lets_all_hosts_of_the_interface_go() {
    let mut bench = bound(|_| {});
    bench.hosts.on_link_down("other");
    assert_eq!(bench.hosts.take_acts(), []);
    bench.hosts.on_link_down("lan");
    assert_eq!(detached(&bench.hosts.take_acts()), [NAI]);
}

/// Would break: the anchor's pools, by one host that makes up addresses.
#[test]
fn a_flood_of_made_up_hosts_is_bounded() {
    let mut bench = Bench::new(|config| config.maximum = 50);
    let mut told = 0;
    for number in 0..2000_u16 {
        let [high, low] = number.to_be_bytes();
        told += attached(&bench.hear(&discover([2, 9, 9, 9, high, low]))).len();
    }
    assert_eq!(told, 50);
    let drops = bench.hosts.drops();
    assert!(drops.get("too-many-hosts") > Some(&400), "{drops:?}");
    assert!(drops.get("too-many-frames") > Some(&1000), "{drops:?}");
    let frame = build_udp6(
        (HOST, US),
        (
            link_local_of(HOST),
            "ff02::1:2".parse().expect("an address"),
        ),
        (546, 547),
        b"x",
    );
    bench.wait(Duration::from_secs(1));
    bench.hear(&frame);
    assert_eq!(bench.hosts.drops().get("dhcp6-unserved"), Some(&1));
}

#[test]
fn a_host_that_turns_up_elsewhere_takes_its_session_along() {
    let mut bench = bound(|config| config.devices.push("lan2".into()));
    let frame = discover(HOST);
    let (mac, said) = parse(&frame).expect("well-formed").expect("for us");
    bench.network.apply(NetworkEvent::Link(Link {
        index: 5,
        name: "lan2".into(),
        up: true,
        running: true,
        mac: Some(US),
        mtu: 1500,
    }));
    bench.with(|hosts, around| hosts.on_frame(around, "lan2", mac, &said));
    let acts = bench.hosts.take_acts();
    let way = |device: &str| KernelItem::Route {
        destination: "10.65.0.10/32".parse().expect("a prefix"),
        device: device.into(),
        table: 254,
    };
    let place = |act| acts.iter().position(|done| *done == act);
    assert!(
        place(Act::Remove(way("lan"))) < place(Act::Add(way("lan2"))),
        "{acts:?}"
    );
    assert_eq!(dhcp(&acts).len(), 1);
    assert_eq!(bench.hosts.device_of(NAI), Some("lan2"));
}
