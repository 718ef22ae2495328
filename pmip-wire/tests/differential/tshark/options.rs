use crate::flatten::Leaf;
use crate::rules::*;

pub(super) const OPTION_HEADER: &[Row] = &[
    ignored("mip6.mobility_opt.len"),
    unseen("header.number"),
    unseen("header.size"),
];

pub(super) const OPTIONS: Table = &[
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
pub(super) const UNDISSECTED: &[Row] = &[same("header.number", "mip6.mobility_opt"), unseen("*")];

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
pub(super) fn split_requests(requests: &Leaf) -> Vec<(u8, Vec<u8>)> {
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
