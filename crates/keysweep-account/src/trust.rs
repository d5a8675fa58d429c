//! What is trusted: public keys and certificates that the scan saw, as facts.

use crate::model::{Class, Location};
use keysweep_facts::{Fact, Value};

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
/// somebody accepts. `locations` are those of the file; `given` if the user named it as a place of trust.
pub(crate) fn fact(witness: &Witness, locations: &[&Location], given: bool) -> Option<Fact> {
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
    let lower = witness.path.to_ascii_lowercase();
    let file = lower.rsplit(['/', '\\']).next().unwrap_or(&lower);
    let key_set =
        file.contains("jwks") || file.contains("keys.json") || lower.ends_with(".well-known/openid-configuration/keys");
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

#[cfg(test)]
mod tests {
    use super::*;

    fn witness(path: &str) -> Witness {
        Witness { path: path.into(), fingerprint: "spki-sha256:00".into(), name: None, certificate: None }
    }

    #[test]
    fn key_sets_and_given_files_are_trust_and_other_keys_are_not() {
        assert_eq!(fact(&witness("a/jwks.json"), &[], false).unwrap().text("purpose"), Some("token-signing"));
        assert!(fact(&witness("a/id_rsa.pub"), &[], false).is_none());
        assert!(fact(&witness("a/id_rsa.pub"), &[], true).is_some());
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
        let fact = fact(&Witness { certificate: Some(certificate), ..witness("c.pem") }, &[], false).unwrap();
        assert_eq!((fact.text("purpose"), fact.time("expires")), (Some("code-signing"), Some(0)));
    }
}
