//! Reads git repositories: which blobs there are, and where they come from. Knows nothing of what is looked for in them, and
//! needs no git binary.
//!
//! | module | job |
//! |---|---|
//! | `repository` | opens a repository, and finds the roots of its history: refs, reflogs, index |
//! | `store` | the packs and loose objects of a repository and its alternates |
//! | `pack` | all objects of a pack, each inflated once: bases first, then what is stored as a difference to them |
//! | `survey` | hands out every blob once, on several threads, and tells which objects are named but missing |
//! | `history` | the second look: which commits brought given blobs to which paths |

mod commits;
mod delta;
mod history;
mod pack;
mod repository;
mod store;
mod survey;

pub use gix::ObjectId;
pub use history::{History, MAX_PLACES, Place};
pub use repository::{Error, Problem, Repository, Root};
pub use survey::{Event, Survey};
