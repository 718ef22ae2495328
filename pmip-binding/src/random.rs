//! Numbers that a stranger can't guess, from the seed that the caller gives: the ChaCha block
//! function with 8 rounds, so the same seed gives the same run.

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    key: [u32; 8],
    counter: u64,
}

impl Random {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let mut key = [0; 8];
        for (word, octets) in key.iter_mut().zip(seed.chunks_exact(4)) {
            *word = octets
                .iter()
                .rev()
                .fold(0, |word, &octet| (word << 8) | u32::from(octet));
        }
        Self { key, counter: 0 }
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        let words = self.block();
        u64::from(words[0]) | (u64::from(words[1]) << 32)
    }

    pub(crate) fn next_u32(&mut self) -> u32 {
        self.block()[0]
    }

    pub(crate) fn next_u16(&mut self) -> u16 {
        (self.next_u32() & 0xffff) as u16
    }

    /// A number below `limit`; 0 when `limit` is 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next_u64().checked_rem(limit).unwrap_or(0)
    }

    fn block(&mut self) -> [u32; 16] {
        let mut state = [0u32; 16];
        state[..4].copy_from_slice(&[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]);
        state[4..12].copy_from_slice(&self.key);
        state[12] = (self.counter & 0xffff_ffff) as u32;
        state[13] = (self.counter >> 32) as u32;
        self.counter = self.counter.wrapping_add(1);
        let start = state;
        for _ in 0..4 {
            for [a, b, c, d] in ROUNDS {
                quarter_round(&mut state, a, b, c, d);
            }
        }
        for (word, first) in state.iter_mut().zip(start) {
            *word = word.wrapping_add(first);
        }
        state
    }
}

/// Four columns, then four diagonals.
const ROUNDS: [[usize; 4]; 8] = [
    [0, 4, 8, 12],
    [1, 5, 9, 13],
    [2, 6, 10, 14],
    [3, 7, 11, 15],
    [0, 5, 10, 15],
    [1, 6, 11, 12],
    [2, 7, 8, 13],
    [3, 4, 9, 14],
];

fn quarter_round(state: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize) {
    state[a] = state[a].wrapping_add(state[b]);
    state[d] = (state[d] ^ state[a]).rotate_left(16);
    state[c] = state[c].wrapping_add(state[d]);
    state[b] = (state[b] ^ state[c]).rotate_left(12);
    state[a] = state[a].wrapping_add(state[b]);
    state[d] = (state[d] ^ state[a]).rotate_left(8);
    state[c] = state[c].wrapping_add(state[d]);
    state[b] = (state[b] ^ state[c]).rotate_left(7);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_stream_and_another_seed_another() {
        let stream = |seed: u8| {
            let mut random = Random::new([seed; 32]);
            [random.next_u64(), random.next_u64(), random.next_u64()]
        };
        assert_eq!(stream(1), stream(1));
        assert_ne!(stream(1), stream(2));
        assert_ne!(stream(1)[0], stream(1)[1]);
    }

    #[test]
    fn the_block_function_is_chacha8() {
        // First words of the ChaCha8 key stream for an all-zero key and nonce.
        let words = Random::new([0; 32]).block();
        let octets: Vec<u8> = words[..2].iter().flat_map(|w| w.to_le_bytes()).collect();
        assert_eq!(octets, [0x3e, 0x00, 0xef, 0x2f, 0x89, 0x5f, 0x40, 0xd6]);
    }
}
