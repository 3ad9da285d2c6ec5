"""Hand-off when something goes wrong: clients that do what clients do at bad
moments, steps that fail, nodes that die."""

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

from conftest import (SEVENFOLD, STATE, VIP, lab_exec, lab_popen, sevenfold,
                      sh, status)
from meters import (adds_up, claims, counters, descriptors, node_names,
                    owner_of, parked, pid_of, resets, stayed, total)
from traffic import race

HERE = pathlib.Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def fault(tmp_path_factory):
    """What is preloaded into nodes to have their calls fail; see fault.c."""
    so = tmp_path_factory.mktemp("fault") / "fault.so"
    sh("cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", so, HERE / "fault.c",
       "-ldl")
    return so


@pytest.mark.parametrize("delay_us", [0, 3000])
def test_races(lab, root, fault, monkeypatch, delay_us):
    """Data, acknowledgements, ends and resets arrive at each step."""
    if "san" in SEVENFOLD:
        pytest.skip("a sanitizer has to be loaded first")
    monkeypatch.setenv("FAULT_DELAY_US", str(delay_us))
    if delay_us:
        monkeypatch.setenv("LD_PRELOAD", str(fault))
    lab(nodes="3", origin_root=root, handoff="on")
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    said = race(root, 8, 1 + delay_us)
    assert said["wrong"] == {}
    assert all(n > 20 for n in said["tried"].values())
    assert total("given") == total("taken") > 300
    assert total("moves_failed") == 0
    assert parked() == 0
    assert adds_up()


