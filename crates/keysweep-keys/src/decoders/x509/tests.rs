//! Certificates and public keys by OpenSSL 3.0.

use super::super::trial::{scan, torture};
use super::*;
use crate::decoder::PublicObject;

const CERTIFICATE: &[u8] = include_bytes!("../../../tests/data/der/certificate.crt");
const P256: &str = "395a0bafbd847932";

fn only(bytes: &[u8]) -> PublicObject {
    let mut sink = scan(&X509, bytes);
    assert_eq!((sink.public.len(), sink.found.len()), (1, 0));
    sink.public.remove(0)
}

fn name(object: &PublicObject) -> String {
    object.key.fingerprint().hex()[..16].to_owned()
}

#[test]
fn a_certificate_gives_its_facts() {
    let pem = include_str!("../../../tests/data/pem/certificate.pem");
    let flat = format!("{{\"cert\":\"{}\"}}", pem.replace('\n', "\\n"));
    let embedded = [&[0x30, 0x82, 7][..], CERTIFICATE, &[0; 40]].concat();
    let base64 = data_encoding::BASE64.encode(CERTIFICATE);
    let x5c = format!("{{\"x5c\":[\"{base64}\"]}}");
    let lines: String = base64.as_bytes().chunks(76).map(|l| format!("    {}\n", String::from_utf8_lossy(l))).collect();
    let saml = format!("<ds:X509Certificate>\n{lines}</ds:X509Certificate>");
    for bytes in [CERTIFICATE, &embedded, pem.as_bytes(), flat.as_bytes(), x5c.as_bytes(), saml.as_bytes()] {
        let object = only(bytes);
        assert_eq!(name(&object), P256);
        let PublicKind::Certificate(facts) = object.kind else { panic!("a bare key") };
        assert_eq!(facts.subject, "CN=sign.example.org,O=Throwaway\\, Ltd,C=DE");
        assert_eq!(facts.issuer, facts.subject);
        assert_eq!(facts.names, ["sign.example.org", "192.0.2.1", "k@example.org"]);
        assert_eq!((facts.not_before, facts.not_after), (1_795_551_204, 2_110_911_204));
        assert!(facts.ca);
        assert_eq!(facts.extended_key_usage, ["1.3.6.1.5.5.7.3.3", "1.3.6.1.4.1.311.10.3.5"]);
        let sha256 = data_encoding::HEXLOWER.encode(&facts.sha256);
        assert_eq!(sha256, "bb8ed6d6ebb30d00f5435fb9e79d4a65e1750e63f47408397e364b5e4af9e747");
    }
    assert_eq!(only(&embedded).range, 3..3 + CERTIFICATE.len());
}

#[test]
fn a_short_certificate_is_found_in_base64() {
    // Its inner SEQUENCE has a header of three bytes.
    let bytes = include_bytes!("../../../tests/data/der/short.crt");
    assert_eq!(&bytes[4..8], [0x30, 0x81, bytes[6], 0xa0]);
    for prefix in ["", "\"", "x5c: "] {
        let object = only(format!("{prefix}{}", data_encoding::BASE64.encode(bytes)).as_bytes());
        assert_eq!(name(&object), "1eccf8592379997c");
    }
}

#[test]
fn public_keys_are_named_in_every_form() {
    for (bytes, fingerprint) in [
        (&include_bytes!("../../../tests/data/der/public-rsa.spki")[..], "450e158f501ba6df"),
        (include_bytes!("../../../tests/data/der/public-rsa.p1"), "450e158f501ba6df"),
        (include_bytes!("../../../tests/data/der/public-ec-p-256.spki"), P256),
        (include_bytes!("../../../tests/data/der/public-ec-brainpoolp512r1.spki"), "df43675cbd2781b4"),
        (include_bytes!("../../../tests/data/der/public-ed25519.spki"), "1eccf8592379997c"),
        (include_bytes!("../../../tests/data/pem/public.pem"), "450e158f501ba6df"),
        (include_bytes!("../../../tests/data/pem/request.pem"), P256),
    ] {
        assert_eq!(name(&only(&[b"\x01\xff\xff\n", bytes, b"\xff\n"].concat())), fingerprint);
    }
}

#[test]
fn compressed_points_have_the_same_name() {
    let whole = include_bytes!("../../../tests/data/der/public-ec-p-256.spki");
    let point = &whole[whole.len() - 65..];
    let compressed = [&[2 + (point[64] & 1)], &point[1..33]].concat();
    let spki = crate::der::sequence(&[&whole[2..23], &crate::der::bit_string(&compressed)]);
    assert_eq!(name(&only(&spki)), P256);
}

#[test]
fn private_keys_are_not_public_ones() {
    for bytes in [
        &include_bytes!("../../../tests/data/der/rsa.p8")[..],
        include_bytes!("../../../tests/data/der/ec-p-256.p8"),
        include_bytes!("../../../tests/data/der/ed25519.p8"),
        include_bytes!("../../../tests/data/der/rsa-2048.p1"),
        include_bytes!("../../../tests/data/pem/rsa.pem"),
    ] {
        assert!(scan(&X509, bytes).public.is_empty());
    }
}

#[test]
fn damage_does_no_harm() {
    torture(&X509, CERTIFICATE, 10_000);
    torture(&X509, include_bytes!("../../../tests/data/der/public-rsa.spki"), 3_000);
    torture(&X509, include_bytes!("../../../tests/data/pem/certificate.pem"), 3_000);
}

#[test]
fn many_certificates_and_headers_stay_cheap() {
    let start = std::time::Instant::now();
    let sink = scan(&X509, &CERTIFICATE.repeat(2_000));
    assert_eq!(sink.public.len(), 2_000);
    let header = b"\x30\x82\xff\0\x30\x82\xfe\0\xa0\x03\x02\x01\x02\x02\x01\x01\x30\0";
    assert!(scan(&X509, &header.repeat(20_000)).public.is_empty());
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
