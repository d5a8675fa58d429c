//! What a key is for, from what is known around it.

use crate::finding::CertificateFacts;
use keysweep_keys::KeyMaterial;
use keysweep_keys::decoder::Certificate;
use keysweep_rules::{Purpose, Severity};

/// Extended key usages (RFC 5280 section 4.2.1.12, Microsoft) that name a purpose, most telling first.
const USAGES: [(&str, Purpose); 8] = [
    ("1.3.6.1.5.5.7.3.3", Purpose::CodeSigning),
    ("1.3.6.1.4.1.311.10.3.5", Purpose::CodeSigning),
    ("1.3.6.1.5.5.7.3.8", Purpose::CodeSigning),
    ("1.3.6.1.5.5.7.3.4", Purpose::Email),
    ("1.3.6.1.5.5.7.3.1", Purpose::Tls),
    ("1.3.6.1.5.5.7.3.2", Purpose::Tls),
    // RFC 6187; the certificates of OpenSSH are told by these, too.
    ("1.3.6.1.5.5.7.3.22", Purpose::SshHost),
    ("1.3.6.1.5.5.7.3.21", Purpose::SshUser),
];

/// Words in file names that name a purpose, most telling first.
const NAMES: [(&str, Purpose); 16] = [
    ("ssh_host_", Purpose::SshHost),
    ("id_rsa", Purpose::SshUser),
    ("id_ecdsa", Purpose::SshUser),
    ("id_ed25519", Purpose::SshUser),
    ("id_dsa", Purpose::SshUser),
    ("authkey_", Purpose::PackagePublishing),
    (".snk", Purpose::CodeSigning),
    ("codesign", Purpose::CodeSigning),
    ("code-sign", Purpose::CodeSigning),
    ("token-sign", Purpose::TokenSigning),
    ("tokensign", Purpose::TokenSigning),
    ("jwt", Purpose::TokenSigning),
    ("jwks", Purpose::TokenSigning),
    ("saml", Purpose::TokenSigning),
    ("oidc", Purpose::TokenSigning),
    ("dkim", Purpose::Email),
];

/// The purpose a certificate gives its key.
pub(crate) fn of_certificate(certificate: &Certificate) -> Option<Purpose> {
    if certificate.ca {
        return Some(Purpose::CertificateAuthority);
    }
    let subject = certificate.subject.to_ascii_lowercase();
    if ["token signing", "tokensigning", "token-signing", "adfs signing", "saml"].iter().any(|w| subject.contains(w)) {
        return Some(Purpose::TokenSigning);
    }
    USAGES.iter().find(|(oid, _)| certificate.extended_key_usage.iter().any(|u| u == oid)).map(|(_, p)| *p)
}

/// The purpose of a key: what its form says, else its certificates, else the names of its files, else the rule.
pub(crate) fn of_key(
    material: &KeyMaterial,
    certificates: &[(CertificateFacts, Option<Purpose>)],
    file_names: &[&str],
    default: Purpose,
) -> Purpose {
    let from_form = material.purpose.and_then(|name| name.parse().ok());
    let from_certificate = || certificates.iter().find_map(|(_, purpose)| *purpose);
    let from_name = || {
        let lower: Vec<_> = file_names.iter().map(|n| n.to_ascii_lowercase()).collect();
        NAMES.iter().find(|(word, _)| lower.iter().any(|name| name.contains(word))).map(|(_, p)| *p)
    };
    from_form.or_else(from_certificate).or_else(from_name).unwrap_or(default)
}

/// A key that others trust to vouch for something is worse to lose than one that only serves its owner.
pub(crate) fn raise(severity: Severity, purpose: Purpose, readable: bool) -> Severity {
    let vouches = matches!(purpose, Purpose::TokenSigning | Purpose::CodeSigning | Purpose::CertificateAuthority);
    if vouches && readable && severity == Severity::High { Severity::Critical } else { severity }
}
