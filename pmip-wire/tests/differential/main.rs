//! Independent implementations read what we encode and agree field by field, and we read what they
//! make. Where one is wrong or knows less, its table says so with the RFC, and an entry that
//! nothing needs any more is a failure too.
//!
//! Without the tools it prints SKIP and passes; with `PMIP_REQUIRE_ORACLES=1` a SKIP is a failure.

mod cases;
mod check;
mod compare;
mod flatten;
mod oracle;
mod pypcapkit;
mod rules;
mod scapy;
mod tshark;
mod view;

use cases::Carriers;
use check::Oracle;

/// Would break: a field that we write elsewhere, wider or narrower than Wireshark looks for it,
/// over IPv6 or UDP; and whatever makes it complain.
#[test]
fn tshark_reads_what_we_encode() {
    Oracle {
        script: "tshark_oracle.py",
        carriers: Carriers::Both,
        wanted: |_| true,
        rules: &tshark::RULES,
    }
    .check();
}

/// Would break: a field of any option or message that PyPCAPKit, written from the same RFCs, reads
/// differently, or makes in a way that we read differently.
#[test]
fn pypcapkit_and_we_read_each_other() {
    Oracle {
        script: "pypcapkit_oracle.py",
        carriers: Carriers::Udp,
        wanted: |_| true,
        rules: &pypcapkit::RULES,
    }
    .check();
}

/// Would break: besides the fields, our checksum over IPv6 and our alignment of the options that
/// Scapy knows, both of which it computes itself.
#[test]
fn scapy_and_we_read_each_other() {
    Oracle {
        script: "scapy_oracle.py",
        carriers: Carriers::Ipv6,
        wanted: |message| message.mh_type().code() <= 7,
        rules: &scapy::RULES,
    }
    .check();
}
