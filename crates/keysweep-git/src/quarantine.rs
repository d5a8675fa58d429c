//! Object folders that git's variables name. What is pushed lies in a folder of its own until the hooks accept it, and only
//! `GIT_OBJECT_DIRECTORY` and `GIT_ALTERNATE_OBJECT_DIRECTORIES` tell where (`git-receive-pack(1)`, "Quarantine environment").

use gix::odb::Store;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder that borrows from all folders that are named, as `info/alternates` says it.
pub(crate) struct Quarantine {
    folder: tempfile::TempDir,
}

impl Quarantine {
    /// The folders that the environment names, if it does.
    pub(crate) fn from_environment() -> Result<Option<Self>, String> {
        let Some(own) = std::env::var_os("GIT_OBJECT_DIRECTORY") else { return Ok(None) };
        let others = std::env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
        let folders = std::iter::once(PathBuf::from(own)).chain(std::env::split_paths(&others));
        Self::new(folders.filter(|folder| !folder.as_os_str().is_empty())).map(Some)
    }

    fn new(folders: impl Iterator<Item = PathBuf>) -> Result<Self, String> {
        let mut list = Vec::new();
        for folder in folders {
            let absolute = std::path::absolute(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
            let bytes = absolute.as_os_str().as_encoded_bytes();
            if bytes.contains(&b'\n') || folder.as_os_str().as_encoded_bytes().starts_with(b"\"") {
                return Err(format!("the object folder {folder:?} has a name that is not supported"));
            }
            list.extend_from_slice(bytes);
            list.push(b'\n');
        }
        let failed = |e: std::io::Error| format!("the object folders cannot be joined: {e}");
        let folder = tempfile::Builder::new().prefix("keysweep-objects-").tempdir().map_err(failed)?;
        for name in ["info", "pack"] {
            std::fs::create_dir(folder.path().join(name)).map_err(failed)?;
        }
        std::fs::write(folder.path().join("info/alternates"), list).map_err(failed)?;
        Ok(Self { folder })
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The objects of all folders.
    pub(crate) fn objects(&self, hash: gix::hash::Kind) -> std::io::Result<Arc<Store>> {
        let options = gix::odb::store::init::Options::default();
        Store::at_opts(self.folder.path().to_owned(), hash, &mut std::iter::empty(), options).map(Arc::new)
    }
}
