//! Every MUST and SHOULD of the sections in scope has a test or a reasoned exception: the lists in
//! `tests/requirements/`, checked as those of pmip-wire are.

#[path = "../../pmip-wire/tests/requirements.rs"]
mod checks;
