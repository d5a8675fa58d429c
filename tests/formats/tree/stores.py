"""Key stores: Java, Android, NSS, Kerberos."""

import hashlib
import os
import shutil
import subprocess
import time
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


def published(tree):
    """Stores that open with the password that everyone knows."""
    need("keytool")
    for name, kind, password, alias in (("java/tomcat.p12", "PKCS12", "changeit", "tomcat"), ("java/tomcat.jks", "JKS", "changeit", "tomcat"),
                                        ("java/tomcat.jceks", "JCEKS", "changeit", "tomcat"),
                                        ("android/debug.keystore", "PKCS12", "android", "androiddebugkey")):
        path = tree.path(name)
        common = ["-keystore", path, "-storetype", kind, "-storepass", password, "-alias", alias]
        run("keytool", "-genkeypair", "-keyalg", "RSA", "-keysize", "2048", "-dname", f"CN={alias}",
            *([] if kind == "PKCS12" else ["-keypass", password]), *common)
        certificate = tree.work / "published.pem"
        certificate.write_bytes(run("keytool", "-exportcert", "-rfc", *common))
        tree.expect(name, "PKCS#12" if kind == "PKCS12" else kind, _certificate_key(certificate, "RSA", 2048),
                    note=f"opens with {password!r}, as its maker ships it")
    trust = tree.path("near-miss/truststore.p12")
    run("keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", certificate, "-keystore", trust, "-storetype", "PKCS12",
        "-storepass", PASSPHRASE)
    tree.near_miss("near-miss/truststore.p12", trust.read_bytes(), "PKCS#12 trust store: certificates only, encrypted")


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
        tree.add(f"nss-{label}/key4.db", (folder / "key4.db").read_bytes(), "NSS key4.db", key,
                 encrypted=password is not None, note="the modulus is in the clear" if password else "no password: open")


def nss_formats(tree):
    """What NSS exports (BER with indefinite lengths), and its databases before SQLite."""
    need("certutil", "pk12util")
    store = tree.work / "nss.p12"
    if not store.exists():
        return
    key = tree.key("RSA", 2048)
    folder = tree.work / "nss-empty-password"
    for name, password in (("changeit", "changeit"), ("password", PASSPHRASE)):
        path = tree.path(f"pkcs12/nss-{name}.p12")
        run("pk12util", "-o", path, "-n", "n", "-d", f"sql:{folder}", "-W", password, "-K", "")
        closed = password == PASSPHRASE
        tree.expect(f"pkcs12/nss-{name}.p12", "PKCS#12", key, encrypted=closed, named=not closed, note="BER, by pk12util")
    old = tree.work / "nss-old"
    old.mkdir()
    run("certutil", "-N", "-d", f"dbm:{old}", "--empty-password")
    run("pk12util", "-i", store, "-d", f"dbm:{old}", "-W", PASSPHRASE, "-K", "")
    tree.add("nss-old/key3.db", (old / "key3.db").read_bytes(), "NSS key3.db", key, note="no password: open")


def kerberos(tree):
    """ktutil makes keys from a password, with the encryption types of RFC 3961, 3962, 8009."""
    need("ktutil")
    path = tree.path("kerberos/service.keytab")
    types = ("aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96", "aes256-cts-hmac-sha384-192")
    script = "".join(f"addent -password -p HTTP/www.example.org@EXAMPLE.ORG -k 3 -e {t} -s salt\n{PASSPHRASE}\n" for t in types)
    run("ktutil", text=script + f"wkt {path}\nquit\n")
    tree.expect("kerberos/service.keytab", "Kerberos keytab", algorithm="Kerberos", note=f"{len(types)} entries")


def kerberos_realm(tree):
    """A realm on this machine: a stashed master key, tables with drawn keys, and a cache with tickets."""
    need("kdb5_util", "kadmin.local", "krb5kdc", "kinit", "kvno")
    home = tree.work / "realm"
    home.mkdir()
    port = 8_888
    (home / "krb5.conf").write_text(
        "[libdefaults]\n default_realm = EXAMPLE.ORG\n dns_lookup_kdc = false\n rdns = false\n"
        f"[realms]\n EXAMPLE.ORG = {{\n  kdc = 127.0.0.1:{port}\n }}\n")
    (home / "kdc.conf").write_text(
        f"[kdcdefaults]\n kdc_listen = 127.0.0.1:{port}\n kdc_tcp_listen = 127.0.0.1:{port}\n"
        f"[realms]\n EXAMPLE.ORG = {{\n  database_name = {home}/principal\n  key_stash_file = {home}/.k5.EXAMPLE.ORG\n }}\n")
    env = {"KRB5_CONFIG": str(home / "krb5.conf"), "KRB5_KDC_PROFILE": str(home / "kdc.conf")}
    administer = lambda query: run("kadmin.local", "-r", "EXAMPLE.ORG", "-q", query, env=env)
    run("kdb5_util", "-r", "EXAMPLE.ORG", "create", "-s", "-P", PASSPHRASE, env=env)
    tree.add("kerberos/.k5.EXAMPLE.ORG", (home / ".k5.EXAMPLE.ORG").read_bytes(), "Kerberos stash", algorithm="Kerberos")
    administer(f"addprinc -pw {PASSPHRASE} alice")
    administer("addprinc -randkey host/www.example.org")
    for name, principal in (("host", "host/www.example.org"), ("krbtgt", "krbtgt/EXAMPLE.ORG")):
        path = tree.path(f"kerberos/{name}.keytab")
        administer(f"ktadd -k {path} {principal}")
        tree.expect(f"kerberos/{name}.keytab", "Kerberos keytab", algorithm="Kerberos")
    cache = tree.path("kerberos/krb5cc_1000")
    server = subprocess.Popen(["krb5kdc", "-n", "-r", "EXAMPLE.ORG"], env={**os.environ, **env}, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        run("kinit", "-c", f"FILE:{cache}", "alice", text=PASSPHRASE + "\n", env=env)
        run("kvno", "host/www.example.org", env={**env, "KRB5CCNAME": f"FILE:{cache}"})
    finally:
        server.kill()
        server.wait()
    tree.expect("kerberos/krb5cc_1000", "Kerberos credential cache", algorithm="Kerberos", note="two tickets")


PARTS = [java, published, nss, nss_formats, kerberos, kerberos_realm]
