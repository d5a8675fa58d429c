"""The tree being made, its manifest, and the names of keys as the tools tell them."""

import base64
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from keylib import der, keys

PASSPHRASE = "throwaway"


class Skip(Exception):
    """This part cannot be made here; the manifest says why."""


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


def run(*argv, text=None, env=None, cwd=None):
    """A command's standard output as bytes; ends the part if it fails."""
    given = text.encode() if isinstance(text, str) else text
    done = subprocess.run(list(map(str, argv)), input=given, capture_output=True, timeout=300, cwd=cwd,
                          stdin=subprocess.DEVNULL if given is None else None, env={**os.environ, **(env or {})})
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()[-300:]
        raise Skip(f"{argv[0]} failed: {said}")
    return done.stdout


def openssl_spki(path, *options):
    """The SubjectPublicKeyInfo as `openssl pkey -pubout` writes it."""
    return run("openssl", "pkey", "-in", path, *options, "-pubout", "-outform", "DER")


def ssh_name(spki):
    """The SSH `SHA256:` form of an SPKI, by ssh-keygen where it reads the type; None if SSH has no such key."""
    with tempfile.NamedTemporaryFile(suffix=".pub") as file:
        text = base64.encodebytes(spki).decode()
        file.write(f"-----BEGIN PUBLIC KEY-----\n{text}-----END PUBLIC KEY-----\n".encode())
        file.flush()
        try:
            line = run("ssh-keygen", "-i", "-m", "PKCS8", "-f", file.name)
        except Skip:
            parts = der.children(der.read(spki)[1])
            if parts[0][1] != der.oid(keys.EDWARDS["Ed25519"]):
                return None
            line = b"ssh-ed25519 " + base64.b64encode(keys._string(b"ssh-ed25519") + keys._string(parts[1][1][1:]))
    if line.startswith(b"ssh-unknown"):
        return None  # A curve that SSH does not have.
    blob = base64.b64decode(line.split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


class Key:
    """A key of the tree: what it is and how its public half is named."""

    def __init__(self, path, algorithm, bits, spki=None, ssh=None):
        self.path, self.algorithm, self.bits = path, algorithm, bits
        self.spki = spki if spki is not None else openssl_spki(path)
        self.spki_sha256 = hashlib.sha256(self.spki).hexdigest()
        self.ssh = ssh or ssh_name(self.spki)


class Tree:
    """Receives files and their expected findings."""

    def __init__(self, out):
        self.root = out / "tree"
        shutil.rmtree(self.root, ignore_errors=True)
        self.work = out / "work"
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True, mode=0o700)
        self.files, self.skipped, self._keys = [], [], {}

    def key(self, algorithm, bits=0):
        """A PKCS#8 PEM key made by `openssl genpkey`, one for each kind."""
        if (algorithm, bits) not in self._keys:
            path = self.work / f"{algorithm}-{bits}.pem"
            options = {
                "RSA": ["-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}"],
                **{name: ["-algorithm", name] for name in keys.EDWARDS},
            }.get(algorithm)
            curve = keys.CURVES[algorithm].openssl if algorithm in keys.CURVES else algorithm
            options = options or ["-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}"]
            run("openssl", "genpkey", *options, "-out", path)
            size = bits or {"P-521": 521, "P-384": 384, "Ed448": 456, "X448": 448, "brainpoolP384r1": 384}.get(algorithm, 256)
            self._keys[algorithm, bits] = Key(path, algorithm, size)
        return self._keys[algorithm, bits]

    def path(self, name):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, name, data):
        path = self.path(name)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def expect(self, name, format, held=(), *, algorithm=None, bits=None, encrypted=False, named=True, note=""):
        """Declares a file that is already in the tree. `named`: its public half can be read from it."""
        held = [held] if isinstance(held, Key) else list(held)
        self.files.append({
            "path": name, "format": format, "algorithm": algorithm or "+".join(dict.fromkeys(k.algorithm for k in held)),
            "bits": bits if bits is not None else (held[0].bits if held else 0), "encrypted": encrypted,
            "spki_sha256": [k.spki_sha256 for k in held] if named else [],
            "ssh_sha256": [k.ssh for k in held if k.ssh] if named else [], "finding": True, "note": note})

    def add(self, name, data, format, held=(), **about):
        self.write(name, data)
        self.expect(name, format, held, **about)

    def near_miss(self, name, data, note):
        self.write(name, data)
        self.files.append({"path": name, "format": "none", "algorithm": "", "bits": 0, "encrypted": False,
                           "spki_sha256": [], "ssh_sha256": [], "finding": False, "note": note})
