//! Puts windows that look alike together, so that few places of a haystack look like any of them.
//!
//! The scan can tell a few groups of windows, the *buckets*, apart. Of a bucket it knows only which bytes occur at each of
//! the four positions, so a bucket accepts the product of four sets of bytes. The grouping makes the chance of that small.

use crate::frequency::{BINARY, TEXT};
use crate::window::{Accept, WIDTH};

/// For each position of a window and each byte value, the buckets that accept it, a bit each.
pub(crate) type Table = [[u32; 256]; WIDTH];

/// How often the placing of the windows is looked over again.
const ROUNDS: usize = 2;

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

struct Bucket {
    /// How many windows of the bucket accept a byte at a position.
    counts: [[u16; 256]; WIDTH],
    /// How many accept any byte at a position.
    any: [u16; WIDTH],
    /// Probability of the accepted bytes at each position, in each kind of data.
    mass: [[f32; CONTEXTS]; WIDTH],
    runs: f32,
}

impl Bucket {
    fn new() -> Self {
        Bucket { counts: [[0; 256]; WIDTH], any: [0; WIDTH], mass: [[0.0; CONTEXTS]; WIDTH], runs: 0.0 }
    }

    fn accepts(&self, position: usize, byte: u8) -> bool {
        self.counts[position][usize::from(byte)] > 0 || self.any[position] > 0
    }

    /// The chance that a place of a haystack looks like a window of this bucket.
    fn cost(&self) -> f32 {
        chance(&self.mass, &self.any) + self.runs
    }

    /// [`Bucket::cost`] if a window were added.
    fn cost_with(&self, window: &[Accept; WIDTH]) -> f32 {
        let mut mass = self.mass;
        let mut any = self.any;
        let mut runs = self.runs;
        for (position, accept) in window.iter().enumerate() {
            any[position] += u16::from(*accept == Accept::Any);
            for byte in accept.bytes() {
                if self.counts[position][usize::from(byte)] > 0 {
                    continue;
                }
                for (mass, p) in mass[position].iter_mut().zip(probability(position, byte)) {
                    *mass += p;
                }
                let run = (0..WIDTH)
                    .all(|other| self.accepts(other, byte) || window[other].bytes().any(|accepted| accepted == byte));
                if run {
                    runs += run_cost(byte);
                }
            }
        }
        chance(&mass, &any) + runs
    }

    fn change(&mut self, window: &[Accept; WIDTH], add: bool) {
        for (position, accept) in window.iter().enumerate() {
            if *accept == Accept::Any {
                self.any[position] = if add { self.any[position] + 1 } else { self.any[position] - 1 };
            }
            for byte in accept.bytes() {
                let ran = self.runs_of(byte);
                let count = &mut self.counts[position][usize::from(byte)];
                let sign = match (add, *count) {
                    (true, 0) => 1.0,
                    (false, 1) => -1.0,
                    _ => 0.0,
                };
                *count = if add { *count + 1 } else { *count - 1 };
                for (mass, p) in self.mass[position].iter_mut().zip(probability(position, byte)) {
                    *mass = (*mass + sign * p).max(0.0);
                }
                self.runs = (self.runs + self.runs_of(byte) - ran).max(0.0);
            }
        }
    }

    /// The cost of runs of a byte, if all positions accept it.
    fn runs_of(&self, byte: u8) -> f32 {
        if (0..WIDTH).all(|position| self.accepts(position, byte)) { run_cost(byte) } else { 0.0 }
    }
}

fn chance(mass: &[[f32; CONTEXTS]; WIDTH], any: &[u16; WIDTH]) -> f32 {
    (0..CONTEXTS)
        .map(|context| {
            let product: f32 =
                (0..WIDTH).map(|position| if any[position] > 0 { 1.0 } else { mass[position][context] }).product();
            WEIGHT[context] * product
        })
        .sum()
}

/// Puts the windows into so many buckets, at most 32, and returns which buckets accept which byte at which position.
pub(crate) fn group(windows: &[[Accept; WIDTH]], count: usize) -> Box<Table> {
    let mut buckets: Vec<Bucket> = (0..count).map(|_| Bucket::new()).collect();
    let mut places: Vec<usize> = Vec::with_capacity(windows.len());
    for window in windows {
        places.push(place(&mut buckets, window));
    }
    for _ in 0..ROUNDS {
        for (window, at) in windows.iter().zip(&mut places) {
            buckets[*at].change(window, false);
            *at = place(&mut buckets, window);
        }
    }
    table(windows, &places)
}

/// Adds a window to the bucket where it costs least.
fn place(buckets: &mut [Bucket], window: &[Accept; WIDTH]) -> usize {
    let (at, _) = buckets
        .iter()
        .map(|bucket| bucket.cost_with(window) - bucket.cost())
        .enumerate()
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .unwrap_or_default();
    buckets[at].change(window, true);
    at
}

fn table(windows: &[[Accept; WIDTH]], places: &[usize]) -> Box<Table> {
    let mut table = Box::new([[0; 256]; WIDTH]);
    for (window, &at) in windows.iter().zip(places) {
        for (row, accept) in table.iter_mut().zip(window) {
            if *accept == Accept::Any {
                row.iter_mut().for_each(|buckets| *buckets |= 1 << at);
            }
            for byte in accept.bytes() {
                row[usize::from(byte)] |= 1 << at;
            }
        }
    }
    table
}
