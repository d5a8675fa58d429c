"""Real processes: started, polled until ready, dumped, and always ended."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

WAIT = 60
# A process's environment lies in its dump: none of the maker's belongs there.
ENVIRONMENT = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/nonexistent", "LANG": "C.UTF-8"}


class Skip(Exception):
    """This subject cannot be made here; the manifest says why."""


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


def output(*argv, **kwargs):
    """What a command writes, standard output first; ends the subject if it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600, **kwargs)
    if done.returncode:
        raise Skip(f"{argv[0]} failed: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout + done.stderr


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(ready, what):
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        found = ready()
        if found:
            return found
        time.sleep(0.05)
    raise Skip(f"not ready after {WAIT} s: {what}")


def tls_client(port):
    """One TLS connection to a local server, left open."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def connect():
        try:
            return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 5))
        except OSError:
            return None

    return until(connect, f"TLS on port {port}")


def children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


class Stage:
    """Owns everything that is started; `close` ends it."""

    def __init__(self, folder):
        self.folder = folder
        self.started = []

    def start(self, *argv, ready=None, **kwargs):
        """Starts a process. `ready`: a line of its output to wait for, or a function to poll."""
        log = self.folder / f"{Path(str(argv[0])).name}.{len(self.started)}.log"
        with open(log, "wb") as out:
            process = subprocess.Popen(
                list(map(str, argv)), stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True, **{"env": ENVIRONMENT, **kwargs})
        self.started.append(process)
        if isinstance(ready, str):
            line = ready
            ready = lambda: line in log.read_text(errors="replace")
        if ready:
            def poll():
                if process.poll() is not None:
                    raise Skip(f"{argv[0]} ended early: {log.read_text(errors='replace').strip()[-300:]}")
                return ready()
            until(poll, argv[0])
        return process

    def close(self):
        for process in reversed(self.started):
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def gcore(pid, path):
    """Takes a core of a running process with gdb's gcore."""
    prefix = str(path.with_suffix(""))
    done = subprocess.run(["gcore", "-o", prefix, str(pid)], capture_output=True, text=True, timeout=300)
    made = Path(f"{prefix}.{pid}")
    if not made.exists():
        raise Skip(f"gcore failed: {(done.stderr or done.stdout).strip()[-300:]}")
    made.rename(path)
    # Most of a large core is zeros that gdb wrote out; as holes a whole corpus fits on a small disk.
    if shutil.which("fallocate"):
        subprocess.run(["fallocate", "--dig-holes", path], check=False)
