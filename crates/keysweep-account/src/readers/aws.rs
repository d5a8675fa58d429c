//! `~/.aws/credentials` and `~/.aws/config`: profiles with static keys, and profiles that get theirs elsewhere
//! (AWS CLI User Guide, "Configuration and credential file settings").

use super::tree::{ini, text};
use super::{Credential, Input, Output, State};

pub(super) fn credentials(input: &Input<'_>, out: &mut Output) {
    profiles(input, out, |section| Some(section));
}

pub(super) fn config(input: &Input<'_>, out: &mut Output) {
    profiles(input, out, |section| match section.strip_prefix("profile ") {
        Some(name) => Some(name.trim()),
        None if section == "default" || section.starts_with("sso-session ") => Some(section),
        None => None,
    });
}

fn profiles(input: &Input<'_>, out: &mut Output, name: fn(&str) -> Option<&str>) {
    let tree = ini(&input.text());
    let sections = tree.as_object().into_iter().flatten().filter(|(_, section)| section.is_object());
    for (section, members) in sections {
        let Some(profile) = name(section) else { continue };
        if let Some(secret) = text(members, "aws_secret_access_key") {
            let temporary = text(members, "aws_session_token").is_some();
            let kind = if temporary { "temporary access key" } else { "long-lived access key" };
            out.credential(Credential::secret(input, secret).named(profile).kind(kind).for_host("amazonaws.com"));
        }
        let keepers = [
            ("credential_process", "a helper program"),
            ("sso_session", "single sign-on"),
            ("sso_start_url", "single sign-on"),
        ];
        if let Some((_, keeper)) = keepers.iter().find(|(field, _)| text(members, field).is_some()) {
            let state = State::Elsewhere { keeper: (*keeper).to_owned() };
            out.credential(Credential::new(state).named(profile).for_host("amazonaws.com"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    #[test]
    fn profiles_are_told_apart() {
        let text = b"[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = wJalrXUtnFEMI\n\n[sso]\nsso_session = corp\n[empty]\n";
        let out = read("aws-credentials", text);
        let states: Vec<_> =
            out.credentials.iter().map(|c| (c.name.as_deref().unwrap(), c.state == State::Open)).collect();
        assert_eq!(states, [("default", true), ("sso", false)]);
        let span = out.credentials[0].span.clone().unwrap();
        assert_eq!(&text[span], b"wJalrXUtnFEMI");
    }
}
