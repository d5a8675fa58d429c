//! keysweep: finds and proves leaked private keys and credentials.

mod account;
mod args;
mod baseline;
mod correlate;
mod dump_host;
mod explain;
mod exposure;
mod gate;
mod git;
mod hardening;
mod hook;
mod hunt;
mod progress;
mod rules;
mod rules_import;
mod scan;

use args::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;

/// Nothing at or above the threshold.
const CLEAN: u8 = 0;
/// Findings.
const FINDINGS: u8 = 1;
/// Wrong usage or configuration.
const USAGE: u8 = 2;
/// Something could not be looked at.
const INCOMPLETE: u8 = 3;

fn main() -> ExitCode {
    hardening::apply();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { CLEAN });
        }
    };
    let outcome = match cli.command {
        Command::Scan(args) => scan::run(&args),
        Command::Hunt(args) => hunt::run(&args),
        Command::Git(args) => git::run(&args),
        Command::Hook(args) => hook::run(&args),
        Command::Account(args) => account::run(&args),
        Command::Correlate(args) => correlate::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Baseline(args) => baseline::run(&args),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error @ Error::Git(_)) => {
            eprintln!("keysweep: {}", printable_lines(&error));
            ExitCode::from(INCOMPLETE)
        }
        Err(error) => {
            eprintln!("keysweep: {}", printable_lines(&error));
            ExitCode::from(USAGE)
        }
    }
}

/// An error for the terminal, which names of files must not steer.
fn printable_lines(error: &Error) -> String {
    error.to_string().lines().map(keysweep_report::printable).collect::<Vec<_>>().join("\n")
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Setup(#[from] keysweep_engine::SetupError),
    #[error(transparent)]
    Rules(#[from] keysweep_rules::Error),
    #[error(transparent)]
    Gate(#[from] keysweep_gate::Error),
    #[error(transparent)]
    Exposure(#[from] keysweep_exposure::Error),
    #[error(transparent)]
    Git(#[from] keysweep_git::Error),
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
    #[error("cannot write the report: {0}")]
    Output(#[from] std::io::Error),
}

impl Error {
    fn is_broken_pipe(&self) -> bool {
        matches!(self, Error::Output(e) if e.kind() == std::io::ErrorKind::BrokenPipe)
    }
}
