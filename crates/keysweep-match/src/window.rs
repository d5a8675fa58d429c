//! Which consecutive bytes of a literal the scan looks for: its *window*.
//!
//! A window is [`WIDTH`] bytes long, or as long as the literal if that is shorter. Of all windows of a literal
//! the one least likely to occur by chance is taken, by the byte frequencies measured in source text and in dumps. The
//! UTF-16 forms of a literal share its window: there it is four characters, the zero bytes between them left out.

use crate::filter::{CASES, is_printable, narrow};
use crate::form::{Forms, Masked};
use crate::frequency::{BINARY, PAIRS, TEXT};
use crate::literal::{Encoding, Literal, MAX_LITERAL};
use std::sync::OnceLock;

use crate::word::word;

/// Bytes of a window, and characters of one in UTF-16.
pub(crate) const WIDTH: usize = 4;

/// The bytes that one position of a window accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accept {
    /// This byte.
    Byte(u8),
    /// A letter in either case, given in lower case.
    Letter(u8),
    /// Any byte: a position behind the end of a short literal.
    Any,
}

impl Accept {
    fn new(byte: u8, ignore_case: bool) -> Self {
        if ignore_case && byte.is_ascii_alphabetic() {
            Accept::Letter(byte.to_ascii_lowercase())
        } else {
            Accept::Byte(byte)
        }
    }

    /// The bytes accepted; none stands for any.
    pub(crate) fn bytes(self) -> impl Iterator<Item = u8> {
        let (first, second) = match self {
            Accept::Byte(byte) => (Some(byte), None),
            Accept::Letter(byte) => (Some(byte), Some(byte.to_ascii_uppercase())),
            Accept::Any => (None, None),
        };
        first.into_iter().chain(second)
    }
}

/// A window as the hash filter sees it: its bytes without the bit by which cases differ, and its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(u64);

/// [`CASES`] as wide as a key.
const CASE_BITS: u64 = CASES as u64;

impl Key {
    /// Number of different hashes.
    pub(crate) const HASHES: usize = 1 << 17;

    /// Key of a plain window of two to [`WIDTH`] bytes.
    fn new(window: &[u8]) -> Self {
        match <[u8; WIDTH]>::try_from(window) {
            Ok(window) => Key::plain(u32::from_le_bytes(window).into()),
            Err(_) => Key::short(word(window, 0), window.len()),
        }
    }

    /// Key of the four bytes at the start of `word` (the first in the low bits).
    #[inline(always)]
    pub(crate) fn plain(word: u64) -> Self {
        Key((word & 0xffff_ffff) | CASE_BITS)
    }

    /// Key of the four UTF-16 characters whose low bytes are bytes 0, 2, 4 and 6 of `word`.
    #[inline(always)]
    pub(crate) fn wide(word: u64) -> Self {
        Key(u64::from(narrow(word)) | CASE_BITS | 1 << 32)
    }

    /// Key of the first `width` bytes of `word`, fewer than [`WIDTH`].
    #[inline(always)]
    pub(crate) fn short(word: u64, width: usize) -> Self {
        let bytes = (1 << (8 * width)) - 1;
        Key(((word | CASE_BITS) & bytes) | (width as u64) << 32)
    }

    /// What tells keys of different kinds, or of different widths, apart.
    #[inline(always)]
    pub(crate) fn kind(self) -> u16 {
        (self.0 >> 32) as u16
    }

    /// Bytes of the window, unless it is of UTF-16.
    pub(crate) fn width(self) -> Option<usize> {
        match self.kind() {
            0 => Some(WIDTH),
            1 => None,
            width => Some(width.into()),
        }
    }

    /// Well-mixed bits, below [`Key::HASHES`].
    #[inline(always)]
    pub(crate) fn hash(self) -> usize {
        (self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 47) as usize
    }
}

/// What to do where a window is found: compare a form that would begin `offset` bytes before it.
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) form: u32,
    /// Bytes from the start of the form to its window.
    pub(crate) offset: u16,
    /// The bytes of the form from its window on.
    pub(crate) word: Masked,
}

impl Entry {
    fn new(key: Key, form: u32, bytes: &[u8], offset: usize, ignore_case: bool) -> Self {
        Entry { key, form, offset: offset as u16, word: Masked::new(&bytes[offset..], ignore_case) }
    }
}

/// The windows of all literals.
#[derive(Default)]
pub(crate) struct Windows {
    pub(crate) forms: Forms,
    pub(crate) entries: Vec<Entry>,
    /// What each window accepts at its four positions; those of UTF-16 that share that of the bytes are known otherwise.
    pub(crate) accepts: Vec<[Accept; WIDTH]>,
    /// For each width below [`WIDTH`], whether a window has it.
    pub(crate) short: [bool; WIDTH],
    /// For each hash of a key, how many windows have it.
    loads: Vec<u8>,
    /// Room for how often the bytes of a form occur.
    odds: Vec<Odd>,
}

impl Windows {
    pub(crate) fn new(literals: &[Literal]) -> Self {
        let forms = literals.iter().map(|literal| if literal.wide { 3 } else { 1 }).sum();
        let mut windows = Windows {
            forms: Forms::with_capacity(forms),
            entries: Vec::with_capacity(forms),
            accepts: Vec::with_capacity(forms),
            loads: vec![0; Key::HASHES],
            ..Windows::default()
        };
        for (id, literal) in (0u32..).zip(literals) {
            windows.add(id, literal);
        }
        windows
    }

