//! Files of `name=value` lines whose names hold the host: `.npmrc` (npm, "npmrc").

use super::{Credential, Input, Output};

/// Names that npm and pnpm keep credentials under, each after `//registry/:` or by itself.
const NPM: [&str; 4] = ["_authToken", "_auth", "_password", "//registry.npmjs.org/:_authToken"];

pub(super) fn npmrc(input: &Input<'_>, out: &mut Output) {
    for line in input.text().lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        let Some((name, value)) = line.split_once('=') else { continue };
        let (name, value) = (name.trim(), super::tree::unquoted(value.trim()));
        let (host, field) = match name.rsplit_once(':') {
            Some((host, field)) if name.starts_with("//") => (host, field),
            _ => ("registry.npmjs.org", name),
        };
        if NPM.contains(&field) && !value.is_empty() {
            out.credential(Credential::secret(input, value).for_host(host));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::super::tests::read;

    #[test]
    fn tokens_are_listed_by_registry() {
        let out = read(
            "npmrc",
            b"//npm.corp.test/:_authToken=abc123\n//registry.npmjs.org/:_authToken=${NPM_TOKEN}\nfund=false\n",
        );
        assert_eq!(out.credentials.len(), 2);
        assert_eq!(
            (out.credentials[0].host.as_deref(), &out.credentials[0].state),
            (Some("npm.corp.test"), &State::Open)
        );
        assert!(matches!(out.credentials[1].state, State::Elsewhere { .. }));
    }
}
