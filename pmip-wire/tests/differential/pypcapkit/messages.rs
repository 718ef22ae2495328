use super::{SECOND, UNIT};
use crate::flatten::Leaf;
use crate::rules::*;

pub(super) const HEADER: &[Row] = &[
    same("header.payload_proto", "next"),
    with("header.len", "length", octets_of_units),
    same("header.mh_type", "type"),
    zero("reserved"),
    same("header.checksum", "chksum"),
    unseen("header.data"),
];

pub(super) const MESSAGES: Table = &[
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

/// The header counts units of 8 octets behind the first 8 (RFC 6275 section 6.1.1).
fn octets_of_units(units: &Leaf) -> Vec<Leaf> {
    match units {
        Leaf::Number(units) => vec![Leaf::Number((units + 1) * 8)],
        Leaf::Octets(_) | Leaf::Name(_) => Vec::new(),
    }
}
