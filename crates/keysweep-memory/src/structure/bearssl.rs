//! BearSSL.

use super::{Structure, Trigger, View};
use crate::order::Order;
use crate::survey::Number;

/// `br_rsa_private_key` (`bearssl_rsa.h`): `uint32_t n_bitlen`, then pointer and length of each of `p`, `q`, `dp`, `dq` and `iq`,
/// big-endian. The modulus itself is not held.
pub(super) struct RsaPrivateKey;

const NAME: &str = "BearSSL RSA key";
/// Bits of moduli.
const BITS: std::ops::RangeInclusive<u64> = 512..=16_384;

impl Structure for RsaPrivateKey {
    fn name(&self) -> &'static str {
        NAME
    }

    fn trigger(&self) -> Trigger {
        Trigger::Small
    }

    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>) {
        let Some(bits) = view.half(at, 0).map(u64::from).filter(|bits| BITS.contains(bits)) else { return };
        // The numbers take half of the modulus each, the coefficient perhaps a byte less.
        let half = bits.div_ceil(16);
        let length = |index: isize| view.machine(at, 2 + 2 * index).filter(|len| (half - 2..=half + 1).contains(len));
        let lengths = [0, 1, 2, 3, 4].map(length);
        if lengths.iter().any(Option::is_none) {
            return;
        }
        let size = view.size() as isize;
        for (index, len) in (0..).zip(lengths.into_iter().flatten()) {
            view.digits(at, (1 + 2 * index) * size, len, Order::Big, NAME, numbers);
        }
    }
}
