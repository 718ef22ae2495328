use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use smallvec::SmallVec;

use super::{
    AccessNetworkIdentifier, BindingIdentifier, ContextRequest, DelegatedMobileNetworkPrefix,
    FlowIdentification, FlowSummary, GreKey, HomeNetworkPrefix, Ipv4DhcpSupportMode,
    Ipv4HomeAddress, Ipv4HomeAddressReply, Ipv4HomeAddressRequest, Ipv4TrafficOffloadSelector,
    LinkLayerIdentifier, LmaControlledMagParameters, LoadInformation, MagIdentifier,
    MagMultipathBinding, MobileNodeGroupIdentifier, MobileNodeIdentifier,
    MobilityMessageAuthentication, MobilityOption, NatDetection, QualityOfService, RawOptions,
    ServiceSelection, TransientBinding, UnknownOption, VendorSpecific,
};
use crate::code::{AccessTechnologyType, HandoffIndicator};
use crate::error::{DecodeError, DecodeErrorKind, Layer};
use crate::message::{Leniency, MAX_MESSAGE_LEN, OPTION_STARTS};
use crate::types::{Lifetime, Timestamp};
use crate::writer::Writer;

/// Options that a list holds without an allocation: a multipath registration has about ten.
const INLINE: usize = 12;

/// Places that are made at once for options to be read into.
const PLACES: usize = 4;

/// Octets of options that fit however they are aligned: 2 octets, the least an option has, take 9
/// with the most padding, which leaves room for the longest fixed part and the final padding.
const SURELY_FITS: usize = 440;

/// The options of one message, in wire order and without padding.
///
/// A list always fits: whatever message it is put into, with all alignment, the Mobility Header
/// stays within its 2048 octets.
///
/// ```
/// use pmip_wire::{HandoffIndicator, MobileNodeIdentifier, MobilityOptions};
///
/// let mut options = MobilityOptions::new();
/// options.push(MobileNodeIdentifier::nai("node@example.net")?)?;
/// options.push(HandoffIndicator::AttachmentOverNewInterface)?;
/// assert_eq!(options.mn_identifier().unwrap().as_nai(), Some("node@example.net"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        into = "alloc::vec::Vec<MobilityOption>",
        try_from = "alloc::vec::Vec<MobilityOption>"
    )
)]
pub struct MobilityOptions {
    list: SmallVec<[MobilityOption; INLINE]>,
}

/// The option would push a Mobility Header past its 2048 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the option does not fit: a Mobility Header holds at most 2048 octets")]
pub struct OptionsFull;

impl MobilityOptions {
    /// No options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends `option`.
    ///
    /// # Errors
    /// [`OptionsFull`] where a Mobility Header would grow past 2048 octets; the list stays as it
    /// was.
    pub fn push(&mut self, option: impl Into<MobilityOption>) -> Result<(), OptionsFull> {
        self.list.push(option.into());
        if self.fits() {
            return Ok(());
        }
        self.list.pop();
        Err(OptionsFull)
    }

    /// The list with `option` behind it.
    ///
    /// # Errors
    /// As [`MobilityOptions::push`].
    pub fn with(mut self, option: impl Into<MobilityOption>) -> Result<Self, OptionsFull> {
        self.push(option)?;
        Ok(self)
    }

