//! Going through an image for its documents, and for the names in its layers that matter.

use crate::source::FileSource;
use keysweep_archive::{Budget, Format, HEAD, Input, Limits, Member, Visitor, open, recognise, recognise_stream};
use keysweep_image::ReadAt;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read};
use std::path::Path;

/// Bytes of a document, and of all together.
const MAX_DOCUMENT: u64 = 4 << 20;
const MAX_DOCUMENTS: u64 = 64 << 20;
/// Marks of deleted files that are kept of an image.
const MAX_MARKS: usize = 1_000_000;
/// Files of a folder of blobs.
const MAX_BLOBS: usize = 20_000;

/// What was seen in an image.
#[derive(Default)]
pub(super) struct Survey {
    /// By the names of their files.
    pub(super) documents: HashMap<String, Value>,
    /// By the names of their files.
    pub(super) layers: HashMap<String, Layer>,
    /// Paths of files that matter.
    wanted: HashSet<String>,
    bytes: u64,
    marks: usize,
}

/// What a layer does to files of the layers below.
#[derive(Default)]
pub(super) struct Layer {
    /// The place, below the image, of the archive that the files are in.
    pub(super) prefix: String,
    /// Files and folders that it deletes.
    deleted: HashSet<String>,
    /// Folders whose former contents it hides.
    opaque: HashSet<String>,
    /// Wanted files that it has itself.
    present: HashSet<String>,
}

impl Layer {
    /// Whether it hides the file at `path` of a layer below; `true` if it has another one there.
    pub(super) fn hides(&self, path: &str) -> Option<bool> {
        if self.present.contains(path) {
            return Some(true);
        }
        let mut folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        let gone = self.deleted.contains(path)
            || self.opaque.contains("")
            || folders.any(|folder| self.deleted.contains(folder) || self.opaque.contains(folder));
        gone.then_some(false)
    }
}

/// Goes through the image at `root`: a folder, an archive, or an archive in archives. What cannot be read is left out; that it
/// cannot was told when it was searched.
pub(super) fn survey(root: &str, wanted: HashSet<String>, limits: Limits) -> Survey {
    let mut survey = Survey { wanted, ..Survey::default() };
    let outermost = root.split("!/").next().unwrap_or(root);
    if Path::new(outermost).is_dir() {
        folder(Path::new(outermost), &mut survey, limits);
    } else if let Ok(source) = FileSource::open(Path::new(outermost)) {
        let budget = Budget::new(limits, source.len());
        if let Some(format) = recognise(&source) {
            let mut finder =
                Finder { target: root, current: outermost.to_owned(), survey: &mut survey, budget: &budget };
            open(format, Input::Random(&source), outermost, &budget, &mut finder);
        }
    }
    survey
}

/// An OCI layout that is a folder.
fn folder(root: &Path, survey: &mut Survey, limits: Limits) {
    let mut files = vec!["index.json".to_owned(), "manifest.json".to_owned()];
    for algorithm in ["sha256", "sha512"] {
        let Ok(entries) = std::fs::read_dir(root.join("blobs").join(algorithm)) else { continue };
        let names = entries.flatten().take(MAX_BLOBS).filter_map(|entry| entry.file_name().into_string().ok());
        files.extend(names.map(|name| format!("blobs/{algorithm}/{name}")));
    }
    for name in files {
        let Ok(source) = FileSource::open(&root.join(&name)) else { continue };
        let budget = Budget::new(limits, source.len());
        let mut content = keysweep_archive::At::new(&source, 0..source.len());
        survey.file(&root.to_string_lossy(), &name, &mut content, &budget);
    }
}

/// Looks for the image within an archive.
struct Finder<'a> {
    target: &'a str,
    current: String,
    survey: &'a mut Survey,
    budget: &'a Budget,
}

impl Visitor for Finder<'_> {
    fn member(&mut self, member: &Member, content: &mut dyn Read) {
        if self.current == self.target {
            return self.survey.file(self.target, &member.name, content, self.budget);
        }
        let name = format!("{}!/{}", self.current, member.name);
        let is_on_the_way =
            self.target.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with("!/"));
        if is_on_the_way {
            let Finder { target, survey, budget, .. } = self;
            descend(content, &name, budget, &mut Finder { target, current: name.clone(), survey, budget });
        }
    }

    fn problem(&mut self, _: Option<&str>, _: String) {}
}

/// Opens what is in `content` as a stream.
fn descend(content: &mut dyn Read, name: &str, budget: &Budget, visitor: &mut dyn Visitor) {
    let Some(head) = head(content) else { return };
    if let Some(format) = layer_format(&head) {
        open(format, Input::Stream(&mut Cursor::new(head).chain(content)), name, budget, visitor);
    }
}

