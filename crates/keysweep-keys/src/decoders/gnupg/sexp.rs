//! S-expressions (RFC 9804) as libgcrypt writes and holds them: the canonical form (`3:rsa`), the advanced form (`#00ff#`,
//! `"text"`, tokens), and libgcrypt's own form in memory (`sexp.c`: a tag, and a length in the order of the machine).
//!
//! What is cut off reads as far as it goes: open lists end there.

use crate::Secret;
use data_encoding::BASE64_NOPAD;
use zeroize::Zeroizing;

/// Deepest nesting. Key files have six levels.
const MAX_DEPTH: usize = 12;
/// Most atoms and lists of one expression.
const MAX_NODES: usize = 512;
/// Longest atom in bytes: numbers of 16384 bits and more.
const MAX_ATOM: usize = 16 << 10;
/// Longest expression in bytes, as it stands there.
pub(super) const MAX_TEXT: usize = 64 << 10;

/// Longest expression in header lines: RSA with 16384 bits takes 21 KiB.
const MAX_FOLDED: usize = 24 << 10;

/// An atom or a list.
#[derive(Debug)]
pub(super) enum Node {
    Atom(Secret),
    List(Vec<Node>),
}

/// How libgcrypt holds an expression in memory. Lengths have two bytes.
mod tag {
    pub(super) const STOP: u8 = 0;
    pub(super) const DATA: u8 = 1;
    pub(super) const OPEN: u8 = 3;
    pub(super) const CLOSE: u8 = 4;
}

impl Node {
    /// The text or bytes of an atom.
    pub(super) fn atom(&self) -> Option<&[u8]> {
        match self {
            Node::Atom(bytes) => Some(bytes),
            Node::List(_) => None,
        }
    }

    /// What is in a list; nothing for an atom.
    pub(super) fn items(&self) -> &[Node] {
        match self {
            Node::Atom(_) => &[],
            Node::List(items) => items,
        }
    }

    /// The first atom of a list.
    pub(super) fn name(&self) -> Option<&[u8]> {
        self.items().first()?.atom()
    }

    /// The list in this one with this name.
    pub(super) fn list(&self, name: &[u8]) -> Option<&Node> {
        self.items().iter().find(|item| item.name() == Some(name))
    }

    /// The value of `(name value)` in this list.
    pub(super) fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.list(name)?.items().get(1)?.atom()
    }
}

/// The expression at the start of `text` in canonical or advanced form, the bytes it takes, and whether it is whole.
pub(super) fn text(text: &[u8]) -> Option<(Node, usize, bool)> {
    let text = &text[..text.len().min(MAX_TEXT)];
    let mut tree = Tree::default();
    let mut at = 0;
    while !tree.done() {
        at += super::super::text::run(&text[at..], |b| b.is_ascii_whitespace());
        let Some(&byte) = text.get(at) else { break };
        let used = match byte {
            b'(' => tree.open().map(|()| 1),
            b')' => tree.close().map(|()| 1),
            _ => atom(&text[at..]).and_then(|(bytes, used)| tree.atom(bytes).map(|()| used)),
        };
        match used {
            Some(used) => at += used,
            None => break,
        }
    }
    tree.finish(at)
}

/// The text with the line ends taken out that a header's value is folded by, in the midst of words, too: a line end, what
/// stands before the header on its line, and one blank. Gives for each byte its offset in the folded text.
pub(super) fn unfold(text: &[u8], prefix: &[u8]) -> (Zeroizing<Vec<u8>>, Vec<u32>) {
    let text = &text[..text.len().min(MAX_FOLDED)];
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut places = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let fold = match &text[at..] {
            [b'\r', b'\n', rest @ ..] => rest.strip_prefix(prefix),
            [b'\n', rest @ ..] => rest.strip_prefix(prefix),
            _ => None,
        };
        match fold {
            Some([b' ' | b'\t', rest @ ..]) => at = text.len() - rest.len(),
            _ => {
                plain.push(byte);
                places.push(at as u32);
                at += 1;
            }
        }
    }
    (plain, places)
}

