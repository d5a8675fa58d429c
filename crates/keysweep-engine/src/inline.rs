//! Source maps that are kept within scripts and style sheets: found by their literal while the script is searched, opened when
//! it has been.

use crate::file::{Searcher, Seen};
use crate::place::Part;
use crate::scan::Sweep;
use crate::unpack::{Common, Covered, Level, Pass, Unpacking, file_name};
use keysweep_archive::{Budget, InlineMap};
use keysweep_rules::FILE_HEAD;
use std::ops::Range;

/// Comments of one file that are looked at; development builds have one for each module.
pub(crate) const MAX_MAPS: usize = 20_000;
/// Bytes decoded in one file of what turns out to be no map.
const MAX_IN_VAIN: usize = 64 << 20;

/// Searches the maps of `seen` in the file `part`. What lies in their encoded form leaves `seen`: it is reported under the
/// names of the sources.
pub(crate) fn open_inline<'b>(
    sweep: &Sweep<'b>,
    searcher: &mut Searcher<'b>,
    part: Part<'_>,
    seen: &mut Seen,
    jobs: usize,
) {
    let Some(limits) = sweep.archives().filter(|_| !seen.maps.is_empty()) else { return };
    let git = part.git.map(|git| (part.name, git));
    let common = Common::new(Budget::new(limits, part.source.len()), Pass::First { again: false }, git);
    let mut unpacking = Unpacking::new(sweep, searcher, &common, jobs);
    unpacking.inline_maps(part, seen, 1);
    unpacking.tell_stop(part.name);
}

impl Unpacking<'_, '_> {
    /// The same, in a member at this depth.
    pub(crate) fn inline_maps(&mut self, part: Part<'_>, seen: &mut Seen, depth: usize) {
        // In memory, most are fragments, and what they hold is there in other forms.
        if part.image.format.is_dump() {
            return;
        }
        let mut starts = std::mem::take(&mut seen.maps);
        // Threads that search a file together are ready in any order.
        starts.sort_unstable();
        starts.dedup();
        let mut opened: Vec<Range<u64>> = Vec::new();
        let mut in_vain = 0;
        for start in starts {
            let is_within = opened.last().is_some_and(|last| start < last.end);
            if is_within || !part.touches(&(start..start + 1)) || self.is_over() {
                continue;
            }
            let map = match InlineMap::find(part.source, start) {
                Ok(map) => map,
                Err(looked_at) => {
                    in_vain += looked_at;
                    if in_vain > MAX_IN_VAIN {
                        seen.limit("more that begins like a source map than is looked at");
                        break;
                    }
                    continue;
                }
            };
            if !self.is_allowed(part.name, depth) {
                break;
            }
            opened.push(self.inline_map(part, &map, depth));
        }
        if !opened.is_empty() {
            self.sweep.note_script(part.name);
        }
        seen.leave_out(&Covered::new(opened));
    }

    fn inline_map(&mut self, part: Part<'_>, map: &InlineMap<'_>, depth: usize) -> Range<u64> {
        if self.sweep.scanner.options.artifact {
            // Judged as the file that it would be beside the script.
            let bytes = map.bytes(FILE_HEAD);
            self.sweep.judge_unread(&format!("{}!/{}.map", part.name, file_name(part.name)), &&*bytes);
        }
        let budget = &self.common.budget;
        map.open(part.name, budget, &mut Level::new(self, None, part.name, depth))
    }
}
