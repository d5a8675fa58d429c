//! Keys made by OpenSSH 9.2, PuTTY 0.78 and Dropbear 2022.83; fingerprints as `ssh-keygen -l`, `puttygen -l` and
//! `dropbearkey -y` tell them. `sk-*` are as `PROTOCOL.u2f` has them, since enrolling a key needs a token.

use super::{Commercial, OpenSsh, PublicText, Ssh1, Wire};
use crate::decoder::{Decoder, Found, PublicKind, Sink};
use crate::decoders::trial::{only, scan, scan_as, spki, torture};
use crate::{Algorithm, ProofLevel, Protection};
use data_encoding::BASE64;
use std::path::Path;

const RSA: &str = "SHA256:lar8cSZKp8nwfc8hmLufgvQb8L8MFpClagBJCe3FHwM";
const DSA: &str = "SHA256:Nc+w321iUwa1LC0UzIW/Ii+pS45zG/7P0SMd0Bcn++Q";
const P256: &str = "SHA256:gqL4K7if3/KEsWi4jdiEy+FENtSXzM9FeAAzOPkCD9I";
const P384: &str = "SHA256:NW0L+nG8th8Y7ZK5x6G+P8EL39ne6uuS7Uj1P3S8pC4";
const P521: &str = "SHA256:T+AduBNV3y86G4xMouvxMF3dFa3lSg6E+KNK0v3QBJE";
const ED25519: &str = "SHA256:CuqSKUE4h2JrDYQGFXRNBAa1kdRzvhhGVxfSPtgipAU";
const PLAIN: [(&str, &str); 6] =
    [("rsa", RSA), ("dsa", DSA), ("p256", P256), ("p384", P384), ("p521", P521), ("ed25519", ED25519)];
const DROPBEAR: [(&str, &str); 4] = [
    ("rsa", "SHA256:svRqJlVBgqNMP9Mx0VptI5MAyBtSHD5NwrzN04weD+U"),
    ("dss", "SHA256:zeBgRBggclavTtQ7AKsFoFjetq9KqeVkPZqm99FQTvc"),
    ("ecdsa", "SHA256:T0nC4mr11RikIUbq89xQof7Q/VhU45yQdLeDl4CmuR8"),
    ("ed25519", "SHA256:Ka6ESblte1yuHAAM0mwYfWo/rVkcK0QFiaP4L6WjKmY"),
];
const HANDLES: [(&str, &str, &str); 2] = [
    ("sk-ed25519", "SHA256:cNM3GX3Q2aQ2dnPrbEZVLikv77ln1HwQFuykfm6kb/Y", "ssh:"),
    ("sk-ecdsa", "SHA256:8jAXpqjUSXz6jh2GCKG/YgHloSLEozYzXRDChrdvIpA", "ssh:work"),
];

fn read(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ssh").join(name)).unwrap()
}

fn ssh(found: &Found) -> &str {
    found.material.public.as_ref().and_then(|p| p.ssh.as_deref()).unwrap_or_default()
}

fn body(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    BASE64.decode(body.as_bytes()).unwrap()
}

#[test]
fn open_keys_are_proven_and_named_as_ssh_keygen_names_them() {
    for (name, fingerprint) in PLAIN {
        let found = only(&OpenSsh, &read(name));
        assert_eq!((found.rule, ssh(&found)), ("openssh-private-key", fingerprint), "{name}");
        assert_eq!(found.material.proof.level, ProofLevel::Proven, "{name}");
        assert!(found.material.proof.statement.ends_with("the check numbers are equal"));
        assert_eq!(found.material.comment.as_deref(), Some("throwaway@example.org"));
        assert_eq!(found.range, 0..read(name).len() - 1, "{name}");
    }
}

