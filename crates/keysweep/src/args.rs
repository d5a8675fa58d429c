//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Finds private keys and credentials in crash dumps, accounts and build artifacts, and proves them offline.
///
/// Exit codes: 0 nothing at or above the threshold, 1 findings, 2 wrong usage, 3 something could not be looked at.
#[derive(Debug, Parser)]
#[command(name = "keysweep", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Scan files, folders and dumps.
    Scan(ScanCommand),
    /// Tell whether the private half of a given key lies in files or dumps, in any form.
    Hunt(HuntArgs),
    /// Scan the objects of a git repository.
    Git(GitArgs),
    /// Check what is committed or pushed, as a git hook.
    Hook(HookArgs),
    /// Sweep accounts: where tools keep credentials, how these are protected, and who can read them.
    Account(AccountArgs),
    /// Join the reports of many hosts: one key on several of them, in several zones, or accepted elsewhere.
    Correlate(CorrelateArgs),
    /// Explain an exposure of a report, or a rule of exposures.
    Explain(ExplainArgs),
    /// List, show, check and test rules.
    Rules(RulesArgs),
    /// Write down what is found now, so that only what is new fails a gate.
    Baseline(BaselineArgs),
}

/// Which rules.
#[derive(Debug, Args)]
pub(crate) struct RuleArgs {
    /// Folder or file with rules of your own, beside the built-in ones; a rule with the same id replaces the built-in.
    #[arg(long = "rules", value_name = "DIR")]
    pub(crate) rule_dirs: Vec<PathBuf>,
    /// Only rules whose id matches this glob, such as `aws-*`.
    #[arg(long, value_name = "GLOB")]
    pub(crate) only: Vec<String>,
    /// No rule whose id matches this glob.
    #[arg(long, value_name = "GLOB")]
    pub(crate) skip: Vec<String>,
}

/// What is reported, and how.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Form of the report.
    #[arg(short, long, value_enum, default_value_t = Format::Text, help_heading = "Report")]
    pub(crate) format: Format,
    /// Write the report to this file.
    #[arg(short, long, value_name = "FILE", help_heading = "Report")]
    pub(crate) output: Option<PathBuf>,
    /// Report findings of this severity and above.
    #[arg(long, value_enum, default_value_t = Threshold::Info, value_name = "SEVERITY", help_heading = "Report")]
    pub(crate) min_severity: Threshold,
    /// Report findings that are at least this sure [default: pattern, or what the configuration says].
    #[arg(long, value_enum, value_name = "LEVEL", help_heading = "Report")]
    pub(crate) min_proof: Option<MinProof>,
    /// Exit with 1 only for findings of this severity and above [default: low, or what the configuration says].
    #[arg(long, value_enum, value_name = "SEVERITY", help_heading = "Report")]
    pub(crate) fail_on: Option<Threshold>,
    /// Name credentials by a hash keyed with this file's content, so that reports of different scans can be joined even
    /// for passwords.
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub(crate) fingerprint_key: Option<PathBuf>,
    /// Use colour.
    #[arg(long, value_enum, default_value_t = When::Auto, value_name = "WHEN", help_heading = "Report")]
    pub(crate) color: When,
    /// No progress bar.
    #[arg(long, help_heading = "Report")]
    pub(crate) no_progress: bool,
}

