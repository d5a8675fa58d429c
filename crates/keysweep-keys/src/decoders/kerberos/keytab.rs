//! Key tables (MIT Kerberos, "Keytab file format"), which are also how a key distribution centre stashes its master key
//! today; and the older form of a stash.

use super::{EncryptionType, Fields, KEYTAB, MAX_PARTS, Principal, REALM_KEY, material, name_part};
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::decoders::date::utc;
use crate::decoders::sweep::{STRETCH, sweep};
use crate::decoders::{text, unwrap};
use crate::{KeyMaterial, Proof};

/// Key tables and stashes.
pub(crate) struct Keytab;

/// Key tables in Base64, as in secrets of clusters.
pub(crate) struct KeytabText;

/// Entries read of one table.
const MAX_ENTRIES: usize = 4_096;
/// Longest entry or hole, in bytes.
const MAX_ENTRY: usize = 2_048;
/// Bytes of a table that are looked at.
const MAX_TABLE: usize = 64 << 10;

/// The version, and the upper bytes of the first entry's length: a short or a longer entry, or a hole.
const ANCHORS: [Anchor; 9] = [
    Anchor::binary(b"\x05\x02\0\0\0"),
    Anchor::binary(b"\x05\x02\0\0\x01"),
    Anchor::binary(b"\x05\x02\xff\xff\xff"),
    Anchor::binary(b"\x05\x02\xff\xff\xfe"),
    Anchor::binary(b"\x05\x01\0\0\0"),
    // Encryption type and length of an old stash.
    Anchor::binary(b"\x12\0\x20\0\0\0"),
    Anchor::binary(b"\x11\0\x10\0\0\0"),
    Anchor::binary(b"\x17\0\x10\0\0\0"),
    Anchor::binary(b"\x10\0\x18\0\0\0"),
];

/// Index of the anchor of version 1, and of the first of stashes.
const VERSION_1: usize = 4;
const STASH: usize = 5;

impl Decoder for Keytab {
    fn name(&self) -> &'static str {
        "kerberos-keytab"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[KEYTAB, REALM_KEY]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 0, after: MAX_TABLE + STRETCH }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        sweep(hit, &ANCHORS, sink, |at, index, sink| {
            if index >= STASH {
                return stash(hit, at, sink);
            }
            let end = (at + MAX_TABLE).min(hit.window.len());
            table(&hit.window[..end], at, index == VERSION_1, sink)
        });
    }
}

/// Reads the table at `at`; gives the end of what was read of it.
fn table(window: &[u8], at: usize, version_1: bool, sink: &mut Sink) -> Option<usize> {
    let mut fields = Fields::big(window, at + 2);
    let mut end = None;
    for _ in 0..MAX_ENTRIES {
        let start = fields.at;
        let Some(size) = fields.u32() else { break };
        // A negative length is a hole that an entry left.
        let hole = size as i32 <= 0;
        let length = (size as i32).unsigned_abs() as usize;
        if length == 0 || length > MAX_ENTRY {
            break;
        }
        let Some(body) = fields.take(length) else { break };
        if hole {
            continue;
        }
        let Some((principal, material)) = entry(body, version_1) else { break };
        let rule = if principal.guards_realm() { REALM_KEY } else { KEYTAB };
        if let Some(material) = material {
            sink.key(rule, start..fields.at, material);
        }
        end = Some(fields.at);
    }
    end
}

/// One entry: whose key it is, and the key, if it is of a known type and can be one.
fn entry(body: &[u8], version_1: bool) -> Option<(Principal, Option<KeyMaterial>)> {
    let mut fields = Fields::big(body, 0);
    // Version 1 counts the realm as a part of the name.
    let parts = usize::from(fields.u16()?).checked_sub(usize::from(version_1))?;
    if !(1..=MAX_PARTS).contains(&parts) {
        return None;
    }
    let realm = name_part(fields.short()?)?;
    let parts = (0..parts).map(|_| name_part(fields.short()?)).collect::<Option<Vec<_>>>()?;
    let principal = Principal { realm, parts };
    if !version_1 {
        fields.u32()?; // The type of the name.
    }
    let time = fields.u32()?;
    let short_version = u32::from(fields.u8()?);
    let number = fields.u16()?;
    let key = fields.short().filter(|key| !key.is_empty())?;
    // A version of 32 bits may follow that takes the place of the short one.
    let version = fields.u32().filter(|version| *version != 0).unwrap_or(short_version);
    Some((principal.clone(), described(&principal, time, version, number, key)))
}

