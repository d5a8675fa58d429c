//! Phrases of words that a wallet is made of (BIP-39): the words are of a list, and the last of them holds a checksum.

use super::{Candidate, Verdict};
use crate::model::Level;
use crate::random::Random;
use bip39::{Language, Mnemonic};
use std::collections::HashSet;
use zeroize::Zeroizing;

/// Numbers of words that phrases have; of each three words, one bit is of the checksum.
const COUNTS: [usize; 5] = [24, 21, 18, 15, 12];
/// Fewer different words are those of test vectors: `abandon abandon … about`, `test test … junk`.
const MIN_DISTINCT: usize = 8;

/// A phrase, perhaps with words of something else behind it.
pub(super) fn phrase(candidate: &Candidate<'_>) -> Option<Verdict> {
    let text = std::str::from_utf8(candidate.secret).ok()?;
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_lowercase()).filter(|word| !word.is_empty()).collect();
    let count = COUNTS.into_iter().find(|count| is_phrase(&words, *count))?;
    let bits = count / 3;
    let level = if bits >= 8 { Level::Proven } else { Level::Parsed };
    Verdict::new(level, format!("{count} words of BIP-39's list whose checksum of {bits} bits is right"))
}

/// Whether the first words are a phrase that does not go on.
fn is_phrase(words: &[&str], count: usize) -> bool {
    let Some(phrase) = words.get(..count) else { return false };
    let goes_on = words.get(count).is_some_and(|word| Language::English.find_word(word).is_some());
    let distinct: HashSet<&&str> = phrase.iter().collect();
    // A list of all words is in the order of the alphabet.
    let is_sorted = phrase.is_sorted();
    let text = Zeroizing::new(phrase.join(" "));
    !goes_on
        && !is_sorted
        && distinct.len() >= MIN_DISTINCT
        && Mnemonic::parse_in_normalized(Language::English, &text).is_ok()
}

pub(super) fn phrase_sample(random: &mut Random) -> String {
    let bytes = [16, 32][random.below(2)];
    loop {
        let phrase = Mnemonic::from_entropy_in(Language::English, &random.bytes(bytes));
        let Ok(phrase) = phrase.map(|phrase| phrase.to_string()) else { continue };
        // Words that other texts have for what is no secret.
        if !crate::placeholders::is_placeholder(phrase.as_bytes()) {
            return phrase;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(phrase: &str) -> Option<Level> {
        let secret = phrase.as_bytes();
        super::phrase(&Candidate { secret, whole: secret, groups: &[] }).map(|verdict| verdict.level)
    }

    #[test]
    fn phrases_of_the_standard_are_told_from_near_misses() {
        // Test vectors of BIP-39 (trezor/python-mnemonic, vectors.json).
        let twelve = "ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic";
        let long = "hamster diagram private dutch cause delay private meat slide toddler razor book \
                    happy fancy gospel tennis maple dilemma loan word shrug inflict delay length";
        assert_eq!(level(twelve), Some(Level::Parsed));
        assert_eq!(level(long), Some(Level::Proven));
        assert_eq!(level(&twelve.replace(' ', "\", \"")), Some(Level::Parsed));
        assert_eq!(level(&format!("{twelve} xyz")), Some(Level::Parsed));
        for near in [
            twelve.replace("picnic", "pink"),
            twelve.replace("ozone", "ozones"),
            twelve.replace(" picnic", ""),
            format!("{twelve} picnic"),
            "abandon ".repeat(11) + "about",
            "test ".repeat(11) + "junk",
        ] {
            assert_eq!(level(&near), None, "{near}");
        }
    }
}
