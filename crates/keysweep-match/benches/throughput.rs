//! Bytes per second of the matcher and of its peers on the same bytes, in turn, as one table.
//!
//! `cargo bench -p keysweep-match [-- INPUT...]`; `KEYSWEEP_BENCH_DATA` names a directory with the files `text`, `code`
//! and `heap`, which `benches/make-data` gathers. Without it only made-up inputs are read.

use std::hint::black_box;
use std::time::{Duration, Instant};

use aho_corasick::AhoCorasick;
use daachorse::DoubleArrayAhoCorasick;
use keysweep_match::{Isa, Literal, Matcher, classify};
use memchr::memmem::Finder;

/// Numbers of literals; half of them match in UTF-16 too.
const SIZES: [usize; 5] = [10, 100, 300, 1000, 2000];
/// Bytes read by the fast contenders: more than a last-level cache holds.
const LARGE: usize = 64 << 20;
/// Bytes read by the slow ones.
const SMALL: usize = 4 << 20;
/// Passes over an input; the median counts.
const PASSES: usize = 5;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let inputs: Vec<(&str, Vec<u8>)> =
        inputs().into_iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|want| want == name)).collect();
    println!("| input | literals | hits/MiB | build ms | {} |", CONTENDERS.join(" | "));
    println!("|---|---|---|---|{}", "---|".repeat(CONTENDERS.len()));
    for (name, input) in &inputs {
        for size in SIZES {
            row(name, input, &literals(size));
        }
    }
    println!("\n| input | memchr, GB/s | classify, GB/s |\n|---|---|---|");
    for (name, input) in &inputs {
        let rare = memchr_of_rare_byte(input);
        let classes = rate(input.len(), || input.chunks(4096).map(|page| classify(page) as usize).sum());
        println!("| {name} | {rare:.2} | {classes:.2} |");
    }
}

const CONTENDERS: [&str; 8] =
    ["AVX-512", "AVX2", "SSE4.1", "scalar", "aho-corasick", "Teddy leftmost", "daachorse", "memmem loop"];

/// Prints the rates of all contenders with a set of literals on an input, in GB/s.
fn row(name: &str, input: &[u8], literals: &[Literal]) {
    let small = &input[..SMALL.min(input.len())];
    let forms = forms(literals);
    let started = Instant::now();
    let matcher = Matcher::new(literals).expect("the literals are good");
    let build = started.elapsed();
    let hits = count(&matcher, input) as f64 / (input.len() as f64 / f64::from(1 << 20));
    let mut rates: Vec<String> = [Isa::Avx512, Isa::Avx2, Isa::Sse41, Isa::Scalar]
        .into_iter()
        .map(|isa| match Matcher::with_isa(literals, isa) {
            Ok(matcher) => format!("{:.2}", rate(input.len(), || count(&matcher, input))),
            Err(_) => "-".to_owned(),
        })
        .collect();
    let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&forms).expect("few enough forms");
    rates.push(format!("{:.2}", rate(small.len(), || automaton.find_overlapping_iter(small).count())));
    let teddy = aho_corasick::packed::Searcher::new(&forms);
    rates.push(match teddy {
        Some(teddy) => format!("{:.2}", rate(small.len(), || teddy.find_iter(small).count())),
        None => "-".to_owned(),
    });
    let unique: std::collections::BTreeSet<&Vec<u8>> = forms.iter().collect();
    let double_array = DoubleArrayAhoCorasick::<u32>::new(unique).expect("unique forms");
    rates.push(format!("{:.2}", rate(small.len(), || double_array.find_overlapping_iter(small).count())));
    let finders: Vec<Finder> = forms.iter().map(Finder::new).collect();
    let part = &small[..small.len() / forms.len().clamp(1, 16)];
    rates
        .push(format!("{:.2}", rate(part.len(), || finders.iter().map(|finder| finder.find_iter(part).count()).sum())));
    let build = build.as_secs_f64() * 1e3;
    println!("| {name} | {} | {hits:.0} | {build:.2} | {} |", literals.len(), rates.join(" | "));
}

fn count(matcher: &Matcher, input: &[u8]) -> usize {
    let mut count = 0;
    matcher.find(input, &mut |_| count += 1);
    count
}

fn memchr_of_rare_byte(input: &[u8]) -> f64 {
    let mut counts = [0usize; 256];
    input.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
    let rarest = (0..=255u8).min_by_key(|&byte| counts[usize::from(byte)]).unwrap_or(0);
    rate(input.len(), || memchr::memchr_iter(rarest, input).count())
}

