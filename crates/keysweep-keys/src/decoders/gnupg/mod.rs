//! GnuPG's private keys: the files in `private-keys-v1.d` (`keyformat.txt` of GnuPG), which are S-expressions alone or after
//! header lines, and the same expressions in the memory of gpg-agent.

mod numbers;
mod sexp;
#[cfg(test)]
mod tests;

use super::frame;
use super::openpgp::protection::octets;
use super::text::label;
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::{KeyMaterial, Proof, Protection, Work};
use numbers::Numbers;
use sexp::Node;

/// The decoder.
pub(crate) struct GnuPg;

const RULE: &str = "gnupg-private-key";
const STUB: &str = "gnupg-key-stub";
/// Header lines before an expression.
const MAX_HEADERS: usize = 4 << 10;
/// Longest text before a header on its line.
const MAX_PREFIX: usize = 160;
/// Octets hashed by an S2K below which a passphrase is guessed quickly: GnuPG chooses a tenth of a second's worth, tens
/// of millions.
const FEW_OCTETS: u64 = 1 << 20;

const ANCHORS: [Anchor; 8] = [
    Anchor::binary(b"(11:private-key("),
    Anchor::binary(b"(21:protected-private-key("),
    Anchor::binary(b"(20:shadowed-private-key("),
    Anchor::text("(private-key"),
    Anchor::text("(protected-private-key"),
    Anchor::text("(shadowed-private-key"),
    // How libgcrypt holds a list in memory.
    Anchor::binary(b"\x03\x01\x0b\0private-key\x03"),
    Anchor::binary(b"(19:openpgp-private-key("),
];
const IN_MEMORY: usize = 6;

impl Decoder for GnuPg {
    fn name(&self) -> &'static str {
        "gnupg"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[RULE, STUB]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: MAX_HEADERS, after: sexp::MAX_TEXT }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let Some((node, length, material)) = read(hit) else { return };
        let rule = if matches!(material.protection, Protection::External { .. }) { STUB } else { RULE };
        let range = hit.anchor.start..hit.anchor.start + length;
        sink.key(rule, range, described(material, &node, hit));
    }
}

const FORM: &str = "GnuPG private-keys-v1.d";

/// The expression at the anchor, its length, and the key in it.
fn read(hit: &Hit<'_>) -> Option<(Node, usize, KeyMaterial)> {
    let bytes = hit.from_anchor();
    if hit.index == IN_MEMORY {
        let (node, length, whole) = sexp::memory(bytes)?;
        let material = key(&node, whole, "libgcrypt S-expression", hit.work)?;
        return Some((node, length, material));
    }
    let read = |text: &[u8]| {
        let (node, length, whole) = sexp::text(text)?;
        let material = key(&node, whole, FORM, hit.work)?;
        Some((node, length, material))
    };
    // A header's value is folded wherever its line is full, and not everyone keeps it so.
    let folded = header_prefix(&hit.window[..hit.anchor.start]).and_then(|prefix| {
        let (plain, places) = sexp::unfold(bytes, prefix);
        let (node, length, material) = read(&plain)?;
        Some((node, *places.get(length.checked_sub(1)?)? as usize + 1, material))
    });
    folded.or_else(|| read(bytes))
}

/// What stands on the line before `Key:`, if that is what the text ends with.
fn header_prefix(before: &[u8]) -> Option<&[u8]> {
    let head = before.trim_ascii_end().strip_suffix(b"Key:")?;
    let line = memchr::memrchr2(b'\n', b'\r', head).map_or(0, |at| at + 1);
    Some(&head[line..]).filter(|prefix| prefix.len() <= MAX_PREFIX)
}

fn key(node: &Node, whole: bool, encoding: &'static str, work: &Work) -> Option<KeyMaterial> {
    match node.name()? {
        b"private-key" => numbers_of(node)?.private(encoding, work),
        b"protected-private-key" if whole => protected(node),
        b"shadowed-private-key" if whole => shadowed(node),
        b"openpgp-private-key" => transfer(node, work),
        _ => None,
    }
}

/// The list of numbers, after the name of the form: `(private-key (rsa (n …) … (d …) …) (comment …))`.
fn numbers_of(node: &Node) -> Option<Numbers<'_>> {
    node.items().iter().skip(1).find_map(Numbers::of)
}

/// `(protected-private-key (rsa (n …) (e …) (protected mode ((hash salt count) iv) data) …) …)`
fn protected(node: &Node) -> Option<KeyMaterial> {
    let numbers = numbers_of(node)?;
    let list = numbers.node.list(b"protected")?;
    let mode = list.items().get(1)?.atom()?;
    let (cipher, parameters) = match mode {
        b"openpgp-s2k3-sha1-aes-cbc" => ("AES-128-CBC", list.items().get(2)?),
        b"openpgp-s2k3-sha1-aes256-cbc" => ("AES-256-CBC", list.items().get(2)?),
        b"openpgp-s2k3-ocb-aes" => ("AES-128-OCB", list.items().get(2)?),
        b"openpgp-native" => return native(&numbers, list),
        _ => return None,
    };
    let s2k = parameters.items().first()?.items();
    let hash = label(s2k.first()?.atom()?)?.to_ascii_uppercase();
    let count: u64 = std::str::from_utf8(s2k.get(2)?.atom()?).ok()?.parse().ok()?;
    list.items().get(3)?.atom().filter(|data| data.len() >= 16)?;
    let protection = Protection::Encrypted {
        cipher: cipher.into(),
        kdf: format!("iterated and salted S2K with {}, {count} octets", if hash == "SHA1" { "SHA-1" } else { &hash }),
        weak: count < FEW_OCTETS,
    };
    let proof = Proof::parsed("a protected key whose public half is not encrypted");
    of_public(&numbers, protection, proof)
}

