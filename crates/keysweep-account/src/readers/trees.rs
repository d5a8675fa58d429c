//! Reads settings in JSON, YAML, TOML, INI and XML as the fields of their location say.

use super::tree::{ini as ini_tree, member, pick, xml as xml_tree};
use super::{Credential, Input, Output, State};
use crate::time::moment;
use serde_json::Value;

/// Names under which tools write when a token ends.
const EXPIRES: [&str; 12] = [
    "expires_at",
    "expiresAt",
    "expires_on",
    "expiresOn",
    "expiry",
    "expires",
    "expiration",
    "token_expiry",
    "Expiration",
    "expiry_date",
    "exp",
    "validUntil",
];
/// Names under which tools write whose a token is.
const OWNERS: [&str; 10] =
    ["user", "username", "login", "account", "email", "client_email", "id", "@id", "clientId", "client_id"];

pub(super) fn json(input: &Input<'_>, out: &mut Output) {
    match serde_json::from_str(&without_comments(&input.text())) {
        Ok(tree) => read(input, &tree, out),
        Err(error) if input.text().trim().is_empty() || error.is_eof() && input.bytes.is_empty() => {}
        Err(_) => out.problem("is not the JSON that its name promises"),
    }
}

pub(super) fn yaml(input: &Input<'_>, out: &mut Output) {
    match serde_saphyr::from_str::<Value>(&input.text()) {
        Ok(tree) => read(input, &tree, out),
        Err(_) if input.text().trim().is_empty() => {}
        Err(_) => out.problem("is not the YAML that its name promises"),
    }
}

pub(super) fn toml(input: &Input<'_>, out: &mut Output) {
    match toml::from_str::<toml::Table>(&input.text()).ok().and_then(|table| serde_json::to_value(table).ok()) {
        Some(tree) => read(input, &tree, out),
        None => out.problem("is not the TOML that its name promises"),
    }
}

pub(super) fn ini(input: &Input<'_>, out: &mut Output) {
    read(input, &ini_tree(&input.text()), out);
}

pub(super) fn xml(input: &Input<'_>, out: &mut Output) {
    match xml_tree(&input.text()) {
        Some(tree) => read(input, &tree, out),
        None if input.text().trim().is_empty() => {}
        None => out.problem("is not the XML that its name promises"),
    }
}

/// A token cache that is JSON, or JSON under Windows' data protection.
pub(super) fn dpapi_or_json(input: &Input<'_>, out: &mut Output) {
    const DPAPI: &[u8] = &[1, 0, 0, 0, 0xd0, 0x8c, 0x9d, 0xdf, 0x01, 0x15, 0xd1, 0x11];
    if input.bytes.starts_with(DPAPI) {
        let how = "DPAPI, under the account's log-in".to_owned();
        return out.credential(Credential::new(State::Encrypted { how, weak: false }));
    }
    json(input, out);
}

/// Takes what the location's fields name out of a tree.
pub(super) fn read(input: &Input<'_>, tree: &Value, out: &mut Output) {
    let fields = &input.location.fields;
    for pattern in &fields.secrets {
        for picked in pick(tree, pattern) {
            let Some(value) = scalar(picked.value) else { continue };
            if value.is_empty() {
                continue;
            }
            let mut credential = Credential::secret(input, &value);
            let host = fields.host.iter().find_map(|name| match name.strip_prefix('=') {
                Some(host) => Some(host.to_owned()),
                None if name == "*" => picked.wild.first().map(|name| (*name).to_owned()),
                None => member(picked.holder, name).and_then(scalar),
            });
            if let Some(host) = host {
                credential = credential.for_host(&host);
            }
            let owner = OWNERS.iter().find_map(|name| member(picked.holder, name)).and_then(scalar);
            let name = owner.or_else(|| picked.wild.last().map(|name| (*name).to_owned()));
            credential = credential.named(&name.unwrap_or_default());
            let refresh = pattern.rsplit('/').next().is_some_and(|name| name.to_ascii_lowercase().contains("refresh"));
            if !refresh {
                let said = EXPIRES.iter().find_map(|name| member(picked.holder, name)).and_then(moment);
                credential.expires = said.or(credential.expires);
            }
            out.credential(credential);
        }
    }
    for pattern in &fields.elsewhere {
        for picked in pick(tree, pattern) {
            let Some(keeper) = scalar(picked.value).filter(|k| !k.is_empty() && k != "false") else { continue };
            let mut credential = Credential::new(State::Elsewhere { keeper: super::bounded(&keeper) });
            if let Some(name) = picked.wild.first() {
                credential = credential.for_host(name);
            }
            out.credential(credential);
        }
    }
}

/// Text, numbers and truth values as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// JSON as editors write it: without comments and without commas before a closing bracket. Offsets do not matter.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' if quoted => {
                out.push(c);
                out.extend(rest.next());
                continue;
            }
            '"' => quoted = !quoted,
            '/' if !quoted && rest.peek() == Some(&'/') => {
                while rest.next_if(|c| *c != '\n').is_some() {}
                continue;
            }
            '/' if !quoted && rest.peek() == Some(&'*') => {
                let mut last = ' ';
                for c in rest.by_ref() {
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
                continue;
            }
            '}' | ']' if !quoted => {
                let end = out.trim_end().len();
                if out[..end].ends_with(',') {
                    out.truncate(end - 1);
                }
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_editors_is_read() {
        let text = "{ // c\n \"a\": \"http://x\\\"//\", /* y */ \"b\": [1,2,],\n}";
        assert_eq!(serde_json::from_str::<Value>(&without_comments(text)).unwrap()["a"], "http://x\"//");
    }
}
