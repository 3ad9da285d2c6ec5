"""A line with delay and loss: `wan`, a host of the lab behind `client`.

usage: wan.py DELAY_MS LOSS_PERCENT [SEED]

Makes the namespace sevenfold-wan, whose packets pass through here and are held
for DELAY_MS each way, or dropped. Runs until it is ended. `lab down` removes
the namespace.
"""

import collections
import ctypes
import fcntl
import os
import random
import select
import struct
import subprocess
import sys
import threading
import time

ADDR = "198.18.0.77"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
libc = ctypes.CDLL(None, use_errno=True)


def ip(host, *words):
    subprocess.run(["ip", "-n", f"sevenfold-{host}", *words], check=True)


def enter(host):
    fd = os.open(f"/run/netns/sevenfold-{host}", os.O_RDONLY)
    if libc.setns(fd, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")
    os.close(fd)


def tun(host):
    enter(host)
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH14x", b"wan0",
                                           IFF_TUN | IFF_NO_PI))
    return fd


def set_sysctl(path, value):
    with open(f"/proc/sys/net/{path}", "w") as f:
        f.write(value)


def pass_on(source, sink, delay_s, loss, rng):
    held = collections.deque()
    while True:
        wait = max(0, held[0][0] - time.monotonic()) if held else None
        if select.select([source], [], [], wait)[0]:
            packet = os.read(source, 65536)
            if rng.random() >= loss:
                held.append((time.monotonic() + delay_s, packet))
        while held and held[0][0] <= time.monotonic():
            try:
                os.write(sink, held.popleft()[1])
            except OSError:
                pass  # the other end goes down


def main():
    delay_s, loss = float(sys.argv[1]) / 1000, float(sys.argv[2]) / 100
    rng = random.Random(sys.argv[3] if len(sys.argv) > 3 else 0)
    subprocess.run(["ip", "netns", "add", "sevenfold-wan"], check=True)
    far = tun("wan")
    set_sysctl("ipv4/tcp_congestion_control", "reno")
    ip("wan", "addr", "add", f"{ADDR}/32", "dev", "wan0")
    ip("wan", "link", "set", "lo", "up")
    ip("wan", "link", "set", "wan0", "up", "txqueuelen", "10000")
    ip("wan", "route", "add", "default", "dev", "wan0")
    near = tun("client")
    set_sysctl("ipv4/ip_forward", "1")
    set_sysctl("ipv4/neigh/eth0/proxy_delay", "0")
    ip("client", "link", "set", "wan0", "up", "txqueuelen", "10000")
    ip("client", "route", "add", f"{ADDR}/32", "dev", "wan0")
    ip("client", "neigh", "add", "proxy", ADDR, "dev", "eth0")
    for ends in ((far, near), (near, far)):
        threading.Thread(target=pass_on, args=(*ends, delay_s, loss, rng),
                         daemon=True).start()
    print("ready", flush=True)
    signal_forever = threading.Event()
    signal_forever.wait()


main()
