//! Archives made by the tools that own the formats, opened by `keysweep scan`. Tools that are missing are passed over.

mod common;

use common::{Key, fingerprints, made, scan, scan_path};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::{TempDir, tempdir};

fn folder(key: &Key) -> TempDir {
    let dir = tempdir().unwrap();
    fs::create_dir_all(dir.path().join("in/etc")).unwrap();
    fs::create_dir_all(dir.path().join("out")).unwrap();
    fs::write(dir.path().join("in/etc/key.pem"), key.pem()).unwrap();
    fs::write(dir.path().join("in/readme.txt"), "nothing here\n".repeat(50)).unwrap();
    dir
}

#[test]
fn keys_are_found_under_their_nested_names_and_once() {
    let cases: &[(&[&str], &str, &str)] = &[
        (&["tar"], "tar cf out/a.tar in", "a.tar!/in/etc/key.pem"),
        (&["tar", "gzip"], "tar czf out/a.tgz in", "a.tgz!/a.tar!/in/etc/key.pem"),
        (&["tar", "xz"], "tar cJf out/a.tar.xz in", "a.tar.xz!/a.tar!/in/etc/key.pem"),
        (&["tar", "bzip2"], "tar cjf out/a.tar.bz2 in", "a.tar.bz2!/a.tar!/in/etc/key.pem"),
        (&["tar", "zstd"], "tar cf a.tar in && zstd -q -19 a.tar -o out/a.tar.zst", "a.tar.zst!/a.tar!/in/etc/key.pem"),
        (&["tar", "lz4"], "tar cf a.tar in && lz4 -q a.tar out/a.tar.lz4", "a.tar.lz4!/a.tar!/in/etc/key.pem"),
        (&["tar"], "tar --format=pax -cf out/a.tar in", "a.tar!/in/etc/key.pem"),
        (&["zip"], "cd in && zip -qr ../out/a.zip .", "a.zip!/etc/key.pem"),
        (&["zip"], "cd in && zip -q0r ../out/a.zip .", "a.zip!/etc/key.pem"),
        (&["zip"], "cd in && zip -qr ../a.jar . && cd .. && zip -q out/b.war a.jar", "b.war!/a.jar!/etc/key.pem"),
        (
            &["zip"],
            "cd in && zip -qr ../a.zip . && cd .. && cat /bin/sh a.zip > out/setup.exe",
            "setup.exe!/etc/key.pem",
        ),
        (&["zip"], "cd in && zip -qr - . > ../out/streamed.zip", "streamed.zip!/etc/key.pem"),
        (
            &["python3"],
            "python3 -c \"import zipfile; z = zipfile.ZipFile('out/a.zip', 'w', zipfile.ZIP_DEFLATED); \
             f = z.open('etc/key.pem', 'w', force_zip64=True); f.write(open('in/etc/key.pem', 'rb').read()); f.close(); z.close()\"",
            "a.zip!/etc/key.pem",
        ),
        (
            &["python3"],
            "python3 -m zipfile -c a.zip in && head -c 1000 /dev/zero > out/a.bin && cat a.zip >> out/a.bin",
            "a.bin!/in/etc/key.pem",
        ),
        (
            &["python3"],
            "python3 -c \"import zipfile; [zipfile.ZipFile('out/a.zip', 'w', m).write('in/etc/key.pem') for m in [zipfile.ZIP_LZMA]]\"",
            "a.zip!/in/etc/key.pem",
        ),
        (
            &["python3"],
            "python3 -c \"import zipfile; zipfile.ZipFile('out/a.zip', 'w', zipfile.ZIP_BZIP2).write('in/etc/key.pem')\"",
            "a.zip!/in/etc/key.pem",
        ),
        (&["7z"], "cd in && 7z a -bd -tzip -mm=Deflate64 ../out/a.zip . > /dev/null", "a.zip!/etc/key.pem"),
        (&["jar"], "jar cf out/a.jar -C in .", "a.jar!/etc/key.pem"),
        (&["gzip"], "gzip -c in/readme.txt > out/k.gz && gzip -c in/etc/key.pem >> out/k.gz", "k.gz!/k"),
        (&["xz"], "xz --format=lzma -c in/etc/key.pem > out/key.pem.lzma", "key.pem.lzma!/key.pem"),
        (&["ar"], "ar rc out/l.a in/etc/key.pem", "l.a!/key.pem"),
        (
            &["dpkg-deb"],
            "mkdir in/DEBIAN && printf 'Package: x\\nVersion: 1\\nArchitecture: all\\nMaintainer: a <a@b.c>\\nDescription: x\\n' \
             > in/DEBIAN/control && dpkg-deb -Zxz -b in out/x.deb",
            "x.deb!/data.tar.xz!/data.tar!/etc/key.pem",
        ),
        (
            &["rpmbuild"],
            "printf 'Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\n%%description\nx\n%%install\n\
             mkdir -p %%{buildroot}/etc\ncp %%{_sourcedir}/key.pem %%{buildroot}/etc\n%%files\n/etc/key.pem\n' > x.spec && \
             rpmbuild -bb --quiet --define \"_topdir $PWD/b\" --define \"_sourcedir $PWD/in/etc\" --define \"_rpmdir $PWD/r\" x.spec \
             >/dev/null 2>&1 && cp r/noarch/x-1-1.noarch.rpm out/x.rpm",
            "x.rpm!/payload!/content!/etc/key.pem",
        ),
        (&["7z"], "cd in && 7z a -bd ../out/a.7z . > /dev/null", "a.7z!/etc/key.pem"),
        (&["7z"], "cd in && 7z a -bd -m0=ppmd ../out/a.7z . > /dev/null", "a.7z!/etc/key.pem"),
        (&["7z"], "cd in && 7z a -bd -m0=bzip2 -ms=off ../out/a.7z . > /dev/null", "a.7z!/etc/key.pem"),
        (&["7z"], "cp /bin/ls in/ls.exe && cd in && 7z a -bd -mx=9 ../out/a.7z . > /dev/null", "a.7z!/etc/key.pem"),
        (&["7z"], "cd in && 7z a -bd -m0=copy ../out/a.7z . > /dev/null", "a.7z!/etc/key.pem"),
        (&["gcab"], "gcab -c -n out/a.cab in/readme.txt in/etc/key.pem", "a.cab!/key.pem"),
        (&["gcab"], "gcab -c -z -n out/a.cab in/readme.txt in/etc/key.pem", "a.cab!/key.pem"),
        (
            &["javac", "jmod"],
            "mkdir c && cp -r in c/in && echo 'module m {}' > module-info.java && javac -d k module-info.java && \
             jmod create --class-path k --config c out/a.jmod",
            "a.jmod!/conf/in/etc/key.pem",
        ),
        (
            &["zip"],
            "cd in && zip -qr ../a.zip . && cd .. && printf 'Cr24\\003\\0\\0\\0\\004\\0\\0\\0abcd' > out/a.crx && cat a.zip >> out/a.crx",
            "a.crx!/etc/key.pem",
        ),
        (&["objcopy"], "objcopy -I binary -O ihex in/etc/key.pem out/a.hex", "a.hex!/00000000"),
        (
            &["objcopy"],
            "objcopy -I binary -O srec --change-addresses 0x8000000 in/etc/key.pem out/a.s19",
            "a.s19!/08000000",
        ),
        (&["xxd"], "xxd in/etc/key.pem > out/a.txt", "a.txt!/00000000"),
        (&["xxd"], "xxd -e in/etc/key.pem > out/a.txt", "a.txt!/00000000"),
        (&["hexdump"], "hexdump in/etc/key.pem > out/a.txt", "a.txt!/00000000"),
        (&["od"], "od -c in/etc/key.pem > out/a.txt", "a.txt!/00000000"),
        (&["od"], "(echo a dump; od -tx8 in/etc/key.pem) > out/a.txt", "a.txt!/00000000"),
        (
            &["tar", "gzip"],
            "tar cf layer.tar in && mkdir -p blobs && mv layer.tar blobs/l1 && tar cf l2 -C in readme.txt && gzip l2 && \
             mv l2.gz blobs/l2 && tar cf out/image.tar blobs",
            "image.tar!/blobs/l1!/in/etc/key.pem",
        ),
    ];
    for (number, (tools, command, expected)) in cases.iter().enumerate() {
        let key = Key::new(100 + number as u64);
        let dir = folder(&key);
        if !made(dir.path(), tools, command) {
            continue;
        }
        let (report, code) = scan_path(&dir.path().join("out"));
        assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 1), "{command}: {report}");
        let locations = report["findings"][0]["locations"].as_array().unwrap();
        assert_eq!(locations.len(), 1, "{command}: {report}");
        assert!(locations[0]["path"].as_str().unwrap().ends_with(&format!("out/{expected}")), "{command}: {report}");
        assert_eq!(report["complete"], true, "{command}: {report}");
    }
}

