//! Encryption under a password as an AlgorithmIdentifier names it: PKCS #5 (RFC 8018), PKCS #12 (RFC 7292 appendix C),
//! scrypt (RFC 7914), and the schemes of Java's key stores and of NSS. Names what it reads, and tries passwords.

pub(crate) mod cipher;
pub(crate) mod kdf;

use super::ber::{Element, Reader, dotted, tag};
use crate::Protection;
use cipher::Cipher;
use kdf::{Bytes, Hash, Purpose};
use zeroize::Zeroizing;

/// Iterations below which a derivation counts as cheap to search.
const FEW_ITERATIONS: u64 = 10_000;
/// Most memory that scrypt may ask for, in bytes.
const MAX_SCRYPT_MEMORY: u64 = 32 << 20;

/// A password in the forms that derivations take.
pub(crate) struct Password {
    /// As PKCS #5 takes it.
    pub(crate) utf8: Bytes,
    /// As PKCS #12 takes it: big-endian UTF-16 with two zero bytes at the end, or nothing at all.
    pub(crate) bmp: Bytes,
}

impl Password {
    /// The password with this text.
    pub(crate) fn new(text: &str) -> Self {
        Self {
            utf8: Zeroizing::new(text.as_bytes().to_vec()),
            bmp: Zeroizing::new([&utf16(text)[..], &[0, 0]].concat()),
        }
    }

    /// No password: not even the end of an empty one, as some makers have it.
    pub(crate) fn null() -> Self {
        Self { utf8: Bytes::default(), bmp: Bytes::default() }
    }
}

/// Big-endian UTF-16.
pub(crate) fn utf16(text: &str) -> Bytes {
    Zeroizing::new(text.encode_utf16().flat_map(u16::to_be_bytes).collect())
}

/// How a key is derived from a password.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kdf {
    Pkcs12 {
        hash: Hash,
        salt: Vec<u8>,
        iterations: u64,
    },
    Pbkdf1 {
        hash: Hash,
        salt: Vec<u8>,
        iterations: u64,
    },
    Pbkdf2 {
        prf: Hash,
        salt: Vec<u8>,
        iterations: u64,
    },
    Scrypt {
        salt: Vec<u8>,
        n: u64,
        r: u64,
        p: u64,
    },
    /// PBEWithMD5AndTripleDES of Java's SunJCE (JCEKS).
    SunMd5 {
        salt: Vec<u8>,
        iterations: u64,
    },
    /// The derivation of NSS before PBES2, whose password is a hash already.
    Nss {
        salt: Vec<u8>,
    },
    /// The key protector of Java's JKS: a stream from SHA-1 of the password.
    JavaKeyProtector,
    Other(String),
}

/// A scheme with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scheme {
    kdf: Kdf,
    /// The cipher, or the name of one that cannot be decrypted here.
    cipher: Result<Cipher, String>,
    /// The initialisation vector, where it is stored and not derived.
    iv: Option<Vec<u8>>,
}

/// `1.2.840.113549.1`, PKCS.
const PKCS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01];
/// `1.3.6.1.4.1.42.2`, Sun.
const SUN: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02];
/// `1.3.6.1.4.1.22554.1`, Bouncy Castle's schemes with the derivation of PKCS #12 and AES.
const BOUNCY_CASTLE: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x81, 0xb0, 0x1a, 0x01];
/// scrypt, 1.3.6.1.4.1.11591.4.11.
const SCRYPT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
/// `2.16.840.1.101.3.4.1`, NIST's AES.
const AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];

impl Scheme {
    /// Reads an AlgorithmIdentifier. One that is not known gets a name, and opens with no password.
    pub(crate) fn read(identifier: &Element<'_>) -> Option<Scheme> {
        let mut parts = identifier.inside();
        let oid = parts.oid().filter(|oid| (3..=24).contains(&oid.len()))?;
        let parameters = parts.next();
        Some(known(oid, parameters.as_ref()).unwrap_or_else(|| Scheme {
            kdf: Kdf::Other("unknown derivation".into()),
            cipher: Err(dotted(oid)),
            iv: None,
        }))
    }

