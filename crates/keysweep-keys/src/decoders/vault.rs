//! Password stores of desktops: KeePass, GNOME keyrings, KWallet, the keychains of macOS. What they hold is encrypted under
//! the user's password; a GNOME keyring without one is text.

use super::fields::Fields;
use super::frame;
use super::sweep::{STRETCH, sweep};
use super::text::{label, looks_random};
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::{Algorithm, KeyMaterial, Proof, Protection};
use data_encoding::HEXLOWER;
use memchr::memmem;

/// Encrypted stores.
pub(crate) struct Vault;

/// GNOME keyrings in the clear.
pub(crate) struct OpenKeyring;

const KEEPASS: &str = "keepass-database";
const KEYRING: &str = "gnome-keyring";
const OPEN_KEYRING: &str = "gnome-keyring-open";
const KWALLET: &str = "kwallet";
const KEYCHAIN: &str = "macos-keychain";

/// Bytes of a store that are looked at.
const MAX_HEADER: usize = 64 << 10;
/// Rounds and iterations below which a derivation is cheap to search.
const FEW_ROUNDS: u64 = 100_000;

const ANCHORS: [Anchor; 5] = [
    Anchor::binary(b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5"),
    Anchor::binary(b"\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5"),
    Anchor::binary(b"GnomeKeyring\n\r\0\n"),
    Anchor::binary(b"KWALLET\n\r\0\r\n"),
    Anchor::binary(b"kych\0\x01\0\0\0\0\0\x14"),
];

impl Decoder for Vault {
    fn name(&self) -> &'static str {
        "password-vault"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[KEEPASS, KEYRING, KWALLET, KEYCHAIN]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 0, after: MAX_HEADER + STRETCH }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        sweep(hit, &ANCHORS, sink, |at, index, sink| {
            let end = (at + MAX_HEADER).min(hit.window.len());
            let bytes = &hit.window[at..end];
            let (rule, store) = match index {
                0 => (KEEPASS, kdbx(bytes)?),
                1 => (KEEPASS, kdb(bytes)?),
                2 => (KEYRING, keyring(bytes)?),
                3 => (KWALLET, kwallet(bytes)?),
                _ => (KEYCHAIN, keychain(bytes)?),
            };
            let proof = Proof::parsed("the header of an encrypted password store, whose fields agree");
            let material =
                frame::of_container(Algorithm::Unknown(None), &store.id, store.encoding, store.protection, proof);
            let material = KeyMaterial { comment: store.name, purpose: Some("identity"), ..material };
            sink.key(rule, at..at + store.length, material);
            Some(at + store.length)
        });
    }
}

/// What the header of a store says.
struct Store {
    encoding: &'static str,
    protection: Protection,
    /// Bytes that are drawn at random for each store, or encrypted.
    id: Vec<u8>,
    name: Option<String>,
    length: usize,
}

/// KeePass 2 (KDBX): fields of kind, length and value up to one of kind 0. Version 4 has lengths of 32 bits, and names its
/// derivation in a dictionary.
fn kdbx(bytes: &[u8]) -> Option<Store> {
    let mut fields = Fields::little(bytes, 8);
    fields.u16()?; // Minor version.
    let major = fields.u16().filter(|major| (2..=4).contains(major))?;
    let (mut cipher, mut rounds, mut derivation, mut seed) = (None, None, None, None);
    loop {
        let kind = fields.u8()?;
        let value = if major >= 4 { fields.long()? } else { fields.short()? };
        match kind {
            0 => break,
            2 => cipher = Some(value),
            4 => seed = Some(value),
            6 => rounds = value.first_chunk().map(|n| u64::from_le_bytes(*n)),
            11 => derivation = dictionary(value),
            _ => {}
        }
    }
    let seed = seed.filter(|seed| seed.len() == 32 && looks_random(seed))?;
    let cipher = match HEXLOWER.encode(cipher?).as_str() {
        "31c1f2e6bf714350be5805216afc5aff" => "aes-256-cbc".to_owned(),
        "d6038a2b8b6f4cb5a524339a31dbb59a" => "chacha20".to_owned(),
        "ad68f29f576f4bb9a36ad47af965346c" => "twofish-256-cbc".to_owned(),
        other => format!("cipher {other}"),
    };
    let (kdf, weak) = derivation.or_else(|| Some(aes_kdf(rounds?)))?;
    let protection = Protection::Encrypted { cipher, kdf, weak };
    Some(Store { encoding: "KeePass KDBX", protection, id: seed.to_vec(), name: None, length: fields.at })
}

fn aes_kdf(rounds: u64) -> (String, bool) {
    (format!("AES-KDF, {rounds} rounds"), rounds < FEW_ROUNDS)
}

