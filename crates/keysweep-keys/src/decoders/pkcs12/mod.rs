//! PKCS #12 stores (RFC 7292), `.p12` and `.pfx`, in DER and BER: which keys they hold, how those are encrypted, whether a
//! password that a vendor publishes opens them.

mod parse;

use super::ber::headers_before;
use super::frame;
use super::store::{self, ANDROID_DEBUG, Opened, is_android_debug};
use super::sweep::{STRETCH, sweep};
use super::unwrap;
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::{Algorithm, KeyMaterial, Proof, Protection};
use parse::{CertificateBag, Contents, Held, KeyBag, Pfx};
use std::ops::Range;

/// Stores in bytes.
pub(crate) struct Pkcs12;

/// Stores in Base64 or hex.
pub(crate) struct Pkcs12Text;

const OPEN: &str = "pkcs12-private-key";
const ENCRYPTED: &str = "pkcs12-encrypted-key";
const SECRET: &str = "pkcs12-secret-key";
const UNKNOWN: &str = "pkcs12-encrypted-content";

/// Largest store that is read. Keys of larger ones are seen one by one, as what they are in PKCS #8.
const MAX_STORE: usize = 256 << 10;
/// Bytes of the headers before the anchor, at most.
const HEADERS: usize = 16;

/// The content type of the authenticated safe: data, or signed data.
const ANCHORS: [Anchor; 2] = [
    Anchor::binary(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0"),
    Anchor::binary(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0"),
];

impl Decoder for Pkcs12 {
    fn name(&self) -> &'static str {
        "pkcs12"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[OPEN, ENCRYPTED, SECRET, UNKNOWN, ANDROID_DEBUG]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: HEADERS, after: MAX_STORE + STRETCH }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        sweep(hit, &ANCHORS, sink, |at, _, sink| {
            let end = (at + MAX_STORE).min(hit.window.len());
            let mut starts = starts_before(hit.window, at);
            let (start, pfx) = starts.find_map(|start| Some((start, Pfx::read(&hit.window[start..end])?)))?;
            let contents = pfx.contents(&hit.window[..end])?;
            let range = start..start + pfx.whole.len();
            Report { hit, pfx: &pfx, range: range.clone() }.write(contents, sink);
            Some(range.end)
        });
    }
}

/// Where a store can begin whose content type lies at `at`: two headers and the version 3 stand before it.
fn starts_before(window: &[u8], at: usize) -> impl Iterator<Item = usize> {
    let versions = headers_before(window, at).filter_map(|inner| inner.checked_sub(3));
    let versions = versions.filter(|&version| window[version..].starts_with(&[2, 1, 3]));
    versions.flat_map(|version| headers_before(window, version))
}

/// Writes what was found in one store.
struct Report<'h, 'a> {
    hit: &'h Hit<'a>,
    pfx: &'h Pfx<'a>,
    range: Range<usize>,
}

impl Report<'_, '_> {
    fn write(&self, mut contents: Contents, sink: &mut Sink) {
        let opened = self.open(&contents);
        // Keys come first: what names them may be more than can be paid for.
        let mut unsealed: Vec<Unsealed> = contents.keys.iter().map(|bag| self.unseal(bag, opened.as_ref())).collect();
        let mut closed = contents.encrypted.len();
        if let Some(opened) = &opened {
            for safe in std::mem::take(&mut contents.encrypted) {
                let plain = opened.decrypt(&safe.scheme, self.hit.work, |password| safe.open(password));
                match plain {
                    Ok(Some(plain)) if contents.safe(&plain, None, 0).is_some() => closed -= 1,
                    _ => contents.encrypted.push(safe),
                }
            }
            unsealed.extend(contents.keys[unsealed.len()..].iter().map(|bag| self.unseal(bag, Some(opened))));
        }
        for bag in &contents.certificates {
            bag.named.report(bag.range.clone().unwrap_or(self.range.clone()), sink);
        }
        for (bag, unsealed) in contents.keys.iter().zip(unsealed) {
            if let Some((rule, material)) = self.key(bag, unsealed, &contents) {
                sink.key(rule, bag.range.clone().unwrap_or(self.range.clone()), material);
            }
        }
        if contents.keys.is_empty() && (closed > 0 || contents.enveloped) && !self.is_trust_store() {
            let material = match contents.encrypted.first() {
                Some(safe) => self.container(safe.scheme.protection()),
                None => self.container(Protection::Encrypted {
                    cipher: "unknown".into(),
                    kdf: "key of a recipient".into(),
                    weak: false,
                }),
            };
            sink.key(UNKNOWN, self.range.clone(), material);
        }
    }

