//! Secrets of message authentication: a JSON Web Token (RFC 7519) signed with HMAC (RFC 7515, `HS256`, `HS384`, `HS512`) is
//! made and checked with the same secret, so that the process that checks tokens holds it. A token in the dump proves the
//! secret: only the right one gives its signature.
//!
//! Candidates are strings (configuration, environment) and random bytes, those near a token first.

mod candidate;
mod token;

use crate::copies;
use crate::found::{Found, Place};
use crate::search::{Context, Finder, Outcome};
use crate::stretch::work;
use crate::structure::View;
use crate::survey::{Looks, looks_random};
use candidate::{Candidate, Candidates, Reading};
use keysweep_keys::{Algorithm, KeyMaterial, Proof, Protection};
use std::sync::atomic::{AtomicUsize, Ordering};
use token::Token;
use zeroize::Zeroizing;

const SECRET: &str = "memory-mac-secret";
const EXAMPLE: &str = "memory-example-mac-secret";

/// Finds secrets that verify tokens.
pub(crate) struct MacSecret;

/// Tokens against which every candidate is tried.
const MAX_TRIED: usize = 16;
/// Tokens that are read.
const MAX_TOKENS: usize = 4096;
/// MACs that are computed for one dump, a second or two of work.
const MAX_MACS: usize = 3_000_000;

impl Finder for MacSecret {
    fn rules(&self) -> &'static [&'static str] {
        &[SECRET, EXAMPLE]
    }

    fn may_find(&self, _: &Algorithm) -> bool {
        false
    }

    fn spot(&self, view: &View<'_>, looks: &Looks, spots: &mut Vec<u64>) {
        let own = view.chunk.own.clone();
        let bytes = &view.chunk.bytes[own.start..];
        // The shortest token has some words of letters and digits, whatever stands around it.
        let mut done = 0;
        for stretch in looks.stretches(|looks, _| looks.text != 0) {
            let from = stretch.start.max(done);
            let Some(own) = stretch.end.min(own.len()).checked_sub(from) else { continue };
            let end = token::each(&bytes[from..], own, |at| spots.push(view.offset(view.chunk.own.start + from + at)));
            done = from + end;
        }
    }

    fn find(&self, context: &Context<'_>, spots: &[u64], outcome: &mut Outcome) {
        let mut tokens = read_tokens(context, spots, outcome);
        if tokens.is_empty() {
            return;
        }
        let places: Vec<u64> = tokens.iter().map(|t| t.offset).collect();
        let most = MAX_MACS / tokens.len().min(MAX_TRIED);
        let mut candidates = Candidates::new(context, &places);
        let mut tried = 0;
        while let Some(mut next) = candidates.next() {
            let left_out = next.len() > most - tried;
            next.truncate(most - tried);
            tried += next.len();
            // What verifies a token takes it, and those it also made, out of the list, so that the next ones are tried.
            while let Some((index, reading, secret)) = first_that_verifies(context, &tokens, &next) {
                let (signed, others) = tokens.into_iter().partition(|token| token.verifies(&secret));
                tokens = others;
                outcome.found.push(report(context, &next[index], reading, &secret, &signed));
                next.drain(..index);
            }
            if tokens.is_empty() {
                break;
            }
            if left_out {
                outcome.limits.push("more candidates for the secret of a JSON Web Token than are tried");
                break;
            }
        }
    }
}

/// Candidates that a thread tries at a time.
const BLOCK: usize = 1024;

/// The first candidate that verifies one of the first tokens, by its index.
fn first_that_verifies(
    context: &Context<'_>,
    tokens: &[Token],
    candidates: &[Candidate],
) -> Option<(usize, Reading, Zeroizing<Vec<u8>>)> {
    if tokens.is_empty() {
        return None;
    }
    let best = AtomicUsize::new(usize::MAX);
    let parts = work(
        candidates.len().div_ceil(BLOCK),
        context.jobs,
        || None,
        |found, block| {
            let range = block * BLOCK..(block * BLOCK + BLOCK).min(candidates.len());
            if best.load(Ordering::Relaxed) < range.start || found.is_some() {
                return;
            }
            for index in range {
                let candidate = &candidates[index];
                let Some(memory) = context.memory.bytes(candidate.offset, candidate.len as usize) else { continue };
                let verifies = |secret: &[u8]| tokens.iter().take(MAX_TRIED).any(|token| token.verifies(secret));
                if let Some((reading, secret)) = candidate.readings(&memory).into_iter().find(|(_, s)| verifies(s)) {
                    best.fetch_min(index, Ordering::Relaxed);
                    *found = Some((index, reading, secret));
                    return;
                }
            }
        },
    );
    parts.into_iter().flatten().min_by_key(|(index, ..)| *index)
}

