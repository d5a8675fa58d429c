//! Files of OpenSSH other than private keys: ssh_config(5), the formats of known_hosts and authorized_keys in sshd(8), and
//! certificates (`PROTOCOL.certkeys`).

use super::{Input, Output, bounded};
use data_encoding::{BASE64, BASE64_NOPAD};
use keysweep_facts::{Fact, Value};
use keysweep_keys::ssh::{PublicBlob, public_key};

/// After the end of the year 9998 nothing ends.
const NEVER: i64 = 253_370_764_800;

/// Key type and key among the words of a line, and how many words stand before them.
fn key_of(words: &[&str]) -> Option<(PublicBlob, usize)> {
    words.iter().enumerate().find_map(|(at, word)| {
        // All blobs begin with the length of a short name.
        let text = word.strip_prefix("AAAA").map(|_| word.trim_end_matches('='))?;
        let bytes = BASE64_NOPAD.decode(text.as_bytes()).ok().or_else(|| BASE64.decode(word.as_bytes()).ok())?;
        Some((public_key(&bytes)?, at.checked_sub(1)?))
    })
}

fn fingerprint(blob: &PublicBlob) -> String {
    format!("spki-sha256:{}", blob.key.fingerprint().hex())
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#') && line.len() < 64 << 10)
}

/// Words of a line; quoted text is one with its neighbours.
fn words(line: &str) -> Vec<&str> {
    let mut quoted = false;
    let mut last = ' ';
    line.split(move |c: char| {
        quoted ^= c == '"' && last != '\\';
        last = c;
        !quoted && c.is_whitespace()
    })
    .filter(|word| !word.is_empty())
    .collect()
}

pub(super) fn authorized_keys(input: &Input<'_>, out: &mut Output) {
    for line in lines(&input.text()) {
        let words = words(line);
        let Some((blob, before)) = key_of(&words) else { continue };
        let options = words[..before].join(" ");
        let lower = options.to_ascii_lowercase();
        let authority = lower.split(',').any(|option| option == "cert-authority");
        let comment = words.get(before + 2..).map(|rest| bounded(&rest.join(" "))).filter(|c| !c.is_empty());
        let names: Vec<&str> =
            lower.split(',').map(|option| option.split('=').next().unwrap_or(option)).filter(|o| is_name(o)).collect();
        let fact = Fact::new("trust", "a line of authorized_keys lets the key log in")
            .with("fingerprint", fingerprint(&blob))
            .with("accepted_by", "log-in to the account")
            .with("purpose", if authority { "ssh-ca" } else { "ssh-user" })
            .with_some("options", Some(names.join(",")).filter(|o| !o.is_empty()))
            .with("restricted", ["from", "command", "restrict"].iter().any(|o| names.contains(o)))
            .with_some("name", comment);
        out.fact(fact);
    }
}

/// Whether it is the name of an option, not a part of a command.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() < 40 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

pub(super) fn known_hosts(input: &Input<'_>, out: &mut Output) {
    for line in lines(&input.text()) {
        let words = words(line);
        let Some((blob, _)) = key_of(&words) else { continue };
        let marker = words.first().copied().filter(|word| word.starts_with('@'));
        let hosts = words.get(usize::from(marker.is_some())).copied().unwrap_or_default();
        let hashed = hosts.starts_with("|1|");
        let evidence =
            if marker == Some("@revoked") { "known_hosts rejects the key" } else { "known_hosts has the key" };
        let fact = Fact::new("trust", evidence)
            .with("fingerprint", fingerprint(&blob))
            .with("accepted_by", "the account's SSH client")
            .with("purpose", if marker == Some("@cert-authority") { "ssh-host-ca" } else { "ssh-host" })
            .with("revoked", marker == Some("@revoked"))
            .with("hashed", hashed)
            .with_some("host", (!hashed).then(|| bounded(hosts)));
        out.fact(fact);
    }
}

