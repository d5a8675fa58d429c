//! Every layout, built field by field as its header file declares it, and found.

use crate::memory::{Flat, Memory, Segment};
use crate::order::{Order, PYPY, PYTHON, SMALL_26, SMALL_28, TOM_MATH_32, TOM_MATH_64};
use crate::survey::{Number, survey};

/// A dump of a 32-bit process.
struct Narrow<'a>(Flat<'a>);

impl Memory for Narrow<'_> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> usize {
        self.0.read_at(offset, buf)
    }
    fn segments(&self) -> &[Segment] {
        self.0.segments()
    }
    fn locate(&self, address: u64) -> Option<(u64, u64)> {
        self.0.locate(address)
    }
    fn address_of(&self, offset: u64) -> Option<u64> {
        self.0.address_of(offset)
    }
    fn pointer_bytes(&self) -> usize {
        4
    }
}

const BASE: u64 = 0x5f3a_1000;
/// Where the digits lie that headers point to, and where headers lie.
const DIGITS: usize = 0x2040;
const HEADER: usize = 0x1010;

/// A big-endian number without zero bytes.
fn number(len: usize) -> Vec<u8> {
    let mut state = 0x1234_5678_9abc_def1u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8 | 1
    };
    (0..len).map(|_| byte()).collect()
}

fn surveyed(bytes: &[u8], narrow: bool) -> Vec<Number> {
    let flat = Flat::at(bytes, BASE);
    let survey = if narrow { survey(&Narrow(flat), 1) } else { survey(&flat, 1) };
    survey.numbers
}

/// Asserts that a header with a pointer leads to the digits.
fn assert_points(structure: &str, header: &[u8], digits: &[u8], order: Order, narrow: bool) {
    let mut bytes = vec![0; 3 << 12];
    bytes[HEADER..HEADER + header.len()].copy_from_slice(header);
    bytes[DIGITS..DIGITS + digits.len()].copy_from_slice(digits);
    let found = surveyed(&bytes, narrow);
    let hit = |n: &Number| n.structure == structure && n.order == order && n.offset == DIGITS as u64;
    assert!(found.iter().any(|n| hit(n) && n.len as usize == digits.len()), "{structure} {narrow}: {found:?}");
    // Bytes that are not random are no number.
    bytes[DIGITS..DIGITS + digits.len()].fill(0x41);
    assert!(surveyed(&bytes, narrow).is_empty());
}

/// Asserts that a header right before the digits is read, wherever the digits begin.
fn assert_precedes(structure: &str, header: &[u8], digits: &[u8], order: Order, narrow: bool) {
    let mut bytes = vec![0; 3 << 12];
    let whole = [header, digits].concat();
    let at = HEADER + 0x2d0;
    bytes[at..at + whole.len()].copy_from_slice(&whole);
    let found = surveyed(&bytes, narrow);
    let hit = |n: &Number| n.structure == structure && n.order == order && n.offset == (at + header.len()) as u64;
    assert!(found.iter().any(|n| hit(n) && n.len as usize == digits.len()), "{structure} {narrow}: {found:?}");
}

fn int(value: usize) -> Vec<u8> {
    (value as u32).to_le_bytes().to_vec()
}

/// A `size_t` or pointer.
fn word(value: usize, narrow: bool) -> Vec<u8> {
    (value as u64).to_le_bytes()[..if narrow { 4 } else { 8 }].to_vec()
}

fn pointer(narrow: bool) -> Vec<u8> {
    word(BASE as usize + DIGITS, narrow)
}

/// Fills up to the next pointer.
fn padding(narrow: bool) -> Vec<u8> {
    vec![0; if narrow { 0 } else { 4 }]
}

