//! The state of ChaCha20 (RFC 8439 section 2.3): four words that are the same for every key, eight of the key, the counter and the
//! nonce. Ciphers that keep it whole: Nettle and with it GnuTLS, libgcrypt, Mbed TLS, wolfSSL, Botan, OpenSSH's own, libsodium, Rust's
//! `chacha20`, Bouncy Castle, PyCryptodome. OpenSSL, BoringSSL and Go keep the key without the words.

use super::{Prefix, View};
use crate::order::Order;
use crate::survey::Number;
use std::ops::Range;

/// The state, of 32-bit words of a little-endian machine.
pub(super) struct State;

/// For reports.
pub(crate) const STATE: &str = "ChaCha20 state";
/// The first words.
const CONSTANT: &[u8; 16] = b"expand 32-byte k";
/// Bytes of the key.
const KEY: u32 = 32;
/// Bytes before the begin of a run that a state may begin, since its first words do not look random, and after it, if random bytes
/// of something else come first.
const BEFORE: usize = 20;
const AFTER: usize = 128;
/// Blocks of 64 bytes that one stream has: 16 GiB. Behind a copy of the words in a program's constants stands anything.
const MAX_COUNTER: u32 = 1 << 28;

impl Prefix for State {
    fn read(&self, view: &View<'_>, run: Range<usize>, numbers: &mut Vec<Number>) {
        let bytes = view.chunk.bytes;
        let last = run.end.min(run.start + AFTER);
        for at in (run.start.saturating_sub(BEFORE)..last).step_by(4) {
            let is_state = |state: &[u8]| {
                let counter = u32::from_le_bytes([state[48], state[49], state[50], state[51]]);
                state.starts_with(CONSTANT) && counter < MAX_COUNTER
            };
            if bytes.get(at..at + 64).is_some_and(is_state) {
                view.inline(at, CONSTANT.len() as isize, u64::from(KEY), Order::Big, STATE, numbers);
            }
        }
    }
}
