//! The composite key of ML-DSA-44 and Ed25519 (draft-miller-sshm-mldsa44-ed25519-composite-sigs): the public keys one after
//! the other, and so the seeds.

use super::Fields;
use crate::private::okp_public;
use crate::{Algorithm, Secret};
use ml_dsa::{ExpandedSigningKey, MlDsa44};
use sha2::{Digest, Sha256};

/// Bytes of an ML-DSA-44 public key.
const LATTICE_PUBLIC: usize = 1312;

/// A private composite key whose seeds yield its public keys.
pub(crate) struct Composite {
    /// SHA-256 of the public key blob, which is how SSH names it.
    pub(crate) blob_sha256: [u8; 32],
    /// Bytes it takes.
    pub(crate) length: usize,
}

impl Composite {
    /// Name of the algorithm, for reports.
    pub(crate) const NAME: &'static str = "ML-DSA-44 with Ed25519";
    /// Name of the key type.
    pub(crate) const TYPE: &'static [u8] = b"ssh-mldsa44-ed25519@openssh.com";

    /// The key at the start of `bytes`, if its seeds yield its public keys.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        fields.next().filter(|kind| *kind == Self::TYPE)?;
        let public = fields.next().filter(|public| public.len() == LATTICE_PUBLIC + 32)?;
        let public_end = fields.at;
        let seeds = fields.next().filter(|seeds| seeds.len() == 64).map(Secret::new)?;
        let (lattice, edwards) = public.split_at(LATTICE_PUBLIC);
        if okp_public(&Algorithm::Ed25519, &seeds[32..]).ok()? != edwards {
            return None;
        }
        crate::effort::expansion();
        let derived = ExpandedSigningKey::<MlDsa44>::from_seed(&seeds[..32].try_into().ok()?).verifying_key().encode();
        let blob_sha256 = Sha256::digest(&bytes[..public_end]).into();
        (derived.as_slice() == lattice).then_some(Self { blob_sha256, length: fields.at })
    }
}
