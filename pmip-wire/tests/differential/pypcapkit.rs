//! PyPCAPKit's names, and where PyPCAPKit 1.5.0b14 is wrong or stricter. It shows times in
//! milliseconds.

use crate::flatten::{Fields, Leaf};
use crate::rules::*;

pub(crate) static RULES: Rules = Rules {
    header: HEADER,
    messages: MESSAGES,
    option_header: OPTION_HEADER,
    options: OPTIONS,
    untyped_message: &[same("mh_type", "type"), same("data", "data")],
    untyped_option: &[same("option_type", "type"), same("data", "data")],
    aligns: |_| false,
    exceptions: EXCEPTIONS,
};

const HEADER: &[Row] = &[
    same("header.payload_proto", "next"),
    with("header.len", "length", octets_of_units),
    same("header.mh_type", "type"),
    zero("reserved"),
    same("header.checksum", "chksum"),
    unseen("header.data"),
];

/// Seconds, and the unit of 4 seconds (RFC 6275 section 6.1.7).
const SECOND: i128 = 1000;
const UNIT: i128 = 4 * SECOND;

const MESSAGES: Table = &[
    (0, &[zero("msg_reserved")]),
    (1, &[same("init_cookie", "cookie"), zero("msg_reserved")]),
    (2, &[same("init_cookie", "cookie"), zero("msg_reserved")]),
    (3, HOME_TEST),
    (4, HOME_TEST),
    (5, BINDING_UPDATE),
    (6, BINDING_ACKNOWLEDGEMENT),
    (
        7,
        &[
            same("status", "status"),
            zero("msg_reserved"),
            same("home_address", "home"),
        ],
    ),
    (
        8,
        &[
            same("sequence", "seq"),
            bits("flags", 0x8000, "ack"),
            bits("flags", 0x4000, "home"),
            bits("flags", 0x2000, "lla_compat"),
            bits("flags", 0x1000, "key_mngt"),
            bits("flags", 0x0fff, "flags_reserved"),
            times("lifetime_seconds", "lifetime", SECOND),
        ],
    ),
    (
        9,
        &[
            same("status", "status"),
            bits("flags", 0x80, "key_mngt"),
            bits("flags", 0x7f, "flags_reserved"),
            same("sequence", "seq"),
            times("lifetime_seconds", "lifetime", SECOND),
        ],
    ),
    (12, &[zero("msg_reserved"), same("addresses", "addresses")]),
    (
        13,
        &[
            same("unsolicited", "unsolicited"),
            same("response", "response"),
            zero("flags_reserved"),
            same("sequence", "seq"),
        ],
    ),
    (
        14,
        &[
            same("sequence", "seq"),
            bits("flags", 0x80, "assign"),
            bits("flags", 0x40, "buffer"),
            bits("flags", 0x20, "proxy"),
            bits("flags", 0x10, "forward"),
            bits("flags", 0x0f, "flags_reserved"),
            same("code", "code"),
        ],
    ),
    (
        15,
        &[
            same("sequence", "seq"),
            bits("flags", 0x80, "buffer"),
            bits("flags", 0x40, "proxy"),
            bits("flags", 0x20, "forward"),
            bits("flags", 0x1f, "flags_reserved"),
            same("code", "code"),
        ],
    ),
    (
        16,
        &[
            same("trigger|status", "code"),
            which("trigger|status", "br_type"),
            same("sequence", "seq"),
            bits("flags", 0x8000, "proxy"),
            bits("flags", 0x4000, "ipv4_hoa"),
            bits("flags", 0x2000, "global_revocation"),
            bits("flags", 0x1fff, "flags_reserved"),
        ],
    ),
    (
        17,
        &[
            same("sequence", "seq"),
            zero("msg_reserved"),
            times("lifetime_seconds", "lifetime", SECOND),
        ],
    ),
    (
        18,
        &[
            same("sequence", "seq"),
            bits("flags", 0x80, "unsolicited"),
            bits("flags", 0x7f, "flags_reserved"),
            same("status", "status"),
            times("lifetime_seconds", "lifetime", SECOND),
        ],
    ),
    (
        19,
        &[
            same("sequence", "seq"),
            same("reason", "reason"),
            bits("flags", 0x8000, "ack"),
            bits("flags", 0x4000, "retransmit"),
            bits("flags", 0x3fff, "flags_reserved"),
        ],
    ),
    (
        20,
        &[
            same("sequence", "seq"),
            same("status", "status"),
            zero("msg_reserved"),
        ],
    ),
    (
        21,
        &[
            which("trigger|status", "fb_type"),
            same("sequence", "seq"),
            same("trigger|status", "code"),
            bits("flags", 0x80, "ack"),
            bits("flags", 0x7f, "flags_reserved"),
        ],
    ),
    (22, &[same("sequence", "seq"), zero("msg_reserved")]),
    (
        23,
        &[
            same("sequence", "seq"),
            bits("flags", 0x80, "info"),
            bits("flags", 0x7f, "flags_reserved"),
        ],
    ),
];

