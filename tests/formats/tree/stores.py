"""Key stores: Java, NSS, Kerberos."""

import hashlib
import os
import shutil
from pathlib import Path

from keylib import keys

from .forest import PASSPHRASE, Key, need, run

BC_JAR = Path("/usr/share/java/bcprov.jar")


def _certificate_key(pem, algorithm, bits):
    spki = run("openssl", "x509", "-in", pem, "-noout", "-pubkey")
    return Key(None, algorithm, bits, keys.pem_body(spki.decode()))


def java(tree):
    need("keytool")
    for kind, extra in (("JKS", []), ("JCEKS", []), ("PKCS12", []), ("BKS", ["bc"]), ("BCFKS", ["bc"]), ("UBER", ["bc"])):
        if extra and not BC_JAR.exists():
            tree.skipped.append({"part": f"stores.{kind}", "reason": "no Bouncy Castle provider"})
            continue
        provider = ["-providerpath", BC_JAR, "-provider", "org.bouncycastle.jce.provider.BouncyCastleProvider"] if extra else []
        held = []
        name = f"java/store.{kind.lower()}"
        path = tree.path(name)
        common = ["-keystore", path, "-storetype", kind, "-storepass", PASSPHRASE, *provider]
        for alias, algorithm, bits, options in (("signing", "RSA", 2048, ["-keyalg", "RSA", "-keysize", "2048"]),
                                                ("server", "P-256", 256, ["-keyalg", "EC", "-groupname", "secp256r1"])):
            own = [] if kind == "PKCS12" else ["-keypass", PASSPHRASE]
            run("keytool", "-genkeypair", "-alias", alias, "-dname", f"CN={alias}", *options, *own, *common)
            certificate = tree.work / "listed.pem"
            certificate.write_bytes(run("keytool", "-exportcert", "-rfc", "-alias", alias, *common))
            held.append(_certificate_key(certificate, algorithm, bits))
        named = kind in ("JKS", "JCEKS", "BKS")
        tree.expect(name, kind if kind != "PKCS12" else "PKCS#12", held, encrypted=True, named=named,
                    note="two entries" + ("" if named else "; certificates are encrypted too"))
    trust = tree.path("near-miss/truststore.jks")
    run("keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", certificate, "-keystore", trust, "-storetype", "JKS",
        "-storepass", PASSPHRASE)
    tree.near_miss("near-miss/truststore.jks", trust.read_bytes(), "JKS trust store: certificates only")


def nss(tree):
    need("certutil", "pk12util")
    store = tree.work / "nss.p12"
    key = tree.key("RSA", 2048)
    certificate = tree.work / "nss.crt"
    run("openssl", "req", "-new", "-x509", "-key", key.path, "-subj", "/CN=throwaway", "-out", certificate)
    run("openssl", "pkcs12", "-export", "-inkey", key.path, "-in", certificate, "-name", "n", "-passout",
        f"pass:{PASSPHRASE}", "-out", store)
    secret = tree.work / "nss-passphrase"
    secret.write_text(PASSPHRASE)
    for label, password in (("empty-password", None), ("password", secret)):
        folder = tree.work / f"nss-{label}"
        folder.mkdir()
        own = ["-f", password] if password else ["--empty-password"]
        run("certutil", "-N", "-d", f"sql:{folder}", *own)
        run("pk12util", "-i", store, "-d", f"sql:{folder}", "-W", PASSPHRASE, *(["-k", password] if password else ["-K", ""]))
        tree.add(f"nss-{label}/key4.db", (folder / "key4.db").read_bytes(), "NSS key4.db", key, encrypted=True, named=False)


def kerberos(tree):
    """ktutil makes keys from a password, with the encryption types of RFC 3961, 3962, 8009."""
    need("ktutil")
    path = tree.path("kerberos/service.keytab")
    types = ("aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96", "aes256-cts-hmac-sha384-192")
    script = "".join(f"addent -password -p HTTP/www.example.org@EXAMPLE.ORG -k 3 -e {t} -s salt\n{PASSPHRASE}\n" for t in types)
    run("ktutil", text=script + f"wkt {path}\nquit\n")
    tree.expect("kerberos/service.keytab", "Kerberos keytab", algorithm="Kerberos", note=f"{len(types)} entries")


PARTS = [java, nss, kerberos]
