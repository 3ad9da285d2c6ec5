#!/usr/bin/python3
"""soak.py SECONDS [SEED]: two nodes between an origin that lies and clients
that misbehave, on loopback, with caches far too small.

Every answer that is complete by its framing must be, byte for byte, what the
origin has under that URL, whatever went wrong before. At the end no client's
connection may be left, the counters must add up, memory must not have grown
without bound, and SIGTERM must end both nodes with status 0: with a sanitizer's
build ($SEVENFOLD names the program) that is its verdict too.
"""

import asyncio
import collections
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEVENFOLD = os.environ.get("SEVENFOLD", str(ROOT / "build/sevenfold"))
SIZES = (0, 1, 10, 1000, 5000, 16384, 65536, 100000, 262144, 300000, 1000000)
ALL = b"".join(b"%07d\n" % i for i in range(max(SIZES) // 8 + 1))
CLIENTS = 24
GONE = (asyncio.IncompleteReadError, asyncio.LimitOverrunError,
        ConnectionError, ValueError, RuntimeError)


class Soak:
    def __init__(self, seconds, seed):
        self.seconds = seconds
        self.rng = random.Random(seed)
        self.seen = collections.Counter()
        self.wrong = []

    def maybe(self, share):
        return self.rng.random() < share

    # --- the origin ---------------------------------------------------------

    async def send_body(self, w, body, chunked):
        at = 0
        while at < len(body):
            piece = body[at:at + self.rng.choice((7, 100, 5000, 70000))]
            if len(body) > 10000 and len(piece) < 5000:
                piece = body[at:at + 200000]
            w.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked
                    else piece)
            at += len(piece)
            await w.drain()
            if self.maybe(.02):
                await asyncio.sleep(.02)
        if chunked:
            w.write(b"0\r\n\r\n")

    async def lie(self, w, head, body):
        """Half a body, a broken frame, garbage, silence, a reset."""
        length = b"Content-Length: %d\r\n" % len(body)
        w.write(self.rng.choice((
            b"", b"garbage\r\n\r\n", head,
            head + length + b"Transfer-Encoding: chunked\r\n\r\n",
            head + b"Content-Length: %d\r\n\r\n" % (len(body) + 1) + body,
            head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" %
            (len(body) + 1) + body)))
        await w.drain()
        if self.maybe(.2):
            await asyncio.sleep(1.5)  # longer than the nodes' patience
        if self.maybe(.3):
            w.transport.abort()

    async def answer(self, r, w):
        """One request; False: the connection ends."""
        line, _, fields = (await r.readuntil(b"\r\n\r\n")).partition(b"\r\n")
        method, target, _ = line.split(b" ")
        fields = fields.lower()
        body = await read_body(r, fields)
        if method != b"POST":
            body = ALL[:int(target.partition(b"s=")[2] or b"0")]
        head = b"HTTP/1.1 %d X\r\nCache-Control: %s\r\n" % (
            self.rng.choice((200, 200, 200, 404, 302)),
            self.rng.choice((b"max-age=1", b"max-age=60", b"no-store",
                             b"private", b"max-age=0", b"max-age=2")))
        if self.maybe(.12) and method != b"HEAD":
            await self.lie(w, head, body)
            return False
        if self.maybe(.1) and method != b"HEAD":
            w.write(head.replace(b"1.1", b"1.0", 1) + b"\r\n" + body)
            await w.drain()
            return False
        chunked = self.maybe(.5) and method != b"HEAD"
        w.write(head + (b"Transfer-Encoding: chunked" if chunked else
                        b"Content-Length: %d" % len(body)) + b"\r\n\r\n")
        if method != b"HEAD":
            await self.send_body(w, body, chunked)
        await w.drain()
        return not self.maybe(.05)

    async def origin(self, r, w):
        try:
            while await self.answer(r, w):
                pass
        except GONE:
            pass
        finally:
            w.close()

    # --- a client -----------------------------------------------------------

    def request(self):
        """Method, bytes to send, the body that a good answer has."""
        kind = self.rng.random()
        key = self.rng.randrange(40)
        size = SIZES[key % len(SIZES)]
        target = b"/k%d?s=%d" % (key, size)
        host = b"Host: a.test\r\n"
        if kind < .05:
            return b"HEAD", b"HEAD %s HTTP/1.1\r\n%s\r\n" % (
                target, host), b""
        if kind < .15:
            body = ALL[:self.rng.choice((0, 5, 1000, 300000))]
            if self.maybe(.5):
                return b"POST", (
                    b"POST %s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n" % (
                        target, host, len(body)) + body), body
            chunk = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
            return b"POST", (
                b"POST %s HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n"
                b"Expect: 100-continue\r\n\r\n" % (target, host) + chunk +
                b"0\r\n\r\n"), body
        if kind < .2:
            return b"BAD", self.rng.choice((
                b"GET / HTTP/1.1\r\n\r\n", b"GET\r\n\r\n", b"X" * 40000,
                b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n",
                self.rng.randbytes(200) + b"\r\n\r\n")), None
        version = b"1.0" if kind < .3 else b"1.1"
        host += b"Authorization: x\r\n" if kind > .9 else b""
        host += b"Connection: keep-alive\r\n" if kind < .25 else b""
        return b"GET", b"GET %s HTTP/%s\r\n%s\r\n" % (
            target, version, host), ALL[:size]

    async def send(self, w, data):
        if self.maybe(.05):
            for i in range(min(len(data), 400)):
                w.write(data[i:i + 1])
                await w.drain()
                await asyncio.sleep(0)
            data = data[400:]
        if w.transport.is_closing():
            raise ConnectionResetError
        w.write(data)
        if self.maybe(.05):
            w.transport.abort()
            raise ConnectionAbortedError
        if self.maybe(.05):
            w.write_eof()

    async def converse(self, r, w):
        """Some requests at once, and their answers; False: it is over."""
        requests = [self.request() for _ in range(self.rng.choice((1, 1, 3)))]
        await self.send(w, b"".join(data for _, data, _ in requests))
        for method, data, expected in requests:
            status, fields, body = await asyncio.wait_for(
                read_answer(r, method), 20)
            self.seen[status] += 1
            if method in (b"GET", b"POST") and status in (200, 302, 404) \
                    and body != expected:
                self.wrong.append(f"{data[:60]}: {len(body)} bytes, not the "
                                  f"{len(expected)} expected")
            if b"\r\nconnection: close" in fields or self.maybe(.02):
                return False
        return True

    async def client(self, ports, until):
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            r, w = await asyncio.open_connection(
                "127.0.0.1", self.rng.choice(ports), limit=1 << 22)
            try:
                while await self.converse(r, w) and not self.maybe(.2):
                    pass
            except asyncio.TimeoutError:
                self.wrong.append("no answer for 20 s")
            except GONE:
                self.seen["cut"] += 1
            finally:
                w.close()

    async def run(self, origin_port, ports):
        server = await asyncio.start_server(
            self.origin, "127.0.0.1", origin_port, limit=1 << 22)
        until = asyncio.get_running_loop().time() + self.seconds
        await asyncio.gather(*(self.client(ports, until)
                               for _ in range(CLIENTS)))
        server.close()


async def read_chunks(r):
    body = b""
    while True:
        n = int(await r.readline(), 16)
        body += (await r.readexactly(n + 2))[:-2]
        if n == 0:
            return body


async def read_body(r, fields, to_the_end=False):
    if b"transfer-encoding: chunked" in fields:
        return await read_chunks(r)
    if b"content-length:" in fields:
        return await r.readexactly(
            int(fields.split(b"content-length:")[1].split(b"\r\n")[0]))
    return await r.read() if to_the_end else b""


async def read_answer(r, method):
    status = 100
    while status < 200:
        head = await r.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
    fields = head.lower()
    if method == b"HEAD" or status in (204, 304):
        return status, fields, b""
    return status, fields, await read_body(r, fields, to_the_end=True)


# --- the nodes ----------------------------------------------------------------

def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def start(folder, origin, peer, ports):
    """Each with its own port for clients, so that both are asked."""
    nodes = []
    for i, port in enumerate(ports, 1):
        conf = folder / f"n{i}.conf"
        conf.write_text(f"""cluster soak {{
    vip 127.0.0.1:{port}
    peer_port {peer}
    node n1 127.0.1.1
    node n2 127.0.1.2
    workers 2
    cache 4M
    connect_timeout 1s
    first_byte_timeout 1s
    between_timeout 1s
    idle_timeout 3s
    head_timeout 1s
}}
site * {{ origin http://127.0.0.1:{origin} }}
""")
        nodes.append(subprocess.Popen(
            [SEVENFOLD, "node", "-c", conf, "--name", f"n{i}", "--socket",
             folder / f"n{i}.sock"], stderr=open(folder / f"n{i}.log", "w")))
    return nodes


def status(folder):
    out = subprocess.run([SEVENFOLD, "status", "--json", "--socket",
                          folder / "n1.sock"], capture_output=True, text=True)
    if out.returncode:
        return None
    doc = json.loads(out.stdout)
    return {n["name"]: n["counters"] for n in doc["nodes"] if n["up"]}


async def settled(folder, good, seconds, what):
    for _ in range(int(seconds / .1)):
        said = status(folder)
        if said and len(said) == 2 and good(said):
            return said
        await asyncio.sleep(.1)
    sys.exit(f"soak: {what}: {status(folder)}")


def check_sums(nodes):
    problems = []
    for name, c in nodes.items():
        if c["requests"] != c["local"] + c["relayed"] + c["refused"]:
            problems.append(f"{name}: requests don't add up: {c}")
        if c["served"] != c["hits"] + c["coalesced"] + c["misses"] + \
                c["passes"]:
            problems.append(f"{name}: served don't add up: {c}")
        if c["cache_bytes"] > 4 << 20:
            problems.append(f"{name}: more than its cache: {c}")
    return problems


def resident(process):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0])


