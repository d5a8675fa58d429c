//! From damaged numbers to a prime.

use super::super::natural::Natural;
use super::beam::{Problem, search, survivor};
use super::multiple::Exponent;
use super::noisy::{Counts, Noisy, Rates};
use super::relation::{MAX_EXPONENT, Multiple, Relation, crt_factors, inverse_modulo, losses};

/// What lies there of a key.
#[derive(Default, Clone)]
pub(super) struct Numbers {
    pub(super) p: Option<Noisy>,
    pub(super) q: Option<Noisy>,
    pub(super) d: Option<Noisy>,
    pub(super) dp: Option<Noisy>,
    pub(super) dq: Option<Noisy>,
}

impl Numbers {
    pub(super) fn all(&self) -> impl Iterator<Item = &Noisy> {
        [&self.p, &self.q, &self.d, &self.dp, &self.dq].into_iter().flatten()
    }
}

/// A modulus whose key is looked for.
pub(super) struct Target<'a> {
    pub(super) n: &'a Natural,
    pub(super) e: u64,
    /// What is wrong with the modulus where it lies beside the numbers.
    pub(super) counts: Option<Counts>,
}

/// A prime, and whether an exponent among the numbers belongs to it.
pub(super) struct Solved {
    pub(super) p: Natural,
    pub(super) by_exponent: bool,
}

/// Candidates that are kept at a time: few are enough if few bits are wrong.
pub(super) const WIDTHS: [usize; 4] = [64, 1 << 10, 1 << 13, 1 << 16];
/// Rates that are tried where nothing tells.
const GUESSES: [f64; 3] = [0.003, 0.03, 0.1];
/// Candidates for each factor of `p - 1`, if all are tried, and limbs up to which they are.
const NARROW: usize = 16;
const FIRST_BITS: u32 = 128;
/// Bits that must be there of a number for it to be of use.
const MIN_BITS: u32 = 64;

/// Numbers that may be those of a key, and what `d` is.
#[derive(Clone)]
pub(super) struct Guess {
    pub(super) numbers: Numbers,
    pub(super) exponent: Option<Exponent>,
}

/// Rebuilds a prime from one of the guesses, by up to `effort` candidates of a bit each (of some 30 ns). With the index of the guess.
pub(super) fn solve(target: &Target<'_>, guesses: &[Guess], effort: &mut u64) -> Option<(usize, Solved)> {
    // All with few candidates before any with many: of numbers that do not fit, many are left for long.
    for width in WIDTHS {
        for (index, guess) in guesses.iter().enumerate() {
            if *effort == 0 {
                return None;
            }
            let solved = guess.solve(target, width, effort);
            if let Some(solved) = solved {
                return Some((index, solved));
            }
        }
    }
    None
}

impl Guess {
    fn solve(&self, target: &Target<'_>, width: usize, effort: &mut u64) -> Option<Solved> {
        let rates = rates(target, &self.numbers, self.exponent);
        let variants = match self.exponent {
            Some(exponent) => variants(target, &self.numbers, exponent.multiple),
            None => vec![Variant::default()],
        };
        for rates in &rates {
            for variant in &variants {
                let problem = variant.problem(target, &self.numbers, *rates)?;
                if let Some(p) = search(&problem, width, effort) {
                    return Some(Solved { p, by_exponent: !problem.relations.is_empty() });
                }
            }
        }
        let again = width == WIDTHS[1] && self.exponent.is_none();
        again.then(|| by_all_factors(target, &self.numbers, *rates.first()?, effort))?
    }
}

/// How much worse than the right numbers these fit up to a bit, in the units of losses, with so many candidates; `None` if they do not.
pub(super) fn probe(
    target: &Target<'_>,
    numbers: &Numbers,
    exponent: Exponent,
    (bits, width): (u32, usize),
    effort: &mut u64,
) -> Option<i32> {
    let rates = Rates::counted(&exponent.counts);
    let fits = variants(target, numbers, exponent.multiple).into_iter().filter_map(|variant| {
        let problem = variant.problem_of(target, numbers, rates, bits)?;
        let loss = survivor(&problem, width, effort)?;
        Some(loss - problem.expected.last()?.0 as i32)
    });
    fits.min()
}

/// How many bits may be wrong, the likeliest first.
fn rates(target: &Target<'_>, numbers: &Numbers, exponent: Option<Exponent>) -> Vec<Rates> {
    match exponent.map(|exponent| exponent.counts).or(target.counts) {
        // Where nothing is wrong something may still be elsewhere: at the ends of what was written over.
        Some(counts) if counts.wrong() == 0 => vec![Rates::NONE, Rates::counted(&counts), Rates::even(GUESSES[1])],
        Some(counts) => vec![Rates::counted(&counts)],
        None => {
            let numbers: Vec<&Noisy> = numbers.all().collect();
            let guesses = GUESSES.into_iter().map(Rates::even);
            std::iter::once(Rates::NONE).chain(Rates::by_density(&numbers)).chain(guesses).collect()
        }
    }
}

