//! What we put into the kernel and take out again.

use std::io;
use std::net::IpAddr;

use futures::TryStreamExt;
use pmip_wire::types::IpPrefix;
use rtnetlink::packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressProtocol};
use rtnetlink::packet_route::route::RouteProtocol;
use rtnetlink::packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};
use rtnetlink::{Handle, IpVersion, RouteMessageBuilder};
use tokio::sync::{mpsc, oneshot};

use super::heal::{self, Losses, Messages};
use super::{PROTOCOL, io_error};
use crate::platform::ports::{Kernel, KernelItem};

/// Where our rules stand: before those of the main table (32766), after `local` (0).
const RULE_PRIORITY: u32 = 1180;
/// Where the main table comes first, save its default route.
const INSIDE_PRIORITY: u32 = RULE_PRIORITY - 1;
const MAIN_TABLE: u32 = 254;
/// What `ip rule` calls the interface of what the host itself sends.
const OURSELVES: &str = "lo";

/// The kernel's routing tables, through a task that remembers what it added.
pub struct LinuxKernel {
    orders: mpsc::UnboundedSender<Order>,
}

enum Order {
    Add(KernelItem, Option<oneshot::Sender<io::Result<()>>>),
    Remove(KernelItem),
    RemoveAll(oneshot::Sender<()>),
}

/// Takes out of the kernel all that was put in, also when the loop is gone.
pub struct Cleanup {
    orders: mpsc::UnboundedSender<Order>,
}

impl LinuxKernel {
    /// Opens netlink in the network namespace of the calling thread. Call inside a tokio runtime.
    ///
    /// # Errors
    /// When netlink cannot be opened.
    pub fn open() -> io::Result<Self> {
        let (connection, handle, messages) = rtnetlink::new_multicast_connection(&heal::GROUPS)?;
        tokio::spawn(connection);
        let (orders, inbox) = mpsc::unbounded_channel();
        let worker = Worker {
            handle,
            added: Vec::new(),
            losses: Losses::default(),
        };
        tokio::spawn(worker.run(inbox, messages));
        Ok(Self { orders })
    }

    /// Adds one item and waits for the kernel's answer.
    ///
    /// # Errors
    /// What the kernel said; being there already is no error.
    pub async fn add_now(&self, item: KernelItem) -> io::Result<()> {
        let (answer, answered) = oneshot::channel();
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let order = Order::Add(item, Some(answer));
        self.orders.send(order).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// What removes everything at the end.
    pub fn cleanup(&self) -> Cleanup {
        Cleanup {
            orders: self.orders.clone(),
        }
    }
}

impl Cleanup {
    /// Removes all that was added, and returns when it is gone.
    pub async fn run(self) {
        let (done, finished) = oneshot::channel();
        if self.orders.send(Order::RemoveAll(done)).is_ok() {
            let _ = finished.await;
        }
    }
}

impl Kernel for LinuxKernel {
    fn add(&mut self, item: KernelItem) {
        let _ = self.orders.send(Order::Add(item, None));
    }

    fn remove(&mut self, item: &KernelItem) {
        let _ = self.orders.send(Order::Remove(item.clone()));
    }
}

pub(super) struct Worker {
    pub(super) handle: Handle,
    pub(super) added: Vec<KernelItem>,
    pub(super) losses: Losses,
}

impl Worker {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Order>, mut messages: Messages) {
        loop {
            let order = tokio::select! {
                order = inbox.recv() => order,
                message = heal::next(&mut messages) => {
                    self.note_loss(&message);
                    continue;
                }
                () = self.losses.due() => {
                    self.heal().await;
                    continue;
                }
            };
            let Some(order) = order else { return };
            match order {
                Order::Add(item, answer) => {
                    let result = self.add(item).await;
                    if let Some(answer) = answer {
                        let _ = answer.send(result);
                    }
                }
                Order::Remove(item) => self.remove(&item).await,
                Order::RemoveAll(done) => {
                    for item in self.added.clone().iter().rev() {
                        self.remove(item).await;
                    }
                    let _ = done.send(());
                }
            }
        }
    }

