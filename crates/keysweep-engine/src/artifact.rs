//! What must not be in a package, or anywhere: files that the rules for files know by their paths. And in which files the rules
//! for texts hold.
//!
//! A path is that within the package: below the folder that was named, or within the innermost archive, whatever the archive
//! itself is called. So the same rules hold for a folder, a package and an image, and a finding keeps its name when the next
//! version is packed.

use crate::file::Seen;
use crate::finding::{Proof, ProofLevel};
use crate::fingerprint;
use crate::place::Part;
use crate::raw::{Raw, Unwanted, What};
use crate::scan::Sweep;
use crate::unpack::file_name;
use keysweep_image::{ReadAt, read_into, recognise};
use keysweep_rules::{FILE_HEAD, FileRule, Rule};
use std::path::Path;

impl Sweep<'_> {
    /// Whether there are rules to ask for files.
    pub(crate) fn judges_files(&self) -> bool {
        self.scanner.options.artifact || self.scanner.detector.files.any_always()
    }

    /// Whether there is a rule about files at `path`.
    pub(crate) fn judges(&self, path: &str) -> bool {
        self.scanner.detector.files.concern(path, self.scanner.options.artifact) || self.knows_by_name(path)
    }

    /// What there is to report of a file that rules do not want at `path` of a package, or anywhere. The path is asked for
    /// only if there are such rules.
    pub(crate) fn unwanted<'n>(&self, source: &dyn ReadAt, path: impl FnOnce() -> &'n str) -> Vec<Raw> {
        if !self.judges_files() {
            return Vec::new();
        }
        let path = path();
        let rules = self.scanner.detector.files.matches(path, self.scanner.options.artifact, &mut || head(source));
        rules.into_iter().map(|index| raw(index, &self.scanner.rules().rules()[index], path)).collect()
    }

    /// Reports a file of which only the name and perhaps the beginning are at hand.
    pub(crate) fn judge_unread(&self, name: &str, source: &dyn ReadAt) {
        let raws = self.unwanted(source, || path_in_archive(name));
        if !raws.is_empty() {
            let nothing: &[u8] = &[];
            let mut seen = Seen::default();
            seen.raws = raws;
            self.publish(Part::whole(name, &nothing, &recognise(&nothing)), seen);
        }
    }

    /// Leaves out what was found by rules that do not hold in the file.
    pub(crate) fn drop_elsewhere(&self, part: Part<'_>, raws: &mut Vec<Raw>) {
        let paths = &self.scanner.detector.paths;
        if paths.is_empty() || raws.is_empty() {
            return;
        }
        let (whole, below) = match part.git {
            Some(git) => (git.path.as_str(), git.path.as_str()),
            None => (part.name, self.path_in_package(part.name, Some(Path::new(part.name)))),
        };
        let names = [whole, below, path_in_archive(whole)];
        raws.retain(|raw| paths.holds(raw.rule, &names));
    }

    /// The path of a file below the folder that was named to be scanned; the file's name if it was named itself.
    pub(crate) fn path_in_package<'n>(&self, name: &'n str, path: Option<&Path>) -> &'n str {
        let roots = path.into_iter().flat_map(Path::ancestors).skip(1);
        let root = roots.filter(|folder| self.named.contains(*folder)).last();
        let root = root.map(|folder| folder.to_string_lossy().into_owned());
        match root.and_then(|root| name.strip_prefix(root.as_str())) {
            Some(below) => below.trim_start_matches(['/', '\\']),
            None => file_name(name),
        }
    }
}

/// The path of a member within the innermost archive.
pub(crate) fn path_in_archive(name: &str) -> &str {
    name.rfind("!/").map_or(name, |at| &name[at + 2..])
}

/// Without a length: nothing in the file is a part of it.
fn raw(index: usize, rule: &Rule, path: &str) -> Raw {
    let file = rule.file();
    let together = file.is_some_and(|file| file.together);
    let (level, statement) = match file.is_some_and(FileRule::looks_inside) {
        true => (ProofLevel::Parsed, "its path says so, and what is in it"),
        false => (ProofLevel::Pattern, "its path says so"),
    };
    let unwanted = Unwanted {
        fingerprint: fingerprint::file(&rule.id, (!together).then_some(path)),
        proof: Proof { level, statement: statement.to_owned() },
    };
    Raw { rule: index, offset: 0, length: 0, wrapping: Vec::new(), what: What::File(Box::new(unwanted)) }
}

/// The beginning of a file, as far as rules look.
fn head(source: &dyn ReadAt) -> Vec<u8> {
    let mut bytes = vec![0; source.len().min(FILE_HEAD as u64) as usize];
    let read = read_into(source, 0, &mut bytes);
    bytes.truncate(read);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Inputs, Options, Progress, Report, Scanner};
    use keysweep_rules::RuleSet;

    fn scan(root: &Path) -> Report {
        let scanner =
            Scanner::new(RuleSet::builtin(), Options { artifact: true, jobs: 1, ..Options::default() }).unwrap();
        scanner.scan(&Inputs { paths: vec![root.to_owned()], stdin: false }, &Progress::default())
    }

    #[test]
    fn paths_are_those_below_the_named_folder() {
        let dir = tempfile::tempdir().unwrap();
        // The folder's own name is no part of the package.
        let root = dir.path().join(".git");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(root.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        assert!(scan(&root).findings.is_empty());
        let report = scan(dir.path());
        assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
        let finding = &report.findings[0];
        assert_eq!((finding.rule.as_str(), finding.preview.as_ref()), ("artifact-repository", None));
        assert_eq!((finding.locations[0].form.as_str(), finding.locations[0].line), ("file", None));
    }

    #[test]
    fn marks_and_names_of_files() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("a")).unwrap();
        std::fs::write(dir.path().join("a/.env"), "# keysweep:allow artifact-env-file reason=sample\nA=1\n").unwrap();
        std::fs::write(dir.path().join(".env"), "A=1\n").unwrap();
        let report = scan(dir.path());
        let named: Vec<_> =
            report.findings.iter().map(|f| (&f.locations[0].path, f.locations[0].marks.len())).collect();
        assert_eq!(named.len(), 2, "{named:?}");
        assert!(named.iter().any(|(path, marks)| path.ends_with("a/.env") && *marks == 1), "{named:?}");
        assert!(report.findings[0].fingerprint != report.findings[1].fingerprint);
        assert_eq!(path_in_archive("a!/b.jar!/c/.env"), "c/.env");
    }

    #[test]
    fn without_being_asked_for_nothing_is_said_of_files() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".env"), "A=1\n").unwrap();
        let scanner = Scanner::new(RuleSet::builtin(), Options::default()).unwrap();
        let report = scanner.scan(&Inputs { paths: vec![dir.path().to_owned()], stdin: false }, &Progress::default());
        assert!(report.findings.is_empty());
    }
}
