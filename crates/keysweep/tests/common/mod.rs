//! Throwaway keys and the binary, for the end-to-end tests.
#![allow(dead_code, unreachable_pub)] // Each test file uses a part of it.

use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// A throwaway Ed25519 key.
pub struct Key {
    pub seed: [u8; 32],
    pub public: [u8; 32],
}

impl Key {
    /// The key with this number: every number gives another, always the same.
    pub fn new(number: u64) -> Self {
        let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995;
        let mut seed = [0; 32];
        for byte in &mut seed {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = (state >> 24) as u8;
        }
        let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes();
        Self { seed, public }
    }

    /// PKCS #8 version 2 with the public key (RFC 8410 section 7), so that the key can be proven.
    pub fn der(&self) -> Vec<u8> {
        let mut der = HEXLOWER.decode(b"3051020101300506032b657004220420").unwrap();
        der.extend_from_slice(&self.seed);
        der.extend_from_slice(&[0x81, 0x21, 0x00]);
        der.extend_from_slice(&self.public);
        der
    }

    pub fn pem(&self) -> String {
        let base64 = BASE64.encode(&self.der());
        let lines: Vec<&str> = base64.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).unwrap()).collect();
        let label = "PRIVATE KEY";
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    }

    /// The fingerprint keysweep must report.
    pub fn fingerprint(&self) -> String {
        let key = keysweep_keys::PublicKey::okp(keysweep_keys::Algorithm::Ed25519, &self.public).unwrap();
        format!("spki-sha256:{}", key.fingerprint().hex())
    }

    /// Every form in which output would give the secret away.
    pub fn spellings(&self) -> Vec<Vec<u8>> {
        let base64 = BASE64.encode(&self.der());
        let hex = HEXLOWER.encode(&self.seed);
        let mut spellings = vec![self.seed[..8].to_vec(), hex.clone().into_bytes(), hex.to_uppercase().into_bytes()];
        // Any 12 characters from the part of the base64 that holds the seed.
        spellings.extend(base64.as_bytes()[24..60].windows(12).map(<[u8]>::to_vec));
        spellings
    }
}

pub fn keysweep() -> Command {
    Command::new(assert_cmd::cargo::cargo_bin!("keysweep"))
}

/// Runs `keysweep scan --format json` with these arguments.
pub fn scan(args: &[&str]) -> (Value, i32) {
    let output = keysweep().args(["scan", "--format", "json"]).args(args).output().unwrap();
    parse(&output)
}

pub fn scan_path(path: &Path) -> (Value, i32) {
    scan(&[path.to_str().unwrap()])
}

pub fn parse(output: &Output) -> (Value, i32) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}; stderr: {stderr}"));
    (value, output.status.code().unwrap())
}

/// Fingerprints of all findings, sorted.
pub fn fingerprints(report: &Value) -> Vec<String> {
    let mut all: Vec<String> =
        report["findings"].as_array().unwrap().iter().map(|f| f["fingerprint"].as_str().unwrap().to_owned()).collect();
    all.sort();
    all
}

/// Runs a shell command in `dir`; `false` if one of its tools is missing.
pub fn made(dir: &Path, tools: &[&str], command: &str) -> bool {
    let has =
        |tool: &str| Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().unwrap().status.success();
    if let Some(missing) = tools.iter().find(|tool| !has(tool)) {
        eprintln!("skipped: {missing} is missing");
        return false;
    }
    let output = Command::new("sh").args(["-ec", command]).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    true
}