/// The beginning of `content`, if it can be read.
fn head(content: &mut dyn Read) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    content.take(HEAD as u64).read_to_end(&mut head).ok()?;
    Some(head)
}

/// The format of what begins so, if it is one that layers have.
fn layer_format(head: &[u8]) -> Option<Format> {
    recognise_stream(head).filter(|format| format.streams() && !format.is_text())
}

impl Survey {
    /// A file of the image, called `name`: a document, or a layer.
    fn file(&mut self, root: &str, name: &str, content: &mut dyn Read, budget: &Budget) {
        let Some(head) = head(content) else { return };
        if matches!(head.trim_ascii_start().first(), Some(b'{' | b'[')) {
            return self.document(name, head, content);
        }
        let Some(format) = layer_format(&head) else { return };
        self.layers.insert(name.to_owned(), Layer { prefix: name.to_owned(), ..Layer::default() });
        let place = format!("{root}!/{name}");
        let mut names = Names { survey: self, layer: name, prefix: name.to_owned(), format, budget };
        open(format, Input::Stream(&mut Cursor::new(head).chain(content)), &place, budget, &mut names);
    }

    fn document(&mut self, name: &str, mut bytes: Vec<u8>, content: &mut dyn Read) {
        if content.take(MAX_DOCUMENT).read_to_end(&mut bytes).is_err() {
            return;
        }
        self.bytes += bytes.len() as u64;
        if bytes.len() as u64 > MAX_DOCUMENT || self.bytes > MAX_DOCUMENTS {
            return;
        }
        if let Ok(document) = serde_json::from_slice(&bytes) {
            self.documents.insert(name.to_owned(), document);
        }
    }

    /// A file in a layer.
    fn note(&mut self, layer: &str, path: &str) {
        let Some(layer) = self.layers.get_mut(layer) else { return };
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        match file.strip_prefix(".wh.") {
            Some(".wh..opq") if self.marks < MAX_MARKS => _ = layer.opaque.insert(folder.to_owned()),
            // Notes of the file system itself.
            Some(name) if name.starts_with(".wh.") => return,
            Some(name) if self.marks < MAX_MARKS => {
                let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                layer.deleted.insert(path);
            }
            Some(_) => return,
            None => {
                if self.wanted.contains(path) {
                    layer.present.insert(path.to_owned());
                }
                return;
            }
        }
        self.marks += 1;
    }
}

/// Reads the names in a layer, which may be compressed.
struct Names<'a> {
    survey: &'a mut Survey,
    layer: &'a str,
    prefix: String,
    format: Format,
    budget: &'a Budget,
}

impl Visitor for Names<'_> {
    fn member(&mut self, member: &Member, content: &mut dyn Read) {
        if !self.format.shows_through() {
            return self.survey.note(self.layer, &member.name);
        }
        let Some(head) = head(content) else { return };
        let Some(format) = layer_format(&head) else { return };
        let prefix = format!("{}!/{}", self.prefix, member.name);
        if let Some(layer) = self.survey.layers.get_mut(self.layer) {
            layer.prefix.clone_from(&prefix);
        }
        let Names { survey, layer, budget, .. } = self;
        let place = prefix.clone();
        let mut names = Names { survey, layer, prefix, format, budget };
        open(format, Input::Stream(&mut Cursor::new(head).chain(content)), &place, budget, &mut names);
    }

    fn link(&mut self, name: &str) {
        self.survey.note(self.layer, name);
    }

    fn problem(&mut self, _: Option<&str>, _: String) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_layers_hide_files_and_folders() {
        let mut survey = Survey { wanted: ["app/new/key.pem".to_owned()].into(), ..Survey::default() };
        survey.layers.insert("l".to_owned(), Layer::default());
        for path in ["a/.wh.key.pem", ".wh.top", "b/c/.wh..wh..opq", "x/.wh..wh.plnk", "app/new/key.pem", "other"] {
            survey.note("l", path);
        }
        let layer = &survey.layers["l"];
        for (path, hidden) in [
            ("a/key.pem", Some(false)),
            ("a/key.pem2", None),
            ("top/deep/down", Some(false)),
            ("b/c/d/e", Some(false)),
            ("b/cc", None),
            ("x/plnk", None),
            ("app/new/key.pem", Some(true)),
            ("other", None),
        ] {
            assert_eq!(layer.hides(path), hidden, "{path}");
        }
    }
}
