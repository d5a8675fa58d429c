//! Makes [`KeyMaterial`] of what a decoder has read; the decoder adds what its format says beyond that.

use crate::private::{PrivateKey, Proved};
use crate::{Algorithm, KeyMaterial, Proof, Protection, PublicKey};

/// A readable asymmetric key; `None` if its numbers are no key.
pub(crate) fn of_key(key: &PrivateKey, encoding: &'static str) -> Option<KeyMaterial> {
    key.prove().ok().map(|proved| of_proved(proved, encoding))
}

/// A readable asymmetric key whose numbers were proven.
pub(crate) fn of_proved(proved: Proved, encoding: &'static str) -> KeyMaterial {
    KeyMaterial {
        algorithm: proved.public.algorithm.clone(),
        bits: proved.public.bits,
        public: Some(proved.public.fingerprint()),
        ..frame(encoding, Protection::None, proved.proof)
    }
}

/// A readable secret without a public half, with at least 128 bits of entropy.
pub(crate) fn of_secret(algorithm: Algorithm, secret: &[u8], encoding: &'static str, proof: Proof) -> KeyMaterial {
    KeyMaterial {
        algorithm,
        bits: 8 * secret.len() as u32,
        id: Some(KeyMaterial::secret_id(secret)),
        ..frame(encoding, Protection::None, proof)
    }
}

/// An encrypted or external key, named by its bytes as they lie there.
pub(crate) fn of_container(
    algorithm: Algorithm,
    bytes: &[u8],
    encoding: &'static str,
    protection: Protection,
    proof: Proof,
) -> KeyMaterial {
    let bits = match &algorithm {
        Algorithm::Ed25519 | Algorithm::X25519 => 256,
        Algorithm::Ec(curve) => curve.bits(),
        _ => 0,
    };
    KeyMaterial { algorithm, bits, id: Some(KeyMaterial::container_id(bytes)), ..frame(encoding, protection, proof) }
}

/// An encrypted or external key whose public half is in the clear.
pub(crate) fn of_public(
    public: &PublicKey,
    encoding: &'static str,
    protection: Protection,
    proof: Proof,
) -> KeyMaterial {
    KeyMaterial {
        algorithm: public.algorithm.clone(),
        bits: public.bits,
        public: Some(public.fingerprint()),
        ..frame(encoding, protection, proof)
    }
}

fn frame(encoding: &'static str, protection: Protection, proof: Proof) -> KeyMaterial {
    KeyMaterial {
        algorithm: Algorithm::Unknown(None),
        bits: 0,
        encoding,
        protection,
        public: None,
        id: None,
        proof,
        comment: None,
        purpose: None,
        details: Vec::new(),
    }
}
