//! Dumps that real tools wrote of the same 256 bytes (`tests/data/sample.bin`), and what is none.

use keysweep_hexdump::{Dump, Layout, Line, may_be_row};
use std::path::Path;

const SAMPLE: &[u8] = include_bytes!("data/sample.bin");

/// The bytes of the first dump in a text; none if there is no dump.
fn read(text: &str) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = text.split('\n').map(str::as_bytes).collect();
    let (at, layout) = lines.windows(2).enumerate().find_map(|(i, two)| Some((i, Layout::of(two[0], two[1])?)))?;
    let (mut dump, mut out) = (Dump::new(layout, None), Vec::new());
    for line in &lines[at..] {
        if dump.line(line, &mut out) == Line::Behind {
            break;
        }
    }
    dump.finish(&mut out);
    Some(out)
}

fn data(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

fn check(name: &str, text: &str) {
    let found = read(text).unwrap_or_else(|| panic!("{name}: no dump"));
    assert!(found == SAMPLE, "{name}: {found:02x?}\n{text}");
}

const FILES: [&str; 25] = [
    "xxd",
    "xxd-a",
    "xxd-c24-g4",
    "xxd-e",
    "xxd-g1-u",
    "hexdump",
    "hexdump-C",
    "hexdump-b",
    "hexdump-v",
    "hexdump-x",
    "od",
    "od-Ad-tx2-w32",
    "od-b",
    "od-c",
    "od-td1-Ax",
    "od-tu1",
    "od-tx1z",
    "od-tx4z",
    "od-tx8",
    "openssl",
    "gdb-xb",
    "gdb-xh",
    "gdb-xw",
    "gdb-xg",
    "gdb-ub",
];

#[test]
fn rows_of_every_tool_are_read() {
    for name in FILES.iter().chain(&["gdb-db"]) {
        let text = data(name);
        check(name, &text);
        check(name, &text.replace('\n', "\r\n"));
        check(name, &format!("Breakpoint 1, main () at s.c:5\n(gdb) x\n{text}(gdb) quit\n"));
    }
}

/// A row for each 16 bytes: number, bytes.
fn rows(row: impl Fn(usize, &[u8]) -> String) -> String {
    SAMPLE.chunks(16).enumerate().map(|(i, bytes)| row(16 * i, bytes) + "\n").collect()
}

fn bytes(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ")
}

/// Little-endian numbers of so many bytes.
fn numbers(bytes: &[u8], size: usize, before: &str) -> String {
    let number = |bytes: &[u8]| bytes.iter().rev().map(|b| format!("{b:02x}")).collect::<String>();
    bytes.chunks(size).map(|bytes| format!("{before}{}", number(bytes))).collect::<Vec<_>>().join(" ")
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|b| if (32..127).contains(b) { char::from(*b) } else { '.' }).collect()
}

#[test]
fn rows_of_debuggers_and_logs_are_read() {
    let marked = |b: &[u8]| {
        let all = bytes(b);
        format!("{}-{}", &all[..23], &all[24..])
    };
    check("WinDbg db", &rows(|at, b| format!("00000123`0456{at:04x}  {}  {}", marked(b), text(b))));
    for (name, size) in [("dw", 2), ("dd", 4), ("dq", 8)] {
        check(name, &rows(|at, b| format!("00000123`0456{at:04x}  {}", numbers(b, size, ""))));
    }
    check("WinDbg dc", &rows(|at, b| format!("0456{at:04x}  {}  {}", numbers(b, 4, ""), text(b))));
    check("Wireshark", &rows(|at, b| format!("{at:04x}   {}   {}", bytes(b), text(b))));
    check("kernel", &rows(|at, b| format!("[  123.456789] key: 00000000: {at:08x}: {}  {}", bytes(b), text(b))));
    check("journal", &rows(|at, b| format!("Nov 30 07:12:15 host kernel: {at:08x}: {}", bytes(b))));
    check("lldb", &rows(|at, b| format!("0x7ffe0012{at:04x}: {}", numbers(b, 4, "0x"))));
    check("U-Boot", &rows(|at, b| format!("8000{at:04x}: {}    {}", numbers(b, 4, ""), text(b))));
    check("crash", &rows(|at, b| format!("ffff88003b2a{at:04x}:  {}   {}", numbers(b, 8, ""), text(b))));
    let pairs = |b: &[u8]| b.chunks(2).map(|b| format!("{:02x}{:02x}", b[0], b[1])).collect::<Vec<_>>().join(" ");
    check("tcpdump -x", &rows(|at, b| format!("\t0x{at:04x}:  {}", pairs(b))));
    check("tcpdump -X", &rows(|at, b| format!("\t0x{at:04x}:  {}  {}", pairs(b), text(b))));
    let head = "- offset -   0 1  2 3  4 5  6 7  8 9  A B  C D  E F  0123456789ABCDEF\n";
    check("radare2", &(head.to_owned() + &rows(|at, b| format!("0x{at:08x}  {}  {}", pairs(b), text(b)))));
    check("IDA", &rows(|at, b| format!(".data:0040{at:04x}  {}  {}", bytes(b), text(b))));
    check("hexyl", &rows(|at, b| format!("│{at:08x}│ {} │{}│", bytes(b).replacen("  ", " ┊ ", 1), text(b))));
}