async def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.splitlines()[0])
    seconds, seed = float(sys.argv[1]), int((sys.argv + [1])[2])
    origin, peer, *ports = free_ports(4)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        nodes = start(folder, origin, peer, ports)
        try:
            await settled(folder, lambda said: True, 10, "no start")
            soak = Soak(seconds / 2, seed)
            await soak.run(origin, ports)
            warm = [resident(n) for n in nodes]
            await soak.run(origin, ports)
            said = await settled(
                folder, lambda s: not any(c["connections"]
                                          for c in s.values()),
                10, "connections are left")
            problems = soak.wrong[:20] + check_sums(said)
            for node, was in zip(nodes, warm):
                if resident(node) > 1.5 * was + 20000:
                    problems.append(f"memory grew: {was} kB, then "
                                    f"{resident(node)} kB")
        finally:
            for node in nodes:
                node.send_signal(signal.SIGTERM)
            ends = [node.wait(20) for node in nodes]
        if any(ends):
            problems.append(f"the nodes ended with {ends}")
            for log in folder.glob("*.log"):
                problems += [line for line in log.read_text().splitlines()
                             if not line.startswith("level=info")][:60]
    print("answers:", ", ".join(f"{n} {k}" for k, n in
                                sorted(soak.seen.items(), key=str)))
    print("\n".join(problems) or
          f"{sum(soak.seen.values())} answers, none wrong")
    sys.exit(bool(problems))


asyncio.run(main())
