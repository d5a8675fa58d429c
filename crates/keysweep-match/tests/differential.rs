//! Every instruction set finds exactly what a naive search finds.

use keysweep_match::{BuildError, Encoding, Hit, Isa, Literal, Matcher};

/// A small deterministic generator (xorshift64).
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

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn bytes(&mut self, alphabet: &[u8], length: usize) -> Vec<u8> {
        (0..length).map(|_| *self.pick(alphabet)).collect()
    }
}

fn encode(bytes: &[u8], encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Bytes => bytes.to_vec(),
        Encoding::Utf16Le => bytes.iter().flat_map(|&byte| [byte, 0]).collect(),
        Encoding::Utf16Be => bytes.iter().flat_map(|&byte| [0, byte]).collect(),
    }
}

fn naive(literals: &[Literal], haystack: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    for start in 0..haystack.len() {
        for (id, literal) in (0u32..).zip(literals) {
            for encoding in [Encoding::Bytes, Encoding::Utf16Le, Encoding::Utf16Be] {
                if encoding != Encoding::Bytes && !literal.wide {
                    continue;
                }
                let needle = encode(&literal.bytes, encoding);
                let end = start + needle.len();
                let Some(there) = haystack.get(start..end) else {
                    continue;
                };
                let equal = if literal.ignore_case { there.eq_ignore_ascii_case(&needle) } else { there == needle };
                if equal {
                    hits.push(Hit { literal: id, start, end, encoding });
                }
            }
        }
    }
    hits
}

fn found(matcher: &Matcher, haystack: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    matcher.find(haystack, &mut |hit| hits.push(hit));
    hits
}

fn matchers(literals: &[Literal]) -> Vec<Matcher> {
    let arranged = Isa::ALL.into_iter().filter(|isa| isa.is_available()).map(|isa| Matcher::with_isa(literals, isa));
    arranged.chain([Matcher::new(literals)]).map(Result::unwrap).collect()
}

fn assert_same(literals: &[Literal], matchers: &[Matcher], haystack: &[u8]) {
    let expected = naive(literals, haystack);
    for matcher in matchers {
        let actual = found(matcher, haystack);
        assert!(
            actual == expected,
            "{}: {} hits, expected {}; literals {literals:?}; haystack {haystack:?}",
            matcher.isa(),
            actual.len(),
            expected.len()
        );
    }
}

/// Literals over an alphabet, some of them parts or repetitions of others.
fn literals(random: &mut Random, alphabet: &[u8], count: usize, longest: usize) -> Vec<Literal> {
    let mut literals: Vec<Literal> = Vec::new();
    while literals.len() < count {
        let length = 2 + random.below(longest - 1);
        let mut bytes = random.bytes(alphabet, length);
        if !literals.is_empty() {
            match random.below(8) {
                0 => bytes = random.pick(&literals).bytes.clone(),
                1 => bytes.extend_from_slice(&random.pick(&literals).bytes),
                2 => {
                    let other = &random.pick(&literals).bytes;
                    bytes = other[random.below(other.len() - 1)..].to_vec();
                }
                _ => {}
            }
        }
        bytes.truncate(longest);
        let ascii = bytes.is_ascii();
        literals.push(Literal { bytes, ignore_case: random.below(3) == 0, wide: ascii && random.below(2) == 0 });
    }
    literals
}

/// A haystack of noise over an alphabet with forms of the literals, whole and damaged, strewn in.
fn haystack(random: &mut Random, alphabet: &[u8], literals: &[Literal], length: usize) -> Vec<u8> {
    let mut haystack = Vec::with_capacity(length + 256);
    while haystack.len() < length {
        if literals.is_empty() || random.below(3) == 0 {
            let noise = 1 + random.below(40);
            haystack.extend(random.bytes(alphabet, noise));
            continue;
        }
        let literal = random.pick(literals);
        let encoding = *random.pick(&[Encoding::Bytes, Encoding::Utf16Le, Encoding::Utf16Be]);
        let mut form = encode(&literal.bytes, encoding);
        match random.below(6) {
            0 => form.make_ascii_uppercase(),
            1 => form.make_ascii_lowercase(),
            2 => {
                let at = random.below(form.len());
                form[at] ^= 1 << random.below(8);
            }
            3 => form.truncate(random.below(form.len())),
            _ => {}
        }
        haystack.extend(form);
    }
    haystack.truncate(length);
    haystack
}

const ALPHABETS: [&[u8]; 8] = [
    b"ab",
    b"a\0",
    b"aAbB\0\x80",
    b"-BEGINprivatekyPRIV \n",
    // Windows of UTF-16 are without what is not printable.
    b"a\n\0 \x1f",
    &[0x00, 0x01, 0x02, 0x30, 0x82, 0xff],
    &[0x41, 0x61, 0xc1, 0xe1, 0x00],
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-",
];

#[test]
fn random_literals_in_random_haystacks() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..400 {
        let alphabet = *random.pick(&ALPHABETS);
        let count = *random.pick(&[1, 2, 5, 20, 60]);
        let longest = *random.pick(&[2, 3, 4, 5, 8, 20, 64]);
        let set = literals(&mut random, alphabet, count, longest);
        let matchers = matchers(&set);
        for _ in 0..3 {
            let length = if round % 8 == 0 { 5000 } else { random.below(400) };
            let haystack = haystack(&mut random, alphabet, &set, length);
            assert_same(&set, &matchers, &haystack);
        }
    }
}

