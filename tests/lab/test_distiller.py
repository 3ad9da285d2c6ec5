"""The distiller itself, as a process, in its sandbox: what it makes of pictures,
and of what only look like some. It is spoken to as a node does it
(src/distill/order.h).

SEVENFOLD_DISTIL_S seconds of mutated images (3).
"""

import array
import os
import pathlib
import random
import signal
import socket
import struct
import subprocess
import time

import pytest

from conftest import ROOT, SEVENFOLD, sevenfold

MAGIC = 0x37663144
JPEG, WEBP, AVIF = 1, 2, 4
DONE, NO_GAIN, MOVING, UNKNOWN, TOO_LARGE, BROKEN, FAILED = range(7)
STARTS = {1: b"\xff\xd8\xff", 2: b"\x89PNG", 3: b"GIF8", 4: b"RIFF"}
SECONDS = float(os.environ.get("SEVENFOLD_DISTIL_S", "3"))


class Distiller:
    def __init__(self):
        self.ours, theirs = socket.socketpair(socket.AF_UNIX,
                                              socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen([SEVENFOLD, "distiller"],
                                            stdin=theirs, env={})
        self.ours.settimeout(60)
        self.id = 0

    def order(self, data, *, formats=0, width=0, quality=75, halve=0,
              kind=0, coding=0):
        """(outcome, type, result) of a node's order."""
        self.id += 1
        fd = os.memfd_create("test")
        os.write(fd, data)
        message = struct.pack("<IIIHBBBBBB", MAGIC, self.id, len(data), width,
                              kind, formats, quality, halve, coding, 0)
        self.ours.sendmsg([message], [(
            socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
        said = self.ours.recv(100)
        assert len(said) == 24, f"the distiller is gone: {self.end()}"
        magic, number, size, _, _, outcome, kind, *_ = struct.unpack(
            "<IIIIIBBBB", said)
        assert (magic, number) == (MAGIC, self.id)
        result = os.pread(fd, size, 0) if outcome == DONE else b""
        assert len(result) < len(data)
        os.close(fd)
        return outcome, kind, result

    def end(self):
        self.ours.close()
        return self.process.wait(10)


@pytest.fixture
def distiller():
    d = Distiller()
    yield d
    if d.process.poll() is None:
        assert d.end() == 0


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    sevenfold("bench", "pictures", folder, "--shrink", "6")
    return {f.name: f.read_bytes() for f in folder.iterdir()}


def test_pictures(distiller, pictures):
    done = 0
    for name, data in pictures.items():
        for formats in 0, JPEG, WEBP, WEBP | AVIF:
            for halve in 0, 1:
                outcome, kind, result = distiller.order(
                    data, formats=formats, halve=halve)
                assert outcome in (DONE, NO_GAIN, MOVING) or \
                    (name == "text.html" and outcome == UNKNOWN)
                if outcome == DONE:
                    done += 1
                    assert result.startswith(STARTS.get(kind, b""))
    assert done > 30
    for coding in 1, 2, 3:
        outcome, kind, result = distiller.order(
            pictures["text.html"], kind=1, coding=coding)
        assert outcome == DONE and kind == 0


@pytest.mark.parametrize("kind", ["gif", "jpeg", "png", "webp"])
def test_corpus(distiller, kind):
    """The same process gets through all that is malformed in each way."""
    seen = {}
    for path in (ROOT / f"tests/fuzz/corpus/fuzz_{kind}").iterdir():
        outcome, type_, result = distiller.order(
            path.read_bytes()[4:], formats=WEBP, halve=1)
        assert outcome != FAILED, path
        assert outcome != DONE or result.startswith(STARTS[type_]), path
        seen[outcome] = seen.get(outcome, 0) + 1
    print(kind, seen)
    assert seen[BROKEN] + seen.get(UNKNOWN, 0) >= 15


def mutated(rng, data):
    data = bytearray(data[:rng.choice((len(data), rng.randrange(1, 4000)))])
    for _ in range(rng.choice((1, 1, 2, 5, 50))):
        at = rng.randrange(len(data))
        match rng.randrange(4):
            case 0: data[at] = rng.randrange(256)
            case 1: data[at] ^= 1 << rng.randrange(8)
            case 2: data[at:at + 4] = rng.choice(
                (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"))
            case 3: del data[at:at + rng.randrange(1, 40)]
        data = data or bytearray(b"x")
    return bytes(data)


def test_mutated(distiller, pictures):
    """Nothing that an image says makes it do what it must not, or die."""
    rng = random.Random(7)
    files = [data for name, data in pictures.items() if name != "text.html"]
    end, seen = time.monotonic() + SECONDS, {}
    while time.monotonic() < end:
        outcome, *_ = distiller.order(
            mutated(rng, rng.choice(files)),
            formats=rng.choice((0, JPEG, WEBP)), width=rng.choice((0, 50)),
            halve=rng.randrange(2))
        seen[outcome] = seen.get(outcome, 0) + 1
    print(seen)
    assert seen[BROKEN] > 0 and seen[DONE] > 0
    assert FAILED not in seen


def test_large(distiller):
    """Within the limit, but more memory than it has: refused, and it lives."""
    head = (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" +
            struct.pack(">II", 7000, 7000) + b"\x10\6\0\0\0")
    outcome, *_ = distiller.order(head + bytes(5000), formats=WEBP)
    assert outcome == BROKEN
    head = head.replace(struct.pack(">I", 7000), struct.pack(">I", 30000))
    outcome, *_ = distiller.order(head + bytes(5000), formats=WEBP)
    assert outcome == TOO_LARGE


def test_nonsense(distiller):
    """It takes orders only, and ends rather than guess."""
    distiller.ours.send(b"not an order")
    assert distiller.ours.recv(100) == b""
    assert distiller.end() == 1


def test_alone():
    assert sevenfold("distiller", check=False).returncode == 2


def test_parent_dies(tmp_path):
    """Who started it is gone, so it goes."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        p = subprocess.Popen([SEVENFOLD, "distiller"], stdin=theirs)
    status = pathlib.Path(f"/proc/{p.pid}/status")
    until = time.monotonic() + 10
    while "Seccomp:\t2" not in status.read_text():
        assert time.monotonic() < until
        time.sleep(0.01)
    assert "NoNewPrivs:\t1" in status.read_text()
    assert len(os.listdir(f"/proc/{p.pid}/fd")) == 3
    ours.close()
    assert p.wait(10) == 0
    assert p.returncode != -signal.SIGSYS