/// The different tokens signed with HMAC, the shortest first.
fn read_tokens(context: &Context<'_>, spots: &[u64], outcome: &mut Outcome) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for &offset in spots {
        let Some(token) = Token::read(context.memory, offset) else { continue };
        if !seen.insert(token.signature.clone()) {
            continue;
        }
        if tokens.len() == MAX_TOKENS {
            outcome.limits.push("more JSON Web Tokens than are read");
            break;
        }
        tokens.push(token);
    }
    tokens.sort_by_key(|token| (token.signed.len(), token.offset));
    tokens
}

fn report(context: &Context<'_>, candidate: &Candidate, reading: Reading, secret: &[u8], signed: &[Token]) -> Found {
    let token = &signed[0];
    // The hash of a secret that could be guessed must not stand in a report; the token's signature names it as well.
    let unguessable = secret.len() >= 32 || (secret.len() >= 16 && looks_random(secret));
    let id = if unguessable { KeyMaterial::secret_id(secret) } else { KeyMaterial::container_id(&token.signature) };
    let name = token.algorithm.name();
    let mut details = vec![("tokens verified", signed.len().to_string())];
    details.extend(token.key_id.clone().map(|id| ("key id", id)));
    details.extend(token.issuer.clone().map(|issuer| ("issuer", issuer)));
    details.push(("token at offset", format!("{:#x}", token.offset)));
    Found {
        rule: if !unguessable && is_example(context, secret, signed) { EXAMPLE } else { SECRET },
        material: KeyMaterial {
            algorithm: Algorithm::Symmetric(format!("{name} secret")),
            bits: 8 * secret.len() as u32,
            encoding: "MAC secret",
            protection: Protection::None,
            public: None,
            id: Some(id),
            proof: Proof::proven(format!("verifies the signature of a JSON Web Token ({name}) in the same dump")),
            comment: None,
            purpose: Some("token-signing"),
            details,
        },
        places: places(context, candidate, reading),
    }
}

/// Bytes before and after a token in which an example of how to make it gives the secret.
const NEAR: usize = 200;

/// Whether a secret stands in quotes beside every token that it verifies, in the same text, as documentation has both: each Python process that
/// loads `python-jose` has it in a docstring. Processes that use a secret hold tokens elsewhere too.
fn is_example(context: &Context<'_>, secret: &[u8], signed: &[Token]) -> bool {
    let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let quotes = |window: &[u8]| {
        let quoted = |at: usize| matches!((window.get(at.wrapping_sub(1)), window.get(at + secret.len())), (Some(a @ (b'\'' | b'"' | b'`')), Some(b)) if a == b);
        memchr::memmem::find_iter(window, secret).any(quoted)
    };
    signed.iter().all(|token| {
        let start = token.offset.saturating_sub(NEAR as u64);
        let Some(before) = context.memory.bytes(start, (token.offset - start) as usize) else { return false };
        let text = before.iter().rev().take_while(|byte| is_text(byte)).count();
        let end = token.offset + token.bytes() as u64;
        let after = context.memory.bytes(end, NEAR).unwrap_or_default();
        let text_after = after.iter().take_while(|byte| is_text(byte)).count();
        quotes(&before[before.len() - text..]) || quotes(&after[..text_after])
    })
}

/// Every place where the secret lies as it was found.
fn places(context: &Context<'_>, candidate: &Candidate, reading: Reading) -> Vec<Place> {
    let what = format!("{} secret{}", "MAC", reading.suffix());
    let own = Place { offset: candidate.offset, len: u64::from(candidate.len), what: what.clone() };
    let Some(bytes) = context.memory.bytes(candidate.offset, candidate.len as usize) else { return vec![own] };
    let bytes = Zeroizing::new(bytes.to_vec());
    let mut places = copies::find(context.memory, context.jobs, &[copies::Pattern { bytes, what }]);
    if !places.contains(&own) {
        places.push(own);
        places.sort();
    }
    places
}

#[cfg(test)]
mod tests;
