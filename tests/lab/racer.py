"""A client that does what clients do at bad moments, against HOST:PORT.

usage: racer.py HOST PORT ROOT SECONDS SEED [BEHAVIOUR...]

ROOT has the objects' files. Every byte of every answer is checked. Prints a
line of JSON: how often each behaviour was tried, and what went wrong.
"""

import asyncio
import json
import os
import pathlib
import random
import socket
import struct
import sys
import time

HOST, PORT, ROOT, SECONDS, SEED = sys.argv[1:6]
FAMILY, NAME = ((socket.AF_INET6, f"[{HOST}]") if ":" in HOST else
                (socket.AF_INET, HOST))
FILES = {f.name: f.read_bytes() for f in pathlib.Path(ROOT).glob("*.bin")}
NAMES = sorted(FILES)
PATIENCE_S = 20
tried, wrong, slowest = {}, {}, [0.0, ""]


class Wrong(Exception):
    pass


async def read_head(r):
    head = await r.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    fields = dict(line.lower().split(b": ", 1)
                  for line in head.split(b"\r\n")[1:-2])
    return status, fields


async def read_answer(r, name, first=0, last=None, head_only=False):
    status, fields = await read_head(r)
    body = FILES[name][first:last]
    if status != (200 if last is None else 206):
        raise Wrong(f"status {status}")
    if int(fields[b"content-length"]) != len(body):
        raise Wrong(f"length {fields[b'content-length']} of {name}")
    if not head_only and await r.readexactly(len(body)) != body:
        raise Wrong("bytes")


def request(name, method="GET", more=""):
    return (f"{method} /{name} HTTP/1.1\r\nHost: {NAME}\r\n{more}"
            "\r\n").encode()


async def timed(what, name):
    start = time.monotonic()
    await what
    took = time.monotonic() - start
    if took > slowest[0]:
        slowest[:] = [took, name]


# --- behaviours: a connection each --------------------------------------------

async def keep_alive(r, w, rng):
    for _ in range(rng.randrange(1, 12)):
        name = rng.choice(NAMES)
        w.write(request(name))
        await timed(read_answer(r, name), "keep_alive")
        if rng.random() < 0.1:
            await asyncio.sleep(rng.random() * 0.02)


async def pipelined(r, w, rng):
    for _ in range(3):
        names = [rng.choice(NAMES) for _ in range(rng.randrange(2, 6))]
        text = b"".join(map(request, names))
        cut = rng.randrange(len(text))
        w.write(text[:cut])
        if rng.random() < 0.7:
            await asyncio.sleep(rng.random() * 0.003)
        w.write(text[cut:])
        for name in names:
            await read_answer(r, name)


async def in_pieces(r, w, rng):
    for _ in range(3):
        name = rng.choice(NAMES)
        text = request(name)
        while text:
            n = rng.randrange(1, 30)
            w.write(text[:n])
            text = text[n:]
            await asyncio.sleep(0)
        await read_answer(r, name)


async def half_close(r, w, rng):
    name = rng.choice(NAMES)
    w.write(request(name))
    if rng.random() < 0.7:
        await asyncio.sleep(rng.random() * 0.002)
    w.write_eof()
    await read_answer(r, name)
    if await r.read(1):
        raise Wrong("more than the answer")


async def reset(r, w, rng):
    w.write(request(rng.choice(NAMES)))
    await asyncio.sleep(rng.random() * 0.003)
    w.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    w.transport.abort()


async def leave(r, w, rng):
    w.write(request(rng.choice(NAMES)))
    await asyncio.sleep(rng.random() * 0.003)


async def upload(r, w, rng):
    body = rng.randbytes(rng.randrange(1, 200000))
    w.write(request(rng.choice(NAMES), "POST",
                    f"Content-Length: {len(body)}\r\n") + body)
    _, fields = await read_head(r)
    await r.readexactly(int(fields.get(b"content-length", 0)))
    if fields.get(b"connection") != b"close":
        await keep_alive(r, w, rng)


async def slow(r, w, rng):
    name = max(NAMES, key=lambda n: len(FILES[n]))
    w.write(request(name))
    await asyncio.sleep(0.3)  # its window is zero by then
    await read_answer(r, name)


async def ranges(r, w, rng):
    for _ in range(4):
        name = rng.choice([n for n in NAMES if len(FILES[n]) > 10])
        first = rng.randrange(len(FILES[name]) - 1)
        last = rng.randrange(first, len(FILES[name]))
        w.write(request(name, "GET", f"Range: bytes={first}-{last}\r\n"))
        await read_answer(r, name, first, last + 1)
        w.write(request(name, "HEAD"))
        await read_answer(r, name, head_only=True)


BEHAVIOURS = {f.__name__: f for f in (
    keep_alive, pipelined, in_pieces, half_close, reset, leave, upload, slow,
    ranges)}


async def once(rng, names):
    name = rng.choice(names)
    s = socket.socket(FAMILY)
    s.setblocking(False)
    if name == "slow":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    w = None
    try:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(s, (HOST, int(PORT)))
        r, w = await asyncio.open_connection(sock=s, limit=1 << 16)
        await asyncio.wait_for(BEHAVIOURS[name](r, w, rng), PATIENCE_S)
        tried[name] = tried.get(name, 0) + 1
    except (Wrong, OSError, EOFError, asyncio.TimeoutError, ValueError) as e:
        what = f"{name}: {type(e).__name__} {e}"[:90]
        wrong[what] = wrong.get(what, 0) + 1
    finally:
        if w:
            w.close()
        else:
            s.close()


async def again_and_again(seed, names, until):
    rng = random.Random(seed)
    while time.monotonic() < until:
        await once(rng, names)


async def main():
    until = time.monotonic() + float(SECONDS)
    names = sys.argv[6:] or sorted(BEHAVIOURS)
    await asyncio.gather(*(again_and_again(f"{SEED}-{i}", names, until)
                           for i in range(int(os.environ.get("RACERS", 24)))))
    print(json.dumps({"tried": tried, "wrong": wrong,
                      "slowest_ms": round(slowest[0] * 1000, 1)}))


asyncio.run(main())
