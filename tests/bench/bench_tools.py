"""What the tests of `sevenfold bench` share."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time

SEVENFOLD = os.environ.get("SEVENFOLD", "build/sevenfold")
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "nobody listens"
            time.sleep(0.02)


def bench_verb(*args, **more):
    return subprocess.run(
        [SEVENFOLD, "bench", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=60,
        **more,
    )


def load(*args):
    """The exit status and the JSON of a verb that sends traffic."""
    done = bench_verb(*args, "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@contextlib.contextmanager
def running(*args):
    process = subprocess.Popen([*map(str, args)])
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def served(*args):
    """The verb as the origin that makes the bodies: its address."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    with running(SEVENFOLD, "bench", *args, "--serve", address):
        wait_for(port)
        yield address
