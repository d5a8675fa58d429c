//! Searches a dump for keys that lie in it as bare numbers, and says where:
//! `search [--jobs N] [--modulus HEX]... [--survey] [--only RULE] FILE...`

use keysweep_image::{Image, recognise};
use keysweep_keys::PublicKey;
use keysweep_memory::search::{Context, Outcome, all};
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
    let mut options = Options { jobs: 1, ..Options::default() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--jobs" => options.jobs = arguments.next().ok_or("--jobs N")?.parse()?,
            "--survey" => options.survey = true,
            "--only" => options.only = arguments.next().ok_or("--only RULE")?,
            "--modulus" => {
                let modulus = arguments.next().ok_or("--modulus HEX")?;
                let modulus = data_encoding::HEXLOWER_PERMISSIVE.decode(modulus.as_bytes())?;
                options.public.push(PublicKey::rsa(&modulus, &[1, 0, 1]));
            }
            path => report(path, &options)?,
        }
    }
    Ok(())
}

#[derive(Default)]
struct Options {
    jobs: usize,
    public: Vec<PublicKey>,
    survey: bool,
    only: String,
}

/// As [`keysweep_memory::search`], with the finders of some rules; these do not see what texts say.
fn search(dump: &Dump, options: &Options) -> Outcome {
    if options.only.is_empty() {
        return keysweep_memory::search(dump, &options.public, options.jobs, keysweep_memory::Effort::Full);
    }
    let start = Instant::now();
    let survey = keysweep_memory::survey::survey(dump, options.jobs);
    println!("{:.3} s for the survey", start.elapsed().as_secs_f64());
    let context = Context {
        memory: dump,
        survey: &survey,
        public: &options.public,
        jobs: options.jobs,
        effort: keysweep_memory::Effort::Full,
    };
    let mut outcome = Outcome::default();
    for (finder, spots) in all().iter().zip(&survey.spots) {
        if finder.rules().iter().any(|rule| rule.contains(&options.only)) {
            let start = Instant::now();
            finder.find(&context, spots, &mut outcome);
            println!("{:.3} s for {}", start.elapsed().as_secs_f64(), finder.rules().join(", "));
        }
    }
    outcome
}

fn report(path: &str, options: &Options) -> std::io::Result<()> {
    let dump = Dump::read(path)?;
    let start = Instant::now();
    if options.survey {
        let survey = keysweep_memory::survey::survey(&dump, options.jobs);
        let words: u64 = survey.runs.iter().map(|run| run.words).sum();
        println!("{path}: {:.3} s, {} runs of {words} words", start.elapsed().as_secs_f64(), survey.runs.len());
        let mut kinds = std::collections::BTreeMap::new();
        for number in &survey.numbers {
            *kinds.entry((number.structure, number.order.name())).or_insert(0) += 1;
        }
        kinds.iter().for_each(|(kind, count)| println!("  {count} {} {}", kind.0, kind.1));
        return Ok(());
    }
    let outcome = search(&dump, options);
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
