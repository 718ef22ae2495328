//! Types of messages and options.

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
}