/// What the exponents are multiples of.
#[derive(Default, Clone, Copy)]
struct Variant {
    multiple: Option<Multiple>,
    factors: Option<(u64, u64)>,
}

/// Either prime may be the one with either factor.
fn variants(target: &Target<'_>, numbers: &Numbers, multiple: Multiple) -> Vec<Variant> {
    let factors = if numbers.dp.is_some() || numbers.dq.is_some() {
        crt_factors(target.n, target.e, multiple)
    } else {
        Vec::new()
    };
    if factors.is_empty() {
        return vec![Variant { multiple: Some(multiple), factors: None }];
    }
    factors.into_iter().map(|factors| Variant { multiple: Some(multiple), factors: Some(factors) }).collect()
}

impl Variant {
    fn problem<'a>(&self, target: &Target<'a>, numbers: &Numbers, rates: Rates) -> Option<Problem<'a>> {
        let bits = target.n.bits().div_ceil(2);
        self.problem_of(target, numbers, rates, bits)
    }

    /// The problem up to a bit.
    fn problem_of<'a>(&self, target: &Target<'a>, numbers: &Numbers, rates: Rates, bits: u32) -> Option<Problem<'a>> {
        let mut relations = Vec::new();
        if let (Some(d), Some(multiple)) = (&numbers.d, self.multiple) {
            relations.push(Relation::of_exponent(d, rates, target.n, target.e, multiple, bits)?);
        }
        if let Some((first, second)) = self.factors {
            let of = |number: &Option<Noisy>, factor, second| {
                Relation::of_crt_exponent(number.as_ref()?, rates, bits, target.e, factor, second)
            };
            relations.extend(of(&numbers.dp, first, false));
            relations.extend(of(&numbers.dq, second, true));
        }
        let of_prime = |number: &Option<Noisy>| match number {
            Some(number) => losses(number, rates, 0, 0, bits),
            None => (Vec::new(), Vec::new()),
        };
        let (p, p_known) = of_prime(&numbers.p);
        let (q, q_known) = of_prime(&numbers.q);
        let (mean, variance) = rates.expected();
        let expected = (0..bits as usize).map(|level| {
            let of = |known: &[u32]| known.get(level).copied().unwrap_or(0);
            let known = of(&p_known) + of(&q_known) + relations.iter().map(|r| of(&r.known)).sum::<u32>();
            (mean * f64::from(known), variance * f64::from(known))
        });
        let expected = expected.collect();
        Some(Problem { n: target.n, bits, p, q, relations, expected })
    }
}

/// Tries all multiples of `p - 1`, each of which tells that of `q - 1`: with a wrong one nothing fits after some bits.
fn by_all_factors(target: &Target<'_>, numbers: &Numbers, rates: Rates, effort: &mut u64) -> Option<Solved> {
    let there = |number: &Option<Noisy>| number.as_ref().is_some_and(|number| number.known_bits() >= MIN_BITS);
    let e = target.e;
    // Some of them are not worth it, since any may be the right one.
    let affordable = e.checked_mul(FIRST_BITS.into()).is_some_and(|cost| cost <= *effort);
    if !(affordable && there(&numbers.dp) && there(&numbers.dq) && (3..=MAX_EXPONENT).contains(&e)) {
        return None;
    }
    let n = target.n.modulo(&Natural::from(e))?.low();
    // x - 1 = y * (x - 1 - n * x) modulo e.
    let pair = |x: u64| Some((x, (x + e - 1) % e * inverse_modulo((x + e - 1 + (e - n % e) * x) % e, e)? % e));
    let pairs: Vec<(u64, u64)> = (1..e).filter_map(pair).filter(|(_, y)| *y != 0).collect();
    let mut left = Vec::new();
    for pair in &pairs {
        let variant = Variant { multiple: None, factors: Some(*pair) };
        let problem = variant.problem_of(target, numbers, rates, FIRST_BITS)?;
        *effort = effort.checked_sub(u64::from(FIRST_BITS))?;
        if survivor(&problem, NARROW, effort).is_some() {
            left.push(variant);
        }
    }
    WIDTHS[..2].iter().find_map(|width| {
        left.iter().find_map(|variant| {
            let problem = variant.problem(target, numbers, rates)?;
            Some(Solved { p: search(&problem, *width, effort)?, by_exponent: true })
        })
    })
}
