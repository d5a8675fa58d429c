"""The processes that are dumped. Each subject is a function of a `Scene` that calls `scene.dump`."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from keylib import keys, sexp

from . import process
from .process import Skip, need, output, until

HOLDERS = Path(__file__).resolve().parent.parent / "holders"
SUBJECTS = {}


def subject(name):
    def add(function):
        SUBJECTS[name] = function
        return function

    return add


class Scene:
    """A subject's folder, processes and results."""

    def __init__(self, name, out):
        self.name, self.out = name, out
        self.folder = out / "work" / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, mode=0o700)
        self.stage = process.Stage(self.folder)
        self.dumps = []

    def key(self, name, algorithm, bits=2048):
        return keys.generate(self.folder, name, algorithm, bits)

    def certified(self, name, algorithm, bits=2048):
        key = self.key(name, algorithm, bits)
        return key, keys.certify(key)

    def dump(self, pid, held, label="", *, runtime, version, negative=False, note=""):
        name = self.name + (f"-{label}" if label else "") + ".core"
        process.gcore(pid, self.out / name)
        self.add(name, held, runtime=runtime, version=version, negative=negative, note=note)

    def add(self, name, held, *, runtime, version, negative=False, note="", kind="elf-core"):
        self.dumps.append(dict(file=name, kind=kind, runtime=runtime, version=version, negative=negative, note=note,
                               held=held))

    def compile(self, source, *libraries):
        need("cc")
        binary = self.folder / Path(source).stem
        output("cc", "-O1", "-w", "-o", binary, HOLDERS / source, *libraries)
        return binary


def _first(text, pattern=r"\d+[.\w+~-]*"):
    found = re.search(pattern, text)
    return found.group(0) if found else "unknown"


# OpenSSH


@subject("ssh-agent")
def ssh_agent(scene):
    need("ssh-agent", "ssh-add")
    held = [keys.generate_ssh(scene.folder, "rsa", "rsa", 3072), keys.generate_ssh(scene.folder, "ecdsa", "ecdsa", 256),
            keys.generate_ssh(scene.folder, "ed25519", "ed25519")]
    version = _first(output("ssh", "-V"), r"OpenSSH_[\w.]+")
    path = scene.folder / "agent.sock"
    agent = scene.stage.start("ssh-agent", "-D", "-a", path, ready=path.exists)
    env = dict(os.environ, SSH_AUTH_SOCK=str(path))
    path_empty = scene.folder / "empty.sock"
    empty = scene.stage.start("ssh-agent", "-D", "-a", path_empty, ready=path_empty.exists)
    scene.dump(empty.pid, [], "empty", runtime="ssh-agent", version=version, negative=True, note="no key was ever added")
    for key in held:
        output("ssh-add", "-q", key.pem, env=env)
    scene.dump(agent.pid, held, runtime="ssh-agent", version=version,
               note="keys are shielded: prekey and AES-256-CTR blob, both in memory")


@subject("sshd")
def sshd(scene):
    need("sshd")
    held = [keys.generate_ssh(scene.folder, "host_rsa", "rsa", 3072),
            keys.generate_ssh(scene.folder, "host_ecdsa", "ecdsa", 256),
            keys.generate_ssh(scene.folder, "host_ed25519", "ed25519")]
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port = process.free_port()
    config = scene.folder / "sshd_config"
    config.write_text("".join(f"HostKey {k.pem}\n" for k in held) + "ListenAddress 127.0.0.1\nPidFile none\nUsePAM no\n")
    version = _first(output("ssh", "-V"), r"OpenSSH_[\w.]+")
    server = scene.stage.start(shutil.which("sshd"), "-D", "-e", "-f", config, "-p", port, ready="Server listening")
    scene.dump(server.pid, held, runtime="sshd", version=version, note="the listening process")
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.settimeout(10)
        client.recv(256)
        monitor = until(lambda: process.children(server.pid), "sshd's connection process")[0]
        scene.dump(monitor, held, "connection", runtime="sshd", version=version,
                   note="the privileged process of a connection before authentication")


