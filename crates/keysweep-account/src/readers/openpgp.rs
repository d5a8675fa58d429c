//! Keyrings of OpenPGP in their binary forms: packets one after the other, and the key box of GnuPG (`kbx/keybox-blob.c`).
//! Those in armour the scan reads.

use super::{Input, MAX_ITEMS, Output};
use keysweep_facts::Fact;
use keysweep_keys::PublicKey;
use keysweep_keys::decoders::openpgp::public_keyring;

/// Shortest blob of a key box, in bytes.
const MIN_BLOB: usize = 32;
/// A blob with an OpenPGP key.
const OPENPGP: u8 = 2;

pub(super) fn read(input: &Input<'_>, out: &mut Output) {
    let keys = if input.bytes.get(8..12) == Some(b"KBXf") {
        boxed(input.bytes, out)
    } else if input.bytes.first().is_some_and(|tag| tag & 0x80 != 0) {
        public_keyring(input.bytes)
    } else {
        Vec::new()
    };
    for (key, name) in keys {
        out.fact(
            Fact::new("trust", "a keyring holds the key")
                .with("fingerprint", format!("spki-sha256:{}", key.fingerprint().hex()))
                .with("accepted_by", input.location.tool.clone())
                .with("purpose", input.location.kind.clone())
                .with_some("name", name.as_deref().map(super::bounded)),
        );
    }
}

/// The keys in the blobs of a key box, each of which tells its length, kind and where in it the key lies.
fn boxed(bytes: &[u8], out: &mut Output) -> Vec<(PublicKey, Option<String>)> {
    let mut keys = Vec::new();
    let mut rest = bytes;
    let word = |blob: &[u8], at: usize| {
        let word = blob.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)?;
        usize::try_from(word).ok()
    };
    while let Some(length) = word(rest, 0) {
        let Some((blob, after)) = rest.split_at_checked(length.max(MIN_BLOB)) else {
            out.problem("is a damaged key box");
            break;
        };
        rest = after;
        if blob[4] == OPENPGP && keys.len() < MAX_ITEMS {
            let block =
                word(blob, 8).zip(word(blob, 12)).and_then(|(at, length)| blob.get(at..at.checked_add(length)?));
            keys.extend(block.map(public_keyring).unwrap_or_default());
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;

    #[test]
    fn damaged_boxes_are_told() {
        let mut bytes = vec![0, 0, 0, 32, 1, 1, 0, 0];
        bytes.extend(b"KBXf");
        bytes.resize(32, 0);
        assert!(read("gnupg-public-ring", &bytes).problem.is_none());
        bytes.extend([0xff, 0xff, 0xff, 0xff, 2, 1]);
        assert!(read("gnupg-public-ring", &bytes).problem.is_some());
        assert!(read("gnupg-public-ring", b"-----BEGIN").facts.is_empty());
    }
}
