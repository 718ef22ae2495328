//! Multicast (RFC 7028, RFC 7161, RFC 7411).

code_points! {
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
}
