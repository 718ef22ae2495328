//! Code points of the IANA "Mobile IPv6 parameters" and related registries.
//!
//! Every registry is an open enum: a number without a name is kept as `Unknown(n)`, so that what
//! is received can be sent again unchanged. Two values are equal when their numbers are.

/// Declares which side of 128 means that a request was granted.
macro_rules! granted_below_128 {
    ($($status:ident, $section:literal;)+) => {$(
        impl $status {
            #[doc = concat!("Whether the request was granted: below 128 (", $section, ").")]
            pub const fn is_accepted(self) -> bool {
                self.code() < 128
            }
        }
    )+};
}

mod attachment;
mod flow;
mod handover;
mod kind;
mod multicast;
mod notice;
mod qos;
mod registration;

pub use attachment::{
    AccessTechnologyType, AniSubOptionType, CivicLocationFormat, HandoffIndicator, MnIdSubtype,
    MobileNodeGroupSubtype, OperatorIdentifierType,
};
pub use flow::{
    FlowBindingAction, FlowBindingStatus, FlowBindingTrigger, FlowIdentificationStatus,
    FlowSubOptionType, TrafficSelectorFormat,
};
pub use handover::{
    FastBindingStatus, HandoverAcknowledgeCode, HandoverAddressCode, HandoverInitiateCode,
    LinkLayerAddressCode, LmaAddressCode,
};
pub use kind::{MhType, OptionType};
pub use multicast::{MulticastAcknowledgementStatus, MulticastPayload, MulticastReportType};
pub use notice::{
    BindingRevocationStatus, LocalizedRoutingStatus, NotificationReason, RevocationTrigger,
    UpdateNotificationStatus,
};
pub use qos::{Preemption, QosAttributeType, QosOperation};
pub use registration::{
    AuthenticationSubtype, BindingErrorStatus, DnsUpdateStatus, Ipv4AddressAcknowledgementStatus,
    Ipv4HomeAddressStatus, LcmpSubOptionType, Status,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives_both_ways() {
        for code in 0..=u8::MAX {
            assert_eq!(MhType::from_code(code).code(), code);
            assert_eq!(OptionType::from_code(code).code(), code);
            assert_eq!(Status::from_code(code).code(), code);
            assert_eq!(HandoffIndicator::from_code(code).code(), code);
            assert_eq!(AccessTechnologyType::from_code(code).code(), code);
            assert_eq!(MnIdSubtype::from_code(code).code(), code);
        }
    }

    #[test]
    fn unknown_with_a_known_number_equals_the_named_value() {
        assert_eq!(Status::Unknown(156), Status::TimestampMismatch);
        assert_eq!(Status::Unknown(156).name(), Some("TimestampMismatch"));
        assert_ne!(Status::Unknown(200), Status::Unknown(201));
    }

    #[test]
    fn statuses_know_their_side_of_128_and_their_rfc() {
        assert!(Status::Unknown(127).is_accepted());
        assert!(Status::ReasonUnspecified.is_rejected());
        assert_eq!(Status::CannotSupportMultipathBinding.rfc(), Some(8278));
        assert_eq!(AccessTechnologyType::NbIot.rfc(), None);
    }
}
