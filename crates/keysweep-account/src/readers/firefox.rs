//! Cookies (`cookies.sqlite`) and saved log-ins (`logins.json`) of Firefox and Thunderbird.

use super::chromium::{Kept, add};
use super::{Credential, Input, Output, State};
use crate::sqlite::Store;
use crate::time::epoch;
use keysweep_keys::decoders::sqlite::Value;
use std::collections::BTreeMap;

pub(super) fn cookies(input: &Input<'_>, out: &mut Output) {
    let Some(store) = Store::open(input, out) else { return };
    let Some(table) = store.table("moz_cookies", out) else { return };
    let (Some(host), Some(expiry)) = (table.column("host"), table.column("expiry")) else {
        return out.problem("has no table of cookies in a known form");
    };
    let mut sessions = BTreeMap::new();
    for row in &table.rows {
        let name = row.get(host).and_then(Value::bytes).unwrap_or_default();
        let name = super::host_of(String::from_utf8_lossy(name).trim_start_matches('.'));
        // Seconds, and since version 16 of the table milliseconds.
        let ends = match row.get(expiry) {
            Some(Value::Integer(at)) => epoch(*at),
            _ => None,
        };
        add(&mut sessions, name, ends, &Kept { how: "not encrypted", weak: true });
    }
    out.sessions.extend(sessions.into_values());
}

/// Passwords are encrypted with a key in `key4.db`, which a primary password protects if there is one.
pub(super) fn logins(input: &Input<'_>, out: &mut Output) {
    let Ok(tree) = serde_json::from_slice::<serde_json::Value>(input.bytes) else {
        return out.problem("is not the JSON that its name promises");
    };
    for login in tree["logins"].as_array().into_iter().flatten() {
        let state = State::Beside { file: "key4.db", how: "NSS, key in key4.db".into() };
        out.credential(Credential::new(state).for_host(login["hostname"].as_str().unwrap_or_default()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    #[test]
    fn logins_depend_on_the_key_beside_them() {
        let out = read("firefox-logins", br#"{"logins":[{"hostname":"https://a.test","encryptedPassword":"MDo="}]}"#);
        assert_eq!(out.credentials[0].host.as_deref(), Some("a.test"));
        assert!(matches!(out.credentials[0].state, State::Beside { file: "key4.db", .. }));
    }
}
