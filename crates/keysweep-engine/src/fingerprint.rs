//! Stable names for secrets, that reveal nothing.
//!
//! | secret | fingerprint |
//! |---|---|
//! | key with a known public half | `spki-sha256:` + SHA-256 of the SubjectPublicKeyInfo |
//! | encrypted container, symmetric key | `key-sha256:` + the decoder's identifier |
//! | credential, with a key given by the user | `hmac-sha256:` + HMAC of rule and secret |
//! | credential that cannot be guessed | `secret-sha256:` + hash of rule and secret |
//! | credential that could be guessed (passwords) | `place-sha256:` + hash of rule, file name and the text around it |
//! | file that should not be in a package | `file-sha256:` + hash of rule and path in the package |
//!
//! The plain hash of a password would let everyone with the report test guesses against it, which is why such secrets
//! are named by their place unless the user keeps a key for the purpose.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Entropy in bits from which a secret counts as one that cannot be guessed.
const UNGUESSABLE_BITS: f64 = 80.0;

/// Makes fingerprints of credentials.
#[derive(Default)]
pub struct Fingerprinter {
    key: Option<zeroize::Zeroizing<Vec<u8>>>,
}

impl Fingerprinter {
    /// With the user's own key, every credential is named by a keyed hash.
    pub fn with_key(key: Vec<u8>) -> Self {
        Self { key: Some(key.into()) }
    }

    /// The fingerprint of `secret`, found by `rule` in the file called `file_name`. `context` is the text around the
    /// secret without the secret.
    pub fn credential(&self, rule: &str, secret: &[u8], file_name: &str, context: &[&[u8]]) -> String {
        if let Some(key) = &self.key {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
            for part in [b"keysweep credential v1".as_slice(), rule.as_bytes(), secret] {
                mac.update(part);
                mac.update(&[0]);
            }
            return format!("hmac-sha256:{}", hex(&mac.finalize().into_bytes()));
        }
        if estimated_bits(secret) >= UNGUESSABLE_BITS {
            return format!("secret-sha256:{}", hash(&[b"keysweep credential v1", rule.as_bytes(), secret]));
        }
        let mut parts = vec![b"keysweep place v1".as_slice(), rule.as_bytes(), file_name.as_bytes()];
        parts.extend(context);
        format!("place-sha256:{}", hash(&parts))
    }
}

/// The name of a file that `rule` does not want at `path` in a package; without a path, of all such files together. It says
/// nothing of what is in the file.
pub(crate) fn file(rule: &str, path: Option<&str>) -> String {
    let parts = [b"keysweep file v1".as_slice(), rule.as_bytes(), path.unwrap_or_default().as_bytes()];
    format!("file-sha256:{}", hash(&parts))
}

/// SHA-256 over the parts, each with its length, in hex.
fn hash(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A cautious estimate: Shannon entropy of the bytes times their number, and little for plain words, which a
/// dictionary guesses.
fn estimated_bits(secret: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for &b in secret {
        counts[usize::from(b)] += 1;
    }
    let total = secret.len() as f64;
    let shannon: f64 = counts
        .iter()
        .filter(|&&c| c > 0)
        .map(|&c| {
            let p = f64::from(c) / total;
            -p * p.log2()
        })
        .sum();
    let letters = secret.iter().filter(|b| b.is_ascii_alphabetic()).count() as f64;
    let mixed = secret.iter().any(u8::is_ascii_lowercase) && secret.iter().any(u8::is_ascii_uppercase);
    let wordy = letters / total > 0.85 && !mixed;
    shannon * total * if wordy { 0.4 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(f: &Fingerprinter, secret: &str, context: &str) -> String {
        f.credential("rule", secret.as_bytes(), "app.env", &[context.as_bytes()])
    }

    #[test]
    fn random_tokens_are_named_by_content_and_passwords_by_place() {
        let f = Fingerprinter::default();
        let token = "Zk3vQ9xT1mB7uY5rW2nC8pLd";
        assert!(name(&f, token, "a").starts_with("secret-sha256:"));
        assert_eq!(name(&f, token, "a"), name(&f, token, "b"), "moving does not change it");
        for password in ["hunter2", "correct horse battery staple", "Summer2024!"] {
            assert!(name(&f, password, "a").starts_with("place-sha256:"), "{password}");
            assert_eq!(name(&f, password, "a"), name(&f, "other", "a"), "it says nothing of the secret");
            assert_ne!(name(&f, password, "a"), name(&f, password, "b"));
        }
    }

    #[test]
    fn a_key_separates_all_secrets_by_content() {
        let f = Fingerprinter::with_key(b"k".to_vec());
        assert_eq!(name(&f, "hunter2", "a"), name(&f, "hunter2", "b"));
        assert_ne!(name(&f, "hunter2", "a"), name(&f, "hunter3", "a"));
        assert_ne!(name(&f, "hunter2", "a"), name(&Fingerprinter::with_key(b"j".to_vec()), "hunter2", "a"));
    }
}
