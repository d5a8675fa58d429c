//! C++ vectors.

use super::{Structure, Trigger, View, may_point};
use crate::order::Order;
use crate::survey::Number;

/// `std::vector` (libstdc++, libc++, MSVC), and Botan's `secure_vector`: pointers to the begin, the end and the end of what
/// is allocated. Elements are limbs or bytes.
pub(super) struct Vector;

impl Structure for Vector {
    fn name(&self) -> &'static str {
        "C++ vector"
    }

    fn trigger(&self) -> Trigger {
        Trigger::Range
    }

    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>) {
        let (Some(begin), Some(end), Some(limit)) = (view.machine(at, 0), view.machine(at, 1), view.machine(at, 2))
        else {
            return;
        };
        if !may_point(begin) || limit < end || limit - end > 4096 {
            return;
        }
        let len = end.wrapping_sub(begin);
        if len.is_multiple_of(view.size() as u64) {
            view.digits(at, 0, len, Order::Little, self.name(), numbers);
        }
        view.digits(at, 0, len, Order::Big, self.name(), numbers);
    }
}
