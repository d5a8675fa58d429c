//! The scanning pipeline: from paths to a [`Report`].
//!
//! ```text
//! paths --walk--> files --recognise--> images --match--> windows --decode/evaluate--> raw results --collect--> Report
//! ```
//!
//! Every byte of a file is searched once, in chunks, for the literals of all rules. Where one occurs, the bytes around
//! it are handed to the decoder or token rule it belongs to. What those recognise is made free of secrets at once
//! (`raw`), resolved within its file, and joined over all files (`collect`): by fingerprint, and with the certificates
//! that were seen.

mod artifact;
mod blank;
mod blobs;
mod collect;
mod crew;
mod detector;
mod dumps;
mod file;
pub mod finding;
mod fingerprint;
mod hunt;
mod images;
mod inline;
mod known;
mod mark;
mod named;
mod numbers;
mod place;
mod progress;
mod purpose;
mod raw;
mod scan;
mod source;
mod special;
mod stdin;
mod tables;
mod unpack;
mod walk;
mod window;
mod written;

pub use blobs::{BlobPlace, BlobSweep, BlobWorker, Interest, Numbers};
pub use detector::{SetupError, decoder_rules};
pub use finding::{
    Finding, GitPlace, Hunt, HuntedKey, Incident, LayerPlace, Location, Mark, ProofLevel, PublicSeen, Report, Stats,
    Suppressed, Suppressor,
};
pub use fingerprint::Fingerprinter;
pub use hunt::Wanted;
pub use keysweep_archive::Limits as ArchiveLimits;
pub use mark::MARK_TOOLS;
pub use progress::Progress;
pub use scan::{Inputs, Options, Scanner, Watcher, threads};
pub use walk::{GlobError, Selection};
