use crate::rules::*;
pub(crate) static RULES: Rules = Rules { header: &[], messages: &[], option_header: &[], options: &[], untyped_message: &[], untyped_option: &[], exceptions: EXCEPTIONS };
const EXCEPTIONS: &[Exception] = &[];