/// What is known or allowed.
#[derive(Debug, Default, Args)]
pub(crate) struct GateArgs {
    /// Configuration; without it, `keysweep.toml` in the folder of what is scanned or above, up to the root of the repository.
    #[arg(long, value_name = "FILE", help_heading = "Gate")]
    pub(crate) config: Option<PathBuf>,
    /// No configuration.
    #[arg(long, conflicts_with = "config", help_heading = "Gate")]
    pub(crate) no_config: bool,
    /// Findings that are known, as `keysweep baseline` writes them: they are counted, and do not fail the gate.
    #[arg(long, value_name = "FILE", help_heading = "Gate")]
    pub(crate) baseline: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ScanCommand {
    #[command(flatten)]
    pub(crate) scan: ScanArgs,
    /// What is scanned is about to be published: packages, images, or a folder that becomes one. Files that should not be in
    /// it, such as `.env`, key stores and source maps, are findings, too.
    #[arg(long)]
    pub(crate) artifact: bool,
    #[command(flatten)]
    pub(crate) gate: GateArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    #[command(subcommand)]
    pub(crate) command: BaselineCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BaselineCommand {
    /// Write a baseline of all that is found now.
    Create {
        #[command(flatten)]
        scan: BaselineScan,
        /// Replace a file that is there, with all that was decided in it.
        #[arg(long)]
        force: bool,
    },
    /// Add what is new.
    Update {
        #[command(flatten)]
        scan: BaselineScan,
        /// Drop what is no longer found. Only for scans of all that the baseline is about.
        #[arg(long)]
        prune: bool,
    },
    /// Add what keysweep finds where another tool knows a secret: a JSON report or `.gitleaksignore` of gitleaks, or a
    /// `.secrets.baseline` of detect-secrets. Makes the baseline if there is none.
    Import {
        #[command(flatten)]
        scan: BaselineScan,
        /// The file of the other tool.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
    /// List what is known, and with paths what of it is no longer found; or decide about an entry.
    Audit {
        #[command(flatten)]
        scan: BaselineScan,
        /// Decide about the entry whose fingerprint begins so.
        #[arg(long, value_name = "FINGERPRINT", requires = "status")]
        set: Option<String>,
        /// What is decided.
        #[arg(long = "as", value_enum, value_name = "STATUS", requires = "set")]
        status: Option<EntryStatus>,
        /// Why.
        #[arg(long, requires = "set")]
        reason: Option<String>,
        /// The last day on which the entry holds.
        #[arg(long, value_name = "DATE", requires = "set")]
        until: Option<String>,
    },
}

/// What a baseline is about.
#[derive(Debug, Args)]
pub(crate) struct BaselineScan {
    /// Files and folders; with `--history`, the repository.
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The whole history of the repository instead of the files.
    #[arg(long)]
    pub(crate) history: bool,
    /// The files are about to be published: also what should not be in them.
    #[arg(long, conflicts_with = "history")]
    pub(crate) artifact: bool,
    #[command(flatten)]
    pub(crate) gate: GateArgs,
    /// Name credentials by a hash keyed with this file's content; scans must use the same.
    #[arg(long, value_name = "FILE")]
    pub(crate) fingerprint_key: Option<PathBuf>,
    /// Threads; 0 for one a core.
    #[arg(short, long, default_value_t = 0, value_name = "N")]
    pub(crate) jobs: usize,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EntryStatus {
    /// Not judged yet.
    Open,
    /// It is no secret.
    FalsePositive,
    /// It may stay.
    Accepted,
}

/// How archives are opened.
#[derive(Debug, Args)]
pub(crate) struct ArchiveArgs {
    /// Do not open archives and compressed files.
    #[arg(long, help_heading = "Archives")]
    pub(crate) no_archives: bool,
    /// How deep archives in archives are opened, up to 64.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = parse_depth, help_heading = "Archives", conflicts_with = "no_archives")]
    pub(crate) max_archive_depth: usize,
    /// Unpack at most this much of one file: bytes, or with K, M, G or T.
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "16G", help_heading = "Archives")]
    pub(crate) max_archive_size: u64,
    /// Unpack at most this many times the size of a file; counts from a gigabyte on.
    #[arg(long, value_name = "N", default_value_t = 500, help_heading = "Archives")]
    pub(crate) max_archive_ratio: u64,
}

#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Files and folders; `-` is standard input. Hidden files are read, links below folders are not followed.
    #[arg(value_name = "PATH", required_unless_present = "files_from")]
    pub(crate) paths: Vec<PathBuf>,
    /// Read more paths from this file, one a line; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) files_from: Option<PathBuf>,
    /// Paths in `--files-from` end with a NUL byte instead of a line break.
    #[arg(short = '0', long, requires = "files_from")]
    pub(crate) null: bool,

    #[command(flatten)]
    pub(crate) report: ReportArgs,

    /// Below folders, only files matching this glob.
    #[arg(long, value_name = "GLOB", help_heading = "Selection")]
    pub(crate) include: Vec<String>,
    /// Below folders, no file or folder matching this glob.
    #[arg(long, value_name = "GLOB", help_heading = "Selection")]
    pub(crate) exclude: Vec<String>,
    /// Pass over what `.gitignore` names.
    #[arg(long, help_heading = "Selection")]
    pub(crate) respect_gitignore: bool,
    /// Pass over hidden files and folders.
    #[arg(long, help_heading = "Selection")]
    pub(crate) skip_hidden: bool,
    /// Follow symbolic links.
    #[arg(short = 'L', long, help_heading = "Selection")]
    pub(crate) follow: bool,
    /// Stay on the file systems of the given paths.
    #[arg(long, help_heading = "Selection")]
    pub(crate) one_file_system: bool,
    /// Pass over larger files: bytes, or with K, M, G or T. Without it there is no limit, since dumps are large.
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "Selection")]
    pub(crate) max_file_size: Option<u64>,

    #[command(flatten)]
    pub(crate) archives: ArchiveArgs,
    /// Threads; 0 for one a core.
    #[arg(short, long, default_value_t = 0, value_name = "N")]
    pub(crate) jobs: usize,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CorrelateArgs {
    /// Reports in JSON. The host of each is what its facts say, else the name of the file.
    #[arg(value_name = "REPORT", required = true)]
    pub(crate) reports: Vec<PathBuf>,
    /// Which hosts and paths belong to which zone: a TOML file with `[[zone]]` tables.
    #[arg(long, value_name = "FILE")]
    pub(crate) zones: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The id of a rule of exposures, or of an exposure, or the fingerprint of a key: its beginning is enough.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The report (JSON) that it is in.
    #[arg(value_name = "REPORT")]
    pub(crate) report: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    /// More files and folders that the accounts may reach: shares, folders of dumps, build outputs.
    #[arg(value_name = "PATH", help_heading = "Accounts")]
    pub(crate) paths: Vec<PathBuf>,
    /// Which paths, processes, hosts and accounts belong to which zone: a TOML file with `[[zone]]` tables.
    #[arg(long, value_name = "FILE", help_heading = "Accounts")]
    pub(crate) zones: Option<PathBuf>,
    /// Rules of exposures of your own, beside the built-in ones.
    #[arg(long, value_name = "FILE", help_heading = "Accounts")]
    pub(crate) exposure_rules: Vec<PathBuf>,
    /// Homes to sweep, also copied ones; without this and the next two, your own.
    #[arg(long = "home", value_name = "DIR", help_heading = "Accounts")]
    pub(crate) homes: Vec<PathBuf>,
    /// Accounts to sweep, by name.
    #[arg(long = "user", value_name = "NAME", help_heading = "Accounts")]
    pub(crate) users: Vec<String>,
    /// Sweep the homes of all people and of root.
    #[arg(long, conflicts_with = "users", help_heading = "Accounts")]
    pub(crate) all_users: bool,
    /// The system lies below this folder, as on a mounted disk: accounts and groups are those of its `etc`, and nothing above
    /// counts for who can read a file.
    #[arg(long, value_name = "DIR", help_heading = "Accounts")]
    pub(crate) root: Option<PathBuf>,
    /// Also the system's crash dumps, keyrings and authorities. `--root` and `--all-users` imply it.
    #[arg(long, help_heading = "Accounts")]
    pub(crate) system: bool,
    /// Read from these files and folders, too, which keys are trusted: certificates, key sets, keyrings.
    #[arg(long, value_name = "PATH", help_heading = "Accounts")]
    pub(crate) trust: Vec<PathBuf>,
    /// Ask running SSH agents which keys they hold.
    #[arg(long, help_heading = "Accounts")]
    pub(crate) agents: bool,

    #[command(flatten)]
    pub(crate) report: ReportArgs,

    /// No file or folder matching this glob.
    #[arg(long, value_name = "GLOB", help_heading = "Selection")]
    pub(crate) exclude: Vec<String>,
    /// Pass over larger files: bytes, or with K, M, G or T.
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "Selection")]
    pub(crate) max_file_size: Option<u64>,

    #[command(flatten)]
    pub(crate) archives: ArchiveArgs,
    /// Threads; 0 for one a core.
    #[arg(short, long, default_value_t = 0, value_name = "N")]
    pub(crate) jobs: usize,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct HuntArgs {
    /// The keys: a certificate, public key (PEM, DER, SSH, JWK), key set, known_hosts or authorized_keys file, or a list of
    /// fingerprints. May be given several times.
    #[arg(short, long = "key", value_name = "FILE", required = true)]
    pub(crate) keys: Vec<PathBuf>,
    /// Try windows that begin at every byte, not only at every fourth.
    #[arg(long)]
    pub(crate) every_byte: bool,
    #[command(flatten)]
    pub(crate) scan: ScanArgs,
}

