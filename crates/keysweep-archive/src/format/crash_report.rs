//! Reports of crashes that Ubuntu's apport writes to `/var/crash`: lines of text, with the core in base64 among them.
//!
//! Source: `problem_report.py` of apport. A report is like a mail's header (RFC 822): `Key: value`, and lines that go on with the
//! value begin with a space. Where the value is `base64`, each of these lines is encoded for itself, and together they are a file
//! that is compressed, by gzip or zstd.

use super::{Open, Reader, Walk};
use crate::Member;
use crate::name::clean;
use crate::reader::{Stream, read_line};
use std::io::{self, BufRead, BufReader, Read};

pub(super) const READER: Reader = Reader { name: "crash report", detect, open: Open::Members(open) };

const FIRST_KEY: &[u8] = b"ProblemType: ";
/// Bytes of a line that is looked at for a key.
const MAX_KEY: usize = 256;

/// The key that apport writes first, with one word, and another key in the next line.
fn detect(head: &[u8]) -> bool {
    let Some(rest) = head.strip_prefix(FIRST_KEY) else { return false };
    let mut lines = rest.splitn(3, |byte| *byte == b'\n');
    let is_word = |word: &[u8]| (3..32).contains(&word.len()) && word.iter().all(u8::is_ascii_alphanumeric);
    lines.next().is_some_and(is_word) && lines.next().and_then(key_of).is_some()
}

/// The key of a line and its value.
fn key_of(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (key, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (!key.is_empty() && key.iter().all(is_key)).then_some((key, value))
}

fn open(input: &mut Stream<'_>, walk: &mut Walk<'_>) {
    if let Err(error) = values(&mut BufReader::with_capacity(64 << 10, input), walk) {
        walk.problem(None, format!("damaged crash report: {}", super::reason(&error)));
    }
}

fn values(input: &mut impl BufRead, walk: &mut Walk<'_>) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        if !read_line(input, &mut line, MAX_KEY)? {
            return Ok(());
        }
        let Some((key, b"base64")) = key_of(&line) else { continue };
        let name = clean(key);
        let mut value = Value { input: &mut *input, bits: 0, count: 0, place: Place::LineEnd };
        if !walk.member(Member::unpacked(name), &mut value) {
            return Ok(());
        }
    }
}

/// Where in a value the next byte stands.
#[derive(PartialEq, Eq)]
enum Place {
    Line,
    /// Behind a line: the next one may be of the same value.
    LineEnd,
    /// Before what is no base64.
    Damage,
    End,
}

/// What a value in base64 stands for (RFC 4648, section 4). What is not read of it consists of lines without a key.
struct Value<'a, R> {
    input: &'a mut R,
    /// Bits of symbols that make no byte yet, and how many.
    bits: u32,
    count: u32,
    place: Place,
}

impl<R: BufRead> Read for Value<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        if self.place == Place::Damage {
            self.place = Place::End;
            return Err(io::Error::new(io::ErrorKind::InvalidData, "what is said to be base64 is not"));
        }
        while filled < buf.len() && matches!(self.place, Place::Line | Place::LineEnd) {
            let ahead = self.input.fill_buf()?;
            let mut taken = 0;
            for byte in ahead {
                if filled == buf.len() {
                    break;
                }
                match (&self.place, symbol(*byte)) {
                    (Place::LineEnd, _) if *byte == b' ' => self.place = Place::Line,
                    (Place::LineEnd, _) => {
                        self.place = Place::End;
                        break; // It begins the next key.
                    }
                    (_, Some(bits)) => {
                        self.bits = self.bits << 6 | bits;
                        self.count += 6;
                        if self.count >= 8 {
                            self.count -= 8;
                            buf[filled] = (self.bits >> self.count) as u8;
                            filled += 1;
                        }
                    }
                    (_, None) if matches!(byte, b'\n' | b'=') => {
                        // Each line is padded for itself.
                        (self.bits, self.count) = (0, 0);
                        if *byte == b'\n' {
                            self.place = Place::LineEnd;
                        }
                    }
                    (_, None) if *byte == b'\r' => {}
                    _ => {
                        self.place = Place::Damage;
                        break;
                    }
                }
                taken += 1;
            }
            if ahead.is_empty() {
                self.place = Place::End;
            }
            self.input.consume(taken);
        }
        Ok(filled)
    }
}