/// The derivation in a dictionary of KDBX 4, and whether it is cheap: a version, then kind, name and value of each entry.
fn dictionary(bytes: &[u8]) -> Option<(String, bool)> {
    let mut fields = Fields::little(bytes, 2);
    let (mut id, mut rounds, mut iterations, mut memory, mut lanes) = (None, 0, 0, 0, 0);
    while let Some(kind) = fields.u8().filter(|kind| *kind != 0) {
        let name = fields.long()?;
        let value = fields.long()?;
        let number = match kind {
            4 | 12 => u64::from(u32::from_le_bytes(value.try_into().ok()?)),
            5 | 13 => u64::from_le_bytes(value.try_into().ok()?),
            _ => 0,
        };
        match name {
            b"$UUID" => id = Some(HEXLOWER.encode(value)),
            b"R" => rounds = number,
            b"I" => iterations = number,
            b"M" => memory = number,
            b"P" => lanes = number,
            _ => {}
        }
    }
    let argon2 = |kind: &str| {
        let mebibytes = memory >> 20;
        let text = format!("Argon2{kind}, {mebibytes} MiB, {iterations} iterations, {lanes} lanes");
        (text, memory.saturating_mul(iterations) < 32 << 20)
    };
    Some(match id?.as_str() {
        "c9d9f39a628a4460bf740d08c18a4fea" => aes_kdf(rounds),
        "ef636ddf8c29444b91f7a9a403e30a0c" => argon2("d"),
        "9e298b1956db4773b23dfc3ec6f0a1e6" => argon2("id"),
        other => (format!("derivation {other}"), false),
    })
}

/// KeePass 1 (KDB).
fn kdb(bytes: &[u8]) -> Option<Store> {
    let mut fields = Fields::little(bytes, 8);
    let (flags, version) = (fields.u32()?, fields.u32()?);
    let seed = fields.take(16).filter(|seed| looks_random(seed))?;
    fields.take(16 + 4 + 4 + 32 + 32)?; // Vector, groups, entries, hash, second seed.
    let rounds = fields.u32()?;
    if version >> 16 != 3 {
        return None;
    }
    let cipher = match flags & 0xe {
        2 => "aes-256-cbc",
        8 => "twofish-256-cbc",
        _ => return None,
    };
    let (kdf, weak) = aes_kdf(u64::from(rounds));
    let protection = Protection::Encrypted { cipher: cipher.into(), kdf, weak };
    Some(Store { encoding: "KeePass KDB", protection, id: seed.to_vec(), name: None, length: fields.at })
}

/// A GNOME keyring (gnome-keyring, pkcs11/secret-store/gkm-secret-binary.c).
fn keyring(bytes: &[u8]) -> Option<Store> {
    const NO_TEXT: u32 = u32::MAX;
    let mut fields = Fields::big(bytes, 16);
    let [0, 0, 0, 0] = fields.take(4)? else { return None }; // Version, cipher, hash.
    let text = |fields: &mut Fields<'_>| match fields.u32()? {
        NO_TEXT => Some(None),
        length => Some(label(fields.take(usize::try_from(length).ok()?)?)),
    };
    let name = text(&mut fields)?;
    fields.take(8 + 8 + 4 + 4)?; // Created, changed, flags, when to lock.
    let iterations = fields.u32().filter(|n| (1..=10_000_000).contains(n))?;
    let salt = fields.take(8)?.to_vec();
    fields.take(16)?;
    fields.u32()?; // Items.
    let protection = Protection::Encrypted {
        cipher: "aes-128-cbc".into(),
        kdf: super::pbe::counted("SHA256", u64::from(iterations)),
        weak: u64::from(iterations) < FEW_ROUNDS,
    };
    let id = [&salt, &bytes[16..fields.at]].concat();
    let varies = salt.iter().any(|b| *b != salt[0]);
    varies.then_some(Store { encoding: "GNOME keyring", protection, id, name, length: fields.at })
}

/// A wallet of KDE (kwallet, src/runtime/kwalletd/backend).
fn kwallet(bytes: &[u8]) -> Option<Store> {
    let mut fields = Fields::big(bytes, 12);
    let [0, minor @ 0..=1, cipher, hash] = *fields.take(4)? else { return None };
    let cipher = match cipher {
        0 => "blowfish-ecb",
        1 => "des-ede3-cbc",
        2 => "GPG",
        3 => "blowfish-cbc",
        _ => return None,
    };
    let kdf = match (cipher, hash) {
        ("GPG", _) => "key of a recipient",
        (_, 2) => "PBKDF2-HMAC-SHA512, 50000 iterations",
        (_, 0) => "SHA1, 2000 iterations",
        _ => return None,
    };
    let rest = fields.rest();
    let id = &rest[..rest.len().min(256)];
    if id.len() < 64 || !looks_random(&id[id.len() - 32..]) {
        return None;
    }
    let weak = hash == 0 && cipher != "GPG" || minor == 0;
    let protection = Protection::Encrypted { cipher: cipher.into(), kdf: kdf.into(), weak };
    Some(Store { encoding: "KWallet", protection, id: id.to_vec(), name: None, length: fields.at })
}

