//! keysweep reads secrets, so its own memory must not become the next leak.

/// Whatever is freed is cleared first: types that clear themselves cannot reach the copies that libraries make, nor those
/// that a growing buffer leaves behind.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// Makes the process not dumpable, and its panics silent about data.
pub(crate) fn apply() {
    forbid_core_dumps();
    // The payload of a panic can quote the string it was about; the place says enough to mend it.
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        eprintln!("keysweep: internal error{place}; please report it");
    }));
}

#[cfg(target_os = "linux")]
fn forbid_core_dumps() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    // Either may be denied in a sandbox, which forbids dumps by itself.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

#[cfg(all(unix, not(target_os = "linux")))]
fn forbid_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

#[cfg(not(unix))]
fn forbid_core_dumps() {}
