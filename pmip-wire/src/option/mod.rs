//! Mobility options (RFC 6275 section 6.2).

mod access_network;
mod alignment;
mod anchor;
mod authorization;
mod binding;
mod distributed;
mod flow;
mod handover;
mod identifier;
mod invalid;
mod ipv4;
mod layout;
mod lcmp;
mod list;
mod multicast;
mod multipath;
mod opaque;
mod prefix;
mod qos;
mod raw;
mod sub;
mod unknown;
mod vendor;

pub use access_network::{
    AccessNetworkIdentifier, AccessNetworkSpace, AniSubOption, CivicLocation, GeoLocation,
    NetworkIdentifier, OperatorIdentifier,
};
pub use alignment::Alignment;
pub use anchor::{DnsUpdate, GreKey, LoadInformation, MobileNodeGroupIdentifier, ServiceSelection};
pub use authorization::{BindingAuthorizationDataForFmip, MobilityMessageAuthentication};
pub use binding::{BindingIdentifier, FlowSummary, NonceIndices, TransientBinding};
pub use distributed::{DlifLinkLayerAddress, PreviousMaar};
pub use flow::{
    BindingReference, FlowIdentification, FlowIdentificationSpace, FlowSubOption,
    Ipv4TrafficOffloadSelector, TrafficOffloadSpace,
};
pub use handover::{
    ContextRequest, MobilityHeaderIpv6AddressPrefix, MobilityHeaderLinkLayerAddress,
};
pub use identifier::{LinkLayerIdentifier, MagIdentifier, MobileNodeIdentifier};
pub use invalid::InvalidOption;
use invalid::bounded;
pub use ipv4::{
    Ipv4AddressAcknowledgement, Ipv4DhcpSupportMode, Ipv4HomeAddress, Ipv4HomeAddressReply,
    Ipv4HomeAddressRequest, NatDetection,
};
pub use lcmp::{
    BindingReregistrationControl, HeartbeatControl, LcmpSpace, LcmpSubOption,
    LmaControlledMagParameters,
};
pub use list::{MobilityOptions, OptionsFull, OptionsIter};
pub use multicast::{
    ActiveMulticastSubscription, DynamicIpMulticastSelector, MulticastAcknowledgement,
    MulticastMobility,
};
pub use multipath::MagMultipathBinding;
pub use opaque::OpaqueOctets;
pub use prefix::{DelegatedMobileNetworkPrefix, HomeNetworkPrefix, Ipv6Prefix};
pub use qos::{
    AllocationRetentionPriority, QosAttribute, QosSpace, QosVendorSpecific, QualityOfService,
    SessionBitRate,
};
pub(crate) use raw::length_octet;
pub use raw::{RawOption, RawOptions, TypedOptions};
#[cfg(feature = "arbitrary")]
pub(crate) use sub::draw_octets;
pub use sub::{RawSubOption, SubOptionError, SubOptionSpace, SubOptions, UnknownSubOption};
pub use unknown::UnknownOption;
pub use vendor::{InvalidVendorData, VendorDecoder, VendorOption, VendorRegistry, VendorSpecific};

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::ControlFlow;

use bytes::Bytes;

use crate::code::{AccessTechnologyType, HandoffIndicator, OptionType};
use crate::error::DecodeError;
use crate::types::{Lifetime, Timestamp};
use crate::writer::Writer;
use anchor::{AddressWithLength, RedirectTarget, ReservedAndOptionalAddress};
use handover::LmaAddress;
use layout::{
    Empty, Ipv4Address, Ipv6Address, Layout, LifetimeUnits, LongNumber, Number, Reserved,
    ReservedAndAccessTechnology, ReservedAndHandoffIndicator, ReservedAndInterfaceIdentifier,
    ReservedAndIpv4Address, TimestampBits, Token,
};

