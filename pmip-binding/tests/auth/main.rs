//! Where anchor and gateway share a key, nothing counts without it (RFC 4285 section 5, signalling
//! rules section 6).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/keys.rs"]
mod keys;

mod configuration;
mod heartbeat;
mod registration;
mod revocation;
mod transport;

use std::net::IpAddr;

use pmip_binding::testing::{World, address, lma_config, mag_config};
use pmip_wire::MobilityOption;
use pmip_wire::types::Encapsulation;

use common::{Pbu, SECOND};
use keys::{KEY, SPI, key};

/// One gateway with `interfaces` uplinks and one key, registered.
fn world(interfaces: u8, transport: Encapsulation) -> World {
    let mut lma = lma_config();
    let mut mag = mag_config(1, interfaces);
    lma.encapsulation = transport;
    mag.encapsulation = transport;
    lma.ipv6_address = Some("2001:db8:f::1".parse().unwrap());
    mag.lmas[0].ipv6_address = lma.ipv6_address;
    lma.keys = vec![key(SPI, KEY)];
    mag.lmas[0].keys = vec![key(SPI, KEY)];
    let v6 = |n: u8| IpAddr::from([0x2001, 0xdb8, 0xa, 0, 0, 0, 0, u16::from(n)]);
    let addresses: Vec<IpAddr> = (1..=interfaces)
        .map(|n| match transport {
            Encapsulation::Ipv6 => v6(n),
            _ => address(1, n),
        })
        .collect();
    let mut world = World::new(lma, 1);
    world.add_mag(mag, &addresses, &common::link(10));
    world.all_up();
    world.run_for(10 * SECOND);
    world
}

/// A PBU of `mag8`, which a NAT shows at the address of `mag9`.
fn behind_nat(nai: &str) -> Pbu {
    let own = MobilityOption::Ipv4CareOfAddress([192, 168, 0, 8].into());
    Pbu::new(nai, 1).multipath("mag8", 1).with(own)
}
