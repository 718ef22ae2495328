//! Code points by name: one word for each registry of `pmip-wire`.

use pmip_wire::{
    AccessTechnologyType, AniSubOptionType, AuthenticationSubtype, BindingErrorStatus,
    BindingRevocationStatus, CivicLocationFormat, DnsUpdateStatus, FastBindingStatus,
    FlowBindingAction, FlowBindingStatus, FlowBindingTrigger, FlowIdentificationStatus,
    FlowSubOptionType, HandoffIndicator, HandoverAcknowledgeCode, HandoverAddressCode,
    HandoverInitiateCode, Ipv4AddressAcknowledgementStatus, Ipv4HomeAddressStatus,
    LcmpSubOptionType, LinkLayerAddressCode, LmaAddressCode, LocalizedRoutingStatus, MhType,
    MnIdSubtype, MobileNodeGroupSubtype, MulticastAcknowledgementStatus, MulticastPayload,
    MulticastReportType, NotificationReason, OperatorIdentifierType, OptionType, Preemption,
    QosAttributeType, QosOperation, RevocationTrigger, Status, TrafficSelectorFormat,
    UpdateNotificationStatus,
};

/// A code point's names.
pub(super) struct CodePoint {
    /// UpperCamel; absent where the number has none.
    pub(super) name: Option<&'static str>,
    pub(super) words: String,
}

macro_rules! registries {
    ($($name:ident)+) => {
        /// The name of a number in the registry that the type called `registry` stands for.
        pub(super) fn of(registry: &str, number: u64) -> Option<CodePoint> {
            $(
                if registry == stringify!($name) {
                    let value = $name::from_code(number.try_into().ok()?);
                    return Some(CodePoint { name: value.name(), words: value.to_string() });
                }
            )+
            None
        }
    };
}

registries! {
    AccessTechnologyType AniSubOptionType AuthenticationSubtype BindingErrorStatus
    BindingRevocationStatus CivicLocationFormat DnsUpdateStatus FastBindingStatus
    FlowBindingAction FlowBindingStatus FlowBindingTrigger FlowIdentificationStatus
    FlowSubOptionType HandoffIndicator HandoverAcknowledgeCode HandoverAddressCode
    HandoverInitiateCode Ipv4AddressAcknowledgementStatus Ipv4HomeAddressStatus
    LcmpSubOptionType LinkLayerAddressCode LmaAddressCode LocalizedRoutingStatus MhType
    MnIdSubtype MobileNodeGroupSubtype MulticastAcknowledgementStatus MulticastPayload
    MulticastReportType NotificationReason OperatorIdentifierType OptionType Preemption
    QosAttributeType QosOperation RevocationTrigger Status TrafficSelectorFormat
    UpdateNotificationStatus
}

/// The registry of the sub-options that `structure` holds.
fn of_sub_options(structure: &str) -> Option<&'static str> {
    Some(match structure {
        "FlowIdentification" | "Ipv4TrafficOffloadSelector" => "FlowSubOptionType",
        "AccessNetworkIdentifier" => "AniSubOptionType",
        "QualityOfService" => "QosAttributeType",
        "LmaControlledMagParameters" => "LcmpSubOptionType",
        _ => return None,
    })
}

/// Whether the lists of `structure` are sub-options.
pub(super) fn has_sub_options(structure: &str) -> bool {
    of_sub_options(structure).is_some()
}

/// The number of the sub-option called `name` in what `structure` holds.
pub(super) fn sub_option(structure: &str, name: &str) -> Option<u8> {
    let registry = of_sub_options(structure)?;
    (0..=u8::MAX).find(|number| {
        let point = of(registry, (*number).into());
        point.is_some_and(|point| point.name == Some(name))
    })
}
