//! mbed TLS.

use super::{Structure, Trigger, View};
use crate::order::Order;
use crate::survey::Number;

const NAME: &str = "mbed TLS mpi";

/// `mbedtls_mpi` up to 3.4 (`bignum.h`): `int s`, `size_t n`, pointer to the limbs.
pub(super) struct Mpi2;

impl Structure for Mpi2 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn trigger(&self) -> Trigger {
        Trigger::Small
    }

    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>) {
        let size = view.size();
        if let (Some(1 | 0xffff_ffff), Some(count)) = (view.half(at, -(size as isize)), view.machine(at, 0)) {
            view.digits(at, size as isize, count * size as u64, Order::Little, NAME, numbers);
        }
    }
}

/// `mbedtls_mpi` from 3.5 on: pointer to the limbs, `signed short s`, `unsigned short n`.
pub(super) struct Mpi3;

impl Structure for Mpi3 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn trigger(&self) -> Trigger {
        Trigger::SignedShort
    }

    fn read(&self, view: &View<'_>, at: usize, numbers: &mut Vec<Number>) {
        let size = view.size();
        if let Some(count) = view.half(at, 0).map(|fields| fields >> 16) {
            view.digits(at, -(size as isize), u64::from(count) * size as u64, Order::Little, NAME, numbers);
        }
    }
}
