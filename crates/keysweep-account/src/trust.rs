//! What is trusted: public keys and certificates that the scan saw, as facts.

use crate::model::{Class, Location};
use keysweep_facts::{Fact, Value};
use std::path::Path;

/// A public key or certificate that the scan saw.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Witness {
    /// The file.
    pub path: String,
    /// `spki-sha256:…`.
    pub fingerprint: String,
    /// Key id or comment.
    pub name: Option<String>,
    /// What is certified, if it is a certificate.
    pub certificate: Option<WitnessedCertificate>,
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WitnessedCertificate {
    /// Subject.
    pub subject: String,
    /// Issuer.
    pub issuer: String,
    /// Seconds since 1970 UTC.
    pub not_after: i64,
    /// Whether it may issue certificates.
    pub ca: bool,
    /// Extended key usages as dotted object identifiers.
    pub usages: Vec<String>,
}

/// Extended key usages and what they allow (RFC 5280 section 4.2.1.12, RFC 6187).
const USAGES: [(&str, &str); 8] = [
    ("1.3.6.1.5.5.7.3.1", "tls-server"),
    ("1.3.6.1.5.5.7.3.2", "tls-client"),
    ("1.3.6.1.5.5.7.3.3", "code-signing"),
    ("1.3.6.1.5.5.7.3.4", "email"),
    ("1.3.6.1.5.5.7.3.8", "time-stamping"),
    ("1.3.6.1.5.5.7.3.9", "ocsp-signing"),
    ("1.3.6.1.5.5.7.3.21", "ssh-user"),
    ("1.3.6.1.5.5.7.3.22", "ssh-host"),
];

/// The fact that a key is trusted, if what was seen says so: a certificate always does, a bare key where keys are that
/// somebody accepts. `locations` are those of the file; `given` if the user named it as a place of trust; `key_set` if it is a
/// set of JSON Web Keys.
pub(crate) fn fact(witness: &Witness, locations: &[&Location], given: bool, key_set: bool) -> Option<Fact> {
    let named =
        Fact::new("trust", "").with("fingerprint", witness.fingerprint.clone()).with("place", witness.path.clone());
    if let Some(certificate) = &witness.certificate {
        let usages: Vec<&str> =
            certificate.usages.iter().filter_map(|u| USAGES.iter().find(|(oid, _)| oid == u)).map(|u| u.1).collect();
        let purpose = if certificate.ca { "ca".to_owned() } else { usages.join(",") };
        let fact = named
            .with("accepted_by", format!("whoever trusts {}", certificate.issuer))
            .with("purpose", if purpose.is_empty() { "any".to_owned() } else { purpose })
            .with("expires", Value::Time(certificate.not_after))
            .with("subject", certificate.subject.clone());
        return Some(Fact { evidence: "a certificate for the key".into(), ..fact });
    }
    let keyring = locations.iter().find(|location| location.class == Class::Trust);
    let (by, purpose, evidence) = if key_set {
        ("whoever reads the key set", "token-signing", "a key set lists the key")
    } else if let Some(location) = keyring {
        (location.tool.as_str(), location.kind.as_str(), "a file of trusted keys lists the key")
    } else if given {
        ("whoever uses the given file", "any", "a file that was given as trusted lists the key")
    } else {
        return None;
    };
    let fact = named.with("accepted_by", by).with("purpose", purpose).with_some("name", witness.name.clone());
    Some(Fact { evidence: evidence.into(), ..fact })
}

/// Whether a file is a set of JSON Web Keys (RFC 7517 section 5): an object with an array `keys`.
pub(crate) fn is_key_set(path: &Path) -> bool {
    /// The member may stand behind others, but hardly behind this many bytes.
    const HEAD: u64 = 64 << 10;
    let Ok(head) = crate::read::head(path, HEAD) else { return false };
    let object = head.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
    let array = |at: usize| {
        let mut rest = head[at + 6..].iter().filter(|b| !b.is_ascii_whitespace());
        rest.next() == Some(&b':') && rest.next() == Some(&b'[')
    };
    object && memchr::memmem::find_iter(&head, b"\"keys\"").any(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn witness(path: &str) -> Witness {
        Witness { path: path.into(), fingerprint: "spki-sha256:00".into(), name: None, certificate: None }
    }

    #[test]
    fn key_sets_and_given_files_are_trust_and_other_keys_are_not() {
        assert_eq!(fact(&witness("a/jwks.json"), &[], false, true).unwrap().text("purpose"), Some("token-signing"));
        assert!(fact(&witness("a/id_rsa.pub"), &[], false, false).is_none());
        assert!(fact(&witness("a/id_rsa.pub"), &[], true, false).is_some());
    }

    #[test]
    fn key_sets_are_told_by_what_is_in_them() {
        let dir = tempfile::tempdir().unwrap();
        let is = |text: &str| {
            let path = dir.path().join("x");
            std::fs::write(&path, text).unwrap();
            is_key_set(&path)
        };
        assert!(is("{\"keys\":[]}") && is(" {\n \"a\": 1, \"keys\" : [\n"));
        assert!(!is("{\"keys\": 1}") && !is("[\"keys\":[") && !is("{\"kty\":\"RSA\"}") && !is(""));
    }

    #[test]
    fn certificates_tell_what_for_and_until_when() {
        let certificate = WitnessedCertificate {
            subject: "CN=a".into(),
            issuer: "CN=ca".into(),
            not_after: 0,
            ca: false,
            usages: vec!["1.3.6.1.5.5.7.3.3".into(), "1.2.3".into()],
        };
        let fact = fact(&Witness { certificate: Some(certificate), ..witness("c.pem") }, &[], false, false).unwrap();
        assert_eq!((fact.text("purpose"), fact.time("expires")), (Some("code-signing"), Some(0)));
    }
}
