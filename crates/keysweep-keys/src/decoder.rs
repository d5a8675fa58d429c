//! What a decoder is: anchors in, key material out.

use crate::{Fingerprint, KeyMaterial, PublicKey};
use std::cell::Cell;
use std::ops::Range;
use zeroize::Zeroizing;

/// A literal whose occurrence wakes a decoder.
#[derive(Debug, Clone, Copy)]
pub struct Anchor {
    /// The bytes, at least 3.
    pub bytes: &'static [u8],
    /// Match ASCII letters of either case.
    pub ignore_case: bool,
    /// Match the UTF-16 forms of the bytes (ASCII only) too. The decoder then sees text, transcoded by the engine.
    pub wide: bool,
}

impl Anchor {
    /// A text anchor: exact case, in UTF-8 and UTF-16.
    pub const fn text(text: &'static str) -> Self {
        Self { bytes: text.as_bytes(), ignore_case: false, wide: true }
    }

    /// A binary anchor: these bytes only.
    pub const fn binary(bytes: &'static [u8]) -> Self {
        Self { bytes, ignore_case: false, wide: false }
    }
}

/// How far around the anchor a decoder may have to look, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// Bytes before the anchor's first byte.
    pub before: usize,
    /// Bytes from the anchor's first byte on.
    pub after: usize,
}

/// What may still be spent on one input beside reading it. A file can name any cost for its key derivations, and hold any
/// number of stores and of numbers that only look like keys: what they cost together is bounded here.
#[derive(Debug)]
pub struct Work {
    trials: Cell<u64>,
    proofs: Cell<u64>,
}

impl Work {
    /// Trials of one file. Enough for a dozen passwords at the cost that most of today's tools choose: less than a second.
    pub const ONE_FILE: u64 = 4_000_000;

    /// Trials of published passwords on key stores up to so many compressions of a hash (SHA-1 or SHA-2).
    pub fn new(compressions: u64) -> Self {
        Self { trials: Cell::new(compressions), proofs: Cell::new(u64::MAX) }
    }

    /// The same, and proofs of so many nanoseconds as [`effort`](crate::effort) counts them.
    pub fn with_proofs(self, nanoseconds: u64) -> Self {
        Self { proofs: Cell::new(nanoseconds), ..self }
    }

    /// Compressions that are left.
    pub fn left(&self) -> u64 {
        self.trials.get()
    }

    /// What is left for proofs, in nanoseconds.
    pub fn proofs_left(&self) -> u64 {
        self.proofs.get()
    }

    /// Takes the cost of a derivation out of what is left; `false`, and nothing taken, if it is more.
    pub fn spend(&self, compressions: u64) -> bool {
        let rest = self.left().checked_sub(compressions);
        if let Some(rest) = rest {
            self.trials.set(rest);
        }
        rest.is_some()
    }

    /// Takes out what proofs have cost, though it be more than what was left.
    pub fn proved(&self, nanoseconds: u64) {
        self.proofs.set(self.proofs_left().saturating_sub(nanoseconds));
    }
}

impl Default for Work {
    fn default() -> Self {
        Self::new(Self::ONE_FILE)
    }
}

/// One occurrence of an anchor, with the bytes around it.
///
/// The window holds up to [`Reach::before`] bytes before the anchor and up to [`Reach::after`] from its start on: fewer
/// at the ends of the input.
#[derive(Clone)]
pub struct Hit<'a> {
    /// The bytes around the anchor.
    pub window: &'a [u8],
    /// Where the anchor stands in `window`.
    pub anchor: Range<usize>,
    /// Which of the decoder's anchors it is: an index into [`Decoder::anchors`].
    pub index: usize,
    /// Whether `window` begins at the very start of the file (or nested input).
    pub at_start: bool,
    /// Name of the file, without its folders, if there is one.
    pub file_name: Option<&'a str>,
    /// What may be spent on trying published passwords.
    pub work: &'a Work,
}

impl<'a> Hit<'a> {
    /// The window from the anchor's first byte on.
    pub fn from_anchor(&self) -> &'a [u8] {
        &self.window[self.anchor.start..]
    }
}

/// A private key or encrypted key container in the window.
#[derive(Debug, Clone)]
pub struct Found {
    /// Id of the rule in `rules/keys/` that this result belongs to.
    pub rule: &'static str,
    /// The bytes it spans, as a range in [`Hit::window`].
    pub range: Range<usize>,
    /// What it is.
    pub material: KeyMaterial,
}

