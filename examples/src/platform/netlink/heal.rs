//! Puts back what another manager of the host took out: network daemons flush routes and rules that
//! they do not know, and a device that goes down takes its routes along without a word.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use futures::StreamExt;
use futures::channel::mpsc::UnboundedReceiver;
use pmip_wire::types::IpPrefix;
use rtnetlink::MulticastGroup;
use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::RouteNetlinkMessage as Message;
use rtnetlink::packet_route::route::RouteProtocol;
use rtnetlink::sys::SocketAddr;
use tokio::time::Instant;

use super::items::{RuleKey, Worker};
use super::watch::{address, link, routes_of};
use super::{PROTOCOL, is_overrun};
use crate::platform::ports::KernelItem;

/// What tells of losses.
pub(super) const GROUPS: [MulticastGroup; 7] = [
    MulticastGroup::Link,
    MulticastGroup::Ipv4Ifaddr,
    MulticastGroup::Ipv6Ifaddr,
    MulticastGroup::Ipv4Route,
    MulticastGroup::Ipv6Route,
    MulticastGroup::Ipv4Rule,
    MulticastGroup::Ipv6Rule,
];

/// How long after a loss things are put back: whoever flushes takes more than one, and who fights over
/// one is not fought at full speed.
const DELAY: Duration = Duration::from_millis(250);

pub(super) type Messages = UnboundedReceiver<(NetlinkMessage<Message>, SocketAddr)>;

/// What is to be put back.
#[derive(Default)]
pub(super) struct Losses {
    lost: BTreeSet<KernelItem>,
    at: Option<Instant>,
    /// What was said to be lost: once is enough.
    told: BTreeSet<KernelItem>,
}