/// The expression at the start of `bytes` in libgcrypt's own form.
pub(super) fn memory(bytes: &[u8]) -> Option<(Node, usize, bool)> {
    let bytes = &bytes[..bytes.len().min(MAX_TEXT)];
    let mut tree = Tree::default();
    let mut at = 0;
    while !tree.done() {
        let used = match bytes.get(at) {
            Some(&tag::OPEN) => tree.open().map(|()| 1),
            Some(&tag::CLOSE) => tree.close().map(|()| 1),
            Some(&tag::DATA) => data(&bytes[at + 1..]).and_then(|data| tree.atom(data).map(|()| 3 + data.len())),
            Some(&tag::STOP) | Some(_) | None => None,
        };
        match used {
            Some(used) => at += used,
            None => break,
        }
    }
    tree.finish(at)
}

fn data(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.get(..usize::from(u16::from_le_bytes(*length)))
}

/// An atom of the canonical or advanced form and the bytes it takes. A display hint is passed over.
fn atom(text: &[u8]) -> Option<(Zeroizing<Vec<u8>>, usize)> {
    match *text.first()? {
        b'0'..=b'9' => match text[super::super::text::run(text, |b| b.is_ascii_digit())..].first() {
            Some(b':') => verbatim(text),
            _ => token(text),
        },
        b'#' => hex(text),
        b'"' => quoted(text),
        b'|' => {
            let end = memchr::memchr(b'|', &text[1..])?;
            let symbols: Zeroizing<Vec<u8>> =
                Zeroizing::new(text[1..1 + end].iter().copied().filter(u8::is_ascii_graphic).collect());
            let symbols = symbols.strip_suffix(b"==").or(symbols.strip_suffix(b"=")).unwrap_or(&symbols);
            Some((Zeroizing::new(BASE64_NOPAD.decode(symbols).ok()?), end + 2))
        }
        b'[' => {
            let end = memchr::memchr(b']', &text[..text.len().min(256)])?;
            let (bytes, used) = text.get(end + 1).filter(|b| **b != b'[').and_then(|_| atom(&text[end + 1..]))?;
            Some((bytes, end + 1 + used))
        }
        _ => token(text),
    }
}

/// `3:rsa`
fn verbatim(text: &[u8]) -> Option<(Zeroizing<Vec<u8>>, usize)> {
    let digits = super::super::text::run(text, |b| b.is_ascii_digit());
    let length: usize = std::str::from_utf8(text.get(..digits.min(6))?).ok()?.parse().ok()?;
    if digits > 6 || length > MAX_ATOM || text.get(digits) != Some(&b':') {
        return None;
    }
    let start = digits + 1;
    let bytes = text.get(start..start + length)?;
    Some((Zeroizing::new(bytes.to_vec()), start + length))
}

/// `#00FF#`, with white space anywhere.
fn hex(text: &[u8]) -> Option<(Zeroizing<Vec<u8>>, usize)> {
    let end = memchr::memchr(b'#', &text[1..])?;
    let digits: Zeroizing<Vec<u8>> =
        Zeroizing::new(text[1..1 + end].iter().copied().filter(|b| !b.is_ascii_whitespace()).collect());
    Some((super::super::text::hex(&digits)?, end + 2))
}

/// `"NIST P-256"`, with the escapes of C and line ends that are escaped away.
fn quoted(text: &[u8]) -> Option<(Zeroizing<Vec<u8>>, usize)> {
    let mut bytes = Zeroizing::new(Vec::new());
    let mut at = 1;
    loop {
        let byte = *text.get(at)?;
        at += 1;
        match byte {
            b'"' => return Some((bytes, at)),
            b'\\' => {
                let escape = *text.get(at)?;
                at += 1;
                let number = |digits: usize, radix: u32| {
                    let digits = std::str::from_utf8(text.get(at..at + digits)?).ok()?;
                    u8::from_str_radix(digits, radix).ok()
                };
                match escape {
                    b'n' => bytes.push(b'\n'),
                    b'r' => bytes.push(b'\r'),
                    b't' => bytes.push(b'\t'),
                    b'b' => bytes.push(8),
                    b'v' => bytes.push(11),
                    b'f' => bytes.push(12),
                    b'x' => {
                        bytes.push(number(2, 16)?);
                        at += 2;
                    }
                    b'0'..=b'7' => {
                        at -= 1;
                        let digits = std::str::from_utf8(text.get(at..at + 3)?).ok()?;
                        bytes.push(u8::from_str_radix(digits, 8).ok()?);
                        at += 3;
                    }
                    b'\r' | b'\n' => {
                        at += usize::from(text.get(at).is_some_and(|b| b"\r\n".contains(b) && *b != escape))
                    }
                    other => bytes.push(other),
                }
            }
            other => bytes.push(other),
        }
        if bytes.len() > MAX_ATOM {
            return None;
        }
    }
}

