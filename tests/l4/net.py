"""The balancer's plays: who is on the stage, and how they are started.

A client, two balancers and three servers, each in a network namespace of its
own on one bridge, IPv4 and IPv6. Everything is removed at the end, also after
a failure. Each file of plays is called with the program, and the object that
the switch's port needs (l4/pass.h): FILE SEVENFOLD PASS_OBJECT [PLAY...]
"""
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
ROUTER = {"r2": 4}
FAR4, FAR6 = "10.79.0.0/16", "2001:db8:79::/48"
BIG = 256 * 20000

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
                       hashlib.sha256(data).hexdigest().encode() + b" " +
                       (data if data[:1] == b"e" else b"")],
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


def number(host):
    return {**HOSTS, **ROUTER}[host]


def v4(host):
    return f"10.78.0.{number(host)}"


def v6(host):
    return f"2001:db8:78::{number(host)}"


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
        self.spaces = []

    def path(self, *names):
        return os.path.join(self.dir.name, *names)

    def space(self, host):
        run("ip", "netns", "add", PREFIX + host)
        self.spaces.append(host)

    def up(self):
        for host in ("sw", *HOSTS):
            self.space(host)
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

    def link(self, a, b, net, mtu):
        """A link of their own between two hosts: interfaces to-b and to-a."""
        inside(a, "ip", "link", "add", "name", "to-" + b, "type", "veth",
               "peer", "name", "to-" + a, "netns", PREFIX + b)
        for host, other, n in ((a, b, 1), (b, a, 2)):
            dev = "to-" + other
            inside(host, "ip", "addr", "add", f"10.79.{net}.{n}/24", "dev", dev)
            inside(host, "ip", "addr", "add", f"2001:db8:79:{net}::{n}/64",
                   "dev", dev, "nodad")
            inside(host, "ip", "link", "set", dev, "mtu", str(mtu), "up")

    def route(self, host, to4, to6, via4, via6):
        inside(host, "ip", "route", "replace", to4, "via", via4)
        inside(host, "ip", "-6", "route", "replace", to6, "via", via6)

    def far_away(self, mtu):
        """A client, `far`, behind two routers, r1 and r2; what is between them
        takes less than all else."""
        for host in ("far", "r1", "r2"):
            self.space(host)
            inside(host, "sysctl", "-qw", "net.ipv4.ip_forward=1",
                   "net.ipv6.conf.all.forwarding=1",
                   "net.ipv6.conf.default.accept_dad=0")
            inside(host, "ip", "link", "set", "lo", "up")
        self.plug("r2")
        self.link("far", "r1", 1, 1500)
        self.link("r1", "r2", 2, mtu)
        self.route("far", "default", "default", "10.79.1.2", "2001:db8:79:1::2")
        self.route("r1", "default", "default", "10.79.2.2", "2001:db8:79:2::2")
        self.route("r2", FAR4, FAR6, "10.79.2.1", "2001:db8:79:2::1")
        for node in NODES:
            self.route(node, FAR4, FAR6, v4("r2"), v6("r2"))
        for vip in (VIP4, VIP6):
            inside("r2", "ip", "route", "add", vip, "dev", "eth0")

    def narrow(self, mtu):
        """Less fits between the routers than before."""
        inside("r1", "ip", "link", "set", "to-r2", "mtu", str(mtu))
        inside("r2", "ip", "link", "set", "to-r1", "mtu", str(mtu))

    def start(self, host, *args, **kw):
        p = subprocess.Popen(ns(host, *args), **kw)
        self.processes.append(p)
        return p

    def down(self):
        for p in self.processes:
            p.kill()
            p.wait()
        for host in self.spaces:
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
        return self.said().count("balancer_started")

    def command(self, *more):
        return (SEVENFOLD, "balancer", "-c", self.conf, "--socket",
                self.socket, "--pin", self.pin, *more)

    def said(self):
        return pathlib.Path(self.log).read_text()

    def start(self, *more):
        before = self.started()
        with open(self.log, "a") as log:
            self.process = self.net.start(
                self.host, *self.command(*more), stderr=log)
        wait_for("it has started", lambda: self.answers() and
                 self.started() > before)
        wait_for("all nodes are up", lambda: all(
            n["up"] for n in self.status()["nodes"]))

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(self.said())
        r = subprocess.run((SEVENFOLD, "status", "--json", "--socket",
                            self.socket), capture_output=True)
        return r.returncode == 0

    def status(self):
        return json.loads(run(SEVENFOLD, "status", "--json", "--socket",
                              self.socket))

    def verdicts(self):
        return self.status()["verdicts"]

    def refuses(self, *more):
        """What it says when it can't start."""
        r = subprocess.run(ns(self.host, *self.command(*more)), text=True,
                           capture_output=True, timeout=30)
        if r.returncode != 1:
            raise AssertionError(r)
        return r.stderr

    def pinned(self):
        return os.path.exists(self.pin)

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