#[derive(Debug, Args)]
pub(crate) struct GitArgs {
    /// The repository, or a folder in it; without it the one of the current folder, as git's environment variables say.
    #[arg(value_name = "REPO")]
    pub(crate) repository: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) what: GitWhat,
    /// With `--history`: also what no ref, log or index reaches any more.
    #[arg(long, requires = "history")]
    pub(crate) dangling: bool,

    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) gate: GateArgs,

    #[command(flatten)]
    pub(crate) archives: ArchiveArgs,
    /// Do not read larger blobs: bytes, or with K, M, G or T. The report names them.
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "512M")]
    pub(crate) max_file_size: u64,
    /// Threads; 0 for one a core.
    #[arg(short, long, default_value_t = 0, value_name = "N")]
    pub(crate) jobs: usize,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct HookArgs {
    #[command(subcommand)]
    pub(crate) command: HookCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HookCommand {
    /// Put a hook into a repository. One that is there is kept, and runs first.
    Install {
        /// Which.
        #[arg(value_enum, default_value_t = HookKind::Commit, value_name = "HOOK")]
        kind: HookKind,
        /// The repository, or a folder in it.
        #[arg(long, value_name = "DIR")]
        repository: Option<PathBuf>,
        /// Options for `keysweep hook run`, such as `-- --config /etc/keysweep.toml`.
        #[arg(last = true, value_name = "OPTION")]
        options: Vec<String>,
    },
    /// Remove it, and put back what was there before.
    Uninstall {
        /// Which.
        #[arg(value_enum, default_value_t = HookKind::Commit, value_name = "HOOK")]
        kind: HookKind,
        /// The repository, or a folder in it.
        #[arg(long, value_name = "DIR")]
        repository: Option<PathBuf>,
    },
    /// Do what the hook does: scan what is staged, or the commits named on standard input.
    Run {
        /// Which.
        #[arg(value_enum, value_name = "HOOK")]
        kind: HookKind,
        /// What git hands to the hook; for pre-commit also files of the work tree, which are scanned if they are not staged.
        #[arg(value_name = "ARG")]
        git: Vec<String>,
        #[command(flatten)]
        scan: Box<HookScan>,
    },
}

/// How a hook scans.
#[derive(Debug, Args)]
pub(crate) struct HookScan {
    /// Give up after this many seconds, and refuse with exit code 3 [default for pre-receive: 120].
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<f64>,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) gate: GateArgs,
    #[command(flatten)]
    pub(crate) archives: ArchiveArgs,
    /// Do not read larger blobs: bytes, or with K, M, G or T. The report names them.
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "512M")]
    pub(crate) max_file_size: u64,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
}

