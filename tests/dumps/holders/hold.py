"""Holds key material in a Python process: hold.py MODE FILE..."""

import gc
import sys
import time


def cryptography_key(path):
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    with open(path, "rb") as file:
        return load_pem_private_key(file.read(), None)


def pem_text(path):
    with open(path, "rb") as file:
        return file.read()


def plain_integers(path):
    """p and q as Python integers; the file holds them in hexadecimal."""
    with open(path) as file:
        p, q = (int(line, 16) for line in file)
    return p, q, p * q


def nacl_key(path):
    from nacl.signing import SigningKey

    with open(path, "rb") as file:
        key = SigningKey(file.read())
    key.sign(b"message")
    return key


def certificate(path):
    from cryptography.x509 import load_pem_x509_certificate

    with open(path, "rb") as file:
        found = load_pem_x509_certificate(file.read())
    return found, found.public_key()


MODES = {
    "key": cryptography_key,
    "pem": pem_text,
    "ints": plain_integers,
    "nacl": nacl_key,
    "certificate": certificate,
}

held = [MODES[sys.argv[1]](path) for path in sys.argv[2:]]
gc.collect()
print("READY", flush=True)
time.sleep(3600)
