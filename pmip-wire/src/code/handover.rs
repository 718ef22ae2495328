//! Fast handover (RFC 5568, RFC 5949).

code_points! {
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
}

granted_below_128! {
    FastBindingStatus, "RFC 5568 section 6.2.3";
    HandoverAcknowledgeCode, "RFC 5568 section 6.2.1.2";
}
