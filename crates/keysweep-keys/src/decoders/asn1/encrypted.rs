//! EncryptedPrivateKeyInfo (RFC 5958 section 3), and what its algorithm says of the encryption: PBES1 and PBES2 (RFC
//! 8018), the PBE of PKCS #12 (RFC 7292 appendix C), scrypt (RFC 7914).

use super::private::{Form, Look};
use super::{AlgorithmIdentifier, OCTET_STRING, OID, Outer, Reader, SEQUENCE, dotted, element};
use crate::decoders::frame;
use crate::decoders::text::looks_random;
use crate::{Algorithm, Proof, Protection};

/// PBKDF2 with fewer iterations is within reach of anyone with a graphics card and a list of passwords.
const FEW_ITERATIONS: u64 = 10_000;
/// The same for scrypt's N.
const SMALL_SCRYPT: u64 = 1 << 14;
/// Shortest ciphertext: the smallest key, an Ed25519 seed in PKCS #8, takes 48 bytes.
const MIN_CIPHERTEXT: usize = 40;

/// PBE algorithms that name their cipher and hash: object identifier, cipher, hash.
const PBE: &[(&str, &str, &str)] = &[
    ("1.2.840.113549.1.5.1", "des-cbc", "PBKDF1-MD2"),
    ("1.2.840.113549.1.5.3", "des-cbc", "PBKDF1-MD5"),
    ("1.2.840.113549.1.5.4", "rc2-64-cbc", "PBKDF1-MD2"),
    ("1.2.840.113549.1.5.6", "rc2-64-cbc", "PBKDF1-MD5"),
    ("1.2.840.113549.1.5.10", "des-cbc", "PBKDF1-SHA1"),
    ("1.2.840.113549.1.5.11", "rc2-64-cbc", "PBKDF1-SHA1"),
    ("1.2.840.113549.1.12.1.1", "rc4-128", "PKCS#12 KDF, SHA1"),
    ("1.2.840.113549.1.12.1.2", "rc4-40", "PKCS#12 KDF, SHA1"),
    ("1.2.840.113549.1.12.1.3", "des-ede3-cbc", "PKCS#12 KDF, SHA1"),
    ("1.2.840.113549.1.12.1.4", "des-ede-cbc", "PKCS#12 KDF, SHA1"),
    ("1.2.840.113549.1.12.1.5", "rc2-128-cbc", "PKCS#12 KDF, SHA1"),
    ("1.2.840.113549.1.12.1.6", "rc2-40-cbc", "PKCS#12 KDF, SHA1"),
];

/// Ciphers of PBES2: object identifier, name, whether it is broken or too short.
const CIPHERS: &[(&str, &str, bool)] = &[
    ("2.16.840.1.101.3.4.1.2", "aes-128-cbc", false),
    ("2.16.840.1.101.3.4.1.22", "aes-192-cbc", false),
    ("2.16.840.1.101.3.4.1.42", "aes-256-cbc", false),
    ("2.16.840.1.101.3.4.1.6", "aes-128-gcm", false),
    ("2.16.840.1.101.3.4.1.26", "aes-192-gcm", false),
    ("2.16.840.1.101.3.4.1.46", "aes-256-gcm", false),
    ("2.16.840.1.101.3.4.1.7", "aes-128-ccm", false),
    ("2.16.840.1.101.3.4.1.47", "aes-256-ccm", false),
    ("1.2.840.113549.3.7", "des-ede3-cbc", true),
    ("1.3.14.3.2.7", "des-cbc", true),
    ("1.2.840.113549.3.2", "rc2-cbc", true),
    ("1.2.840.113549.3.4", "rc4", true),
    ("1.2.392.200011.61.1.1.1.2", "camellia-128-cbc", false),
    ("1.2.392.200011.61.1.1.1.3", "camellia-192-cbc", false),
    ("1.2.392.200011.61.1.1.1.4", "camellia-256-cbc", false),
    ("1.2.410.200046.1.1.2", "aria-128-cbc", false),
    ("1.2.410.200046.1.1.7", "aria-192-cbc", false),
    ("1.2.410.200046.1.1.12", "aria-256-cbc", false),
    ("1.2.410.200004.1.4", "seed-cbc", false),
    ("1.2.156.10197.1.104.2", "sm4-cbc", false),
    ("1.2.643.2.2.21", "gost28147-cfb", false),
];

