"""OpenSSH and PuTTY keys."""

from keylib import keys

from .forest import PASSPHRASE, Key, need, run

KINDS = [("rsa", 2048, "RSA"), ("ecdsa", 256, "P-256"), ("ecdsa", 384, "P-384"), ("ecdsa", 521, "P-521"),
         ("ed25519", 256, "Ed25519"), ("dsa", 1024, "DSA")]


def _spki(path):
    """SPKI of an OpenSSH public key: by ssh-keygen, which cannot write Ed25519 that way."""
    if "ed25519" in path.name:
        return keys.from_openssh("", path).spki()
    text = run("ssh-keygen", "-e", "-m", "PKCS8", "-f", f"{path}.pub").decode()
    return keys.pem_body(text)


def openssh(tree):
    need("ssh-keygen")
    for kind, bits, algorithm in KINDS:
        path = tree.work / f"ssh-{kind}-{bits}"
        size = ["-b", bits] if kind != "ed25519" else []
        run("ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", "throwaway@example.org", "-f", path)
        shown = run("ssh-keygen", "-lf", path).decode().split()[1]
        key = Key(path, algorithm, bits, _spki(path), shown)
        label = f"openssh/id_{kind}{'' if kind == 'ed25519' else bits}"
        tree.add(label, path.read_bytes(), "OpenSSH v1", key)
        locked = tree.write(f"{label}-encrypted", path.read_bytes())
        locked.chmod(0o600)
        run("ssh-keygen", "-q", "-p", "-P", "", "-N", PASSPHRASE, "-f", locked)
        tree.expect(f"{label}-encrypted", "OpenSSH v1", key, encrypted=True)
        if kind == "ed25519":
            locked = tree.write(f"{label}-chacha", path.read_bytes())
            locked.chmod(0o600)
            run("ssh-keygen", "-q", "-p", "-Z", "chacha20-poly1305@openssh.com", "-a", "100", "-P", "", "-N", PASSPHRASE,
                "-f", locked)
            tree.expect(f"{label}-chacha", "OpenSSH v1", key, encrypted=True, note="100 bcrypt rounds")
        else:
            old = tree.write(f"{label}.pem", path.read_bytes())
            old.chmod(0o600)
            run("ssh-keygen", "-q", "-p", "-m", "PEM", "-P", "", "-N", "", "-f", old)
            tree.expect(f"{label}.pem", {"rsa": "PKCS#1 PEM", "ecdsa": "SEC1 PEM", "dsa": "DSA PEM"}[kind], key)


def putty(tree):
    need("puttygen")
    secret = tree.work / "passphrase"
    secret.write_text(PASSPHRASE)
    for kind, bits, algorithm in KINDS:
        source = tree.work / f"ssh-{kind}-{bits}"
        shown = run("ssh-keygen", "-lf", source).decode().split()[1]
        key = Key(source, algorithm, bits, _spki(source), shown)
        for version in (2, 3):
            name = f"putty/{kind}{bits}-v{version}"
            options = ["--ppk-param", f"version={version}" + (",memory=1024,passes=3" if version == 3 else "")]
            run("puttygen", source, "-O", "private", "-o", tree.path(f"{name}.ppk"), *options)
            tree.expect(f"{name}.ppk", f"PPK {version}", key)
            run("puttygen", source, "-O", "private", "-o", tree.path(f"{name}-encrypted.ppk"), "--new-passphrase", secret,
                *options)
            tree.expect(f"{name}-encrypted.ppk", f"PPK {version}", key, encrypted=True)


PARTS = [openssh, putty]
