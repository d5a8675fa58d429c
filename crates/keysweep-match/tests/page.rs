//! The page classifier's promise: a page that could hold a random number is never skippable.

use keysweep_match::{PageClass, classify};

const PAGE: usize = 4096;

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

fn text() -> Vec<u8> {
    b"fn main() {\r\n\tprintln!(\"~ hello\");\n}\n".iter().copied().cycle().take(PAGE).collect()
}

#[test]
fn names_each_kind() {
    assert_eq!(classify(&[0; PAGE]), PageClass::Zero);
    assert_eq!(classify(&[]), PageClass::Zero);
    assert_eq!(classify(&[0xff; PAGE]), PageClass::Repeated);
    let unit: Vec<u8> = [0xde, 0xad, 0xbe, 0xef].into_iter().cycle().take(PAGE).collect();
    assert_eq!(classify(&unit), PageClass::Repeated);
    assert_eq!(classify(&text()), PageClass::Text);
    assert_eq!(classify(&noise(1, PAGE)), PageClass::HighEntropy);
    let pointers: Vec<u8> = (0..PAGE as u64 / 8).flat_map(|i| (0x7f12_3456_0000 + i * 48).to_le_bytes()).collect();
    assert_eq!(classify(&pointers), PageClass::Structured);
}

#[test]
fn one_random_window_anywhere_forbids_skipping() {
    let repeated: Vec<u8> = noise(9, 16).into_iter().cycle().take(PAGE).collect();
    for (kind, page) in [vec![0; PAGE], vec![0xcc; PAGE], repeated, text()].into_iter().enumerate() {
        assert!(classify(&page).is_skippable(), "kind {kind}");
        for at in 0..=PAGE - 32 {
            let mut page = page.clone();
            page[at..at + 32].copy_from_slice(&noise(at as u64 + 1, 32));
            assert!(!classify(&page).is_skippable(), "kind {kind}, window at {at}");
        }
    }
}

#[test]
fn one_odd_byte_anywhere_forbids_skipping() {
    for page in [vec![0; PAGE], vec![b'a'; PAGE - 5], text(), text()[..1000].to_vec()] {
        for at in 0..page.len() {
            let mut page = page.clone();
            page[at] = 0x80;
            assert!(!classify(&page).is_skippable(), "byte at {at}");
        }
    }
}

#[test]
fn each_byte_value_is_text_or_not() {
    for byte in 0..=255u8 {
        let mut page = text();
        page[1234] = byte;
        let printable = matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e);
        assert_eq!(classify(&page) == PageClass::Text, printable, "byte {byte:#x}");
    }
}
