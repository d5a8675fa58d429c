"""Which forms of a key's numbers lie where in a dump, found by a search for the known values."""

import base64
import hashlib
import struct

LIMIT = 16  # places listed for each form
SECRET = {
    "RSA": {"d", "p", "q", "dp", "dq", "qinv"},
    "curve": {"d"},
    "edwards": {"seed", "seed||pub", "sha512(seed)"},
}


ORDERS = {
    "P-256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "P-384": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    "P-521": 0x1FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
    "secp256k1": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
}


def _words(data, size):
    """Big-endian bytes as words, most significant first, each little-endian."""
    data = data.rjust(-(-len(data) // size) * size, b"\0")
    return b"".join(data[i : i + size][::-1] for i in range(0, len(data), size))


def _digits30(value):
    out = b""
    while value:
        out += struct.pack("<I", value & (1 << 30) - 1)
        value >>= 30
    return out


def _integer(value, size=None):
    """The forms of an integer; `size` fixes the width for field elements."""
    big = value.to_bytes(size or (value.bit_length() + 7) // 8, "big")
    return {
        "big-endian": big,
        "little-endian limbs": big[::-1],
        "int[] words": _words(big, 4),
        "30-bit digits": _digits30(value),
        "hex text": big.hex().encode(),
        "HEX text": big.hex().upper().encode(),
        "decimal text": str(value).encode(),
    }


def patterns(key):
    """(number, form) -> bytes, for all that could lie in memory."""
    out = {}

    def put(number, forms):
        for form, value in forms.items():
            out[number, form] = value

    numbers = key.numbers
    if key.algorithm == "RSA":
        for number, value in numbers.items():
            if number != "e":
                put(number, _integer(value))
            if number in "pq":
                # What glibc leaves of limbs that were freed and not wiped: all but two links at their start.
                rest = value.to_bytes((value.bit_length() + 7) // 8, "little")[16:]
                put(number, {"freed limbs": rest})
    elif key.curve:
        curve, size = key.curve, key.curve.size
        put("d", _integer(numbers["d"], size))
        words = -(-size // 8) * 8
        put("d", {"Montgomery limbs": ((numbers["d"] << 8 * words) % ORDERS[curve.name]).to_bytes(size, "little")})
        put("Q", {"04 X Y": key.point(), "compressed": bytes([2 | numbers["y"] & 1]) + key.point()[1 : 1 + size]})
        limbs = -(-size // 8) * 8
        for axis in "xy":
            put(axis, {"little-endian limbs": numbers[axis].to_bytes(size, "little")})
            montgomery = (numbers[axis] << 8 * limbs) % curve.p
            put(axis, {"Montgomery limbs": montgomery.to_bytes(size, "little")})
    else:
        seed, pub = numbers["seed"], numbers["pub"]
        put("seed", {"bytes": seed, "reversed": seed[::-1], "hex text": seed.hex().encode()})
        put("pub", {"bytes": pub})
        put("seed||pub", {"bytes": seed + pub})
        if key.algorithm == "Ed25519":
            scalar = bytearray(hashlib.sha512(seed).digest()[:32])
            put("sha512(seed)", {"bytes": bytes(scalar)})
            scalar[0] &= 248
            scalar[31] = scalar[31] & 63 | 64
            put("sha512(seed)", {"clamped": bytes(scalar)})
    for form, value in key.encodings.items():
        out["key", form] = value
        text = base64.b64encode(value)
        for width, name in ((64, "pem"), (70, "pem"), (76, "base64")):
            lines = b"\n".join(text[i : i + width] for i in range(0, len(text), width))
            out["key", f"{form.removesuffix('-der')}-{name}-{width}"] = lines
        out["key", f"{form.removesuffix('-der')}-base64"] = text
        if form == "pkcs1-der":
            # The header is often the first thing that a freed buffer loses.
            out["key", "pkcs1-der without its first 16 bytes"] = value[16:]
    return out


def _places(data, pattern):
    at, places = data.find(pattern), []
    while at >= 0:
        places.append(at)
        at = data.find(pattern, at + 1)
    return places


class Core:
    """The bytes of a dump, with addresses where it is an ELF core."""

    def __init__(self, path):
        self.data = path.read_bytes()
        self.segments = []
        if self.data[:6] == b"\x7fELF\x02\x01":
            start, = struct.unpack_from("<Q", self.data, 32)
            size, count = struct.unpack_from("<HH", self.data, 54)
            if count == 0xFFFF:  # PN_XNUM: the count is in the first section header's sh_info
                section, = struct.unpack_from("<Q", self.data, 40)
                count, = struct.unpack_from("<I", self.data, section + 44)
            for i in range(count):
                kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", self.data, start + i * size)
                if kind == 1 and length:
                    self.segments.append((offset, address, length))

    def address(self, offset):
        for start, address, length in self.segments:
            if start <= offset < start + length:
                return f"{address + offset - start:#x}"
        return None

    def presence(self, key):
        """What of the key lies here, as manifest rows."""
        rows, seen = [], {}
        for (number, form), pattern in patterns(key).items():
            if pattern in seen or len(pattern) < 16:
                continue
            seen[pattern] = True
            places = _places(self.data, pattern)
            if places:
                at = [{"offset": p, "address": self.address(p)} for p in places[:LIMIT]]
                rows.append({"number": number, "form": form, "length": len(pattern), "count": len(places), "at": at})
        return rows


def summary(key, rows):
    """`structured`, `numeric`, `public` or `absent`: the best that a dump holds of a key."""
    if any(r["number"] == "key" and not r["form"].endswith("bytes") for r in rows):
        return "structured"
    secret = SECRET["RSA"] if key.algorithm == "RSA" else SECRET["curve" if key.curve else "edwards"]
    if any(r["number"] in secret for r in rows):
        return "numeric"
    return "public" if rows else "absent"