#[test]
fn several_threads_find_what_one_does() {
    let (first, second) = (Key::new(91), Key::new(92));
    let dir = folder(&first);
    let many = dir.path().join("in/many");
    fs::create_dir(&many).unwrap();
    // Bytes that do not compress, so that the archive is one for several threads.
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    for i in 0..120 {
        fs::write(many.join(format!("{i}.bin")), (0..30_000).map(|_| noise()).collect::<Vec<u8>>()).unwrap();
        fs::write(many.join(format!("{i}.txt")), format!("{i}\n{}", second.pem())).unwrap();
    }
    fs::write(many.join("cut.gz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2]).unwrap();
    let cases = [
        ("tar", "tar cf inner.tar in/etc && mv inner.tar in/many && tar cf archive in"),
        ("gzip", "tar czf archive in"),
        ("zip", "zip -qr a.zip in && mv a.zip archive"),
        ("zip", "zip -q0r a.zip in && mv a.zip archive"),
    ];
    for (_, command) in cases.iter().filter(|(tool, command)| made(dir.path(), &[tool], command)) {
        let report = |jobs| {
            let (mut report, code) = scan(&["--jobs", jobs, dir.path().join("archive").to_str().unwrap()]);
            assert_eq!(code, 3, "{command}: a member is cut");
            report.as_object_mut().unwrap().remove("stats");
            report
        };
        let alone = report("1");
        for _ in 0..3 {
            assert_eq!(report("4"), alone, "{command}");
        }
        let text = alone.to_string();
        assert!(text.contains("!/in/many/119.txt") && text.contains("!/in/many/inner.tar!/in/etc/key.pem"), "{text}");
    }
}

#[test]
fn what_cannot_be_opened_is_told_and_what_can_be_is_searched() {
    let key = Key::new(140);
    let dir = folder(&key);
    let path = dir.path();
    if made(path, &["zip"], "zip -q -P throwaway out/enc.zip in/etc/key.pem") {
        let (report, code) = scan_path(&path.join("out/enc.zip"));
        assert_eq!(code, 3);
        assert!(report["incidents"][0]["message"].as_str().unwrap().contains("encrypted"), "{report}");
    }
    let cut = "tar cf - in/etc/key.pem in/readme.txt | gzip -c > a.tgz && head -c $(($(wc -c < a.tgz) - 12)) a.tgz > out/cut.tgz";
    if made(path, &["tar", "gzip"], cut) {
        let (report, code) = scan_path(&path.join("out/cut.tgz"));
        assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 3), "{report}");
        assert!(report["incidents"][0]["message"].as_str().unwrap().contains("unpacked to its end"), "{report}");
    }
}

