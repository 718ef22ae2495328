//! Code points of the IANA "Mobile IPv6 parameters" and related registries.
//!
//! Every registry is an open enum: a number without a name is kept as `Unknown(n)`, so that what
//! is received can be sent again unchanged. Two values are equal when their numbers are.

code_points! {
    /// Mobility Header types (IANA "Mobility Header Types").
    pub enum MhType: u8 {
        BindingRefreshRequest = 0, "Binding Refresh Request", 6275;
        HomeTestInit = 1, "Home Test Init", 6275;
        CareOfTestInit = 2, "Care-of Test Init", 6275;
        HomeTest = 3, "Home Test", 6275;
        CareOfTest = 4, "Care-of Test", 6275;
        BindingUpdate = 5, "Binding Update", 6275;
        BindingAcknowledgement = 6, "Binding Acknowledgement", 6275;
        BindingError = 7, "Binding Error", 6275;
        FastBindingUpdate = 8, "Fast Binding Update", 5568;
        FastBindingAcknowledgement = 9, "Fast Binding Acknowledgment", 5568;
        FastNeighborAdvertisement = 10, "Fast Neighbor Advertisement", 5568;
        Experimental = 11, "Experimental Mobility Header", 5096;
        HomeAgentSwitch = 12, "Home Agent Switch Message", 5142;
        Heartbeat = 13, "Heartbeat Message", 5847;
        HandoverInitiate = 14, "Handover Initiate Message", 5568;
        HandoverAcknowledge = 15, "Handover Acknowledge Message", 5568;
        BindingRevocation = 16, "Binding Revocation Message", 5846;
        LocalizedRoutingInitiation = 17, "Localized Routing Initiation", 6705;
        LocalizedRoutingAcknowledgment = 18, "Localized Routing Acknowledgment", 6705;
        UpdateNotification = 19, "Update Notification", 7077;
        UpdateNotificationAcknowledgement = 20, "Update Notification Acknowledgement", 7077;
        FlowBinding = 21, "Flow Binding Message", 7109;
        SubscriptionQuery = 22, "Subscription Query", 7161;
        SubscriptionResponse = 23, "Subscription Response", 7161;
    }

    /// Mobility option types (IANA "Mobility Options").
    pub enum OptionType: u8 {
        Pad1 = 0, "Pad1", 6275;
        PadN = 1, "PadN", 6275;
        BindingRefreshAdvice = 2, "Binding Refresh Advice", 6275;
        AlternateCareOfAddress = 3, "Alternate Care-of Address", 6275;
        NonceIndices = 4, "Nonce Indices", 6275;
        BindingAuthorizationData = 5, "Authorization Data", 6275;
        MobileNetworkPrefix = 6, "Mobile Network Prefix", 3963;
        MobilityHeaderLinkLayerAddress = 7, "Mobility Header Link-Layer Address", 5568;
        MobileNodeIdentifier = 8, "Mobile Node Identifier", 4283;
        MobilityMessageAuthentication = 9, "Mobility Message Authentication", 4285;
        ReplayProtection = 10, "Mobility Message Replay Protection", 4285;
        CgaParametersRequest = 11, "CGA Parameters Request", 4866;
        CgaParameters = 12, "CGA Parameters", 4866;
        Signature = 13, "Signature", 4866;
        PermanentHomeKeygenToken = 14, "Permanent Home Keygen Token", 4866;
        CareOfTestInit = 15, "Care-of Test Init", 4866;
        CareOfTest = 16, "Care-of Test", 4866;
        DnsUpdate = 17, "DNS-UPDATE", 5026;
        Experimental = 18, "Experimental Mobility Option", 5096;
        VendorSpecific = 19, "Vendor Specific", 5094;
        ServiceSelection = 20, "Service Selection", 5149;
        BindingAuthorizationDataForFmip = 21, "Binding Authorization Data for FMIPv6", 5568;
        HomeNetworkPrefix = 22, "Home Network Prefix", 5213;
        HandoffIndicator = 23, "Handoff Indicator", 5213;
        AccessTechnologyType = 24, "Access Technology Type", 5213;
        LinkLayerIdentifier = 25, "Mobile Node Link-layer Identifier", 5213;
        LinkLocalAddress = 26, "Link-local Address", 5213;
        Timestamp = 27, "Timestamp", 5213;
        RestartCounter = 28, "Restart Counter", 5847;
        Ipv4HomeAddress = 29, "IPv4 Home Address", 5555;
        Ipv4AddressAcknowledgement = 30, "IPv4 Address Acknowledgement", 5555;
        NatDetection = 31, "NAT Detection", 5555;
        Ipv4CareOfAddress = 32, "IPv4 Care-of Address", 5555;
        GreKey = 33, "GRE Key", 5845;
        MobilityHeaderIpv6AddressPrefix = 34, "Mobility Header IPv6 Address/Prefix", 5568;
        BindingIdentifier = 35, "Binding Identifier", 5648;
        Ipv4HomeAddressRequest = 36, "IPv4 Home Address Request", 5844;
        Ipv4HomeAddressReply = 37, "IPv4 Home Address Reply", 5844;
        Ipv4DefaultRouterAddress = 38, "IPv4 Default-Router Address", 5844;
        Ipv4DhcpSupportMode = 39, "IPv4 DHCP Support Mode", 5844;
        ContextRequest = 40, "Context Request", 5949;
        LocalMobilityAnchorAddress = 41, "Local Mobility Anchor Address", 5949;
        MobileNodeLinkLocalAddressInterfaceIdentifier = 42, "Mobile Node Link-local Address Interface Identifier", 5949;
        TransientBinding = 43, "Transient Binding", 6058;
        FlowSummary = 44, "Flow Summary", 6089;
        FlowIdentification = 45, "Flow Identification", 6089;
        RedirectCapability = 46, "Redirect-Capability", 6463;
        Redirect = 47, "Redirect", 6463;
        LoadInformation = 48, "Load Information", 6463;
        AlternateIpv4CareOfAddress = 49, "Alternate IPv4 Care-of Address", 6463;
        MobileNodeGroupIdentifier = 50, "Mobile Node Group Identifier", 6602;
        MagIpv6Address = 51, "MAG IPv6 Address", 6705;
        AccessNetworkIdentifier = 52, "Access Network Identifier", 6757;
        Ipv4TrafficOffloadSelector = 53, "IPv4 Traffic Offload Selector", 6909;
        DynamicIpMulticastSelector = 54, "Dynamic IP Multicast Selector", 7028;
        DelegatedMobileNetworkPrefix = 55, "Delegated Mobile Network Prefix", 7148;
        ActiveMulticastSubscriptionIpv4 = 56, "Active Multicast Subscription IPv4", 7161;
        ActiveMulticastSubscriptionIpv6 = 57, "Active Multicast Subscription IPv6", 7161;
        QualityOfService = 58, "Quality-of-Service", 7222;
        LmaUserPlaneAddress = 59, "LMA User-Plane Address", 7389;
        MulticastMobility = 60, "Multicast Mobility", 7411;
        MulticastAcknowledgement = 61, "Multicast Acknowledgement", 7411;
        LmaControlledMagParameters = 62, "LMA-Controlled MAG Parameters", 8127;
        MagMultipathBinding = 63, "MAG Multipath Binding", 8278;
        MagIdentifier = 64, "MAG Identifier", 8278;
        AnchoredPrefix = 65, "Anchored Prefix", 8885;
        LocalPrefix = 66, "Local Prefix", 8885;
        PreviousMaar = 67, "Previous MAAR", 8885;
        ServingMaar = 68, "Serving MAAR", 8885;
        DlifLinkLocalAddress = 69, "DLIF Link-Local Address", 8885;
        DlifLinkLayerAddress = 70, "DLIF Link-Layer Address", 8885;
    }

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

    /// Status of a Fast Binding Acknowledgment: below 128 accepted (RFC 5568 section 6.2.3).
    pub enum FastBindingStatus: u8 {
        Accepted = 0, "Fast Binding Update accepted", 5568;
        AcceptedButCareOfAddressInvalid = 1, "Fast Binding Update accepted but NCoA is invalid", 5568;
        ReasonUnspecified = 128, "Reason unspecified", 5568;
        AdministrativelyProhibited = 129, "Administratively prohibited", 5568;
        InsufficientResources = 130, "Insufficient resources", 5568;
        IncorrectInterfaceIdentifierLength = 131, "Incorrect interface identifier length", 5568;
    }

    /// Code of a Handover Initiate (IANA "Handover Initiate Status Codes"). With flag P, 0 means
    /// nothing in particular (RFC 5949 section 6.1.1).
    pub enum HandoverInitiateCode: u8 {
        FbuFromPreviousCareOfAddress = 0, "FBU with the PCoA as source IP address", 5568;
        FbuNotFromPreviousCareOfAddress = 1, "FBU whose source IP address is not PCoA", 5568;
        ForwardingCompleted = 2, "Indicate the completion of forwarding", 5949;
        AllContextTransferred = 3, "All available context transferred", 5949;
    }

    /// Code of a Handover Acknowledge (IANA "Handover Acknowledge Status Codes"): below 128
    /// accepted.
    pub enum HandoverAcknowledgeCode: u8 {
        Accepted = 0, "Handover Accepted or Successful", 5568;
        CareOfAddressNotValid = 1, "Handover Accepted, NCoA not valid", 5568;
        CareOfAddressAssigned = 2, "Handover Accepted, NCoA assigned", 5568;
        UsePreviousCareOfAddress = 3, "Handover Accepted, use PCoA", 5568;
        Unsolicited = 4, "Message sent unsolicited", 5568;
        ContextTransferAccepted = 5, "Context Transfer Accepted or Successful", 5949;
        AllContextTransferred = 6, "All available Context Transferred", 5949;
        ReasonUnspecified = 128, "Handover Not Accepted, reason unspecified", 5568;
        AdministrativelyProhibited = 129, "Administratively prohibited", 5568;
        InsufficientResources = 130, "Insufficient resources", 5568;
        ContextNotAvailable = 131, "Requested Context Not Available", 5949;
        ForwardingNotAvailable = 132, "Forwarding Not Available", 5949;
    }

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

    /// How the mobile node came to this interface (IANA "Handoff Indicator Option type values").
    pub enum HandoffIndicator: u8 {
        Reserved = 0, "Reserved", 5213;
        AttachmentOverNewInterface = 1, "Attachment over a new interface", 5213;
        HandoffBetweenInterfaces = 2, "Handoff between two different interfaces of the mobile node", 5213;
        HandoffBetweenMags = 3, "Handoff between mobile access gateways for the same interface", 5213;
        HandoffStateUnknown = 4, "Handoff state unknown", 5213;
        HandoffStateNotChanged = 5, "Handoff state not changed (Re-registration)", 5213;
        AttachmentSharingPrefixes = 6, "Attachment over a new interface sharing prefixes", 7864;
    }

    /// Access technologies (IANA "Access Technology Type Option type values").
    pub enum AccessTechnologyType: u8 {
        Reserved = 0, "Reserved", 5213;
        Virtual = 1, "Virtual", 5213;
        Ppp = 2, "PPP", 5213;
        Ethernet = 3, "IEEE 802.3", 5213;
        Wlan = 4, "IEEE 802.11a/b/g", 5213;
        Wimax = 5, "IEEE 802.16e", 5213;
        Geran = 6, "3GPP GERAN", 0;
        Utran = 7, "3GPP UTRAN", 0;
        Eutran = 8, "3GPP E-UTRAN", 0;
        Ehrpd = 9, "3GPP2 eHRPD", 0;
        Hrpd = 10, "3GPP2 HRPD", 0;
        OneXRtt = 11, "3GPP2 1xRTT", 0;
        Umb = 12, "3GPP2 UMB", 0;
        NbIot = 13, "3GPP NB-IoT", 0;
    }

    /// What a mobile node identifier is made of (IANA "Mobile Node Identifier Option Subtypes").
    pub enum MnIdSubtype: u8 {
        Nai = 1, "NAI", 4283;
        Ipv6Address = 2, "IPv6 address", 8371;
        Imsi = 3, "IMSI", 8371;
        PTmsi = 4, "P-TMSI", 8371;
        Eui48 = 5, "EUI-48 address", 8371;
        Eui64 = 6, "EUI-64 address", 8371;
        Guti = 7, "GUTI", 8371;
        Duid = 8, "DUID", 8371;
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

    /// Who authenticates a message, and how (IANA "Mobility Message Authentication Option subtypes").
    pub enum AuthenticationSubtype: u8 {
        MobileNodeAndHomeAgent = 1, "MN-HA", 4285;
        MobileNodeAndAaa = 2, "MN-AAA", 4285;
    }

    /// Whose link-layer address an option holds (RFC 5568 section 6.4.3; in a Mobility Header only 2
    /// is defined, section 6.4.4).
    pub enum LinkLayerAddressCode: u8 {
        Wildcard = 0, "Wildcard", 5568;
        NewAccessPoint = 1, "New Access Point", 5568;
        MobileNode = 2, "Mobile node", 5568;
        NewAccessRouter = 3, "NAR", 5568;
        Source = 4, "Source of RtSolPr or PrRtAdv", 5568;
        CurrentInterface = 5, "Current interface of the router", 5568;
        NoPrefixInformation = 6, "No prefix information available", 5568;
        NoFastHandover = 7, "No fast handover support available", 5568;
    }

    /// Whose address a Mobility Header IPv6 Address/Prefix option holds (RFC 5568 section 6.4.2).
    pub enum HandoverAddressCode: u8 {
        OldCareOfAddress = 1, "Old Care-of Address", 5568;
        NewCareOfAddress = 2, "New Care-of Address", 5568;
        NewAccessRouterAddress = 3, "NAR's IP address", 5568;
        NewAccessRouterPrefix = 4, "NAR's Prefix", 5568;
    }

    /// The family of a Local Mobility Anchor Address (RFC 5949 section 6.2.2).
    pub enum LmaAddressCode: u8 {
        Ipv6 = 1, "IPv6 address of the local mobility anchor", 5949;
        Ipv4 = 2, "IPv4 address of the local mobility anchor", 5949;
    }

    /// Whether the name server was updated (RFC 5026 section 8.1).
    pub enum DnsUpdateStatus: u8 {
        Performed = 0, "DNS update performed", 5026;
        ReasonUnspecified = 128, "Reason unspecified", 5026;
        AdministrativelyProhibited = 129, "Administratively prohibited", 5026;
        Failed = 130, "DNS update failed", 5026;
    }

    /// What kind of group a Mobile Node Group Identifier names (RFC 6602 section 4.3).
    pub enum MobileNodeGroupSubtype: u8 {
        BulkBindingUpdate = 1, "Bulk Binding Update Group", 6602;
    }

    /// Types of multicast membership reports, of IGMP and of MLD, whose numbers do not meet
    /// (RFC 7161 sections 4.1.2 and 6.1, RFC 7028 section 5.1.2).
    pub enum MulticastReportType: u8 {
        Igmpv1 = 18, "IGMPv1", 7161;
        Igmpv2 = 22, "IGMPv2", 7161;
        Igmpv3 = 34, "IGMPv3", 7161;
        Mldv1 = 131, "MLDv1", 7161;
        Mldv2 = 143, "MLDv2", 7161;
    }

    /// What the report in a Multicast Mobility option is in (RFC 7411 section 5.3).
    pub enum MulticastPayload: u8 {
        Igmpv3 = 1, "IGMPv3", 7411;
        Mldv2 = 2, "MLDv2", 7411;
        Igmpv3FromIgmpv2 = 3, "IGMPv3 from IGMPv2 compatibility mode", 7411;
        Mldv2FromMldv1 = 4, "MLDv2 from MLDv1 compatibility mode", 7411;
    }

    /// Why groups were refused (RFC 7411 section 5.4).
    pub enum MulticastAcknowledgementStatus: u8 {
        PayloadTypeUnsupported = 1, "Report Payload type unsupported", 7411;
        GroupServiceUnsupported = 2, "Requested group service unsupported", 7411;
        GroupServiceProhibited = 3, "Requested group service administratively prohibited", 7411;
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

    /// Sub-options of an Access Network Identifier (IANA "Access Network Information (ANI)
    /// Sub-Option Type Values").
    pub enum AniSubOptionType: u8 {
        Reserved = 0, "Reserved", 6757;
        NetworkIdentifier = 1, "Network-Identifier sub-option", 6757;
        GeoLocation = 2, "Geo-Location sub-option", 6757;
        OperatorIdentifier = 3, "Operator-Identifier sub-option", 6757;
        CivicLocation = 4, "Civic-Location sub-option", 7563;
        MagGroupIdentifier = 5, "MAG-Group-Identifier sub-option", 7563;
        UpdateTimer = 6, "ANI Update-Timer sub-option", 7563;
    }

    /// What an operator identifier is made of (IANA "Operator-Identifier Type Registry").
    pub enum OperatorIdentifierType: u8 {
        Reserved = 0, "Reserved", 6757;
        PrivateEnterpriseNumber = 1, "Operator-Identifier as a variable-length Private Enterprise Number (PEN)", 6757;
        Realm = 2, "Realm of the Operator", 6757;
    }

    /// How a civic location is written (RFC 7563 section 3.1).
    pub enum CivicLocationFormat: u8 {
        Binary = 0, "Binary Encoding", 7563;
    }

    /// What a Quality-of-Service option asks for (RFC 7222 section 4.1). Receivers ignore options
    /// with numbers that have no name here.
    pub enum QosOperation: u8 {
        Response = 0, "RESPONSE", 7222;
        Allocate = 1, "ALLOCATE", 7222;
        DeAllocate = 2, "DE-ALLOCATE", 7222;
        Modify = 3, "MODIFY", 7222;
        Query = 4, "QUERY", 7222;
        Negotiate = 5, "NEGOTIATE", 7222;
    }

    /// Attributes of a Quality-of-Service option (IANA "Quality-of-Service Attribute Registry").
    pub enum QosAttributeType: u8 {
        Reserved = 0, "Reserved", 7222;
        PerMnAggMaxDlBitRate = 1, "Per-MN-Agg-Max-DL-Bit-Rate", 7222;
        PerMnAggMaxUlBitRate = 2, "Per-MN-Agg-Max-UL-Bit-Rate", 7222;
        PerSessionAggMaxDlBitRate = 3, "Per-Session-Agg-Max-DL-Bit-Rate", 7222;
        PerSessionAggMaxUlBitRate = 4, "Per-Session-Agg-Max-UL-Bit-Rate", 7222;
        AllocationRetentionPriority = 5, "Allocation-Retention-Priority", 7222;
        AggregateMaxDlBitRate = 6, "Aggregate-Max-DL-Bit-Rate", 7222;
        AggregateMaxUlBitRate = 7, "Aggregate-Max-UL-Bit-Rate", 7222;
        GuaranteedDlBitRate = 8, "Guaranteed-DL-Bit-Rate", 7222;
        GuaranteedUlBitRate = 9, "Guaranteed-UL-Bit-Rate", 7222;
        QosTrafficSelector = 10, "QoS-Traffic-Selector", 7222;
        QosVendorSpecific = 11, "QoS-Vendor-Specific-Attribute", 7222;
    }

    /// Whether resources move from one data flow to another (RFC 7222 section 4.2.5); 2 and 3 are
    /// reserved.
    pub enum Preemption: u8 {
        Enabled = 0, "Enabled", 7222;
        Disabled = 1, "Disabled", 7222;
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

granted_below_128! {
    FastBindingStatus, "RFC 5568 section 6.2.3";
    HandoverAcknowledgeCode, "RFC 5568 section 6.2.1.2";
    BindingRevocationStatus, "RFC 5846 section 5.2";
    LocalizedRoutingStatus, "RFC 6705 section 10.2";
    UpdateNotificationStatus, "RFC 7077 section 4.2";
    FlowBindingStatus, "RFC 7109 section 6.1.2";
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

impl FlowIdentificationStatus {
    /// Whether the flow binding was accepted: below 128 (RFC 6089 section 8).
    pub const fn is_accepted(self) -> bool {
        self.code() < 128
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
