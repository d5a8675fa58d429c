//! Hashes and the derivations of keys from passwords: RFC 8018 (PBKDF1, PBKDF2), RFC 7292 appendix B (PKCS #12).

use hmac::digest::{FixedOutput, Update};
use hmac::{Hmac, KeyInit, Mac, SimpleHmac};
use zeroize::Zeroizing;

/// Secret bytes that a derivation or decryption yields.
pub(crate) type Bytes = Zeroizing<Vec<u8>>;

/// A hash function, alone or in HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512_256,
    Sha3_224,
    Sha3_256,
    Sha3_384,
    Sha3_512,
}

/// Calls a generic function with the type of a hash.
macro_rules! with_hash {
    ($hash:expr, $run:ident($($argument:expr),*)) => {
        match $hash {
            Hash::Md5 => $run::<md5::Md5>($($argument),*),
            Hash::Sha1 => $run::<sha1::Sha1>($($argument),*),
            Hash::Sha224 => $run::<sha2::Sha224>($($argument),*),
            Hash::Sha256 => $run::<sha2::Sha256>($($argument),*),
            Hash::Sha384 => $run::<sha2::Sha384>($($argument),*),
            Hash::Sha512 => $run::<sha2::Sha512>($($argument),*),
            Hash::Sha512_256 => $run::<sha2::Sha512_256>($($argument),*),
            Hash::Sha3_224 => $run::<sha3::Sha3_224>($($argument),*),
            Hash::Sha3_256 => $run::<sha3::Sha3_256>($($argument),*),
            Hash::Sha3_384 => $run::<sha3::Sha3_384>($($argument),*),
            Hash::Sha3_512 => $run::<sha3::Sha3_512>($($argument),*),
        }
    };
}

/// Calls a generic function with the type of the HMAC of a hash.
macro_rules! with_hmac {
    ($hash:expr, $run:ident($($argument:expr),*)) => {
        match $hash {
            Hash::Md5 => $run::<Hmac<md5::Md5>>($($argument),*),
            Hash::Sha1 => $run::<Hmac<sha1::Sha1>>($($argument),*),
            Hash::Sha224 => $run::<Hmac<sha2::Sha224>>($($argument),*),
            Hash::Sha256 => $run::<Hmac<sha2::Sha256>>($($argument),*),
            Hash::Sha384 => $run::<SimpleHmac<sha2::Sha384>>($($argument),*),
            Hash::Sha512 => $run::<Hmac<sha2::Sha512>>($($argument),*),
            Hash::Sha512_256 => $run::<Hmac<sha2::Sha512_256>>($($argument),*),
            Hash::Sha3_224 => $run::<SimpleHmac<sha3::Sha3_224>>($($argument),*),
            Hash::Sha3_256 => $run::<SimpleHmac<sha3::Sha3_256>>($($argument),*),
            Hash::Sha3_384 => $run::<SimpleHmac<sha3::Sha3_384>>($($argument),*),
            Hash::Sha3_512 => $run::<SimpleHmac<sha3::Sha3_512>>($($argument),*),
        }
    };
}

/// Arcs of `2.16.840.1.101.3.4.2`, NIST's hash algorithms; without the last.
const NIST_HASH: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
/// `1.2.840.113549.2`, RSADSI's digest algorithms; without the last arc.
const RSADSI_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];

impl Hash {
    /// The hash with this object identifier body.
    pub(crate) fn from_oid(oid: &[u8]) -> Option<Hash> {
        if oid == [0x2b, 0x0e, 0x03, 0x02, 0x1a] {
            return Some(Hash::Sha1);
        }
        let (&last, arcs) = oid.split_last()?;
        Some(match (arcs, last) {
            (RSADSI_DIGEST, 5) => Hash::Md5,
            (NIST_HASH, 1) => Hash::Sha256,
            (NIST_HASH, 2) => Hash::Sha384,
            (NIST_HASH, 3) => Hash::Sha512,
            (NIST_HASH, 4) => Hash::Sha224,
            (NIST_HASH, 6) => Hash::Sha512_256,
            (NIST_HASH, 7) => Hash::Sha3_224,
            (NIST_HASH, 8) => Hash::Sha3_256,
            (NIST_HASH, 9) => Hash::Sha3_384,
            (NIST_HASH, 10) => Hash::Sha3_512,
            _ => return None,
        })
    }