pub(super) fn certificate(input: &Input<'_>, out: &mut Output) {
    for line in lines(&input.text()) {
        let Some((blob, _)) = key_of(&words(line)) else { continue };
        let Some(certificate) = &blob.certificate else { continue };
        let host = certificate.extended_key_usage.iter().any(|usage| usage.ends_with(".22"));
        let fact = Fact::new("trust", "an SSH certificate vouches for the key")
            .with("fingerprint", fingerprint(&blob))
            .with("accepted_by", format!("whoever trusts the authority {}", certificate.issuer))
            .with("purpose", if host { "ssh-host" } else { "ssh-user" })
            .with_some("expires", Some(certificate.not_after).filter(|at| *at < NEVER).map(Value::Time))
            .with_some("principals", Some(certificate.names.join(",")).filter(|names| !names.is_empty()))
            .with("name", certificate.subject.clone());
        out.fact(fact);
    }
}

/// Which hosts a client has settings for, as whom, and with which key.
pub(super) fn config(input: &Input<'_>, out: &mut Output) {
    let mut block = Block::default();
    for line in lines(&input.text()) {
        let (name, value) = line.split_once(|c: char| c.is_whitespace() || c == '=').unwrap_or((line, ""));
        let value = super::tree::unquoted(value.trim().trim_start_matches('=').trim());
        match name.to_ascii_lowercase().as_str() {
            "host" | "match" => std::mem::replace(&mut block, Block::of(value)).tell(out),
            "hostname" => block.host = Some(bounded(value)),
            "user" => block.user = Some(bounded(value)),
            "identityfile" => block.identity = Some(bounded(value)),
            "proxyjump" => block.through = Some(bounded(value)),
            "forwardagent" => block.forwards = value.eq_ignore_ascii_case("yes"),
            _ => {}
        }
    }
    block.tell(out);
}

#[derive(Default)]
struct Block {
    pattern: String,
    host: Option<String>,
    user: Option<String>,
    identity: Option<String>,
    through: Option<String>,
    forwards: bool,
}

impl Block {
    fn of(pattern: &str) -> Self {
        Self { pattern: bounded(pattern), ..Self::default() }
    }

    fn tell(self, out: &mut Output) {
        let Some(host) = self.host.or(Some(self.pattern).filter(|p| !p.is_empty() && !p.contains(['*', '?', '!'])))
        else {
            return;
        };
        let fact = Fact::new("reaches", "the SSH client is set up for the host")
            .with("host", host)
            .with("by", "ssh")
            .with_some("user", self.user)
            .with_some("identity", self.identity)
            .with_some("through", self.through)
            .with("forwards_agent", self.forwards);
        out.fact(fact);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    #[test]
    fn options_of_authorized_keys_are_told() {
        let text = format!(
            "{KEY} a@b\nfrom=\"10.0.0.*\",command=\"/bin/x a,b\",no-pty {KEY} c d\ncert-authority {KEY}\n# {KEY}\nbroken\n"
        );
        let facts = read("ssh-authorized-keys", text.as_bytes()).facts;
        assert_eq!(facts.len(), 3);
        assert_eq!((facts[0].text("name"), facts[0].text("purpose")), (Some("a@b"), Some("ssh-user")));
        assert_eq!(facts[0].fields["restricted"].to_string(), "false");
        assert_eq!(facts[1].fields["restricted"].to_string(), "true");
        assert!(facts[1].text("options").unwrap().starts_with("from,command"));
        assert_eq!(facts[2].text("purpose"), Some("ssh-ca"));
    }

    #[test]
    fn known_hosts_are_read_hashed_or_not() {
        let text = format!(
            "a.test,10.0.0.1 {KEY}\n|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= {KEY}\n@revoked * {KEY}\n"
        );
        let facts = read("ssh-known-hosts", text.as_bytes()).facts;
        assert_eq!(facts[0].text("host"), Some("a.test,10.0.0.1"));
        assert_eq!((facts[1].text("host"), facts[1].fields["hashed"].to_string()), (None, "true".into()));
        assert_eq!(facts[2].fields["revoked"].to_string(), "true");
    }

    #[test]
    fn hosts_of_a_client_are_listed() {
        let text =
            b"Host prod\n  HostName=prod.test\n  User root\n  IdentityFile ~/.ssh/prod\nHost *\n  ForwardAgent yes\n";
        let facts = read("ssh-client-config", text).facts;
        assert_eq!(facts.len(), 1);
        assert_eq!((facts[0].text("host"), facts[0].text("identity")), (Some("prod.test"), Some("~/.ssh/prod")));
    }
}
