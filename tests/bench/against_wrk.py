#!/usr/bin/env python3
"""against_wrk.py [ROUNDS]: `sevenfold bench load` beside wrk, at saturation.

Both ask one nginx on loopback over 63 connections, in turn, round after round;
told are medians: requests a second, and what a request costs the client in CPU.
Fails when ours is more than 5 % slower, or costs more. Rates mean something on a
quiet machine only; CPU does on any.
"""

import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_tools import NGINX, SEVENFOLD, free_port, running, wait_for

SECONDS = 2
CONF = """\
daemon off; worker_processes 1; pid nginx.pid; error_log error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
    server {{ listen 127.0.0.1:{port} backlog=4096; root {root}; }}
}}
"""
SIZES = {"1k": 1024, "22k": 22 * 1024}


def cpu_s():
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


def measured(command, rate_of):
    before = cpu_s()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rate = rate_of(done.stdout)
    return rate, (cpu_s() - before) * 1e6 / (rate * SECONDS)


def wrk(url, close):
    command = ["wrk", "-t1", "-c63", f"-d{SECONDS}", url]
    if close:
        command += ["-H", "Connection: close"]
    return measured(
        command,
        lambda out: float(re.search(r"Requests/sec: +([\d.]+)", out)[1]),
    )


def ours(address, path, close):
    command = [SEVENFOLD, "bench", "load", path, "--target", address]
    command += ["--duration", str(SECONDS), "--json"]
    return measured(
        command + ["--close"] * close,
        lambda out: json.loads(out)["requests_per_s"],
    )


def median(runs):
    return [statistics.median(column) for column in zip(*runs)]


def compare(address, name, close, rounds):
    theirs, mine = [], []
    for _ in range(rounds):
        theirs.append(wrk(f"http://{address}/{name}", close))
        mine.append(ours(address, f"/{name}", close))
    (their_rate, their_cpu), (rate, cpu) = median(theirs), median(mine)
    good = rate >= 0.95 * their_rate and cpu <= their_cpu
    what = f"{name}, {'a connection each' if close else 'kept alive'}"
    print(
        f"{what:24} wrk {their_rate:8.0f}/s {their_cpu:6.2f} us   "
        f"ours {rate:8.0f}/s {cpu:6.2f} us   {'ok' if good else 'NOT OK'}",
        flush=True,
    )
    return good


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        for name, size in SIZES.items():
            (root / name).write_bytes(bytes(size))
        (root / "nginx.conf").write_text(CONF.format(port=port, root=root))
        with running(NGINX, "-p", root, "-c", "nginx.conf"):
            wait_for(port)
            results = [
                compare(f"127.0.0.1:{port}", name, close, rounds)
                for close in (False, True)
                for name in SIZES
            ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
