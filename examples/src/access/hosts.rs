//! Hosts on access interfaces: each is a mobile node with a session of its own, and is told what
//! the anchor gave it, by DHCPv4 (RFC 5844 section 3.4) and Router Advertisement (RFC 5213
//! section 6.9).

mod probe;
mod serve;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use pmip_binding::{Advertisement, SessionEvent};
use pmip_wire::types::{Instant, IpPrefix};

use self::probe::Probe;
use super::dhcp4::Ask;
use super::frame::build_arp;
use super::rate::Rate;
use super::router::{RouterAdvertisement, link_local_of};
use super::{Act, Drops, Mac, Surroundings, count, mac_of};
use crate::platform::ports::KernelItem;

/// Hosts that may come to one interface at once, and how long until one more may.
const NEW_HOSTS: (u32, Duration) = (500, Duration::from_millis(10));
/// The same for frames that want an answer.
const FRAMES: (u32, Duration) = (500, Duration::from_millis(2));
/// A host is not reported twice within this: clients repeat themselves while they wait.
const ATTACH_PAUSE: Duration = Duration::from_secs(3);
/// A host that asked and never took the answer is let go after this.
const UNCLAIMED: Duration = Duration::from_secs(60);
/// The kernel's main routing table.
const MAIN_TABLE: u32 = 254;
/// What stands for the MAC address of a host that `pmip attach` named without one.
const UNSEEN: Mac = [0; 6];

/// `discover-mn-detach`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probing {
    /// How long a host may be silent.
    pub interval: Duration,
    /// How long to wait for an answer.
    pub timeout: Duration,
    /// Unanswered probes after which it is taken as gone.
    pub retries: u32,
}

/// How hosts are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostsConfig {
    /// Access interfaces.
    pub devices: Vec<String>,
    /// The realm of hosts that no profile names.
    pub realm: String,
    /// Hosts that a profile names by their MAC address: identifier and access technology.
    pub known: BTreeMap<Mac, (String, u8)>,
    /// `sessionmgr`: hosts come and go by `pmip attach` and `pmip detach` alone.
    pub by_events: bool,
    /// `discover-mn-detach`.
    pub probing: Option<Probing>,
    /// Hosts at most.
    pub maximum: usize,
    /// The gateway's link-local address on every access link.
    pub link_local: Option<Ipv6Addr>,
    /// `local-routing-mag`: the routing table of packets from access interfaces.
    pub local_table: Option<u32>,
}

/// A host's place: the number of its interface, and its MAC address.
type Key = (usize, Mac);

/// All hosts of a MAG.
#[derive(Debug)]
pub struct Hosts {
    config: HostsConfig,
    hosts: BTreeMap<Key, Host>,
    by_nai: BTreeMap<String, Key>,
    due: BTreeSet<(Instant, Key, Timer)>,
    /// Hosts behind each default router address of an interface.
    routers: BTreeMap<(usize, Ipv4Addr), usize>,
    rates: BTreeMap<usize, (Rate, Rate)>,
    drops: Drops,
    acts: Vec<Act>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Advertise,
    Probe,
    Unclaimed,
}

#[derive(Debug, Default)]
struct Host {
    nai: String,
    link_local: Option<Ipv6Addr>,
    /// It has a session.
    up: bool,
    home: Option<Home>,
    prefixes: Vec<IpPrefix>,
    /// What it asked before it had a session.
    waiting: Option<Ask>,
    /// When the engine was told of it.
    attached: Option<Instant>,
    /// It showed that it uses what it was given.
    claimed: bool,
    last_seen: Instant,
    probe: Probe,
    timers: BTreeMap<Timer, Instant>,
}

/// The IPv4 home address of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Home {
    subnet: IpPrefix,
    address: Ipv4Addr,
    router: Ipv4Addr,
}

