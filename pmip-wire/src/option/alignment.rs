use super::sub::alignment_around;
use super::{FlowIdentificationSpace, TrafficOffloadSpace};
use crate::code::OptionType;

/// Where an option's Type octet must stand: at `multiple` times n plus `remainder` octets from the
/// start of the Mobility Header (RFC 6275 section 6.2.1). Only senders heed it; receivers take
/// options anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alignment {
    multiple: u8,
    remainder: u8,
}

impl Alignment {
    /// Anywhere.
    pub const NONE: Self = Self::new(1, 0);

    /// `multiple` is 1, 2, 4 or 8, and `remainder` is below it.
    pub(super) const fn new(multiple: u8, remainder: u8) -> Self {
        Self {
            multiple,
            remainder,
        }
    }

    /// The same place, on a multiple that is one of `other` too.
    pub(super) const fn with_multiple_of(self, other: Self) -> Self {
        if other.multiple > self.multiple {
            Self::new(other.multiple, self.remainder)
        } else {
            self
        }
    }

    /// x of "xn+y".
    pub const fn multiple(self) -> u8 {
        self.multiple
    }

    /// y of "xn+y".
    pub const fn remainder(self) -> u8 {
        self.remainder
    }

    /// Octets of padding that an option needs which would otherwise stand at `position`.
    #[inline]
    pub const fn padding(self, position: usize) -> usize {
        let mask = (self.multiple as usize).wrapping_sub(1);
        (self.remainder as usize).wrapping_sub(position) & mask
    }
}

impl OptionType {
    /// Where an option of this type that ends in `tail` must stand: sub-options may ask for more
    /// than the type does.
    #[inline]
    pub(crate) fn alignment_around(self, tail: &[u8]) -> Alignment {
        if self == Self::FlowIdentification {
            alignment_around::<FlowIdentificationSpace>(tail)
        } else if self == Self::Ipv4TrafficOffloadSelector {
            alignment_around::<TrafficOffloadSpace>(tail)
        } else {
            self.alignment()
        }
    }

    /// Where options of this type must stand. What an RFC leaves open or contradicts itself about
    /// is said beside the type's number.
    #[inline]
    pub const fn alignment(self) -> Alignment {
        match self {
            Self::BindingRefreshAdvice
            | Self::NonceIndices
            | Self::FlowSummary
            | Self::FlowIdentification => Alignment::new(2, 0),
            Self::Ipv4HomeAddress
            | Self::Ipv4AddressAcknowledgement
            | Self::NatDetection
            | Self::Ipv4CareOfAddress
            | Self::GreKey
            | Self::Ipv4HomeAddressRequest
            | Self::Ipv4HomeAddressReply
            | Self::Ipv4DefaultRouterAddress
            | Self::RedirectCapability
            | Self::Redirect
            | Self::LoadInformation
            | Self::AccessNetworkIdentifier
            | Self::QualityOfService
            // RFC 6602 states none; 4n aligns its 32-bit group identifier.
            | Self::MobileNodeGroupIdentifier => Alignment::new(4, 0),
            Self::ActiveMulticastSubscriptionIpv4 => Alignment::new(4, 1),
            Self::VendorSpecific
            | Self::RestartCounter
            | Self::AlternateIpv4CareOfAddress
            | Self::LmaControlledMagParameters
            // RFC 6909 says 4n and draws 4n+2, which aligns its 32-bit flag word.
            | Self::Ipv4TrafficOffloadSelector => Alignment::new(4, 2),
            Self::ActiveMulticastSubscriptionIpv6 => Alignment::new(8, 1),
            // RFC 4285 says 4n+1; from 8n+5 its 19 octets end the header, of which it is the last.
            Self::MobilityMessageAuthentication => Alignment::new(8, 5),
            Self::Timestamp
            | Self::ReplayProtection
            | Self::BindingAuthorizationData
            // RFC 5648 asks for 8n+2 with an address and for 2n without, which 8n+2 is too.
            | Self::BindingIdentifier
            // RFC 7148 section 4.1 and RFC 7389 section 4 state 8n+2.
            | Self::DelegatedMobileNetworkPrefix
            | Self::LmaUserPlaneAddress => Alignment::new(8, 2),
            Self::MobileNetworkPrefix
            | Self::HomeNetworkPrefix
            | Self::MobilityHeaderIpv6AddressPrefix
            | Self::MagIpv6Address
            | Self::AnchoredPrefix
            | Self::LocalPrefix
            | Self::PreviousMaar => Alignment::new(8, 4),
            Self::AlternateCareOfAddress
            | Self::LinkLocalAddress
            | Self::ServingMaar
            | Self::DlifLinkLocalAddress
            // RFC 5568 states none; from 8n+6 its 18 octets end the header, of which it is the last.
            | Self::BindingAuthorizationDataForFmip => Alignment::new(8, 6),
            Self::Pad1
            | Self::PadN
            | Self::MobilityHeaderLinkLayerAddress
            | Self::MobileNodeIdentifier
            | Self::CgaParametersRequest
            | Self::CgaParameters
            | Self::Signature
            | Self::PermanentHomeKeygenToken
            | Self::CareOfTestInit
            | Self::CareOfTest
            | Self::DnsUpdate
            | Self::Experimental
            | Self::ServiceSelection
            | Self::HandoffIndicator
            | Self::AccessTechnologyType
            | Self::LinkLayerIdentifier
            | Self::Ipv4DhcpSupportMode
            | Self::ContextRequest
            | Self::LocalMobilityAnchorAddress
            | Self::MobileNodeLinkLocalAddressInterfaceIdentifier
            | Self::TransientBinding
            | Self::DynamicIpMulticastSelector
            | Self::MulticastMobility
            | Self::MulticastAcknowledgement
            | Self::MagMultipathBinding
            | Self::MagIdentifier
            | Self::DlifLinkLayerAddress
            | Self::Unknown(_) => Alignment::NONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_reaches_the_next_place_and_no_further() {
        for code in 0..=u8::MAX {
            let alignment = OptionType::from_code(code).alignment();
            let multiple = usize::from(alignment.multiple());
            for position in 0..64 {
                let padding = alignment.padding(position);
                assert!(padding < multiple);
                let place = position + padding;
                assert_eq!(place % multiple, usize::from(alignment.remainder()));
            }
        }
    }
}
