//! Trees of settings: JSON, YAML, TOML, INI and XML read into one shape, and members picked out of it by patterns.

use serde_json::{Map, Value};

/// How deep a tree may be.
const MAX_DEPTH: usize = 64;
/// Members visited for one pattern.
const MAX_VISITS: usize = 200_000;
/// Most sections and members of a file of sections.
const MAX_MEMBERS: usize = 100_000;

/// A member that a pattern picks out.
pub(crate) struct Picked<'t> {
    /// The value.
    pub(crate) value: &'t Value,
    /// What holds it.
    pub(crate) holder: &'t Value,
    /// The names that `*` and `**` stand for.
    pub(crate) wild: Vec<&'t str>,
}

/// The members that a pattern picks out of a tree.
pub(crate) fn pick<'t>(tree: &'t Value, pattern: &str) -> Vec<Picked<'t>> {
    let pattern: Vec<&str> = pattern.split('/').collect();
    let mut search = Search { found: Vec::new(), visits: 0 };
    search.step(tree, tree, &pattern, &mut Vec::new(), 0);
    search.found
}

struct Search<'t> {
    found: Vec<Picked<'t>>,
    visits: usize,
}

impl<'t> Search<'t> {
    fn step(&mut self, value: &'t Value, holder: &'t Value, pattern: &[&str], wild: &mut Vec<&'t str>, depth: usize) {
        self.visits += 1;
        if depth > MAX_DEPTH || self.visits > MAX_VISITS {
            return;
        }
        if let Value::Array(items) = value {
            items.iter().for_each(|item| self.step(item, holder, pattern, wild, depth + 1));
            return;
        }
        let Some((first, rest)) = pattern.split_first() else {
            self.found.push(Picked { value, holder, wild: wild.clone() });
            return;
        };
        let Value::Object(members) = value else { return };
        if *first == "**" {
            self.step(value, holder, rest, wild, depth + 1);
        }
        for (name, member) in members {
            match *first {
                "**" if member.is_object() || member.is_array() => {
                    wild.push(name);
                    self.step(member, value, pattern, wild, depth + 1);
                    wild.pop();
                }
                "*" => {
                    wild.push(name);
                    self.step(member, value, rest, wild, depth + 1);
                    wild.pop();
                }
                wanted if name.eq_ignore_ascii_case(wanted) => self.step(member, value, rest, wild, depth + 1),
                _ => {}
            }
        }
    }
}

/// A member of an object, whatever the case of its name.
pub(crate) fn member<'t>(holder: &'t Value, name: &str) -> Option<&'t Value> {
    holder.as_object()?.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Text of a member.
pub(crate) fn text<'t>(holder: &'t Value, name: &str) -> Option<&'t str> {
    member(holder, name)?.as_str()
}

/// A file of sections, as INI, AWS, git and many others write it: `[section]`, `name = value`, comments with `#` and `;`.
/// Members before the first section are members of the tree itself. Also reads files of properties, which have no sections.
pub(crate) fn ini(input: &str) -> Value {
    let mut tree = Map::new();
    let mut section: Option<String> = None;
    let lines = input.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';', '!']));
    for line in lines.take(MAX_MEMBERS) {
        if let Some(name) = line.strip_prefix('[') {
            let name = name.split_once(']').map_or(name, |(name, _)| name).trim().replace('"', "");
            tree.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
            section = Some(name);
            continue;
        }
        let Some(at) = line.find(['=', ':']) else { continue };
        let (name, value) = (line[..at].trim(), line[at + 1..].trim());
        let value = Value::String(unquoted(value).to_owned());
        match section.as_ref().and_then(|section| tree.get_mut(section)) {
            Some(Value::Object(members)) => members.insert(name.to_owned(), value),
            _ => tree.insert(name.to_owned(), value),
        };
    }
    Value::Object(tree)
}

