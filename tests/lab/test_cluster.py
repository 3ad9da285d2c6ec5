"""The whole cluster in the lab: what the README claims, end to end.

Each claim is checked against a source of its own: the origin's access log, the
counters of the switch's ports, the files behind the origin.
"""

import collections
import json
import os
import pathlib
import random
import re
import time

import pytest

from conftest import (ROOT, VIP, lab_exec, lab_popen, origin_fetches,
                      readable, sevenfold, sh, status)

TRACES = pathlib.Path(os.environ.get("SEVENFOLD_TRACES",
                                     ROOT / "../shared/traces"))
NASA = TRACES / "nasa-1995-08-01.log.gz"


def counters(host="n1"):
    """Each node's counters, as any node tells them."""
    return {n["name"]: n["counters"] for n in status(host)["nodes"]
            if n["up"]}


def total(name):
    return sum(c[name] for c in counters().values())


def check_sums():
    """The cluster's figures add up."""
    for c in counters().values():
        assert c["requests"] == c["local"] + c["relayed"] + c["refused"]
        assert c["served"] == c["hits"] + c["coalesced"] + c["misses"] + \
            c["passes"]
    assert total("served") == total("local") + total("relayed")
    assert total("origin_fetches") == len(origin_fetches()) == \
        total("misses") + total("passes") + total("lent_fetches") - \
        total("filled")


def port_bytes(host):
    """Bytes to and from a host over its link, by the switch's counters."""
    link, = json.loads(sh("ip", "-n", "sevenfold-switch", "-s", "-j", "link",
                          "show", f"p-{host}").stdout)
    return (link["stats64"]["tx"]["bytes"], link["stats64"]["rx"]["bytes"])


# --- a real day of traffic ---------------------------------------------------

def test_nasa_day(lab, tmp_path):
    if not NASA.exists():
        pytest.skip(f"no {NASA}: the trace is not shipped; its folder can be "
                    "named in SEVENFOLD_TRACES")
    sevenfold("bench", "replay", NASA, "--prepare", tmp_path, timeout=300)
    lab(nodes="4", origin_conf=tmp_path / "nginx.conf")
    before = port_bytes("balancer")
    r = lab_exec("client", os.environ.get("SEVENFOLD", ROOT /
                                          "build/sevenfold"),
                 "bench", "replay", NASA, "--target", f"{VIP}:80",
                 "--connections", "64", "--json", timeout=300)
    said = json.loads(r.stdout)
    after = port_bytes("balancer")
    print(r.stdout)
    assert said["requests"] == 30969
    assert said["wrong"] == 0
    log = [line.split() for line in
           (tmp_path / "access.log").read_text().splitlines()]
    # A POST invalidates what is stored of its URL (RFC 9111, 4.4).
    fetches, allowed = collections.Counter(), collections.Counter()
    for method, uri, *_ in log:
        (fetches if method == "GET" else allowed)[uri] += 1
    again = [uri for uri, n in fetches.items() if n > 1 + allowed[uri]]
    assert not again, "an URL was fetched twice"
    c = counters()
    assert sum(n["requests"] for n in c.values()) == 30969
    assert total("served") == 30969
    assert total("origin_fetches") == len(log)
    assert total("hits") + total("coalesced") + total("filled") + \
        len(log) - total("lent_fetches") == 30969
    assert total("client_bytes") > said["body_bytes"]
    # Requests and acknowledgements only: far less than the answers.
    assert after[1] - before[1] < said["body_bytes"] / 4


# --- two thousand objects, by curl -------------------------------------------

@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    """2,000 files of 1 KB to 5 MB, small ones more often; 300 MB."""
    root = tmp_path_factory.mktemp("origin")
    rng = random.Random(7)
    noise = rng.randbytes(6 << 20)
    sizes = {}
    for i in range(2000):
        size = int(1024 * 5000 ** (rng.random() ** 2.2))
        if i < 2:
            size = (1024, 5 << 20)[i]
        at = rng.randrange(len(noise) - size)
        (root / f"{i}.bin").write_bytes(noise[at:at + size])
        sizes[i] = size
    readable(root)
    return root, sizes


def fetch_all(objects, into):
    """All objects through the VIP: a curl with 32 connections, four times
    anew, so that every node gets connections."""
    root, sizes = objects
    into.mkdir(exist_ok=True)
    for part in range(4):
        conf = into / "curl.conf"
        conf.write_text("".join(
            f'url = "http://{VIP}/{i}.bin"\noutput = "{into}/{i}.bin"\n'
            for i in sizes if i % 4 == part))
        lab_exec("client", "curl", "-sSf", "--parallel", "--parallel-max",
                 "32", "-K", conf, timeout=300)
    for i in sizes:
        got = into / f"{i}.bin"
        assert got.read_bytes() == (root / f"{i}.bin").read_bytes(), i
        got.unlink()


