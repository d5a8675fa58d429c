//! All known locations, and which of them a path is.

use crate::model::{Class, Location, Scope};
use crate::readers;
use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::{HashMap, HashSet};
use std::fmt;

/// The locations, ready to be matched.
pub struct Catalogue {
    locations: Vec<Location>,
    /// By scope, and whether the location is a property of all that is below a folder.
    matchers: HashMap<(Scope, bool), Matcher>,
}

/// Globs, and the location each belongs to.
struct Matcher {
    /// Globs that begin with a folder or file of this name, and what such names there are: most paths begin with another.
    rooted: Globs,
    firsts: HashSet<String>,
    /// All others.
    anywhere: Globs,
    except: Globs,
}

#[derive(Default)]
struct Globs {
    set: GlobSet,
    owners: Vec<usize>,
}

/// Something that is wrong with a location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file of the location.
    pub source: String,
    /// Its id.
    pub location: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: location '{}': {}", self.source, self.location, self.message)
    }
}

impl Catalogue {
    /// The locations that are compiled into the program.
    pub fn builtin() -> Self {
        let packed = include_bytes!(concat!(env!("OUT_DIR"), "/locations.postcard"));
        Self::new(postcard::from_bytes(packed).expect("packed by the build script from the same types"))
    }

    /// A catalogue of these locations. Globs that are wrong match nothing; [`Catalogue::check`] tells them.
    pub fn new(locations: Vec<Location>) -> Self {
        let mut matchers = HashMap::new();
        for scope in [Scope::Home, Scope::System] {
            for places in [false, true] {
                let belongs = |l: &Location| l.scope == scope && l.class.is_place() == places;
                matchers.insert((scope, places), Matcher::new(&locations, &belongs));
            }
        }
        Self { locations, matchers }
    }

    /// All locations.
    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// The location with this id.
    pub fn get(&self, id: &str) -> Option<&Location> {
        self.locations.iter().find(|location| location.id == id)
    }

    /// The locations that a path is, as indices: below a home, or below the root of the system.
    pub fn matches(&self, path: &str, scope: Scope) -> Vec<usize> {
        let mut all = self.known_place(path, scope);
        all.extend(self.surroundings(path, scope));
        all
    }

    /// Those of them that are something of their own.
    pub(crate) fn known_place(&self, path: &str, scope: Scope) -> Vec<usize> {
        self.matchers[&(scope, false)].matches(path)
    }

    /// Those of them that are a property of every path below a folder.
    pub(crate) fn surroundings(&self, path: &str, scope: Scope) -> Vec<usize> {
        self.matchers[&(scope, true)].matches(path)
    }

    /// What is not well made.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut ids = HashSet::new();
        for location in &self.locations {
            let mut messages = check(location);
            if !ids.insert(&location.id) {
                messages.push("the id is taken by another location".into());
            }
            problems.extend(messages.into_iter().map(|message| problem(location, message)));
        }
        problems
    }

    /// The locations on their own examples.
    pub fn test(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (index, location) in self.locations.iter().enumerate() {
            let is = |path: &String| self.matches(path, location.scope).contains(&index);
            let missed = location.examples.iter().filter(|path| !is(path));
            problems.extend(missed.map(|path| problem(location, format!("example '{path}' does not match"))));
            let wrong = location.counterexamples.iter().filter(|path| is(path));
            problems.extend(wrong.map(|path| problem(location, format!("counterexample '{path}' matches"))));
        }
        problems
    }

    /// Number of examples and counterexamples.
    pub fn examples(&self) -> usize {
        self.locations.iter().map(|l| l.examples.len() + l.counterexamples.len()).sum()
    }
}

fn problem(location: &Location, message: String) -> Problem {
    Problem { source: location.source.clone(), location: location.id.clone(), message }
}

fn check(location: &Location) -> Vec<String> {
    let mut messages = Vec::new();
    let kebab = !location.id.is_empty()
        && location
            .id
            .split('-')
            .all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    if !kebab {
        messages.push("the id is not kebab-case: lower-case letters and digits, joined by single hyphens".into());
    }
    for (field, text) in
        [("holds", &location.holds), ("protect", &location.protect), ("remediation", &location.remediation)]
    {
        if !text.ends_with(['.', '!', '?', ')']) || !text.contains(' ') {
            messages.push(format!("`{field}` is no sentence"));
        }
    }
    for (field, text) in [("tool", &location.tool), ("kind", &location.kind)] {
        if text.trim().is_empty() {
            messages.push(format!("`{field}` is empty"));
        }
    }
    if location.mode_bits().is_none() {
        messages.push(format!("`mode` '{}' is no octal mode", location.mode));
    }
    for (field, list) in
        [("paths", &location.paths), ("examples", &location.examples), ("counterexamples", &location.counterexamples)]
    {
        if list.is_empty() {
            messages.push(format!("has no `{field}`"));
        }
    }
    for text in location.paths.iter().chain(&location.except) {
        if let Err(error) = glob(text) {
            messages.push(format!("'{text}' is no glob: {}", error.kind()));
        }
        if text.starts_with('/') || text.contains('\\') {
            messages.push(format!("'{text}' must be relative, with `/` between folders"));
        }
    }
    if location.references.is_empty() || location.references.iter().any(|r| !r.starts_with("https://")) {
        messages.push("`references` must be https addresses, at least one".into());
    }
    if !location.reader.is_empty() && readers::by_name(&location.reader).is_none() {
        let known: Vec<_> = readers::all().iter().map(|r| r.name).collect();
        messages.push(format!("unknown reader '{}', known are: {}", location.reader, known.join(", ")));
    }
    let tree = readers::by_name(&location.reader).is_some_and(|r| r.takes_fields);
    if tree == (location.fields == crate::model::Fields::default()) {
        messages.push("`fields` belong to a reader of trees, and a reader of trees needs them".into());
    }
    messages
}

