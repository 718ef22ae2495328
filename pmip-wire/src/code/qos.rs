//! Quality of service (RFC 7222).

code_points! {
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
}
