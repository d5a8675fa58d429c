"""Keys of the web and of wallets: JWK, App Store, Ethereum, BIP-32, post-quantum PKCS#8."""

import base64
import hashlib
import hmac
import json
import os

from keylib import der, keys

from .forest import Key, Skip, run


def _b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _jwk(key):
    n = keys.from_pkcs8("", key.path)
    number = n.numbers
    if key.algorithm == "RSA":
        names = dict(n="n", e="e", d="d", p="p", q="q", dp="dp", dq="dq", qi="qinv")
        return {"kty": "RSA", **{k: _b64(number[v].to_bytes((number[v].bit_length() + 7) // 8, "big")) for k, v in names.items()}}
    if n.curve:
        return {"kty": "EC", "crv": key.algorithm,
                **{k: _b64(number[k].to_bytes(n.curve.size, "big")) for k in "xyd"}}
    return {"kty": "OKP", "crv": key.algorithm, "x": _b64(number["pub"]), "d": _b64(number["seed"])}


def jwk(tree):
    held = [tree.key("RSA", 2048), *map(tree.key, ("P-256", "P-384", "P-521", "secp256k1", "Ed25519", "X25519", "Ed448"))]
    documents = []
    for key in held:
        document = {**_jwk(key), "kid": f"throwaway-{key.algorithm}", "use": "sig"}
        documents.append(document)
        tree.add(f"jwk/{key.algorithm.lower()}.json", json.dumps(document, indent=2), "JWK", key)
    tree.add("jwk/compact.json", json.dumps(documents[1], separators=(",", ":")), "JWK", held[1])
    tree.add("jwk/set.json", json.dumps({"keys": documents}, indent=2), "JWK", held, note="JWKS")
    tree.add("jwk/private-first.json", json.dumps(dict(sorted(documents[0].items()))), "JWK", held[0], note="d before n")
    tree.add("jwk/escaped.json", json.dumps({"secret": json.dumps(documents[1])}), "JWK", held[1],
             note="a JWK in a JSON string")
    secret = os.urandom(32)
    tree.add("jwk/oct.json", json.dumps({"kty": "oct", "kid": "hmac", "alg": "HS256", "k": _b64(secret)}), "JWK",
             algorithm="HMAC", bits=256, note="symmetric, no public half")
    public = [{k: v for k, v in d.items() if k in ("kty", "crv", "x", "y", "n", "e", "kid", "use")} for d in documents]
    tree.near_miss("near-miss/jwks.json", json.dumps({"keys": public}, indent=2), "public JWKS")


def google(tree):
    """A service account file of Google Cloud: PEM in a JSON string."""
    key = tree.key("RSA", 2048)
    document = {"type": "service_account", "project_id": "throwaway", "private_key_id": os.urandom(20).hex(),
                "private_key": key.path.read_text(), "client_email": "throwaway@throwaway.iam.gserviceaccount.com"}
    tree.add("web/service-account.json", json.dumps(document, indent=2), "PKCS#8 PEM", key, note="Google service account")


def apple(tree):
    tree.add("web/AuthKey_ABC1234567.p8", tree.key("P-256").path.read_bytes(), "PKCS#8 PEM", tree.key("P-256"),
             note="App Store Connect key")


def ethereum(tree):
    """Web3 Secret Storage version 3. The keys are real, the MAC is Keccak-256 and is left random: only the passphrase
    could tell."""
    for kdf, parameters in (("scrypt", {"dklen": 32, "n": 262144, "p": 1, "r": 8}),
                            ("pbkdf2", {"c": 262144, "dklen": 32, "prf": "hmac-sha256"})):
        document = {"address": os.urandom(20).hex(), "crypto": {
            "cipher": "aes-128-ctr", "ciphertext": os.urandom(32).hex(), "cipherparams": {"iv": os.urandom(16).hex()},
            "kdf": kdf, "kdfparams": {**parameters, "salt": os.urandom(32).hex()}, "mac": os.urandom(32).hex()},
            "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6", "version": 3}
        tree.add(f"wallet/UTC--2026-01-01T00-00-00.000000000Z--{kdf}", json.dumps(document), "Web3 keystore",
                 algorithm="secp256k1", bits=256, encrypted=True)


def bip32(tree):
    """Extended private keys (BIP 32): the master key of a random seed."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    for label, version in (("xprv", 0x0488ADE4), ("tprv", 0x04358394), ("zprv", 0x04B2430C)):
        raw = hmac.new(b"Bitcoin seed", os.urandom(32), hashlib.sha512).digest()
        d = int.from_bytes(raw[:32], "big") % order
        made = keys.ec("", keys.CURVES["secp256k1"], d)
        payload = version.to_bytes(4, "big") + bytes(9) + raw[32:] + b"\0" + d.to_bytes(32, "big")
        tree.add(f"wallet/{label}.txt", f"master: {_base58check(payload)}\n", "BIP-32", Key(None, "secp256k1", 256, made.spki()))
        if label == "xprv":
            point = bytes([2 | made.numbers["y"] & 1]) + made.numbers["x"].to_bytes(32, "big")
            public = 0x0488B21E.to_bytes(4, "big") + bytes(9) + raw[32:] + point
            tree.near_miss("near-miss/xpub.txt", f"account: {_base58check(public)}\n", "extended public key")
            broken = _base58check(payload)
            tree.near_miss("near-miss/xprv-broken.txt", broken[:-3] + ("abc" if broken[-3:] != "abc" else "def") + "\n",
                           "extended private key with a wrong checksum")


def _base58check(payload):
    data = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    value, text = int.from_bytes(data, "big"), ""
    while value:
        value, digit = divmod(value, 58)
        text = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[digit] + text
    return text


def post_quantum(tree):
    """ML-DSA and ML-KEM in PKCS#8 (RFC 9881, RFC 9935) by a library that has them."""
    from cryptography.hazmat.primitives import serialization as s
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa, mlkem
    except ImportError:
        raise Skip("this Python's cryptography has no ML-DSA") from None
    for module, names in ((mldsa, ("MLDSA44", "MLDSA65", "MLDSA87")), (mlkem, ("MLKEM768", "MLKEM1024"))):
        for name in names:
            private = getattr(module, f"{name}PrivateKey").generate()
            label = f"{name[:2]}-{name[2:5]}-{name[5:]}"
            spki = private.public_key().public_bytes(s.Encoding.DER, s.PublicFormat.SubjectPublicKeyInfo)
            key = Key(None, label, 0, spki)
            for encoding, suffix in ((s.Encoding.PEM, "pem"), (s.Encoding.DER, "der")):
                data = private.private_bytes(encoding, s.PrivateFormat.PKCS8, s.NoEncryption())
                tree.add(f"post-quantum/{label.lower()}.{suffix}", data, f"PKCS#8 {suffix.upper()}", key, note="seed form")


PARTS = [jwk, google, apple, ethereum, bip32, post_quantum]
