//! Members of one archive, searched by several threads.
//!
//! One thread unpacks, since most formats can be read but from their start to their end, and hands members on as it meets them. Where
//! enough of them wait it searches the next one itself, so that no thread is idle and little is held in memory.

use crate::scan::Sweep;
use crate::unpack::{Common, Unpacking, Waiting};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Members that wait.
const MAX_WAITING: usize = 64;
/// Bytes of members that wait, or are searched. A larger one waits alone.
const MAX_HELD: u64 = 32 << 20;

/// The threads that search members which another one unpacks.
pub(crate) struct Crew {
    sender: SyncSender<Waiting>,
    held: Arc<AtomicU64>,
}

impl Crew {
    /// Whether a member of so many bytes may be handed on.
    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        let held = self.held.load(Ordering::Relaxed);
        held == 0 || held.saturating_add(bytes) <= MAX_HELD
    }

    /// Has another thread search a member; gives it back if all have enough to do.
    pub(crate) fn hand_on(&self, member: Waiting) -> Option<Waiting> {
        let bytes = member.held();
        if !self.has_room(bytes) {
            return Some(member);
        }
        self.held.fetch_add(bytes, Ordering::Relaxed);
        let back = self.sender.try_send(member).err()?;
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        Some(match back {
            std::sync::mpsc::TrySendError::Full(member) | std::sync::mpsc::TrySendError::Disconnected(member) => member,
        })
    }
}

/// Calls `unpack` with so many other threads that search what it hands on, and waits until they have.
///
/// # Panics
///
/// One of them did, so that not all was searched.
pub(crate) fn with_crew<T>(
    sweep: &Sweep<'_>,
    common: &Common<'_>,
    hands: usize,
    unpack: impl FnOnce(Option<&Crew>) -> T,
) -> T {
    if hands == 0 {
        return unpack(None);
    }
    let (sender, receiver) = sync_channel(MAX_WAITING);
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        let crew = Crew { sender, held: Arc::default() };
        for _ in 0..hands {
            let held = Arc::clone(&crew.held);
            let receiver = &receiver;
            scope.spawn(move || {
                let mut searcher = sweep.scanner.searcher();
                let mut unpacking = Unpacking::new(sweep, &mut searcher, common, 1);
                while let Some(member) = next(receiver) {
                    unpacking.waiting(&member);
                    held.fetch_sub(member.held(), Ordering::Relaxed);
                }
            });
        }
        unpack(Some(&crew))
        // The others end when `crew` is gone, and what waits is searched.
    })
}

/// The next member, or `None` if there will be no more.
fn next(receiver: &Mutex<Receiver<Waiting>>) -> Option<Waiting> {
    receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}
