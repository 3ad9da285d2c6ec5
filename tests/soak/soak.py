#!/usr/bin/python3
"""soak.py SECONDS [SEED]: two nodes between an origin that lies and clients
that misbehave, on loopback, with caches far too small.

Every answer that is complete by its framing must be, byte for byte, what the
origin has or had under that URL, of one version, not too old, and for whoever
got it, whatever went wrong before (judge.py). Meanwhile no node may die or
write a sanitizer's report, nor grow once it is warm. At the end no client's
connection may be left, the counters must add up, and SIGTERM must end both
nodes with status 0: with a sanitizer's build ($SEVENFOLD names the program)
that is its verdict on leaks too.
"""

import asyncio
import pathlib
import random
import statistics
import sys
import tempfile
import time
import traceback

import nodes
from client import CLIENTS, Client
from judge import Judge
from origin import Origin

# Of a node's level when a third of the time is over, it may be so much more in
# the end. The caches are full long before; what is freed, allocators keep, more
# of it when the worst of moments came late.
GROWTH, GROWTH_KB = 1.10, 12000
SPARE_DESCRIPTORS = 4  # peers may have dialled anew, a check be under way


async def settled(all_nodes, good, seconds, what):
    for _ in range(int(seconds / .1)):
        said = nodes.status(all_nodes[0])
        if len(said) == len(all_nodes) and good(said):
            return said, []
        if not all(node.is_well() for node in all_nodes):
            break
        await asyncio.sleep(.1)
    return {}, [f"{what}: {nodes.status(all_nodes[0])}"]


async def watch(all_nodes, judge, until, tasks):
    """Until the time is over, or something is wrong."""
    while time.monotonic() < until and not judge.wrong and \
            all(node.is_well() for node in all_nodes) and \
            not any(task.done() for task in tasks):
        for node in all_nodes:
            node.sample()
        await asyncio.sleep(1)


async def disturb(all_nodes, rng, origin, judge, ports):
    """Now and then a node, or one of the origins, is away. The last port is
    nobody's: an origin that never was there."""
    async def listen(port):
        while True:
            try:
                return await asyncio.start_server(
                    origin.serve, "127.0.0.1", port, limit=1 << 20)
            except OSError:  # somebody connects from there
                await asyncio.sleep(.1)

    servers = [await listen(port) for port in ports[:-1]]
    try:
        while True:
            await asyncio.sleep(rng.uniform(5, 15))
            if rng.random() < .5:
                servers.pop(0).close()
                await asyncio.sleep(rng.uniform(.2, 4))
                servers.append(await listen(ports[0]))
                ports[:-1] = ports[1:-1] + ports[:1]
                continue
            # Longer, or not, than a peer may be silent.
            await rng.choice(all_nodes).halt(rng.choice((.3, 1, 3)))
            await asyncio.sleep(2)
            judge.forget_posts()
    finally:
        for server in servers:
            server.close()


def check_service(seen):
    """Nodes that answered with errors of their own only would tell no lie."""
    answers = sum(n for k, n in seen.items() if isinstance(k, int))
    good = sum(n for k, n in seen.items() if isinstance(k, int) and k < 400)
    if 2 * good < answers or not seen["; hit"]:
        return [f"{good} good ones of {answers} answers"]
    return []


def check_growth(node):
    n = len(node.samples)
    if n < 30 or nodes.has_tsan():
        return []  # nothing is warm yet; TSan never ends to take notes
    warm = statistics.median(node.samples[n // 3:n // 3 + n // 10])
    late = statistics.median(node.samples[-(n // 10):])
    print(f"{node.name}: {warm:.0f} kB when warm, {late:.0f} kB at the end")
    if late > GROWTH * warm + GROWTH_KB:
        return [f"{node.name} grew: {node.samples[::max(n // 40, 1)]}"]
    return []


async def check_descriptors(all_nodes, before):
    """Idle connections to origins end after a second. Those between nodes that
    large bodies are spliced from stay: a socket for a pipe, and one at the
    other node; but there are no more than clients that were served at once."""
    await asyncio.sleep(3)
    if any(node.process.poll() is not None for node in all_nodes):
        return []
    after = [node.descriptors() for node in all_nodes]
    spliced = sum(pipes for _, pipes in after) / 2
    return [f"{node.name} has {n} descriptors, {pipes} of pipes; {was} before"
            for node, (was, _), (n, pipes) in zip(all_nodes, before, after)
            if n - was > pipes + spliced + SPARE_DESCRIPTORS or
            pipes > 2 * CLIENTS]


async def traffic(all_nodes, rng, origin_ports, ports, seconds):
    """What was wrong with it."""
    origin = Origin(rng)
    judge = Judge(origin)
    until = time.monotonic() + seconds
    others = [asyncio.create_task(origin.change_now_and_then()),
              asyncio.create_task(disturb(
                  all_nodes, rng, origin, judge, origin_ports))]
    clients = [Client(judge, rng, ports) for _ in range(CLIENTS)]
    tasks = [asyncio.create_task(client.run()) for client in clients]
    await watch(all_nodes, judge, until, tasks + others)
    for client in clients:
        client.stopped = True
    done, late = await asyncio.wait(tasks, timeout=60)
    for task in late:
        task.cancel()
    for task in others:
        task.cancel()
    await asyncio.wait(others)
    print("answers:", ", ".join(
        f"{n} {k}" for k, n in sorted(judge.seen.items(), key=str)))
    return judge.wrong[:10] + check_service(judge.seen) + sorted({
        "".join(traceback.format_exception(task.exception()))
        for task in [*done, *others]
        if not task.cancelled() and task.exception()}) + \
        [f"{len(late)} clients did not end"] * bool(late)


async def soak(folder, seconds, seed):
    """What was wrong."""
    *origin_ports, peer, port1, port2 = nodes.free_ports(6)
    all_nodes = nodes.start(folder, origin_ports, peer, (port1, port2))
    problems = []
    try:
        _, problems = await settled(
            all_nodes, lambda said: True, 10, "no start")
        if problems:
            return problems
        before = [node.descriptors() for node in all_nodes]
        problems = await traffic(all_nodes, random.Random(seed), origin_ports,
                                 (port1, port2), seconds)
        said, left = await settled(
            all_nodes, lambda said: not any(
                c["connections"] for c in said.values()),
            15, "connections are left")
        problems += left + nodes.check_sums(said)
        problems += await check_descriptors(all_nodes, before)
        for node in all_nodes:
            problems += check_growth(node)
    finally:
        for node in all_nodes:
            end = node.end()
            if end != 0 or node.has_report():
                problems += [f"{node.name} ended with {end}"] + node.report()
    return problems


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.splitlines()[0])
    seconds, seed = float(sys.argv[1]), int((sys.argv + [1])[2])
    with tempfile.TemporaryDirectory() as folder:
        problems = asyncio.run(soak(pathlib.Path(folder), seconds, seed))
    print("\n".join(problems) or "nothing is wrong")
    sys.exit(bool(problems))


main()
