//! JSON Web Keys (RFC 7517, RFC 7518, RFC 8037) with private members, alone, in sets, inside other JSON, escaped inside
//! strings, or what is left of them in memory.

use super::frame;
use super::json::Object;
use super::text::{base64, label, looks_random};
use crate::decoder::{Anchor, Decoder, Hit, PublicKind, Reach, Sink};
use crate::private::{PrivateKey, RsaNumbers};
use crate::public::bit_length;
use crate::{Algorithm, Curve, KeyMaterial, Proof, PublicKey, Secret};

/// The decoder.
pub(crate) struct Jwk;

const PRIVATE: &str = "jwk-private-key";
const SYMMETRIC: &str = "jwk-symmetric-key";

/// Keys with multiple primes are read up to so many primes.
const MAX_PRIMES: usize = 16;

impl Decoder for Jwk {
    fn name(&self) -> &'static str {
        "jwk"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[PRIVATE, SYMMETRIC]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 1] = [Anchor::text("kty")];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 12 * 1024, after: 12 * 1024 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let after = &hit.window[hit.anchor.end..];
        if !after.first().is_some_and(|b| b"\"'\\: ".contains(b)) || !after[..after.len().min(16)].contains(&b':') {
            return;
        }
        let object = Object::around(hit.window, hit.anchor.end);
        let Some(kind) = object.get("kty") else { return };
        // Later anchors up to the next brace belong to this object.
        let next = memchr::memchr(b'{', after).map_or(hit.window.len(), |i| hit.anchor.end + i);
        let read = match kind {
            b"RSA" => rsa(&object),
            b"EC" => ec(&object),
            b"OKP" => okp(&object),
            b"oct" => return oct(&object, sink),
            _ => return,
        };
        sink.examined_up_to(next.min(object.range.end));
        let range = object.members_range();
        match read {
            Some(Read::Private(key)) => {
                if let Some(material) = frame::of_key(&key, "JWK") {
                    sink.key(PRIVATE, range, described(&object, material));
                }
            }
            Some(Read::Public(key)) => {
                sink.public(range, key, PublicKind::Key { comment: object.get("kid").and_then(label) });
            }
            None => {}
        }
    }
}

enum Read {
    Private(PrivateKey),
    Public(PublicKey),
}

fn number(object: &Object<'_>, name: &str) -> Option<Secret> {
    base64(object.get(name)?).filter(|v| !v.is_empty()).map(Secret::from)
}

fn rsa(object: &Object<'_>) -> Option<Read> {
    let (n, e) = (number(object, "n")?.to_vec(), number(object, "e")?.to_vec());
    let d = number(object, "d");
    let mut primes: Vec<Secret> = ["p", "q"].iter().filter_map(|name| number(object, name)).collect();
    if primes.len() == 2 {
        let others = object.objects("oth");
        primes.extend(others.iter().take(MAX_PRIMES).filter_map(|other| number(other, "r")));
    } else {
        primes.clear();
    }
    Some(if d.is_none() && primes.is_empty() {
        let known_size = (crate::private::MIN_BITS..=crate::private::MAX_BITS).contains(&bit_length(&n));
        Read::Public(known_size.then(|| PublicKey::rsa(&n, &e))?)
    } else {
        Read::Private(PrivateKey::Rsa(RsaNumbers { n, e, d, primes }))
    })
}

fn ec(object: &Object<'_>) -> Option<Read> {
    let name = object.get("crv")?;
    let curve = Curve::ALL.into_iter().find(|c| {
        c.jwk_name().is_some_and(|n| n.as_bytes() == name) || (*c == Curve::Secp256k1 && name == b"P-256K")
    })?;
    let point = match (number(object, "x"), number(object, "y")) {
        (Some(x), Some(y)) => Some(point(curve, x.trimmed(), y.trimmed())?),
        _ => None,
    };
    match number(object, "d") {
        Some(d) => Some(Read::Private(PrivateKey::Ec { curve, d, public: point })),
        None => PublicKey::ec(curve, &point?).map(Read::Public),
    }
}

/// An uncompressed SEC 1 point from its coordinates.
fn point(curve: Curve, x: &[u8], y: &[u8]) -> Option<Vec<u8>> {
    let size = curve.field_bytes();
    let mut point = vec![0; 1 + 2 * size];
    point[0] = 4;
    point[(1 + size).checked_sub(x.len()).filter(|&at| at > 0)?..=size].copy_from_slice(x);
    point[(1 + 2 * size).checked_sub(y.len()).filter(|&at| at > size)?..].copy_from_slice(y);
    Some(point)
}

fn okp(object: &Object<'_>) -> Option<Read> {
    let algorithm = match object.get("crv")? {
        b"Ed25519" => Algorithm::Ed25519,
        b"Ed448" => Algorithm::Ed448,
        b"X25519" => Algorithm::X25519,
        b"X448" => Algorithm::X448,
        _ => return None,
    };
    let public = number(object, "x").map(|x| x.to_vec());
    match number(object, "d") {
        Some(seed) => Some(Read::Private(PrivateKey::Okp { algorithm, seed, public })),
        None => PublicKey::okp(algorithm, &public?).map(Read::Public),
    }
}

fn oct(object: &Object<'_>, sink: &mut Sink) {
    let Some(k) = number(object, "k").filter(|k| looks_random(k)) else { return };
    let name = match object.get("alg") {
        Some([b'H', b'S', ..]) => "HMAC",
        Some([b'A' | b'd', ..]) => "AES",
        _ => "symmetric",
    };
    let proof = Proof::parsed("a JSON Web Key with a random secret of at least 128 bits");
    let material = frame::of_secret(Algorithm::Symmetric(name.into()), &k, "JWK", proof);
    sink.key(SYMMETRIC, object.members_range(), described(object, material));
}

/// Adds what the members beside the key say of it.
fn described(object: &Object<'_>, material: KeyMaterial) -> KeyMaterial {
    let algorithm = object.get("alg").unwrap_or_default();
    let signs = [&b"RS"[..], b"ES", b"PS", b"HS", b"EdDSA", b"Ed25519"].iter().any(|a| algorithm.starts_with(a));
    let purpose = match object.get("use") {
        Some(b"sig") => Some("token-signing"),
        Some(b"enc") => Some("encryption"),
        _ => signs.then_some("token-signing"),
    };
    let details = [("key id", "kid"), ("use", "use"), ("alg", "alg")];
    KeyMaterial {
        comment: object.get("kid").and_then(label),
        purpose,
        details: details.iter().filter_map(|(name, key)| Some((*name, label(object.get(key)?)?))).collect(),
        ..material
    }
}