#[test]
fn encrypted_keys_are_named_by_their_public_half() {
    for (name, fingerprint, shown) in [
        ("rsa-encrypted", RSA, "encrypted with aes256-ctr (bcrypt, 16 rounds)"),
        ("p256-encrypted", P256, "encrypted with aes256-ctr (bcrypt, 16 rounds)"),
        ("ed25519-encrypted", ED25519, "encrypted with aes256-ctr (bcrypt, 16 rounds)"),
        ("ed25519-chacha", ED25519, "encrypted with chacha20-poly1305@openssh.com (bcrypt, 24 rounds)"),
    ] {
        let found = only(&OpenSsh, &read(name));
        assert_eq!((ssh(&found), found.material.protection.to_string().as_str()), (fingerprint, shown), "{name}");
        assert_eq!(found.material.proof.level, ProofLevel::Parsed);
        let text = read(name);
        assert!(scan(&OpenSsh, &text[..text.len() / 2]).found.is_empty(), "half of a ciphertext opens nothing");
    }
}

#[test]
fn handles_of_tokens_are_no_readable_keys() {
    for (name, fingerprint, application) in HANDLES {
        let found = only(&OpenSsh, &read(name));
        assert_eq!((found.rule, ssh(&found)), ("ssh-security-key-handle", fingerprint), "{name}");
        assert_eq!(found.material.protection.to_string(), "kept on a FIDO token");
        assert_eq!(found.material.details[0], ("application", application.to_owned()));
        assert_eq!(only(&Wire, &body(&read(name))).material.public, found.material.public);
    }
}

#[test]
fn armour_may_be_damaged() {
    let text = String::from_utf8(read("ed25519")).unwrap();
    let without_lines: Vec<&str> = text.lines().collect();
    let inner = &without_lines[1..without_lines.len() - 1];
    for damaged in [
        text.replace('\n', "\r\n"),
        text.replace('\n', "\\n"),
        text.replace('\n', "\\\\n"),
        text.replace('\n', " "),
        text.replace('\n', ""),
        text.replace('\n', "\n      "),
        without_lines.iter().map(|line| format!("> {line}\n")).collect(),
        without_lines.iter().map(|line| format!("\"{line}\\n\" +\n")).collect(),
        without_lines.iter().map(|line| format!("Nov 24 12:00:0{} host app: {line}\n", line.len() % 10)).collect(),
        text.replace("-----END OPENSSH PRIVATE KEY-----", ""),
        text.replace("-----END OPENSSH PRIVATE KEY-----\n", "and so on"),
        text.replace('\n', "%0A").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D").replace(' ', "%20"),
        inner.concat(),
        format!("key: {}\nnext: 1", inner.join("\n  ")),
        format!("KEY={}", BASE64.encode(&body(text.as_bytes()))),
    ] {
        let found = scan(&OpenSsh, damaged.as_bytes()).found;
        assert_eq!(found.len(), 1, "{damaged}");
        assert_eq!(ssh(&found[0]), ED25519, "{damaged}");
    }
}

#[test]
fn bytes_are_found_at_any_offset() {
    for (name, fingerprint) in PLAIN {
        let bytes = [&[7; 13][..], &body(&read(name)), &[9; 50]].concat();
        let found = only(&OpenSsh, &bytes);
        assert_eq!((ssh(&found), &found.range), (fingerprint, &(13..bytes.len() - 50)), "{name}");
        // The numbers alone, as a process holds them when it has read the file.
        assert_eq!(ssh(&only(&Wire, &bytes)), fingerprint, "{name}");
    }
}

#[test]
fn several_keys_lie_in_one_file() {
    let (mut publics, mut private) = (Vec::new(), vec![1, 2, 3, 4, 1, 2, 3, 4]);
    for (name, _) in &PLAIN[3..] {
        let all = body(&read(name));
        let mut fields = crate::ssh::Fields::new(&all[super::container::MAGIC.len() + 8 + 8 + 4 + 4..]);
        publics.extend(wire(&[fields.next().unwrap()]));
        let section = fields.next().unwrap();
        let (_, used) = crate::ssh::private_key(&section[8..]).unwrap();
        private.extend(&section[8..8 + used + 4 + "throwaway@example.org".len()]);
    }
    let head = [super::container::MAGIC, &wire(&[b"none", b"none", b""]), &[0, 0, 0, 3]].concat();
    let file = [&head[..], &publics, &wire(&[&private])].concat();
    let text = format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n", BASE64.encode(&file));
    for bytes in [&file[..], text.as_bytes()] {
        let found = scan(&OpenSsh, bytes).found;
        assert_eq!(found.iter().map(ssh).collect::<Vec<_>>(), [P384, P521, ED25519]);
    }
}

