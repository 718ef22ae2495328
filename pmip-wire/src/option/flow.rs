//! Flow bindings (RFC 6089, RFC 7109) and traffic offload (RFC 6909).

use alloc::vec::Vec;
use core::net::IpAddr;
use core::num::NonZeroU16;

use bytes::Bytes;

use super::layout::octets_behind;
use super::sub::{RawSubOption, SubOptionError, SubOptions, sub_options};
use super::{Alignment, RawOption};
use crate::code::{
    FlowBindingAction, FlowIdentificationStatus, FlowSubOptionType, TrafficSelectorFormat,
};
use crate::error::{DecodeError, ExpectedLength};
use crate::traffic_selector::{TrafficSelector, widest_field};

/// Binds a flow to care-of addresses, or says what became of that.
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// |   Type = 45   |    Length     |              FID              |
/// +---------------+---------------+---------------+---------------+
/// |            FID-PRI            |   Reserved    |    Status     |
/// +-------------------------------+---------------+---------------+
/// |                        Sub-options ...                        |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6089 section 4.2. Alignment 2n, or what the widest field of its sub-options asks for. FID 0
/// and FID-PRI 0 are reserved: they are read, so that they can be answered with
/// [`FlowIdentificationStatus::Malformed`], but not built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "B: AsRef<[u8]>",
        deserialize = "B: serde::Deserialize<'de>"
    ))
)]
pub struct FlowIdentification<B = Bytes> {
    fid: u16,
    priority: u16,
    status: FlowIdentificationStatus,
    sub_options: SubOptions<FlowIdentificationSpace, B>,
}

/// Which IPv4 flows bypass the anchor.
///
/// ```text
///                                 +---------------+---------------+
///                                 |   Type = 53   |    Length     |
/// +-+-----------------------------+---------------+---------------+
/// |M|                          Reserved                           |
/// +-+-------------------------------------------------------------+
/// |                Traffic Selector sub-option ...                |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6909 section 3.1. Alignment 4n+2, as the figure has it, which aligns the flag word. The
/// sub-options are those of a Flow Identification (RFC 6089 section 4.2.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "B: AsRef<[u8]>",
        deserialize = "B: serde::Deserialize<'de>"
    ))
)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(
    feature = "arbitrary",
    arbitrary(bound = "B: From<alloc::vec::Vec<u8>>")
)]
pub struct Ipv4TrafficOffloadSelector<B = Bytes> {
    tunnel_matching: bool,
    sub_options: SubOptions<TrafficOffloadSpace, B>,
}

/// The bindings that a flow goes to.
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// | Sub-Opt Type 2| Sub-Opt Len   |            BID ...            |
/// +---------------+---------------+-------------------------------+
/// ```
/// RFC 6089 section 4.2.1.3. Alignment 2n.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BindingReference<B = Bytes> {
    octets: B,
}

sub_options! {
    /// One sub-option of a [`FlowIdentification`] (RFC 6089 section 4.2.1). Pad1 and PadN are none:
    /// they are added where alignment asks for them.
    FlowSubOption: FlowSubOptionType, single [BindingReference, TrafficSelector], padded true,
    align |sub_option, data| alignment(sub_option, data),
    {
        /// Type 2: which bindings (RFC 6089 section 4.2.1.3).
        BindingReference(BindingReference<B>): BindingReference::read, BindingReference::write;
        /// Type 3: which packets (RFC 6089 section 4.2.1.4): TS Format, a reserved octet and the
        /// selector.
        TrafficSelector(TrafficSelector<B>): read_selector, write_selector;
        /// Type 4: what to do (RFC 7109 section 6.2.1): a reserved octet and the action.
        FlowBindingAction(FlowBindingAction): read_action, write_action;
        /// Type 5: where to move it to (RFC 7109 section 6.2.2): two reserved octets and the
        /// address.
        TargetCareOfAddress(IpAddr): read_address, write_address;
    }

    /// The sub-options of [`FlowIdentification`].
    FlowIdentificationSpace: FlowIdentification from 8;
    /// The sub-options of [`Ipv4TrafficOffloadSelector`].
    TrafficOffloadSpace: Ipv4TrafficOffloadSelector from 6;
}

impl FlowIdentification {
    /// The flow `fid`, which outranks flows with a higher `priority`, without sub-options and with
    /// status 0.
    pub const fn new(fid: NonZeroU16, priority: NonZeroU16) -> Self {
        Self {
            fid: fid.get(),
            priority: priority.get(),
            status: FlowIdentificationStatus::Success,
            sub_options: SubOptions::new(),
        }
    }

    /// The same with this status, which only acknowledgements carry.
    #[must_use]
    pub fn with_status(mut self, status: FlowIdentificationStatus) -> Self {
        self.status = status;
        self
    }

    /// The same with `sub_option` behind the others.
    ///
    /// # Errors
    /// As [`SubOptions::push`].
    pub fn with(mut self, sub_option: FlowSubOption) -> Result<Self, SubOptionError> {
        self.sub_options.push(sub_option)?;
        Ok(self)
    }
}

