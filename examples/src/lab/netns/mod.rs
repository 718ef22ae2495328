//! The domain in network namespaces, with the real programs.

use super::domain::{Domain, LabError};
use super::screen::Screen;
use super::spec::DomainSpec;

/// Whether this process may build it; else which right is missing and how to get it.
pub(super) fn rights() -> Result<(), String> {
    Err("not yet".to_owned())
}

pub(super) struct NetnsDomain;

impl NetnsDomain {
    pub(super) fn start(_: DomainSpec, _: &mut Screen) -> Result<Box<dyn Domain>, LabError> {
        Err(LabError::Rights("not yet".to_owned()))
    }
}
