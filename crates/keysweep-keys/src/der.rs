//! The little DER (X.690) that fingerprints need: writing, from parts that are known to be right.
//!
//! Reading is the job of the `der` crate and of the decoders.

/// Tag, length and `body`.
pub fn tlv(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = body.len();
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let bytes = crate::secret::trim_leading_zeros(&bytes);
        out.push(0x80 | bytes.len() as u8);
        out.extend_from_slice(bytes);
    }
    out.extend_from_slice(body);
    out
}

/// SEQUENCE of the given elements, each already encoded.
pub fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &elements.concat())
}

/// INTEGER from an unsigned big-endian number.
pub fn unsigned(number: &[u8]) -> Vec<u8> {
    let number = crate::secret::trim_leading_zeros(number);
    match number.first() {
        None => tlv(0x02, &[0]),
        Some(&first) if first >= 0x80 => tlv(0x02, &[&[0], number].concat()),
        Some(_) => tlv(0x02, number),
    }
}

/// BIT STRING without unused bits.
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], bytes].concat())
}

/// OCTET STRING.
pub fn octet_string(bytes: &[u8]) -> Vec<u8> {
    tlv(0x04, bytes)
}

/// OBJECT IDENTIFIER from its body.
pub fn oid(body: &[u8]) -> Vec<u8> {
    tlv(0x06, body)
}

/// NULL.
pub const NULL: [u8; 2] = [0x05, 0x00];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_short_and_the_long_form() {
        assert_eq!(tlv(4, &[0; 127])[..2], [4, 127]);
        assert_eq!(tlv(4, &[0; 128])[..3], [4, 0x81, 128]);
        assert_eq!(tlv(4, &[0; 256])[..4], [4, 0x82, 1, 0]);
    }

    #[test]
    fn integers_are_unsigned_and_minimal() {
        assert_eq!(unsigned(&[0, 0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(unsigned(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
    }
}
