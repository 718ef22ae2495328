//! Wireshark's names, and where Wireshark 4.0 is wrong.

use crate::flatten::{Fields, Leaf};
use crate::rules::*;

pub(crate) static RULES: Rules = Rules {
    header: HEADER,
    messages: MESSAGES,
    option_header: OPTION_HEADER,
    options: OPTIONS,
    untyped_message: &[unseen("mh_type"), same("data", "mip6.unknown_type_data")],
    untyped_option: UNDISSECTED,
    aligns: |_| false,
    exceptions: EXCEPTIONS,
};

const HEADER: &[Row] = &[
    same("header.payload_proto", "mip6.proto"),
    same("header.len", "mip6.hlen"),
    same("header.mh_type", "mip6.mhtype"),
    zero("mip6.reserved"),
    same("header.checksum", "mip6.csum"),
    unseen("header.data"),
];

const MESSAGES: Table = &[
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

const OPTION_HEADER: &[Row] = &[
    ignored("mip6.mobility_opt.len"),
    unseen("header.number"),
    unseen("header.size"),
];

const OPTIONS: Table = &[
    (2, &[same("value", "mip6.bra.interval")]),
    (3, &[same("value", "mip6.acoa.acoa")]),
    (
        4,
        &[same("home", "mip6.ni.hni"), same("care_of", "mip6.ni.cni")],
    ),
    (5, &[same("octets", "mip6.bad.auth")]),
    (
        6,
        &[
            same("length", "mip6.nemo.mnp.pfl"),
            same("prefix", "mip6.nemo.mnp.mnp"),
        ],
    ),
    (
        7,
        &[
            same("code", "mip6.lla.optcode"),
            same("address", "mip6.lla"),
        ],
    ),
    (
        8,
        &[
            same("subtype", "mip6.mnid.subtype"),
            same("identifier", "mip6.mnid.identifier"),
        ],
    ),
    (
        9,
        &[
            same("subtype", "mip6.auth.subtype"),
            same("spi", "mip6.auth.mobility_spi"),
            with("data", "mip6.auth.auth_data", all_but_two),
        ],
    ),
    (10, &[same("value", "mip6.mseg_id.timestamp")]),
    (11, &[]),
    (12, &[with("octets", "mip6.cgar.cga_par", all_but_two)]),
    (13, &[with("octets", "mip6.sign.sign", all_but_two)]),
    (14, &[with("octets", "mip6.phkt.phkt", all_but_two)]),
    (15, &[]),
    (
        16,
        &[with("value", "mip6.mocot.co_keygen_tok", all_but_two)],
    ),
    (
        17,
        &[
            same("status", "mip6.dnsu.status"),
            same("remove", "mip6.dnsu.flag.r"),
            with("fqdn", "mip6.dnsu.mn_id", all_but_two),
        ],
    ),
    (18, &[with("octets", "mip6.em.data", all_but_two)]),
    (
        19,
        &[
            same("vendor_id", "mip6.vsm.vendorId"),
            same("sub_type", "mip6.vsm.subtype"),
            with("data", "mip6.vsm.data", all_but_two),
        ],
    ),
    (20, &[same("identifier", "mip6.ss.identifier")]),
    (
        21,
        &[
            same("spi", "mip6.badff.spi"),
            with("authenticator", "mip6.badff.auth", all_but_two),
        ],
    ),
    (
        22,
        &[
            unseen("off_link"),
            same("length", "mip6.nemo.mnp.pfl"),
            same("prefix", "mip6.nemo.mnp.mnp"),
        ],
    ),
    (23, &[zero("mip6.hi.reserved"), same("value", "mip6.hi")]),
    (24, &[zero("mip6.att.reserved"), same("value", "mip6.att")]),
    (
        25,
        &[
            zero("mip6.mnlli.reserved"),
            same("identifier", "mip6.mnlli.lli"),
        ],
    ),
    (26, &[same("value", "mip6.lila_lla")]),
    (27, &[same("value", "mip6.timestamp_tmp")]),
    (28, &[same("value", "mip6.rc")]),
    (
        29,
        &[
            same("prefix_length", "mip6.ipv4ha.preflen"),
            same("prefix_requested", "mip6.ipv4ha.p_flag"),
            same("address", "mip6.ipv4ha.ha"),
        ],
    ),
    (
        30,
        &[
            same("status", "mip6.ipv4aa.sts"),
            same("prefix_length", "mip6.ipv4ha.preflen"),
            same("address", "mip6.ipv4ha.ha"),
        ],
    ),
    (
        31,
        &[
            same("force_udp", "mip6.natd.f_flag"),
            zero("mip6.natd.reserved"),
            same("refresh_time", "mip6.natd.refresh_t"),
        ],
    ),
    (
        32,
        &[
            zero("mip6.ipv4coa.reserved"),
            same("value", "mip6.ipv4coa.addr"),
        ],
    ),
    (
        33,
        &[zero("mip6.ipv4dra.reserved"), same("key", "mip6.gre_key")],
    ),
    (
        34,
        &[
            same("code", "mip6.mhipv6ap.opt_code"),
            same("prefix.length", "mip6.mhipv6ap.len"),
            same("prefix.prefix", "mip6.mhipv6ap.ipv6_address"),
            ignored("mip6.mhipv6ap.ipv6_address_prefix"),
        ],
    ),
    (
        35,
        &[
            same("binding_id", "mip6.bi.bid"),
            same("status", "mip6.bi.status"),
            same("home_and_foreign", "mip6.bi.h_flag"),
            unseen("priority"),
            with("care_of_address", "mip6.bi.coa_ipv4", ipv4),
            with("care_of_address", "mip6.bi.coa_ipv6", ipv6),
        ],
    ),
    (
        36,
        &[
            same("prefix_length", "mip6.ipv4ha.preflen"),
            zero("mip6.ipv4ha.reserved"),
            same("address", "mip6.ipv4ha.ha"),
        ],
    ),
    (
        37,
        &[
            same("status", "mip6.ipv4aa.sts"),
            same("prefix_length", "mip6.ipv4ha.preflen"),
            same("address", "mip6.ipv4ha.ha"),
        ],
    ),
    (
        38,
        &[
            zero("mip6.ipv4dra.reserved"),
            same("value", "mip6.ipv4dra.dra"),
        ],
    ),
    (
        39,
        &[
            zero("mip6.ipv4dsm.reserved"),
            same("server", "mip6.ipv4dsm.s_flag"),
        ],
    ),
    (
        40,
        &[
            zero("mip6.cr.reserved"),
            with("requests", "mip6.cr.req_type", request_types),
            with("requests", "mip6.cr.req_length", request_lengths),
            with("requests", "mip6.vsm.req_data", request_data),
            ignored("mip6.vsm.vendorId"),
            ignored("mip6.vsm.subtype"),
            ignored("mip6.vsm.data"),
        ],
    ),
    (
        41,
        &[
            with("value", "mip6.lmaa.opt_code", code_of_family),
            zero("mip6.lmaa.reserved"),
            with("value", "mip6.lmaa.ipv4", ipv4),
            with("value", "mip6.lmaa.ipv6", ipv6),
        ],
    ),
    (42, UNDISSECTED),
    (43, UNDISSECTED),
    (44, UNDISSECTED),
    (45, UNDISSECTED),
    (46, &[zero("mip6.recap.reserved")]),
    (
        47,
        &[
            with("value", "mip6.redir.k", is_ipv6),
            with("value", "mip6.redir.n", is_ipv4),
            zero("mip6.redir.reserved"),
            with("value", "mip6.redir.addr_r2lma_ipv4", ipv4),
            with("value", "mip6.redir.addr_r2lma_ipv6", ipv6),
        ],
    ),
    (
        48,
        &[
            same("priority", "mip6.load_inf.priority"),
            same("sessions_in_use", "mip6.load_inf.sessions_in_use"),
            same("maximum_sessions", "mip6.load_inf.maximum_sessions"),
            same("used_capacity", "mip6.load_inf.used_capacity"),
            same("maximum_capacity", "mip6.load_inf.maximum_capacity"),
        ],
    ),
    (49, &[same("value", "mip6.alt_ip4")]),
    (
        50,
        &[
            same("subtype", "mip6.mng.sub_type"),
            zero("mip6.mng.reserved"),
            same("group", "mip6.mng.mng_id"),
        ],
    ),
    (
        51,
        &[
            zero("mip6.mag_ipv6.reserved"),
            with("value", "mip6.mag_ipv6.address_length", bits_of_address),
            same("value", "mip6.mag_ipv6.address"),
        ],
    ),
    (
        52,
        &[
            ignored("mip6.acc_net_id"),
            ignored("mip6.acc_net_id.ani"),
            ignored("mip6.acc_net_id.sub_opt_len"),
            same(
                "sub_options.NetworkIdentifier.utf8",
                "mip6.acc_net_id.e_bit",
            ),
            ignored("mip6.acc_net_id.net_name_len"),
            same(
                "sub_options.NetworkIdentifier.network_name",
                "mip6.acc_net_id.net_name|mip6.acc_net_id.net_name_data",
            ),
            ignored("mip6.acc_net_id.ap_name_len"),
            same(
                "sub_options.NetworkIdentifier.access_point_name",
                "mip6.acc_net_id.ap_name",
            ),
            with(
                "sub_options.GeoLocation.latitude",
                "mip6.acc_net_id.geo.latitude_degrees",
                low_24_bits,
            ),
            with(
                "sub_options.GeoLocation.longitude",
                "mip6.acc_net_id.geo.longitude_degrees",
                low_24_bits,
            ),
            same(
                "sub_options.OperatorIdentifier.identifier_type",
                "mip6.acc_net_id.op_id.type",
            ),
            same(
                "sub_options.OperatorIdentifier.identifier",
                "mip6.acc_net_id.op_id",
            ),
            unseen("sub_options.CivicLocation.format"),
            unseen("sub_options.CivicLocation.location"),
            unseen("sub_options.MagGroupIdentifier"),
            unseen("sub_options.UpdateTimer"),
            unseen("sub_options.Unknown.number"),
            unseen("sub_options.Unknown.data"),
        ],
    ),
    (53, UNDISSECTED),
    (54, UNDISSECTED),
    (
        55,
        &[
            present("Ipv4.0", "mip6.dmnp.v_flag"),
            zero("mip6.dmnp.reserved"),
            same("Ipv4.1|Ipv6.1", "mip6.dmnp.prefix_len"),
            same("Ipv4.0", "mip6.dmnp.dmnp_ipv4"),
            same("Ipv6.0", "mip6.dmnp.dmnp_ipv6"),
        ],
    ),
    (56, UNDISSECTED),
    (57, UNDISSECTED),
    (58, UNDISSECTED),
    (59, UNDISSECTED),
    (62, UNDISSECTED),
    (63, UNDISSECTED),
    (64, UNDISSECTED),
    (65, UNDISSECTED),
    (66, UNDISSECTED),
    (67, UNDISSECTED),
    (68, UNDISSECTED),
    (69, UNDISSECTED),
    (70, UNDISSECTED),
];

/// Of what it has no dissector for it shows the type.
const UNDISSECTED: &[Row] = &[same("header.number", "mip6.mobility_opt"), unseen("*")];

const EXCEPTIONS: &[Exception] = &[
    Exception {
        subject: Subject::Option(8),
        about: About::Note("should be >= 2"),
        when: |fields| octets(fields, "identifier").is_empty(),
        reason: "RFC 5213 section 5.3.1 item 4 asks for an identifier of no octets",
    },
    Exception {
        subject: Subject::Option(8),
        about: About::Field("mip6.mnid.identifier"),
        when: |fields| [1, 2].contains(&octets(fields, "identifier").len()),
        reason: "RFC 4283 section 3 knows no shortest identifier",
    },
    Exception {
        subject: Subject::Option(9),
        about: About::GivesUp,
        when: |fields| octets(fields, "data").is_empty(),
        reason: "RFC 4285 section 5 knows no shortest data; what authenticates is for the engines",
    },
    Exception {
        subject: Subject::Option(9),
        about: About::Field("mip6.auth.auth_data"),
        when: |fields| octets(fields, "data").len() == 1,
        reason: "it drops two octets of more than one",
    },
    Exception {
        subject: Subject::Option(12),
        about: About::GivesUp,
        when: |fields| octets(fields, "octets").is_empty(),
        reason: "RFC 4866 section 5.1: octets of any number are kept here",
    },
    Exception {
        subject: Subject::Option(13),
        about: About::GivesUp,
        when: |fields| octets(fields, "octets").is_empty(),
        reason: "RFC 4866 section 5.2: octets of any number are kept here",
    },
    Exception {
        subject: Subject::Option(14),
        about: About::GivesUp,
        when: |fields| octets(fields, "octets").is_empty(),
        reason: "RFC 4866 section 5.3: octets of any number are kept here",
    },
    Exception {
        subject: Subject::Option(18),
        about: About::GivesUp,
        when: |fields| octets(fields, "octets").is_empty(),
        reason: "RFC 5096 section 5 knows no shortest data",
    },
    Exception {
        subject: Subject::Option(12),
        about: About::Field("mip6.cgar.cga_par"),
        when: |fields| octets(fields, "octets").len() == 1,
        reason: "it drops two octets of more than one",
    },
    Exception {
        subject: Subject::Option(13),
        about: About::Field("mip6.sign.sign"),
        when: |fields| octets(fields, "octets").len() == 1,
        reason: "it drops two octets of more than one",
    },
    Exception {
        subject: Subject::Option(14),
        about: About::Field("mip6.phkt.phkt"),
        when: |fields| octets(fields, "octets").len() == 1,
        reason: "it drops two octets of more than one",
    },
    Exception {
        subject: Subject::Option(18),
        about: About::Field("mip6.em.data"),
        when: |fields| octets(fields, "octets").len() == 1,
        reason: "it drops two octets of more than one",
    },
    Exception {
        subject: Subject::Option(17),
        about: About::GivesUp,
        when: |fields| octets(fields, "fqdn").is_empty(),
        reason: "RFC 5026 section 8.2 knows no shortest name; what a name must be is for the engines",
    },
    Exception {
        subject: Subject::Option(17),
        about: About::Note("should be >= 5"),
        when: |fields| octets(fields, "fqdn").len() < 3,
        reason: "as before",
    },
    Exception {
        subject: Subject::Option(17),
        about: About::Field("mip6.dnsu.mn_id"),
        when: |fields| octets(fields, "fqdn").len() == 1,
        reason: "it drops two octets of more than one",
    },
    Exception {
        subject: Subject::Option(21),
        about: About::Field("mip6.badff.auth"),
        when: |fields| octets(fields, "authenticator").len() == 1,
        reason: "it drops two octets of more than one",
    },
    Exception {
        subject: Subject::Option(40),
        about: About::Note("should be >= 4"),
        when: |fields| octets(fields, "requests").is_empty(),
        reason: "RFC 5949 section 6.2.1 knows no shortest list",
    },
    Exception {
        subject: Subject::Option(51),
        about: About::Note("should be 16"),
        when: always,
        reason: "RFC 6705 section 11.1: the length is 18",
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
    Exception {
        subject: Subject::Option(8),
        about: About::Note("Trailing stray characters"),
        when: |fields| octets(fields, "identifier").contains(&0),
        reason: "RFC 4283 section 3: not every identifier is text",
    },
    Exception {
        subject: Subject::Option(52),
        about: About::Note("ANI Type not dissect yet"),
        when: has_undissected_sub_option,
        reason: "RFC 6757 section 3.1.4 and RFC 7563 section 3 define them",
    },
    Exception {
        subject: Subject::Option(21),
        about: About::GivesUp,
        when: |fields| octets(fields, "authenticator").is_empty(),
        reason: "RFC 5568 section 6.4.5 knows no shortest authenticator",
    },
    Exception {
        subject: Subject::Option(52),
        about: About::Note("should be >= 3"),
        when: |fields| number(fields, "header.size") == 4,
        reason: "RFC 6757 section 3.1: a sub-option may have no data",
    },
    Exception {
        subject: Subject::Option(40),
        about: About::Field("mip6.vsm.req_data"),
        when: asks_for_vendor_specific,
        reason: "it shows the parts of vendor's data instead",
    },
    Exception {
        subject: Subject::Message(12),
        about: About::Layout,
        when: always,
        reason: "it looks for options where the addresses are; RFC 5142 section 4 has them behind",
    },
    Exception {
        subject: Subject::Message(17),
        about: About::Layout,
        when: always,
        reason: "it looks for the body at the start of the header; RFC 6705 section 10.1 has it behind",
    },
    Exception {
        subject: Subject::Message(18),
        about: About::Layout,
        when: always,
        reason: "it looks for the body at the start of the header; RFC 6705 section 10.2 has it behind",
    },
    undissected(Subject::Option(42)),
    undissected(Subject::Option(43)),
    undissected(Subject::Option(44)),
    undissected(Subject::Option(45)),
    undissected(Subject::Option(53)),
    undissected(Subject::Option(54)),
    undissected(Subject::Option(56)),
    undissected(Subject::Option(57)),
    undissected(Subject::Option(58)),
    undissected(Subject::Option(59)),
    undissected(Subject::Option(62)),
    undissected(Subject::Option(63)),
    undissected(Subject::Option(64)),
    undissected(Subject::Option(65)),
    undissected(Subject::Option(66)),
    undissected(Subject::Option(67)),
    undissected(Subject::Option(68)),
    undissected(Subject::Option(69)),
    undissected(Subject::Option(70)),
    undissected(Subject::UntypedOption),
];

/// Wireshark 4.0 has no dissector for the option, and says so.
const fn undissected(subject: Subject) -> Exception {
    Exception {
        subject,
        about: About::Note("IE data not dissected yet"),
        when: always,
        reason: "known to the RFCs, not to Wireshark 4.0",
    }
}

fn has_undissected_sub_option(fields: &Fields) -> bool {
    let undissected = [
        "CivicLocation",
        "MagGroupIdentifier",
        "UpdateTimer",
        "Unknown",
    ];
    let mut variants = fields.iter().filter_map(|(path, _)| path.split('.').nth(1));
    variants.any(|variant| undissected.contains(&variant))
}

/// Two's complement of 24 bits (RFC 6757 section 3.1.2).
fn low_24_bits(number: &Leaf) -> Vec<Leaf> {
    match number {
        Leaf::Number(number) => vec![Leaf::Number(number & 0xff_ffff)],
        Leaf::Octets(_) | Leaf::Name(_) => Vec::new(),
    }
}

/// It drops the last two octets of many an option's data, as if Length counted Type and itself;
/// RFC 6275 section 6.2.1 says that it does not.
fn all_but_two(octets: &Leaf) -> Vec<Leaf> {
    match octets {
        Leaf::Octets(octets) if octets.len() > 2 => {
            vec![Leaf::Octets(octets[..octets.len() - 2].to_vec())]
        }
        Leaf::Octets(_) | Leaf::Number(_) | Leaf::Name(_) => Vec::new(),
    }
}

fn asks_for_vendor_specific(fields: &Fields) -> bool {
    let requests = Leaf::Octets(octets(fields, "requests").to_vec());
    split_requests(&requests)
        .iter()
        .any(|(number, _)| *number == 19)
}

fn request_types(requests: &Leaf) -> Vec<Leaf> {
    split_requests(requests)
        .into_iter()
        .map(|(number, _)| Leaf::Number(number.into()))
        .collect()
}

fn request_lengths(requests: &Leaf) -> Vec<Leaf> {
    let requests = split_requests(requests).into_iter();
    requests
        .map(|(_, data)| Leaf::Number(data.len() as i128))
        .collect()
}

fn request_data(requests: &Leaf) -> Vec<Leaf> {
    split_requests(requests)
        .into_iter()
        .map(|(_, data)| Leaf::Octets(data))
        .collect()
}

/// Types and data of what a Context Request asks for (RFC 5949 section 6.2.1).
fn split_requests(requests: &Leaf) -> Vec<(u8, Vec<u8>)> {
    let Leaf::Octets(octets) = requests else {
        return Vec::new();
    };
    let mut rest = octets.as_slice();
    let mut split = Vec::new();
    while let [number, length, behind @ ..] = rest {
        let (data, next) = behind.split_at(usize::from(*length).min(behind.len()));
        split.push((*number, data.to_vec()));
        rest = next;
    }
    split
}
