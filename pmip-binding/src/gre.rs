//! GRE keys of one node (RFC 5845): no two bindings share one that was drawn.

use std::collections::BTreeSet;

use pmip_wire::types::Encapsulation;

use crate::random::Random;

/// The keys in use.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyPool {
    used: BTreeSet<u32>,
    /// Configured ones, which are never drawn and never given back.
    fixed: BTreeSet<u32>,
}

impl KeyPool {
    pub(crate) fn new(fixed: impl IntoIterator<Item = u32>) -> Self {
        Self {
            used: BTreeSet::new(),
            fixed: fixed.into_iter().collect(),
        }
    }

    /// A key that nobody has and nobody guesses. Never 0, which is no key to many.
    pub(crate) fn draw(&mut self, random: &mut Random) -> u32 {
        let mut key = random.next_u32().max(1);
        while !self.claim(key) {
            key = key.wrapping_add(1).max(1);
        }
        key
    }

    /// Takes a key if it is free and could have been drawn.
    pub(crate) fn claim(&mut self, key: u32) -> bool {
        key != 0 && !self.fixed.contains(&key) && self.used.insert(key)
    }

    pub(crate) fn release(&mut self, key: u32) {
        self.used.remove(&key);
    }
}

/// Whether both ends must have agreed on GRE before packets can travel like this. UDP with the TLV
/// header is there to carry GRE (RFC 5845 section 7.1).
pub(crate) const fn is_gre(encapsulation: Encapsulation) -> bool {
    matches!(
        encapsulation,
        Encapsulation::GreIpv4 | Encapsulation::GreIpv6 | Encapsulation::Ipv4UdpTlv
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_or_configured_key_is_not_drawn_again() {
        let mut random = Random::new([3; 32]);
        let first = KeyPool::default().draw(&mut random.clone());
        let mut pool = KeyPool::new([first, first.wrapping_add(1)]);
        assert_eq!(pool.draw(&mut random), first.wrapping_add(2));
        assert!(!pool.claim(first), "configured");
        assert!(!pool.claim(first.wrapping_add(2)), "drawn");
        pool.release(first.wrapping_add(2));
        assert!(pool.claim(first.wrapping_add(2)));
        assert!(!pool.claim(0));
    }
}
