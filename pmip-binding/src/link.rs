//! What a gateway tells of a roaming interface beyond RFC 8278, in vendor-specific options
//! (RFC 5094): the names of its label and of the interface, and the weights of both directions.

use pmip_wire::{InvalidVendorData, VendorDecoder, VendorOption, VendorRegistry, VendorSpecific};

use crate::config::DEFAULT_ENTERPRISE;

/// The longest name in octets.
const MOST: usize = 125;

/// What is known of one roaming interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) label: Option<String>,
    pub(crate) interface: Option<String>,
    pub(crate) weights: Option<Weights>,
}

/// Shares of new flows, 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weights {
    pub(crate) up: u8,
    pub(crate) down: u8,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct LabelName(String);

#[derive(Clone, Debug, PartialEq, Eq)]
struct InterfaceName(String);

/// One option.
enum Part {
    Label(String),
    Interface(String),
    Weights(Weights),
}

impl VendorOption for LabelName {
    const VENDOR_ID: u32 = DEFAULT_ENTERPRISE;
    const SUB_TYPE: u8 = 1;

    fn decode(data: &[u8]) -> Result<Self, InvalidVendorData> {
        name(data).map(Self)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

impl VendorOption for InterfaceName {
    const VENDOR_ID: u32 = DEFAULT_ENTERPRISE;
    const SUB_TYPE: u8 = 2;

    fn decode(data: &[u8]) -> Result<Self, InvalidVendorData> {
        name(data).map(Self)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

impl VendorOption for Weights {
    const VENDOR_ID: u32 = DEFAULT_ENTERPRISE;
    const SUB_TYPE: u8 = 3;

    fn decode(data: &[u8]) -> Result<Self, InvalidVendorData> {
        match *data {
            [up @ 1..=100, down @ 1..=100] => Ok(Self { up, down }),
            _ => Err(InvalidVendorData::new("weights are two of 1 to 100")),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.up, self.down]);
    }
}

impl From<LabelName> for Part {
    fn from(name: LabelName) -> Self {
        Self::Label(name.0)
    }
}

impl From<InterfaceName> for Part {
    fn from(name: InterfaceName) -> Self {
        Self::Interface(name.0)
    }
}

impl From<Weights> for Part {
    fn from(weights: Weights) -> Self {
        Self::Weights(weights)
    }
}

impl Link {
    /// Reads the options under an enterprise number. What is malformed is left out; of two of one
    /// kind the last counts.
    pub(crate) fn read(enterprise: u32, options: &[VendorSpecific]) -> Option<Self> {
        let decoders = [
            VendorDecoder::of::<LabelName>().with_vendor_id(enterprise),
            VendorDecoder::of::<InterfaceName>().with_vendor_id(enterprise),
            VendorDecoder::of::<Weights>().with_vendor_id(enterprise),
        ];
        let known = VendorRegistry::<Part>::new(&decoders);
        let mut link = Self::default();
        for part in options.iter().filter_map(|option| known.read(option)) {
            match part {
                Ok(Part::Label(name)) => link.label = Some(name),
                Ok(Part::Interface(name)) => link.interface = Some(name),
                Ok(Part::Weights(weights)) => link.weights = Some(weights),
                Err(_) => {}
            }
        }
        (link != Self::default()).then_some(link)
    }

    /// The options that say it under an enterprise number.
    pub(crate) fn write(&self, enterprise: u32) -> Vec<VendorSpecific> {
        let label = self
            .label
            .clone()
            .map(|name| of(enterprise, &LabelName(name)));
        let interface = self.interface.clone();
        let interface = interface.map(|name| of(enterprise, &InterfaceName(name)));
        let weights = self.weights.map(|weights| of(enterprise, &weights));
        [label, interface, weights]
            .into_iter()
            .flatten()
            .flatten()
            .collect()
    }
}

fn of<V: VendorOption>(enterprise: u32, value: &V) -> Option<VendorSpecific> {
    let mut data = Vec::new();
    value.encode(&mut data);
    VendorSpecific::new(enterprise, V::SUB_TYPE, data).ok()
}

/// A name is shown to people, so nothing in it may steer a terminal.
fn name(data: &[u8]) -> Result<String, InvalidVendorData> {
    let text = std::str::from_utf8(data);
    let text = text.map_err(|_| InvalidVendorData::new("a name is UTF-8"))?;
    if text.is_empty() || text.len() > MOST || text.chars().any(char::is_control) {
        return Err(InvalidVendorData::new(
            "a name has 1 to 125 octets without control characters",
        ));
    }
    Ok(text.to_owned())
}
