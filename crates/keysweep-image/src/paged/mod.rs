//! Dumps whose bytes are not those of the memory: they are read as the memory that they unpack to.
//!
//! [`open`] gives for such a dump a source in which the offset of a byte is its physical address. Pages are unpacked when they
//! are read, and none is kept but a few for small reads; what the dump does not hold is no extent of the source, and reads as
//! zeros. Pages that should be there and cannot be had read as zeros, too, and are counted ([`Opened::losses`]).

mod avml;
mod bitmap;
mod codec;
mod flat;
mod kdump;
mod kdump_pages;
mod losses;
mod runs;

use std::io;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::builder::Builder;
use crate::image::{Format, Image, Label, Permissions, Warning, WarningKind};
use crate::read::ReadAt;
use crate::recognise::{head_of, recognise_by};
use losses::{Loss, Losses};

/// Bytes of memory for each byte of the file, if that is more than [`FREE`]. With pages of 4 KiB, descriptors alone keep to a
/// third of it.
const RATIO: u64 = 500;
/// Bytes of memory that are searched whatever the size of the file.
const FREE: u64 = 1 << 30;
/// Blocks that are kept for small reads.
const KEPT: u64 = 64;
/// Blocks of a read that are worth being kept.
const FEW: u64 = 8;

/// Where a lost page is told, by its number.
type Lost<'a> = dyn FnMut(Loss, u64) + 'a;

/// A memory in blocks of one size.
trait Blocks: Sync {
    /// Unpacks the blocks from the one numbered `first` on, until `out` is full, which is a multiple of a block.
    fn fill(&self, first: u64, out: &mut [u8], lost: &mut Lost<'_>);
}

/// Whether the start of a source shows a dump that [`open`] unpacks.
#[must_use]
pub fn is_packed(head: &[u8]) -> bool {
    kdump::detect(head) || flat::detect(head) || avml::detect(head)
}

/// Recognises a source, as [`recognise`](crate::recognise()) does, and opens dumps whose bytes are not those of the memory.
#[must_use]
pub fn open(src: &dyn ReadAt) -> Opened<'_> {
    let head = head_of(src);
    if flat::detect(&head) {
        let (flat, problem) = flat::Flat::new(src);
        let mut opened = open_rearranged(Box::new(flat), src, &head);
        if let (Some(problem), true) = (problem, opened.is_unpacked()) {
            let message = format!("the flattened dump is not whole: {problem}");
            opened.image.warnings.insert(0, Warning { kind: WarningKind::Truncated, message });
        }
        return opened;
    }
    let opened = match () {
        () if kdump::detect(&head) => open_kdump(Box::new(src), src.len()),
        () if avml::detect(&head) => open_avml(src),
        () => Err(()),
    };
    opened.unwrap_or_else(|()| plain(src, &head))
}

/// Opens what a flattened file makes: a dump with compressed pages, or in ELF.
fn open_rearranged<'a>(flat: Box<flat::Flat<'a>>, src: &'a dyn ReadAt, head: &[u8]) -> Opened<'a> {
    let inner = head_of(&*flat);
    if kdump::detect(&inner) {
        return open_kdump(flat, src.len()).unwrap_or_else(|()| plain(src, head));
    }
    let image = recognise_by(&*flat, &inner);
    match image.format.is_dump() && image.format != Format::CompressedDump {
        true => Opened { image, content: Content::Unpacked(flat, None) },
        false => plain(src, head),
    }
}

fn plain<'a>(src: &'a dyn ReadAt, head: &[u8]) -> Opened<'a> {
    Opened { image: recognise_by(src, head), content: Content::Plain(src) }
}

/// Opens a dump of which the file takes `stored` bytes; an error if its headers make no sense.
fn open_kdump<'a>(src: Box<dyn ReadAt + 'a>, stored: u64) -> Result<Opened<'a>, ()> {
    let header = kdump::Header::read(&*src).ok_or(())?;
    let (bitmap, runs, _) = bitmap::Bitmap::new(&*src, header.bitmap, header.pages.clone());
    let mut extents = runs.extents(header.page);
    let page = header.page;
    let described = header.clone();
    let nothing: &[u8] = &[];
    let mut image = Builder::new(&nothing, Format::Kdump);
    described.describe(&*src, &mut image);
    cut(&mut extents, stored, page, &mut image);
    if header.pages.end > bitmap::MAX_PAGES {
        image.warn(WarningKind::Truncated, "not searched to its end: it tells of more memory than is looked at");
    }
    let paged = Paged::new(Box::new(kdump_pages::KdumpPages::new(src, header, bitmap)), page, extents);
    Ok(paged.opened(image))
}

