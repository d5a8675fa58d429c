//! `state.vscdb` of Visual Studio Code, Cursor and their relatives: a table of names and values. Extensions' secrets are
//! encrypted as Chromium encrypts cookies; Cursor keeps its own tokens in the clear.

use super::chromium::kept;
use super::{Credential, Input, Output, State, bounded};
use crate::sqlite::Store;
use keysweep_keys::decoders::sqlite::Value;

pub(super) fn read(input: &Input<'_>, out: &mut Output) {
    let Some(store) = Store::open(input, out) else { return };
    let Some(table) = store.table("ItemTable", out) else { return };
    let (Some(key), Some(value)) = (table.column("key"), table.column("value")) else {
        return out.problem("has no table of items in a known form");
    };
    for row in &table.rows {
        let text = |index: usize| row.get(index).and_then(Value::bytes).map(String::from_utf8_lossy);
        let (Some(key), Some(value)) = (text(key), text(value)) else { continue };
        if value.is_empty() {
            continue;
        }
        if let Some(name) = key.strip_prefix("secret://") {
            let name = serde_json::from_str::<serde_json::Value>(name).ok();
            let extension = name.as_ref().and_then(|n| n["extensionId"].as_str()).unwrap_or("an extension");
            let kept = kept(input.path, &buffer(&value), true);
            let state = match kept.how {
                "not encrypted" => State::Open,
                how => State::Encrypted { how: how.to_owned(), weak: kept.weak },
            };
            out.credential(Credential::new(state).named(extension).kind("secret of an extension"));
        } else if matches!(&*key, "cursorAuth/accessToken" | "cursorAuth/refreshToken") {
            let name = bounded(&key);
            out.credential(Credential::secret(input, &value).named(&name).for_host("cursor.com").kind("access token"));
        }
    }
}

/// The first bytes of a buffer that is written as JSON.
fn buffer(value: &str) -> Vec<u8> {
    let json: serde_json::Value = serde_json::from_str(value).unwrap_or_default();
    let bytes = json["data"].as_array().into_iter().flatten().take(8);
    bytes.filter_map(|b| b.as_u64().and_then(|b| u8::try_from(b).ok())).collect()
}
