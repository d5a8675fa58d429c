# Everyday commands; each is one line that can be typed without just.

# Format, lint, document and test everything, as CI does.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
    cargo test --workspace
    cargo run -q -- rules check
    cargo run -q -- rules test

# Take cores of real processes with fresh keys, and compare what is found with what is in them.
dumps:
    cargo build --release
    tests/dumps/make tests/out/dumps
    tests/dumps/check tests/out/dumps

# Make a tree of all key formats with their own tools, and compare what is found with what is in it.
formats:
    cargo build --release
    tests/formats/make tests/out/formats
    tests/formats/check tests/out/formats

# Make homes with the real tools, and compare what is told of them with what is in them.
accounts:
    cargo build --release
    tests/accounts/make tests/out/accounts
    tests/accounts/check tests/out/accounts

# The numbers of BENCHMARKS.md.
bench:
    cargo build --release
    tests/bench/run

# Fuzz every parser for a minute each, beginning with what the tests above have made; needs a nightly toolchain.
fuzz:
    fuzz/run 60
