//! One private key in the wire encoding, as containers, agents and memory hold it.

use super::TOKEN_KEY;
use crate::decoders::frame;
use crate::decoders::text::label;
use crate::ssh::{Composite, Fields, PublicBlob, TokenKey, private_key, token_key};
use crate::{Algorithm, KeyMaterial, Proof, Protection};
use data_encoding::BASE64_NOPAD;

/// Longest comment that is read.
const MAX_COMMENT: usize = 1024;

/// A private key, or the handle of one.
pub(super) struct Entry {
    /// What it is.
    pub(super) material: KeyMaterial,
    /// The rule of a token's handle; other keys go by the form they are in.
    pub(super) rule: Option<&'static str>,
    /// Bytes it takes, without the comment.
    pub(super) length: usize,
}

/// The key at the start of `bytes`. Its numbers are proven, or it only is a handle.
pub(super) fn read(bytes: &[u8], encoding: &'static str) -> Option<Entry> {
    if let Some((key, length)) = private_key(bytes) {
        return Some(Entry { material: frame::of_key(&key, encoding)?, rule: None, length });
    }
    if let Some(key) = token_key(bytes) {
        return Some(Entry { length: key.length, material: handle(&key, encoding), rule: Some(TOKEN_KEY) });
    }
    let key = Composite::read(bytes)?;
    let proof = Proof::proven("both seeds yield the stored public keys");
    let algorithm = Algorithm::Unknown(Some(Composite::NAME.into()));
    let material = KeyMaterial {
        id: Some(key.blob_sha256),
        protection: Protection::None,
        details: vec![("fingerprint", format!("SHA256:{}", BASE64_NOPAD.encode(&key.blob_sha256)))],
        ..frame::of_container(algorithm, &[], encoding, Protection::None, proof)
    };
    Some(Entry { material, rule: None, length: key.length })
}

fn handle(key: &TokenKey, encoding: &'static str) -> KeyMaterial {
    let proof = Proof::parsed("a public key, an application and a key handle whose lengths agree");
    let mut details: Vec<_> = label(&key.application).map(|name| ("application", name)).into_iter().collect();
    let needs = [(1, "touch"), (4, "PIN")].iter().filter(|(bit, _)| key.flags & bit != 0).map(|(_, name)| *name);
    let needs: Vec<_> = needs.collect();
    details.push(("requires", if needs.is_empty() { "the token only".into() } else { needs.join(", ") }));
    KeyMaterial { details, ..frame::of_public(&key.public, encoding, on_token(), proof) }
}

/// The protection of a key that a token keeps.
pub(super) fn on_token() -> Protection {
    Protection::External { keeper: "FIDO token".into() }
}

/// The comment at the start of `bytes`, and the bytes it takes.
pub(super) fn comment(bytes: &[u8]) -> Option<(Option<String>, usize)> {
    let mut fields = Fields::new(bytes);
    let text = fields.long(MAX_COMMENT)?;
    Some((label(text), fields.at))
}

/// An encrypted key whose public half is in the clear.
pub(super) fn locked(
    blob: &PublicBlob,
    encoding: &'static str,
    protection: Protection,
    statement: &str,
) -> KeyMaterial {
    let protection = if blob.application.is_some() { on_token() } else { protection };
    let details = blob.application.as_deref().and_then(label).map(|name| ("application", name));
    KeyMaterial {
        details: details.into_iter().collect(),
        ..frame::of_public(&blob.key, encoding, protection, Proof::parsed(statement))
    }
}
