//! What the programs show of themselves, asked over their control sockets.

use std::path::Path;

use crate::lab::domain::{FlowRow, LabError, PathRow, SessionRow};
use crate::lab::spec::DomainSpec;

pub(super) fn paths(_control: &Path, spec: &DomainSpec) -> Result<Vec<PathRow>, LabError> {
    Ok((0..spec.wans.len()).map(PathRow::absent).collect())
}

pub(super) fn sessions(_control: &Path) -> Result<Vec<SessionRow>, LabError> {
    Ok(Vec::new())
}

pub(super) fn flows(_control: &Path, _spec: &DomainSpec) -> Result<Vec<FlowRow>, LabError> {
    Ok(Vec::new())
}
