//! JSON read as a stream: what stands where, and texts without their escapes. Only as strict as finding texts needs.

use std::io::{self, BufRead, BufReader, Read};

/// Deepest nesting that is followed.
const MAX_DEPTH: usize = 128;
/// Bytes kept of a key.
const MAX_KEY: u64 = 256;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The name of a member; its value follows.
    Key(String),
    /// A text, to be read with [`Json::text`]. What is not read is passed over.
    Text,
    /// A number, truth value or null.
    Scalar,
    /// An object begins.
    Object,
    /// A list begins.
    List,
    /// The innermost object or list ends.
    Close,
    /// The document is over.
    End,
}

/// A document.
pub(crate) struct Json<R> {
    input: BufReader<R>,
    /// For each open object or list, whether it is an object.
    open: Vec<bool>,
    /// In an object: a key comes next.
    key_next: bool,
    /// Within a text.
    in_text: bool,
    /// Decoded bytes that did not fit the reader's buffer.
    pending: Vec<u8>,
}

impl<R: Read> Json<R> {
    pub(crate) fn new(input: R) -> Self {
        let input = BufReader::with_capacity(64 << 10, input);
        Self { input, open: Vec::new(), key_next: false, in_text: false, pending: Vec::new() }
    }

    /// How many objects and lists are open.
    pub(crate) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Goes on to what comes next.
    ///
    /// # Errors
    ///
    /// The input cannot be read, or is no JSON.
    pub(crate) fn next(&mut self) -> io::Result<Event> {
        if self.in_text {
            io::copy(&mut self.text(), &mut io::sink())?;
        }
        loop {
            let Some(byte) = self.byte()? else {
                return if self.open.is_empty() { Ok(Event::End) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            };
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b':' => {}
                b',' => self.key_next = self.open.last() == Some(&true),
                b'"' => {
                    self.in_text = true;
                    if !std::mem::take(&mut self.key_next) {
                        return Ok(Event::Text);
                    }
                    let mut key = Vec::new();
                    self.text().take(MAX_KEY).read_to_end(&mut key)?;
                    io::copy(&mut self.text(), &mut io::sink())?;
                    return Ok(Event::Key(String::from_utf8_lossy(&key).into_owned()));
                }
                b'{' | b'[' => {
                    if self.open.len() >= MAX_DEPTH {
                        return Err(io::Error::other("nested too deeply"));
                    }
                    self.open.push(byte == b'{');
                    self.key_next = byte == b'{';
                    return Ok(if byte == b'{' { Event::Object } else { Event::List });
                }
                b'}' | b']' => {
                    if self.open.pop() != Some(byte == b'}') {
                        return Err(io::Error::other("it is no JSON"));
                    }
                    self.key_next = false;
                    return Ok(Event::Close);
                }
                b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                    self.scalar()?;
                    return Ok(Event::Scalar);
                }
                _ => return Err(io::Error::other("it is no JSON")),
            }
        }
    }

    /// The text that was announced, without its escapes, in UTF-8.
    pub(crate) fn text(&mut self) -> Text<'_, R> {
        Text { json: self }
    }

    fn scalar(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.input.fill_buf()?;
            let len = buffer.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')));
            let (len, is_over) = (len.unwrap_or(buffer.len()), len.is_some() || buffer.is_empty());
            self.input.consume(len);
            if is_over {
                return Ok(());
            }
        }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.input.fill_buf()?.first().copied();
        self.input.consume(usize::from(byte.is_some()));
        Ok(byte)
    }

    fn must(&mut self) -> io::Result<u8> {
        self.byte()?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> io::Result<char> {
        Ok(match self.must()? {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => {
                let unit = self.unit()?;
                // The second half of a pair, if it follows.
                let is_pair = (0xd800..0xdc00).contains(&unit) && self.input.fill_buf()?.starts_with(b"\\u");
                if is_pair {
                    self.input.consume(2);
                    let low = self.unit()?;
                    let pair = char::decode_utf16([unit, low]).next().and_then(Result::ok);
                    return Ok(pair.unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            other => char::from(other),
        })
    }

    fn unit(&mut self) -> io::Result<u16> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = char::from(self.must()?).to_digit(16).ok_or_else(|| io::Error::other("it is no JSON"))?;
            unit = unit << 4 | digit as u16;
        }
        Ok(unit)
    }
}

/// A text of a document.
pub(crate) struct Text<'a, R> {
    json: &'a mut Json<R>,
}

