//! `.pgpass` (PostgreSQL, "The Password File").

use super::{Credential, Input, Output};

/// `host:port:database:user:password`, with `\:` and `\\` for the characters themselves.
pub(super) fn pgpass(input: &Input<'_>, out: &mut Output) {
    for line in input.text().lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let mut fields = vec![String::new()];
        let mut at = 0;
        let mut escaped = false;
        for (index, c) in line.char_indices() {
            match c {
                '\\' if !escaped => escaped = true,
                ':' if !escaped && fields.len() < 5 => {
                    fields.push(String::new());
                    at = index + 1;
                }
                _ => {
                    escaped = false;
                    fields.last_mut().expect("there is always one").push(c);
                }
            }
        }
        let [host, _, _, user, _] = &fields[..] else {
            out.problem("has a line that is no entry of a password file");
            continue;
        };
        out.credential(Credential::secret(input, &line[at..]).for_host(host).named(user));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;

    #[test]
    fn password_files_are_read_with_escapes() {
        let text = b"# c\ndb.test:5432:app:al\\:ice:p\\:w:x\nbroken\n";
        let out = read("pgpass", text);
        let entry = &out.credentials[0];
        assert_eq!((entry.host.as_deref(), entry.name.as_deref()), (Some("db.test"), Some("al:ice")));
        assert_eq!(&text[entry.span.clone().unwrap()], b"p\\:w:x");
        assert!(out.problem.is_some());
    }
}
