//! Text encodings that carry a checksum: Bech32 (BIP 173), Base58Check (Bitcoin), and Base32 with a CRC-16 (NATS nkeys,
//! Stellar strkeys). A checksum that holds proves that the text is what it seems.

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// The bytes of a Bech32 text of one case whose human-readable part is `prefix` (lower case), if its checksum holds.
/// There is no limit of 90 characters, as age has none.
pub(crate) fn bech32(text: &[u8], prefix: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = Zeroizing::new(text.to_ascii_lowercase());
    let data = text.strip_prefix(prefix)?.strip_prefix(b"1")?;
    let digits: Option<Vec<u8>> =
        data.iter().map(|b| BECH32.iter().position(|c| c == b).map(|digit| digit as u8)).collect();
    let digits = Zeroizing::new(digits?);
    let value = Zeroizing::new([&expanded(prefix)[..], &digits].concat());
    if polymod(&value) != 1 {
        return None;
    }
    let payload = &digits[..digits.len().checked_sub(6)?];
    let mut bytes = Zeroizing::new(Vec::with_capacity(payload.len() * 5 / 8));
    let (mut buffer, mut bits) = (0u32, 0);
    for &digit in payload {
        buffer = (buffer << 5 | u32::from(digit)) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
        }
    }
    (buffer & ((1 << bits) - 1) == 0 && bits < 5).then_some(bytes)
}

/// Bech32 of `bytes` under `prefix` (lower case).
pub(crate) fn to_bech32(bytes: &[u8], prefix: &str) -> String {
    let mut digits = Vec::with_capacity(bytes.len() * 8 / 5 + 7);
    let (mut buffer, mut bits) = (0u32, 0);
    for &byte in bytes {
        buffer = (buffer << 8 | u32::from(byte)) & 0xfff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            digits.push((buffer >> bits) as u8 & 31);
        }
    }
    if bits > 0 {
        digits.push((buffer << (5 - bits)) as u8 & 31);
    }
    let sum = polymod(&[&expanded(prefix.as_bytes())[..], &digits, &[0; 6]].concat()) ^ 1;
    digits.extend((0..6).map(|i| (sum >> (5 * (5 - i))) as u8 & 31));
    let text: String = digits.iter().map(|&d| char::from(BECH32[usize::from(d)])).collect();
    format!("{prefix}1{text}")
}

fn expanded(prefix: &[u8]) -> Vec<u8> {
    let high = prefix.iter().map(|b| b >> 5);
    let low = prefix.iter().map(|b| b & 31);
    high.chain([0]).chain(low).collect()
}

fn polymod(values: &[u8]) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.iter().fold(1u32, |sum, &value| {
        let top = sum >> 25;
        let sum = (sum & 0x1ff_ffff) << 5 ^ u32::from(value);
        GENERATOR.iter().enumerate().filter(|(i, _)| top >> i & 1 == 1).fold(sum, |sum, (_, g)| sum ^ g)
    })
}

/// Whether `b` is a digit of Base58.
pub(crate) fn is_base58(b: u8) -> bool {
    b.is_ascii_alphanumeric() && !b"0OIl".contains(&b)
}

/// The payload of a Base58Check text of at most 128 characters, without the four checksum bytes, if they hold.
pub(crate) fn base58check(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if text.len() > 128 {
        return None; // Decoding takes quadratic time.
    }
    let mut bytes = Zeroizing::new(bs58::decode(text).into_vec().ok()?);
    let length = bytes.len().checked_sub(4)?;
    let sum = Sha256::digest(Sha256::digest(&bytes[..length]));
    if bytes[length..] != sum[..4] {
        return None;
    }
    bytes.truncate(length);
    Some(bytes)
}

/// Base58Check of a payload.
pub(crate) fn to_base58check(payload: &[u8]) -> String {
    let sum = Sha256::digest(Sha256::digest(payload));
    bs58::encode([payload, &sum[..4]].concat()).into_string()
}

/// Whether `b` is a digit of Base32 (RFC 4648).
pub(crate) fn is_base32(b: u8) -> bool {
    matches!(b, b'A'..=b'Z' | b'2'..=b'7')
}

/// The bytes of an unpadded Base32 text that ends in a little-endian CRC-16 of the rest, without it, if it holds.
pub(crate) fn base32_crc16(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(BASE32_NOPAD.decode(text).ok()?);
    let length = bytes.len().checked_sub(2)?;
    if bytes[length..] != crc16(&bytes[..length]).to_le_bytes() {
        return None;
    }
    bytes.truncate(length);
    Some(bytes)
}

/// Unpadded Base32 of `bytes` and their CRC-16.
pub(crate) fn to_base32_crc16(bytes: &[u8]) -> String {
    BASE32_NOPAD.encode(&[bytes, &crc16(bytes).to_le_bytes()].concat())
}

/// CRC-16/XMODEM: polynomial 0x1021, initial value 0.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0u16, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc16_has_the_catalogued_check_value() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }

    #[test]
    fn bech32_agrees_with_bip_173() {
        // A valid string of BIP 173, with and without damage.
        let valid = b"split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w";
        let bytes = bech32(valid, b"split").unwrap();
        assert_eq!(to_bech32(&bytes, "split").as_bytes(), valid);
        assert!(bech32(&valid.to_ascii_uppercase(), b"split").is_some());
        assert!(bech32(b"split1cheo2y9e2w", b"split").is_none());
        let mut damaged = valid.to_vec();
        damaged[20] = b'q';
        assert!(bech32(&damaged, b"split").is_none());
        assert!(bech32(b"split1", b"split").is_none() && bech32(b"", b"split").is_none());
    }

    #[test]
    fn base58check_round_trips() {
        let text = to_base58check(&[0x80; 33]);
        assert_eq!(base58check(text.as_bytes()).unwrap().as_slice(), [0x80; 33]);
        assert!(base58check(&text.as_bytes()[1..]).is_none());
    }

    #[test]
    fn base32_with_crc_round_trips() {
        let text = to_base32_crc16(&[7; 34]);
        assert_eq!(base32_crc16(text.as_bytes()).unwrap().as_slice(), [7; 34]);
        assert!(base32_crc16(text.replace('A', "B").as_bytes()).is_none());
    }
}
