//! An anchor with many bindings, made by the Proxy Binding Updates of many gateways.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each bench and test uses its own part"
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use pmip_binding::config::{Ipv4Pool, Ipv6Pool, MobileNetworkPool, Network, Profile};
use pmip_binding::testing::UNIX_START;
use pmip_binding::{Carrier, ClockAnchor, Datagram, Input, Lma, LmaConfig, Output};
use pmip_wire::types::{Instant, IpPrefix};
use pmip_wire::udp::CONTROL_PORT;
use pmip_wire::{
    AccessTechnologyType, BindingUpdate, BindingUpdateFlags, ChecksumContext,
    DelegatedMobileNetworkPrefix, HandoffIndicator, HomeNetworkPrefix, Ipv4HomeAddressRequest,
    Lifetime, LinkLayerIdentifier, MagIdentifier, MagMultipathBinding, Message,
    MobileNodeIdentifier, MobilityOption, MobilityOptions, SequenceNumber, Timestamp,
};

const LMA: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), CONTROL_PORT);
/// The longest lifetime, in units of 4 s.
pub const LONGEST: u16 = u16::MAX;

/// An anchor and what its gateways know.
pub struct Domain {
    pub lma: Lma,
    pub now: Instant,
    /// Sessions behind one gateway.
    pub per_gateway: u32,
    /// What session `n` was given, in order of `n`.
    pub homes: Vec<Homes>,
    octets: u64,
}

/// The addresses of one session.
#[derive(Clone, Copy)]
pub struct Homes {
    pub prefix: Ipv6Addr,
    pub address: Ipv4Addr,
    pub network: Ipv6Addr,
}

/// One PBU to be.
#[derive(Clone, Copy)]
pub struct Ask {
    pub session: u32,
    pub gateway: u32,
    pub binding_id: u8,
    pub handoff: u8,
    pub lifetime: u16,
    pub homes: Homes,
}

impl Homes {
    /// Nothing yet: allocate.
    pub const NONE: Self = Self {
        prefix: Ipv6Addr::UNSPECIFIED,
        address: Ipv4Addr::UNSPECIFIED,
        network: Ipv6Addr::UNSPECIFIED,
    };
}

pub fn config(bindings: u32) -> LmaConfig {
    let block = |text: &str| text.parse::<IpPrefix>().expect("a prefix");
    let mut network = Network::new("net");
    let (first, last) = (Ipv4Addr::new(10, 0, 0, 2), Ipv4Addr::new(10, 255, 255, 254));
    network.ipv4_pool = Some(Ipv4Pool::new(first, last, 8));
    network.ipv6_pool = Some(Ipv6Pool::new(block("2001:db8::/32"), 64));
    network.mobile_network_pools = vec![MobileNetworkPool::new(block("2001:db9::/32"), 60)];
    let mut config = LmaConfig::new("lma");
    config.ipv4_address = Some(Ipv4Addr::new(192, 0, 2, 1));
    config.dynamic_mag_learning = true;
    config.multipath = true;
    config.networks = vec![network];
    config.profiles = vec![Profile::new("@example.com", "net")];
    config.lifetime = pmip_binding::config::MAX_LIFETIME;
    config.prefix_memory = Duration::ZERO;
    config.limits.bindings = bindings;
    config.limits.updates_per_second = u32::MAX;
    config
}

pub fn clock() -> ClockAnchor {
    ClockAnchor {
        instant: Instant::ZERO,
        unix: UNIX_START,
    }
}

impl Domain {
    /// `sessions` two-path bindings.
    pub fn new(config: LmaConfig, sessions: u32, per_gateway: u32) -> Self {
        let lma = Lma::new(config, [7; 32], clock(), Instant::ZERO).expect("a right configuration");
        let mut domain = Self {
            lma,
            now: Instant::from_secs(1),
            per_gateway,
            homes: Vec::with_capacity(sessions as usize),
            octets: 0,
        };
        for session in 0..sessions {
            domain.add(session);
        }
        domain
    }

    pub fn sessions(&self) -> u32 {
        u32::try_from(self.homes.len()).expect("few")
    }

    pub fn gateway_of(&self, session: u32) -> u32 {
        session / self.per_gateway
    }

    /// Registers a session over two paths.
    pub fn add(&mut self, session: u32) {
        let first = self.ask(session, 1, 1);
        let ask = Ask {
            homes: Homes::NONE,
            ..first
        };
        let datagram = self.datagram(&ask);
        let answer = self.give(datagram);
        let homes = granted(&answer.expect("an answer"));
        self.homes.push(homes);
        let second = self.ask(session, 2, 5);
        let datagram = self.datagram(&second);
        assert!(self.give(datagram).is_some());
    }

    /// A PBU about a session's path.
    pub fn ask(&self, session: u32, binding_id: u8, handoff: u8) -> Ask {
        Ask {
            session,
            gateway: self.gateway_of(session),
            binding_id,
            handoff,
            lifetime: LONGEST,
            homes: self
                .homes
                .get(session as usize)
                .copied()
                .unwrap_or(Homes::NONE),
        }
    }