/// Opens a compressed image of AVML; an error if there is no memory in it.
fn open_avml(src: &dyn ReadAt) -> Result<Opened<'_>, ()> {
    let (avml, runs, problem) = avml::Avml::new(src).ok_or(())?;
    let mut extents = runs.extents(avml::PAGE);
    let nothing: &[u8] = &[];
    let mut image = Builder::new(&nothing, Format::Avml);
    if let Some(problem) = problem {
        image.warn(WarningKind::Truncated, format!("the image is not whole: {problem}"));
    }
    cut(&mut extents, src.len(), avml::PAGE, &mut image);
    Ok(Paged::new(Box::new(avml), avml::PAGE, extents).opened(image))
}

/// Cuts what a file of `stored` bytes is said to unpack to, at a bound that no honest one comes to.
fn cut(extents: &mut Vec<Range<u64>>, stored: u64, page: u64, image: &mut Builder<'_>) {
    let most = stored.saturating_mul(RATIO).max(FREE);
    if runs::cut(extents, most - most % page) {
        image.warn(WarningKind::Truncated, "not searched to its end: it unpacks to too many times its size");
    }
}

/// A source that was recognised, and what there is to search.
pub struct Opened<'a> {
    /// What it is. Offsets are those in [`Opened::source`].
    pub image: Image,
    content: Content<'a>,
}

enum Content<'a> {
    /// The bytes as they are.
    Plain(&'a dyn ReadAt),
    /// Other bytes, with what was lost of them.
    Unpacked(Box<dyn ReadAt + 'a>, Option<std::sync::Arc<Losses>>),
}

impl Opened<'_> {
    /// What there is to search: the source itself, or the memory that it unpacks to.
    #[must_use]
    pub fn source(&self) -> &dyn ReadAt {
        match &self.content {
            Content::Plain(src) => *src,
            Content::Unpacked(memory, _) => &**memory,
        }
    }

    /// Whether that is not the source itself.
    #[must_use]
    pub fn is_unpacked(&self) -> bool {
        matches!(self.content, Content::Unpacked(..))
    }

    /// Which of the pages that were read so far could not be had, in one sentence without a full stop.
    #[must_use]
    pub fn losses(&self) -> Option<String> {
        match &self.content {
            Content::Unpacked(_, Some(losses)) => losses.describe(),
            _ => None,
        }
    }
}

/// A memory that is unpacked when it is read.
struct Paged<'a> {
    blocks: Box<dyn Blocks + 'a>,
    block: u64,
    extents: Vec<Range<u64>>,
    losses: std::sync::Arc<Losses>,
    /// Blocks by the last digits of their numbers.
    kept: Vec<Mutex<Option<Kept>>>,
}

/// The number of a block, and its bytes.
type Kept = (u64, Zeroizing<Vec<u8>>);

impl<'a> Paged<'a> {
    fn new(blocks: Box<dyn Blocks + 'a>, block: u64, extents: Vec<Range<u64>>) -> Self {
        let kept = (0..KEPT).map(|_| Mutex::default()).collect();
        Self { blocks, block, extents, losses: std::sync::Arc::default(), kept }
    }

    /// Ends the image with a region for each extent.
    fn opened(self, image: Builder<'_>) -> Opened<'a> {
        let mut image = image.onto(&self);
        for extent in &self.extents {
            let len = extent.end - extent.start;
            image.region(extent.start, len, Some(extent.start), Label::Physical, Permissions::Unknown);
        }
        let image = image.finish();
        let losses = std::sync::Arc::clone(&self.losses);
        Opened { image, content: Content::Unpacked(Box::new(self), Some(losses)) }
    }

    fn fill(&self, first: u64, out: &mut [u8]) {
        self.blocks.fill(first, out, &mut |loss, block| self.losses.note(loss, block));
    }

    /// Copies a part of a block, which is kept.
    fn copy(&self, block: u64, from: usize, out: &mut [u8]) {
        let Some(place) = self.kept.get((block % KEPT) as usize) else { return };
        let mut kept = place.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = kept.as_ref().is_none_or(|(number, _)| *number != block);
        let (number, bytes) = kept.get_or_insert_with(|| (block, Zeroizing::new(vec![0; self.block as usize])));
        if is_new {
            *number = block;
            self.fill(block, bytes);
        }
        if let Some(part) = bytes.get(from..from + out.len()) {
            out.copy_from_slice(part);
        }
    }
}

impl ReadAt for Paged<'_> {
    fn len(&self) -> u64 {
        self.extents.last().map_or(0, |last| last.end)
    }

    fn extents(&self) -> Vec<Range<u64>> {
        self.extents.clone()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.len().saturating_sub(offset)).unwrap_or(usize::MAX).min(buf.len());
        let block = self.block as usize;
        let mut done = 0;
        while done < want {
            let position = offset + done as u64;
            let (number, from) = (position / self.block, (position % self.block) as usize);
            let whole = (want - done) / block;
            if from > 0 || whole == 0 || whole as u64 <= FEW {
                let here = (block - from).min(want - done);
                self.copy(number, from, &mut buf[done..done + here]);
                done += here;
            } else {
                self.fill(number, &mut buf[done..done + whole * block]);
                done += whole * block;
            }
        }
        Ok(want)
    }
}
