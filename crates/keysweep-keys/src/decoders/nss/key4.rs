//! `key4.db`: a table of PKCS #11 objects whose public attributes are in the clear and whose secret ones are encrypted one
//! by one (NSS, lib/softoken/sdb.c and sftkpwd.c).

use super::{ENCRYPTED, MAX_DATABASE, OPEN, SECRET, open};
use crate::decoder::{Hit, Sink};
use crate::decoders::ber::Element;
use crate::decoders::frame;
use crate::decoders::sqlite::{Database, MAGIC, Table, Value};
use crate::decoders::store::{self, Opened, Sealed};
use crate::decoders::text::{label, looks_random};
use crate::private::{PrivateKey, RsaNumbers};
use crate::{Algorithm, Curve, KeyMaterial, Proof, PublicKey, Secret};
use memchr::memmem;
use std::ops::Range;

/// Objects read of one database.
const MAX_OBJECTS: usize = 256;

/// Looks at the name of the table at `at`; gives the end of the database's first page.
pub(super) fn look(hit: &Hit<'_>, at: usize, sink: &mut Sink) -> Option<usize> {
    let start = memmem::rfind(&hit.window[..at], MAGIC)?;
    let end = (at + MAX_DATABASE).min(hit.window.len());
    let database = Database::open(&hit.window[start..end])?;
    let first_page = start + database.page_size();
    if at >= first_page {
        return None;
    }
    let keys = database.table("nssPrivate")?;
    let opened = check(&database).and_then(|(salt, sealed)| open(hit, &salt, &sealed));
    let range = start..start + database.length();
    for row in keys.rows.iter().take(MAX_OBJECTS) {
        let object = Object { table: &keys, row };
        object.report(hit, opened.as_ref(), &range, sink);
    }
    Some(first_page.min(range.end))
}

/// The salt of the database, and what its password is checked with.
fn check(database: &Database<'_>) -> Option<(Vec<u8>, Sealed)> {
    let table = database.table("metaData")?;
    let (id, first, second) = (table.column("id")?, table.column("item1")?, table.column("item2")?);
    let row = table.rows.iter().find(|row| row.get(id).and_then(Value::bytes) == Some(b"password"))?;
    Some((row.get(first)?.bytes()?.to_vec(), Sealed::read(row.get(second)?.bytes()?)?))
}

/// A row: an object of PKCS #11.
struct Object<'t, 'a> {
    table: &'t Table<'a>,
    row: &'t [Value<'a>],
}

