#!/usr/bin/python3
"""run.py SUITE [--peers] [--json FILE]: the tests for HTTP caches of the npm
package http-cache-tests, in the folder SUITE, against a node by itself, and
against one of two, which asks the other for every second URL.

Their author calls them no test of conformance: they tell how a cache behaves.
Some of them are about what is required, some about what an optimal cache does;
of others, in which caches just differ, nothing is said here. What does not pass
is in `deviations`, with a reason; else this fails, as it does when what is
there passes. With --peers Debian's caches are asked, too, each in a
configuration that leaves all decisions to it.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "engine"))

import peers  # noqa: E402
import suite_relay  # noqa: E402
from procs import CLIENT_CORE, BenchError, Place, program  # noqa: E402

ASKED = ("required", "optimal")
PEERS = [peer for peer in peers.HIT_PEERS
         if peer.name in ("nginx cache", "varnish", "trafficserver", "squid")]
ASK_S = 300


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    p.add_argument("suite", type=pathlib.Path)
    p.add_argument("--peers", action="store_true",
                   help="also ask nginx, Varnish, Traffic Server and Squid")
    p.add_argument("--json", type=pathlib.Path, metavar="FILE",
                   help="write all results there")
    p.add_argument("--sevenfold", default=os.environ.get(
        "SEVENFOLD", peers.ROOT / "build" / "sevenfold"), help="the program")
    return p.parse_args()


def start_origin(place, suite):
    """The suite's: it answers each request as its test asks, others with the
    files of its folder."""
    folder, port = place.make_folder("origin"), place.port()
    (folder / "100").touch()  # for nodes to meet by
    return place.start("origin", [
        "env", "npm_config_protocol=http", f"npm_config_port={port}",
        f"npm_config_pidfile={folder / 'pid'}", program("node"),
        suite / "server" / "server.mjs"], port, folder, CLIENT_CORE)


def start_nodes(place, sevenfold, origin):
    """name -> the one to ask"""
    alone = peers.start_node(place, sevenfold, "n1", origin, "64M")
    port, names = place.port(), suite_relay.NODES
    n1, _ = (peers.start_node(place, sevenfold, name, origin, "64M", port,
                              names) for name in names)
    suite_relay.wait_for_peers(n1)
    return {"Sevenfold": alone, "Sevenfold, two nodes": n1}


def ask(suite, server):
    """All that came of the tests, as ask.mjs says."""
    done = subprocess.run(
        [program("node"), "--no-warnings", HERE / "ask.mjs", suite,
         f"http://127.0.0.1:{server.port}"],
        timeout=ASK_S, capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"asking {server.name}:\n{done.stderr}")
    return json.loads(done.stdout)


def read_deviations():
    """id -> why"""
    found = {}
    for line in (HERE / "deviations").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, why = line.partition("\t")
            found[name] = why.strip()
    return found


def judge(told, known):
    """What differs from what is known, in lines."""
    failed = {t["id"]: t for t in told
              if t["kind"] in ASKED and not t["passed"]}
    return [f"{name}: {t['name']}: {t['why']}"
            for name, t in failed.items() if name not in known] + \
           [f"{name}: is in deviations, and passes or is not asked"
            for name in known if name not in failed]


def table(results):
    """A line per server: how many tests of each kind passed."""
    yield "| cache | " + " | ".join(ASKED) + " |"
    yield "|---|" + "--:|" * len(ASKED)
    for name, told in results.items():
        cells = []
        for kind in ASKED:
            of = [t["passed"] for t in told if t["kind"] == kind]
            cells.append(f"{sum(of)} of {len(of)}")
        yield f"| {name} | " + " | ".join(cells) + " |"


def main():
    options = parse()
    suite = options.suite.resolve()
    with Place() as place:
        origin = start_origin(place, suite).port
        nodes = start_nodes(
            place, peers.find_sevenfold(options.sevenfold), origin)
        others = {peer.name: peers.start(place, peer, origin)
                  for peer in PEERS} if options.peers else {}
        results = {name: ask(suite, server)
                   for name, server in {**nodes, **others}.items()}
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    print("\n".join(table(results)))
    known = read_deviations()
    differs = [f"{name}: {line}" for name in nodes
               for line in judge(results[name], known)]
    for line in differs:
        print(f"NOT AS EXPECTED: {line}")
    return 1 if differs else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as e:
        sys.exit(f"cachetests: {e}")
