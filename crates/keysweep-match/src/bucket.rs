//! Puts windows that look alike together, so that few places of a haystack look like any of them.
//!
//! The scan can tell a few groups of windows, the *buckets*, apart. Of a bucket it knows only which bytes occur at each of
//! the four positions, so a bucket accepts the product of four sets of bytes. The grouping makes the chance of that small.

use crate::frequency::{BINARY, TEXT};
use crate::window::{Accept, WIDTH};

/// For each position of a window and each byte value, the buckets that accept it, a bit each.
pub(crate) type Table = [[u64; 256]; WIDTH];

/// How a kernel sees a byte: it cannot tell those apart that lie in one cell.
pub(crate) type Cell = fn(u8) -> u8;

/// How often the placing of the windows is looked over again.
const ROUNDS: usize = 1;

/// Kinds of data: text and binary.
const CONTEXTS: usize = 2;

/// How much it costs to accept runs of a byte: such runs are long, and those of zero the longest.
fn run_cost(byte: u8) -> f32 {
    if byte == 0 {
        return 1.0;
    }
    f32::from(TEXT[usize::from(byte)].max(BINARY[usize::from(byte)])) / 65536.0 / 4.0
}

/// A number for each bucket.
type Lanes<const LANES: usize> = [f32; LANES];

/// All buckets, what they have in common side by side, so that the compiler can look at many of them at once. There are at
/// most 64: a bit each in a word.
struct Buckets<const LANES: usize> {
    cell: Cell,
    /// Of each cell: its probability in each kind of data, and what runs of its bytes cost.
    probability: Vec<[f32; CONTEXTS]>,
    run_cost: Vec<f32>,
    /// For each cell and position, how many windows of each bucket accept it.
    counts: Vec<[[u16; LANES]; WIDTH]>,
    /// The same as bits: those that accept it.
    accepting: Box<Table>,
    /// The same as factors: 1 where none accepts it, else 0.
    absent: Vec<[Lanes<LANES>; WIDTH]>,
    /// At each position, how many windows of each bucket accept any byte.
    any_counts: [[u16; LANES]; WIDTH],
    any: [u64; WIDTH],
    /// The same as factors: 1 where one accepts any byte, else 0.
    any_mass: [Lanes<LANES>; WIDTH],
    /// Probability of the accepted bytes at each position, in each kind of data.
    mass: [[Lanes<LANES>; CONTEXTS]; WIDTH],
    /// What the runs of bytes that are accepted everywhere cost.
    runs: Lanes<LANES>,
    /// The chance that a place of a haystack looks like a window.
    cost: Lanes<LANES>,
}

/// The cells of what a position of a window accepts; none stands for any.
fn cells(cell: Cell, accept: Accept) -> impl Iterator<Item = u8> {
    let mut cells = accept.bytes().map(cell);
    let first = cells.next();
    first.into_iter().chain(cells.filter(move |second| Some(*second) != first))
}

