//! Scapy's names, and where Scapy 2.8.0 is wrong or stricter.

use crate::rules::*;

pub(crate) static RULES: Rules = Rules {
    header: HEADER,
    messages: MESSAGES,
    option_header: OPTION_HEADER,
    options: OPTIONS,
    untyped_message: &[],
    untyped_option: AS_OCTETS,
    aligns: |number| number <= 16,
    exceptions: EXCEPTIONS,
};

const HEADER: &[Row] = &[
    same("header.payload_proto", "nh"),
    same("header.len", "len"),
    same("header.mh_type", "mhtype"),
    zero("res"),
    same("header.checksum", "cksum"),
    unseen("header.data"),
];

const MESSAGES: Table = &[
    (0, &[zero("res2")]),
    (1, TEST_INIT),
    (2, TEST_INIT),
    (3, TEST),
    (4, TEST),
    (
        5,
        &[
            same("sequence", "seq"),
            bits("flags", 0xfe00, "flags"),
            bits("flags", 0x01ff, "reserved"),
            same("lifetime", "mhtime"),
        ],
    ),
    (
        6,
        &[
            same("status", "status"),
            bits("flags", 0xe0, "flags"),
            bits("flags", 0x1f, "res2"),
            same("sequence", "seq"),
            same("lifetime", "mhtime"),
        ],
    ),
    (
        7,
        &[
            same("status", "status"),
            zero("reserved"),
            same("home_address", "ha"),
        ],
    ),
];

const TEST_INIT: &[Row] = &[zero("reserved"), same("init_cookie", "cookie")];

const TEST: &[Row] = &[
    same("nonce_index", "index"),
    same("init_cookie", "cookie"),
    same("keygen_token", "token"),
];

const OPTION_HEADER: &[Row] = &[unseen("header.size"), unseen("header.number")];

const OPTIONS: Table = &[
    (2, &[same("value", "rinter")]),
    (3, &[same("value", "acoa")]),
    (4, &[same("home", "hni"), same("care_of", "coni")]),
    (5, &[same("octets", "authenticator")]),
    (
        6,
        &[
            zero("reserved"),
            same("length", "plen"),
            same("prefix", "prefix"),
        ],
    ),
    (8, &[same("subtype", "subtype"), same("identifier", "id")]),
    (
        9,
        &[
            same("subtype", "subtype"),
            same("spi", "mspi"),
            same("data", "authdata"),
        ],
    ),
    (10, &[same("value", "timestamp")]),
    (11, &[]),
    (12, &[same("octets", "cgaparams")]),
    (13, &[same("octets", "sig")]),
    (14, &[same("octets", "hkt")]),
    (15, &[]),
    (16, &[same("value", "cokt")]),
    (17, AS_OCTETS),
    (18, AS_OCTETS),
    (19, AS_OCTETS),
    (20, AS_OCTETS),
    (21, AS_OCTETS),
    (22, AS_OCTETS),
    (23, AS_OCTETS),
    (24, AS_OCTETS),
    (25, AS_OCTETS),
    (26, AS_OCTETS),
    (27, AS_OCTETS),
    (28, AS_OCTETS),
    (29, AS_OCTETS),
    (30, AS_OCTETS),
    (31, AS_OCTETS),
    (32, AS_OCTETS),
    (33, AS_OCTETS),
    (34, AS_OCTETS),
    (35, AS_OCTETS),
    (36, AS_OCTETS),
    (37, AS_OCTETS),
    (38, AS_OCTETS),
    (39, AS_OCTETS),
    (40, AS_OCTETS),
    (41, AS_OCTETS),
    (42, AS_OCTETS),
    (43, AS_OCTETS),
    (44, AS_OCTETS),
    (45, AS_OCTETS),
    (46, AS_OCTETS),
    (47, AS_OCTETS),
    (48, AS_OCTETS),
    (49, AS_OCTETS),
    (50, AS_OCTETS),
    (51, AS_OCTETS),
    (52, AS_OCTETS),
    (53, AS_OCTETS),
    (54, AS_OCTETS),
    (55, AS_OCTETS),
    (56, AS_OCTETS),
    (57, AS_OCTETS),
    (58, AS_OCTETS),
    (59, AS_OCTETS),
    (62, AS_OCTETS),
    (63, AS_OCTETS),
    (64, AS_OCTETS),
    (65, AS_OCTETS),
    (66, AS_OCTETS),
    (67, AS_OCTETS),
    (68, AS_OCTETS),
    (69, AS_OCTETS),
    (70, AS_OCTETS),
];

/// Of what it has no form for it shows the data; the octets of every option are compared as they
/// are.
const AS_OCTETS: &[Row] = &[ignored("odata"), unseen("*")];

const EXCEPTIONS: &[Exception] = &[
    Exception {
        subject: Subject::Option(5),
        about: About::Layout,
        when: |fields| octets(fields, "octets").len() != 12,
        reason: "RFC 6275 section 6.2.7: Length tells how long the authenticator is, not always 12",
    },
    Exception {
        subject: Subject::Option(7),
        about: About::Layout,
        when: always,
        reason: "RFC 5568 section 6.4.4 has no padding octet, and addresses of any length",
    },
    Exception {
        subject: Subject::Option(60),
        about: About::Layout,
        when: always,
        reason: "RFC 7411 section 5.3 counts Length in units of 4 octets",
    },
    Exception {
        subject: Subject::Option(61),
        about: About::Layout,
        when: always,
        reason: "RFC 7411 section 5.4 counts Length in units of 4 octets",
    },
];