    /// The scheme of UBER stores and other fixed ones: the derivation of PKCS #12 with SHA-1.
    pub(crate) fn pkcs12_sha1(cipher: Cipher, salt: &[u8], iterations: u64) -> Scheme {
        Scheme { kdf: Kdf::Pkcs12 { hash: Hash::Sha1, salt: salt.to_vec(), iterations }, cipher: Ok(cipher), iv: None }
    }

    /// SunJCE's PBEWithMD5AndTripleDES with the parameters of a sealed object.
    pub(crate) fn sun_md5(parameters: &Element<'_>) -> Option<Scheme> {
        let (salt, iterations) = salt_and_iterations(parameters)?;
        Some(Scheme { kdf: Kdf::SunMd5 { salt, iterations }, cipher: Ok(Cipher::TripleDes), iv: None })
    }

    /// What NSS used before PBES2: triple DES with key and vector from SHA-1.
    pub(crate) fn nss_triple_des(salt: &[u8]) -> Scheme {
        Scheme { kdf: Kdf::Nss { salt: salt.to_vec() }, cipher: Ok(Cipher::TripleDes), iv: None }
    }

    /// How the content is protected.
    pub(crate) fn protection(&self) -> Protection {
        Protection::Encrypted { cipher: self.cipher_name(), kdf: self.kdf_name(), weak: self.is_weak() }
    }

    /// How it is protected from those who do not know `password`, which its vendor publishes.
    pub(crate) fn published(&self, password: &'static str) -> Protection {
        Protection::Published { password, cipher: self.cipher_name(), kdf: self.kdf_name() }
    }

    fn cipher_name(&self) -> String {
        match &self.cipher {
            Ok(_) if self.kdf == Kdf::JavaKeyProtector => "SHA-1 key stream".into(),
            Ok(cipher) => cipher.name(),
            Err(name) => name.clone(),
        }
    }

    fn kdf_name(&self) -> String {
        match &self.kdf {
            Kdf::Pkcs12 { hash, iterations, .. } => counted(&format!("PKCS#12 KDF, {}", hash.name()), *iterations),
            Kdf::Pbkdf1 { hash, iterations, .. } => counted(&format!("PBKDF1-{}", hash.name()), *iterations),
            Kdf::Pbkdf2 { prf, iterations, .. } => counted(&format!("PBKDF2-HMAC-{}", prf.name()), *iterations),
            Kdf::Scrypt { n, r, p, .. } => format!("scrypt, N={n}, r={r}, p={p}"),
            Kdf::SunMd5 { iterations, .. } => counted("SunJCE MD5", *iterations),
            Kdf::Nss { .. } => counted("NSS SHA1", 1),
            Kdf::JavaKeyProtector => counted("Java key protector", 1),
            Kdf::Other(name) => name.clone(),
        }
    }

    fn is_weak(&self) -> bool {
        let cheap = match &self.kdf {
            Kdf::Pkcs12 { hash, iterations, .. }
            | Kdf::Pbkdf1 { hash, iterations, .. }
            | Kdf::Pbkdf2 { prf: hash, iterations, .. } => *hash == Hash::Md5 || *iterations < FEW_ITERATIONS,
            Kdf::Scrypt { n, .. } => *n < 1 << 14,
            Kdf::SunMd5 { .. } | Kdf::Nss { .. } | Kdf::JavaKeyProtector => true,
            Kdf::Other(_) => false,
        };
        cheap || self.cipher.as_ref().is_ok_and(|c| c.is_weak())
    }

