//! Secrets of Kubernetes, in YAML and JSON: all members of their `data` and `stringData`.
//!
//! The members of a mapping stand in any order; `kubectl` sorts them, so that `data` comes before `kind`. What is read is the
//! mapping, or object, of which `kind: Secret` is a member, and not what stands beside it.
//!
//! Source: Kubernetes, "Secrets", and API reference of Secret v1 core.

use super::{Listing, Notes, Text};
use std::ops::Range;

/// Lengths of values in base64, and in clear.
const ENCODED: std::ops::RangeInclusive<usize> = 12..=400;
const CLEAR: std::ops::RangeInclusive<usize> = 8..=256;

/// The members of `data` beside a `kind: Secret`.
pub(super) fn data(text: &Text<'_>, _: &mut Notes) -> Listing {
    let mut listing = Listing::default();
    let (start, end) = text.anchor;
    let window = text.window;
    let values = if window[start] == b'"' {
        let Some(object) = enclosing(&window[..start], &mut listing) else {
            listing.cut_before = !text.tried.at_start;
            return listing;
        };
        json_member(window, object, b"data", &mut listing)
    } else if window.get(end).is_none_or(u8::is_ascii_whitespace) {
        yaml_sibling(text, b"data", &mut listing)
    } else {
        return listing;
    };
    let encoded = |value: &[u8]| value.iter().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(b));
    tell(window, values, |value| ENCODED.contains(&value.len()) && encoded(value), &mut listing);
    listing
}

