//! How the secret part of a key packet is protected (RFC 9580 sections 3.7 and 3.7.2, LibrePGP, and GnuPG's extensions in
//! `DETAILS`).

use crate::Protection;
use crate::decoders::fields::Fields;

/// Octets hashed by an S2K below which a passphrase is guessed quickly.
const FEW_OCTETS: u64 = 1 << 20;
/// Memory in KiB times passes of Argon2 below which it is: OWASP's least cost is 7 MiB and 5 passes.
const FEW_ARGON: u64 = 7 * 1024 * 5;
/// The S2K of GnuPG's extensions.
const GNU: u8 = 101;

/// The protection of a key.
#[derive(Debug)]
pub(super) enum Locked {
    /// Not protected: the numbers follow.
    Open,
    /// The numbers follow encrypted.
    Encrypted(Protection),
    /// GnuPG's stub of a key whose secret part is not there.
    Absent,
    /// GnuPG's stub of a key on a smart card, with its serial number.
    OnCard(Vec<u8>),
}

/// Reads from the usage octet to where the numbers begin.
pub(super) fn read(version: u8, fields: &mut Fields<'_>) -> Option<Locked> {
    let usage = fields.u8()?;
    // Version 5 always has a count of what follows, version 6 if there is anything.
    let counted = version == 5 || (version == 6 && usage != 0);
    let end = if counted { Some(usize::from(fields.u8()?) + fields.at) } else { None };
    let locked = if usage == 0 { Locked::Open } else { encrypted(version, usage, fields)? };
    if let Some(end) = end {
        // The initialisation vector is what is left of the count.
        let rest = end.checked_sub(fields.at)?;
        fields.take(rest)?;
    }
    if version == 5 {
        fields.u32()?; // Length of the numbers.
    }
    Some(locked)
}

fn encrypted(version: u8, usage: u8, fields: &mut Fields<'_>) -> Option<Locked> {
    if usage < 253 {
        // A cipher: its key is MD5 of the passphrase.
        let (cipher, block) = cipher(usage)?;
        fields.take(block)?;
        let kdf = "simple S2K with MD5".into();
        return Some(Locked::Encrypted(Protection::Encrypted { cipher: format!("{cipher}-CFB"), kdf, weak: true }));
    }
    let cipher_id = fields.u8()?;
    let mode = if usage == 253 { Some(aead(fields.u8()?)?) } else { None };
    if version == 6 {
        fields.u8()?; // Length of the S2K.
    }
    let kind = fields.u8()?;
    if kind == GNU {
        return stub(fields);
    }
    let (kdf, mut weak) = s2k(kind, fields)?;
    let (cipher, block) = cipher(cipher_id)?;
    fields.take(mode.map_or(block, |(_, nonce)| nonce))?;
    // 64-bit blocks are old; without a hash over the numbers (255) they can be changed unnoticed.
    weak |= block == 8 || usage == 255;
    let cipher = format!("{cipher}-{}", mode.map_or("CFB", |(name, _)| name));
    Some(Locked::Encrypted(Protection::Encrypted { cipher, kdf, weak }))
}

/// Hash, `GNU`, and 1 for no secret, 2 for a card with its serial number, or 3 for an S-expression.
fn stub(fields: &mut Fields<'_>) -> Option<Locked> {
    fields.u8()?;
    fields.take(3).filter(|mark| *mark == b"GNU")?;
    match fields.u8()? {
        1 => Some(Locked::Absent),
        2 => {
            let length = usize::from(fields.u8()?).min(16);
            Some(Locked::OnCard(fields.take(length)?.to_vec()))
        }
        // The key as in GnuPG's own file, which says how it is encrypted.
        3 => Some(Locked::Encrypted(Protection::Encrypted {
            cipher: "AES, as in GnuPG's key file".into(),
            kdf: "iterated and salted S2K".into(),
            weak: false,
        })),
        _ => None,
    }
}

/// The key derivation for people, and whether it is weak.
fn s2k(kind: u8, fields: &mut Fields<'_>) -> Option<(String, bool)> {
    if kind == 4 {
        fields.take(16)?;
        let (passes, lanes, exponent) = (fields.u8()?, fields.u8()?, fields.u8()?);
        if passes == 0 || lanes == 0 || !(3..=31).contains(&exponent) {
            return None;
        }
        let memory = 1u64 << exponent;
        return Some((format!("Argon2id, {memory} KiB, {passes} passes"), memory * u64::from(passes) < FEW_ARGON));
    }
    let hash = hash(fields.u8()?)?;
    match kind {
        0 => Some((format!("simple S2K with {hash}"), true)),
        1 => fields.take(8).map(|_| (format!("salted S2K with {hash}"), true)),
        3 => {
            fields.take(8)?;
            let octets = octets(fields.u8()?);
            let weak = octets < FEW_OCTETS || hash == "MD5";
            Some((format!("iterated and salted S2K with {hash}, {octets} octets"), weak))
        }
        _ => None,
    }
}

/// The count of an iterated S2K from its one octet.
pub(crate) fn octets(coded: u8) -> u64 {
    (16 + u64::from(coded & 15)) << ((coded >> 4) + 6)
}

/// Name and block size in bytes.
fn cipher(id: u8) -> Option<(&'static str, usize)> {
    Some(match id {
        1 => ("IDEA", 8),
        2 => ("3DES", 8),
        3 => ("CAST5", 8),
        4 => ("Blowfish", 8),
        7 => ("AES-128", 16),
        8 => ("AES-192", 16),
        9 => ("AES-256", 16),
        10 => ("Twofish", 16),
        11 => ("Camellia-128", 16),
        12 => ("Camellia-192", 16),
        13 => ("Camellia-256", 16),
        _ => return None,
    })
}

/// Name and bytes of the nonce.
fn aead(id: u8) -> Option<(&'static str, usize)> {
    Some(match id {
        1 => ("EAX", 16),
        2 => ("OCB", 15),
        3 => ("GCM", 12),
        _ => return None,
    })
}

fn hash(id: u8) -> Option<&'static str> {
    Some(match id {
        1 => "MD5",
        2 => "SHA-1",
        3 => "RIPEMD-160",
        8 => "SHA-256",
        9 => "SHA-384",
        10 => "SHA-512",
        11 => "SHA-224",
        12 => "SHA3-256",
        14 => "SHA3-512",
        _ => return None,
    })
}
