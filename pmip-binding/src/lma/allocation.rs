//! Which prefixes a PBU gets: RFC 5213 section 5.3.2, RFC 5844 section 3.1.2, RFC 7148
//! section 5.2.2.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use pmip_wire::types::IpPrefix;
use smallvec::SmallVec;

use crate::config::{Network, Profile};
use crate::message::{is_all_zero, status};

use super::Lma;
use super::allocator::Remembered;
use super::cache::{HomeAddress, Session};
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
        let config = Arc::clone(&self.config);
        let directory = Arc::clone(&self.directory);
        let Some(profile) = directory.profile(&request.mn) else {
            return Err(Shortage::of(status::NOT_LMA_FOR_THIS_MN));
        };
        let name = profile.network.as_deref();
        let work = Work {
            request,
            held,
            remembered,
            network: name.and_then(|name| config.network(name)),
            profile,
        };
        let mut granted = Holdings::default();
        let outcome = self
            .grant_home_prefixes(&work, &mut granted)
            .and_then(|()| self.grant_home_address(&work, &mut granted))
            .and_then(|()| self.grant_delegated(&work, &mut granted));
        if let Err(shortage) = outcome {
            for prefix in granted.prefixes().filter(|prefix| !held.holds(*prefix)) {
                self.allocator.release(prefix);
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
            let prefix = self.allocator.home_prefix(work.network(), before);
            let prefix = prefix.ok_or(Shortage::of(status::INSUFFICIENT_RESOURCES))?;
            granted.home_prefixes.push(prefix);
            return Ok(());
        }
        for &prefix in wanted {
            if granted.home_prefixes.contains(&prefix) {
                continue;
            }
            let owned = self.allocator.owns_home(work.network(), prefix);
            let fine = work.held.holds(prefix) || (owned && self.allocator.claim(prefix));
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
            let address = self.allocator.home_address(work.network(), before);
            address.ok_or(Shortage {
                status: status::INSUFFICIENT_RESOURCES,
                home_status: 128,
            })?
        } else {
            let prefix = IpPrefix::host(IpAddr::V4(wanted));
            let owned = self.allocator.owns_home(work.network(), prefix);
            if !(owned && self.allocator.claim(prefix)) {
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
            let prefix = self.allocator.mobile_prefix(network, ipv4, before);
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
        let any = work.network.is_some_and(|network| network.accept_asserted);
        let allowed = any || self.allocator.owns_mobile(work.network(), prefix);
        let held = work.held.holds(prefix);
        let fine = held || (allowed && self.allocator.claim(prefix));
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
            home_prefixes: session.home_prefixes().into(),
            ipv4_home: session.ipv4_home,
            delegated: session.delegated().into(),
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