/// The members of `stringData`.
pub(super) fn string_data(text: &Text<'_>, _: &mut Notes) -> Listing {
    let mut listing = Listing::default();
    let (start, end) = text.anchor;
    let window = text.window;
    let values = if window[start] == b'"' {
        let colon = end + window[end..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        if window.get(colon) != Some(&b':') {
            return listing;
        }
        let open = colon + 1 + window[colon + 1..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        json_members(window, open, &mut listing)
    } else {
        let line = line_at(window, start);
        let (column, _) = key_of(&window[line.clone()]);
        match line.start.checked_add(column) == Some(start) {
            true => yaml_children(window, line.end, column, &mut listing),
            false => Vec::new(),
        }
    };
    let clear = |value: &[u8]| value.iter().all(|b| b.is_ascii_graphic() && !b"\"'".contains(b));
    tell(window, values, |value| CLEAR.contains(&value.len()) && clear(value), &mut listing);
    listing
}

/// A member: its name, and where its value stands.
type Member = (Range<usize>, Range<usize>);

fn tell(window: &[u8], members: Vec<Member>, is_value: impl Fn(&[u8]) -> bool, listing: &mut Listing) {
    for (name, at) in members {
        if is_value(&window[at.clone()]) {
            listing.tell(at, &String::from_utf8_lossy(&window[name]));
        }
    }
}

/// The line in which a place lies, without its line break.
fn line_at(text: &[u8], at: usize) -> Range<usize> {
    let start = memchr::memrchr(b'\n', &text[..at]).map_or(0, |before| before + 1);
    let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length);
    start..end
}

/// The column of the key of a line, behind spaces and the hyphens of lists, and whether there are such. A line without
/// anything, or with a comment alone, has the column of none.
fn key_of(line: &[u8]) -> (usize, bool) {
    let lead = line.iter().take_while(|b| b" -".contains(b)).count();
    let lead = if line[..lead].ends_with(b"-") { lead - 1 } else { lead };
    let rest = line[lead..].trim_ascii();
    if rest.is_empty() || rest.starts_with(b"#") { (usize::MAX, false) } else { (lead, line[..lead].contains(&b'-')) }
}

/// The members of the mapping `name` beside the key at the anchor.
fn yaml_sibling(text: &Text<'_>, name: &[u8], listing: &mut Listing) -> Vec<Member> {
    let (window, start) = (text.window, text.anchor.0);
    let own = line_at(window, start);
    let (column, first) = key_of(&window[own.clone()]);
    if own.start.checked_add(column) != Some(start) {
        return Vec::new();
    }
    let is_named = |line: &Range<usize>| {
        let rest = &window[line.start + column..line.end];
        rest.strip_prefix(name)
            .and_then(|rest| rest.strip_prefix(b":"))
            .is_some_and(|rest| rest.trim_ascii().is_empty())
    };
    // Upwards, unless the key is the first of its mapping.
    let mut before = own.start;
    let mut begins = first;
    while !begins {
        if before == 0 {
            listing.cut_before = !text.tried.at_start;
            break;
        }
        let line = line_at(window, before - 1);
        listing.work += line.len() + 1;
        before = line.start;
        let (at, item) = key_of(&window[line.clone()]);
        if at < column || is_end(&window[line.clone()]) {
            break;
        }
        if at == column && is_named(&line) {
            return yaml_children(window, line.end, column, listing);
        }
        begins = at == column && item;
    }
    let mut end = own.end;
    while end < window.len() {
        let line = line_at(window, end + 1);
        listing.work += line.len() + 1;
        end = line.end;
        let (at, item) = key_of(&window[line.clone()]);
        if at < column || (at == column && item) || is_end(&window[line.clone()]) {
            return Vec::new();
        }
        if at == column && is_named(&line) {
            listing.cut_before = false;
            return yaml_children(window, line.end, column, listing);
        }
    }
    listing.cut = true;
    Vec::new()
}

/// Whether a document ends here.
fn is_end(line: &[u8]) -> bool {
    line.starts_with(b"---") || line.starts_with(b"...")
}

/// What the line before was of a mapping of texts.
enum Last {
    /// A name, whose value begins on the next line.
    Key(Range<usize>),
    /// The only line so far of the last value that is told.
    Told,
    /// Nothing that the next line may belong to.
    Done,
}

/// The members of the mapping whose key stands at `column`, and whose line ends at `end`.
fn yaml_children(window: &[u8], mut end: usize, column: usize, listing: &mut Listing) -> Vec<Member> {
    let mut members = Vec::new();
    let mut child = None;
    let mut last = Last::Done;
    while end < window.len() {
        let line = line_at(window, end + 1);
        listing.work += line.len() + 1;
        end = line.end;
        let (at, item) = key_of(&window[line.clone()]);
        if at == usize::MAX {
            continue;
        }
        if at <= column || item || is_end(&window[line.clone()]) {
            return members;
        }
        let child = *child.get_or_insert(at);
        if at > child {
            last = match last {
                Last::Key(name) => {
                    members.push((name, trimmed(window, line.start + at..line.end)));
                    Last::Told
                }
                // A value of several lines is none that is told.
                Last::Told => {
                    members.pop();
                    Last::Done
                }
                Last::Done => Last::Done,
            };
            continue;
        }
        last = match pair(window, line.start + at..line.end) {
            None => Last::Done,
            Some((name, value)) if matches!(window[value.clone()].first(), None | Some(b'|' | b'>')) => Last::Key(name),
            Some(member) => {
                members.push(member);
                Last::Told
            }
        };
    }
    listing.cut = true;
    members
}

/// `name: value`, without quotes and comment.
fn pair(window: &[u8], line: Range<usize>) -> Option<Member> {
    let text = &window[line.clone()];
    let colon = memchr::memchr(b':', text).filter(|at| text.get(at + 1).is_none_or(u8::is_ascii_whitespace))?;
    let name = unquoted(window, trimmed(window, line.start..line.start + colon));
    let mut value = trimmed(window, line.start + colon + 1..line.end);
    if let Some(comment) = memchr::memmem::find(&window[value.clone()], b" #") {
        value = trimmed(window, value.start..value.start + comment);
    }
    Some((name, unquoted(window, value)))
}

fn trimmed(window: &[u8], range: Range<usize>) -> Range<usize> {
    let text = &window[range.clone()];
    let lead = text.len() - text.trim_ascii_start().len();
    range.start + lead..range.start + lead + text.trim_ascii().len()
}

fn unquoted(window: &[u8], range: Range<usize>) -> Range<usize> {
    match &window[range.clone()] {
        [b'"', .., b'"'] | [b'\'', .., b'\''] => range.start + 1..range.end - 1,
        _ => range,
    }
}

/// Where the object begins that is open at the end of a text.
fn enclosing(text: &[u8], listing: &mut Listing) -> Option<usize> {
    let mut depth = 0_usize;
    for at in memchr::memchr2_iter(b'{', b'}', text).rev() {
        if text[at] == b'}' {
            depth += 1;
        } else if depth == 0 {
            listing.work += text.len() - at;
            return Some(at);
        } else {
            depth -= 1;
        }
    }
    listing.work += text.len();
    None
}

/// The members of the object `name` in the object at `at`.
fn json_member(window: &[u8], at: usize, name: &[u8], listing: &mut Listing) -> Vec<Member> {
    let mut json = Json { text: window, at: at + 1 };
    let members = json.find(name);
    listing.work += json.at - at;
    match members {
        Some(Some(open)) => json_members(window, open, listing),
        Some(None) => Vec::new(),
        None => {
            listing.cut = json.at >= window.len();
            Vec::new()
        }
    }
}

/// The members with texts of the object that begins at `open`.
fn json_members(window: &[u8], open: usize, listing: &mut Listing) -> Vec<Member> {
    let mut members = Vec::new();
    if window.get(open) != Some(&b'{') {
        return members;
    }
    let mut json = Json { text: window, at: open + 1 };
    let ended = json.each(|name, value| members.extend(value.map(|value| (name, value)))).is_some();
    listing.work += json.at - open;
    listing.cut |= !ended && json.at >= window.len();
    members
}

/// A place in JSON.
struct Json<'a> {
    text: &'a [u8],
    at: usize,
}

