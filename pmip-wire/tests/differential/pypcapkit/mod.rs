//! PyPCAPKit's names, and where PyPCAPKit 1.5.0b14 is wrong or stricter. It shows times in
//! milliseconds.

mod exceptions;
mod messages;
mod options;
mod sub_options;

use crate::rules::{Rules, same};
use exceptions::EXCEPTIONS;
use messages::{HEADER, MESSAGES};
use options::{OPTION_HEADER, OPTIONS};

pub(crate) static RULES: Rules = Rules {
    header: HEADER,
    messages: MESSAGES,
    option_header: OPTION_HEADER,
    options: OPTIONS,
    untyped_message: &[same("mh_type", "type"), same("data", "data")],
    untyped_option: &[same("option_type", "type"), same("data", "data")],
    aligns: |_| false,
    exceptions: EXCEPTIONS,
};

/// Seconds, and the unit of 4 seconds (RFC 6275 section 6.1.7).
const SECOND: i128 = 1000;
const UNIT: i128 = 4 * SECOND;
