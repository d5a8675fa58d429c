//! OpenSSL, LibreSSL, BoringSSL and AWS-LC.

use super::{Structure, Trigger, View};
use crate::order::Order;
use crate::survey::Number;

/// `struct bignum_st` (OpenSSL `bn_local.h`, BoringSSL `bn.h`): pointer to the limbs, `int top` (or `width`), `int dmax`,
/// `int neg`, `int flags`.
pub(super) struct Bignum;

impl Structure for Bignum {
    fn name(&self) -> &'static str {
        "OpenSSL BIGNUM"
    }

    fn trigger(&self) -> Trigger {
        Trigger::Pair
    }

    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>) {
        let fields = (view.half(at, 0), view.half(at, 4), view.half(at, 8), view.half(at, 12));
        let (Some(top), Some(dmax), Some(0 | 1), Some(0..=0xffff)) = fields else { return };
        if top <= dmax {
            let size = view.size();
            view.digits(at, -(size as isize), u64::from(top) * size as u64, Order::Little, self.name(), numbers);
        }
    }
}
