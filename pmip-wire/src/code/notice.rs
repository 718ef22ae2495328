//! Revocation, localized routing and update notifications.

code_points! {
    /// Why bindings are revoked (IANA "Revocation Trigger"): below 128 for one mobile node, from
    /// 128 global, from 250 for tests (RFC 5846 section 5.1).
    pub enum RevocationTrigger: u8 {
        Unspecified = 0, "Unspecified", 5846;
        AdministrativeReason = 1, "Administrative Reason", 5846;
        InterMagHandoverSameAccessType = 2, "Inter-MAG Handover - same Access Type", 5846;
        InterMagHandoverDifferentAccessType = 3, "Inter-MAG Handover - different Access Type", 5846;
        InterMagHandoverUnknown = 4, "Inter-MAG Handover - Unknown", 5846;
        UserInitiatedSessionTermination = 5, "User-Initiated Session(s) Termination", 5846;
        AccessNetworkSessionTermination = 6, "Access Network Session(s) Termination", 5846;
        PossibleOutOfSyncBceState = 7, "Possible Out-of-Sync BCE State", 5846;
        PerPeerPolicy = 128, "Per-Peer Policy", 5846;
        RevokingMobilityNodeLocalPolicy = 129, "Revoking Mobility Node Local Policy", 5846;
    }

    /// Status of a Binding Revocation Acknowledgement (IANA "Binding Revocation Acknowledgement
    /// Status Codes"): below 128 processed (RFC 5846 section 5.2).
    pub enum BindingRevocationStatus: u8 {
        Success = 0, "success", 5846;
        PartialSuccess = 1, "partial success", 5846;
        BindingDoesNotExist = 128, "Binding Does NOT Exist", 5846;
        Ipv4HomeAddressOptionRequired = 129, "IPv4 Home Address Option Required", 5846;
        GlobalRevocationNotAuthorized = 130, "Global Revocation NOT Authorized", 5846;
        RevokedMobileNodesIdentityRequired = 131, "Revoked Mobile Nodes Identity Required", 5846;
        MobileNodeIsAttached = 132, "Revocation Failed - MN is Attached", 5846;
        TriggerNotSupported = 133, "Revocation Trigger NOT Supported", 5846;
        FunctionNotSupported = 134, "Revocation Function NOT Supported", 5846;
        ProxyBindingRevocationNotSupported = 135, "Proxy Binding Revocation NOT Supported", 5846;
    }

    /// Status of a Localized Routing Acknowledgment: below 128 processed (RFC 6705 section 10.2).
    pub enum LocalizedRoutingStatus: u8 {
        Success = 0, "Success", 6705;
        NotAllowed = 128, "Localized Routing Not Allowed", 6705;
        MobileNodeNotAttached = 129, "MN Not Attached", 6705;
    }

    /// Why an Update Notification is sent (IANA "Update Notification Reasons Registry").
    pub enum NotificationReason: u16 {
        Reserved = 0, "Reserved", 7077;
        ForceReregistration = 1, "FORCE-REREGISTRATION", 7077;
        UpdateSessionParameters = 2, "UPDATE-SESSION-PARAMETERS", 7077;
        VendorSpecificReason = 3, "VENDOR-SPECIFIC-REASON", 7077;
        AniParamsRequested = 4, "ANI-PARAMS-REQUESTED", 7077;
        QosServiceRequest = 5, "QOS_SERVICE_REQUEST", 7222;
        ThreeGppPcscfRestorationPco = 6, "3GPP-Specific-PCSCF-Restoration-over-PCO", 0;
        ThreeGppPcscfRestorationDhcp = 7, "3GPP-Specific-PCSCF-Restoration-over-DHCP", 0;
        FlowMobility = 8, "FLOW-MOBILITY", 7864;
        ReservedLast = 255, "Reserved", 7077;
    }

    /// Status of an Update Notification Acknowledgement (IANA "Update Notification Acknowledgement
    /// Status Registry"): below 128 processed (RFC 7077 section 4.2).
    pub enum UpdateNotificationStatus: u8 {
        Success = 0, "SUCCESS", 7077;
        FailedToUpdateSessionParameters = 128, "FAILED-TO-UPDATE-SESSION-PARAMETERS", 7077;
        MissingVendorSpecificOption = 129, "MISSING-VENDOR-SPECIFIC-OPTION", 7077;
        CannotMeetQosServiceRequest = 130, "CANNOT_MEET_QOS_SERVICE_REQUEST", 7222;
        ReasonUnspecified = 131, "Reason unspecified", 7864;
        MobileNodeNotAttached = 132, "MN not attached", 7864;
    }
}

granted_below_128! {
    BindingRevocationStatus, "RFC 5846 section 5.2";
    LocalizedRoutingStatus, "RFC 6705 section 10.2";
    UpdateNotificationStatus, "RFC 7077 section 4.2";
}

impl RevocationTrigger {
    /// Whether it goes with flag G: from 128, where the tests' 250 to 255 may go with either
    /// (RFC 5846 section 5.1).
    pub const fn is_global(self) -> bool {
        matches!(self.code(), 128..=249)
    }

    /// Whether it goes without flag G: below 128 (RFC 5846 section 5.1).
    pub const fn is_per_mn(self) -> bool {
        self.code() < 128
    }
}