    /// The published password that opens the store, if something in it is closed.
    fn open(&self, contents: &Contents) -> Option<Opened> {
        let sealed = contents.keys.iter().find_map(|bag| match &bag.held {
            Held::Open(_) => None,
            Held::Sealed(sealed) | Held::SealedSecret(sealed) => Some(sealed),
        });
        if sealed.is_none() && contents.encrypted.is_empty() {
            return None;
        }
        let work = self.hit.work;
        if let Some(mac) = &self.pfx.mac {
            let cost = mac.cost(self.pfx.whole.len())?;
            return store::published(work, cost, |password| self.pfx.verifies(password));
        }
        match (sealed, contents.encrypted.first()) {
            (Some(sealed), _) => store::published(work, sealed.scheme.cost()?, |p| sealed.open(p).is_some()),
            (None, safe) => {
                safe.and_then(|safe| store::published(work, safe.scheme.cost()?, |p| safe.open(p).is_some()))
            }
        }
    }

    /// Whether the file's name says that it holds certificates of others.
    fn is_trust_store(&self) -> bool {
        let name = self.hit.file_name.unwrap_or_default().to_ascii_lowercase();
        ["trust", "cacert", "ca-cert", "ca_cert"].iter().any(|word| name.contains(word))
    }

    /// A store of which nothing is known but that its content is encrypted.
    fn container(&self, protection: Protection) -> KeyMaterial {
        let proof =
            Proof::parsed("a PKCS #12 store with nothing but encrypted content, which may be certificates alone");
        let mut material = frame::of_container(Algorithm::Unknown(None), self.pfx.whole, "PKCS#12", protection, proof);
        material.details.extend(self.mac());
        material
    }

    fn mac(&self) -> Option<(&'static str, String)> {
        self.pfx.mac.as_ref().map(|mac| ("MAC", mac.name()))
    }

    /// What is known of the key in a bag, and the rule it falls under; `None` if its numbers are no key.
    fn key(&self, bag: &KeyBag, unsealed: Unsealed, contents: &Contents) -> Option<(&'static str, KeyMaterial)> {
        let container = |sealed: &store::Sealed, protection, proof| sealed.container(protection, "PKCS#12", proof);
        let (rule, mut material) = match (&bag.held, unsealed) {
            (Held::Open(pkcs8), _) => (OPEN, store::key(pkcs8)?),
            (Held::Sealed(_), Unsealed::Plain(plain, protection)) => {
                (OPEN, store::opened(store::key(&plain)?, protection))
            }
            (Held::SealedSecret(sealed), Unsealed::Plain(plain, protection)) => {
                (SECRET, store::opened(store::secret(&plain, sealed)?, protection))
            }
            (Held::Sealed(sealed), Unsealed::Published(protection)) => {
                let proof = Proof::proven("the MAC of the store holds under a published password");
                (OPEN, container(sealed, protection, proof))
            }
            (Held::Sealed(sealed), Unsealed::Closed) => {
                let proof = Proof::parsed("a PKCS #12 store with an encrypted key");
                (ENCRYPTED, container(sealed, sealed.scheme.protection(), proof))
            }
            (Held::SealedSecret(sealed), _) => {
                let proof = Proof::parsed("a PKCS #12 store with an encrypted symmetric key");
                let algorithm = Algorithm::Symmetric("secret key".into());
                (ENCRYPTED, KeyMaterial { algorithm, ..container(sealed, sealed.scheme.protection(), proof) })
            }
        };
        material.encoding = "PKCS#12";
        let certificate = self.certificate_of(bag, &material, contents);
        if material.public.is_none()
            && let Some(certificate) = certificate
            && !matches!(material.algorithm, Algorithm::Symmetric(_))
        {
            certificate.named.name(&mut material);
        } else if let (true, Some(certificate)) = (material.protection.is_open(), certificate) {
            certificate.named.confirm(&mut material);
        }
        let name = bag.about.friendly_name.clone();
        let name = name.or_else(|| certificate.and_then(|c| c.about.friendly_name.clone()));
        material.comment = name.or(material.comment);
        material.details.extend(self.mac());
        match &material.protection {
            Protection::Published { password, .. } if is_android_debug(password, material.comment.as_deref()) => {
                Some((ANDROID_DEBUG, material))
            }
            _ => Some((rule, material)),
        }
    }

