"""Hand-off: the owner of what is asked for answers the client itself.

What the nodes say of themselves is held against the switch's counters of its
ports: an answer that came by way of the node that got the request crosses two
nodes' links.
"""

import json
import random
import re

import pytest

from conftest import (SEVENFOLD, VIP, lab_exec, lab_popen, sevenfold, sh,
                      status)


def node_names(n):
    return [f"n{i + 1}" for i in range(n)]


def from_host_bytes(hosts):
    """Bytes that came from these hosts, by the switch's counters."""
    links = json.loads(sh("ip", "-n", "sevenfold-switch", "-s", "-j",
                          "link", "show").stdout)
    return sum(link["stats64"]["rx"]["bytes"] for link in links
               if link["ifname"] in [f"p-{h}" for h in hosts])


def tcp_counter(host, name):
    """One of the kernel's counters of TCP, of a host, since it began."""
    text = lab_exec(host, "cat", "/proc/net/snmp", "/proc/net/netstat").stdout
    total = {}
    lines = text.splitlines()
    for keys, values in zip(lines[::2], lines[1::2]):
        prefix = keys.split(":")[0]
        for key, value in zip(keys.split()[1:], values.split()[1:]):
            total[prefix + key] = int(value)
    return total[name]


def resets():
    """Of the client's connections, by either end."""
    return sum(tcp_counter("client", name)
               for name in ("TcpEstabResets", "TcpOutRsts"))


def counters():
    return {n["name"]: n["counters"] for n in status("n1")["nodes"]}


def total(name):
    return sum(c[name] for c in counters().values())


def stayed():
    sums = {}
    for node in status("n1")["nodes"]:
        for why, n in node["handoff"]["stayed"].items():
            sums[why] = sums.get(why, 0) + n
    return {why: n for why, n in sums.items() if n}


def parked():
    return sum(n["handoff"]["packets"]["parked_now"]
               for n in status("n1")["nodes"])


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A log of 6,000 requests for 300 objects, the mean some 23 KB, and what
    an origin needs to serve it."""
    folder = tmp_path_factory.mktemp("replay")
    rng = random.Random(11)
    sizes = [int(300 * 2 ** (rng.random() ** 2 * 9)) for _ in range(300)]
    file = folder / "access.log"
    file.write_text("".join(
        f'c - - [01/Aug/1995:06:00:00 +0000] "GET /{i}.bin HTTP/1.0" 200 '
        f'{sizes[i]}\n' for i in (rng.randrange(300) for _ in range(6000))))
    sevenfold("bench", "replay", file, "--prepare", folder)
    for d in (folder, *list(folder.parents)[:-1]):
        d.chmod(d.stat().st_mode | 0o055)
    return file, folder / "nginx.conf"


def replay(log, *options):
    said = lab_exec("client", SEVENFOLD, "bench", "replay", log, "--target",
                    f"{VIP}:80", "--json", *options, timeout=300).stdout
    return json.loads(said)


def crossing(log, nodes, *options):
    """Bytes that nodes sent for each that was delivered, when all is cached;
    the replay's figures, too."""
    replay(log, *options)
    before = from_host_bytes(nodes)
    said = replay(log, *options)
    assert said["wrong"] == 0 and said["requests"] == 6000, said
    return (from_host_bytes(nodes) - before) / said["body_bytes"], said


@pytest.mark.parametrize("options", [[], ["--close"]],
                         ids=["keep-alive", "close"])
def test_crosses_once(lab, log, options):
    file, origin = log
    nodes = node_names(4)
    lab(nodes="4", origin_conf=origin, handoff="on")
    sent, said = crossing(file, nodes, *options)
    print(sent, said, stayed(), counters())
    # Heads and frames' headers are some 4 % of bodies of this size.
    assert sent < 1.12
    assert total("given") == total("taken") > 12000 / 2
    assert total("moves_failed") == total("moves_refused") == 0
    assert total("requests") == 12000
    assert resets() == 0
    assert parked() == 0
    assert f"connections moved: {total('given'):,}" in sevenfold(
        "status", "--socket", "/run/sevenfold/lab/n1.sock").stdout


def test_off_crosses_twice(lab, log):
    file, origin = log
    nodes = node_names(4)
    lab(nodes="4", origin_conf=origin, handoff="off")
    sent, said = crossing(file, nodes)
    print(sent, said)
    assert sent > 1.7
    assert total("given") == 0


def test_curl(lab, tmp_path):
    """Of all sizes, and the bodies' every byte."""
    root = tmp_path / "root"
    root.mkdir()
    rng = random.Random(3)
    sizes = {i: 3 ** i for i in range(15)}
    for i, size in sizes.items():
        (root / f"{i}.bin").write_bytes(rng.randbytes(size))
    for d in (root, *list(root.parents)[:-1]):
        d.chmod(d.stat().st_mode | 0o055)
    lab(nodes="3", origin_root=root, handoff="on")
    for _ in range(3):
        for i in sizes:
            out = tmp_path / "out"
            lab_exec("client", "curl", "-sSf", "-o", out,
                     f"http://{VIP}/{i}.bin")
            assert out.read_bytes() == (root / f"{i}.bin").read_bytes()
    # On one connection, whose owner changes.
    urls = [f"http://{VIP}/{rng.randrange(15)}.bin" for _ in range(60)]
    args = [a for k, u in enumerate(urls) for a in ("-o", tmp_path / f"o{k}",
                                                    u)]
    r = lab_exec("client", "curl", "-sSf", "-w", "%{num_connects} ", *args)
    assert sum(map(int, r.stdout.split())) == 1
    for k, url in enumerate(urls):
        name = url.rsplit("/", 1)[1]
        assert (tmp_path / f"o{k}").read_bytes() == (root / name).read_bytes()
    assert total("given") > 30
    assert resets() == 0