#[test]
fn encrypted_and_cut_7z_archives_are_told() {
    let key = Key::new(145);
    let dir = folder(&key);
    let path = dir.path();
    let command = "cd in && 7z a -bd -pthrowaway ../out/a.7z . > /dev/null && 7z a -bd -pthrowaway -mhe=on ../out/b.7z . > /dev/null && \
                   7z a -bd ../c.7z . > /dev/null && head -c 300 ../c.7z > ../out/c.7z";
    if !made(path, &["7z"], command) {
        return;
    }
    for (file, expected) in [("a.7z", "encrypted"), ("b.7z", "encrypted"), ("c.7z", "not opened to its end")] {
        let (report, code) = scan_path(&path.join("out").join(file));
        assert_eq!((fingerprints(&report).len(), code), (0, 3), "{file}: {report}");
        let message = report["incidents"][0]["message"].as_str().unwrap();
        assert!(message.contains(expected), "{file}: {message}");
    }
}

#[test]
fn zip_files_that_are_a_trap_are_told_in_one_line() {
    let key = Key::new(146);
    let dir = folder(&key);
    let path = dir.path();
    if !made(path, &["7z"], "cd in && 7z a -bd -tzip -mm=PPMd ../out/ppmd.zip . > /dev/null") {
        return;
    }
    let (report, code) = scan_path(&path.join("out/ppmd.zip"));
    assert_eq!((fingerprints(&report).len(), code), (0, 3), "{report}");
    let incidents = report["incidents"].as_array().unwrap();
    assert!(incidents.len() == 1 && incidents[0]["message"].as_str().unwrap().contains("PPMd"), "{report}");
}

