//! Twins of the platform's traits in memory: tests drive the whole loop without any rights.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use bytes::Bytes;
use pmip_policy::FlowKey;
use pmip_tunnel::ForwardingTable;
use pmip_wire::types::{Encapsulation, PathId};

use super::dataplane::{DataPlaneStats, FlowAnswer, FlowRow};
use super::ports::{
    AccessLinks, Kernel, KernelItem, Ports, Servers, Signalling, SocketKey, Tunnels,
};

/// One thing that a node did, in order.
#[derive(Clone, Debug)]
pub enum Action {
    /// It sent a signalling datagram.
    Sent {
        /// From which socket.
        from: SocketKey,
        /// Where to.
        destination: SocketAddr,
        /// The Mobility Header.
        payload: Bytes,
    },
    /// It published a forwarding table of this generation.
    Published(u32),
    /// It opened a path's data socket.
    PathSocket(PathId, Option<String>, IpAddr),
    /// It closed a path's data socket.
    PathSocketClosed(PathId),
    /// It sent an inner packet through a path.
    Local(PathId, Bytes),
    /// It sent a probe of a path's MTU.
    Probe(PathId, Bytes),
    /// It sent a frame on an access interface.
    Frame(String, Vec<u8>),
    /// It spread packets or flows, and mirrored flows or not, from then on.
    FlowRules {
        /// Packets.
        per_packet: bool,
        /// Mirrored.
        mirror: bool,
    },
    /// It put something into the kernel.
    Added(KernelItem),
    /// It took something out of the kernel.
    Removed(KernelItem),
}

/// What a node did and has: shared between its ports and the test.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    inner: Rc<RefCell<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    actions: Vec<Action>,
    sockets: BTreeSet<SocketKey>,
    kernel: BTreeSet<KernelItem>,
    path_sockets: BTreeMap<PathId, IpAddr>,
    listens: BTreeSet<Encapsulation>,
    access: BTreeSet<String>,
    table: Option<ForwardingTable>,
    stats: DataPlaneStats,
    flows: Vec<FlowRow>,
}

impl Memory {
    /// Ports that act on this memory.
    pub fn ports(&self) -> Ports {
        Ports {
            signalling: Box::new(self.clone()),
            tunnels: Box::new(self.clone()),
            kernel: Box::new(self.clone()),
            access: Box::new(self.clone()),
        }
    }

    /// Takes what was done since the last call.
    pub fn take_actions(&self) -> Vec<Action> {
        std::mem::take(&mut self.inner.borrow_mut().actions)
    }

    /// What is in the kernel now.
    pub fn kernel(&self) -> Vec<KernelItem> {
        self.inner.borrow().kernel.iter().cloned().collect()
    }

    /// The signalling sockets that are open.
    pub fn sockets(&self) -> Vec<SocketKey> {
        self.inner.borrow().sockets.iter().cloned().collect()
    }

    /// The paths that have a data socket, with its local address.
    pub fn path_sockets(&self) -> BTreeMap<PathId, IpAddr> {
        self.inner.borrow().path_sockets.clone()
    }

    /// The encapsulations that it listens for.
    pub fn listens(&self) -> Vec<Encapsulation> {
        self.inner.borrow().listens.iter().copied().collect()
    }

    /// The published forwarding table.
    pub fn table(&self) -> Option<ForwardingTable> {
        self.inner.borrow().table.clone()
    }

    /// Says what the data plane has counted from now on.
    pub fn set_stats(&self, stats: DataPlaneStats) {
        self.inner.borrow_mut().stats = stats;
    }

    /// Says which flows the data plane remembers from now on.
    pub fn set_flows(&self, flows: Vec<FlowRow>) {
        self.inner.borrow_mut().flows = flows;
    }

    fn act(&self, action: Action) {
        self.inner.borrow_mut().actions.push(action);
    }
}

