use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::ControlFlow;

use bytes::Bytes;
use smallvec::SmallVec;

use super::{
    AccessNetworkIdentifier, BindingIdentifier, ContextRequest, DelegatedMobileNetworkPrefix,
    FlowIdentification, FlowSummary, GreKey, HomeNetworkPrefix, Ipv4DhcpSupportMode,
    Ipv4HomeAddress, Ipv4HomeAddressReply, Ipv4HomeAddressRequest, Ipv4TrafficOffloadSelector,
    LinkLayerIdentifier, LmaControlledMagParameters, LoadInformation, MagIdentifier,
    MagMultipathBinding, MobileNodeGroupIdentifier, MobileNodeIdentifier,
    MobilityMessageAuthentication, MobilityOption, NatDetection, QualityOfService, RawOption,
    RawOptions, ServiceSelection, TransientBinding, UnknownOption, VendorSpecific, raw,
};
use crate::code::{AccessTechnologyType, HandoffIndicator, OptionType};
use crate::error::{DecodeError, DecodeErrorKind, Layer};
use crate::message::{Leniency, MAX_MESSAGE_LEN, OPTION_STARTS};
use crate::types::{Lifetime, Timestamp};
use crate::writer::Writer;

/// Octets of options that are built without an allocation, and what stands in front of them: most
/// registrations have fewer.
const INLINE: usize = 120;

/// Where the options of registrations, heartbeats and revocations start: what built ones are aligned
/// for.
const USUAL_START: usize = 12;

/// Octets in front of those that are built, so that the buffer is aligned as the message.
const LEAD: usize = USUAL_START % 8;

/// Octets of options that fit however they are aligned: 2 octets, the least an option has, take 9
/// with the most padding, which leaves room for the longest fixed part and the final padding.
const SURELY_FITS: usize = 440;

/// The options of one message, in wire order.
///
/// They are octets, checked when they came in: those of a decoded message share its memory, by one
/// reference for all of them, and each is typed as it is looked at, borrowing. What outlives the
/// message takes [`MobilityOption::to_bytes`].
///
/// A list always fits: whatever message it is put into, with all alignment, the Mobility Header
/// stays within its 2048 octets. A message with a shorter fixed part than the longest, which takes
/// 24 octets, could hold up to 14 octets more; lists that need them are refused.
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
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        into = "alloc::vec::Vec<MobilityOption>",
        try_from = "alloc::vec::Vec<MobilityOption>"
    )
)]
pub struct MobilityOptions {
    octets: Octets,
}

#[derive(Clone)]
enum Octets {
    /// As the sender wrote them: reserved fields and padding may be anything.
    Received(Bytes),
    /// As they are to be sent, aligned for [`USUAL_START`].
    Built(Built),
}

/// Options under construction.
#[derive(Clone)]
struct Built {
    /// [`LEAD`] octets, the options, and zeros to write over.
    buffer: SmallVec<[u8; INLINE]>,
    /// Where the options end.
    end: usize,
}

/// Iterates over the options of one message, without padding; their variable parts borrow.
#[derive(Clone, Copy, Debug)]
pub struct OptionsIter<'a> {
    rest: &'a [u8],
}

/// The option would push a Mobility Header past its 2048 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the option does not fit: a Mobility Header holds at most 2048 octets")]
pub struct OptionsFull;

impl MobilityOptions {
    /// No options.
    #[inline]
    pub fn new() -> Self {
        Self {
            octets: Octets::Built(Built::new()),
        }
    }

    /// Appends `option`.
    ///
    /// # Errors
    /// [`OptionsFull`] where a Mobility Header would grow past 2048 octets; the list stays as it
    /// was.
    pub fn push(&mut self, option: impl Into<MobilityOption>) -> Result<(), OptionsFull> {
        self.append(&option.into())
    }

    /// Appends an option that borrows, as [`MobilityOptions::iter`] yields it: how a receiver
    /// answers with what it was sent.
    ///
    /// # Errors
    /// As [`MobilityOptions::push`].
    #[inline]
    pub fn push_borrowed(&mut self, option: &MobilityOption<&[u8]>) -> Result<(), OptionsFull> {
        self.append(option)
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
    #[inline]
    pub fn iter(&self) -> OptionsIter<'_> {
        OptionsIter {
            rest: self.as_octets(),
        }
    }