impl<'t> Object<'t, '_> {
    /// An attribute by its number in hex; `a5 00 5a` stands for an empty one.
    fn attribute(&self, name: &str) -> Option<&'t [u8]> {
        let value = self.row.get(self.table.column(name)?)?.bytes()?;
        Some(value).filter(|value| !value.is_empty() && *value != [0xa5, 0, 0x5a])
    }

    /// An attribute that is a number.
    fn number(&self, name: &str) -> Option<u32> {
        Some(u32::from_be_bytes(self.attribute(name)?.try_into().ok()?))
    }

    fn sealed(&self, name: &str) -> Option<Sealed> {
        Sealed::read(self.attribute(name)?)
    }

    fn report(&self, hit: &Hit<'_>, opened: Option<&Opened>, range: &Range<usize>, sink: &mut Sink) -> Option<()> {
        let opener = Opener { hit, opened };
        // CKA_CLASS: a private or a secret key; CKA_KEY_TYPE.
        let (rule, material) = match (self.number("a0")?, self.number("a100")?) {
            (3, 0) => self.private(&opener, self.rsa_public(), "a123", |d| self.rsa(&opener, d))?,
            (3, 3) => self.private(&opener, self.ec_public(), "a11", |d| self.ec(d))?,
            (3, _) => self.private(&opener, None, "a11", |_| None)?,
            (4, kind) => self.secret(&opener, kind)?,
            _ => return None,
        };
        let name = self.attribute("a3").and_then(label);
        sink.key(rule, range.clone(), KeyMaterial { comment: name, ..material });
        Some(())
    }

    /// A private key whose main number is the attribute `name`.
    fn private(
        &self,
        opener: &Opener<'_, '_>,
        public: Option<PublicKey>,
        name: &str,
        key: impl Fn(Secret) -> Option<PrivateKey>,
    ) -> Option<(&'static str, KeyMaterial)> {
        let sealed = self.sealed(name)?;
        if let Some((number, opened)) = opener.open(&sealed)
            && let Some(material) = key(number).and_then(|key| frame::of_key(&key, "NSS key4.db"))
        {
            return Some((OPEN, store::opened(material, sealed.scheme.published(opened.text))));
        }
        let proof = Proof::parsed("a key database with an encrypted private key");
        let mut material = sealed.container(sealed.scheme.protection(), "NSS key4.db", proof);
        if let Some(public) = public {
            material.algorithm = public.algorithm.clone();
            material.bits = public.bits;
            material.public = Some(public.fingerprint());
            material.id = None;
        }
        Some((ENCRYPTED, material))
    }

    fn rsa_public(&self) -> Option<PublicKey> {
        let (n, e) = (self.attribute("a120")?, self.attribute("a122")?);
        let known = crate::private::MIN_BITS..=crate::private::MAX_BITS;
        known.contains(&crate::public::bit_length(n)).then(|| PublicKey::rsa(n, e))
    }

    fn rsa(&self, opener: &Opener<'_, '_>, d: Secret) -> Option<PrivateKey> {
        let prime = |name: &str| opener.open(&self.sealed(name)?).map(|(number, _)| number);
        let primes = match (prime("a124"), prime("a125")) {
            (Some(p), Some(q)) => vec![p, q],
            _ => Vec::new(),
        };
        let (n, e) = (self.attribute("a120")?.to_vec(), self.attribute("a122")?.to_vec());
        Some(PrivateKey::Rsa(RsaNumbers { n, e, d: Some(d), primes }))
    }

    /// CKA_EC_PARAMS, if it names a curve that is known.
    fn curve(&self) -> Option<Curve> {
        Curve::from_oid(Element::read(self.attribute("a180")?)?.body)
    }

    /// The public point, which is kept beside the key; newer versions wrap it in an octet string.
    fn point(&self) -> Option<Vec<u8>> {
        let stored = self.attribute("ad5a0db00").or_else(|| self.attribute("a181"))?;
        let wrapped = Element::read(stored).filter(|e| e.whole.len() == stored.len() && e.body.first() == Some(&4));
        Some(wrapped.map_or(stored, |element| element.body).to_vec())
    }

    fn ec_public(&self) -> Option<PublicKey> {
        PublicKey::ec(self.curve()?, &self.point()?)
    }

    fn ec(&self, d: Secret) -> Option<PrivateKey> {
        Some(PrivateKey::Ec { curve: self.curve()?, d, public: self.point() })
    }

    /// A symmetric key, such as the one that encrypts stored passwords.
    fn secret(&self, opener: &Opener<'_, '_>, kind: u32) -> Option<(&'static str, KeyMaterial)> {
        let sealed = self.sealed("a11")?;
        let name = match kind {
            0x13 => "DES",
            0x14 | 0x15 => "Triple DES",
            0x1f => "AES",
            _ => "secret key",
        };
        let algorithm = Algorithm::Symmetric(name.into());
        if let Some((secret, opened)) = opener.open(&sealed) {
            if !looks_random(&secret) {
                return None;
            }
            let proof = Proof::parsed("the symmetric key with which passwords are encrypted");
            let material = frame::of_secret(algorithm, &secret, "NSS key4.db", proof);
            return Some((SECRET, store::opened(material, sealed.scheme.published(opened.text))));
        }
        let proof = Proof::parsed("a key database with an encrypted symmetric key");
        let material = sealed.container(sealed.scheme.protection(), "NSS key4.db", proof);
        Some((ENCRYPTED, KeyMaterial { algorithm, ..material }))
    }
}

/// Opens attributes with the password that opens the database.
struct Opener<'o, 'a> {
    hit: &'o Hit<'a>,
    opened: Option<&'o Opened>,
}

impl<'o> Opener<'o, '_> {
    fn open(&self, sealed: &Sealed) -> Option<(Secret, &'o Opened)> {
        let opened = self.opened?;
        if !self.hit.work.spend(sealed.scheme.cost()?) {
            return None;
        }
        Some((Secret::from(sealed.decrypt(&opened.password)?), opened))
    }
}
