//! Parts of patterns that many rules share, written `{{NAME}}` in them, which is no syntax of regular expressions otherwise.

/// A literal of a program begins: its prefix (`b`, `r#`, `@`), and its quote, which may be escaped, threefold, or within
/// another one.
macro_rules! quote {
    () => {
        r#"[a-zA-Z@$]{0,2}#{0,2}\\{0,3}(?:"""|'''|["'`])(?:\\{1,3}["'`]|["'])?"#
    };
}

/// What closes the name: quotes, brackets.
macro_rules! closed {
    () => {
        r#"(?:\\{0,3}["'`])?[\])}*]{0,2}"#
    };
}

/// The operator, and before it what declares the name: a type, the length of an array, accessors.
macro_rules! operator {
    () => {
        concat!(
            r"(?:[ \t]{0,2}[?!]?:[ \t]{0,2}[&A-Za-z<\[][A-Za-z<>\[\]'_.|?& \d]{1,40}?[ \t]{0,8}=",
            r"|(?:\s?\[[\w ]{0,24}\]|[ \t](?i:as\s)?(?i:string|n?varchar2?|nchar|\[\]byte)(?:\s?\([\da-z]{1,5}\))?|\s?\{\s?[a-z]{3,9};[a-z; ]{0,24}\})?",
            r"\s{0,24}(?:=>|:{1,3}=|[.?+]?=|={2,3}|:|>|<-|(?:\|\||\?\?)=))\s{0,24}"
        )
    };
}

/// What YAML, XML, shells and makefiles have before a value.
macro_rules! tagged {
    () => {
        r"(?:[&!][\w!:-]{1,24}[ \t]|[|>][+-]?\s{1,24}|<<[-~]?\w{1,12}\s{1,4}|<!\[CDATA\[|<(?i:value|string)>\s{0,12}|\[\[|\\\r?\n\s{0,24}|(?i:value|default):\s{1,4}|\*\*\s|-[ \t]{1,3})?"
    };
}

/// Name and value as members, attributes, elements, options or arguments of their own.
macro_rules! beside {
    () => {
        r#"[\s,;]{1,24}["']?(?i:[\w:-]{0,12}value|val|default)["']?\s{0,2}[:=]\s{0,4}|\s{1,3}--?(?i:value|body)[ =]\s{0,2}|</[\w.:-]{1,20}>\s{0,16}<[\w.:-]{1,20}>(?:<!\[CDATA\[)?|:\s{1,16}(?:Type|Description|NoEcho): [^{}=]{1,120}?\sDefault: "#
    };
}

/// The same, behind a name in quotes.
macro_rules! beside_quoted {
    () => {
        r#"["'][ \t]{0,4},[ \t]{0,20}|["'](?:\s[\w:]{1,16}="[\w .]{0,24}"){0,3}\s?>\s{0,16}(?:<[\w:]{1,12}>\s{0,12}|<!\[CDATA\[)?"#
    };
}

/// How a value without quotes is given to a name, from the end of the name to the begin of the value.
const GIVEN_PLAIN: &str =
    concat!("(?:", closed!(), "(?:", operator!(), tagged!(), "|", beside!(), ")|", beside_quoted!(), ")");

