//! One look at all of a decoder's anchors in a stretch of the window.

use crate::decoder::{Anchor, Hit, Sink};
use memchr::memmem;

/// Bytes after the hit in which further anchors are looked at in the same go.
pub(crate) const STRETCH: usize = 8 << 10;

/// Calls `look` for the anchor that was hit and for each further one that begins within [`STRETCH`] bytes, with its offset
/// in the window and its index; then the decoder need not be woken for those again. Anchors in front of the end that
/// `look` returns are passed over.
///
/// Where anchors follow each other at every few bytes, as only hostile input has them, the engine would otherwise read
/// the whole window again for each. The window must reach [`STRETCH`] bytes further than one look needs, and the anchors
/// must be exact and in bytes: others do not show here.
pub(crate) fn sweep(
    hit: &Hit<'_>,
    anchors: &[Anchor],
    sink: &mut Sink,
    mut look: impl FnMut(usize, usize, &mut Sink) -> Option<usize>,
) {
    debug_assert!(anchors.iter().all(|a| !a.wide && !a.ignore_case));
    let limit = (hit.anchor.start + STRETCH).min(hit.window.len());
    let (mut at, mut index) = (hit.anchor.start, hit.index);
    loop {
        let end = look(at, index, sink).unwrap_or(0).max(at + 1);
        sink.examined_up_to(end);
        let next = anchors.iter().enumerate().filter_map(|(index, anchor)| {
            let last = (limit + anchor.bytes.len() - 1).min(hit.window.len());
            let found = memmem::find(hit.window.get(end..last)?, anchor.bytes)?;
            Some((end + found, index))
        });
        match next.min() {
            Some(next) => (at, index) = next,
            None => break,
        }
    }
    sink.examined_up_to(limit);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Work;

    const ANCHORS: [Anchor; 2] = [Anchor::binary(b"abc"), Anchor::binary(b"xyz")];

    fn seen(window: &[u8], ends: usize) -> (Vec<(usize, usize)>, usize) {
        let work = Work::default();
        let hit = Hit { window, anchor: 0..3, index: 0, at_start: true, file_name: None, work: &work };
        let (mut sink, mut seen) = (Sink::default(), Vec::new());
        sweep(&hit, &ANCHORS, &mut sink, |at, index, _| {
            seen.push((at, index));
            Some(at + ends)
        });
        (seen, sink.examined)
    }

    #[test]
    fn every_anchor_in_the_stretch_is_looked_at_once() {
        assert_eq!(seen(b"abc-xyzabc", 0), (vec![(0, 0), (4, 1), (7, 0)], 10));
        assert_eq!(seen(b"abc-xyzabc", 5), (vec![(0, 0), (7, 0)], 12));
        let mut long = b"abc".to_vec();
        long.resize(STRETCH - 1, 0);
        long.extend_from_slice(b"xyzabc");
        assert_eq!(seen(&long, 0), (vec![(0, 0), (STRETCH - 1, 1)], STRETCH));
    }
}
