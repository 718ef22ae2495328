/// Loss of one operation, by where packets went missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct LossByDirection {
    /// Lost on the way there (SD): the responder did not count them.
    pub forward: u64,
    /// Lost on the way back (DS): the responder counted them and no answer came.
    pub backward: u64,
    /// Missing in action (MIA): lost, and nothing says where. So are all behind the last answer,
    /// and all where the responder does not count.
    pub unknown: u64,
}

impl LossByDirection {
    /// All losses.
    pub const fn total(&self) -> u64 {
        self.forward
            .saturating_add(self.backward)
            .saturating_add(self.unknown)
    }
}

/// What the responder's sequence numbers mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum ResponderNumbers {
    /// Not known: it copies ours if every number is ours, else it [counts](Self::Count).
    #[default]
    Guess,
    /// It copies ours, as a stateless STAMP reflector does (RFC 8762 section 4.3.1).
    Copy,
    /// It counts what it receives, through all operations (RFC 8762 section 4.3.2).
    Count,
    /// It counts anew in each operation, from 1 or 0 (RFC 6812 section 4), or copies.
    Restart,
}

/// An answered probe of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Its place in the operation, from 0.
    pub index: u32,
    /// Its number.
    pub sequence: u32,
    /// The responder's number, where it has one.
    pub number: Option<u32>,
}

/// Attributes the losses among `sent` probes of which `heard` were answered, by ascending place.
/// `extra` more answers came that the responder had counted apart: duplicates of the way there.
pub(crate) fn attribute(
    numbers: ResponderNumbers,
    sent: u32,
    extra: u64,
    heard: &[Heard],
) -> LossByDirection {
    let answered = u64::try_from(heard.len()).unwrap_or(u64::MAX);
    let lost = u64::from(sent).saturating_sub(answered);
    let unknown = LossByDirection {
        unknown: lost,
        ..LossByDirection::default()
    };
    let (Some(first), Some(last)) = (heard.first(), heard.last()) else {
        return unknown;
    };
    let Some(counted) = counted(numbers, heard, first) else {
        return unknown;
    };
    // Probes that the count covers: from the first answer, or from the first probe where counting
    // began with the operation, up to the last answer.
    let start = if counted.from_start { 0 } else { first.index };
    let covered = u64::from(last.index.saturating_sub(start)).saturating_add(1);
    let lost_within = covered.saturating_sub(answered);
    let replies = answered.saturating_add(extra);
    let backward = counted.packets.saturating_sub(replies).min(lost_within);
    LossByDirection {
        forward: lost_within.saturating_sub(backward),
        backward,
        unknown: lost.saturating_sub(lost_within),
    }
}

/// What the responder counted.
struct Counted {
    packets: u64,
    /// Whether it began to count with the operation.
    from_start: bool,
}

/// `None` where the responder's numbers tell nothing.
fn counted(numbers: ResponderNumbers, heard: &[Heard], first: &Heard) -> Option<Counted> {
    let copies = heard
        .iter()
        .all(|heard| heard.number.is_none_or(|number| number == heard.sequence));
    let may_copy = numbers != ResponderNumbers::Count;
    if numbers == ResponderNumbers::Copy || (may_copy && copies) {
        return None;
    }
    let origin = first.number?;
    // Serial arithmetic around the first answer's number: answers may be out of order.
    let offsets = heard.iter().filter_map(|heard| {
        let number = heard.number?;
        Some(i64::from(number.wrapping_sub(origin).cast_signed()))
    });
    let (least, most) = offsets.fold((0, 0), |(least, most), offset| {
        (offset.min(least), offset.max(most))
    });
    let span = u64::try_from(most.saturating_sub(least)).ok()?;
    let lowest = i64::from(origin).saturating_add(least);
    let before = u64::try_from(lowest.saturating_sub(1)).unwrap_or(0);
    // A count that began anew cannot be ahead of ours.
    let from_start =
        numbers == ResponderNumbers::Restart && before <= u64::from(first.index) + span;
    Some(Counted {
        packets: span
            .saturating_add(1)
            .saturating_add(if from_start { before } else { 0 }),
        from_start,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers by (place, responder's number); our numbers begin at 1,000.
    fn loss(numbers: ResponderNumbers, sent: u32, heard: &[(u32, u32)]) -> (u64, u64, u64) {
        let heard: Vec<Heard> = heard
            .iter()
            .map(|(index, number)| Heard {
                index: *index,
                sequence: 1_000 + index,
                number: Some(*number),
            })
            .collect();
        let loss = attribute(numbers, sent, 0, &heard);
        (loss.forward, loss.backward, loss.unknown)
    }

    #[test]
    fn gaps_of_the_responder_tell_the_directions_apart() {
        use ResponderNumbers::{Copy, Count, Guess, Restart};
        // Of six probes, 1 was lost on the way there, 3 on the way back, 5 somewhere.
        let heard = [(0, 1), (2, 2), (4, 4)];
        for numbers in [Guess, Count, Restart] {
            assert_eq!(loss(numbers, 6, &heard), (1, 1, 1), "{numbers:?}");
        }
        assert_eq!(loss(Copy, 6, &heard), (0, 0, 3));
    }

    #[test]
    fn probes_before_the_first_answer_are_told_apart_where_counting_began_with_them() {
        use ResponderNumbers::{Count, Restart};
        // 0 was lost on the way back, 1 on the way there.
        assert_eq!(loss(Restart, 4, &[(2, 2), (3, 3)]), (1, 1, 0));
        assert_eq!(loss(Count, 4, &[(2, 2), (3, 3)]), (0, 0, 2));
        // A responder that never restarted.
        assert_eq!(loss(Restart, 4, &[(2, 77), (3, 78)]), (0, 0, 2));
    }

    #[test]
    fn a_copying_responder_knows_no_direction() {
        use ResponderNumbers::{Count, Guess, Restart};
        let heard = [(0, 1_000), (2, 1_002)];
        assert_eq!(loss(Guess, 3, &heard), (0, 0, 1));
        assert_eq!(loss(Restart, 3, &heard), (0, 0, 1));
        assert_eq!(loss(Count, 3, &heard), (0, 1, 0));
    }

    #[test]
    fn reordering_on_the_way_there_is_no_loss() {
        // Arrivals there: 0, 2, 1, 3; the answer to 1 was lost.
        let heard = [(0, 1), (2, 2), (3, 4)];
        assert_eq!(loss(ResponderNumbers::Count, 4, &heard), (0, 1, 0));
    }

    #[test]
    fn numbers_wrap_around_and_nonsense_is_clamped() {
        use ResponderNumbers::{Count, Restart};
        assert_eq!(loss(Count, 3, &[(0, u32::MAX), (2, 1)]), (0, 1, 0));
        assert_eq!(loss(Count, 3, &[(0, 5), (2, 4_000_000)]), (0, 1, 0));
        assert_eq!(loss(Restart, 3, &[(0, 1 << 31), (2, 0)]).2, 0);
        assert_eq!(loss(Count, 3, &[]), (0, 0, 3));
    }
}
