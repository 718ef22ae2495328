//! Service selection: RFC 5149 section 4.1.

use bytes::Bytes;

use crate::event::SessionId;
use crate::message::Update;

use super::Mag;
use super::list::path_id;

impl Mag {
    /// Names the service in a PBU that begins a binding, and in no other.
    pub(super) fn name_service(&self, id: SessionId, update: &mut Update) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        let held = entry.valid_until.is_some_and(|until| until > self.now);
        if update.common.lifetime > 0 && !held {
            let service = entry.service_selection.as_deref();
            update.service = service.map(|name| Bytes::copy_from_slice(name.as_bytes()));
        }
    }

    /// Status 151 ends the binding that there was.
    pub(super) fn lose_binding(&mut self, id: SessionId, reason: &'static str) {
        self.cancel_all(id);
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        let lma = entry.lma;
        let registrations = std::mem::take(&mut entry.registrations);
        entry.valid_until = None;
        self.withdraw(id, reason);
        for (binding_id, _) in registrations {
            self.sync_path(path_id(lma, binding_id), reason);
        }
    }
}