    /// What trying one password costs, in compressions of a hash; `None` if none can be tried.
    pub(crate) fn cost(&self) -> Option<u64> {
        let cipher = self.cipher.as_ref().ok()?;
        let (key, iv) = (cipher.key_size(), if self.iv.is_none() { cipher.iv_size() } else { 0 });
        let usable = |iterations: u64| (1..=u64::from(u32::MAX)).contains(&iterations).then_some(iterations);
        Some(match &self.kdf {
            Kdf::Pkcs12 { hash, iterations, .. } => {
                let rounds = key.div_ceil(hash.size()) + iv.div_ceil(hash.size());
                usable(*iterations)?.saturating_mul(rounds as u64 * hash.weight())
            }
            Kdf::Pbkdf1 { iterations, .. } => usable(*iterations)?,
            Kdf::Pbkdf2 { prf, iterations, .. } => {
                usable(*iterations)?.saturating_mul(2 * key.div_ceil(prf.size()) as u64 * prf.weight())
            }
            Kdf::Scrypt { n, r, p, .. } => {
                let blocks = n.checked_mul(*r)?;
                let memory = blocks.checked_mul(128)?;
                if !n.is_power_of_two() || *n < 2 || *p == 0 || memory == 0 || memory > MAX_SCRYPT_MEMORY {
                    return None;
                }
                blocks.checked_mul(*p)?.checked_mul(4)?
            }
            Kdf::SunMd5 { iterations, .. } => usable(*iterations)?.saturating_mul(2),
            Kdf::Nss { .. } => 16,
            Kdf::JavaKeyProtector => 256,
            Kdf::Other(_) => return None,
        })
    }

    /// Decrypts with a password. That the padding fits by chance is likely enough (1 in 256) that the caller must look at
    /// what comes out.
    pub(crate) fn decrypt(&self, password: &Password, data: &[u8]) -> Option<Bytes> {
        self.cost()?;
        let cipher = *self.cipher.as_ref().ok()?;
        let (key, iv) = match &self.kdf {
            Kdf::Pkcs12 { hash, salt, iterations } => {
                let derive =
                    |purpose, length| kdf::pkcs12(*hash, &password.bmp, salt, *iterations as u32, purpose, length);
                (derive(Purpose::Key, cipher.key_size()), derive(Purpose::Iv, cipher.iv_size()))
            }
            Kdf::Pbkdf1 { hash, salt, iterations } => {
                let value = kdf::pbkdf1(*hash, &password.utf8, salt, *iterations as u32);
                let (key, iv) = value.get(..16)?.split_at(8);
                (Zeroizing::new(key.to_vec()), Zeroizing::new(iv.to_vec()))
            }
            Kdf::Pbkdf2 { prf, salt, iterations } => {
                let key = kdf::pbkdf2(*prf, &password.utf8, salt, *iterations as u32, cipher.key_size());
                (key, Bytes::default())
            }
            Kdf::Scrypt { salt, n, r, p } => {
                let parameters = scrypt::Params::new(n.ilog2() as u8, *r as u32, *p as u32).ok()?;
                let mut key = Zeroizing::new(vec![0; cipher.key_size()]);
                scrypt::scrypt(&password.utf8, salt, &parameters, &mut key).ok()?;
                (key, Bytes::default())
            }
            Kdf::SunMd5 { salt, iterations } => sun_md5(&password.utf8, salt, *iterations)?,
            Kdf::Nss { salt } => nss(&password.utf8, salt)?,
            Kdf::JavaKeyProtector => return java_key_protector(utf16_of(&password.bmp), data),
            Kdf::Other(_) => return None,
        };
        cipher.decrypt(&key, self.iv.as_deref().unwrap_or(&iv), data)
    }
}

/// `NAME, 2048 iterations`.
pub(crate) fn counted(name: &str, iterations: u64) -> String {
    format!("{name}, {iterations} iteration{}", if iterations == 1 { "" } else { "s" })
}

