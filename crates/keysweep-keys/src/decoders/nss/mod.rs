//! The key databases of NSS (Firefox, Thunderbird, Red Hat servers): `key4.db`, which is SQLite, and `key3.db`, which is a
//! Berkeley DB. Both come without a password as often as not, and then they are open.

mod key3;
mod key4;

use super::pbe::Password;
use super::pbe::kdf::Hash;
use super::store::{self, Opened};
use super::sweep::{STRETCH, sweep};
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};

/// The decoder.
pub(crate) struct Nss;

const OPEN: &str = "nss-private-key";
const ENCRYPTED: &str = "nss-encrypted-key";
const SECRET: &str = "nss-secret-key";

/// Largest database that is read, in bytes.
const MAX_DATABASE: usize = 512 << 10;

/// The table of private keys of the one, the header of the other.
const ANCHORS: [Anchor; 2] =
    [Anchor::binary(b"CREATE TABLE nssPrivate"), Anchor::binary(b"\0\x06\x15\x61\0\0\0\x02\0\0\x04\xd2")];

impl Decoder for Nss {
    fn name(&self) -> &'static str {
        "nss"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[OPEN, ENCRYPTED, SECRET]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        // The table is named in the first page, which takes up to 64 KiB.
        Reach { before: 64 << 10, after: MAX_DATABASE + STRETCH }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        sweep(
            hit,
            &ANCHORS,
            sink,
            |at, index, sink| {
                if index == 0 { key4::look(hit, at, sink) } else { key3::look(hit, at, sink) }
            },
        );
    }
}

/// What a password becomes in these databases before anything else: a hash with the salt of the database.
fn salted(global_salt: &[u8], password: &Password) -> Password {
    let hash = Hash::Sha1.digest(&[global_salt, &password.utf8]);
    Password { utf8: hash.clone(), bmp: hash }
}

/// What the databases encrypt so that a password can be checked.
const CHECK: &[u8] = b"password-check";

/// The published password for which the check comes out of `sealed`.
fn open(hit: &Hit<'_>, global_salt: &[u8], sealed: &store::Sealed) -> Option<Opened> {
    let cost = sealed.scheme.cost()?;
    let opened = store::published(hit.work, cost, |password| {
        sealed.decrypt(&salted(global_salt, password)).is_some_and(|plain| plain.as_slice() == CHECK)
    })?;
    Some(Opened { password: salted(global_salt, &opened.password), ..opened })
}