const HOME_TEST: &[Row] = &[
    same("nonce_index", "nonce_index"),
    same("init_cookie", "cookie"),
    same("keygen_token", "token"),
];

const BINDING_UPDATE: &[Row] = &[
    same("sequence", "seq"),
    bits("flags", 0x8000, "ack"),
    bits("flags", 0x4000, "home"),
    bits("flags", 0x2000, "lla_compat"),
    bits("flags", 0x1000, "key_mngt"),
    bits("flags", 0x0800, "map_reg"),
    bits("flags", 0x0400, "mobile_router"),
    bits("flags", 0x0200, "proxy_reg"),
    bits("flags", 0x0100, "udp_encap"),
    bits("flags", 0x0080, "tlv_format"),
    bits("flags", 0x0040, "bulk_binding"),
    bits("flags", 0x0020, "multicast"),
    bits("flags", 0x0010, "dmm"),
    bits("flags", 0x000f, "flags_reserved"),
    times("lifetime", "lifetime", UNIT),
];

const BINDING_ACKNOWLEDGEMENT: &[Row] = &[
    same("status", "status"),
    bits("flags", 0x80, "key_mngt"),
    bits("flags", 0x40, "mobile_router"),
    bits("flags", 0x20, "proxy_reg"),
    bits("flags", 0x10, "tlv_format"),
    bits("flags", 0x08, "bulk_binding"),
    bits("flags", 0x04, "multicast"),
    bits("flags", 0x02, "dmm"),
    bits("flags", 0x01, "flags_reserved"),
    same("sequence", "seq"),
    times("lifetime", "lifetime", UNIT),
];

const OPTION_HEADER: &[Row] = &[same("header.number", "type"), same("header.size", "length")];

/// One field of a binary traffic selector, of either family.
macro_rules! selector {
    ($ours:literal, $theirs:literal, $row:ident, $our_field:literal, $their_field:literal) => {
        $row(
            concat!(
                $ours, ".Ipv4.", $our_field, "|", $ours, ".Ipv6.", $our_field
            ),
            concat!($theirs, ".", $their_field),
        )
    };
}