/// The UTF-16 of a BMPString, without its two zero bytes.
pub(crate) fn utf16_of(bmp: &[u8]) -> &[u8] {
    bmp.strip_suffix(&[0, 0]).unwrap_or(bmp)
}

fn known(oid: &[u8], parameters: Option<&Element<'_>>) -> Option<Scheme> {
    if let Some([5, number]) = oid.strip_prefix(PKCS) {
        return match number {
            13 => pbes2(parameters?),
            _ => pbes1(*number, parameters?),
        };
    }
    if oid.strip_prefix(PKCS) == Some(&[12, 5, 1, 3]) {
        return salt_and_iterations(parameters?).map(|(salt, _)| Scheme::nss_triple_des(&salt));
    }
    if let Some([12, 1, number]) = oid.strip_prefix(PKCS) {
        let cipher = match number {
            1 => Cipher::Rc4(16),
            2 => Cipher::Rc4(5),
            3 => Cipher::TripleDes,
            4 => Cipher::TwoKeyTripleDes,
            5 => Cipher::Rc2(16, 128),
            6 => Cipher::Rc2(5, 40),
            _ => return None,
        };
        let (salt, iterations) = salt_and_iterations(parameters?)?;
        return Some(Scheme::pkcs12_sha1(cipher, &salt, iterations));
    }
    match oid.strip_prefix(SUN) {
        Some([17, 1, 1]) => {
            return Some(Scheme { kdf: Kdf::JavaKeyProtector, cipher: Ok(Cipher::Rc4(16)), iv: None });
        }
        Some([19, 1]) => {
            return Scheme::sun_md5(parameters?);
        }
        _ => {}
    }
    let (hash, size) = match oid.strip_prefix(BOUNCY_CASTLE)? {
        [1, 2, 1, size] => (Hash::Sha1, *size),
        [2, 1, 2, 1, size] => (Hash::Sha256, *size),
        _ => return None,
    };
    let size = match size {
        2 => 16,
        22 => 24,
        42 => 32,
        _ => return None,
    };
    let (salt, iterations) = salt_and_iterations(parameters?)?;
    Some(Scheme { kdf: Kdf::Pkcs12 { hash, salt, iterations }, cipher: Ok(Cipher::AesCbc(size)), iv: None })
}

/// Salt and iteration count, the parameters of PBES1 and of the schemes of PKCS #12.
fn salt_and_iterations(parameters: &Element<'_>) -> Option<(Vec<u8>, u64)> {
    let mut parts = parameters.inside();
    let salt = parts.octets().filter(|salt| salt.len() <= 1024)?.to_vec();
    Some((salt, parts.number()?))
}

fn pbes1(number: u8, parameters: &Element<'_>) -> Option<Scheme> {
    let (hash, cipher) = match number {
        3 => (Hash::Md5, Cipher::Des),
        6 => (Hash::Md5, Cipher::Rc2(8, 64)),
        10 => (Hash::Sha1, Cipher::Des),
        11 => (Hash::Sha1, Cipher::Rc2(8, 64)),
        _ => return None,
    };
    let (salt, iterations) = salt_and_iterations(parameters)?;
    Some(Scheme { kdf: Kdf::Pbkdf1 { hash, salt, iterations }, cipher: Ok(cipher), iv: None })
}

/// PBES2: a derivation and a cipher, each with its own parameters. PBMAC1 (RFC 9579) shares the derivation.
fn pbes2(parameters: &Element<'_>) -> Option<Scheme> {
    let mut parts = parameters.inside();
    let derivation = parts.take(tag::SEQUENCE)?;
    let encryption = parts.take(tag::SEQUENCE)?;
    let (kdf, key_size) = derivation_of(&derivation)?;
    let (cipher, iv) = encryption_of(&encryption, key_size)?;
    Some(Scheme { kdf, cipher, iv: Some(iv) })
}