/// Declares [`MobilityOption`] from one table: a variant is its documentation, its value, and behind
/// `as` the layout of the value where it has none of its own.
macro_rules! mobility_options {
    ($(
        $(#[$doc:meta])+
        $variant:ident($value:ty $(as $layout:ty)?);
    )+) => {
        /// One mobility option. Padding is none: the encoder adds what alignment asks for.
        ///
        /// `B` holds the variable parts: [`Bytes`] in messages, `&[u8]` where
        /// [`RawOption::decode`] borrows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(
            feature = "serde",
            serde(bound(
                serialize = "B: serde::Serialize + AsRef<[u8]>",
                deserialize = "B: serde::Deserialize<'de> + AsRef<[u8]>"
            ))
        )]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        #[cfg_attr(
            feature = "arbitrary",
            arbitrary(bound = "B: From<alloc::vec::Vec<u8>> + AsRef<[u8]>")
        )]
        #[non_exhaustive]
        pub enum MobilityOption<B = Bytes> {
            $( $(#[$doc])+ $variant($value), )+
            /// A type without a variant here, kept as it came.
            Unknown(UnknownOption<B>),
        }

        impl<B: AsRef<[u8]>> MobilityOption<B> {
            /// Types `raw` and hands it to `emit`, which takes it without a move; `None` for
            /// padding.
            #[inline]
            fn from_raw<'a, R>(
                raw: RawOption<'a>,
                own: impl FnOnce(&'a [u8]) -> B,
                emit: impl FnOnce(Self) -> R,
            ) -> Result<Option<R>, DecodeError> {
                Ok(Some(match raw.option_type() {
                    OptionType::Pad1 | OptionType::PadN => return Ok(None),
                    $(
                        OptionType::$variant => emit(Self::$variant(
                            <layout_of!($value $(as $layout)?) as Layout<B>>::decode(raw, own)?,
                        )),
                    )+
                    other => emit(Self::Unknown(UnknownOption::from_wire(
                        other,
                        own(raw.data()),
                    ))),
                }))
            }

            /// Types the options that `octets` holds and hands each to `emit`, without padding,
            /// until that says to stop. `octets` is left at what follows; `false` where that is an
            /// option that does not fit: to carry errors along would slow what is right.
            #[inline(always)]
            fn walk<'a>(
                octets: &mut &'a [u8],
                own: impl Fn(&'a [u8]) -> B,
                mut emit: impl FnMut(Self) -> ControlFlow<()>,
            ) -> bool {
                let mut rest = *octets;
                let fits = loop {
                    let Some(code) = rest.first() else {
                        break true;
                    };
                    match *code {
                        codes::PAD1 => {
                            rest = rest.get(1..).unwrap_or_default();
                        }
                        codes::PADN => {
                            let Some((_, behind)) = raw::split(rest) else {
                                break false;
                            };
                            rest = behind;
                        }
                        $(
                            codes::$variant => {
                                let taken = layout::take::<B, layout_of!($value $(as $layout)?)>(
                                    rest, &own,
                                );
                                let Some((value, behind)) = taken else {
                                    break false;
                                };
                                rest = behind;
                                if emit(Self::$variant(value)).is_break() {
                                    break true;
                                }
                            }
                        )+
                        code => {
                            let Some((data, behind)) = raw::split(rest) else {
                                break false;
                            };
                            rest = behind;
                            let option_type = OptionType::from_code(code);
                            let option = UnknownOption::from_wire(option_type, own(data));
                            if emit(Self::Unknown(option)).is_break() {
                                break true;
                            }
                        }
                    }
                };
                *octets = rest;
                fits
            }

            /// The same option with its variable parts in memory of its own.
            pub fn to_bytes(&self) -> MobilityOption {
                match self {
                    $(
                        Self::$variant(value) => MobilityOption::$variant(
                            <layout_of!($value $(as $layout)?) as Layout<B>>::to_bytes(value),
                        ),
                    )+
                    Self::Unknown(option) => MobilityOption::Unknown(option.to_bytes()),
                }
            }

            /// Hands its type and its data, in two pieces, to `f`: the one place that knows
            /// layouts, for the encoder as for lengths.
            #[inline]
            pub(crate) fn with_data<R>(&self, f: impl FnOnce(OptionType, &[u8], &[u8]) -> R) -> R {
                match self {
                    $(
                        Self::$variant(value) => {
                            <layout_of!($value $(as $layout)?) as Layout<B>>::with_data(
                                value,
                                |head, tail| f(OptionType::$variant, head, tail),
                            )
                        }
                    )+
                    Self::Unknown(option) => f(option.option_type(), &[], option.tail()),
                }
            }

            /// Writes the option behind the padding it needs. One arm a type: the compiler then
            /// knows alignment and lengths, and copies without calls.
            #[inline]
            pub(crate) fn write(&self, writer: &mut Writer<'_>) {
                match self {
                    $(
                        Self::$variant(value) => {
                            <layout_of!($value $(as $layout)?) as Layout<B>>::with_data(
                                value,
                                |head, tail| writer.option(OptionType::$variant, head, tail),
                            )
                        }
                    )+
                    Self::Unknown(option) => {
                        writer.option(option.option_type(), &[], option.tail());
                    }
                }
            }
        }

        /// The numbers of the table as patterns.
        #[allow(non_upper_case_globals, reason = "named as the types")]
        mod codes {
            use crate::code::OptionType;

            pub(super) const PAD1: u8 = OptionType::Pad1.code();
            pub(super) const PADN: u8 = OptionType::PadN.code();
            $( pub(super) const $variant: u8 = OptionType::$variant.code(); )+
        }
    };
}

