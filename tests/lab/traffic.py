"""Traffic for tests of connections that move: what is asked for, and who asks."""

import json
import pathlib
import random

from conftest import (SEVENFOLD, STATE, VIP, lab_exec, readable, sevenfold,
                      sh)
from meters import stayed, total

HERE = pathlib.Path(__file__).resolve().parent
OBJECTS = 300


def mixed_sizes():
    """Of 300 bytes to 150 KB, the mean some 23 KB."""
    rng = random.Random(11)
    return [int(300 * 2 ** (rng.random() ** 2 * 9)) for _ in range(OBJECTS)]


def write_log(folder, lines, sizes):
    """A log of requests for objects of these sizes, all as popular as each
    other, and what an origin needs to serve it."""
    rng = random.Random(12)
    log = folder / "access.log"
    log.write_text("".join(
        f'c - - [01/Aug/1995:06:00:00 +0000] "GET /{i}.bin HTTP/1.0" 200 '
        f'{sizes[i]}\n' for i in (rng.randrange(len(sizes))
                                  for _ in range(lines))))
    sevenfold("bench", "replay", log, "--prepare", folder)
    readable(folder)
    return log, folder / "nginx.conf"


def one_object(folder, size):
    """The configuration of an origin that has one object for all names."""
    root = folder / "root"
    root.mkdir(exist_ok=True)
    (root / "object").write_bytes(b"x" * size)
    nginx = folder / "nginx.conf"
    nginx.write_text(f"""user root; worker_processes 1; error_log stderr;
events {{ worker_connections 8192; }}
http {{
log_format fetches '$request_uri $status $body_bytes_sent';
access_log {STATE}/logs/origin-access.log fetches;
keepalive_requests 1000000;
server {{
listen 198.18.0.3:80 backlog=4096; root {root};
location / {{ try_files /object =404; expires 1h; }}
}} }}
""")
    return nginx


def free_origin():
    """The origin's link is not what is measured."""
    rate = "tbf rate 10gbit burst 4mb limit 40mb".split()
    dev = sh("ip", "-n", "sevenfold-origin", "-j", "route", "get",
             VIP, check=False).stdout
    dev = json.loads(dev)[0]["dev"] if dev.strip() else "eth0"
    for ns, end in (("sevenfold-origin", dev),
                    ("sevenfold-switch", "p-origin")):
        sh("tc", "-n", ns, "qdisc", "replace", "dev", end, "root", *rate)


def crowd(seconds, connections, objects, alpha, seed, *more):
    """A closed loop of clients who choose of so many objects by Zipf."""
    r = lab_exec("client", SEVENFOLD, "bench", "crowd", "--target",
                 f"{VIP}:80", "--host", "lab.test", "--objects", objects,
                 "--alpha", alpha, "--connections", connections,
                 "--duration", seconds, "--seed", seed, "--json", *more,
                 check=False, timeout=seconds + 120)
    if not r.stdout.startswith("{"):
        raise AssertionError(r.stdout + r.stderr)
    return json.loads(r.stdout)


def replay(log, *options):
    said = lab_exec("client", SEVENFOLD, "bench", "replay", log, "--target",
                    f"{VIP}:80", "--json", *options, timeout=600).stdout
    return json.loads(said)


def race(root, seconds, seed, *behaviours, vip=VIP, host="client"):
    """racer.py's clients, who ask for what is in root."""
    said = json.loads(lab_exec(
        host, "python3", HERE / "racer.py", vip, "80", root, str(seconds),
        str(seed), *behaviours, timeout=seconds + 60).stdout)
    print(said, stayed(), {k: total(k) for k in (
        "given", "taken", "moves_refused", "moves_failed")})
    return said
