//! Flow bindings and traffic selectors (RFC 6089, RFC 6088, RFC 7109).

code_points! {
    /// Why a Flow Binding Indication is sent (IANA "Flow Binding Indication Triggers"); from 250
    /// for tests (RFC 7109 section 6.1.1).
    pub enum FlowBindingTrigger: u8 {
        Reserved = 0, "Reserved", 7109;
        Unspecified = 1, "Unspecified", 7109;
        AdministrativeReason = 2, "Administrative Reason", 7109;
        PossibleOutOfSyncBceState = 3, "Possible Out-of-Sync BCE State", 7109;
    }

    /// Status of a Flow Binding Acknowledgement (IANA "Flow Binding Acknowledgement Status Codes"):
    /// below 128 processed (RFC 7109 section 6.1.2).
    pub enum FlowBindingStatus: u8 {
        Success = 0, "Success", 7109;
        BindingDoesNotExist = 128, "Binding (target CoA) Does NOT Exist", 7109;
        ActionNotAuthorized = 129, "Action NOT Authorized", 7109;
    }

    /// What became of one flow binding (IANA "Flow Identification Mobility Option Status Codes"):
    /// below 128 accepted, from 128 rejected (RFC 6089 section 8).
    pub enum FlowIdentificationStatus: u8 {
        Success = 0, "Flow binding successful", 6089;
        AdministrativelyProhibited = 128, "Administratively prohibited", 6089;
        RejectedReasonUnspecified = 129, "Flow binding rejected, reason unspecified", 6089;
        Malformed = 130, "Flow identification mobility option malformed", 6089;
        BidNotFound = 131, "BID not found", 6089;
        FidNotFound = 132, "FID not found", 6089;
        TrafficSelectorFormatNotSupported = 133, "Traffic selector format not supported", 6089;
    }

    /// Sub-options of a Flow Identification (IANA "Flow Identification Sub-Options").
    pub enum FlowSubOptionType: u8 {
        Pad1 = 0, "Pad", 6089;
        PadN = 1, "PadN", 6089;
        BindingReference = 2, "BID Reference", 6089;
        TrafficSelector = 3, "Traffic Selector", 6089;
        FlowBindingAction = 4, "Flow Binding Action", 7109;
        TargetCareOfAddress = 5, "Target Care-of Address", 7109;
    }

    /// How a traffic selector is written (IANA "Traffic Selector Format").
    pub enum TrafficSelectorFormat: u8 {
        Reserved = 0, "Reserved", 6089;
        Ipv4Binary = 1, "IPv4 binary traffic selector", 6088;
        Ipv6Binary = 2, "IPv6 binary traffic selector", 6088;
    }

    /// What is to happen to a flow binding (IANA "Flow Binding Action Values").
    pub enum FlowBindingAction: u8 {
        Add = 11, "Add a flow binding", 7109;
        Delete = 12, "Delete a flow binding", 7109;
        Modify = 13, "Modify a flow binding", 7109;
        Refresh = 14, "Refresh a flow binding", 7109;
        Move = 15, "Move a flow binding", 7109;
        Revoke = 16, "Revoke a flow binding", 7109;
    }
}

granted_below_128! {
    FlowBindingStatus, "RFC 7109 section 6.1.2";
}

impl FlowIdentificationStatus {
    /// Whether the flow binding was accepted: below 128 (RFC 6089 section 8).
    pub const fn is_accepted(self) -> bool {
        self.code() < 128
    }
}
