//! Macaroons in the binary format 2 of libmacaroons, as PyPI issues them: `pypi-` and base64url.
//!
//! A version byte (2), then packets of type, length and data: location (1) and identifier (2), end of section (0), caveats
//! of the same make, each with an end, a further end, signature (6). PyPI's caveats are JSON.

use super::decode;
use super::{Candidate, Verdict};
use crate::compile::printable;
use crate::model::Level;
use crate::random::Random;
use serde_json::Value;

const VERSION: u8 = 2;
const END: u8 = 0;
const LOCATION: u8 = 1;
const IDENTIFIER: u8 = 2;
const VERIFICATION: u8 = 4;
const SIGNATURE: u8 = 6;
/// Bytes of a signature: HMAC-SHA-256.
const SIGNATURE_LENGTH: usize = 32;
/// Most caveats.
const MAX_CAVEATS: usize = 64;

/// All packets are there and nothing else.
pub(super) fn pypi(candidate: &Candidate<'_>) -> Option<Verdict> {
    let text = candidate.secret.strip_prefix(b"pypi-").unwrap_or(candidate.secret);
    let bytes = decode::base64(text)?;
    let macaroon = parse(&bytes)?;
    let mut verdict = Verdict::new(Level::Parsed, "all packets of the macaroon are complete")?;
    verdict.details.push(("location", printable(macaroon.location)));
    let projects: Vec<String> = macaroon.caveats.iter().flat_map(|c| projects(c)).collect();
    if !projects.is_empty() {
        verdict.details.push(("projects", printable(projects.join(", ").as_bytes())));
    }
    Some(verdict)
}

pub(super) fn pypi_sample(random: &mut Random) -> String {
    let mut bytes = vec![VERSION];
    let mut packet = |kind: u8, data: &[u8]| {
        bytes.extend([kind, data.len() as u8]);
        bytes.extend(data);
    };
    packet(LOCATION, b"pypi.org");
    let identifier = random.uuid();
    packet(IDENTIFIER, identifier.as_bytes());
    bytes.push(END);
    bytes.push(END);
    bytes.extend([SIGNATURE, SIGNATURE_LENGTH as u8]);
    bytes.extend(random.bytes(SIGNATURE_LENGTH));
    format!("pypi-{}", data_encoding::BASE64URL_NOPAD.encode(&bytes))
}

struct Macaroon<'a> {
    location: &'a [u8],
    caveats: Vec<&'a [u8]>,
}

fn parse(bytes: &[u8]) -> Option<Macaroon<'_>> {
    let mut rest = bytes.strip_prefix(&[VERSION])?;
    let location = data(&mut rest, LOCATION)?;
    data(&mut rest, IDENTIFIER)?;
    end(&mut rest)?;
    let mut caveats = Vec::new();
    while end(&mut rest).is_none() {
        if rest.first() == Some(&LOCATION) {
            data(&mut rest, LOCATION)?;
        }
        caveats.push(data(&mut rest, IDENTIFIER)?);
        if rest.first() == Some(&VERIFICATION) {
            data(&mut rest, VERIFICATION)?;
        }
        end(&mut rest)?;
        (caveats.len() <= MAX_CAVEATS).then_some(())?;
    }
    let signature = data(&mut rest, SIGNATURE)?;
    (signature.len() == SIGNATURE_LENGTH && rest.is_empty()).then_some(Macaroon { location, caveats })
}

fn end(rest: &mut &[u8]) -> Option<()> {
    *rest = rest.strip_prefix(&[END])?;
    Some(())
}

/// The data of a packet of this kind; its length is a number of seven bits a byte, least significant first.
fn data<'a>(rest: &mut &'a [u8], kind: u8) -> Option<&'a [u8]> {
    let mut bytes = rest.strip_prefix(&[kind])?;
    let mut length = 0_usize;
    for shift in [0, 7] {
        let (byte, behind) = bytes.split_first()?;
        bytes = behind;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let (data, behind) = bytes.split_at_checked(length)?;
            *rest = behind;
            return Some(data);
        }
    }
    None
}

/// Projects a caveat restricts the token to: `{"permissions": {"projects": […]}}`, or in newer tokens `[1, […]]`.
fn projects(caveat: &[u8]) -> Vec<String> {
    let Ok(caveat) = serde_json::from_slice::<Value>(caveat) else { return Vec::new() };
    let list = match &caveat {
        Value::Array(parts) if parts.first().and_then(Value::as_u64) == Some(1) => parts.get(1),
        other => other.pointer("/permissions/projects"),
    };
    let names = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    names.iter().filter_map(Value::as_str).take(16).map(str::to_owned).collect()
}