    /// The options in wire order.
    pub fn iter(&self) -> core::slice::Iter<'_, MobilityOption> {
        self.list.iter()
    }

    /// The options in wire order.
    pub fn as_slice(&self) -> &[MobilityOption] {
        &self.list
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Keeps the options for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&MobilityOption) -> bool) {
        self.list.retain(|option| keep(option));
    }

    /// Where the options end, counted from the start of the Mobility Header, when they start at
    /// `start`.
    pub(crate) fn end_from(&self, start: usize) -> usize {
        self.iter().fold(start, |position, option| {
            option.with_data(|option_type, head, tail| {
                let padding = option_type.alignment_around(tail).padding(position);
                let octets = [padding, 2, head.len(), tail.len()];
                octets.into_iter().fold(position, usize::saturating_add)
            })
        })
    }

    /// Appends the options that `raw` walks over, whose variable parts share `owner`'s memory.
    ///
    /// Places come first, some at a time, and options are built in them: to build an option
    /// elsewhere and move it costs more than to read it.
    pub(crate) fn decode(
        &mut self,
        mut raw: RawOptions<'_>,
        owner: &Bytes,
    ) -> Result<(), DecodeError> {
        let (size, offset) = (raw.remaining(), raw.offset());
        let mut used = self.list.len();
        while raw.skip_padding() {
            let filled = fill(self.add_places(), &mut raw, owner)?;
            used = used.saturating_add(filled);
        }
        self.list.truncate(used);
        self.check_len(size, offset)
    }

    /// Appends [`PLACES`] options that own nothing, for others to take their places.
    fn add_places(&mut self) -> &mut [MobilityOption] {
        let used = self.list.len();
        let places = core::iter::repeat_with(|| MobilityOption::RedirectCapability(()));
        self.list.extend(places.take(PLACES));
        self.list.get_mut(used..).unwrap_or_default()
    }

    /// [`MobilityOptions::decode`] where `judge` passes over an error or hands it back: an option
    /// that is cut off ends the list, one that does not fit its type is kept as it came.
    pub(crate) fn decode_lax(
        &mut self,
        raw: RawOptions<'_>,
        owner: &Bytes,
        mut judge: impl FnMut(Leniency, DecodeError) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let (size, offset) = (raw.remaining(), raw.offset());
        let own = |data| owner.slice_ref(data);
        for option in raw {
            let option = match option {
                Ok(option) => option,
                Err(error) => {
                    judge(Leniency::LAST_OPTION_CUT, error)?;
                    break;
                }
            };
            let pushed = MobilityOption::from_raw(option, own, |option| self.list.push(option));
            if let Err(error) = pushed {
                judge(Leniency::OPTION_MISFIT, error)?;
                let kept = UnknownOption::from_wire(option.option_type(), own(option.data()));
                self.list.push(MobilityOption::Unknown(kept));
            }
        }
        self.check_len(size, offset)
    }

    /// Whether the list fits, after it was read from `size` octets at `offset`.
    #[inline]
    fn check_len(&self, size: usize, offset: u32) -> Result<(), DecodeError> {
        if size > SURELY_FITS && !self.fits() {
            let layer = Layer::MobilityHeader;
            return Err(DecodeError::new(
                DecodeErrorKind::OptionsTooLong,
                layer,
                offset.try_into().unwrap_or(u16::MAX),
            ));
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        for option in self {
            option.write(writer);
        }
    }

    /// Whether every message has room for the list.
    fn fits(&self) -> bool {
        OPTION_STARTS
            .into_iter()
            .all(|start| self.end_from(start) <= MAX_MESSAGE_LEN)
    }
}

/// Puts options from `raw` into `places` and tells how many; fewer than there are places at the end.
fn fill(
    places: &mut [MobilityOption],
    raw: &mut RawOptions<'_>,
    owner: &Bytes,
) -> Result<usize, DecodeError> {
    for (filled, place) in places.iter_mut().enumerate() {
        // What stands in a place owns nothing, so that dropping it would be for nothing.
        let put = |option| core::mem::forget(core::mem::replace(place, option));
        match MobilityOption::next(raw, |data| owner.slice_ref(data), put) {
            Some(put) => put?,
            None => return Ok(filled),
        }
    }
    Ok(places.len())
}

