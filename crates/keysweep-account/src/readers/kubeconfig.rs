//! `kubeconfig` (Kubernetes, "Organizing Cluster Access Using kubeconfig Files"): what each user of it logs in with, and to
//! which clusters.

use super::tree::{member, text};
use super::{Credential, Input, Output, State, bounded, host_of};
use keysweep_facts::Fact;
use serde_json::Value;

pub(super) fn read(input: &Input<'_>, out: &mut Output) {
    let Ok(tree) = serde_saphyr::from_str::<Value>(&input.text()) else {
        return out.problem("is not the YAML that its name promises");
    };
    let list = |name: &str| member(&tree, name).and_then(Value::as_array).into_iter().flatten();
    let server = |cluster: &str| {
        list("clusters").find(|c| text(c, "name") == Some(cluster)).and_then(|c| text(member(c, "cluster")?, "server"))
    };
    let context = |user: &str| {
        list("contexts")
            .filter_map(|c| member(c, "context"))
            .find(|c| text(c, "user") == Some(user))
            .and_then(|c| text(c, "cluster"))
    };
    for entry in list("users") {
        let (name, Some(user)) = (text(entry, "name").unwrap_or_default(), member(entry, "user")) else { continue };
        let host = context(name).and_then(server).map(host_of).unwrap_or_default();
        let add = |credential: Credential, out: &mut Output| out.credential(credential.named(name).for_host(&host));
        for (field, kind) in [("client-key-data", "client key"), ("token", "bearer token"), ("password", "password")] {
            if let Some(secret) = text(user, field).filter(|secret| !secret.is_empty()) {
                add(Credential::secret(input, secret).kind(kind), out);
            }
        }
        if let Some(exec) = member(user, "exec") {
            let keeper = format!("the helper {}", bounded(text(exec, "command").unwrap_or_default()));
            add(Credential::new(State::Elsewhere { keeper }).kind("log-in by a helper"), out);
        }
        for field in ["client-key", "tokenFile"] {
            if let Some(path) = text(user, field) {
                add(Credential::new(State::Elsewhere { keeper: format!("the file {}", bounded(path)) }), out);
            }
        }
        let provider = member(user, "auth-provider").and_then(|p| member(p, "config"));
        for field in ["access-token", "refresh-token", "id-token"] {
            if let Some(secret) = provider.and_then(|p| text(p, field)) {
                add(Credential::secret(input, secret).kind("provider token"), out);
            }
        }
        if !host.is_empty() {
            let evidence = "a context of the kubeconfig joins user and cluster";
            out.fact(
                Fact::new("reaches", evidence)
                    .with("host", host.clone())
                    .with("user", bounded(name))
                    .with("by", "kubernetes"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    #[test]
    fn users_are_joined_with_their_clusters() {
        let text = b"clusters:\n- name: prod\n  cluster: {server: 'https://api.prod.test:6443'}\ncontexts:\n- name: c\n  context: {cluster: prod, user: admin}\nusers:\n- name: admin\n  user: {client-key-data: S0VZ, exec: {command: aws}}\n";
        let out = read("kubeconfig", text);
        assert_eq!(out.credentials[0].host.as_deref(), Some("api.prod.test"));
        assert_eq!(out.credentials[0].state, State::Open);
        assert!(matches!(&out.credentials[1].state, State::Elsewhere { keeper } if keeper == "the helper aws"));
        assert_eq!(out.facts[0].predicate, "reaches");
    }
}
