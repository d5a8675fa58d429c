//! Prints what a file is recognised as: `cargo run --example describe -- FILE`.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

use keysweep_image::{ReadAt, recognise};

struct Disk {
    file: Mutex<File>,
    len: u64,
}

impl ReadAt for Disk {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.read(buf)
    }
}

fn main() -> io::Result<()> {
    for path in std::env::args_os().skip(1) {
        let file = File::open(&path)?;
        let len = file.metadata()?.len();
        let image = recognise(&Disk { file: Mutex::new(file), len });
        println!("{}: {} {}", path.display(), image.format, image.architecture.as_deref().unwrap_or("-"));
        if let Some(process) = &image.process {
            println!("  {process:?}");
        }
        for warning in &image.warnings {
            println!("  {:?}: {}", warning.kind, warning.message);
        }
        for module in &image.modules {
            println!("  module {:#x} +{:#x} {}", module.address, module.size, module.name);
        }
        for region in &image.regions {
            let address = region.address.map_or_else(|| "-".to_owned(), |address| format!("{address:#x}"));
            println!(
                "  {:#x} +{:#x} {address} {} {}",
                region.file_offset, region.len, region.permissions, region.label
            );
        }
    }
    Ok(())
}
