//! Whether text that stands where a secret is expected is one.

use super::State;

/// How a value is kept: values that refer to variables, helpers and vaults are no secrets, and some tools mark what they
/// have encrypted.
pub(crate) fn state_of(value: &str) -> State {
    let value = value.trim().trim_matches(['"', '\'']);
    let elsewhere = |keeper: &str| State::Elsewhere { keeper: keeper.to_owned() };
    let encrypted = |how: &str, weak| State::Encrypted { how: how.to_owned(), weak };
    let braced =
        |open: &str, close: &str| value.starts_with(open) && value.ends_with(close) && value.len() > open.len();
    if value.is_empty() {
        return elsewhere("nothing: the value is empty");
    }
    if braced("${", "}") || braced("$(", ")") || braced("%", "%") || braced("{{", "}}") || braced("#{", "}") {
        return elsewhere("a variable or command");
    }
    let variable = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if value.strip_prefix('$').is_some_and(|name| !name.is_empty() && name.chars().all(variable)) {
        return elsewhere("a variable");
    }
    for (prefix, keeper) in [
        ("op://", "1Password"),
        ("vault:", "Vault"),
        ("keyring:", "a keyring"),
        ("bw://", "Bitwarden"),
        ("env:", "a variable"),
    ] {
        if value.starts_with(prefix) {
            return elsewhere(keeper);
        }
    }
    if value.starts_with("$ANSIBLE_VAULT;") {
        return encrypted("Ansible Vault", false);
    }
    // Maven's master password lies in a file beside, under a published key.
    if braced("{", "}") && value.len() > 20 && !value.contains('"') {
        return encrypted("Maven's password encryption, whose master password lies beside it", true);
    }
    if braced("<", ">") || value.chars().all(|c| c == '*' || c == 'x' || c == 'X') {
        return elsewhere("nothing: the value is a placeholder");
    }
    State::Open
}

/// When a JSON Web Token ends, as its `exp` says (RFC 7519 section 4.1.4): seconds since 1970 UTC.
pub(crate) fn token_end(value: &str) -> Option<i64> {
    let mut parts = value.split('.');
    let (header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if !header.starts_with("eyJ") {
        return None;
    }
    let payload = data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    claims["exp"].as_i64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_token_is_read_out_of_it() {
        let part = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
        let token = format!("{}.{}.x", part("{\"alg\":\"none\"}"), part("{\"exp\":1795478401}"));
        assert_eq!(token_end(&token), Some(1_795_478_401));
        assert_eq!(token_end("eyJ.e30.x"), None);
        assert_eq!(token_end("a.b.c"), None);
    }

    #[test]
    fn references_are_no_secrets() {
        for value in [
            "",
            "${NPM_TOKEN}",
            "$TOKEN",
            "%TOKEN%",
            "$(pass show x)",
            "op://vault/item",
            "<your token>",
            "****",
            "{{ x }}",
        ] {
            assert!(matches!(state_of(value), State::Elsewhere { .. }), "{value}");
        }
        for value in ["hunter2", "$ecret", "{a", "tok{en}x", "100%"] {
            assert_eq!(state_of(value), State::Open, "{value}");
        }
        assert!(matches!(state_of("{COQLCE6DU6GtcS5P+s1AMbWfWvjYPLnYe=}"), State::Encrypted { weak: true, .. }));
    }
}