    async fn add(&mut self, item: KernelItem) -> io::Result<()> {
        if self.added.contains(&item) {
            return Ok(());
        }
        match self.put(&item).await {
            Ok(()) => {
                tracing::debug!("added {item}");
                self.added.push(item);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // Our TUN device is new: a route that is there leads elsewhere.
                match &item {
                    KernelItem::Route { .. } | KernelItem::RouteVia { .. } => {
                        tracing::warn!("not added, another route has its place: {item}");
                    }
                    KernelItem::Address { .. }
                    | KernelItem::Rule { .. }
                    | KernelItem::OwnSourceRule { .. } => {
                        tracing::debug!("{item} is there already");
                    }
                }
                Ok(())
            }
            Err(error) => {
                tracing::warn!("cannot add {item}: {error}");
                Err(error)
            }
        }
    }

    async fn remove(&mut self, item: &KernelItem) {
        let Some(position) = self.added.iter().position(|added| added == item) else {
            return;
        };
        self.added.remove(position);
        match self.take(item).await {
            Ok(()) => tracing::debug!("removed {item}"),
            // It went with its device or by another hand.
            Err(error) => tracing::debug!("removing {item}: {error}"),
        }
    }

    pub(super) async fn put(&self, item: &KernelItem) -> io::Result<()> {
        match item {
            KernelItem::Address {
                device,
                address,
                length,
            } => self.put_address(device, *address, *length).await,
            KernelItem::Route {
                destination,
                device,
                table,
            } => self.put_route(*destination, None, device, *table).await,
            KernelItem::RouteVia {
                destination,
                gateway,
                device,
                table,
            } => {
                self.put_route(*destination, Some(*gateway), device, *table)
                    .await
            }
            KernelItem::Rule {
                device,
                table,
                ipv4,
            } => self.put_rule(device, *table, *ipv4).await,
            KernelItem::OwnSourceRule { source, table } => {
                self.put_source_rules(*source, *table).await
            }
        }
    }

    async fn take(&self, item: &KernelItem) -> io::Result<()> {
        match item {
            KernelItem::Address {
                device, address, ..
            } => self.take_address(device, *address).await,
            KernelItem::Route {
                destination,
                device,
                table,
            } => self.take_route(*destination, None, device, *table).await,
            KernelItem::RouteVia {
                destination,
                gateway,
                device,
                table,
            } => {
                self.take_route(*destination, Some(*gateway), device, *table)
                    .await
            }
            KernelItem::Rule {
                device,
                table,
                ipv4,
            } => {
                let wanted = RuleKey::of_device(device).to(*table);
                self.take_rules(wanted, *ipv4).await
            }
            KernelItem::OwnSourceRule { source, .. } => {
                let wanted = RuleKey::of_source(*source);
                self.take_rules(wanted, source.is_ipv4()).await
            }
        }
    }

    async fn put_address(&self, device: &str, address: IpAddr, length: u8) -> io::Result<()> {
        let index = self.index(device).await?;
        // An address of ours that a crash left behind would stay for good.
        self.take_stale_addresses(index, address).await?;
        let mut request = self.handle.address().add(index, address, length);
        let ours = AddressAttribute::Protocol(AddressProtocol::Other(PROTOCOL));
        let message = request.message_mut();
        message.attributes.push(ours);
        if matches!(address, IpAddr::V6(address) if address.is_unicast_link_local()) {
            // Every gateway has the same, also another one on this link (RFC 6543 section 3).
            message.header.flags |= AddressHeaderFlags::Nodad;
        }
        request.execute().await.map_err(io_error)
    }

    async fn take_address(&self, device: &str, address: IpAddr) -> io::Result<()> {
        let index = self.index(device).await?;
        let query = self.handle.address().get().set_link_index_filter(index);
        let mut found = query.set_address_filter(address).execute();
        while let Some(message) = found.try_next().await.map_err(io_error)? {
            let request = self.handle.address().del(message);
            request.execute().await.map_err(io_error)?;
        }
        Ok(())
    }