# TLS servers


@subject("nginx")
def nginx(scene):
    need("nginx")
    held, servers, ports = [], "", []
    for name, algorithm in (("rsa", "RSA"), ("p256", "P-256")):
        key, certificate = scene.certified(name, algorithm)
        port = process.free_port()
        held.append(key)
        ports.append(port)
        servers += (f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {certificate};"
                    f" ssl_certificate_key {key.pem}; return 200 'ok'; }}\n")
    for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
        (scene.folder / name).mkdir()
    temporary = "".join(f"{d}_temp_path {scene.folder}/{n};\n" for d, n in (
        ("client_body", "body"), ("proxy", "proxy"), ("fastcgi", "fastcgi"), ("uwsgi", "uwsgi"), ("scgi", "scgi")))
    user = f"user {os.environ.get('USER', 'root')};\n" if os.geteuid() == 0 else ""
    config = scene.folder / "nginx.conf"
    config.write_text(f"daemon off; worker_processes 1; pid {scene.folder}/pid;\n{user}error_log {scene.folder}/error.log;\n"
                      f"events {{ worker_connections 32; }}\nhttp {{ access_log off;\n{temporary}{servers}}}\n")
    version = _first(output("nginx", "-v"), r"nginx/[\d.]+")
    master = scene.stage.start("nginx", "-e", scene.folder / "error.log", "-c", config)
    clients = [process.tls_client(port) for port in ports]
    worker = until(lambda: process.children(master.pid), "nginx worker")[0]
    scene.dump(master.pid, held, "master", runtime="nginx", version=version, note="master process")
    scene.dump(worker, held, "worker", runtime="nginx", version=version, note="worker after a handshake with each key")
    for client in clients:
        client.close()


@subject("openssl")
def openssl(scene):
    version = output("openssl", "version").strip()
    for name, algorithm, bits in (("rsa2048", "RSA", 2048), ("rsa4096", "RSA", 4096), ("p256", "P-256", 0),
                                  ("p384", "P-384", 0), ("ed25519", "Ed25519", 0)):
        key, certificate = scene.certified(name, algorithm, bits)
        port = process.free_port()
        server = scene.stage.start("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificate, "-key",
                                   key.pem, "-www")
        process.tls_client(port).close()
        scene.dump(server.pid, [key], f"server-{name}", runtime="openssl s_server", version=version,
                   note="after one handshake")
        if name == "rsa2048":
            client = scene.stage.start("openssl", "s_client", "-connect", f"127.0.0.1:{port}", ready="BEGIN CERTIFICATE")
            scene.dump(client.pid, [key], "client", runtime="openssl s_client", version=version, negative=True,
                       note="holds the server's certificate only; its own ephemeral keys are no long-term keys")


@subject("libcrypto")
def libcrypto(scene):
    version = output("openssl", "version").strip()
    binary = scene.compile("hold_openssl.c", "-lcrypto")
    for name, algorithm in (("rsa", "RSA"), ("p256", "P-256"), ("p384", "P-384"), ("p521", "P-521"),
                            ("secp256k1", "secp256k1"), ("ed25519", "Ed25519"), ("x25519", "X25519"),
                            ("ed448", "Ed448"), ("x448", "X448")):
        key = scene.key(name, algorithm)
        holder = scene.stage.start(binary, key.pem, ready="READY")
        scene.dump(holder.pid, [key], name, runtime="C, libcrypto", version=version, note="PEM_read_PrivateKey")