impl Hosts {
    /// No hosts yet.
    pub fn new(config: HostsConfig) -> Self {
        let new = || {
            let new_hosts = Rate::new(NEW_HOSTS.0, NEW_HOSTS.1);
            (new_hosts, Rate::new(FRAMES.0, FRAMES.1))
        };
        let devices = 0..config.devices.len();
        Self {
            rates: devices.map(|device| (device, new())).collect(),
            config,
            hosts: BTreeMap::new(),
            by_nai: BTreeMap::new(),
            due: BTreeSet::new(),
            routers: BTreeMap::new(),
            drops: Drops::new(),
            acts: Vec::new(),
        }
    }

    /// Takes other settings of the same interfaces; hosts that are there stay.
    pub fn change(&mut self, config: HostsConfig) {
        self.config = config;
    }

    /// Takes what is to be done.
    pub fn take_acts(&mut self) -> Vec<Act> {
        std::mem::take(&mut self.acts)
    }

    /// Frames that were not served, by reason.
    pub fn drops(&self) -> &Drops {
        &self.drops
    }

    /// When [`Hosts::on_timeout`] has something to do.
    pub fn timeout(&self) -> Option<Instant> {
        self.due.first().map(|(at, ..)| *at)
    }

    /// The interface of a host that has or waits for a session.
    pub fn device_of(&self, nai: &str) -> Option<&str> {
        let (device, _) = self.by_nai.get(nai)?;
        self.config.devices.get(*device).map(String::as_str)
    }

    /// `pmip attach` says that a host is on `device`; without a MAC address it is the next unknown
    /// one there.
    pub fn note(&mut self, now: Instant, nai: &str, device: &str, mac: Option<Mac>) {
        let mut devices = self.config.devices.iter();
        let Some(device) = devices.position(|own| own == device) else {
            return;
        };
        let key = (device, mac.unwrap_or(UNSEEN));
        self.place(nai, key);
        if let Some(host) = self.hosts.get_mut(&key) {
            host.attached = Some(now);
            host.claimed = true;
        }
    }

    /// A session came, changed, went or was refused.
    pub fn on_session(&mut self, around: Surroundings<'_>, event: &SessionEvent) {
        match event {
            SessionEvent::Up {
                mn_id,
                home_prefixes,
                ipv4_home,
                ..
            } => {
                let home = ipv4_home.map(|(subnet, address, router)| Home {
                    subnet,
                    address,
                    router,
                });
                self.set_up(around, mn_id, home, home_prefixes.clone());
            }
            SessionEvent::Down { mn_id, .. } => self.forget(mn_id),
            SessionEvent::Refused { mn_id, .. } => {
                let key = self.by_nai.get(mn_id);
                if let Some(host) = key.and_then(|key| self.hosts.get_mut(key)) {
                    host.waiting = None;
                }
            }
            SessionEvent::AccessNetwork { .. } | SessionEvent::AccessNetworkIgnored { .. } | _ => {}
        }
    }

    /// The engine says what a host must be told.
    pub fn on_advertisement(&mut self, around: Surroundings<'_>, told: &Advertisement) {
        let Some(key) = self.by_nai.get(&told.mn_id).copied() else {
            return;
        };
        let Some((device, us)) = self.link(around, key.0) else {
            return;
        };
        let advertisement = RouterAdvertisement {
            from: (us, told.link_local.unwrap_or_else(|| link_local_of(us))),
            router_lifetime: told.router_lifetime,
            prefixes: told
                .prefixes
                .iter()
                .map(|told| (told.prefix, told.lifetime))
                .collect(),
            mtu: told.mtu.or(around.mtu),
        };
        let host = self.hosts.get(&key);
        let frame = match key.1 {
            UNSEEN => advertisement.to_all(),
            mac => advertisement.to_host(mac, host.and_then(|host| host.link_local)),
        };
        self.acts.push(Act::Send { device, frame });
        // Three in each router lifetime, as RFC 4861 section 6.2.1 has it.
        let again = (told.router_lifetime / 3).max(Duration::from_secs(1));
        let again = (!told.router_lifetime.is_zero()).then(|| around.now + again);
        self.schedule(key, Timer::Advertise, again);
    }

