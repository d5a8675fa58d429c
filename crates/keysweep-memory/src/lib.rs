//! Finds and proves private keys that lie in memory as bare numbers, without any header.
//!
//! In the dump of a process a key is mostly neither PEM nor DER but a few numbers on the heap: limbs, digits, byte strings,
//! each kind of library with its own. This crate knows how numbers lie in memory ([`order`]), which places may hold
//! one ([`survey`]), and the relations that tell a key from noise. It reports what mathematics proves and nothing else.
//!
//! ```text
//! Memory --survey--> runs and structures --search--> relations that hold --PrivateKey::prove--> Found
//! ```
//!
//! It knows nothing of files, dump formats, rules or reports: the dump is a [`Memory`], and the result a [`Found`].

mod anchors;
pub mod copies;
pub mod curve;
mod decoded;
mod elliptic;
pub mod found;
pub mod hunt;
mod mac;
pub mod memory;
mod noise;
pub mod order;
pub mod rsa;
mod schedule;
pub mod search;
mod session;
mod shielded;
mod stretch;
pub mod structure;
pub mod survey;
pub mod written;

pub use found::{Found, Place};
pub use hunt::{Step, Tested, hunt};
pub use memory::{Chunk, Memory, Segment};
pub use order::Order;
pub use search::{Effort, Outcome, search};
pub use survey::{Number, Run, Survey};