fn wire(fields: &[&[u8]]) -> Vec<u8> {
    fields.iter().flat_map(|f| [&(f.len() as u32).to_be_bytes()[..], f].concat()).collect()
}

/// A key file with one key.
fn container(cipher: &[u8], kdf: &[u8], options: &[u8], public: &[u8], section: &[u8]) -> Vec<u8> {
    let head = [super::container::MAGIC, &wire(&[cipher, kdf, options]), &[0, 0, 0, 1]].concat();
    [&head[..], &wire(&[public, section])].concat()
}

#[test]
fn keys_of_unknown_types_are_reported_as_such() {
    let public = wire(&[b"ssh-xmss@openssh.com", b"XMSS_SHA2-256_W16_H10", &[5; 64]]);
    let private = [&public[..], &wire(&[&[6; 132], b"comment"])].concat();
    let section = [&[1, 2, 3, 4, 1, 2, 3, 4][..], &private].concat();
    let found = only(&OpenSsh, &container(b"none", b"none", b"", &public, &section)).material;
    assert_eq!(found.algorithm, Algorithm::Unknown(Some("ssh-xmss@openssh.com".into())));
    assert_eq!((found.proof.level, &found.protection), (ProofLevel::Parsed, &Protection::None));
    let options = [&wire(&[&[9; 16]])[..], &[0, 0, 0, 16]].concat();
    let found = only(&OpenSsh, &container(b"aes256-ctr", b"bcrypt", &options, &public, &[7; 64])).material;
    assert_eq!(found.protection.to_string(), "encrypted with aes256-ctr (bcrypt, 16 rounds)");
    let unequal = [&[1, 2, 3, 4, 1, 2, 3, 5][..], &private].concat();
    assert!(scan(&OpenSsh, &container(b"none", b"none", b"", &public, &unequal)).found.is_empty());
}

#[test]
fn composite_keys_are_proven_by_both_halves() {
    let (lattice, edwards): ([u8; 32], [u8; 32]) = (std::array::from_fn(|i| 3 * i as u8 + 1), [8; 32].map(|b| b * 3));
    let edwards: [u8; 32] = std::array::from_fn(|i| edwards[i] ^ i as u8);
    let key = ml_dsa::ExpandedSigningKey::<ml_dsa::MlDsa44>::from_seed(&lattice.into());
    let point = crate::private::okp_public(&Algorithm::Ed25519, &edwards).unwrap();
    let public = [&key.verifying_key().encode()[..], &point].concat();
    let name = b"ssh-mldsa44-ed25519@openssh.com";
    let private = wire(&[name, &public, &[lattice, edwards].concat(), b"composite"]);
    let section = [&[1, 2, 3, 4, 1, 2, 3, 4][..], &private].concat();
    let file = container(b"none", b"none", b"", &wire(&[name, &public]), &section);
    for found in [only(&OpenSsh, &file), only(&Wire, &private)] {
        assert_eq!(found.material.proof.level, ProofLevel::Proven);
        assert_eq!(found.material.algorithm, Algorithm::Unknown(Some("ML-DSA-44 with Ed25519".into())));
        assert_eq!(found.material.comment.as_deref(), Some("composite"));
    }
    for at in [100, 4 + 31 + 4 + 1320, private.len() - 20] {
        let mut damaged = private.clone();
        damaged[at] ^= 1;
        assert!(scan(&Wire, &damaged).found.is_empty(), "{at}");
    }
}

