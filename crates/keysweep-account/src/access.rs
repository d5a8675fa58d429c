//! Who can read a file: by its mode, its access control list, and the folders above it.

use crate::identities::Identities;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Somebody besides the owner and root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reader {
    Everyone,
    Group(u32),
    User(u32),
}

/// Owner, mode and readers of a file.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mode: u32,
    pub(crate) readers: BTreeSet<Reader>,
    /// What the mode and list of the file alone let in.
    pub(crate) by_file: BTreeSet<Reader>,
    pub(crate) modified: Option<i64>,
    pub(crate) accessed: Option<i64>,
}

/// Permissions of a file or folder.
#[derive(Debug, Clone, Default)]
struct Permissions {
    uid: u32,
    gid: u32,
    mode: u32,
    /// Entries of the list for users and groups, with the mask applied.
    users: Vec<(u32, u32)>,
    groups: Vec<(u32, u32)>,
}

/// Looks up who can read files, and remembers folders.
pub(crate) struct Accesses<'a> {
    identities: &'a Identities,
    /// Folders above this one do not count: a mounted disk has its own root.
    root: PathBuf,
    folders: HashMap<PathBuf, Option<Permissions>>,
}

impl<'a> Accesses<'a> {
    pub(crate) fn new(identities: &'a Identities, root: &Path) -> Self {
        Self { identities, root: root.to_owned(), folders: HashMap::new() }
    }

    /// Who can read the file; `None` where the system has no modes, or the file is gone.
    pub(crate) fn of(&mut self, path: &Path) -> Option<Access> {
        let path = std::path::absolute(path).ok()?;
        let own = permissions(&path)?;
        let mut readers = BTreeSet::new();
        if own.mode & 0o004 != 0 {
            readers.insert(Reader::Everyone);
        }
        if own.mode & 0o040 != 0 {
            readers.insert(Reader::Group(own.gid));
        }
        readers.extend(own.users.iter().filter(|(_, bits)| bits & 4 != 0).map(|(uid, _)| Reader::User(*uid)));
        readers.extend(own.groups.iter().filter(|(_, bits)| bits & 4 != 0).map(|(gid, _)| Reader::Group(*gid)));
        let readers = self.besides_owner(readers, own.uid);
        let by_file = readers.clone();
        let mut reached = readers;
        let mut folder = path.parent();
        while let Some(at) = folder.filter(|at| !reached.is_empty() && at.starts_with(&self.root)) {
            let permissions = self.folders.entry(at.to_owned()).or_insert_with(|| permissions(at)).clone();
            if let Some(permissions) = permissions {
                reached = self.through(&permissions, &reached);
            }
            folder = at.parent();
        }
        let reached = self.besides_owner(reached, own.uid);
        let metadata = std::fs::metadata(&path).ok();
        let seconds = |time: std::io::Result<std::time::SystemTime>| {
            time.ok()
                .and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok())
                .and_then(|d| i64::try_from(d.as_secs()).ok())
        };
        Some(Access {
            uid: own.uid,
            gid: own.gid,
            mode: own.mode,
            readers: reached,
            by_file,
            modified: metadata.as_ref().and_then(|m| seconds(m.modified())),
            accessed: metadata.as_ref().and_then(|m| seconds(m.accessed())),
        })
    }

    /// A group with nobody but the owner in it lets nobody else in; nor does an entry for the owner or root.
    fn besides_owner(&self, readers: BTreeSet<Reader>, owner: u32) -> BTreeSet<Reader> {
        let other = |reader: &Reader| match reader {
            Reader::Everyone => true,
            Reader::Group(0) => false,
            Reader::Group(gid) => self.identities.has_others(*gid, owner),
            Reader::User(uid) => *uid != owner && *uid != 0,
        };
        readers.into_iter().filter(other).collect()
    }

    /// Who of them comes through a folder.
    fn through(&self, folder: &Permissions, readers: &BTreeSet<Reader>) -> BTreeSet<Reader> {
        let others = folder.mode & 1 != 0;
        let group = |gid: u32| {
            let listed = folder.groups.iter().find(|(own, _)| *own == gid).map(|(_, bits)| bits & 1 != 0);
            if gid == folder.gid { folder.mode & 0o010 != 0 } else { listed.unwrap_or(others) }
        };
        let user = |uid: u32| {
            if uid == folder.uid {
                return folder.mode & 0o100 != 0;
            }
            if let Some((_, bits)) = folder.users.iter().find(|(own, _)| *own == uid) {
                return bits & 1 != 0;
            }
            let mut groups = std::iter::once(folder.gid).chain(folder.groups.iter().map(|(gid, _)| *gid));
            match groups.find(|gid| self.identities.is_member(uid, *gid)) {
                Some(gid) => group(gid),
                None => others,
            }
        };
        let mut passed = BTreeSet::new();
        for reader in readers {
            match *reader {
                Reader::Everyone if others => {
                    passed.insert(Reader::Everyone);
                }
                // Of everyone, those are left whom the folder lets in.
                Reader::Everyone => {
                    passed.extend((folder.mode & 0o010 != 0).then_some(Reader::Group(folder.gid)));
                    passed.extend(
                        folder.groups.iter().filter(|(_, bits)| bits & 1 != 0).map(|(gid, _)| Reader::Group(*gid)),
                    );
                    passed.extend(
                        folder.users.iter().filter(|(_, bits)| bits & 1 != 0).map(|(uid, _)| Reader::User(*uid)),
                    );
                }
                Reader::Group(gid) => passed.extend(group(gid).then_some(*reader)),
                Reader::User(uid) => passed.extend(user(uid).then_some(*reader)),
            }
        }
        passed
    }

    /// The readers by name: `everyone`, `group staff`, `user bob`.
    pub(crate) fn names(&self, readers: &BTreeSet<Reader>) -> Vec<String> {
        let name = |reader: &Reader| match reader {
            Reader::Everyone => "everyone".to_owned(),
            Reader::Group(gid) => format!("group {}", self.identities.group(*gid)),
            Reader::User(uid) => format!("user {}", self.identities.user(*uid)),
        };
        readers.iter().map(name).collect()
    }
}

