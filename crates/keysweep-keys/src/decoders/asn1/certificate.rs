//! X.509 certificates (RFC 5280): only what tells whose key it is and what for.

use super::name::{self, string};
use super::{
    AlgorithmIdentifier, BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, context, dotted, spki,
};
use crate::PublicKey;
use crate::decoder::Certificate;
use sha2::{Digest, Sha256};

/// Names of the subject alternative name that are kept.
const MAX_NAMES: usize = 16;
/// Extended key usages that are kept.
const MAX_USAGES: usize = 16;
/// Extensions that are looked at.
const MAX_EXTENSIONS: usize = 64;
/// Longest name that is kept, in characters.
const MAX_NAME: usize = 200;

/// Bodies of the object identifiers of extensions.
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];

/// The certificate at the start of `bytes`: its key, its facts and the bytes that it spans.
pub(crate) fn read(bytes: &[u8]) -> Option<(PublicKey, Certificate, usize)> {
    let whole = super::element(bytes).filter(|e| e.tag == SEQUENCE)?;
    let mut outer = Reader::new(whole.body);
    let mut inner = outer.enter(SEQUENCE)?;
    AlgorithmIdentifier::read(&mut outer)?;
    outer.take(BIT_STRING)?;
    if !outer.is_empty() {
        return None;
    }
    inner.take(context(0)); // Version; version 1 has none.
    inner.take(INTEGER)?;
    AlgorithmIdentifier::read(&mut inner)?;
    let issuer = inner.take(SEQUENCE)?;
    let mut validity = inner.enter(SEQUENCE)?;
    let (not_before, not_after) = (time(&mut validity)?, time(&mut validity)?);
    let subject = inner.take(SEQUENCE)?;
    let (key, spki_length) = spki::read(inner.rest())?;
    let mut certificate = Certificate {
        subject: name::text(subject),
        issuer: name::text(issuer),
        names: Vec::new(),
        not_before,
        not_after,
        ca: false,
        extended_key_usage: Vec::new(),
        sha256: Sha256::digest(whole.whole).into(),
    };
    let mut rest = Reader::new(&inner.rest()[spki_length..]);
    while let Some(element) = rest.next() {
        if element.tag == context(3) {
            extensions(element.body, &mut certificate);
        }
    }
    Some((key, certificate, whole.whole.len()))
}

fn extensions(body: &[u8], certificate: &mut Certificate) {
    let Some(mut all) = Reader::new(body).enter(SEQUENCE) else { return };
    for _ in 0..MAX_EXTENSIONS {
        let Some(mut extension) = all.enter(SEQUENCE) else { return };
        let Some(oid) = extension.take(OID) else { return };
        extension.take(BOOLEAN); // Critical.
        let Some(value) = extension.take(OCTET_STRING) else { return };
        let Some(mut value) = Reader::new(value).enter(SEQUENCE) else { continue };
        match oid {
            BASIC_CONSTRAINTS => certificate.ca = value.take(BOOLEAN).is_some_and(|b| b != [0]),
            EXTENDED_KEY_USAGE => {
                while certificate.extended_key_usage.len() < MAX_USAGES
                    && let Some(usage) = value.take(OID)
                {
                    certificate.extended_key_usage.push(dotted(usage));
                }
            }
            ALTERNATIVE_NAME => {
                while certificate.names.len() < MAX_NAMES
                    && let Some(name) = value.next()
                {
                    certificate.names.extend(general_name(name.tag, name.body));
                }
            }
            _ => {}
        }
    }
}

/// A mail address, DNS name, URI or IP address.
fn general_name(tag: u8, body: &[u8]) -> Option<String> {
    match (tag, body.len()) {
        (0x81 | 0x82 | 0x86, _) => {
            let text = string(0x16, body);
            Some(text.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect())
        }
        (0x87, 4) => Some(std::net::Ipv4Addr::from(<[u8; 4]>::try_from(body).ok()?).to_string()),
        (0x87, 16) => Some(std::net::Ipv6Addr::from(<[u8; 16]>::try_from(body).ok()?).to_string()),
        _ => None,
    }
}

/// UTCTime or GeneralizedTime, in seconds since 1970 UTC.
fn time(reader: &mut Reader<'_>) -> Option<i64> {
    let element = reader.next()?;
    let digits = element.body.strip_suffix(b"Z").unwrap_or(element.body);
    let (year, rest) = match element.tag {
        0x17 => {
            let year = two(digits)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, digits.get(2..)?)
        }
        0x18 => (100 * two(digits)? + two(digits.get(2..)?)?, digits.get(4..)?),
        _ => return None,
    };
    let part = |index: usize| two(rest.get(2 * index..)?);
    let (month, day) = (part(0)?, part(1)?);
    let (hour, minute, second) = (part(2)?, part(3)?, part(4).unwrap_or(0));
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    valid.then(|| days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn two(digits: &[u8]) -> Option<i64> {
    match digits {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', ..] => Some(i64::from(10 * (a - b'0') + (b - b'0'))),
        _ => None,
    }
}

/// Days of the Gregorian calendar, with years that begin in March so that the leap day is the last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_since_1970() {
        // What `date -u +%s` says.
        for (tag, text, seconds) in [
            (0x17, "700101000000Z", Some(0)),
            (0x17, "260102030405Z", Some(1_767_323_045)),
            (0x17, "491231235959Z", Some(2_524_607_999)),
            (0x17, "500101000000Z", Some(-631_152_000)),
            (0x18, "20240229120000Z", Some(1_709_208_000)),
            (0x18, "99991231235959Z", Some(253_402_300_799)),
            (0x18, "20001301000000Z", None),
            (0x17, "26x102030405Z", None),
        ] {
            let element = crate::der::tlv(tag, text.as_bytes());
            assert_eq!(time(&mut Reader::new(&element)), seconds, "{text}");
        }
    }
}
