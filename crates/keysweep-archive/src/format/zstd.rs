//! zstd: any number of frames, one after the other, some of them skippable (RFC 8878).

use super::{Behind, Open, Reader, Unpacked};
use crate::reader::Peek;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::io::{self, BufReader, Read};

const SUFFIXES: &[(&str, &str)] = &[(".tzst", ".tar"), (".zst", ""), (".zstd", "")];

pub(super) const READER: Reader = Reader { name: "zstd", detect, open: Open::Single(open, SUFFIXES) };

const MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";
/// Largest window: what `zstd --ultra -22` and `--long` ask for.
const WINDOW: u64 = 128 << 20;

/// The magic number of a frame, or a skippable frame before one: what is not right behind it is told when it is opened.
fn detect(head: &[u8]) -> bool {
    behind_skippable(head).starts_with(MAGIC)
}

/// What follows the first few skippable frames; nothing if they are longer than the head.
pub(super) fn behind_skippable(head: &[u8]) -> &[u8] {
    let mut rest = head;
    for _ in 0..4 {
        let Some(size) = skippable(rest) else { break };
        rest = rest.get(8 + size as usize..).unwrap_or_default();
    }
    rest
}

/// The size of a skippable frame of zstd or lz4, without its header of 8 bytes.
pub(super) fn skippable(head: &[u8]) -> Option<u32> {
    let size = head.get(4..8)?.try_into().ok().map(u32::from_le_bytes)?;
    (head[0] & 0xf0 == 0x50 && &head[1..4] == b"\x2a\x4d\x18").then_some(size)
}

fn open(input: &mut dyn Read, out: &mut Unpacked<'_, '_>) {
    let mut frames = Frames::new(BufReader::with_capacity(64 << 10, input));
    out.content(&mut frames);
    if let (Some((mut rest, _)), true) = (frames.between, frames.over) {
        out.behind(&mut rest, Behind::Strange);
    }
}

/// A reader for all frames.
pub(super) fn decoder<'a>(input: impl Read + 'a) -> Box<dyn Read + 'a> {
    Box::new(Frames::new(input))
}

/// Whether the checksum of a frame that was read, if it has one, is that of its bytes.
fn is_sound(decoder: &FrameDecoder) -> bool {
    decoder.get_checksum_from_data().is_none_or(|sum| decoder.get_calculated_checksum() == Some(sum))
}

/// All frames as one stream.
struct Frames<R: Read> {
    /// Absent while a frame is read, and where reading failed.
    between: Option<(Peek<R>, FrameDecoder)>,
    frame: Option<StreamingDecoder<Peek<R>, FrameDecoder>>,
    /// Whether there is no further frame.
    over: bool,
}

impl<R: Read> Frames<R> {
    fn new(input: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW);
        Self { between: Some((Peek::new(input), decoder)), frame: None, over: false }
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() || self.over {
            return Ok(0);
        }
        loop {
            if let Some(frame) = &mut self.frame {
                let count = frame.read(buf)?;
                if count > 0 {
                    return Ok(count);
                }
                self.between = self.frame.take().map(StreamingDecoder::into_parts);
                if self.between.as_ref().is_some_and(|(_, decoder)| !is_sound(decoder)) {
                    self.between = None;
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum of a frame is wrong"));
                }
            }
            let Some((mut source, decoder)) = self.between.take() else { return Ok(0) };
            let next = source.peek()?;
            if let Some(size) = skippable(next) {
                let len = u64::from(size) + 8;
                if io::copy(&mut source.by_ref().take(len), &mut io::sink())? < len {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.between = Some((source, decoder));
                continue;
            }
            if !next.starts_with(MAGIC) {
                // The end, or something else is appended.
                self.over = true;
                self.between = Some((source, decoder));
                return Ok(0);
            }
            self.frame = Some(StreamingDecoder::new_with_decoder(source, decoder).map_err(io::Error::other)?);
        }
    }
}
