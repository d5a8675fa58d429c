//! The structure of a PKCS #12 store (RFC 7292): from the outer sequence to keys and certificates.

use crate::decoders::ber::{Element, Octets, Reader, tag};
use crate::decoders::pbe::kdf::{Bytes, Hash, Purpose, pbkdf2, pkcs12};
use crate::decoders::pbe::{Password, Scheme, counted};
use crate::decoders::store::{Named, Sealed, place, utf16_label};
use std::ops::Range;

/// Keys and certificates read of one store.
const MAX_BAGS: usize = 512;
/// How deep bags may hold bags.
const MAX_DEPTH: usize = 4;

/// `1.2.840.113549.1`, PKCS.
const PKCS: [u8; 7] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01];

/// The arcs of an object identifier below PKCS.
fn pkcs(oid: &[u8]) -> &[u8] {
    oid.strip_prefix(&PKCS).unwrap_or_default()
}

/// The outer structure.
pub(super) struct Pfx<'a> {
    /// Its bytes.
    pub(super) whole: &'a [u8],
    /// The encoded AuthenticatedSafe.
    safe: Octets<'a>,
    pub(super) mac: Option<MacData>,
}

impl<'a> Pfx<'a> {
    /// The store that `bytes` begin with.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let whole = Element::read(bytes).filter(|element| element.tag == tag::SEQUENCE)?;
        let mut parts = whole.inside();
        parts.number().filter(|version| *version == 3)?;
        let mut content = parts.enter(tag::SEQUENCE)?;
        let kind = content.oid()?;
        let mut value = content.enter(tag::CONTEXT_0)?;
        let safe = match pkcs(kind) {
            [7, 1] => value.octets()?,
            [7, 2] => signed(value)?,
            _ => return None,
        };
        let mac = parts.take(tag::SEQUENCE).and_then(|mac| MacData::read(&mac));
        Some(Self { whole: whole.whole, safe, mac })
    }

    /// Whether the MAC holds under a password.
    pub(super) fn verifies(&self, password: &Password) -> bool {
        self.mac.as_ref().is_some_and(|mac| mac.holds(password, &self.safe))
    }

    /// What the store holds. `window` is what the places are counted in.
    pub(super) fn contents(&self, window: &[u8]) -> Option<Contents> {
        let mut contents = Contents::default();
        let mut safe = Reader::new(&self.safe).enter(tag::SEQUENCE)?;
        while !safe.is_empty() {
            let mut content = safe.enter(tag::SEQUENCE)?;
            let kind = content.oid()?;
            let mut value = content.enter(tag::CONTEXT_0)?;
            match pkcs(kind) {
                [7, 1] => contents.safe(&value.octets()?, Some(window), 0)?,
                [7, 6] => contents.encrypted.extend(EncryptedSafe::read(value)),
                [7, 3] => contents.enveloped = true,
                _ => return None,
            }
        }
        Some(contents)
    }
}

