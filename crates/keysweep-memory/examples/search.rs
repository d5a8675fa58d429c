//! Searches a dump for keys that lie in it as bare numbers, and says where: `search [--jobs N] [--modulus HEX]... FILE...`

use keysweep_image::{Image, recognise};
use keysweep_keys::PublicKey;
use keysweep_memory::{Memory, Segment};
use std::time::Instant;

/// A file and what its headers say.
struct Dump {
    bytes: Vec<u8>,
    image: Image,
    segments: Vec<Segment>,
    /// Address ranges and the file offsets of their first bytes, sorted.
    addresses: Vec<(u64, u64, u64)>,
}

impl Dump {
    fn read(path: &str) -> std::io::Result<Self> {
        let bytes = std::fs::read(path)?;
        let image = recognise(&bytes);
        let segment = |r: &keysweep_image::Region| Segment { offset: r.file_offset, len: r.len, address: r.address };
        let mut segments: Vec<Segment> = image.regions.iter().map(segment).collect();
        segments.sort_by_key(|segment| segment.offset);
        segments.dedup_by(|next, last| next.offset < last.offset + last.len);
        if segments.is_empty() {
            segments.push(Segment { offset: 0, len: bytes.len() as u64, address: None });
        }
        let mut addresses: Vec<_> = segments.iter().filter_map(|s| Some((s.address?, s.len, s.offset))).collect();
        addresses.sort_unstable();
        Ok(Self { bytes, image, segments, addresses })
    }
}

impl Memory for Dump {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> usize {
        let tail = self.bytes.get(offset as usize..).unwrap_or_default();
        let count = tail.len().min(buf.len());
        buf[..count].copy_from_slice(&tail[..count]);
        count
    }

    fn segments(&self) -> &[Segment] {
        &self.segments
    }

    fn locate(&self, address: u64) -> Option<(u64, u64)> {
        let index = self.addresses.partition_point(|(first, ..)| *first <= address).checked_sub(1)?;
        let (first, len, offset) = self.addresses[index];
        let inside = address - first;
        (inside < len).then(|| (offset + inside, len - inside))
    }

    fn address_of(&self, offset: u64) -> Option<u64> {
        let index = self.segments.partition_point(|s| s.offset <= offset).checked_sub(1)?;
        let segment = &self.segments[index];
        let inside = offset - segment.offset;
        segment.address.filter(|_| inside < segment.len).map(|address| address + inside)
    }

    fn pointer_bytes(&self) -> usize {
        let narrow = ["x86", "i386", "arm", "mips", "ppc"];
        if self.image.architecture.as_deref().is_some_and(|a| narrow.contains(&a)) { 4 } else { 8 }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut jobs, mut public, mut survey_only) = (1, Vec::new(), false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--jobs" => jobs = arguments.next().ok_or("--jobs N")?.parse()?,
            "--survey" => survey_only = true,
            "--modulus" => {
                let modulus = arguments.next().ok_or("--modulus HEX")?;
                public
                    .push(PublicKey::rsa(&data_encoding::HEXLOWER_PERMISSIVE.decode(modulus.as_bytes())?, &[1, 0, 1]));
            }
            path => report(path, &public, jobs, survey_only)?,
        }
    }
    Ok(())
}

fn report(path: &str, public: &[PublicKey], jobs: usize, survey_only: bool) -> std::io::Result<()> {
    let dump = Dump::read(path)?;
    let start = Instant::now();
    if survey_only {
        let survey = keysweep_memory::survey::survey(&dump, jobs);
        let words: u64 = survey.runs.iter().map(|run| run.words).sum();
        println!("{path}: {:.3} s, {} runs of {words} words", start.elapsed().as_secs_f64(), survey.runs.len());
        let mut kinds = std::collections::BTreeMap::new();
        for number in &survey.numbers {
            *kinds.entry((number.structure, number.order.name())).or_insert(0) += 1;
        }
        kinds.iter().for_each(|(kind, count)| println!("  {count} {} {}", kind.0, kind.1));
        return Ok(());
    }
    let outcome = keysweep_memory::search(&dump, public, jobs);
    println!("{path}: {:.3} s, {} keys, {:?}", start.elapsed().as_secs_f64(), outcome.found.len(), outcome.limits);
    for found in &outcome.found {
        let material = &found.material;
        println!("  {} {} bits, {}: {}", material.algorithm, material.bits, found.rule, material.proof.statement);
        println!("    SHA-256 {}", material.public.as_ref().map_or("-".into(), |public| public.hex()));
        material.details.iter().for_each(|(name, value)| println!("    {name}: {value}"));
        for place in found.places.iter().take(40) {
            let address = dump.address_of(place.offset).map_or("-".into(), |address| format!("{address:#x}"));
            println!("    {:#x} ({address}) {} bytes: {}", place.offset, place.len, place.what);
        }
    }
    Ok(())
}