#[test]
fn any_byte_values() {
    let mut random = Random(77);
    let all: Vec<u8> = (0..=255).collect();
    for _ in 0..30 {
        let set = literals(&mut random, &all, 40, 12);
        let haystack = haystack(&mut random, &all, &set, 2000);
        assert_same(&set, &matchers(&set), &haystack);
    }
}

#[test]
fn every_alignment_and_length() {
    let set = [
        Literal::new("AKIA").wide(),
        Literal::new("password").ignore_case().wide(),
        Literal::new([0x02, 0x01, 0x00]),
        Literal::new("xy"),
    ];
    let matchers = matchers(&set);
    for literal in &set {
        for encoding in [Encoding::Bytes, Encoding::Utf16Le, Encoding::Utf16Be] {
            let form = encode(&literal.bytes, encoding);
            for length in (0..200).chain(4090..4110).chain(8180..8200) {
                let mut haystack = vec![b'.'; length];
                for at in [0, length / 3, length / 2, length.saturating_sub(form.len())] {
                    if let Some(place) = haystack.get_mut(at..at + form.len()) {
                        place.copy_from_slice(&form);
                    }
                }
                assert_same(&set, &matchers, &haystack);
            }
            for at in 4000..4200 {
                let mut haystack = vec![0; 4400];
                haystack[at..at + form.len()].copy_from_slice(&form);
                assert_same(&set, &matchers, &haystack);
            }
        }
    }
}

#[test]
fn periodic_bytes_match_at_every_place() {
    let set: Vec<Literal> = (2..=64)
        .map(|length| Literal::new(vec![b'a'; length]).wide())
        .chain([Literal::new([0, 0]).wide(), Literal::new([0; 40]), Literal::new([0xff; 64])])
        .collect();
    let matchers = matchers(&set);
    for unit in [&b"a"[..], b"a\0", b"\0", b"\xff", b"aaab"] {
        for length in [1, 2, 3, 63, 64, 65, 129, 600] {
            let haystack: Vec<u8> = unit.iter().copied().cycle().take(length).collect();
            assert_same(&set, &matchers, &haystack);
        }
    }
}

#[test]
fn two_thousand_literals() {
    let mut random = Random(4242);
    let alphabet = ALPHABETS[6];
    let set = literals(&mut random, alphabet, 2000, 20);
    let matchers = matchers(&set);
    let haystack = haystack(&mut random, alphabet, &set, 6000);
    assert_same(&set, &matchers, &haystack);
}

#[test]
fn no_literals_and_no_bytes() {
    let none = Matcher::new(&[]).unwrap();
    assert_eq!(found(&none, b"anything"), []);
    assert_eq!(none.max_len(), 0);
    let one = Matcher::new(&[Literal::new("ab")]).unwrap();
    assert_eq!(found(&one, b""), []);
    assert_eq!(found(&one, b"a"), []);
    assert_eq!(found(&one, b"ab").len(), 1);
}

#[test]
fn longest_form() {
    let matcher = Matcher::new(&[Literal::new("abcde"), Literal::new("abc").wide()]).unwrap();
    assert_eq!(matcher.max_len(), 6);
}

#[test]
fn refuses_what_it_cannot_find() {
    let error = |literal: Literal| Matcher::new(&[Literal::new("good"), literal]).err();
    assert_eq!(error(Literal::new("")), Some(BuildError::Length { index: 1, length: 0 }));
    assert_eq!(error(Literal::new("a")), Some(BuildError::Length { index: 1, length: 1 }));
    assert_eq!(error(Literal::new([b'a'; 65])), Some(BuildError::Length { index: 1, length: 65 }));
    assert_eq!(error(Literal::new([0x80, 0x41]).wide()), Some(BuildError::WideNotAscii { index: 1 }));
    assert_eq!(error(Literal::new([b'a'; 64])), None);
}

#[test]
fn places_that_are_like_many_literals() {
    let mut random = Random(31);
    let set: Vec<Literal> = (0..600)
        .map(|at| Literal { bytes: random.bytes(b"ab", 9 + at % 4), ignore_case: at % 3 == 0, wide: at % 5 == 0 })
        .collect();
    let matchers = matchers(&set);
    for alphabet in [&b"ab"[..], b"abAB", b"a\0b\0"] {
        for length in [9, 700, 4096, 9000] {
            assert_same(&set, &matchers, &random.bytes(alphabet, length));
        }
    }
    let wide: Vec<u8> = random.bytes(b"ab", 6000).into_iter().flat_map(|byte| [byte, 0]).collect();
    assert_same(&set, &matchers, &wide);
}

#[test]
fn one_matcher_serves_many_threads() {
    let matcher = Matcher::new(&[Literal::new("needle")]).unwrap();
    std::thread::scope(|scope| {
        for at in 0..4 {
            let matcher = &matcher;
            scope.spawn(move || {
                let haystack = [vec![0; at * 5000], b"needle".to_vec()].concat();
                assert_eq!(found(matcher, &haystack).len(), 1);
            });
        }
    });
}
