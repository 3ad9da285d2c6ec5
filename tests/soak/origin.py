"""The origin: it has content.py's content, in versions that change under
everybody's hands, and answers by the book; or, often, it does not: it stalls,
breaks off, resets, and lies. What it says that is not so has a field X-Lie,
so that a client who sees it knows that the node has no part in it; what no
node must pass on to anybody has none.

Every answer has X-Version. One that is for who asked only says in X-Private
who that is (the request's X-Token).
"""

import asyncio
import time

from content import KEYS, RESOURCES, Version, resolve
from wire import GONE, Head, Malformed, Reading, date, read_body, seconds_of

SHARED_LONG = (b"max-age=60", b"s-maxage=60, max-age=0",
               b"public, max-age=60, stale-if-error=20",
               b"max-age=60, must-revalidate")
SHARED = (b"max-age=1", b"max-age=2, must-revalidate", b"max-age=0",
          b"public, max-age=3", b"s-maxage=2, proxy-revalidate",
          b"max-age=1, stale-while-revalidate=3",
          b"max-age=1, stale-if-error=4",
          b"max-age=0, stale-while-revalidate=2, stale-if-error=4",
          b"no-cache", b'max-age=3, no-cache="X-Private"',
          b'max-age=3, private="X-Private"')
UNSHARED = (b"no-store", b"private", b"private, max-age=60")
FOREVER = (b"public", b"must-revalidate", b"s-maxage")
STALL_S = 1.5  # longer than the nodes' patience


