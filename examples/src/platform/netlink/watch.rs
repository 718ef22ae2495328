//! Devices, addresses and routes: first as they are, then every change at once.

use std::io;
use std::net::IpAddr;

use futures::channel::mpsc::UnboundedReceiver;
use futures::{StreamExt, TryStreamExt};
use pmip_wire::types::IpPrefix;
use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::RouteNetlinkMessage as Message;
use rtnetlink::packet_route::address::{
    AddressAttribute, AddressHeaderFlags, AddressMessage, AddressScope,
};
use rtnetlink::packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteMessage, RouteNextHop, RouteType,
};
use rtnetlink::sys::SocketAddr;
use rtnetlink::{Handle, IpVersion, MulticastGroup, RouteMessageBuilder};

use super::{io_error, is_overrun};
use crate::platform::network::{Address, Link, NetworkEvent, Route};

/// A running watch.
pub struct Watch {
    handle: Handle,
    messages: UnboundedReceiver<(NetlinkMessage<Message>, SocketAddr)>,
}

/// Subscribes to changes and reads what there is now. Call inside a tokio runtime.
///
/// # Errors
/// When netlink cannot be opened or read.
pub async fn watch() -> io::Result<(Watch, Vec<NetworkEvent>)> {
    let (connection, handle, messages) = rtnetlink::new_multicast_connection(&[
        MulticastGroup::Link,
        MulticastGroup::Ipv4Ifaddr,
        MulticastGroup::Ipv6Ifaddr,
        MulticastGroup::Ipv4Route,
        MulticastGroup::Ipv6Route,
    ])?;
    tokio::spawn(connection);
    let watch = Watch { handle, messages };
    let now = watch.read_all().await?;
    Ok((watch, now))
}

impl Watch {
    /// The next changes; empty when netlink is gone.
    ///
    /// When the kernel had no room for some, everything is read anew: events repeat, which does
    /// no harm, and what went meanwhile is noticed by its own consequences.
    pub async fn next(&mut self) -> Vec<NetworkEvent> {
        while let Some((message, _)) = self.messages.next().await {
            if is_overrun(&message.payload) {
                tracing::warn!("netlink lost messages; reading everything anew");
                match self.read_all().await {
                    Ok(events) => return events,
                    // Nothing would mean the end, and a watch that ended sees no link die.
                    Err(error) => tracing::warn!("reading netlink anew: {error}"),
                }
                continue;
            }
            let events = match message.payload {
                NetlinkPayload::InnerMessage(message) => events_of(message),
                NetlinkPayload::Done(_)
                | NetlinkPayload::Error(_)
                | NetlinkPayload::Noop
                | NetlinkPayload::Overrun(_) => Vec::new(),
                _ => Vec::new(),
            };
            if !events.is_empty() {
                return events;
            }
        }
        Vec::new()
    }

    async fn read_all(&self) -> io::Result<Vec<NetworkEvent>> {
        let mut all = Vec::new();
        let links = self.handle.link().get().execute();
        let links: Vec<LinkMessage> = links.try_collect().await.map_err(io_error)?;
        all.extend(links.iter().filter_map(link).map(NetworkEvent::Link));
        let addresses = self.handle.address().get().execute();
        let addresses: Vec<AddressMessage> = addresses.try_collect().await.map_err(io_error)?;
        let addresses = addresses.iter().filter_map(address);
        all.extend(addresses.map(NetworkEvent::Address));
        for version in [IpVersion::V4, IpVersion::V6] {
            let query = match version {
                IpVersion::V4 => RouteMessageBuilder::<std::net::Ipv4Addr>::new().build(),
                IpVersion::V6 => RouteMessageBuilder::<std::net::Ipv6Addr>::new().build(),
            };
            let routes = self.handle.route().get(query).execute();
            let routes: Vec<RouteMessage> = routes.try_collect().await.map_err(io_error)?;
            all.extend(routes.iter().flat_map(routes_of).map(NetworkEvent::Route));
        }
        Ok(all)
    }
}

