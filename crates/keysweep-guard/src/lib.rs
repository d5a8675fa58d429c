//! Files that are cut while they are mapped.
//!
//! keysweep itself reads files and maps none: a scan that copies what fits a cache is faster. But `gix` maps the packs and indices of
//! git. A page of a mapping that cannot be read, since its file was cut after it was mapped or its disk is broken, is told by
//! the signal `SIGBUS`, which ends the process. After [`guard`] it is a page of zeros, and [`was_cut`] says that there was one.
//!
//! On other systems than Linux nothing is changed.

#![allow(unsafe_code)]

#[cfg(target_os = "linux")]
mod bus;
#[cfg(not(target_os = "linux"))]
mod without;

#[cfg(target_os = "linux")]
pub use bus::{guard, was_cut};
#[cfg(not(target_os = "linux"))]
pub use without::{guard, was_cut};
