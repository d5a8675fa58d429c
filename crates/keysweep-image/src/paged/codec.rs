//! What pages of dumps are compressed with.

use flate2::{Decompress, FlushDecompress, Status};
use ruzstd::decoding::FrameDecoder;
use zeroize::Zeroizing;

/// How a page is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Zlib,
    Lzo1x,
    Snappy,
    Zstd,
}

/// Largest window of a zstd frame, in bytes: a page has no use for more than its own size.
const ZSTD_WINDOW: u64 = 1 << 20;

/// Decoders with their tables, and a buffer for what they read; kept from one read to the next.
pub(super) struct Decoders {
    inflate: Decompress,
    zstd: Option<Box<FrameDecoder>>,
    pub(super) input: Zeroizing<Vec<u8>>,
}

impl Decoders {
    pub(super) fn new() -> Self {
        Self { inflate: Decompress::new(true), zstd: None, input: Zeroizing::default() }
    }

    /// Unpacks a part of [`Decoders::input`] to all of `out`; `false` if it is anything else than that many bytes, and `out` then
    /// holds no one knows what.
    pub(super) fn unpack_input(&mut self, method: Method, from: usize, len: usize, out: &mut [u8]) -> bool {
        let Some(data) = from.checked_add(len).and_then(|end| self.input.get(from..end)) else { return false };
        unpack(&mut self.inflate, &mut self.zstd, method, data, out) == Some(out.len())
    }
}

/// The number of bytes that were unpacked to `out`.
fn unpack(
    inflate: &mut Decompress,
    zstd: &mut Option<Box<FrameDecoder>>,
    method: Method,
    data: &[u8],
    out: &mut [u8],
) -> Option<usize> {
    match method {
        Method::Stored if data.len() == out.len() => {
            out.copy_from_slice(data);
            Some(out.len())
        }
        Method::Stored => None,
        Method::Zlib => {
            inflate.reset(true);
            let status = inflate.decompress(data, out, FlushDecompress::Finish).ok()?;
            let made = usize::try_from(inflate.total_out()).ok()?;
            (status == Status::StreamEnd).then_some(made)
        }
        Method::Lzo1x => lzokay::decompress::decompress(data, out).ok(),
        Method::Snappy => {
            let exact = snap::raw::decompress_len(data).ok()? == out.len();
            if exact { snap::raw::Decoder::new().decompress(data, out).ok() } else { None }
        }
        Method::Zstd => {
            let decoder = zstd.get_or_insert_with(|| {
                let mut decoder = Box::new(FrameDecoder::new());
                decoder.set_max_window_size(ZSTD_WINDOW);
                decoder
            });
            let outcome = decoder.decode_all(data, out).ok();
            if outcome.is_none() {
                *zstd = None; // What is left of a damaged frame must not be met by the next one.
            }
            outcome
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One page, as the libraries of the formats compress it: liblzo2 2.10, libzstd 1.5.4, libsnappy 1.1.9, zlib 1.2.13.
    const PACKED: [(Method, &str); 4] = [
        (
            Method::Lzo1x,
            "02000102030420000000dd100002151112131420000000dd100002282a22242620000000dd10000237393b333520000000ce\
             10000c3537393b333537393b333537393b33110000",
        ),
        (Method::Zstd, "28b52ffd60000f0d0100a000010203041511121314282a22242637393b33350444052df8017e801fe04709"),
        (
            Method::Snappy,
            "8020100001020304fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500\
             fe0500ea0500101511121314fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe05\
             00fe0500fe0500ea050010282a222426fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe\
             0500fe0500fe0500fe0500ea05001037393b3335fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500fe0500\
             fe0500fe0500fe0500fe0500fe0500ea0500",
        ),
        (
            Method::Zlib,
            "7801636064626661182546c360341d8cc46c202a28242c324a8c86c1683a1891d940434b49456d94180d83d1743022b381b9\
             a5b5b1e928311a06a3e960446603005e61c80f",
        ),
    ];

    fn page() -> Vec<u8> {
        (0..4096_u32).map(|i| (i / 1024 * 17 + i % 5 * (1 + i / 2048)) as u8).collect()
    }

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn what_the_libraries_make_is_read() {
        let mut decoders = Decoders::new();
        for (method, hex) in PACKED {
            let packed = bytes(hex);
            let len = packed.len();
            *decoders.input = packed;
            // Twice, since tables are kept.
            for _ in 0..2 {
                let mut out = vec![0; 4096];
                assert!(decoders.unpack_input(method, 0, len, &mut out), "{method:?}");
                assert!(out == page(), "{method:?}");
                // A page of another size is none.
                assert!(!decoders.unpack_input(method, 0, len, &mut out[..4095]), "{method:?}");
                assert!(!decoders.unpack_input(method, 0, len, &mut [0; 4097]), "{method:?}");
                assert!(!decoders.unpack_input(method, 0, len + 1, &mut out), "{method:?}");
            }
        }
    }

    #[test]
    fn damaged_pages_do_no_harm() {
        let mut decoders = Decoders::new();
        let mut state = 5_u64;
        let mut below = |limit: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % limit
        };
        let mut out = vec![0; 4096];
        for (method, hex) in PACKED {
            let packed = bytes(hex);
            for len in 0..packed.len() {
                *decoders.input = packed[..len].to_vec();
                assert!(!decoders.unpack_input(method, 0, len, &mut out), "{method:?} {len}");
            }
            for _ in 0..20_000 {
                let mut damaged = packed.clone();
                for _ in 0..=below(4) {
                    let at = below(damaged.len());
                    damaged[at] = [0, 0xff, below(256) as u8][below(3)];
                }
                let len = damaged.len();
                *decoders.input = damaged;
                decoders.unpack_input(method, 0, len, &mut out);
            }
            // And a whole one is read after all that.
            *decoders.input = packed.clone();
            assert!(decoders.unpack_input(method, 0, packed.len(), &mut out) && out == page(), "{method:?}");
        }
    }
}
