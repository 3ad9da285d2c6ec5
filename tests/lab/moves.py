#!/usr/bin/python3
"""Very many connections, each of which is moved to its object's owner, and the
same requests relayed: a table of both.

usage: tests/lab/moves.py [--moves N] [--nodes N] [--connections N]
                          [--rate N] [--link RATE] [--json]

As root. Clients replay a log of objects of 300 bytes to 150 KB, a mean of some
23 KB, on a new connection for each request, and compare every byte. Fails when
anything went wrong: a body that is not the right one, a connection reset, a move
that was given up or refused, or something that moving leaves behind. A stall is
a request that took longer than 150 ms. Of the TCP segments sent again, and of
times, both ways are told: with --rate, of a machine that is not at its end, where
what is sent again is not what waited for a processor.
"""

import argparse
import json
import pathlib
import random
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from conftest import (SEVENFOLD, VIP, end_nodes, lab_exec, lab_up,  # noqa: E402
                      only_lab, sevenfold, status)

OBJECTS = 300
LINES = 20000  # of a log that is replayed again and again
STALL_MS = 150


def write_log(folder):
    rng = random.Random(11)
    sizes = [int(300 * 2 ** (rng.random() ** 2 * 9)) for _ in range(OBJECTS)]
    log = folder / "access.log"
    log.write_text("".join(
        f'c - - [01/Aug/1995:06:00:00 +0000] "GET /{i}.bin HTTP/1.0" 200 '
        f'{sizes[i]}\n'
        for i in (rng.randrange(OBJECTS) for _ in range(LINES))))
    sevenfold("bench", "replay", log, "--prepare", folder)
    folder.chmod(0o755)
    return log, folder / "nginx.conf"


def tcp_counter(host, name):
    """One of the kernel's counters of TCP, of a host."""
    lines = lab_exec(host, "cat", "/proc/net/snmp",
                     "/proc/net/netstat").stdout.splitlines()
    for keys, values in zip(lines[::2], lines[1::2]):
        if name in keys.split():
            return int(values.split()[keys.split().index(name)])
    raise KeyError(name)


def nodes_of(args):
    return [f"n{i + 1}" for i in range(args.nodes)]


def replay(args, log):
    said = lab_exec("client", SEVENFOLD, "bench", "replay", log, "--target",
                    f"{VIP}:80", "--close", "--connections", args.connections,
                    *(["--rate", args.rate] if args.rate else []),
                    "--json", timeout=600).stdout
    return json.loads(said)


def total(counter):
    return sum(n["counters"][counter] for n in status("n1")["nodes"])


def left_over():
    return sum(n["handoff"]["packets"]["parked_now"]
               for n in status("n1")["nodes"] if "handoff" in n)


def again(args):
    return sum(tcp_counter(n, "RetransSegs") for n in nodes_of(args))


def measure(args, log, origin, handoff):
    lab_up("--nodes", args.nodes, "--origin-conf", origin, "--handoff", handoff,
           *(["--link", args.link] if args.link else []))
    replay(args, log)  # fills the caches
    given, resent = total("given"), again(args)
    runs = []
    while sum(r["requests"] for r in runs) * (1 - 1 / args.nodes) < args.moves:
        runs.append(replay(args, log))
    slow = sorted(r["latency_max_ns"] / 1e6 for r in runs)
    middle = sorted(runs, key=lambda r: r["latency_p50_ns"])[len(runs) // 2]
    result = {
        "handoff": handoff, "requests": sum(r["requests"] for r in runs),
        "moved": total("given") - given,
        "wrong": sum(r["wrong"] for r in runs),
        "resets": tcp_counter("client", "EstabResets"),
        "given_up": total("moves_failed") + total("moves_refused"),
        "parked": left_over(), "sent_again": again(args) - resent,
        "p50_ms": middle["latency_p50_ns"] / 1e6,
        "p99_ms": middle["latency_p99_ns"] / 1e6, "slowest_ms": slow[-1],
        "runs_with_stalls": sum(ms > STALL_MS for ms in slow),
        "runs": len(runs),
    }
    end_nodes()
    sevenfold("lab", "down")
    return result


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--moves", type=int, default=100000)
    p.add_argument("--nodes", type=int, default=4)
    p.add_argument("--connections", type=int, default=16)
    p.add_argument("--rate", type=int)
    p.add_argument("--link", default="")
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log, origin = write_log(pathlib.Path(folder))
        with only_lab():
            results = [measure(args, log, origin, h) for h in ("off", "on")]
    if args.json:
        print(json.dumps(results))
    else:
        for key in results[0]:
            print(f"{key:18}", *(
                f"{r[key]:>12.3f}" if isinstance(r[key], float)
                else f"{r[key]:>12}" for r in results))
    moved = results[1]
    bad = [key for key in ("wrong", "resets", "given_up", "parked")
           if moved[key]]
    if moved["moved"] < args.moves:
        bad.append("moved")
    if bad:
        sys.exit(f"moves.py: not as it is to be: {', '.join(bad)}")


if __name__ == "__main__":
    main()
