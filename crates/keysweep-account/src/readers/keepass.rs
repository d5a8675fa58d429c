//! Databases of KeePass (`.kdbx`): encrypted as a whole; the header names the key derivation and its cost.

use super::{Credential, Input, Output, State};

/// Signatures of KeePass 2, least significant byte first.
const MAGIC: [u8; 8] = [0x03, 0xd9, 0xa2, 0x9a, 0x67, 0xfb, 0x4b, 0xb5];
/// Rounds of AES-KDF below which guessing is quick.
const FEW_ROUNDS: u64 = 600_000;

pub(super) fn read(input: &Input<'_>, out: &mut Output) {
    if !input.bytes.starts_with(&MAGIC) {
        if !input.bytes.is_empty() {
            out.problem("is no KeePass database of a known version");
        }
        return;
    }
    let (how, weak) = derivation(input.bytes).unwrap_or_else(|| ("a key derivation that is not known".into(), false));
    out.credential(Credential::new(State::Encrypted { how, weak }));
}

/// The key derivation: Argon2 has its name as the UUID of the parameters of version 4, AES-KDF its rounds in field 6 of version 3.
fn derivation(bytes: &[u8]) -> Option<(String, bool)> {
    let head = bytes.get(..bytes.len().min(1 << 10))?;
    let has = |uuid: &[u8]| memchr::memmem::find(head, uuid).is_some();
    if has(&[0xef, 0x63, 0x6d, 0xdf, 0x8c, 0x29, 0x44, 0x4b]) || has(&[0x9e, 0x29, 0x8b, 0x19, 0x56, 0xdb, 0x47, 0x73])
    {
        return Some(("Argon2".into(), false));
    }
    let major = u16::from_le_bytes(bytes.get(10..12)?.try_into().ok()?);
    if major != 3 {
        return None;
    }
    let mut at = 12;
    loop {
        let id = *bytes.get(at)?;
        let length = usize::from(u16::from_le_bytes(bytes.get(at + 1..at + 3)?.try_into().ok()?));
        let value = bytes.get(at + 3..at + 3 + length)?;
        match id {
            0 => return None,
            6 => {
                let rounds = u64::from_le_bytes(value.try_into().ok()?);
                return Some((format!("AES-KDF, {rounds} rounds"), rounds < FEW_ROUNDS));
            }
            _ => at += 3 + length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    #[test]
    fn rounds_are_judged() {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0, 3, 0, 6, 8, 0]);
        bytes.extend(6_000u64.to_le_bytes());
        let out = read("keepass-database", &bytes);
        assert!(matches!(&out.credentials[0].state, State::Encrypted { how, weak: true } if how.contains("6000")));
        assert!(read("keepass-database", b"nothing").problem.is_some());
    }
}
