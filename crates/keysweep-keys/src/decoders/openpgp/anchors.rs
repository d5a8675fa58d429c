//! What secret key packets have in them that nothing else has. Their first bytes alone are not enough: they occur everywhere.

use crate::decoder::Anchor;

/// How a packet is found from an anchor in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At the exponent of RSA.
    Exponent,
    /// At the identifier of a curve.
    Curve,
    /// At GnuPG's mark of a stub.
    Stub,
    /// In a signature that follows a key and its user ids, so many bytes before its body.
    Signature(usize),
    /// At the beginning of the packet.
    Start,
    /// In Base64 of the packet.
    Base64,
}

macro_rules! table {
    ($($place:expr => [$($anchor:expr),+ $(,)?]),+ $(,)?) => {
        pub(super) const ANCHORS: &[Anchor] = &[$($($anchor,)+)+];
        pub(super) const PLACES: &[Place] = &[$($(table!(@ $anchor, $place),)+)+];
    };
    (@ $anchor:expr, $place:expr) => { $place };
}

table! {
    // The exponent 65537 and the usage octet: open, AEAD, with a hash, with a sum.
    Place::Exponent => [
        Anchor::binary(b"\x00\x11\x01\x00\x01\x00"),
        Anchor::binary(b"\x00\x11\x01\x00\x01\xfd"),
        Anchor::binary(b"\x00\x11\x01\x00\x01\xfe"),
        Anchor::binary(b"\x00\x11\x01\x00\x01\xff"),
    ],
    // Length and object identifier of a curve; before those that DER has, too, the algorithm or the length of the numbers.
    Place::Curve => [
        Anchor::binary(b"\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01"),
        Anchor::binary(b"\x0a\x2b\x06\x01\x04\x01\x97\x55\x01\x05\x01"),
        Anchor::binary(b"\x13\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"),
        Anchor::binary(b"\x12\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"),
        Anchor::binary(b"\x4c\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"),
        Anchor::binary(b"\x50\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"),
        Anchor::binary(b"\x13\x05\x2b\x81\x04\x00\x22"),
        Anchor::binary(b"\x12\x05\x2b\x81\x04\x00\x22"),
        Anchor::binary(b"\x69\x05\x2b\x81\x04\x00\x22"),
        Anchor::binary(b"\x6d\x05\x2b\x81\x04\x00\x22"),
        Anchor::binary(b"\x13\x05\x2b\x81\x04\x00\x23"),
        Anchor::binary(b"\x12\x05\x2b\x81\x04\x00\x23"),
        Anchor::binary(b"\x8d\x05\x2b\x81\x04\x00\x23"),
        Anchor::binary(b"\x91\x05\x2b\x81\x04\x00\x23"),
        Anchor::binary(b"\x13\x05\x2b\x81\x04\x00\x0a"),
        Anchor::binary(b"\x12\x05\x2b\x81\x04\x00\x0a"),
        Anchor::binary(b"\x13\x09\x2b\x24\x03\x03\x02\x08\x01\x01"),
        Anchor::binary(b"\x12\x09\x2b\x24\x03\x03\x02\x08\x01\x01"),
        Anchor::binary(b"\x4d\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x07"),
        Anchor::binary(b"\x51\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x07"),
        Anchor::binary(b"\x16\x03\x2b\x65\x71"),
        Anchor::binary(b"\x3e\x03\x2b\x65\x71"),
        Anchor::binary(b"\x12\x03\x2b\x65\x6f"),
        Anchor::binary(b"\x41\x03\x2b\x65\x6f"),
    ],
    // GnuPG's mark of a stub.
    Place::Stub => [Anchor::binary(b"\x65\x00GNU\x01"), Anchor::binary(b"\x65\x00GNU\x02")],
    // Signatures by DSA keys over themselves with SHA-1 and the SHA-2 family, generic and positive.
    Place::Signature(0) => [
        Anchor::binary(b"\x04\x13\x11\x02\x00"),
        Anchor::binary(b"\x04\x13\x11\x08\x00"),
        Anchor::binary(b"\x04\x13\x11\x09\x00"),
        Anchor::binary(b"\x04\x13\x11\x0a\x00"),
        Anchor::binary(b"\x04\x13\x11\x0b\x00"),
        Anchor::binary(b"\x04\x10\x11\x02\x00"),
        Anchor::binary(b"\x04\x10\x11\x08\x00"),
        // RSA, for other exponents than 65537, and signatures of the algorithms of RFC 9580.
        Anchor::binary(b"\x04\x13\x01\x02\x00"),
        Anchor::binary(b"\x04\x13\x1b\x08\x00"),
        Anchor::binary(b"\x04\x13\x1b\x0a\x00"),
        Anchor::binary(b"\x04\x13\x1c\x0a\x00"),
        Anchor::binary(b"\x04\x13\x1c\x0e\x00"),
        Anchor::binary(b"\x06\x1f\x1b\x08\x00\x00"),
        Anchor::binary(b"\x06\x1f\x1b\x0a\x00\x00"),
        Anchor::binary(b"\x06\x1f\x1b\x0c\x00\x00"),
        Anchor::binary(b"\x06\x1f\x1b\x0e\x00\x00"),
        Anchor::binary(b"\x06\x1f\x1c\x0a\x00\x00"),
        Anchor::binary(b"\x06\x1f\x1c\x0e\x00\x00"),
        Anchor::binary(b"\x06\x13\x1b\x0a\x00\x00"),
        Anchor::binary(b"\x06\x13\x1c\x0e\x00\x00"),
    ],
    // Signatures of PGP 2 by keys of 512, 768, 1024 and 2048 bits, with the headers of their packets.
    Place::Signature(3) => [
        Anchor::binary(b"\x89\x00\x55\x03\x05\x10"),
        Anchor::binary(b"\x89\x00\x75\x03\x05\x10"),
        Anchor::binary(b"\x89\x00\x95\x03\x05\x10"),
        Anchor::binary(b"\x89\x01\x15\x03\x05\x10"),
        Anchor::binary(b"\x89\x00\x95\x02\x05\x10"),
    ],
    // Open keys of RFC 9580, whose packets have one length each: Ed25519 and X25519, Ed448, X448, in versions 6 and 4.
    Place::Start => [
        Anchor::binary(b"\xc5\x4b\x06"),
        Anchor::binary(b"\xc7\x4b\x06"),
        Anchor::binary(b"\xc5\x7d\x06"),
        Anchor::binary(b"\xc7\x7b\x06"),
        Anchor::binary(b"\xc5\x49\x04"),
        Anchor::binary(b"\xc7\x49\x04"),
    ],
    // The exponent of RSA and the usage octet 0, 254 or 255 in Base64, at each of three phases; then the identifier of
    // Ed25519.
    Place::Base64 => [
        Anchor::text("ABEBAAEA"),
        Anchor::text("ABEBAAH+"),
        Anchor::text("ABEBAAH/"),
        Anchor::text("ARAQABA"),
        Anchor::text("ARAQAB/"),
        Anchor::text("AEQEAAQ"),
        Anchor::text("AEQEAAf"),
        Anchor::text("CSsGAQQB2kcPAQ"),
        Anchor::text("krBgEEAdpHDwE"),
        Anchor::text("JKwYBBAHaRw8B"),
    ],
}
