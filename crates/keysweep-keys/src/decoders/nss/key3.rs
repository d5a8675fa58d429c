//! `key3.db`: a hash table of Berkeley DB 1.85 with the private keys in PKCS #8, each under triple DES (NSS,
//! lib/softoken/legacydb/keydb.c).

use super::{ENCRYPTED, OPEN, open};
use crate::decoder::{Hit, Sink};
use crate::decoders::pbe::Scheme;
use crate::decoders::store::{self, Sealed};
use crate::decoders::text::label;
use crate::{KeyMaterial, Proof};

/// Pages read of one database.
const MAX_PAGES: usize = 512;
/// Records read of one database.
const MAX_RECORDS: usize = 1_024;

/// Looks at the header at `at`; gives the end of the database as far as it is there.
pub(super) fn look(hit: &Hit<'_>, at: usize, sink: &mut Sink) -> Option<usize> {
    let file = &hit.window[at..];
    let page_size = usize::try_from(u32::from_be_bytes(*file.get(12..)?.first_chunk()?)).ok()?;
    if !(512..=65_536).contains(&page_size) || !page_size.is_power_of_two() {
        return None;
    }
    let mut records = Vec::new();
    let mut end = page_size.min(file.len());
    // Between the pages with records lie some with bits that say which are free.
    for (i, page) in file.chunks_exact(page_size).enumerate().skip(1).take(MAX_PAGES) {
        if read_page(page, &mut records) {
            end = (i + 1) * page_size;
        }
    }
    let value = |name: &[u8]| records.iter().find(|(key, _)| key.strip_suffix(&[0]).unwrap_or(key) == name);
    let (_, salt) = value(b"global-salt")?;
    let (_, check) = value(b"password-check")?;
    let opened = Entry::read(check).and_then(|entry| {
        let scheme = Scheme::nss_triple_des(entry.salt);
        open(hit, salt, &Sealed::new(scheme, entry.data.get(entry.data.len().checked_sub(16)?..)?)?)
    });
    let range = at..at + end;
    for (_, record) in &records {
        let Some(entry) = Entry::read(record) else { continue };
        let Some(sealed) = Sealed::read(entry.data) else { continue };
        let plain = opened.as_ref().and_then(|opened| {
            hit.work.spend(sealed.scheme.cost()?).then(|| sealed.open(&opened.password)).flatten().map(|p| (p, opened))
        });
        let (rule, material) = match plain.and_then(|(plain, opened)| Some((store::key(&plain)?, opened))) {
            Some((material, opened)) => (OPEN, store::opened(material, sealed.scheme.published(opened.text))),
            None => {
                let proof = Proof::parsed("a key database with an encrypted private key");
                (ENCRYPTED, sealed.container(sealed.scheme.protection(), "NSS key3.db", proof))
            }
        };
        let comment = label(entry.name.strip_suffix(&[0]).unwrap_or(entry.name));
        sink.key(rule, range.clone(), KeyMaterial { encoding: "NSS key3.db", comment, ..material });
    }
    Some(range.end)
}

/// The value of a record: version, length of salt and name, salt, name, and what is encrypted.
struct Entry<'a> {
    salt: &'a [u8],
    name: &'a [u8],
    data: &'a [u8],
}

impl<'a> Entry<'a> {
    fn read(record: &'a [u8]) -> Option<Self> {
        let [3, salt, name, rest @ ..] = record else { return None };
        let (salt, rest) = rest.split_at_checked(usize::from(*salt))?;
        let (name, data) = rest.split_at_checked(usize::from(*name))?;
        Some(Self { salt, name, data })
    }
}

/// The pairs of a page: a count, then the offsets of each key and its value, which grow down from the end. `false` if these
/// bytes are no page with pairs. Pairs too large for a page lie elsewhere and are not read.
fn read_page<'a>(page: &'a [u8], records: &mut Vec<(&'a [u8], &'a [u8])>) -> bool {
    let word = |index: usize| Some(usize::from(u16::from_le_bytes([*page.get(2 * index)?, *page.get(2 * index + 1)?])));
    let Some(count) = word(0) else { return false };
    if count == 0 || count % 2 == 1 || 2 * count + 6 > page.len() {
        return false;
    }
    let mut top = page.len();
    let before = records.len();
    for pair in 0..count / 2 {
        let (Some(key), Some(value)) = (word(2 * pair + 1), word(2 * pair + 2)) else { return false };
        if value < 4 || value > key || key > top {
            break; // A mark for a pair that goes on elsewhere.
        }
        if records.len() < MAX_RECORDS {
            records.push((&page[key..top], &page[value..key]));
        }
        top = value;
    }
    records.len() > before
}
