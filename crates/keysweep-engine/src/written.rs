//! Keys whose numbers are written out in a text, as `openssl rsa -text` prints them: digits are noted while the text is searched,
//! and are looked at when it has been.

use crate::file::Seen;
use crate::numbers;
use crate::place::Part;
use crate::raw::What;
use crate::scan::Sweep;
use keysweep_image::read_into;
use keysweep_memory::written::{MAX_WRITTEN, search, texts_at};
use zeroize::Zeroizing;

/// The name that rules give as their decoder for what this search finds.
pub(crate) const DECODER: &str = "written";

/// Places of one text at which digits are looked at.
pub(crate) const MAX_SPOTS: usize = 4096;

/// What the search for numbers reports under, and the same of a text.
const RULES: [(&str, &str); 4] = [
    ("memory-rsa-private-key", "written-rsa-private-key"),
    ("memory-ec-private-key", "written-ec-private-key"),
    ("memory-eddsa-private-key", "written-eddsa-private-key"),
    ("memory-x25519-private-key", "written-x25519-private-key"),
];

/// Ids of the rules.
pub(crate) fn rules() -> Vec<&'static str> {
    RULES.iter().map(|(_, rule)| *rule).collect()
}

impl Sweep<'_> {
    /// Adds the keys whose numbers are written where `seen` notes digits.
    pub(crate) fn add_written(&self, part: Part<'_>, seen: &mut Seen) {
        let mut spots = std::mem::take(&mut seen.digits);
        if spots.is_empty() {
            return;
        }
        // Threads that search a file together are ready in any order.
        spots.sort_unstable();
        let (mut texts, mut end) = (Vec::new(), 0);
        let mut buffer = Zeroizing::new(vec![0; MAX_WRITTEN]);
        for spot in spots {
            if spot < end {
                continue; // A further line of a number.
            }
            let read = read_into(part.source, spot, &mut buffer);
            let (found, len) = texts_at(&buffer[..read], spot);
            texts.extend(found);
            end = spot + len as u64;
        }
        let public: Vec<_> = seen.public.iter().map(|(_, object)| object.key.clone()).collect();
        let outcome = search(&|offset, buffer| read_into(part.source, offset, buffer), texts, &public);
        let rule = |id: &str| {
            let (_, rule) = RULES.iter().find(|(number, _)| *number == id)?;
            self.scanner.detector.key_rule(rule)
        };
        seen.raws.extend(numbers::raws(&outcome, rule).into_iter().map(|mut raw| {
            if let What::Number { material, .. } = &mut raw.what {
                material.encoding = "numbers in text";
            }
            raw
        }));
    }
}
