use super::aes::substitute;
use crate::memory::Flat;
use crate::search::{Effort, search};

/// FIPS 197 appendix A: keys, and the last word of their schedules.
const VECTORS: [(&str, u32); 3] = [
    ("2b7e151628aed2a6abf7158809cf4f3c", 0xb663_0ca6),
    ("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", 0x0100_2202),
    ("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", 0x706c_631e),
];

fn key(hex: &str) -> Vec<u32> {
    (0..hex.len() / 8).map(|i| u32::from_str_radix(&hex[8 * i..8 * i + 8], 16).unwrap()).collect()
}

fn inverse_mix(word: u32) -> u32 {
    // MixColumns has order 4.
    (0..3).fold(word, |word, _| mix_by_definition(word))
}

/// `MixColumns` as a product of polynomials, another way than the code under test.
fn mix_by_definition(word: u32) -> u32 {
    let times = |a: u8, b: u8| {
        (0..8)
            .filter(|i| b >> i & 1 == 1)
            .fold(0u8, |sum, i| sum ^ (0..i).fold(a, |a, _| if a & 0x80 != 0 { a << 1 ^ 0x1b } else { a << 1 }))
    };
    let b = word.to_be_bytes();
    let row = |c: [u8; 4]| (0..4).fold(0, |sum, i| sum ^ times(b[i], c[i]));
    u32::from_be_bytes([row([2, 3, 1, 1]), row([1, 2, 3, 1]), row([1, 1, 2, 3]), row([3, 1, 1, 2])])
}

fn reversed(words: &[u32], change: impl Fn(u32) -> u32) -> Vec<u32> {
    let rounds = words.len() / 4 - 1;
    (0..=rounds)
        .rev()
        .flat_map(|r| {
            let outer = r == 0 || r == rounds;
            words[4 * r..4 * r + 4].iter().map(|w| if outer { *w } else { change(*w) }).collect::<Vec<_>>()
        })
        .collect()
}

/// The expansion as the standard writes it, forwards from the key.
fn expand(key: &[u32]) -> Vec<u32> {
    let n = key.len();
    let mut words = key.to_vec();
    let mut round_constant = 1u8;
    for i in n..4 * (n + 7) {
        let mut word = words[i - 1];
        if i % n == 0 {
            word = substitute(word.rotate_left(8)) ^ u32::from(round_constant) << 24;
            round_constant = round_constant << 1 ^ if round_constant & 0x80 != 0 { 0x1b } else { 0 };
        } else if n > 6 && i % n == 4 {
            word = substitute(word);
        }
        words.push(word ^ words[i - n]);
    }
    words
}

fn noise(len: usize) -> Vec<u8> {
    (0..len as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 51) as u8).collect()
}

#[test]
fn the_expansion_is_the_standards() {
    for (hex, last) in VECTORS {
        assert_eq!(*expand(&key(hex)).last().unwrap(), last);
    }
}

#[test]
fn schedules_are_found_in_every_layout_at_any_word() {
    for (hex, _) in VECTORS {
        let words = expand(&key(hex));
        let layouts = [words.clone(), reversed(&words, inverse_mix), reversed(&words, |w| w)];
        for (index, layout) in layouts.iter().enumerate() {
            for swap in [false, true] {
                let bytes: Vec<u8> =
                    layout.iter().flat_map(|w| if swap { w.to_le_bytes() } else { w.to_be_bytes() }).collect();
                for at in [0, 4, 4096 - 16, 4096 + 20, (1 << 20) - 100, (1 << 20) + 4096 - bytes.len()] {
                    let mut memory = noise((1 << 20) + 4096);
                    memory[at..at + bytes.len()].copy_from_slice(&bytes);
                    let found = search(&Flat::new(&memory), &[], 1, Effort::Full).found;
                    assert_eq!(found.len(), 1, "AES-{} layout {index} swapped {swap} at {at}", 4 * hex.len());
                    assert_eq!(found[0].material.bits, 4 * hex.len() as u32);
                    assert_eq!(found[0].places[0].offset, at as u64);
                    assert_eq!(found[0].places[0].what.contains("decryption"), index > 0);
                }
            }
        }
    }
}

#[test]
fn the_state_of_a_random_generator_is_no_finding() {
    let words = expand(&key(VECTORS[2].0));
    let schedule: Vec<u8> = words.iter().flat_map(|w| w.to_be_bytes()).collect();
    let mut memory = noise(16384);
    memory[4096..4096 + 240].copy_from_slice(&schedule);
    memory[8204..8236].copy_from_slice(&schedule[..32]);
    let found = search(&Flat::new(&memory), &[], 1, Effort::Full).found;
    assert_eq!(found[0].places.iter().map(|p| p.offset).collect::<Vec<_>>(), [4096, 8204], "the bare key is listed");
    for header in [[32u64, 1 << 32], [0, 32]] {
        // keylen, use_df, K of OpenSSL 3; keylen, K of OpenSSL 1.1.1.
        let header: Vec<u8> = header.iter().flat_map(|w| w.to_le_bytes()).collect();
        let mut memory = memory.clone();
        if header[0] == 32 {
            memory[8192..8200].copy_from_slice(&header[..8]);
            memory[8200..8204].copy_from_slice(&[1, 0, 0, 0]);
        } else {
            memory[8196..8204].copy_from_slice(&header[8..]);
        }
        assert!(search(&Flat::new(&memory), &[], 1, Effort::Full).found.is_empty());
    }
}

#[test]
fn near_misses_are_nothing() {
    let mut words = expand(&key(VECTORS[0].0));
    words[40] ^= 1;
    let mut memory = noise(8192);
    memory.extend(words.iter().flat_map(|w| w.to_be_bytes()));
    // The schedule of a key that nobody draws, constant memory, and the bare key.
    memory.extend(expand(&[0; 4]).iter().flat_map(|w| w.to_be_bytes()));
    memory.extend([0x5a; 4096]);
    memory.extend(key(VECTORS[2].0).iter().flat_map(|w| w.to_be_bytes()));
    assert!(search(&Flat::new(&memory), &[], 1, Effort::Full).found.is_empty());
}