impl<const LANES: usize> Buckets<LANES> {
    fn new(cell: Cell) -> Self {
        let mut probability = vec![[0.0; CONTEXTS]; 256];
        let mut costs = vec![0.0; 256];
        for byte in 0..=0xff {
            let at = usize::from(cell(byte));
            let there = [TEXT, BINARY].map(|table| f32::from(table[usize::from(byte)]) / 65536.0);
            probability[at].iter_mut().zip(there).for_each(|(sum, there)| *sum += there);
            costs[at] += run_cost(byte);
        }
        Buckets {
            cell,
            probability,
            run_cost: costs,
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
        let at = (0..LANES).min_by(|a, b| grows(a).total_cmp(&grows(b))).unwrap_or_default();
        self.change(window, at, true);
        at
    }

    /// What each bucket would cost with one window more.
    fn costs_with(&self, window: &[Accept; WIDTH]) -> Lanes<LANES> {
        let mut products = [[1.0; LANES]; CONTEXTS];
        let mut runs = self.runs;
        for (position, accept) in window.iter().enumerate() {
            if *accept == Accept::Any {
                continue;
            }
            let mut mass = self.mass[position];
            for cell in cells(self.cell, *accept) {
                let absent = &self.absent[usize::from(cell)][position];
                for (mass, p) in mass.iter_mut().zip(self.probability[usize::from(cell)]) {
                    mass.iter_mut().zip(absent).for_each(|(mass, absent)| *mass += p * absent);
                }
                let new = self.everywhere_with(cell, window) & !self.everywhere(cell);
                // A byte that stands in a window several times is met as often.
                let again = window[..position].iter().any(|accept| self.accepts(*accept, cell));
                if new != 0 && !again {
                    let cost = self.run_cost[usize::from(cell)];
                    (0..LANES).filter(|at| new >> at & 1 != 0).for_each(|at| runs[at] += cost);
                }
            }
            for (product, mass) in products.iter_mut().zip(&mass) {
                let lanes = product.iter_mut().zip(mass).zip(&self.any_mass[position]);
                lanes.for_each(|((product, mass), any)| *product *= mass.max(*any));
            }
        }
        let mut costs = runs;
        for product in &products {
            costs.iter_mut().zip(product).for_each(|(cost, product)| *cost += product);
        }
        costs
    }

    /// Whether bytes of a cell are among those accepted by name.
    fn accepts(&self, accept: Accept, cell: u8) -> bool {
        cells(self.cell, accept).any(|other| other == cell)
    }

    /// The buckets that accept runs of a cell's bytes.
    fn everywhere(&self, cell: u8) -> u64 {
        (0..WIDTH).fold(u64::MAX, |all, at| all & (self.accepting[at][usize::from(cell)] | self.any[at]))
    }

    /// Those that would with one window more.
    fn everywhere_with(&self, cell: u8, window: &[Accept; WIDTH]) -> u64 {
        (0..WIDTH)
            .filter(|at| window[*at] != Accept::Any && !self.accepts(window[*at], cell))
            .fold(u64::MAX, |all, at| all & (self.accepting[at][usize::from(cell)] | self.any[at]))
    }

    /// Adds a window to a bucket, or takes it away.
    fn change(&mut self, window: &[Accept; WIDTH], at: usize, add: bool) {
        let bit = 1_u64 << at;
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
            for cell in cells(self.cell, *accept) {
                let index = usize::from(cell);
                let ran = self.everywhere(cell) & bit != 0;
                let there = step(&mut self.counts[index][position][at]);
                let accepting = &mut self.accepting[position][index];
                *accepting = *accepting & !bit | if there { bit } else { 0 };
                let absent = &mut self.absent[index][position][at];
                let before = std::mem::replace(absent, if there { 0.0 } else { 1.0 });
                for (mass, p) in self.mass[position].iter_mut().zip(self.probability[index]) {
                    mass[at] = (mass[at] + (before - *absent) * p).max(0.0);
                }
                let runs = f32::from(self.everywhere(cell) & bit != 0) - f32::from(ran);
                self.runs[at] = (self.runs[at] + runs * self.run_cost[index]).max(0.0);
            }
        }
        self.cost[at] = self.chance(at) + self.runs[at];
    }

    /// Which of them accept which byte at which position.
    fn table(self) -> Box<Table> {
        let mut table = Box::new([[0; 256]; WIDTH]);
        for ((row, accepting), any) in table.iter_mut().zip(self.accepting.iter()).zip(self.any) {
            for byte in 0..=0xff {
                row[usize::from(byte)] = accepting[usize::from((self.cell)(byte))] | any;
            }
        }
        table
    }

    fn chance(&self, at: usize) -> f32 {
        let mass = |position: usize, context: usize| self.mass[position][context][at].max(self.any_mass[position][at]);
        (0..CONTEXTS).map(|context| (0..WIDTH).map(|at| mass(at, context)).product::<f32>()).sum()
    }
}

/// Puts the windows into so many buckets and returns which buckets accept which byte at which position, as a kernel sees it.
pub(crate) fn group<const BUCKETS: usize>(windows: &[[Accept; WIDTH]], cell: Cell) -> Box<Table> {
    let mut buckets = Buckets::<BUCKETS>::new(cell);
    let mut places: Vec<usize> = windows.iter().map(|window| buckets.place(window)).collect();
    for _ in 0..ROUNDS {
        for (window, at) in windows.iter().zip(&mut places) {
            buckets.change(window, *at, false);
            *at = buckets.place(window);
        }
    }
    buckets.table()
}

/// For each eight buckets and position, the buckets that accept the bytes of each cell: what a kernel looks up.
pub(crate) fn octets<const CELLS: usize, const POSITIONS: usize, const OCTETS: usize>(
    table: &Table,
    cell: Cell,
) -> [[[u8; CELLS]; POSITIONS]; OCTETS] {
    let mut octets = [[[0; CELLS]; POSITIONS]; OCTETS];
    for (position, row) in table[..POSITIONS].iter().enumerate() {
        for (byte, buckets) in (0..=0xff).zip(row) {
            for (octet, buckets) in octets.iter_mut().zip(buckets.to_le_bytes()) {
                octet[position][usize::from(cell(byte))] |= buckets;
            }
        }
    }
    octets
}