#[cfg(unix)]
fn permissions(path: &Path) -> Option<Permissions> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    let permissions = Permissions {
        uid: metadata.uid(),
        gid: metadata.gid(),
        mode: metadata.mode() & 0o7777,
        ..Permissions::default()
    };
    #[cfg(target_os = "linux")]
    let permissions = with_list(path, permissions);
    Some(permissions)
}

#[cfg(target_os = "linux")]
fn with_list(path: &Path, mut permissions: Permissions) -> Permissions {
    let mut list = [0; 4 << 10];
    if let Ok(length) = rustix::fs::getxattr(path, "system.posix_acl_access", &mut list[..]) {
        apply(&mut permissions, &list[..length.min(list.len())]);
    }
    permissions
}

#[cfg(not(unix))]
fn permissions(_: &Path) -> Option<Permissions> {
    None
}

/// Applies a list in the form the kernel gives it (`linux/posix_acl_xattr.h`): a version, then tag, permissions and id of
/// each entry. With a list, the group bits of the mode are its mask.
#[cfg(target_os = "linux")]
fn apply(permissions: &mut Permissions, list: &[u8]) {
    const VERSION: [u8; 4] = [2, 0, 0, 0];
    let Some(entries) = list.strip_prefix(&VERSION) else { return };
    let entry = |bytes: &[u8]| {
        let half = |at: usize| u32::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        (half(0), half(2), u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]))
    };
    let entries: Vec<(u32, u32, u32)> = entries.chunks_exact(8).map(entry).collect();
    let mask = entries.iter().find(|(tag, ..)| *tag == 0x10).map_or(7, |(_, bits, _)| *bits);
    for (tag, bits, id) in entries {
        match tag {
            0x02 => permissions.users.push((id, bits & mask)),
            0x04 => permissions.mode = permissions.mode & !0o070 | (bits & mask) << 3,
            0x08 => permissions.groups.push((id, bits & mask)),
            _ => {}
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs::{Permissions as Mode, create_dir, set_permissions, write};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn tree(file: u32, folder: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("d");
        create_dir(&inner).unwrap();
        write(inner.join("f"), b"x").unwrap();
        set_permissions(inner.join("f"), Mode::from_mode(file)).unwrap();
        set_permissions(&inner, Mode::from_mode(folder)).unwrap();
        let path = inner.join("f");
        (dir, path)
    }

    fn names(dir: &Path, path: &Path) -> (Vec<String>, Vec<String>) {
        let gid = std::fs::metadata(path).unwrap().gid();
        create_dir(dir.join("etc")).unwrap();
        write(dir.join("etc/group"), format!("team:x:{gid}:alice,bob\n")).unwrap();
        let identities = Identities::of(dir);
        let mut accesses = Accesses::new(&identities, &dir.join("d"));
        let access = accesses.of(path).unwrap();
        (accesses.names(&access.readers), accesses.names(&access.by_file))
    }

    #[test]
    fn folders_above_keep_readers_out() {
        let (dir, path) = tree(0o644, 0o700);
        let (reached, by_file) = names(dir.path(), &path);
        assert_eq!(reached, Vec::<String>::new());
        assert_eq!(by_file[0], "everyone");
    }

    #[test]
    fn what_everyone_can_reach_everyone_reads() {
        let (dir, path) = tree(0o604, 0o711);
        assert_eq!(names(dir.path(), &path).0, ["everyone"]);
        let (dir, path) = tree(0o600, 0o755);
        assert_eq!(names(dir.path(), &path).0, Vec::<String>::new());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_list_of_a_real_file_is_read() {
        let (dir, path) = tree(0o600, 0o755);
        let entry =
            |tag: u16, bits: u16, id: u32| [&tag.to_le_bytes()[..], &bits.to_le_bytes(), &id.to_le_bytes()].concat();
        let list = [
            vec![2, 0, 0, 0],
            entry(1, 6, !0),
            entry(2, 4, 4711),
            entry(4, 0, !0),
            entry(0x10, 4, !0),
            entry(0x20, 0, !0),
        ]
        .concat();
        let flags = rustix::fs::XattrFlags::empty();
        if rustix::fs::setxattr(&path, "system.posix_acl_access", &list, flags).is_err() {
            return; // The file system has no lists.
        }
        assert_eq!(names(dir.path(), &path).0, ["user 4711"]);
        set_permissions(dir.path().join("d"), Mode::from_mode(0o700)).unwrap();
        let identities = Identities::default();
        let access = Accesses::new(&identities, &dir.path().join("d")).of(&path).unwrap();
        assert!(access.readers.is_empty(), "the folder keeps the user out");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn lists_name_more_readers_within_the_mask() {
        let entry =
            |tag: u16, bits: u16, id: u32| [&tag.to_le_bytes()[..], &bits.to_le_bytes(), &id.to_le_bytes()].concat();
        let list = [
            vec![2, 0, 0, 0],
            entry(1, 6, !0),
            entry(2, 4, 1001),
            entry(2, 6, 1002),
            entry(4, 4, !0),
            entry(8, 4, 50),
            entry(0x10, 4, !0),
            entry(0x20, 0, !0),
        ]
        .concat();
        let mut permissions = Permissions { mode: 0o640, ..Permissions::default() };
        apply(&mut permissions, &list);
        assert_eq!(permissions.users, [(1001, 4), (1002, 4)]);
        assert_eq!((permissions.groups, permissions.mode), (vec![(50, 4)], 0o640));
        let mut short = Permissions::default();
        apply(&mut short, &list[..7]);
        assert!(short.users.is_empty());
    }
}
