//! What names say of the values that are given to them: a key, a password, or nothing secret.

use super::words::parts;

/// Parts that make a name say: this is no secret.
const HARMLESS: [&str; 51] = [
    "common",
    "weak",
    "banned",
    "forbidden",
    "authenticity",
    "csrf",
    "dkim",
    "xsrf",
    "antiforgery",
    "public",
    "publishable",
    "pub",
    "hash",
    "hashed",
    "hashes",
    "digest",
    "checksum",
    "sha",
    "md",
    "integrity",
    "etag",
    "commit",
    "fingerprint",
    "thumbprint",
    "encrypted",
    "enc",
    "sealed",
    "ciphertext",
    "cipher",
    "mask",
    "masked",
    "redacted",
    "fake",
    "mock",
    "dummy",
    "example",
    "sample",
    "placeholder",
    "template",
    "i",
    "translation",
    "label",
    "regex",
    "pattern",
    "next",
    "continuation",
    "starting",
    "cursor",
    "pagination",
    "sync",
    "page",
];
/// Parts that may follow the word that names the secret.
const SUFFIXES: [&str; 34] = [
    "key",
    "value",
    "val",
    "prod",
    "production",
    "prd",
    "dev",
    "development",
    "staging",
    "stage",
    "stg",
    "live",
    "test",
    "qa",
    "uat",
    "new",
    "old",
    "current",
    "primary",
    "secondary",
    "main",
    "base",
    "raw",
    "plain",
    "plaintext",
    "str",
    "string",
    "hex",
    "secret",
    "token",
    "default",
    "admin",
    "root",
    "user",
];
/// What makes a following `key` a secret one.
const KINDS_OF_KEY: [&str; 41] = [
    "api",
    "access",
    "auth",
    "app",
    "application",
    "client",
    "encryption",
    "encrypt",
    "crypto",
    "aes",
    "signing",
    "sign",
    "signature",
    "master",
    "shared",
    "secret",
    "webhook",
    "jwt",
    "session",
    "cookie",
    "hmac",
    "private",
    "service",
    "account",
    "admin",
    "subscription",
    "integration",
    "write",
    "deploy",
    "server",
    "license",
    "licence",
    "storage",
    "sas",
    "push",
    "security",
    "vault",
    "backend",
    "merchant",
    "consumer",
    "rest",
];

/// What makes a following `pass` a password.
const WHOSE_PASS: [&str; 93] = [
    "remote",
    "local",
    "repl",
    "replication",
    "backup",
    "sasl",
    "smb",
    "cifs",
    "jdbc",
    "ssl",
    "key",
    "trust",
    "truststore",
    "app",
    "host",
    "server",
    "mailserver",
    "web",
    "sys",
    "system",
    "sa",
    "wp",
    "git",
    "svn",
    "nexus",
    "jenkins",
    "docker",
    "registry",
    "maven",
    "sonar",
    "splunk",
    "grafana",
    "zabbix",
    "nagios",
    "vault",
    "vm",
    "vcenter",
    "rdp",
    "vnc",
    "telnet",
    "snmp",
    "radius",
    "ipmi",
    "bmc",
    "pop",
    "exchange",
    "su",
    "super",
    "encryption",
    "cert",
    "pfx",
    "jks",
    "wlan",
    "router",
    "u",
    "usr",
    "deploy",
    "service",
    "vpn",
    "zip",
    "admin",
    "api",
    "auth",
    "bind",
    "client",
    "database",
    "db",
    "default",
    "email",
    "ftp",
    "imap",
    "keystore",
    "ldap",
    "login",
    "mail",
    "mongo",
    "mqtt",
    "my",
    "mysql",
    "pg",
    "postgres",
    "proxy",
    "redis",
    "root",
    "sftp",
    "smtp",
    "ssh",
    "sql",
    "store",
    "sudo",
    "user",
    "users",
    "wifi",
];

/// Whether a name is that of a key, token or secret.
pub(crate) fn names_key(name: &[u8]) -> bool {
    let parts = parts(name);
    let named = parts.iter().enumerate().rev().find(|(index, part)| match part.as_str() {
        "secret" | "token" | "bearer" | "authorization" | "apikey" | "authkey" | "accesskey" | "secretkey"
        | "privatekey" | "credential" | "credentials" | "apitoken" | "authtoken" | "accesstoken" | "clientsecret" => {
            true
        }
        // `clientsecret`, `licensekey`
        _ if ["secret", "token", "key"].iter().any(|word| part.strip_suffix(word).is_some_and(is_kind)) => true,
        "key" | "keys" => index.checked_sub(1).is_some_and(|before| KINDS_OF_KEY.contains(&parts[before].as_str())),
        "secrets" | "tokens" | "apikeys" => true,
        _ => false,
    });
    is_plain(&parts, named.map(|(index, _)| index))
}

/// Whether a key, token or secret of this kind is one.
fn is_kind(kind: &str) -> bool {
    KINDS_OF_KEY.contains(&kind) || ["bearer", "bot", "refresh", "my"].contains(&kind)
}

/// Whether a name is that of a password.
pub(crate) fn names_password(name: &[u8]) -> bool {
    let parts = parts(name);
    let named = parts.iter().enumerate().rev().find(|(index, part)| match part.as_str() {
        "password" | "passwd" | "passphrase" | "pwd" | "passwort" | "passcode" => true,
        // Tests pass, and so do parcels.
        "pass" => *index == 0 || WHOSE_PASS.contains(&parts[index - 1].as_str()),
        "pw" => index.checked_sub(1).map_or(parts.len() == 1, |at| WHOSE_PASS.contains(&parts[at].as_str())),
        "psk" | "pswd" | "kennwort" | "contrasena" | "passwords" => true,
        // Abbreviations and slips.
        "psw" | "passw" | "pword" | "psswd" | "pswrd" | "passwrd" | "pasword" | "passwordd" => true,
        // Other languages.
        "senha" | "motdepasse" | "mdp" | "haslo" | "heslo" | "wachtwoord" | "passord" | "adgangskode" | "losenord"
        | "salasana" | "lozinka" | "jelszo" | "parola" | "sifre" => true,
        "passe" => *index >= 2 && parts[index - 2..*index] == ["mot", "de"],
        _ => {
            let short = part.strip_suffix("pass").or(part.strip_suffix("pwd"));
            let long = part.strip_suffix("password").or(part.strip_suffix("passwd"));
            let pw = part.strip_suffix("pw");
            pw.or(short).is_some_and(|whose| WHOSE_PASS.contains(&whose)) || long.is_some_and(|rest| rest.len() <= 12)
        }
    });
    // Of keys it says how they are written, of passwords that they are hashes.
    !parts.iter().any(|part| part == "encoded") && is_plain(&parts, named.map(|(index, _)| index))
}

/// Whether nothing in the name takes back what the part at `named` says.
fn is_plain(parts: &[String], named: Option<usize>) -> bool {
    let Some(named) = named else { return false };
    let follows = |part: &String| SUFFIXES.contains(&part.as_str()) || part.bytes().all(|b| b.is_ascii_digit());
    !is_harmless(parts) && parts[named + 1..].iter().all(follows)
}

/// Whether a part of the name says that it is no secret.
pub(super) fn is_harmless(parts: &[String]) -> bool {
    parts.iter().any(|part| HARMLESS.contains(&part.as_str()))
        // `__RequestVerificationToken` of ASP.NET guards a form.
        || parts.windows(2).any(|pair| pair == ["request", "verification"])
}