impl Json<'_> {
    /// Where the object begins that is the member `name` of the object in which this place lies. Nothing where the text ends or
    /// is no JSON.
    fn find(&mut self, name: &[u8]) -> Option<Option<usize>> {
        let mut found = None;
        let text = self.text;
        self.members(|json, member| {
            if &text[member] == name && json.peek() == Some(b'{') {
                found = Some(json.at);
            }
            json.skip().map(|_| ())
        })?;
        Some(found)
    }

    /// Tells name and, if it is a text, value of each member of the object in which this place lies.
    fn each(&mut self, mut tell: impl FnMut(Range<usize>, Option<Range<usize>>)) -> Option<()> {
        self.members(|json, member| {
            let value = json.skip()?;
            tell(member, value);
            Some(())
        })
    }

    fn members(&mut self, mut member: impl FnMut(&mut Self, Range<usize>) -> Option<()>) -> Option<()> {
        loop {
            match self.peek()? {
                b'}' => return Some(()),
                b',' => self.at += 1,
                b'"' => {
                    let name = self.string()?;
                    if self.peek()? != b':' {
                        return None;
                    }
                    self.at += 1;
                    self.peek()?;
                    member(self, name)?;
                }
                _ => return None,
            }
        }
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..)?;
        self.at += rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        self.text.get(self.at).copied()
    }

    /// Goes over a text, and tells what is between its quotes.
    fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            let Some(next) = memchr::memchr2(b'"', b'\\', self.text.get(at..).unwrap_or_default()) else {
                self.at = self.text.len();
                return None;
            };
            at += next;
            if self.text[at] == b'"' {
                self.at = at + 1;
                return Some(start..at);
            }
            at += 2;
        }
    }

    /// Goes over a value, and tells where it stands if it is a text.
    fn skip(&mut self) -> Option<Option<Range<usize>>> {
        if self.peek()? == b'"' {
            return self.string().map(Some);
        }
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => _ = self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b',' | b'}' | b']' if depth == 0 => return Some(None),
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        return Some(None);
                    }
                }
                _ => self.at += 1,
            }
        }
    }
}
