//! The hunt for the private halves of given keys: which keys, and what was tried.

use crate::file::Seen;
use crate::finding::{Finding, Hunt, HuntedKey};
use crate::{Report, Scanner};
use keysweep_keys::decoder::{PublicKind, PublicObject};
use keysweep_keys::{Algorithm, PublicKey};
use keysweep_memory::{Step, Tested};
use std::sync::{Mutex, PoisonError};

/// A key whose private half is hunted for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Where it was given, and what is said of it there.
    pub label: String,
    /// Its names, of which one is enough: `spki-sha256:…`, OpenSSH's `SHA256:…`.
    pub fingerprints: Vec<String>,
    /// The key itself; without it only keys that are recognised anyway can be compared with its fingerprint.
    pub key: Option<PublicKey>,
}

/// Keys read of one file.
const MAX_KEYS: usize = 10_000;

/// What to hunt for, and what was tried so far.
pub(crate) struct Hunting {
    pub(crate) wanted: Vec<Wanted>,
    pub(crate) step: Step,
    /// The keys that numbers can be tried against.
    pub(crate) keys: Vec<PublicKey>,
    pub(crate) tested: Mutex<Tested>,
}

impl Hunting {
    pub(crate) fn new(wanted: Vec<Wanted>, every_byte: bool) -> Self {
        let keys = wanted.iter().filter_map(|w| w.key.clone()).collect();
        let step = if every_byte { Step::Bytes } else { Step::Words };
        Self { wanted, step, keys, tested: Mutex::default() }
    }

    pub(crate) fn tested(&self, tested: &Tested) {
        self.tested.lock().unwrap_or_else(PoisonError::into_inner).absorb(tested);
    }

    /// Leaves in the report what belongs to a wanted key, and says what was tried.
    pub(crate) fn conclude(&self, report: &mut Report) {
        report.findings.retain(|finding| self.wanted.iter().any(|wanted| wanted.is(finding)));
        let tested = self.tested.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let keys = self.wanted.iter().map(|wanted| {
            let found = report.findings.iter().find(|finding| wanted.is(finding));
            HuntedKey {
                label: wanted.label.clone(),
                algorithm: wanted.key.as_ref().map(|key| key.algorithm.to_string()),
                bits: wanted.key.as_ref().map(|key| key.bits),
                fingerprint: wanted.fingerprints.first().cloned().unwrap_or_default(),
                found: found.is_some_and(|f| f.key.as_ref().is_some_and(|key| !key.encrypted)),
                found_encrypted: found.is_some_and(|f| f.key.as_ref().is_some_and(|key| key.encrypted)),
                by_numbers: wanted.key.as_ref().is_some_and(has_numbers),
            }
        });
        report.hunt = Some(Hunt { keys: keys.collect(), bytes: tested.bytes, windows: tested.windows });
    }
}

/// Whether windows of memory can be tried against the key.
fn has_numbers(key: &PublicKey) -> bool {
    use Algorithm::{Ec, Ed448, Ed25519, Rsa, X448, X25519};
    matches!(key.algorithm, Rsa | Ec(_) | Ed25519 | Ed448 | X25519 | X448)
}

impl Wanted {
    fn is(&self, finding: &Finding) -> bool {
        let Some(facts) = &finding.key else { return false };
        let spki = facts.spki_sha256.as_ref().map(|hash| format!("spki-sha256:{hash}"));
        self.fingerprints.iter().any(|own| Some(own) == spki.as_ref() || Some(own) == facts.ssh_sha256.as_ref())
    }

    fn of_object(file: &str, object: &PublicObject) -> Self {
        let said = match &object.kind {
            PublicKind::Certificate(certificate) => format!(" (certificate of {})", certificate.subject),
            PublicKind::Key { comment: Some(comment) } => format!(" ({comment})"),
            PublicKind::Key { comment: None } => String::new(),
        };
        let fingerprint = object.key.fingerprint();
        let fingerprints = std::iter::once(format!("spki-sha256:{}", fingerprint.hex())).chain(fingerprint.ssh);
        Self { label: format!("{file}{said}"), fingerprints: fingerprints.collect(), key: Some(object.key.clone()) }
    }