/// The same for a value in quotes. The alternatives that go far begin with characters that rarely follow a name, so that nearly
/// all places are left after a few bytes.
const GIVEN_QUOTED: &str = concat!(
    "(?:(?:",
    closed!(),
    "(?:",
    operator!(),
    tagged!(),
    "|",
    beside!(),
    // Something around the value: constructors of literals, lists and objects, alternatives, fields of schemata.
    r"|\s{0,24}(?:=>|:{0,2}=|:)\s{0,24}(?:",
    r#"(?:(?:new\s|&)?(?:[\w.:\[\]]{0,24}(?:[Ss]tr|[Ss]tring|STR|[Bb]ytes?|SecretStr|SecretString|SecretValue|Literal|Array|Data|[Ff]rom|Some|Ok|_T|TEXT|atob|[Dd]ecode|[Pp]tr))?\(\s{0,24}|[\[{]\s{0,24}){1,2}"#,
    r#"|[\w.$()\[\]"'`!-]{1,64}\s{1,4}(?:\|\||\?\?|\?:?|or|else)\s{1,4}"#,
    r#"|(?:os\.|System\.)?(?i:getenv|environ\.get|env|get_?property|fetch)\(\s{0,4}["'][\w.:-]{1,64}["']\s{0,2},\s{0,12}"#,
    r"|[\w.]{1,24}[({][\s\w.,:=()]{0,40}?(?i:default)\s{0,2}[:=(]\s{0,2}",
    r#"|\{\s{0,24}"?type:?[\s\w.,:"]{1,24}?default"?\s{0,2}:\s{0,2}"#,
    ")",
    // Lookups with a value for the case that nothing is set.
    r"|\s{1,2}(?:\|\||\?\?|\?:|or)\s{1,2}",
    r"|\.?(?:unwrap_or|unwrap_or_else|or_else|orElse|getOrDefault)\((?:\|_?\|\s?)?",
    // Calls: setters and constructors; bodies of functions and objects.
    r"|\(\s{0,24}",
    r"|(?:\(\))?(?:\s?:\s?[A-Z]\w{1,15}\??)?\s{0,2}\{\s{0,24}(?:return\s)?",
    // Nothing but space.
    r"|[ \t]{1,24}(?:to\s|\()?",
    // Terraform, and tags of fields in Go.
    r"| \{[^{}]{1,160}?\sdefault\s{1,12}=\s",
    r"|[ \t]{1,8}string[ \t]{1,8}`[^`\n]{0,60}?default:",
    ")|",
    beside_quoted!(),
    r#"|["'](?:\s?\)|\s[^<>\n"]{1,16}="[\w ]{0,16}"){0,1}\s?[,:{]?\s{0,24}[{]?[^<>;#\\]{0,48}?\b(?i:[\w:-]{0,12}value|val|default)["']?\s{0,2}[:=(]\s{0,4}"#,
    ")",
    quote!(),
    ")",
);

/// The fragments, by name.
pub(crate) const FRAGMENTS: [(&str, &str); 4] = [
    // What stands between a name and its value, in settings, code, markup, tables and command lines, escaped or not. At
    // least one character that is no letter, digit or slash: names that go on are not the name.
    (
        "assign",
        r#"(?i:</key>\s{0,16}<string>|(?:[\s"'`\\:=>,({\[\]|)&-]|[.?+]=|%(?:3[ad]|2[027]|5[bd])|\\u00(?:3[ade]|2[267])|&(?:quot|#3[49]|#x2[27]);){1,24}(?:(?:value|default|string|str|bearer)(?:[\s"'`\\:=>&-]|%(?:3[ad]|2[027])|&(?:quot|#3[49]|#x2[27]);){1,8})?)"#,
    ),
    ("given-plain", GIVEN_PLAIN),
    ("given-quoted", GIVEN_QUOTED),
    ("uuid", "(?i:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"),
];

/// The pattern with its fragments written out.
pub(crate) fn written_out(pattern: &str) -> String {
    FRAGMENTS.iter().fold(pattern.to_owned(), |text, (name, meaning)| text.replace(&format!("{{{{{name}}}}}"), meaning))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern;

    #[test]
    fn values_are_given_in_many_ways_each_within_bounds() {
        for name in ["given-plain", "given-quoted"] {
            let text = written_out(&format!("^name{{{{{name}}}}}(?P<secret>VALUE)"));
            let regex = pattern::compile(&text).unwrap();
            let (quoted, longest) = (name == "given-quoted", pattern::lengths(&text).1);
            assert!(longest.is_some_and(|longest| longest < 600), "{longest:?}");
            for (given, in_quotes) in [
                ("name=VALUE", false),
                ("name: VALUE", false),
                ("name</key>\n<string>VALUE", false),
                ("name: &anchor VALUE", false),
                ("name: |\n    VALUE", false),
                ("name\", \"value\": \"VALUE\"", true),
                ("name: &'static str = \"VALUE\"", true),
                ("name[32] = \"VALUE\"", true),
                ("name\\\": \\\"VALUE", true),
                ("name = SecretStr(\"VALUE", true),
                ("name = lookup(x) or 'VALUE", true),
                ("name = os.getenv(\"X\", \"VALUE", true),
                ("name = Array(\"VALUE", true),
                ("name') ?: 'VALUE", true),
                ("name(\"VALUE", true),
                ("name \"VALUE", true),
                ("name() { return \"VALUE", true),
            ] {
                assert_eq!(regex.is_match(given.as_bytes()), quoted == in_quotes, "{name}: {given}");
            }
            for other in ["name VALUE", "names=VALUE", "name of VALUE", "name /VALUE", "name and \"VALUE"] {
                assert!(!regex.is_match(other.as_bytes()), "{name}: {other}");
            }
        }
    }
}