/// PBKDF2 or scrypt, and the key size if one is stored.
fn derivation_of(identifier: &Element<'_>) -> Option<(Kdf, Option<usize>)> {
    let mut parts = identifier.inside();
    let oid = parts.oid()?;
    let mut parameters = parts.next()?.inside();
    if oid == SCRYPT {
        let salt = parameters.octets().filter(|salt| salt.len() <= 1024)?.to_vec();
        let (n, r, p) = (parameters.number()?, parameters.number()?, parameters.number()?);
        return Some((Kdf::Scrypt { salt, n, r, p }, key_size(&mut parameters)));
    }
    if oid.strip_prefix(PKCS) != Some(&[5, 12]) {
        return Some((Kdf::Other(dotted(oid)), None));
    }
    let salt = parameters.octets().filter(|salt| salt.len() <= 1024)?.to_vec();
    let iterations = parameters.number()?;
    let size = key_size(&mut parameters);
    let prf = match parameters.enter(tag::SEQUENCE) {
        None => Ok(Hash::Sha1),
        Some(mut prf) => {
            let oid = prf.oid()?;
            Hash::from_hmac_oid(oid).ok_or_else(|| format!("PBKDF2 with {}, {iterations} iterations", dotted(oid)))
        }
    };
    Some(match prf {
        Ok(prf) => (Kdf::Pbkdf2 { prf, salt, iterations }, size),
        Err(name) => (Kdf::Other(name), size),
    })
}

fn key_size(parameters: &mut Reader<'_>) -> Option<usize> {
    (parameters.peek()? == tag::INTEGER).then(|| parameters.number()).flatten().and_then(|n| usize::try_from(n).ok())
}

type Encryption = (Result<Cipher, String>, Vec<u8>);

fn encryption_of(identifier: &Element<'_>, key_size: Option<usize>) -> Option<Encryption> {
    let mut parts = identifier.inside();
    let oid = parts.oid().filter(|oid| oid.len() <= 24)?;
    let parameters = parts.next();
    let size = |number: u8| 16 + 8 * usize::from(number / 20);
    let (cipher, iv) = match (oid.strip_prefix(AES), oid) {
        (Some([number @ (2 | 22 | 42)]), _) => {
            let iv = parameters?;
            // NSS fills the vector up with the head of its own encoding.
            let bytes = if iv.body.len() == 14 { iv.whole } else { iv.body };
            (Ok(Cipher::AesCbc(size(*number))), bytes.to_vec())
        }
        (Some([number @ (7 | 27 | 47)]), _) => {
            let mut parameters = parameters?.inside();
            let nonce = parameters.octets()?.to_vec();
            let tag = parameters.number().unwrap_or(12).min(16) as usize;
            (Ok(Cipher::AesCcm(size(number - 5), tag)), nonce)
        }
        (Some([number @ (6 | 26 | 46)]), _) => (Err(format!("aes-{}-gcm", 8 * size(number - 4))), Vec::new()),
        // DES-EDE3-CBC, DES-CBC.
        (_, [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 3, 7]) => (Ok(Cipher::TripleDes), parameters?.body.to_vec()),
        (_, [0x2b, 0x0e, 3, 2, 7]) => (Ok(Cipher::Des), parameters?.body.to_vec()),
        (_, [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 3, 2]) => rc2(&parameters?, key_size)?,
        _ => (Err(cipher_name(oid)), Vec::new()),
    };
    Some((cipher, iv))
}

/// RC2-CBC: a version that stands for the effective key size (RFC 8018 B.2.3), and the initialisation vector.
fn rc2(parameters: &Element<'_>, key_size: Option<usize>) -> Option<Encryption> {
    let mut parts = parameters.inside();
    let bits = match parts.number() {
        Some(160) => 40,
        Some(120) => 64,
        Some(58) => 128,
        Some(bits) => usize::try_from(bits).ok().filter(|bits| (256..=1024).contains(bits))?,
        None => 32,
    };
    let size = key_size.unwrap_or(bits / 8).min(128);
    Some((Ok(Cipher::Rc2(size, bits)), parts.octets()?.to_vec()))
}

