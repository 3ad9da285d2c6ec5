#!/usr/bin/env python3
"""The balancer's ways to forward, end to end: plays.py SEVENFOLD PASS_OBJECT

A client, two balancers and three servers, each in a network namespace of its
own on one bridge, IPv4 and IPv6. Everything is removed at the end, also after
a failure. Exits 77 when it may not make namespaces.
"""
import asyncio
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

SEVENFOLD, PASS_OBJECT = sys.argv[1:3]
SEVENFOLD = os.path.abspath(SEVENFOLD)
PREFIX = f"sfp4-{os.getpid()}-"
VIP4, VIP6 = "192.0.2.10", "2001:db8:9::10"
NODES = ("n1", "n2", "n3")
HOSTS = {"client": 1, "lb": 2, "lb2": 3, "n1": 11, "n2": 12, "n3": 13}
FLOOD = int(os.environ.get("SEVENFOLD_FLOOD", 1_000_000))

SERVER = textwrap.dedent('''
    import hashlib, http.server, socket, sys, threading
    name, big = sys.argv[1], bytes(range(256)) * 20000
    class H(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def say(self, body):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        def do_GET(self):
            self.say(big if self.path == "/big" else name.encode())
        def do_PUT(self):
            n = int(self.headers["Content-Length"])
            self.say(hashlib.sha256(self.rfile.read(n)).hexdigest().encode())
        def log_message(self, *a): pass
    class S(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6
        request_queue_size = 1024
        daemon_threads = True
    def echo():
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        s.setsockopt(socket.IPPROTO_IPV6, 49, 1)  # IPV6_RECVPKTINFO
        s.bind(("::", 53))
        while True:
            data, anc, _, peer = s.recvmsg(65536, 512)
            s.sendmsg([name.encode() + b" " +
                       hashlib.sha256(data).hexdigest().encode()],
                      [a for a in anc], 0, peer)
    threading.Thread(target=echo, daemon=True).start()
    for port in (8080, 443):
        threading.Thread(target=S(("::", port), H).serve_forever,
                         daemon=True).start()
    S(("::", 80), H).serve_forever()
''')


def run(*args, **kw):
    r = subprocess.run(args, text=True, capture_output=True, **kw)
    if r.returncode:
        raise AssertionError(f"{args}: {r.returncode} {r.stdout} {r.stderr}")
    return r.stdout


def ns(host, *args):
    # not `ip netns exec`, which hides the BPF file system
    return ("nsenter", f"--net=/run/netns/{PREFIX}{host}", *args)


def inside(host, *args, **kw):
    return run(*ns(host, *args), **kw)


def v4(host):
    return f"10.78.0.{HOSTS[host]}"


def v6(host):
    return f"2001:db8:78::{HOSTS[host]}"


def wait_for(what, condition, limit_s=15.0):
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > limit_s:
            raise AssertionError(f"not within {limit_s} s: {what}")
        time.sleep(0.05)


class Net:
    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="sfp4-")
        self.processes = []

    def path(self, *names):
        return os.path.join(self.dir.name, *names)

    def up(self):
        for host in ("sw", *HOSTS):
            run("ip", "netns", "add", PREFIX + host)
        inside("sw", "ip", "link", "add", "br0", "up", "type", "bridge",
               "mcast_snooping", "0")
        for host in HOSTS:
            self.plug(host)
        for lb in ("lb", "lb2"):
            inside("sw", "ethtool", "-K", "p-" + lb, "tx", "off")
            inside("sw", "ip", "link", "set", "p-" + lb, "xdpdrv", "object",
                   PASS_OBJECT, "section", "xdp")
        inside("lb", "ip", "addr", "add", VIP4 + "/32", "dev", "eth0")
        inside("lb", "ip", "addr", "add", VIP6 + "/128", "dev", "eth0",
               "nodad")
        inside("client", "ip", "route", "add", VIP4, "dev", "eth0")
        inside("client", "ip", "route", "add", VIP6, "dev", "eth0")
        for node in NODES:
            self.start(node, sys.executable, "-c", SERVER, node)

    def plug(self, host):
        inside("sw", "ip", "link", "add", "name", "p-" + host, "type", "veth",
               "peer", "name", "eth0", "netns", PREFIX + host)
        inside("sw", "ip", "link", "set", "p-" + host, "master", "br0", "up")
        for what in ("all", "default"):
            inside(host, "sysctl", "-qw",
                   f"net.ipv6.conf.{what}.accept_dad=0",
                   f"net.ipv4.conf.{what}.arp_ignore=1",
                   f"net.ipv4.conf.{what}.arp_announce=2",
                   f"net.ipv4.conf.{what}.rp_filter=0")
        inside(host, "ip", "link", "set", "lo", "up")
        inside(host, "ip", "addr", "add", v4(host) + "/24", "dev", "eth0")
        inside(host, "ip", "addr", "add", v6(host) + "/64", "dev", "eth0",
               "nodad")
        if host in NODES:
            inside(host, "ip", "addr", "add", VIP4 + "/32", "dev", "lo")
            inside(host, "ip", "addr", "add", VIP6 + "/128", "dev", "lo",
                   "nodad")
        inside(host, "ip", "link", "set", "eth0", "up")

    def start(self, host, *args, **kw):
        p = subprocess.Popen(ns(host, *args), **kw)
        self.processes.append(p)
        return p

    def down(self):
        for p in self.processes:
            p.kill()
            p.wait()
        for host in ("sw", *HOSTS):
            subprocess.run(("ip", "netns", "del", PREFIX + host),
                           capture_output=True)
        self.dir.cleanup()


