//! `keysweep hunt`: is the private half of this key in here?

use crate::Error;
use crate::args::HuntArgs;
use crate::scan::{hunt, read, rules_for_scans};
use keysweep_engine::{Options, Scanner};

pub(crate) fn run(args: &HuntArgs) -> Result<u8, Error> {
    let mut rules = rules_for_scans(&args.scan.rules)?;
    rules.only_keys();
    let reader = Scanner::new(rules.clone(), Options::default())?;
    let mut wanted = Vec::new();
    for path in &args.keys {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let keys = reader.wanted_keys(&name, &read(path)?);
        if keys.is_empty() {
            return Err(Error::Usage(format!("{}: no key, certificate or fingerprint in it", path.display())));
        }
        wanted.extend(keys);
    }
    hunt(&args.scan, rules, wanted, args.every_byte)
}
