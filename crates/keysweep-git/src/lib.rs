//! Reads git repositories: which blobs there are, and where they come from. Knows nothing of what is looked for in them, and
//! needs no git binary.
//!
//! | module | job |
//! |---|---|
//! | `repository` | opens a repository |
//! | `refs`, `reftable` | what refs name, and ranges: from files, or from the tables of git's newer format |
//! | `roots` | where history begins: refs, their logs, `HEAD`s of all work trees |
//! | `alternates` | folders it borrows objects from, if they name each other in a circle |
//! | `store` | the packs and loose objects of a repository and its alternates |
//! | `pack` | all objects of a pack, each inflated once: bases first, then what is stored as a difference to them |
//! | `survey` | hands out every blob once, on several threads, and tells which objects are named but missing |
//! | `quarantine` | object folders that environment variables name: what is pushed lies apart until it is accepted |
//! | `staged` | what the index adds to `HEAD`, told by ids |
//! | `range` | the commits of a range, and what each adds |
//! | `change`, `lines` | what is new between trees, and between texts |
//! | `history` | the second look: which commits brought given blobs to which paths |

mod alternates;
mod change;
mod commits;
mod delta;
mod history;
mod lines;
mod pack;
mod quarantine;
mod range;
mod refs;
mod reftable;
mod repository;
mod roots;
mod staged;
mod store;
mod survey;
mod trap;

pub use change::Change;
pub use gix::ObjectId;
pub use history::{History, MAX_PLACES, PathFilter, Place, Wanted};
pub use lines::added_lines;
pub use range::{Push, RangeCommit, Received};
pub use repository::{Error, Problem, Repository};
pub use roots::Root;
pub use staged::Staged;
pub use survey::{Event, Survey};