    /// The options with their variable parts in memory of their own.
    pub fn to_vec(&self) -> alloc::vec::Vec<MobilityOption> {
        self.iter().map(|option| option.to_bytes()).collect()
    }

    /// How many. It counts them.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Keeps the options for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&MobilityOption<&[u8]>) -> bool) {
        let mut kept = Built::new();
        for option in self.iter().filter(|option| keep(option)) {
            kept.append(&option);
        }
        self.octets = Octets::Built(kept);
    }

    /// Where the options end, counted from the start of the Mobility Header, when they start at
    /// `start`.
    pub(crate) fn end_from(&self, start: usize) -> usize {
        match self.aligned_for(start) {
            Some(octets) => start.saturating_add(octets.len()),
            None => end_of(self.iter(), start),
        }
    }

    /// The octets of the options of `raw`, which share `owner`'s memory, for
    /// [`MobilityOptions::from_checked`]; no options need no reference to it.
    #[inline]
    pub(crate) fn check(raw: RawOptions<'_>, owner: &Bytes) -> Result<Bytes, DecodeError> {
        let mut any = false;
        raw.visit(|_| any = true)?;
        if !any {
            return Ok(Bytes::new());
        }
        check_len(raw.as_octets(), raw.offset())?;
        Ok(owner.slice_ref(raw.as_octets()))
    }

    /// [`MobilityOptions::check`] where `judge` passes over an error or hands it back: an option
    /// that is cut off ends the list, one that does not fit its type is kept as it came.
    pub(crate) fn check_lax(
        raw: RawOptions<'_>,
        owner: &Bytes,
        mut judge: impl FnMut(Leniency, DecodeError) -> Result<(), DecodeError>,
    ) -> Result<Bytes, DecodeError> {
        let mut whole = raw;
        let mut octets = raw.as_octets();
        loop {
            let front = whole.as_octets().len();
            let Some(option) = whole.next() else {
                break;
            };
            match option.map(RawOption::decode) {
                Ok(decoded) => {
                    if let Err(error) = decoded {
                        judge(Leniency::OPTION_MISFIT, error)?;
                    }
                }
                Err(error) => {
                    judge(Leniency::LAST_OPTION_CUT, error)?;
                    let whole = octets.len().saturating_sub(front);
                    octets = octets.get(..whole).unwrap_or_default();
                }
            }
        }
        check_len(octets, raw.offset())?;
        Ok(owner.slice_ref(octets))
    }

    /// The options in `octets`, which were checked.
    #[inline]
    pub(crate) const fn from_checked(octets: Bytes) -> Self {
        Self {
            octets: Octets::Received(octets),
        }
    }

    #[inline]
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        if let Some(octets) = self.aligned_for(writer.position()) {
            return writer.put(octets);
        }
        for option in self {
            option.write(writer);
        }
    }

    #[inline]
    fn as_octets(&self) -> &[u8] {
        match &self.octets {
            Octets::Received(octets) => octets,
            Octets::Built(built) => built.octets(),
        }
    }

    /// The octets to send where the options start at `start`, if these are they.
    #[inline]
    fn aligned_for(&self, start: usize) -> Option<&[u8]> {
        match &self.octets {
            Octets::Built(built) if start % 8 == LEAD => Some(built.octets()),
            Octets::Built(_) | Octets::Received(_) => None,
        }
    }

    #[inline]
    fn append<B: AsRef<[u8]>>(&mut self, option: &MobilityOption<B>) -> Result<(), OptionsFull> {
        if matches!(self.octets, Octets::Received(_)) {
            self.retain(|_| true);
        }
        let Octets::Built(built) = &mut self.octets else {
            return Err(OptionsFull);
        };
        let before = built.end;
        built.append(option);
        if built.end <= SURELY_FITS || self.fits() {
            return Ok(());
        }
        if let Octets::Built(built) = &mut self.octets {
            built.end = before;
        }
        Err(OptionsFull)
    }

    /// Whether every message has room for the list.
    fn fits(&self) -> bool {
        let fits = |start| self.end_from(start) <= MAX_MESSAGE_LEN;
        OPTION_STARTS.into_iter().all(fits)
    }
}

