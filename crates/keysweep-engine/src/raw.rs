//! What was recognised in one file, before it is joined with the rest of the sweep. Free of secrets.

use crate::finding::Proof;
use keysweep_keys::KeyMaterial;
use keysweep_rules::{Purpose, Severity};
use std::ops::Range;

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
    /// A whole file that should not be in a package.
    File(Box<Unwanted>),
}

/// Why a file should not be in a package.
#[derive(Debug, Clone)]
pub(crate) struct Unwanted {
    pub(crate) fingerprint: String,
    pub(crate) proof: Proof,
}

impl What {
    pub(crate) fn material(&self) -> Option<&KeyMaterial> {
        match self {
            What::Key(material) | What::Number { material, .. } => Some(material),
            What::Token(_) | What::File(_) => None,
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
    /// What its match names on lines before it, as offsets in the file.
    pub(crate) named: Vec<Range<u64>>,
}

impl Raw {
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.length
    }

    /// Where the first part of it begins.
    fn begin(&self) -> u64 {
        self.named().iter().map(|range| range.start).fold(self.offset, u64::min)
    }

    fn named(&self) -> &[Range<u64>] {
        match &self.what {
            What::Token(token) => &token.named,
            _ => &[],
        }
    }

    fn overlaps(&self, other: &Raw) -> bool {
        let touches = |range: &Range<u64>| range.start < self.end() && self.offset < range.end;
        touches(&(other.offset..other.end())) || other.named().iter().any(touches)
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
            // That a file should not be there is said beside what is in it.
            (What::File(_), _) | (_, What::File(_)) => false,
            (What::Token(_), _) => true,
            (_, What::Token(_)) => false,
            (own, theirs) => {
                let (Some(own), Some(theirs)) = (own.material(), theirs.material()) else { return false };
                match (&own.public, &theirs.public) {
                    (Some(a), Some(b)) => a.spki_sha256 == b.spki_sha256,
                    // Encrypted bytes inside a key or store are a part of it, whatever they look like by themselves.
                    (None, None) => own.id == theirs.id || !own.protection.is_open() && self.is_inside(other),
                    // The outer form knows the public key, the inner does not, or the other way round.
                    _ => self.is_inside(other),
                }
            }
        }
    }

    /// Whether it is a part of the other's bytes. Where both have the same place, neither is: several keys of a store whose
    /// places in it are not known lie at the place of the store.
    fn is_inside(&self, other: &Raw) -> bool {
        other.offset <= self.offset && self.end() <= other.end() && self.length < other.length
    }
}

/// Drops what is the same thing seen twice: the base64 in a PEM block, a generic match in a specific one.
pub(crate) fn resolve_overlaps(mut raws: Vec<Raw>) -> Vec<Raw> {
    // Widest first, so that of two views of a key the outer one stays; ties go to the better proof.
    raws.sort_by(|a, b| {
        (a.begin(), std::cmp::Reverse(a.end()), std::cmp::Reverse(strength(a)), a.rule).cmp(&(
            b.begin(),
            std::cmp::Reverse(b.end()),
            std::cmp::Reverse(strength(b)),
            b.rule,
        ))
    });
    let mut kept: Vec<Raw> = Vec::with_capacity(raws.len());
    // `kept` is sorted by begin; only the tail can overlap, but a long block may hide behind short ones.
    let mut furthest = 0;
    let mut open = 0;
    for raw in raws {
        if raw.begin() >= furthest {
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
    for raw in &mut kept {
        if let What::Token(token) = &mut raw.what {
            token.named = Vec::new(); // Known to be its own; within wrapped bytes the offsets mean nothing outside.
        }
    }
    kept.sort_by_key(|raw| raw.offset);
    kept
}

fn strength(raw: &Raw) -> u8 {
    match &raw.what {
        What::Token(token) => token.proof.level as u8,
        What::File(unwanted) => unwanted.proof.level as u8,
        What::Key(material) | What::Number { material, .. } => material.proof.level as u8,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use keysweep_keys::{Algorithm, Fingerprint, Proof, Protection};

    pub(crate) fn raw(range: std::ops::Range<u64>, public: Option<u8>, id: u8, open: bool) -> Raw {
        let encrypted = || Protection::Encrypted { cipher: String::new(), kdf: String::new(), weak: false };
        let public = public.map(|byte| Fingerprint { spki_sha256: [byte; 32], ssh: None, jwk_thumbprint: None });
        let material = KeyMaterial {
            algorithm: Algorithm::Unknown(None),
            bits: 0,
            encoding: "",
            protection: if open { Protection::None } else { encrypted() },
            id: public.is_none().then_some([id; 32]),
            public,
            proof: Proof::parsed(""),
            comment: None,
            purpose: None,
            details: Vec::new(),
        };
        let what = What::Key(Box::new(material));
        Raw { rule: 0, offset: range.start, length: range.end - range.start, wrapping: Vec::new(), what }
    }

    fn kept(raws: Vec<Raw>) -> Vec<(u64, u64)> {
        resolve_overlaps(raws).iter().map(|raw| (raw.offset, raw.end())).collect()
    }

    #[test]
    fn what_lies_inside_is_the_same_key() {
        for inner in [raw(10..20, None, 1, false), raw(10..20, Some(7), 0, true)] {
            assert_eq!(kept(vec![inner.clone(), raw(0..30, Some(7), 0, true)]), [(0, 30)]);
        }
        assert_eq!(kept(vec![raw(10..20, None, 1, false), raw(0..30, None, 2, true)]), [(0, 30)]);
        assert_eq!(kept(vec![raw(10..20, None, 1, true), raw(0..30, None, 1, false)]), [(0, 30)]);
    }

    #[test]
    fn other_keys_stay() {
        // Keys of one store at the place of the store.
        let store = vec![raw(0..30, Some(1), 0, false), raw(0..30, Some(2), 0, false), raw(0..30, None, 3, false)];
        assert_eq!(kept(store), [(0, 30); 3]);
        assert_eq!(kept(vec![raw(0..30, Some(1), 0, true), raw(10..20, Some(2), 0, true)]).len(), 2);
        assert_eq!(kept(vec![raw(0..30, None, 1, true), raw(10..20, None, 2, true)]).len(), 2);
        assert_eq!(kept(vec![raw(0..10, None, 1, false), raw(5..20, None, 2, false)]).len(), 2);
    }
}
