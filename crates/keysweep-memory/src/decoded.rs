//! What texts say, as memory of its own: numbers that were found as text become bytes behind the end of the dump, where every
//! search meets them as it meets other numbers. What is found there is said to be in the texts.

use crate::found::Place;
use crate::memory::{Memory, Segment};
use crate::order::Order;
use crate::survey::{Alphabet, Number, Survey, Text, survey};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use zeroize::Zeroizing;

/// A dump, and the numbers that are written as text in it.
pub(crate) struct WithDecoded<'a> {
    memory: &'a dyn Memory,
    decoded: Decoded,
    segments: Vec<Segment>,
    is_cut: bool,
}

/// The numbers alone.
struct Decoded {
    bytes: Zeroizing<Vec<u8>>,
    entries: Vec<Entry>,
    segment: [Segment; 1],
}

/// A number, where it begins among the bytes, and the texts that say it.
struct Entry {
    at: usize,
    len: usize,
    texts: Vec<Text>,
}

/// Where the bytes begin, as an offset in the file: no dump is as large, and more is not told apart by some searches.
const BASE: u64 = 1 << 47;
/// Bytes before them that are zeros: numbers are read with some of what lies around them.
const ZEROS: usize = 64 << 10;
/// Bytes between two numbers, and what their places are multiples of.
const APART: usize = 32;
/// Texts of one number that are told.
const MAX_COPIES: usize = 256;

impl<'a> WithDecoded<'a> {
    /// Decodes the texts of a survey, up to `most` different ones.
    pub(crate) fn new(memory: &'a dyn Memory, texts: &[Text], most: usize) -> Self {
        let fits = memory.segments().last().is_none_or(|segment| segment.offset + segment.len < BASE - ZEROS as u64);
        let texts = if fits { texts } else { &[] };
        let considered = &texts[..texts.len().min(2 * most)];
        let mut is_cut = considered.len() < texts.len();
        let mut decoded = Decoded { bytes: Zeroizing::default(), entries: Vec::new(), segment: [EMPTY] };
        // Neither copied nor grown, so that no copy is left behind.
        decoded.bytes.reserve_exact(considered.iter().map(|text| text.len as usize + 2 * APART).sum());
        let mut known: HashMap<u64, usize> = HashMap::new();
        let hasher = RandomState::new();
        for text in considered {
            let Some(number) = text.decode(memory) else { continue };
            let index = *known.entry(hasher.hash_one(&*number)).or_insert(decoded.entries.len());
            match decoded.entries.get_mut(index) {
                Some(entry) if entry.texts.len() < MAX_COPIES => entry.texts.push(*text),
                Some(_) => {}
                None if index >= most => {
                    is_cut = true;
                    break;
                }
                None => decoded.push(&number, *text),
            }
        }
        let len = decoded.bytes.len() as u64;
        decoded.segment = [Segment { len, ..EMPTY }];
        let mut segments = memory.segments().to_vec();
        segments.extend(decoded.segment.iter().filter(|segment| segment.len > 0));
        Self { memory, decoded, segments, is_cut }
    }

    /// Whether there were more than are decoded.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The numbers alone, as a dump; `None` if there are none.
    pub(crate) fn decoded(&self) -> Option<&dyn Memory> {
        (!self.decoded.entries.is_empty()).then_some(&self.decoded)
    }

    /// Adds the numbers to a survey of the dump.
    pub(crate) fn add_to(&self, all: &mut Survey) {
        let Some(decoded) = self.decoded() else { return };
        let survey = survey(decoded, 1);
        all.runs.extend(survey.runs);
        all.numbers.extend(self.decoded.entries.iter().map(|entry| Number {
            offset: BASE + entry.at as u64,
            len: entry.len as u32,
            order: Order::Big,
            structure: entry.structure(),
        }));
        all.spots.iter_mut().zip(survey.spots).for_each(|(all, spots)| all.extend(spots));
    }