/// The content of SignedData, for stores whose integrity rests on a signature.
fn signed(mut value: Reader<'_>) -> Option<Octets<'_>> {
    let mut parts = value.enter(tag::SEQUENCE)?;
    parts.number()?;
    parts.take(tag::SET)?;
    let mut content = parts.enter(tag::SEQUENCE)?;
    if pkcs(content.oid()?) != [7, 1] {
        return None;
    }
    content.enter(tag::CONTEXT_0)?.octets()
}

/// How the integrity of the store is protected.
pub(super) struct MacData {
    kind: MacKind,
    hash: Hash,
    digest: Vec<u8>,
    salt: Vec<u8>,
    iterations: u64,
}

enum MacKind {
    /// HMAC with a key by the derivation of PKCS #12.
    Pkcs12,
    /// PBMAC1 (RFC 9579): HMAC with a key of so many bytes by PBKDF2.
    Pbmac1 { prf: Hash, length: usize },
}

impl MacData {
    fn read(element: &Element<'_>) -> Option<Self> {
        let mut parts = element.inside();
        let mut info = parts.enter(tag::SEQUENCE)?;
        let mut algorithm = info.enter(tag::SEQUENCE)?;
        let oid = algorithm.oid()?;
        let digest = info.octets()?.to_vec();
        if pkcs(oid) == [5, 14] {
            return Self::pbmac1(algorithm.enter(tag::SEQUENCE)?, digest);
        }
        let hash = Hash::from_oid(oid)?;
        let salt = parts.octets().filter(|salt| salt.len() <= 1024)?.to_vec();
        let iterations = if parts.is_empty() { 1 } else { parts.number()? };
        Some(Self { kind: MacKind::Pkcs12, hash, digest, salt, iterations })
    }

    fn pbmac1(mut parameters: Reader<'_>, digest: Vec<u8>) -> Option<Self> {
        let mut derivation = parameters.enter(tag::SEQUENCE)?;
        if pkcs(derivation.oid()?) != [5, 12] {
            return None;
        }
        let mut pbkdf2 = derivation.enter(tag::SEQUENCE)?;
        let salt = pbkdf2.octets().filter(|salt| salt.len() <= 1024)?.to_vec();
        let iterations = pbkdf2.number()?;
        let length = pbkdf2.number().and_then(|n| usize::try_from(n).ok()).filter(|n| (1..=64).contains(n))?;
        let prf = match pbkdf2.enter(tag::SEQUENCE) {
            Some(mut prf) => Hash::from_hmac_oid(prf.oid()?)?,
            None => Hash::Sha1,
        };
        let hash = Hash::from_hmac_oid(parameters.enter(tag::SEQUENCE)?.oid()?)?;
        Some(Self { kind: MacKind::Pbmac1 { prf, length }, hash, digest, salt, iterations })
    }

    /// Name and cost, for reports.
    pub(super) fn name(&self) -> String {
        let name = match self.kind {
            MacKind::Pkcs12 => format!("HMAC-{}", self.hash.name()),
            MacKind::Pbmac1 { prf, .. } => format!("HMAC-{}, PBKDF2-HMAC-{}", self.hash.name(), prf.name()),
        };
        counted(&name, self.iterations)
    }

    /// What trying one password costs, in compressions of a hash; `None` if none can be tried.
    pub(super) fn cost(&self, length: usize) -> Option<u64> {
        let iterations = Some(self.iterations).filter(|n| (1..=u64::from(u32::MAX)).contains(n))?;
        let derivation = match self.kind {
            MacKind::Pkcs12 => iterations.saturating_mul(self.hash.weight()),
            MacKind::Pbmac1 { prf, length } => {
                iterations.saturating_mul(2 * length.div_ceil(prf.size()) as u64 * prf.weight())
            }
        };
        Some(derivation.saturating_add(length as u64 / 64 * self.hash.weight()))
    }

    fn holds(&self, password: &Password, safe: &[u8]) -> bool {
        let iterations = self.iterations as u32;
        let key = match self.kind {
            MacKind::Pkcs12 => pkcs12(self.hash, &password.bmp, &self.salt, iterations, Purpose::Mac, self.hash.size()),
            MacKind::Pbmac1 { prf, length } => pbkdf2(prf, &password.utf8, &self.salt, iterations, length),
        };
        self.hash.hmac(&key, &[safe]).as_slice() == self.digest
    }
}

/// Safe contents under a password.
pub(super) struct EncryptedSafe {
    pub(super) scheme: Scheme,
    ciphertext: Vec<u8>,
}

impl EncryptedSafe {
    fn read(mut value: Reader<'_>) -> Option<Self> {
        let mut data = value.enter(tag::SEQUENCE)?;
        data.number()?;
        let mut info = data.enter(tag::SEQUENCE)?;
        info.oid()?;
        let scheme = Scheme::read(&info.take(tag::SEQUENCE)?)?;
        // Implicitly tagged: in one piece or in several.
        let ciphertext = info.next().filter(|e| e.tag & !tag::CONSTRUCTED == 0x80)?.octets()?.to_vec();
        Some(Self { scheme, ciphertext })
    }

    pub(super) fn open(&self, password: &Password) -> Option<Bytes> {
        let plain = self.scheme.decrypt(password, &self.ciphertext)?;
        let whole = Element::read(&plain)?;
        (whole.tag == tag::SEQUENCE && whole.whole.len() == plain.len()).then_some(plain)
    }
}

/// How a key lies in its bag.
pub(super) enum Held {
    /// A PrivateKeyInfo in the clear.
    Open(Bytes),
    /// An EncryptedPrivateKeyInfo.
    Sealed(Sealed),
    /// A symmetric key, encrypted in the same way.
    SealedSecret(Sealed),
}

pub(super) struct KeyBag {
    pub(super) held: Held,
    pub(super) about: Attributes,
    /// Where it lies in the window, if it does not come out of something else.
    pub(super) range: Option<Range<usize>>,
}

pub(super) struct CertificateBag {
    pub(super) named: Named,
    pub(super) about: Attributes,
    pub(super) range: Option<Range<usize>>,
}

/// What a bag says of what it holds.
#[derive(Default)]
pub(super) struct Attributes {
    pub(super) friendly_name: Option<String>,
    /// Ties a certificate to its key.
    pub(super) local_key_id: Option<Vec<u8>>,
}

/// What a store holds.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) keys: Vec<KeyBag>,
    pub(super) certificates: Vec<CertificateBag>,
    pub(super) encrypted: Vec<EncryptedSafe>,
    /// Something is encrypted to a public key.
    pub(super) enveloped: bool,
}

