//! From regular expressions of RE2 (Go) and of the `regex` crate, as other scanners' rules have them, to those of our rules:
//! over bytes, without Unicode, written out without comments, with one name for each group that may hold the secret.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

/// Deepest nesting of groups.
const MAX_DEPTH: usize = 200;
/// Characters that mean something outside of classes.
const META: &str = r"\.+*?()|[]{}^$#&-~";

/// A pattern in our syntax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Translated {
    /// The pattern, with the groups in `names` renamed and all others not capturing.
    pub(super) pattern: String,
    /// How many groups that capture the pattern had.
    pub(super) groups: usize,
}

/// Translates `pattern`; `name` gives the name that the group of a number, from 1, shall have, if it shall capture.
///
/// # Errors
///
/// It uses what has no counterpart; the reason.
pub(super) fn translate(pattern: &str, name: impl Fn(usize) -> Option<String>) -> Result<Translated, String> {
    let mut reader = Reader { rest: pattern.chars().peekable(), out: String::new(), groups: 0, verbose: vec![false] };
    reader.read(&name)?;
    Ok(Translated { pattern: reader.out, groups: reader.groups })
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    groups: usize,
    /// Whether white space and comments mean nothing, for each open group.
    verbose: Vec<bool>,
}

impl Reader<'_> {
    fn read(&mut self, name: &impl Fn(usize) -> Option<String>) -> Result<(), String> {
        while let Some(c) = self.rest.next() {
            let verbose = self.verbose.last().copied().unwrap_or(false);
            match c {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => self.group(name)?,
                ')' => {
                    if self.verbose.len() > 1 {
                        self.verbose.pop();
                    }
                    self.out.push(')');
                }
                '{' => self.repetition(),
                '}' | ']' => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                '#' if verbose => while self.rest.next_if(|c| *c != '\n').is_some() {},
                c if verbose && c.is_whitespace() => {}
                c => self.out.push(c),
            }
        }
        Ok(())
    }

    /// What follows a backslash outside of a class.
    fn escape(&mut self) -> Result<(), String> {
        match self.rest.next() {
            None => Err("it ends with a backslash".to_owned()),
            Some('Q') => {
                self.quoted();
                Ok(())
            }
            Some('E') => Ok(()),
            Some(c @ ('A' | 'z' | 'b' | 'B' | 'd' | 'D' | 's' | 'S' | 'w' | 'W')) => {
                let _ = write!(self.out, "\\{c}");
                Ok(())
            }
            Some(c) => {
                let literal = self.escaped(c)?;
                literal_to(&mut self.out, literal);
                Ok(())
            }
        }
    }

    /// `\Q...\E`: all of it is literal.
    fn quoted(&mut self) {
        while let Some(c) = self.rest.next() {
            if c == '\\' && self.rest.peek() == Some(&'E') {
                self.rest.next();
                return;
            }
            literal_to(&mut self.out, c);
        }
    }

    /// The character that `\c` stands for.
    fn escaped(&mut self, c: char) -> Result<char, String> {
        Ok(match c {
            'a' => '\x07',
            'f' => '\x0c',
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'v' => '\x0b',
            'x' => self.hex()?,
            '0'..='7' => self.octal(c)?,
            'p' | 'P' => return Err("classes of Unicode (\\p) are not known: patterns are over bytes".to_owned()),
            'C' => return Err("\\C has no counterpart".to_owned()),
            c if c.is_ascii_alphanumeric() => return Err(format!("\\{c} has no counterpart")),
            c => c,
        })
    }

    fn hex(&mut self) -> Result<char, String> {
        let mut digits = String::new();
        if self.rest.next_if_eq(&'{').is_some() {
            while let Some(c) = self.rest.next_if(char::is_ascii_hexdigit).filter(|_| digits.len() < 8) {
                digits.push(c);
            }
            self.rest.next_if_eq(&'}').ok_or("\\x{ without }")?;
        } else {
            digits.extend(self.rest.next_if(char::is_ascii_hexdigit));
            digits.extend(self.rest.next_if(char::is_ascii_hexdigit));
        }
        let value = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
        value.ok_or_else(|| "\\x without a number".to_owned())
    }

    fn octal(&mut self, first: char) -> Result<char, String> {
        let mut value = first.to_digit(8).unwrap_or(0);
        let mut more = 0;
        while let Some(c) = self.rest.next_if(|c| more < 2 && c.is_digit(8)) {
            value = value * 8 + c.to_digit(8).unwrap_or(0);
            more += 1;
        }
        if more == 0 && first != '0' {
            return Err("back-references have no counterpart".to_owned());
        }
        char::from_u32(value).ok_or_else(|| "an octal number that is no character".to_owned())
    }

    fn group(&mut self, name: &impl Fn(usize) -> Option<String>) -> Result<(), String> {
        if self.verbose.len() > MAX_DEPTH {
            return Err("groups are nested too deeply".to_owned());
        }
        let outer = self.verbose.last().copied().unwrap_or(false);
        let mut captures = true;
        if self.rest.next_if_eq(&'?').is_some() {
            if self.rest.next_if_eq(&'P').is_some() || self.rest.peek() == Some(&'<') {
                self.rest.next_if_eq(&'<').ok_or("(?P is followed by a name in <>")?;
                if matches!(self.rest.peek(), Some('=' | '!')) {
                    return Err("look-behind has no counterpart".to_owned());
                }
                while self.rest.next_if(|c| *c != '>').is_some() {}
                self.rest.next();
            } else if self.rest.next_if_eq(&'#').is_some() {
                // A comment.
                while self.rest.next_if(|c| *c != ')').is_some() {}
                self.rest.next();
                return Ok(());
            } else {
                captures = false;
                self.flags(outer)?;
            }
        }
        if captures {
            self.groups += 1;
            match name(self.groups) {
                Some(name) => {
                    let _ = write!(self.out, "(?P<{name}>");
                }
                None => self.out.push_str("(?:"),
            }
            self.verbose.push(outer);
        }
        Ok(())
    }

    /// `?flags)` or `?flags:`, of which `x` is carried out here.
    fn flags(&mut self, outer: bool) -> Result<(), String> {
        let (mut kept, mut off, mut verbose) = (String::new(), false, outer);
        loop {
            match self.rest.next() {
                Some('x') => verbose = !off,
                Some('-') => {
                    off = true;
                    kept.push('-');
                }
                // Patterns are over bytes in any case.
                Some('u') => {}
                Some(c @ ('i' | 'm' | 's' | 'U')) => kept.push(c),
                Some(end @ (':' | ')')) => {
                    let kept = kept.trim_end_matches('-');
                    match (end, kept.is_empty()) {
                        (':', _) => {
                            let _ = write!(self.out, "(?{kept}:");
                            self.verbose.push(verbose);
                        }
                        (_, empty) => {
                            if !empty {
                                let _ = write!(self.out, "(?{kept})");
                            }
                            if let Some(last) = self.verbose.last_mut() {
                                *last = verbose;
                            }
                        }
                    }
                    return Ok(());
                }
                Some('=' | '!') => return Err("look-ahead has no counterpart".to_owned()),
                Some('>') => return Err("atomic groups have no counterpart".to_owned()),
                other => return Err(format!("(?{} has no counterpart", other.unwrap_or(' '))),
            }
        }
    }

    /// `{2}`, `{2,}`, `{2,3}`; anything else after a brace is literal.
    fn repetition(&mut self) {
        let mut ahead = self.rest.clone();
        let mut text = String::new();
        while let Some(c) = ahead.next_if(|c| c.is_ascii_digit() || *c == ',') {
            text.push(c);
        }
        let (least, most) = text.split_once(',').unwrap_or((&text, ""));
        if ahead.next() == Some('}') && !least.is_empty() && !most.contains(',') {
            let _ = write!(self.out, "{{{text}}}");
            self.rest.nth(text.chars().count());
        } else {
            self.out.push_str(r"\{");
        }
    }

    /// A class, up to its `]`. What stands in it is literal, but for ranges and named classes; ours nest, so that more is escaped.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let c = self.rest.next().ok_or("a class has no end")?;
            match c {
                ']' if !first => break,
                '[' if self.rest.peek() == Some(&':') => self.named_class(),
                '\\' if self.rest.peek().is_some_and(|c| "dDsSwW".contains(*c)) => {
                    self.out.push('\\');
                    self.out.extend(self.rest.next());
                }
                c => {
                    let low = self.member(c)?;
                    class_literal_to(&mut self.out, low)?;
                    let mut ahead = self.rest.clone();
                    if ahead.next() == Some('-') && ahead.next().is_some_and(|c| c != ']') {
                        self.rest.next();
                        let c = self.rest.next().unwrap_or('-');
                        let high = self.member(c)?;
                        self.out.push('-');
                        class_literal_to(&mut self.out, high)?;
                    }
                }
            }
            first = false;
        }
        self.out.push(']');
        Ok(())
    }

    fn named_class(&mut self) {
        self.out.push('[');
        for c in self.rest.by_ref() {
            self.out.push(c);
            if c == ']' {
                return;
            }
        }
    }

    fn member(&mut self, c: char) -> Result<char, String> {
        match c {
            '\\' => match self.rest.next() {
                Some(c) => self.escaped(c),
                None => Err("it ends with a backslash".to_owned()),
            },
            c => Ok(c),
        }
    }
}

