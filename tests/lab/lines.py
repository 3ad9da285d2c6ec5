#!/usr/bin/python3
"""How many links' worth of answers a cluster sends whose links are what is
scarce, with connections that move and without.

usage: tests/lab/lines.py [--nodes N] [--link RATE] [--sizes N,N]
                          [--connections N] [--seconds N] [--json]

As root. For each size, of objects that are all as popular as each other, a closed
loop of so many connections for each node, first on one node, then on N; a table:

	Mbit/s    of bodies
	by one    the same, by what one node sends
	crossing  bytes that nodes sent for each that came to the client
	moved     of all requests

The goal at 16 nodes is 0.95 x 16 by one, and a crossing of 1.05.
"""

import argparse
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from conftest import end_nodes, lab_up, only_lab, sevenfold  # noqa: E402
from meters import (from_host_bytes, node_names, to_client_bytes,  # noqa: E402
                    total)
from traffic import crowd, free_origin, one_object  # noqa: E402

OBJECTS = 200
WARM_S = 10


def measure(args, origin, size, nodes, handoff):
    lab_up("--nodes", nodes, "--link", args.link, "--origin-conf", origin,
           "--handoff", handoff, "--memory", "500m")
    free_origin()
    clients = args.connections * nodes
    crowd(WARM_S, clients, OBJECTS, 0, 7)
    sent = from_host_bytes(node_names(nodes))
    came, moved, asked = to_client_bytes(), total("given"), total("requests")
    r = crowd(args.seconds, clients, OBJECTS, 0, 8)
    result = {
        "size": size, "nodes": nodes, "handoff": handoff, "wrong": r["wrong"],
        "mbit_per_s": r["requests_per_s"] * size * 8 / 1e6,
        "crossing": (from_host_bytes(node_names(nodes)) - sent) /
                    (to_client_bytes() - came),
        "moved": (total("given") - moved) / (total("requests") - asked),
    }
    end_nodes()
    sevenfold("lab", "down")
    return result


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--nodes", type=int, default=16)
    p.add_argument("--link", default="20mbit")
    p.add_argument("--sizes", default="23000,100000,1000000")
    p.add_argument("--connections", type=int, default=20)
    p.add_argument("--seconds", type=int, default=15)
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
