"""What the lab's hosts say and count: for tests of connections that move."""

import contextlib
import json
import os
import time

from conftest import STATE, VIP, lab_exec, sh, status


def node_names(n):
    return [f"n{i + 1}" for i in range(n)]


def from_host_bytes(hosts):
    """Bytes that came from these hosts, by the switch's counters."""
    links = json.loads(sh("ip", "-n", "sevenfold-switch", "-s", "-j",
                          "link", "show").stdout)
    return sum(link["stats64"]["rx"]["bytes"] for link in links
               if link["ifname"] in [f"p-{h}" for h in hosts])


def to_client_bytes():
    links = json.loads(sh("ip", "-n", "sevenfold-switch", "-s", "-j",
                          "link", "show").stdout)
    return sum(link["stats64"]["tx"]["bytes"] for link in links
               if link["ifname"] == "p-client")


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
    """Of the client's connections."""
    return tcp_counter("client", "TcpEstabResets")


def counters():
    return {n["name"]: n["counters"] for n in status("n1")["nodes"]
            if "counters" in n}


def total(name):
    return sum(c[name] for c in counters().values())


def adds_up():
    """Each request is counted where it was answered, and there only; soon after
    the last one."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if all(c["requests"] == c["local"] + c["relayed"] + c["refused"]
               for c in counters().values()):
            return True
        time.sleep(0.1)
    print(counters())
    return False


def stayed():
    sums = {}
    for node in status("n1")["nodes"]:
        for why, n in node.get("handoff", {}).get("stayed", {}).items():
            sums[why] = sums.get(why, 0) + n
    return {why: n for why, n in sums.items() if n}


def parked():
    return sum(n["handoff"]["packets"]["parked_now"]
               for n in status("n1")["nodes"] if "handoff" in n)


def owner_of(name):
    head = lab_exec("client", "curl", "-sSf", "-o", "/dev/null", "-D", "-",
                    f"http://{VIP}/{name}").stdout
    return head.split("Cache-Status: ")[1].split(";")[0].strip()


def pid_of(host):
    return int((STATE / f"{host}.pid").read_text())


def thresholds():
    return [n["handoff"]["threshold_bytes"] for n in status("n1")["nodes"]]


def claims():
    """What the balancer made of what it heard of moved connections."""
    return status("balancer")["moves"]


def descriptors(nodes):
    """How many they have, and how many of these are of pipes."""
    links = []
    for node in nodes:
        for link in os.scandir(f"/proc/{pid_of(node)}/fd"):
            with contextlib.suppress(FileNotFoundError):
                links.append(os.readlink(link))
    return len(links), sum(link.startswith("pipe:") for link in links)
