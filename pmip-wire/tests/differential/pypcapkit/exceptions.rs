use crate::flatten::Fields;
use crate::rules::*;

pub(super) const EXCEPTIONS: &[Exception] = &[
    Exception {
        subject: Subject::Option(5),
        about: About::GivesUp,
        when: |fields| !octets(fields, "octets").len().is_multiple_of(8),
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
        subject: Subject::Option(52),
        about: About::Layout,
        when: |fields| number(fields, "sub_options.MagGroupIdentifier") > 0xffff,
        reason: "RFC 7563 section 3.2 says both 2 octets and 3; PyPCAPKit reads 2 of 3",
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