    fn of_fingerprint(file: &str, host: &str, fingerprint: String) -> Self {
        let host = if host.is_empty() { String::new() } else { format!(" ({host})") };
        Self { label: format!("{file}{host}"), fingerprints: vec![fingerprint], key: None }
    }
}

impl Scanner {
    /// The keys that a file names: certificates, public keys in any form, private keys (their public halves), and lines
    /// with a fingerprint, which may have a host before it.
    pub fn wanted_keys(&self, name: &str, bytes: &[u8]) -> Vec<Wanted> {
        let mut seen = Seen::default();
        // Reading from memory does not fail.
        let _ = self.searcher().search(&bytes, 0..bytes.len() as u64, name, &mut seen, &mut |_, _| {});
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut add = |next: Wanted| {
            let known = wanted.iter().position(|w| w.fingerprints.iter().any(|f| next.fingerprints.contains(f)));
            match known {
                // A certificate says more than a bare key, and a key more than its fingerprint.
                Some(known) if wanted[known].key.is_none() && next.key.is_some() => wanted[known] = next,
                Some(_) => {}
                None if wanted.len() < MAX_KEYS => wanted.push(next),
                None => {}
            }
        };
        let (certificates, keys): (Vec<_>, Vec<_>) =
            seen.public.iter().map(|p| &p.1).partition(|object| matches!(object.kind, PublicKind::Certificate(_)));
        certificates.into_iter().chain(keys).for_each(|object| add(Wanted::of_object(name, object)));
        for raw in &seen.raws {
            if let Some(public) = raw.what.material().and_then(|m| m.public.as_ref()) {
                add(Wanted::of_fingerprint(name, "", format!("spki-sha256:{}", public.hex())));
            }
        }
        fingerprints(bytes).into_iter().for_each(|(host, f)| add(Wanted::of_fingerprint(name, &host, f)));
        wanted
    }
}

/// Lines that hold a fingerprint, each with what stands before it.
fn fingerprints(bytes: &[u8]) -> Vec<(String, String)> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
    let mut found = Vec::new();
    for line in text.lines().take(MAX_KEYS).filter(|line| line.len() < 1000) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((at, fingerprint)) = words.iter().enumerate().find_map(|(i, word)| Some((i, fingerprint(word)?)))
        else {
            continue;
        };
        let host: String = words[..at].join(" ").chars().filter(|c| !c.is_control()).collect();
        found.push((host.trim_end_matches(':').to_owned(), fingerprint));
    }
    found
}

fn fingerprint(word: &str) -> Option<String> {
    let is_hex = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if let Some(base64) = word.strip_prefix("SHA256:") {
        let base64 = base64.trim_end_matches('=');
        let fits = base64.len() == 43 && base64.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b));
        return fits.then(|| format!("SHA256:{base64}"));
    }
    let hex = word.strip_prefix("spki-sha256:").unwrap_or(word);
    is_hex(hex).then(|| format!("spki-sha256:{}", hex.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_with_their_hosts() {
        let hex = "0123456789abcdef".repeat(4);
        let base64 = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ";
        let text = format!(
            "# keys\nspki-sha256:{hex}\nweb-1: {}\ngit.test 256 SHA256:{base64} (ED25519)\nSHA256:x\n",
            hex.to_uppercase()
        );
        let found = fingerprints(text.as_bytes());
        let expected = [
            (String::new(), format!("spki-sha256:{hex}")),
            ("web-1".into(), format!("spki-sha256:{hex}")),
            ("git.test 256".into(), format!("SHA256:{base64}")),
        ];
        assert_eq!(found, expected);
    }
}
