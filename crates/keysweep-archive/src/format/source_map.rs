//! Source maps: the sources of minified code, as texts in JSON.
//!
//! Source: ECMA-426. Maps whose parts are maps (`sections`) are read, too.

use super::{Open, Reader, Walk};
use crate::json::{Event, Json};
use crate::name::clean;
use crate::reader::Stream;
use crate::{HEAD, Member};
use memchr::memmem;
use std::io::{self, Read};

pub(super) const READER: Reader = Reader { name: "source map", detect, open: Open::Texts(open) };

/// Names of sources that are kept.
const MAX_NAMES: usize = 100_000;
/// Bytes kept of each.
const MAX_NAME: u64 = 2048;
/// One of the names that only maps have comes early.
const NAME_WITHIN: usize = 512;

/// Whether JSON may be a map.
pub(super) fn may_be(head: &[u8]) -> bool {
    let start = &head[..head.len().min(NAME_WITHIN)];
    [&b"\"version\""[..], b"\"mappings\"", b"\"sources\"", b"\"sections\""]
        .iter()
        .any(|n| memmem::find(start, n).is_some())
}

/// An object with members that only maps have, and the version of today's maps, if it is not behind what can be seen.
pub(crate) fn detect(head: &[u8]) -> bool {
    let has = |name: &[u8]| memmem::find(head, name).is_some();
    let begins = |name: &[u8], with: fn(&u8) -> bool| {
        memmem::find_iter(head, name).any(|at| {
            let value = head[at + name.len()..].trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start);
            value.and_then(<[u8]>::first).is_some_and(with)
        })
    };
    let members = begins(b"\"mappings\"", |b| *b == b'"')
        || has(b"\"sourcesContent\"")
        || begins(b"\"sections\"", |b| *b == b'[');
    let version = begins(b"\"version\"", |b| *b == b'3');
    head.starts_with(b"{") && members && (version || head.len() == HEAD && !has(b"\"version\""))
}

fn open(input: &mut Stream<'_>, walk: &mut Walk<'_>) {
    let mut in_sources = false;
    if let Err(error) = sources(&mut Json::new(input), walk, &mut in_sources) {
        // What is no JSON was searched as a text; only sources that were begun are missing.
        if in_sources {
            walk.problem(None, format!("damaged source map: {}", super::reason(&error)));
        }
    }
}

fn sources<R: Read>(json: &mut Json<R>, walk: &mut Walk<'_>, in_sources: &mut bool) -> io::Result<()> {
    let mut names = Vec::new();
    loop {
        match json.next()? {
            // Of maps in a map the last.
            Event::Key(key) if key == "sources" => names = texts(json)?,
            Event::Key(key) if key == "sourcesContent" => {
                *in_sources = true;
                if !contents(json, walk, &names)? {
                    return Ok(());
                }
                *in_sources = false;
            }
            Event::End => return Ok(()),
            _ => {}
        }
    }
}

/// The texts of a list.
fn texts<R: Read>(json: &mut Json<R>) -> io::Result<Vec<String>> {
    let mut texts = Vec::new();
    if json.next()? != Event::List {
        return Ok(texts);
    }
    let depth = json.depth();
    loop {
        let mut name = Vec::new();
        match json.next()? {
            Event::Close if json.depth() < depth => return Ok(texts),
            Event::End => return Ok(texts),
            Event::Text => _ = json.text().take(MAX_NAME).read_to_end(&mut name)?,
            _ => {}
        }
        if json.depth() == depth && texts.len() < MAX_NAMES {
            texts.push(clean(&name));
        }
    }
}

/// Hands the sources on; `false` if the walk is over.
fn contents<R: Read>(json: &mut Json<R>, walk: &mut Walk<'_>, names: &[String]) -> io::Result<bool> {
    if json.next()? != Event::List {
        return Ok(true);
    }
    let depth = json.depth();
    let mut index = 0;
    loop {
        match json.next()? {
            Event::Close if json.depth() < depth => return Ok(true),
            Event::End => return Ok(true),
            Event::Text if json.depth() == depth => {
                let name = names.get(index).cloned().unwrap_or_else(|| format!("source {index}"));
                let goes_on = walk.member(Member::unpacked(name), &mut json.text());
                // That a source cannot be read to its end was told by who read it.
                if !goes_on || io::copy(&mut json.text(), &mut io::sink()).is_err() {
                    return Ok(false);
                }
                index += 1;
            }
            Event::Scalar if json.depth() == depth => index += 1,
            _ => {}
        }
    }
}
