"""Microsoft's forms: .NET XML, strong names, CNG blobs (bcrypt.h), and XML that carries a PKCS#12."""

import base64
import struct

from keylib import keys

from .forest import Key, need, run


def _numbers(key):
    return keys.from_pkcs8("", key.path).numbers


def _rsa_parts(key):
    n = _numbers(key)
    size, half = key.bits // 8, key.bits // 16
    widths = dict(n=size, d=size, p=half, q=half, dp=half, dq=half, qinv=half, e=3)
    return {name: n[name].to_bytes(width, "big") for name, width in widths.items()}


def dotnet_xml(tree):
    """RSAKeyValue as RSA.ToXmlString(true) writes it."""
    key = tree.key("RSA", 2048)
    part = _rsa_parts(key)
    names = dict(Modulus="n", Exponent="e", P="p", Q="q", DP="dp", DQ="dq", InverseQ="qinv", D="d")
    inner = "".join(f"<{tag}>{base64.b64encode(part[n]).decode()}</{tag}>" for tag, n in names.items())
    tree.add("dotnet/rsa.xml", f"<RSAKeyValue>{inner}</RSAKeyValue>", ".NET XML", key)
    lines = "\n  ".join(f"<{tag}>{base64.b64encode(part[n]).decode()}</{tag}>" for tag, n in names.items())
    tree.add("dotnet/indented.xml", f'<?xml version="1.0"?>\n<RSAKeyValue>\n  {lines}\n</RSAKeyValue>\n', ".NET XML", key)
    public = "".join(f"<{t}>{base64.b64encode(part[n]).decode()}</{t}>" for t, n in (("Modulus", "n"), ("Exponent", "e")))
    tree.near_miss("near-miss/public.xml", f"<RSAKeyValue>{public}</RSAKeyValue>", "public RSAKeyValue")


def strong_name(tree):
    """mono's sn makes the file; its numbers are read back by openssl as a MSBLOB."""
    need("sn")
    path = tree.path("dotnet/strong-name.snk")
    run("sn", "-k", "2048", path)
    pem = tree.work / "snk.pem"
    pem.write_bytes(run("openssl", "rsa", "-inform", "MSBLOB", "-in", path))
    tree.expect("dotnet/strong-name.snk", "CAPI PRIVATEKEYBLOB", Key(pem, "RSA", 2048), note="strong-name key pair")
    public = tree.path("near-miss/public.snk")
    run("sn", "-p", path, public)
    tree.near_miss("near-miss/public.snk", public.read_bytes(), "public strong-name key")


def cng(tree):
    """BCRYPT_RSAKEY_BLOB and BCRYPT_ECCKEY_BLOB, little-endian headers and big-endian numbers."""
    key = tree.key("RSA", 2048)
    part = _rsa_parts(key)
    sizes = (key.bits, 3, 256, 128, 128)
    for magic, names in (("RSA2", ("e", "n", "p", "q")), ("RSA3", ("e", "n", "p", "q", "dp", "dq", "qinv", "d"))):
        blob = magic.encode() + struct.pack("<5I", *sizes) + b"".join(part[n] for n in names)
        tree.add(f"cng/{magic.lower()}.blob", blob, f"CNG {magic}", key)
        tree.add(f"cng/{magic.lower()}-in-memory.bin", bytes(8) + b"x" * 333 + blob + bytes(64), f"CNG {magic}", key,
                 note="at an odd offset")
    tree.near_miss("near-miss/cng-public.blob", b"RSA1" + struct.pack("<5I", key.bits, 3, 256, 0, 0) + part["e"] + part["n"],
                   "CNG public RSA blob")
    for magic, name in (("ECS2", "P-256"), ("ECS4", "P-384"), ("ECS6", "P-521"), ("ECK2", "P-256")):
        key = tree.key(name)
        n, size = _numbers(key), keys.CURVES[name].size
        blob = magic.encode() + struct.pack("<I", size) + b"".join(n[i].to_bytes(size, "big") for i in "xyd")
        tree.add(f"cng/{magic.lower()}.blob", blob, f"CNG {magic}", key)


def federation(tree):
    """A token-signing key as federation servers export it: PKCS#12 in base64 within XML."""
    key = tree.key("RSA", 2048)
    certificate, store = tree.work / "signing.crt", tree.work / "signing.pfx"
    run("openssl", "req", "-new", "-x509", "-key", key.path, "-subj", "/CN=ADFS Signing - sts.example.org", "-out", certificate)
    for label, options, encrypted in (("encrypted", [], True), ("plain", ["-certpbe", "NONE", "-keypbe", "NONE"], False)):
        run("openssl", "pkcs12", "-export", "-inkey", key.path, "-in", certificate, "-passout", "pass:throwaway", *options,
            "-out", store)
        text = base64.b64encode(store.read_bytes()).decode()
        xml = ('<?xml version="1.0" encoding="utf-8"?>\n<ServiceSettingsData><SecurityTokenService><SigningToken>'
               f"<EncryptedPfx>{text}</EncryptedPfx></SigningToken></SecurityTokenService></ServiceSettingsData>\n")
        tree.add(f"federation/{label}.xml", xml, "PKCS#12", key, encrypted=encrypted, named=not encrypted,
                 note="base64 in XML")


PARTS = [dotnet_xml, strong_name, cng, federation]
