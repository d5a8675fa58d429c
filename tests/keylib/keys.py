"""Private keys as numbers, with the fingerprints of their public half.

Keys are made and converted by `openssl` and `ssh-keygen`; the numbers are read back from the tools' own output.
"""

import base64
import hashlib
import re
import subprocess
from dataclasses import dataclass, field

from . import der

RSA = "1.2.840.113549.1.1.1"
EC = "1.2.840.10045.2.1"


@dataclass(frozen=True)
class Curve:
    """A short Weierstrass curve: names, field prime, coefficient a, size in bytes."""

    name: str
    openssl: str
    ssh: str
    oid: str
    p: int
    a: int
    g: tuple
    size: int


CURVES = {
    c.name: c
    for c in [
        Curve(
            "P-256", "prime256v1", "nistp256", "1.2.840.10045.3.1.7",
            2**256 - 2**224 + 2**192 + 2**96 - 1, -3,
            (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
             0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5), 32),
        Curve(
            "P-384", "secp384r1", "nistp384", "1.3.132.0.34", 2**384 - 2**128 - 2**96 + 2**32 - 1, -3,
            (0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
             0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F), 48),
        Curve(
            "P-521", "secp521r1", "nistp521", "1.3.132.0.35", 2**521 - 1, -3,
            (0xC6858E06B70404E9CD9E3ECB662395B4429C648139053FB521F828AF606B4D3DBAA14B5E77EFE75928FE1DC127A2FFA8DE3348B3C1856A429BF97E7E31C2E5BD66,
             0x11839296A789A3BC0045C8A5FB42C7D1BD998F54449579B446817AFBD17273E662C97EE72995EF42640C550B9013FAD0761353C7086A272C24088BE94769FD16650), 66),
        Curve(
            "secp256k1", "secp256k1", "", "1.3.132.0.10", 2**256 - 2**32 - 977, 0,
            (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
             0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8), 32),
    ]
}
CURVE_BY_OID = {der.oid(c.oid)[2:]: c for c in CURVES.values()}
EDWARDS = {"Ed25519": "1.3.101.112", "Ed448": "1.3.101.113", "X25519": "1.3.101.110", "X448": "1.3.101.111"}
EDWARDS_BY_OID = {der.oid(o)[2:]: n for n, o in EDWARDS.items()}


def _string(data):
    return len(data).to_bytes(4, "big") + data


def _mpint(value):
    return _string(value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b"")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@dataclass
class Key:
    """A key pair. `numbers` holds integers (RSA, EC) or byte strings (seed, pub); `encodings` whole private structures."""

    name: str
    algorithm: str
    bits: int
    numbers: dict = field(repr=False)
    encodings: dict = field(default_factory=dict, repr=False)
    pem: str = ""

    @property
    def curve(self):
        return CURVES.get(self.algorithm)

    def point(self):
        """The uncompressed SEC1 point."""
        size = self.curve.size
        return b"\x04" + self.numbers["x"].to_bytes(size, "big") + self.numbers["y"].to_bytes(size, "big")

    def spki(self):
        """DER SubjectPublicKeyInfo, or None for algorithms without one here."""
        n = self.numbers
        if self.algorithm == "RSA":
            body = der.sequence(der.integer(n["n"]), der.integer(n["e"]))
            return der.sequence(der.sequence(der.oid(RSA), der.NULL), der.bits(body))
        if self.curve:
            return der.sequence(der.sequence(der.oid(EC), der.oid(self.curve.oid)), der.bits(self.point()))
        return der.sequence(der.sequence(der.oid(EDWARDS[self.algorithm])), der.bits(n["pub"]))

    def spki_sha256(self):
        return sha256(self.spki())

    def ssh_blob(self):
        """The public key in SSH wire form (RFC 4253, 5656, 8709), or None."""
        n = self.numbers
        if self.algorithm == "RSA":
            return _string(b"ssh-rsa") + _mpint(n["e"]) + _mpint(n["n"])
        if self.curve and self.curve.ssh:
            curve = self.curve.ssh.encode()
            return _string(b"ecdsa-sha2-" + curve) + _string(curve) + _string(self.point())
        if self.algorithm == "Ed25519":
            return _string(b"ssh-ed25519") + _string(n["pub"])
        return None

    def ssh_sha256(self):
        blob = self.ssh_blob()
        return blob and "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _add(curve, a, b):
    """Affine addition; slow and plain, for test material only."""
    if a is None or b is None:
        return a or b
    p = curve.p
    if a[0] == b[0]:
        if (a[1] + b[1]) % p == 0:
            return None
        slope = (3 * a[0] * a[0] + curve.a) * pow(2 * a[1], -1, p)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, p)
    x = (slope * slope - a[0] - b[0]) % p
    return x, (slope * (a[0] - x) - a[1]) % p


def public_point(curve, d):
    """d * G."""
    out, step = None, curve.g
    while d:
        if d & 1:
            out = _add(curve, out, step)
        step, d = _add(curve, step, step), d >> 1
    return out


