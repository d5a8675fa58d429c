//! GitLab's routable tokens: `prefix-PAYLOAD.VERSION.LENGTH CHECKSUM`, after `Authn::TokenField::Generator::RoutableToken`.
//!
//! PAYLOAD is base64url of random bytes, routing data (`key:value` lines) and the length of that data in one byte; VERSION is
//! `01`; LENGTH that of PAYLOAD in two digits of base 36; CHECKSUM the CRC-32 of all before in seven.

use super::decode::{self, in_base};
use super::{Candidate, Verdict};
use crate::compile::printable;
use crate::model::Level;
use crate::random::Random;

const CHECKSUM: usize = 7;
const RANDOM_BYTES: usize = 16;
const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// Keys of the routing data and what they name.
const ROUTES: [(&str, &str); 6] =
    [("c", "cell"), ("g", "group"), ("o", "organization"), ("p", "project"), ("u", "user"), ("t", "type")];

/// The checksum is right.
pub(super) fn routable(candidate: &Candidate<'_>) -> Option<Verdict> {
    let (body, checksum) = candidate.secret.split_at_checked(candidate.secret.len().checked_sub(CHECKSUM)?)?;
    if digits(body).as_bytes() != checksum {
        return None;
    }
    let mut verdict = Verdict::new(Level::Proven, "the token's CRC-32 is right")?;
    verdict.details = routes(body).unwrap_or_default();
    Some(verdict)
}

pub(super) fn routable_checksum(body: &str) -> Option<String> {
    Some(digits(body.as_bytes()))
}

pub(super) fn routable_sample(random: &mut Random) -> String {
    let routing = b"o:1\nu:2s";
    let bytes = [random.bytes(RANDOM_BYTES).as_slice(), routing, &[routing.len() as u8]].concat();
    let payload = data_encoding::BASE64URL_NOPAD.encode(&bytes);
    let body = format!("glpat-{payload}.01.{}", in_base(payload.len() as u32, BASE36, 2));
    let checksum = digits(body.as_bytes());
    body + &checksum
}

fn digits(body: &[u8]) -> String {
    in_base(crc32fast::hash(body), BASE36, CHECKSUM)
}

/// The routing data: numbers of base 36 that name an instance's objects.
fn routes(body: &[u8]) -> Option<Vec<(&'static str, String)>> {
    let mut parts = body.rsplitn(3, |b| *b == b'.');
    let (length, _, start) = (parts.next()?, parts.next()?, parts.next()?);
    let length = usize::from_str_radix(std::str::from_utf8(length).ok()?, 36).ok()?;
    let payload = start.get(start.len().checked_sub(length)?..)?;
    let bytes = decode::base64(payload)?;
    let (length, rest) = bytes.split_last()?;
    let routing = rest.get(rest.len().checked_sub(usize::from(*length))?..)?;
    let entries = routing.split(|b| *b == b'\n').filter_map(|line| {
        let (key, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
        let (_, name) = ROUTES.into_iter().find(|(known, _)| *known == key)?;
        let number = i64::from_str_radix(value, 36).map_or_else(|_| printable(value.as_bytes()), |n| n.to_string());
        Some((name, number))
    });
    Some(entries.collect())
}
