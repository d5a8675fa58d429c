//! PuTTY's private keys (PPK, appendix "PPK file format" of its manual): header lines, the public half in Base64, and the
//! private half in Base64, encrypted or not. Versions 1 to 3, however the lines were broken or joined.

use super::text::label;
use super::{armour, frame};
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::private::{PrivateKey, RsaNumbers};
use crate::ssh::{Fields, public_key};
use crate::{Algorithm, Curve, KeyMaterial, Proof, Protection, Secret};
use hmac::{Hmac, KeyInit, Mac};
use memchr::memmem;
use sha1::{Digest, Sha1};
use sha2::Sha256;
use std::ops::Range;
use zeroize::Zeroizing;

/// The decoder.
pub(crate) struct Putty;

const RULE: &str = "putty-private-key";
const MAGIC: &str = "PuTTY-User-Key-File-";
/// Longest text of a file. The largest keys take 12 KiB.
const MAX_TEXT: usize = 24 << 10;
/// Names of header lines. Values reach from one to the next, whatever separates lines.
const NAMES: [&[u8]; 11] = [
    b"Encryption:",
    b"Comment:",
    b"Public-Lines:",
    b"Key-Derivation:",
    b"Argon2-Memory:",
    b"Argon2-Passes:",
    b"Argon2-Parallelism:",
    b"Argon2-Salt:",
    b"Private-Lines:",
    b"Private-MAC:",
    b"Private-Hash:",
];

impl Decoder for Putty {
    fn name(&self) -> &'static str {
        "putty"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[RULE]
    }

    fn anchors(&self) -> &'static [Anchor] {
        const ANCHORS: [Anchor; 1] = [Anchor::text(MAGIC)];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 0, after: MAX_TEXT }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let text = hit.from_anchor();
        let Some(file) = File::read(text) else { return };
        if let Some(material) = file.material() {
            let end = hit.anchor.start + file.length;
            sink.examined_up_to(end);
            sink.key(RULE, hit.anchor.start..end, material);
        }
    }
}

/// The parts of a file.
struct File<'a> {
    version: u8,
    algorithm: &'a [u8],
    values: [Option<&'a [u8]>; NAMES.len()],
    public: Zeroizing<Vec<u8>>,
    private: Zeroizing<Vec<u8>>,
    length: usize,
}

impl<'a> File<'a> {
    fn read(text: &'a [u8]) -> Option<Self> {
        let head = &text[MAGIC.len()..];
        let version = head.first().filter(|v| (b'1'..=b'3').contains(*v)).map(|v| v - b'0')?;
        let head = head[1..].strip_prefix(b":")?;
        let first = memmem::find(&head[..head.len().min(200)], NAMES[0])?;
        // Text of another file ends this one, and so do bytes that no text has.
        let next = memmem::find(head, MAGIC.as_bytes()).unwrap_or(head.len());
        let body = &head[..next];
        let body = &body[..body.iter().position(|b| *b < 0x20 && !b.is_ascii_whitespace()).unwrap_or(next)];
        let algorithm = token(body.get(..first)?);
        let (values, length) = values(body);
        let [_, _, public, _, _, _, _, _, private, ..] = values;
        Some(Self {
            version,
            algorithm,
            public: lines(public?),
            private: lines(private?),
            values,
            length: text.len() - head.len() + length,
        })
    }