#[test]
fn c_structures() {
    for narrow in [false, true] {
        let limbs = Order::Little.encode(&number(128));
        let (p, pad) = (pointer(narrow), padding(narrow));
        let n = limbs.len() / if narrow { 4 } else { 8 };
        let header = [p.clone(), int(n), int(n + 2), int(0), int(1)].concat();
        assert_points("OpenSSL BIGNUM", &header, &limbs, Order::Little, narrow);
        assert_points("GMP mpz_t", &[int(n), int(n), p.clone()].concat(), &limbs, Order::Little, narrow);
        let header = [int(n + 1), int(n), int(0), int(1), p.clone()].concat();
        assert_points("libgcrypt MPI", &header, &limbs, Order::Little, narrow);
        let nss = match narrow {
            true => [int(2 * n + 4), int(n), p.clone()].concat(),
            false => [int(0), int(n + 2), int(n), pad.clone(), p.clone()].concat(),
        };
        assert_points("NSS mp_int", &nss, &limbs, Order::Little, narrow);
        let header = [int(1), pad.clone(), word(n, narrow), p.clone()].concat();
        assert_points("mbed TLS mpi", &header, &limbs, Order::Little, narrow);
        let header = [p.clone(), vec![1, 0, n as u8, 0]].concat();
        assert_points("mbed TLS mpi", &header, &limbs, Order::Little, narrow);
        let order = if narrow { TOM_MATH_32 } else { TOM_MATH_64 };
        let digits = order.encode(&number(128));
        let used = digits.len() / if narrow { 4 } else { 8 };
        let header = [int(used), int(used + 3), int(0), pad, p].concat();
        assert_points("LibTomMath mp_int", &header, &digits, order, narrow);
    }
}

#[test]
fn slices_and_vectors() {
    for narrow in [false, true] {
        let (limbs, bytes) = (Order::Little.encode(&number(128)), number(129));
        let count = limbs.len() / if narrow { 4 } else { 8 };
        let p = pointer(narrow);
        for (digits, order, n) in [(&limbs[..], Order::Little, count), (&bytes[..], Order::Big, 129)] {
            let header = [p.clone(), word(n, narrow), word(n + 4, narrow)].concat();
            assert_points("slice", &header, digits, order, narrow);
            let header = [word(n + 1, narrow), p.clone(), word(n, narrow)].concat();
            assert_points("Rust Vec", &header, digits, order, narrow);
            let end = BASE as usize + DIGITS + digits.len();
            let header = [p.clone(), word(end, narrow), word(end + 8, narrow)].concat();
            assert_points("C++ vector", &header, digits, order, narrow);
        }
        let header = [word(0, narrow), p.clone(), word(129, narrow)].concat();
        assert_points("NSS SECItem", &header, &bytes, Order::Big, narrow);
    }
}

#[test]
fn java_arrays() {
    let mag = Order::BigWords32.encode(&number(256));
    let bytes = [vec![0], number(128)].concat();
    let mark = word(0x0000_0029_5a7e_2301, false);
    for (digits, order, name, n) in [
        (&mag[..], Order::BigWords32, "Java int[]", mag.len() / 4),
        (&bytes[..], Order::Big, "Java byte[]", bytes.len()),
    ] {
        let compressed = [mark.clone(), int(0x0000_6c40), int(n)].concat();
        assert_precedes(name, &compressed, digits, order, false);
        let class = word(0x7f12_0000_6c40, false);
        let wide = [mark.clone(), class.clone(), int(n), int(0)].concat();
        assert_precedes(name, &wide, digits, order, false);
        let wide_without_gap = [mark.clone(), class, int(n)].concat();
        assert_precedes(name, &wide_without_gap, digits, order, false);
        let compact = [word(0x6c40_0000_0000_0001, false), int(n)].concat();
        assert_precedes(name, &compact, digits, order, false);
    }
    let header = |count: u32, kind: u8| {
        [&[0x23, 0, 0, 0, 7, 0x55, 9, 1, 8, 0, 0, 0, 1][..], &count.to_be_bytes(), &[kind]].concat()
    };
    assert_precedes("int[] of a Java heap dump", &header(32, 10), &number(128), Order::Big, false);
    assert_precedes("byte[] of a Java heap dump", &header(129, 8), &bytes, Order::Big, false);
}

