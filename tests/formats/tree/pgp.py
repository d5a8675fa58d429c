"""OpenPGP secret keys and GnuPG's own key files."""

import os
import re
import shutil
import tempfile
from pathlib import Path

from keylib import der, keys, sexp

from .forest import PASSPHRASE, Key, need, run

CURVES = {"ed25519": "Ed25519", "cv25519": "X25519", "nistp256": "P-256", "nistp384": "P-384", "secp256k1": "secp256k1"}


def _listed(gpg):
    """All keys of a keyring as `gpg --with-key-data` tells their public numbers: (keygrip, Key)."""
    text = run(*gpg, "--with-colons", "--with-keygrip", "--with-key-data", "--list-secret-keys").decode()
    found, numbers = [], {}
    for line in text.splitlines() + ["sec:"]:
        field = line.split(":")
        if field[0] in ("sec", "ssb") :
            if numbers:
                found.append((grip, _key(kind, curve, numbers)))
            numbers = {}
            if len(field) > 16:
                kind, curve = int(field[3]), field[16]
        elif field[0] == "grp":
            grip = field[9]
        elif field[0] == "pkd":
            numbers[int(field[1])] = bytes.fromhex(field[3].zfill(len(field[3]) + len(field[3]) % 2))
    return found


def _key(kind, curve, numbers):
    if kind == 1:
        n, e = (int.from_bytes(numbers[i], "big") for i in (0, 1))
        made = keys.Key("", "RSA", n.bit_length(), dict(n=n, e=e))
    elif kind == 17:
        p, q, g, y = (int.from_bytes(numbers[i], "big") for i in range(4))
        parameters = der.sequence(der.integer(p), der.integer(q), der.integer(g))
        spki = der.sequence(der.sequence(der.oid("1.2.840.10040.4.1"), parameters), der.bits(der.integer(y)))
        return Key(None, "DSA", p.bit_length(), spki)
    else:
        name = CURVES[curve]
        point = next(v for v in numbers.values() if v[:1] in (b"\x40", b"\x04") and len(v) > 32)
        if name in keys.EDWARDS:
            made = keys.edwards("", name, b"", point[1:])
        else:
            half = len(point) // 2
            x, y = int.from_bytes(point[1 : 1 + half], "big"), int.from_bytes(point[1 + half :], "big")
            made = keys.Key("", name, half * 8, dict(x=x, y=y))
    return Key(None, made.algorithm, made.bits, made.spki())


def gnupg(tree):
    need("gpg", "gpgconf")
    kinds = [("rsa2048", "default"), ("ed25519", "ed25519"), ("nistp256", "nistp256"), ("dsa2048", "dsa2048"),
             ("secp256k1", "secp256k1")]
    # A socket's path is limited to 108 bytes, so that the home must be a short one.
    for locked in (False, True):
        with tempfile.TemporaryDirectory(prefix="gk") as home:
            os.chmod(home, 0o700)
            _fill(tree, home, kinds[:2] if locked else kinds, locked)


def _fill(tree, home, kinds, locked):
    secret = PASSPHRASE if locked else ""
    gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", secret]
    tail = "-encrypted" if locked else ""
    try:
        everything = []
        for algorithm, _ in kinds:
            user = f"{algorithm} throwaway <{algorithm}@example.org>"
            known = {grip for grip, _ in _listed(gpg)} if everything else set()
            run(*gpg, "--quick-gen-key", user, algorithm, "default", "never")
            if algorithm in ("rsa2048", "ed25519"):
                fingerprint = re.search(r"^fpr:+(\w+):", run(*gpg, "--with-colons", "--list-keys", user).decode(), re.M)
                run(*gpg, "--quick-add-key", fingerprint.group(1), "cv25519" if algorithm == "ed25519" else "rsa2048",
                    "encr", "never")
            held = [key for grip, key in _listed(gpg) if grip not in known]
            everything += held
            label = f"pgp/{algorithm}{tail}"
            note = "primary key and subkey" if len(held) > 1 else ""
            about = dict(encrypted=locked, note=note)
            tree.add(f"{label}.asc", run(*gpg, "--armor", "--export-secret-keys", user), "PGP armoured", held, **about)
            tree.add(f"{label}.pgp", run(*gpg, "--export-secret-keys", user), "PGP binary", held, **about)
            if algorithm == "rsa2048":
                tree.add(f"{label}-subkeys.asc", run(*gpg, "--armor", "--export-secret-subkeys", user), "PGP armoured",
                         held[1:], encrypted=locked, note="the primary key is a gnu-dummy stub")
        tree.add(f"pgp/secring{tail}.gpg", run(*gpg, "--export-secret-keys"), "PGP binary", everything, encrypted=locked,
                 note="several keys in one keyring")
        tree_name = "locked" if locked else "open"
        for grip, key in _listed(gpg):
            name = f"gnupg-{tree_name}/private-keys-v1.d/{grip}.key"
            tree.path(name)
            shutil.copyfile(Path(home, "private-keys-v1.d", f"{grip}.key"), tree.root / name)
            tree.expect(name, "GnuPG private-keys-v1.d", key, encrypted=locked)
            canonical = sexp.canonical(sexp.key_file(tree.path(name).read_bytes()))
            tree.add(name.replace(tree_name, f"{tree_name}-canonical"), canonical, "GnuPG private-keys-v1.d", key,
                     encrypted=locked, note="canonical S-expression, as GnuPG before 2.3 wrote it")
    finally:
        run("gpgconf", "--homedir", home, "--kill", "gpg-agent")


PARTS = [gnupg]
