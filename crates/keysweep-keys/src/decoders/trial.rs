//! Runs a decoder over bytes as the engine does, for tests.

use crate::decoder::{Decoder, Found, Hit, Sink, Work};

/// What `decoder` recognises in `bytes`, each result once, with ranges in `bytes`.
pub(crate) fn scan_as(decoder: &dyn Decoder, bytes: &[u8], file_name: Option<&str>) -> Sink {
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
    let work = Work::default();
    for (at, index) in hits {
        if at < examined {
            continue;
        }
        let start = at.saturating_sub(reach.before);
        let length = decoder.anchors()[index].bytes.len();
        let window = &bytes[start..(at + reach.after.max(length)).min(bytes.len())];
        let anchor = at - start..at - start + length;
        let mut sink = Sink::default();
        decoder.decode(&Hit { window, anchor, index, at_start: start == 0, file_name, work: &work }, &mut sink);
        if sink.examined > 0 {
            examined = examined.max(start + sink.examined);
        }
        for found in sink.found {
            assert!(found.range.start < found.range.end && found.range.end <= window.len(), "{:?}", found.range);
            assert!(decoder.rules().contains(&found.rule), "{} is not declared", found.rule);
            let range = start + found.range.start..start + found.range.end;
            if !all.found.iter().any(|f| f.range == range && f.rule == found.rule) {
                all.found.push(Found { range, ..found });
            }
        }
        all.public.extend(sink.public);
        all.nested.extend(sink.nested);
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

/// Feeds every prefix of `sample` and many mutations of it: nothing may panic.
pub(crate) fn torture(decoder: &dyn Decoder, sample: &[u8], mutations: usize) {
    for end in 0..sample.len() {
        scan(decoder, &sample[..end]);
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
        scan(decoder, &mutated);
    }
}
