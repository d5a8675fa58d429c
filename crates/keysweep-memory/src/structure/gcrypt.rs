//! Libgcrypt.

use super::{Prefix, Structure, Trigger, View};
use crate::order::Order;
use crate::survey::Number;
use memchr::memmem;
use std::ops::Range;

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

/// A number in an S-expression as libgcrypt holds it (`sexp.c`): tokens of a byte for their kind, here a list that opens (3) and data
/// (1) with a 16-bit length, the name of the number, then data with the number, big-endian. The head of an expression that was freed is
/// overwritten, what it holds is not.
pub(super) struct Token;

const TOKEN: &str = "libgcrypt S-expression";
/// A list that opens, with a name of one letter.
const OPEN: &[u8] = &[3, 1, 1, 0];

impl Prefix for Token {
    fn read(&self, view: &View<'_>, run: Range<usize>, numbers: &mut Vec<Number>) {
        // The bytes of the tokens may be in words that do not look random, before the run and at its end.
        let from = run.start.saturating_sub(16);
        let Some(range) = view.chunk.bytes.get(from..run.end) else { return };
        for at in memmem::find_iter(range, OPEN).map(|at| from + at + OPEN.len()) {
            let Some(&[name, 1, low, high]) = view.chunk.bytes.get(at..at + 4) else { continue };
            let len = u64::from(high) << 8 | u64::from(low);
            if name.is_ascii_lowercase() && (24..=2049).contains(&len) {
                view.inline(at + 4, 0, len, Order::Big, TOKEN, numbers);
            }
        }
    }
}
