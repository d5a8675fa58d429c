//! Facts: what is true of a place, a credential or an account. Sweeps produce them, reports show them, and the rules of
//! exposures join them. `docs/facts.md` lists the predicates and their fields.
//!
//! No fact holds a secret.

mod exposure;
mod fact;
mod time;

pub use exposure::{Exposure, Link};
pub use fact::{Fact, Value};
pub use time::{parse_rfc3339, rfc3339};