    /// The hash of the HMAC with this object identifier body.
    pub(crate) fn from_hmac_oid(oid: &[u8]) -> Option<Hash> {
        let (&last, arcs) = oid.split_last()?;
        Some(match (arcs, last) {
            (RSADSI_DIGEST, 6) => Hash::Md5,
            (RSADSI_DIGEST, 7) => Hash::Sha1,
            (RSADSI_DIGEST, 8) => Hash::Sha224,
            (RSADSI_DIGEST, 9) => Hash::Sha256,
            (RSADSI_DIGEST, 10) => Hash::Sha384,
            (RSADSI_DIGEST, 11) => Hash::Sha512,
            (RSADSI_DIGEST, 13) => Hash::Sha512_256,
            (NIST_HASH, 13) => Hash::Sha3_224,
            (NIST_HASH, 14) => Hash::Sha3_256,
            (NIST_HASH, 15) => Hash::Sha3_384,
            (NIST_HASH, 16) => Hash::Sha3_512,
            _ => return None,
        })
    }

    /// `SHA-256` and the like.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Hash::Md5 => "MD5",
            Hash::Sha1 => "SHA1",
            Hash::Sha224 => "SHA224",
            Hash::Sha256 => "SHA256",
            Hash::Sha384 => "SHA384",
            Hash::Sha512 => "SHA512",
            Hash::Sha512_256 => "SHA512/256",
            Hash::Sha3_224 => "SHA3-224",
            Hash::Sha3_256 => "SHA3-256",
            Hash::Sha3_384 => "SHA3-384",
            Hash::Sha3_512 => "SHA3-512",
        }
    }

    /// Length of the digest in bytes.
    pub(crate) fn size(self) -> usize {
        match self {
            Hash::Md5 => 16,
            Hash::Sha1 => 20,
            Hash::Sha224 | Hash::Sha3_224 => 28,
            Hash::Sha256 | Hash::Sha512_256 | Hash::Sha3_256 => 32,
            Hash::Sha384 | Hash::Sha3_384 => 48,
            Hash::Sha512 | Hash::Sha3_512 => 64,
        }
    }

    /// Length of the block that the hash compresses, in bytes.
    fn block(self) -> usize {
        match self {
            Hash::Md5 | Hash::Sha1 | Hash::Sha224 | Hash::Sha256 => 64,
            Hash::Sha384 | Hash::Sha512 | Hash::Sha512_256 => 128,
            Hash::Sha3_224 => 144,
            Hash::Sha3_256 => 136,
            Hash::Sha3_384 => 104,
            Hash::Sha3_512 => 72,
        }
    }

    /// What one compression costs, measured in those of SHA-1 or SHA-256.
    pub(crate) fn weight(self) -> u64 {
        match self {
            Hash::Md5 | Hash::Sha1 | Hash::Sha224 | Hash::Sha256 => 1,
            Hash::Sha384 | Hash::Sha512 | Hash::Sha512_256 => 2,
            Hash::Sha3_224 | Hash::Sha3_256 | Hash::Sha3_384 | Hash::Sha3_512 => 4,
        }
    }

    /// The digest of the parts, one after the other.
    pub(crate) fn digest(self, parts: &[&[u8]]) -> Bytes {
        fn run<D: sha2::Digest>(parts: &[&[u8]]) -> Bytes {
            let mut hash = D::new();
            parts.iter().for_each(|part| hash.update(part));
            Zeroizing::new(hash.finalize().to_vec())
        }
        with_hash!(self, run(parts))
    }

    /// The HMAC of the parts under a key of any length.
    pub(crate) fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Bytes {
        fn run<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Bytes {
            let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Bytes::default() };
            parts.iter().for_each(|part| mac.update(part));
            Zeroizing::new(mac.finalize().into_bytes().to_vec())
        }
        with_hmac!(self, run(key, parts))
    }
}

