"""Clients: what they ask, and how they misbehave. What they get, judge.py looks
at."""

import asyncio
import time

from content import COLORS, LARGE_KEYS, RESOURCES
from wire import GONE, Head, Reading, date, read_answer

CLIENTS = 32
PATIENCE_S = 20  # the longest that anybody waits for another byte
UPLOAD = b"".join(b"upload %08x\n" % i for i in range(400000 // 16))
# A response for each query; one for all spellings.
QUERIES = (b"", b"", b"", b"", b"?a", b"?b=%20")
SPELLINGS = (b"/k%d%s",) * 8 + (
    b"/%%6B%d%s", b"/x/../k%d%s", b"http://A.test/k%d%s",
    b"http://a.test:80/./k%d%s")
BAD = (b"GET / HTTP/1.1\r\n\r\n", b"GET\r\n\r\n", b"X" * 40000,
       b"POST /k1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
       b"Transfer-Encoding: chunked\r\n\r\n",
       b"POST /k1 HTTP/1.1\r\nHost: a\r\n"
       b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
       b"GET /k1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
       b"GET /k1 HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n",
       b"GET /k1 HTTP/9.9\r\nHost: a\r\n\r\n")


class Ask:
    """One request; its fields are read again to judge the answer."""

    def __init__(self, method, resource, fields=(), body=b"", version=b"1.1",
                 query=b"", spelling=b"/k%d%s"):
        self.method = method
        self.resource = resource
        self.body = body
        self.name = resource.key, query
        self.data = b"%s %s HTTP/%s\r\n%s\r\n" % (
            method, spelling % self.name, version,
            b"".join(field + b"\r\n" for field in fields))
        self.head = Head(self.data)
        self.framed = body
        self.at = time.monotonic()

    def get(self, name):
        return self.head.get(name)


class Client:
    """One of them: connection after connection."""

    def __init__(self, judge, rng, ports):
        self.stopped = False
        self.judge = judge
        self.rng = rng
        self.ports = ports
        self.made = 0

    def maybe(self, share):
        return self.rng.random() < share

    # --- requests -------------------------------------------------------------

    def range(self, resource):
        rng, size = self.rng, resource.base + 100
        first = rng.randrange(size)
        n = rng.choice((0, 1, 100, 5000, 300000, 1048576))
        return b"Range: bytes=" + rng.choice((
            b"%d-%d" % (first, first + n), b"%d-%d" % (first, first + n),
            b"0-", b"%d-" % first, b"-%d" % (n + 1), b"1048576-2097151",
            b"1048570-1048580", b"1000000-3200000", b"0-", b"%d-" % (3 * size),
            b"0-9, 100-199, 5000-5099", b"-10, 0-9",
            b"%d-%d, %d-" % (first, first + 20, max(size - 200, first + 90)),
            b"5-2", b"x", b"0-0, " * 40 + b"1-1"))

    def conditions(self, resource, color):
        had = self.judge.had.get((resource.key, resource.variant(color)))
        if not had:
            return []
        fields = []
        if had.etag:
            fields += [b"If-None-Match: " + had.etag,
                       b'If-None-Match: "other", ' + had.etag,
                       b"If-Match: " + had.etag]
        if had.modified:
            fields.append(b"If-Modified-Since: " + date(had.modified))
        return [self.rng.choice(fields)] if fields else []

    def if_range(self, resource, color):
        had = self.judge.had.get((resource.key, resource.variant(color)))
        if not had or not self.maybe(.3):
            return []
        if had.etag:
            return [b"If-Range: " + had.etag]
        return [b"If-Range: " + date(had.modified)] if had.modified else []

    def get(self, method):
        resource = self.rng.choice(
            RESOURCES[:LARGE_KEYS] if self.maybe(.2) else RESOURCES)
        color = self.rng.choice(COLORS)
        fields = self.common()
        version = b"1.0" if self.maybe(.1) else b"1.1"
        if color:
            fields.append(b"X-Color: " + color)
        if self.maybe(.07):
            fields.append(b"Authorization: x")
        if self.maybe(.2):
            fields.append(b"Cache-Control: " + self.rng.choice((
                b"no-cache", b"max-stale", b"max-stale=3", b"only-if-cached",
                b"max-age=1", b"min-fresh=1", b"no-store", b"max-age=0")))
        if method == b"GET" and self.maybe(.9 if resource.large else .3):
            fields.append(self.range(resource))
            fields += self.if_range(resource, color)
        elif self.maybe(.2):
            fields += self.conditions(resource, color)
        if self.maybe(.02):
            fields.append(b"X-Big: " + b"x" * self.rng.choice((4000, 15000)))
        if self.maybe(.05):
            fields.append(b"Connection: " + self.rng.choice(
                (b"close", b"keep-alive", b"x-token", b"close, te")))
        return Ask(method, resource, fields, version=version,
                   query=self.rng.choice(QUERIES),
                   spelling=self.rng.choice(SPELLINGS))

    def common(self):
        self.made += 1
        return [b"Host: a.test", b"X-Token: %d.%d" % (id(self), self.made)]

    def post(self):
        resource = self.rng.choice(RESOURCES)
        body = UPLOAD[:self.rng.choice((0, 5, 1000, 20000, 300000))]
        fields = self.common()
        if self.maybe(.5):
            ask = Ask(b"POST", resource, fields + [
                b"Content-Length: %d" % len(body)], body)
        else:
            if self.maybe(.5):
                fields.append(b"Expect: 100-continue")
            ask = Ask(b"POST", resource, fields + [
                b"Transfer-Encoding: chunked"], body)
            ask.framed = b"".join(self.chunks(body)) + b"0\r\n\r\n"
        ask.data += ask.framed
        return ask

    def chunks(self, body):
        n = self.rng.choice((1000, 70000, 300000))
        for at in range(0, len(body), n):
            piece = body[at:at + n]
            yield b"%x;x=y\r\n%s\r\n" % (len(piece), piece)

    def request(self):
        kind = self.rng.random()
        if kind < .06:
            return self.get(b"HEAD")
        if kind < .12:
            return self.post()
        return self.get(b"GET")

    # --- talking --------------------------------------------------------------

    async def send(self, w, data):
        if self.maybe(.05):
            for i in range(min(len(data), 400)):
                w.write(data[i:i + 1])
                await w.drain()
                await asyncio.sleep(0)
            data = data[400:]
        if self.maybe(.03):  # in two parts, the second one late or never
            half = self.rng.randrange(len(data) + 1)
            w.write(data[:half])
            await asyncio.sleep(self.rng.choice((.1, .5, 2)))
            data = data[half:]
        if w.transport.is_closing():
            raise ConnectionResetError
        w.write(data)
        if self.maybe(.04):
            w.transport.abort()
            raise ConnectionAbortedError
        if self.maybe(.04):
            w.write_eof()

    async def send_bad(self, read, w):
        bad = self.rng.choice(BAD + (self.rng.randbytes(200) + b"\r\n\r\n",))
        w.write(bad)
        try:
            head, _ = await read_answer(read, b"GET")
        except TimeoutError:
            self.judge.wrong.append(f"{bad[:80]!r}: silence")
            raise
        status = int(head.words[1])
        self.judge.seen[status] += 1
        if status < 400:
            self.judge.wrong.append(f"{bad[:80]!r} is answered with {status}")

    async def converse(self, read, w):
        """Some requests at once, and their answers; False: it is over."""
        if self.maybe(.03):
            await self.send_bad(read, w)
            return False
        asks = [self.request()
                for _ in range(self.rng.choice((1, 1, 1, 2, 5)))]
        await self.send(w, b"".join(ask.data for ask in asks))
        for ask in asks:
            try:
                head, body = await read_answer(read, ask.method)
            except TimeoutError:
                self.judge.complain(ask, None, f"silence for {PATIENCE_S} s")
                return False
            self.judge.judge(ask, head, body)
            self.judge.remember(ask, head)
            if b"close" in (head.get(b"connection") or b"") or \
                    self.maybe(.02):
                return False
            if ask.head.words[2] == b"HTTP/1.0" and \
                    not head.get(b"connection"):
                return False
        return True

    async def pause(self):
        await asyncio.sleep(self.rng.choice((0, .01, .05)))

    async def run(self):
        while not self.stopped:
            slow = self.maybe(.1)
            stream, w = await asyncio.open_connection(
                "127.0.0.1", self.rng.choice(self.ports),
                limit=1 << 16 if slow else 1 << 20)
            read = Reading(stream, PATIENCE_S,
                           self.pause if slow else None)
            try:
                while await self.converse(read, w) and not self.stopped \
                        and not self.maybe(.15):
                    if self.maybe(.05):
                        await asyncio.sleep(.5)
            except GONE:
                self.judge.seen["cut"] += 1
            finally:
                w.close()
