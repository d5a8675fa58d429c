//! Key packets (RFC 9580 section 5.5, LibrePGP section 5.5): versions 2 to 6.

use super::material::Public;
use super::protection::{self, Locked};
use crate::decoders::fields::Fields;
use crate::decoders::{date, frame};
use crate::{KeyMaterial, Proof, Protection, PublicKey, Work};
use data_encoding::HEXUPPER;
use md5::Md5;
use sha1::{Digest, Sha1};
use sha2::Sha256;

/// Shortest encrypted secret: a scalar and its check.
const MIN_CIPHERTEXT: usize = 34;

/// A key packet.
pub(super) struct Key<'a> {
    version: u8,
    created: u32,
    public: Public<'a>,
    /// The part that its fingerprint is over.
    hashed: &'a [u8],
    /// The protection, and what follows it; `None` for a public key.
    secret: Option<(Locked, &'a [u8])>,
}

impl<'a> Key<'a> {
    /// The key in the body of a packet.
    pub(super) fn read(body: &'a [u8], secret: bool) -> Option<Self> {
        let mut fields = Fields::big(body, 0);
        let version = fields.u8().filter(|v| (2..=6).contains(v))?;
        let created = fields.u32()?;
        if version < 4 {
            fields.u16()?; // Days of validity.
        }
        let algorithm = fields.u8()?;
        let length = if version > 4 { Some(fields.u32()? as usize) } else { None };
        if version < 4 && !(1..=3).contains(&algorithm) {
            return None;
        }
        let public = Public::read(algorithm, &mut fields, length)?;
        let hashed = &body[..fields.at];
        let secret = if secret { Some((protection::read(version, &mut fields)?, fields.rest())) } else { None };
        Some(Self { version, created, public, hashed, secret })
    }

    /// The public half, if it can be computed with.
    pub(super) fn public(&self) -> Option<PublicKey> {
        self.public.key()
    }

    /// Bytes of the public part.
    pub(super) fn public_length(&self) -> usize {
        self.hashed.len()
    }

    /// Whether its public numbers can be those of a key.
    pub(super) fn is_plausible(&self) -> bool {
        self.public.key().is_some()
    }

    /// Fingerprint and key id (RFC 9580 section 5.5.4; version 5 is LibrePGP's).
    pub(super) fn names(&self) -> (Vec<u8>, Vec<u8>) {
        let length = self.hashed.len() as u32;
        let of = |mark: u8, length: &[u8]| [&[mark], length, self.hashed].concat();
        match self.version {
            4 => {
                let print = Sha1::digest(of(0x99, &(length as u16).to_be_bytes())).to_vec();
                let id = print[12..].to_vec();
                (print, id)
            }
            5 | 6 => {
                let mark = if self.version == 5 { 0x9a } else { 0x9b };
                let print = Sha256::digest(of(mark, &length.to_be_bytes())).to_vec();
                let id = print[..8].to_vec();
                (print, id)
            }
            _ => match &self.public {
                Public::Rsa { n, e } => {
                    let print = Md5::new().chain_update(n).chain_update(e).finalize().to_vec();
                    (print, n[n.len().saturating_sub(8)..].to_vec())
                }
                _ => (Vec::new(), Vec::new()),
            },
        }
    }

    /// What is to be said of the secret key. `whole`: the packet is not cut off.
    pub(super) fn material(&self, encoding: &'static str, whole: bool, work: &Work) -> Option<KeyMaterial> {
        let (locked, rest) = self.secret.as_ref()?;
        let mut material = match locked {
            Locked::Open => self.open(rest, encoding, whole, work)?,
            Locked::Encrypted(protection) => {
                let enough = whole && rest.len() >= MIN_CIPHERTEXT;
                let statement = "an encrypted key packet whose lengths agree; its public half is not encrypted";
                enough.then(|| self.closed(rest, encoding, protection.clone(), statement))??
            }
            Locked::Absent => self.stub(encoding, "different medium")?,
            Locked::OnCard(_) => self.stub(encoding, "smart card")?,
        };
        let (fingerprint, id) = self.names();
        material.details.push(("key id", HEXUPPER.encode(&id)));
        material.details.push(("fingerprint", HEXUPPER.encode(&fingerprint)));
        if let Some(created) = date::utc(i64::from(self.created)) {
            material.details.push(("created", created));
        }
        if let Locked::OnCard(serial) = locked {
            material.details.push(("serial number", HEXUPPER.encode(serial)));
        }
        Some(material)
    }

    fn open(&self, rest: &[u8], encoding: &'static str, whole: bool, work: &Work) -> Option<KeyMaterial> {
        let mut fields = Fields::big(rest, 0);
        let checked = whole && self.checksum_holds(rest);
        let affordable = self.public.cost() == 0 || work.spend(self.public.cost());
        if !self.public.is_computable() || !affordable {
            // Version 6 has no checksum; nothing but the packet itself shows such a key.
            let statement = if self.version == 6 {
                "a whole key packet in the clear; its numbers were not compared"
            } else {
                "the checksum of the private numbers holds; they were not compared with the public ones"
            };
            let shown = checked || (self.version == 6 && self.public.fits() && whole && rest.len() >= 16);
            return self.closed(rest, encoding, Protection::None, statement).filter(|_| shown);
        }
        let mut material = self.public.private(&mut fields, encoding)?;
        if checked {
            material.proof.statement.push_str("; the checksum holds");
        }
        Some(material)
    }

    /// The sum of all bytes before it, modulo 65536. Version 6 has none.
    fn checksum_holds(&self, rest: &[u8]) -> bool {
        let Some((numbers, stored)) = rest.split_last_chunk::<2>() else { return false };
        let sum = numbers.iter().fold(0u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        self.version < 6 && sum == u16::from_be_bytes(*stored) && numbers.len() >= 16
    }

    /// A key whose private numbers are not looked at.
    fn closed(
        &self,
        rest: &[u8],
        encoding: &'static str,
        protection: Protection,
        statement: &str,
    ) -> Option<KeyMaterial> {
        let proof = Proof::parsed(statement);
        let algorithm = self.public.algorithm();
        let material = match (self.public.key(), &self.public) {
            (Some(public), _) => frame::of_public(&public, encoding, protection, proof),
            // A number that cannot be one is no key; of other algorithms nothing is known.
            (None, Public::Other { bytes, .. }) => {
                let mut named = bytes.to_vec();
                if named.is_empty() {
                    named.extend_from_slice(rest);
                }
                frame::of_container(algorithm.clone(), &named, encoding, protection, proof)
            }
            _ => return None,
        };
        Some(KeyMaterial { algorithm, ..material })
    }

    fn stub(&self, encoding: &'static str, keeper: &str) -> Option<KeyMaterial> {
        let statement = "a public key, and GnuPG's mark that the private part is not here";
        self.closed(&[], encoding, Protection::External { keeper: keeper.into() }, statement)
    }
}
