"""`sevenfold demo`, and a log replayed through the VIP."""

import json
import os
import random
import re
import signal
import subprocess
import time
import urllib.request

import pytest

from conftest import SEVENFOLD, STATE, VIP, lab_exec, sevenfold, sh, status


@pytest.fixture
def no_lab(lab):
    """The lab's fixture for tests that make the lab themselves."""


@pytest.mark.parametrize("policy", ["hrw", "md5", "rr"])
def test_demo_claims_nothing_untrue(no_lab, policy):
    done = sevenfold("demo", "--ci", "--seconds", 2, "--policy", policy,
                     timeout=400)
    # rr has each node distil for itself, so nothing is said about that.
    assert done.stdout.count("  true    ") == (5 if policy == "rr" else 6)
    assert "UNTRUE" not in done.stdout
    objects, size = re.search(r"site +(\d+) objects, ([\d.]+)M",
                              done.stdout).groups()
    assert int(objects) >= 240
    assert float(size) >= 50
    assert not STATE.exists()


def demo_until_it_stays(*args):
    demo = subprocess.Popen([SEVENFOLD, "demo", "--seconds", "1", *args],
                            stdout=subprocess.PIPE, text=True,
                            env={**os.environ, "CI": ""})
    demo.said = ""
    for line in demo.stdout:
        demo.said += line
        if line.startswith("Ctrl-C ends it"):
            return demo
    raise AssertionError(f"demo ended: {demo.wait()}\n{demo.said}")


def end_demo(demo, sig=signal.SIGTERM):
    demo.send_signal(sig)
    assert demo.wait(30) == 0, demo.said


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_demo_stays_up_until_told(no_lab, sig):
    demo = demo_until_it_stays("--nodes", "2")
    with urllib.request.urlopen(f"http://{VIP}/", timeout=5) as answer:
        assert b"Forty-eight mountains" in answer.read()
        assert answer.headers["Cache-Status"]
    end_demo(demo, sig)
    assert not STATE.exists()


def test_demo_keeps_going(no_lab):
    demo = demo_until_it_stays("--nodes", "2", "--keep-going")

    def requests():
        nodes = status("n1")["nodes"]
        return next(n for n in nodes if n["self"])["counters"]["requests"]

    before = requests()
    sh("sleep", 1)
    assert requests() > before + 10
    end_demo(demo)
    assert not STATE.exists()


def test_demo_leaves_another_lab_alone(lab):
    lab(nodes=1)
    done = sevenfold("demo", "--ci", check=False, timeout=400)
    assert done.returncode == 1
    assert "one is up already" in done.stderr
    assert STATE.exists()


@pytest.mark.parametrize("args", [["--nodes", "0"], ["--nodes", "65"],
                                  ["--seconds", "x"], ["--policy", "best"],
                                  ["--what"], ["more"]])
def test_demo_usage(args):
    done = sevenfold("demo", *args, check=False)
    assert done.returncode == 2
    assert "usage: sevenfold demo" in done.stderr


def make_log(path):
    """A day like NASA's, but smaller: popular pages, redirections, errors."""
    rnd = random.Random(1995)
    urls = [(f"/page-{i}/image.gif", 200, rnd.choice([0, 300, 5000, 60000]))
            for i in range(300)]
    urls += [(f"/old-{i}", 302, 0) for i in range(40)]
    urls += [(f"/gone-{i}?q=%2B", 404, 0) for i in range(20)]
    with open(path, "w") as log:
        for _ in range(5000):
            url, code, size = urls[int(len(urls) * rnd.random() ** 3)]
            method = "HEAD" if rnd.random() < 0.01 else "GET"
            if code == 200 and method == "GET" and rnd.random() < 0.08:
                code, size = 304, 0
            log.write(f'h - - [01/Aug/1995:06:00:00 +0000] '
                      f'"{method} {url} HTTP/1.0" {code} {size}\n')


def start_again(how):
    """The keys come over to those that start later meanwhile, one by one."""
    if how == "one late":
        sevenfold("lab", "kill", "n4")
        time.sleep(2.1)
        sevenfold("lab", "start", "n4")
    if how == "one after another":
        for i in range(1, 5):
            sevenfold("lab", "kill", f"n{i}")
        for i in range(1, 5):
            sevenfold("lab", "start", f"n{i}")
            time.sleep(1.1)
    if how == "one has just booted":  # the others, long before its clock began
        sevenfold("lab", "kill", "n4")
        time.sleep(2.1)
        begin = 1 - int(time.clock_gettime(time.CLOCK_MONOTONIC))
        sh("unshare", "--time", "--monotonic", begin, "--fork",
           SEVENFOLD, "lab", "start", "n4")


@pytest.mark.parametrize("how", ["together", "one late", "one after another",
                                 "one has just booted"])
def test_a_day_of_traffic_through_the_vip(lab, tmp_path, how):
    log = tmp_path / "made.log"
    make_log(log)
    sevenfold("bench", "replay", log, "--prepare", tmp_path / "origin")
    lab(nodes=4, origin_conf=tmp_path / "origin/nginx.conf")
    start_again(how)
    done = lab_exec("client", os.path.abspath(SEVENFOLD), "bench", "replay",
                    log, "--target", f"{VIP}:80", "--json",
                    check=False)
    result = json.loads(done.stdout)
    assert result["wrong"] == 0, result
    assert result["requests"] == sum(result["statuses"].values())

    # the origin's own log: each URL once, and POSTs, which nobody may cache
    lines = (tmp_path / "origin/access.log").read_text().splitlines()
    fetched = [line.split(" ")[1] for line in lines
               if not line.startswith("POST ")]
    assert len(fetched) == len(set(fetched))
    posts = len(lines) - len(fetched)
    assert result["targets"] - posts <= len(fetched) <= result["targets"]

    # the nodes' figures add up, and are the client's
    nodes = [next(n for n in status(f"n{i}")["nodes"] if n["self"])["counters"]
             for i in range(1, 5)]
    total = {k: sum(n[k] for n in nodes) for k in nodes[0]}
    assert total["requests"] == result["requests"]
    assert total["local"] + total["relayed"] == total["requests"]
    assert total["served"] == total["requests"]
    # what is read while it is being fetched may be called either
    assert (total["hits"] + total["coalesced"]
            == result["hits"] + result["joined"])
    assert total["relayed"] == result["relayed"]
    assert (total["hits"] + total["coalesced"] + total["misses"]
            + total["passes"]) == total["served"]
    # what is hot is copied from one node to another
    assert total["misses"] + total["lent_fetches"] == \
        len(fetched) + total["filled"]
    assert total["origin_fetches"] == len(lines)
    assert len(fetched) <= total["objects"] <= \
        len(fetched) + total["filled"]
