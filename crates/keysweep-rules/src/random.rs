//! Pseudo-random characters for examples: the same for the same seed, so that a test does not depend on chance.

/// SplitMix64: small, and random enough to look it.
pub(crate) struct Random(u64);

impl Random {
    /// A sequence of its own for every name and number.
    pub(crate) fn new(name: &str, number: usize) -> Self {
        // FNV-1a tells names apart.
        let hash =
            name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        Self(hash.wrapping_add(number as u64))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not zero.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn bytes(&mut self, number: usize) -> Vec<u8> {
        (0..number).map(|_| self.next() as u8).collect()
    }

    /// `number` characters of an alphabet.
    pub(crate) fn text(&mut self, alphabet: &[u8], number: usize) -> String {
        (0..number).map(|_| char::from(alphabet[self.below(alphabet.len())])).collect()
    }

    /// A UUID of version 4 and variant 1 (RFC 9562).
    pub(crate) fn uuid(&mut self) -> String {
        let mut bytes = self.bytes(16);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = data_encoding::HEXLOWER.encode(&bytes);
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }
}