/// A key that was imported and not used yet: still encrypted as in its OpenPGP packet.
fn native(numbers: &Numbers<'_>, list: &Node) -> Option<KeyMaterial> {
    let protection = list.list(b"openpgp-private-key")?.list(b"protection")?;
    of_public(
        numbers,
        transfer_protection(protection)?,
        Proof::parsed("a protected key whose public half is not encrypted"),
    )
}

/// `(protection PROTTYPE PROTALGO IV S2KMODE S2KHASH S2KSALT S2KCOUNT)`; `None` for no protection.
fn transfer_protection(protection: &Node) -> Option<Protection> {
    let item = |index: usize| protection.items().get(index).and_then(Node::atom).and_then(label);
    let kind = item(1).filter(|kind| kind != "none")?;
    let count: Option<u64> = item(7).and_then(|count| count.parse().ok());
    // The count is stored in one octet as in a packet.
    let octets = count.map(|count| u8::try_from(count).map_or(count, octets));
    Some(Protection::Encrypted {
        cipher: item(2)?.to_ascii_uppercase(),
        kdf: format!(
            "S2K {} with {}{}",
            item(4)?,
            item(5)?.to_ascii_uppercase(),
            octets.map_or(String::new(), |octets| format!(", {octets} octets"))
        ),
        weak: kind == "sum" || octets.is_none_or(|octets| octets < FEW_OCTETS),
    })
}

/// `(openpgp-private-key (version 4) (algo rsa) (skey _ n _ e _ d …) …)`, in which gpg and gpg-agent exchange keys.
fn transfer(node: &Node, work: &Work) -> Option<KeyMaterial> {
    let numbers = Numbers::of_transfer(node)?;
    match node.list(b"protection").and_then(transfer_protection) {
        Some(protection) => {
            of_public(&numbers, protection, Proof::parsed("a protected key whose public half is not encrypted"))
        }
        None => numbers.private("GnuPG key transfer", work),
    }
}

/// `(shadowed-private-key (rsa (n …) (e …) (shadowed t1-v1 (serial id))) …)`
fn shadowed(node: &Node) -> Option<KeyMaterial> {
    let numbers = numbers_of(node)?;
    let list = numbers.node.list(b"shadowed")?;
    let keeper = match list.items().get(1)?.atom()? {
        b"tpm2-v1" => "TPM",
        b"t1-v1" => "smart card",
        _ => return None,
    };
    let proof = Proof::parsed("a public key and a reference to where the private one is kept");
    let mut material = of_public(&numbers, Protection::External { keeper: keeper.into() }, proof)?;
    let serial = list.items().get(2).and_then(|info| info.items().first()?.atom());
    if let Some(serial) = serial.filter(|serial| keeper == "smart card" && serial.len() <= 32) {
        material.details.push(("serial number", data_encoding::HEXUPPER.encode(serial)));
    }
    Some(material)
}

fn of_public(numbers: &Numbers<'_>, protection: Protection, proof: Proof) -> Option<KeyMaterial> {
    match numbers.public() {
        Some(public) => {
            let material = frame::of_public(&public, FORM, protection, proof);
            Some(KeyMaterial { algorithm: numbers.algorithm().unwrap_or(public.algorithm), ..material })
        }
        None => Some(frame::of_container(numbers.algorithm()?, numbers.fingerprint_input()?, FORM, protection, proof)),
    }
}

/// Adds what stands beside the numbers: the comment in the expression, and the header lines before it.
fn described(mut material: KeyMaterial, node: &Node, hit: &Hit<'_>) -> KeyMaterial {
    material.comment = node.value(b"comment").and_then(label);
    let before = &hit.window[..hit.anchor.start];
    let start = memchr::memmem::rfind(before, b"Created:").unwrap_or(before.len());
    let mut headers: Vec<&[u8]> = before[start..].split(|b| *b == b'\n').collect();
    headers.truncate(64);
    let header = |name: &[u8]| headers.iter().find_map(|line| line.strip_prefix(name)).and_then(label);
    if let Some(created) = header(b"Created:") {
        material.details.push(("created", created));
    }
    material.comment = material.comment.or_else(|| header(b"Label:")).or_else(|| header(b"Description:"));
    if header(b"Use-for-ssh:").is_some_and(|value| value == "yes" || value.parse::<i32>().is_ok_and(|n| n != 0)) {
        material.purpose = Some("ssh-user");
    }
    if let Some(grip) = hit.file_name.and_then(keygrip) {
        material.details.push(("keygrip", grip));
    }
    material
}

/// Files are named by the keygrip, which is what gpg knows keys by: 40 hex digits.
fn keygrip(file_name: &str) -> Option<String> {
    let grip = file_name.strip_suffix(".key")?;
    (grip.len() == 40 && grip.bytes().all(|b| b.is_ascii_hexdigit())).then(|| grip.to_ascii_uppercase())
}