fn described(principal: &Principal, time: u32, version: u32, number: u16, key: &[u8]) -> Option<KeyMaterial> {
    let kind = EncryptionType::from_number(u32::from(number))?;
    let name = principal.name();
    let proof = Proof::parsed("a key table entry whose lengths and encryption type agree");
    let owner: [&[u8]; 3] = [name.as_bytes(), &version.to_be_bytes(), &number.to_be_bytes()];
    let mut material = material(kind, key, principal.has_password(), &owner, "Kerberos keytab", proof)?;
    material.comment = Some(name);
    material.details.push(("key version", version.to_string()));
    material.details.extend(utc(i64::from(time)).filter(|_| time != 0).map(|time| ("created", time)));
    Some(material)
}

/// The older stash of a key distribution centre: encryption type, length and key in the byte order of the machine (which
/// is taken to be little-endian), and nothing else, so that only the file's name tells it from other bytes.
fn stash(hit: &Hit<'_>, at: usize, sink: &mut Sink) -> Option<usize> {
    let realm = hit.file_name?.strip_prefix(".k5.").filter(|realm| !realm.is_empty())?;
    if !hit.at_start || at != 0 {
        return None;
    }
    let mut fields = Fields::little(hit.window, 0);
    let kind = EncryptionType::from_number(u32::from(fields.u16()?))?;
    let key = fields.long()?;
    if !fields.rest().is_empty() {
        return None;
    }
    let name = format!("K/M@{}", realm.chars().filter(|c| !c.is_control()).take(100).collect::<String>());
    let proof = Proof::parsed("a stash file whose length and encryption type agree");
    let material = material(kind, key, true, &[name.as_bytes()], "Kerberos stash", proof)?;
    sink.key(REALM_KEY, 0..fields.at, KeyMaterial { comment: Some(name), ..material });
    Some(fields.at)
}

