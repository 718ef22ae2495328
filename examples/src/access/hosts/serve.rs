//! What hosts send, and their answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dhcproto::v4::MessageType;
use pmip_wire::types::Instant;

use super::{ATTACH_PAUSE, Hosts, Key, UNSEEN};
use crate::access::dhcp4::{Ask, Grant};
use crate::access::frame::{Said, build_arp};
use crate::access::{Act, Mac, Surroundings, count};

/// The least Interface MTU of DHCP (RFC 2132 section 5.1).
const SMALLEST_MTU: u32 = 68;

impl Hosts {
    /// A host on `device` said something. What is not served is counted.
    pub fn on_frame(&mut self, around: Surroundings<'_>, device: &str, mac: Mac, said: &Said<'_>) {
        let mut devices = self.config.devices.iter();
        let Some(device) = devices.position(|own| own == device) else {
            return;
        };
        let key = (device, mac);
        self.heard(around.now, key);
        if matches!(said, Said::Neighbour(_)) {
            return;
        }
        let rates = self.rates.get_mut(&device);
        if !rates.is_some_and(|(_, frames)| frames.take(around.now)) {
            return count(&mut self.drops, "too-many-frames");
        }
        match said {
            Said::Arp {
                request,
                sender,
                target,
            } if *request => self.on_arp(around, key, *sender, *target),
            Said::Dhcp4(payload) => match Ask::parse(mac, payload) {
                Ok(ask) => self.on_dhcp(around, key, ask),
                Err(why) => count(&mut self.drops, why),
            },
            Said::Solicitation(from) => self.on_solicitation(around.now, key, *from),
            // Hosts get their prefixes by advertisement.
            Said::Dhcp6(..) => count(&mut self.drops, "dhcp6-unserved"),
            Said::Arp { .. } | Said::Neighbour(_) => {}
        }
    }

    /// All addresses of its subnet seem on the link to a host, and are behind the tunnel: we
    /// answer for them (RFC 5844 section 3.4.1). Not for its own: that is how it finds out whether
    /// another host uses that one (RFC 5227).
    fn on_arp(&mut self, around: Surroundings<'_>, key: Key, sender: Ipv4Addr, target: Ipv4Addr) {
        let host = self.hosts.get(&key).filter(|host| host.up);
        let Some(home) = host.and_then(|host| host.home) else {
            return;
        };
        let own = sender != home.address || target == home.address;
        // The kernel answers for the router's address, which it has.
        if own || target == home.router || !home.subnet.contains(IpAddr::V4(target)) {
            return;
        }
        if let Some((device, us)) = self.link(around, key.0) {
            let frame = build_arp(false, (us, target), (key.1, sender));
            self.acts.push(Act::Send { device, frame });
        }
    }

    fn on_solicitation(&mut self, now: Instant, key: Key, from: Ipv6Addr) {
        let Some(nai) = self.come(now, key) else {
            return;
        };
        let Some(host) = self.hosts.get_mut(&key) else {
            return;
        };
        host.claimed = true;
        if from.is_unicast_link_local() {
            host.link_local = Some(from);
        }
        if host.up {
            self.acts.push(Act::Solicit(nai));
        } else {
            self.attach(now, key);
        }
    }

    fn on_dhcp(&mut self, around: Surroundings<'_>, key: Key, ask: Ask) {
        match ask.kind {
            MessageType::Discover | MessageType::Request => {
                if self.come(around.now, key).is_some() {
                    self.answer(around, key, ask);
                }
            }
            MessageType::Inform => self.inform(around, key, &ask),
            MessageType::Release => self.release(key, &ask),
            // The address is the anchor's to give; a conflict on the link is the operator's.
            MessageType::Decline => count(&mut self.drops, "dhcp4-declined"),
            _ => count(&mut self.drops, "dhcp4-no-request"),
        }
    }

