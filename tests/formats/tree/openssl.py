"""What openssl writes: PKCS#1, SEC 1, PKCS#8, their encrypted forms, PKCS#12, Microsoft blobs."""

from .forest import PASSPHRASE, Key, Skip, openssl_spki, run

PASS = ["-passout", f"pass:{PASSPHRASE}"]
LEGACY = ["-provider", "legacy", "-provider", "default"]


def all_kinds(tree):
    return [tree.key("RSA", 1024), tree.key("RSA", 2048), tree.key("RSA", 4096), *map(tree.key, (
        "P-256", "P-384", "P-521", "secp256k1", "brainpoolP256r1", "Ed25519", "Ed448", "X25519", "X448"))]


def plain(tree):
    for key in all_kinds(tree):
        label = f"{key.algorithm}-{key.bits}".lower()
        tree.add(f"pkcs8/{label}.pem", key.path.read_bytes(), "PKCS#8 PEM", key)
        tree.add(f"pkcs8/{label}.der", run("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", key.path, "-outform", "DER"),
                 "PKCS#8 DER", key)
        if key.algorithm == "RSA":
            tree.add(f"pkcs1/{label}.pem", run("openssl", "rsa", "-traditional", "-in", key.path), "PKCS#1 PEM", key)
            tree.add(f"pkcs1/{label}.der", run("openssl", "rsa", "-traditional", "-in", key.path, "-outform", "DER"),
                     "PKCS#1 DER", key)
        elif key.algorithm.startswith(("P-", "secp", "brain")):
            tree.add(f"sec1/{label}.pem", run("openssl", "ec", "-in", key.path), "SEC1 PEM", key)
            tree.add(f"sec1/{label}.der", run("openssl", "ec", "-in", key.path, "-outform", "DER"), "SEC1 DER", key)
    curve = tree.work / "ecparam.pem"
    curve.write_bytes(run("openssl", "ecparam", "-name", "prime256v1", "-genkey"))
    tree.add("sec1/with-parameters.pem", curve.read_bytes(), "SEC1 PEM", Key(curve, "P-256", 256),
             note="EC PARAMETERS block before the key")
    explicit = tree.work / "explicit.pem"
    explicit.write_bytes(run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-param_enc", "explicit"))
    tree.add("sec1/explicit-parameters.pem", explicit.read_bytes(), "SEC1 PEM", algorithm="P-256", bits=256,
             note="curve given by explicit parameters; its SPKI depends on whether they are kept")
    tree.add("sec1/no-public.pem", run("openssl", "ec", "-in", tree.key("P-256").path, "-no_public"), "SEC1 PEM",
             tree.key("P-256"), note="public point omitted")
    tree.add("sec1/compressed.pem", run("openssl", "ec", "-in", tree.key("P-256").path, "-conv_form", "compressed"),
             "SEC1 PEM", tree.key("P-256"), note="public point compressed")


def multi_prime(tree):
    path = tree.work / "multiprime.pem"
    run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_primes:3",
        "-out", path)
    key = Key(path, "RSA", 2048)
    tree.add("pkcs8/rsa-3-primes.pem", path.read_bytes(), "PKCS#8 PEM", key, note="multi-prime, version 1")
    path = tree.work / "e3.pem"
    run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt",
        "rsa_keygen_pubexp:3", "-out", path)
    tree.add("pkcs8/rsa-e3.pem", path.read_bytes(), "PKCS#8 PEM", Key(path, "RSA", 2048), note="e = 3")
    path = tree.work / "pss.pem"
    run("openssl", "genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path)
    tree.add("pkcs8/rsa-pss.pem", path.read_bytes(), "PKCS#8 PEM", Key(path, "RSA", 2048), note="id-RSASSA-PSS")


def discrete_log(tree):
    parameters, path = tree.work / "dsa.param", tree.work / "dsa.pem"
    run("openssl", "genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024",
        "-pkeyopt", "dsa_paramgen_q_bits:160", "-out", parameters)
    run("openssl", "genpkey", "-paramfile", parameters, "-out", path)
    key = Key(path, "DSA", 1024)
    tree.add("dsa/pkcs8.pem", path.read_bytes(), "PKCS#8 PEM", key)
    tree.add("dsa/traditional.pem", run("openssl", "dsa", "-in", path), "DSA PEM", key)
    tree.add("dsa/traditional.der", run("openssl", "dsa", "-in", path, "-outform", "DER"), "DSA DER", key)
    path = tree.work / "dh.pem"
    run("openssl", "genpkey", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", path)
    key = Key(path, "DH", 2048)
    tree.add("dh/pkcs8.pem", path.read_bytes(), "PKCS#8 PEM", key)


def encrypted(tree):
    key = tree.key("RSA", 2048)
    convert = ["openssl", "pkcs8", "-topk8", "-in", key.path, *PASS]
    unnamed = dict(encrypted=True, named=False)
    tree.add("pkcs8/encrypted-pbes2.pem", run(*convert), "encrypted PKCS#8 PEM", key, **unnamed)
    tree.add("pkcs8/encrypted-pbes2.der", run(*convert, "-outform", "DER"), "encrypted PKCS#8 DER", key, **unnamed)
    tree.add("pkcs8/encrypted-scrypt.pem", run(*convert, "-scrypt"), "encrypted PKCS#8 PEM", key, **unnamed)
    tree.add("pkcs8/encrypted-3des.pem", run(*convert, "-v2", "des3", "-iter", "1"), "encrypted PKCS#8 PEM", key,
             note="one iteration", **unnamed)
    for name in ("PBE-SHA1-3DES", "PBE-MD5-DES", "PBE-SHA1-RC2-40", "PBE-SHA1-RC4-128"):
        legacy = [] if name == "PBE-SHA1-3DES" else LEGACY
        tree.add(f"pkcs8/encrypted-{name.lower()}.pem", run(*convert, "-v1", name, *legacy), "encrypted PKCS#8 PEM", key,
                 **unnamed)
        tree.add(f"pkcs8/encrypted-{name.lower()}.der", run(*convert, "-v1", name, "-outform", "DER", *legacy),
                 "encrypted PKCS#8 DER", key, **unnamed)
    for cipher in ("aes256", "aes128", "des3", "camellia256"):
        tree.add(f"pkcs1/encrypted-{cipher}.pem",
                 run("openssl", "rsa", "-traditional", f"-{cipher}", "-in", key.path, *PASS), "PKCS#1 PEM", key,
                 note="Proc-Type: 4,ENCRYPTED", **unnamed)
    point = tree.key("P-256")
    tree.add("sec1/encrypted.pem", run("openssl", "ec", "-aes256", "-in", point.path, *PASS), "SEC1 PEM", point, **unnamed)


def pkcs12(tree):
    store = ["openssl", "pkcs12", "-export", "-passout"]
    for key in (tree.key("RSA", 2048), tree.key("P-256")):
        certificate = tree.work / f"{key.algorithm}.crt"
        run("openssl", "req", "-new", "-x509", "-key", key.path, "-subj", "/CN=throwaway", "-out", certificate)
        given = ["-inkey", key.path, "-in", certificate, "-name", "throwaway"]
        label = key.algorithm.lower()
        unnamed = dict(encrypted=True, named=False)
        tree.add(f"pkcs12/{label}.p12", run(*store, f"pass:{PASSPHRASE}", *given), "PKCS#12", key, **unnamed)
        tree.add(f"pkcs12/{label}-legacy.pfx", run(*store, f"pass:{PASSPHRASE}", *given, "-legacy"), "PKCS#12", key,
                 note="RC2-40 and 3DES", **unnamed)
        tree.add(f"pkcs12/{label}-plain-certificate.p12",
                 run(*store, f"pass:{PASSPHRASE}", *given, "-certpbe", "NONE"), "PKCS#12", key, encrypted=True,
                 note="certificate in the clear names the key")
        tree.add(f"pkcs12/{label}-plain.p12",
                 run(*store, f"pass:{PASSPHRASE}", *given, "-certpbe", "NONE", "-keypbe", "NONE"), "PKCS#12", key,
                 note="nothing encrypted, MAC only")
        tree.add(f"pkcs12/{label}-no-mac.p12",
                 run(*store, "pass:", *given, "-certpbe", "NONE", "-keypbe", "NONE", "-nomac"), "PKCS#12", key,
                 note="nothing encrypted, no MAC")
        tree.add(f"pkcs12/{label}-empty-password.p12", run(*store, "pass:", *given), "PKCS#12", key,
                 note="empty password: opens without a secret, so that it is as good as in the clear")


def microsoft(tree):
    key = tree.key("RSA", 2048)
    tree.add("microsoft/rsa.blob", run("openssl", "rsa", "-in", key.path, "-outform", "MSBLOB"), "CAPI PRIVATEKEYBLOB", key)
    tree.add("microsoft/rsa.pvk", run("openssl", "rsa", "-in", key.path, "-outform", "PVK", "-pvk-none"), "PVK", key)
    for level in ("weak", "strong"):
        tree.add(f"microsoft/rsa-{level}.pvk", run("openssl", "rsa", "-in", key.path, "-outform", "PVK", f"-pvk-{level}",
                 *PASS, *LEGACY), "PVK", key, encrypted=True, named=False)
    dsa = tree.work / "dsa.pem"
    if dsa.exists():
        tree.add("microsoft/dsa.blob", run("openssl", "dsa", "-in", dsa, "-outform", "MSBLOB"), "CAPI PRIVATEKEYBLOB",
                 Key(dsa, "DSA", 1024), note="DSS2", named=False)


PARTS = [plain, multi_prime, discrete_log, encrypted, pkcs12, microsoft]
