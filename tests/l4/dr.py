#!/usr/bin/env python3
"""Direct routing end to end: dr.py SEVENFOLD PASS_OBJECT

A client, the balancer and three web servers, each in a network namespace of
its own on one bridge; everything is removed at the end, also after a failure.
Exits 77 when it may not make namespaces.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

SEVENFOLD, PASS_OBJECT = sys.argv[1:3]
PREFIX = f"sfl4-{os.getpid()}-"
VIP = "192.0.2.10"
NODES = {"n1": "10.77.0.11", "n2": "10.77.0.12", "n3": "10.77.0.13"}
HOSTS = {"client": "10.77.0.1", "lb": "10.77.0.2", **NODES}
BIG = 5_000_000


def run(*args, **kw):
    return subprocess.run(args, check=True, text=True, capture_output=True,
                          **kw).stdout


def ns(host, *args):
    return ("ip", "netns", "exec", PREFIX + host, *args)


def inside(host, *args):
    return run(*ns(host, *args))


def wait_for(what, condition, limit_s=10.0):
    """How long it took, in seconds."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > limit_s:
            raise AssertionError(f"not within {limit_s} s: {what}")
        time.sleep(0.05)
    return time.monotonic() - start


class Net:
    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="sfl4-")
        self.servers = {}

    def up(self):
        for host in ("sw", *HOSTS):
            run("ip", "netns", "add", PREFIX + host)
        inside("sw", "ip", "link", "add", "br0", "up", "type", "bridge")
        for host, addr in HOSTS.items():
            self.plug(host, addr)
        inside("client", "ip", "route", "add", VIP, "dev", "eth0")
        inside("lb", "ip", "addr", "add", VIP + "/32", "dev", "eth0")
        # What native XDP_TX needs of the switch's port (l4/pass.h).
        inside("sw", "ethtool", "-K", "p-lb", "tx", "off")
        inside("sw", "ip", "link", "set", "p-lb", "xdpdrv", "object",
               PASS_OBJECT, "section", "xdp")
        big = os.urandom(BIG)
        for node in NODES:
            os.mkdir(self.path(node))
            with open(self.path(node, "big"), "wb") as f:
                f.write(big)
            with open(self.path(node, "name"), "w") as f:
                f.write(node)
            self.start_server(node)

    def plug(self, host, addr):
        inside("sw", "ip", "link", "add", "name", "p-" + host, "type", "veth",
               "peer", "name", "eth0", "netns", PREFIX + host)
        inside("sw", "ip", "link", "set", "p-" + host, "master", "br0", "up")
        inside(host, "ip", "link", "set", "lo", "up")
        inside(host, "ip", "addr", "add", addr + "/24", "dev", "eth0")
        if host in NODES:
            inside(host, "sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1",
                   "net.ipv4.conf.all.arp_announce=2")
            inside(host, "ip", "addr", "add", VIP + "/32", "dev", "lo")
        inside(host, "ip", "link", "set", "eth0", "up")

    def path(self, *names):
        return os.path.join(self.dir.name, *names)

    def start_server(self, node):
        self.servers[node] = subprocess.Popen(
            ns(node, sys.executable, "-m", "http.server", "80", "--bind",
               "0.0.0.0", "--directory", self.path(node)),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop_server(self, node):
        server = self.servers.pop(node)
        server.kill()
        server.wait()

    def down(self):
        for node in list(self.servers):
            self.stop_server(node)
        for host in ("sw", *HOSTS):
            subprocess.run(("ip", "netns", "del", PREFIX + host),
                           capture_output=True)
        self.dir.cleanup()


class Balancer:
    def __init__(self, net, xdp, nodes):
        self.socket = net.path("run", "balancer.sock")
        self.conf = net.path("sevenfold.conf")
        self.log = net.path("balancer.log")
        self.process = None
        with open(self.conf, "w") as f:
            f.write("cluster test {\n    vip %s:80\n" % VIP)
            for name, addr in nodes.items():
                f.write(f"    node {name} {addr}\n")
            f.write("}\nbalancer {\n    xdp %s\n}\n" % xdp)
            f.write("site example.org {\n    origin http://127.0.0.1:80\n}\n")

    def command(self, *more):
        return ns("lb", SEVENFOLD, "balancer", "-c", self.conf, "--socket",
                  self.socket, *more)

    def start(self):
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(self.command(), stderr=log)
        wait_for("balancer answers", self.answers)

    def answers(self):
        if self.process.poll() is not None:
            with open(self.log) as f:
                raise AssertionError("balancer ended: " + f.read())
        try:
            return "role" in self.ask("status")
        except OSError:
            return False

    def ask(self, line):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(self.socket)
            s.sendall(line.encode() + b"\n")
            return json.loads(b"".join(iter(lambda: s.recv(65536), b"")))

    def used(self):
        return {n["name"] for n in self.ask("status")["nodes"] if n["up"]}

    def stop(self, how=signal.SIGTERM):
        if self.process:
            self.process.send_signal(how)
            return self.process.wait(10)

    def refuses(self, *more):
        """What it says when it cannot start."""
        r = subprocess.run(self.command(*more), text=True,
                           capture_output=True, timeout=10)
        assert r.returncode == 1, r
        return r.stderr


class DirectRouting(unittest.TestCase):
    def setUp(self):
        self.net = Net()
        self.addCleanup(self.net.down)
        self.net.up()

    def start(self, xdp):
        self.balancer = Balancer(self.net, xdp, NODES)
        self.addCleanup(self.balancer.stop, signal.SIGKILL)
        self.balancer.start()
        wait_for("all nodes are used",
                 lambda: self.balancer.used() == set(NODES))

    def get(self, path="name", *more):
        return inside("client", "curl", "-sS", "--fail", "--max-time", "20",
                      *more, f"http://{VIP}/{path}")

    def attached(self):
        return "xdp" in inside("lb", "ip", "link", "show", "eth0")

    def lb_bytes(self):
        """In both directions, at the switch's port."""
        stats = "/sys/class/net/p-lb/statistics/"
        return sum(int(n) for n in inside(
            "sw", "cat", stats + "rx_bytes", stats + "tx_bytes").split())

    def all_modes(self, xdp):
        self.start(xdp)
        self.assertEqual(self.balancer.ask("status")["xdp"], xdp)
        self.round_robin()
        self.download()
        self.server_dies()
        self.host_falls_silent()
        self.mac_changes()

    def round_robin(self):
        before = self.balancer.ask("status")
        got = [self.get() for _ in range(9)]
        after = self.balancer.ask("status")
        self.assertEqual(set(got[:3]), set(NODES), got)
        self.assertEqual(got, got[:3] * 3)
        for old, new in zip(before["nodes"], after["nodes"]):
            self.assertEqual(new["connections"] - old["connections"], 3)
            self.assertGreater(new["packets"] - old["packets"], 3 * 4)
            self.assertGreater(new["bytes"] - old["bytes"], 3 * 200)
        for kind, n in (("tx_new", 9), ("tx_adopted", 0), ("tx_moved", 0),
                        ("drop_no_node", 0)):
            self.assertEqual(after["verdicts"][kind] -
                             before["verdicts"][kind], n, kind)

    def download(self):
        before = self.lb_bytes()
        self.get("big", "-o", self.net.path("got"))
        crossed = self.lb_bytes() - before
        with open(self.net.path("got"), "rb") as got, \
                open(self.net.path("n1", "big"), "rb") as want:
            self.assertEqual(got.read(), want.read())
        # only the client's ACKs, in and out again
        self.assertLess(crossed, BIG // 5)

    def server_dies(self):
        self.net.stop_server("n2")
        took = wait_for("n2 is out", lambda: "n2" not in self.balancer.used())
        self.assertLess(took, 3)
        self.assertEqual({self.get() for _ in range(6)}, {"n1", "n3"})
        self.net.start_server("n2")
        wait_for("n2 is back", lambda: "n2" in self.balancer.used())
        self.assertEqual({self.get() for _ in range(3)}, set(NODES))

    def host_falls_silent(self):
        inside("n3", "ip", "link", "set", "eth0", "down")
        took = wait_for("n3 is out", lambda: "n3" not in self.balancer.used())
        self.assertLess(took, 3)
        self.assertEqual({self.get() for _ in range(4)}, {"n1", "n2"})
        inside("n3", "ip", "link", "set", "eth0", "up")
        wait_for("n3 is back", lambda: "n3" in self.balancer.used())
        self.assertEqual({self.get() for _ in range(3)}, set(NODES))

    def mac_changes(self):
        mac = "02:00:00:00:77:03"
        inside("n3", "ip", "link", "set", "eth0", "address", mac)

        def known():
            node = self.balancer.ask("status")["nodes"][2]
            return node["mac"] == mac and node["up"]
        wait_for("n3's new MAC", known)
        self.assertEqual({self.get() for _ in range(3)}, set(NODES))

    def test_native(self):
        self.all_modes("native")

    def test_generic(self):
        self.all_modes("generic")

    def test_nothing_left_behind(self):
        self.start("auto")
        self.assertTrue(self.attached())
        self.assertEqual(os.stat(self.balancer.socket).st_mode & 0o777, 0o600)
        self.assertEqual(self.balancer.stop(), 0)
        self.assertFalse(self.attached())
        self.assertFalse(os.path.exists(self.balancer.socket))
        # killed: only the socket's file stays, and the next one takes it
        self.start("auto")
        self.balancer.stop(signal.SIGKILL)
        self.assertFalse(self.attached())
        self.assertTrue(os.path.exists(self.balancer.socket))
        self.start("auto")

    def test_no_node_up(self):
        self.start("auto")
        for node in NODES:
            self.net.stop_server(node)
        wait_for("all are out", lambda: not self.balancer.used())
        with self.assertRaises(subprocess.CalledProcessError):
            self.get("name", "--connect-timeout", "1")
        status = self.balancer.ask("status")
        self.assertGreater(status["verdicts"]["drop_no_node"], 0)

    def test_admin_socket(self):
        self.start("auto")
        self.assertIn("unknown command", self.balancer.ask("dance")["error"])
        self.assertRegex(self.balancer.refuses(), "another balancer answers")
        # clients that say nothing keep nobody waiting
        mute = [socket.socket(socket.AF_UNIX) for _ in range(20)]
        for s in mute:
            s.connect(self.balancer.socket)
        wait_for("an answer all the same", self.balancer.answers)
        for s in mute:
            s.close()
        self.assertEqual(self.balancer.ask("status")["vip"], VIP + ":80")

    def test_messages(self):
        def say(nodes=NODES, *more):
            return Balancer(self.net, "auto", nodes).refuses(*more)
        self.assertIn("there is no interface 'eth9'",
                      say(NODES, "--interface", "eth9"))
        self.assertIn("is not on the network of interface lo",
                      say(NODES, "--interface", "lo"))
        self.assertIn("is this machine itself", say({"n1": HOSTS["lb"]}))
        self.assertIn("no route to node far", say({"far": "10.99.0.1"}))
        inside("lb", "ip", "route", "add", "10.99.0.0/24", "via",
               HOSTS["client"])
        self.assertIn("node far (10.99.0.1) is not on the network of",
                      say({"n1": NODES["n1"], "far": "10.99.0.1"}))
        self.assertFalse(self.attached())
        inside("lb", "ip", "link", "set", "eth0", "xdpgeneric", "object",
               PASS_OBJECT, "section", "xdp")
        self.assertIn("has an XDP program already", say())
        b = Balancer(self.net, "auto", NODES)
        r = subprocess.run(
            ns("lb", "setpriv", "--bounding-set", "-bpf,-net_admin,-sys_admin",
               *b.command()[4:]), text=True, capture_output=True)
        self.assertIn("needs CAP_BPF, CAP_PERFMON", r.stderr)

    def test_tunnel_device(self):
        inside("lb", "ip", "tuntap", "add", "name", "tun0", "mode", "tun")
        inside("lb", "ip", "addr", "add", "10.88.0.1/24", "dev", "tun0")
        inside("lb", "ip", "link", "set", "tun0", "up")
        b = Balancer(self.net, "auto", {"n1": "10.88.0.2"})
        self.assertIn("tun0 is not Ethernet", b.refuses())

    def test_node_without_arp(self):
        self.balancer = Balancer(self.net, "auto",
                                 {**NODES, "ghost": "10.77.0.99"})
        self.addCleanup(self.balancer.stop, signal.SIGKILL)
        self.balancer.start()

        def logged():
            with open(self.balancer.log) as f:
                return "server_no_arp server=10.77.0.99" in f.read()
        wait_for("a warning", logged)
        wait_for("the others", lambda: self.balancer.used() == set(NODES))


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIP: needs root for network namespaces and XDP")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