impl Losses {
    /// Waits until something is to be put back.
    pub(super) async fn due(&self) {
        match self.at {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    fn note(&mut self, items: impl Iterator<Item = KernelItem>) {
        self.lost.extend(items);
        if !self.lost.is_empty() && self.at.is_none() {
            self.at = Some(Instant::now() + DELAY);
        }
    }
}

/// The next message; never where netlink is gone.
pub(super) async fn next(messages: &mut Messages) -> NetlinkMessage<Message> {
    match messages.next().await {
        Some((message, _)) => message,
        None => std::future::pending().await,
    }
}

impl Worker {
    /// Notes which of our items a message tells the loss of. What we take out ourselves is no item
    /// of ours any more.
    pub(super) fn note_loss(&mut self, message: &NetlinkMessage<Message>) {
        let suspects = suspects(message);
        if suspects.is_empty() {
            return;
        }
        let lost = self.added.iter().filter(|item| {
            let mut suspects = suspects.iter();
            suspects.any(|suspect| suspect.is(item))
        });
        self.losses.note(lost.cloned());
    }

    /// Puts back what is lost.
    pub(super) async fn heal(&mut self) {
        self.losses.at = None;
        let mut new = Vec::new();
        for item in std::mem::take(&mut self.losses.lost) {
            if !self.added.contains(&item) || self.has_rule(&item).await {
                continue;
            }
            match self.put(&item).await {
                Ok(()) => {
                    tracing::debug!("put back {item}");
                    if self.losses.told.insert(item.clone()) {
                        new.push(item);
                    }
                }
                // It was there all the time.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => tracing::debug!("cannot put back {item}: {error}"),
            }
        }
        if let [first, more @ ..] = new.as_slice() {
            let more = match more.len() {
                0 => String::new(),
                count => format!(" and {count} more"),
            };
            tracing::warn!(
                "something took out our {first}{more}: put back, now and whenever it happens again"
            );
        }
    }

    /// Whether a rule is there: one that is added twice is there twice.
    async fn has_rule(&self, item: &KernelItem) -> bool {
        let (wanted, ipv4, count) = match item {
            KernelItem::Rule {
                device,
                table,
                ipv4,
            } => (RuleKey::of_device(device).to(*table), *ipv4, 1),
            KernelItem::OwnSourceRule { source, .. } => {
                (RuleKey::of_source(*source), source.is_ipv4(), 2)
            }
            KernelItem::Address { .. } | KernelItem::Route { .. } | KernelItem::RouteVia { .. } => {
                return false;
            }
        };
        let rules = self.our_rules(wanted, ipv4).await;
        rules.is_ok_and(|rules| rules.len() >= count)
    }
}

/// What a message may tell the loss of.
#[derive(Debug, PartialEq)]
enum Suspect {
    Route(IpPrefix, u32),
    Address(IpAddr),
    Rules { ipv4: bool },
    Device(String),
    Everything,
}

impl Suspect {
    fn is(&self, item: &KernelItem) -> bool {
        match (self, item) {
            (Self::Everything, _) => true,
            (
                Self::Route(prefix, number),
                KernelItem::Route {
                    destination, table, ..
                }
                | KernelItem::RouteVia {
                    destination, table, ..
                },
            ) => prefix == destination && number == table,
            (Self::Address(lost), KernelItem::Address { address, .. }) => lost == address,
            (Self::Rules { ipv4: lost }, KernelItem::Rule { ipv4, .. }) => lost == ipv4,
            (Self::Rules { ipv4: lost }, KernelItem::OwnSourceRule { source, .. }) => {
                *lost == source.is_ipv4()
            }
            (
                Self::Device(name),
                KernelItem::Route { device, .. }
                | KernelItem::RouteVia { device, .. }
                | KernelItem::Address { device, .. },
            ) => name == device,
            (Self::Route(..) | Self::Address(_) | Self::Rules { .. } | Self::Device(_), _) => false,
        }
    }
}

fn suspects(message: &NetlinkMessage<Message>) -> Vec<Suspect> {
    if is_overrun(&message.payload) {
        return vec![Suspect::Everything];
    }
    let NetlinkPayload::InnerMessage(message) = &message.payload else {
        return Vec::new();
    };
    // The enum is the crate's own and grows; what we do not know tells us nothing.
    #[allow(clippy::wildcard_enum_match_arm)]
    match message {
        Message::DelRoute(message) if message.header.protocol == RouteProtocol::Other(PROTOCOL) => {
            routes_of(message)
                .into_iter()
                .map(|route| Suspect::Route(route.destination, route.table))
                .collect()
        }
        Message::DelAddress(message) => address(message)
            .map(|address| Suspect::Address(address.address))
            .into_iter()
            .collect(),
        Message::DelRule(message) => vec![Suspect::Rules {
            ipv4: message.header.family == AddressFamily::Inet,
        }],
        // Its routes went when it went down.
        Message::NewLink(message) => link(message)
            .filter(|link| link.up)
            .map(|link| Suspect::Device(link.name))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_that_of_the_items_it_names_alone() {
        let prefix = |text: &str| text.parse::<IpPrefix>().expect("a prefix");
        let route = KernelItem::Route {
            destination: prefix("10.60.0.0/16"),
            device: "pmip0".into(),
            table: 254,
        };
        let rule = KernelItem::Rule {
            device: "lan".into(),
            table: 118_001,
            ipv4: true,
        };
        let address = KernelItem::Address {
            device: "lan".into(),
            address: [10, 60, 0, 1].into(),
            length: 24,
        };
        let items = [route, rule, address];
        for (suspect, expected) in [
            (
                Suspect::Route(prefix("10.60.0.0/16"), 254),
                [true, false, false],
            ),
            (Suspect::Route(prefix("10.60.0.0/16"), 100), [false; 3]),
            (Suspect::Rules { ipv4: true }, [false, true, false]),
            (Suspect::Rules { ipv4: false }, [false; 3]),
            (
                Suspect::Address([10, 60, 0, 1].into()),
                [false, false, true],
            ),
            (Suspect::Device("lan".into()), [false, false, true]),
            (Suspect::Device("pmip0".into()), [true, false, false]),
            (Suspect::Everything, [true; 3]),
        ] {
            let found = items.each_ref().map(|item| suspect.is(item));
            assert_eq!(found, expected, "{suspect:?}");
        }
    }
}
