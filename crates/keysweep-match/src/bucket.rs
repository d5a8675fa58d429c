//! Puts windows that look alike together, so that few places of a haystack look like any of them.
//!
//! The scan can tell a few groups of windows, the *buckets*, apart. Of a bucket it knows only which bytes occur at each of
//! the four positions, so a bucket accepts the product of four sets of bytes. The grouping makes the chance of that small.

use crate::frequency::{BINARY, TEXT};
use crate::window::{Accept, WIDTH};

/// For each position of a window and each byte value, the buckets that accept it, a bit each.
pub(crate) type Table = [[u32; 256]; WIDTH];

/// How often the placing of the windows is looked over again.
const ROUNDS: usize = 1;

/// Kinds of data: text, binary, and UTF-16 text (at a character, not between two).
const CONTEXTS: usize = 3;
/// How much each kind of data weighs.
const WEIGHT: [f32; CONTEXTS] = [1.0, 1.0, 0.05];

/// Probability of a byte at a position of a window in each kind of data.
fn probability(position: usize, byte: u8) -> [f32; CONTEXTS] {
    let text = f32::from(TEXT[usize::from(byte)]) / 65536.0;
    let binary = f32::from(BINARY[usize::from(byte)]) / 65536.0;
    let utf16 = match (position % 2, byte) {
        (0, _) => text,
        (_, 0) => 1.0,
        _ => 0.0,
    };
    [text, binary, utf16]
}

/// How much it costs to accept runs of a byte: such runs are long, and those of zero the longest.
fn run_cost(byte: u8) -> f32 {
    if byte == 0 {
        return 1.0;
    }
    f32::from(TEXT[usize::from(byte)].max(BINARY[usize::from(byte)])) / 65536.0 / 4.0
}

/// Most buckets there can be: a bit each in a word.
const LANES: usize = 32;
/// A number for each bucket.
type Lanes = [f32; LANES];

/// All buckets, what they have in common side by side, so that the compiler can look at many of them at once.
struct Buckets {
    /// How many there are.
    len: usize,
    /// For each byte and position, how many windows of each bucket accept it.
    counts: Vec<[[u16; LANES]; WIDTH]>,
    /// The same as bits: those that accept it.
    accepting: Box<Table>,
    /// The same as factors: 1 where none accepts it, else 0.
    absent: Vec<[Lanes; WIDTH]>,
    /// At each position, how many windows of each bucket accept any byte.
    any_counts: [[u16; LANES]; WIDTH],
    any: [u32; WIDTH],
    /// The same as factors: 1 where one accepts any byte, else 0.
    any_mass: [Lanes; WIDTH],
    /// Probability of the accepted bytes at each position, in each kind of data.
    mass: [[Lanes; CONTEXTS]; WIDTH],
    /// What the runs of bytes that are accepted everywhere cost.
    runs: Lanes,
    /// The chance that a place of a haystack looks like a window.
    cost: Lanes,
}

impl Buckets {
    fn new(len: usize) -> Self {
        Buckets {
            len,
            counts: vec![[[0; LANES]; WIDTH]; 256],
            accepting: Box::new([[0; 256]; WIDTH]),
            absent: vec![[[1.0; LANES]; WIDTH]; 256],
            any_counts: [[0; LANES]; WIDTH],
            any: [0; WIDTH],
            any_mass: [[0.0; LANES]; WIDTH],
            mass: [[[0.0; LANES]; CONTEXTS]; WIDTH],
            runs: [0.0; LANES],
            cost: [0.0; LANES],
        }
    }

    /// Adds a window to the bucket where it costs least, and returns which that is.
    fn place(&mut self, window: &[Accept; WIDTH]) -> usize {
        let with = self.costs_with(window);
        let grows = |at: &usize| with[*at] - self.cost[*at];
        let at = (0..self.len).min_by(|a, b| grows(a).total_cmp(&grows(b))).unwrap_or_default();
        self.change(window, at, true);
        at
    }