    fn value(&self, name: &[u8]) -> Option<&'a [u8]> {
        let index = NAMES.iter().position(|n| *n == name)?;
        self.values[index]
    }

    fn material(&self) -> Option<KeyMaterial> {
        let public = public_key(&self.public)?;
        let encoding = match self.version {
            1 => "PPK 1",
            2 => "PPK 2",
            _ => "PPK 3",
        };
        let encryption = token(self.value(b"Encryption:")?);
        let comment = self.value(b"Comment:").map(line).and_then(label);
        let material = if encryption == b"none" {
            let mut material = frame::of_key(&self.key()?, encoding)?;
            if self.mac_holds() {
                material.proof.statement.push_str("; the MAC holds");
            }
            material
        } else {
            if self.private.len() < 16 || !self.private.len().is_multiple_of(16) {
                return None;
            }
            let proof = Proof::parsed("a PuTTY key whose public half is not encrypted");
            frame::of_public(&public.key, encoding, self.protection(encryption), proof)
        };
        Some(KeyMaterial { comment, ..material })
    }

    /// The private numbers of each type are those that the public half does not have.
    fn key(&self) -> Option<PrivateKey> {
        let (mut public, mut private) = (Fields::new(&self.public), Fields::new(&self.private));
        let owned = |fields: &mut Fields<'_>| fields.next().map(<[u8]>::to_vec);
        let kind = public.next()?;
        let curve = |name: &[u8]| Curve::ALL.into_iter().find(|c| c.ssh_name().is_some_and(|n| n.as_bytes() == name));
        Some(match kind {
            b"ssh-rsa" => {
                let (e, n) = (owned(&mut public)?, owned(&mut public)?);
                let d = Some(Secret::new(private.next()?));
                let primes = vec![Secret::new(private.next()?), Secret::new(private.next()?)];
                PrivateKey::Rsa(RsaNumbers { n, e, d, primes })
            }
            b"ssh-dss" => {
                let [p, q, g, y] = [owned(&mut public)?, owned(&mut public)?, owned(&mut public)?, owned(&mut public)?];
                PrivateKey::Dsa { p, q, g, y: Some(y), x: Secret::new(private.next()?) }
            }
            b"ssh-ed25519" => edwards(Algorithm::Ed25519, 32, &mut public, &mut private)?,
            b"ssh-ed448" => edwards(Algorithm::Ed448, 57, &mut public, &mut private)?,
            _ => {
                let curve = curve(public.next()?)?;
                PrivateKey::Ec { curve, d: Secret::new(private.next()?), public: owned(&mut public) }
            }
        })
    }

    /// The MAC of a file without passphrase: its key is empty (version 3), or from a constant (versions 1 and 2).
    fn mac_holds(&self) -> bool {
        let stored = |name: &[u8]| super::text::hex(token(self.value(name)?));
        if self.version == 1 {
            let hash = Sha1::digest(&*self.private);
            return stored(b"Private-Hash:").is_some_and(|stored| *stored == hash[..]);
        }
        let (encryption, comment) = (self.value(b"Encryption:"), self.value(b"Comment:"));
        let (Some(encryption), Some(comment)) = (encryption.map(token), comment.map(line)) else { return false };
        let mut input = Zeroizing::new(Vec::new());
        for part in [self.algorithm, encryption, comment, &self.public, &self.private] {
            input.extend_from_slice(&(part.len() as u32).to_be_bytes());
            input.extend_from_slice(part);
        }
        let Some(stored) = stored(b"Private-MAC:") else { return false };
        if self.version == 2 {
            let key = Sha1::digest(b"putty-private-key-file-mac-key");
            return Hmac::<Sha1>::new_from_slice(&key)
                .is_ok_and(|mac| mac.chain_update(&*input).verify_slice(&stored).is_ok());
        }
        Hmac::<Sha256>::new_from_slice(&[]).is_ok_and(|mac| mac.chain_update(&*input).verify_slice(&stored).is_ok())
    }

    fn protection(&self, cipher: &[u8]) -> Protection {
        let number =
            |name: &[u8]| self.value(name).and_then(|v| std::str::from_utf8(token(v)).ok()?.parse::<u64>().ok());
        let (kdf, weak) = match self.value(b"Key-Derivation:").map(token) {
            Some(name) if self.version == 3 => {
                let memory = number(b"Argon2-Memory:").unwrap_or(0);
                let passes = number(b"Argon2-Passes:").unwrap_or(0);
                let kdf = format!("{}, {memory} KiB, {passes} passes", label(name).unwrap_or_default());
                // OWASP's least cost of Argon2id is 7 MiB and 5 passes; their product is what an attack pays.
                (kdf, memory.saturating_mul(passes) < 7 * 1024 * 5)
            }
            _ => ("SHA-1 of the passphrase, 1 iteration".to_owned(), true),
        };
        Protection::Encrypted { cipher: label(cipher).unwrap_or_default(), kdf, weak }
    }
}

fn edwards(algorithm: Algorithm, size: usize, public: &mut Fields<'_>, private: &mut Fields<'_>) -> Option<PrivateKey> {
    let stored = public.next()?.to_vec();
    let number = private.next()?;
    // An mpint in little-endian order: one zero more where the highest bit is set.
    let mut seed = Zeroizing::new(number.get(..number.len().min(size))?.to_vec());
    seed.resize(size, 0);
    Some(PrivateKey::Okp { algorithm, seed: Secret::from(seed), public: Some(stored) })
}