impl<R: Read> Read for Text<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let json = &mut *self.json;
        let mut done = 0;
        while done < buf.len() {
            if !json.pending.is_empty() {
                let count = json.pending.len().min(buf.len() - done);
                buf[done..done + count].copy_from_slice(&json.pending[..count]);
                json.pending.drain(..count);
                done += count;
                continue;
            }
            if !json.in_text {
                break;
            }
            let buffer = json.input.fill_buf()?;
            if buffer.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let plain = memchr::memchr2(b'"', b'\\', buffer);
            let count = plain.unwrap_or(buffer.len()).min(buf.len() - done);
            buf[done..done + count].copy_from_slice(&buffer[..count]);
            json.input.consume(count);
            done += count;
            if plain == Some(count) {
                match json.must()? {
                    b'"' => json.in_text = false,
                    _ => {
                        let letter = json.escape()?;
                        json.pending.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                }
            }
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> io::Result<Vec<String>> {
        let mut json = Json::new(text.as_bytes());
        let mut all = Vec::new();
        loop {
            match json.next()? {
                Event::End => return Ok(all),
                Event::Text => {
                    let mut text = String::new();
                    json.text().read_to_string(&mut text)?;
                    all.push(text);
                }
                event => all.push(format!("{event:?}")),
            }
        }
    }

    #[test]
    fn texts_lose_their_escapes() {
        let seen = events(r#"{"a\u0062": ["x\n\"y\"\\", "\u00e9\ud83d\ude00\ud800", -1.5e3, null], "c": {}}"#).unwrap();
        let expected = [
            "Object",
            "Key(\"ab\")",
            "List",
            "x\n\"y\"\\",
            "é😀\u{fffd}",
            "Scalar",
            "Scalar",
            "Close",
            "Key(\"c\")",
            "Object",
            "Close",
            "Close",
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_is_not_read_is_passed_over() {
        let mut json = Json::new(&br#"{"a": {"b": ["1xyz", {"c": "2"}]}, "d": "3"}"#[..]);
        assert_eq!(json.next().unwrap(), Event::Object);
        assert_eq!(json.next().unwrap(), Event::Key("a".to_owned()));
        assert_eq!([json.next().unwrap(), json.next().unwrap()], [Event::Object, Event::Key("b".to_owned())]);
        assert_eq!([json.next().unwrap(), json.next().unwrap()], [Event::List, Event::Text]);
        let mut first = [0];
        assert_eq!((json.text().read(&mut first).unwrap(), first), (1, *b"1"));
        assert_eq!((json.next().unwrap(), json.depth()), (Event::Object, 4));
        assert_eq!([json.next().unwrap(), json.next().unwrap()], [Event::Key("c".to_owned()), Event::Text]);
        (0..3).for_each(|_| assert_eq!(json.next().unwrap(), Event::Close));
        assert_eq!(json.next().unwrap(), Event::Key("d".to_owned()));
        assert_eq!(json.next().unwrap(), Event::Text);
        assert_eq!(json.next().unwrap(), Event::Close);
        assert_eq!(json.next().unwrap(), Event::End);
    }

    #[test]
    fn small_buffers_lose_nothing() {
        let mut json = Json::new(&br#""a\ud83d\ude00b\tc""#[..]);
        assert_eq!(json.next().unwrap(), Event::Text);
        let mut all = Vec::new();
        let mut byte = [0];
        while json.text().read(&mut byte).unwrap() == 1 {
            all.push(byte[0]);
        }
        assert_eq!(String::from_utf8(all).unwrap(), "a😀b\tc");
    }

    #[test]
    fn broken_documents_are_errors() {
        for text in ["{", "[1", "\"a", "\"\\u12", "\"\\uzzzz\"", "]", "{]", "?", &"[".repeat(1000)] {
            assert!(events(text).is_err(), "{text}");
        }
        assert!(events("").unwrap().is_empty());
    }
}
