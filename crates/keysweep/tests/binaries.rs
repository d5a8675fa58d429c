//! Keys that compilers and linkers put into programs: found, at a place that names the section. Tools that are missing are
//! passed over.

mod common;

use common::{Key, fingerprints, made, scan_path};
use std::fs;
use tempfile::tempdir;

const GO: &str = "package main\n\nimport (\n\t_ \"embed\"\n\t\"fmt\"\n)\n\n//go:embed key.pem\nvar key []byte\n\nfunc main() { fmt.Println(len(key)) }\n";
const RUST: &str = "static KEY: &[u8] = include_bytes!(\"key.pem\");\n\
                    fn main() { println!(\"{}\", KEY[std::env::args().count()]); }\n";

#[test]
fn keys_in_programs_are_found_and_their_section_is_named() {
    let go = |system: &str| {
        format!(
            "export HOME=$PWD/home GOCACHE=$PWD/cache && mkdir -p home && printf 'module x\\ngo 1.19\\n' > go.mod && \
             CGO_ENABLED=0 GOOS={system} GOARCH=amd64 go build -o out/program ."
        )
    };
    let windres = "x86_64-w64-mingw32-windres --preprocessor=gcc --preprocessor-arg=-E --preprocessor-arg=-xc r.rc r.o && \
                   x86_64-w64-mingw32-ld -shared -o out/program r.o";
    let mingw = ["x86_64-w64-mingw32-windres", "x86_64-w64-mingw32-ld", "gcc", "iconv"];
    let cases: Vec<(&[&str], String, &str)> = vec![
        (&["go"], go("linux"), ".noptrdata"),
        (&["go"], go("windows"), ".data"),
        (&["go"], go("darwin"), "__DATA,__noptrdata"),
        (&["rustc"], "rustc -O m.rs -o out/program && strip out/program".to_owned(), ".rodata"),
        (&["gcc", "ld"], "ld -r -b binary -o k.o key.pem && printf 'extern char _binary_key_pem_start[];int main(){return _binary_key_pem_start[0];}' > m.c && gcc -no-pie m.c k.o -o out/program".to_owned(), ".data"),
        (
            &["objcopy"],
            "objcopy --add-section .note.key=key.pem --set-section-flags .note.key=noload,readonly /bin/true out/program".to_owned(),
            ".note.key",
        ),
        (&mingw, format!("printf '1 RCDATA \"key.pem\"\\n' > r.rc && {windres}"), ".rsrc"),
        (
            &mingw,
            format!("iconv -f ASCII -t UTF-16LE key.pem > wide && printf '1 RCDATA \"wide\"\\n' > r.rc && {windres}"),
            ".rsrc",
        ),
    ];
    for (number, (tools, command, section)) in cases.iter().enumerate() {
        let key = Key::new(700 + number as u64);
        let dir = tempdir().unwrap();
        fs::create_dir(dir.path().join("out")).unwrap();
        for (name, content) in [("key.pem", key.pem()), ("main.go", GO.to_owned()), ("m.rs", RUST.to_owned())] {
            fs::write(dir.path().join(name), content).unwrap();
        }
        if !made(dir.path(), tools, command) {
            continue;
        }
        let (report, code) = scan_path(&dir.path().join("out"));
        assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 1), "{command}: {report}");
        let locations = report["findings"][0]["locations"].as_array().unwrap();
        let named =
            locations.iter().all(|place| place["region"].as_str().is_some_and(|region| region.starts_with(section)));
        assert!(named, "{command}: {locations:?}");
    }
}
