"""The lab itself: what `sevenfold lab` makes, limits and removes."""

import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.request

import pytest

from conftest import (SEVENFOLD, STATE, VIP, has_verb, lab_exec, lab_popen,
                      origin_fetches, sevenfold, sh, status)

needs_daemons = pytest.mark.skipif(
    not (has_verb("node") and has_verb("balancer")),
    reason="this build has no node or no balancer")


def remains():
    """Everything of a lab that is still on the machine."""
    found = [str(p) for p in pathlib.Path("/run/netns").glob("sevenfold-*")]
    found += [str(p) for p in (
        STATE, pathlib.Path("/run/sevenfold-lab.lock"),
        pathlib.Path("/sys/fs/cgroup/cpu/sevenfold-lab"),
        pathlib.Path("/sys/fs/cgroup/sevenfold-lab")) if p.exists()]
    links = sh("ip", "-o", "link").stdout
    return found + ["sevenfold0"] * ("sevenfold0" in links)


def ping(*argv):
    sh("ping", "-c1", "-W2", *argv)


def lab_sleeper(host, shell=""):
    """Somebody who lives in host, for certain, when this returns."""
    p = lab_popen(host, "sh", "-c", f"{shell} echo ready; exec sleep 60",
                  stdout=subprocess.PIPE)
    assert p.stdout.readline() == "ready\n"
    return p


def iperf_mbits(server, client, addr, *argv):
    """What the receiver gets, payload only, in one flow of 2 s. client may be
    None, the machine itself."""
    daemon = lab_popen(server, "iperf3", "-s", "-1", "--forceflush",
                       stdout=subprocess.PIPE)
    while "listening" not in daemon.stdout.readline():
        assert daemon.poll() is None
    argv = ("iperf3", "-J", "-c", addr, "-t", 2, "-O", 1, *argv)
    out = lab_exec(client, *argv) if client else sh(*argv)
    daemon.communicate(timeout=10)
    received = json.loads(out.stdout)["end"]["sum_received"]
    return received["bits_per_second"] / 1e6


@pytest.mark.parametrize("nodes", [4, 16])
def test_up_and_reach(lab, nodes):
    start = time.monotonic()
    lab(nodes=nodes, bare=True)
    took = time.monotonic() - start
    print(f"{nodes} nodes up in {took:.2f} s")
    assert took < 3

    last = f"198.18.1.{nodes}"
    for addr in (VIP, "198.18.0.10", "198.18.0.2", "198.18.0.3", last):
        ping(addr)
    for host, addr in (("client", VIP), ("client", last),
                       ("balancer", last), ("n1", last), ("n1", "198.18.0.3"),
                       (f"n{nodes}", "198.18.0.10"), ("origin", last)):
        sevenfold("lab", "exec", host, "ping", "-c1", "-W2", addr)


def test_only_the_balancer_answers_for_the_vip(lab):
    lab(nodes=4, bare=True)
    for _ in range(5):
        lab_exec("client", "ip", "neigh", "flush", "all")
        lab_exec("client", "ping", "-c1", "-W2", VIP)
        seen = lab_exec("client", "ip", "neigh", "show", VIP).stdout
        assert "02:07:c6:12:00:02" in seen


def test_host_settings(lab):
    lab(nodes=1, bare=True)
    for host in ("client", "balancer", "n1", "origin"):
        path = "/proc/sys/net/ipv4/tcp_congestion_control"
        assert lab_exec(host, "cat", path).stdout == "reno\n"
        assert lab_exec(host, "ip", "-6", "addr").stdout == ""


def test_links_have_the_rate(lab):
    lab(nodes=2, link="20mbit", bare=True)
    # A full-size segment is 1448 of the 1514 bytes that count.
    full = 20 * 1448 / 1514
    pairs = {
        "node to node": ("n1", "n2", "198.18.1.1"),
        "node to node, back": ("n1", "n2", "198.18.1.1", "-R"),
        # The balancer's own end has no limit: these show the switch's two.
        "to the balancer": ("balancer", "client", "198.18.0.2"),
        "from the balancer": ("balancer", "client", "198.18.0.2", "-R"),
    }
    for name, args in pairs.items():
        got = iperf_mbits(*args)
        print(f"{name}: {got:.1f} Mbit/s")
        assert got == pytest.approx(full, rel=0.1), name


def test_client_has_ten_links(lab):
    lab(nodes=2, link="10mbit", bare=True)
    # From the machine to the client neither end is a node's link.
    got = iperf_mbits("client", None, "198.18.0.10")
    assert got == pytest.approx(100 * 1448 / 1514, rel=0.3)


