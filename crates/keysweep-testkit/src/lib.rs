//! What the tests of several crates need.

use std::time::{Duration, Instant};

/// Does something, and says what it was if that took the CPU longer than `limit`: for inputs that would take hours if they
/// were not bounded. What other processes do meanwhile does not count, where the system tells (Linux); threads that are
/// made meanwhile do not either.
///
/// # Panics
///
/// It took longer.
pub fn bounded<T>(limit: Duration, what: impl std::fmt::Display, work: impl FnOnce() -> T) -> T {
    let (wall, cpu) = (Instant::now(), on_cpu());
    let result = work();
    let taken = cpu.and_then(|before| on_cpu()?.checked_sub(before)).unwrap_or_else(|| wall.elapsed());
    assert!(taken <= limit, "{what}: {taken:?} of CPU time, more than {limit:?}");
    result
}

/// What this thread has had of the CPU (`Documentation/scheduler/sched-stats.rst` of Linux).
fn on_cpu() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_is_no_work() {
        if on_cpu().is_some() {
            bounded(Duration::from_millis(50), "sleep", || std::thread::sleep(Duration::from_millis(100)));
        }
        assert_eq!(bounded(Duration::from_secs(60), "nothing", || 7), 7);
    }

    #[test]
    #[should_panic(expected = "a circle: ")]
    fn work_is() {
        let until = Instant::now() + Duration::from_millis(200);
        bounded(Duration::from_millis(1), "a circle", || while Instant::now() < until {});
    }
}