/// The rows given, and those of a traffic selector (RFC 6088 section 3).
macro_rules! with_selector {
    ($ours:literal, $theirs:literal, [$($row:expr,)*]) => {
        &[
            $($row,)*
            selector!($ours, $theirs, same, "source_address.start", "source_address.start"),
            selector!($ours, $theirs, same, "source_address.end", "source_address.end"),
            selector!($ours, $theirs, same, "destination_address.start", "destination_address.start"),
            selector!($ours, $theirs, same, "destination_address.end", "destination_address.end"),
            selector!($ours, $theirs, same, "spi.start", "spi.start"),
            selector!($ours, $theirs, same, "spi.end", "spi.end"),
            same(concat!($ours, ".Ipv6.flow_label.start"), concat!($theirs, ".flow_label.start")),
            same(concat!($ours, ".Ipv6.flow_label.end"), concat!($theirs, ".flow_label.end")),
            selector!($ours, $theirs, same, "source_port.start", "source_port.start"),
            selector!($ours, $theirs, same, "source_port.end", "source_port.end"),
            selector!($ours, $theirs, same, "destination_port.start", "destination_port.start"),
            selector!($ours, $theirs, same, "destination_port.end", "destination_port.end"),
            selector!($ours, $theirs, upper_six_bits, "dscp.start", "ds.start"),
            selector!($ours, $theirs, upper_six_bits, "dscp.end", "ds.end"),
            same(concat!($ours, ".Ipv4.protocol.start"), concat!($theirs, ".protocol.start")),
            same(concat!($ours, ".Ipv4.protocol.end"), concat!($theirs, ".protocol.end")),
            same(concat!($ours, ".Ipv6.next_header.start"), concat!($theirs, ".next_header.start")),
            same(concat!($ours, ".Ipv6.next_header.end"), concat!($theirs, ".next_header.end")),
            same(concat!($ours, ".Other.format"), concat!($theirs, ".format")),
            same(concat!($ours, ".Other.selector"), concat!($theirs, ".octets")),
            zero(concat!($theirs, ".left_over")),
        ]
    };
}

/// The DSCP is the upper six bits of the octet (RFC 6088 section 3.1).
const fn upper_six_bits(ours: &'static str, theirs: &'static str) -> Row {
    times(ours, theirs, 4)
}