def _library(name, source, *flags, arguments, package):
    @subject(name)
    def run(scene):
        try:
            version = output("pkg-config", "--modversion", package).strip()
        except (Skip, OSError):
            version = "unknown"
        binary = scene.compile(source, *flags)
        algorithms = [("rsa", "RSA"), ("p256", "P-256")] + ([] if name in ("mbedtls", "wolfssl") else [("ed25519", "Ed25519")])
        for label, algorithm in algorithms:
            key, certificate = scene.certified(label, algorithm)
            holder = scene.stage.start(binary, *arguments(scene, key, certificate), ready="READY")
            scene.dump(holder.pid, [key], label, runtime=name, version=version)


def _der_file(key):
    path = Path(key.pem).with_suffix(".der")
    path.write_bytes(key.encodings["pkcs8-der"])
    return path


_library("gnutls", "hold_gnutls.c", "-lgnutls", arguments=lambda s, k, c: [k.pem], package="gnutls")
_library("mbedtls", "hold_mbedtls.c", "-lmbedtls", "-lmbedx509", "-lmbedcrypto", arguments=lambda s, k, c: [k.pem],
         package="mbedtls")
_library("wolfssl", "hold_wolfssl.c", "-lwolfssl", arguments=lambda s, k, c: [c, k.pem], package="wolfssl")
_library("botan", "hold_botan.c", "-I/usr/include/botan-2", "-lbotan-2", arguments=lambda s, k, c: [_der_file(k)],
         package="botan-2")


@subject("nettle")
def nettle(scene):
    version = output("pkg-config", "--modversion", "nettle").strip()
    binary = scene.compile("hold_nettle.c", "-lhogweed", "-lnettle", "-lgmp")
    for bits in (2048, 4096):
        key = scene.key(f"rsa{bits}", "RSA", bits)
        path = Path(key.pem).with_suffix(".der")
        path.write_bytes(key.encodings["pkcs1-der"])
        holder = scene.stage.start(binary, path, ready="READY")
        scene.dump(holder.pid, [key], f"freed-rsa{bits}", runtime="Nettle", version=version,
                   note="one signature; the private key was freed, the public one is there")


def _private_network(scene, *argv):
    """Starts a server that cannot be told to listen on loopback only, in a network namespace of its own."""
    need("unshare", "nsenter", "ip")
    if os.geteuid():
        raise Skip("needs root for a private network")
    script = 'ip link set lo up && exec "$@"'
    return scene.stage.start("unshare", "-n", "sh", "-c", script, "sh", *argv)


def _handshake(server, port):
    """A TLS handshake with a server in a private network, tried until it succeeds."""
    client = ["nsenter", "-n", "-t", str(server.pid), "openssl", "s_client", "-connect", f"127.0.0.1:{port}"]

    def done():
        said = subprocess.run(client, input=b"GET / HTTP/1.0\r\n\r\n", capture_output=True, timeout=10).stdout
        return b"BEGIN CERTIFICATE" in said

    until(done, f"TLS on port {port}")


@subject("gnutls-serv")
def gnutls_serv(scene):
    need("gnutls-serv")
    version = _first(output("gnutls-serv", "--version"))
    for name, algorithm in (("rsa", "RSA"), ("p256", "P-256")):
        key, certificate = scene.certified(name, algorithm)
        server = _private_network(scene, "gnutls-serv", "--x509keyfile", key.pem, "--x509certfile", certificate, "-p",
                                  "5556")
        _handshake(server, 5556)
        scene.dump(server.pid, [key], name, runtime="gnutls-serv", version=version, note="after one handshake")


