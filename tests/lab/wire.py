"""Counts what crosses the interface of the host that it runs in, until its
input ends: wire.py VIP PEER_PORT. Says, as JSON, by kind the frames and their
bytes, as the links count them: what nodes say to each other (peer), clients'
packets that are passed on (forwarded), datagrams (told).
"""

import collections
import json
import select
import socket
import sys

ETH_P_ALL, OUTGOING = 3, 4


def kind_of(f, outgoing, vip, peer_port):
    if f[12:14] != b"\x08\0" or f[14] != 0x45:
        return None
    ports = (f[34] << 8 | f[35], f[36] << 8 | f[37])
    if f[23] == socket.IPPROTO_UDP:
        return "told"
    if peer_port in ports:
        return "peer"
    return "forwarded" if outgoing and f[30:34] == vip else None


def main():
    vip, peer_port = socket.inet_aton(sys.argv[1]), int(sys.argv[2])
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                      socket.htons(ETH_P_ALL))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
    frames, octets = collections.Counter(), collections.Counter()
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([s, sys.stdin], [], [])
        if s not in ready:
            break
        f, (name, _, direction, *_) = s.recvfrom(65536)
        if name == "lo":
            continue
        kind = kind_of(f, direction == OUTGOING, vip, peer_port)
        frames[kind] += 1
        octets[kind] += len(f)
    print(json.dumps({k: [frames[k], octets[k]]
                      for k in ("peer", "forwarded", "told")}))


main()
