//! Cookies and saved log-ins of Chromium and its relatives: which there are and how they are kept, never their values.
//!
//! A value's first bytes tell how it is encrypted (`components/os_crypt`): on Linux `v10` is a fixed key that everyone knows,
//! `v11` a key from the keyring; on macOS `v10` is a key from the keychain; on Windows `v10` a key that DPAPI protects, and `v20` one
//! that only the browser's service opens (app-bound).

use super::{Credential, Input, Output, Session, State};
use crate::sqlite::Store;
use crate::time::from_1601;
use keysweep_keys::decoders::sqlite::Value;
use std::collections::BTreeMap;

/// How values are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) how: &'static str,
    pub(super) weak: bool,
}

/// How a value with this beginning is kept, on the system whose layout the path has.
pub(super) fn kept(path: &str, encrypted: &[u8], clear: bool) -> Kept {
    let lower = path.to_ascii_lowercase();
    let windows = lower.contains("appdata");
    let mac = lower.contains("library/application support");
    let (how, weak) = match encrypted.get(..3) {
        Some(b"v20") => ("app-bound key", false),
        Some(b"v11") => ("key in the keyring", false),
        Some(b"v10") if windows => ("key protected by DPAPI", false),
        Some(b"v10") if mac => ("key in the keychain", false),
        Some(b"v10") => ("fixed key that everyone knows", true),
        Some([1, 0, 0]) if windows => ("DPAPI", false),
        _ if clear => ("not encrypted", true),
        _ => ("empty", false),
    };
    Kept { how, weak }
}

pub(super) fn cookies(input: &Input<'_>, out: &mut Output) {
    let Some(store) = Store::open(input, out) else { return };
    let Some(table) = store.table("cookies", out) else { return };
    let column = |name: &str| table.column(name);
    let (Some(host), Some(sealed)) = (column("host_key"), column("encrypted_value")) else {
        return out.problem("has no table of cookies in a known form");
    };
    let (clear, expires) = (column("value"), column("expires_utc"));
    let mut sessions: BTreeMap<(String, &'static str), Session> = BTreeMap::new();
    for row in &table.rows {
        let bytes = |index: Option<usize>| index.and_then(|i| row.get(i)).and_then(Value::bytes).unwrap_or_default();
        let host = super::host_of(String::from_utf8_lossy(bytes(Some(host))).trim_start_matches('.'));
        let kept = kept(input.path, bytes(Some(sealed)), !bytes(clear).is_empty());
        let ends = match expires.and_then(|i| row.get(i)) {
            Some(Value::Integer(at)) => from_1601(*at),
            _ => None,
        };
        add(&mut sessions, host, ends, &kept);
    }
    out.sessions.extend(sessions.into_values());
}

/// Counts a cookie among the sessions at its host.
pub(super) fn add(
    sessions: &mut BTreeMap<(String, &'static str), Session>,
    host: String,
    expires: Option<i64>,
    kept: &Kept,
) {
    if kept.how == "empty" {
        return;
    }
    let fresh =
        || Session { host: host.clone(), cookies: 0, expires: None, protection: kept.how.into(), weak: kept.weak };
    let session = sessions.entry((host.clone(), kept.how)).or_insert_with(fresh);
    session.cookies += 1;
    session.expires = session.expires.max(expires);
}

pub(super) fn logins(input: &Input<'_>, out: &mut Output) {
    let Some(store) = Store::open(input, out) else { return };
    let Some(table) = store.table("logins", out) else { return };
    let column = |name: &str| table.column(name);
    let (Some(origin), Some(sealed)) = (column("origin_url"), column("password_value")) else {
        return out.problem("has no table of log-ins in a known form");
    };
    let user = column("username_value");
    for row in &table.rows {
        let bytes = |index: Option<usize>| index.and_then(|i| row.get(i)).and_then(Value::bytes).unwrap_or_default();
        let password = bytes(Some(sealed));
        if password.is_empty() {
            continue; // A site for which the user wants none saved.
        }
        let kept = kept(input.path, password, true);
        let state = match kept.how {
            "not encrypted" => State::Open,
            how => State::Encrypted { how: how.to_owned(), weak: kept.weak },
        };
        let host = String::from_utf8_lossy(bytes(Some(origin))).into_owned();
        let user = String::from_utf8_lossy(bytes(user)).into_owned();
        out.credential(Credential::new(state).for_host(&host).named(&user));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_how_a_value_is_kept() {
        let how = |path, bytes: &[u8]| (kept(path, bytes, false).how, kept(path, bytes, false).weak);
        assert_eq!(how("h/.config/chromium/Default/Cookies", b"v10abc"), ("fixed key that everyone knows", true));
        assert_eq!(how("h/.config/chromium/Default/Cookies", b"v11abc"), ("key in the keyring", false));
        assert_eq!(
            how("h/Library/Application Support/Google/Chrome/Default/Cookies", b"v10a"),
            ("key in the keychain", false)
        );
        assert_eq!(
            how("h/AppData/Local/Google/Chrome/User Data/Default/Network/Cookies", b"v20a"),
            ("app-bound key", false)
        );
        assert_eq!(how("x", b""), ("empty", false));
    }
}
