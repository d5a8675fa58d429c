//! NSS: the numbers of its own arithmetic. What it stores are byte strings (`SECItem`), which are slices with a type.

use super::{Structure, Trigger, View};
use crate::order::Order;
use crate::survey::Number;

/// `mp_int` (`mpi.h`): `sign`, `alloc`, `used` of 32 bits, pointer to the digits. On 32-bit machines sign and `alloc` share a
/// word.
pub(super) struct MpInt;

impl Structure for MpInt {
    fn name(&self) -> &'static str {
        "NSS mp_int"
    }

    fn trigger(&self) -> Trigger {
        Trigger::Small
    }

    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>) {
        let (Some(used), Some(alloc)) = (view.half(at, 0), view.half(at, -4)) else { return };
        let (alloc, sign) = match view.size() {
            4 => (alloc >> 1, alloc & 1),
            _ => (alloc, view.half(at, -8).unwrap_or(2)),
        };
        if used <= alloc && alloc < 4096 && sign <= 1 {
            let size = view.size();
            view.digits(at, size as isize, u64::from(used) * size as u64, Order::Little, self.name(), numbers);
        }
    }
}
