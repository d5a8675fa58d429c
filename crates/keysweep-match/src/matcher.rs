//! The matcher: what users of the crate hold.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::automaton::Automaton;
use crate::index::Index;
use crate::kernel::{BLOCK, GROUP, Kernel, PADDING, Places};
use crate::window::{Accept, WIDTH, Windows};
use crate::word::{is_zero, word};
use crate::{BuildError, Hit, Isa, Literal};

/// Finds all occurrences of a set of literals in one pass over the bytes.
pub struct Matcher {
    isa: Isa,
    /// What each window accepts, for the kernel.
    accepts: Vec<[Accept; WIDTH]>,
    /// Arranged when so much was searched that it is worth it.
    kernel: OnceLock<Kernel>,
    /// Bytes that were searched without the kernel.
    searched: AtomicUsize,
    index: Index,
    max_len: usize,
    /// Whether no window is of zero bytes only, so that none stands in a block of them.
    skips_zero: bool,
    /// Made when bytes are met that are slow to scan; `None` if it would be too large.
    automaton: OnceLock<Option<Automaton>>,
}

impl Matcher {
    /// Prepares the search with the best instruction set of this CPU. What takes longest, the arrangement of the scan, is left
    /// until it is worth it: small inputs are searched without.
    ///
    /// # Errors
    ///
    /// A literal is too short, too long, or is to match in UTF-16 without being ASCII.
    pub fn new(literals: &[Literal]) -> Result<Matcher, BuildError> {
        if literals.len() > MAX_LITERALS {
            return Err(BuildError::TooMany { count: literals.len() });
        }
        for (index, literal) in literals.iter().enumerate() {
            literal.check(index)?;
        }
        let mut windows = Windows::new(literals);
        let accepts = std::mem::take(&mut windows.accepts);
        let index = Index::new(windows);
        Ok(Matcher {
            skips_zero: !index.filter().may_hold(0),
            isa: Isa::detect(),
            accepts,
            kernel: OnceLock::new(),
            searched: AtomicUsize::new(0),
            index,
            automaton: OnceLock::new(),
            max_len: literals.iter().map(Literal::max_len).max().unwrap_or(0),
        })
    }

    /// Prepares the search with a given instruction set, all of it at once. Every instruction set finds the same.
    ///
    /// # Errors
    ///
    /// As [`Matcher::new`], or this CPU lacks the instruction set.
    pub fn with_isa(literals: &[Literal], isa: Isa) -> Result<Matcher, BuildError> {
        if !isa.is_available() {
            return Err(BuildError::IsaUnavailable(isa));
        }
        let matcher = Matcher { isa, ..Self::new(literals)? };
        matcher.kernel.get_or_init(|| Kernel::new(isa, &matcher.accepts));
        Ok(matcher)
    }

    /// Reports every occurrence of every literal in every encoding asked for, overlapping ones and ones inside each
    /// other included, in ascending order of `start`, then literal, then encoding.
    pub fn find(&self, haystack: &[u8], on_hit: &mut dyn FnMut(Hit)) {
        if self.max_len == 0 {
            return;
        }
        let kernel = self.kernel(haystack.len());
        let mut places = Places::new();
        let mut hits = Vec::new();
        let mut base = 0;
        while base < haystack.len() {
            let rest = &haystack[base..];
            let whole = rest.len().saturating_sub(PADDING) / GROUP * GROUP;
            let (count, done) = if whole > 0 {
                let count = whole.min(BLOCK);
                let block = &rest[..count + PADDING];
                (count, self.find_block(kernel, haystack, base, block, count, &mut places, &mut hits))
            } else {
                let mut padded = [0; 2 * GROUP + PADDING];
                padded[..rest.len()].copy_from_slice(rest);
                let count = rest.len().next_multiple_of(GROUP);
                (rest.len(), self.find_block(kernel, haystack, base, &padded, count, &mut places, &mut hits))
            };
            let automaton = if done { None } else { self.automaton() };
            base += match automaton {
                Some(automaton) => {
                    let stretch = rest.len().min(STRETCH);
                    self.index.verify_all(automaton, haystack, base, base + stretch, &mut hits);
                    stretch
                }
                None => count,
            };
            report(&mut hits, base.saturating_sub(self.index.max_offset()), on_hit);
        }
        report(&mut hits, usize::MAX, on_hit);
    }

    /// The kernel, if it is there or worth it before `len` more bytes.
    fn kernel(&self, len: usize) -> Option<&Kernel> {
        let new = || Kernel::new(self.isa, &self.accepts);
        let patience = if Kernel::takes_time(self.isa) { PATIENCE } else { 0 };
        let due = || self.searched.fetch_add(len, Ordering::Relaxed).saturating_add(len) > patience;
        self.kernel.get().or_else(|| due().then(|| self.kernel.get_or_init(new)))
    }

    /// Collects the hits whose window begins in the first `count` bytes of `block`, which stands at `base`. Gives up, with
    /// no hits, if these bytes are like so many literals that the automaton is faster.
    #[allow(clippy::too_many_arguments)] // The last two are room that is used again.
    fn find_block(
        &self,
        kernel: Option<&Kernel>,
        haystack: &[u8],
        base: usize,
        block: &[u8],
        count: usize,
        places: &mut Places,
        hits: &mut Vec<Hit>,
    ) -> bool {
        if self.skips_zero && is_zero(&block[..count + PADDING]) {
            return true;
        }
        match kernel {
            Some(kernel) => kernel.scan(self.index.filter(), block, count, places),
            None => places.sift_all(self.isa, self.index.filter(), block, count),
        }
        let known = hits.len();
        let mut steps = 0;
        for place in places.iter() {
            steps += self.index.verify(haystack, base + place, word(block, place), hits);
            if steps > MAX_STEPS && self.automaton().is_some() {
                hits.truncate(known);
                return false;
            }
        }
        true
    }

    #[cold]
    fn automaton(&self) -> Option<&Automaton> {
        self.automaton.get_or_init(|| self.index.automaton()).as_ref()
    }

    /// Length in bytes of the longest form of any literal (UTF-16 forms count twice). A haystack given in chunks is
    /// searched without loss if each chunk repeats the last `max_len() - 1` bytes of the one before.
    pub fn max_len(&self) -> usize {
        self.max_len
    }

    /// The instruction set in use.
    pub fn isa(&self) -> Isa {
        self.isa
    }
}

/// Bytes that are sifted by the hash filter alone before a kernel is arranged that takes about as long.
const PATIENCE: usize = 2 << 20;

/// Comparisons in a block from which on the automaton is faster.
const MAX_STEPS: usize = 8 * BLOCK;

/// Bytes that the automaton reads before the scan is tried again.
const STRETCH: usize = 16 * BLOCK;

/// Most literals of a set: far more than can be scanned for well.
const MAX_LITERALS: usize = 1 << 20;

/// Reports, in order, the hits that begin before `limit`: no later block can add one before them.
fn report(hits: &mut Vec<Hit>, limit: usize, on_hit: &mut dyn FnMut(Hit)) {
    if hits.is_empty() {
        return;
    }
    hits.sort_unstable_by_key(Hit::order);
    let ready = hits.partition_point(|hit| hit.start < limit);
    hits.drain(..ready).for_each(on_hit);
}
