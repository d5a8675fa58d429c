//! How random a text looks.

/// Shannon entropy in bits a byte; 0 for the empty text.
pub(crate) fn shannon(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let total = bytes.len() as f64;
    let term = |count: u32| {
        let p = f64::from(count) / total;
        -p * p.log2()
    };
    counts.into_iter().filter(|count| *count > 0).map(term).sum()
}

/// How many different bytes there are.
pub(crate) fn distinct(bytes: &[u8]) -> usize {
    let mut seen = [false; 256];
    bytes.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    seen.into_iter().filter(|seen| *seen).count()
}

#[cfg(test)]
mod tests {
    use super::{distinct, shannon};

    #[test]
    fn bytes_are_counted_once() {
        assert_eq!((distinct(b""), distinct(b"abca"), distinct(&[0, 255, 0])), (0, 3, 2));
    }

    #[test]
    fn entropy_is_that_of_the_distribution_of_bytes() {
        assert_eq!(shannon(b""), 0.0);
        assert_eq!(shannon(b"aaaa"), 0.0);
        assert_eq!(shannon(b"abab"), 1.0);
        assert_eq!(shannon(b"0123456789abcdef"), 4.0);
        assert!((shannon(b"aab") - 0.918_295_834).abs() < 1e-9);
    }
}