    /// The datagram of a PBU that is sent a little later than the one before.
    pub fn datagram(&mut self, ask: &Ask) -> Datagram {
        self.now += Duration::from_micros(5);
        datagram(ask, self.now)
    }

    /// Gives a datagram; the payload of the last answer.
    pub fn give(&mut self, datagram: Datagram) -> Option<Bytes> {
        self.lma.handle_input(self.now, Input::Signalling(datagram));
        self.drain()
    }

    /// Takes every output; the payload of the last datagram.
    pub fn drain(&mut self) -> Option<Bytes> {
        let mut last = None;
        loop {
            match self.lma.poll_output() {
                Output::Transmit(transmit) => {
                    self.octets += transmit.payload.len() as u64;
                    last = Some(transmit.payload);
                }
                Output::Timeout(_) => return last,
                Output::Event(_) | _ => {}
            }
        }
    }

    /// Time passes.
    pub fn wait(&mut self, span: Duration) {
        self.now += span;
        self.lma.handle_input(self.now, Input::Timeout);
        self.drain();
    }
}

/// A PBU with everything that a multipath gateway sends, 200 octets or so.
pub fn datagram(ask: &Ask, now: Instant) -> Datagram {
    let [_, a, b, c] = ask.session.to_be_bytes();
    let homes = &ask.homes;
    let network = IpAddr::V6(homes.network);
    let length = if homes.network.is_unspecified() {
        0
    } else {
        60
    };
    let prefix_length = if homes.prefix.is_unspecified() { 0 } else { 64 };
    let options: Vec<MobilityOption> = vec![
        MobileNodeIdentifier::nai(&nai(ask.session))
            .expect("short")
            .into(),
        HomeNetworkPrefix::new(homes.prefix, prefix_length)
            .expect("fits")
            .into(),
        Ipv4HomeAddressRequest::new(homes.address, 0)
            .expect("fits")
            .into(),
        HandoffIndicator::from_code(ask.handoff).into(),
        AccessTechnologyType::from_code(1).into(),
        LinkLayerIdentifier::mac([2, 0, 0, a, b, c]).into(),
        Timestamp::from_unix(UNIX_START + now.saturating_since(Instant::ZERO)).into(),
        DelegatedMobileNetworkPrefix::new(network, length)
            .expect("fits")
            .into(),
        MagMultipathBinding {
            access_technology: AccessTechnologyType::from_code(8),
            label: ask.binding_id,
            binding_id: ask.binding_id,
            bulk: false,
            overwrite: false,
        }
        .into(),
        MagIdentifier::nai(&format!("mag{:07}@example.com", ask.gateway))
            .expect("short")
            .into(),
    ];
    let message = Message::BindingUpdate(BindingUpdate {
        sequence: SequenceNumber((now.as_nanos() & 0xffff) as u16),
        flags: BindingUpdateFlags::PROXY
            | BindingUpdateFlags::HOME_REGISTRATION
            | BindingUpdateFlags::ACKNOWLEDGE
            | BindingUpdateFlags::FORCE_UDP,
        lifetime: Lifetime::from_units(ask.lifetime),
        options: MobilityOptions::try_from(options).expect("fits"),
    });
    Datagram {
        carrier: Carrier::Udp,
        source: care_of(ask.gateway, ask.binding_id),
        destination: LMA,
        payload: message.to_bytes(ChecksumContext::Udp),
        vrf: pmip_binding::VrfId::DEFAULT,
    }
}

pub fn nai(session: u32) -> String {
    format!("lmn{session:07}@example.com")
}

/// The same as the key of a bare hash map.
pub fn key(session: u32) -> [u8; 22] {
    let name = nai(session);
    std::array::from_fn(|i| name.as_bytes().get(i).copied().unwrap_or(0))
}

fn care_of(gateway: u32, binding_id: u8) -> SocketAddr {
    let address = 0x6400_0000 | (gateway << 1) | u32::from(binding_id & 1);
    SocketAddr::new(Ipv4Addr::from_bits(address).into(), CONTROL_PORT)
}

/// What a PBA grants.
pub fn granted(payload: &Bytes) -> Homes {
    let Ok(Message::BindingAcknowledgement(answer)) =
        Message::decode(payload, ChecksumContext::Udp)
    else {
        panic!("no acknowledgement");
    };
    assert!(answer.status.is_accepted(), "{:?}", answer.status);
    let options = &answer.options;
    let prefix = options.home_network_prefixes().next().expect("a prefix");
    let network = options
        .delegated_mobile_network_prefixes()
        .next()
        .expect("a network");
    let IpAddr::V6(network) = network.to_prefix().address() else {
        panic!("an IPv6 network");
    };
    let IpAddr::V6(prefix) = prefix.to_prefix().address() else {
        panic!("an IPv6 prefix");
    };
    Homes {
        prefix,
        address: options
            .ipv4_home_address_reply()
            .expect("an address")
            .address(),
        network,
    }
}

/// 0 to `count` - 1 in an order that defeats the prefetcher.
pub fn shuffled(count: u32) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count).collect();
    let mut state = 1u64;
    for i in (1..order.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        order.swap(i, (state >> 33) as usize % (i + 1));
    }
    order
}
