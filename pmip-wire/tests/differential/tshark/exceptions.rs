use super::options::split_requests;
use crate::flatten::{Fields, Leaf};
use crate::rules::*;

pub(super) const EXCEPTIONS: &[Exception] = &[
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
        reason: "RFC 5096 knows no shortest data",
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
        reason: "RFC 5026 section 8.1 knows no shortest name; what a name must be is for the engines",
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
        reason: "RFC 6757 section 3.1 and RFC 7563 section 3 define them",
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

fn asks_for_vendor_specific(fields: &Fields) -> bool {
    let requests = Leaf::Octets(octets(fields, "requests").to_vec());
    split_requests(&requests)
        .iter()
        .any(|(number, _)| *number == 19)
}
