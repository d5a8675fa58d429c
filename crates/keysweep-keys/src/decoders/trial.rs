//! Runs a decoder over bytes as the engine does, for tests.

use crate::decoder::{Decoder, Found, Hit, Nested, PublicObject, Sink, Work};

/// What `decoder` recognises in `bytes`, each result once, with ranges in `bytes`.
pub(crate) fn scan_as(decoder: &dyn Decoder, bytes: &[u8], file_name: Option<&str>) -> Sink {
    scan_within(decoder, bytes, file_name, &Work::default())
}

/// The same, spending no more than `work` on passwords.
pub(crate) fn scan_within(decoder: &dyn Decoder, bytes: &[u8], file_name: Option<&str>, work: &Work) -> Sink {
    let mut all = Sink::default();
    let reach = decoder.reach();
    let mut hits: Vec<(usize, usize)> = Vec::new();
    for (index, anchor) in decoder.anchors().iter().enumerate() {
        let length = anchor.bytes.len();
        if anchor.ignore_case {
            let same =
                bytes.windows(length).enumerate().filter(|(_, window)| window.eq_ignore_ascii_case(anchor.bytes));
            hits.extend(same.map(|(at, _)| (at, index)));
        } else {
            hits.extend(memchr::memmem::find_iter(bytes, anchor.bytes).map(|at| (at, index)));
        }
    }
    hits.sort_unstable();
    let mut examined = 0;
    for (at, index) in hits {
        if at < examined {
            continue;
        }
        let start = at.saturating_sub(reach.before);
        let length = decoder.anchors()[index].bytes.len();
        let window = &bytes[start..(at + reach.after.max(length)).min(bytes.len())];
        let anchor = at - start..at - start + length;
        let mut sink = Sink::default();
        decoder.decode(&Hit { window, anchor, index, at_start: start == 0, file_name, work }, &mut sink);
        if sink.examined > 0 {
            examined = examined.max(start + sink.examined);
        }
        for found in sink.found {
            assert!(found.range.start < found.range.end && found.range.end <= window.len(), "{:?}", found.range);
            assert!(decoder.rules().contains(&found.rule), "{} is not declared", found.rule);
            let range = start + found.range.start..start + found.range.end;
            let same = |f: &Found| {
                (f.range.clone(), f.rule, &f.material.public, f.material.id)
                    == (range.clone(), found.rule, &found.material.public, found.material.id)
            };
            if !all.found.iter().any(same) {
                all.found.push(Found { range, ..found });
            }
        }
        let shifted = |range: std::ops::Range<usize>| start + range.start..start + range.end;
        all.public.extend(sink.public.into_iter().map(|p| PublicObject { range: shifted(p.range.clone()), ..p }));
        all.nested.extend(sink.nested.into_iter().map(|n| Nested { range: shifted(n.range.clone()), ..n }));
    }
    all
}

/// What `decoder` recognises in `bytes` without a file name.
pub(crate) fn scan(decoder: &dyn Decoder, bytes: &[u8]) -> Sink {
    scan_as(decoder, bytes, None)
}

/// The only key in `bytes`.
pub(crate) fn only(decoder: &dyn Decoder, bytes: &[u8]) -> Found {
    let mut found = scan(decoder, bytes).found;
    assert_eq!(found.len(), 1, "{} keys instead of one", found.len());
    found.remove(0)
}

/// The fingerprint (hex of the SHA-256 of the SubjectPublicKeyInfo) of a key.
pub(crate) fn spki(found: &Found) -> String {
    found.material.public.as_ref().map(|p| p.hex()).unwrap_or_default()
}

/// What each damaged sample may cost in passwords that are tried: enough to open cheap stores, little beside the rest.
const TORTURE_WORK: u64 = 2_000;

/// Feeds every prefix of `sample` and many mutations of it: nothing may panic.
pub(crate) fn torture(decoder: &dyn Decoder, sample: &[u8], mutations: usize) {
    for end in 0..sample.len() {
        scan_within(decoder, &sample[..end], None, &Work::new(TORTURE_WORK));
    }
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..mutations {
        let mut mutated = sample.to_vec();
        for _ in 0..1 + random() % 4 {
            let at = (random() % mutated.len() as u64) as usize;
            match random() % 4 {
                0 => mutated[at] ^= 1 << (random() % 8),
                1 => mutated[at] = random() as u8,
                2 if mutated.len() > 1 => drop(mutated.remove(at)),
                _ => mutated.insert(at, [0, 0xff, b'"', b'\\', b'{', b'=', b'1', b'\n'][(random() % 8) as usize]),
            }
        }
        scan_within(decoder, &mutated, None, &Work::new(TORTURE_WORK));
    }
}