/// A keychain of macOS (Apple, securityd: AppleDatabase, SecDbBlob): an index of tables, and a blob with what its password
/// is checked with.
fn keychain(bytes: &[u8]) -> Option<Store> {
    let mut fields = Fields::big(bytes, 12);
    let schema = usize::try_from(fields.u32()?).ok().filter(|at| (20..=256).contains(at))?;
    let mut tables = Fields::big(bytes, schema);
    tables.u32()?; // Size.
    tables.u32().filter(|count| (1..=128).contains(count))?;
    let at = memmem::find(bytes, b"\xfa\xde\x07\x11\0\0\x01")?;
    let mut blob = Fields::big(bytes, at + 12);
    let total = usize::try_from(blob.u32()?).ok().filter(|total| (92..=4_096).contains(total))?;
    let id = bytes.get(at..at.checked_add(total)?)?;
    let protection = Protection::Encrypted {
        cipher: "des-ede3-cbc".into(),
        kdf: "PBKDF2-HMAC-SHA1, 1000 iterations".into(),
        weak: true,
    };
    Some(Store { encoding: "macOS keychain", protection, id: id.to_vec(), name: None, length: at + total })
}

impl Decoder for OpenKeyring {
    fn name(&self) -> &'static str {
        "gnome-keyring-open"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[OPEN_KEYRING]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 1] = [Anchor::text("\nlock-on-idle=")];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 1_024, after: MAX_HEADER }
    }

    /// One finding for the keyring: its secrets are passwords, and their hashes would be guesses' targets.
    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let before = &hit.window[..hit.anchor.start];
        let Some(start) = memmem::rfind(before, b"[keyring]\n") else { return };
        let text = &hit.window[start..];
        let length = text.iter().position(|b| *b == 0).unwrap_or(text.len());
        let lines = || text[..length].split(|b| *b == b'\n');
        let secrets = lines().filter(|line| line.strip_prefix(b"secret=").is_some_and(|s| !s.is_empty())).count();
        sink.examined_up_to(start + length);
        if secrets == 0 {
            return;
        }
        let head =
            lines().take_while(|line| line.is_empty() || !line.starts_with(b"[") || line.starts_with(b"[keyring]"));
        let head = head.collect::<Vec<_>>().concat();
        let name = lines().find_map(|line| line.strip_prefix(b"display-name=")).and_then(label);
        let proof = Proof::parsed("a keyring in text with secrets in it");
        let material = frame::of_container(Algorithm::Unknown(None), &head, "GNOME keyring", Protection::None, proof);
        let details = vec![("secrets", secrets.to_string())];
        let material = KeyMaterial { comment: name, purpose: Some("identity"), details, ..material };
        sink.key(OPEN_KEYRING, start..start + length, material);
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::scan;
    use super::*;

    const KDBX: &[u8] = include_bytes!("../../tests/data/vault/argon2.kdbx");
    const OPEN: &str = include_str!("../../tests/data/vault/open.keyring");

    #[test]
    fn marks_alone_are_no_stores() {
        let marks: Vec<u8> =
            ANCHORS.iter().flat_map(|a| [a.bytes, b"\0\0\0\0 and other constants\0"].concat()).collect();
        assert!(scan(&Vault, &marks).found.is_empty());
        for anchor in ANCHORS {
            assert!(scan(&Vault, &[anchor.bytes, &[0; 4096]].concat()).found.is_empty(), "{:?}", anchor.bytes);
            assert!(scan(&Vault, &[anchor.bytes, &[0xff; 4096]].concat()).found.is_empty(), "{:?}", anchor.bytes);
            assert!(scan(&Vault, &anchor.bytes.repeat(4096)).found.is_empty(), "{:?}", anchor.bytes);
        }
    }

    #[test]
    fn every_copy_of_a_database_has_the_same_name() {
        let found = scan(&Vault, &[KDBX, &[0; 99], &KDBX[..500]].concat()).found;
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].material.id, found[1].material.id);
    }

    #[test]
    fn a_keyring_in_text_needs_secrets() {
        assert_eq!(scan(&OpenKeyring, OPEN.as_bytes()).found.len(), 1);
        let other = OPEN.replace("throwaway secret", "another");
        let id = |text: &str| scan(&OpenKeyring, text.as_bytes()).found[0].material.id;
        assert_eq!(id(OPEN), id(&other), "the name does not depend on the secrets");
        for text in [
            OPEN.replace("throwaway secret", ""),
            OPEN.replace("[keyring]", "[other]"),
            OPEN.replace("lock-on-idle", "x"),
        ] {
            assert!(scan(&OpenKeyring, text.as_bytes()).found.is_empty(), "{text}");
        }
    }
}
