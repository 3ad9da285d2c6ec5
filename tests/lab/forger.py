"""Somebody who has a node's address and knows all but the secret. Says, as JSON,
of each of his attempts whether it was cut off.

usage: forger.py ME PEER
"""

import concurrent.futures
import json
import socket
import struct
import sys

ME, PEER = sys.argv[1:]


def frame(kind, stream, payload):
    return struct.pack("!II", kind << 24 | len(payload), stream) + payload


def read(s, n):
    text = b""
    while len(text) < n:
        more = s.recv(n - len(text))
        if not more:
            raise EOFError
        text += more
    return text


def read_hello(s):
    n, _ = struct.unpack("!II", read(s, 8))
    assert n >> 24 == 1
    return read(s, n & 0xffffff)


def read_record(s):
    # Two lengths, of 20 bits each, and a tag.
    n = read(s, 5)
    return n + read(s, 16 + (int.from_bytes(n, "big") >> 20))


def ends(s):
    s.settimeout(5)
    try:
        while s.recv(4096):
            pass
        return True
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def hello(theirs, bulk=0):
    """Like theirs, but from another node."""
    name, version, cluster, _, checksum, *_ = theirs
    return (f"{name} {version} {cluster} n2 {checksum} 0123456789abcdef "
            f"{bulk:08x} 000000000001").encode()


def dialled():
    # Others that wait are not for us: they give up after a while.
    with socket.create_server((ME, 7077)) as listener:
        s, _ = listener.accept()
    theirs = read_hello(s).decode().split()
    s.sendall(frame(1, 0, hello(theirs)))
    return s, theirs, read_record(s)


def talk(make, bulk=0):
    s = socket.create_connection((PEER, 7077), source_address=(ME, 0))
    s.sendall(frame(1, 0, hello(theirs, bulk)))
    if not bulk:
        read_hello(s)
        record = read_record(s)
        s.sendall(make(record))
    return ends(s)


# The peer dials us, and says what there is to know but the secret.
s, theirs, _ = dialled()
said = {"no proof": ends(s)}
s, _, record = dialled()
s.sendall(record)
said["its own words"] = ends(s)

junk = bytes(range(256))
lies = {
    "its own words, dialled": lambda r: r,
    "a purge": lambda r: frame(13, 1, b"all" + junk),
    "a roster": lambda r: frame(18, 0, junk),
    "a small frame": lambda r: frame(11, 0, b""),
    "a question": lambda r: frame(2, 1, b"GET http://a/ HTTP/1.1" + junk),
    "a move": lambda r: frame(32, 1, junk),
    "a long record": lambda r: bytes([255] * 5),
    "a record": lambda r: (256 << 20).to_bytes(5, "big") + junk,
}
# Some are only given up after a while.
with concurrent.futures.ThreadPoolExecutor(len(lies) + 1) as pool:
    waits = {name: pool.submit(talk, make) for name, make in lies.items()}
    waits["a body's connection"] = pool.submit(talk, None, 1)
    said |= {name: wait.result() for name, wait in waits.items()}
print(json.dumps(said))
