//! The process or system that a dump was taken of.

/// What a dump says about the process (or system) it was taken of. Every text is bounded and free of control
/// characters; a command line may hold secrets, so do not print it without redaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// The process id.
    pub pid: Option<u32>,
    /// The short name of the program.
    pub name: Option<String>,
    /// The command line with its arguments, as far as the dump keeps it (80 bytes in an ELF core).
    pub command_line: Option<String>,
    /// The numeric user that ran it (Unix).
    pub uid: Option<u32>,
    /// The host name or operating system release, where the dump tells.
    pub host: Option<String>,
    /// Why the dump was taken: the signal, exception or bug check, such as `SIGSEGV at 0x10`.
    pub cause: Option<String>,
    /// The number of threads (of processors, for the dump of a system).
    pub threads: u32,
    /// When the dump was taken, or the process started where only that is known: seconds since 1970-01-01 UTC.
    pub time: Option<u64>,
}