impl<B> FlowIdentification<B> {
    /// Identifies the flow binding of the mobile node.
    pub const fn fid(&self) -> u16 {
        self.fid
    }

    /// FID-PRI: where flows overlap the one with the lowest number counts.
    pub const fn priority(&self) -> u16 {
        self.priority
    }

    /// What became of it; means nothing in a Binding Update.
    pub const fn status(&self) -> FlowIdentificationStatus {
        self.status
    }

    /// Its sub-options.
    pub const fn sub_options(&self) -> &SubOptions<FlowIdentificationSpace, B> {
        &self.sub_options
    }

    const fn head(&self) -> [u8; 6] {
        let [a, b] = self.fid.to_be_bytes();
        let [c, d] = self.priority.to_be_bytes();
        [a, b, c, d, 0, self.status.code()]
    }
}

impl<B: AsRef<[u8]>> FlowIdentification<B> {
    /// The first traffic selector.
    pub fn traffic_selector(&self) -> Option<TrafficSelector<&[u8]>> {
        first_selector(self.sub_options.iter())
    }

    /// The bindings of the first binding reference.
    pub fn binding_ids(&self) -> impl Iterator<Item = u16> + Clone {
        self.sub_options
            .iter()
            .find_map(|sub_option| match sub_option {
                FlowSubOption::BindingReference(reference) => Some(reference.octets),
                FlowSubOption::TrafficSelector(_)
                | FlowSubOption::FlowBindingAction(_)
                | FlowSubOption::TargetCareOfAddress(_)
                | FlowSubOption::Unknown(_) => None,
            })
            .map_or_else(|| numbers(&[]), numbers)
    }

    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let (&[a, b, c, d, _reserved, status], rest) = raw.at_least()?;
        Ok(Self {
            fid: u16::from_be_bytes([a, b]),
            priority: u16::from_be_bytes([c, d]),
            status: FlowIdentificationStatus::from_code(status),
            sub_options: SubOptions::from_raw(raw, rest, own)?,
        })
    }
}

impl Ipv4TrafficOffloadSelector {
    /// Offloads the flows that match, or where `tunnel_matching`, all but those. Without a traffic
    /// selector, as a gateway that asks for one sends it.
    pub const fn new(tunnel_matching: bool) -> Self {
        Self {
            tunnel_matching,
            sub_options: SubOptions::new(),
        }
    }

    /// The same with `selector`, which an acknowledgement must have (RFC 6909 section 3.1).
    ///
    /// # Errors
    /// As [`SubOptions::push`].
    pub fn with(mut self, selector: impl Into<TrafficSelector>) -> Result<Self, SubOptionError> {
        self.sub_options
            .push(FlowSubOption::TrafficSelector(selector.into()))?;
        Ok(self)
    }
}

impl<B> Ipv4TrafficOffloadSelector<B> {
    const TUNNEL_MATCHING: u8 = 0x80;

    /// M: the flows that match go to the anchor and the others are offloaded; else the reverse.
    pub const fn tunnel_matching(&self) -> bool {
        self.tunnel_matching
    }

    /// Its sub-options.
    pub const fn sub_options(&self) -> &SubOptions<TrafficOffloadSpace, B> {
        &self.sub_options
    }

    const fn head(&self) -> [u8; 4] {
        let flags = if self.tunnel_matching {
            Self::TUNNEL_MATCHING
        } else {
            0
        };
        [flags, 0, 0, 0]
    }
}

impl<B: AsRef<[u8]>> Ipv4TrafficOffloadSelector<B> {
    /// The first traffic selector.
    pub fn traffic_selector(&self) -> Option<TrafficSelector<&[u8]>> {
        first_selector(self.sub_options.iter())
    }

    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let ([flags, _, _, _], rest) = raw.at_least()?;
        Ok(Self {
            tunnel_matching: flags & Self::TUNNEL_MATCHING != 0,
            sub_options: SubOptions::from_raw(raw, rest, own)?,
        })
    }
}

octets_behind! {
    FlowIdentification { fid, priority, status, } sub_options;
    Ipv4TrafficOffloadSelector { tunnel_matching, } sub_options;
}

impl BindingReference {
    /// These bindings; an option takes it where there is at least one and it fits.
    pub fn new(binding_ids: impl IntoIterator<Item = u16>) -> Self {
        let octets: Vec<u8> = binding_ids.into_iter().flat_map(u16::to_be_bytes).collect();
        Self {
            octets: octets.into(),
        }
    }
}

impl<B: AsRef<[u8]>> BindingReference<B> {
    /// The bindings in wire order.
    pub fn binding_ids(&self) -> impl Iterator<Item = u16> + Clone {
        numbers(self.octets.as_ref())
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.octets.as_ref());
    }
}

impl<'a> BindingReference<&'a [u8]> {
    fn read(raw: RawSubOption<'a>) -> Result<Self, DecodeError> {
        let ([_, _], _) = raw.at_least()?;
        if !raw.data().len().is_multiple_of(2) {
            return Err(raw.bad_length(ExpectedLength::MultipleOf(2)));
        }
        Ok(Self { octets: raw.data() })
    }
}

