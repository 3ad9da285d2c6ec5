"""The benchmark's own test: small windows, no peers but the floor, and a client
that finds what is wrong with an answer."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = HERE.parent.parent / "build" / "tests" / "engine"

pytestmark = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="SKIP: needs two cores")


def bench(suite):
    """The lines that a suite prints."""
    done = subprocess.run(
        [sys.executable, HERE / "bench.py", suite, "--no-peers", "--json",
         "--rounds", "2", "--seconds", "0.05"],
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def cells(lines):
    return [line for line in lines if "server" in line]


def check_sane(cell):
    assert cell["windows"] == 2
    assert cell["requests"] > 20
    assert 1 < cell["cpu_us"] < 20000
    assert cell["cpu_us_quartiles"][0] <= cell["cpu_us_quartiles"][1]
    assert cell["p50_us"] <= cell["p99_us"]
    # No server does more in a second than a core can.
    assert cell["rate"] * cell["cpu_us"] < 1.2e6


def test_hits():
    lines = bench("hit")
    assert {c["bytes"] for c in cells(lines)} == {
        100, 1024, 10240, 102400, 1 << 20}
    assert {c["server"] for c in cells(lines)} == {
        "floor", "floor, sendfile", "sevenfold"}
    for cell in cells(lines):
        check_sane(cell)
        assert cell["upstream_us"] < 0.1
    goals = [line for line in lines if "goal" in line]
    assert len(goals) == 2  # those against the floor
    for goal in goals:
        assert 0.1 < goal["seen"] < 100
        assert goal["met"] == (goal["seen"] <= goal["asked"])


def test_relays():
    for cell in cells(bench("relay")):
        check_sane(cell)
        assert cell["upstream_us"] > 0.1  # the owner's


# --- the client ---------------------------------------------------------------

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def serve(*arguments):
    """The port of a floor."""
    *options, path, length = arguments
    port = free_port()
    process = subprocess.Popen(
        [TOOLS / "engine_floor", *options, str(port), path, length])
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    yield port
    process.terminate()
    process.wait(10)


@pytest.fixture(params=[[], ["--file"]])
def floor(request):
    with serve(*request.param, "/right", "20000") as port:
        yield port


def ask(port, path, length, lines):
    done = subprocess.run(
        [TOOLS / "engine_client", "--connections", "3", "--length",
         str(length), "127.0.0.1", str(port), path],
        input=lines, capture_output=True, text=True, timeout=30)
    ready, *answers = done.stdout.splitlines()
    assert ready == "ready"
    return [json.loads(line) for line in answers], done.stderr


def test_right_answers(floor):
    answers, errors = ask(floor, "/right", 20000, "count 7\neach\nrun 0.1\n")
    assert not errors
    assert [a["errors"] for a in answers] == [0, 0, 0]
    assert [a["requests"] for a in answers[:2]] == [7, 3]
    assert answers[2]["requests"] > 7


@pytest.mark.parametrize("path, length, why", [
    ("/wrong", 20000, "begins with other bytes"),
    ("/right", 19999, "another Content-Length"),
])
def test_wrong_answers(floor, path, length, why):
    (answer,), errors = ask(floor, path, length, "count 7\n")
    assert (answer["requests"], answer["errors"]) == (0, 3)
    assert why in errors


def test_keys():
    """Each object has a body of its own, and the client minds it."""
    command = [TOOLS / "engine_client", "--connections", "3", "--keys", "50",
               "127.0.0.1"]
    for option, wrong in (["--keyed"], 0), ([], 3):
        with serve(*option, "/o/", "1024") as port:
            done = subprocess.run(
                [*command, str(port), "/o/"], input="count 100\n",
                capture_output=True, text=True, timeout=30)
        answer = json.loads(done.stdout.splitlines()[1])
        assert answer["errors"] == wrong


def test_distill():
    lines = bench("distill")
    ours = [line for line in lines if line.get("tool") == "sevenfold"]
    assert len(ours) == 4
    for line in ours:
        assert 1 < line["megapixels_per_s"] < 2000
        assert 0 < line["bytes"] < line["before"]
        assert 0.8 < line["ssim"] < 1
    made = {(line["file"], line["class"]): line for line in lines
            if "class" in line}
    assert len(made) > 40
    for line in made.values():
        assert 0 < line["after"] <= line["before"]
    for file in "photo.jpg", "drawing.png", "screenshot.png", "ball.gif":
        line = made[file, "save"]
        assert line["after"] < line["before"] / 2 and line["ssim"] > 0.8
    hits = [line for line in lines if "distilling" in line]
    assert [(h["connections"], h["distilling"]) for h in hits] == \
        [(1, False), (1, True), (16, False), (16, True)]
    for line in hits:
        assert (line["distilled"] > 0) == line["distilling"]
        assert line["requests"] > 100
        assert 0 < line["p50_us"] <= line["p99_us"]
