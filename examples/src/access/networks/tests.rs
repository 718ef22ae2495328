use dhcproto::v4::{DhcpOption, Message};

use super::*;
use crate::access::dhcp4::client;
use crate::access::frame::{build_icmp6, parse};
use crate::access::router::link_local_of;
use crate::platform::network::{Address, Link as Device, NetworkEvent, NetworkState};

const US: Mac = [2, 0, 0, 0, 0, 1];
const HOST: Mac = [2, 0, 0, 0, 0, 9];
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 60, 0, 1);

struct Bench {
    networks: Networks,
    network: NetworkState,
    now: Instant,
}

impl Bench {
    /// A link whose mobile node was given 10.60.0.0/24 and 2001:db8:6400::/56.
    fn new(pool: DhcpPool) -> Self {
        let mut network = NetworkState::default();
        network.apply(NetworkEvent::Link(Device {
            index: 4,
            name: "lan".into(),
            up: true,
            running: true,
            mac: Some(US),
            mtu: 1500,
        }));
        network.apply(NetworkEvent::Address(Address {
            index: 4,
            address: GATEWAY.into(),
            length: 24,
        }));
        let mut bench = Self {
            networks: Networks::new(NetworksConfig {
                links: vec![("lan".into(), "van@example.org".into())],
                pools: vec![pool],
                link_local: None,
                local_table: None,
            }),
            network,
            now: Instant::from_secs(1000),
        };
        bench.give(&["10.60.0.0/24", "2001:db8:6400::/56"]);
        bench
    }

    fn with(&mut self, act: impl FnOnce(&mut Networks, Surroundings<'_>)) -> Vec<Act> {
        let remaining = |_: &str| Some(Duration::from_secs(3600));
        let around = Surroundings {
            now: self.now,
            network: &self.network,
            remaining: &remaining,
            mtu: Some(1400),
        };
        act(&mut self.networks, around);
        self.networks.take_acts()
    }

    fn give(&mut self, prefixes: &[&str]) -> Vec<Act> {
        let prefixes = prefixes
            .iter()
            .map(|prefix| prefix.parse().expect("a prefix"));
        let prefixes = prefixes.collect();
        self.with(|networks, around| networks.set_prefixes(around, "lan", prefixes))
    }

    fn hear(&mut self, frame: &[u8]) -> Vec<Act> {
        let (mac, said) = parse(frame).expect("well-formed").expect("for us");
        self.with(|networks, around| networks.on_frame(around, "lan", mac, &said))
    }
}

fn pool() -> DhcpPool {
    DhcpPool {
        name: "van".into(),
        from_mobile_network: Some("van@example.org".into()),
        dns_server: vec![Ipv4Addr::new(10, 60, 0, 2)],
        lease_minutes: Some(30),
        ..DhcpPool::default()
    }
}

fn answer(acts: &[Act]) -> Message {
    match acts {
        [Act::Send { frame, .. }] => client::read(frame),
        other => panic!("{other:?}"),
    }
}

/// Prefixes of an advertisement, each with its valid lifetime.
fn advertised(acts: &[Act]) -> Vec<(String, u32)> {
    let [Act::Send { frame, .. }] = acts else {
        panic!("{acts:?}");
    };
    let mut options = frame.get(54 + 16..).expect("an advertisement");
    let mut found = Vec::new();
    while let Some(length) = options.get(1).map(|length| usize::from(*length) * 8) {
        let (option, rest) = options.split_at(length);
        if let [3, _, bits, _, a, b, c, d, ..] = option {
            let address: [u8; 16] = option.get(16..).expect("16").try_into().expect("16");
            let lifetime = u32::from_be_bytes([*a, *b, *c, *d]);
            found.push((format!("{}/{bits}", Ipv6Addr::from(address)), lifetime));
        }
        options = rest;
    }
    found
}

#[test]
fn hosts_get_addresses_inside_the_delegated_prefix() {
    let mut bench = Bench::new(pool());
    let offer = answer(&bench.hear(&client::send(HOST, MessageType::Discover, &[])));
    // Neither ours nor the name server's.
    assert_eq!(offer.yiaddr(), Ipv4Addr::new(10, 60, 0, 3));
    let options = [
        DhcpOption::RequestedIpAddress(offer.yiaddr()),
        DhcpOption::ServerIdentifier(GATEWAY),
    ];
    let ack = answer(&bench.hear(&client::send(HOST, MessageType::Request, &options)));
    assert!(ack.opts().has_msg_type(MessageType::Ack));
    for wanted in [
        DhcpOption::Router(vec![GATEWAY]),
        DhcpOption::DomainNameServer(vec![Ipv4Addr::new(10, 60, 0, 2)]),
        DhcpOption::AddressLeaseTime(1800),
    ] {
        let code = dhcproto::v4::OptionCode::from(&wanted);
        assert_eq!(ack.opts().get(code), Some(&wanted));
    }
}

#[test]
fn a_host_of_another_prefix_is_told_to_start_again() {
    let mut bench = Bench::new(pool());
    let own = Ipv4Addr::new(10, 61, 0, 3);
    let refused = bench.hear(&client::from(HOST, MessageType::Request, own, &[]));
    assert!(answer(&refused).opts().has_msg_type(MessageType::Nak));
    let own = Ipv4Addr::new(10, 60, 0, 77);
    let renewed = bench.hear(&client::from(HOST, MessageType::Request, own, &[]));
    assert!(
        answer(&renewed).opts().has_msg_type(MessageType::Ack),
        "as before a restart"
    );
}

#[test]
fn without_a_pool_for_the_mobile_node_nobody_is_served() {
    let mut other = pool();
    other.from_mobile_network = Some("bus@example.org".into());
    let mut bench = Bench::new(other);
    assert_eq!(
        bench.hear(&client::send(HOST, MessageType::Discover, &[])),
        []
    );
    assert_eq!(bench.networks.drops().get("dhcp4-no-pool"), Some(&1));
}

#[test]
fn the_first_link_of_the_prefix_is_advertised_and_ends_with_it() {
    let mut bench = Bench::new(pool());
    let to = "ff02::2".parse().expect("an address");
    let message = vec![133, 0, 0, 0, 0, 0, 0, 0];
    let frame = build_icmp6((HOST, US), (link_local_of(HOST), to), message);
    let told = advertised(&bench.hear(&frame));
    assert_eq!(told, [("2001:db8:6400::/64".to_owned(), 3600)]);
    let told = advertised(&bench.give(&["2001:db8:6500::/56"]));
    let wanted = [
        ("2001:db8:6500::/64".to_owned(), 3600),
        ("2001:db8:6400::/64".to_owned(), 0),
    ];
    assert_eq!(told, wanted);
    bench.now = bench.networks.timeout().expect("the next advertisement");
    let told = bench.with(Networks::on_timeout);
    assert_eq!(advertised(&told), wanted[..1]);
}
