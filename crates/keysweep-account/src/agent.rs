//! Asks an SSH agent which keys it holds (RFC 9987, `SSH_AGENTC_REQUEST_IDENTITIES`). Only public keys are asked for.

use keysweep_facts::Fact;
use std::path::Path;

/// The keys that the agent behind a socket holds.
#[cfg(unix)]
pub(crate) fn held(socket: &Path) -> std::io::Result<Vec<Fact>> {
    use std::io::{Read, Write};
    use std::time::Duration;
    /// Longest answer of an agent, as OpenSSH bounds it.
    const MAX_ANSWER: usize = 256 << 10;
    let mut stream = connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.set_write_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(&[0, 0, 0, 1, 11])?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_ANSWER {
        return Err(std::io::Error::other("the agent's answer is too long"));
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    Ok(identities(&answer))
}

#[cfg(unix)]
fn connect(socket: &Path) -> std::io::Result<std::os::unix::net::UnixStream> {
    std::os::unix::net::UnixStream::connect(socket)
}

#[cfg(not(unix))]
pub(crate) fn held(_: &Path) -> std::io::Result<Vec<Fact>> {
    Err(std::io::Error::other("agents cannot be asked on this system"))
}

/// The keys in an `SSH_AGENT_IDENTITIES_ANSWER`.
#[cfg(unix)]
fn identities(answer: &[u8]) -> Vec<Fact> {
    let Some(mut rest) = answer.strip_prefix(&[12]).and_then(|rest| rest.get(4..)) else { return Vec::new() };
    let mut string = || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (text, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        rest = after;
        Some(text)
    };
    let mut facts = Vec::new();
    while let (Some(blob), Some(comment)) = (string(), string()) {
        if let Some(key) = keysweep_keys::ssh::public_key(blob) {
            let name = format!("spki-sha256:{}", key.key.fingerprint().hex());
            let comment = crate::readers::bounded(&String::from_utf8_lossy(comment));
            facts.push(
                Fact::new("agent_held", "the agent lists the key").with("fingerprint", name).with("name", comment),
            );
        }
    }
    facts
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use data_encoding::BASE64;

    #[test]
    fn keys_in_an_answer_are_named() {
        let blob = BASE64.decode(b"AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl").unwrap();
        let mut answer = vec![12, 0, 0, 0, 1];
        for part in [&blob[..], b"me@host"] {
            answer.extend((part.len() as u32).to_be_bytes());
            answer.extend(part);
        }
        let facts = identities(&answer);
        assert_eq!(facts.len(), 1);
        assert_eq!(facts[0].text("name"), Some("me@host"));
        assert!((0..answer.len()).all(|end| identities(&answer[..end]).is_empty()));
    }

    #[test]
    fn what_is_no_socket_is_an_error() {
        assert!(held(Path::new("/nonexistent/agent")).is_err());
    }
}
