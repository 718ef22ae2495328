use crate::rules::*;

pub(super) const HEADER: &[Row] = &[
    same("header.payload_proto", "mip6.proto"),
    same("header.len", "mip6.hlen"),
    same("header.mh_type", "mip6.mhtype"),
    zero("mip6.reserved"),
    same("header.checksum", "mip6.csum"),
    unseen("header.data"),
];

pub(super) const MESSAGES: Table = &[
    (0, &[ignored("mip6.binding_refresh_request")]),
    (1, &[same("init_cookie", "mip6.hoti.cookie")]),
    (2, &[same("init_cookie", "mip6.coti.cookie")]),
    (
        3,
        &[
            same("nonce_index", "mip6.hot.nindex"),
            same("init_cookie", "mip6.hot.cookie"),
            same("keygen_token", "mip6.hot.token"),
        ],
    ),
    (
        4,
        &[
            same("nonce_index", "mip6.cot.nindex"),
            same("init_cookie", "mip6.cot.cookie"),
            same("keygen_token", "mip6.hot.token"),
        ],
    ),
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
        8,
        &[
            same("sequence", "mip6.fbu.seqnr"),
            bits("flags", 0x8000, "mip6.fbu.a_flag"),
            bits("flags", 0x4000, "mip6.fbu.h_flag"),
            bits("flags", 0x2000, "mip6.fbu.l_flag"),
            bits("flags", 0x1000, "mip6.fbu.k_flag"),
            unseen_bits("flags", 0x0fff),
            same("lifetime_seconds", "mip6.fbu.lifetime"),
        ],
    ),
    (
        9,
        &[
            same("status", "mip6.fback.status"),
            bits("flags", 0x80, "mip6.fback.k_flag"),
            unseen_bits("flags", 0x7f),
            same("sequence", "mip6.fback.seqnr"),
            same("lifetime_seconds", "mip6.fback.lifetime"),
        ],
    ),
    (
        12,
        &[
            ignored("mip6.has.num_addrs"),
            zero("mip6.has.reserved"),
            same("addresses", "mip6.has.address"),
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
    (
        14,
        &[
            same("sequence", "mip6.hi.seqnr"),
            bits("flags", 0x80, "mip6.hi.s_flag"),
            bits("flags", 0x40, "mip6.hi.u_flag"),
            unseen_bits("flags", 0x3f),
            same("code", "mip6.hi.code"),
        ],
    ),
    (
        15,
        &[
            same("sequence", "mip6.hack.seqnr"),
            unseen_bits("flags", 0xff),
            same("code", "mip6.hack.code"),
        ],
    ),
    (
        16,
        &[
            which("trigger|status", "mip6.bri_br.type"),
            same("trigger", "mip6.bri_r.trigger"),
            same("status", "mip6.bri_status"),
            same("sequence", "mip6.bri_seqnr"),
            bits("flags", 0x8000, "mip6.bri_ip|mip6.bri_ap"),
            bits("flags", 0x4000, "mip6.bri_iv|mip6.bri_av"),
            bits("flags", 0x2000, "mip6.bri_ig|mip6.bri_ag"),
            bits("flags", 0x1fff, "mip6.bri_res"),
        ],
    ),
    (19, UNDISSECTED_BODY),
    (20, UNDISSECTED_BODY),
    (21, UNDISSECTED_BODY),
    (22, UNDISSECTED_BODY),
    (23, UNDISSECTED_BODY),
];

/// Of a type that it has no dissector for it shows the octets.
const UNDISSECTED_BODY: &[Row] = &[same("header.data", "mip6.unknown_type_data"), unseen("*")];
