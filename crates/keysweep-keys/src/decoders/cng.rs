//! Windows CNG key blobs (bcrypt.h): `BCRYPT_RSAKEY_BLOB`, `BCRYPT_ECCKEY_BLOB`, `BCRYPT_DSA_KEY_BLOB` (both versions)
//! and `BCRYPT_DH_KEY_BLOB`, at any offset. Headers are little-endian, numbers big-endian.

use super::frame;
use crate::decoder::{Anchor, Decoder, Hit, PublicKind, Reach, Sink};
use crate::private::{MAX_BITS, MIN_BITS, PrivateKey, RsaNumbers};
use crate::{Curve, PublicKey, Secret};

/// The decoder.
pub(crate) struct Cng;

const RULE: &str = "cng-private-key";

const ANCHORS: [Anchor; 21] = [
    Anchor::binary(b"RSA2"),
    Anchor::binary(b"RSA3"),
    Anchor::binary(b"RSA1"),
    Anchor::binary(b"ECS2 \0\0\0"),
    Anchor::binary(b"ECS40\0\0\0"),
    Anchor::binary(b"ECS6B\0\0\0"),
    Anchor::binary(b"ECK2 \0\0\0"),
    Anchor::binary(b"ECK40\0\0\0"),
    Anchor::binary(b"ECK6B\0\0\0"),
    Anchor::binary(b"ECDV \0\0\0"),
    Anchor::binary(b"ECDV0\0\0\0"),
    Anchor::binary(b"ECDVB\0\0\0"),
    Anchor::binary(b"ECKV \0\0\0"),
    Anchor::binary(b"ECKV0\0\0\0"),
    Anchor::binary(b"ECKVB\0\0\0"),
    Anchor::binary(b"DSPV"),
    Anchor::binary(b"DPV2"),
    Anchor::binary(b"DHPV"),
    Anchor::binary(b"ECS1 \0\0\0"),
    Anchor::binary(b"ECS30\0\0\0"),
    Anchor::binary(b"ECS5B\0\0\0"),
];

impl Decoder for Cng {
    fn name(&self) -> &'static str {
        "cng"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[RULE]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 0, after: 24 + 5 * MAX_BITS as usize / 8 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let mut fields = Fields { bytes: hit.from_anchor(), at: 0 };
        let start = hit.anchor.start;
        let Some(magic) = fields.array() else { return };
        match &magic {
            b"RSA1" | b"ECS1" | b"ECS3" | b"ECS5" => {
                let key = if magic[0] == b'R' { rsa_public(&mut fields) } else { ec_public(&mut fields) };
                if let Some(key) = key {
                    sink.public(start..start + fields.at, key, PublicKind::Key { comment: None });
                }
            }
            _ => {
                for (encoding, key) in keys(magic, &mut fields) {
                    let Some(material) = frame::of_key(&key, encoding) else { continue };
                    return sink.key(RULE, start..start + fields.at, material);
                }
            }
        }
    }
}

/// The keys the blob may be: one, or one for each curve where the blob does not name it.
fn keys(magic: [u8; 4], fields: &mut Fields<'_>) -> Vec<(&'static str, PrivateKey)> {
    let one = |encoding, key: Option<PrivateKey>| key.map(|key| (encoding, key)).into_iter().collect();
    match &magic {
        b"RSA2" => one("CNG RSA2", rsa(fields, false)),
        b"RSA3" => one("CNG RSA3", rsa(fields, true)),
        b"ECS2" => ec("CNG ECS2", fields, &[Curve::P256]),
        b"ECS4" => ec("CNG ECS4", fields, &[Curve::P384]),
        b"ECS6" => ec("CNG ECS6", fields, &[Curve::P521]),
        b"ECK2" => ec("CNG ECK2", fields, &[Curve::P256]),
        b"ECK4" => ec("CNG ECK4", fields, &[Curve::P384]),
        b"ECK6" => ec("CNG ECK6", fields, &[Curve::P521]),
        b"ECDV" => ec("CNG ECDV", fields, &Curve::ALL),
        b"ECKV" => ec("CNG ECKV", fields, &Curve::ALL),
        b"DSPV" => one("CNG DSPV", dsa(fields)),
        b"DPV2" => one("CNG DPV2", dsa_2(fields)),
        b"DHPV" => one("CNG DHPV", dh(fields)),
        _ => Vec::new(),
    }
}

/// Reads fields one after the other.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let field = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(field)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn size(&mut self) -> Option<usize> {
        self.array().map(|bytes| u32::from_le_bytes(bytes) as usize)
    }

    /// The size of a modulus or prime in bytes.
    fn modulus_size(&mut self) -> Option<usize> {
        self.size().filter(|size| (MIN_BITS as usize / 8..=MAX_BITS as usize / 8).contains(size))
    }

    fn number(&mut self, length: usize) -> Option<Vec<u8>> {
        self.take(length).map(<[u8]>::to_vec)
    }

    fn secret(&mut self, length: usize) -> Option<Secret> {
        self.take(length).map(Secret::new)
    }
}