@subject("nss")
def nss(scene):
    need("selfserv", "certutil", "pk12util")
    for name, algorithm in (("rsa", "RSA"), ("p256", "P-256")):
        key, certificate = scene.certified(name, algorithm)
        store, database = scene.folder / f"{name}.p12", scene.folder / f"{name}-db"
        database.mkdir()
        output("openssl", "pkcs12", "-export", "-in", certificate, "-inkey", key.pem, "-name", "server", "-passout",
               "pass:throwaway", "-out", store)
        output("certutil", "-N", "-d", f"sql:{database}", "--empty-password")
        output("pk12util", "-i", store, "-d", f"sql:{database}", "-W", "throwaway", "-K", "")
        which = ["-n", "server"] if name == "rsa" else ["-e", "server"]
        server = _private_network(scene, "selfserv", "-p", "5557", "-d", f"sql:{database}", *which, "-v", "-V",
                                  "tls1.2:tls1.3", "-H", "1")

        _handshake(server, 5557)
        version = output("dpkg-query", "-W", "-f", "${Version}", "libnss3") if shutil.which("dpkg-query") else "unknown"
        scene.dump(server.pid, [key], name, runtime="NSS selfserv", version=version, note="after one handshake")


# Language runtimes


def _python_with(module):
    for python in dict.fromkeys((sys.executable, "/usr/bin/python3")):
        try:
            done = subprocess.run([python, "-c", f"import sys, {module} as m; print(sys.version.split()[0], m.__version__)"],
                                  capture_output=True, text=True)
        except OSError:
            continue
        if done.returncode == 0:
            python_version, module_version = done.stdout.split()
            return python, f"{python_version}, {module} {module_version}"
    raise Skip(f"no Python with {module}")


@subject("python")
def python(scene):
    script = HOLDERS / "hold.py"
    try:
        interpreter, version = _python_with("cryptography")
        for name, algorithm in (("rsa", "RSA"), ("p256", "P-256"), ("ed25519", "Ed25519")):
            key, certificate = scene.certified(name, algorithm)
            holder = scene.stage.start(interpreter, script, "key", key.pem, ready="READY")
            scene.dump(holder.pid, [key], f"cryptography-{name}", runtime="Python cryptography", version=version,
                       note="load_pem_private_key; the text was freed")
            if name == "rsa":
                holder = scene.stage.start(interpreter, script, "certificate", certificate, ready="READY")
                scene.dump(holder.pid, [key], "certificate", runtime="Python cryptography", version=version,
                           negative=True, note="certificate and public key only")
    except Skip as skipped:
        scene.skipped = str(skipped)
    version = sys.version.split()[0]
    key = scene.key("pem", "RSA")
    holder = scene.stage.start(sys.executable, script, "pem", key.pem, ready="READY")
    scene.dump(holder.pid, [key], "pem", runtime="Python bytes", version=version, note="PEM text in a bytes object")
    key = scene.key("ints", "RSA")
    path = scene.folder / "ints.txt"
    path.write_text(f"{key.numbers['p']:x}\n{key.numbers['q']:x}\n")
    holder = scene.stage.start(sys.executable, script, "ints", path, ready="READY")
    scene.dump(holder.pid, [key], "ints", runtime="Python int", version=version, note="p, q and n as integers")


@subject("nacl")
def nacl(scene):
    interpreter, version = _python_with("nacl")
    key = scene.key("ed25519", "Ed25519")
    path = scene.folder / "seed"
    path.write_bytes(key.numbers["seed"])
    holder = scene.stage.start(interpreter, HOLDERS / "hold.py", "nacl", path, ready="READY")
    scene.dump(holder.pid, [key], runtime="libsodium (PyNaCl)", version=version, note="SigningKey, one signature")


@subject("node")
def node(scene):
    need("node")
    version, script = output("node", "--version").strip(), HOLDERS / "hold.js"
    for name, algorithm, mode in (("rsa", "RSA", "key"), ("p256", "P-256", "key"), ("ed25519", "Ed25519", "key"),
                                  ("jwk", "P-256", "jwk"), ("certificate", "RSA", "certificate")):
        key, certificate = scene.certified(name, algorithm)
        negative = mode == "certificate"
        holder = scene.stage.start("node", "--max-old-space-size=32", script, mode, certificate if negative else key.pem,
                                   ready="READY")
        scene.dump(holder.pid, [key], name, runtime="Node", version=version, negative=negative,
                   note={"key": "createPrivateKey, one signature", "jwk": "exported as JWK text",
                         "certificate": "X509Certificate only"}[mode])


