//! Files whose names say what is in them, such as `chap-secrets`: rules that have no literal to look for are asked for the file
//! as a whole.

use crate::file::{Seen, token};
use crate::place::Part;
use crate::raw::{Raw, What};
use crate::scan::Sweep;
use crate::unpack::file_name;
use keysweep_image::read_into;
use keysweep_keys::secret::Buffer;

/// Bytes from the begin of a file that are looked at. Such files are lists that people write.
const HEAD: u64 = 256 << 10;

impl Sweep<'_> {
    /// Adds what rules for files of this name find in it. In which folders they hold is asked later, as for all rules.
    pub(crate) fn look_by_name(&self, part: Part<'_>, seen: &mut Seen) {
        let detector = &self.scanner.detector;
        let path = part.git.map_or(part.name, |git| git.path.as_str());
        let file_name = file_name(path);
        let tokens = detector.named.about(file_name);
        if tokens.is_empty() || part.base > 0 || part.image.format.is_dump() {
            return;
        }
        let length = part.source.len();
        let mut head = Buffer::zeroed(length.min(HEAD) as usize);
        let read = read_into(part.source, 0, &mut head);
        let text = &head[..read];
        for index in tokens {
            let (rule, compiled) = &detector.tokens[index];
            let (found, over) = compiled.judge_file(text);
            if over || (length > HEAD && !found.is_empty()) {
                seen.limit("more passwords in one list than are looked at");
            }
            for found in found {
                let (offset, length) = (found.whole.start as u64, found.whole.len() as u64);
                let token = token(
                    &self.scanner.rules().rules()[*rule],
                    found,
                    text,
                    file_name,
                    &self.scanner.options.fingerprinter,
                );
                let what = What::Token(Box::new(token));
                seen.raws.push(Raw { rule: *rule, offset, length, wrapping: Vec::new(), what });
            }
        }
    }

    /// Whether a rule is for files of the name that a path ends with.
    pub(crate) fn knows_by_name(&self, path: &str) -> bool {
        let file_name = path.rsplit('/').next().unwrap_or(path);
        !self.scanner.detector.named.about(file_name).is_empty()
    }

    /// Whether a list of names, such as a tree of git, holds one that a rule is for.
    pub(crate) fn mentions_named(&self, list: &[u8]) -> bool {
        self.scanner.detector.named.mentioned(list)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Inputs, Options, Progress, Scanner};
    use keysweep_rules::RuleSet;

    #[test]
    fn files_are_known_by_their_names_and_folders() {
        let dir = tempfile::tempdir().unwrap();
        // Made up for this test.
        const SAMPLE: &str = "9f71c52d839b5cd527645e42b5134f8b\n";
        for (path, text) in [
            ("etc/ppp/chap-secrets", "# client server secret\nops * k3Jx9QzLmW2v *\ndev\tgw\t\"Zq7#Lw0!pXc9\"\n"),
            ("home/.curlrc.bak", "user = \"ops:k3Jx9QzLmW2v\"\n"),
            ("app/config/master.key", SAMPLE),
            ("app/other/master.key", SAMPLE),
            ("notes/chap-secrets.md", "Passwords of lines are in the file chap-secrets of the server\n"),
        ] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let scanner = Scanner::new(RuleSet::builtin_for_scans(), Options { jobs: 1, ..Options::default() }).unwrap();
        let report = scanner.scan(&Inputs { paths: vec![dir.path().to_owned()], stdin: false }, &Progress::default());
        let mut found: Vec<_> = report
            .findings
            .iter()
            .flat_map(|f| f.locations.iter().map(|l| (f.rule.as_str(), l.path.rsplit('/').next().unwrap(), l.line)))
            .collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [
                ("curlrc-password", ".curlrc.bak", Some(1)),
                ("ppp-secret", "chap-secrets", Some(2)),
                ("ppp-secret", "chap-secrets", Some(3)),
                ("rails-key-file", "master.key", Some(1)),
            ]
        );
    }
}