#[test]
fn python_and_dotnet_objects() {
    for narrow in [false, true] {
        let digits = PYTHON.encode(&number(256));
        let n = digits.len() / 4;
        let object = [word(1, narrow), word(0x5f00_9a20, narrow)].concat();
        assert_precedes("Python int", &[object.clone(), word(n, narrow)].concat(), &digits, PYTHON, narrow);
        assert_precedes("Python int", &[object.clone(), word(n << 3, narrow)].concat(), &digits, PYTHON, narrow);
        let bytes = number(128);
        let unhashed = vec![0xff; if narrow { 4 } else { 8 }];
        let header = [object.clone(), word(128, narrow), unhashed].concat();
        assert_precedes("Python bytes", &header, &bytes, Order::Big, narrow);
        let hash = number(if narrow { 4 } else { 8 });
        let header = [object.clone(), word(128, narrow), hash].concat();
        assert_precedes("Python bytes", &header, &bytes, Order::Big, narrow);
        let limbs = Order::Little.encode(&number(256));
        let table = word(0x5f00_9a20, narrow);
        let header = [table.clone(), word(limbs.len() / 4, narrow)].concat();
        assert_precedes(".NET uint[]", &header, &limbs, Order::Little, narrow);
        assert_precedes(".NET byte[]", &[table, word(128, narrow)].concat(), &bytes, Order::Big, narrow);
    }
}

#[test]
fn wolfssl_integers() {
    for narrow in [false, true] {
        let limbs = Order::Little.encode(&number(128));
        let n = limbs.len() / if narrow { 4 } else { 8 };
        for header in [
            [int(n), int(65)].concat(),
            [int(n), int(0)].concat(),
            [int(n), int(65), int(0), int(0)].concat(),
            vec![n as u8, 0, 65, 0, 0, 0, 0, 0],
        ] {
            assert_precedes("wolfSSL mp_int", &header, &limbs, Order::Little, narrow);
        }
    }
}

#[test]
fn counted_and_der_integers_at_any_alignment() {
    for shift in 0..8 {
        let before: Vec<u8> = number(80 + shift);
        let integers: Vec<Vec<u8>> = [32, 63, 64, 128, 256, 512].map(number).to_vec();
        let der: Vec<u8> = integers.iter().flat_map(|n| der_integer(n)).collect();
        let ssh: Vec<u8> =
            integers.iter().flat_map(|n| [&(n.len() as u32 + 1).to_be_bytes(), &[0][..], &high(n)].concat()).collect();
        for (stream, name) in [(der, "DER INTEGER"), (ssh, "SSH mpint")] {
            let mut bytes = vec![0; 4096];
            bytes.extend([&before[..], &stream, &number(40)].concat());
            bytes.extend([0; 512]);
            let found = surveyed(&bytes, false);
            for n in &integers {
                let at = bytes.windows(n.len()).position(|w| w == high(n)).unwrap() as u64;
                let hit = |f: &Number| f.structure == name && f.offset == at - 1 && f.len as usize == n.len() + 1;
                assert!(found.iter().any(hit), "{name} {shift} {}: {found:?}", n.len());
            }
        }
    }
}

/// With the high bit set, as a prime's is.
fn high(number: &[u8]) -> Vec<u8> {
    let mut number = number.to_vec();
    number[0] |= 0x80;
    number
}

fn der_integer(number: &[u8]) -> Vec<u8> {
    let content = [&[0][..], &high(number)].concat();
    let len = content.len();
    let header = match len {
        0..=127 => vec![2, len as u8],
        128..=255 => vec![2, 0x81, len as u8],
        _ => vec![2, 0x82, (len >> 8) as u8, len as u8],
    };
    [header, content].concat()
}

