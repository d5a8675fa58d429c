//! Accounts and groups of a system, from its own `etc/passwd` and `etc/group`: for a mounted disk these are not the host's.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Most that is read of a table, in bytes.
const MAX_TABLE: u64 = 16 << 20;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Number of its first group.
    pub gid: u32,
    /// Its home, as the table names it.
    pub home: String,
    /// The shell.
    pub shell: String,
}

/// The accounts and groups of a system.
#[derive(Debug, Clone, Default)]
pub struct Identities {
    accounts: Vec<Account>,
    groups: HashMap<u32, (String, Vec<String>)>,
    root: PathBuf,
}

impl Identities {
    /// Those of the system below `root`. What cannot be read is empty.
    pub fn of(root: &Path) -> Self {
        let accounts = table(&root.join("etc/passwd")).lines().filter_map(account).collect();
        let groups = table(&root.join("etc/group")).lines().filter_map(group).collect();
        Self { accounts, groups, root: root.to_owned() }
    }

    /// All accounts.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// The account with this name.
    pub fn named(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name == name)
    }

    /// The name of an account, or its number.
    pub fn user(&self, uid: u32) -> String {
        let known = self.accounts.iter().find(|account| account.uid == uid);
        known.map_or_else(|| uid.to_string(), |account| account.name.clone())
    }

    /// The name of a group, or its number.
    pub fn group(&self, gid: u32) -> String {
        self.groups.get(&gid).map_or_else(|| gid.to_string(), |(name, _)| name.clone())
    }

    /// Whether the account is in the group with this name.
    pub fn is_in(&self, uid: u32, group: &str) -> bool {
        let named = self.groups.iter().find(|(_, (name, _))| name == group).map(|(gid, _)| *gid);
        named.or_else(|| group.parse().ok()).is_some_and(|gid| self.is_member(uid, gid))
    }

    /// Whether the account is in the group.
    pub fn is_member(&self, uid: u32, gid: u32) -> bool {
        let Some(account) = self.accounts.iter().find(|account| account.uid == uid) else { return false };
        account.gid == gid || self.groups.get(&gid).is_some_and(|(_, members)| members.contains(&account.name))
    }

    /// Whether anybody besides `uid` is in the group. A group that is not known may have anybody in it.
    pub fn has_others(&self, gid: u32, uid: u32) -> bool {
        let by_table = self.groups.get(&gid).map(|(_, members)| members.iter().any(|name| *name != self.user(uid)));
        let by_first_group = self.accounts.iter().any(|account| account.gid == gid && account.uid != uid);
        by_first_group || by_table.unwrap_or(true)
    }

    /// Where the home of an account lies for us.
    pub fn home(&self, account: &Account) -> PathBuf {
        self.root.join(account.home.trim_start_matches('/'))
    }

    /// When the account last logged in, as `lastlog` has it: seconds since 1970.
    pub fn last_login(&self, uid: u32) -> Option<i64> {
        use std::io::{Seek, SeekFrom};
        // struct lastlog: a time of 32 bits, a line of 32 bytes and a host of 256.
        let mut file = std::fs::File::open(self.root.join("var/log/lastlog")).ok()?;
        file.seek(SeekFrom::Start(u64::from(uid) * 292)).ok()?;
        let mut time = [0; 4];
        file.read_exact(&mut time).ok()?;
        Some(i64::from(u32::from_le_bytes(time))).filter(|time| *time > 0)
    }
}

fn table(path: &Path) -> String {
    let mut bytes = Vec::new();
    // Opening a FIFO would wait for its other end.
    if !std::fs::metadata(path).is_ok_and(|m| m.is_file()) {
        return String::new();
    }
    if let Ok(file) = std::fs::File::open(path) {
        // What was read up to an error is still true.
        let _ = file.take(MAX_TABLE).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn account(line: &str) -> Option<Account> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, _, home, shell] = fields[..] else { return None };
    Some(Account {
        name: name.into(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        home: home.into(),
        shell: shell.into(),
    })
}

fn group(line: &str) -> Option<(u32, (String, Vec<String>))> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, gid, members] = fields[..] else { return None };
    Some((gid.parse().ok()?, (name.into(), members.split(',').filter(|m| !m.is_empty()).map(str::to_owned).collect())))
}
