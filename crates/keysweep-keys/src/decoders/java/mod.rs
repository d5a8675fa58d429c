//! Key stores of Java and Android: JKS and JCEKS of the JDK, BKS, UBER and BCFKS of Bouncy Castle. Those that are PKCS #12
//! are read as that.

mod bcfks;
mod bks;
mod jks;
mod serial;

pub(crate) use bcfks::is_bcfks_content;
pub(crate) use jks::JavaText;

use super::date::utc;
use super::pbe::Password;
use super::pbe::kdf::Bytes;
use super::store::{self, ANDROID_DEBUG, Named, Opened, Sealed, is_android_debug};
use super::sweep::{STRETCH, sweep};
use super::text::label;
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::{KeyMaterial, Protection, Work};
use std::ops::Range;

/// The decoder.
pub(crate) struct Java;

const OPEN: &str = "java-keystore-private-key";
const ENCRYPTED: &str = "java-keystore-encrypted-key";
const SECRET: &str = "java-keystore-secret-key";

/// Largest store that is read, in bytes.
const MAX_STORE: usize = 256 << 10;
/// Entries read of one store.
const MAX_ENTRIES: usize = 4_096;
/// Longest chain of certificates.
const MAX_CHAIN: u32 = 64;

/// The anchors of JKS and JCEKS, BKS and UBER, BCFKS.
const ANCHORS: [Anchor; 7] = {
    let ([a, b, c, d], [e, f], [g]) = (jks::ANCHORS, bks::ANCHORS, bcfks::ANCHORS);
    [a, b, c, d, e, f, g]
};

impl Decoder for Java {
    fn name(&self) -> &'static str {
        "java-keystore"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[OPEN, ENCRYPTED, SECRET, ANDROID_DEBUG]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: bcfks::HEADERS, after: MAX_STORE + STRETCH }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        sweep(hit, &ANCHORS, sink, |at, index, sink| match index {
            0..4 => jks::look(hit, at, index, sink),
            4..6 => bks::look(hit, at, index - 4, sink),
            _ => bcfks::look(hit, at, sink),
        });
    }
}

/// What a store says of an entry.
struct Entry<'a> {
    alias: &'a [u8],
    /// Milliseconds since 1970.
    created: u64,
    range: Range<usize>,
}

/// Whether an entry can have this alias and time of creation: text, and between 1970 and 2200. Most bytes that are no
/// entry end here.
fn is_plausible(alias: &[u8], created: u64) -> bool {
    const YEAR_2200: u64 = 7_258_118_400_000;
    created < YEAR_2200 && alias.len() <= 1_024 && alias.iter().all(|b| *b >= b' ')
}

/// What is known of the key in an entry.
enum Key {
    /// An asymmetric key, readable or not.
    Private(KeyMaterial),
    /// A symmetric key, readable or not.
    Secret(KeyMaterial),
}

impl Entry<'_> {
    /// Reports the key of this entry with the certificates beside it; the first one is its own.
    fn report(&self, key: Key, chain: &[Named], encoding: &'static str, sink: &mut Sink) {
        let (open_rule, mut material) = match key {
            Key::Private(mut material) => {
                match chain.first() {
                    Some(own) if material.public.is_none() => own.name(&mut material),
                    Some(own) if material.protection.is_open() => own.confirm(&mut material),
                    _ => {}
                }
                (OPEN, material)
            }
            Key::Secret(material) => (SECRET, material),
        };
        let alias = label(self.alias);
        let rule = match &material.protection {
            Protection::Published { password, .. } if is_android_debug(password, alias.as_deref()) => ANDROID_DEBUG,
            protection if protection.is_open() => open_rule,
            _ => ENCRYPTED,
        };
        material.encoding = encoding;
        material.comment = alias.or(material.comment);
        let created = i64::try_from(self.created / 1_000).ok().and_then(utc);
        material.details.extend(created.map(|time| ("created", time)));
        sink.key(rule, self.range.clone(), material);
    }
}

/// What came of trying to open an entry.
enum Tried {
    /// The structure inside.
    Plain(Bytes, Protection),
    /// The store opens with a published password; whether the entry does was not tried.
    Published(Protection),
    /// It opens with no published password.
    Closed,
}

/// What a derivation may cost, in compressions of a hash, for passwords to be tried that do not open the store.
const CHEAP: u64 = 4_096;

/// Opens an entry with the password that opens the store. A key can have a password of its own: where a try costs next to
/// nothing, all published ones are tried.
fn open(sealed: &Sealed, opened: Option<&Opened>, work: &Work, inside: impl Fn(&Password) -> Option<Bytes>) -> Tried {
    if let Some(opened) = opened {
        let protection = sealed.scheme.published(opened.text);
        match opened.decrypt(&sealed.scheme, work, &inside) {
            Ok(Some(plain)) => return Tried::Plain(plain, protection),
            Ok(None) => {}
            Err(store::OutOfWork) => return Tried::Published(protection),
        }
    }
    let Some(cost) = sealed.scheme.cost().filter(|cost| *cost <= CHEAP) else { return Tried::Closed };
    let mut plain = None;
    let own = store::published(work, cost, |password| {
        plain = inside(password);
        plain.is_some()
    });
    match (own, plain) {
        (Some(own), Some(plain)) => Tried::Plain(plain, sealed.scheme.published(own.text)),
        _ => Tried::Closed,
    }
}
