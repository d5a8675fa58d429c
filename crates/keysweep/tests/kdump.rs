//! Compressed dumps of kernels: the same is found in them as in the memory itself, and what of them is missing is told.

mod common;
#[allow(dead_code, unreachable_pub)] // Shared with the tests of the crate that reads them.
#[path = "../../keysweep-image/tests/samples/kdump.rs"]
mod writer;

use common::{Key, keysweep, made, parse, scan, scan_path};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::{TempDir, tempdir};
use writer::{Kdump, Machine, flattened};

const PAGE: usize = 4096;
/// Where the memory of the process lies in that of the machine.
const AT: usize = 64;

/// What a process had in memory, at its offset in a machine with pages that are not dumped, and a key that lies across two pages.
fn memory(key: &Key) -> Vec<Option<Vec<u8>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dumps/mbedtls-rsa.core.zst");
    let mut core = Vec::new();
    ruzstd::decoding::StreamingDecoder::new(fs::File::open(path).unwrap()).unwrap().read_to_end(&mut core).unwrap();
    let mut pages: Vec<Option<Vec<u8>>> = vec![None; AT];
    pages.extend(core.chunks(PAGE).map(|page| {
        let mut page = page.to_vec();
        page.resize(PAGE, 0);
        Some(page)
    }));
    pages.extend([const { None }; 3]);
    let mut text = vec![b'.'; PAGE - 60];
    text.extend(key.pem().bytes());
    text.resize(2 * PAGE, b'\n');
    pages.extend(text.chunks(PAGE).map(|page| Some(page.to_vec())));
    pages
}

/// The same memory in LiME's format.
fn lime(pages: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut page = 0;
    while page < pages.len() {
        let held: Vec<&Vec<u8>> = pages[page..].iter().map_while(Option::as_ref).collect();
        if !held.is_empty() {
            let (first, end) = ((page * PAGE) as u64, ((page + held.len()) * PAGE) as u64);
            out.extend(b"EMiL\x01\0\0\0");
            [first, end - 1, 0].iter().for_each(|value| out.extend(value.to_le_bytes()));
            held.iter().for_each(|page| out.extend(*page));
        }
        page += held.len().max(1);
    }
    out
}

/// The same memory as AVML writes it.
fn avml(pages: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (page, memory) in pages.iter().enumerate().filter_map(|(page, memory)| Some((page, memory.as_ref()?))) {
        out.extend(b"AVML\x02\0\0\0");
        let first = (page * PAGE) as u64;
        [first, first + PAGE as u64 - 1, 0].iter().for_each(|value| out.extend(value.to_le_bytes()));
        let mut stream = snap::write::FrameEncoder::new(Vec::new());
        stream.write_all(memory).unwrap();
        let stream = stream.into_inner().unwrap();
        out.extend(&stream);
        out.extend((stream.len() as u64).to_le_bytes());
    }
    out
}

/// Rule, name, address, form and structure of all that was found.
fn found(report: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for finding in report["findings"].as_array().unwrap() {
        for place in finding["locations"].as_array().unwrap() {
            let what =
                [&finding["rule"], &finding["fingerprint"], &place["address"], &place["form"], &place["structure"]];
            all.push(what.map(Value::to_string).join(" "));
        }
    }
    all.sort();
    all
}

