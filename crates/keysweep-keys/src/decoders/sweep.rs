//! Anchors that follow each other closely, in one go.

use crate::decoder::{Anchor, Hit, Sink};
use memchr::memmem;

/// Bytes after the hit up to which further anchors are looked at in the same go.
pub(crate) const STRETCH: usize = 8 << 10;
/// How close to each other anchors must be to be looked at in one go.
const NEAR: usize = 64;

/// Calls `look` for the anchor that was hit, with its offset in the window and its index, and then for those that follow it
/// within [`NEAR`] bytes of each other, up to [`STRETCH`] bytes on. `look` returns the end of what it recognised there, if it
/// did: anchors before it are passed over.
///
/// Where anchors follow each other at every few bytes, as only hostile input has them, the engine would otherwise make the
/// window again for each. The window must reach [`STRETCH`] bytes further than one look needs, and the anchors must be
/// exact and in bytes: others do not show here.
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
            let last = (end + NEAR).min(limit) + anchor.bytes.len() - 1;
            let found = memmem::find(hit.window.get(end..last.min(hit.window.len()))?, anchor.bytes)?;
            Some((end + found, index))
        });
        match next.min() {
            Some(next) => (at, index) = next,
            None => return,
        }
    }
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
    fn every_anchor_nearby_is_looked_at_once() {
        assert_eq!(seen(b"abc-xyzabc", 0), (vec![(0, 0), (4, 1), (7, 0)], 8));
        assert_eq!(seen(b"abc-xyzabc", 5), (vec![(0, 0), (7, 0)], 12));
        let mut far = b"abc".to_vec();
        far.resize(NEAR, 0);
        assert_eq!(seen(&[&far[..], b"xyz"].concat(), 0), (vec![(0, 0), (NEAR, 1)], NEAR + 1));
        far.push(0);
        assert_eq!(seen(&[&far[..], b"xyz"].concat(), 0), (vec![(0, 0)], 1));
    }

    #[test]
    fn the_stretch_ends() {
        let (seen, examined) = seen(&b"abc".repeat(STRETCH), 0);
        assert_eq!((seen.len(), examined), (STRETCH / 3 + 1, STRETCH / 3 * 3 + 1));
    }
}