impl Decoder for KeytabText {
    fn name(&self) -> &'static str {
        "kerberos-keytab-text"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[]
    }

    fn anchors(&self) -> &'static [Anchor] {
        // The version and a length below 64, 128 or 192.
        const ANCHORS: [Anchor; 3] = [Anchor::text("BQIAAAA"), Anchor::text("BQIAAAB"), Anchor::text("BQIAAAC")];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 1, after: MAX_TABLE / 3 * 4 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let start = hit.anchor.start;
        let head = &hit.window[start..(start + 16).min(hit.window.len())];
        let Some((head, _)) = unwrap::leading_base64(head) else { return };
        // The number of parts of the name, and the length of the realm.
        let plausible = matches!(head[..], [5, 2, 0, 0, 0, _, 0, 1..=8, 0, 1..=255, ..]);
        if plausible && text::begins_token(&hit.window[..start]) {
            unwrap::base64(hit, start, sink);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::trial::{scan, scan_as};
    use super::*;

    const SERVICE: &[u8] = include_bytes!("../../../tests/data/kerberos/service.keytab");

    /// The same table in version 1: the realm counts as a part of the name, and names have no type.
    fn version_1() -> Vec<u8> {
        let mut fields = Fields::big(SERVICE, 2);
        let mut table = vec![5, 1];
        while let Some(entry) = fields.long() {
            let name_end = entry.windows(7).position(|w| w == b"ple.org").unwrap() + 7;
            let (name, rest) = entry.split_at(name_end);
            let entry = [&[name[0], name[1] + 1], &name[2..], &rest[4..]].concat();
            table.extend_from_slice(&(entry.len() as u32).to_be_bytes());
            table.extend_from_slice(&entry);
        }
        table
    }

    #[test]
    fn version_1_counts_the_realm() {
        let found = scan(&Keytab, &version_1()).found;
        assert_eq!(found.len(), 6);
        assert!(found.iter().all(|f| f.material.comment.as_deref() == Some("HTTP/www.example.org@EXAMPLE.ORG")));
    }

    #[test]
    fn weak_keys_are_not_named_by_a_hash_of_them() {
        let found = scan(&Keytab, SERVICE).found;
        let weak = found.iter().find(|f| f.material.algorithm.to_string() == "arcfour-hmac").unwrap();
        let at = SERVICE.windows(4).position(|w| w == [0, 23, 0, 16]).unwrap() + 4;
        let key = &SERVICE[at..at + 16];
        assert_ne!(weak.material.id, Some(KeyMaterial::secret_id(key)));
        let mut other = SERVICE.to_vec();
        other[at] ^= 0x55;
        let found = scan(&Keytab, &other).found;
        assert!(found.iter().any(|f| f.material.id == weak.material.id), "the name does not depend on the key");
        let strong = scan(&Keytab, SERVICE).found;
        let key = &SERVICE[SERVICE.windows(4).position(|w| w == [0, 18, 0, 32]).unwrap() + 4..][..32];
        assert_eq!(strong[0].material.id, Some(KeyMaterial::secret_id(key)));
    }

    #[test]
    fn keys_from_passwords_are_not_named_by_a_hash_of_them() {
        let id = |table: &[u8]| scan(&Keytab, table).found[0].material.id;
        let stash = include_bytes!("../../../tests/data/kerberos/stash.keytab");
        let realm = include_bytes!("../../../tests/data/kerberos/krbtgt.keytab");
        for (table, by_key) in [(&stash[..], false), (&realm[..], true)] {
            let at = table.windows(4).position(|w| w == [0, 18, 0, 32]).unwrap() + 4;
            assert_eq!(id(table) == Some(KeyMaterial::secret_id(&table[at..at + 32])), by_key);
        }
    }

    #[test]
    fn other_bytes_are_no_tables() {
        let mut zeroed = SERVICE.to_vec();
        let at = zeroed.windows(4).position(|w| w == [0, 18, 0, 32]).unwrap() + 4;
        zeroed[at..at + 32].fill(0);
        assert_eq!(scan(&Keytab, &zeroed).found.len(), 5, "a key of zeros");
        let mut size = SERVICE.to_vec();
        let at = size.windows(4).position(|w| w == [0, 17, 0, 16]).unwrap();
        size[at + 1] = 99;
        assert_eq!(scan(&Keytab, &size).found.len(), 5, "an unknown encryption type");
        assert!(scan(&Keytab, &[5, 2, 0, 0, 0].repeat(4_000)).found.is_empty());
        assert!(scan(&Keytab, &517u64.to_le_bytes().repeat(4_000)).found.is_empty());
    }

    #[test]
    fn an_old_stash_needs_its_name() {
        let stash = include_bytes!("../../../tests/data/kerberos/.k5.EXAMPLE.ORG");
        assert_eq!(scan_as(&Keytab, stash, Some(".k5.EXAMPLE.ORG")).found.len(), 1);
        assert!(scan_as(&Keytab, stash, Some("other")).found.is_empty());
        let long = [&stash[..], b"x"].concat();
        assert!(scan_as(&Keytab, &long, Some(".k5.EXAMPLE.ORG")).found.is_empty());
    }

    #[test]
    fn tables_lie_in_base64() {
        for text in
            [data_encoding::BASE64.encode(SERVICE), format!("krb5.keytab: {}\n", data_encoding::BASE64.encode(SERVICE))]
        {
            let sink = scan(&KeytabText, text.as_bytes());
            assert_eq!(sink.nested.len(), 1, "{text}");
            assert_eq!(scan(&Keytab, &sink.nested[0].bytes).found.len(), 6);
        }
        for text in ["BQIAAAAAAAAAAAAA", "xBQIAAABXAAIAC0VYQU1QTEUuT1JH", "BQIAAAB"] {
            assert!(scan(&KeytabText, text.as_bytes()).nested.is_empty(), "{text}");
        }
    }
}