def test_cpu_share(lab):
    # Without what Python's start takes, which is a tenth of a second for some.
    burn = ("import time\nbegin, end = time.process_time(), time.time() + 2\n"
            "while time.time() < end:\n"
            "    pass\nprint(time.process_time() - begin)")
    lab(nodes=2, cpu="10%", bare=True)
    used = float(lab_exec("n2", "python3", "-c", burn).stdout)
    assert 0.05 < used < 0.3
    free = float(lab_exec("client", "python3", "-c", burn).stdout)
    assert free > 2 * used


def test_status_counts_a_transfer_as_the_wire_would(lab):
    lab(nodes=2, bare=True)

    def counts():
        lines = sevenfold("lab", "status").stdout.splitlines()[2:]
        return {f[0]: (int(f[3]), int(f[4])) for f in map(str.split, lines)}

    before = counts()
    lab_exec("n1", "ping", "-q", "-c20", "-i0.01", "-s1000", "198.18.0.2")
    after = counts()
    ip_and_ethernet = 20 * (1000 + 8 + 20 + 14)
    for host in ("n1", "balancer"):
        for way in (0, 1):
            grew = after[host][way] - before[host][way]
            assert ip_and_ethernet <= grew < ip_and_ethernet + 500, host
    assert after["n2"][1] - before["n2"][1] < 500


def test_exec_passes_everything_through(lab):
    lab(nodes=1, bare=True)
    assert lab_exec("n1", "sh", "-c", "exit 7", check=False).returncode == 7
    killed = lab_exec("n1", "sh", "-c", "kill -TERM $$", check=False)
    assert killed.returncode == -signal.SIGTERM
    assert lab_exec("n1", "cat", input="as it is").stdout == "as it is"
    absent = lab_exec("n1", "no-such-command", check=False)
    assert absent.returncode == 127 and "no-such-command" in absent.stderr


def test_exec_names_the_hosts(lab):
    lab(nodes=2, bare=True)
    r = lab_exec("n3", "true", check=False)
    assert r.returncode == 127
    assert "no host 'n3'" in r.stderr
    for host in ("balancer", "client", "n1", "n2", "origin", "switch"):
        assert f" {host}" in r.stderr
    sevenfold("lab", "down")
    r = lab_exec("n1", "true", check=False)
    assert r.returncode == 127 and "none is up" in r.stderr


def test_down_ends_who_lives_there_and_nobody_else(lab):
    lab(nodes=2, cpu="50%", bare=True)
    outside = subprocess.Popen(["sleep", "60"])
    plain = lab_sleeper("n1")
    stubborn = lab_sleeper("client", "trap '' TERM;")
    try:
        sevenfold("lab", "down")
        assert plain.wait(1) == -signal.SIGTERM
        assert stubborn.wait(1) == -signal.SIGKILL
        assert outside.poll() is None
    finally:
        outside.kill()
        outside.wait()
    assert remains() == []


def test_down_when_there_is_nothing(lab):
    sevenfold("lab", "down")
    sevenfold("lab", "down")
    assert remains() == []
    r = sevenfold("lab", "status", check=False)
    assert r.returncode == 1 and "no lab is up" in r.stdout


def interrupted_up(delay, deliver):
    up = subprocess.Popen(
        [SEVENFOLD, "lab", "up", "--bare", "--nodes", "64", "--cpu", "10%"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    time.sleep(delay)
    deliver(up)
    up.communicate(timeout=30)
    return up.returncode


def test_up_after_a_killed_up(lab):
    halves = 0
    for delay in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3):
        interrupted_up(delay, lambda up: up.kill())
        halves += bool(remains()) and not (STATE / "state.json").exists()
        lab(nodes=2, bare=True)
        ping(VIP)
        assert not pathlib.Path("/run/netns/sevenfold-n3").exists()
        sevenfold("lab", "down")
        assert remains() == []
    assert halves > 0, "no kill came in the middle"


def test_ctrl_c_takes_everything_down(lab):
    codes = []
    for delay in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3):
        codes.append(interrupted_up(
            delay, lambda up: os.killpg(up.pid, signal.SIGINT)))
        if codes[-1] == 0:  # too late
            sevenfold("lab", "down")
        assert remains() == []
    assert 130 in codes and set(codes) <= {130, 0, -signal.SIGINT}


def test_up_leaves_a_lab_in_use_alone(lab):
    lab(nodes=1, bare=True)
    user = lab_sleeper("n1")
    r = sevenfold("lab", "up", "--bare", check=False)
    assert r.returncode == 1 and "up already" in r.stderr
    assert user.poll() is None
    lab(nodes=2, bare=True, force=True)
    assert user.wait(1) == -signal.SIGTERM
    lab_exec("n2", "true")


