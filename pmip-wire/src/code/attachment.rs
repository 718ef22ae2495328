//! Who the mobile node is, and where and how it is attached.

code_points! {
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

    /// What kind of group a Mobile Node Group Identifier names (RFC 6602 section 4.3).
    pub enum MobileNodeGroupSubtype: u8 {
        BulkBindingUpdate = 1, "Bulk Binding Update Group", 6602;
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
}
