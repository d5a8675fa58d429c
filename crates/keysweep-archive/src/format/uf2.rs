//! UF2: what is written to the flash memory of a microcontroller, in blocks of 512 bytes.
//!
//! Source: Microsoft, "USB Flashing Format (UF2)". All numbers are little-endian.

use super::segments::{Records, damaged, hand_on};
use super::{Open, Reader, Walk};
use crate::reader::Stream;
use std::io;

/// The bytes that are not a member's are headers and padding.
pub(super) const READER: Reader = Reader { name: "UF2", detect, open: Open::Texts(open) };

const BLOCK: usize = 512;
const MAGIC: [u32; 3] = [0x0a32_4655, 0x9e5d_5157, 0x0ab1_6f30];
const HEADER: usize = 32;
const MAX_DATA: usize = 476;
/// The block is a comment.
const NOT_FOR_FLASH: u32 = 1;

fn word(block: &[u8], at: usize) -> u32 {
    block.get(at..at + 4).map_or(0, |bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

fn is_block(block: &[u8]) -> bool {
    [word(block, 0), word(block, 4), word(block, BLOCK - 4)] == MAGIC && word(block, 16) as usize <= MAX_DATA
}

fn detect(head: &[u8]) -> bool {
    head.len() >= BLOCK && is_block(head)
}

fn open(input: &mut Stream<'_>, walk: &mut Walk<'_>) {
    hand_on(&mut Blocks(input), READER.name, walk);
}

struct Blocks<'a, 'b>(&'a mut Stream<'b>);

impl Records for Blocks<'_, '_> {
    fn next(&mut self, bytes: &mut Vec<u8>) -> io::Result<Option<u64>> {
        let mut block = [0; BLOCK];
        loop {
            match self.0.fill(&mut block)? {
                0 => return Ok(None),
                BLOCK if is_block(&block) => {}
                BLOCK => return Err(damaged("a block is none")),
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
            if word(&block, 8) & NOT_FOR_FLASH == 0 {
                bytes.extend_from_slice(&block[HEADER..HEADER + word(&block, 16) as usize]);
                return Ok(Some(u64::from(word(&block, 12))));
            }
        }
    }
}
