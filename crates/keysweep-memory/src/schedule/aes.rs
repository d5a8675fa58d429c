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
                let words = load(bytes, order);
                let (key, direction) = encryption(&words, key_words)
                    .map(|key| (key, Direction::Encryption))
                    .or_else(|| decryption(&words, key_words).map(|key| (key, Direction::Decryption)))?;
                let key = Zeroizing::new(key.iter().flat_map(|word| word.to_be_bytes()).collect());
                Some(Schedule { key, direction, order })
            })
        })
    }

    /// Bytes that the schedule takes.
    pub(super) fn bytes(&self) -> usize {
        4 * schedule_words(self.key.len() / 4)
    }
}

type Words = Zeroizing<Vec<u32>>;

/// Words of the schedule of a key: four for each round and four more.
fn schedule_words(key_words: usize) -> usize {
    4 * (key_words + 7)
}

fn load(bytes: &[u8], order: WordOrder) -> Words {
    let word = |b: &[u8]| {
        let word = [b[0], b[1], b[2], b[3]];
        match order {
            WordOrder::Standard => u32::from_be_bytes(word),
            WordOrder::Swapped => u32::from_le_bytes(word),
        }
    };
    Zeroizing::new(bytes.chunks_exact(4).map(word).collect())
}

fn encryption(words: &[u32], key_words: usize) -> Option<Words> {
    let key = Zeroizing::new(words[..key_words].to_vec());
    (expand(&key).as_slice() == words).then_some(key)
}

fn decryption(words: &[u32], key_words: usize) -> Option<Words> {
    let rounds = words.len() / 4 - 1;
    let round_key = |round: usize| &words[4 * (rounds - round)..][..4];
    [mix as fn(u32) -> u32, |word| word].into_iter().find_map(|undo: fn(u32) -> u32| {
        let mut key = Zeroizing::new(round_key(0).to_vec());
        key.extend(round_key(1).iter().map(|word| undo(*word)));
        key.truncate(key_words);
        let expanded = expand(&key);
        let holds = (0..=rounds).all(|round| {
            let outer = round == 0 || round == rounds;
            let stored = round_key(round).iter().map(|word| if outer { *word } else { undo(*word) });
            stored.eq(expanded[4 * round..][..4].iter().copied())
        });
        holds.then_some(key)
    })
}

/// The expansion of a key of 4, 6 or 8 words.
pub(super) fn expand(key: &[u32]) -> Words {
    let n = key.len();
    let mut words = Zeroizing::new(key.to_vec());
    let mut round_constant = 1u8;
    for i in n..schedule_words(n) {
        let mut word = words[i - 1];
        if i % n == 0 {
            word = substitute(word.rotate_left(8)) ^ u32::from(round_constant) << 24;
            round_constant = double(round_constant);
        } else if n > 6 && i % n == 4 {
            word = substitute(word);
        }
        word ^= words[i - n];
        words.push(word);
    }
    words
}

fn substitute(word: u32) -> u32 {
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