/// What a public object says about a key. Not a finding; it names the purpose of a private key found elsewhere, and
/// gives the number search its moduli and points.
#[derive(Debug, Clone)]
pub struct PublicObject {
    /// The bytes it spans, as a range in [`Hit::window`].
    pub range: Range<usize>,
    /// The key itself.
    pub key: PublicKey,
    /// What kind of object held it.
    pub kind: PublicKind,
}

/// Kinds of public objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKind {
    /// A bare public key: SPKI, PKCS#1, SSH, JWK without private members.
    Key {
        /// Comment, `kid` or the like.
        comment: Option<String>,
    },
    /// An X.509 certificate.
    Certificate(Certificate),
}

/// The facts of an X.509 certificate (RFC 5280) that tell what its key is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Subject distinguished name (RFC 4514), bounded in length.
    pub subject: String,
    /// Issuer distinguished name.
    pub issuer: String,
    /// DNS names, addresses and mail addresses of the subject alternative name, at most 16.
    pub names: Vec<String>,
    /// Seconds since 1970 UTC.
    pub not_before: i64,
    /// Seconds since 1970 UTC.
    pub not_after: i64,
    /// Basic constraints: whether it is a CA.
    pub ca: bool,
    /// Extended key usages as dotted object identifiers.
    pub extended_key_usage: Vec<String>,
    /// SHA-256 of the whole certificate, as browsers show it.
    pub sha256: [u8; 32],
}

/// Bytes that were wrapped (base64, gzip, hex) and want a scan of their own.
pub struct Nested {
    /// The wrapped form's place in [`Hit::window`].
    pub range: Range<usize>,
    /// The unwrapped bytes.
    pub bytes: Zeroizing<Vec<u8>>,
    /// How it was wrapped, for the report: `base64`.
    pub wrapping: &'static str,
}

/// Collects what a decoder recognises.
#[derive(Default)]
pub struct Sink {
    /// Private keys and containers.
    pub found: Vec<Found>,
    /// Public keys and certificates.
    pub public: Vec<PublicObject>,
    /// Wrapped bytes to scan.
    pub nested: Vec<Nested>,
    /// See [`Sink::examined_up_to`].
    pub examined: usize,
    /// See [`Sink::spent`].
    pub spent: Option<usize>,
}

impl Sink {
    /// A private key or container that spans `range`.
    pub fn key(&mut self, rule: &'static str, range: Range<usize>, material: KeyMaterial) {
        self.found.push(Found { rule, range, material });
    }

    /// A public object that spans `range`.
    pub fn public(&mut self, range: Range<usize>, key: PublicKey, kind: PublicKind) {
        self.public.push(PublicObject { range, key, kind });
    }

    /// Wrapped bytes that want a scan of their own.
    pub fn nested(&mut self, range: Range<usize>, bytes: Zeroizing<Vec<u8>>, wrapping: &'static str) {
        self.nested.push(Nested { range, bytes, wrapping });
    }

    /// Says that the decoder has seen everything it can see before `end` (an offset in [`Hit::window`]), so that its
    /// further anchors up to there need no look. A decoder that reads a long run (base64, armour) on each of many anchors
    /// inside it would otherwise take quadratic time on hostile input.
    pub fn examined_up_to(&mut self, end: usize) {
        self.examined = self.examined.max(end);
    }

    /// Says that the look costs about what reading so many bytes costs, all told: much of what only looks like an anchor's
    /// surroundings is then looked at. A decoder that does not say is taken to read its whole window.
    pub fn spent(&mut self, bytes: usize) {
        self.spent = Some(self.spent.unwrap_or(0).saturating_add(bytes));
    }

    /// The fingerprints of the private keys found so far.
    pub fn fingerprints(&self) -> impl Iterator<Item = &Fingerprint> {
        self.found.iter().filter_map(|f| f.material.public.as_ref())
    }
}

/// Recognises one family of key forms.
///
/// Implementations are stateless, never panic, read nothing outside the window, and take time linear in its length.
pub trait Decoder: Send + Sync {
    /// The name rules refer to it by.
    fn name(&self) -> &'static str;
    /// The ids of all rules it may report under ([`Found::rule`]).
    fn rules(&self) -> &'static [&'static str];
    /// The literals that wake it.
    fn anchors(&self) -> &'static [Anchor];
    /// How far it may have to look.
    fn reach(&self) -> Reach;
    /// Looks at one occurrence. Most occurrences are nothing: leave quickly.
    fn decode(&self, hit: &Hit<'_>, sink: &mut Sink);
}
