"""What must not be reported: public halves, certificates, requests, documentation, destroyed keys."""

import os

from .forest import run

HEADER = "-----BEGIN PRIVATE KEY-----"


def public(tree):
    for key in (tree.key("RSA", 2048), tree.key("P-256"), tree.key("Ed25519")):
        label = key.algorithm.lower()
        subject = ["-subj", "/CN=throwaway"]
        miss = lambda name, data, note: tree.near_miss(f"near-miss/{label}-{name}", data, note)
        miss("public.pem", run("openssl", "pkey", "-in", key.path, "-pubout"), "SPKI PEM")
        miss("public.der", key.spki, "SPKI DER")
        miss("certificate.pem", run("openssl", "req", "-new", "-x509", "-key", key.path, *subject), "certificate")
        miss("certificate.der", run("openssl", "req", "-new", "-x509", "-key", key.path, *subject, "-outform", "DER"),
             "certificate DER")
        miss("request.pem", run("openssl", "req", "-new", "-key", key.path, *subject), "certificate request")
    rsa = tree.key("RSA", 2048).path
    tree.near_miss("near-miss/rsa-pkcs1-public.pem", run("openssl", "rsa", "-in", rsa, "-RSAPublicKey_out"), "PKCS#1 public key")
    tree.near_miss("near-miss/rsa-public.blob", run("openssl", "rsa", "-in", rsa, "-pubout", "-outform", "MSBLOB"),
                   "CAPI PUBLICKEYBLOB")


def ssh(tree):
    lines = [path.read_text() for path in sorted(tree.work.glob("ssh-*.pub"))]
    if not lines:
        return
    tree.near_miss("near-miss/authorized_keys", "".join(lines), "authorized_keys")
    tree.near_miss("near-miss/known_hosts", "".join("example.org " + line for line in lines), "known_hosts")
    tree.near_miss("near-miss/id_rsa.pub", lines[0], "SSH public key")


def destroyed(tree):
    pem = tree.key("RSA", 2048).path.read_text()
    lines = pem.splitlines()
    end = "-----END PRIVATE KEY-----"
    miss = lambda name, data, note: tree.near_miss(f"near-miss/{name}", data, note)
    miss("header-only.pem", f"{HEADER}\n", "header without body")
    miss("empty.pem", f"{HEADER}\n{end}\n", "empty body")
    miss("redacted.pem", f"{HEADER}\n[REDACTED]\n{end}\n", "redacted body")
    miss("dots.pem", f"{HEADER}\n{lines[1]}\n...\n{end}\n", "body cut with dots")
    miss("x.pem", f"{HEADER}\n" + "\n".join("X" * 64 for _ in range(26)) + f"\n{end}\n", "body of X")
    miss("zeros.pem", f"{HEADER}\n" + "\n".join("A" * 64 for _ in range(26)) + f"\n{end}\n", "zeroed body")
    miss("truncated.pem", "\n".join(lines[:4]) + "\n", "first three lines of a body: not even n is whole")
    der = run("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", tree.key("RSA", 2048).path, "-outform", "DER")
    miss("truncated.der", der[:200], "first 200 bytes of DER: not even n is whole")
    miss("zeroed.der", der[:40] + bytes(len(der) - 40), "DER with all numbers zeroed")
    miss("random.der", der[:40] + os.urandom(len(der) - 40), "DER header before random bytes")
    miss("openssh-header.txt", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA...\n", "OpenSSH header in prose")


def prose(tree):
    tree.near_miss("near-miss/README.md", f"# Keys\n\nA PEM file starts with `{HEADER}`, older ones with\n"
                   "`-----BEGIN RSA PRIVATE KEY-----`. Never commit one. PGP: `-----BEGIN PGP PRIVATE KEY BLOCK-----`.\n", "documentation")
    tree.near_miss("near-miss/detect.py", f'MARKS = ["{HEADER}", "-----BEGIN EC PRIVATE KEY-----"]\n'
                   f'if text.startswith("{HEADER}\\n") and text.endswith("-----END PRIVATE KEY-----\\n"):\n    raise Leak\n',
                   "source code that looks for keys")
    tree.near_miss("near-miss/template.env", f'KEY="{HEADER}\\n${{PRIVATE_KEY_BODY}}\\n-----END PRIVATE KEY-----"\n',
                   "template")
    tree.near_miss("near-miss/placeholder.json", '{"kty":"RSA","n":"...","e":"AQAB","d":"your-private-exponent"}\n', "placeholder JWK")
    tree.near_miss("near-miss/random.bin", os.urandom(65536), "random bytes")


PARTS = [public, ssh, destroyed, prose]
