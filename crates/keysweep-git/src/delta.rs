//! Deltas: an object written as copies of parts of another one, and insertions (git's `gitformat-pack(5)`).

/// The sizes a delta states: of the object it applies to, and of its result. `None` if it is cut.
pub(crate) fn sizes(delta: &[u8]) -> Option<(u64, u64)> {
    let (base, used) = size(delta)?;
    let (result, _) = size(delta.get(used..)?)?;
    Some((base, result))
}

/// Applies a delta; `None` if it does not fit the base, or does not make what it states.
pub(crate) fn apply(base: &[u8], delta: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (base_size, used) = size(delta)?;
    let mut rest = delta.get(used..)?;
    let (result_size, used) = size(rest)?;
    rest = rest.get(used..)?;
    let result_size = usize::try_from(result_size).ok()?;
    if base_size != base.len() as u64 {
        return None;
    }
    out.clear();
    while let Some((&command, after)) = rest.split_first() {
        let piece = if command & 0x80 != 0 {
            let (offset, length, after) = copy(command, after)?;
            rest = after;
            base.get(offset..offset.checked_add(length)?)?
        } else {
            let length = usize::from(command);
            rest = after.get(length..)?;
            // Zero is reserved.
            after.get(..length).filter(|piece| !piece.is_empty())?
        };
        if piece.len() > result_size - out.len() {
            return None;
        }
        out.extend_from_slice(piece);
    }
    (out.len() == result_size).then_some(())
}

/// Offset and length of a copy: the bits of the command tell which of their bytes follow.
fn copy(command: u8, mut rest: &[u8]) -> Option<(usize, usize, &[u8])> {
    let mut value = 0u64;
    for bit in 0..7 {
        if command & (1 << bit) != 0 {
            let (&byte, after) = rest.split_first()?;
            value |= u64::from(byte) << (8 * bit);
            rest = after;
        }
    }
    let offset = (value & 0xffff_ffff) as usize;
    let length = (value >> 32) as usize;
    Some((offset, if length == 0 { 0x1_0000 } else { length }, rest))
}

/// A size in groups of seven bits, least significant first; and the bytes it takes.
fn size(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &[u8] = b"0123456789";
    /// Copies 3..7, inserts `xy`, copies 0..2.
    const DELTA: &[u8] = &[10, 8, 0x91, 3, 4, 2, b'x', b'y', 0x90, 2];

    #[test]
    fn copies_and_insertions_make_the_result() {
        let mut out = Vec::new();
        apply(BASE, DELTA, &mut out).unwrap();
        assert_eq!((out.as_slice(), sizes(DELTA)), (b"3456xy01".as_slice(), Some((10, 8))));
    }

    #[test]
    fn a_length_of_zero_is_64_kib() {
        let base = vec![7; 0x1_0000];
        let mut out = Vec::new();
        apply(&base, &[0x80, 0x80, 4, 0x80, 0x80, 4, 0x80], &mut out).unwrap();
        assert_eq!(out, base);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut out = Vec::new();
        assert!((0..DELTA.len()).all(|end| apply(BASE, &DELTA[..end], &mut out).is_none()));
        assert!(apply(&BASE[..9], DELTA, &mut out).is_none());
        // Beyond the base, a reserved command, more and less than stated.
        for wrong in [&[10, 4, 0x91, 8, 4][..], &[10, 1, 0], &[10, 1, 2, 1, 1], &[10, 3, 2, 1, 1], &[0x80; 12]] {
            assert!(apply(BASE, wrong, &mut out).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn noise_neither_panics_nor_grows_beyond_the_stated_size() {
        let mut state = 1u32;
        let mut out = Vec::new();
        for _ in 0..20_000 {
            let mut delta = DELTA.to_vec();
            for _ in 0..3 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (state >> 8) as usize % delta.len();
                delta[at] = state as u8;
            }
            if apply(BASE, &delta, &mut out).is_some() {
                assert_eq!(sizes(&delta).unwrap().1, out.len() as u64);
            }
        }
    }
}
