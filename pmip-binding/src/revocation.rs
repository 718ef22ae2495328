//! What both ends of a revocation share (RFC 5846).

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use pmip_wire::types::IpPrefix;
use pmip_wire::{
    BindingIdentifier, BindingRevocationAcknowledgement, BindingRevocationFlags,
    BindingRevocationIndication, BindingRevocationStatus, HomeNetworkPrefix,
    Ipv4HomeAddressRequest, MobilityOption, MobilityOptions, RevocationTrigger, SequenceNumber,
};
use smallvec::SmallVec;

use crate::config::RevocationConfig;
use crate::event::RevocationEvent;
use crate::message::{Identifier, Multipath, NAI, Options, is_all_zero};

/// Triggers from here are for many mobile nodes (RFC 5846 section 5.1).
const FIRST_GLOBAL_TRIGGER: u8 = 128;

/// When an unanswered indication is sent again (RFC 5846 section 6.3).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retry {
    wait: Duration,
    longest: Duration,
    left: u32,
}

impl Retry {
    pub(crate) fn new(config: &RevocationConfig) -> Self {
        Self {
            wait: config.initial_delay,
            longest: config.maximum_delay.max(config.initial_delay),
            left: config.retries,
        }
    }

    /// How long the answer to the last transmission is waited for.
    pub(crate) const fn wait(&self) -> Duration {
        self.wait
    }

    /// Whether it is to be sent once more; the wait is then longer.
    pub(crate) fn again(&mut self) -> bool {
        let Some(left) = self.left.checked_sub(1) else {
            return false;
        };
        self.left = left;
        self.wait = self.wait.saturating_mul(2).min(self.longest);
        true
    }

    /// How long all of them take from the first transmission on.
    pub(crate) fn total(mut self) -> Duration {
        let mut total = self.wait;
        while self.again() {
            total = total.saturating_add(self.wait);
        }
        total
    }
}

/// What an indication is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) mn_id: Option<Identifier>,
    pub(crate) home_prefixes: SmallVec<[IpPrefix; 1]>,
    /// The home address that alone is revoked (flag V).
    pub(crate) ipv4_home: Option<(Ipv4Addr, u8)>,
    /// Binding IDs (option 35, option 63): these paths alone.
    pub(crate) binding_ids: SmallVec<[u16; 2]>,
    /// The path's option 63, to send.
    pub(crate) multipath: Option<Multipath>,
    /// Alternate Care-of Address of either family.
    pub(crate) care_of: Option<IpAddr>,
}

impl Subject {
    pub(crate) fn of_mn(mn_id: Identifier, home_prefixes: &[IpPrefix]) -> Self {
        Self {
            mn_id: Some(mn_id),
            home_prefixes: home_prefixes.into(),
            ..Self::default()
        }
    }

    pub(crate) fn from_wire(options: &MobilityOptions) -> Self {
        let prefixes = options.home_network_prefixes();
        let multipath = Multipath::from_options(options);
        let ids = options.binding_identifiers().map(|id| id.binding_id());
        let mut binding_ids: SmallVec<[u16; 2]> = ids.collect();
        let named = multipath.map(|multipath| u16::from(multipath.binding_id));
        binding_ids.extend(named.filter(|named| !binding_ids.contains(named)));
        let ipv6 = options.alternate_care_of_address().map(IpAddr::V6);
        let ipv4 = options.alternate_ipv4_care_of_address().map(IpAddr::V4);
        Self {
            mn_id: options
                .mn_identifier()
                .map(|id| Identifier::new(id.subtype().code(), id.identifier())),
            home_prefixes: prefixes
                .map(|prefix| prefix.to_prefix())
                .filter(|prefix| !is_all_zero(*prefix))
                .collect(),
            ipv4_home: options
                .ipv4_home_address_request()
                .map(|request| (request.address(), request.prefix_length())),
            binding_ids,
            multipath,
            care_of: ipv6.or(ipv4),
        }
    }

    pub(crate) fn to_wire(&self) -> MobilityOptions {
        let mut options = Options::default();
        if let Some(id) = &self.mn_id {
            options.push_ok(id.to_mn_identifier());
        }
        for prefix in &self.home_prefixes {
            if let IpAddr::V6(address) = prefix.address() {
                options.push_ok(HomeNetworkPrefix::new(address, prefix.length()));
            }
        }
        if let Some((address, length)) = self.ipv4_home {
            options.push_ok(Ipv4HomeAddressRequest::new(address, length));
        }
        for &id in &self.binding_ids {
            options.push(BindingIdentifier::new(id));
        }
        if let Some(multipath) = self.multipath {
            options.push(multipath.to_wire());
        }
        match self.care_of {
            Some(IpAddr::V6(address)) => {
                options.push(MobilityOption::AlternateCareOfAddress(address));
            }
            Some(IpAddr::V4(address)) => {
                options.push(MobilityOption::AlternateIpv4CareOfAddress(address));
            }
            None => {}
        }
        options.into_inner()
    }

