//! How often one path may be registered: MAX_UPDATE_RATE (RFC 6275 sections 11.7.1 and 11.8).

use std::time::Duration;

use pmip_wire::types::Instant;
use smallvec::SmallVec;

/// MAX_UPDATE_RATE (RFC 6275 section 12).
const MOST: usize = 3;
const SPAN: Duration = Duration::from_secs(1);

/// The latest registrations of one path that were begun.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace(SmallVec<[Instant; MOST]>);

impl Pace {
    /// Begins one more now, or says from when on that may be.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), Instant> {
        self.0.retain(|begun| now.saturating_since(*begun) < SPAN);
        match self.0.first() {
            Some(first) if self.0.len() >= MOST => Err(*first + SPAN),
            Some(_) | None => {
                self.0.push(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_within_any_second_and_no_more() {
        let at = Instant::from_millis;
        let mut pace = Pace::default();
        let begun = [0, 400, 900, 999].map(|now| pace.admit(at(now)));
        assert_eq!(begun, [Ok(()), Ok(()), Ok(()), Err(at(1000))]);
        assert_eq!(pace.admit(at(1000)), Ok(()));
        assert_eq!(pace.admit(at(1001)), Err(at(1400)), "the window slides");
    }
}
