//! A number of which bits are wrong or lost, and how likely a bit is to be wrong.

use zeroize::Zeroizing;

/// A number as it lies in damaged memory.
#[derive(Clone)]
pub(super) struct Noisy {
    /// Limbs, least significant first.
    bits: Zeroizing<Vec<u64>>,
    /// Which bits are there, be they right or wrong.
    known: Vec<u64>,
}

impl Noisy {
    /// A number from its bytes, the least significant first, and which of these are there.
    pub(super) fn from_le(bytes: &[u8], there: &[bool]) -> Self {
        let limb = |chunk: &[u8]| chunk.iter().rev().fold(0, |limb, byte| limb << 8 | u64::from(*byte));
        let mask = |chunk: &[bool]| chunk.iter().rev().fold(0, |limb, there| limb << 8 | if *there { 255 } else { 0 });
        Self { bits: Zeroizing::new(bytes.chunks(8).map(limb).collect()), known: there.chunks(8).map(mask).collect() }
    }

    /// A number from limbs, least significant first, with a mask of the bits that are there.
    #[cfg(test)]
    pub(super) fn from_limbs(bits: &[u64], known: &[u64]) -> Self {
        Self { bits: Zeroizing::new(bits.to_vec()), known: known.to_vec() }
    }

    /// Limbs.
    pub(super) fn len(&self) -> usize {
        self.bits.len()
    }

    /// A limb and its mask; nothing is known beyond the number.
    pub(super) fn limb(&self, index: usize) -> (u64, u64) {
        (self.bits.get(index).copied().unwrap_or(0), self.known.get(index).copied().unwrap_or(0))
    }

    /// The bit at an index, if it is there.
    pub(super) fn bit(&self, index: usize) -> Option<bool> {
        let (bits, known) = self.limb(index / 64);
        (known >> (index % 64) & 1 == 1).then_some(bits >> (index % 64) & 1 == 1)
    }

    /// 64 bits from a bit on, if all of them are there; what is beyond the number is zero.
    pub(super) fn word(&self, from: u32) -> Option<u64> {
        let bit = |index: u32| match (from + index) as usize {
            index if index >= 64 * self.len() => Some(0),
            index => self.bit(index).map(u64::from),
        };
        (0..64).try_fold(0, |word, index| Some(word | bit(index)? << index))
    }

    /// How many bits are there.
    pub(super) fn known_bits(&self) -> u32 {
        self.known.iter().map(|limb| limb.count_ones()).sum()
    }

    /// How many of the bits that are there are not those of `other` (limbs, least significant first).
    pub(super) fn wrong(&self, other: &[u64]) -> u32 {
        let limb = |index: usize| other.get(index).copied().unwrap_or(0);
        self.bits.iter().zip(&self.known).enumerate().map(|(i, (a, known))| ((a ^ limb(i)) & known).count_ones()).sum()
    }
}

/// How likely a bit is to be wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rates {
    /// That a one has become a zero.
    pub(super) one: f64,
    /// That a zero has become a one.
    pub(super) zero: f64,
}

/// What no count shows to be less: a bit in three hundred.
const LEAST: f64 = 0.003;
/// Steps to a natural unit of likelihood.
const SCALE: f64 = 32.0;

/// What a bit costs for each value that it may have: the negative logarithm of how likely what lies there is.
pub(super) type Loss = [i32; 2];
/// More than any number of wrong bits may cost.
pub(super) const IMPOSSIBLE: i32 = 1 << 24;

impl Rates {
    /// The same for ones and zeros.
    pub(super) fn even(rate: f64) -> Self {
        Self { one: rate, zero: rate }
    }

    /// All that is there is right.
    pub(super) const NONE: Self = Self { one: 0.0, zero: 0.0 };

    /// By counts of wrong ones and zeros, and of all.
    pub(super) fn counted(counts: &Counts) -> Self {
        let rate = |(wrong, all): (u32, u32)| ((f64::from(wrong) + 0.5) / (f64::from(all) + 1.0)).clamp(LEAST, 0.95);
        Self { one: rate(counts.ones), zero: rate(counts.zeros) }
    }

    /// By how many of the bits that are there are ones, which is half of them unless bits fall to one state: then the rate at which they
    /// do. `None` if they do not.
    pub(super) fn by_density(numbers: &[&Noisy]) -> Option<Self> {
        let all: u32 = numbers.iter().map(|number| number.known_bits()).sum();
        let ones: u32 = numbers
            .iter()
            .flat_map(|number| number.bits.iter().zip(&number.known))
            .map(|(b, k)| (b & k).count_ones())
            .sum();
        let share = f64::from(ones) / f64::from(all.max(1));
        let deviation = 0.5 / f64::from(all.max(1)).sqrt();
        match share - 0.5 {
            less if less < -4.0 * deviation => Some(Self { one: (-2.0 * less).min(0.9), zero: LEAST }),
            more if more > 4.0 * deviation => Some(Self { one: LEAST, zero: (2.0 * more).min(0.9) }),
            _ => None,
        }
    }

    /// What it costs that a bit is zero or one if `seen` lies there.
    pub(super) fn loss(self, seen: bool) -> Loss {
        let likely = if seen { [self.zero, 1.0 - self.one] } else { [1.0 - self.zero, self.one] };
        likely.map(|likely| if likely > 0.0 { (-likely.ln() * SCALE).round() as i32 } else { IMPOSSIBLE })
    }

    /// Mean and variance of what a bit that is right costs.
    pub(super) fn expected(self) -> (f64, f64) {
        let (zero, one) = (self.loss(false), self.loss(true));
        let outcomes = [
            (0.5 * (1.0 - self.zero), zero[0]),
            (0.5 * self.zero, one[0]),
            (0.5 * (1.0 - self.one), one[1]),
            (0.5 * self.one, zero[1]),
        ];
        let outcomes =
            outcomes.iter().filter(|(likely, _)| *likely > 0.0).map(|(likely, loss)| (*likely, f64::from(*loss)));
        let mean: f64 = outcomes.clone().map(|(likely, loss)| likely * loss).sum();
        (mean, outcomes.map(|(likely, loss)| likely * (loss - mean).powi(2)).sum())
    }
}

/// Wrong bits where it is known what they should be.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    /// Ones that are zeros now, of how many.
    pub(super) ones: (u32, u32),
    /// Zeros that are ones now, of how many.
    pub(super) zeros: (u32, u32),
}

impl Counts {
    /// So many wrong bits out of all, whatever they should be.
    pub(super) fn of(wrong: u32, all: u32) -> Self {
        Self { ones: (wrong, all), zeros: (0, 0) }
    }

    /// Adds a limb that should be `right`.
    pub(super) fn add(&mut self, seen: u64, known: u64, right: u64) {
        self.ones.0 += (right & !seen & known).count_ones();
        self.ones.1 += (right & known).count_ones();
        self.zeros.0 += (!right & seen & known).count_ones();
        self.zeros.1 += (!right & known).count_ones();
    }

    /// How many bits are wrong.
    pub(super) fn wrong(&self) -> u32 {
        self.ones.0 + self.zeros.0
    }

    /// How many bits are there.
    pub(super) fn all(&self) -> u32 {
        self.ones.1 + self.zeros.1
    }

    /// By how many deviations of chance fewer are wrong than of random bits.
    pub(super) fn significance(&self) -> f64 {
        (f64::from(self.all()) - 2.0 * f64::from(self.wrong())) / f64::from(self.all().max(1)).sqrt()
    }
}