    /// Whether nothing is named: everything of the peer is meant.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The realm of an identifier of the form `@realm` (RFC 5846 section 8.1).
    pub(crate) fn realm(&self) -> Option<&[u8]> {
        let id = self.mn_id.as_ref().filter(|id| id.subtype == NAI)?;
        id.octets
            .strip_prefix(b"@")
            .filter(|realm| !realm.is_empty())
    }
}

/// What an answer of partial success lists as failed (RFC 5846 section 6.1.2).
pub(crate) fn failed(
    peer: String,
    answer: &BindingRevocationAcknowledgement,
) -> Option<RevocationEvent> {
    let partial = answer.status == BindingRevocationStatus::PartialSuccess;
    let listed = Subject::from_wire(&answer.options);
    (partial && !listed.is_empty()).then(|| RevocationEvent::Failed {
        peer,
        mn_id: listed.mn_id.map(|mn| mn.name()),
        home_prefixes: listed.home_prefixes.to_vec(),
        binding_ids: listed.binding_ids.to_vec(),
    })
}

/// Whether a mobile node's identifier is of the realm; `a@foo.example.com` is not of
/// `example.com`.
pub(crate) fn is_of_realm(identifier: &[u8], realm: &[u8]) -> bool {
    let at = identifier.iter().rposition(|octet| *octet == b'@');
    at.and_then(|at| identifier.get(at..))
        .and_then(|tail| tail.strip_prefix(b"@"))
        == Some(realm)
}

/// An indication about bindings of Proxy Mobile IPv6 (RFC 5846 section 6.1.1).
pub(crate) fn indication(
    sequence: u16,
    trigger: RevocationTrigger,
    subject: &Subject,
) -> BindingRevocationIndication {
    let mut flags = BindingRevocationFlags::PROXY;
    flags.set(BindingRevocationFlags::GLOBAL, is_global(trigger));
    flags.set(
        BindingRevocationFlags::IPV4_HOME_ADDRESS_ONLY,
        subject.ipv4_home.is_some(),
    );
    BindingRevocationIndication {
        trigger,
        sequence: SequenceNumber(sequence),
        flags,
        options: subject.to_wire(),
    }
}

/// Whether a trigger is for many mobile nodes.
pub(crate) const fn is_global(trigger: RevocationTrigger) -> bool {
    trigger.code() >= FIRST_GLOBAL_TRIGGER
}

/// Whether a trigger says that the mobile node moved to another gateway.
pub(crate) const fn is_handover(trigger: RevocationTrigger) -> bool {
    matches!(trigger.code(), 2..=4)
}

/// What stands against an indication whatever is registered (RFC 5846 section 6.2.1).
pub(crate) fn objection(
    indication: &BindingRevocationIndication,
) -> Option<BindingRevocationStatus> {
    if indication.trigger.name().is_none() {
        Some(BindingRevocationStatus::TriggerNotSupported)
    } else if indication.is_global() != is_global(indication.trigger) {
        Some(BindingRevocationStatus::FunctionNotSupported)
    } else if !indication.is_proxy() {
        // Whatever a mobile node registered by itself is not ours.
        Some(BindingRevocationStatus::BindingDoesNotExist)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_is_all_that_follows_the_sign() {
        for (name, belongs) in [
            (&b"1234abdelta@example.com"[..], true),
            (b"1234abdelta@foo.example.com", false),
            (b"example.com", false),
            (b"@example.com", true),
        ] {
            assert_eq!(is_of_realm(name, b"example.com"), belongs);
        }
    }

    #[test]
    fn the_wait_doubles_up_to_the_longest() {
        let config = RevocationConfig {
            retries: 3,
            maximum_delay: Duration::from_secs(3),
            ..RevocationConfig::default()
        };
        let mut retry = Retry::new(&config);
        assert_eq!(retry.total(), Duration::from_secs(1 + 2 + 3 + 3));
        let mut waits = vec![retry.wait().as_secs()];
        while retry.again() {
            waits.push(retry.wait().as_secs());
        }
        assert_eq!(waits, [1, 2, 3, 3]);
    }
}
