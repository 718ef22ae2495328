//! Building PBUs: RFC 5213 section 6.9.1.5, signalling rules section 3.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use pmip_wire::Message;
use pmip_wire::types::IpPrefix;
use smallvec::SmallVec;

use crate::config::{PrefixRequest, Service};
use crate::event::SessionId;
use crate::io::Carrier;
use crate::message::{Common, Identifier, LinkLayer, Multipath, Update};

use super::Mag;
use super::list::{Entry, Mode, Purpose, Request, path_id};
use super::paths::is_udp;

impl Mag {
    /// Builds and sends the PBU of the outstanding request about a path.
    pub(super) fn transmit_update(
        &mut self,
        id: SessionId,
        about: u8,
        sequence: u16,
        timestamp: Option<u64>,
    ) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        let registration = entry.registration(about);
        let Some(request) = registration.and_then(|r| r.request.as_ref()) else {
            return;
        };
        let (over, purpose) = (request.over, request.purpose);
        let lma = entry.lma;
        let (Some(care_of), Some((carrier, destination))) =
            (self.care_of(over), self.signalling_to(lma))
        else {
            return;
        };
        let mut update = self.build(entry, about, request);
        self.ask_for_gre(id, about, &mut update);
        self.ask_link_local(id, purpose, &mut update);
        self.tell_access_network(id, &mut update);
        self.name_service(id, &mut update);
        self.name_link(about, &mut update);
        update.common.sequence = sequence;
        update.common.timestamp = timestamp;
        let source = SocketAddr::new(care_of, destination.port());
        let message = Message::BindingUpdate(update.to_wire());
        self.send_over(path_id(lma, over), carrier, source, destination, &message);
    }

    fn build(&self, entry: &Entry, about: u8, request: &Request) -> Update {
        let families = entry.named_families(request.purpose);
        let registers = request.purpose == Purpose::Register;
        let multipath = self.multipath(entry, about, request);
        let over_ipv4 = self.signalling_to(entry.lma).map(|(carrier, _)| carrier);
        let over_ipv4 = over_ipv4 == Some(Carrier::Udp);
        let lmas = self.config.lmas.get(entry.lma);
        let udp = lmas.is_some_and(|lma| is_udp(self.config.encapsulation_with(lma)));
        Update {
            common: Common {
                lifetime: if registers {
                    units(self.config.lifetime)
                } else {
                    0
                },
                mn_id: Some(entry.mn.clone()),
                home_prefixes: home_prefixes(entry, families),
                handoff: Some(request.handoff),
                access_technology: Some(entry.access_technology),
                link_layer: entry.link_layer.as_deref().map(LinkLayer::from_slice),
                // Its family alone is named, so the others stay.
                delegated: match request.purpose {
                    Purpose::Release => SmallVec::new(),
                    Purpose::Register | Purpose::Leave | Purpose::Close => delegated(entry),
                },
                multipath,
                ..Common::default()
            },
            acknowledge: true,
            home_registration: true,
            force_udp: over_ipv4 && udp,
            distributed: false,
            alternate_care_of: None,
            // Signalling rules section 7: lets the anchor see whether a NAT stands between.
            ipv4_care_of: over_ipv4.then(|| self.ipv4_care_of(request.over)).flatten(),
            home_requests: home_requests(entry, families),
            redirect_capable: request.redirectable,
            mag_id: multipath.map(|_| Identifier::nai(&self.config.identity)),
            service: None,
            vendor: Vec::new(),
        }
    }

    /// Option 63, unless the anchor is known to do without.
    fn multipath(&self, entry: &Entry, about: u8, request: &Request) -> Option<Multipath> {
        if entry.mode == Mode::Single {
            return None;
        }
        let index = usize::from(about).checked_sub(1)?;
        let interface = self.config.roaming_interfaces.get(index)?;
        let first = self.config.restarted && !entry.accepted_once;
        Some(Multipath {
            access_technology: interface.access_technology,
            label: interface.label.if_label(),
            binding_id: about,
            bulk: matches!(request.purpose, Purpose::Release | Purpose::Close),
            overwrite: request.purpose == Purpose::Register && first,
        })
    }
}

/// The home network prefixes held, else a request to allocate one.
fn home_prefixes(entry: &Entry, families: Service) -> SmallVec<[IpPrefix; 1]> {
    if !families.has_ipv6() {
        SmallVec::new()
    } else if entry.home_prefixes.is_empty() {
        IpPrefix::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0)
            .into_iter()
            .collect()
    } else {
        entry.home_prefixes.clone()
    }
}

/// The home address held, else a request to allocate one.
fn home_requests(entry: &Entry, families: Service) -> SmallVec<[(Ipv4Addr, u8); 1]> {
    let held = entry
        .ipv4_home
        .map(|home| (home.address, home.prefix_length));
    let wanted = held.unwrap_or((Ipv4Addr::UNSPECIFIED, 0));
    families.has_ipv4().then_some(wanted).into_iter().collect()
}

/// All delegated prefixes: those held, those asserted, and for each family of which nothing was
/// learnt yet one request to allocate (RFC 7148 section 5.1.2: exactly one per family).
fn delegated(entry: &Entry) -> SmallVec<[IpPrefix; 2]> {
    let mut list = entry.delegated.clone();
    for wanted in &entry.wanted {
        let prefix = match wanted {
            PrefixRequest::Assert(prefix) => Some(*prefix),
            PrefixRequest::LearnIpv4 => missing(entry, true),
            PrefixRequest::LearnIpv6 => missing(entry, false),
        };
        list.extend(prefix.filter(|prefix| !list.contains(prefix)));
    }
    list
}

fn missing(entry: &Entry, ipv4: bool) -> Option<IpPrefix> {
    let asserted = |prefix: &IpPrefix| entry.wanted.contains(&PrefixRequest::Assert(*prefix));
    let mut learned = entry.delegated.iter().filter(|prefix| !asserted(prefix));
    if learned.any(|prefix| prefix.is_ipv4() == ipv4) {
        return None;
    }
    let zero = if ipv4 {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED)
    } else {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    };
    IpPrefix::new(zero, 0).ok()
}

/// A lifetime in units of 4 s, rounded down, at least one.
fn units(lifetime: Duration) -> u16 {
    u16::try_from(lifetime.as_secs() / 4)
        .unwrap_or(u16::MAX)
        .max(1)
}