    /// Says of what was found in the numbers in which texts it is.
    pub(crate) fn replace(&self, places: &mut Vec<Place>) {
        let found: Vec<Place> = places.extract_if(.., |place| is_decoded(place.offset)).collect();
        // Limbs that are shifted by nothing are found as what they are.
        let plain: HashSet<u64> = places.iter().map(|place| place.offset).collect();
        for place in found {
            let at = (place.offset - BASE) as usize;
            let index = self.decoded.entries.partition_point(|entry| entry.at <= at);
            let Some(entry) = index.checked_sub(1).map(|index| &self.decoded.entries[index]) else { continue };
            let others = entry.texts.iter().filter(|text| !plain.contains(&text.offset));
            places.extend(others.map(|text| {
                let name = text.name();
                let (what, of) = place.what.rsplit_once(", ").unwrap_or((&place.what, ""));
                let what = if [DIGITS, OCTETS].contains(&of) { what } else { &place.what };
                let what = match what.strip_suffix(Order::Big.name()) {
                    Some(what) => format!("{what}{name}"),
                    None => format!("{what} in {name}"),
                };
                Place { offset: text.offset, len: text.bytes() as u64, what }
            }));
        }
        places.sort();
        places.dedup();
    }
}

/// Whether an offset is one of the decoded numbers.
pub(crate) fn is_decoded(offset: u64) -> bool {
    offset >= BASE
}

/// The structure of decoded numbers that no text says but an array of digits.
pub(crate) const DIGITS: &str = "digits";
/// The structure of those that no text says but an array of bytes: libraries make them of any number they use.
const OCTETS: &str = "octets";

/// Whether at an offset a number lies that is written as text, as numbers are that someone wrote down.
pub(crate) fn is_text(survey: &Survey, offset: u64) -> bool {
    let first = survey.numbers.partition_point(|number| number.offset < offset);
    let mut here = survey.numbers[first..].iter().take_while(|number| number.offset == offset);
    is_decoded(offset) && !here.any(|number| [DIGITS, OCTETS].contains(&number.structure))
}

const EMPTY: Segment = Segment { offset: BASE, len: 0, address: None };

impl Entry {
    fn structure(&self) -> &'static str {
        if self.texts.iter().any(Text::is_of_digits) {
            DIGITS
        } else if self.texts.iter().all(|text| text.alphabet == Alphabet::Octets) {
            OCTETS
        } else {
            ""
        }
    }
}

impl Decoded {
    fn push(&mut self, number: &[u8], text: Text) {
        let at = self.bytes.len() + APART;
        self.bytes.resize(at, 0);
        self.bytes.extend(number);
        self.bytes.resize((at + number.len()).next_multiple_of(APART), 0);
        self.entries.push(Entry { at, len: number.len(), texts: vec![text] });
    }
}

impl Memory for Decoded {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> usize {
        let from = offset.checked_sub(BASE - ZEROS as u64).and_then(|at| usize::try_from(at).ok());
        let Some(from) = from else { return 0 };
        let zeros = ZEROS.saturating_sub(from).min(buf.len());
        buf[..zeros].fill(0);
        let tail = self.bytes.get((from + zeros).saturating_sub(ZEROS)..).unwrap_or_default();
        let count = tail.len().min(buf.len() - zeros);
        buf[zeros..zeros + count].copy_from_slice(&tail[..count]);
        zeros + count
    }

    fn segments(&self) -> &[Segment] {
        &self.segment
    }

    fn locate(&self, _address: u64) -> Option<(u64, u64)> {
        None
    }

    fn address_of(&self, _offset: u64) -> Option<u64> {
        None
    }
}

impl Memory for WithDecoded<'_> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> usize {
        match self.decoded.read_at(offset, buf) {
            0 => self.memory.read_at(offset, buf),
            read => read,
        }
    }

    fn segments(&self) -> &[Segment] {
        &self.segments
    }

    fn size(&self) -> u64 {
        self.memory.size()
    }

    fn locate(&self, address: u64) -> Option<(u64, u64)> {
        self.memory.locate(address)
    }

    fn address_of(&self, offset: u64) -> Option<u64> {
        if is_decoded(offset) { None } else { self.memory.address_of(offset) }
    }

    fn pointer_bytes(&self) -> usize {
        self.memory.pointer_bytes()
    }
}

#[cfg(test)]
mod tests {
    use crate::memory::Flat;
    use crate::search::{Effort, search};
    use crate::{Found, Step, hunt};
    use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
    use keysweep_keys::private::ec_public;
    use keysweep_keys::{Curve, PublicKey};

    const N: &str = "bbfb2cabeeaf6c4b267b7bf0ba1b25d111337addbbb6ab50f5a319dc55b04a94735cb2ab3ea5afabea6a34576626c18c98fdb45bb2989176582b3047285ed3419e0df162684f36dc1be6c3e76cf77d299e5b8a3f73198885763f4d663d42df6d71c5bb495c0fde5810ede7ddf5d545301446dbc019f02ab1477ea1eea1426da1";
    const P: &str = "edb1bf58ea72cd9368bd0ee225dc34b325c004f4a79aef84cbc869deb8fa3043d7ac631d01f7b546168e2652f1b92cd91044ddecdaf15d0690ffe961cf7cab43";
    const Q: &str = "ca754f1b6e22217373161d052ddc34b45bbddf6880073f862fc27c018ed6beece05b86d0f909be1353183a57467afce74a9ac9e988673cf3339a4b15c1a82b4b";

