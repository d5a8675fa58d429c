//! Settings of one directive a line, a name and its value with blanks, `=` or `:` between: mail clients, Terraform and others.
//! Also addresses with a password in them, in any text.

use super::tree::unquoted;
use super::{Credential, Input, Output, host_of};

/// Longest line that is looked at, in bytes.
const MAX_LINE: usize = 64 << 10;

/// The directives that the location's fields name; the host is that of the nearest one before.
pub(super) fn read(input: &Input<'_>, out: &mut Output) {
    let fields = &input.location.fields;
    let is = |names: &[String], name: &str| names.iter().any(|own| own.eq_ignore_ascii_case(name));
    let text = input.text();
    let mut host = fields.host.iter().find_map(|name| name.strip_prefix('=')).unwrap_or_default().to_owned();
    for line in lines(&text).filter(|line| !line.starts_with(['#', ';']) && !line.starts_with("//")) {
        let (name, rest) = line.split_once(|c: char| c.is_whitespace() || c == '=' || c == ':').unwrap_or((line, ""));
        let value = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '=' || c == ':');
        // A quoted value ends with its quote, whatever follows.
        let value = match value.strip_prefix('"').and_then(|inner| inner.split_once('"')) {
            Some((inner, _)) => inner,
            None => unquoted(value.trim_end_matches(['{', ' '])),
        };
        if is(&fields.host, name) {
            host = value.to_owned();
        } else if is(&fields.secrets, name) && !value.is_empty() {
            out.credential(Credential::secret(input, value).for_host(&host));
        }
    }
}

/// Addresses with user and password.
pub(super) fn addresses(input: &Input<'_>, out: &mut Output) {
    let text = input.text();
    for line in lines(&text).filter(|line| !line.starts_with(['#', ';'])) {
        for word in line.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | ',' | '<' | '>')) {
            let Some((_, rest)) = word.split_once("://") else { continue };
            let authority = rest.split('/').next().unwrap_or(rest);
            let login = authority.rsplit_once('@').and_then(|(login, _)| login.split_once(':'));
            if let Some((user, secret)) = login.filter(|(_, secret)| !secret.is_empty()) {
                out.credential(Credential::secret(input, secret).named(user).for_host(&host_of(word)));
            }
        }
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && line.len() < MAX_LINE)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::super::tests::read;

    #[test]
    fn directives_are_read_in_all_spellings() {
        let text = b"host smtp.test\nuser al\npassword s3cret\n# password no\nhost \"b.test\"\npasswordeval \"pass x\"\npassword \"t0ken\" # c\n";
        let out = read("mail-clients", text);
        let found: Vec<_> =
            out.credentials.iter().map(|c| (c.host.as_deref().unwrap(), &text[c.span.clone().unwrap()])).collect();
        assert_eq!(found, [("smtp.test", &b"s3cret"[..]), ("b.test", b"t0ken")]);
    }

    #[test]
    fn blocks_of_terraform_name_their_host() {
        let out = read("terraform-rc", b"credentials \"app.terraform.io\" {\n  token = \"abc.atlasv1.x\"\n}\n");
        assert_eq!(out.credentials[0].host.as_deref(), Some("app.terraform.io"));
        assert_eq!(out.credentials[0].state, State::Open);
    }

    #[test]
    fn addresses_with_passwords_are_seen() {
        let out = read(
            "pip-config",
            b"[global]\nindex-url = https://al:s3cret@pypi.test/simple\nextra = https://al@pypi.test/\n",
        );
        assert_eq!(out.credentials.len(), 1);
        assert_eq!(
            (out.credentials[0].name.as_deref(), out.credentials[0].host.as_deref()),
            (Some("al"), Some("pypi.test"))
        );
    }
}