/// Hashes of PBKDF2's HMAC.
const HASHES: &[(&str, &str)] = &[
    ("1.2.840.113549.2.5", "MD5"),
    ("1.2.840.113549.2.7", "SHA1"),
    ("1.2.840.113549.2.8", "SHA224"),
    ("1.2.840.113549.2.9", "SHA256"),
    ("1.2.840.113549.2.10", "SHA384"),
    ("1.2.840.113549.2.11", "SHA512"),
    ("1.2.840.113549.2.12", "SHA512-224"),
    ("1.2.840.113549.2.13", "SHA512-256"),
    ("2.16.840.1.101.3.4.2.14", "SHA3-256"),
    ("2.16.840.1.101.3.4.2.16", "SHA3-512"),
    ("1.2.156.10197.1.401.2", "SM3"),
    ("1.2.643.2.2.10", "GOST R 34.11-94"),
    ("1.2.643.7.1.1.4.1", "GOST R 34.11-2012-256"),
    ("1.2.643.7.1.1.4.2", "GOST R 34.11-2012-512"),
];

const PBES2: &str = "1.2.840.113549.1.5.13";
const PBKDF2: &str = "1.2.840.113549.1.5.12";
const SCRYPT: &str = "1.3.6.1.4.1.11591.4.11";

/// Reads the body.
pub(super) fn read(outer: &Outer<'_>) -> Look {
    let mut reader = Reader::new(outer.body);
    let Some(algorithm) = AlgorithmIdentifier::read(&mut reader) else { return Look::Nothing };
    let Some(protection) = protection(&algorithm) else { return Look::Nothing };
    let Some(ciphertext) = reader.take(OCTET_STRING).filter(|c| c.len() >= MIN_CIPHERTEXT) else {
        return Look::Nothing;
    };
    if !reader.is_empty() || !outer.complete || !looks_random(ciphertext) {
        return Look::Nothing;
    }
    let proof = Proof::parsed("an encrypted PKCS #8 structure that names its cipher and key derivation");
    // The body names it: the header may be of another length elsewhere.
    let material = frame::of_container(Algorithm::Unknown(None), outer.body, "", protection, proof);
    Look::of(Form::EncryptedPkcs8, Some(material), outer.header + outer.body.len())
}

/// How a password-based encryption algorithm protects, with its cost; `None` for another algorithm.
pub(crate) fn protection(algorithm: &AlgorithmIdentifier<'_>) -> Option<Protection> {
    let oid = dotted(algorithm.oid);
    let mut parameters = Reader::new(algorithm.parameters).enter(SEQUENCE)?;
    if oid == PBES2 {
        let derivation = AlgorithmIdentifier::read(&mut parameters)?;
        let cipher = AlgorithmIdentifier::read(&mut parameters)?;
        let (kdf, cheap) = derivation_of(&derivation)?;
        let cipher_oid = dotted(cipher.oid);
        let known = CIPHERS.iter().find(|(number, ..)| *number == cipher_oid);
        let (cipher, broken) = known.map_or((format!("cipher {cipher_oid}"), false), |(_, n, b)| ((*n).into(), *b));
        return Some(Protection::Encrypted { cipher, kdf, weak: cheap || broken });
    }
    let (_, cipher, hash) = PBE.iter().find(|(number, ..)| *number == oid)?;
    parameters.take(OCTET_STRING)?;
    let iterations = parameters.small()?;
    Some(Protection::Encrypted { cipher: (*cipher).into(), kdf: counted(hash, iterations), weak: true })
}

fn counted(name: &str, iterations: u64) -> String {
    format!("{name}, {iterations} iteration{}", if iterations == 1 { "" } else { "s" })
}

/// The key derivation with its cost, and whether the cost is low.
fn derivation_of(derivation: &AlgorithmIdentifier<'_>) -> Option<(String, bool)> {
    let mut parameters = Reader::new(derivation.parameters).enter(SEQUENCE)?;
    match dotted(derivation.oid).as_str() {
        PBKDF2 => {
            parameters.next()?; // Salt.
            let iterations = parameters.small()?;
            while parameters.rest().first() == Some(&super::INTEGER) {
                parameters.next()?; // Length of the key.
            }
            let hash = parameters.enter(SEQUENCE).and_then(|mut prf| prf.take(OID)).map(dotted);
            let hash = hash.as_deref().unwrap_or("1.2.840.113549.2.7"); // HMAC-SHA1 is the default.
            let name = HASHES.iter().find(|(number, _)| *number == hash).map_or(hash, |(_, name)| name);
            Some((counted(&format!("PBKDF2-HMAC-{name}"), iterations), iterations < FEW_ITERATIONS))
        }
        SCRYPT => {
            parameters.take(OCTET_STRING)?;
            let (n, r, p) = (parameters.small()?, parameters.small()?, parameters.small()?);
            Some((format!("scrypt, N={n}, r={r}, p={p}"), n < SMALL_SCRYPT))
        }
        other => {
            element(derivation.parameters)?;
            Some((format!("key derivation {other}"), false))
        }
    }
}