#[test]
fn an_odd_last_row_ends_where_it_is_cut() {
    for len in [17, 18, 31, 40] {
        let cut = &SAMPLE[..len];
        let dump: String = cut
            .chunks(16)
            .enumerate()
            .map(|(i, b)| format!("{:08x}  {:<48} |{}|\n", 16 * i, bytes(b), text(b)))
            .collect();
        assert_eq!(read(&dump).unwrap(), cut, "{dump}");
    }
}

#[test]
fn lines_between_rows_are_passed_over_and_gaps_end_a_dump() {
    let lines: Vec<String> = data("xxd").lines().map(str::to_owned).collect();
    let paged = lines.chunks(4).map(|l| l.join("\n")).collect::<Vec<_>>().join("\n--Type <RET> for more--\n\n");
    check("paged", &paged);
    let gap = [&lines[..4], &lines[5..]].concat().join("\n");
    assert_eq!(read(&gap).unwrap(), &SAMPLE[..64]);
    // Memory that WinDbg could not read.
    let mut unread = lines.clone();
    unread[1] = format!("00000010: {}  {}", ["????"; 8].join(" "), "?".repeat(16));
    assert_eq!(read(&unread.join("\n")).unwrap()[16..32], [0; 16]);
    // Rows said to repeat are not made without end.
    let star = format!("{}\n{}\n*\nfffffff0: {}\n", lines[0], lines[1], &lines[2][10..]);
    assert_eq!(read(&star).unwrap(), &SAMPLE[..32]);
}

#[test]
fn tables_and_sources_are_no_dumps() {
    for text in [
        "",
        "\n\n",
        "1000 12 34 56\n1003 78 90 12\n",
        "2024 10 11 12 13 14\n2025 10 11 12 13 14\n",
        "00000010: not a row\n00000020: not a row\n",
        "00000010: 30 82\n00000020: 30 82\n",
        "00000010: 3082 04a5 0201 0002 8201 0101 daf9 feb3\n00000010: 3082 04a5 0201 0002 8201 0101 daf9 feb3\n",
        "00000020: 3082 04a5 0201 0002 8201 0101 daf9 feb3\n00000010: 3082 04a5 0201 0002 8201 0101 daf9 feb3\n",
        "deadbeef cafe1234 the commit\ncafebabe 12341234 another\n",
        "fn main() {\n    let x = 0x1000;\n}\n",
        "0x1000: mov eax, ebx\n0x1010: ret\n",
        "  401000:\t48 89 e5\tmov %rsp,%rbp\n  401003:\t5d\tpop %rbp\n",
        "1000000 1 2 3 4\n1000004 x y z\n",
        "\u{b5}1000: \u{b5}\n\u{b5}1010: \u{b5}\n",
    ] {
        assert!(read(text).is_none(), "{text}");
    }
    for line in ["", "let a = 1;", "1000", "abc def", "0x: 12", "deadbeefdeadbeefdeadbeef 12", "    return 1"] {
        assert!(!may_be_row(line.as_bytes()), "{line}");
    }
}

#[test]
fn whatever_the_bytes_reading_ends() {
    for name in FILES {
        let text = data(name).into_bytes();
        for at in (0..text.len()).step_by(7) {
            let mut damaged = text.clone();
            for byte in [0, b'\n', b'f', b'\t', b'<', 0xff] {
                damaged[at] = byte;
                let lines: Vec<&[u8]> = damaged.split(|b| *b == b'\n').take(24).collect();
                for (i, two) in lines.windows(2).enumerate().take(2) {
                    let Some(layout) = Layout::of(two[0], two[1]) else { continue };
                    let (mut dump, mut out) = (Dump::new(layout, None), Vec::new());
                    lines[i..].iter().for_each(|line| _ = dump.line(line, &mut out));
                    dump.finish(&mut out);
                    assert!(out.len() < 1 << 20);
                }
            }
        }
    }
}
