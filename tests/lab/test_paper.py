"""The paper's experiment, as small as it can be: interrupted, and gone on with.

What it measures here says little; that it measures, how it goes on, and that
nothing can pass a link faster than the link is, can be told in seconds.
"""

import json
import os
import signal
import subprocess
import time

import pytest

from conftest import SEVENFOLD, STATE, only_lab, sevenfold

LINK_MBIT = 8
CELLS = [(a, n) for a in ("conventional", "sevenfold") for n in (1, 2)]


@pytest.fixture
def paper(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root: network namespaces")
    with only_lab():
        yield ["bench", "paper", tmp_path / "results", "--archs",
               "conventional,sevenfold", "--nodes", "1,2", "--policies", "md5",
               "--workloads", "unc-2001", "--scarce", "link", "--link",
               f"{LINK_MBIT}mbit", "--warm", "1", "--measure", "2"]


def results(folder):
    file = folder / "results.jsonl"
    return file.read_text().splitlines() if file.exists() else []


def until(what, seconds=120):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "took too long"
        time.sleep(0.05)


def test_interrupted_and_gone_on_with(paper):
    folder = paper[2]
    p = subprocess.Popen([SEVENFOLD, *map(str, paper)], text=True,
                         stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    # In the middle of the second run.
    until(lambda: results(folder) or p.poll() is not None)
    until(lambda: (STATE / "n1.sock").exists() or p.poll() is not None)
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=60)
    assert p.returncode == 130, err
    assert not STATE.exists()
    before = results(folder)
    assert 1 <= len(before) < len(CELLS)
    assert (folder / "report.md").exists()

    r = sevenfold(*paper, timeout=300)
    after = results(folder)
    assert after[:len(before)] == before
    cells = [json.loads(line) for line in after]
    assert sorted((c["arch"], c["nodes"]) for c in cells) == CELLS
    assert "claim" in r.stdout
    for c in cells:
        check(c)
    page = (folder / "report.html").read_text()
    assert "<svg" in page and "nan" not in page
    assert len((folder / "results.csv").read_text().splitlines()) == 5

    # All is done; other parameters are others' results.
    sevenfold(*paper)
    assert results(folder) == after
    r = sevenfold(*paper, "--seed", "5", "--stop-after", "1", check=False,
                  timeout=300)
    assert r.returncode == 3, r.stderr
    assert len(results(folder)) == len(after) + 1


def check(c):
    """What must be, on whatever machine."""
    print(json.dumps(c))
    assert c["requests"] > 0 and c["p50_ms"] <= c["p99_ms"]
    assert c["connections"] == 63 * c["nodes"]
    # A bucket of 128 KiB may be full at the beginning.
    most = LINK_MBIT + 128 * 1024 * 8 / 1e6 / c["measured_s"]
    links = 1 if c["arch"] == "conventional" else c["nodes"]
    assert 0 < c["mbit_per_s"] <= links * most
    for name, (received, sent, cpu, _) in c["hosts"].items():
        assert cpu >= 0
        if name != "client":
            # Counters are read a little later than the clock.
            assert max(received, sent) <= most * 1.1
    assert set(c["hosts"]) == {"client", "balancer"} | {
        f"n{i + 1}" for i in range(c["nodes"])}
    assert 0 <= c["idle"] <= 1 and 0 <= c["steal"] <= 1
    assert c["late_p99_ms"] > 0
    assert c["limit"] in ("link", "link?", "waits", "machine")
    # The links are not read at one moment.
    assert c["crossing"] >= 0.5
    assert 0 < c["copies"] <= c["nodes"]


def test_what_makes_no_sense(tmp_path):
    for argv, word in ((["--archs", "pigeon"], "pigeon"),
                       (["--nodes", "3"], "'3'"),
                       (["--link", "fast"], "fast"),
                       (["--warm", "-1"], "-1"),
                       (["--quick", "--nodes", "1"], "--quick"),
                       (["a", "b"], "usage")):
        r = sevenfold("bench", "paper", *argv, check=False, cwd=tmp_path)
        assert r.returncode == 2 and word in r.stderr, argv
    r = sevenfold("bench", "paper", tmp_path / "x", "--report", check=False)
    assert r.returncode == 1 and "no results" in r.stderr