class Balancer:
    def __init__(self, net, host="lb", more=""):
        self.net, self.host = net, host
        self.socket = net.path(host, "balancer.sock")
        self.conf = net.path(host + ".conf")
        self.pin = f"/sys/fs/bpf/{PREFIX}{host}"
        self.log = net.path(host + ".log")
        pathlib.Path(self.log).touch()
        with open(self.conf, "w") as f:
            f.write(f"cluster test {{\n    vip {VIP4}:80\n")
            for node in NODES:
                f.write(f"    node {node} {v4(node)}\n")
            f.write(f"}}\nbalancer {{\n {more}\n}}\n")
            f.write("site example.org {\n    origin http://127.0.0.1:80\n}\n")

    def started(self):
        """How often one has; with --replace the old one still answers."""
        return pathlib.Path(self.log).read_text().count("balancer_started")

    def start(self, *more):
        before = self.started()
        with open(self.log, "a") as log:
            self.process = self.net.start(
                self.host, SEVENFOLD, "balancer", "-c", self.conf, "--socket",
                self.socket, "--pin", self.pin, *more, stderr=log)
        wait_for("it has started", lambda: self.answers() and
                 self.started() > before)
        wait_for("all nodes are up", lambda: all(
            n["up"] for n in self.status()["nodes"]))

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(pathlib.Path(self.log).read_text())
        r = subprocess.run((SEVENFOLD, "status", "--json", "--socket",
                            self.socket), capture_output=True)
        return r.returncode == 0

    def status(self):
        return json.loads(run(SEVENFOLD, "status", "--json", "--socket",
                              self.socket))

    def verdicts(self):
        return self.status()["verdicts"]

    def vs(self, *args, **kw):
        return run(SEVENFOLD, "vs", *args, env={
            **os.environ, "SEVENFOLD_BALANCER": self.socket}, **kw)

    def service(self, port, how, proto="-t", dport=None):
        """The three nodes behind both VIPs at a port."""
        for vip, addr in ((VIP4, v4), (f"[{VIP6}]", v6)):
            end = f"{vip}:{port}"
            self.vs("-A", proto, end, "-s", "rr")
            for node in NODES:
                real = addr(node) if addr is v4 else f"[{addr(node)}]"
                self.vs("-a", proto, end, "-r", f"{real}:{dport or port}",
                        *how)
        wait_for("all MAC addresses", lambda: '"mac": null' not in
                 self.vs("-L", "--json"))

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def gone(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        subprocess.run(("rm", "-rf", self.pin), check=False)


class Plays(unittest.TestCase):
    def setUp(self):
        self.net = Net()
        self.addCleanup(self.net.down)
        self.net.up()

    def balancer(self, host="lb", more="scheduler rr"):
        b = Balancer(self.net, host, more)
        self.addCleanup(b.gone)
        b.start()
        return b

    def get(self, port, path="name", vip=VIP4, *more):
        host = f"[{vip}]" if ":" in vip else vip
        return inside("client", "curl", "-gsS", "--fail", "--max-time", "30",
                      *more, f"http://{host}:{port}/{path}")

    def all_ways(self, port):
        """Every node, both families, much both ways."""
        put = self.net.path("put")
        with open(put, "wb") as f:
            f.write(os.urandom(2_000_000))
        want = hashlib.sha256(pathlib.Path(put).read_bytes()).hexdigest()
        for vip in (VIP4, VIP6):
            got = [self.get(port, "name", vip) for _ in range(6)]
            self.assertEqual(set(got), set(NODES), got)
            for _ in range(3):
                self.assertEqual(self.get(port, "big", vip, "-o",
                                          self.net.path("got")), "")
                self.assertEqual(os.path.getsize(self.net.path("got")),
                                 256 * 20000)
                self.assertEqual(
                    self.get(port, "up", vip, "-T", put), want)

    def echo(self, vip, n):
        """A datagram of n bytes; the node's name, after the digest is right."""
        code = ("import hashlib,os,socket,sys;"
                f"s=socket.socket(socket.AF_INET{'6' if ':' in vip else ''},"
                f"socket.SOCK_DGRAM);s.settimeout(5);d=os.urandom({n});"
                f"s.connect(('{vip}',53));s.send(d);a=s.recv(200).decode();"
                "assert a.split()[1]==hashlib.sha256(d).hexdigest();"
                "print(a.split()[0])")
        return inside("client", sys.executable, "-c", code).strip()

    def fragments(self):
        for vip in (VIP4, VIP6):
            for n in (100, 4000, 9000):
                self.assertEqual({self.echo(vip, n) for _ in range(6)},
                                 set(NODES))

    def decap(self):
        for node in NODES:
            inside(node, SEVENFOLD, "decap", "--interface", "eth0",
                   "--balancer", v4("lb"), "--balancer", v6("lb"), "--vip",
                   VIP4, "--vip", VIP6)
            inside("sw", "ethtool", "-K", "p-" + node, "tx", "off")

    def test_route(self):
        b = self.balancer()
        b.service(8080, ("-g",))
        b.service(53, ("-g",), "-u")
        self.all_ways(8080)
        self.fragments()
        self.assertGreater(b.verdicts()["tx_fragment"], 0)

    def test_tunnel(self):
        b = self.balancer()
        self.decap()
        for port, how in ((8080, ("-i",)), (443, (
                "-i", "--tun-type", "gue", "--tun-port", "6080"))):
            b.service(port, how)
            self.all_ways(port)
        # uploads had to learn of the smaller path
        self.assertGreater(b.verdicts()["tx_too_big"], 0)
        b.service(53, ("-i",), "-u")
        self.assertEqual({self.echo(VIP4, 100) for _ in range(6)}, set(NODES))

    def test_nat(self):
        b = self.balancer()
        for node in NODES:
            inside(node, "ip", "route", "add", v4("client"), "via", v4("lb"))
            inside(node, "ip", "route", "add", v6("client"), "via", v6("lb"))
        b.service(81, ("-m",), dport=8080)
        b.service(53, ("-m",), "-u")
        self.all_ways(81)
        for vip in (VIP4, VIP6):
            self.assertEqual({self.echo(vip, 100) for _ in range(6)},
                             set(NODES))
        self.assertGreater(b.verdicts()["tx_reply"], 0)
        self.assertIn("OutPkts", b.vs("-L", "-n", "--stats"))

    def test_smaller_mtu(self):
        """A client behind a router whose other link takes less: the router's
        ICMP errors find the node, and its answers get smaller."""
        self.balancer()
        inside("client", "ip", "link", "set", "eth0", "mtu", "1400")
        inside("sw", "ip", "link", "set", "p-client", "mtu", "1400")
        self.assertEqual(self.get(80, "big", VIP4, "-o",
                                  self.net.path("got")), "")
        self.assertEqual(os.path.getsize(self.net.path("got")), 256 * 20000)

    def load(self, seconds, clients):
        """Requests of many clients at once, each on connections of its own
        that it uses a few times; as a process in the client's namespace."""
        code = textwrap.dedent(f'''
            import asyncio, json, time
            end, done, bad = time.time() + {seconds}, 0, []
            async def client():
                global done
                while time.time() < end:
                    try:
                        r, w = await asyncio.wait_for(
                            asyncio.open_connection("{VIP4}", 80), 15)
                        for _ in range(5):
                            w.write(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
                            await asyncio.wait_for(
                                r.readuntil(b"\\r\\n\\r\\n"), 15)
                            assert (await r.readexactly(2))[0:1] == b"n"
                            done += 1
                            await asyncio.sleep(0.2)
                        w.close()
                    except Exception as e:
                        bad.append(repr(e))
            async def main():
                await asyncio.gather(*(client() for _ in range({clients})))
            asyncio.run(main())
            print(json.dumps({{"done": done, "bad": bad[:5],
                               "broken": len(bad)}}))
        ''')
        return self.net.start("client", sys.executable, "-c", code,
                              stdout=subprocess.PIPE, text=True)

    def result(self, process):
        out = json.loads(process.communicate(timeout=90)[0])
        print(out, end=" ", flush=True)
        self.assertGreater(out["done"], 100)
        self.assertEqual(out["broken"], 0, out)

    def mac(self, host):
        return json.loads(inside(host, "ip", "-j", "link", "show",
                                 "eth0"))[0]["address"]

    def test_restart_under_load(self):
        b = self.balancer(more="scheduler wlc")
        load = self.load(12, 50)
        time.sleep(2)
        old = b.process
        b.start("--replace")
        self.assertEqual(old.wait(5), 0)
        time.sleep(2)
        b.kill()
        time.sleep(2)  # packets flow on, new connections too
        b.start()
        self.assertIn("resumed=yes", pathlib.Path(b.log).read_text())
        self.result(load)
        b.gone()
        self.assertNotIn("xdp", inside("lb", "ip", "link", "show", "eth0"))

    def test_flood(self):
        b = self.balancer(more="scheduler wlc; flows 100000")
        mac = self.mac("lb")
        code = textwrap.dedent(f'''
            import random, socket, struct
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            s.bind(("eth0", 0))
            f = bytearray(bytes.fromhex("{mac.replace(':', '')}") +
                b"\\x02\\0\\0\\0\\0\\x66\\x08\\0" +
                bytes.fromhex("450000280000000040060000") + bytes(4) +
                socket.inet_aton("{VIP4}") + bytes(2) + struct.pack("!H", 80)
                + bytes(8) + b"\\x50\\x02\\xff\\xff" + bytes(4))
            base = sum(struct.unpack("!10H", f[14:34]))
            for i in range({FLOOD}):
                a = 0x0b000000 + i
                c = base + (a >> 16) + (a & 0xffff)
                c = (c & 0xffff) + (c >> 16)
                f[26:30] = struct.pack("!I", a)
                # the bridge may look at it
                f[24:26] = struct.pack("!H", ~c & 0xffff)
                f[34:36] = struct.pack("!H", i & 0xffff or 1)
                while True:
                    try:
                        s.send(f)
                        break
                    except OSError:
                        pass
        ''')
        load = self.load(20, 200)
        time.sleep(2)
        flood = self.net.start("client", sys.executable, "-c", code)
        self.assertEqual(flood.wait(120), 0)
        self.result(load)
        v = b.verdicts()
        print({k: n for k, n in v.items() if n}, flush=True)
        self.assertGreaterEqual(
            v["tx_new"] + v["tx_untracked"], FLOOD * 9 // 10)

    def test_two_balancers(self):
        """The second one takes over flows that it has never seen."""
        first = self.balancer(more="scheduler mh")
        second = self.balancer("lb2", more="scheduler mh")
        load = self.load(10, 50)
        time.sleep(3)
        # it's dead, with all that it knew
        inside("lb", "ip", "link", "set", "eth0", "down")
        first.gone()
        inside("client", "ip", "neigh", "replace", VIP4, "lladdr",
               self.mac("lb2"), "dev", "eth0", "nud", "permanent")
        self.result(load)
        self.assertGreater(second.verdicts()["tx_adopted"], 0)

    def test_mute_node(self):
        """A node that gets packets and answers none is out before its checks,
        which are rare, say so."""
        b = self.balancer(more="check_interval 20s; check_timeout 10s; "
                          "check_fall 1")
        # it can't answer the client any more, but its checks it can
        inside("n2", "ip", "route", "add", "blackhole", v4("client"))
        load = self.load(8, 30)
        wait_for("it's noticed", lambda: "node_mute node=n2" in
                 pathlib.Path(b.log).read_text(), 10)
        wait_for("it's out", lambda: {n["name"] for n in b.status()["nodes"]
                                      if n["up"]} == {"n1", "n3"}, 2)
        load.kill()
        load.stdout.close()

    def test_interface_disappears(self):
        b = self.balancer()
        inside("lb", "ip", "link", "del", "eth0")
        wait_for("it says so", lambda: "interface_gone" in
                 pathlib.Path(b.log).read_text())

    def test_rules_that_make_no_sense(self):
        b = self.balancer()
        before = b.vs("-S", "-n")
        for args, says in (
                (("-A", "-t", "192.0.2.1:0"), "Zero port"),
                (("-a", "-t", "192.0.2.1:1", "-r", "10.0.0.1"),
                 "Service not defined")):
            with self.assertRaisesRegex(AssertionError, says):
                b.vs(*args)
        with self.assertRaisesRegex(AssertionError, "line 2: nothing was"):
            b.vs("-R", input="-A -t 192.0.2.1:1 -s rr\n-A -t 192.0.2.1:1\n")
        self.assertEqual(b.vs("-S", "-n"), before)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIP: needs root for network namespaces and XDP")
        sys.exit(77)
    # a BPF file system of our own, which goes with us and what is pinned there
    if "SEVENFOLD_UNSHARED" not in os.environ:
        os.environ["SEVENFOLD_UNSHARED"] = "1"
        os.execvp("unshare", ("unshare", "-m", sys.executable, *sys.argv))
    run("mount", "-t", "bpf", "bpf", "/sys/fs/bpf")
    names = sys.argv[3:]
    unittest.main(argv=[sys.argv[0], *names], verbosity=2)