/// Ciphers that are named but not decrypted.
fn cipher_name(oid: &[u8]) -> String {
    match oid {
        [0x2a, 0x83, 0x08, 0x8c, 0x9a, 0x4b, 0x3d, 1, 1, 1, n @ 2..=4] => {
            format!("camellia-{}-cbc", 64 * u16::from(*n))
        }
        [0x2a, 0x83, 0x1a, 0x8c, 0x9a, 0x44, 1, 4] => "seed-cbc".into(),
        [0x2a, 0x83, 0x1a, 0x8c, 0x9a, 0x6e, 1, 1, n @ (2 | 7 | 12)] => {
            format!("aria-{}-cbc", 128 + 64 * u16::from(n / 5))
        }
        [0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x68, 2] => "sm4-cbc".into(),
        [0x2a, 0x85, 0x03, 2, 2, 21] => "gost28147".into(),
        [0x2a, 0x85, 0x03, 7, 1, 1, 5, ..] => "kuznyechik or magma".into(),
        other => dotted(other),
    }
}

/// Key and initialisation vector of SunJCE's PBEWithMD5AndTripleDES: each half of the salt is hashed with the password
/// for itself. Where the halves are equal, the first is turned around, by an old slip not quite.
fn sun_md5(password: &[u8], salt: &[u8], iterations: u64) -> Option<(Bytes, Bytes)> {
    let mut salt: [u8; 8] = salt.try_into().ok()?;
    if salt[..4] == salt[4..] {
        salt = [salt[3], salt[0], salt[1], salt[3], salt[4], salt[5], salt[6], salt[7]];
    }
    let mut out = Bytes::default();
    for half in salt.chunks(4) {
        let mut value = Zeroizing::new(half.to_vec());
        for _ in 0..iterations {
            value = Hash::Md5.digest(&[&value, password]);
        }
        out.extend_from_slice(&value);
    }
    let (key, iv) = out.split_at_checked(24)?;
    Some((Zeroizing::new(key.to_vec()), Zeroizing::new(iv.to_vec())))
}

/// Key and initialisation vector of NSS's older scheme (lib/softoken/lowpbe.c): two HMACs under a hash of password and
/// salt, of the salt filled up to 20 bytes.
fn nss(password: &[u8], salt: &[u8]) -> Option<(Bytes, Bytes)> {
    let mut filled = salt.get(..salt.len().min(20))?.to_vec();
    filled.resize(20, 0);
    let key = Hash::Sha1.digest(&[password, salt]);
    let first = Hash::Sha1.hmac(&key, &[&filled, salt]);
    let link = Hash::Sha1.hmac(&key, &[&filled]);
    let second = Hash::Sha1.hmac(&key, &[&link, salt]);
    let all = Zeroizing::new([&first[..], &second].concat());
    let (key, rest) = all.split_at_checked(24)?;
    Some((Zeroizing::new(key.to_vec()), Zeroizing::new(rest[rest.len() - 8..].to_vec())))
}

/// Java's JKS protects keys with a stream: salt, cipher text, and SHA-1 of password and key as a checksum.
fn java_key_protector(password: &[u8], data: &[u8]) -> Option<Bytes> {
    let (salt, rest) = data.split_at_checked(20)?;
    let (body, stored) = rest.split_at_checked(rest.len().checked_sub(20)?)?;
    let mut plain = Zeroizing::new(body.to_vec());
    let mut value = Zeroizing::new(salt.to_vec());
    for chunk in plain.chunks_mut(20) {
        value = Hash::Sha1.digest(&[password, &value]);
        chunk.iter_mut().zip(value.iter()).for_each(|(byte, key)| *byte ^= key);
    }
    (Hash::Sha1.digest(&[password, &plain]).as_slice() == stored).then_some(plain)
}