impl Built {
    #[inline]
    fn new() -> Self {
        let buffer = SmallVec::from_buf([0; INLINE]);
        Self { buffer, end: LEAD }
    }

    #[inline]
    fn octets(&self) -> &[u8] {
        self.buffer.get(LEAD..self.end).unwrap_or_default()
    }

    /// Appends `option` behind the padding it needs.
    #[inline]
    fn append<B: AsRef<[u8]>>(&mut self, option: &MobilityOption<B>) {
        let mut writer = Writer::resume(&mut self.buffer, self.end);
        option.write(&mut writer);
        let end = writer.position();
        if end > self.buffer.len() {
            return self.append_longer(option, end);
        }
        self.end = end;
    }

    /// The same once there is room up to `end`.
    #[cold]
    fn append_longer<B: AsRef<[u8]>>(&mut self, option: &MobilityOption<B>, end: usize) {
        while self.buffer.len() < end {
            self.buffer.extend_from_slice(&[0; INLINE]);
        }
        let mut writer = Writer::resume(&mut self.buffer, self.end);
        option.write(&mut writer);
        self.end = end;
    }
}

/// Where `options`, aligned, end when they start at `start`.
fn end_of(options: OptionsIter<'_>, start: usize) -> usize {
    options.fold(start, |position, option| {
        option.with_data(|option_type, head, tail| {
            let padding = option_type.alignment_around(tail).padding(position);
            let octets = [padding, 2, head.len(), tail.len()];
            octets.into_iter().fold(position, usize::saturating_add)
        })
    })
}

/// Whether the options in `octets`, which were read at `offset`, fit every message once they are
/// aligned.
#[inline]
fn check_len(octets: &[u8], offset: u32) -> Result<(), DecodeError> {
    let options = OptionsIter { rest: octets };
    let fits = |start| end_of(options, start) <= MAX_MESSAGE_LEN;
    if octets.len() <= SURELY_FITS || OPTION_STARTS.into_iter().all(fits) {
        return Ok(());
    }
    let (kind, layer) = (DecodeErrorKind::OptionsTooLong, Layer::MobilityHeader);
    Err(DecodeError::new(
        kind,
        layer,
        offset.try_into().unwrap_or(u16::MAX),
    ))
}