/// The layout of a row in [`mobility_options`].
macro_rules! layout_of {
    ($value:ty) => {
        $value
    };
    ($value:ty as $layout:ty) => {
        $layout
    };
}

mobility_options! {
    /// Type 2: when to register again (RFC 6275 section 6.2.4).
    BindingRefreshAdvice(Lifetime as LifetimeUnits);
    /// Type 3: the care-of address to bind, where it is not the source (RFC 6275 section 6.2.5).
    AlternateCareOfAddress(Ipv6Addr as Ipv6Address);
    /// Type 4: which nonces authorize the update (RFC 6275 section 6.2.6).
    NonceIndices(NonceIndices);
    /// Type 5: authorizes the message; the last option (RFC 6275 section 6.2.7).
    BindingAuthorizationData(OpaqueOctets<B>);
    /// Type 6: a prefix of the network behind a mobile router (RFC 3963 section 4.3).
    MobileNetworkPrefix(Ipv6Prefix);
    /// Type 7: a link-layer address (RFC 5568 section 6.4.4).
    MobilityHeaderLinkLayerAddress(MobilityHeaderLinkLayerAddress<B>);
    /// Type 8: who the mobile node is (RFC 4283 section 3).
    MobileNodeIdentifier(MobileNodeIdentifier<B>);
    /// Type 9: authenticates the message; the last option (RFC 4285 section 5).
    MobilityMessageAuthentication(MobilityMessageAuthentication<B>);
    /// Type 10: when the message was sent, as NTP has it: seconds since 1900 in the upper 32 bits,
    /// their fraction in the lower (RFC 4285 section 6).
    ReplayProtection(u64 as LongNumber);
    /// Type 11: asks for CGA parameters (RFC 4866 section 5.6).
    CgaParametersRequest(() as Empty);
    /// Type 12: up to 255 octets of CGA parameters; several make the whole (RFC 4866 section 5.1).
    CgaParameters(OpaqueOctets<B>);
    /// Type 13: a signature over the CGA parameters in front of it (RFC 4866 section 5.2).
    Signature(OpaqueOctets<B>);
    /// Type 14: an encrypted home keygen token (RFC 4866 section 5.3).
    PermanentHomeKeygenToken(OpaqueOctets<B>);
    /// Type 15: asks for a care-of keygen token (RFC 4866 section 5.4).
    CareOfTestInit(() as Empty);
    /// Type 16: a care-of keygen token (RFC 4866 section 5.5).
    CareOfTest([u8; 8] as Token);
    /// Type 17: asks for an update of the name server, or answers (RFC 5026 section 8.1).
    DnsUpdate(DnsUpdate<B>);
    /// Type 18: an experiment (RFC 5096 section 4).
    Experimental(OpaqueOctets<B>);
    /// Type 19: what a vendor adds (RFC 5094 section 3).
    VendorSpecific(VendorSpecific<B>);
    /// Type 20: which service the mobile node is to have (RFC 5149 section 3).
    ServiceSelection(ServiceSelection<B>);
    /// Type 21: authorizes a fast handover message; the last option (RFC 5568 section 6.4.5).
    BindingAuthorizationDataForFmip(BindingAuthorizationDataForFmip<B>);
    /// Type 22: a home network prefix (RFC 5213 section 8.3).
    HomeNetworkPrefix(HomeNetworkPrefix);
    /// Type 23: how the mobile node came to this interface (RFC 5213 section 8.4).
    HandoffIndicator(HandoffIndicator as ReservedAndHandoffIndicator);
    /// Type 24: the mobile node's access technology (RFC 5213 section 8.5).
    AccessTechnologyType(AccessTechnologyType as ReservedAndAccessTechnology);
    /// Type 25: the mobile node's link-layer address (RFC 5213 section 8.6).
    LinkLayerIdentifier(LinkLayerIdentifier<B>);
    /// Type 26: the gateway's link-local address on the access link (RFC 5213 section 8.7).
    LinkLocalAddress(Ipv6Addr as Ipv6Address);
    /// Type 27: when the message was sent (RFC 5213 section 8.8).
    Timestamp(Timestamp as TimestampBits);
    /// Type 28: how often the sender has restarted (RFC 5847 section 3.4).
    RestartCounter(u32 as Number);
    /// Type 29: the IPv4 home address of a mobile node that signals itself
    /// (RFC 5555 section 3.1.1).
    Ipv4HomeAddress(Ipv4HomeAddress);
    /// Type 30: the answer to type 29 (RFC 5555 section 3.2.1).
    Ipv4AddressAcknowledgement(Ipv4AddressAcknowledgement);
    /// Type 31: whether a NAT was seen (RFC 5555 section 3.2.2).
    NatDetection(NatDetection);
    /// Type 32: the sender's own IPv4 care-of address (RFC 5555 section 3.1.2).
    Ipv4CareOfAddress(Ipv4Addr as ReservedAndIpv4Address);
    /// Type 33: GRE encapsulation, with or without a key (RFC 5845 section 6.1).
    GreKey(GreKey);
    /// Type 34: an address or prefix that a handover is about (RFC 5568 section 6.4.2).
    MobilityHeaderIpv6AddressPrefix(MobilityHeaderIpv6AddressPrefix);
    /// Type 35: one of several bindings (RFC 5648 section 4.3).
    BindingIdentifier(BindingIdentifier);
    /// Type 36: asks for an IPv4 home address (RFC 5844 section 3.3.1).
    Ipv4HomeAddressRequest(Ipv4HomeAddressRequest);
    /// Type 37: grants or refuses an IPv4 home address (RFC 5844 section 3.3.2).
    Ipv4HomeAddressReply(Ipv4HomeAddressReply);
    /// Type 38: the mobile node's default router (RFC 5844 section 3.3.3).
    Ipv4DefaultRouterAddress(Ipv4Addr as ReservedAndIpv4Address);
    /// Type 39: whether the gateway serves DHCP itself (RFC 5844 section 3.3.4).
    Ipv4DhcpSupportMode(Ipv4DhcpSupportMode);
    /// Type 40: asks the previous gateway for context (RFC 5949 section 6.2.1).
    ContextRequest(ContextRequest<B>);
    /// Type 41: the anchor of the mobile node (RFC 5949 section 6.2.2).
    LocalMobilityAnchorAddress(IpAddr as LmaAddress);
    /// Type 42: the interface identifier of the mobile node's link-local address
    /// (RFC 5949 section 6.2.3).
    MobileNodeLinkLocalAddressInterfaceIdentifier([u8; 8] as ReservedAndInterfaceIdentifier);
    /// Type 43: switches the path late (RFC 6058 section 5.1).
    TransientBinding(TransientBinding);
    /// Type 44: flows to refresh (RFC 6089 section 4.2.2).
    FlowSummary(FlowSummary<B>);
    /// Type 45: binds a flow to care-of addresses (RFC 6089 section 4.2).
    FlowIdentification(FlowIdentification<B>);
    /// Type 46: the gateway can be redirected (RFC 6463 section 4.1).
    RedirectCapability(() as Reserved);
    /// Type 47: the anchor to register with instead (RFC 6463 section 4.2).
    Redirect(IpAddr as RedirectTarget);
    /// Type 48: how busy the anchor is (RFC 6463 section 4.3).
    LoadInformation(LoadInformation);
    /// Type 49: the IPv4 care-of address to bind, where it is not the source
    /// (RFC 6463 section 4.4).
    AlternateIpv4CareOfAddress(Ipv4Addr as Ipv4Address);
    /// Type 50: a group of mobility sessions (RFC 6602 section 4.3).
    MobileNodeGroupIdentifier(MobileNodeGroupIdentifier);
    /// Type 51: a gateway that takes part in localized routing (RFC 6705 section 11.1).
    MagIpv6Address(Ipv6Addr as AddressWithLength);
    /// Type 52: where the mobile node is attached (RFC 6757 section 3).
    AccessNetworkIdentifier(AccessNetworkIdentifier<B>);
    /// Type 53: which IPv4 flows bypass the anchor (RFC 6909 section 3.1).
    Ipv4TrafficOffloadSelector(Ipv4TrafficOffloadSelector<B>);
    /// Type 54: which groups come from the gateway's own network (RFC 7028 section 5.1).
    DynamicIpMulticastSelector(DynamicIpMulticastSelector<B>);
    /// Type 55: a prefix for the network behind the mobile node (RFC 7148 section 4.1).
    DelegatedMobileNetworkPrefix(DelegatedMobileNetworkPrefix);
    /// Type 56: an IPv4 group that the mobile node listens to (RFC 7161 section 6.1).
    ActiveMulticastSubscriptionIpv4(ActiveMulticastSubscription<B>);
    /// Type 57: an IPv6 group that the mobile node listens to (RFC 7161 section 4.1).
    ActiveMulticastSubscriptionIpv6(ActiveMulticastSubscription<B>);
    /// Type 58: asks for quality of service (RFC 7222 section 4.1).
    QualityOfService(QualityOfService<B>);
    /// Type 59: the anchor's address for tunnelled packets; none, or all zero, asks for it
    /// (RFC 7389 section 4).
    LmaUserPlaneAddress(Option<IpAddr> as ReservedAndOptionalAddress);
    /// Type 60: what the mobile node listens to (RFC 7411 section 5.3).
    MulticastMobility(MulticastMobility<B>);
    /// Type 61: which groups were refused (RFC 7411 section 5.4).
    MulticastAcknowledgement(MulticastAcknowledgement<B>);
    /// Type 62: timers that the anchor sets on the gateway (RFC 8127 section 3).
    LmaControlledMagParameters(LmaControlledMagParameters<B>);
    /// Type 63: which path the registration is about (RFC 8278 section 4.1).
    MagMultipathBinding(MagMultipathBinding);
    /// Type 64: which gateway sends the registration (RFC 8278 section 4.2).
    MagIdentifier(MagIdentifier<B>);
    /// Type 65: the mobile node's prefix at the anchoring router (RFC 8885 section 4.3).
    AnchoredPrefix(Ipv6Prefix);
    /// Type 66: a prefix that only the anchoring router reaches (RFC 8885 section 4.4).
    LocalPrefix(Ipv6Prefix);
    /// Type 67: a router that the mobile node was attached to (RFC 8885 section 4.5).
    PreviousMaar(PreviousMaar);
    /// Type 68: the router that the mobile node is attached to (RFC 8885 section 4.6).
    ServingMaar(Ipv6Addr as Ipv6Address);
    /// Type 69: the link-local address that stands for a previous router (RFC 8885 section 4.7).
    DlifLinkLocalAddress(Ipv6Addr as Ipv6Address);
    /// Type 70: the link-layer address that stands for a previous router (RFC 8885 section 4.8).
    DlifLinkLayerAddress(DlifLinkLayerAddress<B>);
}