    /// What each bucket would cost with one window more.
    fn costs_with(&self, window: &[Accept; WIDTH]) -> Lanes {
        let mut products = [[1.0; LANES]; CONTEXTS];
        let mut runs = self.runs;
        for (position, accept) in window.iter().enumerate() {
            if *accept == Accept::Any {
                continue;
            }
            let mut mass = self.mass[position];
            for byte in accept.bytes() {
                let absent = &self.absent[usize::from(byte)][position];
                for (mass, p) in mass.iter_mut().zip(probability(position, byte)) {
                    mass.iter_mut().zip(absent).for_each(|(mass, absent)| *mass += p * absent);
                }
                let new = self.everywhere_with(byte, window) & !self.everywhere(byte);
                // A byte that stands in a window several times is met as often.
                let again = window[..position].iter().any(|accept| accept.bytes().any(|other| other == byte));
                if new != 0 && !again {
                    (0..LANES).filter(|at| new >> at & 1 != 0).for_each(|at| runs[at] += run_cost(byte));
                }
            }
            for (product, mass) in products.iter_mut().zip(&mass) {
                let lanes = product.iter_mut().zip(mass).zip(&self.any_mass[position]);
                lanes.for_each(|((product, mass), any)| *product *= mass.max(*any));
            }
        }
        let mut costs = runs;
        for (product, weight) in products.iter().zip(WEIGHT) {
            costs.iter_mut().zip(product).for_each(|(cost, product)| *cost += weight * product);
        }
        costs
    }

    /// The buckets that accept runs of a byte.
    fn everywhere(&self, byte: u8) -> u32 {
        (0..WIDTH).fold(u32::MAX, |all, at| all & (self.accepting[at][usize::from(byte)] | self.any[at]))
    }

    /// Those that would with one window more.
    fn everywhere_with(&self, byte: u8, window: &[Accept; WIDTH]) -> u32 {
        (0..WIDTH)
            .filter(|at| window[*at] != Accept::Any && window[*at].bytes().all(|other| other != byte))
            .fold(u32::MAX, |all, at| all & (self.accepting[at][usize::from(byte)] | self.any[at]))
    }

    /// Adds a window to a bucket, or takes it away.
    fn change(&mut self, window: &[Accept; WIDTH], at: usize, add: bool) {
        let bit = 1 << at;
        let step = |count: &mut u16| {
            *count = if add { *count + 1 } else { *count - 1 };
            *count > 0
        };
        for (position, accept) in window.iter().enumerate() {
            if *accept == Accept::Any {
                let any = step(&mut self.any_counts[position][at]);
                self.any[position] = self.any[position] & !bit | if any { bit } else { 0 };
                self.any_mass[position][at] = f32::from(any);
            }
            for byte in accept.bytes() {
                let ran = self.everywhere(byte) & bit != 0;
                let there = step(&mut self.counts[usize::from(byte)][position][at]);
                let accepting = &mut self.accepting[position][usize::from(byte)];
                *accepting = *accepting & !bit | if there { bit } else { 0 };
                let absent = &mut self.absent[usize::from(byte)][position][at];
                let before = std::mem::replace(absent, if there { 0.0 } else { 1.0 });
                for (mass, p) in self.mass[position].iter_mut().zip(probability(position, byte)) {
                    mass[at] = (mass[at] + (before - *absent) * p).max(0.0);
                }
                let runs = f32::from(self.everywhere(byte) & bit != 0) - f32::from(ran);
                self.runs[at] = (self.runs[at] + runs * run_cost(byte)).max(0.0);
            }
        }
        self.cost[at] = self.chance(at) + self.runs[at];
    }

    /// Which of them accept which byte at which position.
    fn table(self) -> Box<Table> {
        let mut table = self.accepting;
        for (row, any) in table.iter_mut().zip(self.any) {
            row.iter_mut().for_each(|buckets| *buckets |= any);
        }
        table
    }

    fn chance(&self, at: usize) -> f32 {
        let mass = |position: usize, context: usize| self.mass[position][context][at].max(self.any_mass[position][at]);
        (0..CONTEXTS).map(|context| WEIGHT[context] * (0..WIDTH).map(|at| mass(at, context)).product::<f32>()).sum()
    }
}

/// Puts the windows into so many buckets, at most 32, and returns which buckets accept which byte at which position.
pub(crate) fn group(windows: &[[Accept; WIDTH]], count: usize) -> Box<Table> {
    let mut buckets = Buckets::new(count.min(LANES));
    let mut places: Vec<usize> = windows.iter().map(|window| buckets.place(window)).collect();
    for _ in 0..ROUNDS {
        for (window, at) in windows.iter().zip(&mut places) {
            buckets.change(window, *at, false);
            *at = buckets.place(window);
        }
    }
    buckets.table()
}
