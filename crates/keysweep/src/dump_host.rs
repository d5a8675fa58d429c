//! On which host a dump was taken, as far as the dump says itself: what systemd-coredump noted with the file, or the environment of
//! the process in its memory.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes of a dump in which the environment is looked for.
const MOST: u64 = 4 << 30;
/// Bytes read at a time, and the longest entry that may lie across two reads.
const CHUNK: usize = 1 << 20;
const LONGEST: usize = 300;
/// What an environment says: the name with the zero before it.
const VARIABLES: [&[u8]; 2] = [b"\0HOSTNAME=", b"\0COMPUTERNAME="];

/// The host, or `None` if nothing says it.
pub(crate) fn host_of(path: &Path) -> Option<String> {
    noted(path).or_else(|| in_environment(File::open(path).ok()?))
}

/// The extended attribute that systemd-coredump writes.
#[cfg(target_os = "linux")]
fn noted(path: &Path) -> Option<String> {
    let mut value = [0; 256];
    let len = rustix::fs::getxattr(path, "user.coredump.hostname", &mut value[..]).ok()?;
    name(value.get(..len)?)
}

#[cfg(not(target_os = "linux"))]
fn noted(_: &Path) -> Option<String> {
    None
}

/// The first entry of an environment that names a host, as bytes or as UTF-16.
fn in_environment(file: impl Read) -> Option<String> {
    let wide: Vec<Vec<u8>> = VARIABLES.iter().map(|v| v.iter().flat_map(|b| [*b, 0]).collect()).collect();
    let mut file = file.take(MOST);
    let mut buffer = vec![0; CHUNK + LONGEST];
    let mut kept = 0;
    loop {
        let mut filled = kept;
        while filled < buffer.len() {
            match file.read(&mut buffer[filled..]) {
                Ok(0) | Err(_) => break,
                Ok(read) => filled += read,
            }
        }
        let bytes = &buffer[..filled];
        for (plain, wide) in VARIABLES.iter().zip(&wide) {
            for at in memchr::memmem::find_iter(bytes, plain) {
                let value = &bytes[at + plain.len()..];
                if let Some(name) = value.split(|b| *b == 0).next().and_then(name) {
                    return Some(name);
                }
            }
            for at in memchr::memmem::find_iter(bytes, wide) {
                let value = bytes[at + wide.len()..].chunks_exact(2).take_while(|pair| *pair != [0, 0]);
                let value: Vec<u8> = value.take(LONGEST).map(|pair| if pair[1] == 0 { pair[0] } else { 0 }).collect();
                if let Some(name) = name(&value) {
                    return Some(name);
                }
            }
        }
        if filled < buffer.len() {
            return None;
        }
        kept = LONGEST;
        buffer.copy_within(filled - LONGEST.., 0);
    }
}

/// A name of a host (RFC 1123), or `None` for anything else.
fn name(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.trim_ascii();
    let good = |b: &u8| b.is_ascii_alphanumeric() || b"-._".contains(b);
    let whole =
        (1..=253).contains(&bytes.len()) && bytes.iter().all(good) && bytes.iter().any(u8::is_ascii_alphanumeric);
    whole.then(|| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> Option<String> {
        in_environment(bytes)
    }

    #[test]
    fn the_environment_names_the_host() {
        assert_eq!(found(b"PATH=/bin\0HOSTNAME=sign-01.prod\0HOME=/\0").as_deref(), Some("sign-01.prod"));
        let wide: Vec<u8> = "\0COMPUTERNAME=SIGN7\0".bytes().flat_map(|b| [b, 0]).collect();
        assert_eq!(found(&wide).as_deref(), Some("SIGN7"));
        // Not what a program's code or a script says.
        for other in
            [&b"export HOSTNAME=x\0"[..], b"\0HOSTNAME=$(hostname)\0", b"\0HOSTNAME=\0", b"\0HOSTNAME=a b\0", b""]
        {
            assert_eq!(found(other), None);
        }
    }

    #[test]
    fn it_is_found_wherever_it_lies() {
        for at in [0, 5, CHUNK - 12, CHUNK - 3, CHUNK + LONGEST - 4, CHUNK + LONGEST, 2 * CHUNK + 77] {
            let mut bytes = vec![b'x'; 3 * CHUNK];
            bytes[at..at + 18].copy_from_slice(b"\0HOSTNAME=sign-02\0");
            assert_eq!(found(&bytes).as_deref(), Some("sign-02"), "{at}");
        }
    }
}
