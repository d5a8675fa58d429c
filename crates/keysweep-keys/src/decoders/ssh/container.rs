//! OpenSSH's key file (`PROTOCOL.key`): the public keys, and the private ones as one section that may be encrypted.

use super::{TOKEN_KEY, entry};
use crate::decoders::frame;
use crate::decoders::text::label;
use crate::ssh::{Fields, public_key};
use crate::{Algorithm, KeyMaterial, Proof, Protection};

/// The first bytes.
pub(super) const MAGIC: &[u8] = b"openssh-key-v1\0";
/// Most keys in one file. Tools write one.
const MAX_KEYS: u32 = 64;
/// Longest public key.
const MAX_PUBLIC: usize = 16 << 10;
/// Longest section of private keys.
const MAX_SECTION: usize = 64 << 10;
/// Longest name of a cipher or key derivation.
const MAX_NAME: usize = 64;
/// bcrypt_pbkdf rounds below what OpenSSH chooses by default are weak: 16 from version 6.5 on, 24 from 9.4 on.
const FEW_ROUNDS: u32 = 16;

/// A key file.
pub(super) struct Container<'a> {
    cipher: &'a [u8],
    kdf: &'a [u8],
    rounds: u32,
    publics: Vec<&'a [u8]>,
    /// The section of private keys; cut off at the end of the input.
    private: &'a [u8],
    /// Whether the section is all there.
    pub(super) whole: bool,
    /// Bytes of all of it.
    pub(super) length: usize,
}

/// A key of the file and the rule it belongs to, if that is not the file's.
pub(super) type Key = (KeyMaterial, Option<&'static str>);

impl<'a> Container<'a> {
    /// The file at the start of `bytes`.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes.strip_prefix(MAGIC)?);
        let (cipher, kdf) = names(&mut fields)?;
        let mut options = Fields::new(fields.long(MAX_NAME)?);
        let rounds = options.next().and_then(|_salt| options.u32()).unwrap_or(0);
        let count = fields.u32().filter(|count| (1..=MAX_KEYS).contains(count))?;
        let mut publics = Vec::new();
        for _ in 0..count {
            publics.push(fields.next()?);
        }
        let declared = fields.u32()? as usize;
        if declared > MAX_SECTION {
            return None;
        }
        let rest = fields.rest();
        let private = &rest[..declared.min(rest.len())];
        let length = MAGIC.len() + fields.at + private.len();
        Some(Self { cipher, kdf, rounds, publics, private, whole: private.len() == declared, length })
    }

    /// Whether `bytes`, which may be cut off anywhere, begin like a file: as far as they go, with the names of cipher and
    /// key derivation, and a public key of some type.
    pub(super) fn begins(bytes: &[u8]) -> bool {
        let Some(rest) = bytes.strip_prefix(MAGIC) else { return false };
        let mut fields = Fields::new(rest);
        if names(&mut fields).is_none() {
            return false;
        }
        let short = |field: Option<u32>, most: usize| field.is_none_or(|length| length as usize <= most);
        let mut again = Fields::new(fields.rest());
        if !short(again.u32(), MAX_NAME) {
            return false;
        }
        if fields.long(MAX_NAME).is_none() {
            return true;
        }
        short(fields.u32(), MAX_KEYS as usize) && short(fields.u32(), MAX_PUBLIC) && short(fields.u32(), MAX_NAME)
    }

    /// The keys in it.
    pub(super) fn keys(&self, encoding: &'static str) -> Vec<Key> {
        if self.cipher == b"none" { self.open(encoding) } else { self.locked(encoding) }
    }

    /// Two equal check numbers, then for each key its numbers and a comment, then padding.
    fn open(&self, encoding: &'static str) -> Vec<Key> {
        let mut fields = Fields::new(self.private);
        let (Some(check), Some(again)) = (fields.u32(), fields.u32()) else { return Vec::new() };
        let mut rest = fields.rest();
        let mut keys = Vec::new();
        for _ in &self.publics {
            let Some(mut entry) = entry::read(rest, encoding) else { break };
            rest = rest.get(entry.length..).unwrap_or_default();
            if check == again && entry.rule.is_none() {
                entry.material.proof.statement.push_str("; the check numbers are equal");
            }
            if let Some((comment, used)) = entry::comment(rest) {
                entry.material.comment = comment;
                rest = rest.get(used..).unwrap_or_default();
            }
            keys.push((entry.material, entry.rule));
        }
        if keys.is_empty() && check == again {
            keys.extend(self.unknown(encoding));
        }
        keys
    }

    /// A key of a type that is not known, in the clear: whole and padded as it must be.
    fn unknown(&self, encoding: &'static str) -> Option<Key> {
        let mut public = Fields::new(self.publics.first()?);
        let kind = public.long(MAX_NAME).filter(|kind| kind.iter().all(u8::is_ascii_graphic))?;
        let named = crate::ssh::Type::of_name(kind).is_none() && kind != crate::ssh::Composite::TYPE;
        let begins = Fields::new(self.private.get(8..)?).next() == Some(kind);
        if !named || !begins || !self.whole {
            return None;
        }
        let proof = Proof::parsed("the check numbers are equal; the key type is not known to keysweep");
        let algorithm = Algorithm::Unknown(label(kind));
        Some((frame::of_container(algorithm, self.publics.first()?, encoding, Protection::None, proof), None))
    }

    fn locked(&self, encoding: &'static str) -> Vec<Key> {
        if !self.whole || self.private.is_empty() || self.kdf == b"none" {
            return Vec::new();
        }
        let statement = "a key file whose lengths agree; its public half is not encrypted";
        let keys = self.publics.iter().filter_map(|blob| {
            let blob = public_key(blob)?;
            let rule = blob.application.is_some().then_some(TOKEN_KEY);
            Some((entry::locked(&blob, encoding, self.protection(), statement), rule))
        });
        let keys: Vec<_> = keys.collect();
        if keys.is_empty() { self.unreadable(encoding).into_iter().collect() } else { keys }
    }

    /// An encrypted key of a type that is not known.
    fn unreadable(&self, encoding: &'static str) -> Option<Key> {
        let kind = Fields::new(self.publics.first()?).long(MAX_NAME)?;
        let plausible = !kind.is_empty() && kind.iter().all(u8::is_ascii_graphic);
        let proof = Proof::parsed("a key file whose lengths agree; the key type is not known to keysweep");
        let algorithm = Algorithm::Unknown(label(kind));
        plausible.then(|| (frame::of_container(algorithm, self.private, encoding, self.protection(), proof), None))
    }

    fn protection(&self) -> Protection {
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let old = [&b"3des-cbc"[..], b"blowfish-cbc", b"cast128-cbc", b"arcfour", b"arcfour128", b"arcfour256"];
        Protection::Encrypted {
            cipher: text(self.cipher),
            kdf: format!("{}, {} rounds", text(self.kdf), self.rounds),
            weak: self.rounds < FEW_ROUNDS || old.contains(&self.cipher),
        }
    }
}

/// The names of the cipher and the key derivation.
fn names<'a>(fields: &mut Fields<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let name = |field: &&[u8]| !field.is_empty() && field.iter().all(u8::is_ascii_graphic);
    Some((fields.long(MAX_NAME).filter(name)?, fields.long(MAX_NAME).filter(name)?))
}