class Play(unittest.TestCase):
    """A play: its stage is set before it, and cleared after it."""

    def setUp(self):
        self.net = Net()
        self.addCleanup(self.net.down)
        self.net.up()

    def balancer(self, host="lb", more="scheduler rr"):
        b = Balancer(self.net, host, more)
        self.addCleanup(b.gone)
        b.start()
        return b

    def get(self, port, path="name", vip=VIP4, *more, host="client"):
        name = f"[{vip}]" if ":" in vip else vip
        return inside(host, "curl", "-gsS", "--fail", "--max-time", "30",
                      *more, f"http://{name}:{port}/{path}")

    def down_and_up(self, port, vip, times, host="client"):
        """Much both ways, and all of it right; so often."""
        put = self.net.path("put")
        with open(put, "wb") as f:
            f.write(os.urandom(2_000_000))
        want = hashlib.sha256(pathlib.Path(put).read_bytes()).hexdigest()
        for _ in range(times):
            got = self.net.path("got")
            self.assertEqual(self.get(port, "big", vip, "-o", got,
                                      host=host), "")
            self.assertEqual(os.path.getsize(got), BIG)
            self.assertEqual(self.get(port, "up", vip, "-T", put, host=host),
                             want)

    def all_ways(self, port):
        """Every node, both families, much both ways."""
        for vip in (VIP4, VIP6):
            got = [self.get(port, "name", vip) for _ in range(6)]
            self.assertEqual(set(got), set(NODES), got)
            self.down_and_up(port, vip, 3)

    def echo(self, vip, n, back=False, limit_s=5):
        """A datagram of n bytes, and, if `back`, as many in answer; the node's
        name, after all bytes are right. None: there was no answer."""
        code = textwrap.dedent(f'''
            import hashlib, os, socket
            s = socket.socket(socket.AF_INET{"6" if ":" in vip else ""},
                              socket.SOCK_DGRAM)
            s.settimeout({limit_s})
            d = b"{"e" if back else "d"}" + os.urandom({n - 1})
            s.connect(("{vip}", 53))
            s.send(d)
            try:
                name, digest, more = s.recv(65536).split(b" ", 2)
                assert digest.decode() == hashlib.sha256(d).hexdigest()
                assert more == (d if {back} else b"")
                print(name.decode())
            except OSError:  # nothing in time, or told that it is too long
                pass
        ''')
        return inside("client", sys.executable, "-c", code).strip() or None

    def decap(self):
        for node in NODES:
            inside(node, SEVENFOLD, "decap", "--interface", "eth0",
                   "--balancer", v4("lb"), "--balancer", v6("lb"), "--vip",
                   VIP4, "--vip", VIP6)
            inside("sw", "ethtool", "-K", "p-" + node, "tx", "off")

    def back_by_balancer(self, to4, to6):
        """What NAT's servers send to clients has to come by."""
        for node in NODES:
            self.net.route(node, to4, to6, v4("lb"), v6("lb"))

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

    def flood(self, count):
        """So many SYNs to the VIP, each of a client of its own; as a
        process."""
        code = textwrap.dedent(f'''
            import random, socket, struct
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            s.bind(("eth0", 0))
            f = bytearray(bytes.fromhex("{self.mac("lb").replace(':', '')}") +
                b"\\x02\\0\\0\\0\\0\\x66\\x08\\0" +
                bytes.fromhex("450000280000000040060000") + bytes(4) +
                socket.inet_aton("{VIP4}") + bytes(2) + struct.pack("!H", 80)
                + bytes(8) + b"\\x50\\x02\\xff\\xff" + bytes(4))
            base = sum(struct.unpack("!10H", f[14:34]))
            for i in range({count}):
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
        return self.net.start("client", sys.executable, "-c", code)


def main():
    """Runs the plays of the calling file, or those that are named. Exits 77
    when it may not make namespaces."""
    if os.geteuid() != 0:
        print("SKIP: needs root for network namespaces and XDP")
        sys.exit(77)
    # a BPF file system of our own, which goes with us and what is pinned there
    if "SEVENFOLD_UNSHARED" not in os.environ:
        os.environ["SEVENFOLD_UNSHARED"] = "1"
        os.execvp("unshare", ("unshare", "-m", sys.executable, *sys.argv))
    run("mount", "-t", "bpf", "bpf", "/sys/fs/bpf")
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