fn numbers(octets: &[u8]) -> impl Iterator<Item = u16> + Clone {
    let (pairs, _) = octets.as_chunks::<2>();
    pairs.iter().copied().map(u16::from_be_bytes)
}

fn first_selector<'a>(
    mut sub_options: impl Iterator<Item = FlowSubOption<&'a [u8]>>,
) -> Option<TrafficSelector<&'a [u8]>> {
    sub_options.find_map(|sub_option| match sub_option {
        FlowSubOption::TrafficSelector(selector) => Some(selector),
        FlowSubOption::BindingReference(_)
        | FlowSubOption::FlowBindingAction(_)
        | FlowSubOption::TargetCareOfAddress(_)
        | FlowSubOption::Unknown(_) => None,
    })
}

/// RFC 6089 section 4.2.1: multi-octet values stand on their natural boundaries; RFC 6088 says for
/// selectors what that comes to.
fn alignment(sub_option: FlowSubOptionType, data: &[u8]) -> Alignment {
    match sub_option {
        FlowSubOptionType::BindingReference => Alignment::new(2, 0),
        FlowSubOptionType::TrafficSelector => {
            let (format, selector) = match data {
                [format, _, selector @ ..] => (*format, selector),
                _ => (0, &[][..]),
            };
            let format = TrafficSelectorFormat::from_code(format);
            Alignment::new(widest_field(format, selector), 0)
        }
        FlowSubOptionType::TargetCareOfAddress if data.len() == 18 => Alignment::new(8, 4),
        FlowSubOptionType::TargetCareOfAddress => Alignment::new(4, 0),
        FlowSubOptionType::Pad1
        | FlowSubOptionType::PadN
        | FlowSubOptionType::FlowBindingAction
        | FlowSubOptionType::Unknown(_) => Alignment::NONE,
    }
}

fn read_selector(raw: RawSubOption<'_>) -> Result<TrafficSelector<&[u8]>, DecodeError> {
    let ([format, _reserved], selector) = raw.at_least()?;
    TrafficSelector::decode(TrafficSelectorFormat::from_code(*format), selector)
        .map_err(|error| raw.inside(error, 2))
}

fn write_selector<B: AsRef<[u8]>>(selector: &TrafficSelector<B>, out: &mut Vec<u8>) {
    out.extend_from_slice(&[selector.format().code(), 0]);
    selector.encode(out);
}

fn read_action(raw: RawSubOption<'_>) -> Result<FlowBindingAction, DecodeError> {
    let [_reserved, action] = *raw.exactly()?;
    Ok(FlowBindingAction::from_code(action))
}

fn write_action(action: &FlowBindingAction, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0, action.code()]);
}

fn read_address(raw: RawSubOption<'_>) -> Result<IpAddr, DecodeError> {
    match raw.data() {
        &[_, _, a, b, c, d] => Ok([a, b, c, d].into()),
        [_, _, address @ ..] => <[u8; 16]>::try_from(address)
            .map(IpAddr::from)
            .map_err(|_| raw.bad_length(ExpectedLength::OneOf([6, 18, 18]))),
        _ => Err(raw.bad_length(ExpectedLength::OneOf([6, 18, 18]))),
    }
}

fn write_address(address: &IpAddr, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0, 0]);
    match address {
        IpAddr::V4(address) => out.extend_from_slice(&address.octets()),
        IpAddr::V6(address) => out.extend_from_slice(&address.octets()),
    }
}

#[cfg(feature = "serde")]
mod with_serde {
    use super::{BindingReference, Bytes};
    use alloc::vec::Vec;
    use serde::de::value::SeqDeserializer;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// A list of numbers.
    impl<B: AsRef<[u8]>> Serialize for BindingReference<B> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(self.binding_ids())
        }
    }

    impl<'de, B: Deserialize<'de>> Deserialize<'de> for BindingReference<B> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let octets: Bytes = BindingReference::new(Vec::deserialize(deserializer)?).octets;
            let octets = SeqDeserializer::<_, D::Error>::new(octets.into_iter());
            B::deserialize(octets).map(|octets| Self { octets })
        }
    }
}

#[cfg(feature = "arbitrary")]
mod with_arbitrary {
    use super::{BindingReference, FlowIdentification};
    use alloc::vec::Vec;
    use arbitrary::{Arbitrary, Result, Unstructured};
    use core::num::NonZeroU16;

    impl<'a, B: From<Vec<u8>>> Arbitrary<'a> for FlowIdentification<B> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            Ok(Self {
                fid: u.arbitrary::<NonZeroU16>()?.get(),
                priority: u.arbitrary::<NonZeroU16>()?.get(),
                status: u.arbitrary()?,
                sub_options: u.arbitrary()?,
            })
        }
    }

    impl<'a, B: From<Vec<u8>>> Arbitrary<'a> for BindingReference<B> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            let count = u.int_in_range(1..=4u8)?;
            let octets: Result<Vec<[u8; 2]>> = (0..count).map(|_| u.arbitrary()).collect();
            Ok(Self {
                octets: octets?.concat().into(),
            })
        }
    }
}