    fn unseal(&self, bag: &KeyBag, opened: Option<&Opened>) -> Unsealed {
        let (Held::Sealed(sealed) | Held::SealedSecret(sealed), Some(opened)) = (&bag.held, opened) else {
            return Unsealed::Closed;
        };
        let protection = sealed.scheme.published(opened.text);
        match opened.decrypt(&sealed.scheme, self.hit.work, |password| sealed.open(password)) {
            Ok(Some(plain)) => Unsealed::Plain(plain, protection),
            Ok(None) => Unsealed::Closed, // A password of its own.
            Err(store::OutOfWork) => Unsealed::Published(protection),
        }
    }

    /// The certificate of a key: the one with the same public key, else with the same key id or name, else the only one
    /// beside the only key.
    fn certificate_of<'c>(
        &self,
        bag: &KeyBag,
        material: &KeyMaterial,
        contents: &'c Contents,
    ) -> Option<&'c CertificateBag> {
        let certificates = &contents.certificates;
        if let Some(public) = &material.public {
            return certificates.iter().find(|c| c.named.key.fingerprint() == *public);
        }
        let same_id =
            |c: &&CertificateBag| bag.about.local_key_id.is_some() && c.about.local_key_id == bag.about.local_key_id;
        let same_name =
            |c: &&CertificateBag| bag.about.friendly_name.is_some() && c.about.friendly_name == bag.about.friendly_name;
        let alone = || certificates.first().filter(|_| certificates.len() == 1 && contents.keys.len() == 1);
        certificates.iter().find(same_id).or_else(|| certificates.iter().find(same_name)).or_else(alone)
    }
}

enum Unsealed {
    Plain(super::pbe::kdf::Bytes, Protection),
    /// Opens with a published password, as the store does, but the work for it was spent.
    Published(Protection),
    Closed,
}

/// Places of the headers in text, before the anchor: Base64 begins at a byte of the outer header.
const TEXT_ANCHORS: [Anchor; 5] = [
    Anchor::text("IBAzCC"),
    Anchor::text("IBAzCA"),
    Anchor::text("CAQMwg"),
    Anchor::text("MIACAQMwgAYJ"),
    Anchor { bytes: b"06092a864886f70d010701a0", ignore_case: true, wide: true },
];

impl Decoder for Pkcs12Text {
    fn name(&self) -> &'static str {
        "pkcs12-text"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &TEXT_ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 4 * HEADERS, after: MAX_STORE / 3 * 4 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let at = hit.anchor.start;
        let before = &hit.window[..at];
        let base64_at = |distance: usize, head: &[u8]| {
            let start = at.checked_sub(distance).filter(|&start| before[start..].starts_with(head))?;
            super::text::begins_token(&hit.window[..start]).then_some(start)
        };
        let start = match hit.index {
            0 | 1 => base64_at(6, b"MI"),
            2 => base64_at(7, b"MIM"),
            3 => base64_at(0, b""),
            _ => return self.hex(hit, sink),
        };
        if let Some(start) = start {
            unwrap::base64(hit, start, sink);
        }
    }
}