/// The values of all header lines, and where the last one ends.
fn values(body: &[u8]) -> ([Option<&[u8]>; NAMES.len()], usize) {
    let mut places: Vec<(usize, Range<usize>)> = Vec::new();
    let mut from = 0;
    for (index, name) in NAMES.iter().enumerate() {
        // In the order of the format, so that a comment that looks like a header line does no harm.
        if let Some(at) = memmem::find(&body[from..], name) {
            let begin = from + at;
            from = begin + name.len();
            places.push((index, begin..from));
        }
    }
    let mut values = [None; NAMES.len()];
    for (position, (index, place)) in places.iter().enumerate() {
        let end = places.get(position + 1).map_or(body.len(), |(_, next)| next.start);
        values[*index] = Some(&body[place.end..end]);
    }
    let length = places.last().map_or(0, |(index, place)| {
        let value = &body[place.end..];
        let last = if NAMES[*index] == b"Private-Lines:" { lines_length(value) } else { token_end(value) };
        place.end + last
    });
    (values, length)
}

/// The first word of a value: up to white space or an escape.
fn token(value: &[u8]) -> &[u8] {
    let start = value.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(value.len());
    let word = &value[start..];
    &word[..super::text::run(word, |b| b.is_ascii_graphic() && !b"\\\"'`<,;".contains(&b))]
}

fn token_end(value: &[u8]) -> usize {
    value.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(0) + token(value).len()
}

/// The first line of a value, line ends in any spelling.
fn line(value: &[u8]) -> &[u8] {
    let end = value.iter().position(|b| b"\r\n".contains(b)).unwrap_or(value.len());
    let end = memmem::find(&value[..end], b"\\n").map_or(end, |at| at.min(end));
    let end = memmem::find(&value[..end], b"\\r").map_or(end, |at| at.min(end));
    value[..end].trim_ascii()
}

/// Bytes of a number of lines and the lines: up to padding, or to what belongs to no text of this kind.
fn lines_length(value: &[u8]) -> usize {
    let ends = |window: &[u8]| window[0] == b'=' && window[1] != b'=';
    let end = value.windows(2).position(ends).map_or(value.len(), |at| at + 1);
    super::text::run(&value[..end], |b| b.is_ascii_graphic() || b.is_ascii_whitespace())
}

/// The bytes of a number of lines and the lines themselves.
fn lines(value: &[u8]) -> Zeroizing<Vec<u8>> {
    let start = value.iter().position(u8::is_ascii_digit).unwrap_or(0);
    let start = start + super::text::run(&value[start..], |b| b.is_ascii_digit());
    let mut symbols = Zeroizing::new(Vec::with_capacity(value.len()));
    let mut bytes = value[start..].iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next() {
                Some(b'/') => symbols.push(b'/'),
                Some(_) => {}
                None => break,
            },
            b'=' => break,
            b'-' | b'_' => {}
            other => symbols.push(other),
        }
    }
    armour::decode(&symbols)
}

#[cfg(test)]
mod tests {
    use super::super::trial::{only, scan, spki, torture};
    use super::*;
    use crate::ProofLevel;
    use std::path::Path;

    /// Made by puttygen 0.78 of keys whose fingerprints `ssh-keygen -l` and `puttygen -l` tell.
    const RSA: &str = "SHA256:lar8cSZKp8nwfc8hmLufgvQb8L8MFpClagBJCe3FHwM";
    const DSA: &str = "SHA256:Nc+w321iUwa1LC0UzIW/Ii+pS45zG/7P0SMd0Bcn++Q";
    const P256: &str = "SHA256:gqL4K7if3/KEsWi4jdiEy+FENtSXzM9FeAAzOPkCD9I";
    const ED25519: &str = "SHA256:CuqSKUE4h2JrDYQGFXRNBAa1kdRzvhhGVxfSPtgipAU";
    const ED448: &str = "SHA256:fYPeg8j1uWWXXQjDP9uWoFO17Wd1sgq5No6773tY3lE";
    const OPEN: [(&str, &str); 7] = [
        ("rsa-v2", RSA),
        ("rsa-v3", RSA),
        ("dsa-v3", DSA),
        ("p256-v3", P256),
        ("ed25519-v2", ED25519),
        ("ed25519-v3", ED25519),
        ("ed448-v3", ED448),
    ];