fn events_of(message: Message) -> Vec<NetworkEvent> {
    // The enum is the crate's own and grows; what we do not know tells us nothing.
    #[allow(clippy::wildcard_enum_match_arm)]
    match message {
        Message::NewLink(message) => one(link(&message).map(NetworkEvent::Link)),
        Message::DelLink(message) => vec![NetworkEvent::LinkGone(message.header.index)],
        Message::NewAddress(message) => one(address(&message).map(NetworkEvent::Address)),
        Message::DelAddress(message) => one(address(&message).map(NetworkEvent::AddressGone)),
        Message::NewRoute(message) => routes_of(&message)
            .into_iter()
            .map(NetworkEvent::Route)
            .collect(),
        Message::DelRoute(message) => routes_of(&message)
            .into_iter()
            .map(NetworkEvent::RouteGone)
            .collect(),
        _ => Vec::new(),
    }
}

fn one(event: Option<NetworkEvent>) -> Vec<NetworkEvent> {
    event.into_iter().collect()
}

pub(super) fn link(message: &LinkMessage) -> Option<Link> {
    let (mut name, mut mac, mut mtu) = (None, None, 0);
    for attribute in &message.attributes {
        if let LinkAttribute::IfName(text) = attribute {
            name = Some(text.clone());
        } else if let LinkAttribute::Address(octets) = attribute {
            mac = octets.as_slice().try_into().ok();
        } else if let LinkAttribute::Mtu(octets) = attribute {
            mtu = *octets;
        }
    }
    let up = message.header.flags.contains(LinkFlags::Up);
    Some(Link {
        index: message.header.index,
        name: name?,
        up,
        running: up && message.header.flags.contains(LinkFlags::Running),
        mac,
        mtu,
    })
}

/// An address that may be a source now.
pub(super) fn address(message: &AddressMessage) -> Option<Address> {
    let header = &message.header;
    let unusable = AddressHeaderFlags::Tentative | AddressHeaderFlags::Dadfailed;
    if header.flags.intersects(unusable) || header.scope == AddressScope::Link {
        return None;
    }
    // On a point-to-point device `Local` is ours and `Address` the peer's.
    let (mut local, mut peer) = (None, None);
    for attribute in &message.attributes {
        if let AddressAttribute::Local(address) = attribute {
            local = Some(*address);
        } else if let AddressAttribute::Address(address) = attribute {
            peer = Some(*address);
        }
    }
    Some(Address {
        index: header.index,
        address: local.or(peer)?,
        length: header.prefix_len,
    })
}

/// The unicast routes of a message: one, or one for each next hop.
pub(super) fn routes_of(message: &RouteMessage) -> Vec<Route> {
    if message.header.kind != RouteType::Unicast {
        return Vec::new();
    }
    let mut table = u32::from(message.header.table);
    let (mut destination, mut gateway, mut index, mut metric) = (None, None, None, 0);
    let mut hops: &[RouteNextHop] = &[];
    for attribute in &message.attributes {
        if let RouteAttribute::Destination(address) = attribute {
            destination = ip(address);
        } else if let RouteAttribute::Gateway(address) = attribute {
            gateway = ip(address);
        } else if let RouteAttribute::Oif(oif) = attribute {
            index = Some(*oif);
        } else if let RouteAttribute::Priority(priority) = attribute {
            metric = *priority;
        } else if let RouteAttribute::Table(number) = attribute {
            table = *number;
        } else if let RouteAttribute::MultiPath(next_hops) = attribute {
            hops = next_hops;
        }
    }
    let Some(destination) = prefix(message, destination) else {
        return Vec::new();
    };
    let route = |index, gateway| Route {
        destination,
        gateway,
        index,
        table,
        metric,
    };
    let mut routes: Vec<Route> = hops
        .iter()
        .map(|hop| {
            let mut gateways = hop.attributes.iter();
            let gateway = gateways.find_map(|attribute| {
                if let RouteAttribute::Gateway(address) = attribute {
                    ip(address)
                } else {
                    None
                }
            });
            route(hop.interface_index, gateway)
        })
        .collect();
    routes.extend(index.map(|index| route(index, gateway)));
    routes
}

fn prefix(message: &RouteMessage, destination: Option<IpAddr>) -> Option<IpPrefix> {
    use rtnetlink::packet_route::AddressFamily;
    let family = message.header.address_family;
    let any = if family == AddressFamily::Inet {
        IpAddr::from([0; 4])
    } else if family == AddressFamily::Inet6 {
        IpAddr::from([0; 16])
    } else {
        return None;
    };
    let length = message.header.destination_prefix_length;
    IpPrefix::new(destination.unwrap_or(any), length).ok()
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some((*address).into()),
        RouteAddress::Inet6(address) => Some((*address).into()),
        RouteAddress::Mpls(_) | RouteAddress::Other(_) => None,
        _ => None,
    }
}
