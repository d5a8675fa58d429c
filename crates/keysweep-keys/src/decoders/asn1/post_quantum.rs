//! Post-quantum private keys in PKCS #8: ML-DSA (RFC 9881), SLH-DSA (RFC 9909) and ML-KEM (RFC 9935).
//!
//! ML-DSA and ML-KEM keys are a seed, the key expanded from it, or both. Both prove each other; an expanded key proves
//! itself, since it holds a hash of its public half or that half itself.

use super::{OCTET_STRING, Reader, SEQUENCE, looks_drawn};
use crate::private::Proved;
use crate::{Algorithm, Proof, PublicKey};
use ml_dsa::{ExpandedSigningKey, ExpandedSigningKeyBytes, MlDsa44, MlDsa65, MlDsa87, MlDsaParams};
#[allow(deprecated)] // The expanded form is what keys are stored in.
use ml_kem::ExpandedKeyEncoding;
use ml_kem::{Decapsulate, DecapsulationKey, KeyExport, MlKem512, MlKem768, MlKem1024};
use shake::{ExtendableOutput, Update, XofReader};
use slh_dsa::ParameterSet;

/// Beginning of the object identifiers of NIST's signature algorithms, 2.16.840.1.101.3.4.3.
const SIGNATURES: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03];
/// Of its key encapsulation mechanisms, 2.16.840.1.101.3.4.4.
const KEMS: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04];

/// SLH-DSA's parameter sets in the order of their numbers, from 20 on.
const SLH_DSA: [&str; 12] = [
    "SHA2-128s",
    "SHA2-128f",
    "SHA2-192s",
    "SHA2-192f",
    "SHA2-256s",
    "SHA2-256f",
    "SHAKE-128s",
    "SHAKE-128f",
    "SHAKE-192s",
    "SHAKE-192f",
    "SHAKE-256s",
    "SHAKE-256f",
];

/// The algorithm of an object identifier body. The variants that sign a hash count as what they are made of.
pub(crate) fn algorithm(oid: &[u8]) -> Option<Algorithm> {
    let (&number, arc) = oid.split_last()?;
    if arc == KEMS {
        return Some(Algorithm::MlKem(*[512, 768, 1024].get(usize::from(number).checked_sub(1)?)?));
    }
    if arc != SIGNATURES {
        return None;
    }
    match number {
        17 | 32 => Some(Algorithm::MlDsa(44)),
        18 | 33 => Some(Algorithm::MlDsa(65)),
        19 | 34 => Some(Algorithm::MlDsa(87)),
        20..=31 => Some(Algorithm::SlhDsa(SLH_DSA[usize::from(number) - 20])),
        35..=46 => Some(Algorithm::SlhDsa(SLH_DSA[usize::from(number) - 35])),
        _ => None,
    }
}

/// The public half, stored or derived, and what shows that it belongs to the private one.
struct Pair {
    public: Vec<u8>,
    proof: Proof,
}

/// The key in the `private` field of a PKCS #8 structure, with the public key that the structure may hold too.
pub(super) fn key(oid: &[u8], private: &[u8], stored: Option<&[u8]>) -> Option<Proved> {
    let algorithm = algorithm(oid)?;
    crate::effort::expansion();
    let (pair, bits) = match algorithm {
        Algorithm::MlDsa(44) => (ml_dsa::<MlDsa44>(private)?, 44),
        Algorithm::MlDsa(65) => (ml_dsa::<MlDsa65>(private)?, 65),
        Algorithm::MlDsa(_) => (ml_dsa::<MlDsa87>(private)?, 87),
        Algorithm::MlKem(512) => (ml_kem_512(private)?, 512),
        Algorithm::MlKem(768) => (ml_kem_768(private)?, 768),
        Algorithm::MlKem(_) => (ml_kem_1024(private)?, 1024),
        Algorithm::SlhDsa(set) => (slh_dsa(set, private)?, 0),
        _ => return None,
    };
    let proof = match stored {
        Some(stored) if stored != pair.public => return None,
        Some(_) if pair.proof.level < crate::ProofLevel::Proven => {
            Proof::proven("the private key yields the stored public key")
        }
        _ => pair.proof,
    };
    let bits = if bits == 0 { 4 * pair.public.len() as u32 } else { bits };
    Some(Proved { public: PublicKey::from_oid(algorithm, bits, oid, &pair.public), proof })
}

/// Seed and expanded key.
struct Parts<'a> {
    seed: Option<&'a [u8]>,
    expanded: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    /// The choice of RFC 9881 and RFC 9935: `[0]` seed, expanded key, or a SEQUENCE of both. Earlier tools wrote them bare.
    fn read(private: &'a [u8], seed_size: usize, expanded_size: usize) -> Option<Self> {
        let mut reader = Reader::new(private);
        let (seed, expanded) = match private.first()? {
            _ if private.len() == expanded_size => (None, Some(private)),
            _ if private.len() == seed_size => (Some(private), None),
            0x80 => (Some(reader.next()?.body), None),
            &OCTET_STRING => match reader.take(OCTET_STRING)? {
                seed if seed.len() == seed_size => (Some(seed), None),
                expanded => (None, Some(expanded)),
            },
            &SEQUENCE => {
                let mut both = reader.enter(SEQUENCE)?;
                (Some(both.take(OCTET_STRING)?), Some(both.take(OCTET_STRING)?))
            }
            _ => return None,
        };
        let fits = seed.is_none_or(|s| s.len() == seed_size) && expanded.is_none_or(|e| e.len() == expanded_size);
        let meant = expanded.is_some() || seed.is_some_and(looks_drawn);
        (fits && meant).then_some(Self { seed, expanded })
    }
}

