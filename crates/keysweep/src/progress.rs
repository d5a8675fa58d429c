//! The progress bar: on a terminal only, and on standard error.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use keysweep_engine::Progress;
use std::io::IsTerminal;
use std::time::Duration;

/// Runs `work`, showing its progress if somebody looks.
pub(crate) fn watch<T>(progress: &Progress, wanted: bool, work: impl FnOnce() -> T) -> T {
    if !wanted || !std::io::stderr().is_terminal() {
        return work();
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(8));
    let style = "{spinner} {bytes} of {total_bytes} {wide_bar} {bytes_per_sec}, {eta} left, {msg}";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let bar = &bar;
        scope.spawn(move || {
            // Ends when the sender is dropped, also if the scan panics.
            while stopped.recv_timeout(Duration::from_millis(125)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                bar.set_length(progress.expected());
                bar.set_position(progress.bytes());
                bar.set_message(format!("{} files", progress.files()));
            }
            bar.finish_and_clear();
        });
        let result = work();
        drop(stop);
        result
    })
}