/// `rsa`, `openpgp-s2k3-ocb-aes`, `t1-v1`.
fn token(text: &[u8]) -> Option<(Zeroizing<Vec<u8>>, usize)> {
    let length = super::super::text::run(text, |b| b.is_ascii_alphanumeric() || b"-./_:*+=".contains(&b));
    (1..=64).contains(&length).then(|| (Zeroizing::new(text[..length].to_vec()), length))
}

/// Lists that are being filled, outermost first.
#[derive(Default)]
struct Tree {
    open: Vec<Vec<Node>>,
    closed: Option<Node>,
    nodes: usize,
}

impl Tree {
    fn done(&self) -> bool {
        self.closed.is_some()
    }

    fn count(&mut self) -> Option<()> {
        self.nodes += 1;
        (self.nodes <= MAX_NODES).then_some(())
    }

    fn open(&mut self) -> Option<()> {
        self.count()?;
        (self.open.len() < MAX_DEPTH).then(|| self.open.push(Vec::new()))
    }

    fn atom(&mut self, bytes: impl AsRef<[u8]>) -> Option<()> {
        self.count()?;
        self.open.last_mut()?.push(Node::Atom(Secret::new(bytes.as_ref())));
        Some(())
    }

    fn close(&mut self) -> Option<()> {
        let list = Node::List(self.open.pop()?);
        match self.open.last_mut() {
            Some(outer) => outer.push(list),
            None => self.closed = Some(list),
        }
        Some(())
    }

    fn finish(mut self, used: usize) -> Option<(Node, usize, bool)> {
        let whole = self.done();
        while !self.done() && !self.open.is_empty() {
            self.close()?;
        }
        Some((self.closed?, used, whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_say_the_same() {
        let canonical = b"(3:key(1:n3:\x00\xff\x10)(4:text5:a b\nc))rest";
        let advanced = b"(key (n #00 FF\n 10#)(text \"a b\\nc\"))rest";
        let mixed = b"( key (n |AP8Q|) ([hint]text \"a b\\x0ac\"))rest";
        let memory_form =
            b"\x03\x01\x03\0key\x03\x01\x01\0n\x01\x03\0\x00\xff\x10\x04\x03\x01\x04\0text\x01\x05\0a b\nc\x04\x04\0";
        for read in [text(canonical), text(advanced), text(mixed), memory(memory_form)] {
            let (node, used, whole) = read.unwrap();
            assert_eq!(node.name(), Some(&b"key"[..]));
            assert_eq!(node.value(b"n"), Some(&[0, 0xff, 0x10][..]));
            assert_eq!(node.value(b"text"), Some(&b"a b\nc"[..]));
            assert!(whole && used > 10);
        }
        assert_eq!(text(canonical).unwrap().1, canonical.len() - 4);
    }

    #[test]
    fn folded_lines_are_joined_within_words() {
        for (folded, prefix) in [("(prot\n ected\n  rsa)", ""), ("(prot\r\n# ected\r\n#  rsa)", "#")] {
            let (plain, places) = unfold(folded.as_bytes(), prefix.as_bytes());
            assert_eq!((plain.as_slice(), places.last()), (&b"(protected rsa)"[..], Some(&(folded.len() as u32 - 1))));
        }
        assert_eq!(unfold(b"(a\nb)", b"").0.as_slice(), b"(a\nb)");
    }

    #[test]
    fn what_is_cut_off_reads_as_far_as_it_goes() {
        let (node, _, whole) = text(b"(3:key(1:n3:abc)(1:e9:ab").unwrap();
        assert_eq!((node.value(b"n"), node.value(b"e"), whole), (Some(&b"abc"[..]), None, false));
        assert!(text(b")").is_none() && text(b"").is_none() && text(b"abc").is_none());
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let deep = vec![b'('; 100_000];
        assert!(text(&deep).is_some());
        let wide = [b"(".as_slice(), &b"1:a".repeat(100_000)].concat();
        assert_eq!(text(&wide).unwrap().0.items().len(), MAX_NODES - 1);
        assert!(text(b"(999999999999999999999:x)").is_some());
    }
}
