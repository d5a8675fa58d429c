use super::super::trial::{scan, spki, torture};
use super::*;
use crate::decoders::{der::Der, pem::Pem};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, HEXLOWER, HEXUPPER};
use keysweep_testkit::bounded;
use std::time::Duration;

const PEM: &str = include_str!("../../../tests/data/pem/rsa.pem");
const DER: &[u8] = include_bytes!("../../../tests/data/der/rsa.p8");
const RSA: &str = "450e158f501ba6df";
const P256: &str = "395a0bafbd847932";

/// Fingerprints of the keys in `bytes` once they are unwrapped as the engine does, and how deep they lay.
fn keys(bytes: &[u8], depth: usize) -> Vec<(String, usize)> {
    let mut found: Vec<_> = [&Pem as &dyn Decoder, &Der]
        .iter()
        .flat_map(|d| scan(*d, bytes).found)
        .map(|f| (spki(&f).chars().take(16).collect(), depth))
        .collect();
    if depth < 4 {
        for nested in [&Wrapped as &dyn Decoder, &Gzip].iter().flat_map(|d| scan(*d, bytes).nested) {
            assert!(nested.range.end <= bytes.len() && !nested.range.is_empty());
            found.extend(keys(&nested.bytes, depth + 1));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Whether the only key in `text` is that of the samples, wrapped so many times.
fn check(name: &str, text: &str, fingerprint: &str, depth: usize) {
    let found = keys(text.as_bytes(), 0);
    assert!(found.iter().all(|(f, _)| f == fingerprint), "{name}: {found:?}");
    assert_eq!(found.iter().map(|(_, depth)| *depth).min(), Some(depth), "{name}");
}

/// A key of the test data.
fn der(name: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/der").join(name)).unwrap()
}

fn folded(text: &str, width: usize, form: impl Fn(&str) -> String) -> String {
    text.as_bytes().chunks(width).map(|l| form(std::str::from_utf8(l).unwrap())).collect()
}

#[test]
fn base64_of_pem_is_unwrapped_in_every_alignment_and_layout() {
    for before in ["", "a", "ab", "abc", "# a certificate first\n"] {
        let text = BASE64.encode(format!("{before}{PEM}").as_bytes());
        check("one line", &format!("  tls.key: {text}\n  type: x\n"), RSA, 1);
        check("quoted", &format!("{{\"key\":\"{text}\",\"a\":1}}"), RSA, 1);
        check("76 columns", &folded(&text, 76, |l| format!("{l}\n")), RSA, 1);
        check("CRLF", &folded(&text, 64, |l| format!("{l}\r\n")), RSA, 1);
        check("YAML block", &format!("key: |\n{}port: 1\n", folded(&text, 76, |l| format!("    {l}\n"))), RSA, 1);
        check("escaped", &format!("{{\"key\":\"{}\"}}", folded(&text, 76, |l| format!("{l}\\n"))), RSA, 1);
        check("escaped twice", &folded(&text, 76, |l| format!("{l}\\\\n")), RSA, 1);
        check("concatenated", &format!("k = {}\"\";", folded(&text, 60, |l| format!("\"{l}\" +\n  "))), RSA, 1);
        check("C", &folded(&text, 60, |l| format!("  \"{l}\"\n")), RSA, 1);
        check("commented", &folded(&text, 60, |l| format!("# {l}\n")), RSA, 1);
        check("slashes escaped", &text.replace('/', "\\/"), RSA, 1);
        check("in a URL", &text.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D"), RSA, 1);
        check("in JSON of .NET", &text.replace('+', "\\u002B"), RSA, 1);
    }
}

#[test]
fn base64_of_der_is_unwrapped_with_and_without_the_rest_of_a_blob() {
    for name in [
        "rsa.p8",
        "rsa-2048.p1",
        "p256.sec1",
        "ec-p-256.p8",
        "ec-p-384.p8",
        "ec-brainpoolp256r1.p8",
        "ed25519.p8",
        "x448.p8",
        "dsa.p8",
        "dsa.trad",
        "dh.p8",
        "ml-dsa-44.p8",
        "slh-dsa-sha2-128f.p8",
        "p256-explicit.sec1",
        "encrypted-pbes2.p8",
        "encrypted-pkcs12.p8",
        "encrypted-pbes1.p8",
    ] {
        let key = der(name);
        let plain = keys(&key, 0);
        assert_eq!(plain.len(), 1, "{name}");
        for before in [&b""[..], b"x", b"xy", &[0x55; 1000]] {
            let text = BASE64.encode(&[before, &key].concat());
            // Where a line breaks inside the only mark of a short key it is not seen.
            let width = if before.len() > 2 { 9_999 } else { 64 };
            for text in
                [text.clone(), folded(&text, width, |l| format!("{l}\n")), text.replace('+', "-").replace('/', "_")]
            {
                let found = keys(format!("signing.key={text}\n").as_bytes(), 0);
                assert_eq!(found, [(plain[0].0.clone(), 1)], "{name} after {} bytes", before.len());
            }
        }
    }
}

#[test]
fn the_rest_of_an_overwritten_pem_body_is_enough() {
    let pem = include_str!("../../../tests/data/pem/rsa-traditional.pem");
    for lost in [16, 32, 48, 100] {
        let text = format!("{}{}", "\u{1}".repeat(lost), &pem[lost..]);
        let found = keys(text.as_bytes(), 0);
        assert_eq!(found, [(RSA.to_owned(), 1)], "{lost} bytes lost");
    }
}

#[test]
fn wrappings_in_wrappings_are_unwrapped() {
    let once = BASE64.encode(PEM.as_bytes());
    check("Base64 of Base64 of PEM", &BASE64.encode(once.as_bytes()), RSA, 2);
    check("after a byte", &BASE64.encode(format!(" {once}").as_bytes()), RSA, 2);
    check("Base64 of Base64 of DER", &BASE64.encode(BASE64.encode(DER).as_bytes()), RSA, 2);
    let sec1 = include_bytes!("../../../tests/data/der/p256.sec1");
    check("Base64 of Base64 of SEC 1", &BASE64.encode(BASE64.encode(sec1).as_bytes()), P256, 2);
    check("URL-safe", &BASE64URL.encode(PEM.as_bytes()), RSA, 1);
    check("without padding", &format!("{}.", BASE64_NOPAD.encode(PEM.as_bytes())), RSA, 1);
    check("hex of PEM", &HEXLOWER.encode(PEM.as_bytes()), RSA, 1);
    let flat = PEM.replace('\n', "\\n");
    check("Base64 of JSON", &BASE64.encode(format!("{{\"key\":\"{flat}\"}}").as_bytes()), RSA, 1);
    let wide: Vec<u8> = "-----BEGIN RSA".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let nested = scan(&Wrapped, BASE64.encode(&[&wide[..], &[b'A'; 40]].concat()).as_bytes()).nested;
    assert!(nested.iter().any(|n| n.bytes.starts_with(&wide)), "UTF-16 in Base64");
}

#[test]
fn hex_is_unwrapped_in_every_layout() {
    for (hex, name) in [(HEXLOWER.encode(DER), "lower"), (HEXUPPER.encode(DER), "upper")] {
        check(name, &format!("key = {hex}\n"), RSA, 1);
        check(name, &format!("0x{hex}"), RSA, 1);
        check(name, &folded(&hex, 64, |l| format!("{l}\n")), RSA, 1);
        check(name, &format!("{}{hex}", "5a".repeat(77)), RSA, 1);
    }
}

#[test]
fn lists_of_bytes_are_unwrapped() {
    let der: &[u8] = DER;
    let list = |form: &dyn Fn(&u8) -> String, between: &str, width: usize, line: &dyn Fn(String) -> String| -> String {
        let lines: Vec<String> =
            der.chunks(width).map(|l| line(l.iter().map(form).collect::<Vec<_>>().join(between))).collect();
        lines.concat()
    };
    let hex = |b: &u8| format!("0x{b:02x}");
    check("C array", &list(&hex, ", ", 12, &|l| format!("  {l},\n")), RSA, 1);
    check("C array, dense", &list(&hex, ",", 16, &|l| format!("{l},")), RSA, 1);
    check("C array, comments", &list(&|b| format!("0x{b:02X}"), ", ", 8, &|l| format!("\t{l},  // a line\n")), RSA, 1);
    check("string escapes", &list(&|b| format!("\\x{b:02x}"), "", 16, &|l| format!("  \"{l}\"\n")), RSA, 1);
    check("colons", &list(&|b| format!("{b:02x}"), ":", 15, &|l| format!("    {l}:\n")), RSA, 1);
    check("spaces", &list(&|b| format!("{b:02X}"), " ", 16, &|l| format!("{l}\n")), RSA, 1);
    check("decimal", &list(&|b| b.to_string(), ", ", 20, &|l| format!("{l},\n")), RSA, 1);
    check("Java", &list(&|b| (*b as i8).to_string(), ", ", 20, &|l| format!("    {l},\n")), RSA, 1);
    check("JSON of a buffer", &format!("{{\"data\":[{}]}}", list(&|b| b.to_string(), ",", 9999, &|l| l)), RSA, 1);
    let dump: String = der
        .chunks(16)
        .enumerate()
        .map(|(i, l)| {
            let (a, b) = l.split_at(l.len().min(8));
            let text = |l: &[u8]| l.iter().map(|b| format!("{b:02x} ")).collect::<String>();
            format!("{:08x}  {} {} |0123456789abcdef|\n", i * 16, text(a), text(b))
        })
        .collect();
    check("hexdump -C", &dump, RSA, 1);
    check("a number a line", &format!("[\n{}]", list(&|b| b.to_string(), "", 1, &|l| format!("    {l},\n"))), RSA, 1);
    check(
        "a line each, CRLF",
        &format!("[\r\n{}]", list(&|b| b.to_string(), "", 1, &|l| format!("  {l},\r\n"))),
        RSA,
        1,
    );
    let pem: Vec<String> = PEM.bytes().map(|b| b.to_string()).collect();
    check("decimal PEM", &format!("[{}]", pem.join(",")), RSA, 1);
    let lines = pem.join(",\n    ");
    check("Node", &format!("{{\n  \"type\": \"Buffer\",\n  \"data\": [\n    {lines}\n  ]\n}}\n"), RSA, 1);
}

#[test]
fn gzip_in_base64_is_unwrapped() {
    // `gzip -9` and `gzip -n` of PEM with a name in the header, by gzip 1.12.
    for file in [
        &include_bytes!("../../../tests/data/pem/rsa.pem.gz")[..],
        include_bytes!("../../../tests/data/pem/rsa-named.pem.gz"),
    ] {
        let once = BASE64.encode(file);
        check("gzip", &format!("data: {once}\n"), RSA, 1);
        check("gzip, folded", &folded(&once, 76, |l| format!("{l}\n")), RSA, 1);
        check("Helm release", &BASE64.encode(once.as_bytes()), RSA, 2);
        assert!(keys(BASE64.encode(&file[..60]).as_bytes(), 0).is_empty());
    }
}

#[test]
fn public_and_other_base64_is_not_unwrapped_for_nothing() {
    let certificate = BASE64.encode(include_bytes!("../../../tests/data/der/certificate.crt"));
    assert!(scan(&Wrapped, certificate.as_bytes()).nested.is_empty());
    for name in ["public-rsa.spki", "public-ec-p-256.spki", "public-ed25519.spki"] {
        let key = der(name);
        assert!(scan(&Wrapped, BASE64.encode(&key).as_bytes()).nested.is_empty(), "{name}");
        assert!(scan(&Wrapped, HEXLOWER.encode(&key).as_bytes()).nested.is_empty(), "{name}");
    }
}

#[test]
fn bodies_of_pem_blocks_are_left_to_their_decoders() {
    let flat = PEM.trim_end().replace('\n', "\\n");
    for text in [
        PEM.to_owned(),
        PEM.replace('\n', "\r\n"),
        format!("{{\"key\":\"{flat}\"}}"),
        PEM.replace('\n', "\n+"),
        PEM.replace('\n', ""),
    ] {
        assert!(scan(&Wrapped, text.as_bytes()).nested.is_empty(), "{text}");
    }
}

#[test]
fn a_run_ends_where_its_text_ends() {
    let text = BASE64_NOPAD.encode(PEM.as_bytes());
    let around = format!("kind: Secret\ndata:\n  tls.key: {text}\n  other.key: {text}\nmetadata:\n");
    let nested = scan(&Wrapped, around.as_bytes()).nested;
    assert_eq!(nested.len(), 2);
    assert!(nested.iter().all(|n| around[n.range.clone()] == text));
}

#[test]
fn damage_does_no_harm() {
    let base64 = folded(&BASE64.encode(PEM.as_bytes()), 76, |l| format!("{l}\\n"));
    torture(&Wrapped, base64.as_bytes(), 1_000);
    torture(&Wrapped, HEXLOWER.encode(&DER[..200]).as_bytes(), 1_000);
    let list: Vec<String> = DER[..100].iter().map(|b| format!("0x{b:02x}")).collect();
    torture(&Wrapped, list.join(", ").as_bytes(), 1_000);
    torture(&Wrapped, format!("'{}'", escaped(DER, "\\x", None)).as_bytes(), 1_000);
    let rows: Vec<String> =
        (0..4).map(|i| format!("{:08x}: {}", 16 * i, words(&DER[16 * i..16 * i + 16], 2, false, " "))).collect();
    torture(&Wrapped, rows.join("\n").as_bytes(), 200);
    torture(&Gzip, BASE64.encode(include_bytes!("../../../tests/data/pem/rsa.pem.gz")).as_bytes(), 1_000);
}

#[test]
fn an_anchor_every_few_bytes_stays_cheap() {
    // Anchors are many: what they cost together would only measure the search for them.
    for anchor in Wrapped.anchors().iter().step_by(29) {
        for filler in ["", "\n", "\"+\""] {
            let unit = [anchor.bytes, filler.as_bytes()].concat();
            let bytes = unit.repeat((32 << 10) / unit.len());
            let name = format!("{} {filler:?}", String::from_utf8_lossy(anchor.bytes));
            let scan = bounded(Duration::from_secs(3), &name, || scan(&Wrapped, &bytes));
            let nested: usize = scan.nested.iter().map(|n| n.bytes.len()).sum();
            assert!(nested <= bytes.len(), "{name}");
        }
    }
    for end in ["!", "\n"] {
        let bytes = format!("H4sIAAAAAAAA{end}").repeat(5_000);
        bounded(Duration::from_secs(2), "gzip", || scan(&Gzip, bytes.as_bytes()));
    }
}

/// The bytes as a string of Python, C, Perl or JSON shows them.
fn escaped(bytes: &[u8], escape: &str, octal: Option<usize>) -> String {
    let mut text = String::new();
    let mut after_escape = false;
    for byte in bytes {
        // A digit behind a short octal number would belong to it.
        let is_plain = matches!(byte, b' '..=b'~')
            && !b"'\"\\".contains(byte)
            && !(octal.is_some() && after_escape && byte.is_ascii_digit());
        match byte {
            b'\t' => text += "\\t",
            b'\n' => text += "\\n",
            b'\r' => text += "\\r",
            b'\'' | b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            _ if is_plain => text.push((*byte).into()),
            _ => {
                text += &match octal {
                    Some(digits) => format!("{escape}{byte:0digits$o}"),
                    None => format!("{escape}{byte:02x}"),
                }
            }
        }
        after_escape = !is_plain;
    }
    text
}

#[test]
fn strings_with_escapes_are_unwrapped() {
    for name in ["rsa.p8", "rsa-2048.p1", "p256.sec1", "ec-p-256.p8", "ec-p-384.p8", "ed25519.p8", "ml-dsa-44.p8"] {
        let key = der(name);
        let expected = keys(&key, 0)[0].0.clone();
        for (escape, octal) in [("\\x", None), ("\\u00", None), ("\\", Some(3)), ("\\", Some(1))] {
            let text = escaped(&key, escape, octal);
            check(name, &format!("INFO key=b'{text}' loaded\n"), &expected, 1);
            check(name, &format!("$1 = \"{text}\"\n"), &expected, 1);
            check(name, &text, &expected, 1);
            let nested = text.replace('\\', "\\\\").replace('"', "\\\"");
            check(name, &format!("{{\"msg\": \"b'{nested}'\"}}"), &expected, 1);
            check(name, &format!("{{\"msg\": \"\\\"{nested}\\\"\"}}"), &expected, 1);
        }
        let upper = escaped(&key, "\\x", None).replace("\\xa", "\\xA").replace("\\xf", "\\xF");
        check(name, &format!("b'{upper}'"), &expected, 1);
        let text = escaped(&key, "\\", Some(3));
        let escapes: Vec<_> = text.match_indices('\\').collect();
        let cut = escapes[escapes.len() / 2].0;
        check(name, &format!("char key[] = \"{}\"\n    \"{}\";\n", &text[..cut], &text[cut..]), &expected, 1);
    }
}

#[test]
fn lists_that_blanks_separate_are_unwrapped() {
    for name in ["rsa.p8", "p256.sec1", "ec-p-256.p8", "ed25519.p8"] {
        let key = der(name);
        let numbers: Vec<String> = key.iter().map(u8::to_string).collect();
        let text = format!("key: [{}]\n", numbers.join(" "));
        check(name, &text, &keys(&key, 0)[0].0, 1);
        // A number that is no byte ends the list.
        let near = text.replace(" 2 1 ", " 2 256 ");
        assert_eq!(keys(near.as_bytes(), 0), []);
    }
}

/// The words of a row, each of so many bytes, one way round or the other.
fn words(row: &[u8], size: usize, reversed: bool, between: &str) -> String {
    let word = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        if reversed {
            bytes.reverse();
        }
        HEXLOWER.encode(&bytes)
    };
    row.chunks(size).map(word).collect::<Vec<_>>().join(between)
}

#[test]
fn rows_of_dumps_in_logs_are_unwrapped() {
    let text =
        |row: &[u8]| row.iter().map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '.' }).collect::<String>();
    let pem = PEM.as_bytes().to_vec();
    let names = ["rsa.p8", "p256.sec1", "ec-p-256.p8", "ec-p-384.p8", "ed25519.p8"];
    for (name, mut key) in names.map(|name| (name, der(name))).into_iter().chain([("PEM", pem)]) {
        let expected = keys(&key, 0)[0].0.clone();
        key.resize(key.len().next_multiple_of(8), 0); // As memory goes on.
        let dump = |row: &dyn Fn(usize, &[u8]) -> String| -> String {
            let before = (0..40).map(|i| format!("INFO line {i}\n")).collect::<String>();
            before + &key.chunks(16).enumerate().map(|(i, r)| row(16 * i, r) + "\n").collect::<String>() + "INFO done\n"
        };
        let of = |size, reversed, between: &str, row: &[u8]| words(row, size, reversed, between);
        check(name, &dump(&|at, r| format!("{at:08x}: {:<39}  {}", of(2, false, " ", r), text(r))), &expected, 1);
        check(name, &dump(&|at, r| format!("{at:08x}: {:<35}  {}", of(4, false, " ", r), text(r))), &expected, 1);
        check(name, &dump(&|at, r| format!("{at:07x} {}", of(2, true, " ", r))), &expected, 1);
        for size in [4, 8] {
            check(name, &dump(&|at, r| format!("00000000`077a{at:04x}  {}", of(size, true, " ", r))), &expected, 1);
        }
        check(
            name,
            &dump(&|at, r| format!("00000000`077a{at:04x}  {:<47}  {}", of(1, false, " ", r), text(r))),
            &expected,
            1,
        );
        for size in [1, 2, 4, 8] {
            check(
                name,
                &dump(&|at, r| format!("0x5555{at:04x} <k+{at}>:\t0x{}", of(size, true, "\t0x", r))),
                &expected,
                1,
            );
        }
        check(name, &dump(&|at, r| format!("[ 12.345678] {at:08x}: {}", of(1, false, " ", r))), &expected, 1);
        // Words without addresses.
        check(name, &format!("key = <{}>\n", words(&key, 4, false, " ")), &expected, 1);
        check(name, &dump(&|_, r| format!(" {}", of(4, true, " ", r))), &expected, 1);
        // Rows of other memory between those of the key.
        let broken = dump(&|at, r| format!("{:08x}: {:<39}", at + at / 64 * 16, of(2, false, " ", r)));
        let is_whole = key.len() <= 64;
        assert_eq!(!keys(broken.as_bytes(), 0).is_empty(), is_whole, "{name}");
    }
    let registry = |width: usize| folded(&words(DER, 1, false, ","), 3 * width, |l| format!("{l}\\\r\n  "));
    check("registry", &format!("[HKEY_LOCAL_MACHINE\\X]\r\n\"k\"=hex:{}\r\n", registry(25)), RSA, 1);
}

#[test]
fn strings_that_are_cut_or_hold_no_bytes_are_no_keys() {
    let text = escaped(DER, "\\x", None);
    for near in
        [format!("b'{}'", &text[..text.len() / 4]), text.replace("\\x01", "\\x0g"), text.replace("\\x82", "\\q82")]
    {
        assert_eq!(keys(near.as_bytes(), 0), []);
    }
}