@subject("java")
def java(scene):
    need("java", "javac", "jcmd")
    output("javac", "-d", scene.folder, HOLDERS / "Hold.java")
    version = _first(output("java", "-version"), r'"[^"]+"').strip('"')

    def hold(*arguments):
        return scene.stage.start("java", "-Xmx24m", "-Xss512k", "-XX:+UseSerialGC", "-XX:ReservedCodeCacheSize=16m",
                                 "-XX:TieredStopAtLevel=1", "-XX:CompressedClassSpaceSize=16m", "-cp", scene.folder, "Hold", *arguments, ready="READY")

    def both(holder, held, label, **about):
        heap = scene.out / f"java-{label}.hprof"
        heap.unlink(missing_ok=True)
        output("jcmd", str(holder.pid), "GC.heap_dump", heap)
        scene.add(heap.name, held, kind="hprof", runtime="Java heap dump", version=version, **about)
        scene.dump(holder.pid, held, label, runtime="Java", version=version, **about)

    for name, algorithm, kind in (("rsa", "RSA", "RSA"), ("p256", "P-256", "EC"), ("ed25519", "Ed25519", "Ed25519")):
        key = scene.key(name, algorithm)
        both(hold("key", kind, _der_file(key)), [key], name, note="KeyFactory, one signature")
    key, certificate = scene.certified("keystore", "RSA")
    store = scene.folder / "keystore.p12"
    output("openssl", "pkcs12", "-export", "-in", certificate, "-inkey", key.pem, "-name", "server", "-passout",
           "pass:changeit", "-out", store)
    both(hold("keystore", "PKCS12", store), [key], "keystore", note="PKCS12 KeyStore, key taken out, one signature")
    key, certificate = scene.certified("certificate", "RSA")
    both(hold("certificate", "X.509", certificate), [key], "certificate", negative=True, note="certificate only")


@subject("go")
def go(scene):
    need("go")
    binary = scene.folder / "hold"
    cache = Path(os.environ.get("GOCACHE") or scene.out / "work" / "go-cache")
    env = dict(os.environ, GO111MODULE="off", GOCACHE=str(cache), GOFLAGS="", GOMAXPROCS="1")
    output("go", "build", "-o", binary, HOLDERS / "hold.go", env=env)
    version = _first(output("go", "version"), r"go\d[\d.]+")
    for name, algorithm in (("rsa", "RSA"), ("p256", "P-256"), ("ed25519", "Ed25519")):
        key, certificate = scene.certified(name, algorithm)
        port = process.free_port()
        server = scene.stage.start(binary, "serve", certificate, key.pem, port, ready="READY")
        process.tls_client(port).close()
        scene.dump(server.pid, [key], name, runtime="Go", version=version, note="crypto/tls server, one handshake")
    key, certificate = scene.certified("certificate", "RSA")
    holder = scene.stage.start(binary, "certificate", certificate, ready="READY")
    scene.dump(holder.pid, [key], "certificate", runtime="Go", version=version, negative=True, note="certificate only")


@subject("rust")
def rust(scene):
    need("cargo")
    target = scene.out / "work" / "rust-target"
    output("cargo", "build", "--quiet", "--manifest-path", HOLDERS / "rust" / "Cargo.toml", "--target-dir", target)
    tree = output("cargo", "tree", "--quiet", "--depth", "1", "--manifest-path", HOLDERS / "rust" / "Cargo.toml")
    crates = {"P-256": "p256", "P-384": "p384", "secp256k1": "k256", "Ed25519": "ed25519-dalek"}
    for library, algorithms in (("rustcrypto", crates), ("ring", ("P-256", "P-384", "Ed25519"))):
        for algorithm in algorithms:
            label = algorithm.lower().replace("-", "")
            key = scene.key(f"{library}-{label}", algorithm)
            path = key.pem if library == "rustcrypto" else _der_file(key)
            holder = scene.stage.start(target / "debug" / "hold-rust", library, algorithm, path, ready="READY")
            crate = "ring" if library == "ring" else crates[algorithm]
            version = re.search(rf"{crate} v[\w.+-]+", tree).group(0)
            scene.dump(holder.pid, [key], f"{library}-{label}", runtime=f"Rust, {crate}", version=version,
                       note="one signature; what was read is wiped")


