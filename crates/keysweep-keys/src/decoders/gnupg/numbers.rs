//! The numbers of a key in an S-expression, by the names that libgcrypt gives them.

use super::sexp::Node;
use crate::decoders::frame;
use crate::decoders::openpgp::curve::{EcKey, Named};
use crate::decoders::openpgp::material::{elgamal_cost, rsa_public};
use crate::private::{PrivateKey, RsaNumbers};
use crate::{Algorithm, KeyMaterial, PublicKey, Secret, Work};

/// `(rsa (n …) (e …) …)`
pub(super) struct Numbers<'a> {
    pub(super) node: &'a Node,
    kind: Kind,
    /// Values without names, in the order of libgcrypt.
    listed: Vec<&'a [u8]>,
    curve: Option<Named>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    Dsa,
    ElGamal,
    Ecc,
}

impl Kind {
    fn of_name(name: &[u8]) -> Option<Self> {
        match name.strip_prefix(b"openpgp-").unwrap_or(name) {
            b"rsa" | b"oid.1.2.840.113549.1.1.1" => Some(Kind::Rsa),
            b"dsa" => Some(Kind::Dsa),
            b"elg" | b"elg-e" => Some(Kind::ElGamal),
            b"ecc" | b"ecdsa" | b"ecdh" | b"eddsa" => Some(Kind::Ecc),
            _ => None,
        }
    }

    /// Names of the values, the public ones first.
    fn names(self) -> (&'static [&'static [u8]], &'static [&'static [u8]]) {
        match self {
            Kind::Rsa => (&[b"n", b"e"], &[b"d", b"p", b"q", b"u"]),
            Kind::Dsa => (&[b"p", b"q", b"g", b"y"], &[b"x"]),
            Kind::ElGamal => (&[b"p", b"g", b"y"], &[b"x"]),
            Kind::Ecc => (&[b"q"], &[b"d"]),
        }
    }
}

impl<'a> Numbers<'a> {
    /// The numbers in a list that begins with the name of an algorithm.
    pub(super) fn of(node: &'a Node) -> Option<Self> {
        let kind = Kind::of_name(node.name()?)?;
        let curve = node.value(b"curve").and_then(Named::of_name);
        Some(Self { node, kind, listed: Vec::new(), curve })
    }

    /// The numbers of `(openpgp-private-key … (skey _ P1 _ P2 …))`.
    pub(super) fn of_transfer(node: &'a Node) -> Option<Self> {
        let kind = Kind::of_name(node.value(b"algo")?)?;
        let values = node.list(b"skey")?.items().get(1..)?;
        let listed = values.chunks_exact(2).map_while(|pair| match pair {
            [flag, value] if flag.atom() == Some(b"_") => value.atom(),
            _ => None,
        });
        let curve = node.value(b"curve").and_then(Named::of_name);
        Some(Self { node, kind, listed: listed.collect(), curve })
    }

    fn value(&self, name: &[u8]) -> Option<&'a [u8]> {
        if self.listed.is_empty() {
            return self.node.value(name).filter(|value| !value.is_empty());
        }
        let (public, private) = self.kind.names();
        let index = public.iter().chain(private).position(|n| *n == name)?;
        self.listed.get(index).copied()
    }

    fn secret(&self, name: &[u8]) -> Option<Secret> {
        self.value(name).map(Secret::new)
    }

    /// What kind of key it is, by its public half.
    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        match self.kind {
            Kind::Rsa => Some(Algorithm::Rsa),
            Kind::Dsa => Some(Algorithm::Dsa),
            Kind::ElGamal => Some(Algorithm::ElGamal),
            Kind::Ecc => self.curve.as_ref().map(Named::algorithm),
        }
    }

    /// What names a key whose public half cannot be computed with.
    pub(super) fn fingerprint_input(&self) -> Option<&'a [u8]> {
        self.value(b"q")
    }

    pub(super) fn public(&self) -> Option<PublicKey> {
        let value = |name: &[u8]| self.value(name);
        match self.kind {
            Kind::Rsa => rsa_public(value(b"n")?, value(b"e")?),
            Kind::Dsa => Some(PublicKey::dsa(value(b"p")?, value(b"q")?, value(b"g")?, value(b"y")?)),
            Kind::ElGamal => Some(PublicKey::dh(value(b"p")?, value(b"g")?, value(b"y")?)),
            Kind::Ecc => self.curve.as_ref()?.public(value(b"q")?),
        }
    }

    /// The private key, if its numbers are one. ElGamal without a known order costs `work`.
    pub(super) fn private(&self, encoding: &'static str, work: &Work) -> Option<KeyMaterial> {
        let value = |name: &[u8]| self.value(name).map(<[u8]>::to_vec);
        let key = match self.kind {
            Kind::Rsa => {
                let primes: Vec<_> = [b"p", b"q"].iter().filter_map(|name| self.secret(*name)).collect();
                let primes = if primes.len() == 2 { primes } else { Vec::new() };
                PrivateKey::Rsa(RsaNumbers { n: value(b"n")?, e: value(b"e")?, d: self.secret(b"d"), primes })
            }
            Kind::Dsa => PrivateKey::Dsa {
                p: value(b"p")?,
                q: value(b"q")?,
                g: value(b"g")?,
                y: value(b"y"),
                x: self.secret(b"x")?,
            },
            Kind::ElGamal => {
                if !work.spend(elgamal_cost(self.value(b"p")?)) {
                    return None;
                }
                PrivateKey::Dh { p: value(b"p")?, g: value(b"g")?, y: value(b"y"), x: self.secret(b"x")? }
            }
            Kind::Ecc => {
                let key = EcKey { curve: self.curve.as_ref()?, public: self.value(b"q"), secret: self.secret(b"d")? };
                return key.material(encoding);
            }
        };
        let material = frame::of_key(&key, encoding)?;
        Some(KeyMaterial { algorithm: self.algorithm().unwrap_or(material.algorithm), ..material })
    }
}
