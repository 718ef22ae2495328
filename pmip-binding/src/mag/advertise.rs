//! What mobile nodes are told about their home network: RFC 5213 sections 6.7, 6.8, 6.9.2 and
//! 6.9.3.

use std::net::Ipv6Addr;
use std::time::Duration;

use pmip_wire::types::{Instant, IpPrefix};
use smallvec::SmallVec;

use crate::event::{AdvertisedPrefix, Advertisement, Event, SessionId};
use crate::message::{Acknowledgement, Identifier, Update};

use super::Mag;
use super::list::{Life, Purpose};

/// A binding that was extended by less is not worth another advertisement: each of its paths
/// extends it by some milliseconds.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// What one mobile node was told, and from which address.
#[derive(Clone, Debug, Default)]
pub(super) struct Advertised {
    prefixes: SmallVec<[IpPrefix; 1]>,
    until: Instant,
    /// The link-local address on its access link, where it is not the domain's fixed one.
    link_local: Option<Ipv6Addr>,
    /// It is ours, and the anchor must learn it (section 6.9.1.2 item 15).
    is_ours: bool,
}

impl Mag {
    /// Section 6.9.1.1 item 9: only without a fixed address. It is a question, or tells ours.
    pub(super) fn ask_link_local(&self, id: SessionId, purpose: Purpose, update: &mut Update) {
        let fixed = self.config.access_link.fixed_link_local_address;
        let Some(entry) = self.entry(id) else {
            return;
        };
        if fixed.is_some() || entry.logical || purpose != Purpose::Register {
            return;
        }
        let ours = entry.advertised.link_local;
        let ours = ours.filter(|_| entry.advertised.is_ours);
        update.common.link_local = Some(ours.unwrap_or(Ipv6Addr::UNSPECIFIED));
    }

    /// Section 6.9.1.2 item 15.
    pub(super) fn take_link_local(&mut self, id: SessionId, answer: &Acknowledgement) {
        let fixed = self.config.access_link.fixed_link_local_address;
        let given = answer.common.link_local;
        let given = given.filter(|given| fixed.is_none() && given.is_unicast_link_local());
        if let (Some(given), Some(entry)) = (given, self.entry_mut(id))
            && !entry.advertised.is_ours
        {
            entry.advertised.link_local = Some(given);
        }
    }

    /// The mobile node has the address that the anchor gave us; another one is used, and the
    /// anchor told at once.
    pub(super) fn on_link_local(&mut self, nai: &str, address: Ipv6Addr) {
        let fixed = self.config.access_link.fixed_link_local_address;
        let found = self.by_mn.get(&Identifier::nai(nai)).copied();
        let Some(id) = found.filter(|_| fixed.is_none() && address.is_unicast_link_local()) else {
            return;
        };
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        entry.advertised.link_local = Some(address);
        entry.advertised.is_ours = true;
        if entry.life == Life::Wanted {
            self.register_again(id);
        }
        self.advertise(id);
    }

    /// Section 6.9.2: a mobile node asks. Before it is registered it is told nothing.
    pub(super) fn on_solicitation(&mut self, nai: &str) {
        if let Some(id) = self.by_mn.get(&Identifier::nai(nai)).copied() {
            self.advertise(id);
        }
    }

    /// After an acceptance: tells what is new.
    pub(super) fn advertise_changes(&mut self, id: SessionId, changed: bool) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        let until = entry.valid_until.unwrap_or(Instant::ZERO);
        if changed || until >= entry.advertised.until + WORTH_TELLING {
            self.advertise(id);
        }
    }

    /// Tells a mobile node what holds now; prefixes that it was told before, and has no more, end.
    pub(super) fn advertise(&mut self, id: SessionId) {
        let now = self.now;
        let access = self.config.access_link;
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        if entry.logical || !entry.announced {
            return;
        }
        let until = entry.valid_until.unwrap_or(now);
        let rest = until.saturating_since(now);
        let lifetime = access.prefix_lifetime.map_or(rest, |most| most.min(rest));
        let before = std::mem::replace(&mut entry.advertised.prefixes, entry.home_prefixes.clone());
        entry.advertised.until = until;
        let held = &entry.home_prefixes;
        let gone = before.iter().filter(|prefix| !held.contains(prefix));
        let gone = gone.map(|prefix| (*prefix, Duration::ZERO));
        let prefixes = held.iter().map(|prefix| (*prefix, lifetime)).chain(gone);
        let prefixes: Vec<AdvertisedPrefix> = prefixes.map(advertised).collect();
        let is_router = !held.is_empty();
        if prefixes.is_empty() {
            return;
        }
        let router_lifetime = if is_router {
            access.router_lifetime.min(rest)
        } else {
            Duration::ZERO
        };
        self.tell(id, prefixes, router_lifetime);
    }

    /// The anchor does not hold the session any more: section 6.9.2 item 2 forbids its prefixes.
    pub(super) fn withdraw_advertisement(&mut self, id: SessionId) {
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        entry.advertised.until = Instant::ZERO;
        let before = std::mem::take(&mut entry.advertised.prefixes);
        let gone = before.into_iter().map(|prefix| (prefix, Duration::ZERO));
        let gone: Vec<AdvertisedPrefix> = gone.map(advertised).collect();
        if !gone.is_empty() {
            self.tell(id, gone, Duration::ZERO);
        }
    }

    fn tell(&mut self, id: SessionId, prefixes: Vec<AdvertisedPrefix>, router_lifetime: Duration) {
        let access = self.config.access_link;
        let Some(entry) = self.entry(id) else {
            return;
        };
        let advertisement = Advertisement {
            session: id,
            mn_id: entry.nai.clone(),
            link_local: access
                .fixed_link_local_address
                .or(entry.advertised.link_local),
            link_layer: access.fixed_link_layer_address,
            router_lifetime,
            prefixes,
            mtu: access.mtu,
        };
        self.emit(Event::Advertisement(advertisement));
    }
}

fn advertised((prefix, lifetime): (IpPrefix, Duration)) -> AdvertisedPrefix {
    AdvertisedPrefix { prefix, lifetime }
}
