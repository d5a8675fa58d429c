//! Public keys of the certificate authorities that programs trust as they come.
//!
//! Whatever speaks TLS has read a hundred or two of them into its memory, and holds the private key of none. What is dear is not
//! tried for each of these: what needs no more than a look at the lowest limbs is, and a hunt for one of them tries everything.

use std::sync::OnceLock;

/// The lowest 64 bits of moduli and of points' x, in hexadecimal and sorted; `anchors/make` writes them.
const LIST: &str = include_str!("../anchors/list.txt");

/// Whether the lowest limb of a modulus, or of a point's x, is that of such a key. Another key's is with a probability of
/// 2^-54, and is then searched for less thoroughly.
pub(crate) fn is_anchor(low: u64) -> bool {
    static LOWS: OnceLock<Vec<u64>> = OnceLock::new();
    let lows = LOWS.get_or_init(|| LIST.lines().filter_map(|line| u64::from_str_radix(line, 16).ok()).collect());
    lows.binary_search(&low).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_all_of_it_is_used() {
        let lows: Vec<u64> = LIST.lines().map(|line| u64::from_str_radix(line, 16).unwrap()).collect();
        assert!(lows.len() > 500 && lows.windows(2).all(|pair| pair[0] < pair[1]));
        // ISRG Root X1, of RSA, and X2, of P-384.
        let (x1, x2) = (0x6eff_bc64_f533_434f, 0x898e_ea06_dff7_2a16);
        assert!(is_anchor(x1) && is_anchor(x2));
        assert!(!is_anchor(0) && !is_anchor(u64::MAX) && !is_anchor(x1 + 2));
    }
}