@subject("mono")
def mono(scene):
    need("mono", "mcs")
    binary = scene.folder / "Hold.exe"
    output("mcs", f"-out:{binary}", HOLDERS / "Hold.cs")
    key = scene.key("rsa", "RSA")
    import base64
    names = dict(Modulus="n", Exponent="e", P="p", Q="q", DP="dp", DQ="dq", InverseQ="qinv", D="d")
    size = lambda name: 3 if name == "e" else 256 if name in "nd" else 128
    xml = "".join(f"<{tag}>{base64.b64encode(key.numbers[n].to_bytes(size(n), 'big')).decode()}</{tag}>"
                  for tag, n in names.items())
    path = scene.folder / "rsa.xml"
    path.write_text(f"<RSAKeyValue>{xml}</RSAKeyValue>")
    holder = scene.stage.start("mono", binary, path, ready="READY")
    scene.dump(holder.pid, [key], runtime="Mono", version=_first(output("mono", "--version"), r"[\d.]{5,}"),
               note="RSACryptoServiceProvider.FromXmlString, one signature")


def _interpreter(name, program, arguments, *, runtime, version, algorithms, note="one signature"):
    """A subject for a script that is given the kind of a key and its file."""

    @subject(name)
    def run(scene):
        need(program)
        said = _first(output(program, *version))
        for label, algorithm in algorithms:
            key = scene.key(label, algorithm)
            holder = scene.stage.start(program, *arguments(scene, label, key), ready="READY")
            scene.dump(holder.pid, [key], label, runtime=runtime, version=said, note=note)


_interpreter("ruby", "ruby", lambda s, label, key: [HOLDERS / "hold.rb", key.pem], runtime="Ruby", version=["--version"],
             algorithms=[("rsa", "RSA"), ("p384", "P-384"), ("ed25519", "Ed25519")])
_interpreter("php", "php", lambda s, label, key: [HOLDERS / "hold.php", key.pem], runtime="PHP", version=["--version"],
             algorithms=[("rsa", "RSA"), ("p256", "P-256")])
_interpreter("perl", "perl", lambda s, label, key: [HOLDERS / "hold.pl", {"rsa": "RSA", "p256": "ECC"}.get(label, "Ed25519"), key.pem],
             runtime="Perl, CryptX", version=["-MCryptX", "-e", "print $CryptX::VERSION"],
             algorithms=[("rsa", "RSA"), ("p256", "P-256"), ("ed25519", "Ed25519")])


@subject("erlang")
def erlang(scene):
    need("erl", "erlc")
    output("erlc", "-o", scene.folder, HOLDERS / "hold.erl")
    version = output("erl", "-noshell", "-eval", 'io:format("~s", [erlang:system_info(otp_release)]), halt().').strip()
    for label, algorithm in (("rsa", "RSA"), ("p256", "P-256")):
        key = scene.key(label, algorithm)
        # The address space that it reserves would all be in the core.
        holder = scene.stage.start("erl", "+MIscs", "32", "-noshell", "-pa", scene.folder, "-run", "hold", "main", key.pem,
                                   ready="READY")
        scene.dump(holder.pid, [key], label, runtime="Erlang", version=version, note="one signature")