/// Gigabytes per second of a search over so many bytes: the median of some passes after one to warm up.
fn rate(bytes: usize, mut search: impl FnMut() -> usize) -> f64 {
    black_box(search());
    let mut times: Vec<Duration> = (0..PASSES)
        .map(|_| {
            let started = Instant::now();
            black_box(search());
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    bytes as f64 / times[PASSES / 2].as_secs_f64() / 1e9
}

/// All byte strings that the literals stand for, without their cases.
fn forms(literals: &[Literal]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for literal in literals {
        forms.push(literal.bytes.clone());
        if literal.wide {
            forms.push(literal.bytes.iter().flat_map(|&byte| [byte, 0]).collect());
            forms.push(literal.bytes.iter().flat_map(|&byte| [0, byte]).collect());
        }
    }
    forms
}

/// Literals as rules have them: those of the file in a fixed random order, then made-up ones of the same manner.
fn literals(count: usize) -> Vec<Literal> {
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut all: Vec<Vec<u8>> = include_str!("literals.txt").lines().map(unescape).collect();
    for at in (1..all.len()).rev() {
        all.swap(at, random.below(at + 1));
    }
    const SUFFIXES: [&str; 8] = ["_", "_live_", "_pat_", "-key-", "_token=", "_secret_", "-api-", "sk_"];
    while all.len() < count {
        let mut bytes: Vec<u8> = (0..2 + random.below(5)).map(|_| b'a' + random.below(26) as u8).collect();
        if random.below(4) == 0 {
            bytes.make_ascii_uppercase();
        }
        bytes.extend(SUFFIXES[random.below(SUFFIXES.len())].bytes());
        all.push(bytes);
    }
    all.truncate(count);
    all.into_iter()
        .enumerate()
        .map(|(at, bytes)| Literal {
            wide: at % 2 == 0 && bytes.is_ascii(),
            ignore_case: bytes.len() > 5 && bytes.iter().all(u8::is_ascii_lowercase),
            bytes,
        })
        .collect()
}

fn unescape(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = line.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'\\', [b'x', high, low, tail @ ..]) => {
                let digit = |digit: u8| (digit as char).to_digit(16).expect("two hexadecimal digits") as u8;
                bytes.push(digit(*high) << 4 | digit(*low));
                rest = tail;
            }
            _ => bytes.push(byte),
        }
    }
    bytes
}

fn inputs() -> Vec<(&'static str, Vec<u8>)> {
    let mut inputs = Vec::new();
    if let Some(directory) = std::env::var_os("KEYSWEEP_BENCH_DATA") {
        for name in ["text", "code", "heap"] {
            let path = std::path::Path::new(&directory).join(name);
            inputs.push((name, std::fs::read(path).expect("the directory has the file")));
        }
        inputs.push(("mixed", mix(&inputs)));
        inputs.push(("utf-16", inputs[0].1[..LARGE / 2].iter().flat_map(|&byte| [byte, 0]).collect()));
    }
    let mut random = Random(99);
    inputs.push(("random", (0..LARGE / 8).flat_map(|_| random.next().to_le_bytes()).collect()));
    inputs.push(("zero", vec![0; LARGE]));
    let literals = literals(300);
    inputs.push(("near misses", cycle(literals.iter().flat_map(near_misses).collect())));
    inputs.push(("one near miss", cycle(most_alike(&literals))));
    inputs
}

/// A dump as it comes: 256 KiB each of heap, zeros, code, heap, text in turn.
fn mix(inputs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    const PIECE: usize = 256 << 10;
    let (text, code, heap) = (&inputs[0].1, &inputs[1].1, &inputs[2].1);
    let zero = vec![0; PIECE];
    let mut mixed = Vec::with_capacity(LARGE);
    for at in (0..LARGE / 5 - PIECE).step_by(PIECE) {
        for piece in [&heap[at..], &zero, &code[at..], &heap[at + LARGE / 2..], &text[at..]] {
            mixed.extend_from_slice(&piece[..PIECE.min(piece.len())]);
        }
    }
    mixed
}

/// A literal without its last byte, and without its first, and with one byte wrong in the middle.
fn near_misses(literal: &Literal) -> Vec<u8> {
    let bytes = &literal.bytes;
    let mut wrong = bytes.clone();
    wrong[bytes.len() / 2] ^= 0x40;
    [&bytes[..bytes.len() - 1], &bytes[1..], &wrong].concat()
}

/// The beginning that most literals share, again and again, never whole.
fn most_alike(literals: &[Literal]) -> Vec<u8> {
    let starts = literals.iter().filter_map(|literal| literal.bytes.get(..5));
    let sharing = |start: &&[u8]| literals.iter().filter(|literal| literal.bytes.starts_with(start)).count();
    starts.max_by_key(sharing).unwrap_or(b"-----").to_vec()
}

fn cycle(unit: Vec<u8>) -> Vec<u8> {
    unit.iter().copied().cycle().take(LARGE).collect()
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 11) as usize % limit
    }
}
