#!/usr/bin/python3
"""What each placement policy makes of a crowd, in the lab: a table.

usage: tests/lab/placement.py [--nodes N] [--link RATE] [--seconds N]
                              [--connections N] [--objects N,N] [--alphas A,A]
                              [--policies P,P] [--flash] [--json]

As root. For each policy, number of objects and Zipf exponent it makes a lab
whose links are the bottleneck, lets a crowd in, and tells

	of rr     requests a second, as a share of what round robin has
	copies    objects held in all caches, by the number of different ones
	peak      answers from the busiest node, by the mean
	fetches   of the origin, by the number of different objects

The paper's policies are as the paper has them: no copies, no bound. hrw+ is
what sevenfold does if nobody says otherwise. With --flash, half of all requests
are, from one moment on, for an object that nobody knew; told is how much more
than the mean the busiest node answered in each second after that, and over four
seconds beginning two seconds later, and what the origin saw of it. (Of a hundred
answers a second each, the busiest of 16 nodes has 1.19 times the mean by chance.)
"""

import argparse
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from conftest import STATE, VIP, end_nodes, lab_up, only_lab, sevenfold  # noqa: E402
from meters import counters  # noqa: E402
from traffic import crowd, free_origin, one_object  # noqa: E402

BYTES = 10000
PAPER = "copies 1; bound off; warmup off"
POLICIES = {
    "rr": f"policy rr; {PAPER}",
    "md5": f"policy md5; {PAPER}",
    "mit_ch": f"policy mit_ch; {PAPER}",
    "carp": f"policy carp; {PAPER}",
    "mod_ch": f"policy mod_ch; {PAPER}",
    "ht_rr": f"policy ht_rr local; {PAPER}",
    "ht_rr_shared": f"policy ht_rr shared; {PAPER}",
    "hrw": f"policy hrw; {PAPER}",
    "hrw+": "policy hrw",
    "maglev+": "policy maglev",
    "carp+": "policy carp",
}


def write_files(folder, nodes, policy):
    """A configuration, and an origin's."""
    lines = "\n".join(f"node n{i} 198.18.1.{i}" for i in range(1, nodes + 1))
    conf = folder / "lab.conf"
    conf.write_text(f"""cluster lab {{
vip {VIP}:80
workers 1
cache 64M
{lines}
{POLICIES[policy]}
}}
site * {{ origin http://198.18.0.3:80 }}
""")
    return conf, one_object(folder, BYTES)


def fetched():
    lines = (STATE / "logs/origin-access.log").read_text().splitlines()
    return [line.split()[0] for line in lines]


def measure(args, folder, policy, objects, alpha):
    conf, nginx = write_files(folder, args.nodes, policy)
    lab_up("--nodes", args.nodes, "--conf", conf,
           "--origin-conf", nginx, "--link", args.link)
    free_origin()
    crowd(args.warm, args.connections, objects, alpha, 7)
    r = crowd(args.seconds, args.connections, objects, alpha, 8)
    held = sum(c["objects"] for c in counters().values())
    urls = fetched()
    different = len(set(urls))
    result = {"policy": policy, "objects": objects, "alpha": alpha,
              "requests_per_s": r["requests_per_s"], "wrong": r["wrong"],
              "copies": held / different, "peak": r["peak"],
              "fetches": len(urls) / different,
              "p99_ms": r["latency_p99_ns"] / 1e6, "outcomes": r["outcomes"],
              "peaks": [s["peak"] for s in r["per_second"]]}
    if args.flash:
        result.update(flash(args.connections, objects, alpha))
    end_nodes()
    sevenfold("lab", "down")
    return result


def peak_of(seconds):
    """The busiest node by the mean, over these seconds."""
    served = [sum(s) for s in zip(*(s["served"] for s in seconds))]
    return max(served) * len(served) / sum(served)


def flash(connections, objects, alpha):
    """peaks by second; and, as a second has but a hundred answers of each
    node, over the three before and the four from the third second on."""
    r = crowd(11, connections, objects, alpha, 9, "--flash", 4)
    seconds = r["per_second"][:11]
    return {"flash_wrong": r["wrong"],
            "flash_peaks": [s["peak"] for s in seconds[4:]],
            "flash_before": peak_of(seconds[1:4]),
            "flash_after": peak_of(seconds[6:10]),
            "flash_fetches": fetched().count("/flash")}


def table(results):
    base = {(r["objects"], r["alpha"]): r["requests_per_s"]
            for r in results if r["policy"] == "rr"}
    print(f"{'policy':14}{'objects':>8}{'zipf':>6}{'req/s':>8}{'of rr':>7}"
          f"{'copies':>8}{'peak':>6}{'fetches':>9}{'p99 ms':>8}{'wrong':>7}")
    for r in results:
        rr = base.get((r["objects"], r["alpha"]))
        share = f"{r['requests_per_s'] / rr:.2f}" if rr else "-"
        print(f"{r['policy']:14}{r['objects']:8}{r['alpha']:6}"
              f"{r['requests_per_s']:8.0f}{share:>7}{r['copies']:8.2f}"
              f"{r['peak']:6.2f}{r['fetches']:9.2f}{r['p99_ms']:8.0f}"
              f"{r['wrong']:7}")
        if "flash_peaks" in r:
            peaks = " ".join(f"{p:.2f}" for p in r["flash_peaks"])
            print(f"{'':14}flash crowd: peak before {r['flash_before']:.2f}, "
                  f"by second {peaks}, after 2 s {r['flash_after']:.2f}; "
                  f"origin fetches {r['flash_fetches']}; "
                  f"wrong {r['flash_wrong']}")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--nodes", type=int, default=16)
    p.add_argument("--link", default="16mbit")
    p.add_argument("--seconds", type=int, default=10)
    p.add_argument("--warm", type=int, default=5)
    p.add_argument("--connections", type=int, default=320)
    p.add_argument("--objects", default="100,100000")
    p.add_argument("--alphas", default="0.7,0.8,1.0")
    p.add_argument("--policies", default=",".join(POLICIES))
    p.add_argument("--flash", action="store_true")
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    results = []
    with tempfile.TemporaryDirectory(prefix="sevenfold-") as folder:
        pathlib.Path(folder).chmod(0o755)
        measure_all(args, pathlib.Path(folder), results)
    if not args.json:
        table(results)


def measure_all(args, folder, results):
    for objects in map(int, args.objects.split(",")):
        for alpha in map(float, args.alphas.split(",")):
            for policy in args.policies.split(","):
                with only_lab():
                    results.append(
                        measure(args, folder, policy, objects, alpha))
                if args.json:
                    print(json.dumps(results[-1]), flush=True)
                else:
                    print(f"{policy} {objects} {alpha} done", file=sys.stderr)


if __name__ == "__main__":
    main()
