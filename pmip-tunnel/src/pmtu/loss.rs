//! Tells a size that does not fit from packets lost by chance.

/// Pairs after which nothing is concluded: the path loses nearly everything.
const MOST_PAIRS: u32 = 20;
/// How improbable chance has to be: one in so many.
const IMPROBABLE: u128 = 100_000;
/// As MAX_PROBES of RFC 8899 section 5.1.2: never fewer.
const LEAST_LOST: u32 = 3;

/// What is known of the size that is asked about. Begins with the first big probe lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Doubt {
    big_lost: u32,
    small_answered: u32,
    small_lost: u32,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Ask on.
    Open,
    /// It does not fit.
    TooBig,
    /// The path loses too much to tell.
    Nothing,
}

impl Doubt {
    pub(super) const fn began(&self) -> bool {
        self.big_lost > 0
    }

    pub(super) const fn big_lost(&mut self) {
        self.big_lost = self.big_lost.saturating_add(1);
    }

    pub(super) const fn small_lost(&mut self) {
        self.small_lost = self.small_lost.saturating_add(1);
    }

    pub(super) const fn small_answered(&mut self) {
        self.small_answered = self.small_answered.saturating_add(1);
    }

    /// Laplace's estimate of the loss, (lost + 1) / (sent + 2), to the power of the big ones lost
    /// in a row: one that came through ends the question.
    pub(super) fn verdict(&self) -> Verdict {
        let lost = u128::from(self.small_lost).saturating_add(1);
        let sent = lost
            .saturating_add(self.small_answered.into())
            .saturating_add(1);
        let chance = lost
            .saturating_pow(self.big_lost)
            .saturating_mul(IMPROBABLE);
        let all = sent.saturating_pow(self.big_lost);
        if self.big_lost >= LEAST_LOST && self.small_answered > 0 && chance < all {
            return Verdict::TooBig;
        }
        match self.big_lost < MOST_PAIRS {
            true => Verdict::Open,
            false => Verdict::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(big_lost: u32, small_answered: u32, small_lost: u32) -> Verdict {
        let doubt = Doubt {
            big_lost,
            small_answered,
            small_lost,
        };
        doubt.verdict()
    }

    #[test]
    fn the_more_small_ones_are_lost_the_more_big_ones_it_takes() {
        let needed = |answered: fn(u32) -> u32| {
            (1..=MOST_PAIRS).find(|pairs| {
                let small = answered(*pairs);
                verdict(*pairs, small, pairs - small) == Verdict::TooBig
            })
        };
        assert_eq!(needed(|pairs| pairs), Some(6));
        assert_eq!(needed(|pairs| pairs - pairs / 10), Some(6));
        assert_eq!(needed(|pairs| pairs - pairs / 4), Some(9));
        assert_eq!(needed(|pairs| pairs.div_ceil(2)), Some(17));
        assert_eq!(needed(|_| 0), None);
        assert_eq!(verdict(MOST_PAIRS, 0, MOST_PAIRS), Verdict::Nothing);
    }
}
