//! Every layout, built field by field as its header file declares it, and found.

use crate::memory::{Flat, Memory, Segment};
use crate::order::{Order, PYTHON, TOM_MATH_32, TOM_MATH_64};
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
