//! The databases of the Google Cloud CLI: `credentials.db` (refresh tokens and keys of service accounts, as JSON) and
//! `access_tokens.db`.

use super::{Credential, Input, Output};
use crate::sqlite::Store;
use crate::time::moment;
use keysweep_keys::decoders::sqlite::Value;

pub(super) fn read(input: &Input<'_>, out: &mut Output) {
    let Some(store) = Store::open(input, out) else { return };
    let tokens = input.path.to_ascii_lowercase().ends_with("access_tokens.db");
    let name = if tokens { "access_tokens" } else { "credentials" };
    let Some(table) = store.table(name, out) else { return };
    let (Some(account), Some(value)) =
        (table.column("account_id"), table.column(if tokens { "access_token" } else { "value" }))
    else {
        return out.problem("has no table in a known form");
    };
    let expiry = table.column("token_expiry");
    for row in &table.rows {
        let text = |index: usize| row.get(index).and_then(Value::bytes).map(String::from_utf8_lossy);
        let Some(value) = text(value).filter(|v| !v.is_empty()) else { continue };
        let (kind, secret) = if tokens { ("access token", value.clone()) } else { secret_of(&value) };
        let mut credential = Credential::secret(input, &secret).kind(kind).for_host("googleapis.com");
        credential.expires = expiry.and_then(text).and_then(|at| moment(&serde_json::Value::from(&*at)));
        out.credential(credential.named(&text(account).unwrap_or_default()));
    }
}

/// What of the JSON is the secret.
fn secret_of<'v>(value: &'v str) -> (&'static str, std::borrow::Cow<'v, str>) {
    let json: serde_json::Value = serde_json::from_str(value).unwrap_or_default();
    for (member, kind) in [("refresh_token", "refresh token"), ("private_key", "service account key")] {
        if let Some(secret) = json[member].as_str() {
            return (kind, secret.to_owned().into());
        }
    }
    ("credential", value.into())
}
