//! A MAG's roaming interfaces: which are up, with which care-of address, and why others are not.

use std::net::IpAddr;
use std::time::Duration;

use pmip_binding::{InterfaceChange, InterfaceState, MagConfig};
use pmip_wire::types::Instant;

use crate::config::node::{NodeConfig, Uplink as UplinkConfig};
use crate::platform::network::{NetworkState, UplinkDown, UplinkQuery};
use crate::platform::ports::{Signalling, SocketKey};

/// How long until a socket that could not be opened is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// All roaming interfaces of a MAG.
#[derive(Debug)]
pub struct Uplinks {
    uplinks: Vec<Uplink>,
    anchors: Vec<IpAddr>,
    retry_at: Option<Instant>,
}

/// One roaming interface.
#[derive(Debug)]
pub struct Uplink {
    binding_id: u8,
    name: String,
    egress: String,
    wanted: Vec<IpAddr>,
    state: UplinkState,
}

/// How a roaming interface stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UplinkState {
    /// Usable, with this care-of address.
    Up(IpAddr),
    /// Not usable, in plain words why.
    Down(String),
}

impl Uplinks {
    /// The uplinks of a MAG, all down until [`Uplinks::check`].
    pub fn new(config: &NodeConfig, mag: &MagConfig) -> Self {
        let anchors = mag.lmas.iter();
        let anchors = anchors.filter_map(|lma| lma.address(mag.encapsulation_with(lma)));
        let uplinks = config.uplinks.iter().zip(1..=u8::MAX);
        Self {
            uplinks: uplinks
                .map(|(uplink, binding_id)| Uplink::new(config, uplink, binding_id))
                .collect(),
            anchors: anchors.collect(),
            retry_at: None,
        }
    }

    /// Compares with the kernel's state, opens and closes signalling sockets, and returns what
    /// the engine must be told.
    pub fn check(
        &mut self,
        now: Instant,
        network: &NetworkState,
        signalling: &mut dyn Signalling,
    ) -> Vec<InterfaceChange> {
        self.retry_at = None;
        let mut changes = Vec::new();
        for uplink in &mut self.uplinks {
            let change = match uplink.find(network, &self.anchors) {
                Ok(address) => uplink.set_up(address, signalling),
                Err(why) => Ok(uplink.set_down(why.to_string(), signalling)),
            };
            match change {
                Ok(change) => changes.extend(change),
                Err(change) => {
                    changes.extend(change);
                    self.retry_at = Some(now + RETRY);
                }
            }
        }
        changes
    }

    /// What the kernel has of each now.
    pub fn find<'a>(
        &'a self,
        network: &'a NetworkState,
    ) -> impl Iterator<Item = (&'a Uplink, Result<IpAddr, UplinkDown>)> {
        let uplinks = self.uplinks.iter();
        uplinks.map(|uplink| (uplink, uplink.find(network, &self.anchors)))
    }

    /// When to check again although nothing changed: a socket could not be opened.
    pub fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Whether that time has come.
    pub fn retry_due(&self, now: Instant) -> bool {
        self.retry_at.is_some_and(|at| at <= now)
    }

    /// The uplink with this Binding ID.
    pub fn get(&self, binding_id: u8) -> Option<&Uplink> {
        let index = usize::from(binding_id).checked_sub(1)?;
        self.uplinks.get(index)
    }

    /// All, in order of their Binding IDs.
    pub fn iter(&self) -> impl Iterator<Item = &Uplink> {
        self.uplinks.iter()
    }

    /// The signalling socket of an uplink, else that of the uplink with this address.
    pub fn socket(&self, binding_id: Option<u8>, local: IpAddr) -> Option<SocketKey> {
        let own = binding_id.and_then(|binding_id| self.get(binding_id)?.socket());
        own.or_else(|| {
            let mut sockets = self.uplinks.iter().filter_map(Uplink::socket);
            sockets.find(|key| key.local == local)
        })
    }
}

impl Uplink {
    fn new(config: &NodeConfig, uplink: &UplinkConfig, binding_id: u8) -> Self {
        let configured = config.addresses.iter();
        let own = configured.filter(|(device, _)| *device == uplink.name);
        Self {
            binding_id,
            name: kernel_device(&uplink.name).to_owned(),
            egress: uplink.egress.clone(),
            wanted: own.map(|(_, address)| address.address).collect(),
            state: UplinkState::Down("not checked yet".into()),
        }
    }

    /// Its Binding ID: its position among the roaming interfaces, from 1.
    pub fn binding_id(&self) -> u8 {
        self.binding_id
    }

    /// The device that has its address.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The device that its packets leave by.
    pub fn egress(&self) -> &str {
        &self.egress
    }

    /// How it stands.
    pub fn state(&self) -> &UplinkState {
        &self.state
    }

    fn find(&self, network: &NetworkState, anchors: &[IpAddr]) -> Result<IpAddr, UplinkDown> {
        network.uplink(UplinkQuery {
            name: &self.name,
            egress: &self.egress,
            wanted: &self.wanted,
            anchors,
        })
    }

    fn socket(&self) -> Option<SocketKey> {
        match &self.state {
            UplinkState::Up(local) => Some(SocketKey {
                device: Some(self.egress.clone()),
                local: *local,
            }),
            UplinkState::Down(_) => None,
        }
    }

    /// `Err` when its socket could not be opened: it then counts as down, and is tried again.
    fn set_up(
        &mut self,
        address: IpAddr,
        signalling: &mut dyn Signalling,
    ) -> Result<Option<InterfaceChange>, Option<InterfaceChange>> {
        let state = UplinkState::Up(address);
        if self.state == state {
            return Ok(None);
        }
        self.close(signalling);
        let key = SocketKey {
            device: Some(self.egress.clone()),
            local: address,
        };
        if let Err(error) = signalling.open(&key) {
            let why = format!("cannot open a signalling socket on {address}: {error}");
            return Err(self.set_down(why, signalling));
        }
        tracing::info!(target: "pmip::events", interface = self.name, "{} is up with {address}", self.name);
        self.state = state;
        Ok(Some(self.change(InterfaceState::Up(address))))
    }

    fn set_down(
        &mut self,
        why: String,
        signalling: &mut dyn Signalling,
    ) -> Option<InterfaceChange> {
        let was_up = matches!(self.state, UplinkState::Up(_));
        self.close(signalling);
        let state = UplinkState::Down(why);
        if self.state == state {
            return None;
        }
        if let UplinkState::Down(why) = &state {
            tracing::warn!(target: "pmip::events", interface = self.name, "{} cannot be used: {why}", self.name);
        }
        self.state = state;
        was_up.then(|| self.change(InterfaceState::Down))
    }

    fn close(&self, signalling: &mut dyn Signalling) {
        if let Some(key) = self.socket() {
            signalling.close(&key);
        }
    }

    fn change(&self, state: InterfaceState) -> InterfaceChange {
        InterfaceChange {
            binding_id: self.binding_id,
            state,
        }
    }
}

/// Loopbacks of the language are addresses of the one that Linux has.
pub fn kernel_device(name: &str) -> &str {
    if name.starts_with("Loopback") {
        "lo"
    } else {
        name
    }
}