/// Accessors to the first option of a kind, and to all of a kind.
macro_rules! accessors {
    (
        first { $( $(#[$first_meta:meta])* $first:ident: $first_variant:ident -> $first_type:ty; )+ }
        copied { $( $(#[$copied_meta:meta])* $copied:ident: $copied_variant:ident -> $copied_type:ty; )+ }
        all { $( $(#[$all_meta:meta])* $all:ident: $all_variant:ident -> $all_type:ty; )+ }
    ) => {
        /// What the options say, by kind.
        impl MobilityOptions {
            $(
                $(#[$first_meta])*
                pub fn $first(&self) -> Option<&$first_type> {
                    self.iter().find_map(|option| match option {
                        MobilityOption::$first_variant(value) => Some(value),
                        _ => None,
                    })
                }
            )+
            $(
                $(#[$copied_meta])*
                pub fn $copied(&self) -> Option<$copied_type> {
                    self.iter().find_map(|option| match option {
                        MobilityOption::$copied_variant(value) => Some(*value),
                        _ => None,
                    })
                }
            )+
            $(
                $(#[$all_meta])*
                pub fn $all(&self) -> impl Iterator<Item = &$all_type> + Clone {
                    self.iter().filter_map(|option| match option {
                        MobilityOption::$all_variant(value) => Some(value),
                        _ => None,
                    })
                }
            )+
        }
    };
}

accessors! {
    first {
        /// The first mobile node identifier.
        mn_identifier: MobileNodeIdentifier -> MobileNodeIdentifier;
        /// The first link-layer identifier.
        link_layer_identifier: LinkLayerIdentifier -> LinkLayerIdentifier;
        /// The first service selection.
        service_selection: ServiceSelection -> ServiceSelection;
        /// The first context request.
        context_request: ContextRequest -> ContextRequest;
        /// The first flow summary.
        flow_summary: FlowSummary -> FlowSummary;
        /// The first access network identifier.
        access_network_identifier: AccessNetworkIdentifier -> AccessNetworkIdentifier;
        /// The first traffic offload selector.
        ipv4_traffic_offload_selector: Ipv4TrafficOffloadSelector -> Ipv4TrafficOffloadSelector;
        /// The first parameters that the anchor sets.
        lma_controlled_mag_parameters: LmaControlledMagParameters -> LmaControlledMagParameters;
        /// The first gateway identifier.
        mag_identifier: MagIdentifier -> MagIdentifier;
    }
    copied {
        /// The first advice when to register again.
        binding_refresh_advice: BindingRefreshAdvice -> Lifetime;
        /// The first timestamp of replay protection, as NTP has it.
        replay_protection: ReplayProtection -> u64;
        /// The first handoff indicator.
        handoff_indicator: HandoffIndicator -> HandoffIndicator;
        /// The first access technology type.
        access_technology_type: AccessTechnologyType -> AccessTechnologyType;
        /// The first link-local address.
        link_local_address: LinkLocalAddress -> Ipv6Addr;
        /// The first timestamp.
        timestamp: Timestamp -> Timestamp;
        /// The first restart counter.
        restart_counter: RestartCounter -> u32;
        /// The first alternate care-of address.
        alternate_care_of_address: AlternateCareOfAddress -> Ipv6Addr;
        /// The first alternate IPv4 care-of address.
        alternate_ipv4_care_of_address: AlternateIpv4CareOfAddress -> Ipv4Addr;
        /// The first IPv4 care-of address.
        ipv4_care_of_address: Ipv4CareOfAddress -> Ipv4Addr;
        /// The first NAT detection.
        nat_detection: NatDetection -> NatDetection;
        /// The first IPv4 home address request.
        ipv4_home_address_request: Ipv4HomeAddressRequest -> Ipv4HomeAddressRequest;
        /// The first IPv4 home address reply.
        ipv4_home_address_reply: Ipv4HomeAddressReply -> Ipv4HomeAddressReply;
        /// The first IPv4 default router address.
        ipv4_default_router_address: Ipv4DefaultRouterAddress -> Ipv4Addr;
        /// The first DHCP support mode.
        ipv4_dhcp_support_mode: Ipv4DhcpSupportMode -> Ipv4DhcpSupportMode;
        /// The first IPv4 home address of a mobile node that signals itself.
        ipv4_home_address: Ipv4HomeAddress -> Ipv4HomeAddress;
        /// The first GRE key.
        gre_key: GreKey -> GreKey;
        /// The first local mobility anchor address.
        local_mobility_anchor_address: LocalMobilityAnchorAddress -> IpAddr;
        /// The first transient binding.
        transient_binding: TransientBinding -> TransientBinding;
        /// The first anchor to register with instead.
        redirect: Redirect -> IpAddr;
        /// The first load information.
        load_information: LoadInformation -> LoadInformation;
        /// The first gateway address for localized routing.
        mag_ipv6_address: MagIpv6Address -> Ipv6Addr;
        /// The first multipath binding.
        mag_multipath_binding: MagMultipathBinding -> MagMultipathBinding;
    }
    all {
        /// Every home network prefix.
        home_network_prefixes: HomeNetworkPrefix -> HomeNetworkPrefix;
        /// Every delegated mobile network prefix.
        delegated_mobile_network_prefixes: DelegatedMobileNetworkPrefix -> DelegatedMobileNetworkPrefix;
        /// Every IPv4 home address request; more than one is refused with status 173.
        ipv4_home_address_requests: Ipv4HomeAddressRequest -> Ipv4HomeAddressRequest;
        /// Every message authentication; one of each subtype is the rule.
        mobility_message_authentications: MobilityMessageAuthentication -> MobilityMessageAuthentication;
        /// Every binding identifier.
        binding_identifiers: BindingIdentifier -> BindingIdentifier;
        /// Every group of sessions; one of each subtype is the rule.
        mobile_node_group_identifiers: MobileNodeGroupIdentifier -> MobileNodeGroupIdentifier;
        /// Every address of the anchor for tunnelled packets: at most one of each family.
        lma_user_plane_addresses: LmaUserPlaneAddress -> Option<IpAddr>;
        /// Every flow identification.
        flow_identifications: FlowIdentification -> FlowIdentification;
        /// Every quality of service.
        qualities_of_service: QualityOfService -> QualityOfService;
        /// Every vendor-specific option.
        vendor_specific: VendorSpecific -> VendorSpecific;
    }
}

impl core::fmt::Debug for MobilityOptions {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<'a> IntoIterator for &'a MobilityOptions {
    type Item = &'a MobilityOption;
    type IntoIter = core::slice::Iter<'a, MobilityOption>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<MobilityOptions> for alloc::vec::Vec<MobilityOption> {
    fn from(options: MobilityOptions) -> Self {
        options.list.into_vec()
    }
}

impl TryFrom<alloc::vec::Vec<MobilityOption>> for MobilityOptions {
    type Error = OptionsFull;

    fn try_from(list: alloc::vec::Vec<MobilityOption>) -> Result<Self, OptionsFull> {
        let options = Self { list: list.into() };
        if options.fits() {
            Ok(options)
        } else {
            Err(OptionsFull)
        }
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for MobilityOptions {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut options = Self::new();
        for _ in 0..u.int_in_range(0..=16u8)? {
            if u.is_empty() {
                break;
            }
            let Ok(option) = u.arbitrary::<MobilityOption>() else {
                continue;
            };
            if options.push(option).is_err() {
                break;
            }
        }
        Ok(options)
    }
}