    /// Answers, or keeps what was asked until the host has a session.
    pub(super) fn answer(&mut self, around: Surroundings<'_>, key: Key, ask: Ask) {
        let Some(host) = self.hosts.get_mut(&key) else {
            return;
        };
        if !host.up {
            host.waiting = Some(ask);
            return self.attach(around.now, key);
        }
        let Some(home) = host.home else {
            return count(&mut self.drops, "dhcp4-no-address");
        };
        let chosen = ask.server.is_none_or(|server| server == home.server());
        let right = ask.wanted == Some(home.address);
        let Some(grant) = self.grant(around, key) else {
            return count(&mut self.drops, "dhcp4-no-binding");
        };
        let Some((device, us)) = self.link(around, key.0) else {
            return;
        };
        let frame = match ask.kind {
            MessageType::Discover => ask.offer(us, &grant),
            // It took the offer of another server.
            _ if !chosen => None,
            _ if right => {
                self.claim(key);
                ask.acknowledge(us, &grant)
            }
            _ => ask.refuse(us, grant.server),
        };
        self.acts
            .extend(frame.map(|frame| Act::Send { device, frame }));
    }

    fn inform(&mut self, around: Surroundings<'_>, key: Key, ask: &Ask) {
        let (Some(grant), Some((device, us))) = (self.grant(around, key), self.link(around, key.0))
        else {
            return;
        };
        let frame = ask.inform(us, &grant);
        self.acts
            .extend(frame.map(|frame| Act::Send { device, frame }));
    }

    fn release(&mut self, key: Key, ask: &Ask) {
        let Some(host) = self.hosts.get(&key) else {
            return;
        };
        let own = host
            .home
            .is_some_and(|home| ask.wanted == Some(home.address));
        if own && !self.config.by_events {
            let nai = host.nai.clone();
            self.let_go(&nai);
        }
    }

    fn claim(&mut self, key: Key) {
        if let Some(host) = self.hosts.get_mut(&key) {
            host.claimed = true;
        }
    }

    /// What a host with a session gets: nothing of it outlives the binding.
    fn grant(&self, around: Surroundings<'_>, key: Key) -> Option<Grant> {
        let host = self.hosts.get(&key).filter(|host| host.up)?;
        let home = host.home?;
        let lease = (around.remaining)(&host.nai)?;
        let mtu = around.mtu.filter(|mtu| *mtu >= SMALLEST_MTU);
        (lease.as_secs() > 0).then(|| Grant {
            address: home.address,
            length: home.subnet.length(),
            server: home.server(),
            routers: vec![home.server()],
            name_servers: Vec::new(),
            domain_name: None,
            mtu: mtu.map(|mtu| u16::try_from(mtu).unwrap_or(u16::MAX)),
            lease,
        })
    }

    /// The identifier of the host at `key`, which may be new; `None` where it may not come.
    fn come(&mut self, now: Instant, key: Key) -> Option<String> {
        if let Some(host) = self.hosts.get(&key) {
            return Some(host.nai.clone());
        }
        let expected = self
            .hosts
            .get(&(key.0, UNSEEN))
            .map(|host| host.nai.clone());
        if let Some(nai) = expected {
            self.place(&nai, key);
            self.start_probing(now, key);
            return Some(nai);
        }
        let why = if self.config.by_events {
            Some("host-unknown")
        } else if self.hosts.len() >= self.config.maximum {
            Some("too-many-hosts")
        } else {
            let rates = self.rates.get_mut(&key.0);
            let may = rates.is_some_and(|(new, _)| new.take(now));
            (!may).then_some("too-many-new-hosts")
        };
        if let Some(why) = why {
            count(&mut self.drops, why);
            return None;
        }
        let known = self.config.known.get(&key.1);
        let nai = known.map_or_else(
            || named_by(key.1, &self.config.realm),
            |(nai, _)| nai.clone(),
        );
        self.place(&nai, key);
        self.start_probing(now, key);
        Some(nai)
    }

    fn attach(&mut self, now: Instant, key: Key) {
        let Some(host) = self.hosts.get_mut(&key) else {
            return;
        };
        let told = host.attached;
        if told.is_some_and(|told| told + ATTACH_PAUSE > now) {
            return;
        }
        host.attached = Some(now);
        let known = self.config.known.get(&key.1);
        self.acts.push(Act::Attach {
            nai: host.nai.clone(),
            mac: Some(key.1).filter(|mac| *mac != UNSEEN),
            technology: known.map(|(_, technology)| *technology),
        });
    }
}

/// The identifier of a host that no profile and no event names. Colons are not allowed there
/// (RFC 4282 section 2.1).
fn named_by(mac: Mac, realm: &str) -> String {
    let [a, b, c, d, e, f] = mac;
    format!("{a:02x}-{b:02x}-{c:02x}-{d:02x}-{e:02x}-{f:02x}@{realm}")
}
