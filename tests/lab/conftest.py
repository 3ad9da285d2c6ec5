"""What all system tests share: a lab that is always taken down again.

The program under test is $SEVENFOLD, or build/sevenfold. These tests need
root and have the machine's one lab to themselves.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEVENFOLD = os.environ.get("SEVENFOLD", str(ROOT / "build/sevenfold"))
STATE = pathlib.Path("/run/sevenfold/lab")
OURS = STATE / "of-tests"  # a lab that a test brought up
VIP = "192.0.2.10"


def sh(*argv, check=True, timeout=150, **kw):
    """Runs argv; its output is in the result's .stdout and .stderr."""
    r = subprocess.run([str(a) for a in argv], text=True, timeout=timeout,
                       capture_output=True, **kw)
    if check and r.returncode:
        raise AssertionError(f"{argv}: {r.returncode}\n{r.stdout}{r.stderr}")
    return r


def sevenfold(*argv, **kw):
    return sh(SEVENFOLD, *argv, **kw)


def readable(folder):
    """For an origin that is not root."""
    for d in (folder, *list(folder.parents)[:-1]):
        d.chmod(d.stat().st_mode | 0o055)


def lab_up(*argv):
    r = sevenfold("lab", "up", *argv)
    OURS.touch()
    return r


def has_verb(name):
    return f"\n  {name} " in sevenfold("help").stdout


def lab_exec(host, *argv, **kw):
    return sevenfold("lab", "exec", host, *argv, **kw)


def lab_popen(host, *argv, **kw):
    return subprocess.Popen(
        [SEVENFOLD, "lab", "exec", host, *map(str, argv)], text=True, **kw)


def status(host):
    """The status of a node or the balancer, from its admin socket."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect(str(STATE / f"{host}.sock"))
        s.sendall(b"status\n")
        text = b""
        while chunk := s.recv(65536):
            text += chunk
            try:
                return json.loads(text)
            except ValueError:
                pass  # more to come
    raise AssertionError(f"{host}: cut status {text!r}")


def origin_fetches():
    """(URI, status, body bytes) of every request that the origin answered."""
    lines = (STATE / "logs/origin-access.log").read_text().splitlines()
    return [(uri, int(code), int(n))
            for uri, code, n in (line.rsplit(" ", 2) for line in lines)]


def pytest_sessionfinish(session):
    """Tells meson when there was nothing that could be tested."""
    stats = session.config.pluginmanager.get_plugin("terminalreporter").stats
    ran = any(k in stats for k in ("passed", "failed", "error"))
    if "MESON_TEST_ITERATION" in os.environ and not ran:
        session.exitstatus = 77


@contextlib.contextmanager
def only_lab():
    """The machine has one lab: another checkout's tests wait their turn, and
    a lab that somebody uses is left alone. Not so what killed tests left: with
    the lock in hand nobody uses that."""
    with open("/run/lock/sevenfold-tests.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if OURS.exists():
            sevenfold("lab", "down")
        if (STATE / "state.json").exists():
            pytest.fail("a lab is up on this machine: sevenfold lab down")
        try:
            yield
        finally:
            sevenfold("lab", "down")


def end_nodes():
    """Ends the nodes as an operator would, and looks at their last words: a
    sanitizer's report, a leak at the end among them, or a panic."""
    running = {}
    for file in STATE.glob("n*.pid"):
        pid = int(file.read_text())
        exe = pathlib.Path(f"/proc/{pid}/exe")
        if exe.exists() and os.path.samefile(exe, SEVENFOLD):
            os.kill(pid, signal.SIGTERM)
            running[file.stem] = pid
    deadline = time.monotonic() + 15
    while any(os.path.exists(f"/proc/{p}/exe") for p in running.values()):
        assert time.monotonic() < deadline, "a node does not end"
        time.sleep(0.02)
    for log in STATE.glob("logs/[bn]*.log"):  # the balancer's, too
        text = log.read_text(errors="replace")
        assert "Sanitizer" not in text and "panic:" not in text, text[-3000:]
        assert log.stem not in running or "event=stopped" in text


@pytest.fixture
def lab():
    """lab(nodes=4, link="20mbit", bare=True): `lab up` with these options."""
    if os.geteuid() != 0:
        pytest.skip("needs root: network namespaces")

    def up(**options):
        argv = []
        for name, value in options.items():
            argv.append("--" + name.replace("_", "-"))
            if value is not True:
                argv.append(value)
        return lab_up(*argv)

    with only_lab():
        yield up
        end_nodes()


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """Objects of 1 byte to 1 MB."""
    folder = tmp_path_factory.mktemp("root")
    rng = random.Random(5)
    for i, size in enumerate([1, 300, 1448, 5000, 20000, 60000, 150000, 300000,
                              1 << 20]):
        for k in range(3):
            (folder / f"{i}-{k}.bin").write_bytes(rng.randbytes(size))
    readable(folder)
    return folder


@pytest.fixture(scope="session")
def long_root(tmp_path_factory):
    """What takes seconds by a link of 16 Mbit/s."""
    folder = tmp_path_factory.mktemp("long")
    (folder / "long.bin").write_bytes(random.Random(17).randbytes(6 << 20))
    readable(folder)
    return folder
