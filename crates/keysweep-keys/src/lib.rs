//! Decoders and offline proofs for private keys.
//!
//! This crate turns candidate bytes into [`KeyMaterial`]: it knows the *forms* keys have (PEM, DER, OpenSSH, key
//! stores, vendor blobs, …), the *numbers* they consist of ([`PrivateKey`]) and the *mathematics* that proves them
//! ([`PrivateKey::prove`]). It knows nothing of files, dumps, rules or reports: a [`Decoder`] is handed a window of
//! bytes around one of its anchors and pushes what it recognises into a [`Sink`].
//!
//! Layers, data flowing downwards only:
//!
//! | module | job |
//! |---|---|
//! | [`decoder`] | the [`Decoder`] trait, its input [`Hit`] and its output [`Sink`] |
//! | [`decoders`] | one file for each form, registered in one table |
//! | [`private`] | the numbers of a private key, and their proof |
//! | [`public`] | public keys and their fingerprints |
//! | [`effort`] | what proofs cost |
//! | [`ssh`] | private keys in the wire encoding of SSH, which several forms share |
//! | [`material`] | what is said of a key: algorithm, protection, proof, fingerprint; never the secret |
//!
//! No type of this crate shows a secret in `Debug`, `Display` or `Serialize`, and all secret bytes are zeroized.

pub mod algorithm;
mod bignum;
pub mod decoder;
pub mod decoders;
pub mod der;
pub mod effort;
pub mod material;
pub mod private;
pub mod public;
pub mod secret;
pub mod ssh;

pub use algorithm::{Algorithm, Curve};
pub use decoder::{Anchor, Decoder, Hit, Reach, Sink, Work};
pub use material::{KeyMaterial, Proof, ProofLevel, Protection};
pub use private::{NotAKey, PrivateKey, Proved, RsaNumbers};
pub use public::{Fingerprint, PublicKey};
pub use secret::Secret;