    /// An interface lost its carrier: who was there is gone.
    pub fn on_link_down(&mut self, device: &str) {
        let here = |key: &Key| {
            self.config
                .devices
                .get(key.0)
                .is_some_and(|own| own == device)
        };
        let gone: Vec<String> = self
            .hosts
            .iter()
            .filter(|(key, _)| here(key))
            .map(|(_, host)| host.nai.clone())
            .collect();
        for nai in gone {
            self.let_go(&nai);
        }
    }

    /// Does what is due.
    pub fn on_timeout(&mut self, around: Surroundings<'_>) {
        while let Some((at, key, timer)) = self.due.first().copied() {
            if at > around.now {
                return;
            }
            self.schedule(key, timer, None);
            match timer {
                Timer::Advertise => {
                    let host = self.hosts.get(&key);
                    self.acts
                        .extend(host.map(|host| Act::Solicit(host.nai.clone())));
                }
                Timer::Probe => self.probe(around, key),
                Timer::Unclaimed => self.check_claim(key),
            }
        }
    }

    fn check_claim(&mut self, key: Key) {
        let host = self.hosts.get(&key);
        if let Some(host) = host.filter(|host| !host.claimed) {
            let nai = host.nai.clone();
            count(&mut self.drops, "host-unclaimed");
            self.let_go(&nai);
        }
    }

    /// A host is to leave: its entry goes with its session, at once if it has none.
    fn let_go(&mut self, nai: &str) {
        self.acts.push(Act::Detach(nai.to_owned()));
        let key = self.by_nai.get(nai);
        let host = key.and_then(|key| self.hosts.get_mut(key));
        if host.is_some_and(|host| !host.up) {
            self.forget(nai);
        }
    }

    fn set_up(
        &mut self,
        around: Surroundings<'_>,
        nai: &str,
        home: Option<Home>,
        prefixes: Vec<IpPrefix>,
    ) {
        let Some(key) = self.by_nai.get(nai).copied() else {
            return;
        };
        let before = self.items(key);
        let Some(host) = self.hosts.get_mut(&key) else {
            return;
        };
        let (old_router, was_up) = (host.home.map(|home| home.router), host.up);
        (host.home, host.prefixes, host.up) = (home, prefixes, true);
        let waiting = host.waiting.take();
        let unclaimed = !host.claimed && !was_up;
        self.change_items(&before, &self.items(key));
        self.change_router(key.0, old_router, home.map(|home| home.router));
        if let (Some(home), Some((device, us))) = (home, self.link(around, key.0))
            && key.1 != UNSEEN
        {
            // A host that comes from another gateway has that one's MAC address in its cache.
            let frame = build_arp(false, (us, home.server()), (key.1, home.address));
            self.acts.push(Act::Send { device, frame });
        }
        if unclaimed {
            self.schedule(key, Timer::Unclaimed, Some(around.now + UNCLAIMED));
        }
        self.start_probing(around.now, key);
        if let Some(ask) = waiting {
            self.answer(around, key, ask);
        }
    }

    /// Removes all trace of a host.
    fn forget(&mut self, nai: &str) {
        let Some(key) = self.by_nai.remove(nai) else {
            return;
        };
        let items = self.items(key);
        self.change_items(&items, &[]);
        for timer in [Timer::Advertise, Timer::Probe, Timer::Unclaimed] {
            self.schedule(key, timer, None);
        }
        if let Some(host) = self.hosts.remove(&key) {
            self.change_router(key.0, host.home.map(|home| home.router), None);
        }
    }