def restart(node, **env):
    sevenfold("lab", "kill", node)
    sevenfold("lab", "start", node, env={**os.environ, **env})
    deadline = time.monotonic() + 15
    while not all(n["up"] for i in (1, 2, 3)
                  for n in status(f"n{i}")["nodes"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("call", ["bind", "connect", "options", "window",
                                  "sequence"])
def test_taker_fails(lab, root, fault, call):
    """A node that can't take connections: they stay, and nobody notices."""
    if "san" in SEVENFOLD:
        pytest.skip("a sanitizer has to be loaded first")
    lab(nodes="3", origin_root=root, handoff="on")
    restart("n2", LD_PRELOAD=str(fault), FAULT_CALLS=call,
            FAULT_PERCENT="100")
    said = race(root, 3, 7)
    assert said["wrong"] == {}
    # After some in a row it is not asked for a while.
    assert 10 < counters()["n2"]["moves_refused"] < 80
    assert counters()["n2"]["taken"] == 0
    assert total("moves_failed") == 0
    assert counters()["n1"]["given"] > 0


def test_giver_fails(lab, root, fault):
    """One that can't take its sockets apart."""
    if "san" in SEVENFOLD:
        pytest.skip("a sanitizer has to be loaded first")
    lab(nodes="3", origin_root=root, handoff="on")
    restart("n2", LD_PRELOAD=str(fault), FAULT_CALLS="disconnect",
            FAULT_PERCENT="100")
    said = race(root, 3, 8)
    assert said["wrong"] == {}
    assert counters()["n2"]["given"] == 0
    assert counters()["n2"]["relayed"] > 20
    assert total("moves_failed") == 0


def test_giver_loses(lab, root, fault):
    """One in ten connections is lost between the two: their clients are told,
    and nothing of them is left."""
    if "san" in SEVENFOLD:
        pytest.skip("a sanitizer has to be loaded first")
    lab(nodes="3", origin_root=root, handoff="on")
    restart("n2", LD_PRELOAD=str(fault), FAULT_CALLS="parted",
            FAULT_PERCENT="10")
    said = race(root, 3, 14)
    assert said["wrong"]
    assert not any("Timeout" in what or "Wrong" in what
                   for what in said["wrong"])
    lost = counters()["n2"]["moves_failed"]
    assert 0 < lost == total("moves_failed")
    assert sum(said["wrong"].values()) <= lost
    assert total("given") == total("taken") > 100
    assert parked() == 0
    assert adds_up()


def test_no_rights(lab, root, fault):
    """A node that may not move connections passes answers on."""
    if "san" in SEVENFOLD:
        pytest.skip("a sanitizer has to be loaded first")
    lab(nodes="3", origin_root=root, handoff="on")
    restart("n2", LD_PRELOAD=str(fault), FAULT_CALLS="repair",
            FAULT_PERCENT="100")
    log = (STATE / "logs/n2.log").read_text()
    assert 'event=handoff_off why="TCP_REPAIR is not permitted"' in log
    said = race(root, 3, 9)
    assert said["wrong"] == {}
    assert counters()["n2"]["given"] == counters()["n2"]["taken"] == 0
    assert counters()["n1"]["given"] > 0


def test_owner_has_joined(lab, root):
    """A node of which the giver's configuration says nothing: it has joined."""
    lab(nodes="3", origin_root=root, handoff="on")
    conf = (STATE / "sevenfold.conf").read_text().splitlines(keepends=True)
    (STATE / "n1.conf").write_text(
        "".join(line for line in conf if line.split()[:2] != ["node", "n3"]))
    restart("n1")
    deadline = time.monotonic() + 15
    while [n["up"] for n in status("n1")["nodes"]] != [True] * 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # Or it would send packets that go astray to the right node, after a while.
    os.kill(pid_of("balancer"), signal.SIGSTOP)
    try:
        said = race(root, 3, 13, "keep_alive")
    finally:
        os.kill(pid_of("balancer"), signal.SIGCONT)
    assert said["wrong"] == {}
    assert counters()["n1"]["given"] > 10
    assert counters()["n3"]["taken"] > 10


# --- nodes that die ----------------------------------------------------------

def owned_by(node, names):
    return [n for n in names if owner_of(n) == node]


def test_taker_is_stopped(lab, root):
    """The owner says nothing in time: the connection stays, and its answer
    comes from elsewhere when the owner is given up; when it wakes up it throws
    away what it was given."""
    lab(nodes="3", origin_root=root, handoff="on")
    names = owned_by("n2", [f"3-{k}.bin" for k in range(3)] +
                     [f"4-{k}.bin" for k in range(3)] +
                     [f"5-{k}.bin" for k in range(3)])
    assert names
    os.kill(pid_of("n2"), signal.SIGSTOP)
    start = time.monotonic()
    # The balancer has not noticed yet, for n2's kernel accepts.
    said = [lab_exec("client", "curl", "-sS", "-m", "10", "-o", "/dev/null",
                     "-w", "%{http_code} %{size_download}",
                     f"http://{VIP}/{names[0]}", check=False).stdout
            for _ in range(3)]
    print(said, time.monotonic() - start)
    os.kill(pid_of("n2"), signal.SIGCONT)
    size = (root / names[0]).stat().st_size
    # A connection that went to n2 itself waits until it goes on.
    assert said.count(f"200 {size}") >= 2
    time.sleep(1)
    assert total("moves_failed") == 0
    assert stayed().get("late", 0) >= 1 or stayed().get("lost", 0) >= 1
    assert race(root, 2, 3)["wrong"] == {}


def test_node_is_killed(lab, root):
    """Under load: nothing but what was under way on that node goes wrong, and
    the others take its place."""
    lab(nodes="3", origin_root=root, handoff="on")
    client = lab_popen("client", "python3", HERE / "racer.py", VIP, "80", root,
                       "6", "9", "keep_alive", stdout=subprocess.PIPE)
    time.sleep(2)
    sevenfold("lab", "kill", "n2")
    said = json.loads(client.communicate(timeout=60)[0])
    print(said, stayed())
    # 24 connections at a time, each of which can be on n2 or on its way there;
    # and then others that the balancer sends there, which are refused.
    assert sum(n for what, n in said["wrong"].items()
               if "Refused" not in what) <= 24
    assert not any("Wrong" in what for what in said["wrong"])
    assert said["tried"]["keep_alive"] > 100
    assert not any("TimeoutError" in what for what in said["wrong"])


def test_killed_while_moving(lab, root, fault, monkeypatch):
    """Nodes whose moves take long are killed, again and again, so that it meets
    givers and takers at each step: no client is left waiting for ever. (With
    longer delays clients wait in turn, which looks the same.)"""
    if "san" in SEVENFOLD:
        pytest.skip("a sanitizer has to be loaded first")
    monkeypatch.setenv("FAULT_DELAY_US", "6000")
    monkeypatch.setenv("LD_PRELOAD", str(fault))
    lab(nodes="3", origin_root=root, handoff="on")
    client = lab_popen("client", "env", "-u", "LD_PRELOAD", "python3",
                       HERE / "racer.py", VIP, "80", root, "16", "10",
                       "keep_alive", stdout=subprocess.PIPE)
    for i in range(7):
        time.sleep(1)
        sevenfold("lab", "kill", f"n{i % 3 + 1}")
        time.sleep(0.5)
        sevenfold("lab", "start", f"n{i % 3 + 1}")
    said = json.loads(client.communicate(timeout=60)[0])
    print(said, stayed())
    assert not any("Timeout" in what or "Wrong" in what
                   for what in said["wrong"])
    assert said["tried"]["keep_alive"] > 20


def test_giver_is_killed(lab, root, tmp_path):
    """What it has given lives on: the kernel goes on steering. (The balancer
    does not notice, or it would pass the node over.)"""
    lab(nodes="3", origin_root=root, handoff="on", link="16mbit")
    name = "8-0.bin"
    owner = owner_of(name)
    others = [n for n in node_names(3) if n != owner]
    before = {n: counters()[n]["given"] for n in others}
    loads = [lab_popen("client", "curl", "-sSf", "-o", tmp_path / f"{i}",
                       "--limit-rate", "300K", f"http://{VIP}/{name}")
             for i in range(3)]
    time.sleep(1)
    for n in others:
        assert counters()[n]["given"] > before[n]
    os.kill(pid_of("balancer"), signal.SIGSTOP)
    try:
        sevenfold("lab", "kill", others[0])
        sevenfold("lab", "start", others[0])
        ended = [load.wait(timeout=30) for load in loads]
    finally:
        os.kill(pid_of("balancer"), signal.SIGCONT)
    assert ended == [0] * 3
    for i in range(3):
        assert (tmp_path / f"{i}").read_bytes() == (root / name).read_bytes()


def downloads(folder, n):
    """Of it, into files, and how many of them have ended."""
    loads = [lab_popen("client", "curl", "-sSf", "-o", folder / f"{i}",
                       f"http://{VIP}/long.bin", stderr=subprocess.DEVNULL)
             for i in range(n)]
    return loads, lambda: sum(load.poll() is not None for load in loads)


def cut_off(node):
    sh("ip", "-n", "sevenfold-switch", "link", "set", f"p-{node}", "down")


def put_away(*nodes):
    """Whose hosts are dead: they would wait for their clients for long."""
    for node in nodes:
        sevenfold("lab", "kill", node)


def ended_within(ended, n, seconds):
    start = time.monotonic()
    while ended() < n and time.monotonic() - start < seconds:
        time.sleep(0.05)
    print(f"{ended()} of {n} heard of it after {time.monotonic() - start:.1f}")
    return ended() >= n


def owner_and_givers():
    """Of downloads that have all been moved but those that came to the owner
    first."""
    deadline = time.monotonic() + 5
    while True:
        now = counters()
        owner = max(now, key=lambda n: now[n]["taken"])
        givers = [n for n in now if now[n]["given"] and n != owner]
        if givers and now[owner]["taken"] >= 2:
            return owner, givers
        assert time.monotonic() < deadline, now
        time.sleep(0.1)


def test_host_dies(lab, long_root, tmp_path):
    """The client of a download hears of it, and does not wait for ever: from
    the node that gave it away, or, if it was nobody's but the dead one's, from
    the balancer."""
    lab(nodes="3", origin_root=long_root, handoff="on", link="16mbit")
    loads, ended = downloads(tmp_path, 3)
    time.sleep(1)
    owner, _ = owner_and_givers()
    assert ended() == 0
    cut_off(owner)
    said = ended_within(ended, 2, 5), ended_within(ended, 3, 10)
    asked = status("balancer")["lost_clients"]
    assert [load.wait() == 0 for load in loads] == [False] * 3
    assert said == (True, True)
    assert asked > 0
    put_away(owner)


def test_giver_and_taker_die(lab, long_root, tmp_path):
    """One soon after the other, so that neither can tell the client."""
    lab(nodes="5", origin_root=long_root, handoff="on", link="16mbit")
    loads, ended = downloads(tmp_path, 3)
    time.sleep(1)
    owner, givers = owner_and_givers()
    assert ended() == 0
    dead = [*givers[1:], owner, givers[0]]
    for node in dead:
        cut_off(node)
    said = ended_within(ended, 3, 15)
    for load in loads:
        load.kill()
    assert [load.wait() == 0 for load in loads] == [False] * 3
    assert said
    put_away(*dead)


def test_balancer_is_told(lab, long_root, tmp_path):
    """Downloads that were moved and last: once the balancer has heard of them,
    the nodes that they came to first are not needed any more."""
    lab(nodes="3", origin_root=long_root, handoff="on", link="16mbit")
    loads, ended = downloads(tmp_path, 3)
    deadline = time.monotonic() + 15
    while claims()["done"] < 2:
        assert time.monotonic() < deadline, (claims(), counters())
        time.sleep(0.05)
    owner, givers = owner_and_givers()
    assert ended() == 0
    for node in givers:
        cut_off(node)
    for i, load in enumerate(loads):
        assert load.wait(timeout=60) == 0
        assert (tmp_path / f"{i}").read_bytes() == (
            long_root / "long.bin").read_bytes()
    assert resets() == 0
    shown = status("balancer")
    print(shown["moves"], [(n["name"], n["active"]) for n in shown["nodes"]])
    assert shown["moves"]["untrusted"] == 0
    # Nothing came by of a flow whose node was down.
    assert shown["verdicts"]["tx_moved"] == 0
    # Counts have moved with their flows, and none is left behind.
    deadline = time.monotonic() + 10
    while any(n["active"] for n in status("balancer")["nodes"]):
        assert time.monotonic() < deadline, status("balancer")["nodes"]
        time.sleep(0.1)


# --- for a long time -----------------------------------------------------------

def test_nothing_leaks(lab, root, tmp_path):
    """$SEVENFOLD_SOAK_S of all behaviours (15); then no flow, packet or
    descriptor is left."""
    seconds = int(os.environ.get("SEVENFOLD_SOAK_S", "15"))
    secret, conf = tmp_path / "secret", tmp_path / "lab.conf"
    secret.write_text("no secret, this one")
    conf.write_text(f"""cluster lab {{
    vip {VIP}:80
    node n1 198.18.1.1; node n2 198.18.1.2; node n3 198.18.1.3
    workers 2
    idle_timeout 2s; origin_keepalive 1s
    handoff on; secret {secret}
}}
site * {{ origin http://198.18.0.3:80 }}
""")
    lab(nodes="3", origin_root=root, conf=conf)

    def at_rest():
        """How many descriptors there are when all clients have gone, but for
        connections between nodes that large bodies came by. These stay: a
        pipe's two, and a socket at either end."""
        deadline = time.monotonic() + 90
        while total("connections"):
            assert time.monotonic() < deadline, status("n1")
            time.sleep(0.5)
        time.sleep(2)  # connections to origins end after one
        n, pipes = descriptors(node_names(3))
        assert pipes <= 3 * 2 * 24  # racer.py's clients, at each node
        return n - 2 * pipes

    race(root, 2, 1)
    before = at_rest()
    for i in range(max(1, seconds // 60)):
        said = race(root, min(seconds, 60), 100 + i)
        assert said["wrong"] == {}
    assert total("given") == total("taken")
    assert total("moves_failed") == 0
    after = at_rest()
    # A client that has gone on with another node tells nobody of its end, and
    # such a forward takes a minute to go: a soak has that.
    deadline = time.monotonic() + 90
    while "SEVENFOLD_SOAK_S" in os.environ and any(
            n["handoff"]["flows"] for n in status("n1")["nodes"]):
        assert time.monotonic() < deadline, status("n1")
        time.sleep(0.5)
    assert parked() == 0
    assert after <= before + 4  # a check of an origin may be under way
