//! Service selection: RFC 5149 section 4.2.

use bytes::Bytes;

use crate::config::Profile;
use crate::event::SessionId;
use crate::message::status;

use super::Lma;
use super::judge::{Objection, Request};
use super::lookup::{self, Found};

/// Whether the mobile node may have the service that a PBU selects. One that names none goes on
/// with the one it has.
pub(super) fn check(request: &Request, profile: &Profile) -> Result<(), Objection> {
    let Some(wanted) = &request.update.service else {
        return Ok(());
    };
    let mut services = profile.services.iter();
    let leaves = request.update.common.lifetime == 0;
    if leaves
        || profile.services.is_empty()
        || services.any(|service| service.as_bytes() == *wanted)
    {
        Ok(())
    } else {
        Err(Objection::Service)
    }
}

impl Lma {
    /// Status 151. A binding that is to change to a service that it may not have ends.
    pub(super) fn refuse_service(&mut self, request: &Request) {
        if let Found::Existing(id) = lookup::find(&self.cache, &self.paths, request) {
            self.end_session(id, "service not authorised");
        }
        self.refuse(request, status::SERVICE_AUTHORIZATION_FAILED);
    }

    pub(super) fn adopt_service(&mut self, request: &Request, id: SessionId) {
        let Some(wanted) = &request.update.service else {
            return;
        };
        let session = self.cache.get(id);
        let held = session.and_then(|session| session.service());
        if held != Some(wanted)
            && let Some(session) = self.cache.get_mut(id)
        {
            session.extras_mut().service = Some(Bytes::copy_from_slice(wanted));
        }
    }
}
