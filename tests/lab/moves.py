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
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from conftest import end_nodes, lab_up, only_lab, sevenfold  # noqa: E402
from meters import node_names, parked, resets, tcp_counter, total  # noqa: E402
from traffic import mixed_sizes, replay, write_log  # noqa: E402

LINES = 20000  # of a log that is replayed again and again
STALL_MS = 150


def play(args, log):
    return replay(log, "--close", "--connections", args.connections,
                  *(["--rate", args.rate] if args.rate else []))


def again(args):
    return sum(tcp_counter(n, "TcpRetransSegs") for n in node_names(args.nodes))


def measure(args, log, origin, handoff):
    lab_up("--nodes", args.nodes, "--origin-conf", origin, "--handoff", handoff,
           *(["--link", args.link] if args.link else []))
    play(args, log)  # fills the caches
    given, resent = total("given"), again(args)
    runs = []
    while sum(r["requests"] for r in runs) * (1 - 1 / args.nodes) < args.moves:
        runs.append(play(args, log))
    slow = sorted(r["latency_max_ns"] / 1e6 for r in runs)
    middle = sorted(runs, key=lambda r: r["latency_p50_ns"])[len(runs) // 2]
    result = {
        "handoff": handoff, "requests": sum(r["requests"] for r in runs),
        "moved": total("given") - given,
        "wrong": sum(r["wrong"] for r in runs),
        "resets": resets(),
        "given_up": total("moves_failed") + total("moves_refused"),
        "parked": parked(), "sent_again": again(args) - resent,
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
        log, origin = write_log(pathlib.Path(folder), LINES, mixed_sizes())
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
