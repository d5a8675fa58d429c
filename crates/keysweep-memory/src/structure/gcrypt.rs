//! Libgcrypt.

use super::{Structure, Trigger, View};
use crate::order::Order;
use crate::survey::Number;

/// `struct gcry_mpi` (`mpi.h`): `int alloced`, `int nlimbs`, `int sign`, `unsigned flags`, pointer to the limbs.
pub(super) struct Mpi;

impl Structure for Mpi {
    fn name(&self) -> &'static str {
        "libgcrypt MPI"
    }

    fn trigger(&self) -> Trigger {
        Trigger::Pair
    }

    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>) {
        let fields = (view.half(at, 0), view.half(at, 4), view.half(at, 8), view.half(at, 12));
        let (Some(alloced), Some(used), Some(0 | 1), Some(0..=0xffff)) = fields else { return };
        if used <= alloced {
            view.digits(at, 16, u64::from(used) * view.size() as u64, Order::Little, self.name(), numbers);
        }
    }
}