/// The six bits that a symbol stands for.
fn symbol(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Budget, Input, Limits, Visitor, recognise_stream};
    use data_encoding::BASE64;

    #[derive(Default)]
    struct Seen {
        members: Vec<(String, Vec<u8>)>,
        problems: Vec<String>,
        /// Bytes that are read of each member.
        most: Option<u64>,
    }

    impl Visitor for Seen {
        fn member(&mut self, member: &Member, content: &mut dyn Read) {
            let mut bytes = Vec::new();
            if let Err(error) = content.take(self.most.unwrap_or(u64::MAX)).read_to_end(&mut bytes) {
                self.problems.push(error.to_string());
            }
            self.members.push((member.name.clone(), bytes));
        }

        fn problem(&mut self, _: Option<&str>, message: String) {
            self.problems.push(message);
        }
    }

    fn look(report: &[u8], most: Option<u64>) -> Seen {
        let format = recognise_stream(report).expect("a report");
        let mut seen = Seen { most, ..Seen::default() };
        let budget = Budget::new(Limits::default(), report.len() as u64);
        crate::open(format, Input::Stream(&mut &*report), "a.crash", &budget, &mut seen);
        seen
    }

    fn report(lines: &[&[u8]]) -> Vec<u8> {
        let mut report =
            b"ProblemType: Crash\nDate: today\nProcMaps:\n 0-1 a: base64\n 1-2 b\nCoreDump: base64\n".to_vec();
        lines.iter().for_each(|line| report.extend(format!(" {}\n", BASE64.encode(line)).bytes()));
        report.extend(b"Signal: 11\nUserLog: base64\n QUI=\n");
        report
    }

    #[test]
    fn each_line_is_encoded_for_itself() {
        let long = vec![7; 100_000];
        let report = report(&[b"head", b"a", &long, b"", b"bc"]);
        let seen = look(&report, None);
        let core = [&b"heada"[..], &long, b"bc"].concat();
        assert_eq!(seen.members, [("CoreDump".to_owned(), core.clone()), ("UserLog".to_owned(), b"AB".to_vec())]);
        assert!(seen.problems.is_empty(), "{:?}", seen.problems);
        // What a visitor leaves is passed over.
        assert_eq!(look(&report, Some(3)).members[1].1, b"AB");
        // Wherever a report is cut, what was there before is read.
        for len in [report.len() - 20, report.len() - 60, 5_000, 120] {
            let seen = look(&report[..len], None);
            assert!(core.starts_with(&seen.members.first().map(|m| m.1.clone()).unwrap_or_default()), "{len}");
        }
    }

    #[test]
    fn what_is_no_base64_is_told() {
        let mut report = report(&[b"abc"]);
        let at = report.len() - 36;
        report[at] = b'!';
        let seen = look(&report, None);
        assert_eq!((seen.members.len(), seen.problems.len()), (2, 1), "{:?}", seen.problems);
    }

    #[test]
    fn other_texts_are_no_reports() {
        let texts: [&[u8]; 6] = [
            b"ProblemType: Crash\n",
            b"ProblemType: Crash\nand text\n",
            b"ProblemType: two words\nDate: x\n",
            b"ProblemType: Crash\n Date: x\n",
            b"Package: a\nProblemType: Crash\nDate: x\n",
            b"ProblemType:Crash\nDate: x\n",
        ];
        for text in texts {
            assert!(recognise_stream(text).is_none(), "{}", text.escape_ascii());
        }
        assert!(recognise_stream(b"ProblemType: Bug\nDate: x\n").is_some());
    }
}