/// The fixed part of a `BCRYPT_RSAKEY_BLOB`: the sizes in bytes of e, n, p and q.
fn rsa_sizes(fields: &mut Fields<'_>) -> Option<[usize; 4]> {
    let bits = fields.size()?;
    let [Some(e), Some(n), Some(p), Some(q)] = [fields.size(), fields.size(), fields.size(), fields.size()] else {
        return None;
    };
    let plausible =
        (MIN_BITS as usize..=MAX_BITS as usize).contains(&bits) && n == bits.div_ceil(8) && (1..=8).contains(&e);
    plausible.then_some([e, n, p, q])
}

fn rsa(fields: &mut Fields<'_>, full: bool) -> Option<PrivateKey> {
    let [e, n, p, q] = rsa_sizes(fields)?;
    if p == 0 || q == 0 || p + q > n + 2 || p + q < n {
        return None;
    }
    let (e, modulus) = (fields.number(e)?, fields.number(n)?);
    let primes = vec![fields.secret(p)?, fields.secret(q)?];
    let d = full.then(|| fields.take(2 * p + q).and_then(|_| fields.secret(n))).flatten();
    Some(PrivateKey::Rsa(RsaNumbers { n: modulus, e, d, primes }))
}

fn rsa_public(fields: &mut Fields<'_>) -> Option<PublicKey> {
    let [e, n, 0, 0] = rsa_sizes(fields)? else { return None };
    let (e, n) = (fields.number(e)?, fields.number(n)?);
    let odd = [&e, &n].iter().all(|v| v.last().is_some_and(|b| b % 2 == 1));
    (odd && n.first().is_some_and(|&b| b != 0)).then(|| PublicKey::rsa(&n, &e))
}

/// Both coordinates and the scalar, each as long as a field element.
fn ec(encoding: &'static str, fields: &mut Fields<'_>, curves: &[Curve]) -> Vec<(&'static str, PrivateKey)> {
    let Some(size) = fields.size() else { return Vec::new() };
    let fitting: Vec<Curve> = curves.iter().copied().filter(|c| c.field_bytes() == size).collect();
    if fitting.is_empty() {
        return Vec::new();
    }
    let (Some(point), Some(d)) = (fields.take(2 * size), fields.secret(size)) else { return Vec::new() };
    if d.is_zero() || point.iter().all(|&b| b == 0) {
        return Vec::new();
    }
    let key = |curve| PrivateKey::Ec { curve, d: d.clone(), public: Some([&[4], point].concat()) };
    fitting.into_iter().map(|curve| (encoding, key(curve))).collect()
}

fn ec_public(fields: &mut Fields<'_>) -> Option<PublicKey> {
    let size = fields.size()?;
    let curve = [Curve::P256, Curve::P384, Curve::P521].into_iter().find(|c| c.field_bytes() == size)?;
    let point = fields.take(2 * size)?;
    PublicKey::ec(curve, &[&[4], point].concat())
}

/// `BCRYPT_DSA_KEY_BLOB`: key size, counter, seed and q of 20 bytes; then p, g, y and x.
fn dsa(fields: &mut Fields<'_>) -> Option<PrivateKey> {
    let size = fields.modulus_size()?;
    fields.take(4 + 20)?;
    let q = fields.number(20)?;
    let [p, g, y] = [fields.number(size), fields.number(size), fields.number(size)];
    Some(PrivateKey::Dsa { p: p?, q, g: g?, y: Some(y?), x: fields.secret(20)? })
}

/// `BCRYPT_DSA_KEY_BLOB_V2`: key size, hash, standard, sizes of seed and group, counter; then seed, q, p, g, y and x.
fn dsa_2(fields: &mut Fields<'_>) -> Option<PrivateKey> {
    let size = fields.modulus_size()?;
    fields.take(8)?;
    let [seed, group] = [fields.size()?, fields.size()?];
    if seed > 64 || !(16..=64).contains(&group) {
        return None;
    }
    fields.take(4 + seed)?;
    let q = fields.number(group)?;
    let [p, g, y] = [fields.number(size), fields.number(size), fields.number(size)];
    Some(PrivateKey::Dsa { p: p?, q, g: g?, y: Some(y?), x: fields.secret(group)? })
}

/// `BCRYPT_DH_KEY_BLOB`: key size; then p, g, y and x.
fn dh(fields: &mut Fields<'_>) -> Option<PrivateKey> {
    let size = fields.modulus_size()?;
    let [p, g, y] = [fields.number(size), fields.number(size), fields.number(size)];
    Some(PrivateKey::Dh { p: p?, g: g?, y: Some(y?), x: fields.secret(size)? })
}