/// What is said of a seed without anything to compare it with.
fn derived_from_seed() -> Proof {
    Proof::parsed("the seed has the right length; the public key was derived from it")
}

fn ml_dsa<P: MlDsaParams>(private: &[u8]) -> Option<Pair> {
    let parts = Parts::read(private, 32, size_of::<ExpandedSigningKeyBytes<P>>())?;
    if let Some(seed) = parts.seed {
        let key = ExpandedSigningKey::<P>::from_seed(&seed.try_into().ok()?);
        let proof = match parts.expanded {
            #[allow(deprecated)] // The expanded form is what is compared.
            Some(expanded) if key.to_expanded().as_slice() != expanded => return None,
            Some(_) => Proof::proven("the seed expands to the stored key"),
            None => derived_from_seed(),
        };
        return Some(Pair { public: key.verifying_key().encode().to_vec(), proof });
    }
    let expanded = parts.expanded.filter(|e| in_range(e))?;
    #[allow(deprecated)] // There is no seed.
    let key = ExpandedSigningKey::<P>::from_expanded(expanded.try_into().ok()?);
    let public = key.verifying_key().encode().to_vec();
    let mut hash = [0; 64];
    let mut shake = shake::Shake256::default();
    shake.update(&public);
    shake.finalize_xof().read(&mut hash);
    // rho, K, then the hash of the public key (FIPS 204 algorithm 24).
    (expanded.get(64..128)? == hash)
        .then_some(Pair { public, proof: Proof::proven("the expanded key holds the hash of its own public key") })
}

/// Whether the short vectors of an expanded key have coefficients in range, without which the library must not see them.
fn in_range(expanded: &[u8]) -> bool {
    // Coefficients of -eta..=eta are stored as 0..=2 eta, in 3 bits for eta = 2 and in 4 for eta = 4.
    let (bits, most, vectors) = match expanded.len() {
        2560 => (3, 4, 8),
        4032 => (4, 8, 11),
        4896 => (3, 4, 15),
        _ => return false,
    };
    let Some(packed) = expanded.get(128..128 + 32 * bits * vectors) else { return false };
    packed.chunks_exact(bits).all(|chunk| {
        let value = chunk.iter().rev().fold(0u32, |value, &b| value << 8 | u32::from(b));
        (0..8).all(|i| value >> (bits as u32 * i) & ((1 << bits) - 1) <= most)
    })
}

/// The three parameter sets share no public trait that names all of this.
macro_rules! ml_kem {
    ($name:ident, $set:ty, $expanded:literal) => {
        #[allow(deprecated)] // The expanded form is what keys are stored in.
        fn $name(private: &[u8]) -> Option<Pair> {
            let parts = Parts::read(private, 64, $expanded)?;
            if let Some(seed) = parts.seed {
                let key = DecapsulationKey::<$set>::from_seed(seed.try_into().ok()?);
                let proof = match parts.expanded {
                    Some(expanded) if key.to_expanded_bytes().as_slice() != expanded => return None,
                    Some(_) => Proof::proven("the seed expands to the stored key"),
                    None => derived_from_seed(),
                };
                return Some(Pair { public: key.encapsulation_key().to_bytes().to_vec(), proof });
            }
            let key = DecapsulationKey::<$set>::from_expanded(parts.expanded?.try_into().ok()?).ok()?;
            let (ciphertext, shared) = key.encapsulation_key().encapsulate_deterministic(&Default::default());
            (key.decapsulate(&ciphertext) == shared).then(|| Pair {
                public: key.encapsulation_key().to_bytes().to_vec(),
                proof: Proof::proven("what is encapsulated to the public half is decapsulated"),
            })
        }
    };
}

ml_kem!(ml_kem_512, MlKem512, 1632);
ml_kem!(ml_kem_768, MlKem768, 2400);
ml_kem!(ml_kem_1024, MlKem1024, 3168);

fn slh_dsa(set: &'static str, private: &[u8]) -> Option<Pair> {
    // Some tools put the bytes into an OCTET STRING of their own.
    let private = match Reader::new(private).take(OCTET_STRING) {
        Some(inner) if inner.len() + 2 == private.len() => inner,
        _ => private,
    };
    let size = match &set[set.len() - 4..set.len() - 1] {
        "128" => 16,
        "192" => 24,
        _ => 32,
    };
    if private.len() != 4 * size || !looks_drawn(private) {
        return None;
    }
    let public = private[2 * size..].to_vec();
    let proved = |root: bool| root.then(|| Proof::proven("the seeds yield the root of the topmost tree"));
    let proof = match set {
        "SHA2-128f" => proved(root_holds::<slh_dsa::Sha2_128f>(private))?,
        "SHA2-192f" => proved(root_holds::<slh_dsa::Sha2_192f>(private))?,
        "SHA2-256f" => proved(root_holds::<slh_dsa::Sha2_256f>(private))?,
        "SHAKE-128f" => proved(root_holds::<slh_dsa::Shake128f>(private))?,
        "SHAKE-192f" => proved(root_holds::<slh_dsa::Shake192f>(private))?,
        "SHAKE-256f" => proved(root_holds::<slh_dsa::Shake256f>(private))?,
        // The trees of the small sets take a quarter of a million hashes.
        _ => Proof::parsed("four values of the right length; the last is the public root"),
    };
    Some(Pair { public, proof })
}

/// Whether the root of the topmost tree is the one stored.
fn root_holds<P: ParameterSet>(private: &[u8]) -> bool {
    let size = private.len() / 4;
    let key = slh_dsa::SigningKey::<P>::slh_keygen_internal(
        &private[..size],
        &private[size..2 * size],
        &private[2 * size..3 * size],
    );
    key.to_vec() == private
}