    fn read(name: &str) -> Vec<u8> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/putty").join(format!("{name}.ppk"));
        std::fs::read(path).unwrap()
    }

    fn ssh(material: &KeyMaterial) -> &str {
        material.public.as_ref().and_then(|p| p.ssh.as_deref()).unwrap_or_default()
    }

    #[test]
    fn open_keys_are_proven_and_their_macs_hold() {
        for (name, fingerprint) in OPEN {
            let found = only(&Putty, &read(name));
            assert_eq!(found.material.proof.level, ProofLevel::Proven, "{name}");
            assert!(found.material.proof.statement.ends_with("the MAC holds"), "{name}");
            assert!(found.material.comment.is_some());
            assert_eq!(found.range, 0..read(name).len() - 1, "{name}");
            if name != "ed448-v3" {
                assert_eq!(ssh(&found.material), fingerprint, "{name}");
            }
        }
    }

    #[test]
    fn encrypted_keys_tell_their_cost() {
        let found = only(&Putty, &read("p256-v3-encrypted")).material;
        assert_eq!(ssh(&found), P256);
        assert_eq!(found.protection.to_string(), "encrypted with aes256-cbc (Argon2id, 1024 KiB, 3 passes, weak)");
        let found = only(&Putty, &read("rsa-v2-encrypted")).material;
        assert_eq!(ssh(&found), RSA);
        assert_eq!(
            found.protection.to_string(),
            "encrypted with aes256-cbc (SHA-1 of the passphrase, 1 iteration, weak)"
        );
    }

    #[test]
    fn lines_may_be_broken_in_any_way() {
        for name in ["rsa-v3", "ed25519-v2", "p256-v3-encrypted"] {
            let text = String::from_utf8(read(name)).unwrap();
            for damaged in [
                text.replace('\n', "\r\n"),
                text.replace('\n', "\r"),
                text.replace('\n', "\\r\\n"),
                text.replace('\n', "\n    "),
                text.replace('\n', " "),
                format!("{{\"key\": \"{}\"}}", text.replace('\n', "\\n").replace('/', "\\/")),
                text.split("Private-MAC").next().unwrap().to_owned(),
                format!("{text}{text}").replace("Comment: t", "Comment: T"),
            ] {
                let found = scan(&Putty, damaged.as_bytes()).found;
                assert!(!found.is_empty(), "{damaged}");
                let public = only(&Putty, &read(name)).material.public;
                assert!(found.iter().all(|f| f.material.public == public), "{damaged}");
            }
        }
    }

    #[test]
    fn version_1_has_a_hash_in_place_of_a_mac() {
        let text = String::from_utf8(read("rsa-v2")).unwrap();
        let private =
            lines(text.split("Private-Lines:").nth(1).unwrap().split("Private-MAC").next().unwrap().as_bytes());
        let hash = data_encoding::HEXLOWER.encode(&Sha1::digest(&*private));
        let head = text.split("Private-MAC").next().unwrap().replace("File-2", "File-1");
        let found = only(&Putty, format!("{head}Private-Hash: {hash}\n").as_bytes()).material;
        assert!(found.encoding == "PPK 1" && found.proof.statement.ends_with("the MAC holds"));
    }

    #[test]
    fn contradicting_halves_are_no_key() {
        let (rsa, other) =
            (String::from_utf8(read("ed25519-v3")).unwrap(), String::from_utf8(read("ed448-v3")).unwrap());
        let half = |text: &str, at: usize| text.split("Private-Lines").nth(at).unwrap().to_owned();
        let mixed = format!("{}Private-Lines{}", half(&rsa, 0), half(&other, 1));
        assert!(scan(&Putty, mixed.as_bytes()).found.is_empty());
        for text in
            ["PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\n", "PuTTY-User-Key-File-9: x", "PuTTY-User-Key-File-"]
        {
            assert!(scan(&Putty, text.as_bytes()).found.is_empty());
        }
    }

    #[test]
    fn damage_does_no_harm() {
        for name in ["rsa-v2", "p256-v3", "p256-v3-encrypted", "ed448-v3"] {
            torture(&Putty, &read(name), 2_500);
            assert!(!spki(&only(&Putty, &read(name))).is_empty());
        }
    }
}