impl Pkcs12Text {
    /// Digits of the headers stand before the anchor, without gaps.
    fn hex(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let at = hit.anchor.start;
        let digits = hit.window[..at].iter().rev().take(2 * HEADERS).take_while(|b| b.is_ascii_hexdigit()).count();
        let from = at - digits / 2 * 2;
        let Ok(bytes) = data_encoding::HEXLOWER_PERMISSIVE.decode(&hit.window[from..at]) else { return };
        let start = starts_before(&bytes, bytes.len()).next();
        if let Some(start) = start {
            unwrap::hex(hit, from + 2 * start, sink);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ber;
    use super::super::trial::{scan, scan_as, scan_within};
    use super::*;
    use crate::Work;

    const OPENSSL: &[u8] = include_bytes!("../../../tests/data/pkcs12/openssl.p12");
    const PUBLISHED: &[u8] = include_bytes!("../../../tests/data/pkcs12/notasecret.p12");
    const PLAIN: &[u8] = include_bytes!("../../../tests/data/pkcs12/plain.p12");

    /// The store with its MAC replaced by one of RFC 9579, which these tools do not write yet.
    fn with_pbmac1(store: &[u8], password: &str) -> Vec<u8> {
        use crate::decoders::pbe::kdf::{Hash, pbkdf2};
        use crate::der::{NULL, oid, sequence, tlv, unsigned};
        let mut parts = ber::Reader::new(store).enter(ber::tag::SEQUENCE).unwrap();
        let (version, content) = (parts.next().unwrap(), parts.next().unwrap());
        let mut inner = content.inside();
        inner.next();
        let safe = inner.enter(ber::tag::CONTEXT_0).unwrap().octets().unwrap();
        let key = pbkdf2(Hash::Sha256, password.as_bytes(), b"saltsalt", 3, 32);
        let digest = Hash::Sha512.hmac(&key, &[&safe]);
        let number = |last: u8| oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, last]);
        let pkcs5 = |last: u8| oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, last]);
        let prf = sequence(&[&number(9), &NULL]);
        let derivation = sequence(&[&tlv(4, b"saltsalt"), &unsigned(&[3]), &unsigned(&[32]), &prf]);
        let parameters = sequence(&[&sequence(&[&pkcs5(12), &derivation]), &sequence(&[&number(11), &NULL])]);
        let mac = sequence(&[&sequence(&[&pkcs5(14), &parameters]), &tlv(4, &digest)]);
        let mac = sequence(&[&mac, &tlv(4, b"NOT USED"), &unsigned(&[1])]);
        sequence(&[version.whole, content.whole, &mac])
    }

    #[test]
    fn a_mac_by_pbkdf2_is_checked() {
        let (found, other) = (with_pbmac1(PUBLISHED, "notasecret"), with_pbmac1(PUBLISHED, "throwaway"));
        let material = &scan(&Pkcs12, &found).found[0].material;
        assert!(material.protection.is_open());
        assert!(material.details.contains(&("MAC", "HMAC-SHA512, PBKDF2-HMAC-SHA256, 3 iterations".into())));
        assert!(!scan(&Pkcs12, &other).found[0].material.protection.is_open());
    }

    #[test]
    fn costly_stores_are_not_tried() {
        let work = Work::new(3 * 2_048);
        let found = scan_within(&Pkcs12, PUBLISHED, None, &work).found;
        assert_eq!(found[0].rule, ENCRYPTED, "the password is not among the first");
        let mut many = Vec::new();
        (0..4_000).for_each(|_| many.extend_from_slice(OPENSSL));
        let limit = std::time::Duration::from_secs(20);
        let found = keysweep_testkit::bounded(limit, "many stores", || scan(&Pkcs12, &many).found);
        assert_eq!(found.len(), 4_000);
    }

    #[test]
    fn the_name_of_a_trust_store_is_believed() {
        let store = include_bytes!("../../../tests/data/pkcs12/certificates.p12");
        assert_eq!(scan_as(&Pkcs12, store, Some("store.p12")).found[0].rule, UNKNOWN);
        assert!(scan_as(&Pkcs12, store, Some("Kafka.TrustStore.p12")).found.is_empty());
    }

    #[test]
    fn other_contents_are_no_stores() {
        let mut contradiction = PLAIN.to_vec();
        let middle = 700; // In the scalar.
        contradiction[middle] ^= 1;
        assert!(scan(&Pkcs12, &contradiction).found.is_empty());
        let mut version = PLAIN.to_vec();
        version[6] = 4;
        assert!(scan(&Pkcs12, &version).found.is_empty());
        let head = PLAIN[..60].repeat(200);
        assert!(scan(&Pkcs12, &head).found.is_empty());
    }

    #[test]
    fn text_around_a_store_does_not_matter() {
        let base64 = data_encoding::BASE64.encode(PLAIN);
        let lines = base64.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).unwrap()).collect::<Vec<_>>();
        for text in [
            format!("<EncryptedPfx>{base64}</EncryptedPfx>"),
            format!("{{\"value\":\"{base64}\",\"contentType\":\"application/x-pkcs12\"}}"),
            format!("-----BEGIN PKCS12-----\n{}\n-----END PKCS12-----\n", lines.join("\n")),
            format!("pfx: \"{}\"", lines.join("\\n")),
            data_encoding::HEXUPPER.encode(PLAIN),
            format!("0x{} ", data_encoding::HEXLOWER.encode(PLAIN)),
        ] {
            let sink = scan(&Pkcs12Text, text.as_bytes());
            assert_eq!(sink.nested.len(), 1, "{text}");
            assert_eq!(scan(&Pkcs12, &sink.nested[0].bytes).found.len(), 1, "{text}");
        }
        assert!(scan(&Pkcs12Text, b"xxIBAzCCxx MIxxxIBAzCC").nested.is_empty());
    }
}
