//! Which prefixes a PBU gets: RFC 5213 section 5.3.2, RFC 5844 section 3.1.2, RFC 7148
//! section 5.2.2.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use pmip_wire::types::IpPrefix;
use smallvec::SmallVec;

use crate::config::{CustomerLimits, Network, Profile};
use crate::message::{is_all_zero, status};

use super::Lma;
use super::allocator::{Remembered, Space};
use super::cache::{HomeAddress, Session, delegated_counts};
use super::judge::Request;

/// Prefixes of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holdings {
    pub(super) home_prefixes: SmallVec<[IpPrefix; 1]>,
    pub(super) ipv4_home: Option<HomeAddress>,
    pub(super) delegated: SmallVec<[IpPrefix; 2]>,
}

/// Why there are none: the Status, and that of the IPv4 Home Address Reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shortage {
    pub(super) status: u8,
    pub(super) home_status: u8,
}

/// One allocation under way.
struct Work<'a> {
    request: &'a Request,
    held: &'a Holdings,
    remembered: &'a Remembered,
    network: Option<&'a Network>,
    /// Mobile network prefixes may be asserted outside every pool.
    takes_any: bool,
    limits: Option<CustomerLimits>,
    profile: &'a Profile,
}

impl Lma {
    /// Finds what the request asks for; on a shortage nothing has changed.
    pub(super) fn allocate(
        &mut self,
        request: &Request,
        held: &Holdings,
        remembered: &Remembered,
    ) -> Result<Holdings, Shortage> {
        let (directory, tenants) = (Arc::clone(&self.directory), Arc::clone(&self.tenants));
        let tenant = request.peer.tenant;
        let Some(profile) = directory.profile(&tenants, tenant, &request.mn) else {
            return Err(Shortage::of(status::NOT_LMA_FOR_THIS_MN));
        };
        let network = tenants.network(tenant, profile);
        let work = Work {
            request,
            held,
            remembered,
            network,
            takes_any: tenants.takes_any(tenant, network),
            limits: tenants.customer(tenant).map(|customer| customer.limits),
            profile,
        };
        let mut granted = Holdings::default();
        let outcome = self
            .grant_home_prefixes(&work, &mut granted)
            .and_then(|()| self.grant_home_address(&work, &mut granted))
            .and_then(|()| self.grant_delegated(&work, &mut granted));
        if let Err(shortage) = outcome {
            for prefix in granted.prefixes().filter(|prefix| !held.holds(*prefix)) {
                self.allocator.release(tenant.traffic, prefix);
            }
            return Err(shortage);
        }
        Ok(granted)
    }

    fn grant_home_prefixes(
        &mut self,
        work: &Work<'_>,
        granted: &mut Holdings,
    ) -> Result<(), Shortage> {
        let wanted = &work.request.update.common.home_prefixes;
        if wanted.is_empty() {
            return Ok(());
        }
        if wanted.iter().any(|prefix| is_all_zero(*prefix)) {
            if !work.held.home_prefixes.is_empty() {
                granted.home_prefixes = work.held.home_prefixes.clone();
                return Ok(());
            }
            let before = work.remembered.home_prefixes.first().copied();
            let prefix = self.space(work).home_prefix(work.network(), before);
            let prefix = prefix.ok_or(Shortage::of(status::INSUFFICIENT_RESOURCES))?;
            granted.home_prefixes.push(prefix);
            return Ok(());
        }
        let most = usize::from(self.config.limits.home_prefixes_per_binding);
        for &prefix in wanted {
            if granted.home_prefixes.contains(&prefix) {
                continue;
            }
            if granted.home_prefixes.len() >= most {
                return Err(Shortage::of(status::INSUFFICIENT_RESOURCES));
            }
            let space = self.space(work);
            let owned = space.owns_home(work.network(), prefix);
            let held = work.held.home_prefixes.contains(&prefix);
            let fine = held || (owned && space.claim(prefix));
            if !fine {
                return Err(Shortage::of(status::NOT_AUTHORIZED_FOR_HNP));
            }
            granted.home_prefixes.push(prefix);
        }
        Ok(())
    }

    fn grant_home_address(
        &mut self,
        work: &Work<'_>,
        granted: &mut Holdings,
    ) -> Result<(), Shortage> {
        let Some(&(wanted, _)) = work.request.update.home_requests.first() else {
            return Ok(());
        };
        let wildcard = wanted.is_unspecified();
        if let Some(held) = work.held.ipv4_home
            && (wildcard || held.address == wanted)
        {
            granted.ipv4_home = Some(held);
            return Ok(());
        }
        let address = if wildcard {
            let before = work.remembered.ipv4_home;
            let address = self.space(work).home_address(work.network(), before);
            address.ok_or(Shortage {
                status: status::INSUFFICIENT_RESOURCES,
                home_status: 128,
            })?
        } else {
            let prefix = IpPrefix::host(IpAddr::V4(wanted));
            let space = self.space(work);
            let owned = space.owns_home(work.network(), prefix);
            if !(owned && space.claim(prefix)) {
                return Err(Shortage {
                    status: status::NOT_AUTHORIZED_FOR_IPV4_HOA,
                    home_status: 129,
                });
            }
            wanted
        };
        granted.ipv4_home = work.home_address(address);
        Ok(())
    }

