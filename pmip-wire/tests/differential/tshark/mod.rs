//! Wireshark's names, and where Wireshark 4.0 is wrong.

mod exceptions;
mod messages;
mod options;

use crate::rules::{Rules, same, unseen};
use exceptions::EXCEPTIONS;
use messages::{HEADER, MESSAGES};
use options::{OPTION_HEADER, OPTIONS, UNDISSECTED};

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
