"""HTTP/1.1 as both sides of the soak read it."""

import asyncio
import email.utils

# What a peer that misbehaves brings about.
GONE = (EOFError, OSError, ValueError, RuntimeError)
PIECE = 1 << 16


def date(seconds):
    return email.utils.formatdate(seconds, usegmt=True).encode()


def seconds_of(text):
    return int(email.utils.parsedate_to_datetime(
        text.decode()).timestamp())


class Head:
    def __init__(self, raw):
        first, *lines = raw[:-4].split(b"\r\n")
        self.words = first.split(b" ", 2)
        self.raw = raw
        self.fields = {}
        for line in lines:
            name, _, value = line.partition(b":")
            self.fields.setdefault(name.lower(), []).append(value.strip())

    def get(self, name):
        """All values of it, joined; None when there is none."""
        values = self.fields.get(name)
        return b", ".join(values) if values else None


async def read_chunks(read):
    pieces = []
    while True:
        n = int((await read.line()).split(b";")[0], 16)
        if n == 0:
            while await read.line() != b"\r\n":  # trailers
                pass
            return b"".join(pieces)
        pieces.append((await read.exactly(n + 2))[:-2])


async def read_body(read, head, to_the_end=False):
    if (head.get(b"transfer-encoding") or b"").lower().endswith(b"chunked"):
        return await read_chunks(read)
    length = head.get(b"content-length")
    if length is not None:
        return await read.exactly(int(length))
    return await read.rest() if to_the_end else b""


async def read_answer(read, method):
    """Head and body of the final answer."""
    while True:
        head = Head(await read.head())
        status = int(head.words[1])
        if status >= 200:
            break
    if method == b"HEAD" or status in (204, 304):
        return head, b""
    return head, await read_body(read, head, to_the_end=True)


class Reading:
    """A stream, read as fast as it comes, or slowly. Who says nothing for
    patience_s gets a TimeoutError."""

    def __init__(self, stream, patience_s=None, pause=None):
        self.stream = stream
        self.patience_s = patience_s
        self.pause = pause  # awaited now and then

    async def head(self):
        return await self._until(b"\r\n\r\n")

    async def line(self):
        return await self._until(b"\n")

    async def _until(self, what):
        try:
            async with asyncio.timeout(self.patience_s):
                return await self.stream.readuntil(what)
        except asyncio.LimitOverrunError as e:
            raise EOFError from e

    async def _some(self, n):
        if self.pause:
            await self.pause()
        async with asyncio.timeout(self.patience_s):
            return await self.stream.read(min(n, PIECE))

    async def exactly(self, n):
        pieces = []
        while n:
            piece = await self._some(n)
            if not piece:
                raise EOFError
            pieces.append(piece)
            n -= len(piece)
        return b"".join(pieces)

    async def rest(self):
        pieces = []
        while piece := await self._some(PIECE):
            pieces.append(piece)
        return b"".join(pieces)
