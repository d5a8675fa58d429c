//! `.git-credentials` (git-credential-store(1)) and `.gitconfig` (git-config(1)).

use super::tree::ini;
use super::{Credential, Input, Output, State, bounded, host_of};

pub(super) fn credentials(input: &Input<'_>, out: &mut Output) {
    for line in input.text().lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match login(line) {
            Some((user, secret)) => {
                out.credential(Credential::secret(input, secret).named(user).for_host(&host_of(line)));
            }
            None => out.problem("has a line that is no address with a password"),
        }
    }
}

/// User and password of an address, as they are written.
fn login(address: &str) -> Option<(&str, &str)> {
    let (_, rest) = address.split_once("://")?;
    let (login, _) = rest.split('/').next()?.rsplit_once('@')?;
    login.split_once(':')
}

pub(super) fn config(input: &Input<'_>, out: &mut Output) {
    let tree = ini(&input.text());
    for (section, members) in tree.as_object().into_iter().flatten() {
        let Some(members) = members.as_object() else { continue };
        for (name, value) in members.iter().filter_map(|(name, value)| Some((name, value.as_str()?))) {
            if section.starts_with("credential") && name.eq_ignore_ascii_case("helper") && !value.is_empty() {
                let host = section.strip_prefix("credential").unwrap_or_default().trim();
                if let Some(credential) = helper(value) {
                    out.credential(credential.kind("credential helper").for_host(host));
                }
            }
            for address in value.split_whitespace().chain(section.split_whitespace()) {
                if let Some((user, secret)) = login(address) {
                    out.credential(Credential::secret(input, secret).named(user).for_host(&host_of(address)));
                }
            }
            let header =
                name.eq_ignore_ascii_case("extraheader") && value.to_ascii_lowercase().starts_with("authorization:");
            if let Some(secret) = value.split_whitespace().last().filter(|_| header) {
                let host = section.strip_prefix("http").unwrap_or_default().trim();
                out.credential(Credential::secret(input, secret).for_host(host));
            }
        }
    }
}

/// What a helper keeps. `store` writes passwords to a file in the clear, and what is in that is told of the file.
fn helper(value: &str) -> Option<Credential> {
    let program = value.split_whitespace().next().unwrap_or(value).rsplit('/').next().unwrap_or(value);
    let keeper = format!("the helper {}", bounded(program.trim_start_matches('!')));
    (program != "store").then(|| Credential::new(State::Elsewhere { keeper }))
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    #[test]
    fn stored_passwords_are_listed_by_host() {
        let out = read("git-credentials", b"https://alice:s3cr3t@git.example.test\nhttps://git.example.test/x\n");
        let first = &out.credentials[0];
        assert_eq!((first.name.as_deref(), first.host.as_deref()), (Some("alice"), Some("git.example.test")));
        assert_eq!(first.span, Some(14..20));
        assert!(out.problem.is_some());
    }

    #[test]
    fn the_same_password_has_its_place_in_each_line() {
        let out = read("git-credentials", b"https://a:pass@x.test\nhttps://b:pass@y.test\n");
        let spans: Vec<_> = out.credentials.iter().map(|c| c.span.clone().unwrap()).collect();
        assert_eq!(spans, [10..14, 32..36]);
    }

    #[test]
    fn a_helper_that_stores_in_the_clear_keeps_nothing_elsewhere() {
        assert!(read("git-config", b"[credential]\n\thelper = store --file ~/x\n").credentials.is_empty());
    }

    #[test]
    fn helpers_and_addresses_with_passwords_are_seen() {
        let text = b"[credential \"https://x.test\"]\n helper = /usr/bin/git-credential-libsecret\n\
                     [url \"https://u:tok3n@x.test/\"]\n insteadOf = https://x.test/\n";
        let out = read("git-config", text);
        assert!(matches!(&out.credentials[0].state, State::Elsewhere { keeper } if keeper.contains("libsecret")));
        assert_eq!(out.credentials[0].host.as_deref(), Some("x.test"));
        assert_eq!(out.credentials[1].state, State::Open);
    }
}
