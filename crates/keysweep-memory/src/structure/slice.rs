//! A pointer with a length beside it, in the orders of Go, Rust and C libraries.

use super::{Structure, Trigger, View, may_point};
use crate::order::Order;
use crate::survey::Number;

/// A slice: pointer, length and capacity (Go), capacity, pointer and length (Rust `Vec`), pointer, capacity and length (Rust
/// before 1.67), type, pointer and length (NSS `SECItem`). Elements are bytes or limbs.
pub(super) struct Slice;

const GO: &str = "slice";
const RUST: &str = "Rust Vec";
const ITEM: &str = "NSS SECItem";
/// `SECItemType` (`seccomon.h`) goes up to 15.
const MAX_TYPE: u64 = 15;

impl Structure for Slice {
    fn name(&self) -> &'static str {
        GO
    }

    fn trigger(&self) -> Trigger {
        Trigger::Small
    }

    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>) {
        let fields = (view.machine(at, 0), view.machine(at, -1), view.machine(at, 1), view.machine(at, -2));
        let (Some(value), Some(pointer), Some(next), before) = fields else { return };
        if pointer < 0x1_0000 {
            return;
        }
        let before = before.unwrap_or(u64::MAX);
        // Slack is bounded: vectors of keys are made with the right size, or grow by at most a factor of two.
        let spare = |capacity: u64, length: u64| capacity >= length && capacity <= 2 * length + 64;
        if spare(next, value) {
            Self::elements(view, at, value, pointer, GO, numbers);
        } else if spare(before, value) {
            Self::elements(view, at, value, pointer, RUST, numbers);
        } else if next > 0 && spare(value, next) {
            Self::elements(view, at, next, pointer, RUST, numbers);
        } else if before <= MAX_TYPE {
            Self::bytes(view, at, value, ITEM, numbers);
        }
    }
}

impl Slice {
    /// `count` limbs or bytes behind the pointer before `at`: which of them it is cannot be told.
    fn elements(view: &View<'_>, at: usize, count: u64, pointer: u64, name: &'static str, numbers: &mut Vec<Number>) {
        let size = view.size() as u64;
        if may_point(pointer) && pointer.is_multiple_of(size) {
            view.digits(at, -(size as isize), count * size, Order::Little, name, numbers);
        }
        Self::bytes(view, at, count, name, numbers);
    }

    fn bytes(view: &View<'_>, at: usize, count: u64, name: &'static str, numbers: &mut Vec<Number>) {
        view.digits(at, -(view.size() as isize), count, Order::Big, name, numbers);
    }
}
