//! Kerberos: key tables, credential caches, KRB-CRED messages and stashed master keys, and what they share: encryption
//! types, principals, and how a key is named.

mod ccache;
mod keytab;
mod krb_cred;

pub(crate) use keytab::{Keytab, KeytabText};
pub(crate) use krb_cred::KrbCredText;

use super::fields::Fields;
use super::frame;
use super::sweep::{STRETCH, sweep};
use super::text::looks_random;
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::{Algorithm, KeyMaterial, Proof};
use sha2::{Digest, Sha256};

/// Tickets with their session keys, as caches and exports hold them.
pub(crate) struct Tickets;

/// Keys of services and users.
const KEYTAB: &str = "kerberos-keytab";
/// Keys that the whole realm rests on.
const REALM_KEY: &str = "kerberos-realm-key";
/// Ticket-granting tickets with their session keys.
const TGT: &str = "kerberos-ticket-granting-ticket";
/// Tickets for one service.
const TICKET: &str = "kerberos-service-ticket";

/// Longest realm or part of a principal's name, in bytes.
const MAX_NAME: usize = 256;
/// Most parts of a principal's name.
const MAX_PARTS: usize = 8;

/// The anchors of credential caches and of KRB-CRED messages.
const TICKET_ANCHORS: [Anchor; 4] = {
    let ([a, b, c], [d]) = (ccache::ANCHORS, krb_cred::ANCHORS);
    [a, b, c, d]
};

impl Decoder for Tickets {
    fn name(&self) -> &'static str {
        "kerberos-tickets"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[TGT, TICKET]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &TICKET_ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: krb_cred::HEADERS, after: ccache::MAX_CACHE + STRETCH }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        sweep(hit, &TICKET_ANCHORS, sink, |at, index, sink| match index {
            0..3 => ccache::look(hit.window, at, index, sink),
            _ => krb_cred::look(hit.window, at, sink),
        });
    }
}

/// An encryption type (IANA "Kerberos Encryption Type Numbers").
#[derive(Clone, Copy)]
struct EncryptionType {
    name: &'static str,
    /// Length of its keys in bytes.
    size: usize,
    /// Single DES and RC4: broken, and keys that are a plain hash of the password.
    weak: bool,
}

impl EncryptionType {
    fn from_number(number: u32) -> Option<Self> {
        let (name, size, weak) = match number {
            1 => ("des-cbc-crc", 8, true),
            2 => ("des-cbc-md4", 8, true),
            3 => ("des-cbc-md5", 8, true),
            16 => ("des3-cbc-sha1", 24, false),
            17 => ("aes128-cts-hmac-sha1-96", 16, false),
            18 => ("aes256-cts-hmac-sha1-96", 32, false),
            19 => ("aes128-cts-hmac-sha256-128", 16, false),
            20 => ("aes256-cts-hmac-sha384-192", 32, false),
            23 => ("arcfour-hmac", 16, true),
            24 => ("arcfour-hmac-exp", 16, true),
            25 => ("camellia128-cts-cmac", 16, false),
            26 => ("camellia256-cts-cmac", 32, false),
            _ => return None,
        };
        Some(Self { name, size, weak })
    }
}

/// A principal: realm and name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Principal {
    realm: String,
    parts: Vec<String>,
}

impl Principal {
    /// As tools write it: `HTTP/www.example.org@EXAMPLE.ORG`.
    fn name(&self) -> String {
        format!("{}@{}", self.parts.join("/"), self.realm)
    }

    /// Whether the security of the realm rests on its key: the ticket-granting service (of this realm or between two),
    /// the administration service, the master key of the database.
    fn guards_realm(&self) -> bool {
        let parts: Vec<&str> = self.parts.iter().map(String::as_str).collect();
        matches!(parts[..], ["krbtgt" | "kadmin", _] | ["K", "M"] | ["krbtgt"])
    }

    /// Whether its key is as a rule derived from a password that someone chose: a user (a machine's name ends in `$`), and
    /// the master key of a database.
    fn has_password(&self) -> bool {
        match &self.parts[..] {
            [name] => !name.ends_with('$'),
            [first, second] => first == "K" && second == "M",
            _ => false,
        }
    }

    fn is_ticket_granting(&self) -> bool {
        self.parts.first().is_some_and(|part| part == "krbtgt")
    }
}

/// A part of a name: printable, not empty.
fn name_part(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok().filter(|t| !t.is_empty() && t.len() <= MAX_NAME)?;
    text.chars().all(|c| !c.is_control() && c != '\u{fffd}').then(|| text.to_owned())
}

/// What is known of a key with this encryption type; `None` if it cannot be one. A key from a password is named by its
/// owner and version, as a hash of it would let everyone with the report test passwords; so is a weak one.
fn material(
    kind: EncryptionType,
    key: &[u8],
    from_password: bool,
    owner: &[&[u8]],
    encoding: &'static str,
    proof: Proof,
) -> Option<KeyMaterial> {
    let plausible = if key.len() < 16 { key.iter().any(|&b| b != key[0]) } else { looks_random(key) };
    if key.len() != kind.size || !plausible {
        return None;
    }
    let algorithm = Algorithm::Symmetric(kind.name.into());
    let mut material = frame::of_secret(algorithm, key, encoding, proof);
    if kind.weak || from_password {
        let mut hash = Sha256::new();
        hash.update(b"keysweep kerberos key\0");
        for part in owner {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        material.id = Some(hash.finalize().into());
    }
    material.purpose = Some("identity");
    let weak = if kind.weak { " (weak)" } else { "" };
    material.details = vec![("encryption type", format!("{}{weak}", kind.name))];
    Some(material)
}
