"""Architectures: each comes up, answers truly, and keeps its promise."""

import collections
import filecmp
import time

import pytest

from conftest import (SEVENFOLD, STATE, VIP, lab_exec, origin_fetches,
                      sevenfold, sh)
from test_lab import remains

OBJECTS = 200
PER_CONNECTION = 7  # so that connections do not divide by the nodes
Host = collections.namedtuple("Host", "requests hits objects")


@pytest.fixture
def site(tmp_path):
    """An origin's root with files of 1 byte to some 100 KB, all different."""
    root = tmp_path / "root"
    root.mkdir(parents=True)
    for i in range(OBJECTS):
        text = f"{i} " * (1 + i * i * 3 // 4)
        (root / f"{i}.bin").write_text(text)
    return root


def figures():
    """What `lab status` says that each node has done, and the balancer."""
    rows = sevenfold("lab", "status").stdout.splitlines()[2:]
    return {f[0]: Host(*map(int, f[5:8])) for f in map(str.split, rows)}


def fetch_all(root, folder):
    """All objects, PER_CONNECTION on a connection, all byte for byte."""
    folder.mkdir()
    for first in range(0, OBJECTS, PER_CONNECTION):
        urls = folder / "urls"
        urls.write_text("".join(
            f'url = "http://{VIP}/{i}.bin"\noutput = "{folder}/{i}.bin"\n'
            for i in range(first, min(first + PER_CONNECTION, OBJECTS))))
        lab_exec("client", "curl", "-sSf", "-m", 20, "-K", urls)
    names = [f"{i}.bin" for i in range(OBJECTS)]
    same, wrong, missing = filecmp.cmpfiles(root, folder, names, shallow=False)
    assert not wrong and not missing
    assert len(same) == OBJECTS


def nodes_of(seen):
    return [h for name, h in seen.items() if name[0] == "n"]


def total(seen, field):
    return sum(getattr(h, field) for h in nodes_of(seen))


@pytest.mark.parametrize("nodes", [2, 4])
@pytest.mark.parametrize("arch", [
    "sevenfold", "conventional", "distributed", "layer4", "squid",
    "haproxy", "varnish", "trafficserver"])
def test_architecture(lab, site, tmp_path, arch, nodes):
    lab(arch=arch, nodes=nodes, origin_root=site)
    for turn in range(2):
        fetch_all(site, tmp_path / str(turn))
    if arch == "trafficserver":
        time.sleep(6)  # it counts every five seconds
    seen = figures()
    print(seen)
    # Each request counts once, with whoever had the object.
    assert total(seen, "requests") == 2 * OBJECTS
    # Nobody serves what another could have.
    assert all(h.objects > 0 for h in nodes_of(seen))
    fetches = len(origin_fetches())
    assert total(seen, "hits") == 2 * OBJECTS - fetches
    if arch == "layer4":
        assert fetches > OBJECTS
        assert total(seen, "objects") == fetches
    else:
        assert fetches == OBJECTS
    if arch not in ("layer4", "sevenfold"):
        assert total(seen, "objects") == OBJECTS
    front = arch in ("conventional", "haproxy")
    assert seen["balancer"].requests == (2 * OBJECTS if front else 0)
    sevenfold("lab", "down")
    assert remains() == []


@pytest.mark.parametrize("argv, says", [
    (["--arch", "best"], "--arch can't be 'best'"),
    (["--memory", "1m"], "--memory can't be '1m'"),
    (["--arch", "layer4", "--policy", "md5"], "nobody chooses an owner"),
    (["--arch", "haproxy", "--policy", "md5"], "chooses owners in its own"),
    (["--arch", "haproxy", "--cache", "squid"], "has caches of its own"),
    (["--arch", "haproxy", "--distill"], "has no distiller"),
    (["--arch", "distributed", "--handoff", "on"], "--handoff does not go"),
    (["--arch", "conventional", "--conf", "/dev/null"], "--conf does not go"),
])
def test_what_does_not_go_together_is_said(lab, argv, says):
    r = sevenfold("lab", "up", *argv, check=False)
    assert r.returncode in (1, 2)
    assert says in r.stderr and r.stderr.count("\n") == 1
    assert remains() == []
