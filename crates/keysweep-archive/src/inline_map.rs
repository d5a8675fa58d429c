//! Source maps within the scripts and style sheets that they belong to: `//# sourceMappingURL=data:…`.
//!
//! Sources: ECMA-426 section 11.1.2 (where the comment stands), RFC 2397 (`data:`), RFC 4648 (base64, both alphabets).
//!
//! Nothing is held but the buffers of the readers: the URL is read as a stream, from the source at hand, as far as it goes.

use crate::budget::Budget;
use crate::format::source_map;
use crate::reader::At;
use crate::{HEAD, Input, Visitor};
use data_encoding::BASE64_NOPAD;
use keysweep_image::{ReadAt, read_into};
use std::io::{self, Read};
use std::ops::Range;

/// What the URL of a map in its script begins with, and what stands before it in all forms of the comment.
pub const INLINE_MAP: &[u8] = b"sourceMappingURL=data:";

/// Longest media type with its parameters.
const MAX_TYPE: usize = 200;
/// Bytes of the URL read at a time.
const BUFFER: usize = 16 << 10;
/// Groups of base64 decoded at a time.
const GROUPS: usize = 1024;

/// A source map in its script.
#[derive(Clone, Copy)]
pub struct InlineMap<'a> {
    source: &'a dyn ReadAt,
    /// Where its comment begins.
    start: u64,
    /// Where the data of the URL begin.
    data: u64,
    is_base64: bool,
}

impl<'a> InlineMap<'a> {
    /// The map whose [`INLINE_MAP`] stands at `start`, if the bytes show that it is one: programs that write such comments
    /// have their beginning in them, too.
    ///
    /// # Errors
    ///
    /// It is none, and how many bytes were decoded to see that.
    pub fn find(source: &'a dyn ReadAt, start: u64) -> Result<Self, usize> {
        let url = start.saturating_add(INLINE_MAP.len() as u64);
        let mut bytes = [0; MAX_TYPE];
        let read = read_into(source, url, &mut bytes);
        let Some(comma) = memchr::memchr(b',', &bytes[..read]) else { return Err(0) };
        let kind = &bytes[..comma];
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"/;=+-._%".contains(b);
        let is_base64 = kind.rsplit(|b| *b == b';').next().is_some_and(|last| last.eq_ignore_ascii_case(b"base64"));
        let map = Self { source, start, data: url + comma as u64 + 1, is_base64 };
        let mut head = Vec::new();
        // What cannot be read is no map, as far as can be seen.
        let _ = map.reader().take(HEAD as u64).read_to_end(&mut head);
        if kind.iter().all(plain) && source_map::detect(&head) { Ok(map) } else { Err(head.len()) }
    }

    /// The first bytes of the map, at most `most`.
    pub fn bytes(&self, most: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = self.reader().take(most as u64).read_to_end(&mut bytes);
        bytes
    }

    /// Hands on the sources in it; tells which part of the script it is, from its comment to the last byte that was read.
    pub fn open(&self, name: &str, budget: &Budget, visitor: &mut dyn Visitor) -> Range<u64> {
        let mut reader = self.reader();
        crate::format::open(crate::Format::source_map(), Input::Stream(&mut reader), name, budget, visitor);
        // The sources may be followed by what was not read.
        if budget.stopped().is_none() {
            let _ = io::copy(&mut reader, &mut io::sink());
        }
        self.start..self.data + reader.url.position
    }

    fn reader(&self) -> Data<'a> {
        let url = Url {
            inner: At::new(self.source, self.data..u64::MAX),
            buffer: vec![0; BUFFER].into(),
            held: 0..0,
            is_base64: self.is_base64,
            position: 0,
        };
        Data { url, symbols: Vec::with_capacity(GROUPS * 4), decoded: Vec::new(), given: 0 }
    }
}

/// The data of a URL, decoded.
struct Data<'a> {
    url: Url<'a>,
    /// What was read last of the URL.
    symbols: Vec<u8>,
    /// The same decoded, and how much of it was given.
    decoded: Vec<u8>,
    given: usize,
}

