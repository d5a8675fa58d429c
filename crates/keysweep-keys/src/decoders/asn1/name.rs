//! Distinguished names as text (RFC 4514), for reports: bounded, and without control characters.

use super::{OID, Reader, SEQUENCE, SET, dotted};

/// Longest text, in characters.
const MAX_NAME: usize = 400;

/// Short names of attribute types: body of the object identifier, name.
const TYPES: &[(&[u8], &str)] = &[
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 4], "SN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "STREET"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 12], "title"),
    (&[0x55, 4, 42], "GN"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], "emailAddress"),
    (&[9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1], "UID"),
    (&[9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25], "DC"),
];

/// The text of a Name, from the body of its SEQUENCE: the last part first, as RFC 4514 has it.
pub(crate) fn text(body: &[u8]) -> String {
    let mut reader = Reader::new(body);
    let mut parts: Vec<String> = Vec::new();
    while let Some(mut set) = reader.enter(SET) {
        let mut values = Vec::new();
        while let Some(part) = set.enter(SEQUENCE) {
            values.extend(attribute(part));
        }
        parts.push(values.join("+"));
        if parts.len() == 64 {
            break;
        }
    }
    parts.reverse();
    parts.join(",").chars().take(MAX_NAME).collect()
}

fn attribute(mut part: Reader<'_>) -> Option<String> {
    let kind = part.take(OID)?;
    let value = part.next()?;
    let name = match TYPES.iter().find(|(oid, _)| *oid == kind) {
        Some((_, name)) => (*name).to_owned(),
        None => dotted(kind),
    };
    Some(format!("{name}={}", escaped(&string(value.tag, value.body))))
}

/// The text of one of ASN.1's string types.
pub(super) fn string(tag: u8, body: &[u8]) -> String {
    let body = &body[..body.len().min(4 * MAX_NAME)];
    match tag {
        // BMPString, UniversalString.
        0x1e => {
            let units = body.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
            char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect()
        }
        0x1c => {
            let units = body.chunks_exact(4).map(|unit| u32::from_be_bytes([unit[0], unit[1], unit[2], unit[3]]));
            units.map(|unit| char::from_u32(unit).unwrap_or('\u{fffd}')).collect()
        }
        // TeletexString: in practice Latin-1.
        0x14 => body.iter().map(|&b| char::from(b)).collect(),
        _ => String::from_utf8_lossy(body).into_owned(),
    }
}

fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars().filter(|c| !c.is_control()) {
        if "\"+,;<>\\".contains(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der;

    fn rdn(kind: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
        der::tlv(SET, &der::sequence(&[&der::oid(kind), &der::tlv(tag, value)]))
    }

    #[test]
    fn names_are_written_as_rfc_4514_says() {
        let body = [
            rdn(&[0x55, 4, 6], 0x13, b"DE"),
            rdn(&[0x55, 4, 10], 0x0c, "Grün, Rot".as_bytes()),
            rdn(&[0x55, 4, 3], 0x1e, &[0, b'a', 0x20, 0xac]),
            rdn(&[0x2a, 3], 0x14, &[0xe9, 7]),
        ];
        assert_eq!(text(&body.concat()), "1.2.3=é,CN=a€,O=Grün\\, Rot,C=DE");
        assert_eq!(text(&[]), "");
        assert_eq!(text(&[0x31, 0x80, 1]), "");
    }
}
