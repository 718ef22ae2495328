//! Snapshots as a program keeps them.
#![allow(unreachable_pub, reason = "a part of two tests")]

use pmip_binding::Lma;
use pmip_binding::snapshot::{LmaSnapshot, SessionRecord};

/// The state, written down and read again.
pub fn kept(lma: &Lma) -> LmaSnapshot {
    let text = serde_json::to_string(&lma.snapshot()).unwrap();
    serde_json::from_str(&text).unwrap()
}

pub fn session_of(snapshot: &LmaSnapshot, nai: &str) -> SessionRecord {
    let mut sessions = snapshot.sessions();
    sessions.find(|record| record.mn_id == nai).unwrap().clone()
}