    fn hex(text: &str) -> Vec<u8> {
        HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    /// Strings on a heap, each after a header; with their offsets.
    fn heap(strings: &[String]) -> (Vec<u8>, Vec<u64>) {
        let (mut memory, mut places) = (vec![0; 4096], Vec::new());
        for (index, string) in strings.iter().enumerate() {
            memory.extend(0x7f33_1234_5670u64.to_le_bytes());
            memory.extend((string.len() as u64).to_le_bytes());
            // Some after four bytes of a word.
            memory.extend(&[1, 0, 0, 0][..index % 2 * 4]);
            places.push(memory.len() as u64);
            memory.extend(string.as_bytes());
            memory.resize((memory.len() + 1).next_multiple_of(16), 0);
        }
        memory.resize(memory.len().next_multiple_of(4096), 0);
        (memory, places)
    }

    fn places(found: &Found) -> Vec<(u64, u64, &str)> {
        found.places.iter().map(|place| (place.offset, place.len, place.what.as_str())).collect()
    }

    #[test]
    fn the_parts_of_a_parsed_jwk_are_a_key() {
        let write = |number: &[u8]| BASE64URL_NOPAD.encode(number);
        let (memory, at) = heap(&[write(&hex(N)), write(&hex(P)), write(&hex(Q)), write(&hex(Q))]);
        let outcome = search(&Flat::at(&memory, 0x5000_0000_0000), &[], 1, Effort::Full);
        assert_eq!((outcome.found.len(), outcome.limits), (1, vec![]));
        assert_eq!(outcome.found[0].rule, "memory-rsa-private-key");
        let [p, q, again] = places(&outcome.found[0])[..] else { panic!("{:?}", outcome.found) };
        assert_eq!((p.0, q.0, again.0), (at[1], at[2], at[3]));
        assert_eq!((p.1, q.2, again.2), (86, again.2, q.2));
        assert!(p.2.ends_with("base64 text"), "{}", p.2);
    }

    #[test]
    fn a_scalar_beside_its_point_is_a_key() {
        let scalar = hex(&P[6..70]);
        let point = ec_public(Curve::P256, &scalar).unwrap();
        let (x, y) = point[1..].split_at(32);
        for write in [|number: &[u8]| BASE64URL_NOPAD.encode(number), |number: &[u8]| HEXLOWER.encode(number)] {
            for strings in [vec![write(x), write(y), write(&scalar)], vec![write(&scalar), write(&point)]] {
                let (memory, at) = heap(&strings);
                let outcome = search(&Flat::at(&memory, 0x5000_0000_0000), &[], 1, Effort::Full);
                assert_eq!(outcome.found.len(), 1, "{}", strings[0]);
                assert_eq!(outcome.found[0].rule, "memory-ec-private-key");
                let index = strings.iter().position(|string| *string == write(&scalar)).unwrap();
                assert!(places(&outcome.found[0]).iter().any(|place| place.0 == at[index]), "{:?}", outcome.found);
            }
            // Without its point it is nothing.
            let (memory, _) = heap(&[write(&scalar), write(x)[..40].to_owned()]);
            assert!(search(&Flat::at(&memory, 0x5000_0000_0000), &[], 1, Effort::Full).found.is_empty());
        }
    }

    #[test]
    fn a_hunt_reads_texts() {
        let scalar = hex(&P[6..70]);
        let ec = PublicKey::ec(Curve::P256, &ec_public(Curve::P256, &scalar).unwrap()).unwrap();
        let rsa = PublicKey::rsa(&hex(N), &[1, 0, 1]);
        for (key, string) in [(ec, HEXLOWER.encode(&scalar)), (rsa, BASE64URL_NOPAD.encode(&hex(P)))] {
            let (memory, at) = heap(&[string]);
            let (outcome, tested) = hunt(&Flat::at(&memory, 0x5000_0000_0000), &[key], Step::Words, 1);
            assert_eq!(tested.bytes, memory.len() as u64);
            assert_eq!(outcome.found.len(), 1);
            assert_eq!(places(&outcome.found[0])[0].0, at[0]);
        }
    }
}