impl Data<'_> {
    fn fill(&mut self) -> io::Result<()> {
        self.symbols.clear();
        while self.symbols.len() < GROUPS * 4 {
            match self.url.next()? {
                Some(b'=') if self.url.is_base64 => {}
                Some(b'-') if self.url.is_base64 => self.symbols.push(b'+'),
                Some(b'_') if self.url.is_base64 => self.symbols.push(b'/'),
                Some(byte) => self.symbols.push(byte),
                None => break,
            }
        }
        self.given = 0;
        if !self.url.is_base64 {
            std::mem::swap(&mut self.symbols, &mut self.decoded);
            return Ok(());
        }
        // A symbol that is left alone at the end is none of base64.
        let whole = self.symbols.len() - usize::from(self.symbols.len() % 4 == 1);
        self.decoded.clear();
        self.decoded = BASE64_NOPAD.decode(&self.symbols[..whole]).map_err(|_| io::Error::other("it is no base64"))?;
        Ok(())
    }
}

impl Read for Data<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.given == self.decoded.len() {
            self.fill()?;
        }
        let count = (self.decoded.len() - self.given).min(buf.len());
        buf[..count].copy_from_slice(&self.decoded[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

/// The data of a URL without percent signs, up to its end.
struct Url<'a> {
    inner: At<'a>,
    buffer: Box<[u8]>,
    /// What of the buffer was read and is not used.
    held: Range<usize>,
    is_base64: bool,
    /// Bytes used.
    position: u64,
}

impl Url<'_> {
    fn next(&mut self) -> io::Result<Option<u8>> {
        self.hold_three()?;
        let (byte, used) = match self.buffer[self.held.clone()] {
            [b'%', high, low, ..] if hex(high).is_some() && hex(low).is_some() => {
                (hex(high).unwrap_or(0) << 4 | hex(low).unwrap_or(0), 3)
            }
            // A style sheet ends the comment; other forms have white space there.
            [b'*', b'/', ..] => return Ok(None),
            [byte, ..] => (byte, 1),
            [] => return Ok(None),
        };
        let is_data = match self.is_base64 {
            true => byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte),
            false => used == 3 || byte > b' ',
        };
        if !is_data {
            return Ok(None);
        }
        self.held.start += used;
        self.position += used as u64;
        Ok(Some(byte))
    }

    /// Reads on unless there are three bytes, which one percent sign may need.
    fn hold_three(&mut self) -> io::Result<()> {
        if self.held.len() >= 3 {
            return Ok(());
        }
        self.buffer.copy_within(self.held.clone(), 0);
        self.held = 0..self.held.len();
        while self.held.len() < 3 {
            match self.inner.read(&mut self.buffer[self.held.end..])? {
                0 => break,
                count => self.held.end += count,
            }
        }
        Ok(())
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Member};
    use data_encoding::{BASE64, BASE64URL_NOPAD};
    use memchr::memmem;

    const MAP: &str = r#"{"version":3,"sources":["src/a.ts","b c.ts"],"sourcesContent":["let a = 'é';\n// >>>???",null],"mappings":"A"}"#;

    #[derive(Default)]
    struct Sources(Vec<(String, String)>, Vec<String>);

    impl Visitor for Sources {
        fn member(&mut self, member: &Member, content: &mut dyn Read) {
            let mut text = String::new();
            if let Err(error) = content.read_to_string(&mut text) {
                self.1.push(error.to_string());
            }
            self.0.push((member.name.clone(), text));
        }

        fn problem(&mut self, _: Option<&str>, message: String) {
            self.1.push(message);
        }
    }

    fn open(script: &str, start: usize) -> Option<(Range<u64>, Sources)> {
        let source = script.as_bytes();
        let map = InlineMap::find(&source, start as u64).ok()?;
        let mut sources = Sources::default();
        let budget = Budget::new(Limits::default(), source.len() as u64);
        Some((map.open("a.js", &budget, &mut sources), sources))
    }

    /// Opens the only map of a script that has `text` behind the map's comment.
    fn opened(before: &str, url: &str, behind: &str) -> Option<Sources> {
        let script = format!("let a;\n{before}sourceMappingURL={url}{behind}");
        let start = memmem::find(script.as_bytes(), b"sourceMappingURL").unwrap();
        let (range, sources) = open(&script, start)?;
        assert_eq!(range.start, start as u64);
        assert_eq!(&script[range.end as usize..], behind, "{url}");
        Some(sources)
    }

    #[test]
    fn all_forms_are_opened() {
        let base64 = BASE64.encode(MAP.as_bytes());
        let percent: String = MAP
            .bytes()
            .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02x}") })
            .collect();
        let forms = [
            ("//# ", format!("data:application/json;base64,{base64}"), ""),
            ("//# ", format!("data:application/json;base64,{base64}"), "\n"),
            ("//@ ", format!("data:application/json;charset=utf-8;base64,{base64}"), "\r\nlet b;"),
            ("/*# ", format!("data:application/json;charset=UTF-8;BASE64,{base64}"), " */\n"),
            ("/*# ", format!("data:application/json;base64,{base64}"), "*/"),
            ("eval(\"1;//# ", format!("data:application/json;charset=utf-8;base64,{base64}"), "\\n//# sourceURL=x\")"),
            ("//# ", format!("data:;base64,{}", BASE64URL_NOPAD.encode(MAP.as_bytes())), "\n"),
            ("//# ", format!("data:application/json;base64,{}", base64.replace('+', "%2B").replace('=', "%3D")), "\n"),
            ("//# ", format!("data:application/json,{percent}"), "\n"),
            ("/*# ", format!("data:application/json;charset=utf-8,{percent}"), "*/"),
            ("/*# ", format!("data:application/json;charset=utf-8,{percent}"), " */"),
            ("//# ", format!("data:application/json,{}", MAP.replace(' ', "%20")), "\n"),
        ];
        for (before, url, behind) in &forms {
            let sources = opened(before, url, behind).unwrap_or_else(|| panic!("not opened: {url}"));
            let expected = ("src/a.ts".to_owned(), "let a = 'é';\n// >>>???".to_owned());
            assert_eq!((sources.0, sources.1), (vec![expected], vec![]), "{url}");
        }
    }

    #[test]
    fn what_only_begins_like_one_is_none() {
        let base64 = BASE64.encode(MAP.as_bytes());
        for (before, url, behind) in [
            // Code that writes such comments.
            ("\"//# ", "data:application/json;charset=utf-8;base64,", "\".concat(base64)"),
            ("`//# ", "data:application/json;base64,", "${btoa(map)}`"),
            ("//# ", "data:application/json", ""),
            ("//# ", "data:application/json;base64,bm8gbWFw", "\n"),
            ("//# ", "data:application/json,%7B%22a%22%3A1%7D", "\n"),
            ("//# ", "data:,", "\n"),
            ("//# ", "data:", "\n"),
            ("//# ", "data:application/json;base64,e30=", "\n"),
            ("//# ", "data:image/\u{1}png;base64,", &base64),
        ] {
            assert!(opened(before, url, behind).is_none(), "{url}");
        }
        let source: &[u8] = b"x";
        assert!(InlineMap::find(&source, u64::MAX).is_err() && InlineMap::find(&source, 1).is_err());
    }

    #[test]
    fn longer_than_any_buffer_and_cut_anywhere() {
        let long = "x".repeat(3 * BUFFER + 17);
        let map = format!(r#"{{"version":3,"sources":["a"],"sourcesContent":["{long}"],"mappings":""}}"#);
        for url in [
            format!("data:application/json;base64,{}", BASE64.encode(map.as_bytes())),
            format!("data:application/json,{}", map.replace('x', "%78")),
        ] {
            let sources = opened("//# ", &url, "\n").unwrap();
            assert_eq!(sources.0, [("a".to_owned(), long.clone())]);
            let cut = opened("//# ", &url[..url.len() / 2], "\n").unwrap();
            assert_eq!((cut.0.len(), cut.1.len()), (1, 1), "a source that ends too early is told once: {:?}", cut.1);
        }
    }

    #[test]
    fn flipped_bytes_end_without_panics() {
        let script = format!("//# sourceMappingURL=data:application/json;base64,{}\n", BASE64.encode(MAP.as_bytes()));
        let mut state = 99_u64;
        for round in 0..4000 {
            let mut bytes = script.clone().into_bytes();
            for _ in 0..1 + round % 4 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = 4 + (state >> 33) as usize % (bytes.len() - 4);
                bytes[at] = (state >> 24) as u8;
            }
            bytes.truncate(bytes.len() - round % 40);
            let source: &[u8] = &bytes;
            let Ok(map) = InlineMap::find(&source, 4) else { continue };
            let budget = Budget::new(Limits::default(), source.len() as u64);
            let range = map.open("a.js", &budget, &mut Sources::default());
            assert!(range.end <= source.len() as u64);
        }
    }
}
