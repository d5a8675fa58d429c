//! Memory as text: rows of numbers that debuggers and dump tools write, with the address of each row before them.
//!
//! | who writes them | rows |
//! |---|---|
//! | `xxd`, `tcpdump -X`, radare2 | `00000010: 3082 04a5 0201 0002  0.......` |
//! | `hexdump`, `od -x` | `0000020 8230 a504 0102 0200` |
//! | `hexdump -C`, WinDbg `db`, Wireshark, `BIO_dump` of OpenSSL, the Linux kernel | `00000010  30 82 04 a5 02 01 00 02  \|0.......\|` |
//! | gdb `x/8xb`, `x/4xw`, `x/2xg`, also with the name of a symbol | `0x5555 <key+8>: 0xa5048230 0x02000102` |
//! | WinDbg `dd`, `dq`, `dc`, lldb, U-Boot `md`, `rd` of crash | `00000000'077a0010  a5048230 02000102` |
//! | `od`, `od -b`, `od -tu1`, `od -td1`, `od -c` | `0000020 202 004 245`, `0000020  48 130   4`, `0000020   0 202 004` |
//!
//! No tool is told by its name. Two rows that follow each other tell all that is to be known ([`Layout::of`]): their addresses
//! differ by the bytes of a row, and a number is as wide as its bytes. So what stands behind them is never taken for bytes.
//! Numbers of several bytes may be written either way round; [`Dump`] tells by the text beside them, if there is some.
//!
//! Whatever the text, time and memory are linear in it, but for rows left out as repeated, which are bounded.

mod cell;
mod dump;
mod layout;

pub use cell::Order;
pub use dump::{Dump, Line};
pub use layout::{Layout, Row, may_be_row};
