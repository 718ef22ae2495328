//! Links of logical mobile nodes: their hosts get IPv4 addresses by DHCP from the pools of `ip
//! dhcp pool`, IPv6 ones by advertisement of the delegated prefix, and routers prefixes of their
//! own (feature semantics section 6.4).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use dhcproto::v4::MessageType;
use pmip_binding::config::RESERVED_LINK_LOCAL_ADDRESS;
use pmip_wire::types::{Instant, IpPrefix};

use super::dhcp4::{Ask, Grant};
use super::dhcp6::{Asked, Delegations, Way};
use super::frame::{DHCP6_PORTS, Said, build_udp6};
use super::leases::Leases;
use super::rate::Rate;
use super::router::RouterAdvertisement;
use super::{Act, Drops, Mac, Surroundings, count, mac_of};
use crate::config::model::DhcpPool;
use crate::platform::ports::KernelItem;

/// Frames that may come on one link at once, and how long until one more may.
const FRAMES: (u32, Duration) = (500, Duration::from_millis(2));
/// AdvDefaultLifetime and the time from one advertisement to the next (RFC 4861 section 6.2.1).
const ROUTER_LIFETIME: Duration = Duration::from_secs(1800);
const ADVERTISE_EVERY: Duration = Duration::from_secs(600);
/// A lease where the pool has none.
const DAY_IN_MINUTES: u32 = 24 * 60;
/// An offer is kept this long for the host that asked, an address that somebody uses unasked
/// this long for nobody.
const OFFERED: Duration = Duration::from_secs(60);
const DECLINED: Duration = Duration::from_secs(3600);
/// The kernel's main routing table.
const MAIN_TABLE: u32 = 254;

/// How links are served.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworksConfig {
    /// Devices with mobile networks, each with the identifier of its logical mobile node.
    pub links: Vec<(String, String)>,
    /// `ip dhcp pool`s.
    pub pools: Vec<DhcpPool>,
    /// The gateway's link-local address.
    pub link_local: Option<Ipv6Addr>,
    /// `local-routing-mag`: the routing table of packets from access interfaces.
    pub local_table: Option<u32>,
}

/// All links with mobile networks.
#[derive(Debug)]
pub struct Networks {
    config: NetworksConfig,
    links: BTreeMap<String, Link>,
    drops: Drops,
    acts: Vec<Act>,
}

#[derive(Debug)]
struct Link {
    nai: String,
    /// Prefixes from the anchor.
    learned: Vec<IpPrefix>,
    leases: BTreeMap<IpPrefix, Leases>,
    delegations: Delegations,
    advertise: Option<Instant>,
    rate: Rate,
}

/// An IPv4 subnet of a link, and the pool that serves it.
struct Served {
    subnet: IpPrefix,
    own: Ipv4Addr,
    pool: DhcpPool,
}

impl Networks {
    /// Nothing delegated yet.
    pub fn new(config: NetworksConfig) -> Self {
        let links = config.links.iter().map(|(device, nai)| {
            let link = Link {
                nai: nai.clone(),
                learned: Vec::new(),
                leases: BTreeMap::new(),
                delegations: Delegations::default(),
                advertise: None,
                rate: Rate::new(FRAMES.0, FRAMES.1),
            };
            (device.clone(), link)
        });
        Self {
            links: links.collect(),
            config,
            drops: Drops::new(),
            acts: Vec::new(),
        }
    }

    /// Takes what is to be done.
    pub fn take_acts(&mut self) -> Vec<Act> {
        std::mem::take(&mut self.acts)
    }

    /// Frames that were not served, by reason.
    pub fn drops(&self) -> &Drops {
        &self.drops
    }

    /// The pools of `ip dhcp pool` from now on; leases stay.
    pub fn set_pools(&mut self, pools: Vec<DhcpPool>) {
        self.config.pools = pools;
    }

    /// When [`Networks::on_timeout`] has something to do.
    pub fn timeout(&self) -> Option<Instant> {
        let links = self.links.values();
        let due = links.flat_map(|link| [link.advertise, link.delegations.timeout()]);
        due.flatten().min()
    }

    /// The anchor delegated `learned` for `device`; what it had before ends.
    pub fn set_prefixes(&mut self, around: Surroundings<'_>, device: &str, learned: Vec<IpPrefix>) {
        let Some(link) = self.links.get_mut(device) else {
            return;
        };
        let before = std::mem::replace(&mut link.learned, learned);
        let mut all = link.learned.iter().copied();
        let ways = link
            .delegations
            .set_parent(all.find(|prefix| !prefix.is_ipv4()));
        self.go_ways(device, &ways);
        let Some(link) = self.links.get(device) else {
            return;
        };
        let ended = before.into_iter().filter(|old| !link.learned.contains(old));
        let ended: Vec<IpPrefix> = ended.collect();
        self.advertise(around, device, None, &ended);
    }