fn glob(text: &str) -> Result<Glob, globset::Error> {
    // Globs in one case are mostly literals to the matcher, and many times as fast as those that ignore case.
    GlobBuilder::new(&text.to_ascii_lowercase()).literal_separator(true).build()
}

impl Matcher {
    fn new(locations: &[Location], belongs: &dyn Fn(&Location) -> bool) -> Self {
        let own = || locations.iter().enumerate().filter(|(_, location)| belongs(location));
        let paths =
            || own().flat_map(|(index, location)| location.paths.iter().map(move |text| (index, text.as_str())));
        Self {
            rooted: Globs::new(paths().filter(|(_, text)| first(text).is_some())),
            firsts: paths().filter_map(|(_, text)| first(text)).collect(),
            anywhere: Globs::new(paths().filter(|(_, text)| first(text).is_none())),
            except: Globs::new(own().flat_map(|(index, l)| l.except.iter().map(move |text| (index, text.as_str())))),
        }
    }

    fn matches(&self, path: &str) -> Vec<usize> {
        let path = path.to_ascii_lowercase();
        let mut owners = self.anywhere.matches(&path);
        if self.firsts.contains(path.split('/').next().unwrap_or(&path)) {
            owners.extend(self.rooted.matches(&path));
        }
        if owners.is_empty() {
            return owners;
        }
        let excluded = self.except.matches(&path);
        owners.retain(|owner| !excluded.contains(owner));
        owners.sort_unstable();
        owners.dedup();
        owners
    }
}

/// The first name of a glob, if that is no pattern.
fn first(glob: &str) -> Option<String> {
    let name = glob.split('/').next().unwrap_or(glob);
    (!name.contains(['*', '?', '[', '{'])).then(|| name.to_ascii_lowercase())
}

impl Globs {
    fn new<'t>(globs: impl Iterator<Item = (usize, &'t str)>) -> Self {
        let mut builder = GlobSetBuilder::new();
        let mut owners = Vec::new();
        for (owner, glob) in globs.filter_map(|(owner, text)| Some((owner, glob(text).ok()?))) {
            builder.add(glob);
            owners.push(owner);
        }
        Self { set: builder.build().unwrap_or_default(), owners }
    }

    fn matches(&self, path: &str) -> Vec<usize> {
        self.set.matches(path).into_iter().map(|index| self.owners[index]).collect()
    }
}

impl Class {
    /// Whether it is a property of every path below a folder, asked for where a credential lies there.
    pub fn is_place(self) -> bool {
        matches!(self, Class::Synced | Class::Backup | Class::Build)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_locations_are_well_made() {
        let catalogue = Catalogue::builtin();
        assert_eq!(catalogue.check(), []);
        assert_eq!(catalogue.test(), []);
    }

    #[test]
    fn there_are_enough_of_them() {
        assert!(Catalogue::builtin().locations().len() >= 120);
    }

    #[test]
    fn wrong_locations_are_told() {
        let text = "[[location]]\nid='A b'\ntool=''\nholds='x'\nclass='credential'\nkind='k'\npaths=['/a[']\nreader='nope'\n\
                    mode='9'\nprotect='x'\nremediation='x'\nreferences=[]\nexamples=['z']\ncounterexamples=[]";
        let file: crate::model::LocationFile = toml::from_str(text).unwrap();
        let catalogue = Catalogue::new(file.location);
        let told: Vec<String> = catalogue.check().into_iter().map(|p| p.message).collect();
        for part in [
            "kebab",
            "`holds`",
            "`tool`",
            "octal",
            "no `counterexamples`",
            "no glob",
            "relative",
            "https",
            "reader 'nope'",
        ] {
            assert!(told.iter().any(|m| m.contains(part)), "{part}: {told:?}");
        }
        assert_eq!(catalogue.test().len(), 1);
    }
}