/// Digits as elements of an array of V8, after its header.
fn small_integers(digits: &[u64], capacity: usize, hole: Option<u64>) -> Vec<u8> {
    let smi = |value: u64| (value << 32).to_le_bytes().to_vec();
    let mut bytes = [word(0x3c45_1802_1101, false), smi(capacity as u64)].concat();
    bytes.extend(digits.iter().flat_map(|digit| smi(*digit)));
    let rest = capacity - digits.len();
    bytes.extend(std::iter::repeat_n(hole.unwrap_or(0).to_le_bytes(), rest).flatten());
    // What follows is an object, whose lower half is not zero.
    [bytes, word(0x3c45_1802_5959, false)].concat()
}

fn digits_of(len: usize, order: Order) -> Vec<u64> {
    let bytes = order.encode(&number(len));
    bytes.chunks(8).map(|digit| u64::from(u32::from_le_bytes(digit[..4].try_into().unwrap()))).collect()
}

#[test]
fn arrays_of_small_integers() {
    let found = |bytes: &[u8]| {
        let mut all = vec![0; HEADER];
        all.extend_from_slice(bytes);
        all.resize(3 << 12, 0);
        let mut found = surveyed(&all, false);
        found.retain(|n| n.structure == "JavaScript array");
        found
    };
    for (len, order) in [(32, SMALL_26), (48, SMALL_26), (66, SMALL_26), (32, SMALL_28), (256, SMALL_28)] {
        let digits = digits_of(len, order);
        for (spare, hole) in [(0, None), (9, Some(0x0d3f_5c81_0a11)), (3, None)] {
            let array = small_integers(&digits, digits.len() + spare, hole);
            let here = Number {
                offset: HEADER as u64 + 20,
                len: 8 * digits.len() as u32 - 4,
                order,
                structure: "JavaScript array",
            };
            assert_eq!(found(&array), [here], "{len} {order:?} {spare}");
        }
        // No array: no map before the length, a digit with too many bits, words beside the digits.
        let mut other = small_integers(&digits, digits.len(), None);
        other[0] = 0;
        assert_eq!(found(&other), []);
        for (at, byte) in [(23, 0x80), (8 * 5 + 16, 1)] {
            let mut other = small_integers(&digits, digits.len(), None);
            other[at] |= byte;
            assert_eq!(found(&other), [], "{at}");
        }
    }
    // Bytes, and small numbers that are no digits of a key.
    let bytes: Vec<u64> = number(64).into_iter().map(u64::from).collect();
    assert_eq!(found(&small_integers(&bytes, 64, None)), []);
    assert_eq!(found(&small_integers(&[0x123_4567; 20], 20, None)), []);
    let short = digits_of(12, SMALL_26);
    assert_eq!(found(&small_integers(&short, short.len(), None)), []);
}

#[test]
fn big_ints_of_javascript() {
    let limbs = Order::Little.encode(&number(48));
    let header = |map: usize, digits: usize| [word(map, false), word(digits << 1, false)].concat();
    assert_precedes("JavaScript BigInt", &header(0x3c45_1802_1101, 6), &limbs, Order::Little, false);
    let negative = [word(0x3c45_1802_1101, false), word(6 << 1 | 1, false)].concat();
    assert_precedes("JavaScript BigInt", &negative, &limbs, Order::Little, false);
    let mut bytes = vec![0; 3 << 12];
    for map in [0x3c45_1802_1100, 0x41] {
        let whole = [header(map, 6), limbs.to_vec()].concat();
        bytes[HEADER..HEADER + whole.len()].copy_from_slice(&whole);
        assert!(surveyed(&bytes, false).iter().all(|n| n.structure != "JavaScript BigInt"), "{map:#x}");
    }
}

#[test]
fn a_heap_of_big_ints_holds_nothing_else() {
    let mut bytes = vec![0; 1 << 12];
    let (mut places, mut digits) = (Vec::new(), number(48 * 40));
    for limbs in digits.chunks_exact_mut(48) {
        // The first byte looks like the length of what follows, with the zeros before it.
        limbs[0] = 32;
        bytes.extend([word(0x3c45_1802_1101, false), word(6 << 1, false)].concat());
        places.push(bytes.len() as u64);
        bytes.extend_from_slice(limbs);
    }
    bytes.extend([0; 32]);
    let other = bytes.len() as u64;
    bytes.extend(number(64));
    bytes.extend([0; 32]);
    let survey = survey(&Flat::at(&bytes, BASE), 1);
    assert!(survey.numbers.iter().all(|number| number.structure == "JavaScript BigInt"), "{:?}", survey.numbers);
    assert_eq!(survey.numbers.iter().map(|number| number.offset).collect::<Vec<_>>(), places);
    assert_eq!(survey.settled, places);
    assert_eq!(survey.open_runs().iter().map(|run| run.offset).collect::<Vec<_>>(), [other]);
}