fn literal_to(out: &mut String, c: char) {
    if META.contains(c) {
        out.push('\\');
    }
    if c.is_ascii_control() {
        let _ = write!(out, "\\x{:02x}", u32::from(c));
    } else {
        out.push(c);
    }
}

fn class_literal_to(out: &mut String, c: char) -> Result<(), String> {
    if !c.is_ascii() {
        return Err(format!("a class holds the character '{}', and patterns are over bytes", c.escape_default()));
    }
    literal_to(out, c);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern;

    fn plain(pattern: &str) -> Result<String, String> {
        translate(pattern, |number| (number == 1).then(|| "secret".to_owned())).map(|t| t.pattern)
    }

    #[test]
    fn what_both_know_is_kept_and_the_rest_rewritten() {
        for (theirs, matches, does_not) in [
            (r"\Qa.b\E+", "a.bb", "axb"),
            (r"[\w-.]{3}\/\<x\>", "a-./<x>", "a/<x>"),
            (r"[[&&a-c]{2}[--/]", "[&-", "[d-"),
            (r"a{,3}b{2}", "a{,3}bb", "abb"),
            (r"\101\x42\x{43}", "ABC", "abc"),
            (r"[[:digit:]x]{2}", "7x", "ax"),
            (r"(?i)k(?-i:EY)[']", "KEY'", "KeY'"),
            ("(?x) a b # (comment\n [\\ c] \\#", "abc#", "ab c#"),
            (r"a(?# (a comment)b", "ab", "a "),
            (r"é{2}", "éé", "é"),
            (r"[]a]\]", "]]", "b]"),
        ] {
            let ours = plain(theirs).unwrap();
            let regex = pattern::compile(&ours).unwrap_or_else(|e| panic!("{theirs} became {ours}: {e}"));
            assert!(regex.is_match(matches.as_bytes()), "{theirs} became {ours}");
            assert!(!regex.is_match(does_not.as_bytes()), "{theirs} became {ours}");
        }
    }

    #[test]
    fn one_group_gets_a_name() {
        let name = |number| (number == 2).then(|| "secret".to_owned());
        let translated = translate(r"(a)(?P<x>b)\((?:c)([(])", name).unwrap();
        assert_eq!(translated.pattern, r"(?:a)(?P<secret>b)\((?:c)(?:[\(])");
        assert_eq!(translated.groups, 3);
    }

    #[test]
    fn what_has_no_counterpart_is_said() {
        for (pattern, said) in [
            (r"\pL", "Unicode"),
            (r"(a)\1", "back-references"),
            ("a(?=b)", "look-ahead"),
            ("a(?<!b)", "look-behind"),
            ("[é]", "over bytes"),
            ("[a", "no end"),
            ("a\\", "backslash"),
            (&"(".repeat(1_000), "nested"),
        ] {
            let error = plain(pattern).unwrap_err();
            assert!(error.contains(said), "{pattern}: {error}");
        }
    }

    #[test]
    fn hostile_patterns_are_read_to_their_end() {
        let text = r"(?x)[a\]-z[:alpha:]](?P<n>\Q()\E{2,3}\x{41}|\07(?i-s:b){,})";
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            let _ = plain(&text[..end]);
            let _ = plain(&text[end..]);
        }
    }
}