const OPTIONS: Table = &[
    (2, &[times("value", "interval", UNIT)]),
    (3, &[same("value", "address")]),
    (4, &[same("home", "home"), same("care_of", "careof")]),
    (5, &[same("octets", "data")]),
    (
        6,
        &[
            zero("reserved"),
            same("length", "prefix.length"),
            same("prefix", "prefix.address"),
        ],
    ),
    (7, &[same("code", "code"), same("address", "lla")]),
    (
        8,
        &[same("subtype", "subtype"), same("identifier", "identifier")],
    ),
    (
        9,
        &[
            same("subtype", "subtype"),
            same("spi", "spi"),
            same("data", "data"),
        ],
    ),
    (
        10,
        &[
            bits("value", 0xffff_ffff << 32, "ntp_timestamp.seconds"),
            bits("value", 0xffff_ffff, "ntp_timestamp.fraction"),
        ],
    ),
    (11, &[]),
    (12, &[unseen("octets")]),
    (13, &[same("octets", "signature")]),
    (14, &[same("octets", "token")]),
    (15, &[]),
    (16, &[same("value", "token")]),
    (
        17,
        &[
            same("status", "status"),
            same("remove", "remove"),
            zero("reserved"),
            same("fqdn", "identity"),
        ],
    ),
    (18, &[same("octets", "data")]),
    (
        19,
        &[
            same("vendor_id", "vendor"),
            same("sub_type", "subtype"),
            same("data", "data"),
        ],
    ),
    (20, &[same("identifier", "identifier")]),
    (
        22,
        &[
            // L of RFC 7864 section 4.1, which PyPCAPKit counts as reserved.
            times("off_link", "reserved", 0x80),
            same("length", "prefix_length"),
            same("prefix", "prefix"),
        ],
    ),
    (23, &[zero("reserved"), same("value", "hi")]),
    (24, &[zero("reserved"), same("value", "att")]),
    (25, &[zero("reserved"), same("identifier", "lli")]),
    (26, &[same("value", "address")]),
    (
        27,
        &[
            bits("value", 0xffff_ffff_ffff << 16, "pmip_timestamp.seconds"),
            bits("value", 0xffff, "pmip_timestamp.fraction"),
        ],
    ),
    (28, &[same("value", "counter")]),
    (
        29,
        &[
            same("prefix_length", "prefix_length"),
            same("prefix_requested", "request_prefix"),
            zero("reserved"),
            same("address", "address"),
        ],
    ),
    (
        30,
        &[
            same("status", "status"),
            same("prefix_length", "prefix_length"),
            zero("reserved"),
            same("address", "address"),
        ],
    ),
    (
        31,
        &[
            same("force_udp", "force"),
            zero("reserved"),
            times("refresh_time", "refresh", SECOND),
        ],
    ),
    (32, &[zero("reserved"), same("value", "address")]),
    (33, &[zero("reserved"), same("key", "key")]),
    (
        34,
        &[
            same("code", "code"),
            same("prefix.length", "prefix_length"),
            same("prefix.prefix", "address"),
        ],
    ),
    (
        35,
        &[
            same("binding_id", "bid"),
            same("status", "status"),
            same("home_and_foreign", "simultaneous"),
            same("priority", "bid_pri"),
            same("care_of_address", "address"),
        ],
    ),
    (
        36,
        &[
            same("prefix_length", "prefix_length"),
            zero("reserved"),
            same("address", "address"),
        ],
    ),
    (
        37,
        &[
            same("status", "status"),
            same("prefix_length", "prefix_length"),
            zero("reserved"),
            same("address", "address"),
        ],
    ),
    (38, &[zero("reserved"), same("value", "address")]),
    (39, &[zero("reserved"), same("server", "mode")]),
    (40, &[zero("reserved"), same("requests", "requests")]),
    (
        41,
        &[
            with("value", "code", code_of_family),
            zero("reserved"),
            same("value", "address"),
        ],
    ),
    (42, &[zero("reserved"), same("value", "iid")]),
    (
        43,
        &[
            same("late_path_switch", "late"),
            zero("reserved"),
            times("lifetime", "lifetime", 100),
        ],
    ),
    (44, &[same("flow_ids", "fid")]),
    (
        45,
        with_selector!(
            "sub_options.TrafficSelector",
            "suboptions.3.selector",
            [
                same("fid", "fid"),
                same("priority", "fid_pri"),
                zero("reserved"),
                same("status", "status"),
                same("sub_options.BindingReference", "suboptions.2.bid"),
                same("sub_options.FlowBindingAction", "suboptions.4.action"),
                same("sub_options.TargetCareOfAddress", "suboptions.5.address"),
                ignored("suboptions.3.reserved"),
                ignored("suboptions.4.reserved"),
                ignored("suboptions.5.reserved"),
                same("sub_options.Unknown.number", "suboptions.other.type"),
                same("sub_options.Unknown.data", "suboptions.other.data"),
            ]
        ),
    ),
    (46, &[zero("reserved")]),
    (
        47,
        &[
            with("value", "ipv4", ipv4),
            with("value", "ipv6", ipv6),
            zero("reserved"),
        ],
    ),
    (
        48,
        &[
            same("priority", "priority"),
            same("sessions_in_use", "sessions_in_use"),
            same("maximum_sessions", "max_sessions"),
            same("used_capacity", "used_capacity"),
            same("maximum_capacity", "max_capacity"),
        ],
    ),
    (49, &[same("value", "address")]),
    (
        50,
        &[
            same("subtype", "subtype"),
            zero("reserved"),
            same("group", "group_id"),
        ],
    ),
    (
        51,
        &[
            zero("reserved"),
            with("value", "address_length", bits_of_address),
            same("value", "address"),
        ],
    ),
    (
        52,
        &[
            same("sub_options.NetworkIdentifier.utf8", "suboptions.1.utf8"),
            zero("suboptions.1.reserved"),
            same(
                "sub_options.NetworkIdentifier.network_name",
                "suboptions.1.net_name",
            ),
            same(
                "sub_options.NetworkIdentifier.access_point_name",
                "suboptions.1.ap_name",
            ),
            same(
                "sub_options.GeoLocation.latitude",
                "suboptions.2.raw_latitude",
            ),
            same(
                "sub_options.GeoLocation.longitude",
                "suboptions.2.raw_longitude",
            ),
            same(
                "sub_options.OperatorIdentifier.identifier_type",
                "suboptions.3.op_id_type",
            ),
            same(
                "sub_options.OperatorIdentifier.identifier",
                "suboptions.3.identifier",
            ),
            same("sub_options.CivicLocation.format", "suboptions.4.format"),
            ignored("suboptions.4.reserved"),
            same(
                "sub_options.CivicLocation.location",
                "suboptions.4.location",
            ),
            same("sub_options.MagGroupIdentifier", "suboptions.5.group_id"),
            times("sub_options.UpdateTimer", "suboptions.6.timer", UNIT),
            same("sub_options.Unknown.number", "suboptions.other.type"),
            same("sub_options.Unknown.data", "suboptions.other.data"),
        ],
    ),
    (
        53,
        with_selector!(
            "sub_options.TrafficSelector",
            "selector.3.selector",
            [
                same("tunnel_matching", "mode"),
                zero("reserved"),
                same("sub_options.BindingReference", "selector.2.bid"),
                same("sub_options.FlowBindingAction", "selector.4.action"),
                same("sub_options.TargetCareOfAddress", "selector.5.address"),
                ignored("selector.3.reserved"),
                ignored("selector.4.reserved"),
                ignored("selector.5.reserved"),
                same("sub_options.Unknown.number", "selector.other.type"),
                same("sub_options.Unknown.data", "selector.other.data"),
            ]
        ),
    ),
    (
        54,
        &[
            same("protocol", "protocol"),
            same("local", "mode"),
            zero("reserved"),
            same("record_count", "records"),
            same("records", "data"),
        ],
    ),
    (
        55,
        &[
            present("Ipv4.0", "ipv4"),
            zero("reserved"),
            same("Ipv4.1|Ipv6.1", "prefix_length"),
            same("Ipv4.0|Ipv6.0", "prefix"),
        ],
    ),
    (
        56,
        &[same("report_type", "igmp_type"), same("context", "context")],
    ),
    (
        57,
        &[same("report_type", "mld_type"), same("context", "context")],
    ),
    (
        58,
        with_selector!(
            "attributes.QosTrafficSelector",
            "attributes.10.selector",
            [
                same("service_request", "sr_id"),
                same("dscp", "dscp"),
                same("operation", "oc"),
                zero("reserved"),
                same("attributes.PerMnAggMaxDlBitRate", "attributes.1.rate"),
                same("attributes.PerMnAggMaxUlBitRate", "attributes.2.rate"),
                same(
                    "attributes.PerSessionAggMaxDlBitRate.service",
                    "attributes.3.service"
                ),
                same(
                    "attributes.PerSessionAggMaxDlBitRate.exclude",
                    "attributes.3.exclude"
                ),
                same(
                    "attributes.PerSessionAggMaxDlBitRate.bit_rate",
                    "attributes.3.rate"
                ),
                same(
                    "attributes.PerSessionAggMaxUlBitRate.service",
                    "attributes.4.service"
                ),
                same(
                    "attributes.PerSessionAggMaxUlBitRate.exclude",
                    "attributes.4.exclude"
                ),
                same(
                    "attributes.PerSessionAggMaxUlBitRate.bit_rate",
                    "attributes.4.rate"
                ),
                same(
                    "attributes.AllocationRetentionPriority.priority_level",
                    "attributes.5.priority_level"
                ),
                same(
                    "attributes.AllocationRetentionPriority.preemption_capability",
                    "attributes.5.preemption_capability"
                ),
                same(
                    "attributes.AllocationRetentionPriority.preemption_vulnerability",
                    "attributes.5.preemption_vulnerability"
                ),
                same("attributes.AggregateMaxDlBitRate", "attributes.6.rate"),
                same("attributes.AggregateMaxUlBitRate", "attributes.7.rate"),
                same("attributes.GuaranteedDlBitRate", "attributes.8.rate"),
                same("attributes.GuaranteedUlBitRate", "attributes.9.rate"),
                same(
                    "attributes.QosVendorSpecific.vendor_id",
                    "attributes.11.vendor"
                ),
                same(
                    "attributes.QosVendorSpecific.sub_type",
                    "attributes.11.subtype"
                ),
                same("attributes.QosVendorSpecific.data", "attributes.11.data"),
                zero("attributes.1.reserved"),
                zero("attributes.2.reserved"),
                zero("attributes.3.reserved"),
                zero("attributes.4.reserved"),
                zero("attributes.5.reserved"),
                zero("attributes.6.reserved"),
                zero("attributes.7.reserved"),
                zero("attributes.8.reserved"),
                zero("attributes.9.reserved"),
                zero("attributes.10.reserved"),
                zero("attributes.11.reserved"),
                same("attributes.Unknown.number", "attributes.other.type"),
                same("attributes.Unknown.data", "attributes.other.data"),
            ]
        ),
    ),
    (59, &[zero("reserved"), same("value", "address")]),
    (
        60,
        &[
            same("payload", "code"),
            zero("reserved"),
            same("report", "data"),
        ],
    ),
    (
        61,
        &[
            same("code", "code"),
            same("status", "status"),
            same("report", "data"),
        ],
    ),
    (
        62,
        &[
            times(
                "sub_options.BindingReregistrationControl.start_time",
                "suboptions.1.start_time",
                UNIT,
            ),
            times(
                "sub_options.BindingReregistrationControl.initial_retransmission_time",
                "suboptions.1.initial_retransmission",
                SECOND,
            ),
            times(
                "sub_options.BindingReregistrationControl.maximum_retransmission_time",
                "suboptions.1.max_retransmission",
                SECOND,
            ),
            times(
                "sub_options.HeartbeatControl.interval",
                "suboptions.2.interval",
                SECOND,
            ),
            times(
                "sub_options.HeartbeatControl.retransmission_delay",
                "suboptions.2.retransmission_delay",
                SECOND,
            ),
            same(
                "sub_options.HeartbeatControl.max_retransmissions",
                "suboptions.2.max_retransmissions",
            ),
            same("sub_options.Unknown.number", "suboptions.other.type"),
            same("sub_options.Unknown.data", "suboptions.other.data"),
        ],
    ),
    (
        63,
        &[
            same("access_technology", "att"),
            same("label", "label"),
            same("binding_id", "bid"),
            same("bulk", "bulk"),
            same("overwrite", "overwrite"),
            zero("reserved"),
        ],
    ),
    (
        64,
        &[
            same("subtype", "subtype"),
            zero("reserved"),
            same("identifier", "identifier"),
        ],
    ),
    (
        65,
        &[
            zero("reserved"),
            same("length", "prefix_length"),
            same("prefix", "prefix"),
        ],
    ),
    (
        66,
        &[
            zero("reserved"),
            same("length", "prefix_length"),
            same("prefix", "prefix"),
        ],
    ),
    (
        67,
        &[
            zero("reserved"),
            same("prefix.length", "prefix_length"),
            same("address", "maar"),
            same("prefix.prefix", "prefix"),
        ],
    ),
    (68, &[same("value", "address")]),
    (69, &[same("value", "address")]),
    (70, &[zero("reserved"), same("address", "lla")]),
];