#[test]
fn messages_to_an_agent_hold_keys() {
    let messages = read("agent-messages.bin");
    let found = scan(&Wire, &messages).found;
    let named: Vec<_> = found.iter().map(ssh).collect();
    assert_eq!(named, [RSA, RSA, DSA, P256, P521, ED25519, ED25519]);
    for key in &found {
        assert_eq!(key.material.encoding, "SSH agent message");
        assert_eq!(key.material.proof.level, ProofLevel::Proven);
        assert!(key.material.comment.is_some());
    }
}

#[test]
fn dropbear_keys_are_host_keys_by_their_names() {
    for (kind, fingerprint) in DROPBEAR {
        let name = format!("dropbear_{kind}_host_key");
        let found = scan_as(&Wire, &read(&name), Some(&name)).found;
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!((found[0].rule, ssh(&found[0])), ("dropbear-private-key", fingerprint), "{name}");
        assert_eq!(found[0].material.purpose, Some("ssh-host"));
        assert_eq!(only(&Wire, &[&[0; 99][..], &read(&name)].concat()).material.purpose, None);
        let text = format!("dropbear: {}\n", BASE64.encode(&read(&name)));
        assert_eq!(scan(&PublicText, text.as_bytes()).nested.len(), 1, "{name}");
        assert!(scan(&PublicText, text.as_bytes()).public.is_empty(), "{name}");
    }
}

#[test]
fn ssh1_keys_are_proven_or_named_by_their_public_half() {
    let open = only(&Ssh1, &read("rsa1"));
    assert_eq!(&spki(&open)[..16], "027e458c34979039");
    assert!(open.material.proof.statement.ends_with("the check bytes are equal"));
    assert_eq!(open.material.comment.as_deref(), Some("throwaway-ssh1"));
    let locked = only(&Ssh1, &read("rsa1-encrypted"));
    assert_eq!(&spki(&locked)[..16], "3b6d4e36cddef57e");
    assert_eq!(
        locked.material.protection.to_string(),
        "encrypted with 3des-cbc (MD5 of the passphrase, 1 iteration, weak)"
    );
}

#[test]
fn keys_of_ssh_com_are_read() {
    for (name, fingerprint) in [("rsa-sshcom", RSA), ("dsa-sshcom", DSA)] {
        let found = only(&Commercial, &read(name));
        assert_eq!((ssh(&found), found.range.start), (fingerprint, 0), "{name}");
        assert_eq!(found.material.comment.as_deref(), Some("throwaway@example.org"));
        let bytes = [&b"junk"[..], &body(&read(name).split_off(75))].concat();
        assert_eq!(ssh(&only(&Commercial, &bytes)), fingerprint, "{name}");
    }
    let locked = only(&Commercial, &read("rsa-sshcom-encrypted")).material;
    assert!(locked.public.is_none() && locked.algorithm == Algorithm::Rsa);
    assert!(matches!(locked.protection, Protection::Encrypted { weak: true, .. }));
}

#[test]
fn public_keys_are_read_but_are_no_keys() {
    for (name, fingerprint) in PLAIN {
        let line = read(&format!("{name}.pub"));
        let list = [&line[..], b"example.org ", &line].concat();
        let seen = scan(&PublicText, &list);
        assert!(seen.found.is_empty() && seen.public.len() == 2, "{name}");
        for object in seen.public {
            assert_eq!(object.key.fingerprint().ssh.as_deref(), Some(fingerprint), "{name}");
            assert_eq!(object.kind, PublicKind::Key { comment: Some("throwaway@example.org".into()) });
        }
        let blob = BASE64.decode(line.split(|b| *b == b' ').nth(1).unwrap()).unwrap();
        let seen = scan(&Wire, &[&blob[..], &[0; 40]].concat());
        assert!(seen.found.is_empty() && seen.public.len() == 1, "{name}");
        assert_eq!(seen.public[0].range, 0..blob.len());
    }
    let seen = scan(&PublicText, &read("rsa-rfc4716.pub")).public;
    assert_eq!(seen[0].key.fingerprint().ssh.as_deref(), Some(RSA));
}