@subject("dropbear")
def dropbear(scene):
    need("dropbear", "dropbearconvert")
    held = [keys.generate_ssh(scene.folder, "rsa", "rsa", 2048), keys.generate_ssh(scene.folder, "ecdsa", "ecdsa", 256),
            keys.generate_ssh(scene.folder, "ed25519", "ed25519")]
    options = []
    for key in held:
        path = scene.folder / f"{key.name}.dropbear"
        output("dropbearconvert", "openssh", "dropbear", key.pem, path)
        options += ["-r", path]
    version = _first(output("dropbear", "-V"))
    server = scene.stage.start("dropbear", "-F", "-E", *options, "-p", f"127.0.0.1:{process.free_port()}", "-P",
                               scene.folder / "pid", ready="Not backgrounding")
    scene.dump(server.pid, held, runtime="Dropbear", version=version, note="the listening process; LibTomCrypt")


@subject("haproxy")
def haproxy(scene):
    need("haproxy")
    held, binds, ports = [], "", []
    for name, algorithm in (("rsa", "RSA"), ("p256", "P-256")):
        key, certificate = scene.certified(name, algorithm)
        both = scene.folder / f"{name}-both.pem"
        both.write_bytes(Path(key.pem).read_bytes() + Path(certificate).read_bytes())
        port = process.free_port()
        held.append(key)
        ports.append(port)
        binds += f" bind 127.0.0.1:{port} ssl crt {both}\n"
    config = scene.folder / "haproxy.cfg"
    config.write_text("defaults\n mode http\n timeout client 9s\n timeout server 9s\n timeout connect 9s\n"
                      f"frontend front\n{binds} http-request deny\n")
    server = scene.stage.start("haproxy", "-f", config, "-db")
    for port in ports:
        process.tls_client(port).close()
    scene.dump(server.pid, held, runtime="HAProxy", version=_first(output("haproxy", "-v")),
               note="after a handshake with each key")


# GnuPG


@subject("gpg-agent")
def gpg_agent(scene):
    need("gpg", "gpg-agent", "gpg-connect-agent")
    import tempfile
    version = _first(output("gpg-agent", "--version"), r"\d+\.\d+\.\d+")
    # A socket's path is limited to 108 bytes, so that the home must be a short one.
    with tempfile.TemporaryDirectory(prefix="gk") as home:
        os.chmod(home, 0o700)
        gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--no-tty"]
        env = dict(os.environ, GNUPGHOME=home)
        try:
            for algorithm, label in (("rsa3072", "rsa"), ("ed25519", "ed25519")):
                output(*gpg, "--passphrase", "", "--quick-gen-key", f"{label} throwaway <{label}@example.org>", algorithm,
                       "sign", "never")
            held = []
            for path in sorted(Path(home, "private-keys-v1.d").iterdir()):
                inner = sexp.key_file(path.read_bytes())[1]
                value = {pair[0].decode(): pair[1] for pair in inner[1:]}
                number = {name: int.from_bytes(v, "big") for name, v in value.items()}
                if inner[0] == b"rsa":
                    held.append(keys.rsa("rsa", number["n"], number["e"], number["d"], number["p"], number["q"]))
                else:
                    held.append(keys.edwards("ed25519", "Ed25519", value["d"], value["q"][-32:]))
                held[-1].encodings["canonical S-expression"] = sexp.canonical([b"private-key", inner])
                held[-1].encodings["canonical S-expression d"] = sexp.canonical([b"d", value["d"]])
            output("gpgconf", "--kill", "gpg-agent", env=env)
            message = scene.folder / "message"
            message.write_text("message")
            for label in ("rsa", "ed25519"):
                output(*gpg, "--yes", "-u", f"{label}@example.org", "--detach-sign", message)
            pid = int(_first(output("gpg-connect-agent", "--homedir", home, "getinfo pid", "/bye"), r"\d+"))
            scene.dump(pid, held, runtime="gpg-agent", version=version, note="unprotected keys, one signature each")
        finally:
            subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=env, capture_output=True)