/// A hook of git (`githooks(5)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HookKind {
    /// Before a commit.
    #[value(name = "pre-commit")]
    Commit,
    /// Before a push.
    #[value(name = "pre-push")]
    Push,
    /// On a server, before what was pushed is accepted. Reads no configuration but that of `--config`.
    #[value(name = "pre-receive")]
    Receive,
}

/// What of a repository is scanned.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct GitWhat {
    /// Everything: each blob that any ref, stash, note, log or index reaches, once.
    #[arg(long)]
    pub(crate) history: bool,
    /// What the index adds to `HEAD`, for a hook: of changed texts only new lines are reported.
    #[arg(long)]
    pub(crate) staged: bool,
    /// What the commits of `A..B` or `A...B` add, each to its parents: new lines of texts, and new binary files.
    #[arg(long, value_name = "A..B")]
    pub(crate) range: Option<String>,
    /// The same for all commits of `HEAD` that REF does not have.
    #[arg(long, value_name = "REF")]
    pub(crate) since_ref: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    pub(crate) command: RulesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// One line for each rule.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        rules: RuleArgs,
    },
    /// All that is known of a rule.
    Show {
        /// Id of the rule.
        id: String,
        #[command(flatten)]
        rules: RuleArgs,
    },
    /// Check that rules are well made.
    Check {
        #[command(flatten)]
        rules: RuleArgs,
    },
    /// Run the rules on their own examples.
    Test {
        #[command(flatten)]
        rules: RuleArgs,
    },
    /// Take over rules of gitleaks, betterleaks, Kingfisher or Nosey Parker.
    Import {
        /// Their file: `gitleaks.toml`, or a YAML file of rules.
        file: PathBuf,
        /// Write the rules to this file.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Write what their allowlists say of paths and commits to this file, to be added to `keysweep.toml` [default: as
        /// comments before the rules].
        #[arg(long, value_name = "FILE")]
        exceptions: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// GitLab's report of secret detection.
    Gitlab,
    /// Annotations of GitHub Actions.
    Github,
    /// JUnit XML, for test reports: findings that fail the gate are failures, what could not be looked at an error.
    Junit,
    /// One HTML file that needs no network.
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Threshold {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MinProof {
    /// Text pattern and entropy.
    Pattern,
    /// The structure holds.
    Parsed,
    /// Mathematics or a checksum shows it.
    Proven,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

/// A depth of archives: what is opened inside of each other takes room on the stack.
fn parse_depth(text: &str) -> Result<usize, String> {
    const MOST: usize = 64;
    let depth = text.parse().map_err(|_| "not a number".to_owned())?;
    if depth > MOST { Err(format!("at most {MOST}")) } else { Ok(depth) }
}

/// `10M` as bytes, in binary units.
fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_uppercase().trim_end_matches('B').trim_end_matches('I') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        unit => return Err(format!("unknown unit '{unit}': use K, M, G or T")),
    };
    let number: u64 = digits.trim().parse().map_err(|_| format!("'{text}' is not a size"))?;
    number.checked_mul(1 << shift).ok_or_else(|| format!("'{text}' is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_take_binary_units() {
        assert_eq!(parse_size("10"), Ok(10));
        assert_eq!(parse_size("10M"), Ok(10 << 20));
        assert_eq!(parse_size("2 GiB"), Ok(2 << 30));
        assert!(parse_size("").is_err() && parse_size("5X").is_err() && parse_size("99999999999T").is_err());
    }
}
