#!/usr/bin/python3
"""How many links' worth of answers a cluster sends whose links are what is
scarce, with connections that move and without.

usage: tests/lab/lines.py [--nodes N] [--link RATE] [--sizes N,N]
                          [--connections N] [--warm S] [--seconds S]
                          [--json]

As root. For each size, of objects that are all as popular as each other, a closed
loop of so many connections for each node, first on one node, then on N; a table:

	Mbit/s    that came to the client, with all headers
	by one    the same, by what came from one node
	crossing  bytes that nodes sent for each that came to the client
	moved     of all requests

The goal at 16 nodes is 0.95 x 16 by one, and a crossing of 1.05. For 1 MB give
--connections 20 --warm 60: with 63 an answer takes longer than clients wait, and
those of a cold cluster, which cross it, longer than 20 s.
"""

import argparse
import concurrent.futures
import json
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from conftest import end_nodes, lab_up, only_lab, sevenfold  # noqa: E402
from meters import (from_host_bytes, node_names, to_client_bytes,  # noqa: E402
                    total)
from traffic import crowd, free_origin, one_object  # noqa: E402

OBJECTS = 200


class Reading:
    """Of all that a row is made of."""

    def __init__(self, nodes):
        self.at = time.monotonic()
        self.came = to_client_bytes()
        self.sent = from_host_bytes(node_names(nodes))
        self.moved, self.asked = total("given"), total("requests")


def measure(args, origin, size, nodes, handoff):
    lab_up("--nodes", nodes, "--link", args.link, "--client-link", "10gbit",
           "--origin-conf", origin, "--handoff", handoff, "--memory", "500m")
    free_origin()
    seconds = args.warm + args.seconds
    with concurrent.futures.ThreadPoolExecutor() as pool:
        load = pool.submit(crowd, seconds + 2, args.connections * nodes,
                           OBJECTS, 0, 7)
        time.sleep(args.warm)
        a = Reading(nodes)
        time.sleep(args.seconds)
        b = Reading(nodes)
        wrong = load.result()["wrong"]
    result = {
        "size": size, "nodes": nodes, "handoff": handoff, "wrong": wrong,
        "mbit_per_s": (b.came - a.came) * 8 / 1e6 / (b.at - a.at),
        "crossing": (b.sent - a.sent) / (b.came - a.came),
        "moved": (b.moved - a.moved) / (b.asked - a.asked),
    }
    end_nodes()
    sevenfold("lab", "down")
    return result


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--nodes", type=int, default=16)
    p.add_argument("--link", default="20mbit")
    p.add_argument("--sizes", default="23000,100000,1000000")
    p.add_argument("--connections", type=int, default=63)
    p.add_argument("--warm", type=int, default=20)
    p.add_argument("--seconds", type=int, default=20)
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    print(f"{'bytes':>8}{'nodes':>6}{'handoff':>9}{'Mbit/s':>8}{'by one':>8}"
          f"{'crossing':>10}{'moved':>7}{'wrong':>7}",
          file=sys.stderr if args.json else sys.stdout)
    with tempfile.TemporaryDirectory(prefix="sevenfold-") as folder:
        pathlib.Path(folder).chmod(0o755)
        for size in map(int, args.sizes.split(",")):
            measure_size(args, pathlib.Path(folder), size)


def measure_size(args, folder, size):
    origin = one_object(folder, size)
    one = None
    for nodes, handoff in ((1, "off"), (args.nodes, "off"),
                           (args.nodes, "auto")):
        with only_lab():
            r = measure(args, origin, size, nodes, handoff)
        one = one or r["mbit_per_s"]
        r["by_one"] = r["mbit_per_s"] / one
        if args.json:
            print(json.dumps(r), flush=True)
        else:
            print(f"{size:8}{nodes:6}{handoff:>9}{r['mbit_per_s']:8.1f}"
                  f"{r['by_one']:8.2f}{r['crossing']:10.3f}{r['moved']:7.2f}"
                  f"{r['wrong']:7}", flush=True)


if __name__ == "__main__":
    main()
