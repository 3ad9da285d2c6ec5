"""The balancer and its cluster: what nodes tell it of members, and the figures
that both give to Prometheus."""

import json
import os
import re
import time

from conftest import (STATE, VIP, lab_exec, origin_fetches, sevenfold,
                      status)

SAMPLE = re.compile(r'^([a-z_]+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def metrics(host, addr):
    """{(name, labels): value}, of what host says at its own address; each
    sample's family is declared before it."""
    text = lab_exec(host, "curl", "-sS", "--fail", "--max-time", "5",
                    f"http://{addr}:7078/metrics").stdout
    found, family = {}, None
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            family = line.split()[2]
        elif not line.startswith("#"):
            name, labels, value = SAMPLE.match(line).groups()
            assert name == family, line
            key = name, frozenset(LABEL.findall(labels or ""))
            assert key not in found, line
            found[key] = float(value)
    return found


def value(found, name, **labels):
    """The sum of those of that name with these labels."""
    return sum(v for (n, ls), v in found.items()
               if n == name and set(labels.items()) <= set(ls))


def get(n, *more):
    for _ in range(n):
        lab_exec("client", "curl", "-sS", "--fail", "--max-time", "10",
                 "-o", "/dev/null", *more, f"http://{VIP}/index.html")


def addresses(host="balancer"):
    return {n["name"]: n["address"] for n in status(host)["nodes"]}


def connections():
    return {n["name"]: n["connections"] for n in status("balancer")["nodes"]}


def until(what, seconds=10):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def weight(name):
    return next(n["weight"] for n in status("balancer")["nodes"]
                if n["name"] == name)


def member(*words):
    sevenfold(*words[:1], "--socket", STATE / "n1.sock", *words[1:])


def test_drained_and_left(lab):
    """New connections go nowhere near who is drained or has left, from any
    node's word, and come back when it does."""
    lab(nodes=3)
    member("drain", "n2", "--no-wait")
    until(lambda: weight("n2") == 0)
    before = connections()
    get(12)
    after = connections()
    assert after["n2"] == before["n2"]
    assert all(after[n] - before[n] == 6 for n in ("n1", "n3")), after
    member("drain", "--undo", "n2")
    until(lambda: weight("n2") == 1)
    member("leave", "n3")
    until(lambda: weight("n3") == 0)
    before = connections()
    get(12)
    after = connections()
    assert after["n3"] == before["n3"]
    assert after["n2"] - before["n2"] == 6, after
    member("weight", "n1", "5")
    until(lambda: weight("n1") == 5)


def test_restart_keeps_who_is_drained(lab):
    """A balancer that starts does not send to a drained node before it has
    heard of it: what it knows first is the file, which does not say so."""
    lab(nodes=2)
    member("drain", "n1", "--no-wait")
    until(lambda: weight("n1") == 0)
    sevenfold("lab", "kill", "balancer")
    sevenfold("lab", "start", "balancer")
    until(lambda: weight("n1") == 0)


def test_a_node_finds_another_down(lab):
    """The nodes' word counts as a failed check: a balancer that looks only
    once in a long while is told sooner."""
    conf = STATE / "sevenfold.conf"
    lab(nodes=3)
    text = conf.read_text().replace(
        "balancer {", "balancer {\n    check_interval 20s\n    check_fall 1\n")
    sevenfold("lab", "kill", "balancer")
    conf.write_text(text)
    sevenfold("lab", "start", "balancer")
    until(lambda: all(n["up"] for n in status("balancer")["nodes"]))
    sevenfold("lab", "kill", "n3")
    until(lambda: not status("balancer")["nodes"][2]["up"], 8)
    log = (STATE / "logs/balancer.log").read_text()
    assert "event=node_suspect node=n3" in log


def test_metrics(lab):
    """The figures are those of the packets and requests that there were, and
    why packets are dropped is among them."""
    lab(nodes=2)
    addr = addresses()
    get(10)
    shown = lab_exec("balancer", "ip", "-4", "-o", "route", "get", addr["n1"])
    own = re.search(r"src ([0-9.]+)", shown.stdout).group(1)
    found = metrics("client", own)
    assert value(found, "sevenfold_balancer_server_connections_total") == 10
    assert value(found, "sevenfold_balancer_packets_total", action="tx",
                 reason="new") == 10
    assert value(found, "sevenfold_balancer_node_up") == 2
    assert value(found, "sevenfold_balancer_server_up") == 2
    assert value(found, "sevenfold_balancer_server_weight") == 2
    nodes = [metrics("client", addr[n]) for n in ("n1", "n2")]
    assert sum(value(n, "sevenfold_node_requests_total")
               for n in nodes) == 10
    assert all(value(n, "sevenfold_node_member_up", state="in") == 2
               for n in nodes)
    # one is drained, the other down: each SYN is dropped, and says why
    member("drain", "n2", "--no-wait")
    until(lambda: weight("n2") == 0)
    sevenfold("lab", "kill", "n1")
    until(lambda: not status("balancer")["nodes"][0]["up"])
    lab_exec("client", "curl", "-s", "--max-time", "1",
             f"http://{VIP}/index.html", check=False)
    found = metrics("client", own)
    assert value(found, "sevenfold_balancer_packets_total", action="drop",
                 reason="no_node") >= 1
    shown = json.loads(sevenfold("status", "--json", "--socket",
                                 STATE / "balancer.sock").stdout)
    assert shown["verdicts"]["drop_no_node"] >= 1


def test_status_port_is_read_only(lab):
    lab(nodes=1)
    (addr,) = addresses().values()
    for argv, code in ((("-X", "POST"), "405"), (("-I",), "200"),
                       ((), "200")):
        assert lab_exec("client", "curl", "-s", "-o", "/dev/null", "-w",
                        "%{http_code}", *argv,
                        f"http://{addr}:7078/members").stdout == code
    assert lab_exec("client", "curl", "-s", "-o", "/dev/null", "-w",
                    "%{http_code}", f"http://{addr}:7078/").stdout == "404"


VIP6 = "[2001:db8::10]"


def test_ipv6(lab):
    """Clients by IPv6 and by IPv4 have one cluster: the same objects, once
    fetched, from all nodes, directly; and drained is drained for both."""
    lab(nodes=3, ipv6=True)

    def digest(vip, path):
        out = lab_exec("client", "sh", "-c", "curl -gsS --fail --max-time 20 "
                       f"-H 'Host: a.test' 'http://{vip}/{path}' | sha256sum").stdout
        return out.split()[0]

    pages = ["index.html"] + [f"index.html?{i}" for i in range(5)]
    for page in pages:
        assert digest(VIP6, page) == digest(VIP, page) == digest(VIP6, page)
    assert len(origin_fetches()) == len(pages)
    found = {tuple(v) for v in lab_rules()}
    assert ("[2001:db8::10]:80", 3) in found and (f"{VIP}:80", 3) in found
    before = connections()
    for _ in range(9):
        digest(VIP6, "index.html")
    after = connections()
    assert all(after[n] - before[n] == 3 for n in after), (before, after)
    member("drain", "n3", "--no-wait")
    until(lambda: weight("n3") == 0)
    before = connections()
    for _ in range(6):
        digest(VIP6, "index.html")
    assert connections()["n3"] == before["n3"]
    sevenfold("lab", "kill", "n1")
    until(lambda: not status("balancer")["nodes"][0]["up"])
    digest(VIP6, "index.html")


def lab_rules():
    """(service, how many servers), as `vs -S` has them; and taken back whole."""
    env = {**os.environ, "SEVENFOLD_BALANCER": str(STATE / "balancer.sock")}
    saved = sevenfold("vs", "-S", "-n", env=env).stdout
    services = {}
    for line in saved.splitlines():
        words = line.split()
        services.setdefault(words[2], 0)
        services[words[2]] += words[0] == "-a"
    sevenfold("vs", "-C", env=env)
    sevenfold("vs", "-R", env=env, input=saved)
    assert sevenfold("vs", "-S", "-n", env=env).stdout == saved
    return services.items()