    fn add(&mut self, id: u32, literal: &Literal) {
        let Literal { bytes, ignore_case, wide } = literal;
        let shared = *wide && bytes.len() >= WIDTH && bytes.iter().all(|byte| is_printable(*byte));
        let form = self.forms.push(id, Encoding::Bytes, bytes, *ignore_case);
        let at = self.add_plain(form, bytes, *ignore_case, shared);
        if !wide {
            return;
        }
        let (mut little, mut big) = ([0; 2 * MAX_LITERAL], [0; 2 * MAX_LITERAL]);
        for (index, byte) in bytes.iter().enumerate() {
            (little[2 * index], big[2 * index + 1]) = (*byte, *byte);
        }
        let (little, big) = (&little[..2 * bytes.len()], &big[..2 * bytes.len()]);
        for (encoding, bytes, offset) in [(Encoding::Utf16Le, little, 2 * at), (Encoding::Utf16Be, big, 2 * at + 1)] {
            let form = self.forms.push(id, encoding, bytes, *ignore_case);
            if shared {
                let key = Key::wide(word(bytes, offset));
                self.entries.push(Entry::new(key, form, bytes, offset, *ignore_case));
            } else {
                self.add_plain(form, bytes, *ignore_case, false);
            }
        }
    }

    /// Chooses the window of a form's bytes and returns its offset.
    fn add_plain(&mut self, form: u32, bytes: &[u8], ignore_case: bool, shared: bool) -> usize {
        let width = bytes.len().min(WIDTH);
        let accept = |at: usize| Accept::new(bytes[at], ignore_case);
        let key = |at: usize| Key::new(&bytes[at..at + width]);
        let mut odds = std::mem::take(&mut self.odds);
        odds.clear();
        odds.extend(odds_of(bytes, ignore_case));
        // A window that others have already is looked at for all of them wherever it occurs.
        let cost =
            |at: usize| chance(&odds[at..at + width], shared) * (1.0 + f32::from(self.loads[key(at).hash()] / 4));
        let (at, _) = (0..=bytes.len() - width)
            .map(|at| (at, cost(at)))
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
            .unwrap_or_default();
        self.odds = odds;
        let key = key(at);
        let load = &mut self.loads[key.hash()];
        *load = load.saturating_add(1);
        if width < WIDTH {
            self.short[width] = true;
        }
        self.entries.push(Entry::new(key, form, bytes, at, ignore_case));
        self.accepts.push(std::array::from_fn(|index| if index < width { accept(at + index) } else { Accept::Any }));
        at
    }
}

/// Share of UTF-16 text in what is scanned: how much a window's chance there weighs.
const UTF16_SHARE: f32 = 0.001;

/// How often a byte of a literal occurs.
#[derive(Clone, Copy, Default)]
struct Odd {
    /// How often what it accepts does.
    accepted: f32,
    /// The same as a share of how often it does in either case.
    case: f32,
    /// One divided by how often it does in either case.
    rarity: f32,
    /// How often it follows the byte before it, whatever their case.
    pair: f32,
}

/// How often pairs of letters occur, by the numbers in [`PAIRS`]: negative binary logarithms in eighths.
fn pair_chances() -> &'static [f32; 256] {
    static ALL: OnceLock<[f32; 256]> = OnceLock::new();
    ALL.get_or_init(|| std::array::from_fn(|eighths| (-(eighths as f32) / 8.0).exp2()))
}

/// How often the bytes of a form occur.
fn odds_of(bytes: &[u8], ignore_case: bool) -> impl Iterator<Item = Odd> + '_ {
    static ALL: OnceLock<[[Odd; 256]; 2]> = OnceLock::new();
    let table = &ALL.get_or_init(|| [false, true].map(|ignore| std::array::from_fn(|byte| odd(byte as u8, ignore))));
    let table = &table[usize::from(ignore_case)];
    let pairs = pair_chances();
    bytes.iter().scan(0, move |before, byte| {
        // In lower case, where case does not matter: the pairs know seven bits.
        let seven = if ignore_case { byte.to_ascii_lowercase() } else { *byte };
        let seven = usize::from(seven & 0x1f | seven >> 1 & 0x60);
        let pair = pairs[usize::from(PAIRS[*before << 7 | seven])];
        *before = seven;
        Some(Odd { pair, ..table[usize::from(*byte)] })
    })
}

/// How often a byte occurs, but for the one before it.
fn odd(byte: u8, ignore_case: bool) -> Odd {
    let accepted = Accept::new(byte, ignore_case).bytes().map(frequency).sum();
    let either = frequency(byte | 0x20) + frequency(byte & !0x20);
    Odd { accepted, case: accepted / either, rarity: either.recip(), pair: 0.0 }
}

/// How often a window occurs by chance.
fn chance(window: &[Odd], shared: bool) -> f32 {
    // Nearly all are of full width, for which the loops are none.
    match <&[Odd; WIDTH]>::try_from(window) {
        Ok(window) => chance_of(window, shared),
        Err(_) => chance_of(window, shared),
    }
}

#[inline(always)]
fn chance_of(window: &[Odd], shared: bool) -> f32 {
    // By the pairs of letters of either case, then by how often the letters have the cases accepted.
    let pairs: f32 = window[1..].iter().map(|odd| odd.pair).product();
    let inner: f32 = window[1..window.len() - 1].iter().map(|odd| odd.rarity).product();
    let cases: f32 = window.iter().map(|odd| odd.case).product();
    let utf16 = if shared { UTF16_SHARE * window[0].accepted * window[1].accepted } else { 0.0 };
    let single: f32 = window.iter().map(|odd| odd.accepted).product();
    pairs * inner * cases + single + utf16
}

fn frequency(byte: u8) -> f32 {
    let byte = usize::from(byte);
    (f32::from(TEXT[byte]) + f32::from(BINARY[byte])) / (2.0 * 65536.0)
}