def test_two_at_once(lab):
    ups = [subprocess.Popen([SEVENFOLD, "lab", "up", "--bare"],
                            stderr=subprocess.PIPE) for _ in range(3)]
    for up in ups:
        up.communicate(timeout=30)
    assert 0 in [up.returncode for up in ups]
    ping(VIP)
    sevenfold("lab", "down")
    assert remains() == []


@pytest.mark.parametrize("setup, says", [
    ("ip route add 198.18.64.0/18 dev lo", "198.18.64.0 (on lo)"),
    ("ip addr add 192.0.2.10/32 dev lo", "192.0.2.10 (on lo)"),
    ("ip link add sevenfold0 type veth", "sevenfold0 that is not the lab's"),
])
def test_a_clash_is_said(lab, setup, says):
    r = sh("unshare", "-n", "sh", "-c",
           f"set -e; ip link set lo up; {setup};"
           f" exec {SEVENFOLD} lab up --bare", check=False)
    assert r.returncode == 1 and says in r.stderr
    assert remains() == []


def test_needs_root(lab):
    r = sh("setpriv", "--reuid", 65534, SEVENFOLD, "lab", "up", "--bare",
           check=False)
    assert r.returncode == 1
    assert "needs root" in r.stderr and r.stderr.count("\n") == 1


@pytest.mark.parametrize("argv", [
    ["--nodes", "0"], ["--nodes", "x"], ["--nodes", "201"],
    ["--link", "20"], ["--cpu", "10"], ["--policy", "best"],
    ["--xdp", "fast"], ["--no-such"], ["extra"],
])
def test_wrong_usage(lab, argv):
    r = sevenfold("lab", "up", "--bare", *argv, check=False)
    assert r.returncode == 2 and r.stderr
    assert remains() == []


def test_a_daemon_that_fails_is_shown(lab, tmp_path):
    conf = tmp_path / "nginx.conf"
    conf.write_text("no_such_directive on;\n")
    r = sevenfold("lab", "up", "--origin-conf", conf, check=False)
    assert r.returncode == 1
    assert "origin" in r.stderr and "no_such_directive" in r.stderr
    assert remains() == []


@pytest.mark.parametrize("option", ["conf", "origin-root", "origin-conf"])
def test_a_missing_file_is_said_once(lab, option):
    r = sevenfold("lab", "up", f"--{option}", "/no/such", check=False)
    assert r.returncode == 1
    assert r.stderr.count("\n") == 1 and "/no/such" in r.stderr
    assert remains() == []


def test_a_configuration_that_does_not_fit(lab, tmp_path):
    conf = tmp_path / "sevenfold.conf"
    conf.write_text("cluster c {\n vip 192.0.2.9:80\n node n1 198.18.1.1\n"
                    " node n2 198.18.1.7\n}\n"
                    "site * {\n origin http://198.18.0.3:80\n}\n")
    r = sevenfold("lab", "up", "--nodes", 2, "--conf", conf, check=False)
    assert r.returncode == 1
    assert "vip 192.0.2.9" in r.stderr
    assert "'node n2 198.18.1.2'" in r.stderr
    assert remains() == []


@needs_daemons
def test_cluster_comes_up(lab, tmp_path):
    (tmp_path / "hello.txt").write_text("hello from the origin\n")
    lab(nodes=3, origin_root=tmp_path)
    for host in ("n1", "n3", "balancer"):
        assert [n["up"] for n in status(host)["nodes"]] == [True] * 3
    for _ in range(6):
        with urllib.request.urlopen(f"http://{VIP}/hello.txt", timeout=5) as r:
            assert r.read() == b"hello from the origin\n"
    assert origin_fetches() == [("/hello.txt", 200, 22)]


@needs_daemons
def test_kill_and_start(lab):
    lab(nodes=2)
    pid = int((STATE / "n2.pid").read_text())
    sevenfold("lab", "kill", "n2")
    assert not os.path.exists(f"/proc/{pid}/ns/net")
    r = sevenfold("lab", "kill", "n2", check=False)
    assert r.returncode == 1 and "n2" in r.stderr
    sevenfold("lab", "start", "n2")
    assert status("n2")
    r = sevenfold("lab", "start", "n2", check=False)
    assert r.returncode == 1 and "already" in r.stderr

    # nginx with its workers
    sevenfold("lab", "kill", "origin")
    assert sh("curl", "-s", "-m2", "http://198.18.0.3/", check=False
              ).returncode == 7
    sevenfold("lab", "start", "origin")
    sh("curl", "-sf", "-m2", "http://198.18.0.3/")