impl Contents {
    /// Reads SafeContents, which are bags.
    pub(super) fn safe(&mut self, safe: &[u8], window: Option<&[u8]>, depth: usize) -> Option<()> {
        let mut bags = Reader::new(safe).enter(tag::SEQUENCE)?;
        while !bags.is_empty() {
            let bag = bags.take(tag::SEQUENCE)?;
            if self.keys.len() + self.certificates.len() < MAX_BAGS {
                self.bag(&bag, window, depth);
            }
        }
        Some(())
    }

    fn bag(&mut self, bag: &Element<'_>, window: Option<&[u8]>, depth: usize) -> Option<()> {
        let mut parts = bag.inside();
        let oid = parts.oid()?;
        let value = parts.enter(tag::CONTEXT_0)?.next()?;
        let about = parts.take(tag::SET).map(|set| attributes(set.inside())).unwrap_or_default();
        let range = window.and_then(|window| place(window, bag.whole));
        let kind = pkcs(oid).strip_prefix(&[12, 10, 1])?;
        match kind {
            [1] => {
                let held = Held::Open(value.whole.to_vec().into());
                self.keys.push(KeyBag { held, about, range });
            }
            [2] => {
                let held = Held::Sealed(Sealed::read(value.whole)?);
                self.keys.push(KeyBag { held, about, range });
            }
            [3] => {
                let mut parts = value.inside();
                if pkcs(parts.oid()?) != [9, 22, 1] {
                    return None; // No X.509 certificate.
                }
                let der = parts.enter(tag::CONTEXT_0)?.octets()?;
                let range = range.and(window).and_then(|window| place(window, &der));
                self.certificates.push(CertificateBag { named: Named::read(&der)?, about, range });
            }
            [5] => {
                let mut parts = value.inside();
                // Java puts symmetric keys here, encrypted as keys are.
                if pkcs(parts.oid()?) != [12, 10, 1, 2] {
                    return None;
                }
                let inner = parts.enter(tag::CONTEXT_0)?.octets()?;
                let held = Held::SealedSecret(Sealed::read(&inner)?);
                self.keys.push(KeyBag { held, about, range });
            }
            [6] if depth < MAX_DEPTH => return self.safe(value.whole, window, depth + 1),
            _ => {}
        }
        Some(())
    }
}

fn attributes(mut set: Reader<'_>) -> Attributes {
    let mut attributes = Attributes::default();
    while let Some(mut attribute) = set.enter(tag::SEQUENCE) {
        let (Some(oid), Some(mut values)) = (attribute.oid(), attribute.enter(tag::SET)) else { continue };
        let Some(value) = values.next() else { continue };
        match pkcs(oid) {
            [9, 20] => attributes.friendly_name = utf16_label(value.body),
            [9, 21] => attributes.local_key_id = value.octets().map(|id| id.to_vec()),
            _ => {}
        }
    }
    attributes
}
