//! Pipes, sockets, devices, files that lie about their size or change meanwhile, and trees made to trip a walk: nothing hangs,
//! nothing that was not looked at goes unsaid, and the neighbours are searched all the same.
#![cfg(unix)]

mod common;

use common::{Key, fingerprints, keysweep, parse, scan, scan_path};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Longer than any of these takes, shorter than for ever.
const PATIENCE: Duration = Duration::from_secs(90);

fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What a process says that must not hang.
fn finish(mut child: Child) -> Output {
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it hangs");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

fn scan_json(args: &[&OsStr]) -> (Value, i32) {
    parse(&finish(start(keysweep().args(["scan", "--format", "json"]).args(args))))
}

fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// What is said of a file.
fn said(report: &Value, path: &Path) -> Vec<String> {
    let path = path.to_string_lossy();
    let incidents = report["incidents"].as_array().unwrap().iter();
    incidents.filter(|i| i["path"] == *path).map(|i| i["message"].as_str().unwrap().to_owned()).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_named_pipe_is_read_as_standard_input_is() {
    let dir = tempfile::tempdir().unwrap();
    let (key, archived) = (Key::new(501), Key::new(502));
    let pipe = dir.path().join("key.pem");
    mkfifo(&pipe);
    let child = start(keysweep().args(["scan", "--format", "json"]).arg(&pipe));
    let mut writer = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    writer.write_all(b"some lines before\n").unwrap();
    // It waits for a writer that takes its time.
    std::thread::sleep(Duration::from_millis(300));
    writer.write_all(key.pem().as_bytes()).unwrap();
    drop(writer);
    let (report, code) = parse(&finish(child));
    assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 1));
    assert_eq!(report["findings"][0]["locations"][0]["path"], *pipe.to_string_lossy());

    // An archive on a pipe is opened.
    let script = r#"exec "$1" scan --format json <(gzip -c "$2") <(cat "$3")"#;
    fs::write(dir.path().join("a"), archived.pem()).unwrap();
    fs::write(dir.path().join("b"), key.pem()).unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-c", script, "bash"]).arg(keysweep().get_program()).args([dir.path().join("a"), dir.path().join("b")]);
    let (report, code) = parse(&finish(start(&mut bash)));
    let mut expected = vec![key.fingerprint(), archived.fingerprint()];
    expected.sort();
    assert_eq!((fingerprints(&report), code), (expected, 1), "{report}");
}

#[test]
fn what_is_named_and_cannot_be_read_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let key = Key::new(503);
    fs::write(dir.path().join("good"), key.pem()).unwrap();
    let (pipe, socket) = (dir.path().join("pipe"), dir.path().join("socket"));
    mkfifo(&pipe);
    let _listener = UnixListener::bind(&socket).unwrap();
    let good = dir.path().join("good");
    let paths = [pipe.as_path(), &socket, Path::new("/dev/zero"), &good];
    let (report, code) = scan_json(&paths.map(Path::as_os_str));
    assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 3), "{report}");
    for (path, reason) in [(paths[0], "nobody writes"), (paths[1], "socket"), (paths[2], "device")] {
        let said = said(&report, path);
        assert!(matches!(said.as_slice(), [one] if one.contains(reason)), "{path:?}: {said:?}");
    }
    let (report, code) = scan_json(&[OsStr::new("/dev/null")]);
    assert_eq!((fingerprints(&report), code), (vec![], 0), "nothing is in it: {report}");
}

#[test]
fn special_files_in_a_folder_are_passed_over_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let key = Key::new(504);
    fs::write(dir.path().join("good"), key.pem()).unwrap();
    mkfifo(&dir.path().join("pipe"));
    let _listener = UnixListener::bind(dir.path().join("socket")).unwrap();
    let (report, code) = scan_json(&[dir.path().as_os_str()]);
    assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 1));
    assert_eq!(report["stats"]["skipped"], 2, "{report}");
}

#[test]
fn rules_about_what_to_leave_out_are_not_read_from_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let keys = [Key::new(505), Key::new(506)];
    let (good, bad) = (dir.path().join("good"), dir.path().join("bad"));
    fs::create_dir_all(&good).unwrap();
    fs::create_dir_all(bad.join("deeper")).unwrap();
    fs::write(good.join(".gitignore"), "hidden\n").unwrap();
    fs::write(good.join("hidden"), Key::new(507).pem()).unwrap();
    fs::write(good.join("key"), keys[0].pem()).unwrap();
    fs::write(bad.join("deeper/key"), keys[1].pem()).unwrap();
    let pipe = bad.join(".gitignore");
    mkfifo(&pipe);
    let mut expected: Vec<String> = keys.iter().map(Key::fingerprint).collect();
    expected.sort();
    let (report, code) = scan_json(&[OsStr::new("--respect-gitignore"), dir.path().as_os_str()]);
    assert_eq!((fingerprints(&report), code), (expected, 1), "{report}");
    assert!(said(&report, &pipe).concat().contains("nothing there is left out"), "{report}");
    // Also if it lies above what is named.
    let (report, code) = scan_json(&[OsStr::new("--respect-gitignore"), bad.join("deeper").as_os_str()]);
    assert_eq!((fingerprints(&report), code), (vec![keys[1].fingerprint()], 1), "{report}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_claims_to_be_empty_is_read() {
    let key = Key::new(508);
    let mut sleeper = Command::new("sleep").arg("60").env("DEPLOY_KEY", key.pem()).spawn().unwrap();
    let place = format!("/proc/{}/environ", sleeper.id());
    // The environment is that of this test until the other program has begun.
    while !fs::read(&place).unwrap().starts_with(b"DEPLOY_KEY")
        && !text(&fs::read(&place).unwrap()).contains("DEPLOY_KEY")
    {
        std::thread::sleep(Duration::from_millis(5));
    }
    let (report, code) = scan(&[&place]);
    let folder = scan(&[&format!("/proc/{}/net", sleeper.id())]);
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 1), "{report}");
    assert_eq!(fingerprints(&folder.0), Vec::<String>::new());
    // One without an end.
    let (report, code) = scan_json(&[OsStr::new("/proc/self/pagemap")]);
    assert_eq!(code, 3, "{report}");
    assert_eq!(said(&report, Path::new("/proc/self/pagemap")).len(), 1);
}