#[test]
fn bounds_are_options() {
    let key = Key::new(141);
    let dir = folder(&key);
    if !made(dir.path(), &["tar", "gzip"], "tar czf out/a.tgz in && gzip -c out/a.tgz > out/a.tgz.gz") {
        return;
    }
    let path = dir.path().join("out/a.tgz.gz");
    let path = path.to_str().unwrap();
    assert_eq!(scan(&[path]).1, 1);
    let (report, code) = scan(&[path, "--max-archive-depth", "2"]);
    assert_eq!(code, 3);
    assert!(report["incidents"][0]["message"].as_str().unwrap().contains("depth of 2"), "{report}");
    assert_eq!(scan(&[path, "--max-archive-size", "100"]).1, 3);
    let (report, code) = scan(&[path, "--no-archives"]);
    assert_eq!((fingerprints(&report).len(), code), (0, 0), "{report}");
}

#[test]
fn names_of_members_cannot_break_a_report() {
    let key = Key::new(142);
    let dir = folder(&key);
    if !made(dir.path(), &["tar"], "mv in/etc/key.pem \"$(printf 'in/a\\033[2J\\nb.pem')\" && tar cf out/a.tar in") {
        return;
    }
    let path = dir.path().join("out/a.tar");
    let output = common::keysweep().args(["scan", path.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stdout.contains(&0x1b), "{}", String::from_utf8_lossy(&output.stdout));
    let output = common::keysweep().args(["scan", "--format", "sarif", path.to_str().unwrap()]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("a.tar!/in/a") || text.contains("a.tar%21/in/a"), "{text}");
}

#[test]
fn a_baseline_knows_what_is_in_archives() {
    let key = Key::new(143);
    let dir = folder(&key);
    if !made(dir.path(), &["tar", "gzip"], "tar czf out/a.tgz in") {
        return;
    }
    let baseline = dir.path().join("known.json");
    let (out, baseline) = (dir.path().join("out"), baseline.to_str().unwrap());
    let out = out.to_str().unwrap();
    assert_eq!(scan(&[out]).1, 1);
    let made = common::keysweep().args(["baseline", "create", out, "--baseline", baseline]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (report, code) = scan(&[out, "--baseline", baseline]);
    assert_eq!(code, 0, "{report}");
}

/// Scans what a shell command writes.
fn scan_output(dir: &Path, command: &str) -> (serde_json::Value, i32) {
    let binary = assert_cmd::cargo::cargo_bin!("keysweep");
    let command = format!("{command} | {} scan -f json -", binary.display());
    common::parse(&Command::new("sh").args(["-c", &command]).current_dir(dir).output().unwrap())
}

#[test]
fn archives_on_standard_input_may_be_large() {
    let key = Key::new(144);
    let dir = folder(&key);
    let tools = ["tar", "zip", "openssl", "gzip"];
    // More than is held in memory, and nothing in it can be compressed.
    let fill = "openssl enc -aes-128-ctr -pass pass:x -nosalt -in /dev/zero 2>/dev/null | head -c 70000000 > in/0 && \
                (cd in && zip -q0 ../a.zip 0 etc/key.pem) && tar cf a.tar in/0 in/etc && gzip -1 -k a.tar && \
                tar cf small.tar in/etc && zip -q small.zip in/etc/key.pem && cat /bin/sh small.zip > setup.exe";
    if !made(dir.path(), &tools, fill) {
        return;
    }
    for (file, place) in [
        ("a.zip", "-!/etc/key.pem"),
        ("a.tar", "-!/in/etc/key.pem"),
        ("a.tar.gz", "-!/content!/in/etc/key.pem"),
        ("small.tar", "-!/in/etc/key.pem"),
        ("small.zip", "-!/in/etc/key.pem"),
        ("setup.exe", "-!/in/etc/key.pem"),
    ] {
        let (report, code) = scan_output(dir.path(), &format!("cat {file}"));
        assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 1), "{file}: {report}");
        assert_eq!(report["findings"][0]["locations"][0]["path"], place, "{file}: {report}");
        assert_eq!(report["complete"], true, "{file}: {report}");
    }
    // A large archive that must be read from its end, within one that is read as it comes.
    let nested = "tar czf - a.zip | cat > nested.tgz && zip -q1 deflated.zip a.zip";
    if made(dir.path(), &tools, nested) {
        for (file, place) in [
            ("nested.tgz", "nested.tgz!/nested.tar!/a.zip!/etc/key.pem"),
            ("deflated.zip", "deflated.zip!/a.zip!/etc/key.pem"),
        ] {
            let (report, code) = scan_path(&dir.path().join(file));
            assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 1), "{file}: {report}");
            assert!(
                report["findings"][0]["locations"][0]["path"].as_str().unwrap().ends_with(place),
                "{file}: {report}"
            );
        }
    }
    // Cut off: told, and what was there before is found.
    let (report, code) = scan_output(dir.path(), "head -c 60000000 a.tar");
    assert_eq!((fingerprints(&report).len(), code), (0, 3), "{report}");
    let binary = assert_cmd::cargo::cargo_bin!("keysweep");
    let bounded = format!("cat a.zip | {} scan -f json --max-archive-size 60M -", binary.display());
    let (report, code) =
        common::parse(&Command::new("sh").args(["-c", &bounded]).current_dir(dir.path()).output().unwrap());
    assert_eq!(code, 3);
    assert!(report["incidents"][0]["message"].as_str().unwrap().contains("longer than"), "{report}");
}

