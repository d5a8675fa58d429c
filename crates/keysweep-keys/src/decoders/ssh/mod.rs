//! SSH keys: OpenSSH's own container, keys in the wire encoding (agents, Dropbear, heaps), public keys in text, and the
//! containers of SSH1 and ssh.com.

mod commercial;
mod container;
mod entry;
mod openssh;
mod public;
mod ssh1;
#[cfg(test)]
mod tests;
mod wire;

pub(crate) use commercial::Commercial;
pub(crate) use openssh::OpenSsh;
pub(crate) use public::PublicText;
pub(crate) use ssh1::Ssh1;
pub(crate) use wire::Wire;

/// A handle of a key that a FIDO token keeps.
const TOKEN_KEY: &str = "ssh-security-key-handle";