#[test]
fn certificates_say_what_their_keys_are_for() {
    let facts = |name: &str| {
        let seen = scan(&PublicText, &read(name)).public;
        let PublicKind::Certificate(facts) = seen[0].kind.clone() else { panic!("{name} is a certificate") };
        (seen[0].key.fingerprint().ssh.unwrap(), facts)
    };
    let (key, user) = facts("rsa-cert.pub");
    assert_eq!((key.as_str(), user.subject.as_str(), user.issuer.as_str()), (RSA, "alice at work", ED25519));
    assert_eq!(user.names, ["alice", "root"]);
    assert_eq!(user.extended_key_usage, ["1.3.6.1.5.5.7.3.21"]);
    // 2024-01-01 and 2034-01-01, as `ssh-keygen -L` shows them, UTC.
    assert_eq!((user.not_before, user.not_after), (1_704_067_200, 2_019_686_400));
    let (key, host) = facts("ed25519-cert.pub");
    assert_eq!((key.as_str(), host.issuer.as_str()), (ED25519, P256));
    assert_eq!((host.not_before, host.extended_key_usage[0].as_str()), (0, "1.3.6.1.5.5.7.3.22"));
}

#[test]
fn long_lists_are_read_with_few_looks() {
    let line = read("ed25519.pub");
    let list = line.repeat(2_000);
    assert_eq!(scan(&PublicText, &list).public.len(), 2_000);
    // Keys cut in two at the end of a look are seen by the next one.
    let mut at = 0;
    let mut looks = 0;
    while at < list.len() {
        let window = &list[at..list.len().min(at + PublicText.reach().after)];
        let Some(next) = super::public::next(window, 0) else { break };
        let mut sink = Sink::default();
        let work = crate::Work::default();
        let anchor = next..next + 20;
        let hit = crate::Hit { window, anchor, index: 2, at_start: false, file_name: None, work: &work };
        PublicText.decode(&hit, &mut sink);
        at += sink.examined;
        looks += 1;
    }
    assert!(looks <= list.len() / (16 << 10) + 1, "{looks} looks");
}

#[test]
fn what_only_looks_like_a_key_is_none() {
    let wire = body(&read("rsa"));
    let at = wire.windows(7).rposition(|w| w == b"ssh-rsa").unwrap();
    let mut damaged = wire.clone();
    damaged[at + 100] ^= 1;
    assert!(scan(&Wire, &damaged).found.is_empty() && scan(&OpenSsh, &damaged).found.is_empty());
    let header = b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA...\n-----END OPENSSH PRIVATE KEY-----\n";
    for text in [&header[..], b"b3BlbnNzaC1rZXktdjEAAAAA", b"openssh-key-v1\0none", b"ssh-rsa AAAAB3NzaC1yc2EAAAA"] {
        for decoder in [&OpenSsh as &dyn Decoder, &PublicText, &Wire] {
            let seen = scan(decoder, text);
            assert!(seen.found.is_empty() && seen.public.is_empty());
        }
    }
    let zeroed = [&b"\0\0\0\x07ssh-rsa\0\0\0\x80"[..], &[0; 4000]].concat();
    assert!(scan(&Wire, &zeroed).found.is_empty() && scan(&Wire, &zeroed).public.is_empty());
}

#[test]
fn damage_does_no_harm() {
    for name in ["p256", "p256-encrypted", "sk-ecdsa"] {
        torture(&OpenSsh, &read(name), 2_000);
        torture(&OpenSsh, &body(&read(name)), 2_000);
        torture(&Wire, &body(&read(name)), 1_000);
    }
    for name in ["rsa-cert.pub", "ed25519.pub", "rsa-rfc4716.pub", "p384-cert.pub"] {
        torture(&PublicText, &read(name), 2_000);
    }
    torture(&Wire, &read("agent-messages.bin")[..519 + 24], 1_000);
    torture(&Wire, &read("dropbear_rsa_host_key"), 3_000);
    torture(&Ssh1, &read("rsa1"), 5_000);
    torture(&Ssh1, &read("rsa1-encrypted"), 5_000);
    torture(&Commercial, &read("rsa-sshcom"), 5_000);
    torture(&Commercial, &read("rsa-sshcom-encrypted"), 5_000);
}