class Origin:
    def __init__(self, rng):
        self.rng = rng
        self.number = [0] * KEYS
        # When each version came to its end.
        self.ended = [[] for _ in range(KEYS)]
        self.wrong = []

    def maybe(self, share):
        return self.rng.random() < share

    # --- versions -------------------------------------------------------------

    def change(self, key):
        self.ended[key].append(time.monotonic())
        self.number[key] += 1

    def age(self, version):
        """For how long it has been out of date."""
        key = version.resource.key
        ended = self.ended[key]
        return time.monotonic() - ended[version.number] \
            if version.number < len(ended) else 0

    async def change_now_and_then(self):
        loose = [r.key for r in RESOURCES if not r.posted]
        while True:
            await asyncio.sleep(.05)
            self.change(self.rng.choice(loose))

    # --- an answer by the book ------------------------------------------------

    def describe(self, version, request):
        """The fields that all answers about it have."""
        resource = version.resource
        control = self.rng.choice(
            UNSHARED if self.maybe(.12) else
            SHARED_LONG if resource.posted else SHARED)
        fields = [b"Date: " + date(time.time()),
                  b"X-Version: " + version.name,
                  b"Cache-Control: " + control]
        if version.etag:
            fields.append(b"ETag: " + version.etag)
        if version.modified:
            fields.append(b"Last-Modified: " + date(version.modified))
        if resource.varies:
            fields.append(b"Vary: " + self.rng.choice(
                (b"X-Color", b"x-color, X-Unheard-Of")))
        authorized = request.get(b"authorization") and \
            not any(word in control for word in FOREVER)
        if control in UNSHARED or b"X-Private" in control or authorized:
            fields.append(b"X-Private: " + (request.get(b"x-token") or b"-"))
        return fields

    def precondition(self, version, request):
        """304, 412, or None: none says anything else."""
        etag, modified = version.etag, version.modified
        wanted = request.get(b"if-match")
        if wanted and (wanted != etag or wanted.startswith(b"W/")):
            return 412
        match = request.get(b"if-none-match")
        if match:
            return 304 if etag and etag in match.split(b", ") else None
        since = request.get(b"if-modified-since")
        if since and modified and modified <= seconds_of(since):
            return 304
        return None

    def is_conditional(self, request):
        return request.get(b"if-none-match") or \
            request.get(b"if-modified-since")

    def parts(self, version, request):
        """What Range asks of it; None: all."""
        spec = request.get(b"range")
        unless = request.get(b"if-range")
        if not spec or not version.resource.ranges:
            return None
        if unless and unless != (version.etag or date(version.modified or 0)):
            return None
        if unless and unless.startswith(b"W/"):
            return None
        return resolve(spec, version.size)

    def multipart(self, version, parts):
        text = b"".join(
            b"\r\n--soak\r\nContent-Range: bytes %d-%d/%d\r\n\r\n" % (
                first, end - 1, version.size) + version.bytes(first, end)
            for first, end in parts)
        return text + b"\r\n--soak--\r\n"

    def content(self, version, request):
        """Status, further fields, body."""
        status = self.precondition(version, request)
        if status:
            return status, [], b""
        if self.maybe(.06):
            return self.rng.choice((404, 302, 204)), [], version.bytes()
        parts = self.parts(version, request)
        if parts is None:
            return 200, [], version.bytes()
        if not parts:
            return 416, [b"Content-Range: bytes */%d" % version.size], b""
        if len(parts) > 1:
            return 206, [b"Content-Type: multipart/byteranges; "
                         b"boundary=soak"], self.multipart(version, parts)
        (first, end), = parts
        return 206, [b"Content-Range: bytes %d-%d/%d" % (
            first, end - 1, version.size)], version.bytes(first, end)

    # --- one that is not ------------------------------------------------------

    def lie(self, version):
        """A whole answer that is not true, or not to what was asked. Its
        framing is good."""
        part = version.bytes(16, 48)
        return self.rng.choice((
            (206, [b"Content-Range: bytes 16-47/%d" % version.size], part),
            (206, [b"Content-Range: bytes 0-31/%d" % version.size], part),
            (206, [b"Content-Range: bytes 0-999/7"], part),
            (206, [b"Content-Range: bytes 16-900000/1000000"], part),
            (206, [b"Content-Range: lines 1-2/3"], part),
            (206, [], part),
            (304, [], b""),
            (304, [b'ETag: "lie"'], b"")))

    def broken(self, head, body):
        """Bytes that no parser may take for a whole answer."""
        length = b"Content-Length: %d\r\n" % len(body)
        chunked = b"Transfer-Encoding: chunked\r\n\r\n"
        return self.rng.choice((
            b"", b"garbage\r\n\r\n", head,
            head + length + chunked,
            head + length + b"Content-Length: 3\r\n\r\n" + body,
            head + b"Content-Length: -1\r\n\r\n" + body,
            head + b"Content-Length: %d\r\n\r\n" % (len(body) + 1) + body,
            head + b"Content-Length: %d\r\n\r\n" % (len(body) + 9) +
            body[:len(body) // 2],
            head + b"Transfer-Encoding: gzip\r\n\r\n" + body,
            head + chunked + b"%x\r\n" % (len(body) + 1) + body,
            head + chunked + b"%x\r\n" % (len(body) or 1) + body + b"xx0\r\n",
            head + chunked + b"zz\r\n" + body,
            b"HTTP/1.1 101 X\r\n\r\n" + head + length + b"\r\n" + body))

    async def break_off(self, w, head, body):
        if self.maybe(.2):
            await asyncio.sleep(STALL_S)
        w.write(self.broken(head, body))
        await w.drain()
        if self.maybe(.2):
            await asyncio.sleep(STALL_S)
        if self.maybe(.3):
            w.transport.abort()

    # --- sending --------------------------------------------------------------

    async def send_body(self, w, body, chunked):
        at = 0
        while at < len(body):
            n = self.rng.choice((7, 100, 5000, 70000))
            if len(body) > 10000 and n < 5000:
                n = 200000
            piece = body[at:at + n]
            w.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked
                    else piece)
            at += len(piece)
            await w.drain()
            if self.maybe(.02):
                await asyncio.sleep(.02)
        if chunked:
            w.write(self.rng.choice(
                (b"0\r\n\r\n", b"0;x=y\r\nX-Sum: 1\r\n\r\n")))

    async def interim(self, w):
        while self.maybe(.06):
            w.write(self.rng.choice((
                b"HTTP/1.1 100 Continue\r\n\r\n",
                b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")))
            await w.drain()

    async def send(self, w, method, status, fields, body):
        """Whole, in one of the ways there are; False: it ends with the
        connection."""
        bare = method == b"HEAD" or status in (204, 304)
        head = b"HTTP/1.1 %d X\r\n%s\r\n" % (status, b"\r\n".join(fields))
        if self.maybe(.08) and not bare and method != b"POST":
            w.write(head.replace(b"1.1", b"1.0", 1) + b"\r\n" + body)
            await w.drain()
            return False
        chunked = self.maybe(.4) and not bare
        framing = b"Transfer-Encoding: chunked\r\n" if chunked else \
            b"" if bare and status != 200 else \
            b"Content-Length: %d\r\n" % len(body)
        head += framing + b"\r\n"
        if self.maybe(.04) and not chunked and len(body) < 10000:
            # More than that, at once: it can't be told from an answer when it
            # comes after the next request.
            w.write(head + (b"" if bare else body) +
                    b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL")
        else:
            w.write(head)
            if not bare:
                await self.send_body(w, body, chunked)
        await w.drain()
        return True

    async def answer(self, read, w):
        """One request; False: the connection ends."""
        request = Head(await read.head())
        method, target, _ = request.words
        body = await read_body(read, request)
        if target == b"/health":
            w.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            return True
        path = target.partition(b"?")[0].replace(b"%6B", b"k")
        resource = RESOURCES[int(path.rpartition(b"k")[2])]
        if method == b"POST":
            return await self.take(w, resource, request, body)
        version = Version(resource.key,
                          resource.variant(request.get(b"x-color")),
                          self.number[resource.key])
        fields = self.describe(version, request)
        if method != b"HEAD" and self.maybe(.1):  # that has no body to break
            head = b"HTTP/1.1 200 X\r\nX-Broken: 1\r\n%s\r\n" % \
                b"\r\n".join(fields)
            await self.break_off(w, head, version.bytes())
            return False
        await self.interim(w)
        if self.maybe(.06):
            status, more, body = self.rng.choice((500, 502, 503, 504, 400)), \
                [b"X-Error: 1"], b"broken\n"
            fields = fields[:1]
        elif resource.lies and self.maybe(.15):
            status, more, body = self.lie(version)
            if status == 304:
                fields = fields[:1]
            # What is confirmed without need stays as it was, but for this.
            if status != 304 or more or not self.is_conditional(request):
                more.append(b"X-Lie: 1")
        else:
            status, more, body = self.content(version, request)
        return await self.send(w, method, status, fields + more, body) and \
            not self.maybe(.05)

    async def take(self, w, resource, request, body):
        """What is posted makes a new version; it is sent back."""
        if self.maybe(.05):
            await self.break_off(w, b"HTTP/1.1 200 X\r\n", body)
            return False
        self.change(resource.key)
        version = Version(resource.key, 0, self.number[resource.key])
        return await self.send(
            w, b"POST", self.rng.choice((200, 200, 201, 303)),
            [b"X-Echo: 1", b"X-Version: " + version.name,
             b"Cache-Control: no-store"], body)

    async def serve(self, r, w):
        read = Reading(r)
        try:
            while await self.answer(read, w):
                if self.maybe(.03):  # idle, then gone
                    await asyncio.sleep(.3)
                    break
        except Malformed as e:
            self.wrong.append(f"an origin is sent {e.args[0]!r}")
        except GONE:
            pass
        finally:
            w.close()