    /// Puts the mobile node `nai` at `key`; one that was elsewhere takes its session along.
    fn place(&mut self, nai: &str, key: Key) {
        let old = self.by_nai.get(nai).copied();
        if old == Some(key) {
            return;
        }
        let squatter = self.hosts.get(&key).map(|host| host.nai.clone());
        if let Some(squatter) = squatter {
            self.acts.push(Act::Detach(squatter.clone()));
            self.forget(&squatter);
        }
        let mut host = Host {
            nai: nai.to_owned(),
            ..Host::default()
        };
        if let Some(before) = old.and_then(|old| self.hosts.get(&old)) {
            (host.up, host.home) = (before.up, before.home);
            host.prefixes.clone_from(&before.prefixes);
            host.claimed = before.claimed;
            self.forget(nai);
        }
        let router = host.home.map(|home| home.router);
        self.hosts.insert(key, host);
        self.by_nai.insert(nai.to_owned(), key);
        self.change_items(&[], &self.items(key));
        self.change_router(key.0, None, router);
    }

    /// What a host's session needs in the kernel: the way to it.
    fn items(&self, key: Key) -> Vec<KernelItem> {
        let Some(host) = self.hosts.get(&key) else {
            return Vec::new();
        };
        let Some(device) = self.config.devices.get(key.0) else {
            return Vec::new();
        };
        let home = host.home.map(|home| IpPrefix::host(home.address.into()));
        let reached = home.into_iter().chain(host.prefixes.iter().copied());
        let tables = [Some(MAIN_TABLE), self.config.local_table];
        let routes = reached.flat_map(|destination| {
            tables
                .into_iter()
                .flatten()
                .map(move |table| KernelItem::Route {
                    destination,
                    device: device.clone(),
                    table,
                })
        });
        routes.collect()
    }

    fn change_items(&mut self, before: &[KernelItem], after: &[KernelItem]) {
        let gone = before.iter().filter(|item| !after.contains(item));
        self.acts.extend(gone.cloned().map(Act::Remove));
        let new = after.iter().filter(|item| !before.contains(item));
        self.acts.extend(new.cloned().map(Act::Add));
    }

    /// The default router's address is ours while somebody on the interface has it as such.
    fn change_router(&mut self, device: usize, old: Option<Ipv4Addr>, new: Option<Ipv4Addr>) {
        let Some(name) = self.config.devices.get(device).cloned() else {
            return;
        };
        let item = |router: Ipv4Addr| KernelItem::Address {
            device: name.clone(),
            address: IpAddr::V4(router),
            length: 32,
        };
        if old == new {
            return;
        }
        if let Some(new) = new.filter(|new| !new.is_unspecified()) {
            let users = self.routers.entry((device, new)).or_insert(0);
            *users = users.saturating_add(1);
            if *users == 1 {
                self.acts.push(Act::Add(item(new)));
            }
        }
        if let Some(old) = old
            && let Some(users) = self.routers.get_mut(&(device, old))
        {
            *users = users.saturating_sub(1);
            if *users == 0 {
                self.routers.remove(&(device, old));
                self.acts.push(Act::Remove(item(old)));
            }
        }
    }

    /// The name of an interface and our MAC address there.
    fn link(&self, around: Surroundings<'_>, device: usize) -> Option<(String, Mac)> {
        let name = self.config.devices.get(device)?;
        Some((name.clone(), mac_of(around.network, name)?))
    }

    fn schedule(&mut self, key: Key, timer: Timer, at: Option<Instant>) {
        let Some(host) = self.hosts.get_mut(&key) else {
            return;
        };
        let before = match at {
            Some(at) => host.timers.insert(timer, at),
            None => host.timers.remove(&timer),
        };
        if let Some(before) = before {
            self.due.remove(&(before, key, timer));
        }
        self.due.extend(at.map(|at| (at, key, timer)));
    }
}

impl Home {
    /// The DHCP server's address: the default router's, which is the same behind every gateway
    /// (RFC 5844 section 3.4.2), so that renewals find whichever the host is behind.
    fn server(&self) -> Ipv4Addr {
        if !self.router.is_unspecified() {
            return self.router;
        }
        match self.subnet.address() {
            IpAddr::V4(base) if self.subnet.length() < 31 => (base.to_bits() | 1).into(),
            IpAddr::V4(_) | IpAddr::V6(_) => self.address,
        }
    }
}

#[cfg(test)]
mod tests;
