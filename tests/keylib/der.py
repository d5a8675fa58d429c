"""A small DER reader and writer: enough for private and public keys (X.690)."""


def read(data, at=0):
    """One element at `at`: (tag, content, end)."""
    tag, length, at = data[at], data[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[at : at + count], "big")
        at += count
    return tag, data[at : at + length], at + length


def children(content):
    """All elements of a constructed element's content, as (tag, content)."""
    at, out = 0, []
    while at < len(content):
        tag, inner, at = read(content, at)
        out.append((tag, inner))
    return out


def element(tag, content):
    length = len(content)
    if length < 0x80:
        head = bytes([length])
    else:
        size = (length.bit_length() + 7) // 8
        head = bytes([0x80 | size]) + length.to_bytes(size, "big")
    return bytes([tag]) + head + content


def sequence(*parts):
    return element(0x30, b"".join(parts))


def integer(value):
    return element(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(content):
    return element(0x04, content)


def bits(content):
    return element(0x03, b"\0" + content)


def oid(dotted):
    first, second, *rest = map(int, dotted.split("."))
    out = [first * 40 + second]
    for arc in rest:
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(0x80 | arc & 0x7F)
        out += reversed(septets)
    return element(0x06, bytes(out))


NULL = b"\x05\x00"
