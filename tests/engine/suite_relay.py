"""relay: what a node that is asked for another node's object spends on it,
beside proxies in front of a server of files."""

import http.client
import itertools
import time

import peers
from measure import Cell, Client, chosen, take_turns, warm
from procs import CLIENT_CORE, SERVER_CORE, BenchError, Place
from report import load_name

# path, connections
LOADS = [("/1k", 32), ("/1k", 256), ("/10k", 32), ("/100k", 32), ("/1m", 32)]
OURS = "sevenfold"
OBJECTS = 8  # of each size
HOST = "bench.test"
NODES = ("n1", "n2")
MEET_S = 10  # for two nodes to know each other

# path, connections, most, and of what: the proxy's CPU to the best one's, or
# that of proxy and owner to nginx in front of nginx
GOALS = [
    ("/1k", 256, 0.33, "cpu_us"),
    ("/1k", 32, 0.45, "cpu_us"),
    ("/10k", 32, 0.50, "cpu_us"),
    ("/100k", 32, 0.68, "cpu_us"),
    ("/1m", 32, 0.62, "cpu_us"),
    ("/1k", 256, 0.30, "both_us"),
]
BEST = [peer.name for peer in peers.RELAY_PEERS]


class Servers:
    """Who relays, and who is behind each."""

    def __init__(self, place, options):
        origin = peers.start_origin(place)
        peer_port = place.port()
        self.n1, self.n2 = (
            peers.start_node(place, options.sevenfold, name, origin.port,
                             "512M", peer_port, NODES, core)
            for name, core in zip(NODES, (SERVER_CORE, CLIENT_CORE)))
        self.behind = {self.n1: self.n2}
        for peer in peers.RELAY_PEERS if options.peers else ():
            self.behind[peers.start(place, peer, origin.port)] = origin


def cache_status(port, path):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    c.request("GET", path, headers={"Host": HOST})
    answer = c.getresponse()
    answer.read()
    c.close()
    if answer.status != 200:
        raise BenchError(f"{path}: status {answer.status}")
    return answer.headers["Cache-Status"] or ""


def wait_for_peers(n1):
    """Until n1 relays: objects of which n2 owns some half are asked for."""
    deadline = time.monotonic() + MEET_S
    while not any(cache_status(n1.port, f"/100?{i}").startswith("n2")
                  for i in range(20)):
        if time.monotonic() > deadline:
            n1.fail("does not ask n2")
        time.sleep(0.1)


def owned_by_n2(n1, path):
    """Paths to the object, by a query that files do not mind."""
    paths = (f"{path}?{i}" for i in range(1000))
    return list(itertools.islice(
        (p for p in paths if cache_status(n1.port, p).startswith("n2")),
        OBJECTS))


def check_relayed(n1, paths):
    for path in paths:
        status = cache_status(n1.port, path)
        if not status.startswith("n2; hit"):
            raise BenchError(f"{path} is no hit of n2 but '{status}'")


def measure(servers, load, options):
    """name -> Cell under one load."""
    path, connections = load
    paths = owned_by_n2(servers.n1, path)
    cells = []
    for server, behind in servers.behind.items():
        client = Client(server, paths, peers.SIZES[path], connections)
        warm(client)
        cells.append(Cell(client, behind))
    check_relayed(servers.n1, paths)
    take_turns(cells, options.rounds, options.seconds)
    check_relayed(servers.n1, paths)
    for cell in cells:
        cell.client.stop()
    return {cell.name: cell for cell in cells}


def judge(report, seen):
    for *load, most, field in GOALS:
        cells = seen.get(tuple(load))
        if not cells:
            continue
        proxies = BEST if field == "cpu_us" else ["nginx"]
        least = min(cells[name].median(field) for name in proxies)
        what = "CPU / the best proxy's" if field == "cpu_us" else \
            "CPU with the owner's / nginx before nginx"
        report.goal("relay", f"relay, {load_name(load)} in flight: {what}",
                    most, cells[OURS].median(field) / least)


def run(report, options):
    seen = {}
    with Place() as place:
        servers = Servers(place, options)
        wait_for_peers(servers.n1)
        for load in chosen(LOADS, options):
            seen[load] = measure(servers, load, options)
            report.record_cells("relay", load, seen[load])
    report.compare("relay: CPU of the proxy per request, us", seen, "cpu_us")
    report.compare("relay: CPU of the owner or the server of files behind it, "
                   "us", seen, "upstream_us")
    report.compare("relay: median latency, us", seen, "p50_us")
    report.compare("relay: requests per second", seen, "rate")
    if options.peers:
        judge(report, seen)