    async fn take_stale_addresses(&self, index: u32, address: IpAddr) -> io::Result<()> {
        let query = self.handle.address().get().set_link_index_filter(index);
        let found: Vec<_> = query.execute().try_collect().await.map_err(io_error)?;
        let known = |candidate: IpAddr| {
            let added = self.added.iter();
            let mut addresses = added.filter_map(|item| match item {
                KernelItem::Address { address, .. } => Some(*address),
                KernelItem::Route { .. }
                | KernelItem::RouteVia { .. }
                | KernelItem::Rule { .. }
                | KernelItem::OwnSourceRule { .. } => None,
            });
            addresses.any(|added| added == candidate)
        };
        for message in found {
            let (mut ours, mut at) = (false, None);
            for attribute in &message.attributes {
                if let AddressAttribute::Protocol(AddressProtocol::Other(PROTOCOL)) = attribute {
                    ours = true;
                } else if let AddressAttribute::Address(address) = attribute {
                    at = Some(*address);
                }
            }
            let stale = at.is_some_and(|at| at.is_ipv4() == address.is_ipv4() && !known(at));
            if ours && stale {
                let request = self.handle.address().del(message);
                request.execute().await.map_err(io_error)?;
            }
        }
        Ok(())
    }

    async fn put_route(
        &self,
        destination: IpPrefix,
        gateway: Option<IpAddr>,
        device: &str,
        table: u32,
    ) -> io::Result<()> {
        let route = self.route(destination, gateway, device, table).await?;
        let request = self.handle.route().add(route);
        request.execute().await.map_err(io_error)
    }

    async fn take_route(
        &self,
        destination: IpPrefix,
        gateway: Option<IpAddr>,
        device: &str,
        table: u32,
    ) -> io::Result<()> {
        let route = self.route(destination, gateway, device, table).await?;
        let request = self.handle.route().del(route);
        request.execute().await.map_err(io_error)
    }

    async fn route(
        &self,
        destination: IpPrefix,
        gateway: Option<IpAddr>,
        device: &str,
        table: u32,
    ) -> io::Result<rtnetlink::packet_route::route::RouteMessage> {
        let mut route = RouteMessageBuilder::<IpAddr>::new()
            .destination_prefix(destination.address(), destination.length())
            .map_err(io::Error::other)?
            .output_interface(self.index(device).await?)
            .table_id(table)
            .protocol(RouteProtocol::Other(PROTOCOL));
        if let Some(gateway) = gateway {
            route = route.gateway(gateway).map_err(io::Error::other)?;
        }
        Ok(route.build())
    }

    async fn put_rule(&self, device: &str, table: u32, ipv4: bool) -> io::Result<()> {
        // One of ours that a crash left behind may point to another table.
        self.take_rules(RuleKey::of_device(device), ipv4).await?;
        let mut rule = RuleMessage::default();
        rule.attributes.push(RuleAttribute::Iifname(device.into()));
        self.add_rule(rule, RULE_PRIORITY, table, ipv4).await
    }

    /// Two rules: inside of the prefix the main table holds, as far as it knows more than a default
    /// route.
    async fn put_source_rules(&self, source: IpPrefix, table: u32) -> io::Result<()> {
        let ipv4 = source.is_ipv4();
        self.take_rules(RuleKey::of_source(source), ipv4).await?;
        let mut rule = RuleMessage::default();
        rule.header.src_len = source.length();
        rule.attributes = vec![
            RuleAttribute::Iifname(OURSELVES.into()),
            RuleAttribute::Source(source.address()),
        ];
        let mut inside = rule.clone();
        inside.header.dst_len = source.length();
        let destination = RuleAttribute::Destination(source.address());
        inside.attributes.push(destination);
        inside.attributes.push(RuleAttribute::SuppressPrefixLen(0));
        self.add_rule(inside, INSIDE_PRIORITY, MAIN_TABLE, ipv4)
            .await?;
        self.add_rule(rule, RULE_PRIORITY, table, ipv4).await
    }

