//! Arithmetic on moments.

use core::time::Duration;

use pmip_wire::types::Instant;

/// `span` after `now`; never beyond the last moment there is.
pub(crate) fn later(now: Instant, span: Duration) -> Instant {
    let span = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    Instant::from_nanos(now.as_nanos().saturating_add(span))
}