fn put(dir: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn the_same_is_found_as_in_the_memory_itself() {
    let dir = tempdir().unwrap();
    let key = Key::new(71);
    let pages = memory(&key);
    let (report, code) = scan_path(&put(&dir, "memory.lime", &lime(&pages)));
    let expected = found(&report);
    assert_eq!((code, &report["complete"]), (1, &Value::Bool(true)), "{}", report["incidents"]);
    assert!(expected.iter().any(|place| place.contains("numbers in memory")), "{expected:?}");
    assert!(expected.iter().any(|place| place.contains(&key.fingerprint())), "{expected:?}");
    for (flags, machine) in
        [(vec![1], Machine::Wide), (vec![2, 0], Machine::Wide), (vec![4], Machine::Narrow), (vec![0x20], Machine::Wide)]
    {
        let dump = Kdump { flags: flags.clone(), ..Kdump::new(machine, false, pages.clone()) }.bytes();
        let flat = flattened(&dump, &[16 << 10]);
        for (name, file) in [("vmcore", &dump), ("vmcore.flat", &flat)] {
            let path = put(&dir, name, file);
            for jobs in ["1", "4"] {
                let (report, code) = scan(&["--jobs", jobs, path.to_str().unwrap()]);
                assert_eq!((code, &report["complete"]), (1, &Value::Bool(true)), "{}", report["incidents"]);
                assert_eq!(found(&report), expected, "{flags:x?} {name}");
                assert_eq!(report["dumps"][0]["format"], "kdump");
            }
        }
    }
    // AVML's blocks are LiME's, compressed.
    let (report, code) = scan_path(&put(&dir, "memory.avml", &avml(&pages)));
    assert_eq!((code, &report["complete"]), (1, &Value::Bool(true)), "{}", report["incidents"]);
    assert_eq!((found(&report), &report["dumps"][0]["format"]), (expected, &Value::from("avml")));
}

#[test]
fn on_standard_input_and_in_archives() {
    let dir = tempdir().unwrap();
    let key = Key::new(72);
    let dump = Kdump { flags: vec![1], ..Kdump::new(Machine::Wide, false, memory(&key)) }.bytes();
    let (report, _) = scan_path(&put(&dir, "vmcore", &dump));
    let expected = found(&report);
    assert!(expected.len() > 1, "{expected:?}");
    let flat = put(&dir, "flat", &flattened(&dump, &[16 << 10]));
    let input = Stdio::from(fs::File::open(flat).unwrap());
    let output = keysweep().args(["scan", "--format", "json", "-"]).stdin(input).output().unwrap();
    assert_eq!(found(&parse(&output).0), expected);
    if made(dir.path(), &["tar", "gzip"], "tar czf crash.tgz vmcore") {
        let (report, code) = scan_path(&dir.path().join("crash.tgz"));
        assert_eq!((found(&report), code), (expected, 1), "{}", report["incidents"]);
    }
}

#[test]
fn what_is_missing_makes_the_scan_incomplete() {
    let dir = tempdir().unwrap();
    let key = Key::new(73);
    let pages = memory(&key);
    let whole = Kdump { flags: vec![1], ..Kdump::new(Machine::Wide, false, pages.clone()) };
    let file = whole.bytes();
    let held = pages.iter().flatten().count();
    // The last page holds the end of the key.
    for (name, file) in [("cut", file[..file.len() - 10].to_vec()), ("shorter", file[..4 * PAGE + 24 * held].to_vec())]
    {
        let (report, code) = scan_path(&put(&dir, name, &file));
        let incidents = report["incidents"].as_array().unwrap();
        assert_eq!((code, incidents.len(), &report["complete"]), (3, 1, &Value::Bool(false)), "{incidents:?}");
        let lost = if name == "cut" { "1".to_owned() } else { held.to_string() };
        let expected = format!("pages of memory that could not be searched: {lost} missing");
        assert_eq!(incidents[0]["message"], expected);
        assert!(!found(&report).iter().any(|place| place.contains(&key.fingerprint())));
    }
    let mut damaged = file.clone();
    let at = file.len() - 20;
    damaged[at..at + 10].fill(0xff);
    let (report, code) = scan_path(&put(&dir, "damaged", &damaged));
    assert_eq!(code, 3);
    assert_eq!(report["incidents"][0]["message"], "pages of memory that could not be searched: 1 damaged");
    let incomplete = Kdump { status: 9, ..whole.clone() }.bytes();
    let (report, code) = scan_path(&put(&dir, "incomplete", &incomplete));
    assert_eq!((code, report["incidents"].as_array().unwrap().len()), (3, 1));
    let part = Kdump { part: Some(0..AT as u64 + 9), ..whole }.bytes();
    let (report, code) = scan_path(&put(&dir, "part", &part));
    assert_eq!(report["complete"], true, "{}", report["incidents"]);
    assert!(code < 2 && report["incidents"].as_array().unwrap().len() == 1, "{code} {}", report["incidents"]);
    // One whose headers make no sense is told as what it is.
    let (report, code) = scan_path(&put(&dir, "bad", &[b"KDUMP   ".as_slice(), &[0; 9000]].concat()));
    assert_eq!(code, 3);
    assert!(report["incidents"][0]["message"].as_str().unwrap().contains("compressed kernel dump"), "{report}");
}