    async fn add_rule(
        &self,
        rule: RuleMessage,
        priority: u32,
        table: u32,
        ipv4: bool,
    ) -> io::Result<()> {
        let request = self.handle.rule().add().table_id(table).priority(priority);
        let mut request = request.action(RuleAction::ToTable);
        let message = request.message_mut();
        message.header.src_len = rule.header.src_len;
        message.header.dst_len = rule.header.dst_len;
        let protocol = RuleAttribute::Protocol(RouteProtocol::Other(PROTOCOL));
        let attributes = rule.attributes.into_iter();
        message.attributes.extend(attributes.chain([protocol]));
        let result = if ipv4 {
            request.v4().execute().await
        } else {
            request.v6().execute().await
        };
        result.map_err(io_error)
    }

    async fn take_rules(&self, wanted: RuleKey<'_>, ipv4: bool) -> io::Result<()> {
        for rule in self.our_rules(wanted, ipv4).await? {
            let request = self.handle.rule().del(rule);
            request.execute().await.map_err(io_error)?;
        }
        Ok(())
    }

    /// Those of our rules that `wanted` describes.
    pub(super) async fn our_rules(
        &self,
        wanted: RuleKey<'_>,
        ipv4: bool,
    ) -> io::Result<Vec<RuleMessage>> {
        let version = if ipv4 { IpVersion::V4 } else { IpVersion::V6 };
        let rules = self.handle.rule().get(version).execute();
        let mut rules: Vec<RuleMessage> = rules.try_collect().await.map_err(io_error)?;
        rules.retain(|rule| wanted.is(rule));
        Ok(rules)
    }

    async fn index(&self, device: &str) -> io::Result<u32> {
        let query = self.handle.link().get().match_name(device.to_owned());
        match query.execute().try_next().await {
            Ok(Some(message)) => Ok(message.header.index),
            Ok(None) => Err(no_device(device)),
            Err(error) => {
                let error = io_error(error);
                let gone = error.raw_os_error() == Some(nix::libc::ENODEV);
                Err(if gone { no_device(device) } else { error })
            }
        }
    }
}

fn no_device(device: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::NotFound,
        format!("there is no interface {device}"),
    )
}

/// Which of our rules.
#[derive(Clone, Copy)]
pub(super) struct RuleKey<'a> {
    input: &'a str,
    source: Option<IpPrefix>,
    table: Option<u32>,
}

impl<'a> RuleKey<'a> {
    /// Those of what comes in by a device.
    pub(super) const fn of_device(input: &'a str) -> Self {
        Self {
            input,
            source: None,
            table: None,
        }
    }

    /// Those of what the host itself sends from a prefix.
    pub(super) const fn of_source(source: IpPrefix) -> Self {
        Self {
            input: OURSELVES,
            source: Some(source),
            table: None,
        }
    }

    /// Of these the ones that look up `table`.
    pub(super) const fn to(mut self, table: u32) -> Self {
        self.table = Some(table);
        self
    }

    fn is(&self, rule: &RuleMessage) -> bool {
        let (mut protocol, mut input, mut source) = (None, None, None);
        let mut looked_up = u32::from(rule.header.table);
        for attribute in &rule.attributes {
            if let RuleAttribute::Protocol(number) = attribute {
                protocol = Some(*number);
            } else if let RuleAttribute::Iifname(name) = attribute {
                input = Some(name.as_str());
            } else if let RuleAttribute::Table(number) = attribute {
                looked_up = *number;
            } else if let RuleAttribute::Source(address) = attribute {
                source = IpPrefix::new(*address, rule.header.src_len).ok();
            }
        }
        protocol == Some(RouteProtocol::Other(PROTOCOL))
            && input == Some(self.input)
            && source == self.source
            && self.table.is_none_or(|table| table == looked_up)
    }
}
