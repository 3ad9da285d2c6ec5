"""Architectures: each comes up, answers truly, and keeps its promise."""

import collections
import filecmp
import pathlib
import time

import pytest

from conftest import (SEVENFOLD, STATE, VIP, lab_exec, origin_fetches,
                      sevenfold, sh)
from test_lab import remains

OBJECTS = 200
PER_CONNECTION = 7  # so that connections do not divide by the nodes
HOT_COPIES = 0.35  # of each object, at most
FRONTS = ("conventional", "haproxy")
RELAYS = ("distributed", "squid", "varnish", "trafficserver")
Host = collections.namedtuple("Host", "sent requests hits objects")


def make_site(root, count):
    """Files of 1 byte to some 100 KB, all different: their sizes' sum."""
    root.mkdir()
    for i in range(count):
        (root / f"{i}.bin").write_text(f"{i} " * (1 + i * i * 3 // 4))
    return sum(p.stat().st_size for p in root.iterdir())


def figures():
    """What `lab status` says that each host has sent, and done."""
    rows = sevenfold("lab", "status").stdout.splitlines()[2:]
    return {f[0]: Host(*map(int, f[4:8])) for f in map(str.split, rows)}


def fetch_all(root, folder):
    """All files, PER_CONNECTION on a connection, byte for byte."""
    folder.mkdir()
    names = sorted(p.name for p in root.iterdir())
    urls = folder / "urls"
    for first in range(0, len(names), PER_CONNECTION):
        urls.write_text("".join(
            f'url = "http://{VIP}/{n}"\noutput = "{folder}/{n}"\n'
            for n in names[first:first + PER_CONNECTION]))
        lab_exec("client", "curl", "-sSf", "-m", 20, "-K", urls)
    _, wrong, missing = filecmp.cmpfiles(root, folder, names, shallow=False)
    assert not wrong and not missing


def total(seen, field):
    return sum(getattr(h, field) for name, h in seen.items()
               if name[0] == "n")


@pytest.mark.parametrize("nodes", [2, 4])
@pytest.mark.parametrize(
    "arch", ["sevenfold", "layer4", *FRONTS, *RELAYS])
def test_architecture(lab, tmp_path, arch, nodes):
    root = tmp_path / "root"
    both = 2 * make_site(root, OBJECTS)
    lab(arch=arch, nodes=nodes, origin_root=root)
    for turn in ("first", "second"):
        fetch_all(root, tmp_path / turn)
    # Traffic Server counts every five seconds, Varnish's threads now and then.
    time.sleep({"trafficserver": 6, "varnish": 3}.get(arch, 0))
    seen = figures()
    print(seen)
    fetches = len(origin_fetches())

    # Each request counts once, with whoever had the object.
    assert total(seen, "requests") == 2 * OBJECTS
    if arch != "sevenfold":
        assert total(seen, "hits") == 2 * OBJECTS - fetches
    else:  # a node's first answer from a copy of what is hot is no hit
        assert 0 <= 2 * OBJECTS - fetches - total(seen, "hits") \
            <= HOT_COPIES * OBJECTS
    assert all(h.objects for name, h in seen.items() if name[0] == "n")
    if arch == "layer4":
        assert OBJECTS < fetches == total(seen, "objects")
    else:
        assert fetches == OBJECTS
    if arch not in ("layer4", "sevenfold"):
        assert total(seen, "objects") == OBJECTS

    # What crosses which link.
    if arch in FRONTS:
        assert seen["balancer"].requests == 2 * OBJECTS
        assert seen["balancer"].sent > both
    else:
        assert seen["balancer"].sent < both / 4
    crossed = total(seen, "sent") / both
    if arch in RELAYS:  # 2 - 1/N, if the connections were many
        assert crossed > 1 + (1 - 1 / nodes) / 2
    elif arch != "sevenfold":
        assert crossed < 1.2

    sevenfold("lab", "down")
    assert remains() == []


@pytest.mark.parametrize("policy", [
    "rr", "md5", "mit_ch", "carp", "mod_ch", "ht_rr"])
@pytest.mark.parametrize("arch", ["conventional", "distributed"])
def test_the_papers_policies(lab, tmp_path, arch, policy):
    root, count = tmp_path / "root", 50
    make_site(root, count)
    lab(arch=arch, nodes=3, origin_root=root, policy=policy)
    for turn in ("first", "second"):
        fetch_all(root, tmp_path / turn)
    seen = figures()
    assert total(seen, "requests") == 2 * count
    # ht_rr: each layer 7 has a table of its own, and the nodes have three.
    if policy == "rr" or (policy, arch) == ("ht_rr", "distributed"):
        assert total(seen, "objects") > count
    else:
        assert total(seen, "objects") == count


def test_a_share_of_the_processor_is_everybodys(lab, tmp_path):
    """Whatever program a node runs, it runs in the node's share."""
    for arch in ("haproxy", "varnish", "trafficserver", "squid"):
        lab(arch=arch, nodes=1, cpu="25%")
        for name in ("node", "behind") if arch == "squid" else ("node",):
            file = "n1-squid.pid" if name == "behind" else "n1.pid"
            pid = (STATE / file).read_text().strip()
            groups = pathlib.Path(f"/proc/{pid}/cgroup").read_text()
            assert "/sevenfold-lab/n1" in groups, arch
        sevenfold("lab", "down")
        assert remains() == []


@pytest.mark.parametrize("arch", ["haproxy", "varnish", "trafficserver"])
def test_kill_and_start(lab, arch):
    lab(arch=arch, nodes=1)
    for host in ("n1", "balancer"):
        sevenfold("lab", "kill", host)
        sevenfold("lab", "start", host)
    deadline = time.monotonic() + 20  # the balancer's checks of n1
    while lab_exec("client", "curl", "-sf", "-m2", f"http://{VIP}/1k.txt",
                   check=False).returncode:
        assert time.monotonic() < deadline


@pytest.mark.parametrize("argv, says", [
    (["--arch", "best"], "--arch can't be 'best'"),
    (["--memory", "1m"], "--memory can't be '1m'"),
    (["--nodes", "65"], "1 to 64 nodes"),
    (["--nodes", "64", "--arch", "conventional"], "1 to 63 nodes"),
    (["--arch", "layer4", "--policy", "md5"], "nobody chooses an owner"),
    (["--arch", "haproxy", "--policy", "md5"], "chooses owners in its own"),
    (["--arch", "haproxy", "--cache", "squid"], "has caches of its own"),
    (["--arch", "varnish", "--distill"], "has no distiller"),
    (["--arch", "distributed", "--handoff", "on"], "--handoff does not go"),
    (["--arch", "conventional", "--conf", "/dev/null"], "--conf does not go"),
])
def test_what_does_not_go_together_is_said(lab, argv, says):
    r = sevenfold("lab", "up", *argv, check=False)
    assert r.returncode in (1, 2)
    assert says in r.stderr and r.stderr.count("\n") == 1
    assert remains() == []


def test_a_program_that_is_not_there_is_said(lab):
    """Before anything is made."""
    hide = "mount --bind /dev/null $(command -v varnishd)"
    r = sh("unshare", "-m", "sh", "-c",
           f"{hide} && exec {SEVENFOLD} lab up --arch varnish", check=False)
    assert r.returncode == 1
    assert r.stderr == "lab: there is no varnishd (Debian: apt install varnish)\n"
    assert remains() == []
