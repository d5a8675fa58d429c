//! How well a credential is kept.

use crate::access::Access;
use crate::model::{Accept, Location};
use crate::readers::State;

/// The verdict on a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// As well as the tool can.
    Good,
    /// Whoever gets the file gets the secret, or nearly.
    Weak,
    /// Others have it, or can take it.
    Open,
}

impl Verdict {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::Weak => "weak",
            Verdict::Open => "open",
        }
    }
}

/// What a credential is judged by.
pub(crate) struct Case<'a> {
    pub(crate) state: &'a State,
    pub(crate) location: Option<&'a Location>,
    pub(crate) access: Option<&'a Access>,
    /// The readers besides the owner, by name.
    pub(crate) readers: &'a [String],
    /// The service that copies the file elsewhere.
    pub(crate) synced: Option<&'a str>,
    /// Whether it is a token whose time is over.
    pub(crate) expired: bool,
}

/// The verdict, and why.
pub(crate) fn judge(case: &Case<'_>) -> (Verdict, String) {
    let readable = !case.readers.is_empty();
    let by = || case.readers.join(", ");
    let loose = case.access.zip(case.location).is_some_and(|(access, location)| {
        let widest = location.mode_bits().unwrap_or(0o600);
        !access.by_file.is_empty() && access.mode & 0o077 & !widest != 0
    });
    match case.state {
        State::Elsewhere { keeper } => (Verdict::Good, format!("kept elsewhere: {keeper}")),
        _ if case.expired => (Verdict::Good, "its time is over".into()),
        State::Encrypted { how, weak: true } => (Verdict::Weak, format!("{how}: little or no protection")),
        State::Encrypted { how, .. } | State::Beside { how, .. } if readable => {
            (Verdict::Weak, format!("{how}, but readable by {}", by()))
        }
        State::Encrypted { how, .. } | State::Beside { how, .. } => {
            (Verdict::Good, if how.contains("encrypted") { how.clone() } else { format!("encrypted: {how}") })
        }
        State::Open if readable => (Verdict::Open, format!("in the clear, readable by {}", by())),
        State::Open if case.synced.is_some() => {
            (Verdict::Open, format!("in the clear, copied by {}", case.synced.unwrap_or_default()))
        }
        State::Open if loose => (Verdict::Weak, "in the clear, and its mode lets others in".into()),
        State::Open => match case.location.map(|location| location.accept) {
            Some(Accept::Mode) => (Verdict::Good, "in the clear, but only its owner can read it".into()),
            _ => (Verdict::Weak, "in the clear".into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn access(mode: u32) -> Access {
        let by_file =
            if mode & 0o77 == 0 { BTreeSet::new() } else { BTreeSet::from([crate::access::Reader::Everyone]) };
        Access { uid: 1, gid: 1, mode, readers: BTreeSet::new(), by_file, modified: None, accessed: None }
    }

    fn verdict(state: &State, id: &str, mode: u32, readers: &[String], synced: Option<&str>) -> Verdict {
        let catalogue = crate::Catalogue::builtin();
        let access = access(mode);
        judge(&Case { state, location: catalogue.get(id), access: Some(&access), readers, synced, expired: false }).0
    }

    #[test]
    fn each_way_of_keeping_has_its_verdict() {
        let strong = State::Encrypted { how: "bcrypt".into(), weak: false };
        let all = ["everyone".to_owned()];
        assert_eq!(verdict(&State::Open, "ssh-private-key", 0o644, &all, None), Verdict::Open);
        assert_eq!(verdict(&State::Open, "ssh-private-key", 0o644, &[], None), Verdict::Weak);
        assert_eq!(verdict(&State::Open, "ssh-private-key", 0o600, &[], None), Verdict::Weak);
        assert_eq!(verdict(&strong, "ssh-private-key", 0o600, &[], None), Verdict::Good);
        assert_eq!(verdict(&strong, "ssh-private-key", 0o644, &all, None), Verdict::Weak);
        assert_eq!(verdict(&State::Open, "pgpass", 0o600, &[], None), Verdict::Good);
        assert_eq!(verdict(&State::Open, "pgpass", 0o600, &[], Some("Dropbox")), Verdict::Open);
        let weak = State::Encrypted { how: "MD5".into(), weak: true };
        assert_eq!(verdict(&weak, "ssh-private-key", 0o600, &[], None), Verdict::Weak);
        assert_eq!(
            verdict(&State::Elsewhere { keeper: "x".into() }, "docker-config", 0o644, &all, None),
            Verdict::Good
        );
    }
}
