"""Small signing and encryption tools, each with its own key file."""

import base64
import binascii
import hashlib
import hmac
import os
import subprocess
import tempfile
import time
from pathlib import Path

from keylib import der, keys

from .forest import PASSPHRASE, Key, Skip, need, run


def _edwards(algorithm, public):
    return Key(None, algorithm, 256, keys.edwards("", algorithm, b"", public).spki())


def age(tree):
    need("age-keygen", "age")
    path = tree.path("age/key.txt")
    run("age-keygen", "-o", path)
    recipient = run("age-keygen", "-y", path).decode().strip()
    tree.expect("age/key.txt", "age identity", _edwards("X25519", _bech32(recipient)))
    tree.near_miss("near-miss/age-recipient.txt", recipient + "\n", "age recipient")


def _bech32(text):
    """The bytes of a Bech32 string (BIP 173), checksum not verified."""
    digits = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(c) for c in text[text.rindex("1") + 1 : -6]]
    value = 0
    for digit in digits:
        value = value << 5 | digit
    return (value >> len(digits) * 5 % 8).to_bytes(len(digits) * 5 // 8, "big")


def minisign(tree):
    need("minisign")
    for label, options in (("plain", ["-W"]), ("encrypted", [])):
        public, secret = tree.work / f"minisign-{label}.pub", tree.path(f"minisign/{label}.key")
        run("minisign", "-G", "-f", "-p", public, "-s", secret, *options,
            text="" if options else f"{PASSPHRASE}\n{PASSPHRASE}\n")
        raw = base64.b64decode(public.read_text().splitlines()[1])
        tree.expect(f"minisign/{label}.key", "minisign", _edwards("Ed25519", raw[10:]), encrypted=label == "encrypted",
                    named=label == "plain")
    tree.near_miss("near-miss/minisign.pub", public.read_bytes(), "minisign public key")


def signify(tree):
    need("signify-openbsd")
    public, secret = tree.work / "plain.pub", tree.path("signify/plain.sec")
    run("signify-openbsd", "-G", "-n", "-c", "throwaway", "-p", public, "-s", secret)
    raw = base64.b64decode(public.read_text().splitlines()[1])
    tree.expect("signify/plain.sec", "signify", _edwards("Ed25519", raw[10:]))
    tree.near_miss("near-miss/signify.pub", public.read_bytes(), "signify public key")


def wireguard(tree):
    need("wg")
    secret = run("wg", "genkey").decode().strip()
    public = run("wg", "pubkey", text=secret + "\n").decode().strip()
    peer = run("wg", "pubkey", text=run("wg", "genkey").decode()).decode().strip()
    key = _edwards("X25519", base64.b64decode(public))
    shared = run("wg", "genpsk").decode().strip()
    config = (f"[Interface]\nAddress = 10.0.0.1/24\nPrivateKey = {secret}\nListenPort = 51820\n\n"
              f"[Peer]\nPublicKey = {peer}\nAllowedIPs = 10.0.0.2/32\n")
    tree.add("wireguard/wg0.conf", config, "WireGuard", key)
    tree.add("wireguard/psk.conf", config + f"PresharedKey = {shared}\n", "WireGuard", key,
             note="a pre-shared key too, without public half")
    tree.near_miss("near-miss/wireguard-peer.conf", f"[Peer]\nPublicKey = {peer}\nAllowedIPs = 10.0.0.2/32\n",
                   "WireGuard peer without secret")


def tor(tree):
    """An onion service's key, made by tor itself with the network disabled."""
    need("tor")
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o700)
        service, config = Path(home, "service"), Path(home, "torrc")
        config.touch()
        process = subprocess.Popen(
            ["tor", "--quiet", "--DataDirectory", f"{home}/data", "--HiddenServiceDir", service, "--HiddenServicePort",
             "80 127.0.0.1:1", "--SocksPort", "0", "--DisableNetwork", "1", "-f", config,
             "--defaults-torrc", config],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + 30
            while not (service / "hostname").exists():
                if process.poll() is not None or time.monotonic() > end:
                    raise Skip("tor made no onion service key")
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
        host = (service / "hostname").read_text().strip().removesuffix(".onion")
        public = base64.b32decode(host.upper())[:32]
        tree.add("tor/hs_ed25519_secret_key", (service / "hs_ed25519_secret_key").read_bytes(), "Tor onion service",
                 _edwards("Ed25519", public), note="expanded secret key")
        tree.near_miss("near-miss/hs_ed25519_public_key", (service / "hs_ed25519_public_key").read_bytes(), "Tor public key")


def dnssec(tree):
    need("dnssec-keygen")
    for algorithm, name, options in ((8, "RSA", ["-b", "2048"]), (13, "P-256", []), (14, "P-384", []), (15, "Ed25519", []),
                                     (16, "Ed448", [])):
        base = run("dnssec-keygen", "-q", "-K", tree.work, "-a", algorithm, *options, "example.org").decode().strip()
        record = (tree.work / f"{base}.key").read_text().splitlines()[-1].split(" 3 ", 1)[1].split(None, 1)[1]
        public = base64.b64decode("".join(record.split()))
        if name == "RSA":
            size = public[0]
            e, n = public[1 : 1 + size], public[1 + size :]
            made = keys.Key("", "RSA", 2048, dict(e=int.from_bytes(e, "big"), n=int.from_bytes(n, "big")))
        elif name in keys.CURVES:
            half = len(public) // 2
            made = keys.Key("", name, half * 8, dict(x=int.from_bytes(public[:half], "big"),
                                                     y=int.from_bytes(public[half:], "big")))
        else:
            made = keys.edwards("", name, b"", public)
        key = Key(None, name, made.bits, made.spki())
        tree.add(f"dnssec/{base}.private", (tree.work / f"{base}.private").read_bytes(), "DNSSEC private key", key)
        tree.near_miss(f"near-miss/{base}.key", (tree.work / f"{base}.key").read_bytes(), "DNSKEY record")


def nats(tree):
    """NATS nkeys: Base32 of prefix, seed and CRC-16/XMODEM (the nkeys reference implementation)."""
    for kind, prefix in (("operator", 14 << 3), ("account", 0), ("user", 20 << 3)):
        path = tree.work / f"nkey-{kind}.pem"
        run("openssl", "genpkey", "-algorithm", "Ed25519", "-out", path)
        key = keys.from_pkcs8("", path)
        raw = bytes([18 << 3 | prefix >> 5, (prefix & 31) << 3]) + key.numbers["seed"]
        raw += binascii.crc_hqx(raw, 0).to_bytes(2, "little")
        text = base64.b32encode(raw).decode().rstrip("=")
        tree.add(f"nats/{kind}.nk", text + "\n", "NATS nkey", Key(path, "Ed25519", 256))
        public = bytes([prefix]) + key.numbers["pub"]
        public += binascii.crc_hqx(public, 0).to_bytes(2, "little")
        tree.near_miss(f"near-miss/nats-{kind}.pub", base64.b32encode(public).decode().rstrip("=") + "\n", "NATS public nkey")


def cosign(tree):
    """Sigstore key pairs: JSON around a NaCl secretbox, in PEM (go-securesystemslib's `encrypted`). The box is random
    bytes: without the passphrase nothing can tell."""
    import json
    box = {"kdf": {"name": "scrypt", "params": {"N": 65536, "r": 8, "p": 1}, "salt": base64.b64encode(os.urandom(32)).decode()},
           "cipher": {"name": "nacl/secretbox", "nonce": base64.b64encode(os.urandom(24)).decode()},
           "ciphertext": base64.b64encode(os.urandom(138 + 16)).decode()}
    for label in ("SIGSTORE", "COSIGN"):
        body = base64.encodebytes(json.dumps(box, separators=(",", ":")).encode()).decode()
        text = f"-----BEGIN ENCRYPTED {label} PRIVATE KEY-----\n{body}-----END ENCRYPTED {label} PRIVATE KEY-----\n"
        tree.add(f"cosign/{label.lower()}.key", text, "sigstore", algorithm="unknown", encrypted=True)


PARTS = [age, minisign, signify, wireguard, tor, dnssec, nats, cosign]
