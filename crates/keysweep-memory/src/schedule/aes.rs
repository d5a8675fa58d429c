//! The AES key expansion (FIPS 197 section 5.2), and its recognition in either direction.

use zeroize::Zeroizing;

/// Bytes of the longest schedule: AES-256, 15 round keys.
pub(super) const MAX_BYTES: usize = 240;

/// What a schedule is laid out for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Encryption,
    /// Round keys in reverse, those between the first and the last through `InvMixColumns` or as they are.
    Decryption,
}

/// How the four bytes of a word lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WordOrder {
    /// As FIPS 197 orders them.
    Standard,
    /// The other way round: a 32-bit integer on a little-endian machine.
    Swapped,
}

/// A complete key schedule.
pub(super) struct Schedule {
    /// The key, in the standard's order.
    pub(super) key: Zeroizing<Vec<u8>>,
    pub(super) direction: Direction,
    pub(super) order: WordOrder,
}

impl Schedule {
    /// The schedule that `bytes` begin with.
    pub(super) fn recognise(bytes: &[u8]) -> Option<Self> {
        [4, 6, 8].into_iter().find_map(|key_words| {
            let bytes = bytes.get(..4 * schedule_words(key_words))?;
            [WordOrder::Standard, WordOrder::Swapped].into_iter().find_map(|order| {
                let stored = Stored { bytes, order };
                let (direction, undo) = LAYOUTS.into_iter().find(|layout| stored.holds(key_words, *layout))?;
                let words = (0..key_words).map(|i| stored.word(i, (direction, undo)));
                let key = Zeroizing::new(words.flat_map(u32::to_be_bytes).collect());
                Some(Schedule { key, direction, order })
            })
        })
    }

    /// Bytes that the schedule takes.
    pub(super) fn bytes(&self) -> usize {
        4 * schedule_words(self.key.len() / 4)
    }
}

/// The order of the round keys, and what takes an inner one back to what the expansion yields.
type Layout = (Direction, fn(u32) -> u32);

/// Every layout that is known.
const LAYOUTS: [Layout; 3] =
    [(Direction::Encryption, |word| word), (Direction::Decryption, mix), (Direction::Decryption, |word| word)];

/// Words of the schedule of a key: four for each round and four more.
fn schedule_words(key_words: usize) -> usize {
    4 * (key_words + 7)
}

/// Bytes that may be a schedule.
struct Stored<'a> {
    bytes: &'a [u8],
    order: WordOrder,
}

impl Stored<'_> {
    /// Whether every word after the key follows from those before it. Of what is no schedule mostly the first does not.
    fn holds(&self, key_words: usize, layout: Layout) -> bool {
        let follows = |i: usize| {
            let last = self.word(i - 1, layout);
            let changed = if i.is_multiple_of(key_words) {
                substitute(last.rotate_left(8)) ^ u32::from(ROUND_CONSTANTS[i / key_words - 1]) << 24
            } else if key_words > 6 && i % key_words == 4 {
                substitute(last)
            } else {
                last
            };
            self.word(i, layout) == self.word(i - key_words, layout) ^ changed
        };
        (key_words..schedule_words(key_words)).all(follows)
    }

    /// Word `index` of the expansion.
    fn word(&self, index: usize, (direction, undo): Layout) -> u32 {
        let rounds = self.bytes.len() / 16 - 1;
        let (round, column) = (index / 4, index % 4);
        let row = if direction == Direction::Encryption { round } else { rounds - round };
        let at = 16 * row + 4 * column;
        let bytes = [self.bytes[at], self.bytes[at + 1], self.bytes[at + 2], self.bytes[at + 3]];
        let word = match self.order {
            WordOrder::Standard => u32::from_be_bytes(bytes),
            WordOrder::Swapped => u32::from_le_bytes(bytes),
        };
        if round == 0 || round == rounds { word } else { undo(word) }
    }
}

/// The powers of x in the field of AES (FIPS 197 section 5.2).
const ROUND_CONSTANTS: [u8; 10] = {
    let mut powers = [1; 10];
    let mut i = 1;
    while i < 10 {
        powers[i] = double(powers[i - 1]);
        i += 1;
    }
    powers
};

pub(super) fn substitute(word: u32) -> u32 {
    u32::from_be_bytes(word.to_be_bytes().map(|byte| SBOX[usize::from(byte)]))
}

/// `MixColumns` of one column.
fn mix(word: u32) -> u32 {
    let b = word.to_be_bytes();
    let column = |i: usize| {
        let [p, q, r, s] = [b[i], b[(i + 1) % 4], b[(i + 2) % 4], b[(i + 3) % 4]];
        double(p) ^ double(q) ^ q ^ r ^ s
    };
    u32::from_be_bytes([column(0), column(1), column(2), column(3)])
}

/// Multiplication by x in the field of AES.
const fn double(a: u8) -> u8 {
    a << 1 ^ (0x1b & 0u8.wrapping_sub(a >> 7))
}

const SBOX: [u8; 256] = sbox();

/// The substitution box: the inverse in the field, then the affine map (FIPS 197 section 5.1.1). `p` runs through the powers
/// of 3, `q` through those of its inverse.
const fn sbox() -> [u8; 256] {
    let mut table = [0x63; 256];
    let (mut p, mut q) = (1u8, 1u8);
    loop {
        p ^= double(p);
        q ^= q << 1;
        q ^= q << 2;
        q ^= q << 4;
        if q & 0x80 != 0 {
            q ^= 9;
        }
        table[p as usize] = 0x63 ^ q ^ q.rotate_left(1) ^ q.rotate_left(2) ^ q.rotate_left(3) ^ q.rotate_left(4);
        if p == 1 {
            return table;
        }
    }
}
