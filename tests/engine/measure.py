"""Windows: some tenths of a second of load on one server, while its CPU time
is counted. All servers take turns, in another order in each round, so that
what disturbs the machine disturbs them alike; medians are compared."""

import atexit
import dataclasses
import json
import random
import statistics
import subprocess

from peers import TOOLS
from procs import CLIENT_CORE, BenchError, set_up_child

WARM_S = 0.1
FEW = 8  # connections, for which the client would sleep


class Client:
    """engine_client, which asks for one object or several."""

    def __init__(self, server, paths, size, connections, keys=0):
        command = [TOOLS / "engine_client", "--connections", connections,
                   "--length", size, "--keys", keys,
                   *(["--spin"] if connections <= FEW else []),
                   "127.0.0.1", server.port, *paths]
        self.server = server
        self.process = subprocess.Popen(
            [str(c) for c in command], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=lambda: set_up_child(CLIENT_CORE))
        atexit.register(self.stop)
        if self.process.stdout.readline() != "ready\n":
            self.fail("could not connect")

    def fail(self, what):
        self.process.kill()
        errors = self.process.stderr.read()
        raise BenchError(f"a client of {self.server.name} {what}: {errors}")

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            self.fail("ended")
        result = json.loads(answer)
        if result["errors"] or not result["requests"]:
            self.fail(f"got {result['errors']} wrong answers")
        return result

    def run(self, seconds):
        return self.tell(f"run {seconds}")

    def count(self, requests):
        return self.tell(f"count {requests}")

    def each(self):
        """One request on each connection, some at a time."""
        return self.tell("each")

    def stop(self):
        atexit.unregister(self.stop)
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


@dataclasses.dataclass
class Window:
    cpu_us: float       # of the server, per request
    upstream_us: float  # of what is behind it, per request
    rate: float         # requests per second
    p50_us: float
    p99_us: float
    requests: int

    @property
    def both_us(self):
        return self.cpu_us + self.upstream_us


def window(client, upstream, seconds):
    server = client.server
    before = server.cpu_ns(), upstream.cpu_ns() if upstream else 0
    seen = client.run(seconds)
    after = server.cpu_ns(), upstream.cpu_ns() if upstream else 0
    n = seen["requests"]
    return Window((after[0] - before[0]) / n / 1e3,
                  (after[1] - before[1]) / n / 1e3,
                  n / seen["seconds"], seen["p50_us"], seen["p99_us"], n)


class Cell:
    """The windows of one server under one load."""

    def __init__(self, client, upstream=None):
        self.client, self.upstream = client, upstream
        self.name = client.server.name
        self.windows = []

    def median(self, field):
        return statistics.median(getattr(w, field) for w in self.windows)

    def quartiles(self, field):
        values = sorted(getattr(w, field) for w in self.windows)
        return values[len(values) // 4], values[-1 - len(values) // 4]


def warm(client):
    """The first request alone, for caches to keep the answer; then one on
    each connection, twice for those that keep what they see again."""
    client.count(1)
    client.each()
    client.each()
    client.run(WARM_S)


def chosen(loads, options):
    """Of a suite's (path, connections), those that were asked for."""
    return [(path, connections) for path, connections in loads
            if not options.loads
            or f"{path[1:]},{connections}" in options.loads]


def take_turns(cells, rounds, seconds, rng=random.Random(7)):
    """Fills the cells' windows."""
    for _ in range(rounds):
        for cell in rng.sample(cells, len(cells)):
            cell.windows.append(
                window(cell.client, cell.upstream, seconds))
