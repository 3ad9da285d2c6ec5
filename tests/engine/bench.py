#!/usr/bin/env python3
"""The engine's benchmark: what a node's requests cost beside other servers'.

Each server is pinned to one core, its load and its origin to another, and
charged with the CPU time of all its threads, as the kernel accounts for it.
See measure.py for how, suite_*.py for what.

How the kernel's TCP sends large bodies depends on its congestion control: bbr
paces them by timers, which on a virtual machine may cost more than all else of a
body that sendfile() sends, while who copies is slower than the timers anyway.
"""

import argparse
import os
import pathlib
import signal
import sys
import time

import suite_distill
import suite_hit
import suite_idle
import suite_keys
import suite_relay
from peers import ROOT, find_sevenfold
from procs import CLIENT_CORE, SERVER_CORE, BenchError, used_s
from report import Report

SUITES = {"hit": suite_hit, "relay": suite_relay,
          "idle": suite_idle, "keys": suite_keys,
          "distill": suite_distill}
CONGESTION = "net.ipv4.tcp_congestion_control"


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    p.add_argument("suites", nargs="*", metavar="SUITE",
                   help=f"of {', '.join(SUITES)}; all if left out")
    p.add_argument("--json", action="store_true",
                   help="a JSON object per line instead of tables")
    p.add_argument("--quick", action="store_true",
                   help="fewer and shorter windows: a first look only")
    p.add_argument("--rounds", type=int, help="windows per server and load "
                   "(7); twice as many of idle, three times of keys")
    p.add_argument("--seconds", type=float, help="of a window")
    p.add_argument("--load", action="append", dest="loads", default=[],
                   metavar="SIZE,N", help="only these loads of hit and relay: "
                   "1k,64 is 1 KB, 64 connections")
    p.add_argument("--no-peers", dest="peers", action="store_false",
                   help="only the floor and ourselves")
    p.add_argument("--congestion", metavar="NAME", help="use this congestion "
                   "control, in a network namespace of its own (as root)")
    p.add_argument("--sevenfold", default=os.environ.get(
        "SEVENFOLD", ROOT / "build" / "sevenfold"), help="the program")
    options = p.parse_args()
    for suite in options.suites:
        if suite not in SUITES:
            p.error(f"no suite '{suite}'")
    options.suites = options.suites or list(SUITES)
    options.rounds = options.rounds or (3 if options.quick else 7)
    options.seconds = options.seconds or (0.2 if options.quick else 0.4)
    return options


def congestion():
    return pathlib.Path("/proc/sys", CONGESTION.replace(".", "/")
                        ).read_text().strip()


def move(name):
    """Begins again in a network namespace with that congestion control."""
    script = f'ip link set lo up && sysctl -qw {CONGESTION}="$0" && exec "$@"'
    os.execvp("unshare", ["unshare", "-n", "sh", "-c", script, name,
                          sys.executable, *sys.argv])


def run(suite, report, options):
    start, (all_s, ours_s) = time.monotonic(), used_s()
    SUITES[suite].run(report, options)
    seconds, (all_end_s, ours_end_s) = time.monotonic() - start, used_s()
    report.tell_goals()
    others_s = all_end_s - all_s - (ours_end_s - ours_s)
    report.tell_others(suite, others_s, seconds)


def main():
    options = parse()
    if CLIENT_CORE == SERVER_CORE:
        sys.exit("bench: needs a core for the servers, and one for all else")
    # Programs end with us, however we end.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("bench: ended from outside"))
    if options.congestion not in (None, congestion()):
        move(options.congestion)
    os.sched_setaffinity(0, {CLIENT_CORE})
    report = Report(options.json)
    report.say(f"congestion control: {congestion()}")
    report.record(congestion=congestion())
    try:
        options.sevenfold = find_sevenfold(options.sevenfold)
        for suite in options.suites:
            run(suite, report, options)
    except BenchError as e:
        sys.exit(f"bench: {e}")


main()