impl<B: AsRef<[u8]>> MobilityOption<B> {
    /// Its type.
    pub fn option_type(&self) -> OptionType {
        self.with_data(|option_type, _, _| option_type)
    }

    /// Octets of its data: without its Type and Length octets.
    pub fn data_len(&self) -> usize {
        self.with_data(|_, head, tail| head.len().saturating_add(tail.len()))
    }
}

macro_rules! from_value {
    ($($value:ty => $variant:ident;)+) => {$(
        impl<B> From<$value> for MobilityOption<B> {
            fn from(value: $value) -> Self {
                Self::$variant(value)
            }
        }
    )+};
}

from_value! {
    NonceIndices => NonceIndices;
    MobilityHeaderLinkLayerAddress<B> => MobilityHeaderLinkLayerAddress;
    MobileNodeIdentifier<B> => MobileNodeIdentifier;
    MobilityMessageAuthentication<B> => MobilityMessageAuthentication;
    DnsUpdate<B> => DnsUpdate;
    VendorSpecific<B> => VendorSpecific;
    ServiceSelection<B> => ServiceSelection;
    BindingAuthorizationDataForFmip<B> => BindingAuthorizationDataForFmip;
    HomeNetworkPrefix => HomeNetworkPrefix;
    HandoffIndicator => HandoffIndicator;
    AccessTechnologyType => AccessTechnologyType;
    LinkLayerIdentifier<B> => LinkLayerIdentifier;
    Timestamp => Timestamp;
    Ipv4HomeAddress => Ipv4HomeAddress;
    Ipv4AddressAcknowledgement => Ipv4AddressAcknowledgement;
    NatDetection => NatDetection;
    GreKey => GreKey;
    MobilityHeaderIpv6AddressPrefix => MobilityHeaderIpv6AddressPrefix;
    BindingIdentifier => BindingIdentifier;
    Ipv4HomeAddressRequest => Ipv4HomeAddressRequest;
    Ipv4HomeAddressReply => Ipv4HomeAddressReply;
    Ipv4DhcpSupportMode => Ipv4DhcpSupportMode;
    ContextRequest<B> => ContextRequest;
    TransientBinding => TransientBinding;
    FlowSummary<B> => FlowSummary;
    LoadInformation => LoadInformation;
    MobileNodeGroupIdentifier => MobileNodeGroupIdentifier;
    DynamicIpMulticastSelector<B> => DynamicIpMulticastSelector;
    DelegatedMobileNetworkPrefix => DelegatedMobileNetworkPrefix;
    MulticastMobility<B> => MulticastMobility;
    MulticastAcknowledgement<B> => MulticastAcknowledgement;
    FlowIdentification<B> => FlowIdentification;
    AccessNetworkIdentifier<B> => AccessNetworkIdentifier;
    Ipv4TrafficOffloadSelector<B> => Ipv4TrafficOffloadSelector;
    QualityOfService<B> => QualityOfService;
    LmaControlledMagParameters<B> => LmaControlledMagParameters;
    MagMultipathBinding => MagMultipathBinding;
    MagIdentifier<B> => MagIdentifier;
    PreviousMaar => PreviousMaar;
    DlifLinkLayerAddress<B> => DlifLinkLayerAddress;
    UnknownOption<B> => Unknown;
}

/// Whether [`UnknownOption`] must not carry this type: padding, and types with a variant.
fn is_typed(option_type: OptionType) -> bool {
    // Data of no option fits here, so a type with a variant answers with an error or itself.
    let probe = RawOption::probe(OptionType::from_code(option_type.code()));
    !matches!(probe.decode(), Ok(Some(MobilityOption::Unknown(_))))
}
