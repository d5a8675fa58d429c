//! The handler of `SIGBUS`, which puts a page of zeros in the place of one that cannot be read.
//!
//! It runs between any two instructions of the thread that reads. It only loads and stores atomics and makes one system call,
//! `mmap`, which Linux allows there; compositors do the same for memory that clients share with them.

use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Whether a page was replaced.
static CUT: AtomicBool = AtomicBool::new(false);
/// What handled the signal before.
static PREVIOUS: OnceLock<libc::sigaction> = OnceLock::new();
/// Bytes of a page.
static PAGE: AtomicUsize = AtomicUsize::new(0);

/// Makes pages of mapped files that cannot be read pages of zeros, from now on, in this process.
pub fn guard() {
    PREVIOUS.get_or_init(|| {
        PAGE.store(rustix::param::page_size(), Ordering::Release);
        // SAFETY: `sigaction` reads the one and writes the other of two structures that live until it returns; all their fields may
        // be zero. The handler does only what a handler may.
        unsafe {
            let mut previous = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
            let mut action = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
            action.sa_sigaction = on_bus as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(libc::SIGBUS, &raw const action, &raw mut previous);
            previous
        }
    });
}

/// Whether a page of a mapped file could not be read since this was asked last.
pub fn was_cut() -> bool {
    CUT.swap(false, Ordering::AcqRel)
}

extern "C" fn on_bus(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: With `SA_SIGINFO` the kernel hands over a structure that lives until the handler returns, and `si_addr` is what it
    // holds for this signal.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
    match code == libc::BUS_ADRERR && replace(address) {
        true => CUT.store(true, Ordering::Release),
        false => forward(signal, info, context),
    }
}

/// Puts a page of zeros at an address.
fn replace(address: usize) -> bool {
    let page = PAGE.load(Ordering::Acquire).max(1);
    let flags = libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let start = (address / page * page) as *mut libc::c_void;
    // SAFETY: The kernel tells this code for an address of a mapped file's page that does not exist: no value that anybody read
    // changes. The error number is that of the code that was interrupted, and put back.
    unsafe {
        let errno = libc::__errno_location();
        let before = *errno;
        let got = libc::mmap(start, page, libc::PROT_READ, flags, -1, 0);
        *errno = before;
        got == start
    }
}

/// Does what was done with the signal before.
fn forward(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let previous = PREVIOUS.get();
    let handler = previous.map_or(libc::SIG_DFL, |previous| previous.sa_sigaction);
    let takes_info = previous.is_some_and(|previous| previous.sa_flags & libc::SA_SIGINFO != 0);
    // SAFETY: A handler that is neither of the two numbers is a function of the type that its flags say. Without one the default
    // is set and the signal sent again, which ends the process when this handler returns.
    unsafe {
        match (handler, takes_info) {
            (libc::SIG_DFL | libc::SIG_IGN, _) => {
                libc::signal(signal, libc::SIG_DFL);
                libc::raise(signal);
            }
            (_, true) => {
                let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                    std::mem::transmute(handler);
                handler(signal, info, context);
            }
            (_, false) => {
                let handler: extern "C" fn(libc::c_int) = std::mem::transmute(handler);
                handler(signal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
    use std::io::Write;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn what_is_cut_off_becomes_zeros() {
        const LEN: usize = 1 << 20;
        guard();
        let bytes: Vec<u8> = (0..LEN).map(|i| (i * 7 + i / 251) as u8 | 1).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        // SAFETY: The kernel chooses the address.
        let start = unsafe { mmap(std::ptr::null_mut(), LEN, ProtFlags::READ, MapFlags::PRIVATE, &file, 0) }.unwrap();
        // SAFETY: So many bytes are mapped until the end of the test.
        let mapped = unsafe { std::slice::from_raw_parts(start.cast::<u8>(), LEN) };
        assert_eq!(mapped, bytes);
        file.set_len(10_000).unwrap();
        assert_eq!(mapped[..10_000], bytes[..10_000]);
        assert!(!was_cut(), "what was looked at is there");
        assert!(mapped[10_000..].iter().all(|byte| *byte == 0));
        assert!(was_cut() && !was_cut());
        assert!(mapped[12_288..].iter().all(|byte| *byte == 0) && !was_cut());
        // SAFETY: It was mapped above.
        unsafe { munmap(start, LEN) }.unwrap();
    }

    #[test]
    fn other_causes_end_the_process_as_before() {
        const VARIABLE: &str = "KEYSWEEP_TEST_BUS";
        if std::env::var_os(VARIABLE).is_some() {
            guard();
            // The handler of the standard library takes one, and sets the default for the next.
            // SAFETY: Sends signals to this process.
            unsafe { (libc::raise(libc::SIGBUS), libc::raise(libc::SIGBUS)) };
            std::process::exit(0);
        }
        let test = "bus::tests::other_causes_end_the_process_as_before";
        let run = std::process::Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact"])
            .env(VARIABLE, "1")
            .output()
            .unwrap();
        assert_eq!(run.status.signal(), Some(libc::SIGBUS), "{run:?}");
    }
}