#[test]
fn counted_arrays_of_javascript() {
    let smi = |value: usize| ((value as u64) << 32).to_le_bytes().to_vec();
    let (map, tag) = (0x3c45_1802_5959, |at: usize| word(BASE as usize + at + 1, false));
    let (array, elements) = (0x1800, DIGITS - 20);
    for (digits, order) in [(digits_of(32, SMALL_26), SMALL_26), (digits_of(128, SMALL_28), SMALL_28)] {
        let count = digits.len();
        let found = |count: usize, capacity: usize, tagged: bool| {
            let mut bytes = vec![0; 3 << 12];
            let mut put = |at: usize, words: &[Vec<u8>]| {
                let words = words.concat();
                bytes[at..at + words.len()].copy_from_slice(&words);
            };
            let pointer = word(BASE as usize + array + usize::from(tagged), false);
            put(HEADER, &[word(map, false), word(map, false), word(map, false), smi(0), pointer, smi(count)]);
            put(array, &[word(map, false), word(map, false), tag(elements), smi(capacity)]);
            let whole = digits.iter().chain(&digits).map(|digit| smi(*digit as usize)).collect::<Vec<_>>();
            put(elements, &[word(map, false), smi(capacity), whole.concat()]);
            let mut found = surveyed(&bytes, false);
            found.retain(|n| n.structure == "JavaScript bignum");
            found
        };
        let here = Number { offset: DIGITS as u64, len: 8 * count as u32 - 4, order, structure: "JavaScript bignum" };
        assert_eq!(found(count, 2 * count, true), [here], "{order:?}");
        // More digits than the array has; no tagged pointer.
        assert_eq!(found(count, count - 1, true), []);
        assert_eq!(found(count, 2 * count, false), []);
    }
}

#[test]
fn bearssl_keys() {
    for narrow in [false, true] {
        let numbers: Vec<Vec<u8>> = [128, 128, 128, 128, 127].map(number).to_vec();
        let fill = |bits: usize, last: usize| {
            let mut bytes = vec![0; 3 << 12];
            let mut header = word(bits, narrow);
            for (index, number) in numbers.iter().enumerate() {
                // At any alignment.
                let at = DIGITS + 301 * index;
                bytes[at..at + number.len()].copy_from_slice(number);
                header.extend(word(BASE as usize + at, narrow));
                header.extend(word(if index == 4 { last } else { number.len() }, narrow));
            }
            bytes[HEADER..HEADER + header.len()].copy_from_slice(&header);
            let found = surveyed(&bytes, narrow);
            found.into_iter().filter(|n| n.structure == "BearSSL RSA key").map(|n| n.len).collect::<Vec<_>>()
        };
        assert_eq!(fill(2048, 127), [128, 128, 128, 128, 127], "{narrow}");
        assert_eq!((fill(1024, 127), fill(2048, 100)), (vec![], vec![]), "{narrow}");
    }
}