/// A value without the quotes around it.
pub(crate) fn unquoted(value: &str) -> &str {
    let inner = |quote: char| value.strip_prefix(quote).and_then(|v| v.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

/// An XML document: elements are members, attributes are members with `@`, text of an element that holds more is `#text`.
/// Names lose their prefixes. `None` if it is no XML.
pub(crate) fn xml(input: &str) -> Option<Value> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(input);
    let mut open: Vec<(String, Map<String, Value>, String)> = vec![(String::new(), Map::new(), String::new())];
    let mut members = 0usize;
    loop {
        let event = reader.read_event().ok()?;
        members += 1;
        if members > MAX_MEMBERS {
            return None;
        }
        match event {
            Event::Start(start) if open.len() < MAX_DEPTH => open.push(element(&start)),
            Event::Start(_) => return None,
            Event::Empty(start) => close(&mut open, element(&start)),
            Event::End(_) => {
                let done = open.pop().filter(|_| !open.is_empty())?;
                close(&mut open, done);
            }
            Event::Text(text) => open.last_mut()?.2.push_str(&text),
            Event::CData(text) => open.last_mut()?.2.push_str(&text),
            Event::Eof => break,
            _ => {}
        }
    }
    let (_, root, _) = open.pop()?;
    (open.is_empty() && !root.is_empty()).then_some(Value::Object(root))
}

fn element(start: &quick_xml::events::BytesStart<'_>) -> (String, Map<String, Value>, String) {
    let name = start.local_name().as_ref().to_owned();
    let mut members = Map::new();
    for attribute in start.attributes().with_checks(false).flatten().take(64) {
        let name = format!("@{}", attribute.key.local_name().as_ref());
        members.insert(name, Value::String(attribute.value.into_owned()));
    }
    (name, members, String::new())
}

fn close(
    open: &mut [(String, Map<String, Value>, String)],
    (name, mut members, text): (String, Map<String, Value>, String),
) {
    let Some((_, holder, _)) = open.last_mut() else { return };
    let text = text.trim().to_owned();
    let value = if members.is_empty() {
        Value::String(text)
    } else {
        if !text.is_empty() {
            members.insert("#text".into(), Value::String(text));
        }
        Value::Object(members)
    };
    match holder.get_mut(&name) {
        Some(Value::Array(items)) => items.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
        None => {
            holder.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn picked(tree: &Value, pattern: &str) -> Vec<(String, String)> {
        pick(tree, pattern).iter().map(|p| (p.wild.join("/"), p.value.to_string())).collect()
    }

    #[test]
    fn patterns_pick_members() {
        let tree = json!({"auths": {"a": {"auth": "1"}, "b": {"Auth": "2"}}, "list": [{"k": 3}, {"k": 4}], "x": {"y": {"k": 5}}});
        assert_eq!(picked(&tree, "auths/*/auth"), [("a".into(), "\"1\"".into()), ("b".into(), "\"2\"".to_owned())]);
        assert_eq!(picked(&tree, "list/k").len(), 2);
        assert_eq!(picked(&tree, "**/k").len(), 3);
        assert!(picked(&tree, "auths/*/none").is_empty());
    }

    #[test]
    fn sections_and_properties_are_read() {
        let tree = ini("top = 1\n# no\n[remote \"origin\"]\n\turl = \"a=b\"\n[empty]\n");
        assert_eq!(tree, json!({"top": "1", "remote origin": {"url": "a=b"}, "empty": {}}));
    }

    #[test]
    fn xml_is_read() {
        let tree =
            xml("<s:settings><server id='a'><password>p</password></server><server/><x>t</x></s:settings>").unwrap();
        let expected = json!({"settings": {"server": [{"@id": "a", "password": "p"}, ""], "x": "t"}});
        assert_eq!(tree, expected);
        assert!(xml("<a><b></a>").is_none() && xml("").is_none() && xml(&"<a>".repeat(1000)).is_none());
    }
}
