//! What is put right in messages of peers that bend the rules.

use std::net::IpAddr;

use pmip_wire::types::IpPrefix;
use smallvec::SmallVec;

use crate::config::Tolerance;
use crate::message::{Acknowledgement, Common, Identifier, NAI, Update, is_all_zero};

/// The tolerances that one message needed.
pub(crate) type Used = SmallVec<[Tolerance; 2]>;

impl Update {
    /// Puts right what `allowed` covers, and tells what it needed.
    pub(crate) fn relax(&mut self, allowed: &[Tolerance]) -> Used {
        let mut used = self.common.relax(allowed);
        let flag = (!self.home_registration).then_some(Tolerance::NoHomeRegistration);
        let zero = self.common.access_technology == Some(0);
        let zero = zero.then_some(Tolerance::AccessTechnologyZero);
        let needed = flag.into_iter().chain(zero);
        used.extend(needed.filter(|tolerance| allowed.contains(tolerance)));
        used
    }
}

impl Acknowledgement {
    /// As [`Update::relax`].
    pub(crate) fn relax(&mut self, allowed: &[Tolerance]) -> Used {
        let mut used = self.common.relax(allowed);
        if !self.proxy && allowed.contains(&Tolerance::NoProxyFlag) {
            used.push(Tolerance::NoProxyFlag);
        }
        used
    }
}

impl Common {
    fn relax(&mut self, allowed: &[Tolerance]) -> Used {
        let mut used = Used::new();
        if allowed.contains(&Tolerance::PaddedMnId)
            && let Some(id) = &mut self.mn_id
            && let Some(end) = padding_of(id)
        {
            id.octets.truncate(end);
            used.push(Tolerance::PaddedMnId);
        }
        if allowed.contains(&Tolerance::HostPrefix) {
            for prefix in &mut self.home_prefixes {
                if let Some(shorter) = around(*prefix) {
                    *prefix = shorter;
                    used.push(Tolerance::HostPrefix);
                }
            }
        }
        used
    }
}

/// Where the padding behind a network access identifier starts.
fn padding_of(id: &Identifier) -> Option<usize> {
    let belongs = |octet: &u8| octet.is_ascii_graphic() || !octet.is_ascii();
    let end = id.octets.iter().position(|octet| !belongs(octet))?;
    (id.subtype == NAI && end > 0).then_some(end)
}

/// The prefix of length 64 that a host prefix stands for.
fn around(prefix: IpPrefix) -> Option<IpPrefix> {
    if prefix.length() != 128 || is_all_zero(prefix) {
        return None;
    }
    let IpAddr::V6(address) = prefix.address() else {
        return None;
    };
    let network = u128::from(address) >> 64 << 64;
    IpPrefix::new(IpAddr::V6(network.into()), 64).ok()
}