#[test]
fn a_file_that_shrinks_meanwhile_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let key = Key::new(509);
    let path = dir.path().join("large");
    let neighbour = dir.path().join("neighbour");
    fs::write(&neighbour, key.pem()).unwrap();
    let line = b"a line of a log that says nothing of interest, again and again\n";
    for _ in 0..20 {
        fs::write(&path, line.repeat(1_200_000)).unwrap();
        let child = start(keysweep().args(["scan", "--jobs", "1", "--format", "json"]).args([&path, &neighbour]));
        // The neighbour is read first: large files wait.
        let begin = Instant::now();
        while !is_open(&child, &path) && begin.elapsed() < Duration::from_secs(20) {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(2));
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1000).unwrap();
        let (report, code) = parse(&finish(child));
        assert_eq!(fingerprints(&report), [key.fingerprint()]);
        if code == 3 {
            return assert!(said(&report, &path).concat().contains("shrank"), "{report}");
        }
        // All of it had been read before, or it was cut before its length was asked for.
        let bytes = report["stats"]["bytes"].as_u64().unwrap();
        assert!(!(2000..40_000_000).contains(&bytes), "{report}");
    }
    panic!("the scan was always faster, or later");
}

/// Whether a process has a file open.
fn is_open(process: &Child, path: &Path) -> bool {
    let Ok(folder) = fs::read_dir(format!("/proc/{}/fd", process.id())) else { return false };
    folder.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == path))
}

#[test]
fn trees_that_trip_a_walk_cost_only_what_cannot_be_reached() {
    let dir = tempfile::tempdir().unwrap();
    let keys: Vec<Key> = (510..514).map(Key::new).collect();
    let root = dir.path().join("root");
    fs::create_dir(&root).unwrap();
    // Names that are no text, and a thousand names of one file.
    fs::write(root.join("with\nnewline"), keys[0].pem()).unwrap();
    fs::write(root.join(OsStr::from_bytes(b"no\xff\xfeutf8\x1b[31m")), keys[1].pem()).unwrap();
    fs::write(root.join("linked"), keys[2].pem()).unwrap();
    for number in 0..1000 {
        fs::hard_link(root.join("linked"), root.join(format!("link{number}"))).unwrap();
    }
    // Links in a circle, above themselves, and to nowhere.
    std::os::unix::fs::symlink("circle", root.join("circle")).unwrap();
    std::os::unix::fs::symlink("..", root.join("above")).unwrap();
    std::os::unix::fs::symlink("nowhere", root.join("nowhere2")).unwrap();
    let (report, code) = scan_path(&root);
    let mut expected: Vec<String> = keys[..3].iter().map(Key::fingerprint).collect();
    expected.sort();
    assert_eq!((fingerprints(&report), code), (expected.clone(), 1));
    let output = finish(start(keysweep().arg("scan").arg(&root)));
    assert!(!output.stdout.contains(&0x1b), "control characters of names stay out of a terminal");

    let (report, code) = scan(&["--follow", root.to_str().unwrap()]);
    assert_eq!((fingerprints(&report), code), (expected, 3), "loops are told");
    assert!(!said(&report, &root.join("circle")).is_empty(), "{}", report["incidents"]);
}

#[test]
fn folders_deeper_than_a_path_can_say_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let key = Key::new(515);
    fs::write(dir.path().join("good"), key.pem()).unwrap();
    let name = "d".repeat(200);
    // Relative steps, since no path could say it.
    let script = format!("for i in $(seq 30); do mkdir {name}; cd {name}; done; echo deep > file");
    let made = Command::new("bash").args(["-c", &script]).current_dir(dir.path()).status().unwrap();
    assert!(made.success());
    let (report, code) = scan_path(dir.path());
    assert_eq!((fingerprints(&report), code), (vec![key.fingerprint()], 3), "{}", report["incidents"]);
    assert_eq!(report["incidents"].as_array().unwrap().len(), 1, "{}", report["incidents"]);
    assert!(Command::new("rm").arg("-rf").arg(dir.path()).status().unwrap().success());
}
