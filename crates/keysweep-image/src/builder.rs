//! Collects what a format's reader finds, and makes it consistent: clipped, sorted, without overlaps, bounded.

use std::fmt::Display;
use std::sync::Arc;

use crate::image::{Format, Image, Label, Module, Permissions, Region, Warning, WarningKind};
use crate::limits;
use crate::process::Process;
use crate::read::ReadAt;

/// An image in the making.
pub(crate) struct Builder<'a> {
    pub(crate) src: &'a dyn ReadAt,
    pub(crate) format: Format,
    pub(crate) architecture: Option<String>,
    pub(crate) process: Option<Process>,
    regions: Vec<Region>,
    modules: Vec<Module>,
    warnings: Vec<Warning>,
    /// The bytes of names kept so far, and the name of what gets none after that.
    names_bytes: usize,
    nameless: Arc<str>,
    /// Parts that the headers promise, and how many of them lie after the end of the file or across it.
    parts: u64,
    missing: u64,
    cut: u64,
    /// The file offset after the last promised byte.
    promised: u64,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(src: &'a dyn ReadAt, format: Format) -> Self {
        Self {
            src,
            format,
            architecture: None,
            process: None,
            regions: Vec::new(),
            modules: Vec::new(),
            warnings: Vec::new(),
            names_bytes: 0,
            nameless: "?".into(),
            parts: 0,
            missing: 0,
            cut: 0,
            promised: 0,
        }
    }

    /// The same for another source, in which the regions lie.
    pub(crate) fn onto<'b>(self, src: &'b dyn ReadAt) -> Builder<'b> {
        Builder { src, ..self }
    }

    /// The process, made on first use.
    pub(crate) fn process(&mut self) -> &mut Process {
        self.process.get_or_insert_default()
    }

    /// Adds a region of `len` bytes; cuts it at the end of the file and of the address space. Returns false when no
    /// more regions are kept, so that a reader can stop.
    pub(crate) fn region(
        &mut self,
        file_offset: u64,
        len: u64,
        address: Option<u64>,
        label: Label,
        permissions: Permissions,
    ) -> bool {
        if len == 0 {
            return true;
        }
        if self.parts >= limits::REGIONS as u64 {
            let message = format!("only the first {} regions have an address and a label", limits::REGIONS);
            self.warn_once(WarningKind::Limit, message);
            return false;
        }
        self.promise(file_offset, len);
        let mut kept = self.src.len().saturating_sub(file_offset).min(len);
        if let Some(start) = address {
            kept = kept.min((u64::MAX - start).saturating_add(1));
        }
        if kept == 0 {
            return true;
        }
        self.regions.push(Region { file_offset, len: kept, address, label, permissions });
        true
    }

    /// Notes that the headers promise `len` bytes at `file_offset`, for the warning about truncation.
    pub(crate) fn promise(&mut self, file_offset: u64, len: u64) {
        let end = file_offset.saturating_add(len);
        self.parts += 1;
        self.promised = self.promised.max(end);
        if file_offset >= self.src.len() {
            self.missing += 1;
        } else if end > self.src.len() {
            self.cut += 1;
        }
    }

    /// Notes that `count` parts could not even be listed because their table is cut.
    pub(crate) fn missing_entries(&mut self, count: u64) {
        self.parts = self.parts.saturating_add(count);
        self.missing = self.missing.saturating_add(count);
    }

    /// A name to share between regions and modules; all together they are bounded.
    pub(crate) fn name(&mut self, name: &str) -> Arc<str> {
        self.names_bytes = self.names_bytes.saturating_add(name.len());
        if self.names_bytes <= limits::ALL_NAMES_BYTES {
            return name.into();
        }
        self.warn_once(
            WarningKind::Limit,
            format!("names after the first {} bytes are left out", grouped(limits::ALL_NAMES_BYTES as u64)),
        );
        self.nameless.clone()
    }

    /// Adds a module.
    pub(crate) fn module(&mut self, name: Arc<str>, address: u64, size: u64) {
        if self.modules.len() < limits::MODULES {
            self.modules.push(Module { name, address, size });
        } else {
            self.warn_once(WarningKind::Limit, format!("only the first {} modules are named", limits::MODULES));
        }
    }

    /// Adds what lies after `end`, the last byte that the headers describe, as overlay.
    pub(crate) fn overlay(&mut self, end: u64) {
        let len = self.src.len().saturating_sub(end);
        self.region(end, len, None, Label::Overlay, Permissions::Unknown);
    }

    pub(crate) fn warn(&mut self, kind: WarningKind, message: impl Display) {
        if self.warnings.len() < limits::WARNINGS {
            self.warnings.push(Warning { kind, message: message.to_string() });
        }
    }

    pub(crate) fn warn_once(&mut self, kind: WarningKind, message: String) {
        if self.warnings.iter().all(|warning| warning.message != message) {
            self.warn(kind, message);
        }
    }

    /// The regions so far, for a reader that labels them after it has seen everything.
    pub(crate) fn regions_mut(&mut self) -> &mut [Region] {
        &mut self.regions
    }

    /// The file offset after the last byte that the headers describe so far.
    pub(crate) fn described_end(&self) -> u64 {
        self.promised
    }

    pub(crate) fn finish(mut self) -> Image {
        self.warn_if_cut();
        self.remove_overlaps();
        self.modules.sort_by_key(|module| module.address);
        let by_address = address_index(&self.regions);
        Image {
            format: self.format,
            architecture: self.architecture,
            regions: self.regions,
            process: self.process,
            modules: self.modules,
            warnings: self.warnings,
            by_address,
        }
    }

    fn warn_if_cut(&mut self) {
        let incomplete = self.missing.saturating_add(self.cut);
        if incomplete == 0 {
            return;
        }
        let (len, promised) = (grouped(self.src.len()), grouped(self.promised));
        let of = if self.promised > self.src.len() { format!(" of {promised}") } else { String::new() };
        let message = format!(
            "{} is cut after {len}{of} bytes: {} of {} parts are missing, {} end early",
            self.format,
            grouped(self.missing),
            grouped(self.parts),
            grouped(self.cut)
        );
        self.warn(WarningKind::Truncated, message);
    }

    /// Sorts by file offset; where two regions claim the same bytes, the one that starts first keeps them (the longer
    /// one, if they start together).
    fn remove_overlaps(&mut self) {
        self.regions.sort_by_key(|region| (region.file_offset, std::cmp::Reverse(region.len)));
        let mut end = 0_u64;
        let mut overlaps = 0_u64;
        self.regions.retain_mut(|region| {
            let covered = end.saturating_sub(region.file_offset).min(region.len);
            if covered > 0 {
                overlaps += 1;
                region.file_offset += covered;
                region.len -= covered;
                region.address = region.address.and_then(|address| address.checked_add(covered));
            }
            end = end.max(region.file_end());
            region.len > 0
        });
        if overlaps > 0 {
            let message = format!("{} regions overlap others in the file", grouped(overlaps));
            self.warn(WarningKind::Damaged, message);
        }
    }
}

/// Indices of the regions with an address in the order of addresses; of two that overlap, the lower one stays.
fn address_index(regions: &[Region]) -> Vec<u32> {
    let mut index: Vec<u32> =
        (0..).zip(regions).filter(|(_, region)| region.address.is_some()).map(|(i, _)| i).collect();
    let span = |i: u32| regions.get(i as usize).and_then(|region| Some((region.address?, region.len)));
    index.sort_by_key(|i| span(*i));
    let mut next_free = 0_u128;
    index.retain(|i| {
        let Some((start, len)) = span(*i) else { return false };
        let free = u128::from(start) >= next_free;
        if free {
            next_free = u128::from(start) + u128::from(len);
        }
        free
    });
    index
}

/// A number with thousands separators.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