    /// Does what is due.
    pub fn on_timeout(&mut self, around: Surroundings<'_>) {
        let devices: Vec<String> = self.links.keys().cloned().collect();
        for device in devices {
            let Some(link) = self.links.get_mut(&device) else {
                continue;
            };
            let ways = link.delegations.expire(around.now);
            let due = link.advertise.is_some_and(|at| at <= around.now);
            self.go_ways(&device, &ways);
            if due {
                self.advertise(around, &device, None, &[]);
            }
        }
    }

    /// A host on `device` said something. What is not served is counted.
    pub fn on_frame(&mut self, around: Surroundings<'_>, device: &str, mac: Mac, said: &Said<'_>) {
        let Some(link) = self.links.get_mut(device) else {
            return;
        };
        if matches!(said, Said::Arp { .. } | Said::Neighbour(_)) {
            return;
        }
        if !link.rate.take(around.now) {
            return count(&mut self.drops, "too-many-frames");
        }
        match said {
            Said::Dhcp4(payload) => {
                let asked = Ask::parse(mac, payload);
                let answered = asked.and_then(|ask| self.on_dhcp4(around, device, &ask));
                match answered {
                    Ok(frame) => self.send(device, frame),
                    Err(why) => count(&mut self.drops, why),
                }
            }
            Said::Solicitation(from) => self.advertise(around, device, Some((mac, *from)), &[]),
            Said::Dhcp6(from, payload) => {
                if let Err(why) = self.on_dhcp6(around, device, (mac, *from), payload) {
                    count(&mut self.drops, why);
                }
            }
            Said::Arp { .. } | Said::Neighbour(_) => {}
        }
    }

    fn send(&mut self, device: &str, frame: Option<Vec<u8>>) {
        self.acts.extend(frame.map(|frame| Act::Send {
            device: device.to_owned(),
            frame,
        }));
    }