/// PBKDF2.
pub(crate) fn pbkdf2(prf: Hash, password: &[u8], salt: &[u8], iterations: u32, length: usize) -> Bytes {
    fn run<M: KeyInit + Update + FixedOutput + Clone>(password: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) {
        // HMAC takes a key of any length, so that no error is possible; the zeros that one would leave open nothing.
        let _ = pbkdf2::pbkdf2::<M>(password, salt, iterations, out);
    }
    let mut out = Zeroizing::new(vec![0; length]);
    with_hmac!(prf, run(password, salt, iterations, &mut out));
    out
}

/// PBKDF1: the digest, of which PBES1 takes key and initialisation vector.
pub(crate) fn pbkdf1(hash: Hash, password: &[u8], salt: &[u8], iterations: u32) -> Bytes {
    let mut value = hash.digest(&[password, salt]);
    for _ in 1..iterations {
        value = hash.digest(&[&value]);
    }
    value
}

/// What a derivation of PKCS #12 is for (RFC 7292 B.3).
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// The derivation of PKCS #12 (RFC 7292 B.2). `password` is a BMPString with its two zero bytes.
pub(crate) fn pkcs12(
    hash: Hash,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    purpose: Purpose,
    length: usize,
) -> Bytes {
    let block = hash.block();
    let filled = |bytes: &[u8]| -> Bytes {
        let whole = bytes.len().div_ceil(block) * block;
        Zeroizing::new(bytes.iter().copied().cycle().take(whole).collect())
    };
    let diversifier = vec![purpose as u8; block];
    let mut input = filled(salt);
    input.extend_from_slice(&filled(password));
    let mut out = Zeroizing::new(Vec::with_capacity(length + hash.size()));
    while out.len() < length {
        let mut value = hash.digest(&[&diversifier, &input]);
        for _ in 1..iterations {
            value = hash.digest(&[&value]);
        }
        out.extend_from_slice(&value);
        // Each block of the input grows by the digest, filled up to a block, and one.
        for part in input.chunks_exact_mut(block) {
            let mut carry = 1;
            for (i, byte) in part.iter_mut().enumerate().rev() {
                carry += u16::from(*byte) + u16::from(value[i % value.len()]);
                *byte = carry as u8;
                carry >>= 8;
            }
        }
    }
    out.truncate(length);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    #[test]
    fn the_derivation_of_pkcs12_agrees_with_others() {
        // Vectors that BouncyCastle and OpenSSL use, for the password `smeg`.
        let password = b"\0s\0m\0e\0g\0\0";
        let key = pkcs12(Hash::Sha1, password, &HEXLOWER.decode(b"0a58cf64530d823f").unwrap(), 1, Purpose::Key, 24);
        assert_eq!(HEXLOWER.encode(&key), "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3");
        let iv = pkcs12(Hash::Sha1, password, &HEXLOWER.decode(b"0a58cf64530d823f").unwrap(), 1, Purpose::Iv, 8);
        assert_eq!(HEXLOWER.encode(&iv), "79993dfe048d3b76");
        let mac = pkcs12(Hash::Sha1, password, &HEXLOWER.decode(b"3d83c0e4546ac140").unwrap(), 1, Purpose::Mac, 20);
        assert_eq!(HEXLOWER.encode(&mac), "8d967d88f6caa9d714800ab3d48051d63f73a312");
    }

    #[test]
    fn pbkdf2_agrees_with_rfc_6070() {
        let key = pbkdf2(Hash::Sha1, b"password", b"salt", 2, 20);
        assert_eq!(HEXLOWER.encode(&key), "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
    }

    #[test]
    fn names_and_sizes_agree() {
        for hash in [Hash::Md5, Hash::Sha1, Hash::Sha224, Hash::Sha256, Hash::Sha384, Hash::Sha512, Hash::Sha3_256] {
            assert_eq!(hash.digest(&[b"a", b"b"]).len(), hash.size());
            assert_eq!(hash.digest(&[b"a", b"b"]), hash.digest(&[b"ab"]));
            assert_eq!(hash.hmac(&[7; 200], &[b"a", b"b"]).len(), hash.size());
        }
    }
}
