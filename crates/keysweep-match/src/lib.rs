//! Multi-literal matching at memory speed.
//!
//! [`Matcher`] finds every occurrence of hundreds of literals, as they are and in UTF-16, in one pass over a buffer.
//! [`classify`] tells what a page of memory holds, so that costly searches read only what can matter, and [`look_at_words`]
//! which words of it could be part of a number drawn at random.
//!
//! ```
//! use keysweep_match::{Literal, Matcher};
//!
//! let matcher = Matcher::new(&[Literal::new("-----BEGIN").wide(), Literal::new("password").ignore_case()])?;
//! let mut starts = Vec::new();
//! matcher.find(b"Password: -----BEGIN", &mut |hit| starts.push((hit.literal, hit.start)));
//! assert_eq!(starts, [(1, 0), (0, 10)]);
//! # Ok::<(), keysweep_match::BuildError>(())
//! ```

#![allow(unsafe_code)]
#![deny(unsafe_op_in_unsafe_fn)]

mod automaton;
mod bucket;
mod filter;
mod form;
mod frequency;
mod hamming;
mod index;
mod isa;
mod kernel;
pub mod lanes;
mod literal;
mod matcher;
mod page;
mod products;
mod window;
mod word;
mod words;

pub use hamming::Blurred;
pub use isa::Isa;
pub use literal::{BuildError, Encoding, Hit, Literal, MAX_LITERAL, MIN_LITERAL};
pub use matcher::Matcher;
pub use page::{PageClass, classify};
pub use products::UpperBits;
pub use word::is_zero;
pub use words::{WORDS, WORDS_BYTES, WordLooks, look_at_words};

/// Words that look random, the same each time.
#[cfg(test)]
fn random_words() -> impl FnMut() -> u64 {
    let mut state = 1u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state ^ state >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }
}