def rsa(name, n, e, d, p, q, **encodings):
    numbers = dict(n=n, e=e, d=d, p=p, q=q, dp=d % (p - 1), dq=d % (q - 1), qinv=pow(q, -1, p))
    return Key(name, "RSA", n.bit_length(), numbers, encodings)


def ec(name, curve, d, **encodings):
    x, y = public_point(curve, d)
    return Key(name, curve.name, {66: 521}.get(curve.size, curve.size * 8), dict(d=d, x=x, y=y), encodings)


def edwards(name, algorithm, seed, pub, **encodings):
    bits = {"Ed25519": 256, "X25519": 256, "Ed448": 456, "X448": 448}[algorithm]
    return Key(name, algorithm, bits, dict(seed=seed, pub=pub), encodings)


def _run(*argv, **kwargs):
    return subprocess.run(argv, check=True, capture_output=True, **kwargs).stdout


def pem_body(text):
    """The bytes inside the first PEM block."""
    return base64.b64decode(re.search(r"-----BEGIN [^-]+-----(.*?)-----END", text, re.S).group(1))


def from_pkcs8(name, path):
    """Reads an unencrypted PEM key that `openssl pkey` understands."""
    pkcs8 = _run("openssl", "pkey", "-in", path, "-outform", "DER")
    if der.children(der.read(pkcs8)[1])[1][0] != 0x30:  # openssl pkey writes the traditional form for DER
        pkcs8 = _run("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", path, "-outform", "DER")
    _, (_, algorithm), (_, private), *_ = der.children(der.read(pkcs8)[1])
    oids = der.children(algorithm)
    kind = oids[0][1]
    if kind == der.oid(RSA)[2:]:
        n, e, d, p, q = (int.from_bytes(c, "big") for _, c in der.children(der.read(private)[1])[1:6])
        key = rsa(name, n, e, d, p, q)
        key.encodings["pkcs1-der"] = private
    elif kind == der.oid(EC)[2:]:
        d = int.from_bytes(der.children(der.read(private)[1])[1][1], "big")
        key = ec(name, CURVE_BY_OID[oids[1][1]], d)
        key.encodings["sec1-der"] = _run("openssl", "ec", "-in", path, "-outform", "DER")
    else:
        public = der.read(_run("openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"))[1]
        key = edwards(name, EDWARDS_BY_OID[kind], der.read(private)[1], der.children(public)[1][1][1:])
    key.encodings["pkcs8-der"] = pkcs8
    key.pem = str(path)
    shown = sha256(_run("openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"))
    assert key.spki_sha256() == shown, f"{path}: fingerprint differs from openssl's"
    return key


def from_openssh(name, path):
    """Reads an unencrypted OpenSSH v1 key (PROTOCOL.key)."""
    blob = pem_body(open(path).read())
    at = len(b"openssh-key-v1\0")

    def take(data, at):
        size = int.from_bytes(data[at : at + 4], "big")
        return data[at + 4 : at + 4 + size], at + 4 + size

    for _ in range(3):
        _, at = take(blob, at)
    _, at = take(blob, at + 4)
    private, _ = take(blob, at)
    fields, at = [], 8
    while at + 4 <= len(private):
        value, at = take(private, at)
        fields.append(value)
    number = lambda i: int.from_bytes(fields[i], "big")
    kind = fields[0].decode()
    if kind == "ssh-rsa":
        n, e, d, _, p, q = map(number, range(1, 7))
        key = rsa(name, n, e, d, p, q)
    elif kind.startswith("ecdsa-"):
        curve = next(c for c in CURVES.values() if c.ssh == fields[1].decode())
        key = ec(name, curve, number(3))
    else:
        key = edwards(name, "Ed25519", fields[2][:32], fields[1])
    key.encodings["openssh-v1"] = blob
    key.pem = str(path)
    shown = _run("ssh-keygen", "-lf", path, text=True).split()[1]
    assert key.ssh_sha256() == shown, f"{path}: fingerprint differs from ssh-keygen's"
    return key


GENERATE = {
    "RSA": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:{bits}"],
    **{c.name: ["-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{c.openssl}"] for c in CURVES.values()},
    **{name: ["-algorithm", name] for name in EDWARDS},
}


def generate(folder, name, algorithm, bits=2048):
    """Makes a fresh key with openssl as `folder/name.pem` (PKCS#8) and reads it back."""
    path = folder / f"{name}.pem"
    argv = [a.format(bits=bits) for a in GENERATE[algorithm]]
    _run("openssl", "genpkey", *argv, "-out", path)
    return from_pkcs8(name, path)


def generate_ssh(folder, name, kind, bits=None):
    """Makes a fresh key with ssh-keygen as `folder/name` and reads it back."""
    path = folder / name
    size = ["-b", str(bits)] if bits else []
    _run("ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", "throwaway", "-f", path)
    return from_openssh(name, path)


def certify(key, subject="/CN=localhost"):
    """A self-signed certificate beside the key; its path."""
    path = key.pem.removesuffix(".pem") + ".crt"
    _run("openssl", "req", "-new", "-x509", "-key", key.pem, "-subj", subject, "-days", "30", "-out", path)
    return path
