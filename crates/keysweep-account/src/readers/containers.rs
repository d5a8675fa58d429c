//! `config.json` of Docker and `auth.json` of Podman, Buildah and Skopeo (containers-auth.json(5)).

use super::tree::{member, text};
use super::{Credential, Input, Output, State, bounded};
use data_encoding::BASE64;

pub(super) fn read(input: &Input<'_>, out: &mut Output) {
    let Ok(tree) = serde_json::from_slice::<serde_json::Value>(input.bytes) else {
        if !input.bytes.is_empty() {
            out.problem("is not the JSON that its name promises");
        }
        return;
    };
    let entries = |name: &str| member(&tree, name).and_then(|v| v.as_object()).into_iter().flatten();
    for (host, entry) in entries("auths") {
        let secret = ["auth", "identitytoken", "registrytoken"]
            .into_iter()
            .find_map(|n| text(entry, n).filter(|v| !v.is_empty()));
        // With a credential store, the entry is there, and empty.
        let Some(secret) = secret else { continue };
        let login = BASE64.decode(secret.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let user =
            login.as_deref().and_then(|login| login.split_once(':')).map_or(String::new(), |(user, _)| user.into());
        out.credential(Credential::secret(input, secret).for_host(host).named(&user));
    }
    for (host, helper) in entries("credHelpers") {
        let keeper = format!("docker-credential-{}", bounded(helper.as_str().unwrap_or_default()));
        out.credential(Credential::new(State::Elsewhere { keeper }).for_host(host));
    }
    if let Some(store) = text(&tree, "credsStore").filter(|store| !store.is_empty()) {
        let keeper = format!("docker-credential-{}", bounded(store));
        out.credential(Credential::new(State::Elsewhere { keeper }));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    #[test]
    fn stores_and_entries_are_told_apart() {
        let out = read(
            "docker-config",
            br#"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpwdw=="},"ghcr.io":{}},"credsStore":"desktop"}"#,
        );
        assert_eq!(out.credentials.len(), 2);
        assert_eq!(
            (out.credentials[0].name.as_deref(), out.credentials[0].host.as_deref()),
            (Some("u"), Some("index.docker.io"))
        );
        assert_eq!(out.credentials[0].state, State::Open);
        assert!(
            matches!(&out.credentials[1].state, State::Elsewhere { keeper } if keeper == "docker-credential-desktop")
        );
    }
}
