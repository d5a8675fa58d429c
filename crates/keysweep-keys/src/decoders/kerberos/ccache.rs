//! Credential caches (MIT Kerberos, "Credential cache file format"), versions 3 and 4: each ticket with its session key.

use super::{EncryptionType, Fields, MAX_PARTS, Principal, TGT, TICKET, material, name_part};
use crate::decoder::{Anchor, Sink};
use crate::decoders::date::utc;
use crate::{KeyMaterial, Proof};

/// Credentials read of one cache.
const MAX_CREDENTIALS: usize = 1_024;
/// Bytes of a cache that are looked at. Tickets with the groups of a user take some kilobytes each.
pub(super) const MAX_CACHE: usize = 96 << 10;
/// Most addresses, and most entries of authorisation data.
const MAX_LIST: u32 = 256;
/// Realm of entries that hold settings and no ticket.
const SETTINGS: &str = "X-CACHECONF:";

/// The version and the beginning of what follows it.
pub(super) const ANCHORS: [Anchor; 3] = [
    // Version 4, whose header holds the offset to the server's clock, or nothing.
    Anchor::binary(b"\x05\x04\0\x0c\0\x01\0\x08"),
    Anchor::binary(b"\x05\x04\0\0\0\0\0\x01\0\0\0"),
    Anchor::binary(b"\x05\x03\0\0\0\x01\0\0\0"),
];

/// Looks at the anchor at `at` with this index; gives the end of the cache that begins there.
pub(super) fn look(window: &[u8], at: usize, index: usize, sink: &mut Sink) -> Option<usize> {
    let end = (at + MAX_CACHE).min(window.len());
    cache(&window[..end], at, index == 2, sink)
}

fn cache(window: &[u8], at: usize, version_3: bool, sink: &mut Sink) -> Option<usize> {
    let mut fields = Fields::big(window, at + 2);
    if !version_3 {
        fields.short()?;
    }
    principal(&mut fields)?;
    let mut end = fields.at;
    for _ in 0..MAX_CREDENTIALS {
        let start = fields.at;
        let Some(credential) = credential(&mut fields, version_3) else { break };
        end = fields.at;
        if let Some(material) = credential.material() {
            let rule = if credential.server.is_ticket_granting() { TGT } else { TICKET };
            sink.key(rule, start..end, material);
        }
    }
    Some(end)
}

fn principal(fields: &mut Fields<'_>) -> Option<Principal> {
    fields.u32()?; // The type of the name.
    let count = usize::try_from(fields.u32()?).ok().filter(|count| (1..=MAX_PARTS).contains(count))?;
    let realm = name_part(fields.long()?)?;
    let parts = (0..count).map(|_| name_part(fields.long()?)).collect::<Option<Vec<_>>>()?;
    Some(Principal { realm, parts })
}

struct Credential<'a> {
    client: Principal,
    server: Principal,
    encryption_type: u32,
    key: &'a [u8],
    end: u32,
    renew_until: u32,
    ticket: &'a [u8],
}

fn credential<'a>(fields: &mut Fields<'a>, version_3: bool) -> Option<Credential<'a>> {
    let client = principal(fields)?;
    let server = principal(fields)?;
    let encryption_type = u32::from(fields.u16()?);
    if version_3 {
        fields.u16()?; // The same again.
    }
    let key = fields.long()?;
    let [_, _, end, renew_until] = [fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?];
    fields.u8()?; // Whether it is encrypted in another session key.
    fields.u32()?; // Flags.
    for _ in 0..2 {
        let count = fields.u32().filter(|count| *count <= MAX_LIST)?;
        for _ in 0..count {
            fields.u16()?;
            fields.long()?;
        }
    }
    let ticket = fields.long()?;
    fields.long()?; // A second ticket.
    Some(Credential { client, server, encryption_type, key, end, renew_until, ticket })
}

impl Credential<'_> {
    fn material(&self) -> Option<KeyMaterial> {
        if self.server.realm == SETTINGS || self.ticket.is_empty() {
            return None;
        }
        let kind = EncryptionType::from_number(self.encryption_type)?;
        let (client, server) = (self.client.name(), self.server.name());
        let proof = Proof::parsed("a cached ticket with a session key whose length fits its encryption type");
        let mut material = material(kind, self.key, false, &[self.ticket], "Kerberos credential cache", proof)?;
        material.comment = Some(client);
        material.details.push(("service", server));
        material.details.extend(utc(i64::from(self.end)).map(|time| ("valid until", time)));
        let renewable = Some(self.renew_until).filter(|time| *time != 0);
        material.details.extend(renewable.and_then(|t| utc(i64::from(t))).map(|time| ("renewable until", time)));
        Some(material)
    }
}
