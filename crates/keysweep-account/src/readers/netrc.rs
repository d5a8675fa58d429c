//! `.netrc` (GNU inetutils, "The .netrc file"): words, in any layout.

use super::{Credential, Input, Output};

pub(super) fn read(input: &Input<'_>, out: &mut Output) {
    let text = input.text();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    let (mut host, mut user) = ("", "");
    let mut at = 0;
    while at < words.len() {
        let next = words.get(at + 1).copied().unwrap_or_default();
        match words[at] {
            "machine" => (host, user) = (next, ""),
            "default" => {
                (host, user) = ("", "");
                at += 1;
                continue;
            }
            "login" => user = next,
            "password" if !next.is_empty() => {
                let secret = super::tree::unquoted(next);
                out.credential(Credential::secret(input, secret).for_host(host).named(user));
            }
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;

    #[test]
    fn machines_are_read_in_any_layout() {
        let out = read("netrc", b"machine a.test login u\n  password p1\nmachine b.test password p2 login v\ndefault login anonymous password x@y\n");
        let hosts: Vec<_> = out.credentials.iter().map(|c| c.host.as_deref()).collect();
        assert_eq!(hosts, [Some("a.test"), Some("b.test"), None]);
        assert_eq!(out.credentials[0].name.as_deref(), Some("u"));
    }
}
