//! Registration: how it is answered, and what its options say.

code_points! {
    /// Status of a Binding Acknowledgement (IANA "Status Codes"): below 128 accepted, from 128
    /// rejected (RFC 6275 section 6.1.8).
    pub enum Status: u8 {
        Accepted = 0, "Binding Update accepted", 6275;
        AcceptedButPrefixDiscoveryNecessary = 1, "Accepted but prefix discovery necessary", 6275;
        GreKeyOptionNotRequired = 2, "GRE_KEY_OPTION_NOT_REQUIRED", 5845;
        GreTunnelingButTlvHeaderNotSupported = 3, "GRE_TUNNELING_BUT_TLV_HEADER_NOT_SUPPORTED", 5845;
        McoaNotComplete = 4, "MCOA NOTCOMPLETE", 5648;
        McoaReturnHomeWithoutNdp = 5, "MCOA RETURNHOME WO/NDP", 5648;
        PbuAcceptedTransientBindingIgnored = 6, "PBU_ACCEPTED_TB_IGNORED_SETTINGSMISMATCH", 6058;
        ReasonUnspecified = 128, "Reason unspecified", 6275;
        AdministrativelyProhibited = 129, "Administratively prohibited", 6275;
        InsufficientResources = 130, "Insufficient resources", 6275;
        HomeRegistrationNotSupported = 131, "Home registration not supported", 6275;
        NotHomeSubnet = 132, "Not home subnet", 6275;
        NotHomeAgentForThisMobileNode = 133, "Not home agent for this mobile node", 6275;
        DuplicateAddressDetectionFailed = 134, "Duplicate Address Detection failed", 6275;
        SequenceNumberOutOfWindow = 135, "Sequence number out of window", 6275;
        ExpiredHomeNonceIndex = 136, "Expired home nonce index", 6275;
        ExpiredCareOfNonceIndex = 137, "Expired care-of nonce index", 6275;
        ExpiredNonces = 138, "Expired nonces", 6275;
        RegistrationTypeChangeDisallowed = 139, "Registration type change disallowed", 6275;
        MobileRouterOperationNotPermitted = 140, "Mobile Router Operation not permitted", 3963;
        InvalidPrefix = 141, "Invalid Prefix", 3963;
        NotAuthorizedForPrefix = 142, "Not Authorized for Prefix", 3963;
        ForwardingSetupFailed = 143, "Forwarding Setup failed", 3963;
        MobilityIdMismatch = 144, "MIPV6-ID-MISMATCH", 4285;
        MessageIdRequired = 145, "MIPV6-MESG-ID-REQD", 4285;
        AuthenticationFailed = 146, "MIPV6-AUTH-FAIL", 4285;
        PermanentHomeKeygenTokenUnavailable = 147, "Permanent home keygen token unavailable", 4866;
        CgaAndSignatureVerificationFailed = 148, "CGA and signature verification failed", 4866;
        PermanentHomeKeygenTokenExists = 149, "Permanent home keygen token exists", 4866;
        NonNullHomeNonceIndexExpected = 150, "Non-null home nonce index expected", 4866;
        ServiceAuthorizationFailed = 151, "SERVICE_AUTHORIZATION_FAILED", 5149;
        ProxyRegistrationNotEnabled = 152, "PROXY_REG_NOT_ENABLED", 5213;
        NotLmaForThisMobileNode = 153, "NOT_LMA_FOR_THIS_MOBILE_NODE", 5213;
        MagNotAuthorizedForProxyRegistration = 154, "MAG_NOT_AUTHORIZED_FOR_PROXY_REG", 5213;
        NotAuthorizedForHomeNetworkPrefix = 155, "NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX", 5213;
        TimestampMismatch = 156, "TIMESTAMP_MISMATCH", 5213;
        TimestampLowerThanPreviouslyAccepted = 157, "TIMESTAMP_LOWER_THAN_PREV_ACCEPTED", 5213;
        MissingHomeNetworkPrefixOption = 158, "MISSING_HOME_NETWORK_PREFIX_OPTION", 5213;
        PrefixSetDoesNotMatch = 159, "BCE_PBU_PREFIX_SET_DO_NOT_MATCH", 5213;
        MissingMobileNodeIdentifierOption = 160, "MISSING_MN_IDENTIFIER_OPTION", 5213;
        MissingHandoffIndicatorOption = 161, "MISSING_HANDOFF_INDICATOR_OPTION", 5213;
        MissingAccessTechnologyTypeOption = 162, "MISSING_ACCESS_TECH_TYPE_OPTION", 5213;
        GreKeyOptionRequired = 163, "GRE_KEY_OPTION_REQUIRED", 5845;
        McoaMalformed = 164, "MCOA MALFORMED", 5648;
        McoaNonMcoaBindingExists = 165, "MCOA NON-MCOA BINDING EXISTS", 5648;
        McoaProhibited = 166, "MCOA PROHIBITED", 5648;
        McoaUnknownCareOfAddress = 167, "MCOA UNKNOWN COA", 5648;
        McoaBulkRegistrationProhibited = 168, "MCOA BULK REGISTRATION PROHIBITED", 5648;
        McoaSimultaneousHomeAndForeignProhibited = 169, "MCOA SIMULTANEOUS HOME AND FOREIGN PROHIBITED", 5648;
        NotAuthorizedForIpv4MobilityService = 170, "NOT_AUTHORIZED_FOR_IPV4_MOBILITY_SERVICE", 5844;
        NotAuthorizedForIpv4HomeAddress = 171, "NOT_AUTHORIZED_FOR_IPV4_HOME_ADDRESS", 5844;
        NotAuthorizedForIpv6MobilityService = 172, "NOT_AUTHORIZED_FOR_IPV6_MOBILITY_SERVICE", 5844;
        MultipleIpv4HomeAddressAssignmentNotSupported = 173, "MULTIPLE_IPV4_HOME_ADDRESS_ASSIGNMENT_NOT_SUPPORTED", 5844;
        InvalidCareOfAddress = 174, "Invalid Care-of Address", 6275;
        InvalidMobileNodeGroupIdentifier = 175, "INVALID_MOBILE_NODE_GROUP_IDENTIFIER", 6602;
        ReinitSaWithHac = 176, "REINIT_SA_WITH_HAC", 6618;
        NotAuthorizedForDelegatedMobileNetworkPrefix = 177, "NOT_AUTHORIZED_FOR_DELEGATED_MNP", 7148;
        RequestedDelegatedMobileNetworkPrefixInUse = 178, "REQUESTED_DMNP_IN_USE", 7148;
        CannotMeetQosServiceRequest = 179, "CANNOT_MEET_QOS_SERVICE_REQUEST", 7222;
        CannotSupportMultipathBinding = 180, "CANNOT_SUPPORT_MULTIPATH_BINDING", 8278;
    }

    /// Status of a Binding Error (RFC 6275 section 6.1.9).
    pub enum BindingErrorStatus: u8 {
        UnknownBinding = 1, "Unknown binding for Home Address destination option", 6275;
        UnrecognizedMhType = 2, "Unrecognized MH Type value", 6275;
    }

    /// Status of an IPv4 Home Address Reply (RFC 5844 section 3.3.2).
    pub enum Ipv4HomeAddressStatus: u8 {
        Success = 0, "Success", 5844;
        FailureReasonUnspecified = 128, "Failure, reason unspecified", 5844;
        AdministrativelyProhibited = 129, "Administratively prohibited", 5844;
        IncorrectIpv4HomeAddress = 130, "Incorrect IPv4 home address", 5844;
        InvalidIpv4Address = 131, "Invalid IPv4 address", 5844;
        DynamicAssignmentNotAvailable = 132, "Dynamic IPv4 home address assignment not available", 5844;
    }

    /// Status of an IPv4 Address Acknowledgement (RFC 5555 section 3.2.1).
    pub enum Ipv4AddressAcknowledgementStatus: u8 {
        Success = 0, "Success", 5555;
        FailureReasonUnspecified = 128, "Failure, reason unspecified", 5555;
        AdministrativelyProhibited = 129, "Administratively prohibited", 5555;
        IncorrectIpv4HomeAddress = 130, "Incorrect IPv4 home address", 5555;
        InvalidIpv4Address = 131, "Invalid IPv4 address", 5555;
        DynamicAssignmentNotAvailable = 132, "Dynamic IPv4 home address assignment not available", 5555;
        PrefixAllocationUnauthorized = 133, "Prefix allocation unauthorized", 5555;
    }

    /// Whether the name server was updated (RFC 5026 section 8.1).
    pub enum DnsUpdateStatus: u8 {
        Performed = 0, "DNS update performed", 5026;
        ReasonUnspecified = 128, "Reason unspecified", 5026;
        AdministrativelyProhibited = 129, "Administratively prohibited", 5026;
        Failed = 130, "DNS update failed", 5026;
    }

    /// Who authenticates a message, and how (IANA "Mobility Message Authentication Option subtypes").
    pub enum AuthenticationSubtype: u8 {
        MobileNodeAndHomeAgent = 1, "MN-HA", 4285;
        MobileNodeAndAaa = 2, "MN-AAA", 4285;
    }

    /// Sub-options of the LMA-Controlled MAG Parameters (IANA "LMA-Controlled MAG Parameters
    /// Sub-Option Type Values").
    pub enum LcmpSubOptionType: u8 {
        Reserved = 0, "Reserved", 8127;
        BindingReregistrationControl = 1, "Binding Re-registration Control Sub-Option", 8127;
        HeartbeatControl = 2, "Heartbeat Control Sub-Option", 8127;
    }
}

impl Status {
    /// Whether the registration was accepted: below 128 (RFC 6275 section 6.1.8).
    pub const fn is_accepted(self) -> bool {
        self.code() < 128
    }

    /// Whether the registration was rejected: 128 and above (RFC 5213 section 8.2).
    pub const fn is_rejected(self) -> bool {
        !self.is_accepted()
    }
}

impl Ipv4HomeAddressStatus {
    /// Whether the address was assigned: below 128 (RFC 5844 section 3.3.2).
    pub const fn is_success(self) -> bool {
        self.code() < 128
    }
}

impl Ipv4AddressAcknowledgementStatus {
    /// Whether the address was bound: below 128 (RFC 5555 section 3.2.1).
    pub const fn is_success(self) -> bool {
        self.code() < 128
    }
}

impl DnsUpdateStatus {
    /// Whether the name server was updated: below 128 (RFC 5026 section 8.1).
    pub const fn is_success(self) -> bool {
        self.code() < 128
    }
}
