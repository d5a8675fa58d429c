//! KRB-CRED messages (RFC 4120 section 5.8) as tools export tickets with (`.kirbi`): the part that holds the session keys
//! is not encrypted there.

use super::{EncryptionType, Principal, TGT, TICKET, material, name_part};
use crate::decoder::{Anchor, Decoder, Hit, Reach, Sink};
use crate::decoders::ber::{Element, Reader, tag};
use crate::decoders::date::{generalized, utc};
use crate::decoders::unwrap;
use crate::{KeyMaterial, Proof};

/// Messages in Base64.
pub(crate) struct KrbCredText;

/// Tickets read of one message.
const MAX_TICKETS: usize = 64;
/// Longest message, in bytes.
const MAX_MESSAGE: usize = 64 << 10;
/// Bytes of the two headers before the anchor, at most.
pub(super) const HEADERS: usize = 12;

/// Protocol version 5 and message type 22, then the tickets.
pub(super) const ANCHORS: [Anchor; 1] = [Anchor::binary(b"\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x16\xa2")];

/// Looks at the anchor at `at`; gives the end of the message that it belongs to.
pub(super) fn look(window: &[u8], at: usize, sink: &mut Sink) -> Option<usize> {
    let window = &window[..(at + MAX_MESSAGE).min(window.len())];
    // Two headers of 2 to 6 bytes each.
    let mut starts = (at.saturating_sub(HEADERS)..at.saturating_sub(3)).rev();
    let (start, length, inner) = starts.find_map(|start| {
        let message = Element::read(&window[start..]).filter(|message| message.tag == 0x76)?;
        let inner = message.inside().take(tag::SEQUENCE)?;
        let begins = start + message.whole.len() - inner.body.len() == at;
        begins.then_some((start, message.whole.len(), inner))
    })?;
    for (rule, material) in tickets(inner.inside())? {
        sink.key(rule, start..start + length, material);
    }
    Some(start + length)
}

/// The element inside the next element, which has this context tag.
fn explicit<'a>(reader: &mut Reader<'a>, number: u8) -> Option<Element<'a>> {
    reader.enter(tag::CONTEXT_0 | number)?.next()
}

fn tickets(mut message: Reader<'_>) -> Option<Vec<(&'static str, KeyMaterial)>> {
    message.next()?; // Version.
    message.next()?; // Type.
    let sealed = explicit(&mut message, 2)?;
    let mut part = explicit(&mut message, 3)?.inside();
    let encryption_type = message_number(&explicit(&mut part, 0)?)?;
    if part.peek() == Some(tag::CONTEXT_0 | 1) {
        part.next()?;
    }
    let body = explicit(&mut part, 2)?.octets()?;
    if encryption_type != 0 {
        return None; // The session keys are encrypted: this was sent, not exported.
    }
    let mut inner = Reader::new(&body);
    let mut inner = inner.enter(0x7d)?.enter(tag::SEQUENCE)?;
    let mut all = explicit(&mut inner, 0)?.inside();
    let mut found = Vec::new();
    while found.len() < MAX_TICKETS
        && let Some(information) = all.take(tag::SEQUENCE)
    {
        found.extend(ticket(information.inside(), sealed.whole));
    }
    Some(found)
}

fn message_number(element: &Element<'_>) -> Option<u32> {
    Reader::new(element.whole).number().and_then(|n| u32::try_from(n).ok())
}

fn ticket(mut information: Reader<'_>, sealed: &[u8]) -> Option<(&'static str, KeyMaterial)> {
    let mut key = explicit(&mut information, 0)?.inside();
    let number = message_number(&explicit(&mut key, 0)?)?;
    let value = explicit(&mut key, 1)?.octets()?;
    let mut fields: [Option<Element<'_>>; 10] = [None; 10];
    while let Some(field) = information.next() {
        if let Some(slot) = fields.get_mut(usize::from(field.tag & 0x1f)) {
            *slot = field.inside().next();
        }
    }
    let client = principal(fields[1]?, fields[2]?)?;
    let server = principal(fields[8]?, fields[9]?)?;
    let proof = Proof::parsed("an exported ticket with a session key whose length fits its encryption type");
    let kind = EncryptionType::from_number(number)?;
    let mut material = material(kind, &value, false, &[sealed, server.name().as_bytes()], "Kerberos KRB-CRED", proof)?;
    material.comment = Some(client.name());
    material.details.push(("service", server.name()));
    material.details.extend(fields[6].and_then(|time| utc(generalized(time.body)?)).map(|time| ("valid until", time)));
    Some((if server.is_ticket_granting() { TGT } else { TICKET }, material))
}

fn principal(realm: Element<'_>, name: Element<'_>) -> Option<Principal> {
    let mut strings = name.inside();
    strings.next()?; // The type of the name.
    let mut strings = explicit(&mut strings, 1)?.inside();
    let mut parts = Vec::new();
    while parts.len() < super::MAX_PARTS
        && let Some(part) = strings.next()
    {
        parts.push(name_part(part.body)?);
    }
    Some(Principal { realm: name_part(realm.body)?, parts })
}

impl Decoder for KrbCredText {
    fn name(&self) -> &'static str {
        "kerberos-cred-text"
    }

    fn rules(&self) -> &'static [&'static str] {
        &[]
    }

    fn anchors(&self) -> &'static [Anchor] {
        // Version and message type at the place where headers of four bytes each put them.
        const ANCHORS: [Anchor; 1] = [Anchor::text("AwIBBaEDAgEW")];
        &ANCHORS
    }

    fn reach(&self) -> Reach {
        Reach { before: 12, after: MAX_MESSAGE * 4 / 3 + 4_096 }
    }

    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink) {
        let Some(start) = hit.anchor.start.checked_sub(12).filter(|&at| hit.window[at..].starts_with(b"doI")) else {
            return;
        };
        unwrap::base64(hit, start, sink);
    }
}