    fn grant_delegated(&mut self, work: &Work<'_>, granted: &mut Holdings) -> Result<(), Shortage> {
        let most = usize::from(self.config.limits.delegated_per_binding);
        for &wanted in &work.request.update.common.delegated {
            if is_all_zero(wanted) {
                self.grant_carved(work, granted, wanted.is_ipv4())?;
            } else {
                self.grant_asserted(work, granted, wanted)?;
            }
            if granted.delegated.len() > most {
                return Err(Shortage::of(status::INSUFFICIENT_RESOURCES));
            }
        }
        self.check_customer_limits(work, granted)
    }

    /// The addresses that the request is about.
    fn space(&mut self, work: &Work<'_>) -> &mut Space {
        self.allocator.space(work.request.peer.tenant.traffic)
    }

    /// Feature semantics section 2.6. Who holds more than a limit that was lowered keeps it.
    fn check_customer_limits(&self, work: &Work<'_>, granted: &Holdings) -> Result<(), Shortage> {
        let Some(limits) = work.limits else {
            return Ok(());
        };
        let (ipv4, ipv6) = delegated_counts(&granted.delegated);
        let (had_ipv4, had_ipv6) = delegated_counts(&work.held.delegated);
        let held = self.cache.held_by(work.request.peer.tenant);
        let exceeds = |now: u32, before: u32, per_node: Option<u8>, all: u32, most: Option<u32>| {
            let total = all.saturating_sub(before).saturating_add(now);
            now > before
                && (per_node.is_some_and(|most| now > most.into())
                    || most.is_some_and(|most| total > most))
        };
        if exceeds(ipv4, had_ipv4, limits.ipv4_per_node, held.ipv4, limits.ipv4)
            || exceeds(ipv6, had_ipv6, limits.ipv6_per_node, held.ipv6, limits.ipv6)
        {
            return Err(Shortage::of(status::INSUFFICIENT_RESOURCES));
        }
        Ok(())
    }

    fn grant_carved(
        &mut self,
        work: &Work<'_>,
        granted: &mut Holdings,
        ipv4: bool,
    ) -> Result<(), Shortage> {
        // Signalling rules section 3: ALL_ZERO on a session that has some returns those.
        let held = work.held.delegated.iter().copied();
        let mut before = held.filter(|prefix| prefix.is_ipv4() == ipv4).peekable();
        if before.peek().is_some() {
            let missing = before.filter(|prefix| !granted.delegated.contains(prefix));
            let missing: SmallVec<[IpPrefix; 2]> = missing.collect();
            granted.delegated.extend(missing);
            return Ok(());
        }
        let remembered = work.remembered.delegated.iter().copied();
        let mut remembered = remembered.filter(|prefix| prefix.is_ipv4() == ipv4);
        let count = if ipv4 {
            work.profile.delegated_ipv4
        } else {
            work.profile.delegated_ipv6
        };
        for _ in 0..count {
            let before = remembered.next();
            let network = work.network();
            let prefix = self.space(work).mobile_prefix(network, ipv4, before);
            let prefix = prefix.ok_or(Shortage::of(status::INSUFFICIENT_RESOURCES))?;
            granted.delegated.push(prefix);
        }
        Ok(())
    }

    fn grant_asserted(
        &mut self,
        work: &Work<'_>,
        granted: &mut Holdings,
        prefix: IpPrefix,
    ) -> Result<(), Shortage> {
        if granted.delegated.contains(&prefix) {
            return Ok(());
        }
        // What it holds as a home prefix is in use, by itself.
        let held = work.held.delegated.contains(&prefix);
        let space = self.space(work);
        let allowed = work.takes_any || space.owns_mobile(work.network(), prefix);
        let fine = held || (allowed && space.claim(prefix));
        if !fine {
            return Err(Shortage::of(status::DMNP_IN_USE));
        }
        granted.delegated.push(prefix);
        Ok(())
    }
}

impl Work<'_> {
    fn network(&self) -> &str {
        self.network.map_or("", |network| network.name.as_str())
    }

    fn home_address(&self, address: Ipv4Addr) -> Option<HomeAddress> {
        let pool = self.network?.ipv4_pool?;
        Some(HomeAddress {
            address,
            prefix_length: pool.prefix_length,
            router: pool.router(),
        })
    }
}

impl Holdings {
    pub(super) fn of(session: &Session) -> Self {
        Self {
            home_prefixes: SmallVec::from_slice(session.home_prefixes()),
            ipv4_home: session.ipv4_home,
            delegated: SmallVec::from_slice(session.delegated()),
        }
    }

    pub(super) fn prefixes(&self) -> impl Iterator<Item = IpPrefix> + '_ {
        let home = self
            .ipv4_home
            .map(|home| IpPrefix::host(home.address.into()));
        let homes = self.home_prefixes.iter().copied().chain(home);
        homes.chain(self.delegated.iter().copied())
    }

    pub(super) fn holds(&self, prefix: IpPrefix) -> bool {
        self.prefixes().any(|held| held == prefix)
    }
}

impl Shortage {
    const fn of(status: u8) -> Self {
        Self {
            status,
            home_status: 128,
        }
    }
}