def conf_of(policy):
    """The lab's own configuration, with room for all objects."""
    nodes = "\n".join(f"node n{i} 198.18.1.{i}" for i in range(1, 5))
    return f"""cluster lab {{
    vip {VIP}:80
    policy {policy}
    {nodes}
    workers 2
    cache 1G
}}
site * {{ origin http://198.18.0.3:80 }}
"""


@pytest.mark.parametrize("policy", ["hrw", "md5", "rr"])
def test_objects(lab, objects, tmp_path, policy):
    root, sizes = objects
    conf = tmp_path / "lab.conf"
    conf.write_text(conf_of(policy))
    lab(nodes="4", conf=conf, origin_root=root)
    before = port_bytes("balancer")
    fetch_all(objects, tmp_path / "out")
    passed = port_bytes("balancer")[1] - before[1]
    held = sum(c["objects"] for c in counters().values())
    if policy == "rr":
        fetch_all(objects, tmp_path / "out")
        held = sum(c["objects"] for c in counters().values())
        assert held > 1.5 * len(sizes), "rr copies objects to several nodes"
    else:
        assert held == len(sizes)
        assert len(origin_fetches()) == len(sizes)
        assert len({uri for uri, _, _ in origin_fetches()}) == len(sizes)
        assert min(c["objects"] for c in counters().values()) > 350
    # What the balancer sent on are requests and acknowledgements.
    assert passed < sum(sizes.values()) / 10
    assert total("client_bytes") > sum(sizes.values())
    check_sums()


# --- a node dies and comes back ----------------------------------------------

def owners(paths):
    """path -> the node that answered as its owner."""
    found = {}
    for path in paths:
        head = lab_exec("client", "curl", "-sS", "-o", "/dev/null", "-D", "-",
                        f"http://{VIP}{path}").stdout
        assert head.startswith("HTTP/1.1 200"), head
        found[path] = re.search(r"^Cache-Status: (\w+)", head, re.M)[1]
    return found


def wait_for(what, seconds):
    start = time.monotonic()
    while not what():
        assert time.monotonic() - start < seconds, "took too long"
        time.sleep(0.02)
    return time.monotonic() - start


def is_used(node):
    return {n["name"]: n["up"] for n in status("balancer")["nodes"]}[node]


def all_up(node):
    try:
        return all(n["up"] for n in status(node)["nodes"])
    except OSError:
        return False


def test_node_dies(lab, objects):
    root, sizes = objects
    lab(nodes="4", origin_root=root)
    # What the load is for is hot, and held by several.
    paths = [f"/{i}.bin" for i in range(2, 162) if i != 5]
    before = owners(paths)
    assert set(before.values()) == {"n1", "n2", "n3", "n4"}
    load = lab_popen("client", "wrk", "-t1", "-c32", "-d12s", "-H",
                     "Connection: close", f"http://{VIP}:80/5.bin",
                     stdout=-1)
    time.sleep(2)
    fetches = len(origin_fetches())
    sevenfold("lab", "kill", "n2")
    took = wait_for(lambda: not is_used("n2"), 3)
    print(f"the balancer passed over n2 after {took:.2f} s")
    # Under load, after that: all succeed, and only n2's keys have moved.
    after = owners(paths)
    for path in paths:
        if before[path] == "n2":
            assert after[path] in ("n1", "n3", "n4")
        else:
            assert after[path] == before[path], path
    lost = sum(1 for o in before.values() if o == "n2")
    assert len(origin_fetches()) - fetches in (lost, lost + 1)
    # It comes back, is used, and owns what it owned.
    sevenfold("lab", "start", "n2")
    wait_for(lambda: is_used("n2"), 5)
    wait_for(lambda: all(all_up(n) for n in ("n1", "n2", "n3", "n4")), 5)
    connections = {n["name"]: n["connections"]
                   for n in status("balancer")["nodes"]}
    wait_for(lambda: owners(paths) == before, 30)  # its share grows
    again = {n["name"]: n["connections"]
             for n in status("balancer")["nodes"]}
    assert again["n2"] > connections["n2"]
    out, _ = load.communicate(timeout=30)
    print(out)
    assert int(re.search(r"(\d+) requests in", out)[1]) > 1000