    fn on_dhcp4(
        &mut self,
        around: Surroundings<'_>,
        device: &str,
        ask: &Ask,
    ) -> Result<Option<Vec<u8>>, &'static str> {
        let now = around.now;
        let us = mac_of(around.network, device).ok_or("no-device")?;
        let served = self.served(around, device).ok_or("dhcp4-no-pool")?;
        let link = self.links.get_mut(device).ok_or("no-device")?;
        let leases = match link.leases.entry(served.subnet) {
            std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::btree_map::Entry::Vacant(room) => {
                let taken = served.taken();
                room.insert(Leases::new(served.subnet, &taken).ok_or("dhcp4-no-pool")?)
            }
        };
        let lease = served.lease();
        match ask.kind {
            MessageType::Discover => {
                let until = now + OFFERED;
                let address = leases.offer(now, ask.mac, ask.wanted, until);
                let address = address.ok_or("dhcp4-pool-empty")?;
                Ok(ask.offer(us, &served.grant(address, around.mtu)))
            }
            MessageType::Request => {
                if ask.server.is_some_and(|server| server != served.own) {
                    // It took the offer of another server.
                    return Ok(None);
                }
                let wanted = ask.wanted.ok_or("dhcp4-malformed")?;
                if leases.take(now, ask.mac, wanted, now + lease) {
                    Ok(ask.acknowledge(us, &served.grant(wanted, around.mtu)))
                } else {
                    Ok(ask.refuse(us, served.own))
                }
            }
            MessageType::Inform => Ok(ask.inform(us, &served.grant(served.own, around.mtu))),
            MessageType::Release => {
                if let Some(address) = ask.wanted {
                    leases.release(ask.mac, address);
                }
                Ok(None)
            }
            MessageType::Decline => {
                if let Some(address) = ask.wanted {
                    leases.decline(ask.mac, address, now + DECLINED);
                }
                Err("dhcp4-declined")
            }
            _ => Err("dhcp4-no-request"),
        }
    }

    /// The subnet of `device` that a pool serves.
    fn served(&self, around: Surroundings<'_>, device: &str) -> Option<Served> {
        let link = self.links.get(device)?;
        let own = |prefix: IpPrefix| {
            let addresses = around.network.addresses_of(device);
            let mut inside = addresses.filter(|own| prefix.contains(own.address));
            inside.find_map(|own| match own.address {
                IpAddr::V4(own) => Some(own),
                IpAddr::V6(_) => None,
            })
        };
        self.config.pools.iter().find_map(|pool| {
            let learned = link.learned.iter().copied();
            let learned = learned.filter(|_| pool.from_mobile_network.as_ref() == Some(&link.nai));
            let mut subnets = learned.chain(pool.network);
            subnets.find_map(|subnet| {
                Some(Served {
                    subnet,
                    own: own(subnet)?,
                    pool: pool.clone(),
                })
            })
        })
    }

    fn on_dhcp6(
        &mut self,
        around: Surroundings<'_>,
        device: &str,
        (mac, from): (Mac, Ipv6Addr),
        payload: &[u8],
    ) -> Result<(), &'static str> {
        let us = mac_of(around.network, device).ok_or("no-device")?;
        let link = self.links.get_mut(device).ok_or("no-device")?;
        if !from.is_unicast_link_local() {
            return Err("dhcp6-malformed");
        }
        let lifetime = (around.remaining)(&link.nai).unwrap_or(Duration::ZERO);
        let (answer, ways) = link.delegations.serve(Asked {
            now: around.now,
            lifetime,
            us,
            from,
            payload,
        })?;
        let own = self.link_local();
        let frame = build_udp6((us, mac), (own, from), DHCP6_PORTS, &answer);
        // The way first: the router may use its prefix at once.
        self.go_ways(device, &ways);
        self.send(device, Some(frame));
        Ok(())
    }

    fn go_ways(&mut self, device: &str, ways: &[Way]) {
        for way in ways {
            for table in [Some(MAIN_TABLE), self.config.local_table]
                .into_iter()
                .flatten()
            {
                let item = KernelItem::RouteVia {
                    destination: way.prefix,
                    gateway: way.via.into(),
                    device: device.to_owned(),
                    table,
                };
                self.acts.push(match way.comes {
                    true => Act::Add(item),
                    false => Act::Remove(item),
                });
            }
        }
    }

    /// Advertises a link's prefixes, to one host or to all; `ended` ones for the last time.
    fn advertise(
        &mut self,
        around: Surroundings<'_>,
        device: &str,
        to: Option<(Mac, Ipv6Addr)>,
        ended: &[IpPrefix],
    ) {
        let from = self.link_local();
        let us = mac_of(around.network, device);
        let Some(link) = self.links.get_mut(device) else {
            return;
        };
        let lifetime = (around.remaining)(&link.nai).unwrap_or(Duration::ZERO);
        let held = link.learned.iter().filter(|prefix| !prefix.is_ipv4());
        let held = held.map(|prefix| (on_link(*prefix), lifetime));
        let ended = ended.iter().filter(|prefix| !prefix.is_ipv4());
        let ended = ended.map(|prefix| (on_link(*prefix), Duration::ZERO));
        let is_router = held.clone().next().is_some();
        let prefixes: Vec<(IpPrefix, Duration)> = held.chain(ended).collect();
        if to.is_none() {
            link.advertise = is_router.then(|| around.now + ADVERTISE_EVERY);
        }
        let Some(us) = us.filter(|_| !prefixes.is_empty()) else {
            return;
        };
        let advertisement = RouterAdvertisement {
            from: (us, from),
            router_lifetime: match is_router {
                true => ROUTER_LIFETIME.min(lifetime),
                false => Duration::ZERO,
            },
            prefixes,
            mtu: around.mtu,
        };
        let frame = match to {
            Some((mac, address)) => {
                let known = address.is_unicast_link_local().then_some(address);
                advertisement.to_host(mac, known)
            }
            None => advertisement.to_all(),
        };
        self.send(device, Some(frame));
    }

    fn link_local(&self) -> Ipv6Addr {
        self.config
            .link_local
            .unwrap_or(RESERVED_LINK_LOCAL_ADDRESS)
    }
}

impl Served {
    fn lease(&self) -> Duration {
        let minutes = self.pool.lease_minutes.unwrap_or(DAY_IN_MINUTES);
        Duration::from_secs(u64::from(minutes) * 60)
    }

    fn routers(&self) -> Vec<Ipv4Addr> {
        match self.pool.default_router.as_slice() {
            [] => vec![self.own],
            configured => configured.to_vec(),
        }
    }

    /// Addresses that hosts do not get.
    fn taken(&self) -> Vec<Ipv4Addr> {
        let mut taken = self.routers();
        taken.extend(&self.pool.dns_server);
        taken.push(self.own);
        taken
    }

    fn grant(&self, address: Ipv4Addr, mtu: Option<u32>) -> Grant {
        Grant {
            address,
            length: self.subnet.length(),
            server: self.own,
            routers: self.routers(),
            name_servers: self.pool.dns_server.clone(),
            domain_name: self.pool.domain_name.clone(),
            mtu: mtu.map(|mtu| u16::try_from(mtu).unwrap_or(u16::MAX)),
            lease: self.lease(),
        }
    }
}

/// The first link of a delegated prefix is that of its interface (RFC 4291 section 2.5.4).
fn on_link(prefix: IpPrefix) -> IpPrefix {
    IpPrefix::new(prefix.address(), prefix.length().max(64)).unwrap_or(prefix)
}

#[cfg(test)]
mod tests;
