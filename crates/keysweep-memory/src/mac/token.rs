//! JSON Web Tokens in memory.

use crate::memory::{MARGIN, Memory};
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};

/// The algorithms of RFC 7518 section 3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
}

impl Algorithm {
    pub(super) fn name(self) -> &'static str {
        match self {
            Algorithm::Hs256 => "HS256",
            Algorithm::Hs384 => "HS384",
            Algorithm::Hs512 => "HS512",
        }
    }

    fn signature_bytes(self) -> usize {
        match self {
            Algorithm::Hs256 => 32,
            Algorithm::Hs384 => 48,
            Algorithm::Hs512 => 64,
        }
    }
}

/// A token signed with HMAC.
pub(super) struct Token {
    /// File offset.
    pub(super) offset: u64,
    pub(super) algorithm: Algorithm,
    /// Header and payload with the dot between them: what the signature is over.
    pub(super) signed: Vec<u8>,
    pub(super) signature: Vec<u8>,
    /// `kid` of the header.
    pub(super) key_id: Option<String>,
    /// `iss` of the payload.
    pub(super) issuer: Option<String>,
}

/// Longest token that is read, in bytes.
const MAX_LEN: usize = MARGIN;
/// What a token begins with: `{"` in Base64.
const ANCHOR: &[u8] = b"eyJ";

/// Calls `found` with each of the first `own` places in `bytes` at which a token may begin, and returns where the last one ends.
pub(super) fn each(bytes: &[u8], own: usize, mut found: impl FnMut(usize)) -> usize {
    let mut from = 0;
    for at in memchr::memmem::find_iter(&bytes[..bytes.len().min(own + ANCHOR.len() - 1)], ANCHOR) {
        // A payload begins as a header does: what is inside a token begins none.
        if at < from {
            continue;
        }
        let rest = &bytes[at..];
        let rest = &rest[..rest.len().min(MAX_LEN)];
        let len = rest.iter().take_while(|b| is_token(**b)).count();
        from = at + len;
        if shape(&rest[..len]).is_some() {
            found(at);
        }
    }
    from
}

/// Where the two dots stand.
fn shape(token: &[u8]) -> Option<(usize, usize)> {
    let first = memchr::memchr(b'.', token)?;
    let second = first + 1 + memchr::memchr(b'.', &token[first + 1..])?;
    let signature = token[second + 1..].iter().take_while(|b| **b != b'.').count();
    // RFC 7515: an HMAC of 32, 48 or 64 bytes.
    (first >= 15 && second > first + 1 && [43, 64, 86].contains(&signature)).then_some((first, second))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)
}

impl Token {
    /// Bytes of the token: the signature in Base64, and the dot before it.
    pub(super) fn bytes(&self) -> usize {
        self.signed.len() + 1 + BASE64URL_NOPAD.encode_len(self.signature.len())
    }

    /// The token at a file offset, if it is signed with HMAC.
    pub(super) fn read(memory: &dyn Memory, offset: u64) -> Option<Self> {
        let mut buffer = vec![0; MAX_LEN];
        let read = memory.read_at(offset, &mut buffer);
        buffer.truncate(read);
        let len = buffer.iter().take_while(|b| is_token(**b)).count();
        let (first, second) = shape(&buffer[..len])?;
        let signature: Vec<u8> = buffer[second + 1..len].iter().copied().take_while(|b| *b != b'.').collect();
        let header: serde_json::Value = serde_json::from_slice(&decode(&buffer[..first])?).ok()?;
        let algorithm = match header.get("alg")?.as_str()? {
            "HS256" => Algorithm::Hs256,
            "HS384" => Algorithm::Hs384,
            "HS512" => Algorithm::Hs512,
            _ => return None,
        };
        let signature = decode(&signature).filter(|s| s.len() == algorithm.signature_bytes())?;
        let payload: serde_json::Value =
            decode(&buffer[first + 1..second]).and_then(|p| serde_json::from_slice(&p).ok()).unwrap_or_default();
        let text = |value: Option<&serde_json::Value>| {
            value.and_then(|v| v.as_str()).map(|v| v.chars().filter(|c| !c.is_control()).take(100).collect())
        };
        Some(Self {
            offset,
            algorithm,
            signed: buffer[..second].to_vec(),
            signature,
            key_id: text(header.get("kid")),
            issuer: text(payload.get("iss")),
        })
    }

    /// Whether `secret` makes the token's signature.
    pub(super) fn verifies(&self, secret: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::Hs256 => self.matches(Hmac::<Sha256>::new_from_slice(secret)),
            Algorithm::Hs384 => self.matches(Hmac::<Sha384>::new_from_slice(secret)),
            Algorithm::Hs512 => self.matches(Hmac::<Sha512>::new_from_slice(secret)),
        }
    }

    fn matches<M: Mac, E>(&self, mac: Result<M, E>) -> bool {
        mac.is_ok_and(|mac| mac.chain_update(&self.signed).verify_slice(&self.signature).is_ok())
    }
}

fn decode(text: &[u8]) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text).ok()
}