#[test]
fn numbers_of_s_expressions_at_any_alignment() {
    for shift in 0..8 {
        let token = |name: u8, n: &[u8]| [&[3, 1, 1, 0, name, 1, n.len() as u8, 0][..], n, &[4]].concat();
        let (q, d) = (number(32), number(33)[1..].to_vec());
        let stream = [vec![1; shift], token(b'q', &q), token(b'd', &d), vec![4, 4]].concat();
        let mut bytes = vec![0; 4096];
        bytes.extend(&stream);
        bytes.resize(3 << 12, 0);
        let found: Vec<Number> =
            surveyed(&bytes, false).into_iter().filter(|n| n.structure == "libgcrypt S-expression").collect();
        let at = 4096 + shift as u64 + 8;
        assert_eq!(found.iter().map(|n| (n.offset, n.len)).collect::<Vec<_>>(), [(at, 32), (at + 41, 32)], "{shift}");
        // No name of one letter.
        bytes[at as usize - 4] = b'!';
        let found = surveyed(&bytes, false);
        assert!(found.iter().all(|n| n.structure != "libgcrypt S-expression" || n.offset != at), "{shift}");
    }
}

#[test]
fn integers_of_lisps_and_pypy() {
    let n = number(128);
    let digits = Order::BigWords32.encode(&n);
    assert_precedes("Chez Scheme bignum", &word(32 << 6 | 6, false), &digits, Order::BigWords32, false);
    let clisp = |count: usize, zero: usize| {
        [vec![0; 4], word(0x10_0033_e421, false), int(count << 16 | 0x1a), vec![0; zero]].concat()
    };
    assert_precedes("CLISP bignum", &clisp(32, 0)[4..], &digits, Order::BigWords32, false);
    assert_precedes("CLISP bignum", &clisp(33, 4)[4..], &digits, Order::BigWords32, false);
    assert_precedes("CLISP bignum", &clisp(32, 0), &digits, Order::BigWords32, false);
    let digits = PYPY.encode(&n);
    assert_precedes("PyPy int", &[word(0x1_0000_04d8, false), word(18, false)].concat(), &digits, PYPY, false);
    // Neither another type nor another length, nor digits with their highest bits.
    let near: [(Vec<u8>, Vec<u8>); 5] = [
        (word(32 << 6 | 7, false), Order::BigWords32.encode(&n).to_vec()),
        (word(90 << 6 | 6, false), Order::BigWords32.encode(&n[..64]).to_vec()),
        ([word(0x33_e421, false), int(32 << 16 | 0x1b)].concat(), Order::BigWords32.encode(&n).to_vec()),
        ([word(0x4d9, false), word(17, false)].concat(), digits.to_vec()),
        ([word(0x4d8, false), word(17, false)].concat(), digits.iter().map(|byte| byte | 0x80).collect()),
    ];
    for (header, digits) in near {
        let mut bytes = vec![0; 3 << 12];
        bytes[HEADER..HEADER + header.len()].copy_from_slice(&header);
        bytes[HEADER + header.len()..][..digits.len()].copy_from_slice(&digits);
        let known = ["Chez Scheme bignum", "CLISP bignum", "PyPy int"];
        let found = surveyed(&bytes, false);
        assert!(!found.iter().any(|number| known.contains(&number.structure)), "{found:?}");
    }
}

#[test]
fn integers_of_guile() {
    let limbs = Order::Little.encode(&number(128));
    assert_points("GMP mpz_t", &[int(0), int(16), pointer(false)].concat(), &limbs, Order::Little, false);
}

#[test]
fn integers_of_gambit_and_digits_of_unknown_structures() {
    let n = number(128);
    let limbs = Order::Little.encode(&n);
    assert_precedes("Gambit bignum", &word(128 << 8 | 0xf8, false), &limbs, Order::Little, false);
    assert_precedes("Gambit bignum", &word(136 << 8 | 0xf8, false), &limbs, Order::Little, false);
    for order in [TOM_MATH_32, PYTHON, TOM_MATH_64] {
        for len in [32, 48, 128, 256] {
            let digits = order.encode(&n.repeat(2)[..len]);
            assert_precedes("digits of a number", &[vec![0; 8], word(0x31, false)].concat(), &digits, order, false);
        }
        // With a bit above a digit it is none.
        let mut digits = order.encode(&n).to_vec();
        digits[23] |= 0x80;
        let bytes = [&[0; 4096][..], &digits, &[0; 4096]].concat();
        assert!(!surveyed(&bytes, false).iter().any(|number| number.structure == "digits of a number"));
    }
}