impl Signalling for Memory {
    fn open(&mut self, key: &SocketKey) -> io::Result<()> {
        self.inner.borrow_mut().sockets.insert(key.clone());
        Ok(())
    }

    fn close(&mut self, key: &SocketKey) {
        self.inner.borrow_mut().sockets.remove(key);
    }

    fn send(
        &mut self,
        key: &SocketKey,
        destination: SocketAddr,
        payload: &Bytes,
    ) -> io::Result<()> {
        if !self.inner.borrow().sockets.contains(key) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        self.act(Action::Sent {
            from: key.clone(),
            destination,
            payload: payload.clone(),
        });
        Ok(())
    }
}

impl Tunnels for Memory {
    fn publish(&mut self, table: &ForwardingTable) {
        self.act(Action::Published(table.generation()));
        self.inner.borrow_mut().table = Some(table.clone());
    }

    fn set_path_socket(
        &mut self,
        path: PathId,
        device: Option<&str>,
        local: IpAddr,
    ) -> io::Result<()> {
        self.act(Action::PathSocket(path, device.map(str::to_owned), local));
        self.inner.borrow_mut().path_sockets.insert(path, local);
        Ok(())
    }

    fn remove_path_socket(&mut self, path: PathId) {
        self.act(Action::PathSocketClosed(path));
        self.inner.borrow_mut().path_sockets.remove(&path);
    }

    fn listen(&mut self, encapsulation: Encapsulation) -> io::Result<()> {
        self.inner.borrow_mut().listens.insert(encapsulation);
        Ok(())
    }

    fn send_local(&mut self, path: PathId, _outer: Option<SocketAddr>, packet: Bytes) {
        self.act(Action::Local(path, packet));
    }

    fn send_probe(&mut self, path: PathId, packet: Bytes) {
        self.act(Action::Probe(path, packet));
    }

    fn set_flow_rules(&mut self, per_packet: bool, mirror: bool) {
        self.act(Action::FlowRules { per_packet, mirror });
    }

    fn stats(&self) -> DataPlaneStats {
        self.inner.borrow().stats.clone()
    }

    fn sent(&self) -> Vec<(PathId, u64)> {
        let stats = &self.inner.borrow().stats;
        let paths = stats.paths.iter();
        paths
            .map(|(path, stats)| (*path, stats.tx_packets))
            .collect()
    }

    fn flows(&self, limit: usize) -> Vec<FlowRow> {
        let inner = self.inner.borrow();
        inner.flows.iter().take(limit).cloned().collect()
    }

    fn explain(&self, key: FlowKey, _scope: u32) -> Option<FlowAnswer> {
        let inner = self.inner.borrow();
        let mut flows = inner.flows.iter();
        let known = flows.find(|flow| {
            let ends = (flow.source, flow.destination, flow.protocol);
            let ports = (flow.source_port, flow.destination_port);
            let wanted = (key.source_port(), key.destination_port());
            ends == (key.source(), key.destination(), key.protocol()) && ports == wanted
        });
        Some(FlowAnswer {
            hash: 0,
            known: known.cloned(),
        })
    }
}

impl Kernel for Memory {
    fn add(&mut self, item: KernelItem) {
        self.act(Action::Added(item.clone()));
        self.inner.borrow_mut().kernel.insert(item);
    }

    fn remove(&mut self, item: &KernelItem) {
        self.act(Action::Removed(item.clone()));
        self.inner.borrow_mut().kernel.remove(item);
    }
}

impl AccessLinks for Memory {
    fn open(&mut self, device: &str, _servers: Servers) -> io::Result<()> {
        self.inner.borrow_mut().access.insert(device.to_owned());
        Ok(())
    }

    fn close(&mut self, device: &str) {
        self.inner.borrow_mut().access.remove(device);
    }

    fn send(&mut self, device: &str, frame: &[u8]) -> io::Result<()> {
        if !self.inner.borrow().access.contains(device) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        self.act(Action::Frame(device.to_owned(), frame.to_vec()));
        Ok(())
    }
}