#[test]
fn a_password_at_the_begin_of_a_member_is_told_once() {
    // The last one stores what it compresses, so that the password can be read in the compressed file, too.
    let store = "tar cf a.tar .env && python3 -c \"import gzip; open('out/a.gz', 'wb').write(gzip.compress(open('a.tar', 'rb').read(), 0))\"";
    for (tools, command) in [
        (&["tar"][..], "tar cf out/a.tar .env"),
        (&["tar", "gzip"], "tar czf out/a.tgz .env"),
        (&["tar", "python3"], store),
    ] {
        let dir = folder(&Key::new(150));
        // Made here, since what looks like a password is no part of the source.
        let value: String = "kJ8 mQ2 pXw 9vT".split(' ').collect();
        fs::write(dir.path().join(".env"), format!("DB_PASSWORD={value}\n")).unwrap();
        if made(dir.path(), tools, command) {
            let (report, code) = scan_path(&dir.path().join("out"));
            let places: Vec<&str> = report["findings"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|finding| finding["locations"].as_array().unwrap())
                .map(|place| place["path"].as_str().unwrap())
                .collect();
            assert!(code == 1 && places.len() == 1 && places[0].ends_with("!/.env"), "{command}: {places:?}");
        }
    }
}

#[test]
fn layers_that_umoci_makes_are_read_whole() {
    let key = Key::new(151);
    let dir = folder(&key);
    // The layer that it inserts ends behind the last byte of the last file.
    let command = "umoci init --layout out/oci && umoci new --image out/oci:a && umoci insert --image out/oci:a in /in";
    if made(dir.path(), &["umoci"], command) {
        let (report, code) = scan_path(&dir.path().join("out"));
        assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 1), "{report}");
        assert_eq!(report["complete"], true, "{report}");
    }
    let zstd = "skopeo copy -q --dest-compress-format zstd oci:out/oci:a oci:zstd:a";
    if made(dir.path(), &["umoci", "skopeo"], zstd) {
        let (report, code) = scan_path(&dir.path().join("zstd"));
        assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 1), "{report}");
    }
}
