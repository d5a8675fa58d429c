//! Files that are one secret, files that are sealed as a whole, and exports of password managers.

use super::{Credential, Input, Output, State, bounded};

/// Longest secret that fills a file, in bytes.
const MAX_BARE: usize = 16 << 10;

/// A file whose whole content is a secret: a token, a password.
pub(super) fn read(input: &Input<'_>, out: &mut Output) {
    let text = input.text();
    let value = text.trim();
    if value.is_empty() {
        return;
    }
    if value.len() > MAX_BARE || value.contains('\0') {
        return out.problem("is too long for the single secret that its name promises");
    }
    // A script is what prints the secret, not the secret.
    if value.starts_with("#!") {
        return out.credential(Credential::new(State::Elsewhere { keeper: "a program".into() }));
    }
    out.credential(Credential::secret(input, value));
}

/// A store that is encrypted as a whole by the system it belongs to.
pub(super) fn sealed(input: &Input<'_>, out: &mut Output) {
    if input.bytes.is_empty() {
        return;
    }
    // GNOME Keyring writes a keyring with an empty password as text.
    if input.bytes.starts_with(b"[keyring]") {
        return out.credential(Credential::new(State::Open));
    }
    let how = format!("{}, as a whole", input.location.tool);
    out.credential(Credential::new(State::Encrypted { how, weak: false }));
}

/// A file whose encryption has a key that everyone knows, or that stands in the same file: as good as open.
pub(super) fn published_key(input: &Input<'_>, out: &mut Output) {
    if !input.bytes.is_empty() {
        out.credential(Credential::new(State::Open));
    }
}

/// A table or document with passwords in the clear, as password managers export it.
pub(super) fn export(input: &Input<'_>, out: &mut Output) {
    let text = input.text();
    let head: String = text.chars().take(4_096).collect::<String>().to_ascii_lowercase();
    if head.contains("\"encrypted\": true") || head.contains("\"encrypted\":true") {
        let how = "the manager's own encryption of exports".to_owned();
        return out.credential(Credential::new(State::Encrypted { how, weak: false }));
    }
    let header = head.lines().next().unwrap_or_default();
    let table = header.contains("password") && [',', ';', '\t'].iter().any(|c| header.contains(*c));
    let document = head.trim_start().starts_with(['{', '<']) && head.contains("password");
    if !table && !document {
        return;
    }
    let entries = if table { text.lines().skip(1).filter(|l| !l.trim().is_empty()).count() } else { 0 };
    let name = if table { format!("{entries} entries") } else { "an export".to_owned() };
    out.credential(Credential::new(State::Open).named(&bounded(&name)));
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    #[test]
    fn a_token_fills_its_file() {
        assert_eq!(read("vault-token", b"hvs.CAESIJ\n").credentials[0].span, Some(0..10));
        assert!(read("vault-token", b" \n").credentials.is_empty());
        assert!(read("vault-token", &vec![b'a'; 20_000]).problem.is_some());
    }

    #[test]
    fn keyrings_without_a_password_are_open() {
        let state = |bytes: &[u8]| read("gnome-keyring", bytes).credentials[0].state.clone();
        assert_eq!(state(b"[keyring]\ndisplay-name=Login\n"), State::Open);
        assert!(matches!(state(b"GnomeKeyring\n\r\0\n"), State::Encrypted { weak: false, .. }));
    }

    #[test]
    fn exports_are_told_by_their_header() {
        let open = read("password-manager-export", b"name,url,username,password\na,b,c,d\ne,f,g,h\n");
        assert_eq!(open.credentials[0].name.as_deref(), Some("2 entries"));
        assert!(read("password-manager-export", b"name,amount\na,1\n").credentials.is_empty());
        let closed = read("password-manager-export", b"{\"encrypted\": true, \"passwordProtected\": true}");
        assert!(matches!(closed.credentials[0].state, State::Encrypted { .. }));
    }
}
