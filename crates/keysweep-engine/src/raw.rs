//! What was recognised in one file, before it is joined with the rest of the sweep. Free of secrets.

use crate::finding::Proof;
use keysweep_keys::KeyMaterial;
use keysweep_rules::{Purpose, Severity};

/// One occurrence of a key or credential in a file.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    /// Index of the rule in the rule set.
    pub(crate) rule: usize,
    /// Offset and length in the file. For nested bytes: of the wrapped form.
    pub(crate) offset: u64,
    pub(crate) length: u64,
    /// How the bytes were wrapped, outermost first.
    pub(crate) wrapping: Vec<&'static str>,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    Key(Box<KeyMaterial>),
    /// A key found as bare numbers, with which numbers lie there and how.
    Number {
        material: Box<KeyMaterial>,
        structure: String,
    },
    Token(Box<Token>),
}

impl What {
    pub(crate) fn material(&self) -> Option<&KeyMaterial> {
        match self {
            What::Key(material) | What::Number { material, .. } => Some(material),
            What::Token(_) => None,
        }
    }
}

/// A credential, without the secret.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) fingerprint: String,
    pub(crate) preview: String,
    pub(crate) proof: Proof,
    pub(crate) details: Vec<(String, String)>,
    pub(crate) severity: Severity,
    pub(crate) purpose: Purpose,
    /// Of two credentials that overlap the one with the higher value stays.
    pub(crate) specificity: i32,
}

impl Raw {
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.length
    }

    fn overlaps(&self, other: &Raw) -> bool {
        self.offset < other.end() && other.offset < self.end()
    }

    /// The same key or credential at overlapping places, or a credential that is a part of something better known.
    fn yields_to(&self, other: &Raw) -> bool {
        if !self.overlaps(other) {
            return false;
        }
        match (&self.what, &other.what) {
            (What::Token(own), What::Token(theirs)) => {
                own.fingerprint == theirs.fingerprint || own.specificity < theirs.specificity
            }
            (What::Token(_), _) => true,
            (_, What::Token(_)) => false,
            (own, theirs) => {
                let (Some(own), Some(theirs)) = (own.material(), theirs.material()) else { return false };
                match (&own.public, &theirs.public) {
                    (Some(a), Some(b)) => a.spki_sha256 == b.spki_sha256,
                    (None, None) => own.id == theirs.id,
                    // The outer form knows the public key, the inner does not, or the other way round.
                    _ => other.offset <= self.offset && self.end() <= other.end(),
                }
            }
        }
    }
}

/// Drops what is the same thing seen twice: the base64 in a PEM block, a generic match in a specific one.
pub(crate) fn resolve_overlaps(mut raws: Vec<Raw>) -> Vec<Raw> {
    // Widest first, so that of two views of a key the outer one stays; ties go to the better proof.
    raws.sort_by(|a, b| {
        (a.offset, std::cmp::Reverse(a.length), std::cmp::Reverse(strength(a)), a.rule).cmp(&(
            b.offset,
            std::cmp::Reverse(b.length),
            std::cmp::Reverse(strength(b)),
            b.rule,
        ))
    });
    let mut kept: Vec<Raw> = Vec::with_capacity(raws.len());
    // `kept` is sorted by offset; only the tail can overlap, but a long block may hide behind short ones.
    let mut furthest = 0;
    let mut open = 0;
    for raw in raws {
        if raw.offset >= furthest {
            open = kept.len();
        }
        furthest = furthest.max(raw.end());
        if kept[open..].iter().any(|k| raw.yields_to(k)) {
            continue;
        }
        let mut index = open;
        while index < kept.len() {
            if kept[index].yields_to(&raw) {
                kept.remove(index);
            } else {
                index += 1;
            }
        }
        kept.push(raw);
    }
    kept
}

fn strength(raw: &Raw) -> u8 {
    match &raw.what {
        What::Token(token) => token.proof.level as u8,
        What::Key(material) | What::Number { material, .. } => material.proof.level as u8,
    }
}
