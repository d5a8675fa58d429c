//! GMP, and with it Nettle and GnuTLS, Guile.

use super::{Structure, Trigger, View};
use crate::order::Order;
use crate::survey::Number;

/// `__mpz_struct` (`gmp.h`): `int _mp_alloc`, `int _mp_size`, pointer to the limbs.
pub(super) struct Mpz;

impl Structure for Mpz {
    fn name(&self) -> &'static str {
        "GMP mpz_t"
    }

    fn trigger(&self) -> Trigger {
        Trigger::Pair
    }

    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>) {
        let (Some(alloc), Some(used)) = (view.half(at, 0), view.half(at, 4)) else { return };
        if used <= alloc {
            view.digits(at, 8, u64::from(used) * view.size() as u64, Order::Little, self.name(), numbers);
        }
    }
}

/// The same with limbs that are not its own (`mpz_roinit_n`), so that `_mp_alloc` is 0: integers of Guile, whose limbs follow it.
pub(super) struct ReadOnly;

impl Structure for ReadOnly {
    fn name(&self) -> &'static str {
        "GMP mpz_t"
    }

    fn trigger(&self) -> Trigger {
        Trigger::Upper
    }

    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>) {
        let Some(used) = view.half(at, 4) else { return };
        if used >= 4 {
            view.digits(at, 8, 8 * u64::from(used), Order::Little, self.name(), numbers);
        }
    }
}