/// Accessors to the first option of a kind, and to all of a kind.
macro_rules! accessors {
    (
        first { $( $(#[$first_meta:meta])* $first:ident: $first_variant:ident -> $first_type:ty; )+ }
        all { $( $(#[$all_meta:meta])* $all:ident: $all_variant:ident -> $all_type:ty; )+ }
    ) => {
        /// What the options say, by kind.
        impl MobilityOptions {
            $(
                $(#[$first_meta])*
                pub fn $first(&self) -> Option<$first_type> {
                    self.of_type(OptionType::$first_variant).find_map(|option| match option {
                        MobilityOption::$first_variant(value) => Some(value),
                        _ => None,
                    })
                }
            )+
            $(
                $(#[$all_meta])*
                pub fn $all(&self) -> impl Iterator<Item = $all_type> + Clone {
                    self.of_type(OptionType::$all_variant).filter_map(|option| match option {
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
        mn_identifier: MobileNodeIdentifier -> MobileNodeIdentifier<&[u8]>;
        /// The first link-layer identifier.
        link_layer_identifier: LinkLayerIdentifier -> LinkLayerIdentifier<&[u8]>;
        /// The first service selection.
        service_selection: ServiceSelection -> ServiceSelection<&[u8]>;
        /// The first context request.
        context_request: ContextRequest -> ContextRequest<&[u8]>;
        /// The first flow summary.
        flow_summary: FlowSummary -> FlowSummary<&[u8]>;
        /// The first access network identifier.
        access_network_identifier: AccessNetworkIdentifier -> AccessNetworkIdentifier<&[u8]>;
        /// The first traffic offload selector.
        ipv4_traffic_offload_selector: Ipv4TrafficOffloadSelector -> Ipv4TrafficOffloadSelector<&[u8]>;
        /// The first parameters that the anchor sets.
        lma_controlled_mag_parameters: LmaControlledMagParameters -> LmaControlledMagParameters<&[u8]>;
        /// The first gateway identifier.
        mag_identifier: MagIdentifier -> MagIdentifier<&[u8]>;
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
        mobility_message_authentications: MobilityMessageAuthentication -> MobilityMessageAuthentication<&[u8]>;
        /// Every binding identifier.
        binding_identifiers: BindingIdentifier -> BindingIdentifier;
        /// Every group of sessions; one of each subtype is the rule.
        mobile_node_group_identifiers: MobileNodeGroupIdentifier -> MobileNodeGroupIdentifier;
        /// Every address of the anchor for tunnelled packets: at most one of each family.
        lma_user_plane_addresses: LmaUserPlaneAddress -> Option<IpAddr>;
        /// Every flow identification.
        flow_identifications: FlowIdentification -> FlowIdentification<&[u8]>;
        /// Every quality of service.
        qualities_of_service: QualityOfService -> QualityOfService<&[u8]>;
        /// Every vendor-specific option.
        vendor_specific: VendorSpecific -> VendorSpecific<&[u8]>;
    }
}

impl MobilityOptions {
    /// The options of one type.
    fn of_type(
        &self,
        option_type: OptionType,
    ) -> impl Iterator<Item = MobilityOption<&[u8]>> + Clone {
        RawOptions::new(self.as_octets(), 0)
            .filter_map(Result::ok)
            .filter(move |raw| raw.option_type() == option_type)
            .filter_map(|raw| raw.decode().ok().flatten())
    }
}

impl Default for MobilityOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// What the options say counts, not how they are padded.
impl PartialEq for MobilityOptions {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other)
    }
}

impl Eq for MobilityOptions {}

impl core::hash::Hash for MobilityOptions {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.iter().for_each(|option| option.hash(state));
    }
}

impl core::fmt::Debug for MobilityOptions {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Octets of their own read as text where they are.
        f.debug_list().entries(self.to_vec()).finish()
    }
}

impl<'a> Iterator for OptionsIter<'a> {
    type Item = MobilityOption<&'a [u8]>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let mut next = None;
        let fits = MobilityOption::walk(
            &mut self.rest,
            |data| data,
            |option| {
                next = Some(option);
                ControlFlow::Break(())
            },
        );
        if fits { next } else { self.next_misfit() }
    }

    /// In one walk, so that an option goes from it to `f` and nowhere in between.
    #[inline]
    fn for_each<F: FnMut(Self::Item)>(mut self, mut f: F) {
        loop {
            let fits = MobilityOption::walk(
                &mut self.rest,
                |data| data,
                |option| {
                    f(option);
                    ControlFlow::Continue(())
                },
            );
            if fits {
                return;
            }
            match self.next_misfit() {
                Some(misfit) => f(misfit),
                None => return,
            }
        }
    }
}

impl<'a> OptionsIter<'a> {
    /// The next option, which lax decoding kept although it does not fit its type.
    #[cold]
    fn next_misfit(&mut self) -> Option<MobilityOption<&'a [u8]>> {
        let raw = RawOptions::new(self.rest, 0).next()?.ok()?;
        self.rest = raw::split(self.rest)?.1;
        let kept = UnknownOption::from_wire(raw.option_type(), raw.data());
        Some(MobilityOption::Unknown(kept))
    }
}

impl core::iter::FusedIterator for OptionsIter<'_> {}

impl<'a> IntoIterator for &'a MobilityOptions {
    type Item = MobilityOption<&'a [u8]>;
    type IntoIter = OptionsIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<MobilityOptions> for alloc::vec::Vec<MobilityOption> {
    fn from(options: MobilityOptions) -> Self {
        options.to_vec()
    }
}

impl TryFrom<alloc::vec::Vec<MobilityOption>> for MobilityOptions {
    type Error = OptionsFull;

    fn try_from(list: alloc::vec::Vec<MobilityOption>) -> Result<Self, OptionsFull> {
        list.into_iter().try_fold(Self::new(), Self::with)
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
