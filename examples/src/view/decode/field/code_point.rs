//! Code points by name: one word for each registry of `pmip-wire`.

use pmip_wire::{
    AccessTechnologyType, AuthenticationSubtype, BindingErrorStatus, BindingRevocationStatus,
    DnsUpdateStatus, FastBindingStatus, FlowBindingStatus, FlowBindingTrigger, HandoffIndicator,
    HandoverAcknowledgeCode, HandoverAddressCode, HandoverInitiateCode,
    Ipv4AddressAcknowledgementStatus, Ipv4HomeAddressStatus, LinkLayerAddressCode, LmaAddressCode,
    LocalizedRoutingStatus, MhType, MnIdSubtype, MobileNodeGroupSubtype,
    MulticastAcknowledgementStatus, MulticastPayload, MulticastReportType, NotificationReason,
    OptionType, RevocationTrigger, Status, UpdateNotificationStatus,
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
    AccessTechnologyType AuthenticationSubtype BindingErrorStatus BindingRevocationStatus
    DnsUpdateStatus FastBindingStatus FlowBindingStatus FlowBindingTrigger HandoffIndicator
    HandoverAcknowledgeCode HandoverAddressCode HandoverInitiateCode
    Ipv4AddressAcknowledgementStatus Ipv4HomeAddressStatus LinkLayerAddressCode LmaAddressCode
    LocalizedRoutingStatus MhType MnIdSubtype MobileNodeGroupSubtype
    MulticastAcknowledgementStatus MulticastPayload MulticastReportType NotificationReason
    OptionType RevocationTrigger Status UpdateNotificationStatus
}
