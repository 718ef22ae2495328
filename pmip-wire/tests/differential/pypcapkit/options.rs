use super::sub_options::*;
use super::{SECOND, UNIT};
use crate::rules::*;

pub(super) const OPTION_HEADER: &[Row] =
    &[same("header.number", "type"), same("header.size", "length")];

pub(super) const OPTIONS: Table = &[
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
    (45, FLOW_IDENTIFICATION),
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
    (52, ACCESS_NETWORK_IDENTIFIER),
    (53, IPV4_TRAFFIC_OFFLOAD_SELECTOR),
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
    (58, QUALITY_OF_SERVICE),
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
    (62, LMA_CONTROLLED_MAG_PARAMETERS),
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
