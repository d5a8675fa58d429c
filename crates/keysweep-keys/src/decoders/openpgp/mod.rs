//! OpenPGP secret keys (RFC 9580, RFC 4880, RFC 2440, LibrePGP): in armour, in keyrings and exports, and as packets anywhere.

mod anchors;
mod armoured;
pub(crate) mod curve;
mod key;
mod keyring;
pub(crate) mod material;
mod packet;
mod packets;
pub(crate) mod protection;
#[cfg(test)]
mod tests;

pub(crate) use armoured::Armoured;
pub(crate) use packets::Packets;

use crate::{KeyMaterial, Protection, PublicKey, Work};

const RULE: &str = "pgp-secret-key";
const STUB: &str = "pgp-key-stub";
const RULES: [&str; 2] = [RULE, STUB];

/// The public keys of a binary keyring, each with the user id of its primary key.
pub fn public_keyring(bytes: &[u8]) -> Vec<(PublicKey, Option<String>)> {
    let ring = keyring::Keyring::all(bytes, "OpenPGP keyring", &Work::new(0));
    ring.public.into_iter().map(|(_, key, name)| (key, name)).collect()
}

/// The rule a key belongs to.
fn rule(material: &KeyMaterial) -> &'static str {
    if matches!(material.protection, Protection::External { .. }) { STUB } else { RULE }
}
