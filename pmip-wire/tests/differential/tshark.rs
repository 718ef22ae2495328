//! Wireshark's names, and where Wireshark 4.0 is wrong.

use crate::rules::*;

pub(crate) static RULES: Rules = Rules {
    header: HEADER,
    messages: MESSAGES,
    option_header: OPTION_HEADER,
    options: OPTIONS,
    untyped_message: &[],
    untyped_option: &[],
    exceptions: EXCEPTIONS,
};

const HEADER: &[Row] = &[
    same("header.payload_proto", "mip6.proto"),
    same("header.len", "mip6.hlen"),
    same("header.mh_type", "mip6.mhtype"),
    zero("mip6.reserved"),
    same("header.checksum", "mip6.csum"),
];

const MESSAGES: Table = &[
    (
        5,
        &[
            same("sequence", "mip6.bu.seqnr"),
            bits("flags", 0x8000, "mip6.bu.a_flag"),
            bits("flags", 0x4000, "mip6.bu.h_flag"),
            bits("flags", 0x2000, "mip6.bu.l_flag"),
            bits("flags", 0x1000, "mip6.bu.k_flag"),
            bits("flags", 0x0800, "mip6.bu.m_flag"),
            bits("flags", 0x0400, "mip6.nemo.bu.r_flag"),
            bits("flags", 0x0200, "mip6.bu.p_flag"),
            bits("flags", 0x0100, "mip6.bu.f_flag"),
            bits("flags", 0x0080, "mip6.bu.t_flag"),
            bits("flags", 0x0040, "mip6.bu.b_flag"),
            // S of RFC 7161, D of RFC 8885, and what is reserved.
            unseen_bits("flags", 0x003f),
            same("lifetime", "mip6.bu.lifetime"),
        ],
    ),
    (
        6,
        &[
            same("status", "mip6.ba.status"),
            bits("flags", 0x80, "mip6.ba.k_flag"),
            bits("flags", 0x40, "mip6.nemo.ba.r_flag"),
            bits("flags", 0x20, "mip6.ba.p_flag"),
            bits("flags", 0x10, "mip6.ba.t_flag"),
            bits("flags", 0x08, "mip6.ba.b_flag"),
            unseen_bits("flags", 0x07),
            same("sequence", "mip6.ba.seqnr"),
            same("lifetime", "mip6.ba.lifetime"),
        ],
    ),
    (
        7,
        &[
            same("status", "mip6.be.status"),
            same("home_address", "mip6.be.haddr"),
        ],
    ),
    (
        13,
        &[
            same("unsolicited", "mip6.hb.u_flag"),
            same("response", "mip6.hb.r_flag"),
            same("sequence", "mip6.hb.seqnr"),
        ],
    ),
];

const OPTION_HEADER: &[Row] = &[ignored("mip6.mobility_opt.len"), unseen("header.size")];

const OPTIONS: Table = &[
    (3, &[]),
];

const EXCEPTIONS: &[Exception] = &[];