/// The header counts units of 8 octets behind the first 8 (RFC 6275 section 6.1.1).
fn octets_of_units(units: &Leaf) -> Vec<Leaf> {
    match units {
        Leaf::Number(units) => vec![Leaf::Number((units + 1) * 8)],
        Leaf::Octets(_) | Leaf::Name(_) => Vec::new(),
    }
}

const EXCEPTIONS: &[Exception] = &[
    Exception {
        subject: Subject::Option(5),
        about: About::GivesUp,
        when: |fields| octets(fields, "octets").len() % 8 != 0,
        reason: "RFC 6275 section 6.2.7: the authenticator has 96 bits, no multiple of 8 octets",
    },
    Exception {
        subject: Subject::Option(6),
        about: About::GivesUp,
        when: has_host_bits,
        reason: "RFC 3963 section 4.3 does not ask a receiver to look at the host bits",
    },
    Exception {
        subject: Subject::Option(7),
        about: About::GivesUp,
        when: |fields| number(fields, "code") != 2,
        reason: "RFC 5568 section 6.4.4 defines code 2 alone; the octets of others are kept here",
    },
    Exception {
        subject: Subject::Option(8),
        about: About::GivesUp,
        when: is_no_ipv6_address,
        reason: "RFC 8371 section 4.1: no IPv6 address; what an identifier must be is for the engines",
    },
    Exception {
        subject: Subject::Option(8),
        about: About::Field("identifier"),
        when: |fields| {
            is_no_ipv6_address(fields) || number(fields, "subtype") == 1 && !is_text(fields)
        },
        reason: "RFC 4283 section 3: no NAI, which PyPCAPKit reads as text; or no IPv6 address, for \
            which it reads 16 octets all the same. The octets are kept here",
    },
    Exception {
        subject: Subject::Option(8),
        about: About::Makes,
        when: is_no_ipv6_address,
        reason: "as for reading",
    },
    Exception {
        subject: Subject::Option(9),
        about: About::GivesUp,
        when: |fields| octets(fields, "data").len() % 4 != 2,
        reason: "RFC 4285 section 5.1: the data has 96 bits, which PyPCAPKit refuses; others are kept here",
    },
    Exception {
        subject: Subject::Option(12),
        about: About::GivesUp,
        when: always,
        reason: "RFC 4866 section 5.1: the parameters are RFC 3972's, octets here",
    },
    Exception {
        subject: Subject::Option(12),
        about: About::Makes,
        when: always,
        reason: "as for reading",
    },
    Exception {
        subject: Subject::Option(20),
        about: About::Field("identifier"),
        when: |fields| !is_text(fields),
        reason: "RFC 5149 section 3: no UTF-8, which PyPCAPKit reads as text; the octets are kept here",
    },
    Exception {
        subject: Subject::Option(20),
        about: About::Makes,
        when: |fields| !is_text(fields),
        reason: "as for reading",
    },
    Exception {
        subject: Subject::Option(21),
        about: About::Layout,
        when: always,
        reason: "RFC 5568 section 6.4.5 counts the authenticator alone in Length, RFC 6275 section \
            6.2.1 all data of every option, without which no receiver could skip it",
    },
    Exception {
        subject: Subject::Option(27),
        about: About::GivesUp,
        when: |fields| number(fields, "value") >> 16 >= YEAR_10000,
        reason: "RFC 5213 section 8.8: 48 bits of seconds; Python's calendar ends with the year 9999",
    },
    Exception {
        subject: Subject::Option(34),
        about: About::GivesUp,
        when: |fields| !(1..=4).contains(&number(fields, "code")),
        reason: "RFC 5568 section 6.4.2 defines codes 1 to 4; others are kept here",
    },
    Exception {
        subject: Subject::Option(63),
        about: About::GivesUp,
        when: |fields| number(fields, "bulk") == 1 && number(fields, "overwrite") == 1,
        reason: "RFC 8278 section 4.1: never both; which combinations mean something is for the engines",
    },
    Exception {
        subject: Subject::Message(9),
        about: About::GivesUp,
        when: |fields| ![0, 1, 128, 129, 130, 131].contains(&number(fields, "status")),
        reason: "RFC 5568 section 6.2.3 defines 0, 1 and 128 to 131; others are kept here",
    },
    Exception {
        subject: Subject::Message(18),
        about: About::GivesUp,
        when: |fields| ![0, 128, 129].contains(&number(fields, "status")),
        reason: "RFC 6705 section 10.2 defines 0, 128 and 129; others are kept here",
    },
];

/// In seconds since 1970.
const YEAR_10000: i128 = 253_402_300_800;

fn is_text(fields: &Fields) -> bool {
    std::str::from_utf8(octets(fields, "identifier")).is_ok()
}

fn is_no_ipv6_address(fields: &Fields) -> bool {
    number(fields, "subtype") == 2 && octets(fields, "identifier").len() != 16
}

fn has_host_bits(fields: &Fields) -> bool {
    let octets: [u8; 16] = octets(fields, "prefix").try_into().expect("an address");
    let length = u32::try_from(number(fields, "length")).expect("at most 128");
    u128::from_be_bytes(octets)
        .checked_shl(length)
        .is_some_and(|host| host != 0)
}
