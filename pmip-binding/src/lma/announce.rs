//! What a restored anchor tells first.

use std::collections::VecDeque;

use pmip_wire::types::PathId;

use crate::event::{Forwarding, SessionId};
use crate::io::Output;

use super::Lma;

/// Paths and sessions that the forwarding plane does not know yet, told one after the other as
/// outputs are taken: all at once they would take more memory than the anchor itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Announcement {
    next_path: u32,
    next_session: u32,
    ready: VecDeque<Output>,
    /// Whether the gateways must hear that state was lost.
    restarted: bool,
}

impl Announcement {
    pub(super) fn new(restarted: bool) -> Self {
        Self {
            restarted,
            ..Self::default()
        }
    }

    /// Tells `outputs` before everything else.
    pub(super) fn begin_with(&mut self, mut outputs: VecDeque<Output>) {
        outputs.append(&mut self.ready);
        self.ready = outputs;
    }
}

impl Lma {
    /// The next output of an announcement. It goes before all others, for they may build on it.
    pub(super) fn announce(&mut self) -> Option<Output> {
        let mut announcement = self.announcement.take()?;
        while announcement.ready.is_empty() {
            let waiting = std::mem::take(&mut self.queue);
            let more = self.announce_next(&mut announcement);
            announcement.ready = std::mem::replace(&mut self.queue, waiting);
            if !more {
                return None;
            }
        }
        let output = announcement.ready.pop_front();
        self.announcement = Some(announcement);
        output
    }

    /// Something happens before all was told: what it leads to must come out afterwards.
    pub(super) fn finish_announcement(&mut self) {
        let mut told = VecDeque::new();
        while let Some(output) = self.announce() {
            told.push_back(output);
        }
        if !told.is_empty() {
            told.append(&mut self.queue);
            self.queue = told;
        }
    }

    /// Tells of one path or session; false after the last.
    fn announce_next(&mut self, announcement: &mut Announcement) -> bool {
        if announcement.next_path < self.paths.end() {
            let id = PathId(announcement.next_path);
            announcement.next_path += 1;
            self.sync_path(id, "restored");
            self.report_link(id);
            if announcement.restarted {
                self.tell_restart(id);
            }
            return true;
        }
        if announcement.next_session >= self.cache.end() {
            return false;
        }
        let id = SessionId(announcement.next_session);
        announcement.next_session += 1;
        let session = self.cache.get(id).filter(|session| !session.is_deleting());
        if let Some(session) = session {
            let route = session.route(id);
            self.emit_forwarding(Forwarding::InstallSession(route));
            self.emit_session_up(id);
        }
        true
    }
}
